"""`cpg1 calendar` shows when a month is due for each company and why, and `cpg1 status` by how many days it is late."""

import json
from datetime import date
from pathlib import Path

import pytest

from cpg1_assets_tests.cli.conftest import ClosedHome, Cpg1
from cpg1_assets_tests.close_calendar.calendars import BOOKS

GROUP_DUE = date(2026, 1, 6)


@pytest.fixture
def asked(cpg1: Cpg1, closed_home: ClosedHome, monkeypatch: pytest.MonkeyPatch) -> Cpg1:
    """Ask in the home whose last month is closed."""
    monkeypatch.setenv("CPG1_HOME", str(closed_home.home))
    return cpg1


def test_it_says_for_each_company_when_its_close_was_due_and_closed_and_how_late_that_is(asked: Cpg1) -> None:
    said = json.loads(asked("calendar", "--json").stdout)
    assert (said["books"], said["scope"], said["month"]) == ("SAMPLE BOOKS", None, "2025-12")
    assert said["due"] == GROUP_DUE.isoformat()
    companies = {each["id_company"]: each for each in said["companies"]}
    assert {name: each["country_code"] for name, each in companies.items()} == BOOKS
    assert companies["JM_EG"]["due"] == "2026-01-05", "no New Year's Day there"
    lines = json.loads(asked("status", "2025-12", "--json").stdout)["lines"]
    open_companies = {line["id_company"] for line in lines if line["status"] == "NOT_COMPUTED"}
    for name, each in companies.items():
        assert (each["closed"] is None) == (name in open_companies)
        if each["closed"] is not None:
            late = date.fromisoformat(each["closed"]) - date.fromisoformat(each["due"])
            assert each["days_late"] == late.days > 0


def test_people_read_it_at_80_columns(asked: Cpg1) -> None:
    text = asked("calendar").output
    assert max(map(len, text.splitlines())) <= 80
    assert "JM_EG    EG       Sun 2026-01-04  Mon 2026-01-05" in text
    assert "SAMPLE BOOKS" in text
    assert "  Thu 2026-01-01 New Year's Day: EC_IC EC_KE EC_MA EC_NG HF_SN JD_DZ JD_GH JD_UG\n" in text
    assert "  weekend friday, saturday: JD_DZ JM_EG\n" in text
    assert "holidays 0." in text.splitlines()[-1]


def test_a_month_to_come_has_due_dates_and_says_which_are_not_certain_and_nothing_of_late(
    asked: Cpg1,
) -> None:
    said = json.loads(asked("calendar", "2027-02", "--json").stdout)
    assert {each["days_late"] for each in said["companies"]} == {None}
    assert not any(each["lacks_jdash"] for each in said["companies"])
    text = asked("calendar", "2026-02").output
    assert "?" not in text, "no festival is near"
    text = asked("calendar", "2025-03").output
    assert "Sun 2025-04-06 ?" in text
    assert "\n  Mon 2025-03-31 Day after the Eid al-Fitr: EC_IC\n" in text


def test_what_the_file_overrules_is_said(
    asked: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text(
        'version: "9"\ndays:\n'
        "  - {company: JM_EG, date: 2026-01-04, is: holiday, name: Stocktaking, source: the controller}\n"
    )
    monkeypatch.setenv("CPG1_CALENDAR", str(file))
    text = asked("calendar").output
    assert "JM_EG    EG       Mon 2026-01-05  Tue 2026-01-06" in text
    assert "\n  2026-01-04 Stocktaking (JM_EG: the controller): JM_EG\n" in text
    assert "\nCalendar: version 9, SHA-256" in text


def test_status_says_when_a_month_was_due_and_by_how_many_days_it_is_late(asked: Cpg1) -> None:
    calendar = json.loads(asked("calendar", "2025-12", "--json").stdout)
    del calendar["books"], calendar["scope"]
    (row,) = json.loads(asked("status", "--json").stdout)["months"]
    assert row["punctuality"] == calendar
    assert json.loads(asked("status", "2025-12", "--json").stdout)["punctuality"] == calendar
    still = ", ".join(each["id_company"] for each in calendar["companies"] if each["closed"] is None)
    ended = f"not closed for {still}" if still else f"closed on {calendar['closed']}"
    for text in (asked("status").output, asked("status", "2025-12").output):
        said = " ".join(text.split())
        assert f"Due on 2026-01-06, {ended}, {calendar['days_late']} days late." in said
    never = " ".join(asked("status", "2025-02").output.split())
    assert "is in storage, so its companies are not known here." in never, "status asks no database"
    february = json.loads(asked("calendar", "2025-02", "--json").stdout)
    assert (february["due"], february["closed"]) == ("2025-03-05", None)
    lacking = {c["id_company"]: c["jdash_due"] for c in february["companies"] if c["lacks_jdash"]}
    assert lacking == {"JD_DZ": "2025-03-03"}


def test_a_wrong_calendar_file_does_not_hide_where_the_months_stand(
    asked: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text("version: x\nweekends:\n  - {company: EC_NK, days: [sunday]}\n")
    monkeypatch.setenv("CPG1_CALENDAR", str(file))
    done = asked("status")
    assert done.exit_code == 0
    assert "2025-12  closed" in done.output
    said = " ".join(done.output.split())
    assert "When it is due cannot be told:" in said
    assert "line 3: weekends.0.company: Value error, unknown company 'EC_NK'" in said
    assert json.loads(asked("status", "--json").stdout)["months"][0]["punctuality"].keys() == {"error"}
    refused = asked("calendar")
    assert refused.exit_code == 1
    assert f"{file}, line 3: " in refused.output


def test_a_narrowed_scope_has_due_dates_and_is_never_late(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_COMPANIES", "JM_EG")
    said = json.loads(cpg1("calendar", "2025-12", "--json").stdout)
    assert [(each["id_company"], each["due"]) for each in said["companies"]] == [("JM_EG", "2026-01-05")]
    assert (said["closed"], said["days_late"]) == (None, None)
