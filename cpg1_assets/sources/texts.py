"""Which expressions of a T-SQL query are texts, and what is known of the blanks at their ends.

A column is followed through subqueries and common table expressions to the source schema; the rest follows
from functions and types. Lives here: knowing. Does not: doing anything about it (`blanks`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntFlag, auto
from functools import reduce
from operator import or_

from sqlglot import exp

from cpg1_assets.sources.columns import Columns, branches, columns_named
from cpg1_assets.sources.schema import Kind, kind_of


class Blanks(IntFlag):
    """What an expression is, as far as blanks at its end matter; of several branches, all that they are."""

    NO_TEXT = 0
    UNKNOWN = auto()
    """A column of a table that the schema does not list, a parameter, a function nobody knows."""
    NONE = auto()
    """A text that has no blanks at its end."""
    AS_WRITTEN = auto()
    """A text as somebody wrote it."""
    CHOSEN = auto()
    """A text that stands for several which differ in blanks only: which of them is the engine's choice."""

    @property
    def is_text(self) -> bool:
        """Whether it is known to be a text."""
        return bool(self & (Blanks.NONE | Blanks.AS_WRITTEN | Blanks.CHOSEN))

    def chosen(self) -> "Blanks":
        """Say what it is where one stands for several."""
        return (self & ~Blanks.AS_WRITTEN) | Blanks.CHOSEN if Blanks.AS_WRITTEN in self else self

    def as_text(self) -> "Blanks":
        """Say what it is once it is a text, whatever it was before."""
        if self is Blanks.NO_TEXT:
            return Blanks.NONE
        return self if self.is_text else Blanks.AS_WRITTEN


_TEXT_TYPES = exp.DataType.TEXT_TYPES
_PADDED = {exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR}
_GIVE_TEXT = (exp.Left, exp.Right, exp.Substring, exp.Concat, exp.DPipe, exp.Replace, exp.Stuff)
_KEEP_BLANKS = (exp.Upper, exp.Lower)
_GIVE_NO_TEXT = (
    exp.Predicate, exp.Connector, exp.Not, exp.Neg, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Boolean,
    exp.Count, exp.Sum, exp.Avg, exp.Abs, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Length, exp.StrPosition,
    exp.Year, exp.Month, exp.Day, exp.DateFromParts, exp.DateAdd, exp.DateDiff, exp.TsOrDsToDate,
)  # fmt: skip


class Texts:
    """What is known of every expression of one query; the tree must not change while it is asked."""

    def __init__(self, columns: Columns, parameters: Mapping[str, Blanks] | None = None) -> None:
        """Follow the columns of a query; `parameters` says by name what is known of their values."""
        self._columns = columns
        self._parameters = parameters or {}
        self._known: dict[int, Blanks] = {}

    def of(self, node: exp.Expr) -> Blanks:
        """Say what `node` is."""
        if id(node) not in self._known:
            self._known[id(node)] = self._judged(node)
        return self._known[id(node)]

    def output(self, query: exp.Query, name: str) -> Blanks:
        """Say what the output column `name` of a query is."""
        return _all_of([self.of_output(column) for column in columns_named(query, name)])

    def of_output(self, column: exp.Expr) -> Blanks:
        """Say what an output column is, once its query has grouped or made distinct."""
        found = self.of(column)
        select = column.parent_select
        if Blanks.AS_WRITTEN not in found or not isinstance(select, exp.Select):
            return found
        grouped = any(True for key in self.group_keys(select) for _ in occurrences(column, key, select))
        return found.chosen() if grouped or select.args.get("distinct") or _in_distinct_set(select) else found

    def group_keys(self, select: exp.Select) -> list[exp.Expr]:
        """Give what a SELECT groups by and is a text with its blanks."""
        group = select.args.get("group")
        keys = group.expressions if group is not None else []
        return [key for key in keys if Blanks.AS_WRITTEN in self.of(key)]

    def _judged(self, node: exp.Expr) -> Blanks:  # noqa: PLR0911, C901, PLR0912 - one line a kind of expression
        match node:
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                return of_text(node.name) if node.is_string else Blanks.NO_TEXT
            case exp.National():
                return of_text(node.name)
            case exp.Parameter():
                return self._parameters.get(node.name, Blanks.UNKNOWN)
            case exp.Paren() | exp.Alias() | exp.Window() | exp.Subquery() if not isinstance(
                node.this, exp.Query
            ):
                return self.of(node.this)
            case exp.Subquery():
                return self.of(node.this)
            case exp.Query():
                return self.of_output(node.selects[0]) if node.selects else Blanks.UNKNOWN
            case exp.Collate():
                return self.of(node.this) if self.of(node.this).is_text else Blanks.AS_WRITTEN
            case exp.Trim():
                return self._trimmed(node)
            case exp.Cast():
                return self._cast(node)
            case exp.Case() | exp.If() | exp.Coalesce():
                return self._all(branches(node))
            case exp.Nullif():
                return self.of(node.this)
            case exp.Min() | exp.Max():
                return self.of(node.this).chosen()
            case exp.Add():
                return (
                    Blanks.AS_WRITTEN if self._all([node.this, node.expression]).is_text else Blanks.NO_TEXT
                )
            case _ if isinstance(node, _KEEP_BLANKS):
                return self.of(node.this).as_text()
            case _ if isinstance(node, _GIVE_TEXT):
                return Blanks.AS_WRITTEN
            case _:
                return Blanks.NO_TEXT if isinstance(node, _GIVE_NO_TEXT) else Blanks.UNKNOWN

    def _all(self, nodes: Iterable[exp.Expr]) -> Blanks:
        given = [self.of(node) for node in nodes if not isinstance(node, exp.Null)]
        return _all_of(given) if given else Blanks.NO_TEXT

    def _trimmed(self, node: exp.Trim) -> Blanks:
        if (node.args.get("position") or "BOTH").upper() != "LEADING" and node.expression is None:
            return Blanks.NONE
        return self.of(node.this).as_text()

    def _cast(self, node: exp.Cast) -> Blanks:
        if node.to.this not in _TEXT_TYPES:
            return Blanks.NO_TEXT
        # Of a text that is cut short, a blank may become the last character; char is filled up with them.
        is_number = self.of(node.this) is Blanks.NO_TEXT and node.to.this not in _PADDED
        return Blanks.NONE if is_number else Blanks.AS_WRITTEN

    def _column(self, column: exp.Column) -> Blanks:
        found = self._columns.found(column)
        if isinstance(found, exp.Table):
            kind = kind_of(tuple(part.name for part in found.parts), column.name)
            if kind is None:
                return Blanks.UNKNOWN
            return Blanks.AS_WRITTEN if kind.sql_type == Kind.TEXT.sql_type else Blanks.NO_TEXT
        return _all_of([self.of_output(named) for named in found or ()])


def occurrences(node: exp.Expr, key: exp.Expr, select: exp.Select) -> Iterator[exp.Expr]:
    """Give each place in `node`, a part of `select`, that says the same as `key` and is not aggregated."""
    if node == key:
        yield node
        return
    if isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window):
        return
    if isinstance(node, exp.Query):
        return
    for below in node.iter_expressions():
        yield from occurrences(below, key, select)


def _in_distinct_set(select: exp.Select) -> bool:
    """Whether a SELECT is a branch of UNION (without ALL), INTERSECT or EXCEPT."""
    node: exp.Expr | None = select.parent
    while isinstance(node, exp.SetOperation | exp.Subquery):
        if isinstance(node, exp.SetOperation) and node.args.get("distinct"):
            return True
        node = node.parent
    return False


def _all_of(found: Sequence[Blanks]) -> Blanks:
    return reduce(or_, found) if found else Blanks.UNKNOWN


def of_text(text: str) -> Blanks:
    """Say what a text itself is."""
    return Blanks.AS_WRITTEN if text.endswith(" ") else Blanks.NONE
