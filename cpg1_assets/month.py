"""The cutoff month, and every date of a run that follows from it (spec: Time).

Nothing here reads today's date: whoever may ask what month it is (the command line, the schedule)
passes the date in.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cpg1_assets.errors import MonthError, shown

FIRST_MONTH = "2024-01"
_LAST_YEAR = 9998
"""Dates of the month after must exist as well: Python's end with 9999."""


@dataclass(frozen=True, order=True)
class CutoffMonth:
    """The month being closed, such as 2025-09. It is the partition key of everything.

    `month_start` is inclusive and `next_month_start` exclusive; every filter on a timestamp uses
    `< next_month_start`, so that the last day is never lost.
    """

    year: int
    month: int

    @classmethod
    def parse(cls, key: str) -> "CutoffMonth":
        """Read a month key written YYYY-MM. Raises MonthError when it is not one, or is before 2024-01."""
        matched = re.fullmatch(r"(\d{4})-(\d{2})", key.strip(), re.ASCII)
        if matched is None or not 1 <= int(matched[2]) <= 12:  # noqa: PLR2004 - months of a year
            raise MonthError(f"Unknown month {shown(key)}: write it as YYYY-MM, for example 2025-09.")
        month = cls(int(matched[1]), int(matched[2]))
        if month.year > _LAST_YEAR:
            raise MonthError(f"Month {month.key} is after the last one that has dates, {_LAST_YEAR}-12.")
        if month.key < FIRST_MONTH:
            raise MonthError(f"Month {month.key} is before the control's first month, {FIRST_MONTH}.")
        return month

    @classmethod
    def of_cutoff_date(cls, text: str) -> "CutoffMonth":
        """Read a cutoff date: a month's last day means that month, its first day the month before.

        Raises MonthError for a day in the middle of a month, naming both months it could have meant.
        """
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise MonthError(
                f"Unknown cutoff date {shown(text)}: write it as YYYY-MM-DD, for example 2025-09-30."
            ) from None
        this = cls(day.year, day.month)
        if not date.min.year < day.year <= _LAST_YEAR:
            raise MonthError(f"The cutoff date {day} is of no month that could be closed.")
        if day == this.cutoff_date:
            return cls.parse(this.key)
        if day == this.month_start:
            return cls.parse(this.previous().key)
        raise MonthError(
            f"The cutoff date {day} is in the middle of a month. For the month {this.key} give "
            f"{this.cutoff_date}; for the month {this.previous().key} give {this.previous().cutoff_date} "
            f"(or {this.month_start}, the day after)."
        )

    @classmethod
    def last_complete(cls, today: date) -> "CutoffMonth":
        """Give the last month that is over on `today`."""
        return cls(today.year, today.month).previous()

    @property
    def key(self) -> str:
        """Give the month as written in partition keys: YYYY-MM."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def month_start(self) -> date:
        """First day."""
        return date(self.year, self.month, 1)

    @property
    def previous_month_start(self) -> date:
        """First day of the month before: how far back the month's lower edge is tested."""
        return date(self.year - (self.month == 1), (self.month - 2) % 12 + 1, 1)

    @property
    def next_month_start(self) -> date:
        """First day of the month after: the exclusive upper bound of every timestamp."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    @property
    def following_month_start(self) -> date:
        """First day of the month after the next one: how far ahead the cutoff is tested."""
        return date(self.year + (self.month + 1) // 12, (self.month + 1) % 12 + 1, 1)

    @property
    def cutoff_date(self) -> date:
        """Last day, inclusive; the closing date of balances."""
        return self.next_month_start - timedelta(days=1)

    @property
    def year_start(self) -> date:
        """First day of the year: lower bound of year-to-date entries."""
        return date(self.year, 1, 1)

    @property
    def previous_year_end(self) -> date:
        """Closing date of the opening balances."""
        return date(self.year - 1, 12, 31)

    @property
    def voucher_window_start(self) -> date:
        """Twelve months back: the first day of the month after the cutoff month, one year earlier."""
        return self.next_month_start.replace(year=self.next_month_start.year - 1)

    def previous(self) -> "CutoffMonth":
        """Give the month before."""
        last_day = self.month_start - timedelta(days=1)
        return CutoffMonth(last_day.year, last_day.month)

    def next(self) -> "CutoffMonth":
        """Give the month after."""
        return CutoffMonth(self.next_month_start.year, self.next_month_start.month)

    def parameters(self) -> dict[str, date | datetime | int]:
        """Give the values queries may name: dates for date columns, timestamps as midnight of the day.

        `cutoff_date` and `previous_year_end` are dates; the bounds of periods are midnights; `year` and
        `month` are the numbers FX rates are kept under.
        """
        midnight = datetime.min.time()
        return {
            "previous_month_start": datetime.combine(self.previous_month_start, midnight),
            "month_start": datetime.combine(self.month_start, midnight),
            "cutoff_date": self.cutoff_date,
            "next_month_start": datetime.combine(self.next_month_start, midnight),
            "following_month_start": datetime.combine(self.following_month_start, midnight),
            "year_start": datetime.combine(self.year_start, midnight),
            "previous_year_end": self.previous_year_end,
            "voucher_window_start": datetime.combine(self.voucher_window_start, midnight),
            "year": self.year,
            "month": self.month,
        }


def month_range(first: CutoffMonth, last: CutoffMonth) -> list[CutoffMonth]:
    """Give all months from `first` to `last`, both included. Raises MonthError when they are in the wrong order."""
    if last < first:
        raise MonthError(f"The range {first.key} to {last.key} is empty: give the earlier month first.")
    months = [first]
    while months[-1] < last:
        months.append(months[-1].next())
    return months
