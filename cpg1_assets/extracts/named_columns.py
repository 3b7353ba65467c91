"""Which tables and columns of the source the control reads: derived from its statements, never listed by hand.

A statement names a table by its three parts and its columns through an alias. What a subquery or a common
table expression gives is followed to the table it comes from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from cpg1_assets.extracts.catalog import Extract, companies_in_scope_sql

COMPANIES_IN_SCOPE = "companies_in_scope"
"""What the query for the companies in scope is called beside the extracts."""


@dataclass(frozen=True)
class NamedTable:
    """A table as the statements name it, and by column the extracts whose statements name that column."""

    database: str
    schema: str
    name: str
    columns: Mapping[str, tuple[str, ...]]

    @property
    def extracts(self) -> tuple[str, ...]:
        """The extracts that read the table, by name."""
        return tuple(sorted({extract for extracts in self.columns.values() for extract in extracts}))


def named_tables(catalog: Mapping[str, Extract]) -> list[NamedTable]:
    """Give every table that a statement of `catalog` or the companies in scope read, with its columns, by name."""
    found: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for extract, statements in _all_statements(catalog):
        for statement in statements:
            for table, column in source_columns(statement):
                columns = found.setdefault(table, {})
                if column:
                    columns.setdefault(column, set()).add(extract)
    return [
        NamedTable(
            database, schema, name, {column: tuple(sorted(by)) for column, by in sorted(columns.items())}
        )
        for (database, schema, name), columns in sorted(found.items())
    ]


def statements_of(extract: Extract) -> Iterator[str]:
    """Give every statement an extract sends to the source: query, totals, witnesses, ambiguities."""
    contract = extract.contract
    yield extract.sql
    yield contract.control_totals
    yield contract.witnesses.sql
    if contract.unambiguous is not None:
        yield contract.unambiguous.sql


def source_columns(statement: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each table of the source that a statement names, by its parts, with each column of it named there.

    A table is also given once with an empty column, so that one of which no column is named is not forgotten.
    A column without an alias belongs to the one table beside it; among several it cannot be told, and is left
    out: the queries write an alias there.
    """
    for scope in traverse_scope(sqlglot.parse_one(statement, read="tsql")):
        tables = {
            alias: tuple(part.name for part in source.parts)
            for alias, source in scope.sources.items()
            if isinstance(source, exp.Table)
        }
        for column in _own_columns(scope):
            if column.table:
                if column.table in tables:
                    yield tables[column.table], column.name
            elif (
                len(scope.selected_sources) == 1 and (beside := next(iter(scope.selected_sources))) in tables
            ):
                yield tables[beside], column.name
        for table in tables.values():
            yield table, ""


def _all_statements(catalog: Mapping[str, Extract]) -> Iterator[tuple[str, list[str]]]:
    yield COMPANIES_IN_SCOPE, [companies_in_scope_sql()]
    for name, extract in catalog.items():
        yield name, list(statements_of(extract))


def _own_columns(scope: Scope) -> list[exp.Column]:
    return [column for column in scope.columns if isinstance(column, exp.Column)]
