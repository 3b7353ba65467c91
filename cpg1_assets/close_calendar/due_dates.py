"""Until when a company's month is to be closed: the third working day of the month after, counted in its own calendar.

Pure: what day it is today, which companies there are and what was sealed is told from outside (`companies`,
`punctuality`). Source of the rule: the close calendar (docs/close-calendar.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cpg1_assets.close_calendar.calendar_file import WEEKDAYS, CalendarFile, Day, country_key
from cpg1_assets.close_calendar.public_holidays import (
    LAST_YEAR,
    Holiday,
    holidays_of,
    is_known,
    is_weekend,
    package_version,
)
from cpg1_assets.errors import CalendarError
from cpg1_assets.month import CutoffMonth

CLOSE, JDASH_FILES = 3, 2
"""Which working day the month is closed on, and which is the last for the files that the close reads on its morning."""
FIRST_DAY, LAST_DAY = 3, 15
"""Days of the month on which the close can be due; later than the last only where the calendar file makes it so."""
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class OffDay:
    """A day of the working week on which nobody works, and why."""

    day: date
    name: str

    def as_dict(self) -> dict[str, str]:
        """Plain values for JSON."""
        return {"date": self.day.isoformat(), "name": self.name}


@dataclass(frozen=True)
class DueDate:
    """When the close of one company's month is due, and what decided it.

    `jdash_due` is the last day for its JDash file. `counted` is what counting Monday to Friday gives. `moved_by` are
    the holidays on days of the working week before it, `unconfirmed` those that follow the moon and could move it,
    `overruled` what the calendar file says of days that decided.
    """

    company: str
    country: str
    due: date
    jdash_due: date
    counted: date
    weekend: str
    moved_by: tuple[OffDay, ...]
    unconfirmed: tuple[OffDay, ...]
    overruled: tuple[str, ...]

    @property
    def is_certain(self) -> bool:
        """Whether no holiday whose date nobody has confirmed could move it."""
        return not self.unconfirmed

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "id_company": self.company,
            "country_code": self.country,
            "due": self.due.isoformat(),
            "jdash_due": self.jdash_due.isoformat(),
            "monday_to_friday": self.counted.isoformat(),
            "weekend": self.weekend,
            "moved_by": [each.as_dict() for each in self.moved_by],
            "certain": self.is_certain,
            "unconfirmed": [each.as_dict() for each in self.unconfirmed],
            "overruled": list(self.overruled),
        }


@dataclass(frozen=True)
class CloseCalendar:
    """The working days of companies, as the package has them and the calendar file overrules them."""

    file: CalendarFile

    @property
    def version(self) -> str:
        """What the due dates come from: version and hash of the calendar file, and the package's version."""
        said = self.file.overrides.version
        return f"version {said}, SHA-256 {self.file.sha256}, holidays {package_version()}"

    def due_dates(self, month: CutoffMonth, companies: Mapping[str, str | None]) -> tuple[DueDate, ...]:
        """Give when the close of `month` is due, by company; `companies` has the country of each.

        Raises CalendarError for a country the package does not have, and for a month it has no calendar for.
        """
        return tuple(self.due_date(month, company, companies[company]) for company in sorted(companies))

    def due_date(self, month: CutoffMonth, company: str, country_code: str | None) -> DueDate:
        """Give when the close of `month` is due for one company. Raises CalendarError as `due_dates`."""
        first = month.next_month_start
        if first.year > LAST_YEAR:
            raise CalendarError(
                f"No due date of {month.key}: the package holidays has no Islamic calendar after {LAST_YEAR}."
            )
        country = country_key(country_code)
        days = _Days(self, company, country)
        working: list[date] = []
        day = first
        while len(working) < CLOSE:
            if day.day > LAST_DAY or day.month != first.month:
                raise CalendarError(
                    f"{company} has no {CLOSE} working days up to {first.replace(day=LAST_DAY)}, so nothing would ever "
                    f"close {month.key}: look at what {self.file.path} says of {country or company} then."
                )
            if days.is_worked(day):
                working.append(day)
            day += _ONE_DAY
        due = working[-1]
        counted = [each for each in _range(first, first + 7 * _ONE_DAY) if each.weekday() < _SATURDAY]
        return DueDate(
            company=company,
            country=country,
            due=due,
            jdash_due=working[JDASH_FILES - 1],
            counted=counted[CLOSE - 1],
            weekend=days.weekend_in_words(first),
            moved_by=tuple(off for each in _range(first, due) for off in days.moved_by(each)),
            # A moon seen a day earlier or later moves a festival by a day: those beside the counted days count as well.
            unconfirmed=tuple(
                off for each in _range(first - _ONE_DAY, due + _ONE_DAY) for off in days.unconfirmed(each)
            ),
            overruled=tuple(
                said.sentence for each in _range(first, due) if (said := days.said(each)) is not None
            ),
        )


def group_due(due_dates: tuple[DueDate, ...]) -> date:
    """Give when the group's close is due: when that of its last company is. Raises ValueError where there is none."""
    return max(each.due for each in due_dates)


def days_late(due: date, closed: date | None, today: date | None) -> int | None:
    """Give by how many days of the calendar something is late: 0 where it is not, or not yet.

    What is not closed is late from the day after it was due; without a `today` nobody can say, and it is None.
    """
    ended = closed or today
    return None if ended is None else max((ended - due).days, 0)


class _Days:
    """The days of one company."""

    def __init__(self, calendar: CloseCalendar, company: str, country: str) -> None:
        self._overrides = calendar.file.overrides
        self._company, self._country = company, country
        self._weekend = self._overrides.weekend(company, country)
        self._is_known = is_known(country)
        if not self._is_known and self._weekend is None:
            raise CalendarError(
                f"The country of {company} is {country or 'not given'}, which the package holidays does not have. Give "
                f"the company a weekend, and its holidays, in {calendar.file.path}."
            )

    def said(self, day: date) -> Day | None:
        return self._overrides.day(self._company, self._country, day)

    def is_worked(self, day: date) -> bool:
        said = self.said(day)
        if said is not None:
            return said.what == "working day"
        return not self._is_weekend(day) and not self._holidays(day)

    def moved_by(self, day: date) -> list[OffDay]:
        """Give the holidays of a day that would else be worked."""
        if self.is_worked(day) or self._is_weekend(day):
            return []
        said = self.said(day)
        if said is not None:
            return [OffDay(day, str(said.name))]
        return [OffDay(day, each.name) for each in self._holidays(day)]

    def unconfirmed(self, day: date) -> list[OffDay]:
        """Give the holidays of a day that follow the moon, where the calendar file says nothing of it."""
        if self.said(day) is not None:
            return []
        return [OffDay(day, each.name) for each in self._holidays(day) if each.follows_the_moon]

    def weekend_in_words(self, first: date) -> str:
        week = [day for day in _range(first, first + 6 * _ONE_DAY) if self._is_weekend(day)]
        return ", ".join(WEEKDAYS[day] for day in sorted(each.weekday() for each in week))

    def _is_weekend(self, day: date) -> bool:
        return is_weekend(self._country, day) if self._weekend is None else self._weekend.includes(day)

    def _holidays(self, day: date) -> list[Holiday]:
        if not self._is_known:
            return []
        return [each for each in holidays_of(self._country, day.year) if each.day == day]


def _range(first: date, last: date) -> list[date]:
    return [first + n * _ONE_DAY for n in range((last - first).days + 1)]
