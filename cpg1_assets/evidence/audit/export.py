"""One archive of a sealed month that an auditor can be sent: it verifies by itself, and its bytes reproduce.

A ZIP without compression (so that no version of a compressor shows in the bytes), names sorted, one fixed
time. What comes from elsewhere is read in a temporary folder, after every name in it was looked at.
"""

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.links import FOLDER, Problem, anchor_of, read_chain
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE, SEAL_FILE, sealed_versions
from cpg1_assets.evidence.packages.package import json_text
from cpg1_assets.json_file import read_object
from cpg1_assets.partial import clear_partials, partial_name, temporary_folder
from cpg1_assets.refusal import naming

FORMAT = "cpg1-export-1"
EVIDENCE, README, ABOUT = "evidence", "README.txt", "export.json"
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_CHUNK = 1 << 20
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class OpenedEvidence:
    """An evidence folder to look at: of the deployment, copied, or from an archive.

    `month` is the one an archive holds, when it holds only one; `problems` are those of the archive itself.
    """

    folder: Path
    month: str | None = None
    problems: tuple[Problem, ...] = ()


def export_month(evidence: Path, month: str, out: Path) -> Path:
    """Write the archive of a month: its sealed versions and packages, the whole chain, and how to check it.

    The same evidence gives the same bytes. Raises EvidenceError when the month is not sealed or a file of it
    is not there, and StorageError when `out` is there already or cannot be written.
    """
    links = read_chain(evidence)
    versions = sealed_versions(evidence, month)
    if not versions:
        raise EvidenceError(f"{month} is not sealed: there is nothing to export. Close the month first.")
    problems = verify(evidence, month).problems
    if problems:
        raise EvidenceError(
            f"The evidence of {month} is not as it was sealed ({problems[0].path}: {problems[0].kind}, and "
            f"{len(problems) - 1} more), so it is not exported. See: cpg1 evidence verify {month}"
        )
    names = {link.name for link in links}
    for sealed in versions:
        names |= {f"{month}/{row.path}" for row in sealed.manifest()}
        names |= {f"{month}/seals/{sealed.folder.name}/{name}" for name in (SEAL_FILE, MANIFEST_FILE)}
    about = json_text({"format": FORMAT, "month": month, "head": anchor_of(links[-1])})
    texts = {README: _readme(month, anchor_of(links[-1])), ABOUT: about}
    beside = out.with_name(partial_name(out.name))
    if out.exists():
        raise EvidenceError(f"{out} is there already and is not overwritten: give another --out.")
    if out.resolve().is_relative_to(evidence.resolve()):
        raise EvidenceError(f"{out} is in the evidence folder, where it does not belong: give another --out.")
    with naming("The archive", out):
        clear_partials(out.parent, out.name)
        try:
            with beside.open("wb") as file:
                _write(file, texts, evidence, sorted(names))
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
    return out


@contextmanager
def opened_evidence(path: Path) -> Iterator[OpenedEvidence]:
    """Open an evidence folder, a folder that holds one as `evidence`, or an archive made by `export_month`.

    An archive is unpacked into a temporary folder that is removed again. Raises EvidenceError when there is
    nothing to open, and for an archive that is truncated, damaged or names a file outside itself.
    """
    if path.is_dir():
        inside = path / EVIDENCE
        if not (path / FOLDER).exists() and inside.is_dir():
            yield OpenedEvidence(inside, _month_of(path))
        else:
            yield OpenedEvidence(path)
    elif path.is_file():
        with temporary_folder("evidence") as temporary:
            yield _unpacked(path, temporary)
    else:
        raise EvidenceError(f"{path} is not there: give an evidence folder or an exported archive.")


def _write(file: BinaryIO, texts: dict[str, str], evidence: Path, names: list[str]) -> None:
    """Write an archive the one way it is written."""
    contents: dict[str, str | Path] = {**texts, **{f"{EVIDENCE}/{name}": evidence / name for name in names}}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            content = contents[name]
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # the same bytes on every system
            entry.external_attr = _MODE << 16
            if isinstance(content, str):
                archive.writestr(entry, content.encode())
                continue
            entry.file_size = content.stat().st_size
            with content.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def _unpacked(path: Path, temporary: Path) -> OpenedEvidence:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _require_safe(path, entries, shutil.disk_usage(temporary).free)
            for entry in entries:
                target = temporary / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                _unpack(path, archive, entry, target)
    except zipfile.BadZipFile as error:
        raise EvidenceError(
            f"{path} is not a whole ZIP archive ({error}): it is damaged or was cut off."
        ) from error
    except (OSError, ValueError, NotImplementedError) as error:
        raise EvidenceError(f"{path} cannot be unpacked ({error}).") from error
    if not (temporary / EVIDENCE).is_dir():
        raise EvidenceError(f"{path} is no archive of evidence: it holds no folder {EVIDENCE}.")
    return OpenedEvidence(temporary / EVIDENCE, _month_of(temporary), tuple(_as_written(path, temporary)))


def _require_safe(path: Path, entries: list[zipfile.ZipInfo], room: int) -> None:
    """Refuse, before anything is written, an archive with a name that is not plainly inside it."""
    seen = set()
    for entry in entries:
        # The name as it stands in the archive: the library cuts it at a null byte.
        name = entry.orig_filename
        pure = PurePosixPath(name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or _DRIVE.match(name):
            raise EvidenceError(
                f"{path} is refused: {name!r} would be written outside the folder it is unpacked in."
            )
        if kind not in (0, stat.S_IFREG):
            raise EvidenceError(f"{path} is refused: {name!r} is a link or a special file.")
        if str(pure) != name or name in seen or "\0" in name:
            raise EvidenceError(f"{path} is refused: {name!r} is no plain file name, or is there twice.")
        seen.add(name)
    if sum(entry.file_size for entry in entries) > room:
        raise EvidenceError(f"{path} does not fit in the temporary folder: free some space, or set TMPDIR.")


def _unpack(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            left = entry.file_size
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise zipfile.BadZipFile("it is longer than it says")  # noqa: TRY301
                file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise EvidenceError(f"{path}: {entry.filename} is damaged or cut off ({error}).") from error


def _as_written(path: Path, temporary: Path) -> Iterator[Problem]:
    """Compare an archive with the one its content gives: that finds a change in what no hash covers."""
    evidence = temporary / EVIDENCE
    names = [p.relative_to(evidence).as_posix() for p in evidence.rglob("*") if p.is_file()]
    texts = {}
    for name in (README, ABOUT):
        if not (temporary / name).is_file():
            yield Problem("missing", name, "The archive does not have it.")
            return
        texts[name] = (temporary / name).read_bytes().decode(errors="replace")
    head = str(_about(temporary).get("head"))
    month = _month_of(temporary)
    if month is None or texts[README] != _readme(month, head):
        yield Problem("changed", README, "It is not the text that is exported, or export.json is not.")
    with tempfile.TemporaryFile() as again, path.open("rb") as given:
        _write(again, texts, evidence, sorted(names))
        again.seek(0)
        while True:
            one, other = again.read(_CHUNK), given.read(_CHUNK)
            if one != other:
                yield Problem("archive", path.name, "Its bytes are not those its content is exported as.")
                return
            if not one:
                return


def _about(folder: Path) -> dict[str, object]:
    try:
        found = read_object(folder / ABOUT)
    except (OSError, ValueError):
        return {}
    return found if found.get("format") == FORMAT else {}


def _month_of(folder: Path) -> str | None:
    """Give the month an export says it holds; None for a folder that is not one."""
    month = _about(folder).get("month")
    return month if isinstance(month, str) and _MONTH.fullmatch(month) else None


def _readme(month: str, head: str) -> str:
    return f"""C-PG-1: evidence of {month}

This archive holds the sealed evidence of one month, and the whole chain of seals and sign-offs.
The head of the chain is {head}. Compare it with the head that was noted elsewhere.

evidence/{month}/seals/<version>/   the sealed data, rules, statements and queries, with manifest and seal
evidence/{month}/<asset>/<run>/     the evidence packages: query, parameters, data, validations
evidence/chain/                    one file a link; other months' links are there, their files are not

With the package cpg1-assets installed, in this archive or in the folder it was unpacked to:

    cpg1 evidence verify --path <archive or folder> --anchor {head}

By hand, with sha256sum, jq and the DuckDB shell, in the folder evidence/{month}:

1. Every file against the manifest of a version (no output means: all as sealed):

    duckdb -noheader -list -c "SELECT sha256 || '  ' || path FROM 'seals/001/manifest.parquet'" \\
        | sha256sum --check --quiet

2. The manifest and the seal against the chain: these two are in the body of the link with this month and version:

    sha256sum seals/001/manifest.parquet seals/001/seal.json

3. Each link: its digest is that of its own content, and `previous` is the digest of the link before it:

    for link in ../chain/*.json; do
        jq -cSj 'del(.digest, .signature)' "$link" | sha256sum; jq -r '.digest, .previous' "$link"
    done

4. The last digest, its first 20 digits, is the head above. Compare it with the head that was noted elsewhere:
   a folder cannot prove by itself that it was not written anew as a whole.
"""
