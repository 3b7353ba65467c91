"""Which columns of its inputs each column of a derived frame is made of, read off the rule's statement.

A column is made of every input column that its expression reads: in a case's conditions, an aggregate's filter or a
window as well. What only decides which rows there are (joins, filters, groups) is not named. Where a statement says a
thing in a way that is not followed here, the column is left out and named as not told: nothing is guessed.
"""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.kept import kept
from cpg1_assets.rules.graph import derivations

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

_LONGEST = 20_000
"""Characters of a statement that is followed. The two that take variances apart are longer: what their columns are made
of goes through rule files whose columns the statement does not name, and reading them would cost more than it tells."""

Origin: TypeAlias = tuple[str, str]
"""A frame and a column of it."""


@dataclass(frozen=True)
class ColumnLineage:
    """What each column is made of, by its name, sorted; `not_told` are the columns that could not be followed.

    A column in neither reads no column: it counts rows, or comes from the rule files.
    """

    made_of: Mapping[str, tuple[Origin, ...]]
    not_told: tuple[str, ...]


class _NotToldError(Exception):
    """The statement says it in a way that is not followed."""


@cache
def column_lineage(name: str) -> ColumnLineage:
    """Give the lineage of a derived frame; its statement is read once."""
    derivation = derivations()[name]
    module = importlib.import_module(f"cpg1_assets.rules.{name}")
    columns = [column.name for column in derivation.spec.columns]
    if len(module.STATEMENT) > _LONGEST:
        return ColumnLineage({}, tuple(columns))
    inputs = {frame: _columns_read(module, frame) for frame in derivation.inputs}

    def followed() -> str:
        lineage = lineage_of(module.STATEMENT, inputs, columns)
        return json.dumps([lineage.made_of, lineage.not_told])

    made_of, not_told = json.loads(kept(followed, "lineage", name, module.STATEMENT))
    return ColumnLineage({made: tuple(map(tuple, of)) for made, of in made_of.items()}, tuple(not_told))


def lineage_of(
    statement: str, inputs: Mapping[str, tuple[str, ...] | None], columns: Iterable[str]
) -> ColumnLineage:
    """Follow `columns` through a statement, or through several that make tables for the last.

    `inputs` are the columns of each input frame, or None where they are not known: what is read of such a frame then
    must say so. Every other table is taken for one of rule files, which is no frame.
    """
    import sqlglot  # noqa: PLC0415 - slow to load, and needed where something is materialized only
    from sqlglot import exp  # noqa: PLC0415 - likewise
    from sqlglot.optimizer.scope import build_scope  # noqa: PLC0415 - likewise

    follower = _Follower(dict(inputs))
    last: Scope | None = None
    for each in sqlglot.parse(statement, dialect="duckdb"):
        if each is not None and any(found.args.get("recursive") for found in each.find_all(exp.With)):
            return ColumnLineage({}, tuple(columns))
        if isinstance(each, exp.Create):
            follower.stages[each.this.name] = build_scope(each.expression)
        elif each is not None:
            last = build_scope(each)
    made_of, not_told = {}, []
    for column in columns:
        try:
            found = follower.output(last, column) if last is not None else _not_told()
        except _NotToldError:
            not_told.append(column)
        else:
            if found:
                made_of[column] = tuple(sorted(found))
    return ColumnLineage(made_of, tuple(not_told))


@dataclass
class _Follower:
    """Follows columns through scopes; `stages` are the tables that earlier statements made."""

    inputs: dict[str, tuple[str, ...] | None]
    stages: dict[str, "Scope | None"] = field(default_factory=dict)
    _found: dict[tuple[int, str], frozenset[Origin]] = field(default_factory=dict)
    _under_way: set[tuple[int, str]] = field(default_factory=set)

    def output(self, scope: "Scope", column: str) -> frozenset[Origin]:
        """Give the origins of an output column of a query."""
        key = (id(scope), column)
        if key in self._found:
            return self._found[key]
        if key in self._under_way:
            raise _NotToldError  # it is made of itself: a recursion
        self._under_way.add(key)
        try:
            found = self._output(scope, column)
        finally:
            self._under_way.discard(key)
        self._found[key] = found
        return found

    def _output(self, scope: "Scope", column: str) -> frozenset[Origin]:
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        query = scope.expression
        if scope.outer_columns:  # WITH name(columns) or AS name(columns): by place
            names = scope.outer_columns
            own = self._own_columns(scope)
            if len(own) != len(names) or names.count(column) != 1:
                raise _NotToldError
            column = own[names.index(column)]
        if isinstance(query, exp.SetOperation):
            if query.args.get("by_name") or not scope.set_operation_scopes:
                raise _NotToldError
            names = self.columns(scope.set_operation_scopes[0])
            place = names.index(column) if names.count(column) == 1 else _not_told()
            return frozenset().union(
                *(self._at(each, place, len(names)) for each in scope.set_operation_scopes)
            )
        if not isinstance(query, exp.Select):
            raise _NotToldError
        of_name = [each for each in query.expressions if each.alias_or_name == column and not _is_star(each)]
        if len(of_name) == 1:
            return self._read(scope, of_name[0], query)
        if of_name:
            raise _NotToldError
        stars = [
            source for each in query.expressions if _is_star(each) for source in self._starred(scope, each)
        ]
        having = [source for source in stars if column in self._columns_of(scope, source)]
        if len(having) != 1:
            raise _NotToldError
        return self._from(scope, having[0], column)

    def _at(self, scope: "Scope", place: int, width: int) -> frozenset[Origin]:
        """Give the origins of the output column at a place of one side of a UNION, whatever its name there."""
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        query, names = scope.expression, self.columns(scope)
        if len(names) != width:
            raise _NotToldError
        if isinstance(query, exp.SetOperation):
            sides = scope.set_operation_scopes
            return frozenset().union(*(self._at(side, place, width) for side in sides))
        if isinstance(query, exp.Select) and not any(map(_is_star, query.expressions)):
            return self._read(scope, query.expressions[place], query)
        return self.output(scope, names[place]) if names.count(names[place]) == 1 else _not_told()

    def columns(self, scope: "Scope") -> list[str]:
        """Give the names of a query's output columns, in order, as those outside of it see them."""
        return list(scope.outer_columns) or self._own_columns(scope)

    def _own_columns(self, scope: "Scope") -> list[str]:
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        query = scope.expression
        if isinstance(query, exp.SetOperation):
            return self.columns(scope.set_operation_scopes[0]) if scope.set_operation_scopes else _not_told()
        if not isinstance(query, exp.Select):
            raise _NotToldError
        names: list[str] = []
        for each in query.expressions:
            if _is_star(each):
                for source in self._starred(scope, each):
                    names += self._columns_of(scope, source)
            else:
                names.append(each.alias_or_name)
        return names

    def _starred(self, scope: "Scope", star: "exp.Expr") -> list[str]:
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        bare = star.this if isinstance(star, exp.Column) else star
        if any(bare.args.get(name) for name in ("except_", "except", "replace", "rename")):
            raise _NotToldError
        if isinstance(star, exp.Column):
            return [star.table]
        if any(join.args.get("using") for join in scope.expression.args.get("joins") or ()):
            raise _NotToldError
        return list(scope.selected_sources)

    def _columns_of(self, scope: "Scope", source: str) -> list[str]:
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        found = _source_of(scope, source)
        if isinstance(found, exp.Table):
            stage = self.stages.get(found.name)
            if stage is not None:
                return self.columns(stage)
            known = self.inputs.get(found.name)
            return list(known) if known is not None else _not_told()
        return self.columns(found)

    def _read(self, scope: "Scope", expression: "exp.Expr", query: "exp.Select") -> frozenset[Origin]:
        """Give the origins of all that an expression reads."""
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        found: set[Origin] = set()
        for node in _outside_of_subqueries(expression):
            if isinstance(node, exp.Exists | exp.Lateral | exp.Unnest | exp.Lambda | exp.Columns):
                raise _NotToldError
            if isinstance(node, exp.Query):
                query_in_it = node.unnest()
                inner = next((s for s in scope.subquery_scopes if s.expression is query_in_it), None)
                if inner is None or len(self.columns(inner)) != 1:
                    raise _NotToldError
                found |= self.output(inner, self.columns(inner)[0])
            elif isinstance(node, exp.Window) and node.args.get("alias"):
                found |= self._named_window(scope, node.args["alias"].name, query)
            elif isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                found |= self._column(scope, node, query, within=expression)
        return frozenset(found)

    def _named_window(self, scope: "Scope", name: str, query: "exp.Select") -> frozenset[Origin]:
        for window in query.args.get("windows") or ():
            if window.name == name:
                return self._read(scope, window, query)
        raise _NotToldError

    def _column(
        self, scope: "Scope", column: "exp.Column", query: "exp.Select", within: "exp.Expr"
    ) -> frozenset[Origin]:
        if column.table:
            return self._from(self._scope_of(scope, column.table), column.table, column.name)
        if any(
            column.name == key.name
            for join in query.args.get("joins") or ()
            for key in join.args.get("using") or ()
        ):
            raise _NotToldError  # of either side
        having, open_ = self._could_be_of(scope, column.name)
        aliased = [each for each in query.expressions if each.alias == column.name and each is not within]
        if not having and len(open_) == len(scope.selected_sources) == 1:
            # There is nothing else it could be of, but a name given beside it or a query around.
            return _not_told() if aliased or scope.is_subquery else self._from(scope, open_[0], column.name)
        if any(self._is_frame(scope, source) for source in open_) or len(having) > 1:
            raise _NotToldError
        if having:
            return self._from(scope, having[0], column.name)
        if open_:
            return _not_told() if scope.is_subquery else frozenset()  # of a rule file, or of the query around
        return self._read(scope, aliased[0], query) if len(aliased) == 1 else _not_told()

    def _could_be_of(self, scope: "Scope", column: str) -> tuple[list[str], list[str]]:
        """Give the sources that have a column of the name, and those whose columns are not known."""
        having, open_ = [], []
        for source in scope.selected_sources:
            try:
                if column in self._columns_of(scope, source):
                    having.append(source)
            except _NotToldError:
                open_.append(source)
        return having, open_

    def _is_frame(self, scope: "Scope", source: str) -> bool:
        """Whether a source whose columns are not known may be of a frame: a rule file's table is not."""
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        found = _source_of(scope, source)
        return not isinstance(found, exp.Table) or found.name in self.inputs or found.name in self.stages

    def _scope_of(self, scope: "Scope", source: str) -> "Scope":
        at: Scope | None = scope
        while at is not None:
            if source in at.selected_sources:
                return at
            at = at.parent
        raise _NotToldError

    def _from(self, scope: "Scope", source: str, column: str) -> frozenset[Origin]:
        """Give the origins of a column of a source: a frame's own, nothing for a rule file's."""
        from sqlglot import exp  # noqa: PLC0415 - loaded already

        found = _source_of(scope, source)
        if not isinstance(found, exp.Table):
            return self.output(found, column)
        stage = self.stages.get(found.name)
        if stage is not None:
            return self.output(stage, column)
        if found.name not in self.inputs:
            return frozenset()
        known = self.inputs[found.name]
        if known is not None and column not in known:
            raise _NotToldError
        return frozenset({(found.name, column)})


def _source_of(scope: "Scope", source: str) -> "exp.Table | Scope":
    """Give what a name in FROM or JOIN stands for."""
    if source not in scope.selected_sources:
        raise _NotToldError
    found: exp.Table | Scope = scope.selected_sources[source][1]
    return found


def _outside_of_subqueries(expression: "exp.Expr") -> Iterator["exp.Expr"]:
    """Walk an expression; a query in it is given and not entered."""
    from sqlglot import exp  # noqa: PLC0415 - loaded already

    yield from expression.walk(prune=lambda node: isinstance(node, exp.Query))


def _is_star(expression: "exp.Expr") -> bool:
    from sqlglot import exp  # noqa: PLC0415 - loaded already

    return isinstance(expression, exp.Star) or (
        isinstance(expression, exp.Column) and isinstance(expression.this, exp.Star)
    )


def _not_told() -> NoReturn:
    raise _NotToldError


def _columns_read(module: ModuleType, frame: str) -> tuple[str, ...] | None:
    """Give the columns a rule declares to read of a frame, beside the rule; None where it declares none by that name."""
    for name in (f"{frame.upper()}_COLUMNS", frame.upper()):
        declared = getattr(module, name, None)
        columns = declared.columns if isinstance(declared, FrameSpec) else declared
        if isinstance(columns, tuple) and all(isinstance(column, Column) for column in columns):
            return tuple(column.name for column in columns)
    return None
