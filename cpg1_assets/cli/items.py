"""How open items look on a terminal of 80 columns. What they come to is decided in `cpg1_assets.explaining`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cpg1_assets.cli.render import STYLES, amount, bare_table, console, counted
from cpg1_assets.explaining.causes import MEANINGS

if TYPE_CHECKING:
    from cpg1_assets.explaining.one_item import ExplainedItem
    from cpg1_assets.explaining.variances import ExplainedLine

_NAME_DIGITS = 10
_WIDTH = 80
_NONE = "–"
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
    out = console(otherwise=_WIDTH)
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
            agree = len(chosen) - len(shown)
            out.print(f"\n{counted(agree, 'line')} {'agrees' if agree == 1 else 'agree'} item by item.")


def show_line(line: "ExplainedLine", names: Mapping[str, str]) -> None:
    """Show one line in full: what agrees, its items, the totals of the reconciliation, and every item."""
    out = console(otherwise=_WIDTH)
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
    console(table, otherwise=_WIDTH).print(table)
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
    out = console(otherwise=_WIDTH)
    facts = item.facts
    out.print(f"\nItem {facts['item']}: {facts['id_company']} {facts['line']}", markup=False)
    _show_items(out, [facts], names)
    _show_meanings(out, [facts])
    _show_rows(out, item)
    out.print("\nWhy they are one item")
    for sentence in item.certificate:
        _print_indented(out, sentence)
    _show_suggestions(out, item, names)
    _show_life(out, item)


def _show_red(out: Console, line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    _show_briefly(out, line, names, ask)
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
    title, made_of = _summed_up(line)
    out.print(title, markup=False, soft_wrap=True)
    _print_indented(out, made_of)


def _show_why(out: Console, line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    del names, ask
    for why in line.why:
        out.print(f"{_title(line)}: {why}.", markup=False)


def _print_indented(out: Console, said: str, by: int = 2) -> None:
    for line in wrap(said, out.width - by, break_long_words=False):
        out.print(" " * by + line, markup=False, soft_wrap=True)


def _title(line: "ExplainedLine") -> str:
    return f"{line.figures['id_company']} {line.figures['line']}"


def _summed_up(line: "ExplainedLine") -> Iterator[str]:
    """Say what a line's variance is made of: a sentence on the line, one on what it comes from."""
    figures, named = line.figures, line.named
    yield (
        f"{_title(line)}: unexplained {amount(figures['unexplained'])} ({amount(figures['unexplained_usd'])} USD)"
    )
    bridged = f" less bridges {amount(figures['bridges'])}" if figures["bridges"] else ""
    causes = [f"{share.cause} {amount(share.unexplained)}" for share in named.causes if share.gross]
    yield f"variance {amount(figures['variance'])}{bridged}, {'; '.join([counted(named.items, 'item'), *causes])}"


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
        counted(len(line.items), "open item"),
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
    """Show items: name, unexplained LCY and USD, age, cause; below each what it is about."""
    rows = [
        (
            names.get(item["item"], item["item"]),
            amount(item["unexplained"]),
            amount(item["unexplained_usd"]),
            _NONE if item["age_days"] is None else f"{item['age_days']} d",
            item["cause"],
        )
        for item in items
    ]
    below = [[_what(item)] if brief else list(_about(item)) for item in items]
    heads = ("item", "unexplained", "USD", "age", "cause")
    _print_aligned(out, heads, rows, below, right={1, 2, 3}, indent=2 if brief else 0)


def _print_aligned(
    out: Console,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    below: Sequence[Iterable[str]],
    *,
    right: Collection[int],
    indent: int = 0,
) -> None:
    """Print rows in aligned columns, and below each what does not fit into one; indented rows have no heading."""
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return " " * indent + "  ".join(aligned).rstrip()

    if not indent:
        out.print(Text(line(heads), style="bold underline"), soft_wrap=True)
    for row, said in zip(rows, below, strict=True):
        out.print(line(row), markup=False, soft_wrap=True)
        for sentence in said:
            _print_indented(out, sentence, indent + 2)


def _about(item: Mapping[str, Any]) -> Iterator[str]:
    """Say of an item what it is, what each side has of it, what a bridge explains, and what people said."""
    yield _what(item)
    yield (
        f"NAV {amount(item['nav_amount'])} ({counted(item['nav_entries'], 'entry', 'entries')}), "
        f"target {amount(item['target_amount'])} ({counted(item['target_rows'], 'row')})"
    )
    if item["bridge"] is not None:
        yield f"difference {amount(item['difference'])}, {amount(item['bridge_amount'])} of it by {item['bridge']}"
    if item["confidence"] == "ambiguous":
        yield "ambiguous: a row could have been meant for several items, so none was taken"
    yield from _comment(item)


def _comment(item: Mapping[str, Any]) -> Iterator[str]:
    """Say what people said of an item, if they did."""
    if item["comment"] or item["owner"] or item["confirmed_cause"]:
        owner = f" ({item['owner']})" if item["owner"] else ""
        confirmed = f"; cause confirmed: {item['confirmed_cause']}" if item["confirmed_cause"] else ""
        yield f"comment{owner}: {item['comment'] or _NONE}{confirmed}"


def _what(item: Mapping[str, Any]) -> str:
    reference = (item["reference"] or "").strip()
    said = [reference or "no reference"]
    if item["document_no"] and item["document_no"] != reference:
        said.append(f"document {item['document_no']}")
    if item["description"] and item["description"] not in said:
        said.append(f'"{item["description"]}"')
    return ", ".join(said)


def _show_meanings(out: Console, items: Iterable[Mapping[str, Any]]) -> None:
    out.print()
    for cause in dict.fromkeys(item["cause"] for item in items):
        _print_indented(out, f"{cause}: {MEANINGS[cause]}", 0)


def _show_rows(out: Console, item: "ExplainedItem") -> None:
    out.print("\nRows of both sides")
    rows = [
        (
            row["side"],
            _NONE if row["day"] is None else str(row["day"]),
            amount(row["amount"]),
            row["document_no"] or row["reference"] or row["row_key"],
        )
        for row in item.rows
    ]
    below = [[row["description"]] if row["description"] else [] for row in item.rows]
    _print_aligned(out, ("side", "date", "amount", "document or reference"), rows, below, right={2})


def _show_suggestions(out: Console, item: "ExplainedItem", names: Mapping[str, str]) -> None:
    rows = []
    for row in item.suggestions:
        is_first = row["item"] == item.facts["item"]
        other, of_other = (
            (row["other_item"], -row["unexplained"]) if is_first else (row["item"], row["unexplained"])
        )
        rows.append((names.get(other, other), amount(of_other), str(row["days_apart"])))
    if rows:
        out.print("\nMay belong together with")
        _print_aligned(out, ("item", "unexplained", "days apart"), rows, [[]] * len(rows), right={1, 2})


def _show_life(out: Console, item: "ExplainedItem") -> None:
    out.print("\nMonth by month")
    rows = [
        (month, _NONE, "not open") if found is None else (month, amount(found["unexplained"]), found["cause"])
        for month, found in item.life
    ]
    below = [list(_comment(found)) if found is not None else [] for _, found in item.life]
    _print_aligned(out, ("month", "unexplained", "cause"), rows, below, right={1})
    for change in item.changes:
        _print_indented(out, _since(change), 0)


def _since(change: Mapping[str, Any]) -> str:
    """Say what became of an item since the month before, and of what was said of it then."""
    if change["change"] == "not compared":
        return "Since the month before: not compared. It was not sealed, or its line not computed in both months."
    said = f"Since the month before: {change['change']}"
    if change["item_before"] is not None and change["change"] != "persisting":
        was = f"{amount(change['unexplained_before'])}, {change['cause_before']}"
        said += f", was {was}" + (
            f" (item {change['item_before']})" if change["item_before"] != change["item"] else ""
        )
    before = {name: change[f"{name}_before"] for name in ("comment", "owner", "confirmed_cause")}
    lapsed = "" if change["comment_carries"] else "".join(f"; lapsed {told}" for told in _comment(before))
    return f"{said}{lapsed}."


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
