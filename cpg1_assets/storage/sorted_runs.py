"""Sorting more rows than memory should hold: sorted runs on disk, merged.

DuckDB sorts outside memory too, but what it then needs grows with the width of the rows and with their number
(decision 0011); an extract of any size has to fit beside everything else on the machine.
"""

import resource
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.partial import temporary_folder
from cpg1_assets.refusal import naming
from cpg1_assets.storage.background import Background

RUN_BYTES = 16 << 20
"""Rows that are sorted in memory at once, by their size in Arrow."""
_PART_BYTES = 96 << 10
"""What is in memory of each run during a merge."""
_MOST_RUNS = min(128, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 3)
"""Runs merged at once: each is an open file."""


class _Order(NamedTuple):
    key: tuple[str, ...]
    rest: tuple[str, ...]


def sorted_batches(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, key: Sequence[str], rest: Sequence[str]
) -> Generator[pa.RecordBatch, None, None]:
    """Give all rows of `batches` in ascending order of `key`, then of `rest`: nulls first, texts by UTF-8 bytes.

    What does not fit in memory waits in temporary files, gone when the iteration ends in whatever way.
    """
    order = _Order(tuple(key), tuple(rest))
    with temporary_folder("sort") as folder, Background() as beside:
        runs = list[Path]()
        for table in _tables(batches, schema):
            if len(runs) == _MOST_RUNS:
                beside.wait()
                merged = _kept(_merged(runs, order), schema, folder / "merged")
                for run in runs:
                    run.unlink()
                runs = [merged.rename(folder / "run-0")]
            runs.append(folder / f"run-{len(runs)}")
            beside(_sorted_and_kept, table, order, runs[-1])
        beside.wait()
        yield from _merged(runs, order)


def _tables(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Put batches together until they are large enough for a run."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= RUN_BYTES:
            yield pa.Table.from_batches(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _sorted_and_kept(table: pa.Table, order: _Order, path: Path) -> None:
    _kept(table.take(_sorted_indices(table, order)).to_batches(), table.schema, path)


def _sorted_indices(table: pa.Table, order: _Order) -> pa.Array:
    """Sort by the key, and by everything only where a key comes twice, which it should not."""
    indices = pc.sort_indices(table, sort_keys=_ascending(order.key))
    if table.num_rows > 1 and _has_neighbours_alike(table.select(order.key).take(indices)):
        indices = pc.sort_indices(table, sort_keys=_ascending(order.key + order.rest))
    return indices


def _ascending(names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [(name, "ascending", "at_start") for name in names]


def _has_neighbours_alike(keys: pa.Table) -> bool:
    alike = None
    for column in keys.columns:
        one, next_one = column.slice(0, len(column) - 1), column.slice(1)
        same = pc.fill_null(pc.equal(one, next_one), pc.and_(one.is_null(), next_one.is_null()))
        alike = same if alike is None else pc.and_(alike, same)
    return alike is None or bool(pc.any(alike).as_py())


def _kept(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> Path:
    with (
        naming("A temporary file", path),
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_stream(file, schema) as writer,
    ):
        for batch in batches:
            rows = max(1, batch.num_rows * _PART_BYTES // max(1, batch.nbytes))
            for start in range(0, batch.num_rows, rows):
                writer.write_batch(batch.slice(start, rows))
    return path


def _merged(runs: list[Path], order: _Order) -> Iterator[pa.RecordBatch]:
    """Merge sorted runs, holding a little of each.

    What may be given is everything up to the first of the last rows held, since all that is still to come of
    a run sorts after the last row held of it.
    """
    with ExitStack() as opened:
        held = [_Run(opened.enter_context(pa.OSFile(str(run), "rb"))) for run in runs]
        while live := [run for run in held if run.fill()]:
            table = pa.Table.from_batches([part for run in live for part in run.parts]).combine_chunks()
            indices = _sorted_indices(table, order).to_numpy()
            ends = np.cumsum([run.rows for run in live])
            given = indices[: _first_end(indices, ends) + 1]
            yield from table.take(pa.array(given)).to_batches()
            taken = np.bincount(np.searchsorted(ends, given, side="right"), minlength=len(live))
            for run, count in zip(live, taken.tolist(), strict=True):
                run.drop(count)


class _Run:
    """A sorted run that is read part by part; at least one whole part is held, so that a merge gets on."""

    def __init__(self, file: pa.NativeFile) -> None:
        self._reader = pa.ipc.open_stream(file)
        self._is_read = False
        self.parts: list[pa.RecordBatch] = []

    @property
    def rows(self) -> int:
        return sum(part.num_rows for part in self.parts)

    def fill(self) -> bool:
        """Read until two parts are held, the first perhaps not whole any more; tell whether any row is left."""
        while not self._is_read and len(self.parts) < 2:  # noqa: PLR2004
            try:
                self.parts.append(self._reader.read_next_batch())
            except StopIteration:
                self._is_read = True
        return bool(self.parts)

    def drop(self, count: int) -> None:
        """Let go of the first `count` rows."""
        while count and count >= self.parts[0].num_rows:
            count -= self.parts.pop(0).num_rows
        if count:
            self.parts[0] = self.parts[0].slice(count)


def _first_end(indices: npt.NDArray[np.uint64], ends: npt.NDArray[np.int64]) -> int:
    """Give the place, in sorted order, of the first of the rows that are the last held of their run."""
    places = np.empty(len(indices), dtype=np.int64)
    places[indices] = np.arange(len(indices))
    return int(places[ends - 1].min())
