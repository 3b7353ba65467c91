"""What every expression of a T-SQL query is, by SQL Server's own rules: text, number with its digits, date.

Precision and scale follow Microsoft's pages *Precision, scale, and length* and *Data type precedence*. Lives
here: knowing. Does not: what may be said of a kind (`gate`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce

from sqlglot import exp

from cpg1_assets.sources.columns import Columns, branches, columns_at
from cpg1_assets.sources.schema import Kind, kind_of

MOST_DIGITS = 38
_LARGEST_INT = 2_147_483_647


class Family(StrEnum):
    """Kinds of values between which SQL Server converts by itself; the value is what a person calls them."""

    UNKNOWN = "something of unknown kind"
    NULL = "a bare NULL"
    CONDITION = "a condition"
    TEXT = "a text"
    COMPANY = "a company code"
    WHOLE = "a whole number"
    DECIMAL = "a decimal"
    FLAG = "a flag"
    DATE = "a date"
    MOMENT = "a datetime"
    FINE_MOMENT = "a datetime2"

    @property
    def is_text(self) -> bool:
        """Whether it compares by a collation."""
        return self in (Family.TEXT, Family.COMPANY)

    @property
    def is_number(self) -> bool:
        """Whether one can reckon with it."""
        return self in (Family.WHOLE, Family.DECIMAL)


@dataclass(frozen=True)
class SqlType:
    """A kind with its digits, where it is a number. `rounds` says that SQL Server gave up decimal places for it."""

    family: Family
    precision: int = 0
    scale: int = 0
    rounds: bool = False
    is_literal: bool = False
    """Whether it is a whole number as written, whose digits SQL Server counts in one of two ways."""

    @property
    def whole_digits(self) -> int:
        """Digits before the decimal point."""
        return self.precision - self.scale


UNKNOWN = SqlType(Family.UNKNOWN)
NULL = SqlType(Family.NULL)
CONDITION = SqlType(Family.CONDITION)
TEXT = SqlType(Family.TEXT)
COMPANY = SqlType(Family.COMPANY)
FLAG = SqlType(Family.FLAG)
DATE = SqlType(Family.DATE)
MOMENT = SqlType(Family.MOMENT)
FINE_MOMENT = SqlType(Family.FINE_MOMENT)
INT = SqlType(Family.WHOLE, 10)
BIGINT = SqlType(Family.WHOLE, 19)

OF_SCHEMA = {
    Kind.TEXT: TEXT,
    Kind.COMPANY: COMPANY,
    Kind.WHOLE: BIGINT,
    Kind.MONEY: SqlType(Family.DECIMAL, 38, 20),
    Kind.FLAG: FLAG,
    Kind.MOMENT: MOMENT,
}
_T = exp.DataType.Type
_OF_TYPE = {
    _T.NVARCHAR: TEXT,
    _T.VARCHAR: TEXT,
    _T.NCHAR: TEXT,
    _T.CHAR: TEXT,
    _T.TEXT: TEXT,
    _T.INT: INT,
    _T.BIGINT: BIGINT,
    _T.BIT: FLAG,
    _T.DATE: DATE,
    _T.DATETIME: MOMENT,
    _T.DATETIME2: FINE_MOMENT,
}
_GIVE: dict[type[exp.Expr], SqlType] = {
    **dict.fromkeys(
        (exp.Left, exp.Right, exp.Substring, exp.Concat, exp.ConcatWs, exp.Replace, exp.National), TEXT
    ),
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.Length, exp.StrPosition), INT),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank), BIGINT),
    **dict.fromkeys((exp.DateFromParts, exp.LastDay), DATE),
    exp.Null: NULL,
}  # fmt: skip
_KEEP = (
    exp.Paren, exp.Alias, exp.Window, exp.Min, exp.Max, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
    exp.Upper, exp.Lower, exp.Trim, exp.Abs, exp.Neg, exp.DateAdd, exp.TsOrDsToDate, exp.TimeStrToTime,
)  # fmt: skip


class Kinds:
    """What every expression of one query is; the tree must not change while it is asked."""

    def __init__(self, columns: Columns, parameters: Mapping[str, SqlType]) -> None:
        """Follow the columns of a query; `parameters` says by name what their values are."""
        self._columns = columns
        self._parameters = parameters
        self._known: dict[int, SqlType] = {}

    def of(self, node: exp.Expr) -> SqlType:
        """Say what `node` is; what is of no kind that the seam knows is UNKNOWN."""
        if id(node) not in self._known:
            self._known[id(node)] = self._judged(node)
        return self._known[id(node)]

    def of_output(self, query: exp.Expr, position: int) -> SqlType:
        """Say what an output column of a query is, over all its branches."""
        return unified([self.of(column) for column in columns_at(query, position)])

    def _judged(self, node: exp.Expr) -> SqlType:  # noqa: C901, PLR0911, PLR0912 - one line a kind of expression
        match node:
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                return TEXT if node.is_string else of_number(node.name)
            case exp.Parameter():
                return self._parameters.get(node.name, UNKNOWN)
            case exp.Collate():
                return TEXT
            case exp.Subquery() | exp.Query():
                return self.of_output(node, 0)
            case exp.Cast():
                return of_type(node.to)
            case exp.Coalesce() if node.args.get("is_null") and self.of(node.this).family is not Family.NULL:
                return self.of(node.this)
            case exp.Case() | exp.If() | exp.Coalesce():
                return self._all(branches(node))
            case exp.Nullif():
                return self.of(node.this)
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Mod():
                return reckoned(node, self.of(node.this), self.of(node.expression))
            case exp.Sum():
                given = self.of(node.this)
                return replace(given, precision=MOST_DIGITS) if given.family is Family.DECIMAL else given
            case exp.Count() | exp.DateDiff():
                return BIGINT if node.args.get("big_int") else INT
            case exp.Predicate() | exp.Connector() | exp.Not() | exp.Escape():
                return CONDITION
            case _ if isinstance(node, _KEEP):
                return replace(self.of(node.this), is_literal=False)
            case _:
                return _GIVE.get(type(node), UNKNOWN)

    def _all(self, nodes: Iterable[exp.Expr]) -> SqlType:
        return unified([self.of(node) for node in nodes])

    def _column(self, column: exp.Column) -> SqlType:
        found = self._columns.found(column)
        if isinstance(found, exp.Table):
            kind = kind_of(tuple(part.name for part in found.parts), column.name)
            return UNKNOWN if kind is None else OF_SCHEMA[kind]
        return unified([self.of(named) for named in found]) if found else UNKNOWN


def of_number(written: str) -> SqlType:
    """Say what a number as written is: an int, or a decimal with just the digits it has."""
    whole, _, places = written.partition(".")
    if not (whole + places).isdigit():
        return UNKNOWN
    if not places and int(whole) <= _LARGEST_INT:
        return replace(INT, is_literal=True)
    return SqlType(Family.DECIMAL, max(len(whole.lstrip("0")) + len(places), 1), len(places))


def of_type(written: exp.DataType) -> SqlType:
    """Say what a type of a CAST is."""
    if written.this is _T.DECIMAL:
        digits = [int(part.name) for part in written.expressions]
        # Without both, engines take other digits.
        match digits:
            case [precision, scale]:
                return SqlType(Family.DECIMAL, precision, scale)
            case _:
                return UNKNOWN
    return _OF_TYPE.get(written.this, UNKNOWN)


def unified(types: Iterable[SqlType]) -> SqlType:
    """Say what several expressions that stand for one another are together: UNKNOWN where they do not fit."""
    given = [one for one in types if one.family is not Family.NULL]
    return reduce(_together, given) if given else NULL


def _together(one: SqlType, other: SqlType) -> SqlType:
    families = {one.family, other.family}
    if families == {Family.TEXT, Family.COMPANY}:
        return COMPANY
    if families == {Family.DATE, Family.MOMENT}:
        return MOMENT
    if Family.DECIMAL in families and families <= {Family.WHOLE, Family.DECIMAL}:
        return _fitted(max(one.whole_digits, other.whole_digits), max(one.scale, other.scale), one, other)
    if len(families) > 1:
        return UNKNOWN
    if one.family is Family.WHOLE:
        both = one.is_literal and other.is_literal
        return replace(max(one, other, key=lambda number: number.precision), is_literal=both)
    return one


def reckoned(node: exp.Expr, left: SqlType, right: SqlType) -> SqlType:  # noqa: PLR0911 - one line a rule
    """Say what a sum, difference, product or remainder of two is."""
    families = {left.family, right.family}
    if isinstance(node, exp.Add) and families <= {Family.TEXT, Family.COMPANY, Family.NULL}:
        return TEXT
    if Family.NULL in families and len(families) > 1:
        return left if right.family is Family.NULL else right
    if families == {Family.WHOLE}:
        return replace(max(left, right, key=lambda number: number.precision), is_literal=False)
    if not families <= {Family.WHOLE, Family.DECIMAL}:
        return UNKNOWN
    if isinstance(node, exp.Mul):
        scale, precision = left.scale + right.scale, left.precision + right.precision + 1
        kept = min(scale, max(MOST_DIGITS - (precision - scale), min(scale, 6)))
        rounds = left.rounds or right.rounds or precision > MOST_DIGITS
        return SqlType(Family.DECIMAL, min(precision, MOST_DIGITS), kept if rounds else scale, rounds)
    if isinstance(node, exp.Mod):
        return UNKNOWN
    return _fitted(
        max(left.whole_digits, right.whole_digits), max(left.scale, right.scale), left, right, carry=1
    )


def _fitted(whole: int, scale: int, one: SqlType, other: SqlType, carry: int = 0) -> SqlType:
    """Fit a decimal into 38 digits: the digits before the point are kept, those behind it give way."""
    precision = min(whole + scale + carry, MOST_DIGITS)
    kept = min(scale, MOST_DIGITS - whole)
    return SqlType(Family.DECIMAL, precision, kept, one.rounds or other.rounds or kept < scale)
