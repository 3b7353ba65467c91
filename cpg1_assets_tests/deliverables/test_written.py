"""Figures are written as their locale and currency write them, and no digit is lost where all are asked for."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.deliverables.written import written_in
from cpg1_assets.errors import SettingsError
from cpg1_assets.month import CutoffMonth

EN = written_in("en")
DAY = date(2025, 9, 30)


@given(st.decimals(-(10**20), 10**20, places=4))
def test_the_exact_figure_is_written_to_its_last_digit(amount: Decimal) -> None:
    assert Decimal(EN.exact(amount).replace(",", "")) == amount


@given(st.decimals(-(10**20), 10**20, places=4), st.sampled_from(["USD", "KES", "XOF", "UGX", None]))
def test_an_amount_is_rounded_once_half_to_even(amount: Decimal, currency: str | None) -> None:
    written = EN.amount(amount, currency).replace(",", "")
    places = 0 if currency in ("XOF", "UGX") else 2
    assert Decimal(written) == amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    assert len(written.partition(".")[2]) == places


@pytest.mark.parametrize(
    ("locale", "amount", "day"),
    [
        ("en", "-1,234,567.90", "Sep 30, 2025"),
        ("en-GB", "-1,234,567.90", "30 Sept 2025"),
        ("de_DE", "-1.234.567,90", "30.9.2025"),
        ("fr_FR", "-1\u202f234\u202f567,90", "30/09/2025"),
    ],
)
def test_a_locale_writes_numbers_and_days_its_own_way(locale: str, amount: str, day: str) -> None:
    written = written_in(locale)
    assert written.amount(Decimal("-1234567.8951"), "KES") == amount
    assert written.day(DAY) == day
    assert written.month(CutoffMonth(2025, 9)) == "September 2025"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert EN.amount(Decimal("-0.004"), "USD") == "0.00"
    assert EN.amount(Decimal("-0.4"), "UGX") == "0"


def test_a_moment_is_told_in_utc_and_one_that_is_none_as_it_stands() -> None:
    assert EN.moment("2025-10-03T01:12:16+03:00") == "Oct 2, 2025, 22:12 UTC"
    assert EN.moment("yesterday") == "yesterday"


@pytest.mark.parametrize("name", ["xx", "en_XX", "e", "en/../x"])
def test_an_unknown_locale_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match="CPG1_LOCALE"):
        written_in(name)
