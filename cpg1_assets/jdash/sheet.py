"""The rows of a JDash file, out of the bytes of a CSV file or an Excel workbook (spec: jdash).

It ends with the place of the two columns that count. What their cells mean is not known here.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import PurePath
from typing import Any

import openpyxl

from cpg1_assets.errors import DataError
from cpg1_assets.jdash.cells import Cell, NoValue, is_blank, trimmed

VOUCHER_HEADERS = ("Voucher Id", "Voucher_Id", "voucher_id", "VoucherId", "id", "voucher")
AMOUNT_HEADERS = ("Amount Used", "Amount_Used", "amount_used", "AmountUsed", "amount", "Ordered Amount")
AGAIN = "and put the file in the inbox again."

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAVE_AS_CSV = f"In the spreadsheet, save it as 'CSV UTF-8' {AGAIN}"
_SAVE_AS_XLSX = f"Open it in the spreadsheet, save it as .xlsx without a password {AGAIN}"
_UNPACKED_LIMIT = 512 * 2**20
_ROWS_OF_A_SHEET = 2**20
_CERTAIN_NUMBER = 10**15
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")

Row = tuple[int, Sequence[Cell]]
"""The number of a row, as a spreadsheet counts, and its cells."""


@dataclass(frozen=True)
class Sheet:
    """The rows below the header of one table, and the places of the voucher and of the amount in them."""

    file: str
    header: tuple[str, ...]
    voucher: int
    amount: int
    unnamed: tuple[int, ...]
    """Places right of a column that counts with no name above them: a cell there was shifted."""
    rows: Iterable[Row]


def read_sheet(file: str, content: bytes) -> Sheet:
    """Find the table in the bytes of `file`, a .csv or .xlsx. Raises DataError when none is certain."""
    if PurePath(file).suffix.lower() == ".xlsx":
        return _workbook_sheet(file, content)
    return _csv_sheet(file, _decoded(file, content))


# CSV


def _decoded(file: str, content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{file}: it is an Excel workbook, not a CSV file. {_SAVE_AS_CSV}")
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        where = file if utf_16 else f"{file}, row {row}"
        raise DataError(f"{where}: a character is neither UTF-8 nor UTF-16. {_SAVE_AS_CSV}") from None
    if "\0" in text:
        raise DataError(f"{file}: it is not a text file (it has NUL characters). {_SAVE_AS_CSV}")
    if text.lstrip().startswith("<"):
        raise DataError(f"{file}: it is a web page or XML, not a CSV file. {_SAVE_AS_CSV}")
    return text


def _csv_sheet(file: str, text: str) -> Sheet:
    """Read CSV whose delimiter is the one that makes both columns appear in the header."""
    headers = {delimiter: _header(_csv_rows(file, text, delimiter)) for delimiter in _DELIMITERS}
    fitting = [delimiter for delimiter, (_, names) in headers.items() if all(_candidates(names))]
    if len(fitting) > 1:
        names = " and ".join(_DELIMITERS[delimiter] for delimiter in fitting)
        raise DataError(
            f"{file}, row {headers[fitting[0]][0]}: the delimiter could be {names}. {_SAVE_AS_CSV}"
        )
    best = max(_DELIMITERS, key=lambda delimiter: sum(map(len, _candidates(headers[delimiter][1]))))
    delimiter = fitting[0] if fitting else best
    number, header = headers[delimiter]
    rows = (row for row in _csv_rows(file, text, delimiter) if row[0] > number)
    return _sheet(file, number, header, rows)


def _csv_rows(file: str, text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, cells
    except csv.Error as error:
        raise DataError(
            f"{file}, row {number + 1}: it is not CSV ({error}): a quote is open, or text follows one. "
            f"{_SAVE_AS_CSV}"
        ) from None


# Excel


def _workbook_sheet(file: str, content: bytes) -> Sheet:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(f"{file}: it is password-protected, or an old .xls workbook. {_SAVE_AS_XLSX}")
    if not content.startswith(b"PK\x03\x04"):
        raise DataError(f"{file}: it is not an Excel workbook, whatever its name says. {_SAVE_AS_XLSX}")
    tables = {name: rows for name, rows in _workbook_rows(file, content).items() if rows}
    if len(tables) > 1:
        tables = {name: rows for name, rows in tables.items() if all(_candidates(_header(rows)[1]))} or tables
    if len(tables) > 1:
        names = ", ".join(tables)
        raise DataError(f"{file}: several sheets may be the one ({names}). Leave one, save it {AGAIN}")
    if not tables:
        return _sheet(file, 1, (), [])
    rows = next(iter(tables.values()))
    number, header = _header(rows)
    below = [(row, [*cells, *[None] * (len(header) - len(cells))]) for row, cells in rows if row > number]
    return _sheet(file, number, header, below)


def _workbook_rows(file: str, content: bytes) -> dict[str, list[Row]]:
    """Give the rows with something in them of every sheet, hidden or not."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            has_formulas = unpacked <= _UNPACKED_LIMIT and _has_formulas(archive)
        if unpacked <= _UNPACKED_LIMIT:
            return _cells(content, has_formulas=has_formulas)
    except Exception as error:  # a damaged workbook makes its reader raise anything
        raise DataError(
            f"{file}: it is not a spreadsheet that can be read ({error!r:.200}). {_SAVE_AS_XLSX}"
        ) from error
    raise DataError(
        f"{file}: it unpacks to {unpacked:,} bytes, more than a JDash export has. "
        f"Save it as CSV UTF-8 {AGAIN}"
    )


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    """Tell whether any sheet has a formula: only then is it worth looking for those never computed."""
    for part in archive.namelist():
        if part.startswith("xl/worksheets/"):
            with archive.open(part) as stream:
                seam = b""
                while chunk := stream.read(2**20):
                    if _FORMULA.search(seam + chunk):
                        return True
                    seam = chunk[-64:]
    return False


def _cells(content: bytes, *, has_formulas: bool) -> dict[str, list[Row]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        computed = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        as_written = openpyxl.load_workbook(io.BytesIO(content), read_only=True) if has_formulas else None
        return {
            sheet.title: [
                (number, cells)
                for number, cells in _sheet_rows(sheet, as_written and as_written[sheet.title])
                if not all(map(is_blank, cells))
            ]
            for sheet in computed.worksheets
        }


def _sheet_rows(computed: Any, as_written: Any) -> Iterator[Row]:  # noqa: ANN401 - openpyxl has no types
    """Give the rows of a sheet; a formula without a result, which looks like an empty cell, is marked."""
    formulas = repeat(()) if as_written is None else _every_row(as_written)
    for number, (cells, sources) in enumerate(zip(_every_row(computed), formulas, strict=False), 1):
        row = [_value(cell) for cell in cells]
        for place, source in enumerate(sources):
            if source.data_type == "f" and row[place] is None:
                row[place] = NoValue("the cell is a formula that was never computed")
        yield number, row


def _every_row(sheet: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401 - openpyxl has no types
    sheet.reset_dimensions()  # the size a workbook claims may be wrong, and would cut rows off
    for number, cells in enumerate(sheet.iter_rows()):
        if number >= _ROWS_OF_A_SHEET:
            raise ValueError("a sheet has more rows than a spreadsheet can have")
        yield cells


def _value(cell: Any) -> Cell:  # noqa: ANN401 - openpyxl has no types
    value = cell.value
    if cell.data_type == "e":
        return NoValue(f"the cell is the error {value}")
    if type(value) is int and 0 <= value < _CERTAIN_NUMBER and cell.number_format.strip("0") == "":
        return f"{value:0{len(cell.number_format)}d}"  # shown with leading zeros, which ids keep
    if isinstance(value, bool):
        return NoValue(f"the cell is {str(value).upper()}")
    if value is None or isinstance(value, str | int | float):
        return value
    return NoValue(f"the cell is the date or time {value}")


# The header


def _header(rows: Iterable[Row]) -> tuple[int, tuple[str, ...]]:
    """Give the first line with something in it. Excel's own `sep=;` is not a line of the table."""
    try:
        for number, cells in rows:
            names = tuple(
                trimmed(cell) if isinstance(cell, str) else "" if cell is None else "?" for cell in cells
            )
            if any(names) and not names[0].lower().startswith("sep="):
                return number, names
    except DataError:
        pass  # not CSV by this delimiter
    return 0, ()


def _candidates(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Give the places of the names that a voucher column, and an amount column, may have."""
    return _places(names, VOUCHER_HEADERS), _places(names, AMOUNT_HEADERS)


def _places(names: Sequence[str], known: Sequence[str]) -> list[int]:
    folded = {name.casefold() for name in known}
    return [place for place, name in enumerate(names) if name.casefold() in folded]


def _sheet(file: str, number: int, header: tuple[str, ...], rows: Iterable[Row]) -> Sheet:
    """Settle the two columns. Raises DataError when one is not there, or there twice."""
    voucher, amount = _candidates(header)
    where = f"{file}, row {number}" if number else file
    for what, known, places in (("voucher", VOUCHER_HEADERS, voucher), ("amount", AMOUNT_HEADERS, amount)):
        if not places:
            seen = ", ".join(filter(None, header))[:200] or "nothing"
            raise DataError(
                f"{where}: no {what} column in the header ({seen}). Name it {known[0]} {AGAIN} "
                f"(Also read: {', '.join(known[1:])}.)"
            )
        if len(places) > 1:
            names = " and ".join(f'"{header[place]}"' for place in places)
            raise DataError(f"{where}: {names} could both be the {what} column. Keep one {AGAIN}")
    width = max(place for place, name in enumerate(header) if name) + 1
    first = min(voucher[0], amount[0])
    unnamed = tuple(place for place in range(first, width) if not header[place])
    return Sheet(file, header[:width], voucher[0], amount[0], unnamed, rows)
