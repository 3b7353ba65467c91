"""The open items sheet of the control workbook: its mark, its columns, and what each cell of it holds.

It goes out by this and comes back by this. Writing the workbook is done in `deliverables`, reading it in `workbook`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from cpg1_assets.inbox.given_cells import SheetColumn, Value, cell_value

NAME = "Open items"
COLUMNS: Mapping[str, SheetColumn] = {
    "place": SheetColumn("No.", "integer", 6),
    "id_company": SheetColumn("Company", "text", 10),
    "line": SheetColumn("Line", "text", 25),
    "item": SheetColumn("Item", "text", 23),
    "currency": SheetColumn("Currency", "text", 9),
    "unexplained": SheetColumn("Unexplained", "lcy", 16),
    "unexplained_usd": SheetColumn("Unexplained USD", "usd", 14),
    "age_days": SheetColumn("Age, days", "integer", 9),
    "age_bucket": SheetColumn("Age bucket", "text", 10),
    "cause": SheetColumn("Cause", "text", 24),
    "cause_confidence": SheetColumn("The cause is", "text", 11),
    "is_asked": SheetColumn("Comment needed", "flag", 11),
    "comment": SheetColumn("Comment", "text", 44, is_editable=True),
    "owner": SheetColumn("Owner", "text", 16, is_editable=True),
    "confirmed_cause": SheetColumn("Confirmed cause", "text", 24, is_editable=True),
    "reference": SheetColumn("Reference", "text", 22),
    "document_no": SheetColumn("Documents", "text", 24),
    "description": SheetColumn("Description", "text", 30),
    "nav_amount": SheetColumn("NAV", "lcy", 16),
    "target_amount": SheetColumn("Target", "lcy", 16),
    "difference": SheetColumn("Difference", "lcy", 16),
    "bridge": SheetColumn("Bridges", "text", 24),
    "bridge_amount": SheetColumn("Bridge amount", "lcy", 16),
    "nav_entries": SheetColumn("NAV entries", "integer", 9),
    "target_rows": SheetColumn("Target rows", "integer", 9),
    "first_date": SheetColumn("First date", "date", 11),
    "last_date": SheetColumn("Last date", "date", 11),
    "matched_by": SheetColumn("Matched by", "text", 11),
    "confidence": SheetColumn("Confidence", "text", 11),
    "decided_by": SheetColumn("Decided by", "text", 24),
    "candidates": SheetColumn("Candidates", "integer", 10),
    "entry_created_after_balance": SheetColumn("Entry after the balance", "flag", 12),
    "change": SheetColumn("Since the month before", "text", 14),
    "lapsed_comment": SheetColumn("Comment that lapsed", "text", 30),
    "currency_no": SheetColumn("No. of the currency", "integer", 6, is_hidden=True),
}
"""By the name in the frame OPEN_ITEMS_SHEET, in the order they stand in."""

HEADERS = tuple(column.header for column in COLUMNS.values())
ITEM = list(COLUMNS).index("item")
EDITABLE = {name: at for at, (name, column) in enumerate(COLUMNS.items()) if column.is_editable}
"""The columns that people write in, with their places."""

_MARK = re.compile(r"Made of (\d{4}-\d{2}), sealed version (\d+), seal ([0-9a-f]{64})")


class Mark(NamedTuple):
    """Which sealed version a sheet was made of: its month, its number, the digest of its link of the chain."""

    month: str
    version: int
    digest: str

    def __str__(self) -> str:
        """Give the mark as the sheet has it above its header."""
        return f"Made of {self.month}, sealed version {self.version}, seal {self.digest}"


def mark_in(text: str) -> Mark | None:
    """Read a mark; None where the text is none."""
    found = _MARK.fullmatch(" ".join(text.split()))
    return None if found is None else Mark(found[1], int(found[2]), found[3])


def cells_of(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, SheetColumn] = COLUMNS
) -> Iterator[tuple[Value, ...]]:
    """Give the cells of each row of OPEN_ITEMS_SHEET, in the order of `columns`."""
    for batch in batches:
        cells = [
            [cell_value(column.kind, value) for value in _values(batch, name)]
            for name, column in columns.items()
        ]
        yield from zip(*cells, strict=True)


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    found: list[Any] = batch.column(batch.schema.get_field_index(name)).to_pylist()
    return found
