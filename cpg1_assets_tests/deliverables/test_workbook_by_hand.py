"""The workbook of months that are not ordinary: nothing computed, nothing open, too much for a sheet or for a number."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.workbook import write_workbook
from cpg1_assets_tests.deliverables.sealed_by_hand import item, line, sealed_by_hand

LINE = "customer_ar"


def values(month: ClosedMonth, path: Path, **more: int) -> dict[str, list[tuple[Any, ...]]]:
    """Write the workbook, and give the rows of each sheet that have something in them."""
    write_workbook(month, path, **more)
    book = openpyxl.load_workbook(path, data_only=True)
    return {
        sheet.title: [
            row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)
        ]
        for sheet in book
    }


def formulas(path: Path, sheet: str) -> list[str]:
    cells = (cell for row in openpyxl.load_workbook(path)[sheet].iter_rows() for cell in row)
    return [cell.value for cell in cells if cell.data_type == "f"]


def test_a_month_without_a_line_and_without_an_item_is_a_workbook_that_says_so(tmp_path: Path) -> None:
    month = sealed_by_hand(tmp_path / "month" / "evidence", {})
    sheets = values(month, tmp_path / "none.xlsx")
    assert any(row[0] == "No line was computed." for row in sheets["Summary"])
    assert sheets["Open items"][-1][0] == "No.", "the header, and nothing below"
    assert formulas(tmp_path / "none.xlsx", "Open items") == []


def test_a_line_that_is_not_computed_has_no_figure_of_items_and_says_what_it_lacks(tmp_path: Path) -> None:
    row = line(
        "EC_NG", LINE, "10", "4", status="NOT_COMPUTED", bridges=None, unexplained=None, fx_rate=None,
        variance_usd=None, unexplained_usd=None,
    )  # fmt: skip
    month = sealed_by_hand(tmp_path / "month" / "evidence", {"reconciliation": [row]})
    sheets = values(month, tmp_path / "one.xlsx")
    header = next(row for row in sheets["Summary"] if row[0] == "Company")
    (shown,) = [dict(zip(header, row, strict=True)) for row in sheets["Summary"] if row[1] == LINE]
    assert (shown["Variance"], shown["Status"]) == (6, "NOT_COMPUTED")
    assert [shown[name] for name in ("Bridges", "Unexplained", "Of the open items", "Open items", "Unexplained USD")] == [
        None, None, None, None, None,
    ]  # fmt: skip
    assert "no closing FX rate" in shown["Why this status"]


def test_a_version_sealed_before_there_were_open_items_says_so(tmp_path: Path) -> None:
    month = sealed_by_hand(
        tmp_path / "month" / "evidence", {"reconciliation": [line("EC_NG", LINE, "10", "4")]},
        without=("open_items", "open_item_matches", "open_item_changes", "open_item_comments"),
    )  # fmt: skip
    sheets = values(month, tmp_path / "old.xlsx")
    assert "Open items" not in sheets
    assert any("sealed before variances were taken apart" in str(row[0]) for row in sheets["Summary"])


ITEMS = [
    *(item("EC_NG", LINE, f"ing{at:02d}", str(at)) for at in range(1, 31)),
    *(item("JD_GH", LINE, f"igh{at:02d}", "0.1", country_code="GH") for at in range(12)),
]
LINES = [
    line("EC_NG", LINE, "465", "0"),
    line("JD_GH", LINE, "1.2", "0", country_code="GH"),
]


def test_what_a_sheet_does_not_hold_is_split_by_company_and_then_by_number(tmp_path: Path) -> None:
    month = sealed_by_hand(tmp_path / "m" / "evidence", {"reconciliation": LINES, "open_items": ITEMS})
    sheets = values(month, tmp_path / "split.xlsx", rows_of_a_sheet=25)
    names = ["Open items EC_NG 1", "Open items EC_NG 2", "Open items JD_GH"]
    assert [name for name in sheets if name.startswith("Open items")] == names
    said = [str(row[0]) for row in sheets["Summary"]]
    assert any(text.endswith(f"on 3 sheets, by company: {', '.join(names)}.") for text in said)
    found = [row[3] for name in names for row in sheets[name] if str(row[3]).startswith(("ing", "igh"))]
    assert sorted(found) == sorted(each["item"] for each in ITEMS)
    for name in names:
        assert len(sheets[name]) <= 25
        assert any("seal " in str(row[0]) for row in sheets[name]), "each says what it was made of"
    # A total goes over all sheets of the company; on a sheet with a part of one there is none.
    (of_ng,) = [each for each in formulas(tmp_path / "split.xlsx", "Summary") if "EC_NG 1'!$F" in each]
    assert "EC_NG 2'!$F" in of_ng
    (total,) = [row[9] for row in sheets["Summary"] if row[:2] == ("EC_NG", LINE)]
    assert total == 465
    assert formulas(tmp_path / "split.xlsx", "Open items EC_NG 2") == []
    assert len(formulas(tmp_path / "split.xlsx", "Open items JD_GH")) == 5
    assert sheets["Open items JD_GH"][4][5] == 1.2


def test_an_amount_that_no_number_of_a_cell_is_stands_as_text_and_no_formula_leaves_it_out(
    tmp_path: Path,
) -> None:
    large, rest = "123456789012345.6789", "123456789012346.1789"
    items = [item("EC_NG", LINE, "i1", large), item("EC_NG", LINE, "i2", "0.5")]
    rows = {"reconciliation": [line("EC_NG", LINE, rest, "0")], "open_items": items}
    path = tmp_path / "large.xlsx"
    sheets = values(sealed_by_hand(tmp_path / "m" / "evidence", rows), path)
    (shown,) = [row for row in sheets["Summary"] if row[:2] == ("EC_NG", LINE)]
    assert shown[4] == shown[6] == shown[8] == shown[9] == rest
    assert [row[5] for row in sheets["Open items"] if row[3] in ("i1", "i2")] == [large, 0.5]
    row = next(row for row in openpyxl.load_workbook(path)["Summary"].iter_rows() if row[0].value == "EC_NG")
    assert [cell.column_letter for cell in row if cell.data_type == "f"] == ["H", "K", "L"], (
        "bridges, items, comments"
    )
    assert formulas(path, "Open items") == []
    assert any("more than the 15 digits" in str(row[0]) for row in sheets["Summary"])
    assert Decimal(large) + Decimal("0.5") == Decimal(rest)


@pytest.mark.parametrize(
    ("amount", "shown"), [("0.0040", "#,##0.0000"), ("0.0100", "#,##0.00"), ("-0.0001", "#,##0.0000")]
)
def test_an_amount_that_would_be_shown_as_nothing_shows_all_its_digits(
    tmp_path: Path, amount: str, shown: str
) -> None:
    rows = {
        "reconciliation": [line("EC_NG", LINE, amount, "0")],
        "open_items": [item("EC_NG", LINE, "i1", amount)],
    }
    path = tmp_path / "small.xlsx"
    write_workbook(sealed_by_hand(tmp_path / "m" / "evidence", rows), path)
    cell = openpyxl.load_workbook(path)["Open items"]["F7"]
    assert cell.value == float(amount)
    assert cell.number_format.split(";")[0] == shown
