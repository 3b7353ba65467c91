r"""The rows of a Parquet file as leaves: each row is the line that it is in the CSV of the content digest.

Every value in double quotes, a double quote doubled, commas between, a null as \N without quotes, and no line end.
Rows are counted in the file's order. How they are hashed together is settled in `tree`.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets import embedded
from cpg1_assets.errors import EvidenceError, shown
from cpg1_assets.evidence.row_tree.tree import HASH, root_of_parts

_PART = 1 << 15
"""Leaves that are hashed together at a time; a power of two, as the tree demands."""
_WITHOUT_QUOTES = (
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_timestamp,
)
_VALUE = re.compile(r'"((?:[^"]|"")*)"|\\N')
_ROOT = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class RowTree(NamedTuple):
    """What a seal says of the rows of a frame: how many, and the root of their tree, in hexadecimal."""

    rows: int
    root: str

    def __str__(self) -> str:
        """Give both as people and workpapers write them, the number before the colon."""
        return f"{self.rows}:{self.root}"


def parse_row_tree(text: str) -> RowTree:
    """Read what `str` of a tree gave. Raises EvidenceError when it cannot be one."""
    found = _ROOT.fullmatch(text.strip().lower())
    if found is None:
        raise EvidenceError(
            f"{shown(text)} is no root of rows: it is the number of rows, a colon and 64 digits, as seal.json has them "
            "under row_trees."
        )
    return RowTree(int(found[1]), found[2])


def row_tree(path: Path) -> RowTree:
    """Give number and root of the rows of a Parquet file. Raises EvidenceError where it cannot be read."""
    rows = 0

    def counted() -> Iterator[bytes]:
        nonlocal rows
        for part in leaf_hashes(path):
            rows += len(part) // HASH
            yield part

    root = root_of_parts(counted())
    return RowTree(rows, root.hex())


def leaf_hashes(path: Path) -> Iterator[bytes]:
    """Give the hashes of the rows of a Parquet file, one after the other, so many at a time as a tree takes.

    Raises EvidenceError where it cannot be read.
    """
    held = bytearray()
    with _readable(path), embedded.opened() as connection:
        # The hash is one of bytes: a byte 0, then the row.
        hashed = f"unhex(sha256('\\x00'::BLOB || encode({row_sql(path)})))"
        reader = connection.sql(f"SELECT {hashed} FROM {embedded.parquet(path)}").to_arrow_reader(_PART)
        for batch in reader:
            held += _bytes_of(batch.column(0))
            while len(held) >= _PART * HASH:
                yield bytes(held[: _PART * HASH])
                del held[: _PART * HASH]
    if held:
        yield bytes(held)


def rows_at(path: Path, places: Iterable[int]) -> dict[int, bytes]:
    """Give the rows at these places, counted from 1, as the bytes that are hashed. Raises EvidenceError as `row_tree`."""
    wanted = pa.table({"place": pa.array(sorted(places), pa.int64())})
    with _readable(path), embedded.opened() as connection:
        connection.register("wanted", wanted)
        found = embedded.rows(
            connection,
            f"SELECT file_row_number + 1 AS place, {row_sql(path)} AS line "
            f"FROM read_parquet({embedded.literal(str(path))}, hive_partitioning = false, file_row_number = true) "
            "WHERE file_row_number + 1 IN (SELECT place FROM wanted)",
        )
    return {row["place"]: row["line"].encode() for row in found}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise EvidenceError(f"The rows of {path} cannot be read ({error}).") from error


def row_sql(path: Path) -> str:
    """Write the expression that gives a row of a Parquet file as text."""
    return "concat_ws(',', " + ", ".join(map(_value_sql, pq.read_schema(path))) + ")"


def _value_sql(field: pa.Field) -> str:
    name = embedded.quoted(field.name)
    text = f"CAST({name} AS VARCHAR)"
    if not any(is_one(field.type) for is_one in _WITHOUT_QUOTES):
        # Few texts hold a quote, and looking for one is faster than replacing none.
        text = f"CASE WHEN contains({text}, '\"') THEN replace({text}, '\"', '\"\"') ELSE {text} END"
    return f"coalesce('\"' || {text} || '\"', '\\N')"


def _bytes_of(hashes: Any) -> memoryview:  # noqa: ANN401 - pyarrow is untyped
    """Give the hashes of an Arrow array as they stand there, one after the other."""
    fixed = hashes.cast(pa.binary(HASH))
    start = fixed.offset * HASH
    return memoryview(fixed.buffers()[1])[start : start + len(fixed) * HASH]


def values_of(row: bytes) -> list[str | None]:
    """Give the values of a row as texts, nulls as None. Raises ValueError where the bytes are no row."""
    text = row.decode()
    values: list[str | None] = []
    at = 0
    for found in _VALUE.finditer(text):
        if found.start() != at:
            break
        values.append(None if found[1] is None else found[1].replace('""', '"'))
        at = found.end() + 1
        if text[found.end() : at] != ",":
            break
    if at != len(text) + 1 or not values:
        raise ValueError("it is no row as they are hashed")
    return values
