"""Currencies: which one a company's books are in, and which ones a mark may stand for."""

import pytest

from cpg1_assets.inbox.currency import MARK, codes_of, company_currency, mark_of, mark_of_text


@pytest.mark.parametrize(
    ("company", "country", "currency"),
    [
        ("EC_NG", "NG", "NGN"),
        ("EC_KE", " ke ", "KES"),
        ("JD_GH", "GH", "GHS"),
        ("EC_CI", "CI", "XOF"),
        ("EC_CM", "CM", "XAF"),
        ("EC_EG", "EG", "EGP"),
        ("X_NO", "NO", "NOK"),
        ("X_US", "US", "USD"),
        ("X_DE", "DE", "EUR"),
        ("X_DE_USD", "DE", "USD"),
        ("X_NG_USD", "NG", "NGN"),
        ("X_ZW", "ZW", None),
        ("X", "??", None),
        ("X", None, None),
    ],
)
def test_the_country_says_which_currency_the_books_are_in(
    company: str, country: str | None, currency: str
) -> None:
    assert company_currency(company, country) == currency


def test_a_sign_of_several_currencies_stands_for_each_of_them() -> None:
    assert codes_of("CFA") == {"XOF", "XAF"}
    assert {"USD", "NAD"} <= codes_of("$")
    assert codes_of("₦") == {"NGN"}
    assert codes_of("zł") == {"ZŁ"}
    assert mark_of("ksh.") == "KES"
    assert mark_of("$") == "$"
    assert mark_of_text(" ngn ") == "NGN"
    assert mark_of_text("bananas") == "BANANAS"
    assert mark_of_text("") == ""


def test_a_mark_has_no_letter_beside_it() -> None:
    assert MARK.findall("12 NGN") == ["NGN"]
    assert MARK.findall("12 NGNX") == []
    assert MARK.findall("KSh.50") == ["KSh"]
