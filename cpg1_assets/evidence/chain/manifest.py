"""The manifest of a sealed month: one row a file, `path, kind, size_bytes, sha256`, as Parquet.

It is written into the sealed version and is also the frame of the asset `evidence_manifest`: the same bytes.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.errors import EvidenceError
from cpg1_assets.frame import FrameSpec, columns

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
        # Read from memory: a damaged file must not be mapped, and its name is no pattern.
        table = pq.ParquetFile(pa.BufferReader(path.read_bytes())).read()
        rows = [ManifestRow(**row) for row in table.cast(MANIFEST.arrow_schema).to_pylist()]
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise EvidenceError(f"{path} is not a readable manifest.") from error
    for row in rows:
        pure = PurePosixPath(row.path)
        if pure.is_absolute() or ".." in pure.parts or str(pure) != row.path or "\\" in row.path:
            raise EvidenceError(f"{path} names {row.path!r}, which is not in the month's folder.")
    return rows
