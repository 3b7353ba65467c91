"""What orders mean to the ledger: prepayments, packages waiting for their cash, refunds of sellers' items.

Lives here: for each event of an item, what operations hold and what NAV posts, on the day it happens, and the
package's cash record. Does not: the events themselves (see `orders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books.columns import blank, chosen, digits, joined, moment, money, same
from cpg1_assets.sample_books.group import BATCH_USERS, PACKAGES, PREPAYMENTS, REFUNDS, account_index
from cpg1_assets.sample_books.ledger import postings
from cpg1_assets.sample_books.months import DAY, HOUR, NEVER, Flags, Ints, known
from cpg1_assets.sample_books.orders import CASH, COUPONS, ONLINE, item_numbers, package_numbers

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.orders import Items
    from cpg1_assets.sample_books.tables import Shelf

_LAST_MILE = ("Hub", "3PL", "PUS", None)


@dataclass(frozen=True)
class CashPackages:
    """Packages delivered against cash: their order, cash due (units), delivery, and who delivered."""

    order: Ints
    due: Ints
    delivered: Ints
    resolved: Ints
    by_partner: Flags
    recorded: Flags
    """Whether cash reconciliation knows the package at all."""


def pack(draws: Draws, items: Items) -> CashPackages:
    """Put the items of each cash order in one package, and let its cash be reconciled, in time or never."""
    free_of_charge = items.method >= len(CASH) + len(ONLINE)
    counted = ~items.prepaid & ~free_of_charge & (items.package < NEVER)
    due = items.paid_price + items.paid_for_shipping - items.amount_paid
    order, place = np.unique(items.order[counted], return_inverse=True)
    total = np.zeros(len(order), dtype=np.int64)
    np.add.at(total, place, due[counted])
    delivered = np.zeros(len(order), dtype=np.int64)
    delivered[place] = items.package[counted]
    count = len(order)
    recorded = ~draws.chance(count, 8)
    settled = draws.snapped(delivered + draws.delay(count, 2 * DAY, 25 * DAY))
    settled = np.where(recorded & ~draws.chance(count, 25), settled, NEVER)
    return CashPackages(order, total, delivered, known(settled), draws.chance(count, 300), recorded)


def post_packages(company: Company, effects: Effects, packages: CashPackages) -> Column:
    """Book the cash due of a package at its delivery, and take it off when the cash is reconciled."""
    effects.hold(PACKAGES, packages.delivered, packages.due)
    effects.hold(PACKAGES, packages.resolved, -packages.due)
    account = np.where(packages.by_partner, account_index("13024"), account_index("13005"))
    name = package_numbers(company, packages.order)
    event = joined("package ", name)
    effects.facts(PACKAGES, name, event)
    busline = packages.order % 3
    charge = postings(
        account,
        packages.due,
        packages.delivered,
        busline=busline,
        events=event,
        document=name,
        description="Package delivered",
        source_code="OMS",
        user=BATCH_USERS[0],
    )
    clear = postings(
        account,
        -packages.due,
        packages.resolved,
        busline=busline,
        events=event,
        document=name,
        description="Package cash reconciled",
        source_code="OMS",
        user=BATCH_USERS[0],
    )
    return pa.concat_tables([charge, clear])


def post_prepayments(company: Company, effects: Effects, items: Items) -> Column:
    """Book what is paid in advance when finance verifies it, and release it at delivery or refund.

    A seller's item and a digital one are delivered at the door scan, a retail one with its package.
    """
    paid = items.unit - items.coupon - items.cart + items.paid_for_shipping
    amount = np.where(items.prepaid & (items.verified < NEVER), paid, 0)
    arrived = np.where(items.marketplace | items.digital, items.delivered, items.package)
    released = np.minimum(arrived, items.refunded)
    effects.hold(PREPAYMENTS, items.verified, -amount)
    effects.hold(PREPAYMENTS, released, amount)
    account = account_index("18350")
    name = digits(items.order, 9, f"PRE-{company.country}-")
    event = joined("item ", item_numbers(items.number))
    concerned = pa.array(items.prepaid & (items.verified < NEVER))
    effects.facts(PREPAYMENTS, item_numbers(items.number).filter(concerned), event.filter(concerned))
    busline = items.order % 3
    received = postings(
        account,
        -amount,
        items.verified,
        busline=busline,
        events=event,
        document=name,
        external=item_numbers(items.number),
        description="Prepayment verified",
        source_code="PAYGW",
        user=BATCH_USERS[0],
    )
    cleared = postings(
        account,
        amount,
        released,
        busline=busline,
        events=event,
        document=name,
        external=item_numbers(items.number),
        description="Prepayment released",
        source_code="OMS",
        user=BATCH_USERS[0],
    )
    return pa.concat_tables([received, cleared])


def post_refunds(effects: Effects, items: Items) -> Column:
    """Book refunds of sellers' items (the seller owes the return) and returns (the customer is owed)."""
    amount = (
        items.after_discount
        + items.shipping
        + items.customs
        - items.customs_cart
        - items.shipping_cart
        - np.where(np.isin(items.voucher_type, COUPONS), items.shipping_voucher, 0)
    )
    concerned = items.marketplace & (items.delivered < NEVER)
    refunded = np.where(concerned, items.refunded, NEVER)
    returned = np.where(concerned, items.returned, NEVER)
    effects.hold(REFUNDS, refunded, amount)
    effects.hold(REFUNDS, returned, -amount)
    account = account_index("18317")
    name = item_numbers(items.number)
    event = joined("item ", name)
    for case, moments in (("Refunded not yet returned", refunded), ("Returned not yet refunded", returned)):
        happened = pa.array(moments < NEVER)
        effects.facts(REFUNDS, joined(name, "|", case).filter(happened), event.filter(happened))
    repaid = postings(
        account,
        amount,
        refunded,
        busline=2,
        events=event,
        document=name,
        description="Refund of a seller's item",
        source_code="SC",
        user=BATCH_USERS[0],
    )
    back = postings(
        account,
        -amount,
        returned,
        busline=2,
        events=event,
        document=name,
        description="Return of a seller's item",
        source_code="SC",
        user=BATCH_USERS[0],
    )
    return pa.concat_tables([repaid, back])


def write_packages(shelf: Shelf, company: Company, draws: Draws, packages: CashPackages) -> None:
    """Write `PACKAGE_CASHREC`, a row a package that cash reconciliation knows."""
    known_here = np.flatnonzero(packages.recorded)
    order, due = packages.order[known_here], packages.due[known_here]
    resolved = packages.resolved[known_here]
    count = len(order)
    paid = resolved < NEVER
    short = draws.chance(count, 60)
    shelf.put(
        "[STG_AIG_NAV_JUMIA_REC].[OMS].[PACKAGE_CASHREC]",
        {
            "ID_COMPANY": same(company.code, count),
            "package_nr": package_numbers(company, order),
            "order_nr": digits(order, 9, "3"),
            "amount_expected": money(due),
            "amount_received": money(np.where(short, due // 2, due), missing=~paid),
            "fk_package_status": chosen(("4", "6"), paid.astype(np.int64)),
            "package_status": chosen(("delivered", "reconciled"), paid.astype(np.int64)),
            "delivery_date": moment(packages.delivered[known_here]),
            "delivered_update_date": moment(packages.delivered[known_here] + 2 * HOUR),
            "fk_collection_partner": digits(order % 40, 4),
            "last_mile": chosen(_LAST_MILE, order % len(_LAST_MILE)),
            "payment_method_confirmed": blank(chosen(CASH, order % len(CASH)), ~paid),
            "troubleshoot_resolution_date": moment(resolved),
        },
    )
