"""The manifest of a sealed month: one row a file, `path, kind, size_bytes, sha256`, as Parquet.

It is written into the sealed version and is also the frame of the asset `evidence_manifest`: the same bytes.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cpg1_assets.errors import EvidenceError, shown
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.plain_file import read_plain

KINDS = ("data", "rules", "scope", "statement", "query", "reperform", "context", "package")
"""What a file is: see docs/evidence.md. All but `context` and `package` decide whether a month is as sealed."""

MANIFEST = FrameSpec(
    name="evidence_manifest",
    title="Manifest of the sealed month",
    description=(
        "Every file of the sealed month with size and SHA-256: the data, the rules, statements and queries it "
        "came from, the SQL that computes it again, and the evidence packages. Empty on a narrowed scope, which "
        "is never sealed."
    ),
    key=("path",),
    columns=columns(
        ("path", "text", "File, relative to the month's folder of the evidence"),
        ("kind", "text", "data, rules, scope, statement, query, reperform, context or package"),
        ("size_bytes", "integer", "Size in bytes"),
        ("sha256", "text", "SHA-256 of the file's bytes"),
        required=["path", "kind", "size_bytes", "sha256"],
    ),
)

LARGEST_MANIFEST = 64_000_000
"""Bytes. Some hundred thousand files; a month has some hundred."""
_MOST_ROWS, _MOST_UNPACKED, _LONGEST_TEXT = 1_000_000, 512_000_000, 4096
_TEXTS = ("path", "kind", "sha256")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ManifestRow(NamedTuple):
    """One file of the sealed month."""

    path: str
    kind: str
    size_bytes: int
    sha256: str


def to_arrow(rows: Iterable[ManifestRow]) -> pa.Table:
    """Give the rows as the frame they are, by path."""
    listed = sorted(rows)
    return pa.table(
        {name: [getattr(row, name) for row in listed] for name in ManifestRow._fields},
        schema=MANIFEST.arrow_schema,
    )


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest. Raises EvidenceError when it is not one, or names a file outside the month's folder."""
    try:
        content = read_plain(path, LARGEST_MANIFEST)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
    return parse_manifest(content, str(path))


def parse_manifest(content: bytes, name: str) -> list[ManifestRow]:
    """Read the bytes of a manifest as `read_manifest`; `name` stands for the file in errors."""
    try:
        rows = [ManifestRow(**row) for row in _table(content).cast(MANIFEST.arrow_schema).to_pylist()]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, pa.ArrowException) as error:
        raise EvidenceError(f"{name} is not a readable manifest.") from error
    for row in rows:
        pure = PurePosixPath(row.path)
        if (
            pure.is_absolute()
            or ".." in pure.parts
            or str(pure) != row.path
            or not pure.parts
            or "\\" in row.path
            or "\0" in row.path
        ):
            raise EvidenceError(f"{name} names {shown(row.path)}, which is not in the month's folder.")
        if row.kind not in KINDS or row.size_bytes < 0 or _DIGEST.fullmatch(row.sha256) is None:
            raise EvidenceError(f"{name} has a row of {shown(row.path)} that no manifest has.")
    if len({row.path for row in rows}) < len(rows):
        raise EvidenceError(f"{name} lists a file twice.")
    return rows


def _table(content: bytes) -> pa.Table:
    """Read a manifest from memory, in bounds: a file of a few bytes can stand for terabytes of repeated texts.

    A damaged file must not be mapped, and its name is no pattern. Raises ValueError where it is larger than any manifest.
    """
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=list(_TEXTS))
    held = file.metadata
    unpacked = sum(held.row_group(index).total_byte_size for index in range(held.num_row_groups))
    if (
        held.num_rows > _MOST_ROWS
        or held.num_columns != len(ManifestRow._fields)
        or unpacked > _MOST_UNPACKED
    ):
        raise ValueError("it is larger than any manifest")
    table = file.read()
    for name in _TEXTS:
        # As a dictionary each text is there once; only when none is long are they laid out a row each.
        for chunk in table.column(name).chunks:
            if isinstance(chunk, pa.DictionaryArray) and chunk.dictionary.nbytes > 0:
                longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
                if longest > _LONGEST_TEXT:
                    raise ValueError(f"it has a {name} of {longest:,} bytes")
    return table
