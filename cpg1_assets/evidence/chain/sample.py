"""Samples in the chain: the workpaper that was filled in is kept in the evidence folder, and a link has its digest.

`<month>/samples/<SHA-256>.xlsx` or `.csv`: a name that follows from the bytes, so that what a killed process left
without a link is taken up when the same file is taken in again. What a workpaper says is read in `evidence.samples`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cpg1_assets.disk import sync
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.durable import keep
from cpg1_assets.evidence.chain.links import SAMPLE, SEAL, Link, Problem, append_link, is_digest, read_chain
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.lock import held_lock
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.plain_file import sha256_of_plain
from cpg1_assets.refusal import naming

SAMPLES = "samples"
_SUFFIXES = (".xlsx", ".csv")
_TEXTS = ("month", "asset", "method", "seed", "rows_root", "name")
_DIGESTS = ("seal_digest", "frame_sha256", "sha256")
_COUNTS = ("version", "size", "rows", "size_bytes")
_PERHAPS = ("amount", "company")
_FIELDS = {*_TEXTS, *_DIGESTS, *_COUNTS, *_PERHAPS, "file", "results"}


def record_sample(
    evidence: Path, content: bytes, suffix: str, body: Mapping[str, Any], *, signer: Signer | None = None
) -> Link:
    """Keep a workpaper in the evidence folder, and add the link that has its digest.

    `body` says which sealed version, frame and draw it is of and what the results are. Raises EvidenceError where the
    chain has this file already, and StorageError where it cannot be kept.
    """
    month, sha256 = str(body["month"]), hashlib.sha256(content).hexdigest()
    file = f"{SAMPLES}/{sha256}{suffix}"
    path = evidence / month / file
    with (
        held_lock(evidence.parent / "locks" / f"samples-{month}.lock", f"the samples of {month}", wait=True),
        naming("The sample", path),
    ):
        for link in read_chain(evidence):
            if link.kind == SAMPLE and link.body.get("sha256") == sha256:
                raise EvidenceError(
                    f"This very file is in the chain already, as link {link.index} ({link.made_at})."
                )
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_partials(path.parent)
        if not _is_kept(path, sha256):
            beside = path.with_name(partial_name(path.name))
            beside.unlink(missing_ok=True)
            keep(content, beside)
            beside.rename(path)
            sync(path.parent)
            sync(path.parent.parent)
        kept = {"file": file, "size_bytes": len(content), "sha256": sha256}
        return append_link(evidence, SAMPLE, {**body, **kept}, signer=signer)


def sample_files(links: Iterable[Link]) -> dict[str, tuple[int, str]]:
    """Give size and SHA-256 of each workpaper that links of a month speak of, by its path in the month's folder."""
    return {
        str(link.body["file"]): (int(link.body["size_bytes"]), str(link.body["sha256"]))
        for link in links
        if link.kind == SAMPLE and not _wrong_body(link.body)
    }


def sample_problems(links: Iterable[Link]) -> list[Problem]:
    """Name each link of a sample that this software would not have made."""
    problems = []
    seals: dict[str, Link] = {}
    kept: set[str] = set()
    for link in links:
        if link.kind == SEAL:
            seals[link.digest] = link
        if link.kind != SAMPLE:
            continue
        why = _wrong_body(link.body)
        if not why:
            seal = seals.get(link.body["seal_digest"])
            said = (link.body["month"], link.body["version"])
            if seal is None or (seal.body.get("month"), seal.body.get("version")) != said:
                why = "It is a sample of a seal that the chain does not have before it."
            elif link.body["sha256"] in kept:
                why = "It takes in a file that a link before it has taken in."
            kept.add(link.body["sha256"])
        if why:
            problems.append(Problem(SAMPLE, link.name, why))
    return problems


def _wrong_body(body: Mapping[str, Any]) -> str:
    """Say why a body is none of a sample; nothing where it may be one."""
    results = body.get("results")
    fits = (
        body.keys() == _FIELDS
        and all(isinstance(body[name], str) and body[name] for name in _TEXTS)
        and all(body[name] is None or (isinstance(body[name], str) and body[name]) for name in _PERHAPS)
        and all(is_digest(body[name]) for name in _DIGESTS)
        and all(type(body[name]) is int and body[name] > 0 for name in _COUNTS)
        and body["file"] in [f"{SAMPLES}/{body['sha256']}{suffix}" for suffix in _SUFFIXES]
        and isinstance(results, dict)
        and all(type(count) is int and count >= 0 for count in results.values())
    )
    if not fits:
        return "It does not say what a sample says: seal, frame, draw, file and results."
    if sum(body["results"].values()) != body["rows"]:
        return f"It has results of {sum(body['results'].values())} rows, and {body['rows']} were drawn."
    return ""


def _is_kept(path: Path, sha256: str) -> bool:
    """Whether a process that was killed has left this very file. Raises EvidenceError for another one in its place."""
    try:
        found = sha256_of_plain(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
    if found != sha256:
        raise EvidenceError(f"{path} is there, is another file than its name says, and is not overwritten.")
    return True
