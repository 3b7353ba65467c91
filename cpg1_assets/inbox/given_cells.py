"""What of ours a spreadsheet's cell can hold when a sheet is given out, so that it comes back as it went.

A text is the text as far as a cell takes it, an amount a number only where the cell's number is the amount. What a
cell that comes in holds is in `cells`.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from cpg1_assets.inbox.cells import day_number

Kind = Literal["text", "status", "lcy", "usd", "rate", "integer", "date", "timestamp", "flag"]
"""What stands in a column: `lcy` and `usd` are amounts, a `flag` is yes or no, a `status` a text that is one of a few."""
Value = str | float | None
"""A cell: a text, a number (of a date, the number of the day), nothing."""

LONGEST_TEXT = 32_767
"""Characters that a cell holds, those beyond U+FFFF counted twice."""
_DIGITS = 15
_ALWAYS_EXACT = Decimal(10) ** 11
_FOUR_PLACES = -4
_SECONDS_OF_A_DAY = 86_400


class SheetColumn(NamedTuple):
    """A column of a sheet: what its header says, what stands in it, how wide it is, and whether people write in it."""

    header: str
    kind: Kind
    width: float
    is_editable: bool = False
    is_hidden: bool = False


def cell_value(kind: Kind, value: object) -> Value:
    """Give what the cell of a value holds: dates as numbers of days, flags as yes or no, nothing for an empty text."""
    if value is None:
        return None
    if isinstance(value, str):
        return given_text(value) or None
    if kind == "flag":
        return "yes" if value else "no"
    if isinstance(value, datetime):
        into = timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
        return day_number(value) + into.total_seconds() / _SECONDS_OF_A_DAY
    if isinstance(value, date):
        return day_number(value)
    if isinstance(value, Decimal | int):
        return given_number(value)
    raise TypeError(f"{value!r} of a column of kind {kind} is nothing that a cell of ours holds")


def given_number(value: Decimal | int) -> float | str:
    """Give a number as a cell keeps it: as the number where it has at most 15 digits, else as text, exact."""
    amount = Decimal(value)
    if -_ALWAYS_EXACT < amount < _ALWAYS_EXACT and int(amount.as_tuple().exponent) >= _FOUR_PLACES:
        return float(amount)
    if len(amount.normalize().as_tuple().digits) <= _DIGITS:
        return float(amount)
    return f"{amount:f}"


def given_text(text: str) -> str:
    """Give a text as a cell keeps it: one kind of line end, what cannot be shown written out, cut where it is too long.

    A text that is cut says at its end that it is, and how long it was.
    """
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = "".join(map(_visible, text))
    if len(text) * 2 > LONGEST_TEXT and _units(text) > LONGEST_TEXT:
        said = f" … [cut here: the text has {len(text):,} characters]"
        kept = text.encode("utf-16-le")[: 2 * (LONGEST_TEXT - _units(said))]
        return kept.decode("utf-16-le", "ignore") + said
    return text


def _visible(character: str) -> str:
    """Write out a control character, and a code that is no character: a workbook cannot hold it, or nobody sees it."""
    code = ord(character)
    is_control = (code < ord(" ") and character not in "\t\n") or 0x7F <= code <= 0x9F  # noqa: PLR2004
    if is_control or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:  # noqa: PLR2004
        return f"\\u{code:04x}"
    return character


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
