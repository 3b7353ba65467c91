"""Which holidays follow the moon is known of every country and year, whatever the package marks."""

import re
from datetime import date

import pytest

from cpg1_assets.close_calendar.public_holidays import holidays_of, is_known, is_weekend
from cpg1_assets_tests.close_calendar.calendars import COMPANY_OF

# The festivals of these countries by the words their names are made of, and none of the others.
ISLAMIC = re.compile(
    r"Eid|Arafah|Prophet's Birthday|Islamic New Year|Ashura|Night of Power|Magal|Shaqq", re.IGNORECASE
)
GIVEN_FOR_A_FESTIVAL = {("GH", date(2024, 6, 17)), ("GH", date(2025, 3, 31)), ("GH", date(2025, 4, 1))}


@pytest.mark.parametrize("country", sorted(COMPANY_OF))
def test_a_holiday_follows_the_moon_just_where_it_is_a_festival_of_islam(country: str) -> None:
    for year in range(2024, 2028):
        found = holidays_of(country, year)
        festivals = [each for each in found if ISLAMIC.search(each.name)]
        assert len(festivals) >= 1
        for each in found:
            expected = each in festivals or (country, each.day) in GIVEN_FOR_A_FESTIVAL
            assert each.follows_the_moon is expected, each


def test_names_are_in_english_and_without_the_packages_marks() -> None:
    names = [each.name for country in COMPANY_OF for each in holidays_of(country, 2027)]
    assert all(name.isascii() for name in names)
    assert not [name for name in names if "estimated" in name]


def test_two_holidays_of_one_day_are_two() -> None:
    found = [each for each in holidays_of("CI", 2027) if each.day == date(2027, 5, 17)]
    assert {(each.name, each.follows_the_moon) for each in found} == {
        ("Day after the Eid al-Adha", True),
        ("Pentecost Monday", False),
    }


def test_the_weekend_is_the_countrys_own() -> None:
    week = [date(2025, 11, day) for day in range(3, 10)]  # Monday to Sunday
    for country in COMPANY_OF:
        off = [day.isoweekday() for day in week if is_weekend(country, day)]
        assert off == ([5, 6] if country in ("DZ", "EG") else [6, 7]), country


@pytest.mark.parametrize("code", ["XX", "", "EGY", "eg", "Egypt", "HolidayBase"])
def test_a_country_is_known_by_its_two_letters_only(code: str) -> None:
    assert not is_known(code)


def test_every_country_of_the_group_is_known() -> None:
    assert all(map(is_known, COMPANY_OF))
