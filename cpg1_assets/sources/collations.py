"""By what a text of a T-SQL query compares: its column's own collation, a binary one, or after folding its case.

The rules are those of Microsoft's page *Collation Precedence*: an explicit COLLATE goes before a column's
collation, and that before the database's own, which a fixed value has. Lives here: knowing. Does not: what
has to be written where (`gate`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import reduce
from typing import Literal

from sqlglot import exp

from cpg1_assets.sources.columns import Columns, branches, columns_at

Case = Literal["upper", "lower"]
_CASES: tuple[Case, Case] = ("upper", "lower")


class Label(IntEnum):
    """Whose collation a text has; of two that meet, the greater decides."""

    FIXED = 0
    """No column's: a value as written or bound, in the database's own collation."""
    OWN = 1
    """A column's own collation, which ignores case and is not known here."""
    BINARY = 2
    """A column of a subquery that was given a binary collation inside."""
    CONFLICT = 3
    """Columns of different collations put together: the server cannot compare it."""
    WRITTEN = 4
    """A binary collation written where it stands."""


@dataclass(frozen=True)
class Collation:
    """How one text compares.

    `cases` are those it is known to be in: folded, or written so in ASCII, where every engine agrees.
    `fixed` are the values it may have, where it can have no others. `databases` are those whose columns give it
    a collation of their own: two databases may have two.
    """

    label: Label
    cases: frozenset[Case] = frozenset()
    fixed: frozenset[str] | None = None
    databases: frozenset[str] = frozenset()

    @property
    def is_binary(self) -> bool:
        """Whether it compares exactly, blanks at the end apart."""
        return self.label in (Label.BINARY, Label.WRITTEN)


_KEEP = (
    exp.Paren, exp.Alias, exp.Window, exp.Trim, exp.Left, exp.Right, exp.Substring, exp.Cast, exp.Min, exp.Max,
    exp.Replace, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.Nullif,
)  # fmt: skip
_UNKNOWN = Collation(Label.OWN)


class Collations:
    """How every text of one query compares; the tree must not change while it is asked."""

    def __init__(self, columns: Columns, parameters: Mapping[str, frozenset[Case]]) -> None:
        """Follow the columns of a query; `parameters` says by name which case their texts are in."""
        self._columns = columns
        self._parameters = parameters
        self._known: dict[int, Collation] = {}

    def of(self, node: exp.Expr) -> Collation:
        """Say how `node`, which is a text, compares."""
        if id(node) not in self._known:
            self._known[id(node)] = self._judged(node)
        return self._known[id(node)]

    def _judged(self, node: exp.Expr) -> Collation:  # noqa: C901, PLR0911, PLR0912 - one line a kind of expression
        match node:
            case exp.Literal() | exp.National():
                return Collation(Label.FIXED, cases_of(node.name), frozenset([node.name]))
            case exp.Null():
                return together(())
            case exp.Parameter():
                return Collation(Label.FIXED, self._parameters.get(node.name, frozenset()))
            case exp.Column():
                return self._column(node)
            case exp.Collate():
                return replace(self.of(node.this), label=Label.WRITTEN, databases=frozenset())
            case exp.Subquery() | exp.Query():
                given = [self.of(column) for column in columns_at(node, 0)]
                # What a list is made of stands in the comparison itself: its COLLATE is written there.
                return together(given if node.arg_key == "query" else map(_as_column, given))
            case exp.Upper() | exp.Lower():
                case: Case = "upper" if isinstance(node, exp.Upper) else "lower"
                inner = self.of(node.this)
                if inner.fixed is None:
                    return replace(inner, cases=frozenset([case]))
                if not all(map(str.isascii, inner.fixed)):
                    return replace(inner, cases=frozenset(), fixed=None)
                folded = frozenset(getattr(value, case)() for value in inner.fixed)
                return replace(inner, cases=cases_of(*folded), fixed=folded)
            case exp.Case() | exp.If() | exp.Coalesce():
                return self._all(branches(node))
            case exp.Add() | exp.Concat() | exp.ConcatWs():
                parts = node.expressions or [node.this, node.expression]
                return replace(self._all(parts), cases=frozenset(), fixed=None)
            case _ if isinstance(node, _KEEP):
                inner = self.of(node.this)
                kept = isinstance(node, exp.Paren | exp.Alias | exp.Window | exp.Min | exp.Max | exp.Nullif)
                return inner if kept else replace(inner, fixed=None)
            case _:
                return _UNKNOWN

    def _all(self, nodes: Iterable[exp.Expr]) -> Collation:
        return together([self.of(node) for node in nodes])

    def _column(self, column: exp.Column) -> Collation:
        found = self._columns.found(column)
        if isinstance(found, exp.Table):
            return replace(_UNKNOWN, databases=frozenset([found.catalog.lower()]))
        if not isinstance(found, list) or not found:
            return _UNKNOWN
        return together([_as_column(self.of(named)) for named in found])


def cases_of(*texts: str) -> frozenset[Case]:
    """Say which cases all of some fixed texts are in; beyond ASCII none is believed."""
    if not all(map(str.isascii, texts)):
        return frozenset()
    return frozenset(case for case in _CASES if all(getattr(text, case)() == text for text in texts))


def together(given: Iterable[Collation]) -> Collation:
    """Say how a text compares that is one of several."""
    return reduce(_both, given, Collation(Label.FIXED, frozenset(_CASES), frozenset()))


def _both(one: Collation, other: Collation) -> Collation:
    label = max(one.label, other.label)
    databases = one.databases | other.databases
    if {one.label, other.label} == {Label.OWN, Label.BINARY} or (label is Label.OWN and len(databases) > 1):
        label = Label.CONFLICT
    fixed = None if one.fixed is None or other.fixed is None else one.fixed | other.fixed
    return Collation(label, one.cases & other.cases, fixed, databases if label is Label.OWN else frozenset())


def _as_column(inside: Collation) -> Collation:
    """Say how a text compares once it is a column of a subquery: what was written has become the column's own."""
    return replace(inside, label=Label.BINARY) if inside.label is Label.WRITTEN else inside
