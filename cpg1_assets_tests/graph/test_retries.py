"""A source that cannot answer now is asked again, five times in all; one that refuses is not."""

import json
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.settings import Settings
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.closing import close
from cpg1_assets_tests.tampering import TamperedSource

MONTH = "2025-09"
AT_ONCE = (0.0, 0.0, 0.0, 0.0)


def failing(home: Path, times: int, kind: type[SourceError]) -> tuple[TamperedSource, list[int]]:
    asked: list[int] = []

    def ask(_: str) -> None:
        asked.append(len(asked) + 1)
        if len(asked) <= times:
            raise kind(f"deadlock number {len(asked)}")

    return TamperedSource(SampleBooks(home / "sample_books"), asked=ask), asked


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_a_transient_error_is_retried_and_each_attempt_is_in_the_evidence(
    home: Path, instance: dg.DagsterInstance, times: int
) -> None:
    source, asked = failing(home, times, TransientSourceError)
    run = close(Settings(home=home, retry_waits=AT_ONCE), MONTH, instance, source=source, select=["cr_05"])
    assert run.result.success
    assert len(asked) == times + 1
    log = json.loads((run.package("cr_05") / "07_execution_log.json").read_text())
    assert [attempt["result"] for attempt in log["attempts"]] == ["failed"] * times + ["done"]
    assert [attempt["attempt"] for attempt in log["attempts"]] == list(range(1, times + 2))
    for number, attempt in enumerate(log["attempts"][:-1], 1):
        assert f"deadlock number {number}" in attempt["why"]
    assert [event["event"] for event in log["events"]]
    assert list(run.package("cr_05").parent.iterdir()) == [run.package("cr_05")], "one package a run"


def test_the_fifth_failure_is_final(home: Path, instance: dg.DagsterInstance) -> None:
    source, asked = failing(home, 99, TransientSourceError)
    run = close(Settings(home=home, retry_waits=AT_ONCE), MONTH, instance, source=source, select=["cr_05"])
    assert not run.result.success
    assert len(asked) == 5
    assert "deadlock number 5" in run.why_failed("cr_05")


def test_a_refusal_is_final_at_once(home: Path, instance: dg.DagsterInstance) -> None:
    source, asked = failing(home, 99, SourceError)
    run = close(Settings(home=home, retry_waits=AT_ONCE), MONTH, instance, source=source, select=["cr_05"])
    assert not run.result.success
    assert len(asked) == 1
    assert run.why_failed("cr_05") == "deadlock number 1"


def test_waits_are_ten_twenty_forty_and_sixty_seconds_unless_set_shorter(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).retry_waits == (10, 20, 40, 60)
    assert Settings.from_environment({"CPG1_RETRY_WAITS": "0,0.5"}).retry_waits == (0, 0.5)


def test_each_retry_waits_its_turn(home: Path, instance: dg.DagsterInstance) -> None:
    source, _ = failing(home, 2, TransientSourceError)
    waits = (0.01, 0.02, 0.03, 0.04)
    run = close(Settings(home=home, retry_waits=waits), MONTH, instance, source=source, select=["cr_05"])
    waited = [e.step_retry_data.seconds_to_wait for e in run.result.all_events if e.is_step_up_for_retry]
    assert waited == [0.01, 0.02]
