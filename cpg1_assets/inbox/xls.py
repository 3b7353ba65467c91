"""Workbooks of Excel 5 to 2003 (.xls): every cell with its format and whether a formula made it.

The reader of the values tells neither a formula from a number nor that a place was stored twice, so the stored records
are looked at beside it.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import xlrd
from xlrd.compdoc import CompDoc, CompDocError

from cpg1_assets.inbox.cells import NEVER_COMPUTED, Cell, NoValue, Result
from cpg1_assets.inbox.styles import format_code, number_cell
from cpg1_assets.inbox.table import Row, Table, UnreadableError

_BEGIN, _END, _BOUND_SHEET, _FORMULA, _SEVERAL = 0x809, 0x0A, 0x85, 0x06, 0xBD
_SINGLE = {_FORMULA, 0x203, 0x204, 0x205, 0x27E, 0xFD, 0xD6}
"""Records of one cell: formula, number, text, truth value or error, short number, shared text, rich text."""
_TO_BE_COMPUTED = 0x02
_RECORD, _PLACE = struct.Struct("<HH"), struct.Struct("<HH")

_EMPTY_RESULT = NoValue(
    "the cell is a formula that has no result, or was never computed", NEVER_COMPUTED.instead
)

_Marks = Mapping[tuple[int, int], bool]
"""Row and column, from 0, of each formula, and whether it waits to be computed when the workbook is opened."""


def read_xls(content: bytes) -> list[Table]:
    """Give the worksheets. Raises UnreadableError for a workbook that is damaged, encrypted, or none."""
    silent = io.StringIO()
    try:
        container = CompDoc(content, logfile=silent)
        names = {entry.name for entry in container.dirlist}
        if "EncryptedPackage" in names:
            raise UnreadableError("it is password-protected")
        stream = next(filter(None, map(container.get_named_stream, ("Workbook", "Book"))), None)
        if stream is None:
            raise UnreadableError("it is no spreadsheet, but a file of another program")
        book = xlrd.open_workbook(
            file_contents=content, logfile=silent, formatting_info=True, ragged_rows=True
        )
    except (CompDocError, struct.error, IndexError) as error:
        raise UnreadableError("it is password-protected, or a damaged old .xls workbook") from error
    except xlrd.XLRDError as error:
        what = (
            "it is password-protected"
            if "encrypt" in str(error).lower()
            else f"an old .xls workbook: {error}"
        )
        raise UnreadableError(what) from error
    marks = [_formulas(stream, offset) for offset in _worksheets(stream)]
    if len(marks) != book.nsheets:
        raise UnreadableError("it is an old .xls workbook whose sheets cannot be told apart")
    return [
        Table(sheet.name, list(_rows(book, sheet, formulas)), sheet.visibility != 0)
        for sheet, formulas in zip(book.sheets(), marks, strict=True)
    ]


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + _RECORD.size <= len(stream):
        kind, size = _RECORD.unpack_from(stream, at)
        at += _RECORD.size
        yield kind, stream[at : at + size]
        at += size


def _worksheets(stream: bytes) -> list[int]:
    """Give where each worksheet begins; charts and macro sheets are none."""
    found: list[int] = []
    for kind, data in _records(stream, 0):
        if kind == _BOUND_SHEET and data[5] == 0:
            found.append(struct.unpack_from("<I", data)[0])
        elif kind == _END:
            break
    return found


def _formulas(stream: bytes, at: int) -> _Marks:
    formulas: dict[tuple[int, int], bool] = {}
    seen: set[tuple[int, int]] = set()
    depth = 0
    for kind, data in _records(stream, at):
        depth += (kind == _BEGIN) - (kind == _END)
        if depth == 0:
            break
        if depth > 1:
            continue  # a chart within the sheet
        places: list[tuple[int, int]] = []
        if kind in _SINGLE:
            places = [_PLACE.unpack_from(data)]
        elif kind == _SEVERAL:
            row, first = _PLACE.unpack_from(data)
            places = [
                (row, column) for column in range(first, struct.unpack_from("<H", data, len(data) - 2)[0] + 1)
            ]
        if not seen.isdisjoint(places):
            raise UnreadableError(
                f"row {places[0][0] + 1} has two cells in one place, so one of two values would be lost"
            )
        seen.update(places)
        if kind == _FORMULA:
            formulas[places[0]] = bool(struct.unpack_from("<H", data, 14)[0] & _TO_BE_COMPUTED)
    return formulas


def _rows(book: xlrd.Book, sheet: Any, formulas: _Marks) -> Iterator[Row]:  # noqa: ANN401 - xlrd has no types
    own = {key: form.format_str for key, form in book.format_map.items()}
    for row in range(sheet.nrows):
        stored = sheet.row(row)
        cells = [_cell(book, own, cell, formulas.get((row, column))) for column, cell in enumerate(stored)]
        if any(cell is not None for cell in cells):
            # Beside other values, an empty result may be one that was never computed: some programs store that.
            for column, cell in enumerate(cells):
                if cell is None and (row, column) in formulas:
                    cells[column] = _EMPTY_RESULT
        yield row + 1, cells


def _cell(book: xlrd.Book, own: Mapping[int, str], cell: Any, waits: bool | None) -> Cell:  # noqa: ANN401, FBT001
    if waits and not cell.value:
        return NEVER_COMPUTED
    if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
        return None
    if cell.ctype == xlrd.XL_CELL_TEXT:
        text = str(cell.value) or None
        return text if text is None or waits is None else Result(text)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return NoValue(f"the cell is the error {xlrd.error_text_from_code.get(cell.value, cell.value)}")
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return NoValue(f"the cell is {'TRUE' if cell.value else 'FALSE'}")
    code = format_code(book.xf_list[cell.xf_index].format_key, own)
    return number_cell(float(cell.value), code, is_result=waits is not None, from_1904=book.datemode == 1)
