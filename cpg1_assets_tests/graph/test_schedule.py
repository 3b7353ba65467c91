"""The schedule closes the month before on the third working day, once, and only where it is switched on."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.definitions import build_definitions
from cpg1_assets.graph.schedule import third_working_day
from cpg1_assets.settings import Settings


@pytest.fixture
def schedule(tmp_path: Path) -> dg.ScheduleDefinition:
    return build_definitions(Settings(home=tmp_path)).resolve_schedule_def("close_on_third_working_day")


def asked_on(schedule: dg.ScheduleDefinition, day: str) -> dg.RunRequest | dg.SkipReason:
    moment = datetime.fromisoformat(day).replace(hour=6, tzinfo=UTC)
    answer = schedule(dg.build_schedule_context(scheduled_execution_time=moment))
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_the_schedule_is_off_by_default(schedule: dg.ScheduleDefinition) -> None:
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("day", "month"),
    [
        ("2025-10-03", "2025-09"),  # begins on a Wednesday
        ("2025-11-05", "2025-10"),  # begins on a Saturday
        ("2025-06-04", "2025-05"),  # begins on a Sunday
        ("2025-08-05", "2025-07"),  # begins on a Friday
        ("2025-05-05", "2025-04"),  # begins on a Thursday
        ("2024-02-05", "2024-01"),  # the first month of all
        ("2026-01-05", "2025-12"),  # across the year
    ],
)
def test_the_third_working_day_asks_for_the_month_before_and_no_other_day_does(
    schedule: dg.ScheduleDefinition, day: str, month: str
) -> None:
    for number in range(1, 29):
        other = f"{day[:8]}{number:02d}"
        answer = asked_on(schedule, other)
        if other == day:
            assert isinstance(answer, dg.RunRequest)
            assert (answer.partition_key, answer.run_key) == (month, month)
        else:
            assert isinstance(answer, dg.SkipReason), other


def test_the_schedule_ticks_on_every_day_that_can_be_the_third_working_day(
    schedule: dg.ScheduleDefinition,
) -> None:
    assert schedule.cron_schedule == "0 6 3-5 * *"
    for year in range(2024, 2034):
        for month in range(1, 13):
            found = third_working_day(date(year, month, 17))
            assert 3 <= found.day <= 5
            assert found.weekday() < 5


def test_a_month_that_is_not_in_the_books_is_not_asked_for(schedule: dg.ScheduleDefinition) -> None:
    answer = asked_on(schedule, "2026-02-04")
    assert isinstance(answer, dg.SkipReason)
    assert "2026-01" in str(answer.skip_message)
