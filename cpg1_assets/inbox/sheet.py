"""Which table of a file is the one, and where the columns that count stand in it.

What a file is, its first bytes say and not its name. Which columns count, and what their cells mean, is known to
whoever asks.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from pathlib import PurePath
from typing import NamedTuple

from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import Cell, Number, is_blank, without_invisible
from cpg1_assets.inbox.delimited import DELIMITERS, DelimitedRows, decoded
from cpg1_assets.inbox.number_format import shows_dates
from cpg1_assets.inbox.ods import KIND, read_ods
from cpg1_assets.inbox.package import Package
from cpg1_assets.inbox.table import (
    AGAIN,
    SAVE_AS_CSV,
    SAVE_AS_XLSX,
    Row,
    Table,
    UnreadableError,
    Values,
    refused,
)
from cpg1_assets.inbox.web_page import is_web_page, read_web_page
from cpg1_assets.inbox.xls import read_xls
from cpg1_assets.inbox.xlsb import read_xlsb
from cpg1_assets.inbox.xlsx import read_xlsx

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
class Wanted:
    """A column that is looked for: what it is called in an error, and the names its header may have."""

    what: str
    headers: tuple[str, ...]
    is_needed: bool = True
    """Whether a table without it is not the one."""
    says_nothing: Callable[[str], bool] | None = None
    """Tells of a number format that its cells mean what their plain values say; None where numbers in it do not count."""


@dataclass(frozen=True)
class Sheet:
    """The rows below the header of one table, and the places of the wanted columns in them."""

    file: str
    header: tuple[str, ...]
    places: tuple[int | None, ...]
    """Of each wanted column, in their order; None where one that is not needed is not there."""
    unnamed: tuple[int, ...]
    """Places right of a column that counts with no name above them: a cell there was shifted."""
    rows: Iterable[Row]


GoesOn = Callable[[Sequence[int | None], Sequence[Cell]], bool]
"""Tells of the places of the wanted columns, and of the first row of another table, whether it is one of theirs."""


def read_sheet(
    file: str, content: bytes, wanted: Sequence[Wanted], goes_on: GoesOn = lambda *_: False
) -> Sheet:
    """Find the table with the columns `wanted` in the bytes of `file`.

    A table without a header whose first row `goes_on` where the one ends makes it uncertain, since programs fill one
    sheet after another. Raises DataError when no table is certain; going through its rows may, too.
    """
    return _Search(file, tuple(wanted), goes_on).sheet_of(content)


def read_tables(file: str, content: bytes) -> list[Table]:
    """Give the sheets of a workbook; none of a text or a web page. Raises DataError where it cannot be read."""
    if not content.startswith((_ZIP, _COMPOUND)):
        return []
    read = _zipped_tables if content.startswith(_ZIP) else read_xls
    return _read(file, lambda: read(content))


def require_width(
    file: str,
    header: Sequence[str],
    unnamed: Sequence[int],
    number: int,
    cells: Sequence[Cell],
    what_to_do: str,
) -> None:
    """Refuse a row of a sheet whose cells may stand under the wrong header. Raises DataError."""
    width = len(header)
    extra = [cell for cell in cells[width:] if not is_blank(cell)]
    shifted = [cells[place] for place in unnamed if place < len(cells) and not is_blank(cells[place])]
    if len(cells) < width or extra or shifted:
        what = (
            f"{len(cells)} cells"
            if len(cells) < width or extra
            else f"a cell under no header ({shifted[0]!r:.60})"
        )
        raise DataError(
            f"{file}, row {number}: the row has {what}, the header names {width} columns. {what_to_do} {AGAIN}"
        )


class _Header(NamedTuple):
    """A line that may be the header: its number and its names, neither where there is no such line."""

    number: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Search:
    """Looks for the table with the wanted columns in one file."""

    file: str
    wanted: tuple[Wanted, ...]
    goes_on: GoesOn

    def sheet_of(self, content: bytes) -> Sheet:
        file = self.file
        suffix = PurePath(file.strip()).suffix.lower()
        if content.startswith((_ZIP, _COMPOUND)):
            if suffix == ".csv":
                raise refused(file, "it is an Excel workbook, not a CSV file", SAVE_AS_CSV)
            return self._only_table(read_tables(file, content), may_go_on=True)
        if is_web_page(content):
            return self._web_page_sheet(content)
        if suffix != ".csv":
            raise refused(file, f"it is not an Excel workbook, whatever its name says{_what_it_is(content)}")
        if content.startswith(tuple(_KNOWN_STARTS)):
            raise refused(file, f"it is not a CSV file{_what_it_is(content)}", SAVE_AS_CSV)
        return self._delimited_sheet(_text(file, content))

    def _web_page_sheet(self, content: bytes) -> Sheet:
        """Read a page with one table that has all columns that are needed. Any other page is no export."""
        try:
            tables, why = read_web_page(content), "no table in it has all columns that count"
        except UnreadableError as error:
            tables, why = [], str(error)
        if not any(all(self._candidates(self._header(table.rows).names)) for table in tables):
            what = f"it is a web page, not an Excel workbook, and cannot be read: {why}"
            raise refused(self.file, what, SAVE_AS_CSV)
        return self._only_table(tables)

    def _delimited_sheet(self, text: str) -> Sheet:
        """Read text whose delimiter is the one that makes all columns that are needed appear in the header."""
        tables = {mark: DelimitedRows(text, mark) for mark in DELIMITERS}
        headers = {mark: self._header(_readable(rows)) for mark, rows in tables.items()}
        fitting = [mark for mark, header in headers.items() if all(self._candidates(header.names))]
        if len(fitting) > 1:
            names = " and ".join(DELIMITERS[mark] for mark in fitting)
            raise DataError(
                f"{self.file}, row {headers[fitting[0]].number}: the delimiter could be {names}. {SAVE_AS_CSV}"
            )
        best = max(DELIMITERS, key=lambda mark: sum(map(len, self._candidates(headers[mark].names))))
        mark = fitting[0] if fitting else best
        header = headers[mark]
        return self._sheet(header, _NamedRows(self.file, tables[mark], header.number))

    def _only_table(self, tables: Sequence[Table], *, may_go_on: bool = False) -> Sheet:
        """Choose the table with all needed columns in its header, hidden or not. Raises DataError when several may be.

        `may_go_on` where another one without a header may be more of the same.
        """
        read = [
            (table, [row for row in _rows_to_search(self.file, table) if not _is_empty(row)])
            for table in tables
        ]
        filled = [(table, rows, self._header(rows)) for table, rows in read if rows]
        fitting = [found for found in filled if all(self._candidates(found[2].names))]
        meant = fitting or filled
        if len(fitting) == 1 and fitting[0][0].is_hidden:
            seen = [f for f in filled if not f[0].is_hidden and any(self._candidates(f[2].names))]
            meant = seen + fitting
        if len(meant) > 1:
            names = ", ".join(table.name + (", hidden" if table.is_hidden else "") for table, *_ in meant)
            raise DataError(
                f"{self.file}: several sheets may be the one ({names}). Leave one, save it {AGAIN}"
            )
        if not meant:
            return self._sheet(_Header(1, ()), [])
        table, found, header = meant[0]
        sheet = self._sheet(header, found)
        for other, lines, _ in filled if may_go_on else ():
            if other is not table and not other.is_hidden and self.goes_on(sheet.places, lines[0][1]):
                raise DataError(
                    f"{self.file}: the sheet {other.name} has no header, and may go on where {table.name} ends. "
                    f"Put all rows below one header, or leave one sheet, {AGAIN}"
                )
        if table.values is None:
            return _with_rows(sheet, [row for row in found if row[0] > header.number])
        codes = self._codes(sheet, table.values)
        if codes is None:
            return _with_rows(sheet, _NamedRows(self.file, table.rows, header.number))
        rows = _NamedRows(self.file, table.values.rows, header.number)
        return replace(sheet, rows=_Formatted(rows, codes) if codes else rows)

    def _codes(self, sheet: Sheet, values: Values) -> dict[int, str] | None:
        """Give the formats that matter, by column; None where one column has several, so that every cell is looked at."""
        codes: dict[int, str] = {}
        for place, wanted in zip(sheet.places, self.wanted, strict=True):
            if place is None or wanted.says_nothing is None:
                continue
            formats = values.formats.get(place, frozenset())
            if any(map(shows_dates, formats)):
                return None
            if all(map(wanted.says_nothing, formats)):
                continue
            if len(formats) > 1:
                return None
            codes[place] = next(iter(formats))
        return codes

    def _header(self, rows: Iterable[Row]) -> _Header:
        """Give the first line with all needed columns in it, else the one nearest to it.

        Excel's own `sep=;` is not a line of the table.
        """
        best, most = _Header(0, ()), -1
        for line in islice(_named_lines(rows), _LINES_ABOVE):
            candidates = self._candidates(line.names)
            count = sum(map(bool, candidates))
            if count > most:
                best, most = line, count
            if all(candidates):
                break
        return best

    def _candidates(self, names: Sequence[str]) -> list[list[int]]:
        """Give the places of the names that each needed column may have."""
        return [_places(names, wanted.headers) for wanted in self.wanted if wanted.is_needed]

    def _sheet(self, header: _Header, rows: Iterable[Row]) -> Sheet:
        """Settle the columns. Raises DataError when one that counts is not there, or there twice."""
        number, names = header
        where = f"{self.file}, row {number}" if number else self.file
        places: list[int | None] = []
        for wanted in self.wanted:
            found = _places(names, wanted.headers)
            if not found and wanted.is_needed:
                seen = ", ".join(filter(None, names))[:200] or "nothing"
                also = f" (Also read: {', '.join(wanted.headers[1:])}.)" if wanted.headers[1:] else ""
                raise DataError(
                    f"{where}: no {wanted.what} column in the header ({seen}). Name it {wanted.headers[0]} {AGAIN}{also}"
                )
            if len(found) > 1:
                said = " and ".join(f'"{names[place]}"' for place in found)
                raise DataError(f"{where}: {said} could both be the {wanted.what} column. Keep one {AGAIN}")
            places.append(next(iter(found), None))
        width = max(place for place, name in enumerate(names) if name) + 1
        first = min(
            p for p, wanted in zip(places, self.wanted, strict=True) if wanted.is_needed and p is not None
        )
        unnamed = tuple(place for place in range(first, width) if not names[place])
        return Sheet(self.file, names[:width], tuple(places), unnamed, rows)


# What a file is


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


def _readable(rows: Iterable[Row]) -> Iterator[Row]:
    """Give the rows up to the first that cannot be read by this delimiter."""
    try:
        yield from rows
    except UnreadableError:
        return


# Tables


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


def _named_lines(rows: Iterable[Row]) -> Iterator[_Header]:
    for number, cells in rows:
        names = tuple(_name(cell) for cell in cells)
        if any(names) and not names[0].lower().startswith("sep="):
            yield _Header(number, names)


def _name(cell: Cell) -> str:
    """Give a header's name: blanks of any kind and number are one blank, what cannot be seen is not there."""
    if isinstance(cell, str):
        return " ".join(without_invisible(cell).split())
    return "" if cell is None else "?"


def _places(names: Sequence[str], known: Sequence[str]) -> list[int]:
    folded = {name.casefold() for name in known}
    return [place for place, name in enumerate(names) if name.casefold() in folded]
