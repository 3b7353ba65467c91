"""The open items sheet of a control workbook that came back: what people wrote in it, and what else they changed.

Every cell that is not for them is held against the sealed version the workbook was made of. Whether it is the newest
version is looked at as well: what was said or found since must not get lost.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from cpg1_assets.comments.file import Problem, Read, Said, said_in
from cpg1_assets.comments.open_items_sheet import COLUMNS, EDITABLE, HEADERS, ITEM, Mark, mark_in
from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import Cell, NoValue, Number, day_of, is_blank
from cpg1_assets.inbox.given_cells import Kind, Value, cell_value
from cpg1_assets.inbox.sheet import read_tables
from cpg1_assets.inbox.table import AGAIN, Row, Table
from cpg1_assets.month import CutoffMonth

_LINES_ABOVE = 30
_MOST_CELLS = 50
"""So many changed cells are named; how many more there are is said."""
_TEXTS = ("comment", "owner", "confirmed_cause")
_PLACES = tuple(EDITABLE[name] for name in _TEXTS)
_HELD = tuple((at, column) for at, column in enumerate(COLUMNS.values()) if not column.is_editable)
Comments = Mapping[str, tuple[str | None, str | None, str | None]]
"""Comment, owner and confirmed cause, by item."""


@dataclass(frozen=True)
class MadeOf:
    """The sealed version a workbook was made of, and the newest one of the month."""

    version: int
    cells: Mapping[str, Sequence[Value]]
    """What the cells of each item's row held, by item."""
    newest: int
    said: Comments
    """What the version was sealed with; `said_since` is what the newest one was."""
    said_since: Comments


FindVersion = Callable[[Mark], MadeOf]
"""Finds the version that a mark names. Raises DataError where the month has no such version."""


class ItemNow(NamedTuple):
    """What an open item is now: its unexplained amount, LCY, and what probably caused it."""

    unexplained: Decimal
    cause: str


def workbook_comments(
    file: str, content: bytes, month: CutoffMonth, items: Mapping[str, ItemNow], made_of: FindVersion
) -> Read | None:
    """Give what people wrote in the control workbook that `content` is, of open `items`; None where it is none.

    It is one where a sheet has the mark of the open items above a header. Raises DataError where it is not one that
    was made of this month, and where its sheets cannot be told from each other.
    """
    sheets = [found for table in read_tables(file, content) if (found := _found(file, table)) is not None]
    if not sheets:
        return None
    marks = {sheet.mark for sheet in sheets}
    if len(marks) > 1:
        said = "; ".join(sorted(map(str, marks)))
        raise DataError(f"{file}: its sheets are of several workbooks ({said}). Leave those of one, {AGAIN}")
    (mark,) = marks
    if mark.month != month.key:
        raise DataError(
            f"{file}: the workbook was made of {mark.month}, and the file is that of {month.key}. Name it "
            f"{mark.month}.xlsx, or put the workbook of {month.key} there."
        )
    return _Reading(file, mark, items, made_of(mark)).read(sheets)


@dataclass(frozen=True)
class _Sheet:
    """One sheet of open items: its name, its mark, the row of its header, the rows."""

    name: str
    mark: Mark
    header: int
    rows: Iterable[Row]


def _found(file: str, table: Table) -> _Sheet | None:
    """Give a sheet with a mark; None for any other. Raises DataError where its header is not as it was given out."""
    rows = table.rows if table.values is None else table.values.rows
    mark: Mark | None = None
    for number, cells in islice(rows, _LINES_ABOVE):
        texts = [cell for cell in cells if isinstance(cell, str)]
        if mark is None:
            mark = next(filter(None, map(mark_in, texts)), None)
            if mark is None and {"Item", "Comment", "Unexplained USD"} <= set(texts):
                raise DataError(
                    f"{file}, sheet {table.name}: the line above the header that says what the workbook was made of is "
                    f"not there any more, or another one. Take the workbook anew, write the comments into it {AGAIN}"
                )
        elif "Item" in texts or "Comment" in texts:
            _require_header(file, table.name, number, cells)
            return _Sheet(table.name, mark, number, rows)
    if mark is None:
        return None
    raise DataError(
        f"{file}, sheet {table.name}: there is no header with {HEADERS[ITEM]} and Comment in it. Take the workbook anew, "
        f"write the comments into it {AGAIN}"
    )


def _require_header(file: str, sheet: str, number: int, cells: Sequence[Cell]) -> None:
    written = [*cells, *[None] * (len(HEADERS) - len(cells))]
    for at, (was, now) in enumerate(zip(HEADERS, written, strict=False)):
        if now != was:
            raise DataError(f"{_at(file, sheet, at, number)}: {_changed(was, _told(now, 'text'))}")


class _Reading:
    """Reads the sheets of one workbook, and holds them against the version it was made of."""

    def __init__(self, file: str, mark: Mark, items: Mapping[str, ItemNow], made_of: MadeOf) -> None:
        self._file = file
        self._mark = mark
        self._items = items
        self._of = made_of
        self._said: list[Said] = []
        self._problems: list[Problem] = []
        self._more = 0

    def read(self, sheets: Iterable[_Sheet]) -> Read:
        """Give what the rows say, and what is wrong in them."""
        for sheet in sheets:
            for number, cells in sheet.rows:
                if number > sheet.header and not all(map(is_blank, cells)):
                    self._take(sheet.name, number, [*cells, *[None] * (len(HEADERS) - len(cells))])
        if self._more:
            self._problems.append(
                Problem(self._file, f"{self._file}: {self._more:,} cells more are changed.")
            )
        return Read(self._said, self._problems)

    def _take(self, sheet: str, number: int, cells: Sequence[Cell]) -> None:
        item = cells[ITEM]
        sealed = self._of.cells.get(item) if isinstance(item, str) else None
        if not isinstance(item, str) or sealed is None:
            said = (
                f"{_at(self._file, sheet, ITEM, number)}: {_told(item, 'text')} is no open item of version "
                f"{self._mark.version} of {self._mark.month}, which the workbook was made of. Write the item back that was "
                f"there, or take the workbook anew, {AGAIN}"
            )
            self._refuse(said, number, None)
            return
        is_as_sealed = self._hold(sheet, number, item, cells, sealed)
        texts = {"item": item, **{name: cells[EDITABLE[name]] for name in _TEXTS}}
        found = said_in(
            texts, self._file, number,
            lambda what, item: _at(self._file, sheet, list(COLUMNS).index(what), number) + item,
        )  # fmt: skip
        if isinstance(found, Problem):
            self._problems.append(found)
            return
        texts_said = (
            (None, None, None) if found is None else (found.comment, found.owner, found.confirmed_cause)
        )
        if found is not None and is_as_sealed:
            self._said.append(found._replace(sheet=sheet))
            self._require_same_item(sheet, number, item)
        self._require_nothing_lost(sheet, number, item, texts_said)

    def _hold(
        self, sheet: str, number: int, item: str, cells: Sequence[Cell], sealed: Sequence[Value]
    ) -> bool:
        """Hold the cells of a row that are not for people against the sealed ones."""
        is_as_sealed = True
        for at, column in _HELD:
            if not _is_same(cells[at], sealed[at]):
                is_as_sealed = False
                was, now = _told(sealed[at], column.kind), _told(cells[at], column.kind)
                self._refuse(
                    f"{_at(self._file, sheet, at, number)}, item {item}: {_changed(was, now)}", number, item
                )
        for at, cell in enumerate(cells[len(HEADERS) :], len(HEADERS)):
            if not is_blank(cell):
                is_as_sealed = False
                now = _told(cell, "text")
                self._refuse(
                    f"{_at(self._file, sheet, at, number)}, item {item}: {_changed('empty', now)}",
                    number,
                    item,
                )
        return is_as_sealed

    def _require_same_item(self, sheet: str, number: int, item: str) -> None:
        """Refuse what is said of an item that is another by now than in the version the workbook was made of."""
        now = self._items.get(item)
        if now is None or self._of.newest == self._mark.version:
            return  # an item that is open no more is refused for every kind of file
        then = [self._of.cells[item][list(COLUMNS).index(name)] for name in ItemNow._fields]
        of_now = [cell_value(COLUMNS[name].kind, value) for name, value in now._asdict().items()]
        if then != of_now:
            self._problems.append(
                Problem(
                    self._file,
                    f"{_at(self._file, sheet, ITEM, number)}, item {item}: the workbook was made of version "
                    f"{self._mark.version}, in which it was {then[0]}, {then[1]}; since version {self._of.newest} it is "
                    f"{of_now[0]}, {of_now[1]}. Take the newest workbook, and write the comment into that one.",
                    number,
                    item,
                )
            )

    def _require_nothing_lost(self, sheet: str, number: int, item: str, now: tuple[str | None, ...]) -> None:
        """Refuse to take back what a later version was sealed with, where the workbook does not say anything else."""
        if self._of.newest == self._mark.version:
            return
        nothing = (None, None, None)
        then, since = self._of.said.get(item, nothing), self._of.said_since.get(item, nothing)
        for name, at, was, later, written in zip(_TEXTS, _PLACES, then, since, now, strict=True):
            if later != was and written == was:
                self._problems.append(
                    Problem(
                        self._file,
                        f"{_at(self._file, sheet, at, number)}, item {item}: the workbook was made of version "
                        f"{self._mark.version}, and since version {self._of.newest} the {name.replace('_', ' ')} is "
                        f"{_told(later, 'text')}, which this would take back. Take the newest workbook, or write it here "
                        f"too, {AGAIN}",
                        number,
                        item,
                    )
                )

    def _refuse(self, message: str, number: int, item: str | None) -> None:
        if len(self._problems) < _MOST_CELLS:
            self._problems.append(Problem(self._file, message, number, item))
        else:
            self._more += 1


def _is_same(cell: Cell, sealed: Value) -> bool:
    """Tell whether a cell holds what was sealed: a number the number, a date the day, a text the text."""
    if sealed is None:
        return is_blank(cell)
    if isinstance(sealed, str):
        return isinstance(cell, str) and cell.replace("\r\n", "\n").replace("\r", "\n") == sealed
    if isinstance(cell, Number):
        return cell.value == sealed
    if isinstance(cell, NoValue):
        return cell.number == sealed
    return isinstance(cell, float | int) and cell == sealed


def _changed(was: str, now: str) -> str:
    return (
        f"it was {was}, and is {now}. Only Comment, Owner and Confirmed cause are to be written in. Write it back, or take "
        f"the workbook anew, {AGAIN}"
    )


def _told(cell: Cell, kind: Kind) -> str:
    """Write a cell as a person sees it."""
    value = cell.value if isinstance(cell, Number) else cell.number if isinstance(cell, NoValue) else cell
    if cell is None or is_blank(cell):
        return "empty"
    if value is None:
        return f"something else ({cell.what})" if isinstance(cell, NoValue) else "empty"
    if isinstance(value, str):
        return f"{value!r:.80}"
    if kind == "date":
        return str(day_of(value))
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def _at(file: str, sheet: str, column: int, row: int) -> str:
    """Name a cell as a spreadsheet does."""
    letters, left = "", column + 1
    while left:
        left, rest = divmod(left - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{file}, sheet {sheet}, cell {letters}{row}"
