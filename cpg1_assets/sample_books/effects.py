"""What happened, twice: as operations hold it and as NAV booked it. The truth is read off this ledger.

Each event of the business adds its amount to `held` in the month it happened, and each posting to `booked` in
the month it is dated; both in NAV's sign (debit positive), in units. A difference between the two has
a cause, and whoever makes the difference writes the cause down at that moment. Nothing here looks at a source
table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books.columns import alone, money, same
from cpg1_assets.sample_books.group import ACCOUNTS, LINES
from cpg1_assets.sample_books.months import AFTER, ENDS, LAST, MONTHS, SPAN, Ints, month_of

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.events import EventBook

_TICK = 3_000
"""The last moment before midnight that SQL Server keeps is so many microseconds before it."""

AMOUNT = pa.decimal128(24, 4)
CAUSES = pa.schema(
    [
        ("month", pa.string()),
        ("id_company", pa.string()),
        ("line", pa.string()),
        ("cause", pa.string()),
        ("reference", pa.string()),
        ("amount", AMOUNT),
    ]
)


@dataclass(frozen=True)
class Fault:
    """One thing that was broken, with the months it bites in and its effect on actual - target, in units."""

    cause: str
    line: int
    first_month: int
    last_month: int
    reference: str
    amount: int


class Effects:
    """The ledger of effects of one company."""

    def __init__(self, company: str, events: EventBook) -> None:
        """Open an empty ledger; `events` is the book of all companies that it writes events into."""
        self.company = company
        self._events = events
        self.held: Ints = np.zeros((len(LINES), SPAN), dtype=np.int64)
        self.booked: Ints = np.zeros((len(ACCOUNTS), SPAN), dtype=np.int64)
        self.late: Ints = np.zeros((len(ACCOUNTS), SPAN), dtype=np.int64)
        self.bridged: Ints = np.zeros((len(LINES), SPAN), dtype=np.int64)
        self.uncomputed: dict[tuple[int, int], str] = {}
        self._at_midnight: Ints = np.zeros((len(LINES), SPAN), dtype=np.int64)
        self._causes: list[Column] = []

    def hold(self, line: int, moments: Ints, amounts: Ints) -> None:
        """Operations hold `amounts` more on a line from these moments on."""
        np.add.at(self.held[line], month_of(moments), amounts)
        before = np.isin(moments, ENDS - _TICK)
        edge = (before | np.isin(moments, ENDS)) & (amounts != 0)
        months = np.minimum(month_of(moments[edge] - _TICK), LAST)
        np.add.at(self._at_midnight[line], months, 1)

    def facts(self, line: int, keys: Column, events: Column) -> None:
        """Say which business event each operational fact of a line belongs to, or which lists of them.

        The fact is known by its natural key in operations: a voucher's number, an item's, a package's.
        """
        lists = alone(events) if pa.types.is_string(events.type) else events
        self._events.put(self.company, "TARGET", np.full(len(keys), line, dtype=np.int64), keys, lists)

    def entries(self, lines: Ints, entries: Column, events: Column) -> None:
        """Say which business events each entry of NAV belongs to, by its number; -1 is no line's."""
        kept = pa.array(lines >= 0)
        self._events.put(self.company, "NAV", lines[lines >= 0], entries.filter(kept), events.filter(kept))

    def book(self, accounts: Ints, days: Ints, amounts: Ints, late: Ints) -> None:
        """NAV books amounts on accounts; `late` (1 or 0) marks entries created after their month's close."""
        months = month_of(days)
        np.add.at(self.booked, (accounts, months), amounts)
        np.add.at(self.late, (accounts, months), amounts * late)

    def bridge(self, line: int, months: Ints, amounts: Ints) -> None:
        """Explain part of a line's variance in these months, and only in them."""
        np.add.at(self.bridged[line], months, amounts)

    def cannot_compute(self, line: int, month: int, cause: str) -> None:
        """Note that an input of a line is missing in a month, and why."""
        self.uncomputed[line, month] = cause
        self.fault(Fault(cause, line, month, month, self.company, 0))

    def note_midnights(self) -> None:
        """Write down, for each line and month end, how many events fell just before or at midnight.

        They break nothing where dates are read exactly, so their amount is zero. Customer entries have dates
        only, and are left out.
        """
        for line in range(1, len(LINES)):
            for month in np.flatnonzero(self._at_midnight[line]).tolist():
                count = int(self._at_midnight[line, month])
                self.fault(Fault("dated_at_midnight", line, month, month, f"{count} events", 0))

    def fault(self, fault: Fault) -> None:
        """Write down one planted fault, in each month in which it bites."""
        months = np.arange(max(fault.first_month, 1), min(fault.last_month, LAST) + 1)
        count = len(months)
        self.causes(
            fault.line,
            same(fault.cause, count),
            months,
            same(fault.reference, count),
            np.full(count, fault.amount, dtype=np.int64),
        )

    def causes(self, line: int, names: Column, months: Ints, references: Column, amounts: Ints) -> None:
        """Write down causes, a row each; months that cannot be closed are left out."""
        keep = (months >= 1) & (months < AFTER)
        if not keep.any():
            return
        rows = pa.table(
            {
                "month": pa.array(MONTHS).take(pa.array(np.where(keep, months - 1, 0))),
                "id_company": same(self.company, len(months)),
                "line": same(LINES[line], len(months)),
                "cause": names,
                "reference": references,
                "amount": money(amounts, kind=AMOUNT),
            },
            schema=CAUSES,
        )
        self._causes.append(rows.filter(pa.array(keep)))

    def all_causes(self) -> Column:
        """Give every cause written down, in the order of months, lines, names and references."""
        if not self._causes:
            return CAUSES.empty_table()
        rows = pa.concat_tables(self._causes)
        order = [(name, "ascending") for name in ("month", "line", "cause", "reference", "amount")]
        return rows.sort_by(order)
