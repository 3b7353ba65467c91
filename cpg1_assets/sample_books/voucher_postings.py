"""What vouchers mean to operations and to NAV: each event at the time each of them takes notice.

Lives here: the voucher liability as BOB holds it and as accounting posts it to 18412, in every style that
entries are sorted by, and the record of why the two differ. Does not: vouchers' lives (see `vouchers`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import blank, chosen, digits, grouped, joined
from cpg1_assets.sample_books.effects import Fault
from cpg1_assets.sample_books.group import BATCH_USERS, PEOPLE, VOUCHERS, account_index
from cpg1_assets.sample_books.ledger import postings
from cpg1_assets.sample_books.months import (
    DAY,
    ENDS,
    HOUR,
    LAST,
    NEVER,
    TODAY,
    WINDOW_STARTS,
    YEAR_STARTS,
    Flags,
    Ints,
    month_of,
)
from cpg1_assets.sample_books.orders import COUPONS, transaction_numbers
from cpg1_assets.sample_books.vouchers import (
    APOLOGY,
    CREDIT,
    FAMILY,
    JFORCE,
    MARKETING,
    REFUND,
    remaining_at,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.orders import Items
    from cpg1_assets.sample_books.vouchers import StagedVoucher, Vouchers

_SETTLE_DAYS = 45
"""An order that is neither delivered nor cancelled after so many days is not going to be."""


def post_vouchers(
    draws: Draws, company: Company, effects: Effects, vouchers: Vouchers, items: Items
) -> Column:
    """Let operations and NAV live through the vouchers, each at its own time; gives NAV's postings.

    BOB lets go of a liability when a voucher is ordered with, accounting when the package is delivered; BOB
    on cancellation, accounting when it books it; both when a voucher expires, accounting at the month end.
    """
    owed = vouchers.family != MARKETING
    uses = vouchers.uses
    concerned = owed[uses.voucher]
    amount = np.where(concerned, uses.amount, 0)
    to_date = vouchers.to_date[uses.voucher]
    issued = np.where(owed, vouchers.discount, 0)
    ended = np.minimum(vouchers.cancelled, vouchers.to_date)
    left = np.where(owed, remaining_at(vouchers, ended), 0)
    effects.hold(VOUCHERS, vouchers.created, -issued)
    effects.hold(VOUCHERS, uses.ordered, amount)
    # What a cancelled order gives back to an expired voucher is worth nothing any more.
    effects.hold(VOUCHERS, np.where(uses.cancelled < to_date, uses.cancelled, NEVER), -amount)
    effects.hold(VOUCHERS, ended, left)
    lapsed = np.where((vouchers.cancelled >= NEVER) & owed, vouchers.to_date, NEVER)
    restored = np.where(uses.cancelled >= to_date, uses.cancelled, NEVER)
    effects.facts(VOUCHERS, digits(vouchers.number), _events(vouchers.number))
    return pa.concat_tables(
        [
            _issuance(draws, company, vouchers, issued),
            _usage(draws, company, effects, vouchers, items, amount),
            _expiry(company, vouchers, np.arange(len(vouchers)), lapsed, left),
            _expiry(company, vouchers, uses.voucher, restored, amount),
            _cancellation(draws, company, vouchers),
        ]
    )


_ISSUE_STYLES: tuple[tuple[int, bool, str, str, str | None], ...] = (
    (REFUND, True, "REFUND RF_", "INT-", None),
    (REFUND, True, "rf_", "INT-", None),
    (REFUND, True, "Voucher RF ", "INT-", "Invoice"),
    (REFUND, False, "RFN customer ", "VOU-", None),
    (REFUND, False, "Refund RF_", "VOU-", "Credit Memo"),
    (APOLOGY, True, "COMMERCIAL GESTURE ", "INT-", None),
    (APOLOGY, True, "Commercial gesture – ", "INT-", None),
    (APOLOGY, False, "CXP, late delivery ", "VOU-", None),
    (APOLOGY, False, "Apology voucher ", "VOU-", None),
    (JFORCE, True, "PYT_JF", "INT-", None),
    (JFORCE, True, "Pyt_JForce ", "INT-", None),
    (JFORCE, False, "PYT_JF", "PAY-", None),
    (CREDIT, False, "Store credit ", "{country}SC-", None),
    (CREDIT, False, "Store credit ", "{country}SC-", None),
    (CREDIT, False, "Jumia Pay top-up ", "JPAY-", None),
    (CREDIT, True, "Top-up ", "INT-", None),
)


def voucher_texts(draws: Draws, numbers: Ints) -> Column:
    """Write voucher numbers as accounting gets them: plain, as `12345.0`, or between blanks."""
    style = draws.pick(len(numbers), [870, 80, 50])
    return joined(
        chosen(("", "", " "), style),
        digits(numbers),
        chosen(("", ".0", "  "), style),
    )


def _events(numbers: Ints) -> Column:
    """Name the business event that a voucher is, from its issue to its end."""
    return digits(numbers, prefix="voucher ")


def _users(draws: Draws, batch: Flags) -> Column:
    count = len(batch)
    robot = draws.pick(count, [700, 250, 50])
    person = len(BATCH_USERS) + draws.pick(count, [40, 30, 20, 4, 3, 3])
    return chosen((*BATCH_USERS, *PEOPLE), np.where(batch, robot, person))


def _issuance(draws: Draws, company: Company, vouchers: Vouchers, issued: Ints) -> Column:
    family = vouchers.family
    style = np.zeros(len(vouchers), dtype=np.int64)
    for wanted in range(MARKETING):
        fitting = np.array([i for i, each in enumerate(_ISSUE_STYLES) if each[0] == wanted], dtype=np.int64)
        picked = fitting[draws.below(len(vouchers), len(fitting))]
        style = np.where(family == wanted, picked, style)
    batch = np.array([each[1] for each in _ISSUE_STYLES])[style]
    number = digits(vouchers.number)
    # A text that ends in RF, blanks or not, does not speak of a refund.
    surf = (~batch) & (vouchers.number % 41 == 0)
    description = joined(chosen([each[2] for each in _ISSUE_STYLES], style), number)
    description = pc.if_else(pa.array(surf), "Correction SURF ", description)
    prefixes = [each[3].format(country=company.country) for each in _ISSUE_STYLES]
    return postings(
        account_index("18412"),
        -issued,
        vouchers.created,
        busline=vouchers.number % 3,
        events=_events(vouchers.number),
        document=joined(chosen(prefixes, style), number),
        document_type=chosen([each[4] for each in _ISSUE_STYLES], style),
        description=description,
        voucher=blank(voucher_texts(draws, vouchers.number), draws.chance(len(vouchers), 40)),
        user=_users(draws, batch),
        source_code=chosen(("GENJNL", "BOB"), batch.astype(np.int64)),
    )


def _usage(
    draws: Draws, company: Company, effects: Effects, vouchers: Vouchers, items: Items, amount: Ints
) -> Column:
    """Post each use at delivery, some under the seller's transaction and without the voucher's number.

    Where the item was sold as one with a coupon, nothing says then whose usage it is; it moves no amount.
    """
    uses = vouchers.uses
    count = len(amount)
    style = draws.pick(count, [780, 110, 110])
    texts = ("ITEMPRICECREDIT ", "ITEM SHIPPING CREDIT ", "ItemPriceCredit ")
    by_transaction = items.marketplace & draws.chance(count, 120)
    document = pc.if_else(
        pa.array(by_transaction),
        transaction_numbers(items.number),
        digits(items.order, 9, f"DEL-{company.country}-"),
    )
    unknown = by_transaction & np.isin(items.voucher_type, COUPONS) & (amount != 0)
    for place in np.flatnonzero(unknown & (uses.delivered < NEVER)).tolist():
        since = int(month_of(uses.delivered[[place]])[0])
        for reference in (str(vouchers.number[uses.voucher[place]]), document[place].as_py()):
            effects.fault(Fault("usage_of_unknown_voucher", VOUCHERS, since, LAST, reference, 0))
    return postings(
        account_index("18412"),
        amount,
        uses.delivered,
        busline=items.number % 3,
        events=_events(vouchers.number[uses.voucher]),
        document=document,
        description=joined(chosen(texts, style), digits(items.number)),
        voucher=blank(voucher_texts(draws, vouchers.number[uses.voucher]), by_transaction),
        user=_users(draws, style != 2),  # noqa: PLR2004
        source_code="OMS",
    )


_EXPIRY_TEXTS = ("EXPR_RFND", "EXPR_APLGY", "Expr_JForce", "EXPR_STR CRDT", "EXPR_MKT")


def _expiry(company: Company, vouchers: Vouchers, which: Ints, moments: Ints, amounts: Ints) -> Column:
    """Post what expired in a month in one entry a kind, dated its last day, made two days later.

    `which` are the vouchers, by position, that expired at `moments` with `amounts` left.
    """
    months = month_of(moments)
    keep = (months <= LAST) & (amounts != 0)
    family = vouchers.family[which]
    key, place = np.unique(months[keep] * (MARKETING + 1) + family[keep], return_inverse=True)
    total = np.zeros(len(key), dtype=np.int64)
    np.add.at(total, place, amounts[keep])
    month, kind = key // (MARKETING + 1), key % (MARKETING + 1)
    days = ENDS[month] - DAY
    spaced = chosen(("", "EXPR_STR_CRDT "), ((kind == CREDIT) & (month % 2 == 0)).astype(np.int64))
    return postings(
        account_index("18412"),
        total,
        days,
        created=days + 2 * DAY + 10 * HOUR,
        busline=0,
        breakable=False,
        events=grouped(_events(vouchers.number[which[keep]]), place, len(key)),
        document=joined(f"EXP-{company.country}-", digits(month, 2), "-", digits(kind)),
        description=joined(spaced, chosen(_EXPIRY_TEXTS, kind), " run ", digits(month, 2)),
        user="JUMIA/N.WANJIRU",
        source_code="GENJNL",
    )


_REFUND_PAYOUTS: tuple[tuple[str, str | None, str | None, str | None], ...] = (
    ("Voucher payout ", None, "Bank Account", None),
    ("VTC, customer's bank ", None, "bank account ", "Payment"),
    ("MANUAL RND ", None, None, None),
    ("PYT_RF ", "Paid by GTB transfer", None, None),
)


def _cancellation(draws: Draws, company: Company, vouchers: Vouchers) -> Column:
    """Post payouts of refund vouchers in cash, and cancellations of the others, as accounting does."""
    chosen_ones = np.flatnonzero(vouchers.booked < NEVER)
    family, number = vouchers.family[chosen_ones], vouchers.number[chosen_ones]
    count = len(chosen_ones)
    payout = draws.below(count, len(_REFUND_PAYOUTS))
    accrual, memo = len(_REFUND_PAYOUTS), len(_REFUND_PAYOUTS) + 1
    style = np.where(family == REFUND, payout, np.where(family == APOLOGY, accrual, memo))
    texts = [*[each[0] for each in _REFUND_PAYOUTS], "VOUCHER ACCRUAL ", "Voucher withdrawn "]
    comments = [*[each[1] for each in _REFUND_PAYOUTS], None, "Demande du client"]
    balancing = [*[each[2] for each in _REFUND_PAYOUTS], None, "G/L Account"]
    kinds = [*[each[3] for each in _REFUND_PAYOUTS], None, "Credit Memo"]
    return postings(
        account_index("18412"),
        vouchers.booked_amount[chosen_ones],
        vouchers.booked[chosen_ones],
        busline=number % 3,
        breakable=False,
        events=_events(number),
        document=joined(f"CAN-{company.country}-", digits(number)),
        document_type=chosen(kinds, style),
        description=joined(chosen(texts, style), digits(number)),
        comment=chosen(comments, style),
        balancing_type=chosen(balancing, style),
        balancing_no=blank(chosen(("BNK-01", "BNK-02"), number % 2), style > 1),
        voucher=voucher_texts(draws, number),
        user=_users(draws, style == accrual),
        source_code=chosen(("BANKREC", "GENJNL"), (style > 1).astype(np.int64)),
    )


def explain_transit(effects: Effects, vouchers: Vouchers) -> None:
    """Write down what is ordered with vouchers and not delivered at each month end.

    NAV still holds it, so it makes actual - target negative. Where the voucher is used up or cancelled and
    was created within twelve months, the control's timing difference explains it; else it stays unexplained.
    """
    transit = vouchers.grid["ordered"] - vouchers.grid["delivered"]
    transit[vouchers.family == MARKETING] = 0
    transit[:, 0] = 0
    place, month = np.nonzero(transit)
    amount = -transit[place, month]
    gone = vouchers.grid["ordered"][place, month] == vouchers.discount[place]
    gone |= vouchers.cancelled[place] < ENDS[month]
    recent = vouchers.created[place] >= WINDOW_STARTS[month]
    effects.bridge(VOUCHERS, month, np.where(gone & recent, amount, 0))
    uses = vouchers.uses
    stuck = (np.minimum(uses.delivered, uses.cancelled) >= NEVER) & (
        uses.ordered < TODAY - _SETTLE_DAYS * DAY
    )
    has_stuck = np.zeros(len(vouchers), dtype=np.bool_)
    has_stuck[uses.voucher[stuck]] = True
    names = (
        "voucher_used_in_transit",
        "old_voucher_used_in_transit",
        "partly_used_voucher_in_transit",
        "usage_ordered_never_delivered",
    )
    which = np.select([has_stuck[place], ~recent, ~gone], [3, 1, 2], 0).astype(np.int64)
    effects.causes(VOUCHERS, chosen(names, which), month, digits(vouchers.number[place]), amount)


def explain_cancellations(effects: Effects, vouchers: Vouchers, staged: Sequence[StagedVoucher]) -> None:
    """Write down cancelled vouchers that accounting books in another month, at another amount, or never.

    In the month of the cancellation the control's VTC adjustment explains a valid refund voucher that was not
    booked in the year so far; in later months nothing does.
    """
    base = len(vouchers) - len(staged)
    remaining = remaining_at(vouchers, np.minimum(vouchers.cancelled, vouchers.to_date))
    for place, plan in enumerate(staged, start=base):
        if plan.cancelled >= NEVER:
            continue
        left, booked = int(remaining[place]), int(vouchers.booked_amount[place])
        reference = str(int(vouchers.number[place]))
        for month in range(1, LAST + 1):
            end = int(ENDS[month])
            effect = (booked if plan.booked < end else 0) - (left if plan.cancelled < end else 0)
            in_month = month == int(month_of(np.array([plan.cancelled]))[0])
            seen = int(YEAR_STARTS[month]) <= plan.booked < end
            if in_month and FAMILY[plan.kind] == REFUND and plan.to_date >= end and not seen:
                effects.bridge(VOUCHERS, np.array([month]), np.array([-left]))
            elif not effect:
                continue
            effects.causes(
                VOUCHERS,
                pa.array([plan.cause]),
                np.array([month]),
                pa.array([reference]),
                np.array([effect]),
            )


def note_marketing(effects: Effects, vouchers: Vouchers) -> None:
    """Write down how many marketing vouchers there are at each month end: none is booked, or counted."""
    marketing = vouchers.created[vouchers.family == MARKETING]
    for month in range(1, LAST + 1):
        count = int((marketing < ENDS[month]).sum())
        effects.fault(Fault("marketing_vouchers", VOUCHERS, month, month, f"{count} vouchers", 0))
