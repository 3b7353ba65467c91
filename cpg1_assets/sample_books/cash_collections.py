"""Collections: couriers and partners take cash, hand it over in packlists, and pay it in.

Lives here: cash transactions, packlists, deposits, transfers, reversals, reallocations and their postings to
13001 and 13002. Does not: the packages the cash is for, or the tables it shows up in (see `cash_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import digits, grouped, joined
from cpg1_assets.sample_books.group import BATCH_USERS, COLLECTIONS_AR, account_index
from cpg1_assets.sample_books.ledger import postings
from cpg1_assets.sample_books.months import (
    DAY,
    HOUR,
    NEVER,
    TODAY,
    Flags,
    Ints,
    known,
    month_of,
)
from cpg1_assets.sample_books.orders import FIRST_ORDER, lcy, package_numbers

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.order_postings import CashPackages

ID_SPAN = 10_000_000
"""Numbers a chunk of a company may give out in each series."""

PARTNERS = 8
"""Collection partners of a company, per unit of size."""

_WEEK = 7 * DAY

CLOSED, IN_PROGRESS, WAITING_CONFIRMATION, WAITING_APPROVAL = range(4)
TURNED_DOWN = WAITING_APPROVAL
"""States of a packlist; a deposit has the first three, or is turned down."""

TRANSFER, THIRD_PARTY, REVERSED, REJECTED = range(4)
"""Kinds of deposits that pay no packlist."""

_WAITS, _SHORT, _TWICE = 1, 2, 3
"""Fates of a packlist that is not paid at once and in full."""


@dataclass
class Takings:
    """Cash transactions on packages: amounts (units), the partner who holds it, and since when."""

    entity: Column
    amount: Ints
    original: Ints
    partner_before: Ints
    created: Ints
    """When the cash reconciliation says it was created: the reallocation's date where there was one."""
    partner: Ints
    packlist: Ints
    """Position of the packlist, or -1."""


@dataclass
class Packlists:
    """Packlists and the fate of each."""

    created: Ints
    partner: Ints
    received: Ints
    status: Ints
    deposit: Ints
    """Position of the deposit that pays it, or -1; `second` likewise for a later one."""
    second: Ints
    paid: Ints
    paid_second: Ints
    force_closed: Ints
    force_undated: Flags


@dataclass
class Deposits:
    """Payments and transfers of partners; `excess` is what no packlist ever uses."""

    moment: Ints
    partner: Ints
    total: Ints
    charges: Ints
    excess: Ints
    status: Ints
    transfer: Flags
    reversed: Ints
    closed: Ints
    posted: Flags


@dataclass(frozen=True)
class OtherDeposits:
    """Deposits that pay no packlist, the kind of each, and when its counterpart was recorded."""

    deposits: Deposits
    kind: Ints
    recorded: Ints


@dataclass(frozen=True)
class Payouts:
    """Cash that partners paid out: units, by whom, when, when settled on a list, and as what."""

    amount: Ints
    partner: Ints
    made: Ints
    settled: Ints
    kind: Ints
    names: Column


@dataclass(frozen=True)
class CashBook:
    """All of a company's collections, with the names of packlists and deposits."""

    partners: int
    takings: Takings
    lists: Packlists
    list_names: Column
    paid: Deposits
    paid_names: Column
    other: OtherDeposits
    other_names: Column
    payouts: Payouts


def take_cash(draws: Draws, company: Company, packages: CashPackages, partners: int) -> Takings:
    """Let couriers take the cash of the packages they deliver; some is reallocated to another partner."""
    count = len(packages.order)
    original = draws.snapped(packages.delivered + draws.delay(count, 0, 3 * HOUR), 60)
    before = draws.below(count, partners)
    moved = draws.chance(count, 25)
    shifted = draws.snapped(original + draws.delay(count, 4 * HOUR, 12 * DAY))
    moved &= shifted < TODAY
    after = (before + 1 + draws.below(count, partners - 1)) % partners
    keep = np.flatnonzero(original < TODAY)
    return Takings(
        entity=package_numbers(company, packages.order[keep]),
        amount=packages.due[keep],
        original=original[keep],
        partner_before=before[keep],
        created=np.where(moved, shifted, original)[keep],
        partner=np.where(moved, after, before)[keep],
        packlist=np.full(len(keep), -1, dtype=np.int64),
    )


def list_cash(draws: Draws, takings: Takings) -> Packlists:
    """Put each partner's cash of a week on a packlist, a day or more after the week ends."""
    week = takings.created // _WEEK
    key = takings.partner * 1_000_000 + week
    keys, place = np.unique(key, return_inverse=True)
    count = len(keys)
    created = (keys % 1_000_000 + 1) * _WEEK + draws.moments(count, 0, 3 * DAY)
    created = draws.snapped(created)
    exists = created < TODAY
    received = np.zeros(count, dtype=np.int64)
    np.add.at(received, place, takings.amount)
    exists &= received > 0
    position = np.cumsum(exists) - 1
    takings.packlist = np.where(exists[place], position[place], -1)
    created, received, partner = created[exists], received[exists], (keys // 1_000_000)[exists]
    total = len(created)
    none = np.full(total, -1, dtype=np.int64)
    zero = np.zeros(total, dtype=np.int64)
    return Packlists(
        created=created,
        partner=partner,
        received=received,
        status=zero.copy(),
        deposit=none.copy(),
        second=none.copy(),
        paid=zero.copy(),
        paid_second=zero.copy(),
        force_closed=np.full(total, NEVER, dtype=np.int64),
        force_undated=np.zeros(total, dtype=np.bool_),
    )


def pay_in(draws: Draws, company: Company, takings: Takings, lists: Packlists) -> Deposits:
    """Let partners pay for their packlists: at once or in two, early or late, alone or two lists together."""
    count = len(lists.created)
    early = draws.chance(count, 100)
    delay = draws.delay(count, 6 * HOUR, 9 * DAY)
    when = draws.snapped(np.where(early, lists.created - delay // 4, lists.created + delay))
    fate = draws.pick(count, [905, 40, 30, 25])
    waits = (fate == _WAITS) | (when >= TODAY)
    short = fate == _SHORT
    twice = (fate == _TWICE) & ~waits
    paying = ~waits
    # A partner sometimes pays two packlists in one deposit.
    close = (lists.partner[1:] == lists.partner[:-1]) & (lists.created[1:] - lists.created[:-1] < 2 * _WEEK)
    previous = np.concatenate([[False], close & paying[:-1]])
    joint = paying & previous & draws.chance(count, 90)
    joint &= ~np.concatenate([[False], joint[:-1]])
    position = np.cumsum(paying & ~joint) - 1
    deposits = int(position[-1]) + 1 if count else 0
    lists.deposit = np.where(paying, position, -1)
    share = draws.between(count, 30, 90)
    part = lists.received * share // 100
    lists.paid = np.where(paying, np.where(short | twice, part, lists.received), 0)
    first_of = np.flatnonzero(paying & ~joint)
    moments = when[first_of]
    later = draws.snapped(moments[lists.deposit[twice]] + draws.delay(int(twice.sum()), DAY, 20 * DAY))
    has_second = np.zeros(count, dtype=np.bool_)
    has_second[np.flatnonzero(twice)[later < TODAY]] = True
    lists.second = np.where(has_second, deposits + np.cumsum(has_second) - 1, -1)
    lists.paid_second = np.where(has_second, lists.received - part, 0)
    extra = int(has_second.sum())
    total = np.zeros(deposits + extra, dtype=np.int64)
    np.add.at(total, lists.deposit[paying], lists.paid[paying])
    np.add.at(total, lists.second[has_second], lists.paid_second[has_second])
    size = deposits + extra
    moment_of = np.concatenate([moments, later[later < TODAY]])
    excess = np.where(draws.chance(size, 40), lcy(company, draws, draws.between(size, 200, 4_000)), 0)
    closes = draws.snapped(moment_of + draws.delay(size, 30 * DAY, 90 * DAY))
    closes = known(np.where((excess > 0) & draws.chance(size, 700), closes, NEVER))
    open_rest = lists.received - lists.paid - lists.paid_second
    lists.status = np.where(
        waits,
        np.where(draws.chance(count, 500), WAITING_APPROVAL, WAITING_CONFIRMATION),
        np.where(open_rest > 0, IN_PROGRESS, CLOSED),
    )
    lists.status = np.where(~waits & draws.chance(count, 60), WAITING_CONFIRMATION, lists.status)
    force = draws.snapped(
        np.where(lists.deposit >= 0, moment_of[np.maximum(lists.deposit, 0)], 0)
        + draws.delay(count, 12 * DAY, 70 * DAY)
    )
    force = np.maximum(force, lists.created + DAY)
    forced = short & (open_rest > 0) & paying & draws.chance(count, 600)
    lists.force_closed = known(np.where(forced, force, NEVER))
    lists.status = np.where(lists.force_closed < NEVER, CLOSED, lists.status)
    _close_undated(takings, lists, moment_of)
    return Deposits(
        moment=moment_of,
        partner=np.concatenate([lists.partner[first_of], lists.partner[has_second]]),
        total=total + excess,
        charges=np.zeros(size, dtype=np.int64),
        excess=excess,
        status=np.where((excess > 0) & (closes >= NEVER), IN_PROGRESS, CLOSED),
        transfer=np.zeros(size, dtype=np.bool_),
        reversed=np.full(size, NEVER, dtype=np.int64),
        closed=closes,
        posted=np.ones(size, dtype=np.bool_),
    )


def _close_undated(takings: Takings, lists: Packlists, moments: Ints) -> None:
    """Force-close a few short packlists with no date: only where all of it happens within one month.

    The cash reconciliation never shows such a list again, so a month end in between would lose it.
    """
    first = np.full(len(lists.created), NEVER, dtype=np.int64)
    listed = takings.packlist >= 0
    np.minimum.at(first, takings.packlist[listed], takings.original[listed])
    paid_on = moments[np.maximum(lists.deposit, 0)] if len(moments) else lists.created
    within = (month_of(first) == month_of(paid_on)) & (month_of(first) == month_of(lists.created))
    rest = lists.received - lists.paid - lists.paid_second
    fit = within & (rest > 0) & (lists.deposit >= 0) & (lists.second < 0) & (lists.force_closed >= NEVER)
    lists.force_undated = fit & (np.arange(len(fit)) % 2 == 0)
    lists.force_closed = np.where(lists.force_undated, np.maximum(paid_on, lists.created), lists.force_closed)
    lists.status = np.where(lists.force_undated, CLOSED, lists.status)


def pay_otherwise(draws: Draws, company: Company, count: int, partners: int) -> OtherDeposits:
    """Make deposits that pay no packlist: transfers, third parties' collections, reversals, rejected ones."""
    kind = draws.pick(count, [350, 250, 300, 100])
    when = draws.snapped(draws.moments(count, FIRST_ORDER, TODAY - DAY))
    amount = lcy(company, draws, prices_of_transfers(draws, count))
    turned = draws.snapped(when + draws.delay(count, DAY, 40 * DAY))
    reversed_on = np.where(kind == REVERSED, known(turned), NEVER)
    anchor = np.where(kind == REVERSED, turned, when)
    closes = known(draws.snapped(anchor + draws.delay(count, 10 * DAY, 50 * DAY)))
    closes = np.where(draws.chance(count, 300), NEVER, closes)
    closes = np.where((kind == REVERSED) & (reversed_on >= NEVER), NEVER, closes)
    recorded = known(anchor + draws.delay(count, 0, 5 * DAY))
    deposits = Deposits(
        moment=when,
        partner=draws.below(count, partners),
        total=amount,
        charges=np.where(draws.chance(count, 200), amount // 50, 0),
        excess=amount,
        status=np.where(
            kind == REJECTED, TURNED_DOWN, np.where(closes < NEVER, CLOSED, WAITING_CONFIRMATION)
        ),
        transfer=kind == TRANSFER,
        reversed=reversed_on,
        closed=np.where(kind == REJECTED, NEVER, closes),
        posted=kind != REJECTED,
    )
    return OtherDeposits(deposits, kind, recorded)


def prices_of_transfers(draws: Draws, count: int) -> Ints:
    """Draw what partners transfer, in US cents."""
    return draws.between(count, 2_000, 60_000)


def _account(partner: Ints) -> Ints:
    """Couriers' hubs are on 13001, third parties on 13002."""
    third = np.isin(partner % PARTNERS, (2, 4))
    return np.where(third, account_index("13002"), account_index("13001"))


def pay_out(draws: Draws, company: Company, count: int, partners: int, chunk: int) -> Payouts:
    """Let partners pay customers and agents out of the cash they hold, settled on a list some days later."""
    made = draws.snapped(draws.moments(count, FIRST_ORDER, TODAY - DAY))
    settled = known(draws.snapped(made + draws.delay(count, DAY, 30 * DAY)))
    amount = lcy(company, draws, draws.between(count, 0, 4_000))
    amount = np.where(draws.chance(count, 20), 0, amount)
    return Payouts(
        amount,
        draws.below(count, partners),
        made,
        settled,
        draws.below(count, 3),
        digits(np.arange(count) + chunk * ID_SPAN, 8, "RF"),
    )


def collect(draws: Draws, company: Company, packages: CashPackages, size: int, chunk: int) -> CashBook:
    """Live through a company's collections."""
    partners = PARTNERS * size
    takings = take_cash(draws, company, packages, partners)
    lists = list_cash(draws, takings)
    paid = pay_in(draws, company, takings, lists)
    other = pay_otherwise(draws, company, max(len(lists.created) // 9, 6), partners)
    lot = np.arange(len(lists.created)) + chunk * ID_SPAN
    series = np.arange(len(paid.total) + len(other.kind)) + chunk * ID_SPAN
    # Payments and transfers share one series of numbers.
    numbers = digits(series, 9, "0")
    return CashBook(
        partners=partners,
        takings=takings,
        lists=lists,
        list_names=digits(lot, 8, "PL"),
        paid=paid,
        paid_names=numbers[: len(paid.total)],
        other=other,
        other_names=numbers[len(paid.total) :],
        payouts=pay_out(draws, company, max(len(takings.amount) // 22, 6), partners, chunk),
    )


def post_cash(effects: Effects, cash: CashBook) -> Column:
    """Book what partners hold: what they took, less what they paid in or out, less what was written off."""
    takings, lists, paid, payouts = cash.takings, cash.lists, cash.paid, cash.payouts
    other = cash.other.deposits
    listed, taken, paid_for = _events(cash)
    transfer, payout = joined("deposit ", cash.other_names), joined("payout ", payouts.names)
    booked: list[Column] = []

    def move(partner: Ints, amounts: Ints, moments: Ints, name: str, document: Column, event: Column) -> None:
        effects.hold(COLLECTIONS_AR, moments, amounts)
        booked.append(
            postings(
                _account(partner),
                amounts,
                moments,
                events=event,
                document=document,
                description=name,
                user=BATCH_USERS[1],
                source_code="CASHREC",
            )
        )

    rest = lists.received - lists.paid - lists.paid_second
    posted = np.where(other.posted, other.total, 0)
    back = np.where(cash.other.kind == REVERSED, other.reversed, other.moment)
    counterpart = (other.partner + 1) % cash.partners
    move(takings.partner_before, takings.amount, takings.original, "Cash taken", takings.entity, taken)
    move(paid.partner, -paid.total, paid.moment, "Deposit of a partner", cash.paid_names, paid_for)
    move(lists.partner, -rest, lists.force_closed, "Shortage written off", cash.list_names, listed)
    move(paid.partner, paid.excess, paid.closed, "Surplus taken to income", cash.paid_names, paid_for)
    move(other.partner, -posted, other.moment, "Deposit, no packlist", cash.other_names, transfer)
    move(counterpart, posted, back, "Counterpart of a deposit", cash.other_names, transfer)
    move(payouts.partner, -payouts.amount, payouts.made, "Paid out by a partner", payouts.names, payout)
    move(payouts.partner, payouts.amount, payouts.settled, "Payout settled", payouts.names, payout)
    for keys, events in (
        (takings.entity, taken),
        (cash.list_names, listed),
        (cash.paid_names, paid_for),
        (cash.other_names, transfer),
        (payouts.names, payout),
    ):
        effects.facts(COLLECTIONS_AR, keys, events)
    return pa.concat_tables(booked)


def _events(cash: CashBook) -> tuple[Column, Column, Column]:
    """Name the events of packlists, of takings, and of the deposits that pay packlists (lists of them).

    Cash on a packlist is that list's; cash on none is its package's.
    """
    lists, on_list = cash.lists, cash.takings.packlist >= 0
    listed = joined("list ", cash.list_names)
    taken = pc.if_else(
        pa.array(on_list),
        listed.take(pa.array(np.maximum(cash.takings.packlist, 0))),
        joined("package ", cash.takings.entity),
    )
    paying = np.concatenate([lists.deposit, lists.second])
    of_list = np.tile(np.arange(len(lists.created)), 2)[paying >= 0]
    paid_for = grouped(listed.take(pa.array(of_list)), paying[paying >= 0], len(cash.paid.total))
    return listed, taken, paid_for
