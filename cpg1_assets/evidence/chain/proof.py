"""What a month must prove before it is sealed: that its files are what its extracts and the loaded rules give.

Provenance says of each file what it was computed from and by which code. Where every file was computed by the code that
is loaded, from the very files that are there now, computing the month again would give the same bytes; so a large
month is not computed twice for it. Nothing is believed of a file that nobody vouches for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cpg1_assets.errors import EvidenceError
from cpg1_assets.rules.check_results import Validated, rows_of_validations
from cpg1_assets.storage.provenance import Provenance


class Stored(NamedTuple):
    """A file of the month as it is in storage: its SHA-256, and where it came from."""

    sha256: str
    provenance: Provenance


def require_one_version(
    month: str, stored: Mapping[str, Stored], codes: Mapping[str, str], inputs: Mapping[str, Iterable[str]]
) -> None:
    """Raise EvidenceError unless every file of the month is what the loaded code gives from the others.

    `stored` are all files of the month by asset, `codes` the digest of what each asset uses as it is loaded, `inputs`
    what each is computed from. The error names every asset that is not proven, and the command that mends it.
    """
    if not stored:
        raise EvidenceError(f"{month} has no files: there is nothing to seal.")
    unproven = {
        asset: why
        for asset in sorted(stored)
        if (why := "; ".join(why_unproven(asset, stored, codes, inputs.get(asset, ()))))
    }
    if unproven:
        told = ". ".join(f"{asset}: {why}" for asset, why in unproven.items())
        raise EvidenceError(
            f"{month} is not sealed: its files are not of one computation. {told}. Compute the whole month again: "
            f"cpg1 close --month {month}"
        )


def why_unproven(
    asset: str, stored: Mapping[str, Stored], codes: Mapping[str, str], inputs: Iterable[str]
) -> Iterator[str]:
    """Say why a stored file is not what the loaded code gives from the files of `stored`; nothing where it is."""
    provenance = stored[asset].provenance
    if provenance.sha256 != stored[asset].sha256:
        yield "its provenance is of another file"
    if provenance.code != codes[asset]:
        yield "it was computed by other code, rules or queries than are loaded"
    if unread := sorted(set(inputs) - provenance.inputs.keys()):
        yield f"it was computed without {', '.join(unread)}"
    older = [
        name for name, sha256 in sorted(provenance.inputs.items()) if _is_other(stored.get(name), sha256)
    ]
    if older:
        yield f"it was computed from other files of {', '.join(older)} than are there now"


def _is_other(now: Stored | None, sha256: str) -> bool:
    return now is None or now.sha256 != sha256


def require_check_results(
    month: str, results: Iterable[Mapping[str, Any]], validations: Mapping[str, Sequence[Validated]]
) -> None:
    """Raise EvidenceError unless the check results hold, of each asset that was validated, what was found last.

    `results` are the month's rows of `check_results`. The same file may be drawn again and another thing be found.
    """
    drawn = {(asset, found["name"]) for asset, several in validations.items() for found in several}
    kept = sorted(map(_said, (row for row in results if (row["asset"], row["check"]) in drawn)))
    found = sorted(map(_said, rows_of_validations(validations)))
    if kept != found:
        other = sorted({asset for asset, *_ in set(kept) ^ set(found)})
        raise EvidenceError(
            f"{month} is not sealed: its check results are not what was found when {', '.join(other)} was drawn. "
            f"Materialize check_results of {month} again, or close the month: cpg1 close --month {month}"
        )


def _said(row: Mapping[str, Any]) -> tuple[str, str, str, bool, bool, str]:
    return (row["asset"], row["check"], row["severity"], row["passed"], row["tested"], row["figures"])
