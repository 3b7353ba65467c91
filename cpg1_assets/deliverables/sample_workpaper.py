"""The workpaper of a sample as a file to hand out: a workbook, or CSV with a byte-order mark.

What stands in it is settled in `evidence.samples.workpaper`, and comes back by `evidence.samples.returned`.
"""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from cpg1_assets.deliverables.workbook_book import Book
from cpg1_assets.evidence.samples.sample import Sample
from cpg1_assets.evidence.samples.workpaper import (
    AFTER,
    BEFORE,
    EDITABLE,
    RESULTS,
    header,
    lines_above,
    require_cells_hold,
    table,
)
from cpg1_assets.inbox.cells import given_out
from cpg1_assets.inbox.given_cells import LONGEST_TEXT, Kind, SheetColumn
from cpg1_assets.partial import temporary_folder

_DECIMALS = 4
_WIDTHS = {
    "No.": 6,
    "Row": 9,
    "Drawn by": 21,
    "Result": 12,
    "Exception": 36,
    "Note": 36,
    "Row as hashed": 24,
    "Proof": 24,
}


def write_workpaper(sample: Sample, path: Path, suffix: str) -> None:
    """Write the workpaper to `path`, as .xlsx or .csv, which `suffix` says: the same bytes for the same sample.

    Raises EvidenceError where a row does not fit in a workbook, and OSError where the file cannot be written.
    """
    if suffix.lower() == ".csv":
        path.write_bytes(_csv(sample).encode("utf-8-sig"))
    else:
        require_cells_hold(sample)
        _write_workbook(sample, path)


def _csv(sample: Sample) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows([given_out(line)] for line in lines_above(sample))
    writer.writerow(header(sample.columns))
    for row in table(sample):
        # A number is no text: a minus before one is none of a formula.
        writer.writerow([given_out(cell) if isinstance(cell, str) else cell for cell in row])
    return written.getvalue()


def _write_workbook(sample: Sample, path: Path) -> None:
    title, *lines = lines_above(sample)
    columns = tuple(_column(sample, name, at) for at, name in enumerate(header(sample.columns)))
    sealed = sample.sealed
    sealed_at = datetime.fromisoformat(sealed.seal["sealed_at"]).astimezone(UTC).replace(tzinfo=None)
    with temporary_folder("sample") as spill:
        book = Book(path, spill, title=title, footer=title, created=sealed_at)
        page = book.sheet("Sample")
        page.widths(columns)
        page.title(title, *lines)
        page.header(columns, len(sample.rows), len(BEFORE))
        first = page.row
        for row in table(sample):
            page.cells(columns, row, _DECIMALS)
        last, at = page.row - 1, len(BEFORE) + len(sample.columns)
        if sample.rows:
            said = "Write ok, exception or not tested."
            page.choices(first, last, at, f'"{",".join(RESULTS)}"', said=said)
            for beside in (1, 2):
                page.at_most(first, last, at + beside, LONGEST_TEXT)
        page.printed(columns[: -len(AFTER)])
        book.close()


def _column(sample: Sample, name: str, at: int) -> SheetColumn:
    of_frame = len(BEFORE) <= at < len(BEFORE) + len(sample.columns)
    if not of_frame:
        kind: Kind = "integer" if at < len(BEFORE) - 1 else "text"
        return SheetColumn(name, kind, _WIDTHS[name], is_editable=name in EDITABLE)
    return SheetColumn(name, "lcy" if name in sample.numbers else "text", 18)
