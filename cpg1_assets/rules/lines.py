"""The lines of the reconciliation as data: what a lines file may say. Computing them is done elsewhere."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from cpg1_assets.rules.bridges import BRIDGES, Sign

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
# What `target_values` knows to sum: extract, amount column, and the rows that count.
MEASURES = (
    ("ipe_07", "remaining_amount_lcy", "all"),
    ("ipe_08", "remaining_amount", "all"),
    ("ipe_08", "remaining_amount", "redeemable"),
    ("ipe_10", "prepayment_amount", "all"),
    ("ipe_12", "amount_due", "all"),
    ("ipe_31", "amount", "all"),
    ("ipe_34", "amount_to_refund", "all"),
    ("ipe_34", "amount_to_refund", "marketplace"),
)


class Target(BaseModel):
    """What the target value is the sum of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extract: str
    amount: str
    rows: str

    @model_validator(mode="after")
    def _is_a_measure(self) -> "Target":
        if (self.extract, self.amount, self.rows) not in MEASURES:
            known = "; ".join(" ".join(measure) for measure in MEASURES)
            raise ValueError(f"unknown target {self.extract} {self.amount} {self.rows}; known are {known}")
        return self


class LineBridge(BaseModel):
    """A bridge of a line, and the sign its amount enters with (0: it identifies, it does not quantify).

    Where the file gives no sign, it is the bridge's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bridge: str
    sign: Sign

    @field_validator("bridge")
    @classmethod
    def _is_a_bridge(cls, bridge: str) -> str:
        if bridge not in BRIDGES:
            raise ValueError(f"unknown bridge {bridge}; known are {', '.join(BRIDGES)}")
        return bridge

    @model_validator(mode="before")
    @classmethod
    def _sign_is_the_bridges_own(cls, given: object) -> object:
        if not isinstance(given, dict) or "sign" in given:
            return given
        own = BRIDGES.get(str(given.get("bridge")))
        return given | {"sign": own.sign} if own is not None else given


class Line(BaseModel):
    """One line: accounts, target with its sign in NAV, bridges, and the inputs a company must have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    accounts: tuple[Account, ...] = Field(min_length=1)
    target: Target
    sign: Literal[-1, 1]
    bridges: tuple[LineBridge, ...] = ()
    needs: tuple[Literal["ipe_08", "jdash"], ...] = ()

    @field_validator("bridges")
    @classmethod
    def _bridges_are_named_once(cls, bridges: tuple[LineBridge, ...]) -> tuple[LineBridge, ...]:
        repeated = _repeated(bridge.bridge for bridge in bridges)
        if repeated:
            raise ValueError(f"bridges named twice: {repeated}")
        return bridges


class Lines(BaseModel):
    """All lines of a file, with the version that goes with every result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    lines: tuple[Line, ...]

    @field_validator("lines")
    @classmethod
    def _nothing_counts_twice(cls, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        if repeated := _repeated(line.line for line in lines):
            raise ValueError(f"lines named twice: {repeated}")
        if repeated := _repeated(account for line in lines for account in line.accounts):
            raise ValueError(f"accounts on more than one line, or twice on one: {repeated}")
        if repeated := _repeated(b.bridge for line in lines for b in line.bridges if b.sign):
            raise ValueError(f"bridges that would explain twice: {repeated}")
        return lines

    def within(self, accounts: Collection[str]) -> "Lines":
        """Give the lines all of whose accounts are among `accounts`: what a narrower scope can compute."""
        kept = tuple(line for line in self.lines if set(line.accounts) <= set(accounts))
        return self.model_copy(update={"lines": kept})

    def as_table(self) -> pa.Table:
        """Give a row per line: line, extract, amount_column, row_filter, sign."""
        return _table(
            {
                "line": pa.string(),
                "extract": pa.string(),
                "amount_column": pa.string(),
                "row_filter": pa.string(),
                "sign": pa.int64(),
            },
            [(x.line, x.target.extract, x.target.amount, x.target.rows, x.sign) for x in self.lines],
        )

    def accounts_table(self) -> pa.Table:
        """Give a row per line and account: line, account."""
        return _table(
            {"line": pa.string(), "account": pa.string()},
            [(line.line, account) for line in self.lines for account in line.accounts],
        )

    def bridges_table(self) -> pa.Table:
        """Give a row per line and bridge: line, bridge, sign."""
        return _table(
            {"line": pa.string(), "bridge": pa.string(), "sign": pa.int64()},
            [(line.line, b.bridge, b.sign) for line in self.lines for b in line.bridges],
        )

    def needs_table(self) -> pa.Table:
        """Give a row per line and input it needs: line, input."""
        return _table(
            {"line": pa.string(), "input": pa.string()},
            [(line.line, needed) for line in self.lines for needed in line.needs],
        )


def _repeated(names: Iterable[str]) -> str:
    return ", ".join(sorted(name for name, count in Counter(names).items() if count > 1))


def _table(types: dict[str, pa.DataType], rows: list[tuple[str | int, ...]]) -> pa.Table:
    """Make a table whose types are there also when it has no rows."""
    return pa.table({name: pa.array([row[at] for row in rows], types[name]) for at, name in enumerate(types)})
