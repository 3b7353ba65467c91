"""The two cells of a JDash row that count: what a voucher id and an amount may look like (spec: jdash).

What is certain is read exactly; what could mean two things is refused. Where a cell stands, and what
happens to the file it stands in, is not known here.
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import product

AMOUNT_LIMIT = 10**20
"""An amount keeps 20 digits before the decimal point, and four behind it."""

_FOUR_DECIMALS = Decimal("0.0001")
_EXACT = Context(prec=100)
_DIGITS_OF_A_SPREADSHEET = 15
_LONGEST_AMOUNT = 100
_ONE_TO_ONE = 2.0**39
"""Below it, no two amounts of four decimals share one spreadsheet number."""


class CellError(ValueError):
    """A cell that cannot be read. Its text says what it is, and ends with what to do."""


@dataclass(frozen=True)
class NoValue:
    """A spreadsheet cell that holds neither text nor a number: a date, an error, a formula never computed."""

    what: str


Cell = str | int | float | NoValue | None

_INVISIBLE: dict[int, str] = dict.fromkeys(
    [0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF], ""
)
_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "".join(map(chr, _INVISIBLE))
_DIGITS = {first + digit: str(digit) for first in (0x0660, 0x06F0) for digit in range(10)}
_LATIN_DIGITS = frozenset("0123456789")
_AS_IN_ASCII: dict[int, str | int] = {
    **_INVISIBLE,
    **_DIGITS,
    **str.maketrans("\u00a0\u2009\u202f\u2212\u2013\u2019\u066c", "   --''"),
}
_PLAIN_AMOUNT = re.compile(
    r"-?(?:\d{1,20}(?:\.(?:\d{1,2}|\d{4}))?|(?:0|\d{4,20})\.\d{3}|[1-9]\d{0,2}(?:,\d{3}){1,5}\.\d\d)",
    re.ASCII,
)
"""The common ways to write an amount that can be read in one way only."""

_CURRENCIES = {
    "NGN": ["₦", "N"],
    "KES": ["KSh", "KSh."],
    "GHS": ["GH₵", "GH¢", "GHC", "₵"],
    "UGX": ["USh", "USh."],
    "XOF": ["CFA", "FCFA", "F CFA"],
    "DZD": ["DA", "دج", "د.ج", "د.ج."],
    "EGP": ["E£", "LE", "L.E.", "ج.م", "ج.م."],
    "MAD": ["DH", "DHS", "د.م", "د.م."],
    "USD": ["US$", "$"],
    "EUR": ["€"],
    "GBP": [],
    "£": [],  # of Egypt or of Britain
}
_CURRENCY_OF = {sign.lower(): code for code, signs in _CURRENCIES.items() for sign in (code, *signs)}
_ANY_CURRENCY = "|".join(
    re.escape(sign) + (r"(?!\d)" if sign.endswith(".") else "")  # KSh.50 could be 50 or .50
    for sign in sorted(_CURRENCY_OF, key=len, reverse=True)
)
_CURRENCY = re.compile(rf"(?<![^\W\d_])(?:{_ANY_CURRENCY})(?![^\W\d_])", re.IGNORECASE)
_AMOUNT = re.compile(
    r"(?P<lead>[-+(¤ ]*)(?P<number>(?:\d|(?<!¤)[.,\u066b])[\d.,\u066b ']*?)(?P<trail>[-)¤ ]*)", re.ASCII
)
_SIGNS = {"": 1, "+": 1, "-": -1, "()": -1}


def _notations() -> dict[frozenset[str], list[tuple[re.Pattern[str], str, str]]]:
    """Give, by the separators in a number, each way to write it: pattern, thousands and decimal separator."""
    found: dict[frozenset[str], list[tuple[re.Pattern[str], str, str]]] = {}
    for thousands, decimal in product(["", ",", ".", " ", "'"], ["", ".", ",", "\u066b"]):
        if thousands and thousands == decimal:
            continue
        grouped = rf"(?!0\D)\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+"
        whole = grouped if thousands else r"\d*" if decimal else r"\d+"
        fraction = rf"{re.escape(decimal)}\d+" if decimal else ""
        notation = (re.compile(whole + fraction, re.ASCII), thousands, decimal)
        found.setdefault(frozenset(thousands + decimal), []).append(notation)
    return found


_NOTATIONS = _notations()

_ID_WITH_DECIMALS = re.compile(r"(\d+)[.,](0+)", re.ASCII)
_ID_AS_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:[.,]\d*)?e[-+]?\d+", re.ASCII | re.IGNORECASE)
_NUMBER_LIKE = re.compile(r"[-+]?\d[\d.,']*", re.ASCII)
_NO_ID = {"nan", "null", "none", "n/a", "na", "-", "(blank)", "(null)", "(none)", "true", "false"}

_TOTAL_PART = re.compile(r"total|totaux|إجمال|اجمال|مجموع")
_TOTAL_WORDS = {"sum", "somme", "summe", "suma", "soma"}


def is_blank(cell: Cell) -> bool:
    """Tell whether a cell holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip(_EDGES))


def trimmed(text: str) -> str:
    """Take the blanks and invisible marks off both ends."""
    return text.strip(_EDGES)


def is_total_label(cell: Cell) -> bool:
    """Tell whether a cell says that its row is a total: Total, GRAND TOTAL:, Totaux and the like."""
    if not isinstance(cell, str) or (cell.isascii() and cell.isdigit()):
        return False
    text = trimmed(cell).casefold()
    return _TOTAL_PART.search(text) is not None or text.strip(" .:*") in _TOTAL_WORDS


def read_voucher_id(cell: Cell) -> str:
    """Read a voucher id as text: trimmed, leading zeros kept, `12345.0` as `12345`, case as written.

    Raises CellError for what a spreadsheet has damaged or what is no id: `1.23E+11`, `12,345`, a date,
    an error, a number of more than 15 digits.
    """
    if isinstance(cell, str):
        text = cell.strip()
        return text if text.isascii() and text.isdigit() else _written_id(text)
    if cell is None or isinstance(cell, NoValue):
        raise CellError(f"{_what(cell)}. Write the voucher id as text")
    if not 0 <= cell < 10**_DIGITS_OF_A_SPREADSHEET:
        raise CellError(
            f"{cell!r} is a number too long for a spreadsheet, so digits of the id may be lost. {_AS_TEXT}"
        )
    if cell != int(cell):
        raise CellError(f"{cell!r} is a number with decimals, not a voucher id. {_AS_TEXT}")
    return str(int(cell))


_AS_TEXT = "Export it again with the voucher ids as text"


def _written_id(text: str) -> str:
    text = trimmed(text)
    if as_text := _ID_AS_TEXT_FORMULA.fullmatch(text):
        text = trimmed(as_text[1])
    in_latin = text if text.isascii() else text.translate(_DIGITS)
    if in_latin.isascii() and in_latin.isdigit():
        return in_latin
    if decimals := _ID_WITH_DECIMALS.fullmatch(in_latin):
        if len(_notations_of(in_latin)) == 1:
            return decimals[1]
        raise CellError(f"{_quoted(text)} could be {decimals[1]} or {decimals[1]}{decimals[2]}. {_AS_TEXT}")
    if _SCIENTIFIC.fullmatch(in_latin):
        raise CellError(
            f"{_quoted(text)} is in scientific notation, so digits of the id may be lost. {_AS_TEXT}"
        )
    if _NUMBER_LIKE.fullmatch(in_latin):
        raise CellError(f"{_quoted(text)} is formatted as a number, not as a voucher id. {_AS_TEXT}")
    if not text or text.startswith(("=", "'", "#")) or text.casefold() in _NO_ID:
        raise CellError(f"{_quoted(text)} is not a voucher id. Write the id, or delete the row at its source")
    if not text.isprintable() or "\ufffd" in text:
        raise CellError(f"{_quoted(text)} has characters that no voucher id has. {_AS_TEXT}")
    return text


def read_amount(cell: Cell) -> tuple[Decimal, str]:
    """Read an amount exactly, with the currency written beside it (an ISO code, or "" where none is).

    Raises CellError for what could be two numbers (`1,234`), is none, or does not fit decimal(24,4).
    """
    if isinstance(cell, str):
        text = cell.strip()
        if _PLAIN_AMOUNT.fullmatch(text):
            return Decimal(text.replace(",", "")), ""
        return _written_amount(text)
    if cell is None or isinstance(cell, NoValue):
        raise CellError(f"{_what(cell)}. Write the amount as a number")
    return _spreadsheet_number(cell), ""


def _written_amount(text: str) -> tuple[Decimal, str]:
    if not trimmed(text):
        raise CellError("the amount is empty. Write it, 0 if nothing was used,")
    clean = text if text.isascii() else text.translate(_AS_IN_ASCII).strip()
    currencies = _CURRENCY.findall(clean)
    shape = _AMOUNT.fullmatch(_CURRENCY.sub("¤", clean)) if len(clean) <= _LONGEST_AMOUNT else None
    readings = _notations_of(shape["number"]) if shape and "¤" not in clean and len(currencies) <= 1 else []
    sign = _SIGNS.get(re.sub("[¤ ]", "", shape["lead"] + shape["trail"])) if shape else None
    if sign is None or not readings:
        raise CellError(f"{_quoted(text)} is not a number. Write it like -1234.50")
    if len(readings) > 1:
        low, high = sorted(readings)
        low, high = low.copy_sign(Decimal(sign)), high.copy_sign(Decimal(sign))
        raise CellError(f"{_quoted(text)} could be {high} or {low}. Write it as {high}.00 or {low}0")
    currency = _CURRENCY_OF[currencies[0].lower()] if currencies else ""
    return _four_decimals(readings[0].copy_sign(Decimal(sign)), text), currency


def _notations_of(number: str) -> list[Decimal]:
    """Give the different numbers that `number` may mean; it is certain when there is one."""
    readings = {
        Decimal(number.replace(thousands, "").replace(decimal or ".", "."))
        for pattern, thousands, decimal in _NOTATIONS.get(frozenset(number) - _LATIN_DIGITS, ())
        if pattern.fullmatch(number)
    }
    return list(readings)


def _four_decimals(value: Decimal, written: str) -> Decimal:
    if value.copy_abs() >= AMOUNT_LIMIT:
        raise CellError(f"{_quoted(written)} has more than 20 digits. Correct it")
    kept = value.quantize(_FOUR_DECIMALS, context=_EXACT)
    if kept != value:
        raise CellError(
            f"{_quoted(written)} has more than four decimals, and is not rounded here. Correct it"
        )
    return kept


def _spreadsheet_number(number: float) -> Decimal:
    """Read a number as the spreadsheet showed it: 15 digits, so 0.30000000000000004 is 0.3."""
    if not abs(number) < AMOUNT_LIMIT:
        raise CellError(f"{_short(repr(number))} is not an amount of at most 20 digits. Correct it")
    exact = Decimal(repr(number))
    kept = exact.quantize(_FOUR_DECIMALS, context=_EXACT)
    shown = Decimal(f"{number:.{_DIGITS_OF_A_SPREADSHEET}g}")
    if kept == shown or (kept == exact and abs(number) < _ONE_TO_ONE):
        return kept
    raise CellError(
        f"{number!r} has more than four decimals, or more digits than a spreadsheet keeps, and is not "
        "rounded here. Correct it"
    )


def _what(cell: NoValue | None) -> str:
    return "the cell is empty" if cell is None else cell.what


def _quoted(text: str) -> str:
    return repr(_short(text))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"  # noqa: PLR2004 - enough to find the cell
