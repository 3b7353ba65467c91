"""The embedded DuckDB, opened and asked the one way everything here does it: few rows, exact values.

Rules have an engine of their own (`rules.engine`), which settles types and order; the sample books attach
their tables themselves. This is for the small questions: totals, counts, rows for a check.
"""

import atexit
import glob
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import duckdb
import pyarrow as pa

from cpg1_assets.errors import StorageError
from cpg1_assets.partial import spill_folder

P = ParamSpec("P")
MEMORY_LIMIT = "512MB"
_NOT_READ = re.compile(r"reading the stream registered as '(?:source of )?(.*?)' failed: (.*)", re.DOTALL)
_FILE_NOT_READ = re.compile(
    r"Failed to read file|Could not read enough bytes|Invalid string encoding found in Parquet"
)


def of_this_process(
    started: Callable[P, duckdb.DuckDBPyConnection],
) -> Callable[P, duckdb.DuckDBPyConnection]:
    """Give a function that opens connections, empty but for what `started` made, to one engine of the process.

    An engine takes longer to start than most questions to answer. What a connection registers or makes must be
    temporary: that is its own, and gone with it. A forked process starts an engine of its own. Asked with other
    arguments than last, another one is started; the one before ends with its last connection.
    """
    engines: dict[int, tuple[object, duckdb.DuckDBPyConnection]] = {}

    @atexit.register
    def close() -> None:
        _, engine = engines.pop(os.getpid(), (None, None))
        if engine is not None:
            engine.close()

    def connected(*of: P.args, **named: P.kwargs) -> duckdb.DuckDBPyConnection:
        kept = engines.get(os.getpid())
        if kept is None or kept[0] != (of, named):
            engines[os.getpid()] = kept = (of, named), started(*of, **named)
        return quiet(kept[1].cursor())

    return connected


def quiet(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Keep the engine from drawing: in the worker of a backfill it takes itself for a prompt, and its output for one."""
    connection.execute("SET enable_progress_bar = false")
    return connection


def started() -> duckdb.DuckDBPyConnection:
    """Start an engine with an empty database in memory, which goes to disk beyond its memory limit."""
    return duckdb.connect(
        ":memory:", config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill_folder("duckdb"))}
    )


_connected = of_this_process(started)


@contextmanager
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection to the process's own in-memory database, for what is temporary."""
    with _connected() as connection:
        yield connection


def rows(
    connection: duckdb.DuckDBPyConnection, statement: str, values: list[object] | dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run a statement and give its rows by column name, decimals as decimals.

    Raises StorageError where a stored file it reads is damaged.
    """
    try:
        table: pa.Table = connection.sql(statement, params=values or None).to_arrow_table()
    except duckdb.InvalidInputException as error:
        raise (damaged_input(error) or error) from error
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def damaged_input(error: BaseException) -> StorageError | None:
    """Say that a stored file a statement reads is not as it was written, if that is what `error` means."""
    found = _NOT_READ.search(str(error))
    if found is not None:
        return StorageError(
            f"The stored file of {found[1]} is damaged: {found[2].strip()}. Materialize {found[1]} of the month again, or "
            "close the month."
        )
    # What the engine's reader of Parquet says of a page that makes no sense has no kind, and often names no file.
    if type(error) is duckdb.Error or _FILE_NOT_READ.search(str(error)):
        return StorageError(f"A stored file that is read here is damaged: {error}. Close the month again.")
    return None


def quoted(name: str) -> str:
    """Write a name in SQL so that nothing in it is read as anything else."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """Write a text in SQL as a value: only for what cannot be bound, such as the path a table function reads."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def parquet(path: object) -> str:
    """Write the table function that reads the one Parquet file at `path`, whatever it is named, as part of a statement."""
    return f"read_parquet({literal(glob.escape(str(path)))}, hive_partitioning = false)"


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row as JSON values: text, whole numbers and nulls stay, all else becomes text."""
    return {name: value if isinstance(value, str | int | None) else str(value) for name, value in row.items()}
