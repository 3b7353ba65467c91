"""Which currency an amount is written in, and in which a company keeps its books (spec: jdash, cr_05).

The countries of each currency are in `currencies.txt`. Where a mark stands, and what follows from it, is not known here.
"""

import re
import unicodedata

from cpg1_assets import loaded

_LISTED = [
    line.split() for line in loaded.text("inbox/currencies.txt").splitlines() if not line.startswith("#")
]
_CURRENCY_OF_COUNTRY = {country: code for code, *countries in _LISTED for country in countries}
_DOLLARS = "USD CAD AUD NZD SGD HKD NAD LRD TTD JMD BSD BBD BZD BMD KYD FJD GYD SRD XCD SBD TWD BND MXN ARS CLP COP UYU"
_FRANCS = "XOF XAF XPF GNF CDF BIF RWF DJF KMF CHF"
_SHILLINGS = "KES UGX TZS SOS"
_SIGNS = {
    "Kshs": "KES", "Kshs.": "KES", "UShs": "UGX", "UShs.": "UGX", "Sh": _SHILLINGS, "Shs": _SHILLINGS, "Shs.": _SHILLINGS,
    "F.CFA": "XOF XAF", "Frs CFA": "XOF XAF", "CFA F": "XOF XAF", "F": _FRANCS, "Fr": _FRANCS, "Frs": _FRANCS,
    "₦": "NGN", "N": "NGN", "KSh": "KES", "KSh.": "KES", "GH₵": "GHS", "GH¢": "GHS", "GHC": "GHS", "₵": "GHS",
    "USh": "UGX", "USh.": "UGX", "TSh": "TZS", "TSh.": "TZS", "CFA": "XOF XAF", "FCFA": "XOF XAF", "F CFA": "XOF XAF",
    "DA": "DZD", "دج": "DZD", "د.ج": "DZD", "د.ج.": "DZD", "DT": "TND", "د.ت": "TND", "د.ت.": "TND",
    "E£": "EGP", "LE": "EGP", "L.E.": "EGP", "ج.م": "EGP", "ج.م.": "EGP", "£": "EGP GBP SDG SSP SYP LBP GIP FKP SHP",
    "DH": "MAD AED", "DHS": "MAD AED", "د.م": "MAD", "د.م.": "MAD", "R": "ZAR", "Br": "ETB", "FRw": "RWF", "ZK": "ZMW",
    "US$": "USD", "$": _DOLLARS, "€": "EUR", "R$": "BRL", "¥": "JPY CNY", "₹": "INR", "Rs": "INR PKR MUR LKR NPR SCR",
    "Rs.": "INR PKR MUR LKR NPR SCR", "₺": "TRY", "₽": "RUB", "₪": "ILS", "₩": "KRW", "₫": "VND", "₱": "PHP", "₴": "UAH",
}  # fmt: skip
_MARKS = {code: frozenset([code]) for code, *_ in _LISTED} | {
    sign: frozenset(codes.split()) for sign, codes in _SIGNS.items()
}
_BY_FOLDED = {mark.lower(): mark for mark in reversed(_MARKS)}
_ANY_MARK = "|".join(
    re.escape(mark) + (r"(?!\d)" if mark.endswith(".") else "")  # KSh.50 could be 50 or .50
    for mark in sorted(_BY_FOLDED, key=len, reverse=True)
)
MARK = re.compile(rf"(?<![^\W\d_])(?:{_ANY_MARK})(?![^\W\d_])", re.IGNORECASE)
"""A currency's ISO code or sign, with no letter beside it."""


def mark_of(written: str) -> str:
    """Give the ISO code of what `MARK` found, or the sign itself where several currencies have it ($, £, CFA)."""
    mark = _BY_FOLDED[written.lower()]
    codes = _MARKS[mark]
    return next(iter(codes)) if len(codes) == 1 else mark


def codes_of(mark: str) -> frozenset[str]:
    """Give the ISO codes of the currencies a mark may stand for; a mark not known here stands for itself."""
    return _MARKS.get(_BY_FOLDED.get(mark.lower(), mark), frozenset([mark.upper()]))


def is_currency_sign(character: str) -> bool:
    """Tell whether a character is a sign of money, known here or not."""
    return unicodedata.category(character) == "Sc"


def company_currency(company: str, country: str | None) -> str | None:
    """Give the ISO code of the currency a company keeps its books in; None where its country does not say.

    As for the closing rates, a German company whose code ends in `_USD` keeps them in dollars.
    """
    code = (country or "").strip().upper()
    if code == "DE" and company.strip().upper().endswith("_USD"):
        return "USD"
    return _CURRENCY_OF_COUNTRY.get(code)


def currency_name(written: str) -> str:
    """Give the name of a currency as it is seen: without marks of direction, and with one kind of blank."""
    return " ".join("".join(c for c in written if unicodedata.category(c) != "Cf").split())


def mark_of_text(text: str) -> str:
    """Give the mark of a cell that names a currency alone, "" for an empty one; other words stand for themselves."""
    name = currency_name(text)
    found = MARK.fullmatch(name)
    return mark_of(found[0]) if found else name.upper()
