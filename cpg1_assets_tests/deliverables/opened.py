"""A control workbook opened again: as a viewer that does not compute shows it, and with its formulas."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl.workbook import Workbook

from cpg1_assets.deliverables.closed_month import ClosedMonth


@dataclass(frozen=True)
class Opened:
    """The workbook of the closed month: as a viewer that does not compute shows it, and with its formulas."""

    month: ClosedMonth
    path: Path
    values: Workbook
    formulas: Workbook

    def rows(self, sheet: str, first: str) -> Iterator[dict[str, Any]]:
        """Give the rows of the table whose header begins with `first`, by header."""
        rows = self.values[sheet].iter_rows(values_only=True)
        header = next(row for row in rows if row[0] == first)
        for row in rows:
            if row[0] is None:
                return
            yield dict(zip(header, row, strict=True))
