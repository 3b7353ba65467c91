"""The schedule closes the month before on each day it is due for a company, and only where it is switched on."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.definitions import build_definitions
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.settings import Settings
from cpg1_assets_tests.close_calendar.calendars import BOOKS, Books, calendar
from cpg1_assets_tests.evidence.chain.signing import MONTH, prepare, review
from cpg1_assets_tests.evidence.small_year import small_month


def schedule_of(settings: Settings, books: Books | None = None) -> dg.ScheduleDefinition:
    definitions = build_definitions(settings, books or Books())
    return definitions.resolve_schedule_def("close_on_third_working_day")


@pytest.fixture(scope="module")
def schedule(tmp_path_factory: pytest.TempPathFactory) -> dg.ScheduleDefinition:
    return schedule_of(Settings(home=tmp_path_factory.mktemp("home")))


def asked_on(schedule: dg.ScheduleDefinition, day: str) -> dg.RunRequest | dg.SkipReason:
    moment = datetime.fromisoformat(day).replace(hour=6, tzinfo=UTC)
    answer = schedule(dg.build_schedule_context(scheduled_execution_time=moment))
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_the_schedule_is_off_by_default(schedule: dg.ScheduleDefinition) -> None:
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("month", "due"),
    [
        ("2025-09", {3: "six of them", 5: "JD_DZ, JM_EG", 6: "EC_NG and the group"}),
        ("2025-12", {5: "JM_EG", 6: "the others"}),
        ("2025-10", {4: "JD_DZ, JM_EG", 5: "the others"}),
        ("2024-01", {5: "all"}),
    ],
)
def test_each_day_on_which_it_is_due_for_a_company_asks_for_the_month_and_no_other_day_does(
    schedule: dg.ScheduleDefinition, month: str, due: dict[int, str]
) -> None:
    first = CutoffMonth.parse(month).next_month_start
    for number in range(1, 16):
        day = first.replace(day=number).isoformat()
        answer = asked_on(schedule, day)
        if number in due:
            assert isinstance(answer, dg.RunRequest), day
            assert (answer.partition_key, answer.run_key) == (month, f"{month} due {day}")
            assert answer.tags["cpg1/due"].endswith(f"on {day}")
            assert ("and the group" in answer.tags["cpg1/due"]) == (number == max(due))
            assert answer.tags["cpg1/close_calendar"].startswith("version 1, SHA-256 ")
        else:
            assert isinstance(answer, dg.SkipReason), day


def test_a_run_says_for_which_companies_it_is_due(schedule: dg.ScheduleDefinition) -> None:
    answer = asked_on(schedule, "2025-10-05")
    assert isinstance(answer, dg.RunRequest)
    assert answer.tags["cpg1/due"] == "JD_DZ, JM_EG on 2025-10-05"


def test_a_day_that_is_not_due_says_which_are(schedule: dg.ScheduleDefinition) -> None:
    answer = asked_on(schedule, "2025-10-04")
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == (
        "2025-09 is due on 2025-10-03, 2025-10-05, 2025-10-06: on 2025-10-04 for no company."
    )


def test_the_schedule_ticks_on_every_day_that_can_be_a_due_date(schedule: dg.ScheduleDefinition) -> None:
    assert schedule.cron_schedule == "0 6 3-15 * *"
    every = [
        each.due.day
        for month in month_range(CutoffMonth(2024, 1), CutoffMonth(2034, 12))
        for each in calendar().due_dates(month, BOOKS)
    ]
    assert (min(every), max(every) <= 15) == (3, True)


def test_a_narrowed_scope_is_closed_when_its_own_companies_are_due(tmp_path: Path) -> None:
    narrowed = schedule_of(Settings(home=tmp_path, companies=("JM_EG",)))
    asked = [
        day for day in range(3, 16) if isinstance(asked_on(narrowed, f"2025-10-{day:02d}"), dg.RunRequest)
    ]
    assert asked == [5]


def test_the_calendar_file_moves_the_day_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text('version: "1"\n')
    schedule = schedule_of(Settings(home=tmp_path, calendar_file=file), Books([("JD_GH", "GH")]))
    assert isinstance(asked_on(schedule, "2025-11-05"), dg.RunRequest)
    file.write_text(
        'version: "2"\ndays:\n  - {country: GH, date: 2025-11-04, is: holiday, name: Flood, source: radio}\n'
    )
    assert isinstance(asked_on(schedule, "2025-11-05"), dg.SkipReason)
    assert isinstance(asked_on(schedule, "2025-11-06"), dg.RunRequest)


def test_a_month_that_is_not_in_the_books_is_not_asked_for(schedule: dg.ScheduleDefinition) -> None:
    answer = asked_on(schedule, "2026-02-04")
    assert isinstance(answer, dg.SkipReason)
    assert "2026-01" in str(answer.skip_message)


def test_a_month_that_is_signed_off_is_not_asked_for(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    prepare(evidence)
    schedule = schedule_of(Settings(home=tmp_path))
    assert isinstance(asked_on(schedule, "2025-10-03"), dg.RunRequest)
    review(evidence)
    answer = asked_on(schedule, "2025-10-03")
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "2025-09 is signed off by Bob Diallo, and so it is closed."
