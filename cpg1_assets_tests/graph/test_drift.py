"""The job `look_for_drift` leaves an observation of sums beside a sealed month, changes nothing, and is off by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

import cpg1_assets.graph.drift
from cpg1_assets.definitions import build_definitions
from cpg1_assets.errors import SourceError
from cpg1_assets.evidence.audit.drift import Drift, ExtractDrift, Moved
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.closing import QUIET, Closed
from cpg1_assets_tests.evidence.small_year import small_month
from cpg1_assets_tests.tampering import TamperedSource

JOB, SCHEDULE = "look_for_drift", "look_for_drift_on_mondays"


@contextmanager
def looked(
    settings: Settings, month: str, source: TamperedSource | None = None
) -> Iterator[tuple[dg.ExecuteInProcessResult, list[dg.AssetObservation]]]:
    """Run the job for `month`; give its result, and what it observed."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_definitions(settings, source).resolve_job_def(JOB)
        result = job.execute_in_process(
            partition_key=month, instance=instance, run_config=QUIET, raise_on_error=False
        )
        records = instance.fetch_observations(dg.AssetKey("evidence_manifest"), limit=9).records
        assert instance.get_latest_materialization_event(dg.AssetKey("evidence_manifest")) is None
        yield result, [found for each in records if (found := each.asset_observation) is not None]


def test_what_was_not_compared_is_observed_and_fails_the_run(closed: Closed) -> None:
    def refuses(asset: str) -> None:
        if asset not in ("drift", "cr_05"):
            raise SourceError(f"no right to read what {asset} needs")

    source = TamperedSource(SampleBooks(closed.settings.home / "sample_books"), asked=refuses)
    with looked(closed.settings, closed.month, source) as (result, (observed,)):
        assert not result.success
        assert observed.partition == closed.month
        assert "nothing moved" not in str(observed.description)
        metadata = observed.metadata
        assert metadata["compared"].value == "not everything: see not_compared"
        assert metadata["books"].value == "SAMPLE BOOKS"
        rows = metadata["not_compared"]
        assert isinstance(rows, dg.TableMetadataValue)
        assert {str(row.data["asset"]) for row in rows.records} >= {"cr_03", "nav_open_items", "ipe_07"}
        (failure,) = result.get_step_failure_events()
        assert "no right to read what cr_03 needs" in str(failure.step_failure_data.user_failure_data)


def test_sums_are_observed_and_no_row(closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = Moved("late posting", "EC_NG", "NGN", 2, {"amount": "100.2499", "remaining_amount": "1000.0000"})
    found = Drift(
        "2025-09", 1, "", ("EC_NG",), narrowed=False, companies_left=(), companies_new=("EC_XX",),
        extracts=(ExtractDrift("cr_03", (moved,), notes=("a note",)),),
    )  # fmt: skip
    asked: dict[str, object] = {}

    def drift(*_: object, shown: int) -> Drift:
        asked["shown"] = shown
        return found

    monkeypatch.setattr(cpg1_assets.graph.drift, "drift", drift)
    with looked(closed.settings, closed.month) as (result, (observed,)):
        assert result.success
        assert asked == {"shown": 0}
        metadata = {name: value.value for name, value in observed.metadata.items()}
        assert metadata["rows_late_posting"] == 2
        assert (metadata["moved"], metadata["companies_new"]) == (True, "EC_XX")
        table = observed.metadata["by_class_company_and_amount"]
        assert isinstance(table, dg.TableMetadataValue)
        assert [dict(row.data) for row in table.records] == [
            {
                "asset": "cr_03", "class": "late posting", "id_company": "EC_NG", "currency": "NGN", "rows": "2",
                "amount": name, "difference": difference,
            }
            for name, difference in (("amount", "100.2499"), ("remaining_amount", "1,000.0000"))
        ]  # fmt: skip


def test_a_month_that_is_not_sealed_fails_by_name(home: Path) -> None:
    with looked(Settings(home=home), "2025-09") as (result, observed):
        assert observed == []
        (failure,) = result.get_step_failure_events()
        assert "2025-09 is not sealed" in str(failure.step_failure_data.user_failure_data)


def test_the_schedule_is_off_and_asks_for_the_sealed_ones_of_three_months(home: Path) -> None:
    settings = Settings(home=home)
    schedule = build_definitions(settings).resolve_schedule_def(SCHEDULE)
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    monday = dg.build_schedule_context(scheduled_execution_time=datetime(2025, 12, 8, 4, tzinfo=UTC))
    skipped = schedule(monday)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "Of 2025-11, 2025-10, 2025-09 none is sealed."
    for month in ("2025-08", "2025-09", "2025-11"):
        small_month(Home(settings).evidence_folder, month)
    requests = schedule(monday)
    assert isinstance(requests, list)
    assert [(each.partition_key, each.run_key) for each in requests] == [
        ("2025-11", "2025-11 on 2025-12-08"),
        ("2025-09", "2025-09 on 2025-12-08"),
    ]
    narrowed = build_definitions(replace(settings, companies=("EC_NG",))).resolve_schedule_def(SCHEDULE)
    assert isinstance(narrowed(monday), dg.SkipReason)
