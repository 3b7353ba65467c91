"""A sealed month with a small frame to draw from, its workpapers, and what people do to them."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa

from cpg1_assets.deliverables.sample_workpaper import write_workpaper
from cpg1_assets.evidence.chain.seal import SealedVersion, latest_seal
from cpg1_assets.evidence.samples.draw import Terms
from cpg1_assets.evidence.samples.sample import Sample, draw_sample
from cpg1_assets_tests.evidence.small_year import small_month

MONTH = "2025-09"
ASSET = "ipe_07"
TERMS = Terms("random", 6, "audit-1")
TEXTS = [
    "=1+1",
    'said "so"',
    None,
    "",
    "two\nlines",
    "0042",
    " kept ",
    "-5",
    "Ünïcode",
    "bell\a",
    "@x",
    "12.50",
]
FRAME = pa.table(
    {
        "id_company": ["EC_KE"] * 30 + ["JM_EG"] * 10,
        "entry_no": [n * 1_000_003 for n in range(40)],
        "text": [TEXTS[n % len(TEXTS)] for n in range(40)],
        "posting_date": [date(2025, 9, 1 + n % 30) for n in range(40)],
        "is_open": [n % 3 == 0 for n in range(40)],
        "amount": pa.array(
            [None if n == 3 else Decimal(n * n - 200) / 8 for n in range(39)]
            + [Decimal("12345678901234567.1234")],
            pa.decimal128(24, 4),
        ),
    }
)
Table = list[list[object]]


def sealed_month(evidence: Path) -> SealedVersion:
    """Seal the month."""
    small_month(evidence, MONTH, frames={ASSET: FRAME})
    sealed = latest_seal(evidence, MONTH)
    assert sealed is not None
    return sealed


def handed_out(sealed: SealedVersion, path: Path, terms: Terms = TERMS) -> Sample:
    """Draw a sample, and write its workpaper to `path`."""
    sample = draw_sample(sealed, ASSET, terms)
    write_workpaper(sample, path, path.suffix)
    return sample


def rewritten(path: Path, change: Callable[[Table], object]) -> Path:
    """Change the cells of a workpaper, by row and column from 0, as somebody does in a spreadsheet, and save it."""
    if path.suffix == ".csv":
        rows: Table = [[*row] for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))]
        change(rows)
        written = io.StringIO()
        csv.writer(written).writerows(rows)
        path.write_text(written.getvalue(), "utf-8-sig", newline="")
        return path
    book = openpyxl.load_workbook(path)
    (sheet,) = book.worksheets
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    change(rows)
    sheet.delete_rows(1, sheet.max_row)
    for at, row in enumerate(rows, 1):
        sheet.append(row)
        for cell in sheet[at]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text that begins like a formula is none
    book.save(path)
    return path


def header_at(rows: Table) -> int:
    """Find the header."""
    return next(at for at, row in enumerate(rows) if row[:2] == ["No.", "Row"])


def filled_in(rows: Table, *, result: str = "ok", exception: str = "", note: str = "") -> None:
    """Write a result for each row."""
    at = header_at(rows)
    place = rows[at].index("Result")
    for row in rows[at + 1 :]:
        row[place : place + 3] = [result, exception, note]
