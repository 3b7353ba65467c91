"""Rows through pyodbc, for the one thing arrow-odbc cannot: a connection string with characters beyond ASCII.

arrow-odbc hands the driver manager bytes, which unixODBC takes for Latin letters, so that no such password is
ever right. pyodbc hands it characters. It is slower (`make bench`), and asks as `OdbcSession` asks arrow-odbc.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cpg1_assets.errors import SourceError
from cpg1_assets.sources.driver import pyodbc_module

_BATCH_ROWS = 4_096
_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    float: pa.float64(),
    dt.date: pa.date32(),
    dt.datetime: pa.timestamp("us"),
}


class PyodbcConnection:
    """A connection that gives rows as Arrow batches."""

    def __init__(self, text: str, login_timeout_sec: int) -> None:
        """Connect. Raises pyodbc.Error."""
        self._pyodbc = pyodbc_module()
        self._connection = self._pyodbc.connect(text, timeout=login_timeout_sec, autocommit=True)

    def execute(self, text: str, query_timeout_sec: int) -> None:
        """Run a statement without rows. Raises pyodbc.Error."""
        self._wait_no_longer_than(query_timeout_sec)
        self._connection.execute(text).close()

    def read_arrow_batches(
        self,
        text: str,
        *,
        parameters: Sequence[str | None] | None,
        map_schema: Callable[[pa.Schema], pa.Schema],
        query_timeout_sec: int,
        **_: object,
    ) -> "PyodbcRows":
        """Run a query. Raises pyodbc.Error."""
        self._wait_no_longer_than(query_timeout_sec)
        cursor = self._connection.execute(text, *(parameters or ()))
        schema = map_schema(pa.schema([_field(column) for column in cursor.description or ()]))
        return PyodbcRows(schema, _Batches(cursor, schema))

    def _wait_no_longer_than(self, seconds: int) -> None:
        # pyodbc asks the driver for two timeouts, and not every driver has both: without them it is the
        # session's own deadline that ends the waiting.
        with suppress(self._pyodbc.Error):
            self._connection.timeout = seconds


@dataclass
class PyodbcRows:
    """The rows of one query, as arrow-odbc gives them: who takes `reader` away ends the query."""

    schema: pa.Schema
    reader: "_Batches | None"


class _Batches:
    """Reads batch by batch."""

    def __init__(self, cursor: Any, schema: pa.Schema) -> None:  # noqa: ANN401
        """Begin before the first row."""
        self._cursor = cursor
        self._schema = schema

    def next_batch(self) -> pa.RecordBatch | None:
        """Give the next rows, or None after the last ones. Raises pyodbc.Error."""
        rows = self._cursor.fetchmany(_BATCH_ROWS)
        if not rows:
            return None
        columns = zip(*rows, strict=True)
        return pa.RecordBatch.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)],
            schema=self._schema,
        )


def _field(column: Sequence[Any]) -> pa.Field:
    name, kind, _, _, precision, scale, _ = column
    if kind is not Decimal and kind not in _TYPES:
        raise SourceError(
            f"Column {name} is of a type that cannot be read with a connection string beyond ASCII (datetimeoffset, time, "
            "binary and xml are none that the source schema has). Have it made the type that the schema gives."
        )
    return pa.field(name, pa.decimal128(precision, scale) if kind is Decimal else _TYPES[kind])
