"""The control workbook: every figure is the sealed one, as a number, and what adds up is a formula that comes to it."""

import json
import os
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cpg1_assets.comments.open_items_sheet import COLUMNS, EDITABLE, HEADERS
from cpg1_assets.deliverables.closed_month import closed_month
from cpg1_assets.deliverables.workbook import write_workbook
from cpg1_assets.deliverables.workbook_figures import heading
from cpg1_assets.evidence.chain.items_to_comment import items_to_comment
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.causes import MEANINGS
from cpg1_assets.rules.frames import (
    CAUSES,
    GL_ROLL_FORWARD,
    IPE_31_CLASSIFIED,
    VOUCHER_ACCRUAL_VARIANCE,
)
from cpg1_assets_tests.deliverables.opened import Opened

SHEETS = [
    "Summary", "Open items", "Bridges", "Customer posting group bridge", "Business-line reclass",
    "Timing difference bridge", "VTC adjustment", "Proposed journals", "Classification", "Voucher accrual variance",
    "Roll-forward", "Checks", "Causes", "Parameters and seal",
]  # fmt: skip
FRAMES = {
    **{bridge.title: bridge.frame for bridge in BRIDGES.values()},
    "Classification": IPE_31_CLASSIFIED,
    "Voucher accrual variance": VOUCHER_ACCRUAL_VARIANCE,
    "Roll-forward": GL_ROLL_FORWARD,
}


def as_shown(value: object) -> object:
    """Give a sealed value as a spreadsheet has it; a number to its last digit."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a spreadsheet knows no time zone
    return None if value == "" else value


def same(cell: object, value: object) -> bool:
    """Tell whether a cell has a sealed value: a number exactly, a moment to the millisecond."""
    shown = as_shown(value)
    if isinstance(shown, Decimal):
        return isinstance(cell, int | float) and Decimal(repr(cell)) == shown
    if isinstance(shown, datetime):
        return isinstance(cell, datetime) and abs((cell - shown).total_seconds()) < 0.001
    return cell == shown


def test_the_sheets_are_there_in_their_order_and_say_what_they_are_of(opened: Opened) -> None:
    assert opened.values.sheetnames == SHEETS
    for sheet in opened.values:
        lines = [cell.value for cell in sheet["A"][:3]]
        assert "2025-09" in lines[0]
        assert any("SAMPLE BOOKS" in str(line) for line in lines)


@pytest.mark.parametrize("name", FRAMES)
def test_every_figure_of_a_frame_is_the_sealed_one(opened: Opened, name: str) -> None:
    spec = FRAMES[name]
    sealed = opened.month.rows(spec.name)
    shown = list(opened.rows(name, "Company"))
    assert len(shown) == len(sealed) > 0
    for cells, row in zip(shown, sealed, strict=True):
        for column in spec.columns:
            assert same(cells[heading(column.name)], row[column.name]), (row, column.name)


def test_every_figure_of_the_summary_is_that_of_the_reconciliation(opened: Opened) -> None:
    sealed = {(row["id_company"], row["line"]): row for row in opened.month.reconciliation}
    names = {
        "Status": "status", "Actual (NAV)": "actual", "Target value": "target_value", "Variance": "variance",
        "Bridges": "bridges", "Unexplained": "unexplained", "Of the open items": "unexplained",
        "Variance USD": "variance_usd", "Unexplained USD": "unexplained_usd", "Threshold USD": "threshold_usd",
        "Threshold rule": "threshold_rule", "LCY per USD": "fx_rate",
    }  # fmt: skip
    shown = list(opened.rows("Summary", "Company"))
    assert [(row["Company"], row["Line"]) for row in shown] == [
        (line.figures["id_company"], line.figures["line"]) for line in opened.month.lines
    ], "the most urgent first"
    assert len(shown) == len(sealed) == 54
    for cells in shown:
        row = sealed[cells["Company"], cells["Line"]]
        for header, name in names.items():
            assert same(cells[header], row[name]), (row, name)


def test_a_line_says_how_many_items_it_has_and_how_many_still_need_a_comment(opened: Opened) -> None:
    items, asked = opened.month.rows("open_items"), items_to_comment(opened.month.sealed)
    number: dict[tuple[str, str], int] = defaultdict(int)
    missing: dict[tuple[str, str], int] = defaultdict(int)
    for item in items:
        number[item["id_company"], item["line"]] += 1
        missing[item["id_company"], item["line"]] += item["item"] in asked.items
    assert sum(missing.values()) > 0
    for cells in opened.rows("Summary", "Company"):
        key = cells["Company"], cells["Line"]
        assert (cells["Open items"], cells["Comments missing"]) == (number[key], missing[key])


def test_the_open_items_are_the_sealed_ones_each_with_its_certificate(opened: Opened) -> None:
    sealed = {row["item"]: row for row in opened.month.rows("open_items")}
    deciders: dict[str, set[str]] = defaultdict(set)
    for row in opened.month.rows("open_item_matches"):
        if row["decided_by"] is not None:
            deciders[row["item"]].add(row["decided_by"])
    asked = items_to_comment(opened.month.sealed).items
    shown = list(opened.rows("Open items", "No."))
    assert len(shown) == len(sealed) > 0
    names = [name for name in COLUMNS if name in next(iter(sealed.values()))]
    assert set(next(iter(sealed.values()))) - set(names) == {"country_code"}
    for cells in shown:
        row = sealed[cells["Item"]]
        for name in names:
            assert same(cells[COLUMNS[name].header], row[name]), (row, name)
        assert cells["Comment needed"] == ("yes" if row["item"] in asked else "no")
        decided = sorted(deciders[row["item"]])
        if len(decided) <= 10:
            assert cells["Decided by"] == (", ".join(decided) or None)
        else:
            assert cells["Decided by"].endswith(f" and {len(decided) - 10} more")


def test_bridges_journals_and_companies_add_up_to_what_was_sealed(opened: Opened) -> None:
    enters: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for cells in opened.rows("Bridges", "Company"):
        bridge = next(each for each in BRIDGES.values() if each.title == cells["Bridge"])
        own = [row for row in opened.month.rows(bridge.name) if row["id_company"] == cells["Company"]]
        amount = sum((row[bridge.row_amount] for row in own), Decimal(0))
        assert cells["Proof rows"] == len(own)
        assert same(cells["Amount of the rows"], amount)
        assert same(cells["Enters the line with"], cells["Sign"] * amount)
        enters[cells["Company"], cells["Line"]] += cells["Sign"] * amount
    assert {key: amount for key, amount in enters.items() if amount} == {
        (row["id_company"], row["line"]): row["bridges"]
        for row in opened.month.reconciliation
        if row["bridges"]
    }
    classified = opened.month.rows("ipe_31_classified")
    journals = list(opened.rows("Proposed journals", "Journal no."))
    assert sum(journal["Items"] for journal in journals) == len(classified)
    keys = ("id_company", "bridge_key", "dr_gl_accounts", "cr_gl_accounts")
    for journal in journals:
        named = tuple(journal[name] for name in ("Company", "Bridge key", "Dr accounts", "Cr accounts"))
        amount = sum(
            (row["amount"] for row in classified if tuple(row[k] for k in keys) == named), Decimal(0)
        )
        assert same(journal["Debit"], amount)
        assert same(journal["Credit"], amount)
    rows = opened.values["Summary"].iter_rows(values_only=True)
    assert any(row[0] == "By company, all lines, LCY" for row in rows)
    next(rows)
    for row in rows:
        if row[0] is None:
            break
        own = [each for each in opened.month.reconciliation if each["id_company"] == row[0]]
        for at, name in enumerate(("actual", "target_value", "variance", "bridges", "unexplained"), 4):
            assert same(row[at], sum((each[name] for each in own), Decimal(0)))


def test_totals_are_formulas_and_no_text_of_the_data_is_one(opened: Opened) -> None:
    formulas = {
        sheet.title: [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        for sheet in opened.formulas
    }
    assert {name for name, cells in formulas.items() if cells} == {
        "Summary", "Open items", "Bridges", "Proposed journals"
    }  # fmt: skip
    for name, cells in formulas.items():
        for cell in cells:
            assert cell.value.startswith(("=ROUND(", "=COUNTIFS(", "=SUMPRODUCT(", "=IF(SUBTOTAL(")), (
                cell.value
            )
            stored = opened.values[name][cell.coordinate].value
            assert isinstance(stored, int | float) or stored == "several currencies"
    summary = [cell.value for cell in formulas["Summary"]]
    lines = len(opened.month.reconciliation)
    assert sum("SUMIFS('Open items'!" in formula for formula in summary) == lines
    with_bridges = sum(bool(line.bridges) for line in opened.month.rules.lines)
    assert sum("SUMIFS('Bridges'!" in formula for formula in summary) == 9 * with_bridges


def test_amounts_have_the_decimals_of_their_currency_and_dates_are_dates(opened: Opened) -> None:
    sheet = opened.values["Open items"]
    places = {"XOF": "#,##0", "UGX": "#,##0", "NGN": "#,##0.00", "EGP": "#,##0.00"}
    at = {name: index for index, name in enumerate(COLUMNS)}
    seen = set()
    for row in sheet.iter_rows(min_row=7):
        currency = row[at["currency"]].value
        if currency in places and abs(row[at["unexplained"]].value) > 1:
            seen.add(currency)
            assert row[at["unexplained"]].number_format.split(";")[0] == places[currency]
        if row[at["first_date"]].value is not None:
            assert row[at["first_date"]].is_date
    assert seen == set(places)


def test_what_is_not_to_be_written_in_is_locked_and_filters_work(opened: Opened) -> None:
    for sheet in opened.formulas:
        assert sheet.protection.sheet
        assert not sheet.protection.password
        assert not sheet.protection.autoFilter, "not forbidden"
        assert sheet.freeze_panes is not None
    sheet = opened.formulas["Open items"]
    assert sheet.auto_filter.ref == f"A6:AI{6 + len(opened.month.rows('open_items'))}"
    assert [cell.value for cell in sheet[6]] == list(HEADERS)
    for row in sheet.iter_rows(min_row=7):
        assert [at for at, cell in enumerate(row) if not cell.protection.locked] == list(EDITABLE.values())
    assert not [
        cell
        for other in opened.formulas
        if other.title != "Open items"
        for row in other.iter_rows()
        for cell in row
        if not cell.protection.locked
    ]


def test_a_cause_is_confirmed_from_the_list_of_causes(opened: Opened) -> None:
    sheet = opened.formulas["Open items"]
    (listed,) = [each for each in sheet.data_validations.dataValidation if each.type == "list"]
    last = 6 + len(opened.month.rows("open_items"))
    assert str(listed.sqref) == f"O7:O{last}"
    assert listed.formula1 == "'Causes'!$A$4:$A$17"
    rows = opened.values["Causes"]["A4:B17"]
    assert {cause.value: meaning.value for cause, meaning in rows} == MEANINGS
    assert [cause.value for cause, _ in rows] == list(CAUSES)


def test_checks_and_parameters_say_what_the_month_rests_on(opened: Opened) -> None:
    checks = opened.month.checks
    shown = list(opened.rows("Checks", "Result"))
    results = [
        ("passed" if row["passed"] else "FAILED") if row["tested"] else "nothing to test" for row in checks
    ]
    assert sorted(row["Result"] for row in shown) == sorted(results)
    assert shown[0]["Result"] == "FAILED"
    heights = opened.values["Checks"].row_dimensions.values()
    assert all(each.height is None or each.height > 10 for each in heights), "each can be seen"
    (late,) = [row for row in shown if row["Check"] == "ties_out" and row["Result"] == "FAILED"]
    (sealed,) = [row for row in checks if row["check"] == "ties_out" and row["tested"] and not row["passed"]]
    assert json.loads(sealed["figures"])["listed"][0]["difference"] in late["What was found"]
    said = {row["What"]: row["Value"] for row in opened.rows("Parameters and seal", "What")}
    link = opened.month.sealed.link
    assert said["Seal: digest of its link"] == link.digest
    assert said["Head of the chain this was made of"] == opened.month.head
    assert said["Books"] == "SAMPLE BOOKS"
    assert "AIG_Nav_DW" in said["Source"]


def test_the_same_head_of_the_chain_gives_the_same_bytes(opened: Opened, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_workbook(closed_month(opened.month.evidence, opened.month.month), tmp_path / "again.xlsx")
    finally:
        os.umask(before)
    assert (tmp_path / "again.xlsx").read_bytes() == opened.path.read_bytes()
    assert list(tmp_path.iterdir()) == [tmp_path / "again.xlsx"]
