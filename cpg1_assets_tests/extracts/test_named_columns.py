"""What the statements name of the source is known without a list: no table or column is forgotten or made up."""

import duckdb
import pytest

from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.named_columns import (
    COMPANIES_IN_SCOPE,
    named_tables,
    source_columns,
    statements_of,
)
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query, parameter_uses
from cpg1_assets.sources.schema import SOURCE_TABLES, Kind

CATALOG = read_catalog()
NAMED = named_tables(CATALOG)
_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.COMPANY: "VARCHAR",
    Kind.WHOLE: "BIGINT",
    Kind.FLAG: "BOOLEAN",
    Kind.MOMENT: "TIMESTAMP",
    Kind.MONEY: "DECIMAL(38, 20)",
}


def _ddl(connection: duckdb.DuckDBPyConnection, *, without: tuple[str, str] | None = None) -> None:
    """Make the tables with the columns that are known to be named, and no other."""
    for table in NAMED:
        types = SOURCE_TABLES[f"[{table.database}].[{table.schema}].[{table.name}]"]
        columns = [
            f'"{column}" {_TYPES[types[column]]}'
            for column in table.columns
            if (table.name, column) != without
        ]
        connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS \"{table.database}\"")
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{table.database}"."{table.schema}"')
        connection.execute(
            f'CREATE TABLE "{table.database}"."{table.schema}"."{table.name}" ({", ".join(columns)})'
        )


def _bind(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    names = {use.name for use in parameter_uses(statement)}
    lists = {"companies", "gl_accounts", "customer_posting_groups", "excluded_countries"}
    text, values = to_duckdb(Query(statement, {name: () if name in lists else None for name in names}))
    connection.execute(f"EXPLAIN {text}", values or None)


@pytest.mark.parametrize("name", [*CATALOG, COMPANIES_IN_SCOPE])
def test_the_columns_named_are_enough_for_every_statement(name: str) -> None:
    statements = [companies_in_scope_sql()] if name not in CATALOG else statements_of(CATALOG[name])
    with duckdb.connect(":memory:") as connection:
        _ddl(connection)
        for statement in statements:
            _bind(connection, statement)


def test_a_column_less_is_too_few() -> None:
    with duckdb.connect(":memory:") as connection:
        _ddl(connection, without=("Customers", "Stream"))
        with pytest.raises(duckdb.BinderException, match="Stream"):
            _bind(connection, CATALOG["ipe_07"].sql)


def test_every_column_named_is_known_with_the_extracts_that_name_it() -> None:
    customers = next(table for table in NAMED if table.name == "Customers")
    assert customers.columns["Stream"] == ("ipe_07",)
    company = next(table for table in NAMED if table.name == "Dim_Company")
    assert COMPANIES_IN_SCOPE in company.extracts
    assert {"cr_03", "ipe_07"} <= set(company.extracts)


def test_columns_are_followed_through_subqueries_and_common_table_expressions() -> None:
    statement = """
        WITH wanted AS (SELECT t.a AS renamed FROM [D].[s].[T] AS t)
        SELECT w.renamed FROM wanted AS w
        WHERE EXISTS (SELECT 1 FROM [D].[s].[U] AS u WHERE u.b = w.renamed)
            AND NOT EXISTS (SELECT c FROM [D].[s].[V])
    """
    assert set(source_columns(statement)) == {
        (("D", "s", "T"), "a"), (("D", "s", "U"), "b"), (("D", "s", "V"), "c"),
        (("D", "s", "T"), ""), (("D", "s", "U"), ""), (("D", "s", "V"), ""),
    }  # fmt: skip
