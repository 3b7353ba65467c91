"""Whatever stands in the data, the workbook is whole: a text is a text, and each sheet has a name it can have."""

import re
import zipfile
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import openpyxl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cpg1_assets.deliverables.workbook_book import Book, amount_format
from cpg1_assets.inbox.given_cells import SheetColumn, given_text
from cpg1_assets.inbox.sheet import read_tables

TEXT = SheetColumn("Text", "text", 10)
AWKWARD = [
    "=1+1", "+1", "-1", "@SUM(A1)", "http://example.org", "mailto:a@b", "1.50", "TRUE", "#N/A", "'quoted", '"', "<b>&amp;",
    "<r>x</r>", "<r><t>x</t></r>", "_x0041_", "سوق", " blanks ", "two\nlines", "\x00\x1f", "]]>", "x" * 30_000,
]  # fmt: skip


def book_at(folder: Path) -> tuple[Book, Path]:
    path = folder / "book.xlsx"
    made = datetime(2025, 10, 1)  # noqa: DTZ001 - a workbook knows no time zone
    return Book(path, folder, title="T", footer="F & co", created=made), path


@settings(max_examples=10)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
@example(AWKWARD)
def test_a_text_is_never_a_formula_a_link_a_number_or_xml(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        book, path = book_at(Path(folder))
        page = book.sheet("Texts")
        for text in texts:
            page.cells([TEXT], [text], 2)
        book.close()
        with zipfile.ZipFile(path) as archive:
            assert not [name for name in archive.namelist() if "hyperlink" in name.lower()]
            for name in archive.namelist():
                ET.fromstring(archive.read(name))  # noqa: S314 - our own file
            sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "<hyperlink" not in sheet
        read = openpyxl.load_workbook(path).active
        assert {cell.data_type for row in read.iter_rows() for cell in row if cell.value is not None} <= {"s"}
        assert {row[0].row - 1 for row in read.iter_rows() if row[0].value} <= {*range(len(texts))}
        (table,) = read_tables("book.xlsx", path.read_bytes())
        ours = {number: cells[0] for number, cells in (table.values or table).rows}
        wanted = {at: given_text(text) for at, text in enumerate(texts, 1) if text}
        assert {number: cell for number, cell in ours.items() if cell} == wanted


@settings(max_examples=10)
@given(st.lists(st.text(max_size=40), min_size=2, max_size=8))
@example(["History", "a/b", "A_B", "", "'", "Open items JM_EG\x00", "😀" * 20, "x" * 40, "x" * 41])
def test_each_sheet_has_a_name_that_a_sheet_can_have_and_no_other_has(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        book, path = book_at(Path(folder))
        pages = [book.sheet(name).name for name in names]
        book.close()
        assert openpyxl.load_workbook(path).sheetnames == pages
    assert len({name.casefold() for name in pages}) == len(names)
    for name in pages:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\]|^'|'$", name)
        assert name.casefold() != "history"


def test_an_amount_is_shown_as_the_currency_writes_it() -> None:
    assert [amount_format(places) for places in (0, 2)] == ['#,##0;-#,##0;"–"', '#,##0.00;-#,##0.00;"–"']
