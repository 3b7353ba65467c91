"""The weekend and the public holidays of a country, as the package `holidays` has them, and which follow the moon.

What a person knows better is in `calendar_file`. The package is imported when the first country is asked for.
"""

import importlib.metadata
import inspect
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holidays import HolidayBase

LAST_YEAR = 2076
"""The last whole year the package has the Islamic calendar for: after it religious holidays would be missing unsaid."""
_UNKNOWN_YET = range(2065, LAST_YEAR + 1)
"""Years whose new moons nobody has seen, long enough for every festival to fall on every day of the week."""
_LONGEST_SUBSTITUTE = 2
"""Days from a festival to the day given for it."""


@dataclass(frozen=True, order=True)
class Holiday:
    """A public holiday. `follows_the_moon`: its date depends on who sees the new moon, until an authority says it."""

    day: date
    name: str
    follows_the_moon: bool


def package_version() -> str:
    """Give the version of the package that is installed."""
    return importlib.metadata.version("holidays")


@cache
def is_known(country: str) -> bool:
    """Whether the package has the country, by its two letters."""
    if re.fullmatch("[A-Z]{2}", country) is None:
        return False
    try:
        _calendar(country, (), marked=False)
    except NotImplementedError:
        return False
    return True


def is_weekend(country: str, day: date) -> bool:
    """Whether a day is of the country's weekend, and not one that is worked for another."""
    found = _calendar(country, (day.year,), marked=False)
    return found.is_weekend(day) and day not in found.weekend_workdays


@cache
def holidays_of(country: str, year: int) -> tuple[Holiday, ...]:
    """Give the public holidays of a year, in order; two on one day are two.

    A holiday follows the moon when the package marks it as estimated, or would in a year nobody can have confirmed. Its
    own mark does not do: of some countries it is missing, of others it stays on years gone by. A day of a name that the
    package has in no such year, at most two days after such a holiday, is given for it (Ghana's "Public Holiday").
    """
    found = _calendar(country, (year,), marked=False)
    marked = _calendar(country, (year,), marked=True)
    moon, fixed = _names(country)
    festivals: set[date] = set()
    holidays: list[Holiday] = []
    for day in sorted(found):
        for name in found.get_list(day):
            is_festival = name in moon or name not in marked.get_list(day)
            if is_festival:
                festivals.add(day)
            is_near = any((day - festival).days <= _LONGEST_SUBSTITUTE for festival in festivals)
            holidays.append(Holiday(day, name, is_festival or (is_near and name not in fixed)))
    return tuple(holidays)


@cache
def _names(country: str) -> tuple[frozenset[str], frozenset[str]]:
    """Give the names of the holidays that are estimated in years to come, and of those that are not."""
    plain = _calendar(country, tuple(_UNKNOWN_YET), marked=False)
    marked = _calendar(country, tuple(_UNKNOWN_YET), marked=True)
    names = {(name, name in marked.get_list(day)) for day in plain for name in plain.get_list(day)}
    moon = frozenset(name for name, is_as_marked in names if not is_as_marked)
    return moon, frozenset(name for name, _ in names) - moon


@cache
def _calendar(country: str, years: tuple[int, ...], *, marked: bool) -> "HolidayBase":
    """Give the package's calendar, in English where it speaks it; `marked` puts its mark on what is estimated."""
    import holidays  # noqa: PLC0415 - see above

    kind = type(holidays.country_holidays(country))
    marks: dict[str, Any] = {
        name: marked for name in inspect.signature(kind).parameters if name.endswith("_show_estimated")
    }
    language = "en_US" if "en_US" in kind.supported_languages else None
    return holidays.country_holidays(country, years=years, expand=False, language=language, **marks)
