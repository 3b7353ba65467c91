"""NAV's general ledger: postings become entries, detailed entries and closing balances.

Lives here: what NAV does with any posting. Does not: which postings a process makes, and what goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import (
    EVENTS,
    alone,
    chosen,
    digits,
    flag,
    joined,
    moment,
    money,
    number,
    same,
)
from cpg1_assets.sample_books.group import (
    ACCOUNT_NAMES,
    ACCOUNTS,
    BUSLINES,
    COUNTER_ACCOUNT,
    LINE_ACCOUNTS,
    account_index,
    ifrs_levels,
    real_account,
)
from cpg1_assets.sample_books.months import (
    CLOSE_DELAY,
    CLOSING_TIME,
    DAY,
    ENDS,
    HOUR,
    LAST,
    NO_DATE,
    SPAN,
    TODAY,
    YEAR_ENDS,
    Flags,
    Ints,
    midnight,
    month_of,
)

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.fx import Rates
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf

_TEXTS = (
    "document",
    "external",
    "voucher",
    "document_type",
    "description",
    "comment",
    "balancing_type",
    "balancing_no",
    "user",
    "source_code",
    "reason",
    "source_type",
    "source_no",
)
POSTINGS = pa.schema(
    [
        ("account", pa.int64()),
        ("amount", pa.int64()),
        ("day", pa.int64()),
        ("created", pa.int64()),
        ("busline", pa.int64()),
        ("serial", pa.int64()),
        ("breakable", pa.bool_()),
        ("reversed", pa.bool_()),
        ("events", EVENTS),
        *[(name, pa.string()) for name in _TEXTS],
    ]
)
"""One row a posting: account index, amount in units (debit positive), day, creation, texts.

`serial` is the process's own number of the posting (-1 where it has none); `breakable` says that the entry
may be chosen for a fault; `events` are the business events it belongs to.
"""

NO_SERIAL = -1

_LINE_OF: Ints = np.array(
    [
        next((line for line, accounts in enumerate(LINE_ACCOUNTS) if account in accounts), -1)
        for account in ACCOUNTS
    ],
    dtype=np.int64,
)
"""The line of each account, -1 where it is out of scope."""


def postings(
    account: Ints | int,
    amounts: Ints,
    moments: Ints,
    *,
    busline: Ints | int = 0,
    serial: Ints | None = None,
    created: Ints | None = None,
    breakable: bool | Flags = True,
    events: Column | None = None,
    **texts: Column | str | None,
) -> Column:
    """Make postings, dated the day of their moments; those that never happened are left out.

    `texts` are columns of `POSTINGS` by name, each a column or one value for all. `events` are texts, or lists
    of them; only what is no line's business (the other half of everything) has none.
    """
    count = len(amounts)
    columns = {
        "account": np.broadcast_to(np.asarray(account, dtype=np.int64), count),
        "amount": amounts,
        "day": midnight(moments),
        "created": moments if created is None else created,
        "busline": np.broadcast_to(np.asarray(busline, dtype=np.int64), count),
        "serial": np.full(count, NO_SERIAL, dtype=np.int64) if serial is None else serial,
        "breakable": np.full(count, breakable),
        "reversed": np.zeros(count, dtype=np.bool_),
    }
    arrays = {name: pa.array(column) for name, column in columns.items()}
    if events is None:
        arrays["events"] = pa.repeat(pa.scalar([], EVENTS), count)
    else:
        arrays["events"] = alone(events) if pa.types.is_string(events.type) else events
    for name in _TEXTS:
        text = texts.get(name)
        arrays[name] = same(text, count) if text is None or isinstance(text, str) else text
    rows = pa.table(arrays, schema=POSTINGS)
    return rows.filter(pa.array((moments < TODAY) & (amounts != 0)))


def ints(table: Column, name: str) -> Ints:
    """Read a whole-number column of a table."""
    return table.column(name).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def is_late(days: Ints, created: Ints) -> Ints:
    """Say (1 or 0) which entries were created after the books of their month were closed."""
    month = month_of(days)
    close = ENDS[np.minimum(month, LAST)] + CLOSE_DELAY
    return ((created >= close) & (month <= LAST)).astype(np.int64)


@dataclass
class Application:
    """Entries applied to each other: serials of both, the day, what moves from the second to the first."""

    to_serial: Ints
    from_serial: Ints
    days: Ints
    amounts: Ints


@dataclass
class GeneralLedger:
    """The general ledger of one company while its books are made."""

    company: Company
    next_entry: int = 1
    next_detail: int = 1
    balance: Ints = field(
        default_factory=lambda: np.zeros((len(ACCOUNTS), len(BUSLINES), SPAN), dtype=np.int64)
    )
    late: Ints = field(default_factory=lambda: np.zeros((len(ACCOUNTS), len(BUSLINES), SPAN), dtype=np.int64))

    def enter(self, shelf: Shelf, effects: Effects, rows: Column, applied: Application) -> dict[str, Ints]:
        """Enter postings into the books, in the order of their days.

        Gives the entry numbers of the postings that have a serial: `serial` and `entry`, sorted by serial.
        """
        rows = pa.concat_tables([rows, _counter_entries(rows)]).combine_chunks()
        rows = rows.take(pa.array(np.argsort(ints(rows, "day"), kind="stable")))
        accounts, amounts, days = ints(rows, "account"), ints(rows, "amount"), ints(rows, "day")
        buslines, late = ints(rows, "busline"), is_late(days, ints(rows, "created"))
        months = month_of(days)
        np.add.at(self.balance, (accounts, buslines, months), amounts)
        np.add.at(self.late, (accounts, buslines, months), amounts * late)
        effects.book(accounts, days, amounts, late)
        entries = self.next_entry + np.arange(len(amounts), dtype=np.int64)
        self.next_entry += len(amounts)
        effects.entries(_LINE_OF[accounts], digits(entries), rows["events"].combine_chunks())
        self._write_entries(shelf, rows, entries)
        serials = ints(rows, "serial")
        order = np.argsort(serials, kind="stable")
        numbered = {"serial": serials[order], "entry": entries[order]}
        self._write_details(shelf, rows, entries, numbered, applied)
        return numbered

    def _real_accounts(self, accounts: Ints, buslines: Ints) -> Column:
        names = [
            real_account(self.company, account, busline)
            for account in ACCOUNTS
            for busline in range(len(BUSLINES))
        ]
        return chosen(names, accounts * len(BUSLINES) + buslines)

    def _write_entries(self, shelf: Shelf, rows: Column, entries: Ints) -> None:
        accounts, buslines = ints(rows, "account"), ints(rows, "busline")
        days, created = ints(rows, "day"), ints(rows, "created")
        count = len(entries)
        departments = chosen(("FIN", "OPS", None), entries % 3)
        shelf.put(
            "[AIG_Nav_DW].[dbo].[G_L Entries]",
            {
                "id_company": same(self.company.code, count),
                "Entry No_": number(entries),
                "Document No_": rows["document"],
                "External Document No_": rows["external"],
                "Voucher No_": rows["voucher"],
                "Posting Date": moment(_posted(days, entries)),
                "Document Date": moment(
                    _unset(entries % 97 == 0, np.where(entries % 11 == 0, days - DAY, days))
                ),
                "Document Type": rows["document_type"],
                "Chart of Accounts No_": self._real_accounts(accounts, buslines),
                "Account Name": chosen([ACCOUNT_NAMES[account] for account in ACCOUNTS], accounts),
                "Document Description": rows["description"],
                "Comment": rows["comment"],
                "Amount": money(ints(rows, "amount")),
                "Busline Code": chosen(BUSLINES, buslines),
                "Department Code": departments,
                "Bal_ Account Type": rows["balancing_type"],
                "Bal_ Account No_": rows["balancing_no"],
                "Bal_ Account Name": same(None, count),
                "Reason Code": rows["reason"],
                "Source Code": rows["source_code"],
                "Reversed": rows["reversed"],
                "User ID": rows["user"],
                "G_L Creation Date": moment(
                    # Of what came late, only this date tells that it did.
                    _unset((entries % 199 == 0) & (month_of(created) == month_of(days)), created)
                ),
                "Destination Code": same(self.company.country, count),
                "Partner Code": same(None, count),
                "System-Created Entry": flag(entries % 4 == 0, missing=entries % 97 == 0),
                "Source Type": rows["source_type"],
                "Source No": rows["source_no"],
                "IC Partner Code": same(None, count),
                "VendorTag Code": same(None, count),
                "CustomerTag Code": chosen((None, "TAG-01"), (entries % 29 == 0).astype(np.int64)),
                "Service_Period": pc.strftime(moment(days), format="%Y-%m"),
            },
        )

    def _write_details(
        self, shelf: Shelf, rows: Column, entries: Ints, numbered: dict[str, Ints], applied: Application
    ) -> None:
        accounts, buslines = ints(rows, "account"), ints(rows, "busline")
        to_row, to_known = _find(numbered, applied.to_serial, self.next_entry - len(entries))
        from_row, from_known = _find(numbered, applied.from_serial, self.next_entry - len(entries))
        # An entry that never reached NAV cannot be applied there.
        keep = to_known & from_known
        to_row, from_row = to_row[keep], from_row[keep]
        own = np.arange(len(entries))
        row = np.concatenate([own, to_row, from_row])
        amounts = np.concatenate([ints(rows, "amount"), applied.amounts[keep], -applied.amounts[keep]])
        # What was posted late can be applied no earlier.
        posted = ints(rows, "day")
        applied_on = np.maximum(applied.days[keep], np.maximum(posted[to_row], posted[from_row]))
        days = np.concatenate([posted, applied_on, applied_on])
        details = self.next_detail + np.arange(len(row), dtype=np.int64)
        self.next_detail += len(row)
        shelf.put(
            "[AIG_Nav_DW].[dbo].[Detailed G_L Entry]",
            {
                "id_company": same(self.company.code, len(row)),
                "Entry No_": number(details),
                "Gen_ Ledger Entry No_": number(entries[row]),
                "G_L Account No_": self._real_accounts(accounts[row], buslines[row]),
                "Posting Date": moment(_posted(days, entries[row])),
                "Amount": money(amounts),
            },
        )

    def close_books(self, shelf: Shelf, rates: Rates) -> None:
        """Write the closing balances of every month end, from 2023-12 on, as the balance view shows them.

        An entry created after the close of its month is not in that month's balance, and is in the next's.
        """
        closing = np.cumsum(self.balance, axis=2) - self.late
        used = np.any(self.balance != 0, axis=2)
        account, busline = np.nonzero(used)
        count = len(account)
        for month in range(LAST + 1):
            self._write_balances(
                shelf, rates, month, account, busline, closing[account, busline, month], count
            )

    def _write_balances(
        self, shelf: Shelf, rates: Rates, month: int, account: Ints, busline: Ints, balance: Ints, count: int
    ) -> None:
        company = self.company
        names = [ACCOUNT_NAMES[a] for a in ACCOUNTS]
        levels = [ifrs_levels(a) for a in ACCOUNTS]
        closing = np.full(count, ENDS[month] - DAY, dtype=np.int64)
        partner = np.where(account == account_index("13015"), 0, 1)
        no = np.zeros(count, dtype=np.bool_)
        shelf.put(
            "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT]",
            {
                "ID_COMPANY": same(company.code, count),
                "COMPANY_NAME": same(company.name, count),
                "COUNTRY_CODE": same(company.country, count),
                "COUNTRY_NAME": same(company.country_name, count),
                "CLOSING_DATE": moment(closing),
                "REFRESH_DATE": moment(closing + DAY + CLOSE_DELAY),
                "GROUP_COA_ACCOUNT_NO": chosen(ACCOUNTS, account),
                "GROUP_COA_ACCOUNT_NAME": chosen(names, account),
                "REAL_COA": self._real_accounts(account, busline),
                "CURRENCY": same(company.currency, count),
                "FX_RATE": rates.column(company, month, count),
                "BALANCE_AT_DATE": money(balance),
                "BUSLINE_CODE": chosen(BUSLINES, busline),
                "REPORTING_COUNTRY_CODE": same(company.country, count),
                "REPORTING_COUNTRY_NAME": same(company.country_name, count),
                "PARTNER_CODE": chosen(("IC-0001", None), partner),
                "IC_PARTNER_CODE": chosen(("AIG_USD", None), partner),
                "IS_RECHARGE": flag(no),
                "IS_RETAINED_EARNINGS": flag(no),
                "CONSO_ACCOUNT_NO": joined("C", chosen(ACCOUNTS, account)),
                "CONSO_ACCOUNT_NAME": chosen(names, account),
                "IFRS_LEVEL_1_NAME": chosen([level[0] for level in levels], account),
                "IFRS_LEVEL_2_NAME": chosen([level[1] for level in levels], account),
                "IFRS_LEVEL_3_NAME": chosen([level[2] for level in levels], account),
                "IS_INTERCO": flag(partner == 0, missing=account == account_index("40010")),
            },
        )


def _posted(days: Ints, entries: Ints) -> Ints:
    """Give posting dates as NAV keeps them: a fifth of the entries of a year's last day are closing entries."""
    return np.where(np.isin(days, YEAR_ENDS) & (entries % 5 == 0), days + CLOSING_TIME, days)


def _unset(where: Flags, moments: Ints) -> Ints:
    return np.where(where, NO_DATE, moments)


def _find(numbered: dict[str, Ints], serials: Ints, first_entry: int) -> tuple[Ints, Flags]:
    """Find the rows of serials in the order of entries, and whether each was entered at all."""
    if not len(serials):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    place = np.minimum(np.searchsorted(numbered["serial"], serials), len(numbered["serial"]) - 1)
    return numbered["entry"][place] - first_entry, numbered["serial"][place] == serials


def entry_numbers(numbered: dict[str, Ints], serials: Ints) -> tuple[Ints, Flags]:
    """Give the entry number of each serial, and whether it was entered at all."""
    return _find(numbered, serials, 0)


def _counter_entries(rows: Column) -> Column:
    """Post the other half of everything, summed by month and account, so that the books balance.

    Entries created after their month's close get a counter entry created as late as they are.
    """
    accounts, amounts, days = ints(rows, "account"), ints(rows, "amount"), ints(rows, "day")
    created = ints(rows, "created")
    late = is_late(days, created)
    months = month_of(days)
    key = (months * len(ACCOUNTS) + accounts) * 2 + late
    keys, place = np.unique(key, return_inverse=True)
    sums = np.zeros(len(keys), dtype=np.int64)
    np.add.at(sums, place, -amounts)
    latest = np.zeros(len(keys), dtype=np.int64)
    np.maximum.at(latest, place, created)
    was_late = keys % 2 == 1
    account = keys // 2 % len(ACCOUNTS)
    month = keys // 2 // len(ACCOUNTS)
    counter = np.array(
        [account_index(COUNTER_ACCOUNT.get(name, "10100")) for name in ACCOUNTS], dtype=np.int64
    )
    day = np.where(month <= LAST, ENDS[np.minimum(month, LAST)] - DAY, TODAY - DAY)
    return postings(
        counter[account],
        sums,
        day + 20 * HOUR,
        created=np.where(was_late, latest, day + 20 * HOUR),
        busline=0,
        breakable=False,
        document=joined("SUM-", digits(month, 2), "-", chosen(ACCOUNTS, account)),
        description="Counter entry of the month",
        source_code="CLSINCOME",
        user="JUMIA/A.OKAFOR",
    )
