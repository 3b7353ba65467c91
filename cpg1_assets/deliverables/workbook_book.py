"""A workbook in the making: its sheets and their names, formats, texts, numbers and formulas with their results.

What stands on the sheets is not known here. Rows go to disk as they are written, so a large sheet takes no memory.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from cpg1_assets.inbox.given_cells import SheetColumn, Value, cell_value, given_number, given_text
from cpg1_assets.inbox.table import ROWS_OF_A_SHEET

_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST_NAME = 31
_USUAL = 2
_LINE_HEIGHT, _MOST_LINES = 14, 5
_PRINTED_WIDTH = 240
"""Characters that can be read on a printed page, side by side."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_PERMITTED = {
    "autofilter": True,
    "format_columns": True,
    "format_rows": True,
    "select_locked_cells": True,
    "select_unlocked_cells": True,
    "sort": True,
}
"""What a person may do on a protected sheet beside filling in what is not locked."""
STATUS_FILLS = {
    "RECONCILED": ("#E2F0D9", "#1E4620"),
    "OK": ("#E2F0D9", "#1E4620"),
    "passed": ("#E2F0D9", "#1E4620"),
    "EXPLAINED": ("#DDEBF7", "#1F3864"),
    "VARIANCE_DETECTED": ("#F8CBAD", "#7B1E00"),
    "INVESTIGATE": ("#F8CBAD", "#7B1E00"),
    "FAILED": ("#F8CBAD", "#7B1E00"),
    "NOT_COMPUTED": ("#FFE699", "#5C4300"),
    "nothing to test": ("#EDEDED", "#404040"),
}
"""Fill and letters of a status: it is always written out as well."""
_HEAD, _HEAD_FILL, _EDITABLE_HEAD, _EDITABLE_FILL = "#FFFFFF", "#1F3864", "#7F6000", "#FFF9E5"


class _Sheet(Worksheet):  # type: ignore[misc]  # XlsxWriter is untyped
    """A worksheet on which a text is a text.

    XlsxWriter takes one that begins with <r> and ends with </r> for XML of its own, and writes it as it stands.
    """

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[tuple[str, Any]]) -> None:
        self._xml_inline_string(string, True, attributes)


class Part(NamedTuple):
    """One sheet of a table: its name, and the place of its rows, counted from 0, the last one included."""

    sheet: str
    first: int
    last: int
    companies: frozenset[str]

    def cells(self, column: int) -> str:
        """Give the cells of a column as a formula names them."""
        name = self.sheet.replace("'", "''")
        return f"'{name}'!{xl_range_abs(self.first, column, self.last, column)}"


class Book:
    """The workbook, written to a path. Close it once; nothing is there before."""

    def __init__(
        self,
        path: Path,
        spill: Path,
        *,
        title: str,
        footer: str,
        created: datetime,
        rows_of_a_sheet: int = ROWS_OF_A_SHEET,
    ) -> None:
        """Begin a workbook with a `title`, a `footer` of printed pages, and the moment it says it was made at.

        Rows go to the folder `spill` until it is closed.
        """
        self._book = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": str(spill)})
        self._book.set_properties({"title": title, "created": created})
        self._footer = footer
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._looks: dict[tuple[tuple[tuple[str, bool], ...], int], tuple[Format, ...]] = {}
        self._names: set[str] = set()
        self.rows_of_a_sheet = rows_of_a_sheet
        self.split: dict[str, list[str]] = {}
        """By the name of a table, the sheets it is on, where one does not hold it."""
        self.inexact = 0
        """So many amounts of more digits than a cell's number keeps were written as text."""

    def close(self) -> None:
        """Write the file."""
        self._book.close()

    def sheet(self, wanted: str) -> "Page":
        """Add a sheet, named as near to what is wanted as a sheet can be named."""
        name = self._free_name(wanted)
        sheet = self._book.add_worksheet(name, _Sheet)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer(f"&L{self._footer.replace('&', '&&')}&R&A, page &P of &N")
        sheet.protect("", _PERMITTED)
        return Page(self, sheet, name)

    def format(self, **properties: Any) -> Format:  # noqa: ANN401 - XlsxWriter's own
        """Give the one format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(
                {"font_name": "Calibri", "font_size": 10, "valign": "top", **properties}
            )
        return self._formats[key]

    def amount(self, decimals: int, **properties: Any) -> Format:  # noqa: ANN401 - XlsxWriter's own
        """Give the format of amounts shown with so many decimals."""
        return self.format(num_format=amount_format(decimals), **properties)

    def small(self, amount: float, decimals: int) -> Format:
        """Give the format of an amount that may be so small that it would be shown as nothing."""
        is_lost = abs(amount) < 10**-decimals / 2
        return self.amount(_EXACT_DECIMALS if is_lost else decimals)

    def status(self, status: str) -> Format:
        """Give the format of a status."""
        fill, letters = STATUS_FILLS.get(status, ("#FFFFFF", "#000000"))
        return self.format(bg_color=fill, font_color=letters, align="left", indent=1)

    def looks(self, columns: Sequence[SheetColumn], decimals: int) -> tuple[Format, ...]:
        """Give the format of an ordinary cell of each column; LCY are shown with so many decimals."""
        key = tuple((column.kind, column.is_editable) for column in columns), decimals
        if key not in self._looks:
            self._looks[key] = tuple(self.format(**_look(column, decimals)) for column in columns)
        return self._looks[key]

    def _free_name(self, wanted: str) -> str:
        """Give a name that a sheet can have and no other one has, whatever the case of its letters."""
        plain = _NOT_IN_A_NAME.sub("_", given_text(wanted)).strip().strip("'") or "Sheet"
        if plain.casefold() == "history":  # Excel keeps this name for itself
            plain = f"{plain}_"
        name, number = _cut(plain), 1
        while name.casefold() in self._names:
            number += 1
            name = _cut(plain, f" {number}")
        self._names.add(name.casefold())
        return name


def _cut(name: str, end: str = "") -> str:
    units = name.encode("utf-16-le")[: 2 * (_LONGEST_NAME - len(end))]
    return units.decode("utf-16-le", "ignore").rstrip().rstrip("'") + end


class Page:
    """One sheet, written from the top down: a row that lies above one already begun cannot be written any more."""

    def __init__(self, book: Book, sheet: Worksheet, name: str) -> None:
        """Begin with an empty sheet of `book`."""
        self.book = book
        self.name = name
        self._sheet = sheet
        self.row = 0
        """The next row, counted from 0."""

    def title(self, text: str, *notes: str) -> None:
        """Write what the sheet is, and below it a line for each note."""
        self._sheet.set_row(self.row, 21)
        self.text(self.row, 0, text, self.book.format(bold=True, font_size=14, font_color="#1F3864"))
        self.row += 1
        for note in notes:
            self.text(self.row, 0, note, self.book.format(font_color="#404040"))
            self.row += 1

    def mark(self, text: str) -> None:
        """Write a line that nobody should overlook."""
        self.text(self.row, 0, text, self.book.format(bold=True, font_color="#9C0006"))
        self.row += 1

    def heading(self, text: str) -> None:
        """Write the heading of a block, with a line above it left empty."""
        self.row += 1
        self.text(self.row, 0, text, self.book.format(bold=True, font_size=12, font_color="#1F3864"))
        self.row += 1

    def widths(self, columns: Sequence[SheetColumn]) -> None:
        """Make the columns as wide as they are, and hide those that are hidden."""
        wide = sum(column.width for column in columns if not column.is_hidden)
        self._sheet.fit_to_pages(max(1, round(wide / _PRINTED_WIDTH)), 0)
        for at, column in enumerate(columns):
            self._sheet.set_column(at, at, column.width, None, {"hidden": column.is_hidden})

    def header(self, columns: Sequence[SheetColumn], rows: int, frozen: int, *, is_main: bool = True) -> None:
        """Write the header of a table of so many rows; the main one of a sheet stays in sight, and filters its rows."""
        look = {"bold": True, "text_wrap": True, "valign": "vcenter", "font_color": _HEAD}
        self._sheet.set_row(self.row, 30)
        for at, column in enumerate(columns):
            fill = _EDITABLE_HEAD if column.is_editable else _HEAD_FILL
            align = "right" if column.kind in {"lcy", "usd", "rate", "integer"} else "left"
            self.text(
                self.row,
                at,
                column.header,
                self.book.format(**look, bg_color=fill, align=align, indent=int(align == "left")),
            )
        if is_main:
            self._sheet.freeze_panes(self.row + 1, frozen)
            self._sheet.repeat_rows(self.row)
            self._sheet.repeat_columns(0, frozen - 1)
            if rows:
                self._sheet.autofilter(self.row, 0, self.row + rows, len(columns) - 1)
        self.row += 1

    def printed(self, columns: Sequence[SheetColumn]) -> None:
        """Print these columns down to the last row, and nothing of a text that is wider than its cell."""
        self._sheet.print_area(0, 0, max(self.row - 1, 0), len(columns) - 1)

    def wrapped(self, column: int, text: str, width: float) -> None:
        """Write a long text into the row that was written last, on as many lines as it takes up to a few."""
        lines = min(max(-(-len(text) // int(width)), 1), _MOST_LINES)
        self._sheet.set_row(self.row - 1, _LINE_HEIGHT * lines)
        self.text(self.row - 1, column, text, self.book.format(text_wrap=True, align="left", indent=1))

    def text(self, row: int, column: int, text: str, look: Format | None = None) -> None:
        """Write a text, as it stands."""
        if written := given_text(text):
            self._sheet.write_string(row, column, written, look or self.book.format())

    def cells(self, columns: Sequence[SheetColumn], values: Sequence[object], decimals: int) -> None:
        """Write a row of values."""
        self.written(
            columns, [cell_value(c.kind, value) for c, value in zip(columns, values, strict=True)], decimals
        )

    def written(self, columns: Sequence[SheetColumn], cells: Sequence[Value], decimals: int) -> None:
        """Write a row of cells as `cell_value` gives them; LCY are shown with so many decimals."""
        row, sheet, book = self.row, self._sheet, self.book
        for at, (column, cell, look) in enumerate(
            zip(columns, cells, book.looks(columns, decimals), strict=True)
        ):
            if cell is None:
                if column.is_editable:
                    sheet.write_blank(row, at, None, look)
            elif isinstance(cell, str):
                kind = column.kind
                if kind in _OF_NUMBERS:
                    book.inexact += 1
                    sheet.write_string(row, at, cell, book.format(align="right", italic=True))
                elif kind == "status":
                    sheet.write_string(row, at, cell, book.status(cell))
                else:
                    sheet.write_string(row, at, cell, look)
            elif column.kind in _OF_MONEY and -_SMALL < cell < _SMALL and cell:
                sheet.write_number(
                    row, at, cell, book.small(cell, decimals if column.kind == "lcy" else _USUAL)
                )
            else:
                sheet.write_number(row, at, cell, look)
        self.row += 1

    def total(self, row: int, column: int, formula: str, figure: Decimal | int, look: Format) -> None:
        """Write a formula with the figure it comes to, which is exact: as text alone where a cell's number is not.

        Without a formula the figure alone is written.
        """
        result = given_number(figure)
        if isinstance(result, str):
            self.book.inexact += 1
            self._sheet.write_string(row, column, result, look)
        elif formula:
            self._sheet.write_formula(row, column, formula, look, _plain(result))
        else:
            self._sheet.write_number(row, column, result, look)

    def formula(self, row: int, column: int, formula: str, result: str | float, look: Format) -> None:
        """Write a formula with its result."""
        self._sheet.write_formula(
            row, column, formula, look, result if isinstance(result, str) else _plain(result)
        )

    def choices(self, first: int, last: int, column: int, source: str, *, said: str) -> None:
        """Let the cells of a column take the values of a list only, which a formula names; `said` is why another is not."""
        self._sheet.data_validation(
            first, column, last, column,
            {"validate": "list", "source": source, "error_title": "Not in the list", "error_message": said},
        )  # fmt: skip

    def at_most(self, first: int, last: int, column: int, characters: int) -> None:
        """Let the cells of a column take texts of so many characters."""
        self._sheet.data_validation(
            first, column, last, column,
            {
                "validate": "length", "criteria": "<=", "value": characters, "error_title": "Too long",
                "error_message": f"A text of at most {characters:,} characters can be read.",
            },
        )  # fmt: skip

    def place(self, column: int, row: int | None = None) -> str:
        """Give a cell's name; without a row, of the next one."""
        return str(xl_rowcol_to_cell(self.row if row is None else row, column))


_OF_MONEY = {"lcy", "usd"}
_OF_NUMBERS = {*_OF_MONEY, "rate", "integer"}
_SMALL = 0.5
"""From here on, an amount is shown as more than nothing in every format."""
_EXACT_DECIMALS = 4
_NUMBER_FORMATS = {
    "rate": "#,##0.0000######",
    "integer": "#,##0",
    "date": "yyyy-mm-dd",
    "timestamp": "yyyy-mm-dd hh:mm:ss",
}


def _look(column: SheetColumn, decimals: int) -> dict[str, Any]:
    look: dict[str, Any] = {"align": "left", "indent": 1}
    if column.kind in _OF_MONEY:
        look = {"num_format": amount_format(decimals if column.kind == "lcy" else _USUAL)}
    elif column.kind in _NUMBER_FORMATS:
        look = {"num_format": _NUMBER_FORMATS[column.kind]}
    if column.is_editable:
        look |= {"locked": False, "bg_color": _EDITABLE_FILL, "border": 1, "border_color": "#D9C68A"}
    return look


def amount_format(decimals: int) -> str:
    """Give the number format of amounts with so many decimals: a dash for zero, a minus before what is negative."""
    shown = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f'{shown};-{shown};"–"'


def column_name(at: int) -> str:
    """Give the letters of a column counted from 0."""
    return str(xl_col_to_name(at))


def _plain(number: float) -> float | int:
    """Give a whole number as one: a formula's result is stored as it is written."""
    return int(number) if number == int(number) else number
