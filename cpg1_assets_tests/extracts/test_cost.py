"""What a close costs a large server: how often its tables are read, and that indexes can serve."""

from collections import Counter

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.named_columns import statements_of
from cpg1_assets_tests.extracts.table_scans import table_scans
from cpg1_assets_tests.test_docs import page, section, table_rows

_CATALOG = read_catalog()
_STATEMENTS = {
    f"{name} {number}": statement
    for name, extract in _CATALOG.items()
    for number, statement in enumerate(statements_of(extract), start=1)
}
_ORDER_ITEMS = ("AIG_Nav_Jumia_Reconciliation", "dbo", "RPT_SOI")


def _of_a_close() -> Counter[tuple[str, ...]]:
    # Each extract asks for the companies in a session of its own.
    return table_scans([*_STATEMENTS.values(), *[companies_in_scope_sql()] * len(_CATALOG)])


def test_the_order_items_are_read_at_most_14_times_in_a_close() -> None:
    assert _of_a_close()[_ORDER_ITEMS] <= 14


def test_an_expression_that_is_named_twice_counts_twice() -> None:
    table = "[d].[s].[T]"
    once = f"WITH a AS (SELECT t.x FROM {table} AS t) SELECT b.x FROM a AS b"
    thrice = (
        f"SELECT b.x FROM {table} AS b UNION ALL SELECT c.x FROM {table} AS c "
        f"WHERE EXISTS (SELECT 1 FROM {table} AS e)"
    )
    nested = (
        f"WITH a AS (SELECT t.x FROM {table} AS t), b AS (SELECT a.x FROM a INNER JOIN a AS o ON o.x = a.x) "
        "SELECT b.x FROM b"
    )
    assert [table_scans([text])["d", "s", "T"] for text in (once, thrice, nested)] == [1, 3, 2]


def test_the_docs_say_how_often_each_table_is_read() -> None:
    rows = table_rows(section(page("sql-server.md"), "## What a close costs the server"))
    said = {row[0].strip("`"): int(row[2]) for row in rows if row[2].isdigit()}
    assert said == {".".join(f"[{part}]" for part in table): count for table, count in _of_a_close().items()}


def _table(scope: Scope, column: exp.Column) -> exp.Table | None:
    at: Scope | None = scope
    while at is not None:
        source = at.sources.get(column.table)
        if source is not None:
            return source if isinstance(source, exp.Table) else None
        at = at.parent
    return None


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_a_join_within_a_database_is_written_so_that_an_index_serves(name: str) -> None:
    for scope in traverse_scope(sqlglot.parse_one(_STATEMENTS[name], read="tsql")):
        for equal in scope.find_all(exp.EQ):
            sides = [
                side.this if isinstance(side, exp.Collate) else side
                for side in (equal.this, equal.expression)
            ]
            if not equal.find(exp.Collate) or not all(isinstance(side, exp.Column) for side in sides):
                continue
            tables = [_table(scope, side) for side in sides]
            if None in tables or len({table.catalog for table in tables if table is not None}) > 1:
                continue
            conjunction = equal.find_ancestor(exp.Join, exp.Where, exp.Having)
            assert conjunction is not None
            bare = exp.EQ(this=sides[0].copy(), expression=sides[1].copy())
            assert bare in list(conjunction.find_all(exp.EQ)), equal.sql("tsql")


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_a_filter_compares_a_date_column_itself(name: str) -> None:
    """A range `x >= a AND x < b` on the column, never a function of it, which no index serves."""
    for where in sqlglot.parse_one(_STATEMENTS[name], read="tsql").find_all(exp.Where, exp.Join):
        for cast in where.find_all(exp.Cast):
            assert cast.to.this is not exp.DataType.Type.DATE, where.sql("tsql")
