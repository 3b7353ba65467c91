"""Binary workbooks (.xlsb): every cell as it is stored, with its format and whether a formula made it.

Libraries that were tried give neither, and drop cells in the short records that some programs write; so the records
are read here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from cpg1_assets.inbox.cells import NEVER_COMPUTED, Cell, NoValue, Result
from cpg1_assets.inbox.package import Package
from cpg1_assets.inbox.styles import format_code, number_cell
from cpg1_assets.inbox.table import COLUMNS_OF_A_SHEET, ROWS_OF_A_SHEET, Row, Table, UnreadableError

_SHEET, _WORKBOOK_FLAGS, _CALCULATION = 156, 153, 157
_FORMAT, _STYLE, _STYLES_BEGIN, _STYLES_END = 44, 47, 617, 618
_ROW, _ROWS_END, _TEXT_ITEM = 0, 146, 19
_SHORT_NUMBER, _SHARED_TEXT, _FORMULA_TEXT, _FORMULA_NUMBER, _RICH_TEXT = 2, 7, 8, 9, 62
_NUMBERS, _TEXTS = {_SHORT_NUMBER, 5, _FORMULA_NUMBER}, {6, _FORMULA_TEXT, _RICH_TEXT}
_NO_VALUES = {
    3: "the cell is the error {0}",
    11: "the cell is the error {0}",
    4: "the cell is {1}",
    10: "the cell is {1}",
}
_SHORT = {12: 1, 13: 2, 14: 3, 15: 4, 16: 5, 17: 6, 18: 7}
"""Records of a cell right of the one before, which do not name their column, and what they are with it."""
_CELLS = {*range(1, 19), _RICH_TEXT}
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


@dataclass(frozen=True)
class _Book:
    formats: list[str]
    strings: list[str]
    never_computed: bool
    from_1904: bool


def read_xlsb(package: Package, main: str) -> list[Table]:
    """Give the worksheets of the workbook whose main part this is. Raises UnreadableError for one that is damaged."""
    related = {relation.id: relation for relation in package.related(main)}
    parts = {relation.type: relation.target for relation in related.values()}
    listed: list[tuple[str, bool, str]] = []
    never_computed = from_1904 = False
    for kind, data in _records(package.chunks(main)):
        if kind == _SHEET:
            key, at = _wide(data, 8)
            listed.append((_wide(data, at)[0], data[0] != 0, key))
        elif kind == _WORKBOOK_FLAGS:
            from_1904 = bool(data[0] & 1)
        elif kind == _CALCULATION:
            never_computed = bool(data[24] & 1)
    formats = _formats(package, parts["styles"]) if "styles" in parts else []
    strings = _strings(package, parts["sharedStrings"]) if "sharedStrings" in parts else []
    book = _Book(formats, strings, never_computed, from_1904)
    return [
        Table(name, _Rows(package, related[key].target, book), hidden)
        for name, hidden, key in listed
        if related[key].type == "worksheet"
    ]


def _records(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give kind and data of each record; both kind and length are numbers of seven bits a byte."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        at = 0
        while True:
            kind, start = _number(held, at, 2)
            size, start = _number(held, start, 4)
            if start < 0 or start + size > len(held):
                break
            yield kind, bytes(held[start : start + size])
            at = start + size
        del held[:at]
    if held:
        raise UnreadableError("one of its parts is cut off")


def _number(data: bytearray, at: int, most: int) -> tuple[int, int]:
    """Give a number and where it ends, -1 where the data end before."""
    number = 0
    for place in range(most):
        if at < 0 or at + place >= len(data):
            return 0, -1
        byte = data[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the eighth bit says that there is more
            return number, at + place + 1
    return number, at + most


def _wide(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * length
    if end > len(data):
        raise UnreadableError("one of its texts is cut off")
    return data[at + 4 : end].decode("utf-16-le"), end


def _formats(package: Package, part: str) -> list[str]:
    own: dict[int, str] = {}
    of_cells: list[int] = []
    inside = False
    for kind, data in _records(package.chunks(part)):
        if kind == _FORMAT:
            own[struct.unpack_from("<H", data)[0]] = _wide(data, 2)[0]
        elif kind in {_STYLES_BEGIN, _STYLES_END}:
            inside = kind == _STYLES_BEGIN
        elif kind == _STYLE and inside:
            of_cells.append(struct.unpack_from("<H", data, 2)[0])
    return [format_code(number, own) for number in of_cells]


@dataclass(frozen=True)
class _Rows:
    package: Package
    part: str
    book: _Book

    def __iter__(self) -> Iterator[Row]:
        """Give the rows that have cells. Raises UnreadableError where a place is stored twice."""
        row = column = -1
        cells: list[Cell] = []
        for kind, data in _records(self.package.chunks(self.part)):
            if kind in {_ROW, _ROWS_END}:
                if cells:
                    yield row + 1, cells
                if kind == _ROWS_END:
                    return
                (following,) = struct.unpack_from("<I", data)
                if not row < following < ROWS_OF_A_SHEET:
                    raise UnreadableError("a sheet has rows out of order, so one might be lost")
                row, column, cells = following, -1, []
            elif kind in _CELLS:
                place = column + 1 if kind in _SHORT else struct.unpack_from("<I", data)[0]
                if not column < place < COLUMNS_OF_A_SHEET:
                    raise UnreadableError(
                        f"row {row + 1} has two cells in one place, so one of two values would be lost"
                    )
                cells += [None] * (place - column - 1)
                column = place
                at = 0 if kind in _SHORT else 4
                style = int.from_bytes(data[at : at + 3], "little")
                cells.append(self._cell(_SHORT.get(kind, kind), style, data[at + 4 :]))

    def _cell(self, kind: int, style: int, data: bytes) -> Cell:
        book = self.book
        if kind in _TEXTS:
            text = _wide(data, 1 if kind == _RICH_TEXT else 0)[0]
            return (Result(text) if kind == _FORMULA_TEXT else text) or None
        if kind == _SHARED_TEXT:
            place = struct.unpack_from("<I", data)[0]
            if place >= len(book.strings):
                raise UnreadableError("a cell names a text that the workbook does not have")
            return book.strings[place] or None
        if kind in _NO_VALUES:
            return NoValue(_NO_VALUES[kind].format(_ERRORS.get(data[0], f"number {data[0]}"), bool(data[0])))
        if kind not in _NUMBERS:
            return None
        value = _short_number(data) if kind == _SHORT_NUMBER else float(struct.unpack_from("<d", data)[0])
        is_result = kind == _FORMULA_NUMBER
        if is_result and not value and book.never_computed:
            return NEVER_COMPUTED
        code = book.formats[style] if style < len(book.formats) else "General"
        return number_cell(value, code, is_result=is_result, from_1904=book.from_1904)


def _short_number(data: bytes) -> float:
    """Give a number kept in thirty bits: an integer or the upper half of a float, perhaps times a hundred."""
    (bits,) = struct.unpack_from("<i", data)
    half = struct.unpack("<d", struct.pack("<ii", 0, bits & ~3))[0]
    value = float(bits >> 2 if bits & 2 else half)
    return value / 100 if bits & 1 else value


def _strings(package: Package, part: str) -> list[str]:
    return [_wide(data, 1)[0] for kind, data in _records(package.chunks(part)) if kind == _TEXT_ITEM]
