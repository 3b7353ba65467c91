"""A proof row is material when it reaches the line-item threshold of its country and account."""

from decimal import Decimal

from cpg1_assets.rules import material_proof_rows as module
from cpg1_assets.rules.material_proof_rows import material_proof_rows
from cpg1_assets_tests.rules.rows import LINES, THRESHOLDS, Row, rows, table

KENYA_AT_100: Row = {"id_company": "EC_KE", "company_country": "KE", "fx_rate": "100"}
EGYPT_AT_50: Row = {"id_company": "JM_EG", "company_country": "EG", "fx_rate": "50"}


def material(
    timing: list[Row] | None = None,
    vtc: list[Row] | None = None,
    reclass: list[Row] | None = None,
    more_companies: tuple[Row, ...] = (),
) -> list[tuple[str, str, str, Decimal | None, str]]:
    found = rows(
        material_proof_rows(
            table(module.TIMING_DIFFERENCE_BRIDGE, timing or []),
            table(module.VTC_ADJUSTMENT, vtc or []),
            table(module.BUSINESS_LINE_RECLASS, reclass or []),
            table(
                module.CR_05,
                [
                    KENYA_AT_100,
                    EGYPT_AT_50,
                    {"id_company": "EC_MA", "company_country": "MA"},
                    *more_companies,
                ],
            ),
            LINES,
            THRESHOLDS,
        )
    )
    return [
        (r["bridge"], r["id_company"], r["reference"], r["amount_usd"], r["threshold_rule"]) for r in found
    ]


def test_a_row_at_the_threshold_is_material_and_one_below_is_not() -> None:
    timing = [
        {"id_company": "EC_KE", "voucher_id": "1", "variance": "-50000"},
        {"id_company": "EC_KE", "voucher_id": "2", "variance": "49999.99"},
        {"id_company": "EC_KE", "voucher_id": "3", "variance": "0"},
    ]
    assert material(timing) == [
        ("timing_difference_bridge", "EC_KE", "1", Decimal("-500.0000"), "default/line item/*/*/*")
    ]


def test_egypt_has_its_own_threshold_on_the_voucher_account_only() -> None:
    vtc = [
        {"id_company": "jm_eg ", "voucher_id": "1", "remaining_amount": "249999"},
        {"id_company": "JM_EG", "voucher_id": "2", "remaining_amount": "250000"},
    ]
    reclass = [
        {"id_company": "JM_EG", "customer_no": "C1", "busline_code": "A", "proposed_reclass_lcy": "25000"}
    ]
    assert material(vtc=vtc, reclass=reclass) == [
        ("business_line_reclass", "JM_EG", "C1 A", Decimal("500.0000"), "default/line item/*/*/*"),
        ("vtc_adjustment", "JM_EG", "2", Decimal("5000.0000"), "EG/line item/18412/*/*"),
    ]


def test_every_row_is_listed_also_one_that_is_there_twice_or_of_an_unknown_company() -> None:
    row: Row = {"id_company": "EC_KE", "voucher_id": "1", "variance": "50000"}
    listed = ("timing_difference_bridge", "EC_KE", "1", Decimal(500), "default/line item/*/*/*")
    assert material([row, row]) == [listed, listed]
    unknown: Row = {"id_company": "EC_XX", "voucher_id": "1", "remaining_amount": "1"}
    assert material(vtc=[unknown, unknown | {"remaining_amount": None}]) == [
        ("vtc_adjustment", "EC_XX", "1", None, "default/line item/*/*/*")
    ]


def test_a_row_without_a_rate_is_listed_because_nobody_can_say_it_is_immaterial() -> None:
    timing = [{"id_company": "EC_MA", "voucher_id": "1", "variance": "0.01"}]
    assert material(timing) == [("timing_difference_bridge", "EC_MA", "1", None, "default/line item/*/*/*")]


def test_a_company_with_two_rates_has_none_and_one_in_two_countries_is_held_against_the_default() -> None:
    timing: list[Row] = [{"id_company": "JM_EG", "voucher_id": "1", "variance": "250000"}]
    by_default = [("timing_difference_bridge", "JM_EG", "1", Decimal(5000), "default/line item/*/*/*")]
    assert material(timing, more_companies=(EGYPT_AT_50 | {"company_country": "KE"},)) == by_default
    without_rate = [("timing_difference_bridge", "JM_EG", "1", None, "EG/line item/18412/*/*")]
    assert material(timing, more_companies=(EGYPT_AT_50 | {"fx_rate": "60"},)) == without_rate
