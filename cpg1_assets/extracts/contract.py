"""The contract of an extract: what its file promises, and the queries that prove it.

One YAML file beside each query says all of it. This module knows what may be said; whether the queries keep
it is the catalog's business, and whether the rows do is `validation`'s.
"""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cpg1_assets.frame import FrameSpec
from cpg1_assets.month import CutoffMonth

MONTH_PARAMETERS = tuple(CutoffMonth(2024, 1).parameters())
"""Names of the month's values that a query or a date rule may name."""

MUST_BE_THERE = "must_be_there"
"""Last column of a query for witnesses: 1 in a row that must be in the extract, 0 in one that must not."""

SEVERAL = "several_"
"""How the names of the columns begin that count several candidates in a join."""


class DateRule(BaseModel):
    """Nothing in `column` lies after the cutoff: `not_after` a date, or `before` a moment. Nulls pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    not_after: str | None = None
    before: str | None = None

    @model_validator(mode="after")
    def _one_known_bound(self) -> "DateRule":
        bounds = [bound for bound in (self.not_after, self.before) if bound is not None]
        if len(bounds) != 1:
            raise ValueError("give either not_after or before, one of them")
        if bounds[0] not in MONTH_PARAMETERS:
            raise ValueError(
                f"{bounds[0]} is not a date of the month; known are: {', '.join(MONTH_PARAMETERS)}"
            )
        return self


class Witness(BaseModel):
    """A statement an auditor tests, and by which columns its rows are looked for in the extract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statement: str
    columns: tuple[str, ...] = Field(min_length=1)


class Witnesses(BaseModel):
    """`positive`: its rows are in the extract. `negative`: none is. One query finds both, so that a table is read once.

    `sql` gives the columns that the two compare by, and at the end `must_be_there`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    positive: Witness
    negative: Witness
    sql: str


class Unambiguous(BaseModel):
    """What the source must say once, because a figure depends on it.

    Every row that `sql` gives is a place where it says several things; `statement` says in a sentence that there
    is none. Beside `id_company` the query gives columns of its own, whatever shows a person both sayings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    statement: str
    sql: str


class Contract(FrameSpec):
    """Columns, types, nulls, key and amounts of an extract, and the queries that test it.

    - `feeds`: the group accounts whose target value or actuals the extract is.
    - `key_may_repeat`: the source may repeat a key; every row is kept and repeats are counted.
    - `every_company`: every company in scope must have rows; one without is named by a check.
    - `control_totals` gives `id_company`, `row_count` and a sum per amount, named like the amount.
    - `several_matches`: the last columns of the query, named `several_…` after a join that only describes: how
      many rows (of a group: of its members) had several candidates there. The first by its key was taken. They
      are counted and not kept.
    - `unambiguous`: rows of the source between which a figure would have to choose.
    """

    feeds: tuple[str, ...] = ()
    key_may_repeat: bool = False
    every_company: bool = False
    date_rule: DateRule | None = None
    control_totals: str
    witnesses: Witnesses
    several_matches: tuple[str, ...] = ()
    unambiguous: Unambiguous | None = None

    @model_validator(mode="after")
    def _rule_is_about_a_date(self) -> "Contract":
        if self.date_rule is None:
            return self
        wanted = "date" if self.date_rule.not_after is not None else "timestamp"
        if (self.date_rule.column, wanted) not in {(c.name, c.type) for c in self.columns}:
            raise ValueError(f"date_rule: {self.date_rule.column} is not a {wanted} column of the extract")
        return self

    @model_validator(mode="after")
    def _several_matches_are_named_after_joins(self) -> "Contract":
        wrong = [name for name in self.several_matches if not name.startswith(SEVERAL)]
        if wrong:
            raise ValueError(f"several_matches: name {wrong[0]} {SEVERAL}… after the join it is about")
        return self

    @property
    def query_columns(self) -> tuple[str, ...]:
        """Columns of the query, in order: those that are kept, then those that count several matches."""
        return (*(column.name for column in self.columns), *self.several_matches)

    @property
    def total_columns(self) -> tuple[str, ...]:
        """Columns of the control total query, in order."""
        return ("id_company", "row_count", *self.amounts)
