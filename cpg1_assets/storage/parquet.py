"""Writing one Parquet file of the control: sorted, exact, deterministic, whole or not at all.

No Dagster here: the IO manager decides where a file goes, this module how its bytes come to be.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cpg1_assets.disk import sha256_of
from cpg1_assets.embedded import damaged_input
from cpg1_assets.errors import Cpg1Error, DataError
from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.refusal import refusal_of
from cpg1_assets.storage.background import Background
from cpg1_assets.storage.sorted_runs import sorted_batches

ROW_GROUP_ROWS = 32_768
_BATCH_ROWS = 16_384
_SHOWN_ROWS = 3

Writable: TypeAlias = pd.DataFrame | pa.Table | pa.RecordBatchReader | duckdb.DuckDBPyRelation


@dataclass(frozen=True)
class WrittenParquet:
    """A complete Parquet file, on its way to its place: path, rows, size in bytes, SHA-256 of the file."""

    path: Path
    rows: int
    size_bytes: int
    sha256: str


def write_parquet(data: Writable, spec: FrameSpec, path: Path) -> WrittenParquet:
    """Write `data` to `path` with exactly the columns and types of `spec`, sorted by key, then the rest.

    The same rows give the same bytes, whatever order they come in. A DuckDB relation is taken to be
    sorted already (rules sort in the statement). The file is on disk (fsync) when this returns; on any
    failure nothing is left at `path`.

    Raises DataError when an amount would be rounded, a column is missing or a value breaks its type,
    and StorageError when the file cannot be written (disk full, no permission).
    """
    try:
        with closing(_batches(data, spec)) as batches, path.open("wb") as file:
            rows = _write_row_groups(batches, spec.arrow_schema, file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        found = refusal_of(error)
        if found is not None and not isinstance(error, Cpg1Error):
            raise (
                found if found.path or found.setting else replace(found, path=str(path))
            ).error() from error
        if isinstance(error, duckdb.Error) or (isinstance(error, OSError) and error.errno is None):
            # What goes wrong inside a statement comes as an OSError without a number where it is read by batches.
            raise damaged_input(error) or DataError(f"{spec.name}: {error}") from error
        raise
    return WrittenParquet(path=path, rows=rows, size_bytes=path.stat().st_size, sha256=sha256_of(path))


def conformed(batches: pa.RecordBatchReader, spec: FrameSpec) -> Iterator[pa.RecordBatch]:
    """Give the batches with exactly the columns, types and nullability of `spec`; never rounds, never guesses."""
    missing = [c.name for c in spec.columns if c.name not in batches.schema.names]
    if missing:
        raise DataError(f"{spec.name}: the columns {', '.join(missing)} are missing.")
    extra = [name for name in batches.schema.names if name not in spec.arrow_schema.names]
    if extra:
        raise DataError(f"{spec.name}: the columns {', '.join(extra)} are not in its contract.")
    schema = spec.arrow_schema
    first_row = 1
    for batch in batches:
        arrays = [
            _as_column(batch.column(c.name), c, spec.name, first_row, batch, spec.key) for c in spec.columns
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        first_row += batch.num_rows


def _batches(data: Writable, spec: FrameSpec) -> Generator[pa.RecordBatch, None, None]:
    """Give the rows as they are to be written: of the frame's types, in its order."""
    if isinstance(data, duckdb.DuckDBPyRelation):
        yield from conformed(data.to_arrow_reader(_BATCH_ROWS), spec)
        return
    if isinstance(data, pd.DataFrame):
        data = _arrow_of_pandas(data, spec)
    if isinstance(data, pa.Table):
        data = data.to_reader(_BATCH_ROWS)
    rest = [name for name in spec.sort_order if name not in spec.key]
    yield from sorted_batches(conformed(data, spec), spec.arrow_schema, spec.key, rest)


def _arrow_of_pandas(frame: pd.DataFrame, spec: FrameSpec) -> pa.Table:
    for column in spec.columns:
        if (
            column.name in frame
            and column.type in ("amount", "rate")
            and pd.api.types.is_float_dtype(frame[column.name])
        ):
            raise DataError(f"{spec.name}.{column.name} is a floating-point column: money is decimal.")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _write_row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema, file: Any) -> int:  # noqa: ANN401
    """Write in row groups of one fixed size: how batches happened to arrive must not show in the bytes."""
    rows, waiting, held = 0, [], 0
    with (
        pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_page_checksum=True,
        ) as writer,
        Background() as beside,
    ):
        for batch in batches:
            waiting.append(batch)
            held += batch.num_rows
            rows += batch.num_rows
            while held >= ROW_GROUP_ROWS:
                table = pa.Table.from_batches(waiting, schema)
                group = table.slice(0, ROW_GROUP_ROWS).combine_chunks()
                beside(writer.write_table, group, ROW_GROUP_ROWS)
                rest = table.slice(ROW_GROUP_ROWS)
                waiting, held = rest.to_batches(), rest.num_rows
        if held or not rows:
            last = pa.Table.from_batches(waiting, schema).combine_chunks()
            beside(writer.write_table, last, ROW_GROUP_ROWS)
    return rows


def _as_column(
    array: pa.Array, column: Column, frame: str, first_row: int, batch: pa.RecordBatch, key: tuple[str, ...]
) -> pa.Array:
    target = column.arrow_type
    if array.type != target:
        try:
            array = _cast(array, target)
        except pa.ArrowException as error:
            raise DataError(
                f"{frame}.{column.name}: {_misfits(array, target, batch, key, first_row)} "
                f"cannot be kept exactly as {target} ({error}). Give the column a larger scale in its contract "
                "if the source really carries more digits; otherwise mend the source."
            ) from error
    if not column.nullable and array.null_count:
        rows = pc.indices_nonzero(array.is_null())
        raise DataError(f"{frame}.{column.name} may not be null: {_rows(rows, batch, key, first_row)}.")
    return array


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_floating(array.type) and pa.types.is_decimal(target):
        raise pa.ArrowInvalid("the values are floating-point numbers, and money is decimal")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type) and pa.types.is_date(target):
        days = array.cast(pa.timestamp("s"), safe=False).cast(pa.date32(), safe=False)
        if not pc.all(pc.equal(days.cast(array.type), array), skip_nulls=True).as_py():
            raise pa.ArrowInvalid("a date carries a time of day")
        return days
    if pa.types.is_decimal(target) and pa.types.is_integer(array.type):
        array = array.cast(pa.decimal128(19, 0))
    return array.cast(target, safe=True)


def _misfits(
    array: pa.Array, target: pa.DataType, batch: pa.RecordBatch, key: tuple[str, ...], first_row: int
) -> str:
    """Name the first rows whose value does not survive the cast, with the value."""
    bad = []
    for index in range(len(array)):
        try:
            _cast(array.slice(index, 1), target)
        except pa.ArrowException:
            bad.append(index)
            if len(bad) == _SHOWN_ROWS:
                break
    values = ", ".join(str(array[index].as_py()) for index in bad) or "values"
    return f"{values} ({_rows(pa.array(bad, pa.uint64()), batch, key, first_row)})"


def _rows(indices: pa.Array, batch: pa.RecordBatch, key: tuple[str, ...], first_row: int) -> str:
    shown = []
    for index in indices.slice(0, _SHOWN_ROWS).to_pylist():
        named = ", ".join(f"{name}={batch.column(name)[index].as_py()!r}" for name in key)
        shown.append(f"row {first_row + index} with {named}")
    more = len(indices) - len(shown)
    return "; ".join(shown) + (f" and {more} more" if more > 0 else "")
