"""Extracts that read the order items by their dates: ipe_10, ipe_12 and ipe_34."""

from datetime import datetime
from typing import Any

import pytest

from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, by, money

AMOUNTS = {
    "MTR_UNIT_PRICE": "100000000",
    "MTR_COUPON_MONEY_VALUE": "10000000",
    "MTR_CART_RULE_DISCOUNT": "1000000",
    "MTR_BASE_SHIPPING_AMOUNT": "100000",
    "MTR_SHIPPING_CART_RULE_DISCOUNT": "10000",
    "MTR_SHIPPING_VOUCHER_DISCOUNT": "1000",
    "MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT": "500",
    "MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT": "100",
    "MTR_INTERNATIONAL_FREIGHT_FEE": "50",
    "MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE": "10",
}
PAID_FOR_ITEMS = money("89000000")
PAID_FOR_SHIPPING = money("89440")


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def _put(tables: SourceTables, number: str, item: Row) -> None:
    tables.put("RPT_SOI", {"ID_COMPANY": "EC_NG", "COD_OMS_SALES_ORDER_ITEM": number} | item)


def _prepaid(tables: SourceTables, number: str, **changes: Any) -> None:  # noqa: ANN401
    item: Row = {
        "IS_PREPAYMENT": True,
        "ORDER_CREATION_DATE": at("2025-05-01"),
        "FINANCE_VERIFIED_DATE": at("2025-05-02"),
    }
    _put(tables, number, item | changes)


def _on_delivery(tables: SourceTables, number: str, **changes: Any) -> None:  # noqa: ANN401
    item: Row = {
        "IS_PREPAYMENT": False,
        "PAYMENT_METHOD": "CashOnDelivery",
        "PACKAGE_NUMBER": "P1",
        "DELIVERED_DATE": at("2025-09-10"),
    }
    _put(tables, number, item | changes)


def _numbers(rows: list[Row]) -> set[str]:
    return set(by(rows, "order_item_id"))


def test_prepayments_are_verified_by_the_cutoff_and_prepaid(tables: SourceTables) -> None:
    _prepaid(tables, "1", FINANCE_VERIFIED_DATE=LAST_MOMENT)
    _prepaid(tables, "2", FINANCE_VERIFIED_DATE=MIDNIGHT)
    _prepaid(tables, "3", FINANCE_VERIFIED_DATE=None)
    _prepaid(tables, "4", FINANCE_VERIFIED_DATE=at("2018-01-01"))
    _prepaid(tables, "5", FINANCE_VERIFIED_DATE=at("2017-12-31 23:59:59.997"))
    _prepaid(tables, "6", ORDER_CREATION_DATE=at("2018-01-01 23:59:59.997"))
    _prepaid(tables, "7", ORDER_CREATION_DATE=at("2018-01-02"))
    _prepaid(tables, "8", IS_PREPAYMENT=False)
    _prepaid(tables, "9", IS_PREPAYMENT=None)
    _prepaid(tables, "10", ID_COMPANY="XX_US")
    assert _numbers(tables.extract("ipe_10")) == {"1", "4", "7"}


def test_prepayments_refunded_by_the_cutoff_are_gone_whatever_refund_completed_says(
    tables: SourceTables,
) -> None:
    _prepaid(tables, "1", REFUND_DATE=LAST_MOMENT, REFUND_COMPLETED=False)
    _prepaid(tables, "2", REFUND_DATE=MIDNIGHT, REFUND_COMPLETED=True)
    assert _numbers(tables.extract("ipe_10")) == {"2"}


@pytest.mark.parametrize(
    ("is_marketplace", "delivery_type", "date_that_counts"),
    [
        (True, "Standard", "DELIVERED_DATE"),
        (True, "Digital Content", "DELIVERED_DATE"),
        (False, " digital content ", "DELIVERED_DATE"),
        (None, "GIFT CARD", "DELIVERED_DATE"),
        (False, "Standard", "PACKAGE_DELIVERY_DATE"),
        (None, None, "PACKAGE_DELIVERY_DATE"),
    ],
)
def test_prepayments_are_delivered_by_the_date_that_counts_for_their_kind(
    tables: SourceTables, *, is_marketplace: bool | None, delivery_type: str | None, date_that_counts: str
) -> None:
    dates = {"DELIVERED_DATE", "PACKAGE_DELIVERY_DATE"}
    (other,) = dates - {date_that_counts}
    kind: Row = {"IS_MARKETPLACE": is_marketplace, "DELIVERY_TYPE": delivery_type}
    for number, moment in enumerate((LAST_MOMENT, MIDNIGHT, None), start=1):
        _prepaid(tables, f"counts {number}", **kind, **{date_that_counts: moment, other: at("2025-06-01")})
    _prepaid(tables, "does not count", **kind, **{other: at("2025-06-01")})
    assert _numbers(tables.extract("ipe_10")) == {"counts 2", "counts 3", "does not count"}


def test_prepayment_amount_is_what_was_paid_for_items_and_shipping(tables: SourceTables) -> None:
    _prepaid(
        tables, "1", **{name: money(value) for name, value in AMOUNTS.items()}, CURRENT_STATUS=" Closed "
    )
    _prepaid(tables, "2", MTR_BASE_SHIPPING_AMOUNT=money("3.5"), CURRENT_STATUS="closed_out")
    _prepaid(tables, "3", MTR_COUPON_MONEY_VALUE=money("2"))
    rows = by(tables.extract("ipe_10"), "order_item_id")
    assert (rows["1"]["paid_for_items"], rows["1"]["paid_for_shipping"]) == (
        PAID_FOR_ITEMS,
        PAID_FOR_SHIPPING,
    )
    assert rows["1"]["prepayment_amount"] == PAID_FOR_ITEMS + PAID_FOR_SHIPPING
    assert [rows[n]["prepayment_amount"] for n in ("2", "3")] == [money("3.5"), money("-2")]
    assert [rows[n]["is_closed"] for n in ("1", "2", "3")] == [True, False, False]


def test_packages_are_delivered_by_the_cutoff_and_paid_on_delivery(tables: SourceTables) -> None:
    _on_delivery(tables, "1", DELIVERED_DATE=LAST_MOMENT)
    _on_delivery(tables, "2", DELIVERED_DATE=MIDNIGHT)
    _on_delivery(tables, "3", DELIVERED_DATE=None)
    _on_delivery(tables, "4", DELIVERED_DATE=at("2018-12-31 23:59:59.997"))
    _on_delivery(tables, "5", DELIVERED_DATE=at("2019-01-01"))
    _on_delivery(tables, "6", IS_PREPAYMENT=True)
    _on_delivery(tables, "7", IS_PREPAYMENT=None)
    _on_delivery(tables, "8", PAYMENT_METHOD=" nopayment ")
    _on_delivery(tables, "9", PAYMENT_METHOD=None)
    _on_delivery(tables, "10", ID_COMPANY="XX_US")
    assert _numbers(tables.extract("ipe_12")) == {"1", "5", "7", "9"}


def test_packages_reconciled_by_the_cutoff_are_gone(tables: SourceTables) -> None:
    moments = {"P1": LAST_MOMENT, "P2": MIDNIGHT, "P3": None}
    for package, moment in moments.items():
        tables.put(
            "PACKAGE_CASHREC",
            {
                "ID_COMPANY": "EC_NG",
                "package_nr": package,
                "troubleshoot_resolution_date": moment,
                "package_status": "s",
            },
        )
    for number, packed_in in enumerate(("P1", "P2", "P3", "p1", None), start=1):
        _on_delivery(tables, str(number), PACKAGE_NUMBER=packed_in)
    _on_delivery(tables, "6", ID_COMPANY="JD_GH")
    rows = by(tables.extract("ipe_12"), "order_item_id")
    assert set(rows) == {"2", "3", "4", "5", "6"}
    assert [rows[n]["package_status"] for n in ("3", "4")] == ["s", None]


def test_amount_due_is_the_price_and_shipping_less_what_was_paid_before(tables: SourceTables) -> None:
    amounts = {name: money(value) for name, value in AMOUNTS.items()}
    _on_delivery(tables, "1", **amounts, MTR_PAID_PRICE=money("7000000"), MTR_AMOUNT_PAID=money("0.0025"))
    _on_delivery(tables, "2", MTR_AMOUNT_PAID=money("5"))
    rows = by(tables.extract("ipe_12"), "order_item_id")
    assert rows["1"]["paid_shipping"] == PAID_FOR_SHIPPING
    assert rows["1"]["amount_due"] == money("7089439.9975")
    assert rows["2"]["amount_due"] == money("-5")


def test_a_package_the_source_repeats_does_not_repeat_its_items(tables: SourceTables) -> None:
    _on_delivery(tables, "1", BOB_CUSTOMER_TYPE=" b2b")
    row: Row = {"ID_COMPANY": "EC_NG", "package_nr": "P1"}
    tables.put(
        "PACKAGE_CASHREC",
        row | {"order_nr": "2", "last_mile": "no"},
        row | {"order_nr": "10", "last_mile": "yes"},
    )
    types = [{"Bob_Customer_Type": "B2B", "Customer_Type_L1": name} for name in ("b", "B", None)]
    tables.put("RPT_DIM_BOB_CUSTOMER_TYPE", *types)
    (item,) = tables.extract("ipe_12")
    assert (item["last_mile"], item["customer_type"]) == ("yes", "B")
    assert tables.several_matches("ipe_12") == {"package": 1, "customer type": 1}


def test_an_item_is_open_while_one_row_of_its_package_is_and_the_rows_are_shown(tables: SourceTables) -> None:
    for number, packed_in in enumerate(("P1", "P2 ", "P3"), start=1):
        _on_delivery(tables, str(number), PACKAGE_NUMBER=packed_in)
    row: Row = {"ID_COMPANY": "EC_NG"}
    tables.put(
        "PACKAGE_CASHREC",
        row | {"package_nr": "P1", "order_nr": "1", "troubleshoot_resolution_date": LAST_MOMENT},
        row | {"package_nr": "P1 ", "order_nr": "2", "package_status": "open"},
        row | {"package_nr": "P2", "order_nr": "1", "troubleshoot_resolution_date": LAST_MOMENT},
        row | {"package_nr": "P2", "order_nr": "2", "troubleshoot_resolution_date": at("2025-09-01")},
        row | {"package_nr": "P3", "order_nr": "1", "troubleshoot_resolution_date": MIDNIGHT},
        row | {"package_nr": "P3", "order_nr": "2", "troubleshoot_resolution_date": None},
    )
    rows = by(tables.extract("ipe_12"), "order_item_id")
    assert set(rows) == {"1", "3"}
    assert rows["1"]["package_status"] == "open"
    shown = [(row["package_number"].strip(), row["order_nr"]) for row in tables.ambiguities("ipe_12")]
    assert sorted(shown) == [("P1", "1"), ("P1", "2")]


BEFORE, AFTER, EARLY = LAST_MOMENT, MIDNIGHT, at("2018-12-31 23:59:59.997")


@pytest.mark.parametrize(
    ("delivered", "refunded", "returned", "case"),
    [
        (BEFORE, BEFORE, None, "Refunded not yet returned"),
        (BEFORE, BEFORE, AFTER, "Refunded not yet returned"),
        (BEFORE, at("2019-01-01"), None, "Refunded not yet returned"),
        (BEFORE, EARLY, None, None),
        (BEFORE, BEFORE, BEFORE, None),
        (AFTER, BEFORE, None, None),
        (None, BEFORE, None, None),
        (BEFORE, AFTER, None, None),
        (BEFORE, None, BEFORE, "Returned not yet refunded"),
        (BEFORE, AFTER, BEFORE, "Returned not yet refunded"),
        (BEFORE, None, at("2019-01-01"), "Returned not yet refunded"),
        (BEFORE, None, EARLY, None),
        (BEFORE, None, AFTER, None),
        (BEFORE, AFTER, AFTER, None),
        (BEFORE, None, None, None),
    ],
)
def test_refunds_and_returns_that_have_not_met(
    tables: SourceTables,
    delivered: datetime | None,
    refunded: datetime | None,
    returned: datetime | None,
    case: str | None,
) -> None:
    dates: Row = {"DELIVERED_DATE": delivered, "REFUND_DATE": refunded, "RETURN_DATE": returned}
    _put(tables, "1", dates | {"MTR_PRICE_AFTER_DISCOUNT": money("10")})
    _put(tables, "2", dates | {"ID_COMPANY": "XX_US"})
    rows = tables.extract("ipe_34")
    sign = -1 if case == "Returned not yet refunded" else 1
    expected = [] if case is None else [(case, sign * money("10"))]
    assert [(row["case_type"], row["amount_to_refund"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("voucher_type", "amount"),
    [("coupon", "90400"), (" COUPON ", "90400"), ("reusablecredit", "91400"), (None, "91400")],
)
def test_amount_to_refund_takes_the_shipping_voucher_off_for_coupons_only(
    tables: SourceTables, voucher_type: str | None, amount: str
) -> None:
    amounts = {name: money(value) for name, value in AMOUNTS.items()}
    price = money("1000")
    common: Row = amounts | {"VOUCHER_TYPE": voucher_type, "MTR_PRICE_AFTER_DISCOUNT": price}
    _put(tables, "1", common | {"DELIVERED_DATE": BEFORE, "REFUND_DATE": BEFORE, "BOB_CUSTOMER_TYPE": "x"})
    _put(tables, "2", common | {"RETURN_DATE": BEFORE})
    _put(tables, "3", {"RETURN_DATE": BEFORE})
    for name in ("b", "a"):
        tables.put(
            "RPT_REFUND_NO_RETURN", {"ID_Company": "EC_NG", "OMS_ID_Sales_Order_Item": "1", "OMS_Type": name}
        )
    rows = by(tables.extract("ipe_34"), "order_item_id")
    assert [rows[n]["amount_to_refund"] for n in ("1", "2", "3")] == [money(amount), -money(amount), 0]
    assert rows["1"]["oms_type"] == "a"
    assert tables.several_matches("ipe_34") == {"customer type": 0, "refund without return": 1}
