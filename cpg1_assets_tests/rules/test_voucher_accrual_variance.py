"""What enters each bucket on both sides, and that no bucket is lost."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules import voucher_accrual_variance as rule
from cpg1_assets.rules.frames import BRIDGE_CATEGORIES, VOUCHER_TYPES
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets_tests.rules.rows import SEPTEMBER, THRESHOLDS, Row, rows, table

COMPANY: Row = {"id_company": "A", "company_country": "NG", "fx_rate": "2"}
POSTED: Row = {
    "id_company": "A",
    "posting_date": "2025-09-30",
    "amount": "10",
    "bridge_category": "Usage",
    "voucher_type": "Refund",
}
# In no bucket: created before, ending after, active.
VOUCHER: Row = {
    "id_company": "A",
    "business_use": "refund",
    "is_active": True,
    "is_valid": "valid",
    "discount_amount": "100",
    "remaining_amount": "60",
    "created_at": "2025-01-01",
    "to_date": "2026-01-01",
}
USED: Row = {"id_company": "A", "business_use": "refund", "delivery_month": 202509, "total_amount_used": "40"}


def compared(
    nav: Sequence[Row] = (),
    vouchers: Sequence[Row] = (),
    usage: Sequence[Row] = (),
    companies: Sequence[Row] = (COMPANY,),
    thresholds: Thresholds = THRESHOLDS,
) -> list[dict[str, Any]]:
    return rows(
        rule.voucher_accrual_variance(
            table(rule.NAV_VOUCHER_ENTRIES, nav),
            table(rule.IPE_08, vouchers),
            table(rule.DOC_VOUCHER_USAGE, usage),
            table(rule.CR_05, companies),
            SEPTEMBER,
            thresholds,
        )
    )


def targets(*vouchers: Row, usage: Sequence[Row] = ()) -> dict[tuple[str | None, str | None], Decimal]:
    found = compared(vouchers=vouchers, usage=usage)
    return {(row["bridge_category"], row["voucher_type"]): row["target_amount"] for row in found}


@pytest.mark.parametrize(
    ("day", "counts"),
    [("2025-09-01", True), ("2025-09-30", True), ("2025-08-31", False), ("2025-10-01", False), (None, False)],
)
def test_navs_side_are_the_entries_posted_in_the_month(day: str | None, counts: bool) -> None:  # noqa: FBT001
    assert bool(compared(nav=[POSTED | {"posting_date": day}])) is counts


def test_variance_is_nav_less_target() -> None:
    [found] = compared(nav=[POSTED, POSTED | {"amount": None}], usage=[USED, USED | {"id_company": " a"}])
    assert found == {
        "id_company": "A",
        "bridge_category": "Usage",
        "voucher_type": "Refund",
        "nav_amount": 10,
        "target_amount": 80,
        "variance": -70,
        "variance_usd": -35,
        "threshold_usd": 1000,
        "status": "OK",
    }


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"created_at": "2025-09-01"}, {("Issuance", "Refund"): -100}),
        ({"created_at": "2025-09-30 23:59:59.999999"}, {("Issuance", "Refund"): -100}),
        ({"created_at": "2025-10-01"}, {}),
        ({"created_at": "2025-09-01", "business_use": "marketing"}, {}),
        ({"created_at": "2025-09-01", "business_use": "jforce"}, {("Issuance", "JForce"): -100}),
        ({"created_at": "2025-09-01", "business_use": "apology_v2"}, {("Issuance", "Apology"): -100}),
        ({"created_at": "2025-09-01", "business_use": "store_credit"}, {("Issuance", "Store Credit"): -100}),
        ({"created_at": "2025-09-01", "discount_amount": None}, {("Issuance", "Refund"): 0}),
        ({"to_date": "2025-09-01"}, {("Expired", "Refund"): 60}),
        ({"to_date": "2025-09-30 12:00:00", "is_valid": "expired"}, {("Expired", "Refund"): 60}),
        ({"to_date": "2025-09-01", "is_active": False}, {}),
        ({"to_date": "2025-09-01", "is_active": None}, {}),
        ({"is_active": False, "voucher_inactive_date": "2025-09-30"}, {("VTC", "Refund"): 60}),
        ({"is_active": None, "inactive_date": "2025-09-30"}, {("VTC", "Refund"): 60}),
        ({"is_active": True, "inactive_date": "2025-09-30"}, {}),
        ({"is_active": False, "inactive_date": "2025-09-30", "is_valid": "expired"}, {}),
        ({"is_active": False, "inactive_date": "2025-09-30", "voucher_inactive_date": "2025-08-31"}, {}),
        (
            {"is_active": False, "inactive_date": "2025-09-30", "business_use": "jpay_store_credit"},
            {("Cancellation", "Store Credit"): 60},
        ),
        (
            {"created_at": "2025-09-02", "is_active": False, "voucher_inactive_date": "2025-09-03"},
            {("Issuance", "Refund"): -100, ("VTC", "Refund"): 60},
        ),
    ],
)
def test_the_vouchers_own_data(changed: Row, expected: dict[tuple[str, str], int]) -> None:
    assert targets(VOUCHER | changed) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {("Usage", "Refund"): 40}),
        ({"delivery_month": 202508}, {}),
        ({"delivery_month": 202510}, {}),
        ({"delivery_month": None}, {}),
        ({"business_use": "marketing"}, {}),
        ({"business_use": None}, {}),
        ({"business_use": " Jforce"}, {("Usage", "JForce"): 40}),
    ],
)
def test_usage_delivered_in_the_month(changed: Row, expected: dict[tuple[str, str], int]) -> None:
    assert targets(usage=[USED | changed]) == expected


@pytest.mark.parametrize(
    ("amount", "rate", "status"),
    [
        ("1999.9998", "2", "OK"),
        ("2000", "2", "INVESTIGATE"),
        ("-2000", "2", "INVESTIGATE"),
        ("0", None, "INVESTIGATE"),
        ("0", "2", "OK"),
    ],
)
def test_status(amount: str, rate: str | None, status: str) -> None:
    [found] = compared(nav=[POSTED | {"amount": amount}], companies=[COMPANY | {"fx_rate": rate}])
    assert found["status"] == status


@pytest.mark.parametrize(
    ("rates", "usd"),
    [(["2", "2"], 5), (["2", "3"], None), (["3", "2"], None), ([None, "2"], 5), (["0", "2"], 5)],
)
def test_a_company_with_two_rates_has_none(rates: list[str | None], usd: int | None) -> None:
    [found] = compared(nav=[POSTED], companies=[COMPANY | {"fx_rate": rate} for rate in rates])
    assert (found["variance_usd"], found["status"]) == (usd, "OK" if usd else "INVESTIGATE")


def test_a_company_in_two_countries_is_held_against_the_default() -> None:
    defaults: list[dict[str, Any]] = [rule.model_dump() for rule in THRESHOLDS.rules]
    own = Thresholds.model_validate(
        {"version": "1", "rules": [*defaults, {"country": "NG", "type": "bucket", "usd": 7}]}
    )
    for countries, usd in ((["NG", "KE"], 1000), (["KE", "NG"], 1000), (["NG", "ng "], 7), ([None, "NG"], 7)):
        companies = [COMPANY | {"company_country": country} for country in countries]
        [found] = compared(nav=[POSTED], companies=companies, thresholds=own)
        assert found["threshold_usd"] == usd


def test_the_threshold_is_that_of_category_and_type() -> None:
    defaults: list[dict[str, Any]] = [rule.model_dump() for rule in THRESHOLDS.rules]
    named = {"country": "NG", "type": "bucket", "usd": 7, "account": "18412", "category": "Usage"}
    own = Thresholds.model_validate({"version": "1", "rules": [*defaults, named]})
    nav = [POSTED, POSTED | {"bridge_category": None}, POSTED | {"id_company": "B"}]
    found = compared(nav=nav, thresholds=own)
    assert [(row["id_company"], row["bridge_category"], row["threshold_usd"]) for row in found] == [
        ("A", None, 1000),
        ("A", "Usage", 7),
        ("B", "Usage", 1000),
    ]
    assert [row["status"] for row in found] == ["OK", "OK", "INVESTIGATE"]


def test_rows_that_are_alike_all_count() -> None:
    created = VOUCHER | {"created_at": "2025-09-01", "to_date": "2025-09-30"}
    cancelled = VOUCHER | {"is_active": False, "inactive_date": "2025-09-30"}
    assert targets(created, created, cancelled, cancelled, usage=[USED, USED]) == {
        ("Expired", "Refund"): 120,
        ("Issuance", "Refund"): -200,
        ("Usage", "Refund"): 80,
        ("VTC", "Refund"): 120,
    }
    [found] = compared(nav=[POSTED, POSTED])
    assert found["nav_amount"] == 20


def test_a_bucket_is_one_however_it_is_written_and_one_that_no_threshold_names_is_kept() -> None:
    nav = [
        POSTED | {"bridge_category": " usage", "voucher_type": "REFUND "},
        POSTED | {"bridge_category": "\u017fold", "voucher_type": "gift"},
        POSTED | {"bridge_category": "SOLD ", "voucher_type": " Gift"},
        POSTED | {"bridge_category": " ", "voucher_type": ""},
    ]
    found = compared(nav=nav, usage=[USED])
    assert [
        (r["bridge_category"], r["voucher_type"], r["nav_amount"], r["target_amount"]) for r in found
    ] == [
        (None, None, 10, 0),
        ("SOLD ", " Gift", 20, 0),
        ("Usage", "Refund", 10, 40),
    ]
    assert {row["threshold_usd"] for row in found} == {1000}


def test_a_company_is_written_as_cr_05_writes_it_and_as_its_rows_do_where_cr_05_has_none() -> None:
    nav = [POSTED | {"id_company": " a"}, POSTED | {"id_company": "b "}]
    found = compared(nav=nav, usage=[USED | {"id_company": "B"}])
    assert [(row["id_company"], row["variance_usd"]) for row in found] == [("A", 5), ("B", None)]


buckets = st.lists(
    st.tuples(
        st.sampled_from(["A", "a ", "B"]),
        st.sampled_from([None, *BRIDGE_CATEGORIES]),
        st.sampled_from([None, *VOUCHER_TYPES]),
        st.none() | st.decimals(min_value=-1000, max_value=1000, places=4),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=12)
@given(posted=buckets, used=st.lists(st.sampled_from(["refund", "jforce", "other", None]), max_size=5))
def test_no_bucket_of_either_side_is_lost(
    posted: list[tuple[str, str | None, str | None, Decimal | None]], used: list[str | None]
) -> None:
    nav = [
        POSTED | {"id_company": company, "bridge_category": category, "voucher_type": kind, "amount": amount}
        for company, category, kind, amount in posted
    ]
    found = compared(nav=nav, usage=[USED | {"business_use": use} for use in used])
    keys = {(row["id_company"], row["bridge_category"], row["voucher_type"]) for row in found}
    assert len(keys) == len(found)
    assert keys == {(c.strip().upper(), category, kind) for c, category, kind, _ in posted} | {
        ("A", "Usage", {"refund": "Refund", "jforce": "JForce"}[use])
        for use in used
        if use in {"refund", "jforce"}
    }
    assert sum(row["nav_amount"] for row in found) == sum(amount or 0 for *_, amount in posted)
    assert sum(row["target_amount"] for row in found) == 40 * sum(use in {"refund", "jforce"} for use in used)
    assert all(row["variance"] == row["nav_amount"] - row["target_amount"] for row in found)


@pytest.mark.parametrize(
    ("category", "voucher_type", "written"),
    [
        ("vtc", "Refund", ("VTC", "Refund")),
        ("VTC ", " refund", ("VTC", "Refund")),
        ("", " ", (None, None)),
        ("Reversal", None, ("Reversal", None)),
        ("VTC", "Refunds", ("VTC", "Refunds")),
    ],
)
def test_no_bucket_is_lost_however_its_category_and_type_are_written(
    category: str, voucher_type: str | None, written: tuple[str | None, str | None]
) -> None:
    found = compared([POSTED | {"amount": "7000", "bridge_category": category, "voucher_type": voucher_type}])
    assert [
        (r["bridge_category"], r["voucher_type"], r["nav_amount"], r["variance_usd"], r["status"])
        for r in found
    ] == [(*written, Decimal(7000), Decimal(3500), "INVESTIGATE")]
