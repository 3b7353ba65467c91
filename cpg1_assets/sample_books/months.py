"""The clock of the simulation: months, their ends, and moments as whole microseconds.

A moment is an int64 count of microseconds since 1970-01-01, without a zone. `NEVER` stands for what has not
happened by `TODAY`, the day the books were copied. Lives here: arithmetic on time. Does not: what happens.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

FIRST_MONTH = "2024-01"
LAST_MONTH = "2025-12"

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NEVER = 1 << 61
"""Later than any moment: it has not happened."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Give the moment of a calendar date and time of day."""
    return (datetime(year, month, day, hour, minute, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


NO_DATE = at(1753, 1, 1)
"""How NAV keeps a date that is not set: the earliest its database has, never null."""

CLOSING_TIME = DAY - SECOND
"""Time of day by which NAV tells a closing date, after all entries of the day, from the day itself."""

TODAY = at(2026, 1, 17)
"""The day the tables show: nothing in them happened later."""

MONTHS = tuple(f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13))
"""The months that can be closed. Month 1 of every array below is the first of them; month 0 is all before."""

LAST = len(MONTHS)
AFTER = LAST + 1
SPAN = LAST + 2
"""Length of an axis of months: 0 (up to 2023-12), 1 to 24, and 25 for what came later."""

ENDS: Ints = np.array(
    [at(2024 + m // 12, m % 12 + 1, 1) for m in range(LAST + 1)],
    dtype=np.int64,
)
"""Exclusive end of month m (m = 0 to 24): midnight of the next month's first day."""

STARTS: Ints = np.array([at(2023, 12, 1), *ENDS[:-1].tolist()], dtype=np.int64)
"""First moment of month m; for month 0, of 2023-12."""

WINDOW_STARTS: Ints = np.array(
    [at(2023 + m // 12, m % 12 + 1, 1) for m in range(LAST + 1)],
    dtype=np.int64,
)
"""Twelve months before the end of month m."""

YEAR_STARTS: Ints = np.array(
    [at(2023, 1, 1), *[at(2024 + (m - 1) // 12, 1, 1) for m in range(1, LAST + 1)]],
    dtype=np.int64,
)
"""First moment of the year of month m."""

CLOSE_DELAY = 6 * DAY + 5 * HOUR + 30 * MINUTE
"""Books of a month are closed on the seventh of the next, at half past five."""

FIRST_SNAPSHOT = 3
"""Voucher snapshots were kept from month 3, 2024-03, on."""


YEAR_ENDS: Ints = np.array([at(year, 12, 31) for year in (2023, 2024, 2025)], dtype=np.int64)
"""The days that have closing entries."""


def month_of(moments: Ints) -> Ints:
    """Give the month index of each moment: 0 before 2024, 1 to 24, 25 later or never."""
    return np.searchsorted(ENDS, moments, side="right").astype(np.int64)


def midnight(moments: Ints) -> Ints:
    """Give the start of the day of each moment; never stays never."""
    return np.where(moments >= NEVER, NEVER, moments - moments % DAY)


def known(moments: Ints) -> Ints:
    """Turn what would happen after today into never."""
    return np.where(moments >= TODAY, NEVER, moments)


def label(month: int) -> str:
    """Name a month index, 1 to 24, as YYYY-MM."""
    return MONTHS[month - 1]
