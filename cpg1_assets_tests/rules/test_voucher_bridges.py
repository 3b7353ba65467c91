"""The two bridges of the voucher line: timing difference and VTC adjustment."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.rules.timing_difference_bridge import IPE_08 as TIMING_COLUMNS
from cpg1_assets.rules.timing_difference_bridge import JDASH, timing_difference_bridge
from cpg1_assets.rules.vtc_adjustment import (
    CR_05,
    NAV_VOUCHER_ENTRIES,
    vtc_adjustment,
    vtc_booked_at_another_amount,
)
from cpg1_assets.rules.vtc_adjustment import IPE_08 as VTC_COLUMNS
from cpg1_assets_tests.rules.rows import SEPTEMBER, Row, rows, table

ORDERED: Row = {
    "id_company": "A",
    "voucher_id": "1",
    "business_use": "refund",
    "is_active": False,
    "created_at": "2025-09-30 23:59:59.999999",
    "total_amount_used": "10",
}
LISTED: Row = {"id_company": "A", "voucher_id": "1", "amount_used": "12.5"}


def timing(vouchers: Sequence[Row], jdash: Sequence[Row]) -> list[dict[str, Any]]:
    return rows(timing_difference_bridge(table(TIMING_COLUMNS, vouchers), table(JDASH, jdash), SEPTEMBER))


def test_variance_is_what_jdash_says_less_what_was_delivered() -> None:
    [found] = timing([ORDERED], [LISTED])
    assert list(found) == [
        "id_company",
        "voucher_id",
        "business_use",
        "created_at",
        "total_amount_used",
        "jdash_amount_used",
        "variance",
    ]
    assert (found["total_amount_used"], found["jdash_amount_used"], found["variance"]) == (
        Decimal(10),
        Decimal("12.5"),
        Decimal("2.5"),
    )


@pytest.mark.parametrize(
    ("changed", "in_scope"),
    [
        ({}, True),
        ({"created_at": "2024-10-01"}, True),
        ({"created_at": "2024-09-30 23:59:59.999999"}, False),
        ({"created_at": "2025-10-01"}, False),
        ({"created_at": None}, False),
        ({"is_active": True}, False),
        ({"is_active": None}, True),
        ({"business_use": "marketing"}, False),
        ({"business_use": None}, False),
        ({"business_use": " JFORCE "}, True),
        ({"total_amount_used": "12.5"}, True),
    ],
)
def test_timing_scope(changed: Row, in_scope: bool) -> None:  # noqa: FBT001
    assert bool(timing([ORDERED | changed], [LISTED])) is in_scope


def test_a_voucher_jdash_does_not_list_counts_as_nothing_used() -> None:
    [found] = timing([ORDERED], [LISTED | {"voucher_id": "2"}])
    assert (found["jdash_amount_used"], found["variance"]) == (0, -10)


def test_a_company_without_a_file_has_no_rows() -> None:
    found = timing([ORDERED, ORDERED | {"id_company": "B"}], [LISTED | {"id_company": " a "}])
    assert [row["id_company"] for row in found] == ["A"]


def test_missing_amounts_count_as_zero_and_vouchers_are_found_however_written() -> None:
    [found] = timing(
        [ORDERED | {"voucher_id": " 01 ", "total_amount_used": None}],
        [LISTED | {"voucher_id": "01.0"}, LISTED | {"voucher_id": "01", "amount_used": None}],
    )
    assert (found["total_amount_used"], found["variance"]) == (None, Decimal("12.5"))


CANCELLED: Row = {
    "id_company": "A",
    "voucher_id": "1",
    "business_use": "refund",
    "business_use_formatted": "Refund ",
    "is_active": False,
    "is_valid": "valid",
    "voucher_inactive_date": "2025-09-01",
    "inactive_date": "2025-01-01",
    "remaining_amount": "1",
}
BOOKED: Row = {"id_company": "A", "voucher_no": "1", "bridge_category": "VTC", "amount": "1"}


def vtc(
    vouchers: Sequence[Row], booked: Sequence[Row] = (), rates: Sequence[str | None] = ("3",)
) -> list[dict[str, Any]]:
    return rows(
        vtc_adjustment(
            table(VTC_COLUMNS, vouchers),
            table(NAV_VOUCHER_ENTRIES, booked),
            table(CR_05, [{"id_company": " a", "fx_rate": rate} for rate in rates]),
            SEPTEMBER,
        )
    )


def test_a_cancelled_refund_that_nav_has_not_booked_is_adjusted_at_what_remained() -> None:
    [found] = vtc([CANCELLED])
    assert found["business_use_formatted"] == "Refund "
    assert found["deactivated_on"].isoformat() == "2025-09-01T00:00:00"
    assert (found["remaining_amount"], found["remaining_amount_usd"]) == (1, Decimal("0.3333"))


@pytest.mark.parametrize(
    ("rates", "usd"),
    [
        ([None], None),
        (["0"], None),
        ([], None),
        (["3", "4"], None),
        (["3", "3"], "0.3333"),
        (["3", None], "0.3333"),
    ],
)
def test_an_adjustment_is_in_usd_where_the_company_has_one_rate(
    rates: list[str | None], usd: str | None
) -> None:
    [found] = vtc([CANCELLED], rates=rates)
    assert found["remaining_amount_usd"] == (Decimal(usd) if usd else None)


@pytest.mark.parametrize(
    ("changed", "in_scope"),
    [
        ({"business_use": " REFUND"}, True),
        ({"business_use": "jforce"}, False),
        ({"business_use": None}, False),
        ({"is_valid": " Valid"}, True),
        ({"is_valid": "expired"}, False),
        ({"is_valid": None}, False),
        ({"is_active": True}, False),
        ({"is_active": None}, True),
        ({"voucher_inactive_date": "2025-09-30 23:59:59.999999"}, True),
        ({"voucher_inactive_date": "2025-10-01"}, False),
        ({"voucher_inactive_date": "2025-08-31 23:59:59.999999"}, False),
        ({"voucher_inactive_date": None}, False),
        ({"voucher_inactive_date": None, "inactive_date": "2025-09-15"}, True),
        ({"voucher_inactive_date": "2025-08-01", "inactive_date": "2025-09-15"}, False),
        ({"voucher_inactive_date": None, "inactive_date": None}, False),
        ({"remaining_amount": "0"}, False),
        ({"remaining_amount": None}, False),
        ({"remaining_amount": "0.0001"}, True),
        ({"remaining_amount": "-0.0001"}, False),
    ],
)
def test_vtc_scope(changed: Row, in_scope: bool) -> None:  # noqa: FBT001
    assert bool(vtc([CANCELLED | changed])) is in_scope


@pytest.mark.parametrize(
    ("changed", "adjusted"),
    [
        ({}, False),
        ({"bridge_category": "Cancellation"}, False),
        ({"bridge_category": " cancellation"}, False),
        ({"bridge_category": "vtc "}, False),
        ({"bridge_category": "Usage"}, True),
        ({"bridge_category": None}, True),
        ({"voucher_no": " 1.0 "}, False),
        ({"voucher_no": None}, True),
        ({"id_company": "B"}, True),
        ({"id_company": "a "}, False),
    ],
)
def test_vtc_target(changed: Row, adjusted: bool) -> None:  # noqa: FBT001
    assert bool(vtc([CANCELLED], [BOOKED | changed])) is adjusted


def booked_at_another_amount(vouchers: Sequence[Row], booked: Sequence[Row]) -> list[dict[str, Any]]:
    return rows(
        vtc_booked_at_another_amount(
            table(VTC_COLUMNS, vouchers), table(NAV_VOUCHER_ENTRIES, booked), SEPTEMBER
        )
    )


@pytest.mark.parametrize(
    ("changed", "listed"),
    [
        ({}, True),
        ({"remaining_amount": "0"}, True),
        ({"remaining_amount": "-1"}, True),
        ({"remaining_amount": None}, True),
        ({"remaining_amount": "2"}, False),
        ({"business_use": "jforce"}, False),
        ({"is_valid": "expired"}, False),
        ({"is_active": True}, False),
        ({"is_active": None}, True),
        ({"voucher_inactive_date": "2025-08-31"}, False),
        ({"voucher_inactive_date": "2025-10-01"}, False),
        ({"voucher_inactive_date": None, "inactive_date": "2025-09-15"}, True),
        ({"id_company": "B"}, False),
        ({"voucher_id": "2"}, False),
    ],
)
def test_a_booking_is_compared_for_the_vouchers_cancelled_in_the_month_also_with_nothing_remaining(
    changed: Row,
    listed: bool,  # noqa: FBT001
) -> None:
    booked = [BOOKED | {"bridge_category": " cancellation", "amount": "2"}]
    assert bool(booked_at_another_amount([CANCELLED | changed], booked)) is listed


def test_entries_of_other_categories_are_no_booking() -> None:
    assert booked_at_another_amount([CANCELLED], [BOOKED | {"bridge_category": "Usage", "amount": "2"}]) == []


@pytest.mark.parametrize(
    ("booked", "difference"),
    [(["1"], None), (["0.5", "0.5"], None), (["1.5"], "0.5"), (["1", "1"], "1"), ([None], "-1"), ([], None)],
)
def test_vouchers_booked_at_another_amount_are_listed(
    booked: list[str | None], difference: str | None
) -> None:
    found = booked_at_another_amount([CANCELLED], [BOOKED | {"amount": amount} for amount in booked])
    assert [row["difference"] for row in found] == ([Decimal(difference)] if difference else [])
