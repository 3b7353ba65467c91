"""The control workbook: a month as Excel shows it, made from a sealed version and the chain.

Which sheets there are, in their order; what stands on each is in the modules beside this one. The open items come back
through the inbox (`cpg1_assets.comments`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cpg1_assets.comments.open_items_sheet import NAME, Mark
from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.sheet_rows import INPUTS, Currencies, sheet_rows
from cpg1_assets.deliverables.workbook_book import Book
from cpg1_assets.deliverables.workbook_figures import (
    title_of,
    write_bridges,
    write_classification,
    write_frame,
)
from cpg1_assets.deliverables.workbook_items import WrittenItems, write_items
from cpg1_assets.deliverables.workbook_seal import CAUSE_CELLS, write_causes, write_checks, write_seal
from cpg1_assets.deliverables.workbook_summary import write_summary
from cpg1_assets.inbox.table import ROWS_OF_A_SHEET
from cpg1_assets.partial import temporary_folder
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.frames import GL_ROLL_FORWARD, IPE_31_CLASSIFIED, VOUCHER_ACCRUAL_VARIANCE

_SHOWN = (
    *(bridge.frame for bridge in BRIDGES.values()),
    IPE_31_CLASSIFIED,
    VOUCHER_ACCRUAL_VARIANCE,
    GL_ROLL_FORWARD,
)


def write_workbook(month: ClosedMonth, path: Path, *, rows_of_a_sheet: int = ROWS_OF_A_SHEET) -> None:
    """Write the workbook of a month to `path`: the same bytes for the same head of the chain.

    A table of more rows than a sheet has (`rows_of_a_sheet`) is split by company. Raises EvidenceError where the version
    is not as it was sealed, and OSError where the file cannot be written.
    """
    title = title_of(month)
    with temporary_folder("workbook") as spill:
        book = Book(
            path,
            spill,
            title=title,
            footer=f"{title}, sealed version {month.sealed.version}, head {month.head}",
            created=_sealed_at(month),
            rows_of_a_sheet=rows_of_a_sheet,
        )
        _write_sheets(book, month)
        book.close()


def _write_sheets(book: Book, month: ClosedMonth) -> None:
    currencies = Currencies.of_sealed(month.sealed)
    summary = book.sheet("Summary")  # filled last: it says what the others hold
    items = _write_items(book, month, currencies)
    bridges = write_bridges(book, month, currencies)
    if month.has(IPE_31_CLASSIFIED.name):
        write_classification(book, month, currencies)
    for spec in (VOUCHER_ACCRUAL_VARIANCE, GL_ROLL_FORWARD):
        if month.has(spec.name):
            write_frame(book, month, spec, currencies, name=spec.title)
    write_checks(book, month)
    write_causes(book, month)
    write_seal(book, month)
    write_summary(summary, month, currencies, bridges, items, list(_notes(book, month, items)))


def _write_items(book: Book, month: ClosedMonth, currencies: Currencies) -> WrittenItems | None:
    """Write the open items; nothing of a version that was sealed before there were any."""
    if not all(month.has(asset) for asset in INPUTS):
        return None
    link = month.sealed.link
    mark = Mark(month.month.key, month.sealed.version, link.digest)
    title = f"{NAME} – {title_of(month)}"
    return write_items(book, sheet_rows(month.sealed), mark, currencies, title=title, causes=CAUSE_CELLS)


def _notes(book: Book, month: ClosedMonth, items: WrittenItems | None) -> Iterator[str]:
    """Say what a person must know of the sheets that follow."""
    if items is None:
        yield "This version was sealed before variances were taken apart into open items: there is no sheet of them."
    absent = [spec.title for spec in _SHOWN if not month.has(spec.name)]
    if absent:
        yield f"This version was sealed without these, so there are no sheets of them: {', '.join(absent)}."
    for name, parts in book.split.items():
        yield (
            f"{name}: more rows than a sheet holds, so they are on {len(parts)} sheets, by company: {', '.join(parts)}."
        )
    if book.inexact:
        yield (
            f"{book.inexact:,} figures have more than the 15 digits that a cell keeps of a number: they stand as text, "
            "exact, and a total over them is a figure and no formula."
        )


def _sealed_at(month: ClosedMonth) -> datetime:
    """Give the moment of the seal, as a workbook has it: without a zone, UTC."""
    return datetime.fromisoformat(month.sealed.seal["sealed_at"]).astimezone(UTC).replace(tzinfo=None)
