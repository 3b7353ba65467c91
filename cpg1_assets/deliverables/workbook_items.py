"""The open items sheet of the workbook: every item with its certificate, and the columns that people fill in.

What its columns are, and how it is read when it comes back, is in `cpg1_assets.comments`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cpg1_assets.comments.open_items_sheet import COLUMNS, EDITABLE, NAME, Mark
from cpg1_assets.deliverables.sheet_rows import TOTALLED, Currencies, SheetRows
from cpg1_assets.deliverables.workbook_book import Book, Page, Part, column_name
from cpg1_assets.deliverables.workbook_table import Table, write_table
from cpg1_assets.inbox.given_cells import LONGEST_TEXT, given_number

_AT = {name: at for at, name in enumerate(COLUMNS)}
_SEVERAL = "several currencies"


class WrittenItems(NamedTuple):
    """The open items as they were written: what they are, and on which sheets."""

    rows: SheetRows
    parts: Sequence[Part]


def write_items(
    book: Book, rows: SheetRows, mark: Mark, currencies: Currencies, *, title: str, causes: str
) -> WrittenItems:
    """Write the open items, and say where. `causes` names the cells that list the causes."""
    columns = tuple(COLUMNS.values())

    def above(page: Page, part: Part) -> None:
        _write_totals(page, part, rows, currencies)

    def below(page: Page, part: Part) -> None:
        page.at_most(part.first, part.last, EDITABLE["comment"], LONGEST_TEXT)
        page.at_most(part.first, part.last, EDITABLE["owner"], LONGEST_TEXT)
        page.choices(
            part.first, part.last, EDITABLE["confirmed_cause"], causes,
            said="Choose a cause of the list, or leave the cell empty.",
        )  # fmt: skip

    notes = (
        str(mark),
        (
            "Fill in Comment, Owner and Confirmed cause; all else is locked. Save, put the file into the inbox as "
            f"comments/{mark.month}.xlsx, and run: cpg1 comments {mark.month}"
        ),
        (
            "LCY, debit positive, kept to four decimals and shown with those of the currency. USD is rounded by item: the "
            "totals in USD are on the summary."
        ),
    )
    decimals = {company: currencies.decimals(company) for company in rows.counts}
    company = _AT["id_company"]
    parts = write_table(
        book,
        Table(
            name=NAME,
            title=title,
            notes=notes,
            columns=columns,
            counts=rows.counts,
            rows=((decimals.get(str(cells[company]), 2), cells) for cells in rows.cells()),
            frozen=_AT["item"] + 1,
            above=above,
            below=below,
        ),
    )
    return WrittenItems(rows, parts)


def _write_totals(page: Page, part: Part, rows: SheetRows, currencies: Currencies) -> None:
    """Write what the rows that a filter leaves come to, where they are of one currency.

    Not where a company goes on on the next sheet, nor where an amount is kept as text: a formula would leave it out.
    """
    page.text(page.row, 0, "Total of the rows shown, LCY", page.book.format(bold=True))
    number = part.last - part.first + 1
    if not number or not rows.are_numbers or sum(rows.counts[c] for c in part.companies) != number:
        return
    kinds = _rows(part, _AT["currency_no"])
    is_one_currency = len({currencies.of.get(company) or company for company in part.companies}) == 1
    decimals = currencies.decimals(next(iter(part.companies))) if is_one_currency else 2
    for name in TOTALLED:
        at = _AT[name]
        result = given_number(rows.total(part.companies, name)) if is_one_currency else _SEVERAL
        formula = (
            f"=IF(SUBTOTAL(104,{kinds})=SUBTOTAL(105,{kinds}),ROUND(SUBTOTAL(109,{_rows(part, at)}),4),"
            f'"{_SEVERAL}")'
        )
        look = page.book.amount(decimals, bold=True, align="right")
        if is_one_currency and isinstance(result, str):  # more digits than a number of a cell has
            page.text(page.row, at, result, look)
        else:
            page.formula(page.row, at, formula, result, look)


def _rows(part: Part, at: int) -> str:
    letters = column_name(at)
    return f"{letters}{part.first + 1}:{letters}{part.last + 1}"
