"""A company is closed when every line of it is computed and sealed; late is what was closed after its due date."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cpg1_assets.close_calendar.punctuality import Punctuality, closed_on, punctuality, sealed_punctuality
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain import links
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.close_calendar.calendars import calendar
from cpg1_assets_tests.evidence.chain.signing import prepare, review
from cpg1_assets_tests.evidence.small_year import small_month

MONTH = CutoffMonth(2025, 9)
COMPANIES = {"EC_NG": "NG", "JD_GH": "GH"}  # due on Monday 2025-10-06 and Friday 2025-10-03


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


class _Clock:
    """What the chain asks for the time."""

    at = datetime(2025, 10, 1, tzinfo=UTC)
    fromisoformat = staticmethod(datetime.fromisoformat)

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.at


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(links, "datetime", clock)
    return clock


def seal(clock: _Clock, evidence: Path, day: int, status: str, hour: int = 12) -> None:
    """Seal a version on that day of October, with that status of EC_NG's line."""
    clock.at = datetime(2025, 10, day, hour, tzinfo=UTC)
    small_month(evidence, MONTH.key, status=status, run=f"run-{day}", amount=day)


def found(evidence: Path, today: date | None, without_jdash: tuple[str, ...] = ()) -> Punctuality:
    dates = calendar().due_dates(MONTH, COMPANIES)
    return punctuality(MONTH, dates, "version t", evidence, today, without_jdash)


def test_a_month_never_sealed_is_late_from_the_day_after_it_was_due(evidence: Path) -> None:
    for day, late in ((3, {"EC_NG": 0, "JD_GH": 0}), (7, {"EC_NG": 1, "JD_GH": 4})):
        said = found(evidence, date(2025, 10, day))
        assert {each.due.company: each.days_late for each in said.companies} == late
        assert (said.closed, said.days_late) == (None, max(day - 6, 0))


def test_without_a_today_nothing_is_said_of_what_is_not_closed(evidence: Path) -> None:
    said = found(evidence, None)
    assert (said.due, said.days_late) == (date(2025, 10, 6), None)
    assert [each.days_late for each in said.companies] == [None, None]


def test_each_company_is_closed_by_the_version_that_has_its_lines(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 4, "NOT_COMPUTED")
    seal(clock, evidence, 8, "VARIANCE_DETECTED", hour=23)
    said = found(evidence, date(2025, 12, 31))
    days = {each.due.company: (each.closed, each.days_late) for each in said.companies}
    assert days == {"EC_NG": (date(2025, 10, 8), 2), "JD_GH": (date(2025, 10, 4), 1)}
    assert (said.closed, said.days_late) == (date(2025, 10, 8), 2), "the group with its last company"
    assert found(evidence, None) == said, "what is closed says the same on every day"


def test_a_later_version_that_changes_figures_closes_nothing_anew(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "VARIANCE_DETECTED")
    seal(clock, evidence, 9, "RECONCILED")
    assert found(evidence, date(2025, 12, 31)).closed == date(2025, 10, 3)


def test_a_line_that_is_no_longer_computed_opens_its_company_again(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "RECONCILED")
    seal(clock, evidence, 9, "NOT_COMPUTED")
    assert closed_on(evidence, MONTH, COMPANIES) == {"EC_NG": None, "JD_GH": date(2025, 10, 3)}
    assert found(evidence, date(2025, 10, 9)).days_late == 3


def test_a_company_that_no_version_has_is_not_closed(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "RECONCILED")
    assert closed_on(evidence, MONTH, ["EC_KE"]) == {"EC_KE": None}


def test_what_was_signed_off_as_it_is_is_closed_by_the_review(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "NOT_COMPUTED")
    prepare(evidence)
    clock.at = datetime(2025, 10, 10, tzinfo=UTC)
    review(evidence)
    assert closed_on(evidence, MONTH, COMPANIES) == {"EC_NG": date(2025, 10, 10), "JD_GH": date(2025, 10, 3)}


def test_a_jdash_file_is_late_from_the_day_after_the_second_working_day(evidence: Path) -> None:
    for day, late in ((2, 0), (3, 1)):
        said = found(evidence, date(2025, 10, day), ("JD_GH",))
        lacking = {each.due.company: (each.lacks_jdash, each.jdash_days_late) for each in said.companies}
        assert lacking == {"EC_NG": (False, 0), "JD_GH": (True, late)}


def test_of_a_closed_company_no_file_is_asked_for(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "RECONCILED")
    assert not any(each.lacks_jdash for each in found(evidence, date(2025, 12, 1), ("JD_GH",)).companies)


def test_json_says_dates_as_text_and_what_decided_them(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 4, "RECONCILED")
    said = found(evidence, None).as_dict()
    group = {"month": "2025-09", "due": "2025-10-06", "certain": True, "closed": "2025-10-04", "days_late": 0}
    assert {name: said[name] for name in group} == group
    assert said["companies"][0] == {
        "id_company": "EC_NG", "country_code": "NG", "due": "2025-10-06", "jdash_due": "2025-10-03",
        "monday_to_friday": "2025-10-03", "weekend": "saturday, sunday",
        "moved_by": [{"date": "2025-10-01", "name": "National Day"}], "certain": True, "unconfirmed": [],
        "overruled": [], "closed": "2025-10-04", "days_late": 0, "lacks_jdash": False, "jdash_days_late": 0,
    }  # fmt: skip


def test_a_report_says_it_from_the_evidence_and_the_calendar_file_alone(
    clock: _Clock, evidence: Path, tmp_path: Path
) -> None:
    seal(clock, evidence, 6, "RECONCILED")
    file = tmp_path / "calendar.yaml"
    file.write_text(
        'version: "7"\ndays: [{company: JD_GH, date: 2025-10-03, is: holiday, name: x, source: y}]\n'
    )
    told = sealed_punctuality(evidence, MONTH, COMPANIES, file)
    assert [(each.due.company, each.due.due.day, each.days_late) for each in told.companies] == [
        ("EC_NG", 6, 0),
        ("JD_GH", 6, 0),
    ]
    assert told.calendar.startswith("version 7, SHA-256 ")


def test_a_sealed_version_that_was_changed_is_an_error_and_not_a_date(clock: _Clock, evidence: Path) -> None:
    seal(clock, evidence, 3, "RECONCILED")
    path = evidence / MONTH.key / "seals" / "001" / "data" / "reconciliation.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(EvidenceError, match="is not the file that was sealed"):
        found(evidence, None)
