"""Arrow columns from whole numbers: money, moments, and identifiers as text.

An amount is an int64 count of ten-thousandths of the local currency ("units") until it is written; nothing
here or elsewhere in the simulation is a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.months import NEVER, Flags, Ints

Column: TypeAlias = Any
"""An Arrow array; pyarrow ships no types."""

MONEY = pa.decimal128(38, 20)
MOMENT = pa.timestamp("us")
UNIT = 10_000
"""Units in one of the local currency."""

_NARROW = pa.decimal128(19, 4)
_SIGN_BITS = 63


def money(units: Ints, *, missing: Flags | None = None, kind: Column = MONEY) -> Column:
    """Write units as exact decimals of the local currency; `missing` ones become null."""
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0] = units
    words[:, 1] = units >> _SIGN_BITS
    plain = pa.Array.from_buffers(_NARROW, len(units), [None, pa.py_buffer(words.tobytes())])
    exact = plain.cast(kind)
    return exact if missing is None else blank(exact, missing)


def moment(moments: Ints) -> Column:
    """Write moments as timestamps; never is null."""
    return pa.array(moments, type=MOMENT, mask=moments >= NEVER)


def blank(column: Column, where: Flags) -> Column:
    """Empty a column where the flag is set."""
    return pc.if_else(pa.array(where), pa.scalar(None, column.type), column)


def flag(flags: Flags, *, missing: Flags | None = None) -> Column:
    """Write flags as bits; `missing` ones become null."""
    return pa.array(flags, type=pa.bool_(), mask=missing)


def same(value: str | None, count: int) -> Column:
    """Repeat a text, or null, `count` times."""
    return pa.repeat(pa.scalar(value, pa.string()), count)


def number(values: Ints, *, missing: Flags | None = None) -> Column:
    """Write whole numbers as they are."""
    return pa.array(values, type=pa.int64(), mask=missing)


def digits(numbers: Ints, width: int = 0, prefix: str = "", suffix: str = "") -> Column:
    """Write numbers as text of at least `width` digits (leading zeros kept), between prefix and suffix."""
    text = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=max(width, 1), padding="0")
    return pc.binary_join_element_wise(prefix, text, suffix, "") if prefix or suffix else text


def joined(*parts: Column | str) -> Column:
    """Put texts together, row by row."""
    return pc.binary_join_element_wise(*parts, "")


def chosen(texts: Sequence[str | None], which: Ints) -> Column:
    """Choose for each row one of a few texts."""
    return pa.array(list(texts), type=pa.string()).take(pa.array(which))


EVENTS = pa.list_(pa.string())
"""The business events a row belongs to: nearly always one, of a summary all that it sums."""


def grouped(texts: Column, group: Ints, count: int) -> Column:
    """Gather texts into lists, one for each of `count` groups; `group` is the group of each text."""
    order = np.argsort(group, kind="stable")
    offsets = np.searchsorted(group[order], np.arange(count + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), texts.take(pa.array(order)))


def alone(texts: Column) -> Column:
    """Make a list of one of each text."""
    return grouped(texts, np.arange(len(texts)), len(texts))
