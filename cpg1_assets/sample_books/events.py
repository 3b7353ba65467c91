"""Which business event each row of the books belongs to: what a matching must not put together.

Lives here: the file `truth/events.parquet`, written company by company so that memory is bounded. Does not:
the events; whoever makes a posting names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cpg1_assets.sample_books.columns import same
from cpg1_assets.sample_books.group import LINES

if TYPE_CHECKING:
    from pathlib import Path

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.months import Ints

EVENTS_FILE = pa.schema(
    [
        ("id_company", pa.string()),
        ("line", pa.string()),
        ("side", pa.string()),
        ("row_key", pa.string()),
        ("event", pa.string()),
    ]
)
"""A row for each row of a side and event it belongs to; `row_key` is NAV's entry number, or operations' key."""


class EventBook:
    """The open file of events of all companies."""

    def __init__(self, root: Path) -> None:
        """Open the file below the books at `root`."""
        path = root / "truth" / "events.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, EVENTS_FILE, compression="zstd")

    def put(self, company: str, side: str, lines: Ints, keys: Column, events: Column) -> None:
        """Write down the events of rows: their lines by position, their keys, and a list of events of each."""
        row = pc.list_parent_indices(events)
        count = len(row)
        if not count:
            return
        columns = {
            "id_company": same(company, count),
            "line": pa.array(LINES).take(pa.array(lines)).take(row),
            "side": same(side, count),
            "row_key": keys.take(row),
            "event": pc.list_flatten(events),
        }
        self._writer.write_table(pa.table(columns, schema=EVENTS_FILE))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
