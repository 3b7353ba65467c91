"""What is told of a line adds up to the reconciliation, to the last digit, or is said not to."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import MonthError, ScopeError
from cpg1_assets.explaining.stored import StoredMonth
from cpg1_assets.explaining.variances import explained_lines, line_as_dict
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.not_computed import CR_04, IPE_08, JDASH, RECONCILIATION, what_is_missing
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.explaining.stored_month import COMPANY, LINE, RED, item, reconciled, stored_month
from cpg1_assets_tests.rules.rows import LINES, SEPTEMBER, Row, rows, table


def test_the_items_of_every_line_of_the_books_tie_to_the_reconciliation(closed: Closed) -> None:
    stored = StoredMonth(open_deployment(closed.settings), CutoffMonth.parse(closed.month))
    lines = explained_lines(stored)
    told = {(line.figures["id_company"], line.figures["line"]): line for line in lines}
    assert set(told) == {(row["id_company"], row["line"]) for row in closed.rows("reconciliation")}
    assert [line for line in lines if line.differing] == []
    assert sum(len(line.items) for line in lines) == len(closed.rows("open_items"))
    counted = sum(line.nav_entries + line.target_rows for line in lines)
    open_ = {row["item"] for row in closed.rows("open_items")}
    agreed = [row for row in closed.rows("open_item_matches") if row["item"] not in open_]
    assert counted == sum(row["side"] in ("NAV", "TARGET") for row in agreed)
    assert counted > 0


def test_what_agrees_is_added_up_from_its_rows_and_not_taken_from_the_difference(tmp_path: Path) -> None:
    (line,) = explained_lines(stored_month(tmp_path, RED))
    assert (line.nav_entries, line.target_rows) == (1, 1)
    assert (line.nav_amount, line.target_amount) == (Decimal(100), Decimal(100))
    assert vars(line.of_items) == {
        "actual": 30, "target_value": 0, "variance": 30, "bridges": 0, "unexplained": 30,
    }  # fmt: skip
    assert line.differing == []
    assert [each["item"] for each in line.items] == ["i2aa", "i2ab"], "largest first"


@pytest.mark.parametrize(
    ("frame", "left", "said"),
    [
        ("open_items", 1, ["variance is 30.0000, and its items come to 50.0000",
                           "unexplained is 30.0000, and its items come to 50.0000"]),
        ("open_item_matches", 3, []),
        ("open_item_matches", 1, ["target_value is 100.0000, and its items come to 0.0000"]),
    ],
    ids=["an item is gone", "a row of an open item is gone", "a row that agrees is gone"],
)  # fmt: skip
def test_totals_that_do_not_tie_are_named_figure_by_figure(
    tmp_path: Path, frame: str, left: int, said: list[str]
) -> None:
    (line,) = explained_lines(stored_month(tmp_path, RED | {frame: RED[frame][:left]}))
    assert line.differing == said
    assert line_as_dict(line)["taken_apart"]["ties"] == (not said)


def test_red_lines_come_first_and_the_largest_of_them_before_the_others(tmp_path: Path) -> None:
    lines = [
        reconciled("1", "0", line="customer_ar", status="RECONCILED"),
        reconciled("0", "0", line="voucher_liability", status="NOT_COMPUTED", unexplained=None, bridges=None,
                   unexplained_usd=None, fx_rate=None),
        reconciled("2000", "0", line="collections_ar"),
        reconciled("5000", "4000", line="customer_prepayments", status="EXPLAINED"),
        reconciled("0", "3000"),
    ]  # fmt: skip
    told = explained_lines(stored_month(tmp_path, RED | {"reconciliation": lines}))
    assert [line.figures["line"] for line in told] == [
        LINE, "collections_ar", "customer_prepayments", "voucher_liability", "customer_ar",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("company", "line", "said"),
    [
        ("EC_XX", None, "'EC_XX' is no company of 2025-09. There are: EC_KE."),
        (None, "vouchers", f"'vouchers' is no line of 2025-09. There are: {LINE}."),
    ],
)
def test_what_is_unknown_is_named_with_what_there_is(
    tmp_path: Path, company: str | None, line: str | None, said: str
) -> None:
    with pytest.raises(ScopeError) as refused:
        explained_lines(stored_month(tmp_path, RED), company, line)
    assert str(refused.value) == said


def test_names_are_found_whatever_their_case_and_blanks(tmp_path: Path) -> None:
    (line,) = explained_lines(stored_month(tmp_path, RED), " ec_ke ", LINE.upper())
    assert (line.figures["id_company"], line.figures["line"]) == (COMPANY, LINE)


def test_a_month_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        MonthError, match=r"2025-09 has not been closed\. Close it with: cpg1 close --month 2025-09"
    ):
        explained_lines(stored_month(tmp_path, {}))
    only = {"reconciliation": RED["reconciliation"]}
    with pytest.raises(MonthError, match=r"have not been taken apart into items.*cpg1 close --month 2025-09"):
        explained_lines(stored_month(tmp_path, only))


# What is not computed


def test_a_line_that_is_not_computed_says_everything_it_lacks_and_has_no_items(tmp_path: Path) -> None:
    row = reconciled(
        "5", "0", line="voucher_liability", status="NOT_COMPUTED", bridges=None, unexplained=None, fx_rate=None,
        variance_usd=None, unexplained_usd=None,
    )  # fmt: skip
    (line,) = explained_lines(stored_month(tmp_path, RED | {"reconciliation": [row], "open_items": []}))
    assert line.items == ()
    assert line.differing == []
    assert [why.split(" (")[-1].rstrip(")") for why in line.why] == ["cr_04", "ipe_08", "jdash", "cr_05"]
    assert line_as_dict(line)["taken_apart"] is None


def test_what_is_there_by_now_is_not_said_to_be_missing(tmp_path: Path) -> None:
    row = reconciled("5", "0", status="NOT_COMPUTED")
    balance = {"id_company": COMPANY, "closing_date": "2025-09-30", "group_coa_account_no": "13005",
               "balance_at_date": "5"}  # fmt: skip
    stored = stored_month(tmp_path, RED | {"reconciliation": [row], "open_items": [], "cr_04": [balance]})
    (line,) = explained_lines(stored)
    assert line.why == ("what it lacked when it was computed is there now: close the month again",)


def test_a_damaged_input_does_not_hide_the_lines_that_are_computed(tmp_path: Path) -> None:
    row = reconciled("5", "0", line="customer_ar", status="NOT_COMPUTED")
    stored = stored_month(tmp_path, RED | {"reconciliation": [*RED["reconciliation"], row]})
    Path(stored.deployment.storage.path("cr_04", "2025-09")).write_bytes(b"not Parquet")
    red, lacking = explained_lines(stored)
    assert len(red.items) == 2
    assert "cannot be told" in lacking.why[0]
    assert "cr_04" in lacking.why[0]


@given(
    has_rate=st.sampled_from(["2", "0", "-1", None]),
    has_balance=st.booleans(),
    has_vouchers=st.booleans(),
    has_file=st.booleans(),
    line=st.sampled_from([line.line for line in LINES.lines]),
)
def test_every_input_that_the_reconciliation_asks_for_is_named_when_it_is_missing(
    *,
    has_rate: str | None,
    has_balance: bool,
    has_vouchers: bool,
    has_file: bool,
    line: str,
) -> None:
    needs = next(each.needs for each in LINES.lines if each.line == line)
    missing = {
        *(["rate"] if has_rate != "2" else []),
        *(["balance"] if not has_balance else []),
        *(["ipe_08"] if "ipe_08" in needs and not has_vouchers else []),
        *(["jdash"] if "jdash" in needs and not has_file else []),
    }
    there = {"id_company": " ec_ke"}
    other: Row = {"id_company": "JD_GH"}
    found = rows(
        what_is_missing(
            _table(RECONCILIATION, [{"id_company": COMPANY, "line": line, "fx_rate": has_rate, "status": "NOT_COMPUTED"},
                                    {"id_company": "JD_GH", "line": line, "fx_rate": None, "status": "RECONCILED"}]),
            _table(CR_04, [there | {"closing_date": "2025-09-30" if has_balance else "2025-08-31"}]),
            _table(IPE_08, [there if has_vouchers else other]),
            _table(JDASH, [there if has_file else other]),
            SEPTEMBER,
            LINES,
        )
    )  # fmt: skip
    assert {row["missing"] for row in found} == missing
    assert {(row["id_company"], row["line"]) for row in found} <= {(COMPANY, line)}


def _table(columns: Any, listed: list[Row]) -> pa.Table:  # noqa: ANN401 - columns of a rule
    return table(columns, listed)


# What must be said beside


def test_figures_of_another_reconciliation_are_said_to_be(closed: Closed, tmp_path: Path) -> None:
    stored = stored_month(tmp_path, RED)
    assert stored.notes == ["Not sealed."]
    real = StoredMonth(open_deployment(closed.settings), CutoffMonth.parse(closed.month))
    (sealed,) = real.notes
    assert sealed.startswith("Sealed (version 1), not signed off")
    assert "NOT" not in sealed


def test_a_narrowed_scope_says_that_it_does_not_count(tmp_path: Path) -> None:
    stored = stored_month(tmp_path, RED, companies=("EC_KE",))
    assert stored.notes == ["Not sealed: a narrowed scope does not count as the control."]
    (line,) = explained_lines(stored)
    assert len(line.items) == 2


# Exactness


@given(
    amounts=st.lists(
        st.tuples(*[st.decimals(-(10**18), 10**18, places=4)] * 2, st.decimals(-(10**9), 10**9, places=4)),
        max_size=6,
    ),
    agreed=st.decimals(-(10**18), 10**18, places=4),
)
def test_any_items_tie_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[Decimal, Decimal, Decimal]], agreed: Decimal
) -> None:
    items = [
        item("x", "0", "0", item=f"i{at}", nav_amount=nav, target_amount=target, difference=nav - target,
             bridge_amount=bridge, unexplained=nav - target - bridge)
        for at, (nav, target, bridge) in enumerate(amounts)
    ]  # fmt: skip
    actual, target, bridges = (
        (sum(column, Decimal(0)) for column in zip(*amounts, strict=True)) if amounts else [Decimal(0)] * 3
    )
    figures = reconciled("0", "0") | {
        "actual": actual + agreed, "target_value": target + agreed, "variance": actual - target, "bridges": bridges,
        "unexplained": actual - target - bridges,
    }  # fmt: skip
    both = [row | {"amount": agreed} for row in RED["open_item_matches"][:2]]
    rows_ = RED | {"reconciliation": [figures], "open_items": items, "open_item_matches": both}
    (line,) = explained_lines(stored_month(tmp_path_factory.mktemp("m"), rows_))
    assert line.differing == []
    assert line.named.adds_up
