"""Comments files of every kind the inbox knows, made of rows of texts."""

import csv
import html
import io
from collections.abc import Callable, Sequence

import xlsxwriter
import xlwt

from cpg1_assets_tests.inbox.workbooks import binary_row, ods, ods_row, wide, xlsb

HEADER = ("id_company", "item", "unexplained", "comment", "owner", "confirmed_cause")
Rows = Sequence[Sequence[str]]


def rows_of(*said: tuple[str, str, str, str]) -> list[tuple[str, ...]]:
    """Give the rows of a sheet as it is given out, with item, comment, owner and confirmed cause as `said`."""
    return [HEADER, *(("EC_NG", item, "10", *texts) for item, *texts in said)]


def as_csv(rows: Rows, delimiter: str = ",") -> bytes:
    """Write the rows as CSV, as Excel saves it in UTF-8."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return stream.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Rows) -> bytes:
    """Write the rows as a workbook of texts."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                sheet.write_string(at, column, text)
    return stream.getvalue()


def as_xls(rows: Rows) -> bytes:
    """Write the rows as a workbook of Excel 97."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Items")
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write(at, column, text)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_xlsb(rows: Rows) -> bytes:
    """Write the rows as a binary workbook."""
    return xlsb(
        b"".join(binary_row(at, *((6, 0, wide(text)) for text in row)) for at, row in enumerate(rows))
    )


def as_ods(rows: Rows) -> bytes:
    """Write the rows as an OpenDocument spreadsheet."""
    return ods("".join(ods_row(*map(html.escape, row)) for row in rows))


def as_page(rows: Rows) -> bytes:
    """Write the rows as a table of a web page."""
    made = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<html><head><meta charset='utf-8'></head><body><table>{made}</table></body></html>".encode()


KINDS: dict[str, Callable[[Rows], bytes]] = {
    ".csv": as_csv,
    ".xlsx": as_xlsx,
    ".xlsm": as_xlsx,
    ".xls": as_xls,
    ".xlsb": as_xlsb,
    ".ods": as_ods,
    ".html": as_page,
}
"""By the suffix of the file."""
