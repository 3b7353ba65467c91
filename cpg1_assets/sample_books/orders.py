"""Orders: what customers order, and how each order and item fares until today.

Lives here: the life of orders and items (dates), their prices (units), and the rows of `RPT_SOI` and the
tables that describe items. Does not: what the events mean to the ledger (see `order_postings`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from cpg1_assets.sample_books.columns import (
    blank,
    chosen,
    digits,
    flag,
    joined,
    moment,
    money,
    same,
)
from cpg1_assets.sample_books.months import DAY, HOUR, MINUTE, NEVER, TODAY, Flags, Ints, at, known

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf

FIRST_ORDER = at(2023, 10, 1)

CASH = ("CashOnDelivery", "CashOnDelivery", "cashondelivery@door", "MobileMoneyOnDelivery", None)
ONLINE = ("JumiaPay", "Card", "M-Pesa", "PayPal", "BankTransfer")
NO_PAYMENT = ("NoPayment", "NoPayment", "nopayment ")
_METHODS = (*CASH, *ONLINE, *NO_PAYMENT)

DELIVERY_TYPES = (
    "Standard",
    "Express",
    "Dropship",
    "Digital Content",
    "Gift Card",
    "digital content ",
    None,
)
_SHIPPED_TYPES = (0, 0, 0, 1, 2, 6)
_DIGITAL_TYPES = (3, 3, 4, 5)

CUSTOMER_TYPES = ("B2C", "JForce", "Corporate", "Employee", None)
VOUCHER_TYPES = (None, "reusablecredit", "coupon", "ReusableCredit ", "Coupon")
CREDITS = (1, 3)
COUPONS = (2, 4)
"""Positions in `VOUCHER_TYPES`, the plain spelling first."""

DELIVERED, CANCELLED, FAILED = range(3)
"""What becomes of an order; the rest is stuck on its way."""

_BOTH, _REFUND, _RETURN = 1, 2, 3
"""After delivery: returned and refunded, only refunded, only returned."""


@dataclass
class Orders:
    """Orders and what became of them; a moment is `NEVER` where it has not come."""

    created: Ints
    prepaid: Flags
    digital: Flags
    verified: Ints
    shipped: Ints
    package: Ints
    delivered: Ints
    failed: Ints
    cancelled: Ints
    refunded: Ints
    """Refund of what was paid and never delivered."""


@dataclass
class Items:
    """Order items: everything an item's row tells, and what decides how it is booked."""

    number: Ints
    order: Ints
    customer: Ints
    prepaid: Flags
    prepaid_missing: Flags
    marketplace: Flags
    marketplace_missing: Flags
    abroad: Flags
    digital: Flags
    method: Ints
    delivery_type: Ints
    voucher_type: Ints
    voucher: Ints
    """Number of the voucher the item was ordered with, or -1."""
    created: Ints
    verified: Ints
    shipped: Ints
    delivered: Ints
    package: Ints
    cancelled: Ints
    failed: Ints
    returned: Ints
    refunded: Ints
    refund_pending: Flags
    unit: Ints
    coupon: Ints
    cart: Ints
    paid_price: Ints
    amount_paid: Ints
    after_discount: Ints
    shipping: Ints
    shipping_cart: Ints
    shipping_voucher: Ints
    shipping_discount: Ints
    customs: Ints
    customs_cart: Ints
    freight: Ints
    freight_cart: Ints

    def __len__(self) -> int:
        """Count the items."""
        return len(self.number)

    @property
    def paid_for_shipping(self) -> Ints:
        """What the customer pays for shipping, customs and freight."""
        return (
            self.shipping
            - self.shipping_cart
            - self.shipping_voucher
            + self.customs
            - self.customs_cart
            + self.freight
            - self.freight_cart
        )

    @property
    def used_of_voucher(self) -> Ints:
        """What the item takes from its voucher."""
        return self.coupon + self.shipping_voucher


def together(first: Items, second: Items) -> Items:
    """Put two lots of items in one."""
    return Items(
        **{
            each.name: np.concatenate([getattr(first, each.name), getattr(second, each.name)])
            for each in fields(Items)
        }
    )


def lcy(company: Company, draws: Draws, cents: Ints) -> Ints:
    """Turn US cents into units of the local currency; three in ten amounts have more than two decimals."""
    units = cents * company.lcy_per_usd
    units = units - units % 100
    return np.where(draws.chance(len(cents), 300), units + draws.below(len(cents), 100), units)


def prices(draws: Draws, count: int) -> Ints:
    """Draw prices in US cents: most small, few large."""
    low = np.array([100, 500, 1_500, 4_000, 12_000, 60_000], dtype=np.int64)
    high = np.array([500, 1_500, 4_000, 12_000, 60_000, 250_000], dtype=np.int64)
    band = draws.pick(count, [150, 350, 300, 150, 42, 8])
    span = high - low
    price: Ints = low[band] + draws.below(count, 1_000_000) * span[band] // 1_000_000
    return price


def fare(draws: Draws, created: Ints, prepaid: Flags, digital: Flags) -> Orders:
    """Let orders run their course: paid, shipped, delivered, or cancelled, failed, or stuck on the way."""
    count = len(created)
    outcome = draws.pick(count, [860, 70, 55, 15])
    verified = draws.snapped(created + draws.delay(count, 20 * MINUTE, 2 * DAY))
    unpaid = (outcome == CANCELLED) & draws.chance(count, 500)
    verified = np.where(prepaid & ~unpaid, verified, NEVER)
    ready = np.where(verified < NEVER, verified, created)
    shipped = ready + draws.delay(count, 6 * HOUR, 4 * DAY)
    arrival = draws.snapped(shipped + draws.delay(count, DAY, 10 * DAY))
    # A door scan and the package's own date differ where nobody has to hand over cash.
    early = np.maximum(shipped + HOUR, arrival - draws.delay(count, 0, 36 * HOUR))
    after = arrival + draws.delay(count, 0, 40 * HOUR)
    door = np.where(draws.chance(count, 700), early, after)
    door = np.where(prepaid, door, arrival)
    handed = draws.snapped(ready + draws.delay(count, 5 * MINUTE, 2 * HOUR))
    fails = draws.snapped(shipped + draws.delay(count, 4 * DAY, 12 * DAY))
    cancels = np.where(outcome == FAILED, fails, ready) + draws.delay(count, DAY, 4 * DAY)
    cancels = draws.snapped(cancels)
    refunds = draws.snapped(cancels + draws.delay(count, HOUR, 14 * DAY))
    sent = (outcome != CANCELLED) & ~digital
    arrived = (outcome == DELIVERED) & ~digital
    downloaded = (outcome == DELIVERED) & digital
    stopped = (outcome == CANCELLED) | (outcome == FAILED)
    return Orders(
        created=created,
        prepaid=prepaid,
        digital=digital,
        verified=known(verified),
        shipped=known(np.where(sent, shipped, NEVER)),
        package=known(np.where(arrived, arrival, NEVER)),
        delivered=known(np.where(arrived, door, np.where(downloaded, handed, NEVER))),
        failed=known(np.where((outcome == FAILED) & ~digital, fails, NEVER)),
        cancelled=known(np.where(stopped, cancels, NEVER)),
        refunded=known(np.where(stopped & (verified < NEVER), refunds, NEVER)),
    )


@dataclass(frozen=True)
class Basket:
    """What an item is ordered with: its order, price, and what a voucher pays of it (units)."""

    order: Ints
    unit: Ints
    voucher: Ints
    voucher_type: Ints
    coupon: Ints
    shipping_voucher: Ints
    covered: Flags
    """The voucher pays all of it: no other payment."""
    returnable: Flags


def sell(draws: Draws, company: Company, orders: Orders, basket: Basket, first: int) -> Items:
    """Make the items of orders: their prices, and their returns and refunds."""
    count = len(basket.order)
    order = basket.order
    prepaid, digital = orders.prepaid[order], orders.digital[order]
    abroad = draws.chance(count, 50) & ~digital & ~basket.covered
    marketplace = draws.chance(count, 600) & ~(digital & draws.chance(count, 700))
    cart = np.where(
        draws.chance(count, 120) & ~basket.covered, basket.unit * draws.below(count, 20) // 100, 0
    )
    cart = np.minimum(cart, basket.unit - basket.coupon)
    fee = lcy(company, draws, draws.between(count, 100, 600))
    charged = draws.chance(count, 600) & ~digital & ~basket.covered
    shipping = basket.shipping_voucher + np.where(charged, fee, 0)
    shipping_cart = np.where(charged & draws.chance(count, 150), fee // 2, 0)
    customs = np.where(abroad, basket.unit // 7, 0)
    freight = np.where(abroad, lcy(company, draws, draws.between(count, 300, 900)), 0)
    customs_cart = np.where(abroad & draws.chance(count, 300), customs // 3, 0)
    freight_cart = np.where(abroad & draws.chance(count, 300), freight // 4, 0)
    rounding = np.where(draws.chance(count, 50) & ~basket.covered, draws.below(count, 90), 0)
    paid_price = basket.unit - basket.coupon - cart + rounding
    to_pay = (
        shipping - shipping_cart - basket.shipping_voucher + customs - customs_cart + freight - freight_cart
    )
    deposit = np.where(draws.chance(count, 25), (paid_price + to_pay) // 3, 0)
    fate = draws.pick(count, [880, 85, 17, 18])
    delivered, package = orders.delivered[order], orders.package[order]
    complete = (delivered < NEVER) & ((package < NEVER) | digital) & basket.returnable
    there = np.maximum(delivered, np.where(package < NEVER, package, 0))
    back = draws.snapped(there + draws.delay(count, 2 * DAY, 15 * DAY))
    repaid = draws.snapped(there + draws.delay(count, DAY, 28 * DAY))
    returned = np.where(complete & ~digital & ((fate == _BOTH) | (fate == _RETURN)), back, NEVER)
    refunded = np.where(complete & ((fate == _BOTH) | (fate == _REFUND)), repaid, orders.refunded[order])
    cash = draws.pick(count, [60, 20, 8, 10, 2])
    online = len(CASH) + draws.pick(count, [40, 30, 20, 5, 5])
    free = len(CASH) + len(ONLINE) + draws.pick(count, [80, 15, 5])
    method = np.where(prepaid, online, np.where(basket.covered, free, cash))
    shipped_type = np.array(_SHIPPED_TYPES)[draws.below(count, len(_SHIPPED_TYPES))]
    digital_type = np.array(_DIGITAL_TYPES)[draws.below(count, len(_DIGITAL_TYPES))]
    return Items(
        number=first + np.arange(count, dtype=np.int64),
        order=first + order,
        customer=np.zeros(count, dtype=np.int64),
        prepaid=prepaid,
        prepaid_missing=~prepaid & draws.chance(count, 20),
        marketplace=marketplace,
        marketplace_missing=~marketplace & draws.chance(count, 20),
        abroad=abroad,
        digital=digital,
        method=method,
        delivery_type=np.where(digital, digital_type, shipped_type),
        voucher_type=basket.voucher_type,
        voucher=basket.voucher,
        created=orders.created[order],
        verified=orders.verified[order],
        shipped=orders.shipped[order],
        delivered=delivered,
        package=package,
        cancelled=orders.cancelled[order],
        failed=orders.failed[order],
        returned=known(returned),
        refunded=known(refunded),
        refund_pending=draws.chance(count, 100),
        unit=basket.unit,
        coupon=basket.coupon,
        cart=cart,
        paid_price=paid_price,
        amount_paid=np.where(prepaid, paid_price + to_pay, deposit),
        after_discount=basket.unit - cart,
        shipping=shipping,
        shipping_cart=shipping_cart,
        shipping_voucher=basket.shipping_voucher,
        shipping_discount=np.where(charged & draws.chance(count, 100), fee // 10, 0),
        customs=customs,
        customs_cart=customs_cart,
        freight=freight,
        freight_cart=freight_cart,
    )


def ordinary_orders(draws: Draws, company: Company, count: int, first: int) -> Items:
    """Let customers place `count` orders of one to three items, without vouchers."""
    created = np.sort(draws.snapped(draws.moments(count, FIRST_ORDER, TODAY)))
    created = np.minimum(created, TODAY - HOUR)
    prepaid = draws.chance(count, 360)
    digital = prepaid & draws.chance(count, 90)
    orders = fare(draws, created, prepaid, digital)
    size = 1 + draws.pick(count, [700, 220, 80])
    order = np.repeat(np.arange(count, dtype=np.int64), size)
    items = len(order)
    none = np.zeros(items, dtype=np.int64)
    basket = Basket(
        order=order,
        unit=lcy(company, draws, prices(draws, items)),
        voucher=np.full(items, -1, dtype=np.int64),
        voucher_type=none,
        coupon=none,
        shipping_voucher=none,
        covered=np.zeros(items, dtype=np.bool_),
        returnable=np.ones(items, dtype=np.bool_),
    )
    sold = sell(draws, company, orders, basket, first)
    sold.customer = np.repeat(draws.below(count, 4 * count + 1), size)
    return sold


def ancient_items(draws: Draws, company: Company, count: int, first: int) -> Items:
    """Leave items of 2017 in the tables: open there, written off in NAV before the control begins."""
    created = np.sort(draws.moments(count, at(2017, 2, 1), at(2017, 11, 1)))
    prepaid = draws.chance(count, 500)
    orders = fare(draws, created, prepaid, np.zeros(count, dtype=np.bool_))
    order = np.arange(count, dtype=np.int64)
    none = np.zeros(count, dtype=np.int64)
    basket = Basket(
        order=order,
        unit=lcy(company, draws, prices(draws, count)),
        voucher=np.full(count, -1, dtype=np.int64),
        voucher_type=none,
        coupon=none,
        shipping_voucher=none,
        covered=np.zeros(count, dtype=np.bool_),
        returnable=np.ones(count, dtype=np.bool_),
    )
    return sell(draws, company, orders, basket, first)


def package_numbers(company: Company, orders: Ints) -> Column:
    """Name the package of each order."""
    return digits(orders, 9, f"PKG-{company.country}-")


def item_numbers(items: Ints) -> Column:
    """Name items as OMS does: leading zeros are part of the name."""
    return digits(items, 10)


def transaction_numbers(items: Ints) -> Column:
    """Name the seller centre's transaction of each item."""
    return digits(items, 9, "ST")


def _status(items: Items) -> Column:
    names = ("delivered", "closed", "returned", "refunded", "cancelled", "shipped", "exportable", "Closed ")
    done = items.delivered < NEVER
    which = np.select(
        [
            items.refunded < NEVER,
            items.returned < NEVER,
            done & (items.number % 17 == 0),
            done & (items.number % 3 == 0),
            done,
            items.cancelled < NEVER,
            items.shipped < NEVER,
        ],
        [3, 2, 7, 1, 0, 4, 5],
        6,
    )
    return chosen(names, which.astype(np.int64))


def _amount(units: Ints, items: Items, turn: int) -> Column:
    """Write an optional amount: where it is zero, some sources leave it empty."""
    return money(units, missing=(units == 0) & (items.number % 5 == turn))


def write_items(shelf: Shelf, company: Company, items: Items, codes: Column) -> None:
    """Write `RPT_SOI`; `codes` are the voucher codes of the items."""
    count = len(items)
    packed = items.shipped < NEVER
    number = items.number
    shelf.put(
        "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI]",
        {
            "ID_COMPANY": same(company.code, count),
            "ID_Sales_Order_Item": digits(number, 0, "7"),
            "COD_OMS_SALES_ORDER_ITEM": item_numbers(number),
            "COD_OMS_SALES_ORDER": digits(items.order, 9),
            "COD_OMS_ID_PACKAGE": blank(digits(items.order, 8), ~packed),
            "ORDER_NR": digits(items.order, 9, "3"),
            "PACKAGE_NUMBER": blank(package_numbers(company, items.order), ~packed),
            "BOB_ID_CUSTOMER": blank(digits(items.customer, 7), items.customer % 211 == 0),
            "BOB_CUSTOMER_TYPE": chosen(CUSTOMER_TYPES, items.order % 19 % len(CUSTOMER_TYPES)),
            "CURRENT_STATUS": _status(items),
            "IS_PREPAYMENT": flag(items.prepaid, missing=items.prepaid_missing),
            "IS_MARKETPLACE": flag(items.marketplace, missing=items.marketplace_missing),
            "IS_GLOBAL": flag(items.abroad, missing=~items.abroad & (number % 13 == 0)),
            "PAYMENT_METHOD": chosen(_METHODS, items.method),
            "DELIVERY_TYPE": chosen(DELIVERY_TYPES, items.delivery_type),
            "VOUCHER_TYPE": chosen(VOUCHER_TYPES, items.voucher_type),
            "voucher_code": codes,
            "ORDER_CREATION_DATE": moment(items.created),
            "FINANCE_VERIFIED_DATE": moment(items.verified),
            "SHIPPED_DATE": moment(items.shipped),
            "DELIVERED_DATE": moment(items.delivered),
            "PACKAGE_DELIVERY_DATE": moment(items.package),
            "CANCELLATION_DATE": moment(items.cancelled),
            "RETURN_DATE": moment(items.returned),
            "REFUND_DATE": moment(items.refunded),
            "REFUND_COMPLETED": flag(
                (items.refunded < NEVER) & ~items.refund_pending, missing=items.refunded >= NEVER
            ),
            "FAIL_DATE": moment(items.failed),
            "TRACKING_NUMBER": blank(digits(items.order, 10, "TRK"), ~packed),
            "OMS_PACKAGE_STATUS": blank(
                chosen(("shipped", "delivered"), (items.package < NEVER).astype(np.int64)), ~packed
            ),
            "MTR_UNIT_PRICE": money(items.unit),
            "MTR_COUPON_MONEY_VALUE": _amount(items.coupon, items, 0),
            "MTR_CART_RULE_DISCOUNT": _amount(items.cart, items, 1),
            "MTR_PAID_PRICE": money(items.paid_price),
            "MTR_AMOUNT_PAID": _amount(items.amount_paid, items, 2),
            "MTR_PRICE_AFTER_DISCOUNT": money(items.after_discount),
            "MTR_BASE_SHIPPING_AMOUNT": _amount(items.shipping, items, 3),
            "MTR_SHIPPING_CART_RULE_DISCOUNT": _amount(items.shipping_cart, items, 4),
            "MTR_SHIPPING_VOUCHER_DISCOUNT": _amount(items.shipping_voucher, items, 0),
            "MTR_SHIPPING_DISCOUNT_AMOUNT": _amount(items.shipping_discount, items, 1),
            "MTR_SHIPPING_FEE_MODIFICATION": money(
                np.zeros(count, dtype=np.int64), missing=np.ones(count, dtype=np.bool_)
            ),
            "MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT": _amount(items.customs, items, 2),
            "MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT": _amount(items.customs_cart, items, 3),
            "MTR_INTERNATIONAL_FREIGHT_FEE": _amount(items.freight, items, 4),
            "MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE": _amount(items.freight_cart, items, 0),
        },
    )


def write_seller_transactions(shelf: Shelf, company: Company, items: Items) -> None:
    """Write what the seller centre knows: a transaction an item sold by a seller, sometimes two."""
    first = items.number[items.marketplace & (items.delivered < NEVER)]
    second = first[first % 31 == 0]
    numbers = np.concatenate([first, second])
    again = np.concatenate([np.zeros(len(first), dtype=np.int64), np.ones(len(second), dtype=np.int64)])
    shelf.put(
        "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_TRANSACTIONS_SELLER]",
        {
            "ID_Company": same(company.code, len(numbers)),
            "ID_Transaction": digits(numbers * 2 + again, 10),
            "Transaction_No": joined(transaction_numbers(numbers), chosen(("", "-B"), again)),
            "OMS_ID_Sales_Order_Item": item_numbers(numbers),
        },
    )
    kept = items.number[(items.refunded < NEVER) & (items.returned >= NEVER) & (items.delivered < NEVER)]
    kinds = ("customer_keeps", "lost_in_transit")
    shelf.put(
        "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_REFUND_NO_RETURN]",
        {
            "ID_Company": same(company.code, len(kept)),
            "OMS_ID_Sales_Order_Item": item_numbers(kept),
            "OMS_Type": chosen(kinds, kept % 2),
        },
    )
