"""What a stored number of a workbook is once its number format is known: a number, a shown number, or a date."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cpg1_assets.inbox.cells import Cell, NoValue, Number
from cpg1_assets.inbox.number_format import BUILT_IN, is_date, is_harmless

_FIRST_OF_ITS_OWN = 164
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no time zone
_DAY_ZERO_1904 = datetime(1904, 1, 1)  # noqa: DTZ001


def format_code(number: int, own: Mapping[int, str]) -> str:
    """Give the code of a format by its number: the workbook's own, or one that is built in."""
    if number in own:
        return own[number]
    if number >= _FIRST_OF_ITS_OWN:
        return "General"
    return BUILT_IN.get(number, f"[built-in {number}]")


def number_cell(value: float, code: str, *, is_result: bool = False, from_1904: bool = False) -> Cell:
    """Give the cell of a stored number with this format; `is_result` where a formula made it."""
    if is_date(code, value):
        return NoValue(
            f"the cell is the date or time {_moment(value, from_1904=from_1904)}",
            number=value + (_DAY_ZERO_1904 - _DAY_ZERO).days * from_1904,
        )
    if is_result or not is_harmless(code):
        return Number(value, code, is_result)
    return value


def _moment(value: float, *, from_1904: bool) -> str:
    try:
        return str((_DAY_ZERO_1904 if from_1904 else _DAY_ZERO) + timedelta(days=value))
    except (OverflowError, ValueError):
        return repr(value)
