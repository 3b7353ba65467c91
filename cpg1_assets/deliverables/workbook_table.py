"""A table on one sheet of a workbook, or on several where one does not hold it: by company, then by number.

Also formulas that add up a column of such a table. Which tables there are is not known here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from cpg1_assets.deliverables.workbook_book import Book, Page, Part
from cpg1_assets.inbox.given_cells import SheetColumn, Value

Where = tuple[int, str, str | None]
"""Which rows a formula is of: a column, the cell that says what stands in it, and the text there, None for a number."""
Written = Callable[[Page, Part], None]
_TAKEN_AS_IT_STANDS = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)*")
_TRUTHS = {"true", "false"}


@dataclass(frozen=True)
class Table:
    """A table of a workbook: its title, notes of a line each, columns, and rows.

    `rows` go by company in the order of `counts`, which says how many each has; they are given with the decimals that
    their LCY are shown with. `above` writes the line above the header, and `below` what belongs to rows that are there.
    """

    name: str
    title: str
    notes: Sequence[str]
    columns: Sequence[SheetColumn]
    counts: Mapping[str, int]
    rows: Iterable[tuple[int, Sequence[Value]]]
    frozen: int = 1
    above: Written | None = None
    below: Written | None = None

    @property
    def head_rows(self) -> int:
        """Rows of a sheet above the table's own, the header included."""
        return 2 + len(self.notes) + (self.above is not None)


def write_table(book: Book, table: Table) -> list[Part]:
    """Write a table, and give the sheets it is on. A table without rows is a sheet with its header."""
    rows = iter(table.rows)
    parts = []
    for name, companies, count in _planned(table, book.rows_of_a_sheet - table.head_rows):
        page = book.sheet(name)
        first = table.head_rows
        part = Part(page.name, first, first + count - 1, companies)
        page.widths(table.columns)
        page.title(table.title if name == table.name else f"{table.title}: {name}", *table.notes)
        if table.above is not None:
            table.above(page, part)
            page.row += 1
        page.header(table.columns, count, table.frozen)
        for decimals, cells in islice(rows, count):
            page.written(table.columns, cells, decimals)
        page.printed(table.columns)
        if table.below is not None and count:
            table.below(page, part)
        parts.append(part)
    if len(parts) > 1:
        book.split[table.name] = [part.sheet for part in parts]
    return parts


def _planned(table: Table, room: int) -> Iterator[tuple[str, frozenset[str], int]]:
    """Give the sheets of a table: the name, the companies, how many rows."""
    total = sum(table.counts.values())
    if total <= room:
        yield table.name, frozenset(table.counts), total
        return
    for company, count in table.counts.items():
        for number, start in enumerate(range(0, count, room), 1):
            name = f"{table.name} {company}" + (f" {number}" if count > room else "")
            yield name, frozenset([company]), min(room, count - start)


def added_up(parts: Iterable[Part], company: str, column: int, where: Sequence[Where]) -> str:
    """Give the formula that adds up a column of a table's rows of a company, empty where it has none."""
    found = "+".join(
        _sum_of(part.cells(column), [(part.cells(at), cell, text) for at, cell, text in where])
        for part in _of_company(parts, company)
    )
    return f"=ROUND({found},4)" if found else ""


def counted(parts: Iterable[Part], company: str, where: Sequence[Where]) -> str:
    """Give the formula that counts a table's rows of a company, as `added_up`."""
    found = "+".join(
        _count_of([(part.cells(at), cell, text) for at, cell, text in where])
        for part in _of_company(parts, company)
    )
    return f"={found}" if found else ""


def _of_company(parts: Iterable[Part], company: str) -> list[Part]:
    return [part for part in parts if company in part.companies and part.last >= part.first]


def _sum_of(amounts: str, where: Sequence[tuple[str, str, str | None]]) -> str:
    if all(_stands_for_itself(text) for *_, text in where):
        return f"SUMIFS({amounts},{','.join(f'{cells},{cell}' for cells, cell, _ in where)})"
    return f"SUMPRODUCT({_tests(where)},{amounts})"


def _count_of(where: Sequence[tuple[str, str, str | None]]) -> str:
    if all(_stands_for_itself(text) for *_, text in where):
        return f"COUNTIFS({','.join(f'{cells},{cell}' for cells, cell, _ in where)})"
    return f"SUMPRODUCT({_tests(where)})"


def _tests(where: Sequence[tuple[str, str, str | None]]) -> str:
    return "*".join([*(f"({cells}={cell})" for cells, cell, _ in where), "1"])


def _stands_for_itself(text: str | None) -> bool:
    """Tell whether SUMIFS takes a text for that text, and not for a pattern, a comparison, a number or a date."""
    return text is None or (
        _TAKEN_AS_IT_STANDS.fullmatch(text) is not None and text.casefold() not in _TRUTHS
    )
