"""Variance, bridges, thresholds and status of every line, and what cannot be computed."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules import country_materiality as materiality
from cpg1_assets.rules import reconciliation as rule
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets_tests.rules.rows import LINES, SEPTEMBER, THRESHOLDS, Row, rows, table

COMPANY: Row = {"id_company": "A", "company_country": "NG", "fx_rate": "2"}
OPEN: Row = {"id_company": "A", "closing_date": "2025-09-30", "group_coa_account_no": "18317"}


def balance(account: str, amount: Decimal | str | None, **more: object) -> Row:
    return OPEN | {"group_coa_account_no": account, "balance_at_date": amount} | more


def reconcile(
    cr_04: Sequence[Row] = (),
    cr_05: Sequence[Row] = (COMPANY,),
    lines: Lines = LINES,
    thresholds: Thresholds = THRESHOLDS,
    **frames: Sequence[Row],
) -> list[dict[str, Any]]:
    return rows(
        rule.reconciliation(
            table(rule.TARGET_VALUES, frames.get("target_values", [])),
            table(rule.TIMING_DIFFERENCE_BRIDGE, frames.get("timing", [])),
            table(rule.VTC_ADJUSTMENT, frames.get("vtc", [])),
            table(rule.CUSTOMER_POSTING_GROUP_BRIDGE, frames.get("groups", [])),
            table(rule.BUSINESS_LINE_RECLASS, frames.get("reclass", [])),
            table(rule.IPE_08, frames.get("ipe_08", [{"id_company": "a"}])),
            table(rule.JDASH, frames.get("jdash", [{"id_company": "A "}])),
            table(rule.CR_04, [OPEN, *cr_04]),
            table(rule.CR_05, cr_05),
            SEPTEMBER,
            lines,
            thresholds,
        )
    )


def line(
    name: str, cr_04: Sequence[Row], cr_05: Sequence[Row] = (COMPANY,), **frames: Sequence[Row]
) -> dict[str, Any]:
    return next(row for row in reconcile(cr_04, cr_05, LINES, THRESHOLDS, **frames) if row["line"] == name)


def test_every_company_and_line_has_a_row_also_without_any_amount() -> None:
    found = reconcile()
    assert [row["line"] for row in found] == sorted(line.line for line in LINES.lines)
    assert {row["status"] for row in found} == {"RECONCILED"}
    assert {
        (row["actual"], row["target_value"], row["bridges"], row["unexplained_usd"]) for row in found
    } == {(0, 0, 0, 0)}
    assert {row["country_code"] for row in found} == {"NG"}


@pytest.mark.parametrize(("name", "accounts"), [(line.line, line.accounts) for line in LINES.lines], ids=str)
def test_actual_is_the_sum_of_the_lines_accounts_at_the_cutoff_date(
    name: str, accounts: tuple[str, ...]
) -> None:
    listed = [balance(f" {account} ", "1.25", id_company=" a") for account in accounts]
    other_days = [balance(accounts[0], "9", closing_date=day) for day in ("2024-12-31", "2025-10-01", None)]
    missing = [balance(accounts[0], None), balance("99999", "9"), balance("", "9")]
    found = {row["line"]: row["actual"] for row in reconcile([*listed, *other_days, *missing])}
    assert found.pop(name) == Decimal("1.25") * len(accounts)
    assert set(found.values()) == {Decimal(0)}


def test_variance_and_usd_are_exact() -> None:
    rate = Decimal("1600.1234567891")
    found = line(
        "customer_prepayments",
        cr_04=[balance("18350", "-99999999999999999999.9999")],
        target_values=[{"id_company": "A", "line": "customer_prepayments", "target_value": "-0.0002"}],
        cr_05=[COMPANY | {"fx_rate": rate}],
    )
    assert found["variance"] == Decimal("-99999999999999999999.9997")
    assert found["unexplained"] == found["variance"]
    exact = Fraction(found["variance"]) / Fraction(rate)
    assert found["variance_usd"] == Decimal(round(exact * 10_000)).scaleb(-4)
    assert found["fx_rate"] == rate


def test_the_voucher_bridges_enter_with_a_minus_and_the_customer_ones_with_nothing() -> None:
    computed = reconcile(
        [balance("18412", "-100")],
        timing=[{"id_company": "a", "variance": "10"}, {"id_company": "A", "variance": "-3"}],
        vtc=[{"id_company": "A", "remaining_amount": "5"}],
        groups=[{"id_company": "A", "remaining_amount_lcy": "7"}],
        reclass=[{"id_company": "A", "proposed_reclass_lcy": "8"}],
    )
    found = {row["line"]: row for row in computed}
    assert found["voucher_liability"]["bridges"] == -12
    assert found["voucher_liability"]["unexplained"] == -88
    assert found["customer_ar"]["bridges"] == 0


@pytest.mark.parametrize(
    ("actual", "timing", "status"),
    [
        ("1999.9998", "0", "RECONCILED"),
        ("-1999.9998", "0", "RECONCILED"),
        ("1999.9998", "9999", "RECONCILED"),
        ("1999.9999", "0", "VARIANCE_DETECTED"),  # 999.99995 rounds to the even 1000.0000
        ("2000", "0", "VARIANCE_DETECTED"),
        ("-2000", "0.0002", "EXPLAINED"),
        ("-2000", "0.0001", "VARIANCE_DETECTED"),  # likewise
        ("-5000", "5000", "EXPLAINED"),
        ("-5000", "3000", "VARIANCE_DETECTED"),
        ("-5000", "7000", "VARIANCE_DETECTED"),
        ("-5000", "-5000", "VARIANCE_DETECTED"),
    ],
)
def test_status_by_the_threshold(actual: str, timing: str, status: str) -> None:
    found = line(
        "voucher_liability",
        cr_04=[balance("18412", actual)],
        timing=[{"id_company": "A", "variance": timing}],
    )
    assert found["status"] == status
    assert (found["threshold_usd"], found["threshold_rule"]) == (1000, "default/bucket/*/*/*")


@pytest.mark.parametrize(
    ("ipe_08", "jdash"), [([], [{"id_company": "A"}]), ([{"id_company": "A"}], []), ([], [])]
)
def test_without_a_voucher_snapshot_or_a_jdash_file_only_the_voucher_line_is_not_computed(
    ipe_08: list[Row], jdash: list[Row]
) -> None:
    found = {row["line"]: row for row in reconcile([balance("18412", "-8")], ipe_08=ipe_08, jdash=jdash)}
    vouchers = found.pop("voucher_liability")
    assert vouchers["status"] == "NOT_COMPUTED"
    assert (vouchers["bridges"], vouchers["unexplained"], vouchers["unexplained_usd"]) == (None, None, None)
    assert (vouchers["variance"], vouchers["variance_usd"]) == (-8, -4)
    assert {row["status"] for row in found.values()} == {"RECONCILED"}
    assert {row["bridges"] for row in found.values()} == {0}


@pytest.mark.parametrize("rate", [None, "0", "-1"])
def test_without_a_rate_no_line_is_computed_and_what_can_be_given_is(rate: str | None) -> None:
    found = reconcile([balance("18412", "-8")], cr_05=[COMPANY | {"fx_rate": rate}])
    assert {row["status"] for row in found} == {"NOT_COMPUTED"}
    assert {(row["variance_usd"], row["unexplained_usd"]) for row in found} == {(None, None)}
    [vouchers] = [row for row in found if row["line"] == "voucher_liability"]
    assert (vouchers["variance"], vouchers["bridges"], vouchers["unexplained"]) == (-8, 0, -8)


@pytest.mark.parametrize(
    ("rates", "rate"),
    [
        (["2", "2"], "2"),
        (["2", "3"], None),
        (["3", "2"], None),
        (["2", "2.0000000001", "2"], None),
        ([None, "2"], "2"),
        (["0", "2", "-1"], "2"),
        (["-1", "-1"], "-1"),
        (["0", "-1", None], None),
        ([None, None], None),
    ],
)
def test_a_company_with_two_rates_has_none_and_one_row_for_each_line(
    rates: list[str | None], rate: str | None
) -> None:
    companies = [
        COMPANY | {"id_company": written, "fx_rate": given}
        for given, written in zip(rates, ("A", " a", "A "), strict=False)
    ]
    found = reconcile([balance("18412", "-8")], cr_05=companies)
    assert len(found) == len(LINES.lines)
    usable = rate == "2"
    assert {row["status"] == "NOT_COMPUTED" for row in found} == {not usable}
    [vouchers] = [row for row in found if row["line"] == "voucher_liability"]
    assert vouchers["fx_rate"] == (Decimal(rate) if rate else None)
    assert (vouchers["variance"], vouchers["unexplained"]) == (-8, -8)
    assert vouchers["variance_usd"] == (-4 if usable else None)


@pytest.mark.parametrize(
    ("countries", "country", "rule"),
    [
        (["EG", "NG"], None, "default/bucket/*/*/*"),
        (["NG", "EG"], None, "default/bucket/*/*/*"),
        ([" eg", "EG"], " eg", "EG/bucket/18412/*/*"),
        ([None, "EG"], "EG", "EG/bucket/18412/*/*"),
        ([" ", "EG"], "EG", "EG/bucket/18412/*/*"),
        ([" ", ""], "", "default/bucket/*/*/*"),
        ([None, None], None, "default/bucket/*/*/*"),
    ],
)
def test_a_company_in_two_countries_is_held_against_the_default_and_has_no_country(
    countries: list[str | None], country: str | None, rule: str
) -> None:
    found = reconcile(
        [balance("18412", "-8")], cr_05=[COMPANY | {"company_country": written} for written in countries]
    )
    assert len(found) == len(LINES.lines)
    assert {row["country_code"] for row in found} == {country}
    assert {row["threshold_rule"] for row in found if row["line"] == "voucher_liability"} == {rule}
    assert "NOT_COMPUTED" not in {row["status"] for row in found}


def test_a_company_without_any_balance_at_the_cutoff_date_has_not_closed_its_books() -> None:
    other = COMPANY | {"id_company": "B"}
    found = reconcile(
        [balance("18412", "1", id_company="B", closing_date="2024-12-31")], cr_05=[COMPANY, other]
    )
    by_company = {
        c: {r["status"] for r in found if r["id_company"] == c and "voucher" not in r["line"]} for c in "AB"
    }
    assert by_company == {"A": {"RECONCILED"}, "B": {"NOT_COMPUTED"}}
    [vouchers] = [r for r in found if (r["id_company"], r["line"]) == ("B", "collections_ar")]
    assert (vouchers["actual"], vouchers["bridges"], vouchers["unexplained_usd"]) == (0, 0, 0)


def test_the_countrys_threshold_applies_however_the_country_is_written() -> None:
    found = {row["line"]: row for row in reconcile(cr_05=[COMPANY | {"company_country": " eg "}])}
    assert found["voucher_liability"]["threshold_rule"] == "EG/bucket/18412/*/*"
    assert found["customer_ar"]["threshold_rule"] == "default/bucket/*/*/*"
    assert found["customer_ar"]["country_code"] == " eg "
    assert {r["threshold_rule"] for r in reconcile(cr_05=[COMPANY | {"company_country": None}])} == {
        "default/bucket/*/*/*"
    }


def test_a_narrower_scope_computes_only_its_lines() -> None:
    assert [row["line"] for row in reconcile(lines=LINES.within(["18412"]))] == ["voucher_liability"]
    assert reconcile(lines=LINES.within(["13001"])) == []


amounts = st.none() | st.decimals(min_value=-(10**18), max_value=10**18, places=4)
by_company = st.lists(st.tuples(st.sampled_from(["A", " a", "B", "C"]), amounts), max_size=8)


@settings(deadline=None, max_examples=12)
@given(balances=by_company, targets=by_company, timing=by_company, vtc=by_company, shuffled=st.randoms())
def test_unexplained_is_variance_less_bridges_to_the_last_digit_whatever_the_order(
    balances: list[tuple[str, Decimal | None]],
    targets: list[tuple[str, Decimal | None]],
    timing: list[tuple[str, Decimal | None]],
    vtc: list[tuple[str, Decimal | None]],
    shuffled: Random,
) -> None:
    def once() -> list[dict[str, Any]]:
        return reconcile(
            [balance("18412", amount, id_company=company) for company, amount in balances],
            cr_05=[COMPANY, COMPANY | {"id_company": "B", "fx_rate": "3"}],
            target_values=[
                {"id_company": company, "line": "voucher_liability", "target_value": amount}
                for company, amount in targets
            ],
            timing=[{"id_company": company, "variance": amount} for company, amount in timing],
            vtc=[{"id_company": company, "remaining_amount": amount} for company, amount in vtc],
            ipe_08=[{"id_company": "A"}, {"id_company": "B"}],
            jdash=[{"id_company": "A"}, {"id_company": "B"}],
        )

    def total(pairs: list[tuple[str, Decimal | None]], company: str) -> Decimal:
        return sum((a or Decimal(0) for c, a in pairs if c.strip().upper() == company), Decimal(0))

    found = once()
    assert len(found) == 2 * len(LINES.lines)
    for row in found:
        assert row["variance"] == row["actual"] - row["target_value"]
        assert row["unexplained"] == row["variance"] - row["bridges"]
        if row["line"] == "voucher_liability":
            company = row["id_company"]
            assert row["actual"] == total(balances, company)
            assert row["target_value"] == total(targets, company)
            assert row["bridges"] == -total(timing, company) - total(vtc, company)
    for listed in (balances, targets, timing, vtc):
        shuffled.shuffle(listed)
    assert once() == found


def test_country_materiality_compares_the_sum_of_what_is_unexplained() -> None:
    listed: list[Row] = [
        {"country_code": "NG", "unexplained_usd": "6000"},
        {"country_code": "ng ", "unexplained_usd": "-3999.9999"},
        {"country_code": "KE", "unexplained_usd": "-10000"},
        {"country_code": "EG", "unexplained_usd": None},
    ]
    found = rows(materiality.country_materiality(table(materiality.RECONCILIATION, listed), THRESHOLDS))
    assert [
        (r["country_code"], r["unexplained_usd"], r["lines_without_figure"], r["status"]) for r in found
    ] == [
        ("EG", 0, 1, "INVESTIGATE"),
        ("KE", 10000, 0, "INVESTIGATE"),
        ("NG", Decimal("9999.9999"), 0, "OK"),
    ]
    assert {(r["country_code"], r["threshold_usd"], r["threshold_rule"]) for r in found} == {
        ("EG", 22000, "EG/country materiality/*/*/*"),
        ("KE", 10000, "default/country materiality/*/*/*"),
        ("NG", 10000, "default/country materiality/*/*/*"),
    }


@pytest.mark.parametrize(
    ("amounts", "status"),
    [
        (["9000", "-6000"], "OK"),
        (["-21999.9999"], "OK"),
        (["22000"], "INVESTIGATE"),
        (["-11000", "11000"], "INVESTIGATE"),
    ],
)
def test_egypts_materiality_is_that_of_all_its_lines(amounts: list[str], status: str) -> None:
    listed: list[Row] = [{"country_code": "eg", "unexplained_usd": amount} for amount in amounts]
    [found] = rows(materiality.country_materiality(table(materiality.RECONCILIATION, listed), THRESHOLDS))
    assert (found["threshold_usd"], found["status"]) == (22000, status)
