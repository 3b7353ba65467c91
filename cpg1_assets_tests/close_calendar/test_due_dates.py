"""A month is due on the third working day after it, counted in the company's own weekend and holidays."""

from datetime import date, timedelta
from typing import Any

import holidays
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cpg1_assets.close_calendar.due_dates import LAST_DAY, CloseCalendar, DueDate, days_late, group_due
from cpg1_assets.close_calendar.public_holidays import holidays_of, is_weekend
from cpg1_assets.errors import CalendarError
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets_tests.close_calendar.calendars import BOOKS, COMPANY_OF, calendar

DAY = timedelta(days=1)
MONTHS = month_range(CutoffMonth(2024, 1), CutoffMonth(2027, 12))
AS_THE_PACKAGE_HAS_IT = calendar()


def due(of: CloseCalendar, month: str, country: str) -> DueDate:
    return of.due_date(CutoffMonth.parse(month), COMPANY_OF[country], country)


# Written down from a wall calendar and each country's public holidays, before the code.
@pytest.mark.parametrize(
    ("country", "month", "expected", "why"),
    [
        ("GH", "2025-10", "2025-11-05", "begins on a Saturday"),
        ("GH", "2025-05", "2025-06-04", "begins on a Sunday"),
        ("NG", "2024-01", "2024-02-05", "begins on a Thursday; the first month of all"),
        ("NG", "2025-09", "2025-10-06", "National Day is Wednesday the 1st, then Thursday, Friday, Monday"),
        ("KE", "2025-05", "2025-06-05", "Madaraka Day on a Sunday is observed on Monday the 2nd"),
        ("UG", "2026-05", "2026-06-04", "Martyrs' Day is Wednesday the 3rd"),
        ("KE", "2026-03", "2026-04-07", "Good Friday the 3rd and Easter Monday the 6th"),
        ("SN", "2026-03", "2026-04-03", "Good Friday is worked there"),
        ("MA", "2025-12", "2026-01-06", "New Year on a Thursday; across the year"),
        ("EG", "2025-12", "2026-01-05", "no New Year; Friday and Saturday off: Thursday, Sunday, Monday"),
        ("EG", "2026-03", "2026-04-05", "Wednesday, Thursday, Sunday"),
        ("EG", "2025-06", "2025-07-06", "30 June Revolution Day was moved to Thursday the 3rd"),
        ("DZ", "2025-10", "2025-11-04", "Revolution Day on a Saturday off; Sunday, Monday, Tuesday"),
        ("DZ", "2025-12", "2026-01-06", "New Year on a Thursday, then Sunday, Monday, Tuesday"),
        ("CI", "2026-07", "2026-08-05", "begins on a Saturday; Independence Day on the 7th is after it"),
    ],
)
def test_the_third_working_day(country: str, month: str, expected: str, why: str) -> None:
    assert due(AS_THE_PACKAGE_HAS_IT, month, country).due.isoformat() == expected, why


def test_it_says_which_holidays_moved_it_and_which_weekend_was_counted() -> None:
    found = due(AS_THE_PACKAGE_HAS_IT, "2025-12", "DZ")
    assert [(off.day.isoformat(), off.name) for off in found.moved_by] == [("2026-01-01", "New Year's Day")]
    assert (found.weekend, found.counted.isoformat()) == ("friday, saturday", "2026-01-05")
    plain = due(AS_THE_PACKAGE_HAS_IT, "2025-10", "GH")
    assert (plain.moved_by, plain.weekend, plain.due) == ((), "saturday, sunday", plain.counted)


def test_jdash_files_are_due_by_the_working_day_before() -> None:
    # The close reads them at six in the morning of the day it is due.
    assert due(AS_THE_PACKAGE_HAS_IT, "2026-03", "KE").jdash_due.isoformat() == "2026-04-02"
    assert due(AS_THE_PACKAGE_HAS_IT, "2026-03", "EG").jdash_due.isoformat() == "2026-04-02"


@pytest.mark.parametrize("country", sorted(COMPANY_OF))
def test_in_every_month_of_four_years_it_is_the_packages_own_third_working_day(country: str) -> None:
    own = holidays.country_holidays(country)
    for month in MONTHS:
        found = due(AS_THE_PACKAGE_HAS_IT, month.key, country)
        assert found.due == own.get_nth_working_day(month.cutoff_date, 3), month.key
        assert found.jdash_due == own.get_nth_working_day(month.cutoff_date, 2), month.key
        assert found.counted.weekday() < 5
        assert 3 <= found.due.day <= LAST_DAY


def test_the_group_is_due_with_its_last_company() -> None:
    dates = AS_THE_PACKAGE_HAS_IT.due_dates(CutoffMonth(2025, 9), BOOKS)
    assert [each.company for each in dates] == sorted(BOOKS)
    assert {each.due.isoformat() for each in dates} == {"2025-10-03", "2025-10-05", "2025-10-06"}
    assert group_due(dates).isoformat() == "2025-10-06"
    with pytest.raises(ValueError, match="empty"):
        group_due(())


# What the calendar file overrules, in both directions


HOLIDAY = {"country": "GH", "date": date(2025, 11, 4), "is": "holiday", "name": "Flood", "source": "radio"}
WORKED = {"company": "EC_NG", "date": date(2025, 10, 1), "is": "working day", "source": "agreed"}


def test_a_holiday_of_the_file_moves_it_back_and_says_where_that_is_from() -> None:
    found = due(calendar(HOLIDAY), "2025-10", "GH")
    assert found.due.isoformat() == "2025-11-06"
    assert [(off.day.isoformat(), off.name) for off in found.moved_by] == [("2025-11-04", "Flood")]
    assert found.overruled == ("2025-11-04 Flood (GH: radio)",)


def test_a_working_day_of_the_file_takes_a_holiday_or_a_day_of_the_weekend_away() -> None:
    found = due(calendar(WORKED), "2025-09", "NG")
    assert (found.due.isoformat(), found.moved_by) == ("2025-10-03", ())
    assert found.overruled == ("2025-10-01 working day (EC_NG: agreed)",)
    saturday = WORKED | {"date": date(2025, 11, 1)}
    assert due(calendar(saturday), "2025-10", "NG").due.isoformat() == "2025-11-04"


def test_what_is_said_of_a_company_goes_before_what_is_said_of_its_country() -> None:
    of_the_company = {"company": "jd_gh ", "date": date(2025, 11, 4), "is": "working day", "source": "x"}
    for days in ((HOLIDAY, of_the_company), (of_the_company, HOLIDAY)):
        both = calendar(*days)
        assert due(both, "2025-10", "GH").due.isoformat() == "2025-11-05"
        another = both.due_date(CutoffMonth(2025, 10), "XX_GH", " gh ")
        assert another.due.isoformat() == "2025-11-06", "the country's other companies keep the holiday"


def test_a_weekend_of_the_file_is_counted_in_place_of_the_countrys() -> None:
    own = calendar(weekends=[{"company": "JM_EG", "days": ["saturday", "sunday"]}])
    found = due(own, "2026-03", "EG")
    assert (found.due.isoformat(), found.weekend) == ("2026-04-03", "saturday, sunday")
    assert due(own, "2025-10", "DZ").weekend == "friday, saturday", "another company's stays"


def test_a_country_the_package_does_not_have_is_refused_unless_the_file_gives_a_weekend() -> None:
    with pytest.raises(CalendarError, match=r"The country of EC_XX is XX, .* close_calendar\.yaml"):
        AS_THE_PACKAGE_HAS_IT.due_date(CutoffMonth(2025, 9), "EC_XX", "xx")
    with pytest.raises(CalendarError, match="The country of EC_XX is not given"):
        AS_THE_PACKAGE_HAS_IT.due_date(CutoffMonth(2025, 9), "EC_XX", None)
    own = calendar(weekends=[{"company": "EC_XX", "days": ["sunday"]}])
    assert own.due_date(CutoffMonth(2025, 10), "EC_XX", None).due.isoformat() == "2025-11-04"


def test_a_month_without_three_working_days_until_the_schedule_ends_is_refused() -> None:
    strike = [
        HOLIDAY | {"date": date(2025, 11, day), "name": "Strike"} for day in range(1, 16) if day not in (3, 4)
    ]
    with pytest.raises(CalendarError, match="JD_GH has no 3 working days up to 2025-11-15"):
        due(calendar(*strike), "2025-10", "GH")


def test_a_month_the_package_has_no_islamic_calendar_for_is_refused() -> None:
    assert due(AS_THE_PACKAGE_HAS_IT, "2076-11", "EG").due.year == 2076
    with pytest.raises(CalendarError, match="after 2076"):
        due(AS_THE_PACKAGE_HAS_IT, "2076-12", "EG")


# Which are certain


def test_a_festival_nobody_confirmed_makes_it_uncertain_also_where_the_package_marks_nothing() -> None:
    for country in ("CI", "EG", "DZ", "MA", "SN", "NG", "GH", "KE"):
        found = due(AS_THE_PACKAGE_HAS_IT, "2025-03", country)
        assert not found.is_certain, country
        assert all(off.day.isoformat() in ("2025-03-31", "2025-04-01") for off in found.unconfirmed)


def test_the_file_confirms_a_date_or_says_that_it_is_another() -> None:
    confirmed = [
        {"country": "DZ", "date": date(2025, 3, 31) + n * DAY, "is": "holiday", "name": "Eid", "source": "x"}
        for n in range(2)
    ]
    found = due(calendar(*confirmed), "2025-03", "DZ")
    assert found.is_certain
    assert found.due == due(AS_THE_PACKAGE_HAS_IT, "2025-03", "DZ").due
    assert not due(calendar(confirmed[0]), "2025-03", "DZ").is_certain, "one day of two"
    another = {"country": "DZ", "date": date(2025, 4, 1), "is": "working day", "source": "x"}
    found = due(calendar(confirmed[0], another), "2025-03", "DZ")
    assert (found.is_certain, found.due.isoformat()) == (True, "2025-04-03")


def moon_seen(by: timedelta, month: CutoffMonth, country: str) -> CloseCalendar:
    """Give the calendar in which every festival around the month's end is earlier or later, as the moon may be seen."""
    around = [month.next_month_start + n * DAY for n in range(-20, 30)]
    found = [each for year in {day.year for day in around} for each in holidays_of(country, year)]
    festivals = {each.day for each in found if each.follows_the_moon and each.day in around}
    off_anyhow = {each.day for each in found if not each.follows_the_moon}
    came = {day + by for day in festivals}
    left = {day for day in festivals - came - off_anyhow if not is_weekend(country, day)}
    said = {"country": country, "source": "seen"}
    return calendar(
        *(said | {"date": day, "is": "holiday", "name": "festival"} for day in came),
        *(said | {"date": day, "is": "working day"} for day in left),
    )


@pytest.mark.parametrize("country", sorted(COMPANY_OF))
def test_what_is_called_certain_does_not_move_when_the_moon_is_seen_a_day_earlier_or_later(
    country: str,
) -> None:
    certain = 0
    for month in MONTHS:
        found = due(AS_THE_PACKAGE_HAS_IT, month.key, country)
        for by in (-DAY, DAY):
            moved = due(moon_seen(by, month, country), month.key, country).due
            assert found.is_certain is False or moved == found.due, (month.key, by)
        certain += found.is_certain
    assert 0 < certain < len(MONTHS)


# Properties


countries = st.sampled_from(sorted(COMPANY_OF))
months = st.sampled_from(month_range(CutoffMonth(2024, 1), CutoffMonth(2035, 11)))


@st.composite
def said_of_days(draw: st.DrawFn, month: CutoffMonth, country: str) -> list[dict[str, Any]]:
    """Draw at most four days around the due date that the file overrules, in either direction."""
    days = draw(st.dictionaries(st.integers(0, 8), st.booleans(), max_size=4))
    return [
        {"country": country, "date": month.next_month_start + n * DAY, "source": "x"}
        | ({"is": "holiday", "name": "x"} if off else {"is": "working day"})
        for n, off in days.items()
    ]


@given(st.data(), countries, months)
def test_it_is_always_a_working_day_with_two_before_it_in_its_month(
    data: st.DataObject, country: str, month: CutoffMonth
) -> None:
    days = data.draw(said_of_days(month, country))
    found = due(calendar(*days), month.key, country)
    own = holidays.country_holidays(country)
    said = {each["date"]: each["is"] == "working day" for each in days}
    worked = [
        day
        for day in (month.next_month_start + n * DAY for n in range(found.due.day))
        if said.get(day, own.is_working_day(day))
    ]
    assert len(worked) == 3
    assert worked[1:] == [found.jdash_due, found.due]
    assert {off.day for off in found.moved_by}.isdisjoint(worked)


@given(st.data(), countries, months, st.integers(0, 8))
def test_another_holiday_never_makes_it_earlier_and_another_working_day_never_later(
    data: st.DataObject, country: str, month: CutoffMonth, which: int
) -> None:
    days = data.draw(said_of_days(month, country))
    day = month.next_month_start + which * DAY
    assume(day not in {each["date"] for each in days})
    before = due(calendar(*days), month.key, country).due
    one = {"country": country, "date": day, "source": "x"}
    assert due(calendar(*days, one | {"is": "holiday", "name": "x"}), month.key, country).due >= before
    assert due(calendar(*days, one | {"is": "working day"}), month.key, country).due <= before


@given(st.dates(), st.none() | st.dates(), st.none() | st.dates())
def test_late_is_what_comes_after_the_due_date_by_days_of_the_calendar(
    due: date, closed: date | None, today: date | None
) -> None:
    late = days_late(due, closed, today)
    ended = closed or today
    if ended is None:
        assert late is None
    elif ended <= due:
        assert late == 0
    else:
        assert late is not None
        assert due + late * DAY == ended
