"""Which table of a JDash file is the one, and where the two columns that count stand in it (spec: jdash).

What a file is, its first bytes say and not its name. What the cells mean is known in `cells`.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from pathlib import PurePath

from cpg1_assets.errors import DataError
from cpg1_assets.jdash.cells import (
    Cell,
    CellError,
    Number,
    is_blank,
    read_amount,
    read_voucher_id,
    without_invisible,
)
from cpg1_assets.jdash.delimited import DELIMITERS, DelimitedRows, decoded
from cpg1_assets.jdash.number_format import is_harmless, is_only_a_number, shows_dates
from cpg1_assets.jdash.ods import KIND, read_ods
from cpg1_assets.jdash.package import Package
from cpg1_assets.jdash.table import (
    AGAIN,
    SAVE_AS_CSV,
    SAVE_AS_XLSX,
    Row,
    Table,
    UnreadableError,
    Values,
    refused,
)
from cpg1_assets.jdash.web_page import is_web_page, read_web_page
from cpg1_assets.jdash.xls import read_xls
from cpg1_assets.jdash.xlsb import read_xlsb
from cpg1_assets.jdash.xlsx import read_xlsx

VOUCHER_HEADERS = ("Voucher Id", "Voucher_Id", "voucher_id", "VoucherId", "id", "voucher")
AMOUNT_HEADERS = ("Amount Used", "Amount_Used", "amount_used", "AmountUsed", "amount", "Ordered Amount")
CURRENCY_HEADERS = (
    "Currency", "Currency Code", "currency_code", "CurrencyCode", "Curr", "CCY", "Devise", "Monnaie", "Moeda", "العملة",
)  # fmt: skip

_LINES_ABOVE = 30
"""The header is looked for in so many lines: titles, filters and dates may stand above it."""
_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0"


_EXCEL_4 = "a workbook of Excel 4 or before"
_KNOWN_STARTS = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "an archive",
    b"PAR1": "a Parquet file",
    b"{\\rtf": "a text document, RTF",
    b"ID;PWXL": "a SYLK file",
    b"ID;PCALC": "a SYLK file",
    b"TABLE\r\n0,1": "a DIF file",
    b"socialcalc:": "a SocialCalc file",
    b"\x00\x00\x02\x00": "a Lotus 1-2-3 workbook",
    b"\x00\x00\x1a\x00": "a Lotus 1-2-3 workbook",
    b"SQLite format 3\0": "a database, SQLite",
    b"\x09\x00\x07\x00": _EXCEL_4,
    b"\x09\x00\x04\x00": _EXCEL_4,
    b"\x09\x02\x06\x00": _EXCEL_4,
    b"\x09\x04\x06\x00": _EXCEL_4,
}


_OTHER_DOCUMENTS = {"word": "a document of Word", "ppt": "a presentation", "visio": "a drawing of Visio"}
"""What a file of Office is, by the folder of its main part."""


@dataclass(frozen=True)
class Sheet:
    """The rows below the header of one table, and the places of the voucher and of the amount in them."""

    file: str
    header: tuple[str, ...]
    voucher: int
    amount: int
    currency: int | None
    """The place of a column that names the currency of each row, where there is one."""
    unnamed: tuple[int, ...]
    """Places right of a column that counts with no name above them: a cell there was shifted."""
    rows: Iterable[Row]


def read_sheet(file: str, content: bytes) -> Sheet:
    """Find the table in the bytes of `file`. Raises DataError when none is certain; going through its rows may, too."""
    suffix = PurePath(file.strip()).suffix.lower()
    if content.startswith((_ZIP, _COMPOUND)):
        if suffix == ".csv":
            raise refused(file, "it is an Excel workbook, not a CSV file", SAVE_AS_CSV)
        read = _zipped_tables if content.startswith(_ZIP) else read_xls
        return _only_table(file, _read(file, lambda: read(content)), may_go_on=True)
    if is_web_page(content):
        return _web_page_sheet(file, content)
    if suffix != ".csv":
        raise refused(file, f"it is not an Excel workbook, whatever its name says{_what_it_is(content)}")
    if content.startswith(tuple(_KNOWN_STARTS)):
        raise refused(file, f"it is not a CSV file{_what_it_is(content)}", SAVE_AS_CSV)
    return _delimited_sheet(file, _text(file, content))


def _zipped_tables(content: bytes) -> list[Table]:
    package = Package(content)
    if "mimetype" in package:
        kind = next(package.chunks("mimetype"), b"")[:200].decode("ascii", "replace").strip()
        if not kind.startswith(KIND):
            raise UnreadableError(f"it is no spreadsheet, but {kind:.80}")
        return read_ods(package)
    main = next((r.target for r in package.related("") if r.type == "officeDocument"), None)
    if main is None:
        if "content.xml" in package and "META-INF/manifest.xml" in package:
            return read_ods(package)
        raise UnreadableError("it is an archive, but of no kind of workbook that is known")
    if other := _OTHER_DOCUMENTS.get(main.partition("/")[0]):
        raise UnreadableError(f"it is no spreadsheet, but {other}")
    return read_xlsb(package, main) if main.endswith(".bin") else read_xlsx(package, main)


def _read(file: str, read: Callable[[], list[Table]]) -> list[Table]:
    try:
        return read()
    except Exception as error:  # a damaged workbook makes its reader raise anything
        raise _unreadable(file, error) from error


def _unreadable(file: str, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    if isinstance(error, zipfile.BadZipFile | EOFError):
        return refused(file, "it is not a spreadsheet that can be read: it is damaged, or was cut off")
    if not isinstance(error, UnreadableError):
        return refused(file, f"it is not a spreadsheet that can be read ({error!r:.200})")
    said = str(error)
    if said.startswith("row "):
        return DataError(
            f"{file}, {said}. {SAVE_AS_CSV if 'CSV' in said or 'UTF-8' in said else SAVE_AS_XLSX}"
        )
    return refused(file, f"it is not a spreadsheet that can be read: {said}")


class _NamedRows:
    """Rows whose reader's errors name the file."""

    def __init__(self, file: str, rows: Iterable[Row], after: int) -> None:
        self._file = file
        self._rows = rows
        self._after = after

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from dropwhile(lambda row: row[0] <= self._after, self._rows)
        except (UnreadableError, zipfile.BadZipFile, EOFError, ValueError) as error:
            raise _unreadable(self._file, error) from error


# Text


def _text(file: str, content: bytes) -> str:
    try:
        text = decoded(content)
    except UnreadableError as error:
        said = str(error)
        where = f"{file}, {said}" if said.startswith("row ") else f"{file}: {said}"
        raise DataError(f"{where}. {SAVE_AS_CSV}") from None
    if text.lstrip().startswith("<"):
        raise refused(file, f"it is XML, not a CSV file{_what_it_is(content)}", SAVE_AS_CSV)
    return text


def _web_page_sheet(file: str, content: bytes) -> Sheet:
    """Read a page with one table that has both columns. Any other page is no export."""
    try:
        tables, why = read_web_page(content), "no table in it has both columns"
    except UnreadableError as error:
        tables, why = [], str(error)
    if not any(all(_candidates(_header(table.rows)[1])) for table in tables):
        what = f"it is a web page, not an Excel workbook, and cannot be read: {why}"
        raise refused(file, what, SAVE_AS_CSV)
    return _only_table(file, tables)


def _what_it_is(content: bytes) -> str:
    """Say what bytes are that are no workbook, where that is certain."""
    head = content[:4096].decode("utf-8", "replace")
    if "urn:oasis:names:tc:opendocument:xmlns:office" in head:
        return " (it is a flat OpenDocument file, .fods)"
    if "urn:schemas-microsoft-com:office:spreadsheet" in head:
        return " (it is an XML Spreadsheet of 2003)"
    if head.lstrip()[:13].lower() == "mime-version:":
        return " (it is a web archive, MHTML)"
    for start, what in _KNOWN_STARTS.items():
        if content.startswith(start):
            return f" (it is {what})"
    try:
        decoded(content)
    except UnreadableError:
        return ""
    return "" if head.lstrip().startswith("<") else " (it is text: if it is CSV, name it .csv)"


def _delimited_sheet(file: str, text: str) -> Sheet:
    """Read text whose delimiter is the one that makes both columns appear in the header."""
    tables = {mark: DelimitedRows(text, mark) for mark in DELIMITERS}
    headers = {mark: _header(_readable(rows)) for mark, rows in tables.items()}
    fitting = [mark for mark, (_, names) in headers.items() if all(_candidates(names))]
    if len(fitting) > 1:
        names = " and ".join(DELIMITERS[mark] for mark in fitting)
        raise DataError(
            f"{file}, row {headers[fitting[0]][0]}: the delimiter could be {names}. {SAVE_AS_CSV}"
        )
    best = max(DELIMITERS, key=lambda mark: sum(map(len, _candidates(headers[mark][1]))))
    mark = fitting[0] if fitting else best
    number, header = headers[mark]
    return _sheet(file, number, header, _NamedRows(file, tables[mark], number))


def _readable(rows: Iterable[Row]) -> Iterator[Row]:
    """Give the rows up to the first that cannot be read by this delimiter."""
    try:
        yield from rows
    except UnreadableError:
        return


# Tables


def _only_table(file: str, tables: Sequence[Table], *, may_go_on: bool = False) -> Sheet:
    """Choose the table with both columns in its header, hidden or not. Raises DataError when several may be meant.

    `may_go_on` where another one without a header may be more of the same: programs fill one sheet after another.
    """
    read = [(table, [row for row in _rows_to_search(file, table) if not _is_empty(row)]) for table in tables]
    filled = [(table, rows, *_header(rows)) for table, rows in read if rows]
    fitting = [found for found in filled if all(_candidates(found[3]))]
    meant = fitting or filled
    if len(fitting) == 1 and fitting[0][0].is_hidden:
        meant = [found for found in filled if not found[0].is_hidden and any(_candidates(found[3]))] + fitting
    if len(meant) > 1:
        names = ", ".join(table.name + (", hidden" if table.is_hidden else "") for table, *_ in meant)
        raise DataError(f"{file}: several sheets may be the one ({names}). Leave one, save it {AGAIN}")
    if not meant:
        return _sheet(file, 1, (), [])
    table, found, number, header = meant[0]
    sheet = _sheet(file, number, header, found)
    for other, lines, *_ in filled if may_go_on else ():
        if other is not table and not other.is_hidden and _is_of_the_table(sheet, lines[0][1]):
            raise DataError(
                f"{file}: the sheet {other.name} has no header, and may go on where {table.name} ends. "
                f"Put all rows below one header, or leave one sheet, {AGAIN}"
            )
    if table.values is None:
        return _with_rows(sheet, [row for row in found if row[0] > number])
    codes = _codes(sheet, table.values)
    if codes is None:
        return _with_rows(sheet, _NamedRows(file, table.rows, number))
    rows = _NamedRows(file, table.values.rows, number)
    return replace(sheet, rows=_Formatted(rows, codes) if codes else rows)


def _is_of_the_table(sheet: Sheet, cells: Sequence[Cell]) -> bool:
    """Tell whether a row has a voucher and an amount where the table has them."""
    if len(cells) <= max(sheet.voucher, sheet.amount):
        return False
    try:
        read_voucher_id(cells[sheet.voucher])
        read_amount(cells[sheet.amount])
    except CellError:
        return False
    return True


def _codes(sheet: Sheet, values: Values) -> dict[int, str] | None:
    """Give the formats that matter, by column; None where one column has several, so that every cell must be looked at."""
    codes: dict[int, str] = {}
    for place, says_nothing in ((sheet.voucher, is_harmless), (sheet.amount, is_only_a_number)):
        formats = values.formats.get(place, frozenset())
        if any(map(shows_dates, formats)):
            return None
        if all(map(says_nothing, formats)):
            continue
        if len(formats) > 1:
            return None
        codes[place] = next(iter(formats))
    return codes


@dataclass(frozen=True)
class _Formatted:
    """Rows whose numbers in some columns have one format each."""

    rows: Iterable[Row]
    codes: dict[int, str]

    def __iter__(self) -> Iterator[Row]:
        for number, cells in self.rows:
            row = list(cells)
            for place, code in self.codes.items():
                cell = row[place]
                if isinstance(cell, float | int):
                    row[place] = Number(cell, code)
            yield number, row


def _with_rows(sheet: Sheet, rows: Iterable[Row]) -> Sheet:
    """Give the sheet with these rows, each as wide as the header."""
    width = len(sheet.header)
    return replace(sheet, rows=_Padded(rows, width))


@dataclass(frozen=True)
class _Padded:
    """Rows of a workbook, which keeps no empty cells at the end of a row."""

    rows: Iterable[Row]
    width: int

    def __iter__(self) -> Iterator[Row]:
        for number, cells in self.rows:
            missing = self.width - len(cells)
            yield number, [*cells, *[None] * missing] if missing > 0 else cells


def _rows_to_search(file: str, table: Table) -> list[Row]:
    """Give the rows among which the header is: of a table that is read fast only the first ones."""
    try:
        if table.values is not None:
            return list(islice((row for row in table.values.rows if not _is_empty(row)), _LINES_ABOVE))
        return list(table.rows)
    except Exception as error:
        raise _unreadable(file, error) from error


def _is_empty(row: Row) -> bool:
    return all(map(is_blank, row[1]))


# The header


def _header(rows: Iterable[Row]) -> tuple[int, tuple[str, ...]]:
    """Give the first line with both columns in it, else the one nearest to it.

    Excel's own `sep=;` is not a line of the table.
    """
    best: tuple[int, tuple[str, ...]] = (0, ())
    most = -1
    for number, names in islice(_named_lines(rows), _LINES_ABOVE):
        count = sum(map(bool, _candidates(names)))
        if count > most:
            best, most = (number, names), count
        if all(_candidates(names)):
            break
    return best


def _named_lines(rows: Iterable[Row]) -> Iterator[tuple[int, tuple[str, ...]]]:
    for number, cells in rows:
        names = tuple(_name(cell) for cell in cells)
        if any(names) and not names[0].lower().startswith("sep="):
            yield number, names


def _name(cell: Cell) -> str:
    """Give a header's name: blanks of any kind and number are one blank, what cannot be seen is not there."""
    if isinstance(cell, str):
        return " ".join(without_invisible(cell).split())
    return "" if cell is None else "?"


def _candidates(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Give the places of the names that a voucher column, and an amount column, may have."""
    return _places(names, VOUCHER_HEADERS), _places(names, AMOUNT_HEADERS)


def _places(names: Sequence[str], known: Sequence[str]) -> list[int]:
    folded = {name.casefold() for name in known}
    return [place for place, name in enumerate(names) if name.casefold() in folded]


def _sheet(file: str, number: int, header: tuple[str, ...], rows: Iterable[Row]) -> Sheet:
    """Settle the columns. Raises DataError when one that counts is not there, or there twice."""
    voucher, amount = _candidates(header)
    currency = _places(header, CURRENCY_HEADERS)
    where = f"{file}, row {number}" if number else file
    for what, known, places in (
        ("voucher", VOUCHER_HEADERS, voucher),
        ("amount", AMOUNT_HEADERS, amount),
        ("currency", CURRENCY_HEADERS, currency),
    ):
        if not places and what != "currency":
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
    return Sheet(file, header[:width], voucher[0], amount[0], next(iter(currency), None), unnamed, rows)
