"""How open items look on a terminal of 80 columns. What they come to is decided in `cpg1_assets.explaining`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cpg1_assets.cli.columns import Column, Row, laid_out, shortened, wrapped
from cpg1_assets.cli.render import STYLES, amount, counted, short_names
from cpg1_assets.cli.terminal import say, screen
from cpg1_assets.rules.causes import MEANINGS

if TYPE_CHECKING:
    from cpg1_assets.explaining.one_item import ExplainedItem
    from cpg1_assets.rules.explained_lines import ExplainedLine

_NAME_DIGITS = 10
_LONGEST = 200
"""How much of a text of an item is shown; --json has it whole."""
_NONE = "–"
_LARGEST = 3
"""How many items a line shows where all lines are shown."""


def item_names(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give a short name for each item, by which it is found."""
    return short_names([str(item["item"]) for item in items], _NAME_DIGITS)


def show_all(lines: Sequence["ExplainedLine"], names: Mapping[str, str], ask: str) -> None:
    """Show all lines of a month: the red ones with their largest items, what is explained, what is not computed.

    `ask` is the command that shows one of them.
    """
    for title, status, show in (
        ("With an unexplained variance", "VARIANCE_DETECTED", _show_red),
        ("Explained by bridges", "EXPLAINED", _show_briefly),
        ("Not computed", "NOT_COMPUTED", _show_why),
        ("Reconciled, with open items below the threshold", "RECONCILED", _show_briefly),
    ):
        chosen = [line for line in lines if line.figures["status"] == status]
        shown = [line for line in chosen if status != "RECONCILED" or line.items]
        if shown:
            say("", Text(title, STYLES[status]))
        for line in shown:
            show(line, names, ask)
        if status == "RECONCILED":
            agree = len(chosen) - len(shown)
            say("", f"{counted(agree, 'line')} {'agrees' if agree == 1 else 'agree'} item by item.")


def show_line(line: "ExplainedLine", names: Mapping[str, str]) -> None:
    """Show one line in full: what agrees, its items, the totals of the reconciliation, and every item."""
    figures = line.figures
    say("")
    say(Text.assemble(_title(line), "  ", (figures["status"], STYLES.get(figures["status"], ""))))
    if not line.is_computed:
        _show_why(line, names, "")
        return
    say(*_tie_out(line))
    if line.differing:
        say(
            f"These totals do NOT tie: {'; '.join(line.differing)}. The files in storage do not belong together: close the "
            "month again.",
            style="red",
        )
    usd = figures["unexplained_usd"]
    said = [f"{amount(usd)} USD" if usd is not None else "no rate, so no USD"]
    if line.named.share_named is not None:
        said.append(f"{line.named.share_named} of it with a cause")
    _say_indented(f"unexplained: {', '.join(said)}; threshold {amount(figures['threshold_usd'])} USD", 0)
    if line.items:
        say("")
        _show_items(line.items, names)
        _show_meanings(line.items)


def show_item(item: "ExplainedItem", names: Mapping[str, str]) -> None:
    """Show one item in full: its figures, every row of both sides, why they are together, its life."""
    facts = item.facts
    say("", f"Item {facts['item']}: {facts['id_company']} {facts['line']}")
    _show_items([facts], names)
    _show_meanings([facts])
    _show_rows(item)
    say("", "Why they are one item")
    for sentence in item.certificate:
        _say_indented(sentence)
    _show_suggestions(item, names)
    _show_life(item)


def _show_red(line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    _show_briefly(line, names, ask)
    _show_items(line.items[:_LARGEST], names, brief=True)
    figures = line.figures
    more = len(line.items) - _LARGEST
    said = f"and {more} more: " if more > 0 else ""
    say(f"  {said}{ask} --company {figures['id_company']} --line {figures['line']}")


def _show_briefly(line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    del names, ask
    title, made_of = _summed_up(line)
    say(title)
    _say_indented(made_of)


def _show_why(line: "ExplainedLine", names: Mapping[str, str], ask: str) -> None:
    del names, ask
    for why in line.why:
        _say_indented(f"{_title(line)}: {why}.", 0)


def _say_indented(said: str, by: int = 2) -> None:
    say(*wrapped(said, screen(), by))


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


def _tie_out(line: "ExplainedLine") -> Iterator[Text]:
    """Show that what agrees and the open items are the line's actual, target and variance."""
    figures, of_items = line.figures, line.of_items
    agreed = line.nav_amount - line.target_amount
    columns = (
        Column("LCY, debit positive"),
        *(Column(name, is_figure=True) for name in ("NAV", "target", "difference")),
    )
    rows = [
        ("agreed", amount(line.nav_amount), amount(line.target_amount), amount(agreed)),
        (
            counted(len(line.items), "open item"),
            *(amount(each) for each in (of_items.actual, of_items.target_value, of_items.variance)),
        ),
        (
            "actual, target, variance",
            *(amount(figures[name]) for name in ("actual", "target_value", "variance")),
        ),
        ("bridges", "", "", amount(figures["bridges"])),
        ("unexplained", "", "", amount(figures["unexplained"])),
    ]
    bold = ("actual, target, variance", "unexplained")
    yield from laid_out(columns, [Row(row, style="bold" if row[0] in bold else "") for row in rows], screen())


def _show_items(items: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, brief: bool = False) -> None:
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
    columns = (
        Column("item"), Column("unexplained", is_figure=True), Column("USD", is_figure=True),
        Column("age", is_figure=True), Column("cause"),
    )  # fmt: skip
    shown = [Row(*each) for each in zip(rows, below, strict=True)]
    say(*laid_out(columns, shown, screen(), indent=2 if brief else 0, heads=not brief))


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
    said = [shortened(reference, _LONGEST) or "no reference"]
    if item["document_no"] and item["document_no"] != reference:
        said.append(f"document {shortened(item['document_no'], _LONGEST)}")
    if item["description"] and item["description"] not in said:
        said.append(f'"{shortened(item["description"], _LONGEST)}"')
    return ", ".join(said)


def _show_meanings(items: Iterable[Mapping[str, Any]]) -> None:
    say("")
    for cause in dict.fromkeys(item["cause"] for item in items):
        _say_indented(f"{cause}: {MEANINGS[cause]}", 0)


def _show_rows(item: "ExplainedItem") -> None:
    say("", "Rows of both sides")
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
    columns = (
        Column("side"),
        Column("date"),
        Column("amount", is_figure=True),
        Column("document or reference"),
    )
    say(*laid_out(columns, [Row(*each) for each in zip(rows, below, strict=True)], screen()))


def _show_suggestions(item: "ExplainedItem", names: Mapping[str, str]) -> None:
    rows = []
    for row in item.suggestions:
        is_first = row["item"] == item.facts["item"]
        other, of_other = (
            (row["other_item"], -row["unexplained"]) if is_first else (row["item"], row["unexplained"])
        )
        rows.append((names.get(other, other), amount(of_other), str(row["days_apart"])))
    if rows:
        say("", "May belong together with")
        columns = (
            Column("item"),
            Column("unexplained", is_figure=True),
            Column("days apart", is_figure=True),
        )
        say(*laid_out(columns, list(map(Row, rows)), screen()))


def _show_life(item: "ExplainedItem") -> None:
    say("", "Month by month")
    rows = [
        (month, _NONE, "not open") if found is None else (month, amount(found["unexplained"]), found["cause"])
        for month, found in item.life
    ]
    below = [list(_comment(found)) if found is not None else [] for _, found in item.life]
    columns = (Column("month"), Column("unexplained", is_figure=True), Column("cause"))
    say(*laid_out(columns, [Row(*each) for each in zip(rows, below, strict=True)], screen()))
    for change in item.changes:
        _say_indented(_since(change), 0)


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
