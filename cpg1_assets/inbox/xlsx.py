"""Open XML workbooks (.xlsx, .xlsm, Strict too): every cell as it is stored, with its format and whether a formula made it.

Where a worksheet is plain (see `plain_sheet`), its values are given beside the cells: they are read faster.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cpg1_assets.inbox.cells import NEVER_COMPUTED, Cell, NoValue, Result
from cpg1_assets.inbox.package import Attributes, Package
from cpg1_assets.inbox.plain_sheet import SharedTexts, number_of, plain_sheet, plain_texts, unescaped
from cpg1_assets.inbox.styles import format_code, number_cell
from cpg1_assets.inbox.table import COLUMNS_OF_A_SHEET, ROWS_OF_A_SHEET, Row, Table, UnreadableError, Values

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,9})")
_NO_VALUES = {
    "e": "the cell is the error {:.40}",
    "b": "the cell is {:.40}",
    "d": "the cell is the date or time {:.40}",
}


@dataclass
class _Workbook:
    """What a workbook says of itself, and the parts it is made of."""

    package: Package
    sheets: list[tuple[str, bool, str]] = field(default_factory=list)
    """Name, whether hidden, part."""
    never_computed: bool = False
    """Whether it asks to be computed when it is opened: a stored 0 is then no result."""
    from_1904: bool = False
    strings: SharedTexts | None = None
    formats: list[str] = field(default_factory=list)
    """By the style number of a cell."""
    parts: dict[str, str] = field(default_factory=dict)
    """By the type of the relationship."""


def read_xlsx(package: Package, main: str) -> list[Table]:
    """Give the worksheets of the workbook whose main part this is. Raises UnreadableError for one that is damaged."""
    book = _Workbook(package)
    _read_workbook(book, main)
    if "styles" in book.parts:
        _read_styles(book)
    return [
        Table(name, _Sheet(book, part), hidden, _values(book, part)) for name, hidden, part in book.sheets
    ]


def _read_workbook(book: _Workbook, main: str) -> None:
    listed: list[tuple[str, bool, str]] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "sheet":
            hidden = attributes.get("state", "visible") != "visible"
            listed.append((attributes.get("name", ""), hidden, attributes.get("id", "")))
        elif tag == "calcPr":
            book.never_computed = _is_set(attributes.get("fullCalcOnLoad"))
        elif tag == "workbookPr":
            book.from_1904 = _is_set(attributes.get("date1904"))

    book.package.parse(main, start)
    related = {relation.id: relation for relation in book.package.related(main)}
    book.parts = {relation.type: relation.target for relation in related.values()} | {"workbook": main}
    for name, hidden, key in listed:
        if key not in related:
            raise UnreadableError(f"its sheet {name!r:.80} is missing")
        if related[key].type == "worksheet":
            book.sheets.append((name, hidden, related[key].target))


def _is_set(value: str | None) -> bool:
    return value is not None and value.lower() in {"1", "true", "on"}


def _read_styles(book: _Workbook) -> None:
    own: dict[int, str] = {}
    of_cells: list[int] = []
    inside: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "numFmt" and inside[-1:] == ["numFmts"]:
            own[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif tag == "xf" and inside[-1:] == ["cellXfs"]:
            of_cells.append(int(attributes.get("numFmtId", "0")))
        inside.append(tag)

    def end(_: str) -> None:
        inside.pop()

    book.package.parse(book.parts["styles"], start, end)
    book.formats = [format_code(number, own) for number in of_cells]


def _shared_strings(book: _Workbook) -> SharedTexts:
    """Read the texts that cells share: once, and only when a cell is read that needs one."""
    if book.strings is None:
        part = book.parts.get("sharedStrings")
        if part is None:
            book.strings = SharedTexts([])
        else:
            book.strings = plain_texts(book.package, part) or _texts_with_runs(book.package, part)
    return book.strings


def _texts_with_runs(package: Package, part: str) -> SharedTexts:
    strings: list[str] = []
    texts = _Text()

    def start(tag: str, _: Attributes) -> None:
        texts.start(tag)

    def end(tag: str) -> None:
        texts.end(tag)
        if tag == "si":
            strings.append(texts.taken())

    package.parse(part, start, end, texts.add)
    return SharedTexts([strings])


class _Text:
    """The text of a cell in the making: its runs, without the phonetic ones."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._is_text = False
        self._is_phonetic = False

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._is_phonetic = True
        self._is_text = tag == "t"

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._is_phonetic = False
        self._is_text = False

    def add(self, text: str) -> None:
        if self._is_text and not self._is_phonetic:
            self._pieces.append(text)

    def taken(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return unescaped(text)


class _Sheet:
    """The rows of a worksheet, read anew each time they are gone through."""

    def __init__(self, book: _Workbook, part: str) -> None:
        self._book = book
        self._part = part

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in order of their numbers, in whatever order they are stored."""
        rows: dict[int, list[Cell]] = {}
        book, reader = self._book, _CellReader(self._book)
        row = column = 0

        def start(tag: str, attributes: Attributes) -> None:
            nonlocal row, column
            if tag == "row":
                row = _number(attributes.get("r"), row + 1)
                column = 0
            elif tag == "c":
                row, column = _place(attributes.get("r"), row, column + 1)
                reader.open(attributes, row, column)
            else:
                reader.start(tag, attributes)

        def end(tag: str) -> None:
            if tag != "c":
                reader.end(tag)
                return
            cell = reader.close()
            if cell is None:
                return
            kept = rows.setdefault(row, [])
            if column > len(kept):
                kept += [None] * (column - len(kept))
            if kept[column - 1] is not None:
                raise UnreadableError(
                    f"row {row} has two cells in one place, so one of two values would be lost"
                )
            kept[column - 1] = cell

        book.package.parse(self._part, start, end, reader.text)
        for number in sorted(rows):
            yield number, rows.pop(number)


class _CellReader:
    """Reads one cell at a time, out of the events inside it."""

    def __init__(self, book: _Workbook) -> None:
        self._book = book
        self._is_open = False
        self._inside = ""
        self._is_extension = False
        self._text = _Text()
        self._filled: list[tuple[int, int, int, int]] = []
        """Where one formula fills several cells, of which only the first says so: rows and columns, both included."""

    def open(self, attributes: Attributes, row: int, column: int) -> None:
        self._is_open = True
        self._place = (row, column)
        self._type = attributes.get("t", "n")
        self._style = int(attributes.get("s", "0"))
        self._value = ""
        self._has_value = self._has_formula = False

    def start(self, tag: str, attributes: Attributes) -> None:
        self._is_extension = self._is_extension or tag == "extLst"
        if self._is_extension:
            return
        self._inside = tag
        self._text.start(tag)
        if self._is_open and tag == "f":
            self._has_formula = True
            if attributes.get("t") in {"array", "dataTable"}:
                self._fill(attributes.get("ref", ""))
        elif self._is_open and tag == "v":
            self._has_value = True

    def _fill(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        (top, left), (bottom, right) = _place(first or None, *self._place), _place(last or None, *self._place)
        self._filled.append((top, bottom, left, right))

    def end(self, tag: str) -> None:
        if self._is_extension:
            self._is_extension = tag != "extLst"
            return
        self._inside = ""
        self._text.end(tag)

    def text(self, text: str) -> None:
        if self._is_open and self._inside == "v":
            self._value += text
        elif self._is_open:
            self._text.add(text)

    def close(self) -> Cell:
        """Give the cell. A formula with no stored value was never computed; one with an empty text is blank."""
        self._is_open = False
        inline = self._text.taken()
        kind, value = self._type, self._value
        if (
            self._has_formula
            and not value
            and (not self._has_value or kind != "str" or self._book.never_computed)
        ):
            return NEVER_COMPUTED
        if kind in {"inlineStr", "s", "str"} or not value:
            text = self._written(kind, value, inline)
            return Result(text) if text is not None and self._is_result() else text
        if kind in _NO_VALUES:
            return NoValue(
                _NO_VALUES[kind].format(
                    {"1": "TRUE", "0": "FALSE"}.get(value, value) if kind == "b" else value
                )
            )
        return self._numeric(value)

    def _written(self, kind: str, value: str, inline: str) -> str | None:
        if kind == "inlineStr" or not value:
            return inline or None
        return _shared_strings(self._book).named(value) if kind == "s" else unescaped(value)

    def _is_result(self) -> bool:
        row, column = self._place
        return self._has_formula or any(
            top <= row <= bottom and left <= column <= right for top, bottom, left, right in self._filled
        )

    def _numeric(self, value: str) -> Cell:
        number, book = number_of(value), self._book
        if number is None:
            return value
        is_result = self._is_result()
        if is_result and not number and book.never_computed:
            return NEVER_COMPUTED
        code = book.formats[self._style] if self._style < len(book.formats) else "General"
        return number_cell(number, code, is_result=is_result, from_1904=book.from_1904)


def _number(given: str | None, following: int) -> int:
    number = int(given) if given is not None and given.isdecimal() else following
    if not 0 < number <= ROWS_OF_A_SHEET:
        raise UnreadableError("a sheet has more rows than a spreadsheet can have")
    return number


def _place(reference: str | None, row: int, following: int) -> tuple[int, int]:
    """Give row and column of a cell: as its reference says, else the next one of the row."""
    if reference is None:
        return row, following
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise UnreadableError(f"a cell is in the place {reference!r:.20}, which no sheet has")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    if column > COLUMNS_OF_A_SHEET:
        raise UnreadableError("a sheet has more columns than a spreadsheet can have")
    return _number(found[2], row), column


def _values(book: _Workbook, part: str) -> Values | None:
    """Give the values of a plain sheet."""
    plain = plain_sheet(book.package, part, lambda: _shared_strings(book))
    if plain is None:
        return None
    formats: Mapping[int, frozenset[str]] = {
        column: frozenset(book.formats[style] if style < len(book.formats) else "General" for style in styles)
        for column, styles in plain.styles.items()
    }
    return Values(plain, formats)
