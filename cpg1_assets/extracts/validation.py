"""The validations of one extract file: contract, key, completeness, witnesses, nothing after the cutoff.

They look at the written Parquet file, the one that is kept, never at rows still on their way. Texts compare
as they do on SQL Server: blanks at the end (the space character only) make no difference, and null is equal to
null.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cpg1_assets import embedded
from cpg1_assets.embedded import plain, quoted
from cpg1_assets.errors import DataError
from cpg1_assets.extracts.contract import MUST_BE_THERE, Contract, Witness
from cpg1_assets.validation import Validation

_SHOWN = 20
_STATEMENTS = {
    "completeness": "Rows and sums by company equal those the server counted itself.",
    "contract": "Columns, types, nulls and closed sets of values are the contract's.",
    "key_unique": "No key appears twice (where it may, repeats are counted).",
    "nothing_after_cutoff": "Nothing is dated after the cutoff.",
    "positive_witness": "A known kind of row that must be there is there.",
    "negative_witness": "Rows that must not be there are not.",
}
_UNAMBIGUOUS = "Where a figure depends on one saying of the source, there is one."
_EVERY_COMPANY = "Every company in scope has rows; one that has none is missing, which is not zero."
BLOCKING = frozenset({"completeness"})


def statements(contract: Contract) -> dict[str, str]:
    """Give the validations made of an extract with this contract, by name, with what each says."""
    return (
        _STATEMENTS
        | ({"unambiguous": _UNAMBIGUOUS} if contract.unambiguous else {})
        | ({"every_company_present": _EVERY_COMPANY} if contract.every_company else {})
    )


def validate_extract(
    path: Path,
    contract: Contract,
    month: Mapping[str, date | datetime | int],
    companies: Sequence[str],
    totals: Sequence[Mapping[str, Any]],
    witnesses: Sequence[Mapping[str, Any]],
    ambiguities: Sequence[Mapping[str, Any]] = (),
) -> list[Validation]:
    """Validate the extract at `path` against its contract and what the server said of itself.

    `companies` are those in scope; `totals` are the rows of the control total query, `witnesses` those of the query for
    them, `ambiguities` likewise; `month` gives the dates the contract's date rule names.
    """
    with _opened(path) as connection:
        own = _own_totals(connection, contract)
        return [
            *([_every_company_present(own, companies)] if contract.every_company else []),
            completeness(own, totals, contract),
            _contract(connection, contract),
            _key_unique(connection, contract),
            _nothing_after_cutoff(connection, contract, month),
            _positive_witness(connection, contract, _looked_for(contract.witnesses.positive, witnesses, 1)),
            _negative_witness(connection, contract, _looked_for(contract.witnesses.negative, witnesses, 0)),
            *([_unambiguous(contract, ambiguities)] if contract.unambiguous else []),
        ]


def completeness(
    own: Mapping[str | None, Mapping[str, Any]], totals: Sequence[Mapping[str, Any]], contract: Contract
) -> Validation:
    """Compare the file's rows and sums by company with the server's; every difference is named."""
    measures = ("row_count", *contract.amounts)
    server: dict[str | None, dict[str, Any]] = {}
    for row in totals:
        absent = [name for name in ("id_company", *measures) if name not in row]
        if absent:
            raise DataError(f"{contract.name}: its control totals do not give {', '.join(absent)}.")
        # A server that groups 'A' and 'A ' apart has counted one company in two rows.
        counted = server.setdefault(without_blanks(row["id_company"]), dict.fromkeys(measures, Decimal(0)))
        for name in measures:
            counted[name] += _number(row[name])
    nothing = dict.fromkeys(measures, Decimal(0))
    differences = [
        {
            "id_company": company,
            "measure": name,
            "server": _text(server.get(company, nothing)[name]),
            "file": _text(own.get(company, nothing)[name]),
        }
        for company in sorted(server.keys() | own.keys(), key=str)
        for name in measures
        if server.get(company, nothing)[name] != own.get(company, nothing)[name]
    ]
    return Validation(
        name="completeness",
        statement="The file has the rows and the sums, company by company, that the server counted itself.",
        passed=not differences,
        blocking=True,
        figures={
            "expected": {
                str(c): {k: _text(v) for k, v in row.items()} for c, row in sorted(server.items(), key=str)
            },
            "found": {
                str(c): {k: _text(v) for k, v in row.items()} for c, row in sorted(own.items(), key=str)
            },
            "differences": differences,
        },
    )


def _every_company_present(own: Mapping[str | None, object], companies: Sequence[str]) -> Validation:
    missing = [company for company in companies if without_blanks(company) not in own]
    figures = {"companies": len(companies), "missing": missing}
    return Validation("every_company_present", _EVERY_COMPANY, not missing, figures=figures)


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with embedded.opened() as connection:
        connection.execute(f"CREATE TEMP VIEW extract AS SELECT * FROM {embedded.parquet(path)}")
        yield connection


def _own_totals(
    connection: duckdb.DuckDBPyConnection, contract: Contract
) -> dict[str | None, dict[str, Any]]:
    sums = "".join(f", sum({quoted(name)}) AS {quoted(name)}" for name in contract.amounts)
    rows = embedded.rows(
        connection,
        f"SELECT rtrim(id_company, ' ') AS company, count(*) AS row_count{sums} FROM extract GROUP BY 1",
    )
    return {row["company"]: {k: _number(v) for k, v in row.items() if k != "company"} for row in rows}


def _contract(connection: duckdb.DuckDBPyConnection, contract: Contract) -> Validation:
    broken: list[dict[str, Any]] = []
    for column in contract.columns:
        if column.allowed is not None:
            listed = ", ".join("?" for _ in column.allowed)
            found = embedded.rows(
                connection,
                f"SELECT {quoted(column.name)} AS value, count(*) AS rows FROM extract "
                f"WHERE {quoted(column.name)} NOT IN ({listed}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_SHOWN}",
                list(column.allowed),
            )
            broken += [{"column": column.name, "value": row["value"], "rows": row["rows"]} for row in found]
    columns = len(contract.columns)
    return Validation(
        name="contract",
        statement=f"The file has the contract's {columns} columns with their types, nulls and values.",
        passed=not broken,
        figures={"values_not_allowed": broken},
    )


def _key_unique(connection: duckdb.DuckDBPyConnection, contract: Contract) -> Validation:
    key = ", ".join(f"{_compared(contract, name)} AS {quoted(name)}" for name in contract.key)
    rows = _rows_with_a_twin(contract) if _strictly_ascending(connection, contract) else "extract"
    repeated = f"SELECT {key}, count(*) AS rows FROM {rows} GROUP BY ALL HAVING count(*) > 1"
    (counted,) = embedded.rows(
        connection, f"SELECT count(*) AS keys, coalesce(sum(rows), 0) AS rows FROM ({repeated})"
    )
    order = ", ".join(quoted(name) for name in contract.key)
    shown = (
        embedded.rows(connection, f"SELECT * FROM ({repeated}) ORDER BY rows DESC, {order} LIMIT {_SHOWN}")
        if counted["keys"]
        else []
    )
    return Validation(
        name="key_unique",
        statement=(
            f"The key ({', '.join(contract.key)}) may repeat in the source; every row is kept and repeats are counted."
            if contract.key_may_repeat
            else f"No two rows have the same key ({', '.join(contract.key)})."
        ),
        passed=contract.key_may_repeat or not counted["keys"],
        figures={
            "repeated_keys": int(counted["keys"]),
            "rows_with_a_repeated_key": int(counted["rows"]),
            "first": [plain(row) for row in shown],
        },
    )


def _strictly_ascending(connection: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether each row's key, as written, is greater than the one before, in one pass that remembers one row."""
    key = ", ".join(quoted(name) for name in contract.key)
    (found,) = embedded.rows(
        connection,
        "SELECT count(*) AS rows, count(*) FILTER (ascends) AS steps "
        f"FROM (SELECT row({key}) > lag(row({key})) OVER () AS ascends FROM extract)",
    )
    return bool(found["steps"] >= found["rows"] - 1)


def _rows_with_a_twin(contract: Contract) -> str:
    """Give the rows of a file without two equal keys as written whose keys may be equal all the same.

    One of two such keys has a blank at the end of a text. They lie apart in the file, but they are few, so that
    not every key has to be remembered.
    """
    padded = " OR ".join(f"suffix({quoted(name)}, ' ')" for name in contract.key if _is_text(contract, name))
    alike = " AND ".join(
        f"{_compared(contract, name)} IS NOT DISTINCT FROM {_compared(contract, name, 'padded')}"
        for name in contract.key
    )
    return f"extract SEMI JOIN (SELECT * FROM extract WHERE {padded or 'false'}) AS padded ON {alike}"


def _nothing_after_cutoff(
    connection: duckdb.DuckDBPyConnection, contract: Contract, month: Mapping[str, date | datetime | int]
) -> Validation:
    rule = contract.date_rule
    if rule is None:
        return Validation(
            name="nothing_after_cutoff", statement="The extract has no date of its own to test.", passed=True
        )
    operator, bound = ("<=", rule.not_after) if rule.not_after is not None else ("<", rule.before)
    late = f"FROM extract WHERE NOT ({quoted(rule.column)} {operator} ?)"
    (counted,) = embedded.rows(connection, f"SELECT count(*) AS rows {late}", [month[str(bound)]])
    key = ", ".join(quoted(name) for name in dict.fromkeys((*contract.key, rule.column)))
    shown = embedded.rows(
        connection, f"SELECT {key} {late} ORDER BY {key} LIMIT {_SHOWN}", [month[str(bound)]]
    )
    return Validation(
        name="nothing_after_cutoff",
        statement=f"Every {rule.column} is {operator} {month[str(bound)]}.",
        passed=not counted["rows"],
        figures={"rows_after": int(counted["rows"]), "first": [plain(row) for row in shown]},
    )


def _looked_for(
    witness: Witness, rows: Sequence[Mapping[str, Any]], must_be_there: int
) -> list[dict[str, Any]]:
    """Give the rows of one witness, with the columns it compares by."""
    return [
        {name: row[name] for name in witness.columns} for row in rows if row[MUST_BE_THERE] == must_be_there
    ]


def _positive_witness(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rows: Sequence[Mapping[str, Any]]
) -> Validation:
    if not rows:
        return Validation.untested(
            "positive_witness", contract.witnesses.positive.statement, {"rows_looked_for": 0, "not_found": []}
        )
    lost = _match(connection, contract, rows, found=False)
    return Validation(
        name="positive_witness",
        statement=contract.witnesses.positive.statement,
        passed=not lost,
        figures={"rows_looked_for": len(rows), "not_found": lost[:_SHOWN]},
    )


def _negative_witness(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rows: Sequence[Mapping[str, Any]]
) -> Validation:
    if not rows:
        return Validation.untested(
            "negative_witness", contract.witnesses.negative.statement, {"rows_looked_for": 0, "found": []}
        )
    intruders = _match(connection, contract, rows, found=True)
    return Validation(
        name="negative_witness",
        statement=contract.witnesses.negative.statement,
        passed=not intruders,
        figures={"rows_looked_for": len(rows), "found": intruders[:_SHOWN]},
    )


def _unambiguous(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> Validation:
    return Validation(
        name="unambiguous",
        statement=contract.unambiguous.statement if contract.unambiguous else _UNAMBIGUOUS,
        passed=not rows,
        figures={
            "rows_ambiguous": len(rows),
            "ambiguous": [plain(dict(row)) for row in sorted(rows, key=_in_words)][:_SHOWN],
        },
    )


def _match(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    rows: Sequence[Mapping[str, Any]],
    *,
    found: bool,
) -> list[dict[str, Any]]:
    """Give the witness rows that are (or are not) in the extract, compared null-safe on the columns they have."""
    if not rows:
        return []
    schema = contract.arrow_schema
    # A witness row may hold what no row of the extract may: a null, a value out of the closed set.
    types = pa.schema([pa.field(name, schema.field(name).type) for name in rows[0]])
    witness = pa.Table.from_pylist([dict(row) for row in rows]).cast(types)
    connection.register("witness", witness)
    same = " AND ".join(
        f"{_compared(contract, name, 'extract')} IS NOT DISTINCT FROM {_compared(contract, name, 'witness')}"
        for name in rows[0]
    )
    kind = "SEMI" if found else "ANTI"
    matched = embedded.rows(
        connection, f"SELECT * FROM witness {kind} JOIN extract ON {same} ORDER BY ALL NULLS FIRST"
    )
    return [plain(row) for row in matched]


def without_blanks(text: str | None) -> str | None:
    """Give a text as it compares: without blanks at its end."""
    return text if text is None else text.rstrip(" ")


def _compared(contract: Contract, name: str, table: str = "extract") -> str:
    """Write a column as it is compared."""
    column = f"{table}.{quoted(name)}"
    return f"rtrim({column}, ' ')" if _is_text(contract, name) else column


def _is_text(contract: Contract, name: str) -> bool:
    return bool(pa.types.is_string(contract.arrow_schema.field(name).type))


def _in_words(row: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """Order rows of any columns the same way whatever order the server had."""
    return [(value is not None, str(value)) for value in row.values()]


def _number(value: Decimal | int | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(value)


def _text(value: Decimal) -> str:
    """Write a figure the same way whatever its scale: 10.5000 and 10.50 are one number."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
