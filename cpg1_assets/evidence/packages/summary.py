"""What evidence says of a data file: its hashes and its figures, and how anybody recomputes them.

The content digest does not depend on the file format: it is the SHA-256 of the rows written as CSV in
the file's order, so a copy kept as CSV, or rewritten as Parquet by another tool, still has it.
"""

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

from cpg1_assets import embedded
from cpg1_assets.evidence.packages.package import Document, data_snapshot
from cpg1_assets.frame import FrameSpec
from cpg1_assets.storage.parquet import WrittenParquet

_CHUNK = 1 << 20

_CSV = """(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '\\N', FORCE_QUOTE *)"""

HOW_TO_RECOMPUTE = [
    "SHA-256 of the file, in a shell: sha256sum data.parquet",
    "Content digest, in a shell: write the statement below into digest.sql; duckdb < digest.sql | sha256sum",
    f"digest.sql: COPY (SELECT * FROM 'data.parquet') TO '/dev/stdout' {_CSV};",
]


def content_digest(path: Path) -> str:
    """SHA-256 of the rows of a Parquet file as CSV, in hexadecimal; see HOW_TO_RECOMPUTE."""
    digest = hashlib.sha256()
    read_end, write_end = os.pipe()

    def absorb() -> None:
        with os.fdopen(read_end, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)

    reader = threading.Thread(target=absorb)
    reader.start()
    try:
        with embedded.opened() as connection:
            # Rows go out in order: those of more threads would only wait, in memory.
            connection.execute("SET threads = 1")
            connection.execute(
                f"COPY (SELECT * FROM {embedded.parquet(path)}) TO '/dev/fd/{write_end}' {_CSV}"
            )
    finally:
        os.close(write_end)
        reader.join()
    return digest.hexdigest()


def data_summary(path: Path, spec: FrameSpec) -> dict[str, Any]:
    """Rows, columns, types and nulls, and for each amount its min, max and sum by company (LCY, as text)."""
    nulls = ", ".join(f'count(*) - count("{c.name}") AS "{c.name}"' for c in spec.columns)
    with embedded.opened() as connection:
        connection.execute(f"CREATE TEMP VIEW data AS SELECT * FROM {embedded.parquet(path)}")
        (counted,) = embedded.rows(connection, f"SELECT count(*) AS rows, {nulls} FROM data")
        by_company = {}
        for amount in spec.amounts if "id_company" in spec.arrow_schema.names else ():
            figures = embedded.rows(
                connection,
                f'SELECT id_company, min("{amount}") AS min, max("{amount}") AS max, sum("{amount}") AS sum '
                "FROM data GROUP BY id_company ORDER BY id_company",
            )
            by_company[amount] = {
                row["id_company"]: {k: None if row[k] is None else str(row[k]) for k in ("min", "max", "sum")}
                for row in figures
            }
    return {
        "rows": counted["rows"],
        "columns": [
            {
                "name": c.name,
                "type": str(c.arrow_type),
                "nulls": counted[c.name],
                "description": c.description,
            }
            for c in spec.columns
        ],
        "amounts_by_company": by_company,
    }


def data_documents(written: WrittenParquet, spec: FrameSpec, *, sample: bool) -> dict[str, Document]:
    """Give the documents about the data itself: snapshot, summary, hashes, and the full data."""
    return {
        "03_data_snapshot.csv": data_snapshot(written.path, sample=sample),
        "04_data_summary.json": data_summary(written.path, spec),
        "05_integrity_hash.json": {
            "file": "data.parquet",
            "rows": written.rows,
            "size_bytes": written.size_bytes,
            "sha256": written.sha256,
            "content_digest": content_digest(written.path),
            "how_to_recompute": HOW_TO_RECOMPUTE,
        },
        "data.parquet": written.path,
    }
