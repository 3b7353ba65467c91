"""What counts towards each line's target, with which sign."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.rules import target_values as rule
from cpg1_assets.rules.lines import Lines
from cpg1_assets_tests.rules.rows import LINES, Row, rows, table

VOUCHER: Row = {
    "id_company": "A",
    "business_use": "refund",
    "is_active": True,
    "is_valid": "valid",
    "remaining_amount": "4",
}


def targets(
    companies: Sequence[str] = ("A",), lines: Lines = LINES, **extracts: Sequence[Row]
) -> dict[tuple[str, str], Decimal]:
    found = rows(
        rule.target_values(
            table(rule.IPE_07, extracts.get("ipe_07", [])),
            table(rule.IPE_08, extracts.get("ipe_08", [])),
            table(rule.IPE_10, extracts.get("ipe_10", [])),
            table(rule.IPE_12, extracts.get("ipe_12", [])),
            table(rule.IPE_31, extracts.get("ipe_31", [])),
            table(rule.IPE_34, extracts.get("ipe_34", [])),
            table(rule.CR_05, [{"id_company": company} for company in companies]),
            lines,
        )
    )
    assert len(found) == len(companies) * len(lines.lines)
    return {(row["id_company"], row["line"]): row["target_value"] for row in found}


def test_every_company_and_line_has_a_target_zero_without_rows() -> None:
    found = targets(["B", "A"])
    assert list(found) == [(c, line) for c in "AB" for line in sorted(line.line for line in LINES.lines)]
    assert set(found.values()) == {Decimal(0)}


@pytest.mark.parametrize(
    ("extract", "amount", "line", "expected"),
    [
        ("ipe_07", "remaining_amount_lcy", "customer_ar", "1.5"),
        ("ipe_31", "amount", "collections_ar", "1.5"),
        ("ipe_12", "amount_due", "packages_not_reconciled", "1.5"),
        ("ipe_10", "prepayment_amount", "customer_prepayments", "-1.5"),
    ],
)
def test_each_line_sums_its_extract(extract: str, amount: str, line: str, expected: str) -> None:
    listed = [
        {"id_company": "A", amount: "2"},
        {"id_company": " a ", amount: "-0.5"},
        {"id_company": "A", amount: None},
        {"id_company": "elsewhere", amount: "7"},
    ]
    extracts: dict[str, Any] = {extract: listed}
    found = targets(**extracts)
    assert found.pop(("A", line)) == Decimal(expected)
    assert set(found.values()) == {Decimal(0)}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, -4),
        ({"is_active": False}, 0),
        ({"is_active": None}, 0),
        ({"is_valid": "expired"}, 0),
        ({"is_valid": None}, 0),
        ({"is_valid": " VALID "}, -4),
        ({"business_use": "marketing"}, 0),
        ({"business_use": None}, 0),
        ({"business_use": "Jpay store_credit "}, -4),
    ],
)
def test_of_the_vouchers_those_active_valid_and_non_marketing_count(changed: Row, expected: int) -> None:
    assert targets(ipe_08=[VOUCHER | changed])["A", "voucher_liability"] == expected


@pytest.mark.parametrize(("is_marketplace", "expected"), [(True, -3), (False, 0), (None, 0)])
def test_of_the_refund_liability_marketplace_items_count(
    is_marketplace: bool | None,  # noqa: FBT001
    expected: int,
) -> None:
    item = {"id_company": "A", "is_marketplace": is_marketplace, "amount_to_refund": "-3"}
    assert targets(ipe_34=[item])["A", "marketplace_refund_liability"] == expected


def test_a_narrower_scope_has_only_its_lines() -> None:
    assert list(targets(lines=LINES.within(["18350"]))) == [("A", "customer_prepayments")]
    assert targets(lines=LINES.within([])) == {}
