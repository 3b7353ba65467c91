"""The control finds exactly what the sample books say is true: every company, line, account and month.

`truth` is written by the simulation from its own events. Four awkward months are closed through Dagster;
all others, other seeds and sizes are computed by the same queries and rules without it, which is faster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cpg1_assets.deployment import read_rules
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.rules.business_line_reclass import business_line_reclass
from cpg1_assets.rules.customer_posting_group_bridge import customer_posting_group_bridge
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.gl_roll_forward import gl_roll_forward
from cpg1_assets.rules.nav_voucher_entries import nav_voucher_entries
from cpg1_assets.rules.reconciliation import reconciliation
from cpg1_assets.rules.target_values import target_values
from cpg1_assets.rules.timing_difference_bridge import timing_difference_bridge
from cpg1_assets.rules.vtc_adjustment import vtc_adjustment
from cpg1_assets.sample_books import make_sample_books
from cpg1_assets.settings import Settings
from cpg1_assets.sources.interface import Session
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.closing import close
from cpg1_assets_tests.extracted import extracted

Rows: TypeAlias = list[dict[str, Any]]

AWKWARD_MONTHS = {
    "2024-02": "no_voucher_snapshot",
    "2024-03": "jdash_file_missing",
    "2024-08": "fx_rate_missing",
    "2025-01": None,
}
ALL_MONTHS = [month.key for month in month_range(CutoffMonth(2024, 1), CutoffMonth(2025, 12))]
GIVEN = ("actual", "target_value", "variance", "bridges", "unexplained")


@pytest.mark.parametrize(("month", "cause"), AWKWARD_MONTHS.items())
def test_a_month_closed_through_dagster_is_the_truth(
    home: Path, instance: dg.DagsterInstance, month: str, cause: str | None
) -> None:
    books = home / "sample_books"
    assert cause is None or cause in {row["cause"] for row in truth(books, "causes", month)}
    closed = close(Settings(home=home), month, instance)
    assert closed.result.success
    assert_lines_are_true(closed.rows("reconciliation"), books, month)
    assert_roll_forward_is_true(closed.rows("gl_roll_forward"), books, month)


@pytest.fixture(scope="module")
def default_session(sample_books: Path) -> Iterator[Session]:
    with SampleBooks(sample_books).session() as session:
        yield session


@pytest.mark.parametrize("month", ALL_MONTHS)
def test_every_month_of_the_default_books_is_the_truth(
    sample_books: Path, default_session: Session, month: str
) -> None:
    assert_month_is_true(sample_books, default_session, month)


@pytest.mark.parametrize(
    ("seed", "factor", "months"),
    [
        (7, 1, ("2024-04", "2025-12")),
        (20_240_101, 3, ("2025-03", "2025-10")),
    ],
)
def test_other_seeds_and_sizes_are_the_truth(
    tmp_path: Path, seed: int, factor: int, months: tuple[str, ...]
) -> None:
    books = tmp_path / "sample_books"
    make_sample_books(books, seed=seed, factor=factor)
    with SampleBooks(books).session() as session:
        for month in months:
            assert_month_is_true(books, session, month)


def test_the_truth_covers_every_status_and_every_cause_that_stops_a_line(sample_books: Path) -> None:
    """If the books stopped breaking things, the tests above would prove less than they say."""
    lines = pq.read_table(sample_books / "truth" / "lines.parquet")
    assert set(lines.column("status").to_pylist()) == {
        "RECONCILED",
        "EXPLAINED",
        "VARIANCE_DETECTED",
        "NOT_COMPUTED",
    }
    assert len(lines) == 9 * 6 * 24
    causes = set(
        pq.read_table(sample_books / "truth" / "causes.parquet", columns=["cause"])["cause"].to_pylist()
    )
    assert {"no_voucher_snapshot", "jdash_file_missing", "fx_rate_missing"} <= causes


def assert_month_is_true(books: Path, session: Session, month: str) -> None:
    with computed(books, session, CutoffMonth.parse(month)) as (lines, roll_forward):
        assert_lines_are_true(lines, books, month)
        assert_roll_forward_is_true(roll_forward, books, month)


def assert_lines_are_true(found: Rows, books: Path, month: str) -> None:
    """Compare amounts and status; of what cannot be computed, only what can be given is given (Lines)."""
    missing = {
        (row["id_company"], row["line"]): row["cause"]
        for row in truth(books, "causes", month)
        if row["cause"] in ("no_voucher_snapshot", "jdash_file_missing")
    }
    rateless = {
        row["id_company"] for row in truth(books, "causes", month) if row["cause"] == "fx_rate_missing"
    }
    expected = {(row["id_company"], row["line"]): row for row in truth(books, "lines", month)}
    assert {(row["id_company"], row["line"]) for row in found} == expected.keys()
    assert len(found) == len(expected)
    for row in found:
        place = (row["id_company"], row["line"])
        true = expected[place]
        assert row["status"] == true["status"], place
        given: tuple[str, ...] = GIVEN
        if place in missing:
            assert row["status"] == "NOT_COMPUTED"
            assert row["bridges"] is None
            assert row["unexplained"] is None
            # Without a snapshot there is no target of its own either; without a file there is.
            given = ("actual",) if missing[place] == "no_voucher_snapshot" else GIVEN[:3]
        for name in given:
            assert row[name] == true[name], (*place, name)
        if row["id_company"] in rateless:
            assert (row["status"], row["fx_rate"]) == ("NOT_COMPUTED", None)
            assert (row["variance_usd"], row["unexplained_usd"]) == (None, None)


def assert_roll_forward_is_true(found: Rows, books: Path, month: str) -> None:
    """Compare every account; one that never moved may be left out, since neither side has a row of it."""
    expected = {
        (row["id_company"], row["group_coa_account_no"]): row for row in truth(books, "roll_forward", month)
    }
    for row in found:
        true = expected.pop((row["id_company"], row["group_coa_account_no"]))
        for name in ("opening", "movement", "closing", "difference"):
            assert row[name] == true[name], (row["id_company"], row["group_coa_account_no"], name)
    for true in expected.values():
        assert true["opening"] == true["movement"] == true["closing"] == true["difference"] == 0


def truth(books: Path, name: str, month: str) -> Rows:
    table = _truth(books, name)
    rows: Rows = table.filter(pc.equal(table["month"], month)).to_pylist()
    return rows


@cache
def _truth(books: Path, name: str) -> pa.Table:
    return pq.read_table(books / "truth" / f"{name}.parquet")


@contextmanager
def computed(books: Path, session: Session, month: CutoffMonth) -> Iterator[tuple[Rows, Rows]]:
    """Give the reconciliation and the roll-forward by the product's queries and rules, without Dagster."""
    taken = extracted(books, session, month)
    ipe_07, ipe_08, cr_03, cr_04, cr_05 = (taken[n] for n in ("ipe_07", "ipe_08", "cr_03", "cr_04", "cr_05"))
    jdash = taken["jdash"]
    rules = read_rules(Settings(home=books).rules_folder)
    entries = to_table(nav_voucher_entries(cr_03, ipe_08, taken["doc_voucher_usage"]))
    targets = target_values(
        ipe_07, ipe_08, taken["ipe_10"], taken["ipe_12"], taken["ipe_31"], taken["ipe_34"], cr_05, rules.lines
    )
    lines = reconciliation(
        to_table(targets),
        to_table(timing_difference_bridge(ipe_08, jdash, month)),
        to_table(vtc_adjustment(ipe_08, entries, cr_05, month)),
        to_table(customer_posting_group_bridge(ipe_07)),
        to_table(business_line_reclass(ipe_07)),
        ipe_08, jdash, cr_04, cr_05, month, rules.lines, rules.thresholds,
    )  # fmt: skip
    yield to_table(lines).to_pylist(), to_table(gl_roll_forward(cr_03, cr_04, month)).to_pylist()
