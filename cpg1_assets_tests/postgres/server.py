"""How the product speaks to PostgreSQL in the tests: the same queries, through the dialect seam."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import exp

from cpg1_assets.settings import SOURCE_DATABASES
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.dialect import meant
from cpg1_assets.sources.driver import pyodbc_module
from cpg1_assets.sources.odbc import Statement, Waits
from cpg1_assets.sources.odbc_errors import Diagnostic, Verdict, state_verdict
from cpg1_assets.sources.query import Query, Scalar
from cpg1_assets.sources.reading import given

OWN = "-- PostgreSQL's own\n"
"""How a text begins that this server is sent as it stands: what it can do, and no query of the control may."""
_MARKER = re.compile(r"%\((\w+)\)s")
_DRIVER = {
    "Fetch": "2000",
    "BoolsAsChar": "0",
    "TextAsLongVarchar": "0",
    "UnknownsAsLongVarchar": "0",
    "MaxVarcharSize": "1000",
    "UseServerSidePrepare": "1",
}
_TRANSIENT = {
    "57P01",
    "57P02",
    "57P03",
    "57014",
    "55P03",
    "40P01",
    "40001",
    "53300",
    "53000",
    "08006",
    "08003",
}
_PERMANENT = {
    "28P01": "28000",
    "3D000": "28000",
    "42P01": "42S02",
    "42703": "42S22",
    "42501": "42000",
    "42601": "42000",
}
_NOT_CONNECTED = 101


@dataclass
class PostgresServer:
    """A PostgreSQL on which the sample books lie in schemas named after the real databases.

    Where it does not fetch in parts, the driver has the whole result before the first row is given.
    """

    given: ConnectionString = field(repr=False)
    wants_snapshot: bool = True
    fetches_in_parts: bool = True
    answerable: str = "SET extra_float_digits = 0"
    kind: str = "postgresql"
    title: str = "PostgreSQL with SAMPLE BOOKS"
    databases: tuple[str, ...] = SOURCE_DATABASES
    _decimals: dict[str, list[tuple[str, bool]]] = field(default_factory=dict, repr=False)

    def connection_string(self, given: ConnectionString, waits: Waits, name: str) -> ConnectionString:
        """Ask the driver for batches and for whole texts, and name the session."""
        options = f"application_name='{name}' connect_timeout={waits.login}"
        return given.with_values(
            {**_DRIVER, "UseDeclareFetch": "01"[self.fetches_in_parts], "pqopt": options}
        )

    def opening(self, waits: Waits) -> Sequence[str]:
        """Wait for locks no longer than agreed, and hash joins: it knows no statistics of a trimmed text."""
        return (
            f"SET lock_timeout = {waits.lock * 1000}",
            "SET extra_float_digits = 0",
            "SET enable_nestloop = off",
        )

    def snapshot(self) -> Sequence[str]:
        """Begin a transaction that sees one state."""
        return ("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",) if self.wants_snapshot else ()

    def no_snapshot(self) -> Sequence[str]:
        """End it."""
        return ("ROLLBACK",)

    def refuses_snapshot(self, diagnostic: Diagnostic) -> bool:  # noqa: ARG002
        """PostgreSQL never does."""
        return False

    def statement(self, query: Query) -> Statement:
        """Translate, bind each use, and give decimals their places again, which sums lose here."""
        text, values = self._translated(query)
        columns = self._described(text, values)
        if any(is_decimal for _, is_decimal in columns):
            listed = ", ".join(
                f"CAST({_quoted(name)} AS numeric(38,20)) AS {_quoted(name)}" if is_decimal else _quoted(name)
                for name, is_decimal in columns
            )
            text = f"SELECT {listed} FROM ({text}) AS q"
        return Statement(text, values)

    def text_sent(self, query: Query) -> str:
        """Give the PostgreSQL text."""
        return self._translated(query)[0]

    def verdict(self, diagnostic: Diagnostic) -> Verdict:
        """Judge by SQLSTATE, PostgreSQL's own ones first."""
        if diagnostic.state in _TRANSIENT:
            return state_verdict("08")
        if diagnostic.native == _NOT_CONNECTED and "authentication failed" in diagnostic.words:
            # This driver has no SQLSTATE for a refused login; Microsoft's has.
            return state_verdict("28000")
        return state_verdict(_PERMANENT.get(diagnostic.state, diagnostic.state))

    def _translated(self, query: Query) -> tuple[str, tuple[str | None, ...]]:
        if query.text.startswith(OWN):
            return query.text, ()
        expanded = query.expanded()
        tree = meant(expanded.text, {name: given(value) for name, value in expanded.parameters.items()})
        for table in tree.find_all(exp.Table):
            if table.args.get("catalog"):
                database, schema = table.catalog, table.db
                table.set("db", exp.to_identifier(f"{database}.{schema}", quoted=True))
                table.set("catalog", None)
                table.this.set("quoted", True)
        for parameter in list(tree.find_all(exp.Parameter)):
            parameter.replace(exp.Placeholder(this=parameter.name))
        for day in list(tree.find_all(exp.DateFromParts)):
            parts = [exp.cast(day.args[part], "int") for part in ("year", "month", "day")]
            day.replace(exp.Anonymous(this="make_date", expressions=parts))
        for name in tree.find_all(exp.Identifier):
            name.set("quoted", True)
        values: list[str | None] = []

        def marker(found: re.Match[str]) -> str:
            value: Any = expanded.parameters[found[1]]
            values.append(None if value is None else str(value))
            return f"CAST(? AS {_type(value)})"

        return _MARKER.sub(marker, tree.sql("postgres")), tuple(values)

    def _described(self, text: str, values: tuple[str | None, ...]) -> list[tuple[str, bool]]:
        """Ask once which columns are decimals; a server that cannot say leaves the text as it is."""
        if text not in self._decimals:
            try:
                with pyodbc_module().connect(
                    self.given.with_values(_DRIVER).text(), timeout=5, autocommit=True
                ) as connection:
                    connection.execute("SET statement_timeout = 1000")
                    cursor = connection.execute(f"SELECT * FROM ({text}) AS q LIMIT 0", *values)
                    self._decimals[text] = [(c[0], c[1] is Decimal) for c in cursor.description]
            except pyodbc_module().Error:
                return []
        return self._decimals[text]


def _type(value: Scalar) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "bigint"
        case Decimal():
            return "numeric(38,20)"
        case datetime():
            return "timestamp"
        case date():
            return "date"
        case _:
            return "text"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
