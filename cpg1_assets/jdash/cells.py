"""The two cells of a JDash row that count: what a voucher id and an amount may look like (spec: jdash).

What is certain is read exactly; what could mean two things is refused. Where a cell stands, and what
happens to the file it stands in, is not known here.
"""

import re
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import lru_cache
from itertools import product

from cpg1_assets.inbox.cells import INVISIBLE, Cell, NoValue, Number, trimmed
from cpg1_assets.inbox.currency import MARK, codes_of, is_currency_sign, mark_of
from cpg1_assets.inbox.number_format import (
    NotCertainError,
    currency_marks,
    is_harmless,
    shown,
    shows_percent,
)

AMOUNT_LIMIT = 10**20
"""An amount keeps 20 digits before the decimal point, and four behind it."""

_FOUR_DECIMALS = Decimal("0.0001")
_EXACT = Context(prec=100)
_DIGITS_OF_A_SPREADSHEET = 15
_LONGEST_AMOUNT = 100
_LONGEST_LABEL = 200
ONE_TO_ONE = 2.0**39
"""Below it, no two amounts of four decimals share one spreadsheet number."""


class CellError(ValueError):
    """A cell that cannot be read. Its text says what it is, and ends with what to do."""


_DIGITS = {first + digit: str(digit) for first in (0x0660, 0x06F0) for digit in range(10)}
_LATIN_DIGITS = frozenset("0123456789")
_AS_IN_ASCII: dict[int, str | int] = {
    **INVISIBLE,
    **_DIGITS,
    **str.maketrans("\u00a0\u2009\u202f\u2212\u2013\u2019\u066c", "   --''"),
}
_PLAIN_AMOUNT = re.compile(
    r"-?(?:\d{1,20}(?:\.(?:\d{1,2}|\d{4}))?|(?:0|\d{4,20})\.\d{3}|[1-9]\d{0,2}(?:,\d{3}){1,5}\.\d\d)",
    re.ASCII,
)
"""The common ways to write an amount that can be read in one way only."""

_AMOUNT = re.compile(
    r"(?P<lead>[-+(¤ ]*)(?P<number>(?:\d|(?<!¤)[.,\u066b])[\d.,\u066b ']*?)(?P<trail>[-)¤ ]*)", re.ASCII
)
_BETWEEN_DIGITS = re.compile(r"\d(?:.*\d)?", re.ASCII | re.DOTALL)
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
_EXPONENT = re.compile(r"(?<=\d)e(?=[-+]?\d)", re.ASCII | re.IGNORECASE)
_DATE_OR_TIME = re.compile(r"\d[-/:]\d", re.ASCII)
_NUMBER_LIKE = re.compile(r"[-+(]?\d[\d.,' \u066b]*\)?", re.ASCII)
_NUMBERED = re.compile(r"[A-Za-z]+-\d+", re.ASCII)
_MONTHS = "jan|feb|fev|fév|mar|apr|avr|abr|may|mai|jun|juin|jul|juil|aug|août|ago|sep|sept|oct|out|okt|nov|dec|déc|dez|dic"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"(?:{_DAY}[-/ ](?:{_MONTHS})(?:[-/ ](?:\d{{2}}|\d{{4}}))?|(?:{_MONTHS})[-/ ](?:\d{{2}}|\d{{4}})"
    rf"|{_DAY}([-/]){_DAY}\1(?:\d{{4}}|\d{{2}})|\d{{4}}([-/]){_DAY}\2{_DAY})(?:[ T]\d{{1,2}}:\d\d.*)?",
    re.ASCII | re.IGNORECASE,
)
"""A day or month with a year, as a spreadsheet writes the date it made of a text such as 1-2."""

_NO_ID = {"nan", "null", "none", "n/a", "na", "-", "(blank)", "(null)", "(none)", "true", "false"}

_TOTAL_WORDS = frozenset(
    [
        "total",
        "totals",
        "totaux",
        "totaal",
        "totale",
        "subtotal",
        "subtotals",
        "الإجمالي",
        "إجمالي",
        "اجمالي",
        "الاجمالي",
        "الإجمالى",
        "إجمالى",
        "اجمالى",
        "الاجمالى",
        "المجموع",
        "مجموع",
        "gesamtergebnis",
        "gesamtsumme",
        "toplam",
        "итого",
        "合計",
        "合计",
    ]
)
_SUMS = frozenset(
    ["sum", "somme", "summe", "suma", "soma", "jumla", "gesamt", "result", "résultat", "ttl", "tot", "\u03c3"]
)
_JOINING = frozenset("-_/")
"""What joins the words of a code: SUM-MER is none of a sum."""
_BESIDE_A_TOTAL = frozenset(
    [
        "grand",
        "sub",
        "overall",
        "running",
        "complessivo",
        "net",
        "all",
        "of",
        "the",
        "for",
        "in",
        "general",
        "général",
        "générale",
        "generale",
        "amount",
        "amounts",
        "used",
        "ordered",
        "montant",
        "montants",
        "voucher",
        "vouchers",
        "usage",
        "du",
        "des",
        "de",
        "la",
        "le",
        "les",
        "row",
        "rows",
        "result",
        "sous",
        "geral",
        "valor",
        "do",
        "da",
        "dos",
        "das",
        "العام",
        "الكلي",
        "الكلى",
    ]
)
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_MAY_BE_TOTAL = re.compile("tota|جمال|مجموع", re.IGNORECASE)
"""What is in every word of a total, so that the words of an id need not be looked at."""


def is_total_label(cell: Cell) -> bool:
    """Tell whether a cell says that its row is a total, and nothing else: Total, GRAND TOTAL:, Totaux and the like."""
    if not isinstance(cell, str) or len(cell) > _LONGEST_LABEL or _DIGIT.search(cell):
        return False
    text = trimmed(cell).casefold()
    words = _WORD.findall(text)
    if len(words) > 1 and max(map(len, words)) == 1:
        words = ["".join(words)]  # T O T A L
    if not _TOTAL_WORDS.isdisjoint(words):
        beside = [word for word in words if word not in _TOTAL_WORDS | _SUMS]
    elif not _SUMS.isdisjoint(words) and not set(text) & _JOINING:
        beside = [word for word in words if word not in _SUMS]
    else:
        return False
    return all(word in _BESIDE_A_TOTAL or MARK.fullmatch(word) for word in beside)


def names_a_total(cell: Cell) -> bool:
    """Tell whether a cell has the word total in it, as a label may and a customer's name may."""
    if not isinstance(cell, str) or not _MAY_BE_TOTAL.search(cell):
        return False
    return not _TOTAL_WORDS.isdisjoint(_WORD.findall(cell[:_LONGEST_LABEL].casefold()))


def read_voucher_id(cell: Cell) -> str:
    """Read a voucher id as text: trimmed, leading zeros kept, `12345.0` as `12345`, case as written.

    Raises CellError for what a spreadsheet has damaged or what is no id: `1.23E+11`, `12,345`, a date,
    an error, a number of more than 15 digits.
    """
    if isinstance(cell, str):
        text = cell.strip()
        return text if text.isascii() and text.isdigit() else _written_id(text)
    if cell is None or isinstance(cell, NoValue):
        raise CellError(f"{_what(cell)}. {_instead(cell, 'Write the voucher id as text')}")
    if isinstance(cell, Number):
        return _shown_id(cell)
    return _whole_number(cell)


def _whole_number(cell: float) -> str:
    if cell < 0:
        raise CellError(f"{cell!r} is a negative number, not a voucher id. {_AS_TEXT}")
    if not cell < 10**_DIGITS_OF_A_SPREADSHEET:
        raise CellError(
            f"{cell!r} is a number too long for a spreadsheet, so digits of the id may be lost. {_AS_TEXT}"
        )
    if cell != int(cell):
        raise CellError(f"{cell!r} is a number with decimals, not a voucher id. {_AS_TEXT}")
    return str(int(cell))


def _shown_id(cell: Number) -> str:
    """Read an id as its cell shows it: 12 in the format 000000 is 000012."""
    digits = _whole_number(cell.value)
    if cell.is_result and not cell.value:
        raise CellError(
            f"the cell is a formula with the result 0: never computed, or made of an empty cell. {_AS_TEXT}"
        )
    if cell.text is not None:
        voucher = _written_id(cell.text)
        if digits not in "".join(filter(str.isdigit, voucher.translate(_DIGITS))):
            raise CellError(f"{_quoted(cell.text)} is shown for the number {digits}. {_AS_TEXT}")
        return voucher
    if is_harmless(cell.format):
        return digits
    try:
        text = shown(cell.format, cell.value)
    except NotCertainError as error:
        raise CellError(
            f"what {digits} looks like in its number format {cell.format!r:.60} is not certain: {error}. {_AS_TEXT}"
        ) from None
    try:
        return _written_id(text)
    except CellError as error:
        raise CellError(f"its number format {cell.format!r:.60} shows {digits} otherwise: {error}") from None


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
    if not text.isalnum() and not _NUMBERED.fullmatch(text) and _is_written_as_number(text):
        raise CellError(f"{_quoted(text)} is formatted as a number, not as a voucher id. {_AS_TEXT}")
    if _DATE.fullmatch(text):
        raise CellError(f"{_quoted(text)} is a date, which a spreadsheet may have made of an id. {_AS_TEXT}")
    if not text or text.startswith(("=", "'", "#")) or text.casefold() in _NO_ID:
        raise CellError(f"{_quoted(text)} is not a voucher id. Write the id, or delete the row at its source")
    if not text.isprintable() or "\ufffd" in text:
        raise CellError(f"{_quoted(text)} has characters that no voucher id has. {_AS_TEXT}")
    return text


def _is_written_as_number(text: str) -> bool:
    """Tell whether an id has separators as an amount has, or a currency."""
    digits = MARK.sub("", text if text.isascii() else text.translate(_AS_IN_ASCII), count=1).strip()
    return _NUMBER_LIKE.fullmatch(digits) is not None


def read_amount(cell: Cell) -> tuple[Decimal, str]:
    """Read an amount exactly, with the mark of the currency it is written or shown in ("" where there is none).

    Raises CellError for what could be two numbers (`1,234`), is none, or does not fit decimal(24,4).
    """
    if isinstance(cell, str):
        text = cell.strip()
        if _PLAIN_AMOUNT.fullmatch(text):
            return Decimal(text.replace(",", "")), ""
        return _written_amount(text)
    if cell is None or isinstance(cell, NoValue):
        raise CellError(f"{_what(cell)}. {_instead(cell, 'Write the amount as a number')}")
    if isinstance(cell, Number):
        return _spreadsheet_number(cell.value), _shown_mark(cell)
    return _spreadsheet_number(cell), ""


def _shown_mark(cell: Number) -> str:
    """Give the mark of the currency that a cell's format puts beside its number."""
    if cell.text is not None:
        return _mark_beside(cell.text, cell.currency)
    if shows_percent(cell.format, cell.value):
        raise CellError(f"{cell.value!r} is shown as a percentage, which is no amount. Format it as a number")
    try:
        marks = currency_marks(cell.format, cell.value)
    except NotCertainError as error:
        raise CellError(
            f"the number format {cell.format!r:.60} is not one of an amount: {error}. Format it as a number"
        ) from None
    if len(marks) > 1 and not frozenset.intersection(*map(codes_of, marks)):
        raise CellError(f"the number format {cell.format!r:.60} names two currencies. Format it as a number")
    return marks[0] if marks else cell.currency


def _mark_beside(text: str, currency: str) -> str:
    """Give the mark of the currency that a cell shows beside its number, or says it has."""
    marks = [mark_of(mark) for mark in MARK.findall(text)] + list(
        filter(is_currency_sign, MARK.sub("", text))
    )
    marks += [currency] if currency else []
    if "%" in text:
        raise CellError(f"{_quoted(text)} is a percentage, which is no amount. Format it as a number")
    rest = _EXPONENT.sub("", MARK.sub("", text))
    if any(map(str.isalpha, rest)) or _DATE_OR_TIME.search(text):
        raise CellError(f"{_quoted(text)} is not what an amount looks like. Format it as a number")
    if len(marks) > 1 and not frozenset.intersection(*map(codes_of, marks)):
        raise CellError(f"{_quoted(text)} is in two currencies. Format it as a number")
    return marks[-1] if marks else ""


def _written_amount(text: str) -> tuple[Decimal, str]:
    if not trimmed(text):
        raise CellError("the cell is empty. Write the amount, 0 if nothing was used,")
    clean = text if text.isascii() else text.translate(_AS_IN_ASCII).strip()
    currencies, shape = _shape(clean) if len(clean) <= _LONGEST_AMOUNT else ((), None)
    readings = _notations_of(shape["number"]) if shape and len(currencies) <= 1 else []
    sign = _SIGNS.get(re.sub("[¤ ]", "", shape["lead"] + shape["trail"])) if shape else None
    if sign is None or not readings:
        raise CellError(f"{_quoted(text)} is not a number. Write it like -1234.50")
    if len(readings) > 1:
        low, high = sorted(readings)
        low, high = low.copy_sign(Decimal(sign)), high.copy_sign(Decimal(sign))
        raise CellError(f"{_quoted(text)} could be {high} or {low}. Write it as {high}.00 or {low}0")
    currency = currencies[0] if currencies else ""
    return _four_decimals(readings[0].copy_sign(Decimal(sign)), text), currency


def _shape(clean: str) -> tuple[Sequence[str], re.Match[str] | None]:
    """Give the marks of currencies around the digits, and the parts of the amount with a ¤ for each."""
    number = _BETWEEN_DIGITS.search(clean)
    if number is None or "¤" in clean:
        return (), None
    before, marks_before = _around(clean[: number.start()] + "0")
    after, marks_after = _around("0" + clean[number.end() :])
    return (*marks_before, *marks_after), _AMOUNT.fullmatch(before[:-1] + number[0] + after[1:])


@lru_cache(maxsize=1024)
def _around(text: str) -> tuple[str, tuple[str, ...]]:
    """Give what stands on one side of the digits with a ¤ for each currency, and their marks; it is mostly the same."""
    return MARK.sub("¤", text), tuple(map(mark_of, MARK.findall(text)))


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
    if kept == shown or (kept == exact and abs(number) < ONE_TO_ONE):
        return kept
    raise CellError(
        f"{number!r} has more than four decimals, or more digits than a spreadsheet keeps, and is not "
        "rounded here. Correct it"
    )


def _what(cell: NoValue | None) -> str:
    return "the cell is empty" if cell is None else cell.what


def _instead(cell: NoValue | None, otherwise: str) -> str:
    return cell.instead if isinstance(cell, NoValue) and cell.instead else otherwise


def _quoted(text: str) -> str:
    return repr(_short(text))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"  # noqa: PLR2004 - enough to find the cell
