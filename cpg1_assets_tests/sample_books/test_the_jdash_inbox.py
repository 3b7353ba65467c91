"""The JDash files are awkward, as spreadsheets are, and can be read with certainty."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import openpyxl

if TYPE_CHECKING:
    from pathlib import Path

    from cpg1_assets_tests.sample_books.conftest import Books


def inbox(books: Books) -> list[Path]:
    return sorted((books.root / "inbox" / "jdash").glob("*/*"))


def texts(books: Books) -> dict[Path, str]:
    return {path: path.read_bytes().decode("utf-8") for path in inbox(books) if path.suffix == ".csv"}


def test_a_file_for_every_company_and_month_but_the_missing_ones(books: Books) -> None:
    missing = set(books.ask("select month, id_company from causes where cause = 'jdash_file_missing'"))
    wanted = set(books.ask("select distinct month, id_company from lines")) - missing
    assert {(path.parent.name, path.stem) for path in inbox(books)} == wanted
    assert missing


def test_the_quirks_of_spreadsheets_are_there(books: Books) -> None:
    files = texts(books).values()
    assert any(text.startswith("\ufeff") for text in files)
    assert any(";" in text.splitlines()[0] for text in files)
    assert any(re.search(r"^\d+\.0,", text, re.MULTILINE) for text in files)
    assert any(re.search(r'"\d{1,3}(,\d{3})+\.\d\d"', text) for text in files)
    assert any(re.search(r";\d{1,3}( \d{3})+,\d\d\b", text) for text in files)
    assert any("₦" in text for text in files)
    assert any("\n\n" in text for text in files)
    assert any(re.search("^total", text, re.MULTILINE | re.IGNORECASE) for text in files)
    headers = {re.split("[,;]", text.lstrip("\ufeff").splitlines()[0])[0] for text in files}
    assert headers == {"Voucher Id", "Voucher_Id", "voucher_id", "VoucherId", "id", "voucher"}


def test_no_amount_could_be_read_two_ways(books: Books) -> None:
    for path, text in texts(books).items():
        amounts = re.findall(r"[.,](\d+)\"?\r?$", text, re.MULTILINE)
        assert amounts, path
        assert all(len(fraction) in {2, 4} for fraction in amounts), path


def test_workbooks_have_a_total_that_equals_the_sum(books: Books) -> None:
    workbooks = [path for path in inbox(books) if path.suffix == ".xlsx"]
    assert len(workbooks) > 3
    for path in workbooks:
        sheet = openpyxl.load_workbook(path).active
        assert sheet is not None
        rows = [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] is not None]
        *listed, total = [(str(name), Decimal(str(amount))) for name, amount in rows]
        assert total == ("Total", sum(amount for _, amount in listed))


def test_files_are_cumulative(books: Books) -> None:
    counts = [len(path.read_bytes().splitlines()) for path in inbox(books) if path.name == "EC_KE.csv"]
    assert counts[-1] > counts[len(counts) // 2] > counts[0] > 2
