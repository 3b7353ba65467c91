"""The first sheet of the workbook: every line of every company, the most urgent first, and what they come to."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from cpg1_assets.comments.open_items_sheet import COLUMNS as ITEM_COLUMNS
from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.sheet_rows import Currencies
from cpg1_assets.deliverables.workbook_book import Page, Part
from cpg1_assets.deliverables.workbook_figures import CURRENCY, BridgeAmounts
from cpg1_assets.deliverables.workbook_items import WrittenItems
from cpg1_assets.deliverables.workbook_table import Where, added_up, counted
from cpg1_assets.inbox.given_cells import SheetColumn, given_number
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.frames import RECONCILIATION_STATUSES

_COLUMNS: Mapping[str, SheetColumn] = {
    "id_company": SheetColumn("Company", "text", 10),
    "line": SheetColumn("Line", "text", 27),
    "status": SheetColumn("Status", "status", 21),
    "currency": CURRENCY,
    "actual": SheetColumn("Actual (NAV)", "lcy", 18),
    "target_value": SheetColumn("Target value", "lcy", 18),
    "variance": SheetColumn("Variance", "lcy", 18),
    "bridges": SheetColumn("Bridges", "lcy", 16),
    "unexplained": SheetColumn("Unexplained", "lcy", 18),
    "of_items": SheetColumn("Of the open items", "lcy", 18),
    "items": SheetColumn("Open items", "integer", 8),
    "missing": SheetColumn("Comments missing", "integer", 10),
    "variance_usd": SheetColumn("Variance USD", "usd", 15),
    "unexplained_usd": SheetColumn("Unexplained USD", "usd", 15),
    "threshold_usd": SheetColumn("Threshold USD", "usd", 13),
    "why": SheetColumn("Why this status", "text", 46),
    "threshold_rule": SheetColumn("Threshold rule", "text", 26),
    "fx_rate": SheetColumn("LCY per USD", "rate", 16),
}
_AT = {name: at for at, name in enumerate(_COLUMNS)}
_LCY = ("actual", "target_value", "variance", "bridges", "unexplained")
_WHY = {
    "RECONCILED": "The variance is below the threshold",
    "EXPLAINED": "Bridges leave less than the threshold unexplained",
    "VARIANCE_DETECTED": "Unexplained at or above the threshold",
}


def write_summary(
    page: Page,
    month: ClosedMonth,
    currencies: Currencies,
    bridges: BridgeAmounts,
    items: WrittenItems | None,
    notes: Sequence[str],
) -> None:
    """Write the summary on the sheet that was begun for it. `notes` are what a person must know of the other sheets."""
    columns = tuple(_COLUMNS.values())
    lines = month.lines
    page.widths(columns)
    page.title(f"Control workbook – {month.control} {month.month.key}")
    if month.marks:
        page.mark(f"{month.marks}: these books are simulated, and do not count as the control")
    for said in (*_standing(month, lines), *notes):
        page.text(page.row, 0, said)
        page.row += 1
    page.header(columns, len(lines), 3)
    first = page.row
    for line in lines:
        _write_line(page, line, currencies, bridges, items)
    whole = Part(page.name, first, page.row - 1, frozenset(line.figures["id_company"] for line in lines))
    _write_companies(page, lines, currencies, whole)
    _write_countries(page, month)


def _standing(month: ClosedMonth, lines: Sequence[ExplainedLine]) -> list[str]:
    statuses = Counter(line.figures["status"] for line in lines)
    counts = ", ".join(
        f"{statuses[status]} {status}" for status in reversed(RECONCILIATION_STATUSES) if statuses[status]
    )
    companies = len({line.figures["id_company"] for line in lines})
    return [
        f"Cutoff date {month.month.cutoff_date}. {month.signing.sentence}",
        f"{companies} companies, {len(lines)} lines: {counts}." if lines else "No line was computed.",
        (
            "Actual less target value is the variance; less bridges, what stays unexplained. LCY, debit positive, kept to "
            "four decimals and shown with those of the currency. USD is the LCY total of a line, converted once."
        ),
    ]


def _write_line(
    page: Page,
    line: ExplainedLine,
    currencies: Currencies,
    bridges: BridgeAmounts,
    items: WrittenItems | None,
) -> None:
    book, row, figures = page.book, page.row, line.figures
    company, name = figures["id_company"], figures["line"]
    decimals = currencies.decimals(company)
    written = {
        **{
            column: figures.get(column)
            for column in _COLUMNS
            if column not in {"variance", "bridges", "unexplained"}
        },
        "currency": currencies.of.get(company),
        "why": _why(line),
    }
    page.cells(
        tuple(_COLUMNS.values()),
        list(map(written.get, _COLUMNS)),
        decimals,
    )
    look = book.amount(decimals)
    bold = book.amount(decimals, bold=True)
    count = book.format(num_format="#,##0")
    cell = {column: page.place(at, row) for column, at in _AT.items()}
    own: list[Where] = [
        (_ITEM_AT["id_company"], f"$A{row + 1}", company),
        (_ITEM_AT["line"], f"$B{row + 1}", name),
    ]

    def total(column: str, formula: str, exact: Decimal | None, figure: Decimal | int | None) -> None:
        """Write a figure, as a formula only where what the formula comes to is the figure."""
        if figure is not None:
            chosen = bold if column == "unexplained" else count if isinstance(figure, int) else look
            page.total(row, _AT[column], formula if exact == figure else "", figure, chosen)

    def difference(one: str, other: str) -> str:
        kept = [given_number(figures[name]) for name in (one, other) if figures[name] is not None]
        return "" if any(isinstance(each, str) for each in kept) else f"=ROUND({cell[one]}-{cell[other]},4)"

    actual, target, variance, explained = (figures[column] for column in _LCY[:4])
    total("variance", difference("actual", "target_value"), actual - target, variance)
    of_bridges = bridges.formula(company, f"$A{row + 1}", name, f"$B{row + 1}")
    total("bridges", of_bridges, bridges.enters.get((company, name)), explained)
    rest = None if explained is None else variance - explained
    total("unexplained", difference("variance", "bridges"), rest, figures["unexplained"])
    if line.is_computed and items is not None:
        found = items.rows.lines.get((company, name))
        amount = found.sums["unexplained"] if found else Decimal(0)
        is_sum = items.rows.are_numbers
        total(
            "of_items",
            added_up(items.parts, company, _ITEM_AT["unexplained"], own) if is_sum else "",
            amount,
            amount,
        )
        for column, number, where in (
            ("items", found.number if found else 0, own),
            ("missing", found.missing if found else 0, [*own, *_LACKING]),
        ):
            total(column, counted(items.parts, company, where), Decimal(number), number)


_ITEM_AT = {name: at for at, name in enumerate(ITEM_COLUMNS)}


_LACKING: list[Where] = [(_ITEM_AT["is_asked"], '"yes"', "yes"), (_ITEM_AT["comment"], '""', "empty")]
"""The items that need a comment and have none."""


def _why(line: ExplainedLine) -> str:
    figures = line.figures
    if figures["status"] == "NOT_COMPUTED":
        return "; ".join(line.why)
    if figures["status"] == "RECONCILED" and not figures["variance"]:
        return "No variance"
    return _WHY[figures["status"]]


def _write_companies(page: Page, lines: Sequence[ExplainedLine], currencies: Currencies, whole: Part) -> None:
    """Write what the lines of each company come to, in its own currency."""
    if not lines:
        return
    page.heading("By company, all lines, LCY")
    names = ("id_company", "line", "status", "currency", *_LCY)
    columns = [_COLUMNS[name] for name in names]
    columns[1:3] = [
        SheetColumn("Lines", "integer", 1),
        SheetColumn("With an unexplained variance", "integer", 1),
    ]
    page.header(columns, 0, 0, is_main=False)
    for company in sorted({line.figures["id_company"] for line in lines}):
        own = [line.figures for line in lines if line.figures["id_company"] == company]
        row, decimals = page.row, currencies.decimals(company)
        where = [(0, f"$A{row + 1}", company)]
        page.cells(columns, [company, None, None, currencies.of.get(company), *[None] * len(_LCY)], decimals)
        count = page.book.format(num_format="#,##0")
        page.total(row, 1, counted([whole], company, where), len(own), count)
        red = sum(figures["status"] == "VARIANCE_DETECTED" for figures in own)
        status = (_AT["status"], '"VARIANCE_DETECTED"', "VARIANCE_DETECTED")
        page.total(row, 2, counted([whole], company, [*where, status]), red, count)
        for name in _LCY:
            figures = [each[name] for each in own if each[name] is not None]
            is_sum = not any(isinstance(given_number(figure), str) for figure in figures)
            formula = added_up([whole], company, _AT[name], where) if is_sum else ""
            page.total(row, _AT[name], formula, sum(figures, Decimal(0)), page.book.amount(decimals))


def _write_countries(page: Page, month: ClosedMonth) -> None:
    """Write what is unexplained of each country against its materiality, as the check of it found."""
    found = [] if "check_results" in month.lacks else [
        json.loads(row["figures"])
        for row in month.checks
        if (row["asset"], row["check"]) == ("reconciliation", "country_materiality")
    ]  # fmt: skip
    countries = [country for figures in found for country in figures.get("countries", ())]
    if not countries:
        return
    page.heading("By country, unexplained of all lines by absolute amount, USD")
    columns = [
        SheetColumn("Country", "text", 1), SheetColumn("Rule", "text", 1), SheetColumn("Status", "status", 1),
        SheetColumn("Lines without USD", "integer", 1), SheetColumn("Unexplained USD", "usd", 1),
        SheetColumn("Materiality USD", "usd", 1),
    ]  # fmt: skip
    page.header(columns, 0, 0, is_main=False)
    for country in countries:
        page.cells(
            columns,
            [country["country_code"], country["threshold_rule"], country["status"], country["lines_without_figure"],
             Decimal(country["unexplained_usd"]), Decimal(country["threshold_usd"])],
            2,
        )  # fmt: skip
