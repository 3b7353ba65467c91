"""Vouchers of the closing snapshot and their usage: ipe_08 and doc_voucher_usage."""

from datetime import datetime
from typing import Any

import pytest

from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, by, money

SNAPSHOT = at("2025-09-30")


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def _voucher(tables: SourceTables, number: str, **changes: Any) -> None:  # noqa: ANN401
    voucher: Row = {
        "ID_COMPANY": "EC_NG",
        "id": number,
        "code": f"code{number}",
        "business_use": "refund",
        "discount_amount": money("100"),
        "remaining_amount": money("60"),
        "created_at": at("2025-05-05"),
        "snapshot_date": SNAPSHOT,
    }
    tables.put("V_STORECREDITVOUCHER_CLOSING", voucher | changes)


def _item(tables: SourceTables, number: str, voucher: str | None, value: str | None, **changes: Any) -> None:  # noqa: ANN401
    item: Row = {
        "ID_COMPANY": "EC_NG",
        "COD_OMS_SALES_ORDER_ITEM": number,
        "voucher_code": None if voucher is None else f"code{voucher}",
        "VOUCHER_TYPE": "reusablecredit",
        "DELIVERED_DATE": at("2025-08-01"),
        "PACKAGE_DELIVERY_DATE": at("2025-08-01"),
        "MTR_COUPON_MONEY_VALUE": None if value is None else money(value),
    }
    tables.put("RPT_SOI", item | changes)


def test_vouchers_are_those_of_the_cutoff_dates_snapshot_created_from_2017_to_the_last_moment(
    tables: SourceTables,
) -> None:
    _voucher(tables, "1", created_at=at("2016-12-31 23:59:59.997"))
    _voucher(tables, "2", created_at=at("2017-01-01"))
    _voucher(tables, "3", created_at=LAST_MOMENT)
    _voucher(tables, "4", created_at=MIDNIGHT)
    _voucher(tables, "5", snapshot_date=at("2025-08-31"))
    _voucher(tables, "6", snapshot_date=at("2025-10-31"))
    _voucher(tables, "7", ID_COMPANY="XX_US")
    _voucher(tables, "8")
    _voucher(tables, "8", snapshot_date=at("2025-08-31"), remaining_amount=money("99"))
    _voucher(tables, "09", snapshot_date=at("2025-09-30 23:00"))
    rows = by(tables.extract("ipe_08"), "voucher_id")
    assert set(rows) == {"2", "3", "8", "09"}
    assert rows["8"]["remaining_amount"] == money("60")


def test_usage_counts_items_whose_package_arrived_by_the_cutoff_and_missing_amounts_as_zero(
    tables: SourceTables,
) -> None:
    _voucher(tables, "1")
    _item(tables, "a", "1", "1", PACKAGE_DELIVERY_DATE=LAST_MOMENT)
    _item(tables, "b", "1", "10", PACKAGE_DELIVERY_DATE=MIDNIGHT)
    _item(tables, "c", "1", "100", PACKAGE_DELIVERY_DATE=None)
    _item(tables, "d", "1", "1000", DELIVERED_DATE=at("2014-12-31 23:59:59.997"))
    _item(tables, "e", "1", "2", DELIVERED_DATE=at("2015-01-01"), IS_MARKETPLACE=True)
    _item(tables, "f", "1", None, IS_MARKETPLACE=False, MTR_SHIPPING_VOUCHER_DISCOUNT=money("4"))
    _item(tables, "g", "1", "8", IS_MARKETPLACE=None, MTR_SHIPPING_DISCOUNT_AMOUNT=money("0.5"))
    _item(tables, "h", "1", "10000", ID_COMPANY="JD_GH")
    _item(tables, "i", None, "20000")
    _voucher(tables, "2", discount_amount=None)
    rows = by(tables.extract("ipe_08"), "voucher_id")
    names = ("shipping_discount", "shipping_storecredit", "mpl_storecredit", "rtl_storecredit")
    assert [rows["1"][name] for name in names] == [money("0.5"), money("4"), money("2"), money("9")]
    assert rows["1"]["total_amount_used"] == money("15")
    assert rows["1"]["total_remaining_amount"] == money("85")
    assert [rows["2"][name] for name in (*names, "total_amount_used", "total_remaining_amount")] == [0] * 6
    assert rows["2"]["voucher_type"] is None


def test_voucher_codes_join_exactly_and_never_leave(tables: SourceTables) -> None:
    _voucher(tables, "1", code="AbC")
    _voucher(tables, "2", code="ABC")
    _item(tables, "a", None, "5", voucher_code="AbC")
    _item(tables, "b", None, "7", voucher_code="ABC")
    _item(tables, "c", None, "9", voucher_code="abc")
    rows = by(tables.extract("ipe_08"), "voucher_id")
    assert rows["1"]["total_amount_used"] == money("5")
    assert rows["2"]["total_amount_used"] == money("7")
    usage = by(tables.extract("doc_voucher_usage"), "voucher_id")
    assert {voucher: row["total_amount_used"] for voucher, row in usage.items()} == {
        "1": money("5"),
        "2": money("7"),
        None: money("9"),
    }
    assert not any(
        "abc" in str(value).lower() for row in [*rows.values(), *usage.values()] for value in row.values()
    )


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([("coupon", "10"), ("reusablecredit", "11")], "reusablecredit"),
        ([("reusablecredit", "10"), ("coupon", "10")], "coupon"),
        ([("coupon", "10"), ("Zebra", "10")], "Zebra"),  # by code point, capitals first
        ([("coupon", "6"), (" Coupon", "6"), ("reusablecredit", "11")], " Coupon"),  # one type, spelt twice
        ([(None, "50"), ("coupon", "1")], "coupon"),
        ([(None, "50")], None),
    ],
)
def test_a_voucher_appears_once_with_the_type_of_the_larger_amount(
    tables: SourceTables, items: list[tuple[str | None, str]], expected: str | None
) -> None:
    _voucher(tables, "1")
    for number, (voucher_type, value) in enumerate(items):
        _item(tables, str(number), "1", value, VOUCHER_TYPE=voucher_type)
    (row,) = tables.extract("ipe_08")
    assert row["voucher_type"] == expected
    assert row["total_amount_used"] == sum(money(value) for _, value in items)


@pytest.mark.parametrize(
    ("business_use", "code", "expected"),
    [
        ("jpay_store_credit", "GC1", "jpay_store_credit_gift"),
        (" JPAY_Store_Credit ", " gc1", "jpay_store_credit_gift"),
        ("jpay_store_credit", "jp1", "jpay_store_credit_DS"),
        ("jpay_store_credit", "XJP1", "jpay_store_credit_other"),
        ("jpay_store_credit", None, "jpay_store_credit_other"),
        ("Jpay store_credit", "GC1", "Jpay store_credit"),
        ("refund", "GC1", "refund"),
        (None, "GC1", None),
    ],
)
def test_jpay_store_credit_is_told_apart_by_how_its_code_begins(
    tables: SourceTables, business_use: str | None, code: str | None, expected: str | None
) -> None:
    _voucher(tables, "1", business_use=business_use, code=code)
    (row,) = tables.extract("ipe_08")
    assert (row["business_use"], row["business_use_formatted"]) == (business_use, expected)


@pytest.mark.parametrize(
    ("to_date", "expected"), [(LAST_MOMENT, "expired"), (MIDNIGHT, "valid"), (None, "valid")]
)
def test_a_voucher_expires_with_the_cutoff_month(
    tables: SourceTables, to_date: datetime | None, expected: str
) -> None:
    _voucher(tables, "1", to_date=to_date)
    (row,) = tables.extract("ipe_08")
    assert row["is_valid"] == expected


@pytest.mark.parametrize("dates", [(a, b, c) for a in (0, 1, 3) for b in (0, 1, 2) for c in (0, 1, 2, 3)])
def test_inactive_date_is_the_earliest_that_is_set(tables: SourceTables, dates: tuple[int, ...]) -> None:
    moments = [at(f"2025-0{day}-01") if day else None for day in dates]
    to_date, voucher, template = moments
    _voucher(tables, "1", to_date=to_date, voucher_inactive_date=voucher, template_inactive_date=template)
    (row,) = tables.extract("ipe_08")
    assert row["inactive_date"] == min((moment for moment in moments if moment), default=None)


def test_a_template_is_the_first_by_its_key(tables: SourceTables) -> None:
    _voucher(tables, "1", is_active=None)
    for template in ("t2", "t10", None):
        tables.put("StoreCreditVoucher", {"ID_COMPANY": "EC_NG", "id": "1", "template_id": template})
    (row,) = tables.extract("ipe_08")
    assert (row["template_id"], row["is_active"]) == ("t10", None)
    assert tables.several_matches("ipe_08") == {"template": 1}


def test_usage_is_grouped_by_voucher_transaction_type_and_month_of_the_packages_delivery(
    tables: SourceTables,
) -> None:
    _voucher(tables, "1", created_at=at("2016-05-05"))
    _item(tables, "a", "1", "1", PACKAGE_DELIVERY_DATE=LAST_MOMENT)
    _item(tables, "b", "1", "2", PACKAGE_DELIVERY_DATE=at("2025-09-01"), VOUCHER_TYPE=" ReusableCredit ")
    _item(tables, "c", "1", "4", PACKAGE_DELIVERY_DATE=at("2025-08-31"), IS_MARKETPLACE=True)
    _item(tables, "d", "1", "8", PACKAGE_DELIVERY_DATE=MIDNIGHT)
    _item(tables, "e", "1", "16", VOUCHER_TYPE="coupon")
    _item(tables, "f", "1", "32", VOUCHER_TYPE=None)
    _item(tables, "g", "1", "64", DELIVERED_DATE=None)
    _item(tables, "h", "1", "128", ID_COMPANY="XX_US")
    _item(tables, "i", "gone", "256", MTR_SHIPPING_VOUCHER_DISCOUNT=money("0.25"))
    _item(tables, "j", "1", "512")
    tables.put(
        "RPT_TRANSACTIONS_SELLER",
        {
            "ID_Company": "EC_NG",
            "ID_Transaction": "9",
            "Transaction_No": "T9",
            "OMS_ID_Sales_Order_Item": "j",
        },
        {
            "ID_Company": "EC_NG",
            "ID_Transaction": "10",
            "Transaction_No": "T10",
            "OMS_ID_Sales_Order_Item": "j",
        },
        {
            "ID_Company": "EC_NG",
            "ID_Transaction": "1",
            "Transaction_No": "T1",
            "OMS_ID_Sales_Order_Item": "J",
        },
    )
    rows = tables.extract("doc_voucher_usage")
    key = ("voucher_id", "transaction_no", "delivery_month", "total_amount_used")
    assert sorted((tuple(row[name] for name in key) for row in rows), key=str) == [
        ("1", "T10", 202508, money("512")),
        ("1", None, 202508, money("4")),
        ("1", None, 202509, money("3")),
        (None, None, 202508, money("256.25")),
    ]
    known = [row for row in rows if row["voucher_id"] == "1"]
    assert {(row["business_use"], row["creation_year"]) for row in known} == {("refund", 2016)}
    assert tables.several_matches("doc_voucher_usage") == {"voucher": 0, "seller transaction": 1}


def test_usage_of_a_voucher_that_only_another_snapshot_knows_keeps_no_voucher(tables: SourceTables) -> None:
    _voucher(tables, "1", snapshot_date=at("2025-08-31"))
    _item(tables, "a", "1", "1")
    (row,) = tables.extract("doc_voucher_usage")
    assert (row["voucher_id"], row["total_amount_used"]) == (None, money("1"))


@pytest.mark.parametrize("name", ["ipe_08", "doc_voucher_usage"])
def test_a_code_of_two_vouchers_is_shown_by_their_numbers_and_never_by_the_code(
    tables: SourceTables, name: str
) -> None:
    _voucher(tables, "1", code="bearer")
    _voucher(tables, "2", code="bearer ")
    _voucher(tables, "3", code="Bearer")
    _voucher(tables, "4", code="bearer", ID_COMPANY="JD_GH")
    _voucher(tables, "5", code="bearer", snapshot_date=at("2025-08-31"))
    _item(tables, "i1", None, "10", voucher_code="bearer")
    found = tables.ambiguities(name)
    assert [(row["id_company"], row["voucher_id"]) for row in found] == [("EC_NG", "1"), ("EC_NG", "2")]
    assert "bearer" not in str(found)


def test_a_voucher_twice_in_the_snapshot_is_a_repeated_key_and_no_shared_code(tables: SourceTables) -> None:
    _voucher(tables, "1")
    _voucher(tables, "1 ")
    assert tables.ambiguities("ipe_08") == []


def test_usage_is_found_whatever_blanks_end_the_code_on_either_side(tables: SourceTables) -> None:
    _voucher(tables, "1", code="one ")
    _voucher(tables, "2", code="two")
    _item(tables, "i1", None, "10", voucher_code="one", ID_COMPANY="EC_NG ")
    _item(tables, "i2", None, "5", voucher_code="two  ")
    _item(tables, "i3", None, "1", voucher_code=" two")
    rows = by(tables.extract("ipe_08"), "voucher_id")
    assert {number: row["total_amount_used"] for number, row in rows.items()} == {
        "1": money("10"),
        "2": money("5"),
    }
    usage = tables.extract("doc_voucher_usage")
    assert sorted(
        (row["id_company"], row["voucher_id"] or "", row["total_amount_used"]) for row in usage
    ) == [
        ("EC_NG", "", money("1")),
        ("EC_NG", "1", money("10")),
        ("EC_NG", "2", money("5")),
    ]
