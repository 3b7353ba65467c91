"""The one seam to the query engine: run a rule's statement over its named inputs.

A rule is one SQL statement. What is here lets DuckDB run it: inputs become views with settled types, and the
result gets its types and its order. No business rule lives here; the words that statements share are in
`vocabulary`. Another engine would need another version of this module, and of no other.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from cpg1_assets.embedded import damaged_input, of_this_process, parquet, quoted
from cpg1_assets.errors import DataError
from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import ParquetFile
from cpg1_assets.partial import spill_folder
from cpg1_assets.rules.vocabulary import MACROS

Frame: TypeAlias = pd.DataFrame | pa.Table | ds.Dataset | pa.RecordBatchReader

# Beyond this, sorts and joins go to disk: several rules may run beside each other on one machine.
MEMORY_LIMIT = "1GB"
# A data set counts as one row to the engine, which would build its tables on the largest side of a join. Without these
# optimizers joins run as they are written: the larger side first.
AS_WRITTEN = "join_order,build_side_probe_side"

_ENGINE_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
# Casts that cannot lose anything, beside those from a type to itself; all others are tried on the rows first.
_LOSSLESS_SOURCES = {
    "text": {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
    "integer": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"},
    "flag": set[str](),
    "date": set[str](),
    "timestamp": {"DATE", "TIMESTAMP_S", "TIMESTAMP_MS"},
}
_DECIMALS = {"amount", "rate"}
_UNTYPED = '"NULL"'
_WHOLE_NUMBERS = {"INTEGER", "BIGINT", "HUGEINT"}
# What would go there and back unchanged and still mean something else: bytes are no text until somebody says in
# which encoding, and a moment with a zone is another day in another zone.
_NEVER_READ_AS = {
    "text": {"BLOB"},
    "date": {"TIMESTAMP WITH TIME ZONE"},
    "timestamp": {"TIMESTAMP WITH TIME ZONE"},
}
_FLOATS = {"FLOAT", "DOUBLE"}


class Input(NamedTuple):
    """A frame and the columns a rule reads of it; `columns=None` takes a table of our own making as it is."""

    frame: Frame
    columns: tuple[Column, ...] | None = None


class Asked(NamedTuple):
    """What a rule asks of the engine: the arguments of `run`."""

    statement: str
    inputs: Mapping[str, Input]
    result: FrameSpec
    stages: Mapping[str, str]


class _OnlyAskedError(Exception):
    """Ends a rule at its question, where nobody wants the answer."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked.result.name)
        self.asked = asked


_ONLY_ASKED = ContextVar("_ONLY_ASKED", default=False)


def asked_by(rule: Callable[[], object]) -> Asked:
    """Give what `rule` asks of the engine, and compute nothing: its frames are handed on and never looked at.

    Raises TypeError where it asks nothing.
    """
    outer = _ONLY_ASKED.set(True)
    try:
        rule()
    except _OnlyAskedError as heard:
        return heard.asked
    finally:
        _ONLY_ASKED.reset(outer)
    raise TypeError(f"{rule} asks nothing of the engine.")


def run(
    statement: str,
    inputs: Mapping[str, Input],
    result: FrameSpec,
    *,
    stages: Mapping[str, str] | None = None,
) -> duckdb.DuckDBPyRelation:
    """Run `statement` over `inputs`, each a view of its name, and give `result`'s columns, types and order.

    `stages` are statements that are run before, in order, each kept as a table of its name for those after it: what
    one needs it then lets go of, which a single statement over millions of rows does not.

    The relation is lazy: rows are computed when it is read, and it keeps its engine and inputs alive. Rows
    come by `result.sort_order`, nulls first, texts by Unicode code point. Columns that the rule does not
    need are ignored. A stream of batches is read once, here.

    Raises DataError naming frame and column when a column is missing, is of a type it cannot be read from,
    or would lose digits. An amount of the result that does not fit raises duckdb.Error when it is read
    (`to_frame` makes a DataError of it).
    """
    if _ONLY_ASKED.get():
        raise _OnlyAskedError(Asked(statement, inputs, result, stages or {}))
    connection = _connect()
    try:
        for name, given in inputs.items():
            _create_view(connection, name, given)
        for name, stage in (stages or {}).items():
            connection.execute(stage_made(name, stage))
    except duckdb.Error as error:
        raise damaged_input(error) or _misfit(error) or error from error
    computed = connection.sql(statement)
    _check_result(computed, result)
    return computed.project(typed(result.columns)).order(_order(result))


def to_frame(relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
    """Give the rows as a pandas frame with exact, Arrow-backed types (the engine's own would be floats).

    Raises DataError when an amount does not fit its column.
    """
    frame: pd.DataFrame = to_table(relation).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def to_table(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """Give the rows as an Arrow table.

    Raises DataError when an amount does not fit its column, and StorageError when a stored input is damaged.
    """
    try:
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise damaged_input(error) or _misfit(error) or error from error


def _misfit(error: duckdb.Error) -> DataError | None:
    if isinstance(
        error, duckdb.ConversionException | duckdb.OutOfRangeException | duckdb.InvalidInputException
    ):
        return DataError(f"An amount does not fit its column: {error}")
    return None


def staged(stages: Mapping[str, str], statement: str) -> str:
    """Give stages and the statement that follows them as one text, as an auditor runs it."""
    made = (f"{stage_made(name, stage.strip())};" for name, stage in stages.items())
    return "\n\n".join([*made, statement.strip()])


def stage_made(name: str, stage: str) -> str:
    """Write how a stage is kept for those after it."""
    return f"CREATE TEMP TABLE {quoted(name)} AS\n{stage}"


def typed(columns: Iterable[Column]) -> str:
    """Write the list of `columns`, each with the engine's type of it."""
    return ", ".join(
        f"CAST({quoted(column.name)} AS {engine_type(column)}) AS {quoted(column.name)}" for column in columns
    )


def as_frame(statement: str, result: FrameSpec) -> str:
    """Write a statement so that it gives its rows as `result` has them, as `run` does: types and order."""
    return f"SELECT {typed(result.columns)} FROM (\n{statement}\n) AS computed ORDER BY {_order(result)}"


def _order(result: FrameSpec) -> str:
    return ", ".join(f"{quoted(name)} ASC NULLS FIRST" for name in result.sort_order)


def month_input(month: CutoffMonth) -> Input:
    """Give the dates of the cutoff month as the one-row input `month`."""
    return Input(one_row(month.parameters()))


def one_row(values: Mapping[str, date | datetime | int | str | None]) -> pa.Table:
    """Give `values` as a table of one row: how single values reach a statement, never as part of its text."""
    return pa.table({name: pa.array([value]) for name, value in values.items()})


def engine_type(column: Column) -> str:
    """Give the engine's type of a column."""
    if column.type in _DECIMALS:
        carried = column.arrow_type
        return f"DECIMAL({carried.precision},{carried.scale})"
    return _ENGINE_TYPES[column.type]


def _started() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill_folder("rules")),
            "disabled_optimizers": AS_WRITTEN,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Inputs are handed in; a variable of the caller's that happens to have the name is not one.
            "python_enable_replacements": False,
        }
    )
    engine.execute(";\n".join(MACROS))
    return engine


_connect = of_this_process(_started)


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, given: Input) -> None:
    if given.columns is None:
        connection.register(name, given.frame)
        return
    present = _column_names(given.frame)
    missing = [column.name for column in given.columns if column.name not in present]
    if missing:
        raise DataError(
            f"{name} has no column {', '.join(missing)}. It has: {', '.join(present)}. "
            "Materialize it again, or give the frame the columns of its contract."
        )
    twins = [
        f"{column.name} and {other}"
        for column in given.columns
        for other in present
        if other != column.name and other.upper() == column.name.upper()
    ]
    if twins:
        # The engine ignores case in names, so it could read the one for the other.
        raise DataError(
            f"{name} has columns that differ only in case: {', '.join(twins)}. Remove one of them."
        )
    source = _source(connection, name, given.frame, [column.name for column in given.columns])
    described = connection.sql(
        f"SELECT {', '.join(quoted(column.name) for column in given.columns)} FROM {source} LIMIT 0"
    )
    types = [str(found) for found in described.types]
    for column, found in zip(given.columns, types, strict=True):
        if found in _NEVER_READ_AS.get(column.type, ()):
            raise DataError(
                f"{name}.{column.name} is {found}; {engine_type(column)} is expected. "
                "Write the column with its contract's type."
            )
        if not _is_lossless(found, column):
            _check_cast(connection, name, source, column, found)
    connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT {typed(given.columns)} FROM {source}")


def _column_names(frame: Frame) -> list[str]:
    if isinstance(frame, pd.DataFrame):
        return [str(name) for name in frame.columns]
    return list(frame.schema.names)


def _source(connection: duckdb.DuckDBPyConnection, name: str, frame: Frame, needed: list[str]) -> str:
    """Make the frame readable by the engine, as often as the statement likes, and say under which name.

    A file the engine reads itself: Arrow reads ahead of it, up to a gigabyte for each time a statement reads it. Not one
    with a backslash in its path, which would escape what makes a pattern.
    """
    if isinstance(frame, ParquetFile) and frame.local_path is not None and "\\" not in frame.local_path:
        return parquet(frame.local_path)
    source = f"source of {name}"
    if isinstance(frame, pd.DataFrame):
        try:
            frame = pa.Table.from_pandas(frame[needed], preserve_index=False)
        except pa.ArrowException as error:
            raise DataError(f"{name}: a column mixes types ({error}).") from error
    try:
        connection.register(source, frame)
    except duckdb.NotImplementedException as error:
        raise DataError(f"{name}: a column has a type that cannot be read ({error}).") from error
    if isinstance(frame, pa.RecordBatchReader):
        # A stream can be read once, a statement may read its input twice: keep it, on disk if it is large.
        stored = f"rows of {name}"
        wanted = ", ".join(quoted(column) for column in needed)
        connection.execute(f"CREATE TEMP TABLE {quoted(stored)} AS SELECT {wanted} FROM {quoted(source)}")
        return quoted(stored)
    return quoted(source)


def _is_lossless(found: str, column: Column) -> bool:
    if found in {engine_type(column), _UNTYPED}:
        return True
    if column.type in _DECIMALS:
        if not found.startswith("DECIMAL("):
            return False
        precision, scale = (int(part) for part in found[len("DECIMAL(") : -1].split(","))
        expected = column.arrow_type
        return bool(scale <= expected.scale and precision - scale <= expected.precision - expected.scale)
    return found in _LOSSLESS_SOURCES[column.type] or (column.type == "text" and found.startswith("ENUM"))


def _check_cast(
    connection: duckdb.DuckDBPyConnection, name: str, source: str, column: Column, found: str
) -> None:
    """Refuse a column of another type unless every value survives the way to the expected type and back."""
    value = quoted(column.name)
    if column.type in _DECIMALS and found in _FLOATS:
        changed = f"{value} IS NOT NULL"
    else:
        changed = f"TRY_CAST(TRY_CAST({value} AS {engine_type(column)}) AS {found}) IS DISTINCT FROM {value}"
    try:
        example = connection.execute(
            f"SELECT CAST({value} AS VARCHAR), count(*) OVER () FROM {source} WHERE {changed} LIMIT 1"
        ).fetchone()
    except duckdb.Error as error:
        raise damaged_input(error) or DataError(
            f"{name}.{column.name} is {found}; {engine_type(column)} is expected ({error})."
        ) from error
    if example is not None:
        raise DataError(
            f"{name}.{column.name} is {found}; {engine_type(column)} is expected, and {example[1]} rows "
            f"would change by reading them so, for example {example[0]}. Give the column its contract's type."
        )


def _check_result(computed: duckdb.DuckDBPyRelation, result: FrameSpec) -> None:
    """Refuse a statement whose columns are not the frame's, or whose amounts the last cast would round."""
    expected = [column.name for column in result.columns]
    if computed.columns != expected:
        raise TypeError(f"The statement of {result.name} gives {computed.columns}, not {expected}.")
    for column, found in zip(result.columns, computed.types, strict=True):
        if column.type in _DECIMALS:
            fits = _scale(str(found)) <= column.arrow_type.scale
        else:
            fits = str(found) in {engine_type(column), _UNTYPED} or (
                column.type == "integer" and str(found) in _WHOLE_NUMBERS
            )
        if not fits:
            raise TypeError(f"The statement of {result.name} gives {column.name} as {found}.")


def _scale(found: str) -> float:
    """Digits after the point that a type can carry; without end for anything that is not exact."""
    if found.startswith("DECIMAL("):
        return int(found[:-1].split(",")[1])
    return 0 if found == _UNTYPED or found in _WHOLE_NUMBERS else math.inf
