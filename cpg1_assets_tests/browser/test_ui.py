"""A person works with the control in the Dagster UI: closes a month, looks at it, checks it again, mends and cancels runs.

One test, since it is one UI: tests are spread over processes, and each would start its own.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from playwright.sync_api import Page, expect

from cpg1_assets.claims import Claims
from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.graph.steps import run_is_over
from cpg1_assets.settings import Settings
from cpg1_assets_tests.browser.chromium import chromium, visit
from cpg1_assets_tests.browser.dagster_pages import (
    CLOSE_MONTH,
    LONG_MILLISECONDS,
    launch,
    newest_backfill,
    newest_run,
    outcome,
    re_execute_from_failure,
    table,
    terminate,
)
from cpg1_assets_tests.browser.running_ui import RunningUi, running_ui
from cpg1_assets_tests.required import CHROMIUM, require

MONTH = "2025-09"
BEFORE = ("2025-06", "2025-07", "2025-08")
GROUPS = ("extracts", "classification", "bridges", "reconciliation", "open_items", "evidence")
RESULT = ("status", "id_company", "line", "unexplained", "unexplained_usd", "threshold_usd")
CHECK = "voucher_liability_explained"
LINE = "voucher_liability"
OPEN = (
    *RESULT, "country_code", "actual", "target_value", "variance", "bridges", "fx_rate", "variance_usd", "threshold_rule",
    "items", "named", "unknown", "share_named", "open_items",
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """A browser before the UI of a home."""

    page: Page
    ui: RunningUi

    def stored(self, asset: str) -> list[dict[str, Any]]:
        """Give the rows of an asset's month as they are in storage."""
        rows: list[dict[str, Any]] = pq.read_table(self.path(asset)).to_pylist()
        return rows

    def path(self, asset: str) -> Path:
        """Give the place of an asset's month in storage."""
        return self.ui.home / "storage" / asset / f"{MONTH}.parquet"

    def asset(self, name: str, **view: str) -> str:
        """Give the address of an asset's page."""
        query = "&".join(f"{key}={value}" for key, value in view.items())
        return f"{self.ui.address}/assets/{name}?{query}"


@pytest.mark.browser
def test_a_month_is_closed_looked_at_checked_mended_and_cancelled_in_the_ui(
    sample_books: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    require(CHROMIUM)
    with (
        running_ui(sample_books, tmp_path) as ui,
        chromium() as browser,
        visit(browser, width=1600, height=1000) as seen,
    ):
        desk = Desk(seen.page, ui)
        with subtests.test("the assets are there by their groups, before anything is closed"):
            the_groups_are_shown(desk)
        a_month_is_closed(desk)  # all that follows looks at it
        with subtests.test("the result of the month is that of storage, open lines first"):
            the_result_is_that_of_storage(desk)
        with subtests.test("a failed check shows the figures of its open lines"):
            a_failed_check_shows_its_figures(desk)
        with subtests.test("checks are executed for the month that is there"):
            checks_are_executed(desk)
        with subtests.test("a run that failed is re-executed from its failure once the cause is mended"):
            a_failed_run_is_mended(desk)
        with subtests.test("a backfill of three months is three runs; cancelled, each leaves its month free"):
            a_backfill_is_cancelled(desk)
        with subtests.test("nothing is asked of another machine"):
            assert seen.asked_outside == []


def the_groups_are_shown(desk: Desk) -> None:
    desk.page.goto(f"{desk.ui.address}/asset-groups")
    for group in GROUPS:
        expect(desk.page.get_by_text(group, exact=True).first).to_be_visible()


def a_month_is_closed(desk: Desk) -> None:
    launch(desk.page, f"{desk.ui.address}{CLOSE_MONTH}", MONTH, "Launch 1 run")
    run = newest_run(desk.page, desk.ui.address)
    assert outcome(desk.page, run) == "Success"
    expect(desk.page.get_by_text(f"partition: {MONTH}", exact=True).first).to_be_visible()


def the_result_is_that_of_storage(desk: Desk) -> None:
    desk.page.goto(desk.asset("reconciliation", view="partitions", partition=MONTH))
    shown = [{name: as_stored(value) for name, value in row.items()} for row in table(desk.page, *RESULT)]
    stored = [{name: row[name] for name in RESULT} for row in desk.stored("reconciliation")]
    assert len(stored) > 50
    assert sorted(shown, key=key) == sorted(stored, key=key)
    statuses = [row["status"] for row in shown]
    opened = [status for status in statuses if status == "VARIANCE_DETECTED"]
    assert opened
    assert statuses[: len(opened)] == opened
    desk.page.get_by_text("[Show Markdown]", exact=True).first.click()
    waterfall = desk.page.get_by_role("dialog").get_by_role(
        "img", name=re.compile(f"^{MONTH}: from variance to")
    )
    expect(waterfall).to_be_visible()
    assert waterfall.evaluate("picture => picture.naturalWidth") > 0


def a_failed_check_shows_its_figures(desk: Desk) -> None:
    desk.page.goto(desk.asset("reconciliation", view="checks", checkDetail=CHECK))
    opened = [
        row
        for row in desk.stored("reconciliation")
        if row["line"] == LINE and row["status"] == "VARIANCE_DETECTED"
    ]
    first, *_ = sorted(opened, key=lambda row: -abs(row["unexplained_usd"]))
    said = f"Open: {first['id_company']} {LINE} {first['unexplained_usd']:,.4f} USD"
    expect(desk.page.get_by_text(said).first).to_be_visible()
    shown = [{name: as_stored(row[name]) for name in RESULT} for row in table(desk.page, *OPEN)]
    assert sorted(shown, key=key) == sorted(({name: row[name] for name in RESULT} for row in opened), key=key)


def checks_are_executed(desk: Desk) -> None:
    known = newest_run(desk.page, desk.ui.address)
    desk.page.goto(desk.asset("reconciliation", view="checks", checkDetail=CHECK))
    desk.page.get_by_role("button", name="Execute all").click()
    run = newest_run(desk.page, desk.ui.address, known)
    assert outcome(desk.page, run) == "Success"
    expect(desk.page.get_by_text(f"partition: {MONTH}", exact=True).first).to_be_visible()
    with dagster(desk.ui) as instance:
        found = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("reconciliation"), CHECK), limit=1
        )
        (latest,) = found
        assert (latest.run_id, latest.partition) == (run.rpartition("/")[2], MONTH)
        assert latest.status is AssetCheckExecutionRecordStatus.FAILED


def a_failed_run_is_mended(desk: Desk) -> None:
    known = newest_run(desk.page, desk.ui.address)
    tampered = desk.path("timing_difference_bridge")
    whole = tampered.read_bytes()
    tampered.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    launch(desk.page, desk.asset("reconciliation", view="overview"), MONTH, "Launch 1 run")
    failed = newest_run(desk.page, desk.ui.address, known)
    assert outcome(desk.page, failed) == "Failure"
    desk.page.goto(f"{failed}?logs=step%3Areconciliation")
    expect(desk.page.get_by_text(f"{tampered} is not the file that was written there").first).to_be_visible()
    desk.page.goto(failed)
    tampered.write_bytes(whole)
    again = re_execute_from_failure(desk.page)
    assert outcome(desk.page, again) == "Success"
    the_result_is_that_of_storage(desk)


def a_backfill_is_cancelled(desk: Desk) -> None:
    claims = Claims(desk.ui.home)
    with dagster(desk.ui) as instance:
        # Without a slot in the pool the run that goes comes no further than to its first extract.
        instance.event_log_storage.set_concurrency_slots("source", 0)
        months = f"[{BEFORE[0]}...{BEFORE[-1]}]"
        launch(desk.page, f"{desk.ui.address}{CLOSE_MONTH}", months, "Launch backfill")
        runs = newest_backfill(desk.page, desk.ui.address, BEFORE)
        assert sorted(runs) == sorted(BEFORE)
        desk.page.get_by_text("Started", exact=True).first.wait_for(timeout=LONG_MILLISECONDS)
        going = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        (started,) = [
            month for record in going for month in BEFORE if runs[month].endswith(record.dagster_run.run_id)
        ]
        desk.page.goto(runs[started])
        expect(desk.page.get_by_text("waits for pool source, which has no slots").first).to_be_visible()
        claim = claims.holder(started, lambda run: run_is_over(instance, run))
        assert claim is not None
        assert runs[started].endswith(claim.run_id)
        for month in BEFORE:
            if month != started:
                assert terminate(desk.page, runs[month]) == "Canceled"
        # A run in process hears of its termination in a step, and not while it waits for a pool (Dagster 1.13.27).
        instance.event_log_storage.set_concurrency_slots("source", 1)
        assert terminate(desk.page, runs[started]) == "Canceled"
        for month in BEFORE:
            assert claims.holder(month, lambda run: run_is_over(instance, run)) is None
            assert not desk.path("evidence_manifest").with_name(f"{month}.parquet").exists()


@contextmanager
def dagster(ui: RunningUi) -> Iterator[dg.DagsterInstance]:
    """Open the UI's own instance, to see what is told apart nowhere on a page."""
    with dagster_instance(Settings(home=ui.home)) as instance:
        yield instance


def as_stored(shown: str) -> str | Decimal:
    """Give a cell as storage has it: an amount without its separators."""
    return Decimal(shown.replace(",", "")) if re.fullmatch(r"-?[\d,]+\.\d+", shown) else shown


def key(row: Mapping[str, Any]) -> tuple[str, str]:
    """Give what a row of the reconciliation is about."""
    return row["id_company"], row["line"]
