"""The calendar file: what a person overrules of the weekends and holidays of a country or a company.

What the file may say is here; what follows for a due date is in `due_dates`.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cpg1_assets.close_calendar.public_holidays import LAST_YEAR, is_known
from cpg1_assets.errors import shown
from cpg1_assets.extracts.company_codes import folded
from cpg1_assets.month import FIRST_MONTH
from cpg1_assets.yaml_file import parse_yaml, read_bytes

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)
_FIRST_DAY, _LAST_DAY = date.fromisoformat(f"{FIRST_MONTH}-01"), date(LAST_YEAR, 12, 31)
_MOST_WEEKEND_DAYS = 3

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def country_key(code: str | None) -> str:
    """Give a country's code as the package writes it; empty where there is none."""
    return (code or "").strip(" ").upper()


def _a_day(value: Any) -> date:  # noqa: ANN401 - whatever stands in the file
    """Let in a date as YAML reads one, and nothing else that could be made one, such as a number or a time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{shown(str(value))} is no date: write it without quotation marks, as 2026-03-20")  # noqa: TRY004 - pydantic's way
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise ValueError(f"{value} decides no due date: the calendar goes from {_FIRST_DAY} to {_LAST_DAY}")
    return value


def _known_country(code: str) -> str:
    key = country_key(code)
    if not is_known(key):
        raise ValueError(f"unknown country {shown(code)}: write its two letters, such as EG")
    return key


class _Said(BaseModel):
    """What is said of a country or of one company."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str, AfterValidator(_known_country)] | None = None
    company: Text | None = None

    @field_validator("company")
    @classmethod
    def _known_company(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is None:
            return None
        if info.context is not None and folded(code) not in {folded(each) for each in info.context}:
            raise ValueError(
                f"unknown company {shown(code)}: those in scope are {', '.join(sorted(info.context))}"
            )
        return folded(code)

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.country is None) == (self.company is None):
            raise ValueError("name a country or a company, and not both")
        return self

    @property
    def of(self) -> str:
        """The country or the company."""
        return str(self.country or self.company)

    def is_about(self, company: str, country: str) -> bool:
        """Whether it is said of this company, or of its country."""
        return self.company == folded(company) if self.country is None else self.country == country


class Weekend(_Said):
    """The days of the week on which nobody works."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=_MOST_WEEKEND_DAYS)]

    def includes(self, day: date) -> bool:
        """Whether a day is of the weekend."""
        return WEEKDAYS[day.weekday()] in self.days


class Day(_Said):
    """A single day that is a holiday, or is worked, whatever the package says; `source` says where that is from."""

    day: Annotated[date, BeforeValidator(_a_day)] = Field(alias="date")
    what: Literal["holiday", "working day"] = Field(alias="is")
    source: Text
    name: Text | None = None

    @model_validator(mode="after")
    def _a_holiday_has_a_name(self) -> Self:
        if (self.what == "holiday") != (self.name is not None):
            raise ValueError("give a holiday its name, and a working day none")
        return self

    @property
    def sentence(self) -> str:
        """What is overruled, and where that is from."""
        what = self.name or "working day"
        return f"{self.day} {what} ({self.of}: {self.source})"


_Of = TypeVar("_Of", bound=_Said)


def _each_once(said: tuple[Any, ...]) -> tuple[Any, ...]:
    seen = set()
    for each in said:
        key = (each.of, getattr(each, "day", None))
        if key in seen:
            raise ValueError(f"{' '.join(str(part) for part in key if part)} appears twice")
        seen.add(key)
    return said


class Overrides(BaseModel):
    """All that a calendar file says, with the version that is shown with the due dates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    weekends: Annotated[tuple[Weekend, ...], AfterValidator(_each_once)] = ()
    days: Annotated[tuple[Day, ...], AfterValidator(_each_once)] = ()

    @property
    def companies(self) -> set[str]:
        """The companies that something is said of, in capitals."""
        return {each.company for each in (*self.weekends, *self.days) if each.company is not None}

    def weekend(self, company: str, country: str) -> Weekend | None:
        """Give the weekend that is said of a company, else of its country; None where nothing is."""
        return _nearest(each for each in self.weekends if each.is_about(company, country))

    def day(self, company: str, country: str, day: date) -> Day | None:
        """Give what is said of a day for a company, else for its country; None where nothing is."""
        return _nearest(each for each in self.days if each.day == day and each.is_about(company, country))


def _nearest(said: Iterable[_Of]) -> _Of | None:
    """Give what is said of the company before what is said of the country: of each there is at most one."""
    return min(said, key=lambda each: each.company is None, default=None)


@dataclass(frozen=True)
class CalendarFile:
    """A calendar file as it was read: what it says, and the SHA-256 of its bytes."""

    path: Path
    overrides: Overrides
    sha256: str


def read_calendar_file(path: Path, companies: Collection[str] | None) -> CalendarFile:
    """Read a calendar file. `companies` are all there are; None where only some are known.

    Raises FileFormatError naming file and line, also for an unknown country, company or date.
    """
    content = read_bytes(path)
    overrides = parse_yaml(content, Overrides, name=str(path), context=companies)
    return CalendarFile(path, overrides, hashlib.sha256(content).hexdigest())
