"""The text of an extract's query and the values bound to it, for people: `cpg1 sql`."""

from typing import Any

from cpg1_assets.errors import ScopeError
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.sqlserver import SqlServer


def query_text(settings: Settings, extract: str, month: CutoffMonth, dialect: str) -> dict[str, Any]:
    """Give the query of `extract` in `dialect`, in T-SQL with the server's own names, and its parameters.

    The companies are those the settings ask for; where they ask for all, the list is resolved when the
    query runs, and one stands for it here. Raises ScopeError for an unknown extract.
    """
    catalog = read_catalog()
    if extract not in catalog:
        raise ScopeError(f"Unknown extract {extract!r}: there are {', '.join(sorted(catalog))}.")
    scope = read_scope().narrowed(settings.companies, settings.gl_accounts)
    companies = scope.companies or ("(every company in scope)",)
    query = Query(catalog[extract].sql, {**month.parameters(), **scope.parameters(), "companies": companies})
    server = SqlServer(dict(settings.databases), settings.collation)
    named = {k: list(v) if isinstance(v, tuple) else str(v) for k, v in query.named().items()}
    return {
        "extract": extract,
        "month": month.key,
        "dialect": dialect,
        "parameters": named,
        "sql": server.renamed(query.text) if dialect == "tsql" else to_duckdb(query, keep=True)[0],
    }
