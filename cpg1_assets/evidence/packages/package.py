"""Evidence packages: a folder per asset, month and run, there whole or not at all, never touched again.

What each numbered file holds is in docs/evidence.md. Nothing here knows Dagster.
"""

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.disk import sync
from cpg1_assets.inbox.cells import given_out
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.refusal import naming

SNAPSHOT_ROWS = 1_000

Document = str | bytes | Mapping[str, Any] | Path | Callable[[], BinaryIO]


def write_package(folder: Path, documents: Mapping[str, Document]) -> Path:
    """Write `documents` (text, JSON mappings, bytes, or files and streams to copy) as the new folder `folder`.

    Names may have folders in them. A package that is already there is another attempt of the same run,
    kept: the new one gets the next free number. Raises StorageError when it cannot be written; then
    nothing is left behind.
    """
    beside = folder.with_name(partial_name(folder.name))
    clear_partials(folder.parent)
    shutil.rmtree(beside, ignore_errors=True)  # what a killed step of this very run left half written
    try:
        with naming("An evidence package", folder):
            for name, document in documents.items():
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(document, Path):
                    shutil.copyfile(document, path)
                elif callable(document):
                    with document() as stream, path.open("wb") as file:
                        shutil.copyfileobj(stream, file)
                else:
                    path.write_bytes(_bytes(document))
                sync(path)
            final, attempt = folder, 1
            while final.exists():
                attempt += 1
                final = folder.with_name(f"{folder.name}-{attempt}")
            beside.rename(final)
            sync(final.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return final


def json_text(document: Mapping[str, Any]) -> str:
    """Write JSON the one way evidence has it: indented, keys as given, text in its own script."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"


def data_snapshot(path: Path, *, sample: bool) -> str:
    """Give the last 1,000 rows of a Parquet file as CSV that a spreadsheet opens safely (`spreadsheet_csv`)."""
    return spreadsheet_csv(_last_rows(pq.ParquetFile(path), SNAPSHOT_ROWS), sample=sample)


def spreadsheet_csv(table: pa.Table, *, sample: bool) -> str:
    """Give a table as CSV that a spreadsheet opens safely.

    A text cell that a spreadsheet would run as a formula starts with an apostrophe here. Sample data
    says so in a last column of its own.
    """
    lines = _Lines()
    # This line end makes the writer quote a text that holds either of its characters, which would otherwise
    # start a row of its own, and in it a cell that was not made safe.
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([*table.schema.names, *(["books"] if sample else [])])
    columns = [[_cell(value) for value in table.column(i).to_pylist()] for i in range(table.num_columns)]
    for row in zip(*columns, strict=True):
        writer.writerow([*row, *(["SAMPLE BOOKS"] if sample else [])])
    return "".join(lines.written)


class _Lines:
    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)


def _last_rows(file: pq.ParquetFile, rows: int) -> pa.Table:
    groups: list[int] = []
    held = 0
    for index in reversed(range(file.num_row_groups)):
        groups.insert(0, index)
        held += file.metadata.row_group(index).num_rows
        if held >= rows:
            break
    table = file.read_row_groups(groups)
    return table.slice(max(0, table.num_rows - rows))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return given_out(value) if isinstance(value, str) else str(value)


def _bytes(document: str | bytes | Mapping[str, Any]) -> bytes:
    if isinstance(document, bytes):
        return document
    return (document if isinstance(document, str) else json_text(document)).encode()
