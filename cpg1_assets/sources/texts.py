"""Which expressions of a T-SQL query are texts, and what is known of the blanks at their ends.

A column is followed through subqueries and common table expressions to the source schema; the rest follows
from functions and types. Lives here: knowing. Does not: doing anything about it (`blanks`).
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from cpg1_assets.sources.schema import Kind, kind_of


class Blanks(IntEnum):
    """What an expression is, as far as blanks at its end matter; of several branches the greatest counts."""

    NO_TEXT = 0
    UNKNOWN = 1
    """A column of a table that the schema does not list, a parameter, a function nobody knows."""
    NONE = 2
    """A text that has no blanks at its end."""
    AS_WRITTEN = 3
    """A text as somebody wrote it."""
    CHOSEN = 4
    """A text that stands for several which differ in blanks only: which of them is the engine's choice."""


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

    def __init__(self, tree: exp.Expr, parameters: Mapping[str, Blanks] | None = None) -> None:
        """Read the scopes of `tree`; `parameters` says by name what is known of their values."""
        self._scopes = {id(scope.expression): scope for scope in traverse_scope(tree)}
        self._parameters = parameters or {}
        self._known: dict[int, Blanks] = {}

    def of(self, node: exp.Expr) -> Blanks:
        """Say what `node` is."""
        if id(node) not in self._known:
            self._known[id(node)] = self._judged(node)
        return self._known[id(node)]

    def output(self, query: exp.Query, name: str) -> Blanks:
        """Say what the output column `name` of a query is."""
        return max((self.of_output(column) for column in _columns_named(query, name)), default=Blanks.UNKNOWN)

    def of_output(self, column: exp.Expr) -> Blanks:
        """Say what an output column is, once its query has grouped or made distinct."""
        found = self.of(column)
        select = column.parent_select
        if found is not Blanks.AS_WRITTEN or not isinstance(select, exp.Select):
            return found
        grouped = any(True for key in self.group_keys(select) for _ in occurrences(column, key, select))
        return Blanks.CHOSEN if grouped or select.args.get("distinct") or _in_distinct_set(select) else found

    def group_keys(self, select: exp.Select) -> list[exp.Expr]:
        """Give what a SELECT groups by and is a text with its blanks."""
        group = select.args.get("group")
        keys = group.expressions if group is not None else []
        return [key for key in keys if self.of(key) is Blanks.AS_WRITTEN]

    def origins(self, node: exp.Expr) -> Iterator[tuple[tuple[str, ...], str]]:
        """Give the columns of the source that `node` is made of: a table by its parts, and the column's name."""
        for column in node.find_all(exp.Column):
            found = self._found(column)
            if isinstance(found, exp.Table):
                yield tuple(part.name for part in found.parts), column.name
            elif found is not None:
                for named in found:
                    yield from self.origins(named)

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
                return max(self.of(node.this), Blanks.NONE) if self.of(node.this) > 1 else Blanks.AS_WRITTEN
            case exp.Trim():
                return self._trimmed(node)
            case exp.Cast():
                return self._cast(node)
            case exp.Case():
                branches = [branch.args["true"] for branch in node.args["ifs"]]
                return self._greatest([*branches, node.args.get("default")])
            case exp.If():
                return self._greatest([node.args.get("true"), node.args.get("false")])
            case exp.Coalesce():
                return self._greatest([node.this, *node.expressions])
            case exp.Nullif():
                return self.of(node.this)
            case exp.Min() | exp.Max():
                found = self.of(node.this)
                return Blanks.CHOSEN if found is Blanks.AS_WRITTEN else found
            case exp.Add():
                return (
                    Blanks.AS_WRITTEN if self._greatest([node.this, node.expression]) > 1 else Blanks.NO_TEXT
                )
            case _ if isinstance(node, _KEEP_BLANKS):
                found = self.of(node.this)
                return {Blanks.NO_TEXT: Blanks.NONE, Blanks.UNKNOWN: Blanks.AS_WRITTEN}.get(found, found)
            case _ if isinstance(node, _GIVE_TEXT):
                return Blanks.AS_WRITTEN
            case _:
                return Blanks.NO_TEXT if isinstance(node, _GIVE_NO_TEXT) else Blanks.UNKNOWN

    def _greatest(self, nodes: Iterable[exp.Expr | None]) -> Blanks:
        given = [self.of(node) for node in nodes if node is not None and not isinstance(node, exp.Null)]
        return max(given, default=Blanks.NO_TEXT)

    def _trimmed(self, node: exp.Trim) -> Blanks:
        if (node.args.get("position") or "BOTH").upper() != "LEADING" and node.expression is None:
            return Blanks.NONE
        found = self.of(node.this)
        return {Blanks.NO_TEXT: Blanks.NONE, Blanks.UNKNOWN: Blanks.AS_WRITTEN}.get(found, found)

    def _cast(self, node: exp.Cast) -> Blanks:
        if node.to.this not in _TEXT_TYPES:
            return Blanks.NO_TEXT
        # Of a text that is cut short, a blank may become the last character; char is filled up with them.
        is_number = self.of(node.this) is Blanks.NO_TEXT and node.to.this not in _PADDED
        return Blanks.NONE if is_number else Blanks.AS_WRITTEN

    def _column(self, column: exp.Column) -> Blanks:
        found = self._found(column)
        if isinstance(found, exp.Table):
            kind = kind_of(tuple(part.name for part in found.parts), column.name)
            if kind is None:
                return Blanks.UNKNOWN
            return Blanks.AS_WRITTEN if kind is Kind.TEXT else Blanks.NO_TEXT
        return max((self.of_output(named) for named in found or ()), default=Blanks.UNKNOWN)

    def _found(self, column: exp.Column) -> exp.Table | list[exp.Expr] | None:
        """Follow a column: to a table of the source, or to the output columns it is another name of."""
        query = column.find_ancestor(exp.Query)
        if query is None:
            return None
        if not column.table and column.find_ancestor(exp.Order, exp.Query) is not query:
            named = list(_columns_named(query, column.name))
            if named:
                return named
        scope = self._scopes.get(id(query))
        while scope is not None:
            source = self._source(scope, column)
            if isinstance(source, exp.Table):
                return source
            if isinstance(source, Scope):
                return list(_columns_named(source.expression, column.name))
            scope = scope.parent
        return None

    def _source(self, scope: Scope, column: exp.Column) -> exp.Table | Scope | None:
        """Give the table or query that a column belongs to; without an alias, the only one there is."""
        selected = {alias: source for alias, (_, source) in scope.selected_sources.items()}
        if column.table:
            return selected.get(column.table)
        return next(iter(selected.values())) if len(selected) == 1 else None


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


def _columns_named(query: exp.Expr, name: str) -> Iterator[exp.Expr]:
    """Give the output columns `name` of a query: one, or one a branch where queries are put together."""
    if isinstance(query, exp.SetOperation):
        position = next(
            (at for at, column in enumerate(query.selects) if column.alias_or_name.lower() == name.lower()),
            None,
        )
        if position is not None:
            yield from _columns_at(query, position)
        return
    if isinstance(query, exp.Subquery):
        yield from _columns_named(query.this, name)
    elif isinstance(query, exp.Query):
        yield from (column for column in query.selects if column.alias_or_name.lower() == name.lower())


def _columns_at(query: exp.Expr, position: int) -> Iterator[exp.Expr]:
    if isinstance(query, exp.SetOperation):
        yield from _columns_at(query.left, position)
        yield from _columns_at(query.right, position)
    elif isinstance(query, exp.Subquery):
        yield from _columns_at(query.this, position)
    elif isinstance(query, exp.Query) and position < len(query.selects):
        yield query.selects[position]


def _in_distinct_set(select: exp.Select) -> bool:
    """Whether a SELECT is a branch of UNION (without ALL), INTERSECT or EXCEPT."""
    node: exp.Expr | None = select.parent
    while isinstance(node, exp.SetOperation | exp.Subquery):
        if isinstance(node, exp.SetOperation) and node.args.get("distinct"):
            return True
        node = node.parent
    return False


def of_text(text: str) -> Blanks:
    """Say what a text itself is."""
    return Blanks.AS_WRITTEN if text.endswith(" ") else Blanks.NONE
