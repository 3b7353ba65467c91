"""What goes wrong on purpose, and the record of it.

Lives here: the plan of faults of each company, and the breaking of postings on their way into NAV; every
fault is written down in the ledger of effects as it is planted. Does not: faults of customers and vouchers
(staged here, lived through in `customers` and `vouchers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.effects import Fault
from cpg1_assets.sample_books.group import BATCH_USERS, LINE_ACCOUNTS, LINES, VOUCHERS, account_index
from cpg1_assets.sample_books.ledger import NO_SERIAL, POSTINGS, ints, postings
from cpg1_assets.sample_books.months import (
    CLOSE_DELAY,
    DAY,
    ENDS,
    HOUR,
    LAST,
    NEVER,
    STARTS,
    Flags,
    Ints,
    at,
    month_of,
)
from cpg1_assets.sample_books.vouchers import StagedUse, StagedVoucher

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company

_REFUND_KIND, _JFORCE_KIND, _CREDIT_KIND = 0, 3, 4
_DECEMBERS = (12, 24)


def _day(month: int, day: int, hour: int = 11) -> int:
    """Give a moment in a month, on a tick SQL Server keeps."""
    return int(STARTS[month]) + (day - 1) * DAY + hour * HOUR + 7_000


def stage_vouchers(draws: Draws, company: Company) -> list[StagedVoucher]:
    """Stage the vouchers whose lives break the voucher line, for one company in scope."""
    turn = company.number
    valid = at(2028, 1, 1)
    staged: list[StagedVoucher] = []

    def cancelled(
        cause: str, kind: int, month: int, cents: int, booked: int = NEVER, share: int = 100
    ) -> None:
        when = _day(month, 20)
        staged.append(StagedVoucher(cause, kind, _day(month - 3, 4), valid, cents, (), when, booked, share))

    def used(kind: int, month: int, cents: int, born: int, spent: int, delivered: int) -> None:
        use = StagedUse(_day(month, 27, 18), delivered, cents * spent // 100)
        staged.append(StagedVoucher("in_transit", kind, _day(born, 5), valid, cents, (use,)))

    month = draws.one(5, 21)
    cancelled(
        "voucher_cancelled_booked_next_month",
        _REFUND_KIND,
        month,
        draws.one(108_000, 190_000),
        _day(month + 1, 8),
    )
    high = draws.one(130_000, 250_000) if turn % 4 == 0 else draws.one(5_000, 40_000)
    cancelled("voucher_cancelled_never_booked", _REFUND_KIND, draws.one(16, 23), high)
    if turn % 3 == 1:
        cancelled(
            "store_credit_cancelled_never_booked", _CREDIT_KIND, draws.one(9, 22), draws.one(4_000, 30_000)
        )
    if turn % 2 == 0:
        month = draws.one(6, 22)
        cancelled(
            "voucher_paid_out_at_other_amount",
            _REFUND_KIND,
            month,
            draws.one(20_000, 60_000),
            _day(month, 23),
            60,
        )
    if turn % 3 == 2:  # noqa: PLR2004
        staged.append(
            StagedVoucher(
                "payout_booked_before_year_start",
                _REFUND_KIND,
                at(2024, 9, 3, 9),
                valid,
                draws.one(120_000, 160_000),
                (),
                at(2025, 1, 9, 10),
                at(2024, 12, 19, 15),
            )
        )
    month = draws.one(4, 22)
    used(_JFORCE_KIND, month, draws.one(120_000, 300_000), month - 2, 100, _day(month + 1, 6))
    if turn % 2 == 1:
        month = draws.one(4, 22)
        used(_REFUND_KIND, month, draws.one(160_000, 280_000), month - 1, 70, _day(month + 1, 4))
    month = draws.one(15, 23)
    used(_JFORCE_KIND, month, draws.one(60_000, 190_000), month - 14, 100, _day(month + 1, 9))
    high = draws.one(130_000, 160_000) if turn % 4 == 1 else draws.one(8_000, 30_000)
    month = draws.one(6, 14)
    used(_CREDIT_KIND, month, high, month - 1, 100, NEVER)
    return staged


_TWICE, _NEVER_POSTED, _LATE = "entry_posted_twice", "entry_never_posted", "entry_posted_late"
_LARGEST = 25


@dataclass(frozen=True)
class _Target:
    row: int
    line: int
    month: int
    amount: int


def _choose(
    draws: Draws, rows: Column, line: int, months: tuple[int, int], taken: set[int]
) -> _Target | None:
    """Choose one of the larger postings of a line for a fault; none where the line has none."""
    accounts, amounts, days = ints(rows, "account"), ints(rows, "amount"), ints(rows, "day")
    month = month_of(days)
    wanted = [account_index(account) for account in LINE_ACCOUNTS[line]]
    fit = np.isin(accounts, wanted) & rows["breakable"].to_numpy()
    fit &= (month >= months[0]) & (month <= months[1]) & ~np.isin(month, _DECEMBERS)
    fit[list(taken)] = False
    places = np.flatnonzero(fit)
    if not len(places):
        return None
    largest = places[np.argsort(-np.abs(amounts[places]), kind="stable")][:_LARGEST]
    row = int(largest[draws.one(0, len(largest) - 1)])
    taken.add(row)
    return _Target(row, line, int(month[row]), int(amounts[row]))


def break_postings(draws: Draws, company: Company, effects: Effects, rows: Column) -> Column:
    """Break a few postings: one twice, one never (or only found months later), one late into a closed month.

    Each company has each kind on two lines, so that over the group every line has every kind.
    """
    taken: set[int] = set()
    added: list[Column] = []
    removed: list[int] = []
    created = ints(rows, "created").copy()
    for step in (0, 3):
        turn = company.number + step
        target = _choose(draws, rows, turn % len(LINES), (2, 20), taken)
        if target is not None:
            added.extend(_twice(draws, effects, rows, target))
        target = _choose(draws, rows, (turn + 1) % len(LINES), (2, 20), taken)
        if target is not None:
            removed.append(target.row)
            added.extend(_never(draws, effects, rows, target, found=turn % 2 == 0))
        target = _choose(draws, rows, (turn + 2) % len(LINES), (2, 22), taken)
        if target is not None:
            created[target.row] = int(ENDS[target.month]) + CLOSE_DELAY + 4 * DAY
            effects.fault(
                Fault(
                    _LATE, target.line, target.month, target.month, _reference(rows, target), -target.amount
                )
            )
    for name, values in (("created", created), ("breakable", _untouched(rows, taken))):
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))
    keep = np.ones(rows.num_rows, dtype=np.bool_)
    keep[removed] = False
    return pa.concat_tables([rows.filter(pa.array(keep)), *added])


def _untouched(rows: Column, taken: set[int]) -> Flags:
    """Say which postings may still be chosen for something: not those of an event that was broken."""
    event = pc.list_element(rows["events"], 0)
    broken = pc.is_in(event, event.take(pa.array(sorted(taken), pa.int64()))).to_numpy()
    untouched: Flags = rows["breakable"].to_numpy() & ~broken
    return untouched


def _reference(rows: Column, target: _Target) -> str:
    return str(rows["document"][target.row].as_py())


def _copy(rows: Column, target: _Target, **changed: object) -> Column:
    values = {name: rows[name][target.row].as_py() for name in POSTINGS.names}
    values.update(changed, breakable=False)
    return pa.Table.from_pylist([values], schema=POSTINGS)


def _twice(draws: Draws, effects: Effects, rows: Column, target: _Target) -> list[Column]:
    """Post an entry a second time, and take the copy back one to three months later."""
    until = target.month + draws.one(1, 3)
    effects.fault(
        Fault(_TWICE, target.line, target.month, until - 1, _reference(rows, target), target.amount)
    )
    again = _copy(rows, target, serial=NO_SERIAL)
    back = _copy(
        rows,
        target,
        serial=NO_SERIAL,
        amount=-target.amount,
        day=_day(until, 10, 0) // DAY * DAY,
        created=_day(until, 10),
        description="Correction of a double posting",
        voucher=None,
        document_type=None,
        user="JUMIA/A.OKAFOR",
        reversed=True,
    )
    return [again, back]


def _never(draws: Draws, effects: Effects, rows: Column, target: _Target, *, found: bool) -> list[Column]:
    """Leave an entry out of NAV; where it is found, post it one to three months later, in that month."""
    until = target.month + draws.one(1, 3) if found else LAST + 1
    effects.fault(
        Fault(_NEVER_POSTED, target.line, target.month, until - 1, _reference(rows, target), -target.amount)
    )
    if not found:
        return []
    return [_copy(rows, target, day=_day(until, 10, 0) // DAY * DAY, created=_day(until, 10))]


@dataclass(frozen=True)
class _Journal:
    rule: str
    sign: int
    batch: bool
    document: str
    description: str
    comment: str | None = None
    balancing_type: str | None = None
    document_type: str | None = None


_JOURNALS = (
    _Journal("1", 1, False, "JRN-{c}-01", "Payout by transfer", balancing_type="Bank Account"),
    _Journal("2", -1, True, "JRN-{c}-02", "REFUND load, second run"),
    _Journal("3", -1, False, "{c}SC-J03", "Store credit, campaign"),
    _Journal("3", -1, False, "JRN-{c}-13", "Cadeau client"),
    _Journal("4", 1, True, "JRN-{c}-04", "Voucher accrual, adjustment"),
    _Journal("5", 1, True, "JRN-{c}-05", "ITEMPRICECREDIT replay"),
    _Journal("6", 1, False, "JRN-{c}-06", "EXPR_STR CRDT estimate"),
    _Journal("6", 1, False, "JRN-{c}-16", "expr_aplgy estimate"),
    _Journal("7", 1, False, "JRN-{c}-07", "Manual RND, May"),
    _Journal("7", 1, False, "JRN-{c}-17", "PYT_batch", comment="via gtb"),
    _Journal("8", 1, False, "JRN-{c}-08", "Avoir", document_type="Credit Memo"),
    _Journal("9", 1, False, "JRN-{c}-09", "ItemPriceCredit, by hand"),
    _Journal("none", 1, False, "JRN-{c}-10", "Régularisation"),
)
"""A journal of every kind in the rules that categorise voucher entries; none has a voucher behind it."""

_LARGE_EVERY = 7


def manual_journals(draws: Draws, company: Company, effects: Effects) -> Column:
    """Post journals on the voucher liability that no voucher supports, and reverse each some months later."""
    tables: list[Column] = []
    for turn, journal in enumerate(_JOURNALS):
        large = (turn + company.number) % _LARGE_EVERY == 0
        cents = draws.one(110_000, 200_000) if large else draws.one(800, 9_000)
        amount = journal.sign * cents * company.lcy_per_usd
        first = draws.one(2, 21)
        until = first + draws.one(1, 3)
        document = journal.document.format(c=company.country)
        effects.fault(Fault("manual_journal", VOUCHERS, first, until - 1, document, amount))
        user = BATCH_USERS[turn % len(BATCH_USERS)] if journal.batch else "JUMIA\\F.BENALI"
        event = f"journal {document}"
        tables.append(_journal(amount, _day(first, 25), document, user, journal, event))
        plain = _Journal("none", -journal.sign, False, "", f"Reversal of {document}")
        tables.append(_journal(-amount, _day(until, 3), f"REV-{document}", "JUMIA/N.WANJIRU", plain, event))
    return pa.concat_tables(tables)


def _journal(amount: int, moment: int, document: str, user: str, journal: _Journal, event: str) -> Column:
    one: Ints = np.array([amount], dtype=np.int64)
    return postings(
        account_index("18412"),
        one,
        np.array([moment], dtype=np.int64),
        breakable=False,
        events=pa.array([event]),
        document=document,
        description=journal.description,
        comment=journal.comment,
        balancing_type=journal.balancing_type,
        document_type=journal.document_type,
        user=user,
        source_code="GENJNL",
    )


def months_without_jdash(draws: Draws, companies: list[Company]) -> set[tuple[str, int]]:
    """Choose the months for which a company's JDash file was never exported."""
    missing: set[tuple[str, int]] = set()
    for low, high in ((3, 8), (9, 14), (15, 19), (20, 22)):
        company = companies[draws.one(0, len(companies) - 1)]
        missing.add((company.code, draws.one(low, high)))
    return missing
