"""How open items look on a terminal of 80 columns. What they come to is decided in `cpg1_assets.explaining`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cpg1_assets.cli.render import STYLES, amount, bare_table, console
from cpg1_assets.explaining.causes import MEANINGS

if TYPE_CHECKING:
    from cpg1_assets.explaining.one_item import ExplainedItem
    from cpg1_assets.explaining.variances import ExplainedLine

_NAME_DIGITS = 10
_LARGEST = 3
"""How many items a line shows where all lines are shown."""


def item_names(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give a short name for each item, by which it is found: its first characters, as many as tell it from all others."""
    whole = sorted({str(item["item"]) for item in items})
    short = {}
    for at, name in enumerate(whole):
        beside = [*whole[max(at - 1, 0) : at], *whole[at + 1 : at + 2]]
        shared = max((_shared(name, other) for other in beside), default=0)
        short[name] = name[: max(_NAME_DIGITS, shared + 1)]
    return short


def show_all(lines: Sequence["ExplainedLine"], names: Mapping[str, str], ask: str) -> None:
    """Show all lines of a month: the red ones with their largest items, what is explained, what is not computed.

    `ask` is the command that shows one of them.
    """
    out = console()
    for title, status, show in (
        ("With an unexplained variance", "VARIANCE_DETECTED", _show_red),
        ("Explained by bridges", "EXPLAINED", _show_briefly),
        ("Not computed", "NOT_COMPUTED", _show_why),
        ("Reconciled, with open items below the threshold", "RECONCILED", _show_briefly),
    ):
        chosen = [line for line in lines if line.figures["status"] == status]
        shown = [line for line in chosen if status != "RECONCILED" or line.items]
        if shown:
            out.print(Text(f"\n{title}", style=STYLES[status]))
        for line in shown:
            show(out, line, names, ask)
        if status == "RECONCILED":
            out.print(f"\n{len(chosen) - len(shown)} lines agree item by item.", markup=False)


def show_line(line: "ExplainedLine", names: Mapping[str, str]) -> None:
    """Show one line in full: what agrees, its items, the totals of the reconciliation, and every item."""
    out = console()
    figures = line.figures
    out.print()
    out.print(
        Text.assemble(_title(line), "  ", (figures["status"], STYLES.get(figures["status"], ""))),
        soft_wrap=True,
    )
    if not line.is_computed:
        _show_why(out, line, names, "")
        return
    table = _tie_out(line)
    console(table).print(table)
    if line.differing:
        out.print(
            f"These totals do NOT tie: {'; '.join(line.differing)}. The files in storage do not belong together: close the "
            "month again.",
            style="red",
            markup=False,
        )
    usd = figures["unexplained_usd"]
    said = [f"{amount(usd)} USD" if usd is not None else "no rate, so no USD"]
    if line.named.share_named is not None:
        said.append(f"{line.named.share_named} of it with a cause")
    out.print(
        f"unexplained: {', '.join(said)}; threshold {amount(figures['threshold_usd'])} USD", markup=False
    )
    if line.items:
        out.print()
        _show_items(out, line.items, names)
        _show_meanings(out, line.items)


def show_item(item: "ExplainedItem", names: Mapping[str, str]) -> None:
    """Show one item in full: its figures, every row of both sides, why they are together, its life."""
    out = console()
    facts = item.facts
    out.print(f"\nItem {facts['item']}: {facts['id_company']} {facts['line']}", markup=False)
    _show_items(out, [facts], names)
    _show_meanings(out, [facts])
    for title, tables in (
        ("Rows", _rows(item)),
        ("Suggestions", _suggestions(item, names)),
        ("Life", _life(item)),
    ):
        if tables is not None:
            out.print(f"\n{title}")
            console(tables).print(tables)
    out.print("\nWhy these rows are together")
    for sentence in item.certificate:
        out.print(Padding(Text(sentence), (0, 0, 0, 2)))


def _show_red(out: Console, line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    out.print(_summed_up(line), markup=False, soft_wrap=True)
    _show_items(out, line.items[:_LARGEST], names, brief=True)
    figures = line.figures
    more = len(line.items) - _LARGEST
    said = f"and {more} more: " if more > 0 else ""
    out.print(
        f"  {said}{ask} --company {figures['id_company']} --line {figures['line']}",
        markup=False,
        soft_wrap=True,
    )


def _show_briefly(out: Console, line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    del names, ask
    out.print(_summed_up(line), markup=False)


def _show_why(out: Console, line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    del names, ask
    for why in line.why:
        out.print(f"{_title(line)}: {why}.", markup=False)


def _title(line: "ExplainedLine") -> str:
    return f"{line.figures['id_company']} {line.figures['line']}"


def _summed_up(line: "ExplainedLine") -> str:
    """Say in a sentence what a line's variance is made of."""
    figures, named = line.figures, line.named
    said = [f"variance {amount(figures['variance'])}"]
    if figures["bridges"]:
        said.append(f"bridges {amount(figures['bridges'])}")
    said.append(f"unexplained {amount(figures['unexplained'])} ({amount(figures['unexplained_usd'])} USD)")
    causes = [f"{share.cause} {amount(share.unexplained)}" for share in named.causes if share.gross]
    return f"{_title(line)}: {', '.join(said)}; {_count(named.items, 'item')}" + (
        f": {', '.join(causes)}" if causes else ""
    )


def _tie_out(line: "ExplainedLine") -> Table:
    """Show that what agrees and the open items are the line's actual, target and variance."""
    figures, of_items = line.figures, line.of_items
    table = bare_table()
    table.add_column("LCY, debit positive")
    for name in ("NAV", "target", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    agreed = line.nav_amount - line.target_amount
    table.add_row("agreed", amount(line.nav_amount), amount(line.target_amount), amount(agreed))
    table.add_row(
        _count(len(line.items), "open item"),
        amount(of_items.actual),
        amount(of_items.target_value),
        amount(of_items.variance),
    )
    table.add_row(
        "actual, target, variance",
        *(amount(figures[name]) for name in ("actual", "target_value", "variance")),
        style="bold",
    )
    table.add_row("bridges", "", "", amount(figures["bridges"]))
    table.add_row("unexplained", "", "", amount(figures["unexplained"]), style="bold")
    return table


def _show_items(
    out: Console, items: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, brief: bool = False
) -> None:
    """Show items in aligned lines: name, unexplained LCY and USD, age, cause; below each what it is about."""
    rows = [
        (
            names.get(item["item"], item["item"]),
            amount(item["unexplained"]),
            amount(item["unexplained_usd"]),
            "–" if item["age_days"] is None else f"{item['age_days']} d",
            item["cause"],
        )
        for item in items
    ]
    heads = ("item", "unexplained", "USD", "age", "cause")
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads) - 1)]

    def line(row: Sequence[str], style: str = "") -> Text:
        name, *figures = row[:-1]
        cells = [name.ljust(widths[0])]
        cells += [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        return Text("  " * brief + "  ".join([*cells, row[-1]]), style=style)

    if not brief:
        out.print(line(heads, "bold underline"), soft_wrap=True)
    for row, item in zip(rows, items, strict=True):
        out.print(line(row), soft_wrap=True)
        for said in _about(item) if not brief else [_what(item)]:
            if said:
                out.print(Padding(Text(said), (0, 0, 0, 4 if brief else 2)))


def _about(item: Mapping[str, Any]) -> Iterator[str]:
    """Say of an item what it is, what each side has of it, what a bridge explains, and what people said."""
    yield _what(item)
    yield (
        f"NAV {amount(item['nav_amount'])} ({_count(item['nav_entries'], 'entry', 'entries')}), "
        f"target {amount(item['target_amount'])} ({_count(item['target_rows'], 'row')})"
    )
    if item["bridge"] is not None:
        yield f"difference {amount(item['difference'])}, {amount(item['bridge_amount'])} of it by {item['bridge']}"
    if item["confidence"] == "ambiguous":
        yield "ambiguous: a row could have been meant for several items, so none was taken"
    if item.get("comment"):
        owner = f" ({item['owner']})" if item.get("owner") else ""
        confirmed = f"; cause confirmed: {item['confirmed_cause']}" if item.get("confirmed_cause") else ""
        yield f"comment{owner}: {item['comment']}{confirmed}"


def _what(item: Mapping[str, Any]) -> str:
    said = [item["reference"] or "no reference"]
    if item["document_no"] and item["document_no"] != item["reference"]:
        said.append(f"document {item['document_no']}")
    if item["description"] and item["description"] not in said:
        said.append(f'"{item["description"]}"')
    return ", ".join(said)


def _show_meanings(out: Console, items: Iterable[Mapping[str, Any]]) -> None:
    out.print()
    for cause in dict.fromkeys(item["cause"] for item in items):
        out.print(Padding(Text(f"{cause}: {MEANINGS[cause]}"), (0, 0, 0, 0)))


def _rows(item: "ExplainedItem") -> Table:
    table = bare_table()
    for name in ("side", "date", "amount", "document or reference", "description"):
        table.add_column(
            name, justify="right" if name == "amount" else "left", no_wrap=name in ("side", "date", "amount")
        )
    for row in item.rows:
        table.add_row(
            row["side"],
            "–" if row["date"] is None else str(row["date"]),
            amount(row["amount"]),
            row["document_no"] or row["reference"] or row["row_key"],
            row["description"] or "",
        )
    return table


def _suggestions(item: "ExplainedItem", names: Mapping[str, str]) -> Table | None:
    if not item.suggestions:
        return None
    table = bare_table()
    for name in ("may belong to item", "opposite amount", "days apart"):
        table.add_column(name, justify="left" if name.startswith("may") else "right", no_wrap=True)
    for row in item.suggestions:
        other = row["other_item"] if row["item"] == item.facts["item"] else row["item"]
        of_other = -row["unexplained"] if row["item"] == item.facts["item"] else row["unexplained"]
        table.add_row(names.get(other, other), amount(of_other), str(row["days_apart"]))
    return table


def _life(item: "ExplainedItem") -> Table:
    table = bare_table()
    for name in ("month", "unexplained", "cause", "comment"):
        table.add_column(
            name, justify="right" if name == "unexplained" else "left", no_wrap=name != "comment"
        )
    for month, found in item.life:
        if found is None:
            table.add_row(month, "–", "not open", "")
        else:
            table.add_row(month, amount(found["unexplained"]), found["cause"], found["comment"] or "")
    return table


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
