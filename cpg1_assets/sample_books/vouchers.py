"""Vouchers: issued, ordered with, delivered, expired, cancelled, paid out.

Lives here: the life of vouchers and of what is ordered with them. Does not: what each event means to
operations and NAV (see `voucher_postings`), or how the shop's snapshots show it (see `voucher_snapshots`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import chosen, digits, joined
from cpg1_assets.sample_books.months import (
    AFTER,
    DAY,
    ENDS,
    HOUR,
    LAST,
    MINUTE,
    NEVER,
    SPAN,
    TODAY,
    Flags,
    Ints,
    at,
    midnight,
    month_of,
)
from cpg1_assets.sample_books.orders import (
    COUPONS,
    CREDITS,
    Basket,
    fare,
    lcy,
    prices,
    sell,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.orders import Items

REFUND, APOLOGY, JFORCE, CREDIT, MARKETING = range(5)

KINDS: tuple[tuple[str | None, int], ...] = (
    ("refund", REFUND),
    ("Refund ", REFUND),
    ("apology_v2", APOLOGY),
    ("jforce", JFORCE),
    ("store_credit", CREDIT),
    ("jpay_store_credit", CREDIT),
    ("Jpay store_credit", CREDIT),
    ("marketing", MARKETING),
    ("newsletter_coupon", MARKETING),
    (None, MARKETING),
)
"""Business uses as BOB writes them, and what they are. Marketing vouchers never touch the ledger."""

FAMILY: Ints = np.array([family for _, family in KINDS], dtype=np.int64)
_OTHER_WEIGHTS = (90, 10, 210, 130, 120, 110, 40, 200, 70, 20)
_CENTS = (
    (300, 4_000),
    (300, 4_000),
    (100, 1_200),
    (800, 9_000),
    (500, 8_000),
    (500, 5_000),
    (500, 5_000),
    (100, 900),
    (100, 900),
    (100, 900),
)
FIRST_VOUCHER = at(2023, 1, 1)


@dataclass
class Uses:
    """Orders made with vouchers: the voucher's position, what it pays, and when."""

    voucher: Ints
    ordered: Ints
    amount: Ints
    cancelled: Ints
    delivered: Ints


@dataclass
class Vouchers:
    """Vouchers of a company, by position; amounts in units."""

    number: Ints
    kind: Ints
    created: Ints
    to_date: Ints
    discount: Ints
    customer: Ints
    cancelled: Ints
    """When BOB cancelled it."""
    booked: Ints
    """When accounting booked the cancellation or the payout."""
    booked_amount: Ints
    by_template: Flags
    """Cancelled by its template, so that the voucher itself bears no date."""
    uses: Uses
    grid: dict[str, Ints] = field(default_factory=dict)
    """Per voucher and month end: `ordered`, `delivered` (units), `count`, `last` (moment)."""

    def __len__(self) -> int:
        """Count the vouchers."""
        return len(self.number)

    @property
    def family(self) -> Ints:
        """What each voucher is for."""
        return FAMILY[self.kind]


@dataclass(frozen=True)
class StagedUse:
    """An order staged with a voucher: ordered and delivered when, and what the voucher pays (US cents)."""

    ordered: int
    delivered: int
    cents: int


@dataclass(frozen=True)
class StagedVoucher:
    """A voucher whose life is staged, to break something: moments, US cents."""

    cause: str
    kind: int
    created: int
    to_date: int
    cents: int
    uses: tuple[StagedUse, ...] = ()
    cancelled: int = NEVER
    booked: int = NEVER
    booked_share: int = 100
    """Percentage of what remained that accounting booked."""


def codes(company: Company, vouchers: Vouchers) -> Column:
    """Give every voucher its code; one in fifty differs from its neighbour's only in case."""
    number = vouchers.number
    prefixes = chosen(("VC", "GC", "JP", "XK"), number // 2 % 4)
    body = digits((number // 2 * 7_368_787 + company.number) % 999_999_937, 9)
    plain = joined(prefixes, body, chosen(("A", "B"), number % 2))
    twin = joined(
        chosen(("vc", "gc", "jp", "xk"), number // 2 % 4), body, chosen(("a", "a"), np.zeros_like(number))
    )
    use_twin = (number % 2 == 1) & (number // 2 % 25 == 0)
    mask = pa.array(use_twin)
    return pc.if_else(mask, twin, plain)


def issue(
    draws: Draws, company: Company, refunded: Items, count: int, first: int, staged: Sequence[StagedVoucher]
) -> Vouchers:
    """Issue vouchers: for refunds of items, `count` for other reasons, and those that are staged."""
    by_voucher = (refunded.refunded < NEVER) & draws.chance(len(refunded), 550)
    value = refunded.after_discount + refunded.shipping - refunded.shipping_cart
    source = np.flatnonzero(by_voucher & (value > 0))
    kind = draws.pick(count, _OTHER_WEIGHTS)
    low = np.array([pair[0] for pair in _CENTS], dtype=np.int64)
    high = np.array([pair[1] for pair in _CENTS], dtype=np.int64)
    span = high[kind] - low[kind]
    cents = low[kind] + span * draws.below(count, 1_000) * draws.below(count, 1_000) // 1_000_000
    early = draws.moments(count, FIRST_VOUCHER, at(2024, 1, 1))
    later = draws.moments(count, at(2024, 1, 1), TODAY)
    created = draws.snapped(np.where(draws.chance(count, 200), early, later))
    plan = np.array([[v.kind, v.created, v.to_date, v.cents] for v in staged], dtype=np.int64).reshape(-1, 4)
    refund_kind = np.where(draws.chance(len(source), 60), 1, 0)
    all_created = np.concatenate([refunded.refunded[source], created, plan[:, 1]])
    total = len(all_created)
    days = np.array([30, 90, 180, 365, 730], dtype=np.int64)[draws.pick(total, [80, 260, 400, 220, 40])]
    to_date = midnight(all_created) + days * DAY
    clock = draws.pick(total, [500, 250, 250])
    last_tick = DAY - 3_000
    to_date = to_date + np.where(clock == 0, last_tick, np.where(clock == 1, 0, 13 * HOUR + 7_000))
    to_date = draws.snapped(to_date, 90)
    staged_at = total - len(staged)
    to_date[staged_at:] = plan[:, 2]
    ordinary = np.concatenate([value[source], lcy(company, draws, cents)])
    return Vouchers(
        number=first + np.arange(total, dtype=np.int64),
        kind=np.concatenate([refund_kind, kind, plan[:, 0]]),
        created=all_created,
        to_date=to_date,
        discount=np.concatenate([ordinary, plan[:, 3] * company.lcy_per_usd]),
        customer=np.concatenate([refunded.customer[source], draws.below(count + len(staged), 50_000)]),
        cancelled=np.full(total, NEVER, dtype=np.int64),
        booked=np.full(total, NEVER, dtype=np.int64),
        booked_amount=np.zeros(total, dtype=np.int64),
        by_template=draws.chance(total, 120),
        uses=Uses(*[np.zeros(0, dtype=np.int64) for _ in range(5)]),
    )


def _planned_uses(
    draws: Draws, vouchers: Vouchers, staged: Sequence[StagedVoucher]
) -> tuple[Ints, Ints, Ints]:
    """Decide who orders what with which voucher: once in full, in part, twice, or not at all."""
    count = len(vouchers) - len(staged)
    marketing = vouchers.family[:count] == MARKETING
    habit = np.where(marketing, draws.pick(count, [650, 330, 20, 0]), draws.pick(count, [160, 560, 160, 120]))
    discount, created, to_date = vouchers.discount[:count], vouchers.created[:count], vouchers.to_date[:count]
    share = draws.between(count, 10, 89)
    part = np.maximum(discount * share // 100, 1)
    first = created + draws.delay(count, 10 * MINUTE, 95 * DAY)
    first = np.where(draws.chance(count, 500), created + draws.delay(count, 10 * MINUTE, 20 * DAY), first)
    first = draws.snapped(first)
    second = draws.snapped(first + draws.delay(count, DAY, 60 * DAY))
    rest = discount - part
    tail = np.where(draws.chance(count, 600), rest, rest // 2)
    one = (habit > 0) & (first < to_date) & (first < TODAY)
    two = (habit == 3) & (second < to_date) & (second < TODAY) & (tail > 0)  # noqa: PLR2004
    position = np.arange(count, dtype=np.int64)
    voucher = np.concatenate([position[one], position[two]])
    ordered = np.concatenate([first[one], second[two]])
    amount = np.concatenate([np.where(habit == 1, discount, part)[one], tail[two]])
    return voucher, ordered, amount


def order_with(
    draws: Draws, company: Company, vouchers: Vouchers, first_item: int, staged: Sequence[StagedVoucher]
) -> Items:
    """Let customers order with their vouchers, one item an order; fills `uses` and gives the items."""
    voucher, ordered, amount = _planned_uses(draws, vouchers, staged)
    free = len(voucher)
    base = len(vouchers) - len(staged)
    extra = [(base + place, use) for place, plan in enumerate(staged) for use in plan.uses]
    voucher = np.concatenate([voucher, np.array([place for place, _ in extra], dtype=np.int64)])
    ordered = np.concatenate([ordered, np.array([use.ordered for _, use in extra], dtype=np.int64)])
    staged_amount = np.array([use.cents for _, use in extra], dtype=np.int64) * company.lcy_per_usd
    amount = np.concatenate([amount, staged_amount])
    count = len(voucher)
    prepaid = draws.chance(count, 300)
    prepaid[free:] = False
    orders = fare(draws, ordered, prepaid, np.zeros(count, dtype=np.bool_))
    for place, (_, use) in enumerate(extra, start=free):
        orders.shipped[place] = use.ordered + 2 * HOUR
        orders.package[place] = orders.delivered[place] = use.delivered
        orders.failed[place] = orders.cancelled[place] = orders.refunded[place] = NEVER
    on_shipping = np.where(draws.chance(count, 150), amount // 5, 0)
    covered = draws.chance(count, 350)
    covered[free:] = True
    orders.prepaid &= ~covered
    coupon = amount - on_shipping
    extra_price = np.where(covered, 0, lcy(company, draws, prices(draws, count)))
    marketing = vouchers.family[voucher] == MARKETING
    coupon_type = np.array(COUPONS, dtype=np.int64)[draws.pick(count, [900, 100])]
    credit_type = np.array(CREDITS, dtype=np.int64)[draws.pick(count, [950, 50])]
    odd = draws.chance(count, 30)
    basket = Basket(
        order=np.arange(count, dtype=np.int64),
        unit=coupon + extra_price,
        voucher=voucher,
        voucher_type=np.where(marketing | odd, coupon_type, credit_type),
        coupon=coupon,
        shipping_voucher=on_shipping,
        covered=covered,
        returnable=np.arange(count) < free,
    )
    # What the voucher covers in full was never verified as paid.
    orders.verified[covered] = NEVER
    orders.refunded[covered] = NEVER
    items = sell(draws, company, orders, basket, first_item)
    items.customer = vouchers.customer[voucher]
    vouchers.uses = Uses(voucher, ordered, amount, items.cancelled, items.package)
    return items


def cancel_some(draws: Draws, vouchers: Vouchers, staged: Sequence[StagedVoucher]) -> None:
    """Cancel a few vouchers that nothing is on its way with; accounting books each in the same month."""
    uses = vouchers.uses
    count = len(vouchers)
    settled = vouchers.created.copy()
    finished = np.minimum(uses.delivered, uses.cancelled)
    np.maximum.at(settled, uses.voucher, finished)
    live = np.zeros(count, dtype=np.int64)
    np.add.at(live, uses.voucher, np.where(uses.cancelled < NEVER, 0, uses.amount))
    remaining = vouchers.discount - live
    when = draws.snapped(np.where(settled < NEVER, settled, 0) + draws.delay(count, 5 * DAY, 60 * DAY))
    fit = (settled < NEVER) & (remaining > 0) & (when < vouchers.to_date) & (when < TODAY)
    fit &= (vouchers.family != MARKETING) & draws.chance(count, 140)
    base = count - len(staged)
    fit[base:] = False
    month_end = ENDS[np.minimum(month_of(when), LAST)] - HOUR
    limit = np.where(month_of(when) > LAST, TODAY - HOUR, month_end)
    booked = np.maximum(when, np.minimum(when + draws.delay(count, HOUR, 6 * DAY), limit))
    vouchers.cancelled = np.where(fit, when, NEVER)
    vouchers.booked = np.where(fit, booked, NEVER)
    vouchers.booked_amount = np.where(fit, remaining, 0)
    for place, plan in enumerate(staged, start=base):
        vouchers.cancelled[place] = plan.cancelled
        vouchers.booked[place] = plan.booked
        vouchers.booked_amount[place] = int(remaining[place]) * plan.booked_share // 100
        vouchers.by_template[place] = False
    vouchers.by_template &= vouchers.cancelled < NEVER


def settle_grid(vouchers: Vouchers) -> None:
    """Work out, for each voucher and month end, what was ordered with it and what of that was delivered."""
    uses = vouchers.uses
    shape = (len(vouchers), SPAN)
    ordered, delivered, count, last = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    ordered_in, cancelled_in = month_of(uses.ordered), month_of(uses.cancelled)
    np.add.at(ordered, (uses.voucher, ordered_in), uses.amount)
    np.add.at(ordered, (uses.voucher, cancelled_in), -uses.amount)
    np.add.at(count, (uses.voucher, ordered_in), 1)
    np.add.at(count, (uses.voucher, cancelled_in), -1)
    np.add.at(delivered, (uses.voucher, month_of(uses.delivered)), uses.amount)
    np.maximum.at(last, (uses.voucher, ordered_in), uses.ordered)
    vouchers.grid = {
        "ordered": np.cumsum(ordered, axis=1)[:, :AFTER],
        "delivered": np.cumsum(delivered, axis=1)[:, :AFTER],
        "count": np.cumsum(count, axis=1)[:, :AFTER],
        "last": np.maximum.accumulate(last, axis=1)[:, :AFTER],
    }


def remaining_at(vouchers: Vouchers, moments: Ints) -> Ints:
    """Give what remains of each voucher at its own moment: not ordered, or ordered and cancelled by then."""
    uses = vouchers.uses
    moment_of_use = moments[uses.voucher]
    live = (uses.ordered < moment_of_use) & ~(uses.cancelled < moment_of_use)
    used = np.zeros(len(vouchers), dtype=np.int64)
    np.add.at(used, uses.voucher, np.where(live, uses.amount, 0))
    return vouchers.discount - used
