"""What every reader of a file gives: its tables, each with a name and the rows that have something in them.

Also the bounds that no file may exceed. Which table is the one, and what its cells mean, is not known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import Cell

AGAIN = "and put the file in the inbox again."
SAVE_AS_XLSX = f"Open it in the spreadsheet, save it as .xlsx without a password {AGAIN}"
SAVE_AS_CSV = f"In the spreadsheet, save it as 'CSV UTF-8' {AGAIN}"

ROWS_OF_A_SHEET = 2**20
COLUMNS_OF_A_SHEET = 2**14
MOST_CELLS = 32 * ROWS_OF_A_SHEET
"""Cells of a table that are held in memory at once, empty ones between others included."""

Row = tuple[int, Sequence[Cell]]
"""The number of a row, as a spreadsheet counts, and its cells."""


@dataclass(frozen=True)
class Values:
    """The same rows as plain values, read faster: right for the columns whose formats say nothing more."""

    rows: Iterable[Row]
    formats: Mapping[int, frozenset[str]]
    """By place of the column, the formats of the numbers in it."""


@dataclass(frozen=True)
class Table:
    """One sheet of a workbook, one table of a web page, or a CSV file read by one delimiter."""

    name: str
    rows: Iterable[Row]
    """In order of their numbers. They may be gone through several times."""
    is_hidden: bool = False
    values: Values | None = None


class UnreadableError(ValueError):
    """The bytes are not what they should be. The text says what they are; the file is named by whoever catches it."""


def refused(file: str, what: str, instead: str = SAVE_AS_XLSX) -> DataError:
    """Make the refusal of a whole file."""
    return DataError(f"{file}: {what}. {instead}")
