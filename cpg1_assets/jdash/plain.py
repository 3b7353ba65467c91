"""Rows that can be read in one way only, many at a time: ids of digits, amounts of at most four decimals.

What is not plain is left to `cells`, which reads one cell at a time. Both give the same of every cell that is plain.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.inbox.cells import Cell
from cpg1_assets.inbox.table import Row
from cpg1_assets.jdash.cells import ONE_TO_ONE, is_total_label
from cpg1_assets.jdash.sheet import Sheet

AMOUNT = pa.decimal128(24, 4)

_UNIT = pa.decimal128(24, 0)
_UNITS = 10_000
_NUMBERS = {int, float}
_LONGEST_ID = 10**15
_ID = "^[0-9]{1,40}$"
_WRITTEN = r"^-?(?:[0-9]{1,15}(?:\.(?:[0-9]{1,2}|[0-9]{4}))?|(?:0|[0-9]{4,15})\.[0-9]{3})$"

_Mask = npt.NDArray[np.bool_]


def plain_rows(sheet: Sheet, rows: Sequence[Row]) -> tuple[pa.Table | None, Sequence[int]]:
    """Give the plain rows as a table of `voucher_id` and `amount_used`, and the places of all others."""
    everything = range(len(rows))
    width = len(sheet.header)
    widths = set(map(len, (cells for _, cells in rows)))
    if len(widths) != 1 or (wide := widths.pop()) < width or sheet.currency is not None:
        return None, everything
    columns = list(zip(*(cells for _, cells in rows), strict=True))
    if any(_texts(columns[place]) != {""} for place in (*sheet.unnamed, *range(width, wide))):
        return None, everything
    vouchers = _ids(columns[sheet.voucher])
    amounts = _amounts(columns[sheet.amount])
    if vouchers is None or amounts is None:
        return None, everything
    plain = vouchers[1] & amounts[1]
    for column in columns[: sheet.voucher]:
        labels = {cell for cell in _texts(column) if is_total_label(cell)}
        if labels:
            plain &= np.array([cell not in labels for cell in column])
    table = pa.table([vouchers[0], amounts[0]], names=["voucher_id", "amount_used"])
    if plain.all():
        return table, ()
    return table.filter(pa.array(plain)), np.flatnonzero(~plain).tolist()


def _texts(column: Sequence[Cell]) -> set[str]:
    """Give the different texts of a column; whatever is neither text nor nothing is "?"."""
    return {"" if cell is None else cell if isinstance(cell, str) else "?" for cell in column}


def _ids(column: Sequence[Cell]) -> tuple[pa.Array, _Mask] | None:
    """Give the ids, and where they are plain: whole numbers that a spreadsheet keeps, or texts of digits."""
    kinds = set(map(type, column))
    if kinds <= _NUMBERS:
        numbers = np.array(column, np.float64)
        plain = (numbers >= 0) & (numbers < _LONGEST_ID) & (np.floor(numbers) == numbers)
        whole = np.where(plain, numbers, 0).astype(np.int64)
        return pa.array(whole).cast(pa.string()), plain
    if kinds == {str}:
        texts = pa.array(column, pa.string())
        return texts, _mask(pc.match_substring_regex(texts, _ID))
    return None


def _amounts(column: Sequence[Cell]) -> tuple[pa.Array, _Mask] | None:
    """Give the amounts, and where they are plain: numbers that four decimals give exactly, or texts like -1234.50."""
    kinds = set(map(type, column))
    if kinds <= _NUMBERS:
        numbers = np.array(column, np.float64)
        known = np.abs(numbers) < ONE_TO_ONE
        units = np.rint(np.where(known, numbers, 0) * _UNITS)
        plain = known & (units / _UNITS == numbers)
        return _decimals(np.where(plain, units, 0).astype(np.int64)), plain
    if kinds == {str}:
        texts = pa.array(column, pa.string())
        plain = _mask(pc.match_substring_regex(texts, _WRITTEN))
        return pc.if_else(pa.array(plain), texts, "0").cast(AMOUNT), plain
    return None


def _decimals(units: npt.NDArray[np.int64]) -> pa.Array:
    """Give whole numbers of the fourth decimal as decimals: Arrow keeps both as integers of 128 bits."""
    whole = pa.array(units).cast(_UNIT)
    return pa.Array.from_buffers(AMOUNT, len(whole), whole.buffers())


def _mask(found: pa.Array) -> _Mask:
    mask: _Mask = found.to_numpy(zero_copy_only=False)
    return mask
