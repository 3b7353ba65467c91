"""One comments file: what each row says of an item, or why a row or the file is not read.

Which items are open, and what becomes of the comments, is not known here.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import Cell, NoValue, Number, Result, is_blank, taken_back, trimmed
from cpg1_assets.inbox.number_format import is_harmless
from cpg1_assets.inbox.sheet import Sheet, Wanted, read_sheet, require_width
from cpg1_assets.inbox.table import AGAIN
from cpg1_assets.rules.frames import CAUSES, OPEN_ITEM_COMMENTS, OPEN_ITEMS

WANTED = (
    Wanted("item", ("item",), says_nothing=is_harmless),
    Wanted("comment", ("comment",), says_nothing=is_harmless),
    Wanted("owner", ("owner",), is_needed=False, says_nothing=is_harmless),
    Wanted(
        "confirmed_cause", ("confirmed_cause", "confirmed cause"), is_needed=False, says_nothing=is_harmless
    ),
)
_GIVEN_OUT = {column.name for column in (*OPEN_ITEMS.columns, *OPEN_ITEM_COMMENTS.columns)}
_LONGEST = 32_767
"""Characters that a cell of a spreadsheet holds."""
_WHOLE = 10**15
"""Below it, a spreadsheet keeps every digit of a whole number."""
_CAUSES = {cause.casefold(): cause for cause in CAUSES}
_IN_A_TEXT = frozenset("\n\t")
_AS_TEXT = "Write the text itself"


class Said(NamedTuple):
    """What a row says: its number, and the texts in it, None where there is none; of several sheets, on which it is."""

    row: int
    item: str
    comment: str | None
    owner: str | None
    confirmed_cause: str | None
    sheet: str | None = None

    @property
    def place(self) -> str:
        """Where in its file the row is."""
        return f"row {self.row}" if self.sheet is None else f"sheet {self.sheet}, row {self.row}"


class Problem(NamedTuple):
    """What is not read, in a sentence: of a file, and where it is about one, of a row and an item."""

    file: str
    message: str
    row: int | None = None
    item: str | None = None


class Read(NamedTuple):
    """What a file says, row by row, and what in it cannot be read."""

    said: list[Said]
    problems: list[Problem]


class _CellError(ValueError):
    """A cell that cannot be read. Its text says what it is, and ends with what to do."""


def parse_comments(file: str, content: bytes) -> Read:
    """Give what each row of a comments file says; a row that says nothing is none.

    A row counts when it has a comment, an owner or a confirmed cause; of the columns only these and the item are read.
    Raises DataError naming the file where its table cannot be found; of a row that cannot be read there is a problem.
    """
    sheet = read_sheet(file, content, WANTED)
    _require_known_columns(sheet)
    said: list[Said] = []
    problems: list[Problem] = []
    try:
        for number, cells in sheet.rows:
            found = _read(sheet, number, cells)
            if isinstance(found, Problem):
                problems.append(found)
            elif found is not None:
                said.append(found)
    except DataError as error:  # what stands below cannot be read at all
        problems.append(Problem(file, str(error)))
    return Read(said, problems)


def _require_known_columns(sheet: Sheet) -> None:
    """Refuse a column of another name where one that may be left out is not there: it may be that one, misspelled."""
    absent = [wanted.what for wanted, place in zip(WANTED, sheet.places, strict=True) if place is None]
    others = [name for name in sheet.header if name and "_".join(name.casefold().split()) not in _GIVEN_OUT]
    if absent and others:
        raise DataError(
            f"{sheet.file}: there is no column {' or '.join(absent)}, and a column that is not known: "
            f"{', '.join(others)[:200]}. Name the columns as they were given out, or leave the other ones out, {AGAIN}"
        )


def _read(sheet: Sheet, number: int, cells: Sequence[Cell]) -> Said | Problem | None:
    """Give what a row says, or why it cannot be read; None where it says nothing."""
    if all(map(is_blank, cells)):
        return None
    try:
        require_width(
            sheet.file, sheet.header, sheet.unnamed, number, cells,
            "Put texts with the delimiter in them in quotes,",
        )  # fmt: skip
    except DataError as error:
        return Problem(sheet.file, str(error), number)
    row = {
        wanted.what: None if at is None else cells[at]
        for wanted, at in zip(WANTED, sheet.places, strict=True)
    }
    return said_in(
        row, sheet.file, number, lambda what, item: f'{sheet.file}, row {number}{item}, column "{what}"'
    )


def said_in(
    row: Mapping[str, Cell], file: str, number: int, at: Callable[[str, str], str]
) -> Said | Problem | None:
    """Give what the cells of a row say, or why it cannot be read; None where they say nothing.

    The cells are given by the names of WANTED, the item first. `at` names the place of one of them for a person, with
    the words that name the item put into it.
    """
    if all(is_blank(cell) for what, cell in row.items() if what != "item"):
        return None
    texts: dict[str, str | None] = {}
    for what, cell in row.items():
        try:
            texts[what] = _READ[what](cell)
        except _CellError as error:
            item = texts.get("item")
            of_item = "" if item is None else f", item {item}"
            return Problem(file, f"{at(what, of_item)}: {error}, {AGAIN}", number, item)
    return Said(number, str(texts["item"]), texts["comment"], texts["owner"], texts["confirmed_cause"])


def _item(cell: Cell) -> str:
    item = _text(cell)
    if item is None:
        raise _CellError("something is said, and of no item. Write the item's name, or delete the row")
    return item


def _cause(cell: Cell) -> str | None:
    written = _text(cell)
    if written is None:
        return None
    found = _CAUSES.get(written.casefold())
    if found is None:
        raise _CellError(f"{written!r:.60} is no cause. Write one of {', '.join(CAUSES)}")
    return found


def _text(cell: Cell) -> str | None:
    """Read a cell as the text a person wrote; None where there is none."""
    if isinstance(cell, Result) or (isinstance(cell, Number) and cell.is_result):
        raise _CellError(f"the cell is a formula. {_AS_TEXT}")
    if isinstance(cell, NoValue):
        raise _CellError(f"{cell.what}. {_AS_TEXT}")
    if isinstance(cell, Number | float | int):
        return _number(cell)
    if cell is None or is_blank(cell):
        return None
    text = trimmed(cell).replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("="):
        raise _CellError(f"{text!r:.60} is a formula. {_AS_TEXT}")
    text = taken_back(text)
    if len(text) > _LONGEST:
        raise _CellError(f"the text has {len(text):,} characters, more than {_LONGEST:,}. Shorten it")
    if any(unicodedata.category(c) == "Cc" and c not in _IN_A_TEXT for c in text):
        raise _CellError(f"{text!r:.60} has characters that cannot be shown. Take them out")
    return text


def _number(cell: Number | float) -> str:
    """Give a number as the text it is shown as, where that is certain."""
    if isinstance(cell, Number) and cell.text is not None:
        return trimmed(cell.text)
    value = cell.value if isinstance(cell, Number) else cell
    is_plain = not isinstance(cell, Number) or is_harmless(cell.format)
    if not is_plain or not abs(value) < _WHOLE or value != int(value):
        raise _CellError(
            f"the cell is the number {value!r}, and what was written is not certain. Give it the format Text, and write "
            "it again"
        )
    return str(int(value))


_READ: dict[str, Callable[[Cell], str | None]] = {
    "item": _item,
    "comment": _text,
    "owner": _text,
    "confirmed_cause": _cause,
}
