"""Where a column of a query comes from: a table of the source, or output columns of a query inside it.

Lives here: following names through subqueries, common table expressions and set operations, and a value through the
branches it may come from. Does not: what a column holds (`kinds`, `texts`, `collations`).
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope


class Columns:
    """The columns of one query, followed to where they come from; the tree must not change while it is asked."""

    def __init__(self, tree: exp.Expr) -> None:
        """Read the scopes of `tree`."""
        self._scopes = {id(scope.expression): scope for scope in traverse_scope(tree)}

    def found(self, column: exp.Column) -> exp.Table | list[exp.Expr] | None:
        """Follow a column: to a table of the source, or to the output columns it is another name of.

        An empty list says that the query it should come from has no such column; None, that nothing beside
        it can be told to have it.
        """
        query = column.find_ancestor(exp.Query)
        if query is None:
            return None
        if is_ordered_by_name(column):
            named = list(columns_named(query, column.name))
            if named:
                return named
        scope = self._scopes.get(id(query))
        while scope is not None:
            source = _source(scope, column)
            if isinstance(source, exp.Table):
                return source
            if isinstance(source, Scope):
                return list(columns_named(source.expression, column.name))
            # What stands in FROM does not see the tables beside it: SQL Server has APPLY for that.
            scope = (
                scope.parent.parent if scope.is_derived_table and scope.parent is not None else scope.parent
            )
        return None

    def origins(self, node: exp.Expr) -> Iterator[tuple[tuple[str, ...], str]]:
        """Give the columns of the source that `node` is made of: a table by its parts, and the column's name."""
        for column in node.find_all(exp.Column):
            found = self.found(column)
            if isinstance(found, exp.Table):
                yield tuple(part.name for part in found.parts), column.name
            elif found is not None:
                for named in found:
                    yield from self.origins(named)


def is_ordered_by_name(column: exp.Column) -> bool:
    """Whether a column is all that an ORDER BY of its query sorts by, so that an output's name goes first."""
    ordered = column.parent
    if column.table or not isinstance(ordered, exp.Ordered) or ordered.parent is None:
        return False
    return isinstance(ordered.parent.parent, exp.Query)


def columns_named(query: exp.Expr, name: str) -> Iterator[exp.Expr]:
    """Give the output columns `name` of a query: one, or one a branch where queries are put together."""
    if isinstance(query, exp.SetOperation):
        position = next(
            (at for at, column in enumerate(query.selects) if column.alias_or_name.lower() == name.lower()),
            None,
        )
        if position is not None:
            yield from columns_at(query, position)
        return
    if isinstance(query, exp.Subquery):
        yield from columns_named(query.this, name)
    elif isinstance(query, exp.Query):
        yield from (column for column in query.selects if column.alias_or_name.lower() == name.lower())


def columns_at(query: exp.Expr, position: int) -> Iterator[exp.Expr]:
    """Give the output columns at a position of a query, one a branch where queries are put together."""
    if isinstance(query, exp.SetOperation):
        yield from columns_at(query.left, position)
        yield from columns_at(query.right, position)
    elif isinstance(query, exp.Subquery):
        yield from columns_at(query.this, position)
    elif isinstance(query, exp.Query) and position < len(query.selects):
        yield query.selects[position]


def _source(scope: Scope, column: exp.Column) -> exp.Table | Scope | None:
    """Give the table or query that a column belongs to; without an alias, the only one there is."""
    selected = {alias.lower(): source for alias, (_, source) in scope.selected_sources.items()}
    if column.table:
        return selected.get(column.table.lower())
    return next(iter(selected.values())) if len(selected) == 1 else None


def branches(node: exp.Case | exp.If | exp.Coalesce) -> list[exp.Expr]:
    """Give the expressions one of which is the value, in the order they are written."""
    if isinstance(node, exp.Coalesce):
        given = [node.this, *node.expressions]
    elif isinstance(node, exp.If):
        given = [node.args.get("true"), node.args.get("false")]
    else:
        given = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
    return [each for each in given if each is not None]
