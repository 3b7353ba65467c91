"""The chain of all that is recorded for good: one small file a link, each covering the digest of the link before it.

`chain/<NNNNNN>.json` under the evidence folder, in the order the links were made, whatever month they are
of. A link is canonical JSON (keys sorted, no blanks, UTF-8) and is never written twice. What a link's body
means is settled in `seal`, `sign_off`, `reopen` and `key_register`; whether the files it speaks of are still
there, in `verify`.
"""

import getpass
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cpg1_assets.disk import sync
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.json_file import parse_json
from cpg1_assets.lock import held_lock
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.plain_file import kind_of, read_plain
from cpg1_assets.refusal import naming

FORMAT = "cpg1-chain-1"
FOLDER = "chain"
BEFORE_THE_FIRST = "0" * 64
SEAL, SIGN_OFF, REOPEN = "seal", "sign-off", "reopen"
KEY, KEY_REVOCATION = "key", "key-revocation"
OF_A_MONTH = frozenset({SEAL, SIGN_OFF, REOPEN})
"""The kinds whose links say which month they are of."""
KINDS = OF_A_MONTH | {KEY, KEY_REVOCATION}
_NAME = re.compile(r"[0-9]{6}\.json")
_PARTIAL = re.compile(r"\..*\.partial")
_FIELDS = {"format", "index", "kind", "previous", "made_at", "made_by", "body", "digest"}
_ANCHOR_DIGITS, _GROUP = 20, 5
LARGEST_LINK = 1 << 20
"""Bytes. No larger link is written, and none is read: a larger one would stop everything that comes after it."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00")
_NAMED_GAP = 100
"""So many links that are not there in a row are named one by one."""


class Problem(NamedTuple):
    """One thing that is not as it was sealed: its kind, the file (relative to the evidence folder), a sentence."""

    kind: str
    path: str
    message: str


@dataclass(frozen=True)
class Link:
    """One link, as it stands in its file."""

    index: int
    kind: str
    previous: str
    made_at: str
    made_by: str
    body: Mapping[str, Any]
    digest: str
    signature: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Place of the link's file, relative to the evidence folder."""
        return f"{FOLDER}/{self.index:06d}.json"

    def signed_part(self) -> dict[str, Any]:
        """Give what the digest covers: everything but the digest and the signature."""
        return {
            "format": FORMAT,
            "index": self.index,
            "kind": self.kind,
            "previous": self.previous,
            "made_at": self.made_at,
            "made_by": self.made_by,
            "body": self.body,
        }

    def content(self) -> bytes:
        """Give the bytes of the link's file."""
        document = {**self.signed_part(), "digest": self.digest}
        if self.signature is not None:
            document["signature"] = self.signature
        return canonical(document) + b"\n"


class ReadChain(NamedTuple):
    """The links that can be read, in order, and what is wrong with the chain."""

    links: list[Link]
    problems: list[Problem]
    notes: list[str]


def is_digest(found: object) -> bool:
    """Whether a value is a SHA-256 as this software writes it: 64 digits in lower case."""
    return isinstance(found, str) and _DIGEST.fullmatch(found) is not None


def time_of(said: object) -> datetime | None:
    """Read a time as links and seals have it, such as 2025-10-03T07:15:00+00:00; None for anything else."""
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) and _TIME.fullmatch(said) else None
    except ValueError:
        return None


def time_now(*not_before: str) -> str:
    """Give the time of now as it is written, or the latest of `not_before`, where the clock stands behind that.

    Times in evidence never run backward: what is made later is not dated before what was made sooner, by whatever
    clock that was.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return max([now, *(said for said in not_before if time_of(said) is not None)])


def canonical(document: Mapping[str, Any]) -> bytes:
    """Write JSON the one way digests are taken of: keys sorted, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(link: Link) -> str:
    """SHA-256 of what a link says, in hexadecimal."""
    return hashlib.sha256(canonical(link.signed_part())).hexdigest()


def read_chain(evidence: Path) -> list[Link]:
    """Give the links in order. Raises EvidenceError when the chain is not whole."""
    links, problems, _ = inspect_chain(evidence)
    if problems:
        raise EvidenceError(
            f"The chain of seals is damaged. {problems[0].path}: {problems[0].message} Look at all of it with: "
            "cpg1 evidence verify; then put the chain back from a copy."
        )
    return links


def inspect_chain(evidence: Path) -> ReadChain:
    """Read what can be read of the chain and say what is wrong with it; raises nothing."""
    folder = evidence / FOLDER
    links: list[Link] = []
    problems: list[Problem] = []
    notes: list[str] = []
    names = _names(folder, problems, notes)
    expected = 1
    before = BEFORE_THE_FIRST
    for name in names:
        place = f"{FOLDER}/{name}"
        index = int(name[:6])
        if expected < index:
            problems += _missing(expected, index)
            before = ""
        expected = index + 1
        link = _read_link(folder / name, place, problems)
        if link is None:
            before = ""
            continue
        if link.index != index:
            problems.append(
                Problem("reordered", place, f"This is link {link.index}: links were moved or renamed.")
            )
        if before and link.previous != before:
            problems.append(
                Problem(
                    "reordered",
                    place,
                    "It does not follow the link before it: the chain was cut, reordered or written anew.",
                )
            )
        before = link.digest
        links.append(link)
    return ReadChain(links, problems, notes)


def head(evidence: Path) -> Link | None:
    """Give the newest link; None where nothing was sealed yet. Raises EvidenceError on a damaged chain."""
    links = read_chain(evidence)
    return links[-1] if links else None


def append_link(
    evidence: Path, kind: str, body: Mapping[str, Any], *, signer: Signer | None = None, not_before: str = ""
) -> Link:
    """Add a link to the chain, under its lock, and give it. It is not dated before the link before it and `not_before`.

    Raises EvidenceError on a damaged chain, and for a link that is too large to be read again or cannot be written.
    The file appears whole or not at all, and never in the place of another: a process killed at any moment
    leaves the chain as it was or with the new link.
    """
    folder = evidence / FOLDER
    with chain_lock(evidence), naming("The chain", folder):
        folder.mkdir(parents=True, exist_ok=True)
        sync(evidence)
        clear_partials(folder)
        links = read_chain(evidence)
        unsigned = Link(
            index=len(links) + 1,
            kind=kind,
            previous=links[-1].digest if links else BEFORE_THE_FIRST,
            made_at=time_now(not_before, *(link.made_at for link in links[-1:])),
            made_by=os_account(),
            body=_writable(body),
            digest="",
        )
        digest = digest_of(unsigned)
        signature = None if signer is None else signer.signature(digest)
        link = Link(**{**unsigned.__dict__, "digest": digest, "signature": signature})
        _require_readable(link)
        _publish(link, folder)
        return link


def clear_half_written(evidence: Path) -> None:
    """Clear away what a killed process left half written beside the links. Raises EvidenceError."""
    with chain_lock(evidence), naming("The chain", evidence / FOLDER):
        clear_partials(evidence / FOLDER)


def chain_lock(evidence: Path) -> AbstractContextManager[None]:
    """Hold the right to add to the chain; the lock is beside the evidence, never in it."""
    return held_lock(evidence.parent / "locks" / "evidence-chain.lock", "the chain of seals", wait=True)


def anchor_of(link: Link) -> str:
    """Give what a person notes on paper: the link's number and the first 20 digits of its digest."""
    digits = link.digest[:_ANCHOR_DIGITS]
    groups = [digits[at : at + _GROUP] for at in range(0, _ANCHOR_DIGITS, _GROUP)]
    return "-".join([str(link.index), *groups])


def parse_anchor(text: str) -> tuple[int, str]:
    """Read an anchor as a person copied it: case, dashes and blanks do not matter after the number.

    Raises EvidenceError when it cannot be one.
    """
    found = re.fullmatch(r"\s*#?([0-9]{1,9})[\s\-–—:]+([0-9a-fA-F\s\-–—]+)", text)
    digits = re.sub(r"[^0-9a-f]", "", found[2].lower()) if found else ""
    if found is None or len(digits) != _ANCHOR_DIGITS:
        raise EvidenceError(
            f"{text!r} is not an anchor: it is the number of a link and 20 digits in four groups, "
            "such as 12-3f2a9-00c41-9be77-d51f0."
        )
    return int(found[1]), digits


def os_account() -> str:
    """Name of the operating-system account this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _writable(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a body as it will be read again. Raises EvidenceError for a text that has no bytes."""
    try:
        written: Mapping[str, Any] = parse_json(canonical(body))
    except UnicodeEncodeError as error:
        raise EvidenceError(
            f"{error.object[error.start : error.end]!a} is not a character that can be written. Nothing was "
            "recorded. Write the text again without it."
        ) from None
    return written


def _require_readable(link: Link) -> None:
    """Refuse, before anything is written, what `inspect_chain` would not take for a link. Raises EvidenceError."""
    size = len(link.content())
    if size > LARGEST_LINK:
        raise EvidenceError(
            f"This {link.kind} would take {size:,} bytes in the chain, which has room for {LARGEST_LINK:,} in one link. "
            "Nothing was recorded. Shorten what you say, and refer to a document for the rest."
        )


def _publish(link: Link, folder: Path) -> None:
    final = evidence_file = folder / f"{link.index:06d}.json"
    beside = folder / partial_name(f"{final.name}.{os.getpid()}")
    with beside.open("xb") as file:
        file.write(link.content())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, final)  # unlike a rename, it never takes the place of a file that is there
    except FileExistsError as error:
        raise EvidenceError(f"{evidence_file} is there already and is not overwritten.") from error
    except OSError:
        # A file system without hard links; nobody else writes under the lock.
        if final.exists():
            raise
        beside.rename(final)
    with suppress(FileNotFoundError):
        beside.unlink()
    sync(folder)


def _names(folder: Path, problems: list[Problem], notes: list[str]) -> list[str]:
    """Give the names of the links' files, sorted; anything else in the folder is a problem or a note."""
    if folder.is_symlink():
        problems.append(Problem("link", FOLDER, "The folder of the chain is a symbolic link."))
        return []
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        statuses = [(entry, entry.stat(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(Problem("unreadable", FOLDER, f"It cannot be read ({error.strerror or error})."))
        return []
    names = []
    partial = {entry.inode() for entry in entries if _PARTIAL.fullmatch(entry.name)}
    for entry, status in statuses:
        place = f"{FOLDER}/{entry.name}"
        if stat.S_ISLNK(status.st_mode):
            problems.append(Problem("link", place, "It is a symbolic link, not a file."))
        elif not stat.S_ISREG(status.st_mode):
            kind = "added" if stat.S_ISDIR(status.st_mode) else "special file"
            problems.append(
                Problem(kind, place, f"It is {kind_of(status.st_mode)}, not a link of the chain.")
            )
        elif _PARTIAL.fullmatch(entry.name):
            notes.append(f"{place}: left half written by a process that was killed; it counts for nothing.")
        elif not _NAME.fullmatch(entry.name) or entry.name == "000000.json":
            problems.append(Problem("added", place, "It is not a link of the chain."))
        else:
            if entry.inode() not in partial and status.st_nlink > 1:
                problems.append(Problem("hard link", place, HARD_LINK))
            names.append(entry.name)
    return names


def _missing(first: int, after: int) -> list[Problem]:
    """Name the links from `first` to the one before `after`, which are not there."""
    named = range(first, min(after, first + _NAMED_GAP))
    problems = [
        Problem("missing", f"{FOLDER}/{index:06d}.json", "This link of the chain is not there.")
        for index in named
    ]
    if named.stop < after:
        more = f"Nor are the {after - named.stop} links after it, up to {FOLDER}/{after - 1:06d}.json."
        problems[-1] = problems[-1]._replace(message=f"{problems[-1].message} {more}")
    return problems


HARD_LINK = (
    "It is a hard link: the same bytes have another name, through which they can be changed. "
    "Copy the folder file by file (cp -r) and keep the copy."
)


def _read_link(path: Path, place: str, problems: list[Problem]) -> Link | None:
    """Read one link; what cannot be read, or is not as it was written, is a problem."""
    try:
        data = read_plain(path, LARGEST_LINK)
    except OSError as error:
        problems.append(Problem("unreadable", place, f"It cannot be read ({error.strerror or error})."))
        return None
    link = _parsed(data)
    if link is None:
        problems.append(Problem("changed", place, "It is not a link as this software writes them."))
        return None
    if link.content() != data or digest_of(link) != link.digest:
        problems.append(Problem("changed", place, "Its content is not what its digest says."))
    return link


def _parsed(data: bytes) -> Link | None:
    try:
        found = parse_json(data)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return None
    signature = found.get("signature")
    texts = ("kind", "previous", "made_at", "made_by", "digest")
    well_formed = (
        found.keys() - {"signature"} == _FIELDS
        and type(found["index"]) is int
        and all(isinstance(found[name], str) for name in texts)
        and is_digest(found["digest"])
        and is_digest(found["previous"])
        and isinstance(found["body"], dict)
        and found["kind"] in KINDS
        and ("signature" not in found or _is_signature(signature))
    )
    if not well_formed:
        return None
    return Link(**{name: found[name] for name in _FIELDS - {"format"}}, signature=signature)


def _is_signature(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
