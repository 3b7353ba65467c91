"""One archive of a sealed month that an auditor can be sent: it verifies by itself, and its bytes reproduce.

A ZIP without compression (so that no version of a compressor shows in the bytes), names sorted, one fixed
time. What comes from elsewhere is read in a temporary folder, after every name and size in it was looked at: without
compression, what is unpacked takes no more room than the archive.
"""

import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cpg1_assets.errors import EvidenceError, shown
from cpg1_assets.evidence.audit.verify import require_verified
from cpg1_assets.evidence.chain.links import FOLDER, Problem, anchor_of, inspect_chain, read_chain
from cpg1_assets.evidence.chain.sample import sample_files
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE, SEAL_FILE, sealed_versions
from cpg1_assets.evidence.packages.package import json_text
from cpg1_assets.json_file import parse_json, require_object
from cpg1_assets.partial import clear_partials, partial_name, temporary_folder
from cpg1_assets.plain_file import read_plain
from cpg1_assets.refusal import naming

FORMAT = "cpg1-export-1"
EVIDENCE, README, ABOUT = "evidence", "README.txt", "export.json"
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_CHUNK = 1 << 20
_LARGEST_TEXT = 100_000
"""Bytes of README.txt and export.json; they have a few thousand."""
_LONGEST_NAME, _DEEPEST = 1000, 20
_ENCRYPTED = 0x1
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_TITLE = "C-PG-1: evidence of "
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class OpenedEvidence:
    """An evidence folder to look at: of the deployment, copied, or of an export, packed or unpacked.

    `month` is the one an export holds; `problems` are those of the export itself: its archive, and what its README.txt
    and export.json say.
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
    require_verified(evidence, month, "it is not exported")
    names = {link.name for link in links}
    for sealed in versions:
        names |= {f"{month}/{row.path}" for row in sealed.manifest()}
        names |= {f"{month}/seals/{sealed.folder.name}/{name}" for name in (SEAL_FILE, MANIFEST_FILE)}
    of_month = [link for link in links if link.body.get("month") == month]
    names |= {f"{month}/{file}" for file in sample_files(of_month)}
    texts = _texts(month, anchor_of(links[-1]))
    beside = out.with_name(partial_name(out.name))
    require_new(out, evidence)
    with naming("The archive", out):
        clear_partials(out.parent, out.name)
        try:
            with beside.open("wb") as file:
                _write(file, texts, evidence, sorted(names))
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
    return out


def require_new(out: Path, evidence: Path) -> None:
    """Refuse to write over what is there, or into the evidence. Raises EvidenceError."""
    if os.path.lexists(out):
        raise EvidenceError(f"{out} is there already and is not overwritten: give another --out.")
    if out.resolve().is_relative_to(evidence.resolve()):
        raise EvidenceError(f"{out} is in the evidence folder, where it does not belong: give another --out.")


@contextmanager
def opened_evidence(path: Path) -> Iterator[OpenedEvidence]:
    """Open an evidence folder, a folder that holds one as `evidence`, or an archive made by `export_month`.

    Of an export that was unpacked, its folder and the folder `evidence` in it are the same. An archive is unpacked into
    a temporary folder that is removed again. Raises EvidenceError when there is nothing to open, and for an archive that
    is truncated, damaged, compressed, larger than it says or names a file outside itself.
    """
    if path.is_dir():
        inside = path / EVIDENCE
        if not (path / FOLDER).exists() and inside.is_dir():
            yield _opened(path)
        elif path.absolute().name == EVIDENCE and _is_export(path.absolute().parent):
            yield _opened(path.absolute().parent)
        else:
            yield OpenedEvidence(path)
    elif path.is_file():
        with temporary_folder("evidence") as temporary:
            yield _unpacked(path, temporary)
    else:
        raise EvidenceError(
            f"{path} is not there, or is neither a folder nor a file: give an evidence folder or an exported archive."
        )


def _write(file: BinaryIO, texts: Mapping[str, str | Path], evidence: Path, names: list[str]) -> None:
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
            _require_safe(path, entries)
            _require_stored(path, entries, shutil.disk_usage(temporary).free)
            for entry in entries:
                target = temporary / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                _unpack(path, archive, entry, target)
    except zipfile.BadZipFile as error:
        raise EvidenceError(
            f"{path} is not a whole ZIP archive ({error}): it is damaged or was cut off."
        ) from error
    except (OSError, ValueError, NotImplementedError, OverflowError, struct.error) as error:
        raise EvidenceError(f"{path} cannot be unpacked ({error}).") from error
    if not (temporary / EVIDENCE).is_dir():
        raise EvidenceError(f"{path} is no archive of evidence: it holds no folder {EVIDENCE}.")
    found = _opened(temporary)
    missing = [
        Problem("missing", name, "The archive does not have it.")
        for name in (README, ABOUT)
        if not (temporary / name).is_file()
    ]
    if missing:
        return replace(found, problems=(*missing,))
    return replace(found, problems=(*found.problems, *_as_written(path, temporary)))


def _require_safe(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse, before anything is written, an archive with a name that is not plainly inside it."""
    seen = set()
    for entry in entries:
        # The name as it stands in the archive: the library cuts it at a null byte.
        name = entry.orig_filename
        pure = PurePosixPath(name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or _DRIVE.match(name):
            raise EvidenceError(
                f"{path} is refused: {shown(name)} would be written outside the folder it is unpacked in."
            )
        if kind not in (0, stat.S_IFREG):
            raise EvidenceError(f"{path} is refused: {shown(name)} is a link or a special file.")
        plain = str(pure) == name and "\0" not in name and pure.parts
        if not plain or name in seen or len(name) > _LONGEST_NAME or len(pure.parts) > _DEEPEST:
            raise EvidenceError(f"{path} is refused: {shown(name)} is no plain file name, or is there twice.")
        seen.add(name)


def _require_stored(path: Path, entries: list[zipfile.ZipInfo], room: int) -> None:
    """Refuse, before anything is written, an archive of which more would be unpacked than it has bytes."""
    for entry in entries:
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if not stored or entry.flag_bits & _ENCRYPTED:
            raise EvidenceError(
                f"{path} is refused: {shown(entry.orig_filename)} is compressed or encrypted, or has another size than the "
                "archive says, and no export has such a file. Ask for the archive as cpg1 evidence export wrote it."
            )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > path.stat().st_size:
        raise EvidenceError(f"{path} is refused: its files are said to be larger than the whole archive.")
    if unpacked > room:
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
    texts = {name: temporary / name for name in (README, ABOUT)}
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


def _is_export(folder: Path) -> bool:
    """Whether a folder is what an export was unpacked to; its evidence may be of any month, and of one only."""
    return os.path.lexists(folder / ABOUT) or _read(folder / README).startswith(_TITLE.encode())


def _opened(folder: Path) -> OpenedEvidence:
    """Open the folder `evidence` of a home, or of an export, whose texts are held against the chain."""
    if not _is_export(folder):
        return OpenedEvidence(folder / EVIDENCE)
    month, problems = None, []
    links = inspect_chain(folder / EVIDENCE).links
    newest = anchor_of(links[-1]) if links else None
    try:
        about = require_object(parse_json(_read(folder / ABOUT)))
    except ValueError as error:
        problems.append(Problem("export", ABOUT, f"It does not say of which month the export is: {error}."))
    else:
        said = about.get("month")
        month = said if isinstance(said, str) and _MONTH.fullmatch(said) else None
        if month is None or about.keys() != {"format", "month", "head"} or about["format"] != FORMAT:
            problems.append(Problem("export", ABOUT, "It does not say what an export says of itself."))
        elif about["head"] != newest:
            told = f"It says the head {shown(str(about['head']))}; that of the chain is {newest}."
            problems.append(Problem("export", ABOUT, told))
    if month is not None and newest is not None:
        expected = _texts(month, newest)
        if not problems and _read(folder / ABOUT) != expected[ABOUT].encode():
            problems.append(Problem("export", ABOUT, "It is not written as an export writes it."))
        if _read(folder / README) != expected[README].encode():
            told = f"It is not the text that is exported of {month} with the head {newest}."
            kind = "changed" if os.path.lexists(folder / README) else "missing"
            problems.append(Problem(kind, README, told))
    if (folder / EVIDENCE).is_symlink():
        problems.append(Problem("link", EVIDENCE, "It is a symbolic link, not the folder that was exported."))
    return OpenedEvidence(folder / EVIDENCE, month, tuple(problems))


def _read(path: Path) -> bytes:
    """Read one of the two texts; what cannot be read is empty, and so is none of them."""
    try:
        return read_plain(path, _LARGEST_TEXT)
    except OSError:
        return b""


def _texts(month: str, head: str) -> dict[str, str]:
    about = json_text({"format": FORMAT, "month": month, "head": head})
    return {README: _readme(month, head), ABOUT: about}


def _readme(month: str, head: str) -> str:
    return f"""{_TITLE}{month}

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
