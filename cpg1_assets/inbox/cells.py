"""What a cell of a file in the inbox can hold, and the blanks and marks around its text.

Which column it stands in, and what follows from it, is not known here.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True)
class NoValue:
    """A spreadsheet cell that holds neither text nor a number: a date, an error, a formula never computed."""

    what: str
    instead: str = ""
    """What to do, where it is not to write the value."""
    number: float | None = field(default=None, compare=False)
    """Of a date or time, the days since the end of 1899, as a spreadsheet counts them."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a spreadsheet that is more than its value: how it is shown, or that a formula made it."""

    value: float
    format: str = ""
    """The code of its number format; empty for General."""
    is_result: bool = False
    """Whether it is the stored result of a formula."""
    text: str | None = None
    """What the cell shows, where the file itself says so."""
    currency: str = ""
    """The ISO code of its currency, where the file itself says so."""


class Result(str):
    """A text that is the stored result of a formula."""

    __slots__ = ()


Cell = str | int | float | Number | NoValue | None

NEVER_COMPUTED = NoValue(
    "the cell is a formula that was never computed",
    "Open the file in a spreadsheet, recalculate it, look at the amounts and save it, or write values instead of formulas",
)

_DAY_ZERO = date(1899, 12, 30)


def day_number(day: date) -> float:
    """Give the number that a spreadsheet has for a day."""
    return float(day.toordinal() - _DAY_ZERO.toordinal())


def day_of(number: float) -> date:
    """Give the day that a spreadsheet's number stands for. Raises OverflowError for one that no calendar has."""
    return _DAY_ZERO + timedelta(days=int(number))


INVISIBLE: dict[int, str] = dict.fromkeys(
    [0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF], ""
)
_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "".join(map(chr, INVISIBLE))


def is_blank(cell: Cell) -> bool:
    """Tell whether a cell holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip(_EDGES))


def trimmed(text: str) -> str:
    """Take the blanks and invisible marks off both ends."""
    return text.strip(_EDGES)


def without_invisible(text: str) -> str:
    """Take the marks out that cannot be seen, wherever they stand."""
    return text if text.isascii() else text.translate(INVISIBLE)


_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def given_out(text: str) -> str:
    """Give a text as a spreadsheet may open it: behind an apostrophe where it would be run as a formula."""
    return f"'{text}" if _runs(text) else text


def taken_back(text: str) -> str:
    """Give a text that came back without the apostrophe that `given_out` put before it."""
    return text[1:] if text.startswith("'") and _runs(text[1:]) else text


def _runs(text: str) -> bool:
    return text.lstrip(" ").startswith(_RUNS_AS_FORMULA)
