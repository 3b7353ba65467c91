"""Taking a workpaper back: checked against the sealed frame, and recorded in the chain when it is finished."""

from collections.abc import Sequence
from pathlib import Path

from cpg1_assets.errors import EvidenceError, printable
from cpg1_assets.evidence.chain.links import Link, read_chain
from cpg1_assets.evidence.chain.sample import record_sample
from cpg1_assets.evidence.chain.seal import SealedVersion, versions_in
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.evidence.samples.returned import Returned, changed, read_workpaper, unfinished
from cpg1_assets.evidence.samples.sample import Sample, draw_sample
from cpg1_assets.evidence.samples.workpaper import Mark

_SHOWN, _LONGEST_NAME = 20, 255


def take_sample(evidence: Path, path: Path, *, signer: Signer | None = None) -> Link:
    """Take a workpaper that was filled in into the chain of `evidence`, and give its link.

    Raises EvidenceError naming each row that was added, removed or changed, and each without a result.
    """
    returned = read_workpaper(path)
    sample = draw_sample(sealed_of(evidence, returned.mark), returned.mark.asset, returned.mark.terms)
    require_nothing(f"{path.name} is not the sample that was drawn", [*changed(returned, sample)])
    require_nothing(f"{path.name} is not finished", [*unfinished(returned)])
    return record_sample(
        evidence, returned.content, path.suffix.lower(), _body(returned, sample), signer=signer
    )


def sealed_of(evidence: Path, mark: Mark) -> SealedVersion:
    """Give the sealed version that a workpaper says it is of. Raises EvidenceError where the chain has no such seal."""
    versions = {sealed.version: sealed for sealed in versions_in(read_chain(evidence), evidence, mark.month)}
    sealed = versions.get(mark.version)
    if sealed is None or sealed.link.digest != mark.seal_digest:
        raise EvidenceError(
            f"The chain in {evidence} has no seal of {mark.month} version {mark.version} with the digest that the "
            f"workpaper names ({mark.seal_digest[:20]}…): the sample was drawn from other evidence."
        )
    return sealed


def require_nothing(what: str, problems: Sequence[str]) -> None:
    """Raise EvidenceError with the first of the problems, where there are any."""
    if problems:
        more = f" And {len(problems) - _SHOWN} more." if problems[_SHOWN:] else ""
        raise EvidenceError(f"{what}. Nothing was recorded. {' '.join(problems[:_SHOWN])}{more}")


def _body(returned: Returned, sample: Sample) -> dict[str, object]:
    mark, terms = returned.mark, sample.terms
    return {
        "month": mark.month,
        "version": mark.version,
        "seal_digest": mark.seal_digest,
        "asset": mark.asset,
        "frame_sha256": sample.frame_sha256,
        "rows_root": str(sample.tree),
        "method": terms.method,
        "size": terms.size,
        "seed": terms.seed,
        "amount": terms.amount,
        "company": terms.company,
        "rows": len(sample.rows),
        "results": returned.results,
        "name": printable(returned.name)[:_LONGEST_NAME],
    }
