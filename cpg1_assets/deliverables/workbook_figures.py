"""The sheets behind the lines: bridges with their proof rows, classification and journals, accrual variance, roll-forward.

Each frame is shown as it was sealed. What stands beside its columns is a sum of them, as a formula.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.sheet_rows import Currencies
from cpg1_assets.deliverables.workbook_book import Book, Part
from cpg1_assets.deliverables.workbook_table import Table, added_up, counted, write_table
from cpg1_assets.extracts.company_codes import folded
from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.inbox.given_cells import Kind, SheetColumn, Value, cell_value
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.frames import IPE_31_CLASSIFIED

_BATCH = 4_096
_WIDTHS: Mapping[Kind, float] = {
    "text": 20, "status": 20, "lcy": 16, "usd": 14, "rate": 14, "integer": 10, "date": 11, "timestamp": 18, "flag": 10,
}  # fmt: skip
_NARROW = {"id_company": 10, "company_country": 9}
_WIDE = {"bridge_title": 34, "customer_name": 30, "posting_groups": 30, "related_entity": 24}
CURRENCY = SheetColumn("Currency", "text", 9)


@dataclass(frozen=True)
class Shown:
    """A frame on its sheets: where they are, and what of it was added up on the way, by company."""

    parts: list[Part]
    rows: Mapping[str, int]
    sums: Mapping[tuple[str, str], Decimal]
    """By company and amount column, LCY."""
    not_numbers: frozenset[str]
    """The companies with an amount that no cell keeps as a number: a formula would not add it up."""


class Journal(NamedTuple):
    """What a proposed journal is of: company, rule, and the accounts the rule gives for it; None where no rule fires."""

    id_company: str
    bridge_key: str | None
    bridge_title: str | None
    dr_gl_accounts: str | None
    cr_gl_accounts: str | None
    required_enrichments: str | None


@dataclass
class Proposed:
    """A proposed journal: its number, of how many items it is, and their amount, LCY."""

    number: int
    items: int = 0
    amount: Decimal = Decimal(0)


def sheet_column(column: Column) -> SheetColumn:
    """Give the column of a sheet that shows a column of a frame."""
    kind = kind_of(column)
    width = _NARROW.get(column.name, _WIDE.get(column.name, _WIDTHS[kind]))
    return SheetColumn(heading(column.name), kind, width)


def kind_of(column: Column) -> Kind:
    """Tell what stands in a column of a frame."""
    if column.type == "amount":
        return "usd" if column.name.endswith("_usd") else "lcy"
    return "status" if column.name == "status" else column.type


def heading(name: str) -> str:
    """Give the header that the name of a column of a frame becomes."""
    if name == "id_company":
        return "Company"
    words = [_WORDS.get(word, word) for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


_WORDS = {
    "lcy": "LCY", "usd": "USD", "gl": "GL", "nav": "NAV", "jdash": "JDash", "dr": "Dr", "cr": "Cr", "coa": "CoA",
    "erp": "ERP", "no": "no.", "fx": "FX",
}  # fmt: skip


def write_frame(
    book: Book,
    month: ClosedMonth,
    spec: FrameSpec,
    currencies: Currencies,
    *,
    name: str,
    journals: dict[Journal, Proposed] | None = None,
) -> Shown:
    """Write a sealed frame on sheets of a name, with the currency beside the company, as the sealed rows stand.

    Of a classification the `journals` are noted on the way, and beside each row the number of its own.
    """
    columns = [sheet_column(column) for column in spec.columns]
    columns.insert(1, CURRENCY)
    if journals is not None:
        columns.append(SheetColumn("Journal no.", "integer", 10))
    dataset = month.dataset(spec.name)
    counts: dict[str, int] = defaultdict(int)
    for batch in dataset.to_batches(columns=["id_company"]):
        for company in batch.column(0).to_pylist():
            counts[company] += 1
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    not_numbers: set[str] = set()

    def rows() -> Iterator[tuple[int, Sequence[Value]]]:
        for batch in dataset.to_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                company = row["id_company"]
                cells = {c.name: cell_value(kind_of(c), row[c.name]) for c in spec.columns}
                for amount in spec.amounts:
                    sums[company, amount] += row[amount] or 0
                    if isinstance(cells[amount], str):
                        not_numbers.add(company)
                written = [*cells.values()]
                written.insert(1, currencies.of.get(company))
                if journals is not None:
                    written.append(_noted(journals, row))
                yield currencies.decimals(company), written

    parts = write_table(
        book,
        Table(
            name=name,
            title=f"{spec.title} – {title_of(month)}",
            notes=[f"{sum(counts.values()):,} rows. {spec.description}."],
            columns=columns,
            counts=counts,
            rows=rows(),
            frozen=3,
        ),
    )
    return Shown(parts, counts, sums, frozenset(not_numbers))


def title_of(month: ClosedMonth) -> str:
    """Give what every sheet says it is of: the control, the month, and whether the books are simulated."""
    return " – ".join(filter(None, [f"{month.control} {month.month.key}", month.marks]))


def _noted(journals: dict[Journal, Proposed], row: Mapping[str, Any]) -> float:
    proposed = journals.setdefault(
        Journal(*(row[name] for name in Journal._fields)), Proposed(len(journals) + 1)
    )
    proposed.items += 1
    proposed.amount += row["amount"] or 0
    return float(proposed.number)


# Bridges

_BRIDGES = (
    SheetColumn("Company", "text", 10),
    CURRENCY,
    SheetColumn("Line", "text", 25),
    SheetColumn("Bridge", "text", 30),
    SheetColumn("Sign", "integer", 7),
    SheetColumn("Proof rows", "integer", 9),
    SheetColumn("Amount of the rows", "lcy", 18),
    SheetColumn("Enters the line with", "lcy", 18),
    SheetColumn("What it cannot see", "text", 60),
)
_LINE, _ROWS, _AMOUNT, _ENTERS = 2, 5, 6, 7


@dataclass(frozen=True)
class BridgeAmounts:
    """What the bridges come to: where that stands, and by company and line what enters it, LCY."""

    part: Part
    enters: Mapping[tuple[str, str], Decimal]
    are_numbers: bool

    def formula(self, company: str, company_cell: str, line: str, line_cell: str) -> str:
        """Give the formula of what all bridges of a line come to."""
        where = [(0, company_cell, company), (_LINE, line_cell, line)]
        return added_up([self.part], company, _ENTERS, where) if self.are_numbers else ""


def write_bridges(book: Book, month: ClosedMonth, currencies: Currencies) -> BridgeAmounts:
    """Write what each bridge comes to in each line of each company, and behind it a sheet for each with its rows."""
    page = book.sheet("Bridges")
    of_lines = [
        (line, bridge) for line in month.rules.lines for bridge in line.bridges if month.has(bridge.bridge)
    ]
    shown = {
        bridge.bridge: write_frame(
            book, month, BRIDGES[bridge.bridge].frame, currencies, name=BRIDGES[bridge.bridge].title,
        )
        for _, bridge in of_lines
    }  # fmt: skip
    companies = sorted({row["id_company"] for row in month.reconciliation})
    enters: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    page.widths(_BRIDGES)
    page.title(
        f"Bridges – {title_of(month)}",
        "What each bridge explains of a line, by company: LCY, debit positive. A bridge of sign 0 identifies, and enters "
        "with nothing.",
    )
    page.header(_BRIDGES, len(companies) * len(of_lines), 4)
    first = page.row
    for company in companies:
        for line, bridge in of_lines:
            frame = shown[bridge.bridge]
            column = BRIDGES[bridge.bridge].row_amount
            same = [each for each in frame.rows if folded(each) == folded(company)]
            amount = sum((frame.sums[each, column] for each in same), Decimal(0))
            enters[company, line.line] += bridge.sign * amount
            decimals = currencies.decimals(company)
            look = book.amount(decimals)
            row, is_formula = page.row, all(each.casefold() == company.casefold() for each in same)
            where = [(0, f"$A{row + 1}", company)]
            limits = BRIDGES[bridge.bridge].known_limits
            page.cells(
                _BRIDGES,
                [company, currencies.of.get(company), line.line, BRIDGES[bridge.bridge].title, bridge.sign,
                 None, None, None, limits],
                decimals,
            )  # fmt: skip
            count = counted(frame.parts, company, where) if is_formula else ""
            page.total(
                row, _ROWS, count, sum(frame.rows[each] for each in same), book.format(num_format="#,##0")
            )
            names = [c.name for c in BRIDGES[bridge.bridge].frame.columns]
            is_sum = is_formula and not frame.not_numbers & set(same)
            formula = added_up(frame.parts, company, names.index(column) + 1, where) if is_sum else ""
            page.total(row, _AMOUNT, formula, amount, look)
            times = f"=ROUND(E{row + 1}*G{row + 1},4)" if is_sum else ""
            page.total(row, _ENTERS, times, bridge.sign * amount, look)
    part = Part(page.name, first, page.row - 1, frozenset(companies))
    return BridgeAmounts(part, enters, are_numbers=not any(frame.not_numbers for frame in shown.values()))


# Classification

_JOURNALS = (
    SheetColumn("Journal no.", "integer", 10),
    SheetColumn("Company", "text", 10),
    CURRENCY,
    SheetColumn("Bridge key", "text", 26),
    SheetColumn("What it is", "text", 40),
    SheetColumn("Items", "integer", 9),
    SheetColumn("Dr accounts", "text", 24),
    SheetColumn("Debit", "lcy", 18),
    SheetColumn("Cr accounts", "text", 24),
    SheetColumn("Credit", "lcy", 18),
    SheetColumn("To be added before posting", "text", 30),
)
_ITEMS, _DEBIT, _CREDIT = 5, 7, 9


def write_classification(book: Book, month: ClosedMonth, currencies: Currencies) -> None:
    """Write the journals that the classification proposes, and behind them every item with the number of its journal."""
    page = book.sheet("Proposed journals")
    journals: dict[Journal, Proposed] = {}
    shown = write_frame(book, month, IPE_31_CLASSIFIED, currencies, name="Classification", journals=journals)
    names = [column.name for column in IPE_31_CLASSIFIED.columns]
    amount, number = names.index("amount") + 1, len(names) + 1
    page.widths(_JOURNALS)
    page.title(
        f"Proposed journals – {title_of(month)}",
        "A proposal by rule, company and accounts; nothing is posted. A negative amount is posted the other way round. Of "
        "several accounts a person chooses one; a bank account written with XX is filled in.",
    )
    page.header(_JOURNALS, len(journals), 4)
    for journal, proposed in journals.items():
        company, decimals = journal.id_company, currencies.decimals(journal.id_company)
        row, where = page.row, [(number, f"$A{page.row + 1}", None)]
        is_proposed = journal.bridge_key is not None
        page.cells(
            _JOURNALS,
            [proposed.number, company, currencies.of.get(company), journal.bridge_key,
             journal.bridge_title if is_proposed else "No rule fires: a person decides", None,
             journal.dr_gl_accounts, None, journal.cr_gl_accounts, None, journal.required_enrichments],
            decimals,
        )  # fmt: skip
        page.total(
            row, _ITEMS, counted(shown.parts, company, where), proposed.items, book.format(num_format="#,##0")
        )
        is_sum = company not in shown.not_numbers
        formula = added_up(shown.parts, company, amount, where) if is_sum else ""
        for side in (_DEBIT, _CREDIT):
            page.total(row, side, formula, proposed.amount, book.amount(decimals))
