"""What a frame of the control looks like: its columns, their types, its key and its amounts.

The contracts of the extracts and the schemas of the derived frames are both written in these words;
the storage writes by them, the checks test by them, and the UI shows them.
"""

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

ColumnType = Literal["text", "integer", "flag", "date", "timestamp", "amount", "rate"]

_DECIMAL_DIGITS = 24
_DEFAULT_SCALE = {"amount": 4, "rate": 10}
_ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


class Column(BaseModel):
    """One column: its name, its type, whether it may be null, and the closed set of its values if it has one.

    Amounts are LCY unless the name ends in `_usd`; an amount is decimal(24,4) and a rate decimal(24,10)
    unless `scale` says that the source really carries more digits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: ColumnType
    nullable: bool = True
    allowed: tuple[str, ...] | None = None
    scale: int | None = Field(default=None, ge=0, le=20)
    description: str = ""

    @model_validator(mode="after")
    def _scale_is_for_decimals(self) -> "Column":
        if self.scale is not None and self.type not in _DEFAULT_SCALE:
            raise ValueError(f"column {self.name}: only an amount or a rate has a scale")
        if self.allowed is not None and self.type != "text":
            raise ValueError(f"column {self.name}: only a text has a closed set of values")
        return self

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that carries the column."""
        if self.type in _DEFAULT_SCALE:
            scale = _DEFAULT_SCALE[self.type] if self.scale is None else self.scale
            return pa.decimal128(
                max(_DECIMAL_DIGITS, _DECIMAL_DIGITS - _DEFAULT_SCALE[self.type] + scale), scale
            )
        return _ARROW_TYPES[self.type]


class FrameSpec(BaseModel):
    """A frame's name, columns in order, key, and amount columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str = ""
    key: tuple[str, ...]
    amounts: tuple[str, ...] = ()
    columns: tuple[Column, ...]

    @model_validator(mode="after")
    def _names_are_columns(self) -> "FrameSpec":
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"columns named twice: {', '.join(repeated)}")
        for role, listed in (("key", self.key), ("amounts", self.amounts)):
            unknown = [name for name in listed if name not in names]
            if unknown:
                raise ValueError(f"{role} names columns that do not exist: {', '.join(unknown)}")
        return self

    @property
    def arrow_schema(self) -> pa.Schema:
        """Columns and Arrow types, in order."""
        return pa.schema([pa.field(c.name, c.arrow_type, nullable=c.nullable) for c in self.columns])

    @property
    def sort_order(self) -> list[str]:
        """Columns in the order rows are sorted by: the key, then the rest as they stand."""
        return [*self.key, *(column.name for column in self.columns if column.name not in self.key)]


def columns(
    *specs: tuple[str, ColumnType] | tuple[str, ColumnType, str], required: Sequence[str] = ()
) -> tuple[Column, ...]:
    """Write columns briefly: `columns(("id_company", "text", "Company code"), …, required=["id_company"])`."""
    return tuple(
        Column(
            name=spec[0],
            type=spec[1],
            description=spec[2] if len(spec) > 2 else "",  # noqa: PLR2004
            nullable=spec[0] not in required,
        )
        for spec in specs
    )


def columns_named(spec: FrameSpec, *names: str) -> tuple[Column, ...]:
    """Give the columns of `spec` that have these names, in its order: what a rule reads of a frame of the control."""
    found = tuple(column for column in spec.columns if column.name in names)
    if len(found) != len(names):
        raise ValueError(f"{spec.name} does not have all of the columns {', '.join(names)}")
    return found
