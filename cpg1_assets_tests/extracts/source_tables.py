"""A few hand-written source rows in an embedded database, and an extract run over them.

The tables are those of the source, under their real three-part names (`source_tables.sql`). A test puts in
the rows it is about; nothing else is there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from cpg1_assets.extracts.catalog import Extract, companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.company_codes import CompanyCodes
from cpg1_assets.extracts.scope import Scope, read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query

Row = dict[str, Any]

_NAV = "AIG_Nav_DW.dbo"
_FINREC = "AIG_Nav_Jumia_Reconciliation"
NAV_TABLES = (
    "Detailed Customer Ledg_ Entry",
    "Customer Ledger Entries",
    "Customers",
    "G_L Entries",
    "Detailed G_L Entry",
    "Bank Accounts",
    "Bank Account Posting Group",
)
LAST_MOMENT = datetime(2025, 9, 30, 23, 59, 59, 997000)  # noqa: DTZ001 - the source keeps no zone
MIDNIGHT = datetime(2025, 10, 1)  # noqa: DTZ001
"""The end of the cutoff month 2025-09: just inside, and just outside."""


def at(text: str) -> datetime:
    """Read a moment written 2025-09-30 or 2025-09-30 12:00."""
    return datetime.fromisoformat(text)


def place_of(table: str) -> str:
    """Give a table's full name by its own."""
    if table in NAV_TABLES:
        return f'{_NAV}."{table}"'
    if table == "PACKAGE_CASHREC":
        return "STG_AIG_NAV_JUMIA_REC.OMS.PACKAGE_CASHREC"
    return f"{_FINREC}.{'fdw' if table.startswith('Dim_') else 'dbo'}.{table}"


class SourceTables:
    """The source tables, empty but for two companies in scope (EC_NG, JD_GH) and one outside (XX_US)."""

    def __init__(self) -> None:
        """Make the tables and the companies."""
        self.connection = duckdb.connect(":memory:")
        self.connection.execute(Path(__file__).with_name("source_tables.sql").read_text(encoding="utf-8"))
        for code, country, in_scope in (("EC_NG", "NG", True), ("JD_GH", "GH", True), ("XX_US", "US", False)):
            self.put(
                "Dim_Company",
                {
                    "Company_Code": code,
                    "Company_Name": f"Company {country}",
                    "Company_Country": country,
                    "Opco/Central_?": "Opco",
                    "Is_Active?": True,
                    "Flg_In_Conso_Scope": in_scope,
                },
            )

    def put(self, table: str, *rows: Row) -> None:
        """Add rows to a table; columns not named are null."""
        for row in rows:
            columns = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self.connection.execute(
                f"INSERT INTO {place_of(table)} ({columns}) VALUES ({marks})", list(row.values())
            )

    def ask(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query of the control."""
        translated, values = to_duckdb(Query(text, parameters))
        rows: list[Row] = self.connection.sql(translated, params=values).to_arrow_table().to_pylist()
        return rows

    def parameters(self, month: str, scope: Scope) -> dict[str, Any]:
        """Give every value a query may name."""
        companies = CompanyCodes(str(row["id_company"]) for row in self.ask(companies_in_scope_sql(), {}))
        return {**CutoffMonth.parse(month).parameters(), **scope.parameters(), "companies": companies.codes}

    def extract(self, name: str, month: str = "2025-09", scope: Scope | None = None) -> list[Row]:
        """Give the rows of an extract, after checking that its own totals and witnesses agree with them."""
        extract = catalog()[name]
        parameters = self.parameters(month, scope or read_scope())
        codes = CompanyCodes(parameters["companies"])
        counted = codes.in_rows(self.ask(extract.sql, parameters))
        rows = [
            {name: value for name, value in row.items() if name not in extract.contract.several_matches}
            for row in counted
        ]
        proofs = (extract.contract.control_totals, extract.contract.witnesses.sql)
        assert_proved(extract, rows, *(codes.in_rows(self.ask(text, parameters)) for text in proofs))
        return rows

    def several_matches(self, name: str, month: str = "2025-09") -> dict[str, int]:
        """Give, by join, how many rows had several candidates."""
        extract = catalog()[name]
        rows = self.ask(extract.sql, self.parameters(month, read_scope()))
        return {
            column.removeprefix("several_").replace("_", " "): sum(row[column] for row in rows)
            for column in extract.contract.several_matches
        }

    def ambiguities(self, name: str, month: str = "2025-09") -> list[Row]:
        """Give the rows of the source between which a figure of an extract would have to choose."""
        unambiguous = catalog()[name].contract.unambiguous
        assert unambiguous is not None
        rows = self.ask(unambiguous.sql, self.parameters(month, read_scope()))
        return sorted(rows, key=lambda row: [str(value) for value in row.values()])


@cache
def catalog() -> dict[str, Extract]:
    """Read the control's own catalog once."""
    return read_catalog()


def assert_proved(
    extract: Extract,
    rows: Sequence[Row],
    totals: Sequence[Row],
    witnesses: Sequence[Row],
) -> None:
    """Check that the server's totals equal the rows' own, and that both witnesses hold."""
    contract = extract.contract
    rows, totals, witnesses = ([_compared(row) for row in given] for given in (rows, totals, witnesses))
    own: dict[str, list[Decimal]] = {}
    for row in rows:
        sums = own.setdefault(row["id_company"], [Decimal(0)] * (1 + len(contract.amounts)))
        sums[0] += 1
        for position, amount in enumerate(contract.amounts, start=1):
            sums[position] += row[amount] or 0
    server = {row["id_company"]: [row[name] for name in contract.total_columns[1:]] for row in totals}
    assert own == server
    keys = [tuple(row[name] for name in contract.key) for row in rows]
    assert contract.key_may_repeat or len(set(keys)) == len(keys)
    for witness in witnesses:
        kind = contract.witnesses.positive if witness["must_be_there"] else contract.witnesses.negative
        found = any(all(row[name] == witness[name] for name in kind.columns) for row in rows)
        assert found == bool(witness["must_be_there"]), witness
    required = [column.name for column in contract.columns if not column.nullable]
    assert all(row[name] is not None for row in rows for name in required)
    for column in contract.columns:
        if column.allowed is not None:
            assert {row[column.name] for row in rows} <= {*column.allowed, None}


def _compared(row: Row) -> Row:
    """Give a row as it compares: without blanks at the end of its texts."""
    return {name: value.rstrip(" ") if isinstance(value, str) else value for name, value in row.items()}


def by(rows: Sequence[Row], column: str) -> dict[Any, Row]:
    """Give rows by the value of a column that tells them apart."""
    found = {row[column]: row for row in rows}
    assert len(found) == len(rows)
    return found


def money(text: str) -> Decimal:
    """Write an amount."""
    return Decimal(text)
