"""How outcomes look on a terminal. What they say is decided elsewhere."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.text import Text

from cpg1_assets.cli.columns import Column, Row, laid_out, wrapped
from cpg1_assets.cli.terminal import Screen
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

STYLES = {
    "VARIANCE_DETECTED": "bold red",
    "NOT_COMPUTED": "yellow",
    "EXPLAINED": "cyan",
    "RECONCILED": "green",
}
"""How each status looks, the most urgent first."""


def lines_shown(
    lines: Sequence[Mapping[str, Any]],
    made_of: Mapping[tuple[str, str], str],
    screen: Screen,
    *,
    every: bool,
) -> Iterator[Text]:
    """Show the reconciliation: the open lines first, the largest before the others, in LCY, debit positive, and USD.

    `made_of` says by company and line what an open one is made of, or what it lacks. Why a line that differs counts as
    explained or reconciled stands below it; the reconciled ones are only counted unless `every` is asked for.
    """
    columns = (
        Column("company"), Column("line"), Column("unexplained", is_figure=True), Column("USD", is_figure=True),
        Column("threshold", is_figure=True),
    )  # fmt: skip
    rows: list[Row | Text] = []
    for status, style in STYLES.items():
        of_status = sorted((line for line in lines if line["status"] == status), key=_largest_first)
        if not of_status or (status == "RECONCILED" and not every):
            continue
        rows += [Text("")] * bool(rows)
        rows.append(Text(f"{status} ({len(of_status)})", style))
        for line in of_status:
            cells = [line["id_company"], line["line"]]
            cells += [amount(line[name]) for name in ("unexplained", "unexplained_usd", "threshold_usd")]
            why = made_of.get((line["id_company"], line["line"])) or _why_settled(line)
            rows.append(Row(cells, [why] if why else []))
    yield from laid_out(columns, rows, screen)
    reconciled = [line for line in lines if line["status"] == "RECONCILED"]
    if reconciled and not every:
        yield Text("")
        yield Text(f"RECONCILED ({len(reconciled)})", STYLES["RECONCILED"])
        yield from map(Text, wrapped(_reconciled(reconciled), screen, 2))


def _largest_first(line: Mapping[str, Any]) -> tuple[bool, Decimal]:
    usd = line["unexplained_usd"]
    return (usd is not None, -abs(Decimal(usd or 0)))


def _why_settled(line: Mapping[str, Any]) -> str:
    """Say why a line that differs is settled all the same: which threshold it is below, by which rule."""
    if line["status"] not in ("RECONCILED", "EXPLAINED") or not Decimal(line["variance"]):
        return ""
    said = f"variance {amount(line['variance'])} ({amount(line['variance_usd'])} USD)"
    if line["status"] == "EXPLAINED":
        said += f" less bridges {amount(line['bridges'])}"
    return f"{said}: {_below(line)}"


def _below(line: Mapping[str, Any]) -> str:
    return f"below the threshold of {amount(line['threshold_usd'])} USD (rule {line['threshold_rule']})"


def _reconciled(lines: Sequence[Mapping[str, Any]]) -> str:
    """Sum the reconciled lines up: how many agree, and by which rules the others may differ by as much as they do."""
    differ = [line for line in lines if Decimal(line["variance"])]
    agree = f"{counted(len(lines) - len(differ), 'line')} without a difference"
    if not differ:
        return f"{agree}."
    rules = Counter(_below(line) for line in differ)
    said = ", ".join(f"{number} {rule}" for rule, number in rules.most_common())
    return f"{agree}; of those that differ, {said}. Show each with --all."


def amount(text: str | Decimal | None) -> str:
    """Write an amount with thousands separators and two decimals; a dash where there is none."""
    if text is None:
        return "–"
    return f"{Decimal(text):,.2f}"


def made_of(
    lines: Iterable[Mapping[str, Any]], named: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], str]:
    """Say of each line with an unexplained variance how much of it has a cause, and which, by company and line."""
    red = {(line["id_company"], line["line"]) for line in lines if line["status"] == "VARIANCE_DETECTED"}
    return {key: _by_cause(each) for each in named if (key := (each["id_company"], each["line"])) in red}


def _by_cause(named: Mapping[str, Any]) -> str:
    if named["by_cause"] is None:
        return f"its open items {named['open_items']}"
    causes = "; ".join(
        f"{share['cause']} {amount(share['unexplained'])}"
        for share in named["by_cause"]
        if Decimal(share["unexplained"])
    )
    return f"{counted(named['items'], 'item')}, {named['share_named']} with a cause: {causes}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write how many there are of something: `no rows`, `1 row`, `2 rows`."""
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def short_names(names: Iterable[str], digits: int) -> dict[str, str]:
    """Give a short name for each: its first characters, `digits` or as many as tell it from all others."""
    whole = sorted(set(names))
    short = {}
    for at, name in enumerate(whole):
        beside = [*whole[max(at - 1, 0) : at], *whole[at + 1 : at + 2]]
        shared = max((_shared(name, other) for other in beside), default=0)
        short[name] = name[: max(digits, shared + 1)]
    return short


def marks(settings: Settings) -> str:
    """Say what a title has to say of its figures: that they are of the sample books, or of a narrowed scope."""
    kept = Home(settings).books_kept
    said = "" if kept == "SQL Server" else f" – {kept}"
    return said + (f" – scope {settings.scope}: does not count as the control" if settings.scope else "")


def against_seal_lines(against: Mapping[str, Any]) -> list[str]:
    """Tell how a month's data compares with its seal, and that with the one before: rows and amounts by company."""
    lines = [f"Data: {against['summary']}", *_by_company(against)]
    before = against.get("newest_seal_against_the_one_before")
    if before is not None:
        lines += [f"Version {against['version']:03d}: {before['summary']}", *_by_company(before)]
    return lines


def _by_company(against: Mapping[str, Any]) -> Iterator[str]:
    for differing in against.get("assets", ()):
        for total in differing["by_company"]:
            moved = [f"{name} {value}" for name, value in total["amounts"].items() if Decimal(value)]
            told = f" ({', '.join(moved)})" if moved else ""
            company = total["id_company"] or "-"
            yield f"  {differing['asset']}  {company}  {total['rows']} {total['kind']}{told}"


def check_lines(checks: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Text]:
    """Show the checks that did not pass, each with its figures and what it found, such as every refused file.

    What was found stands in a line of its own, whole: it is looked for, and copied.
    """
    indent = " " * 7
    for check in checks:
        style = "red" if check["severity"] == "ERROR" else "yellow"
        yield Text.assemble((f"{check['severity']:<5}", style), f"  {check['asset']}.{check['check']}")
        yield from map(Text, wrapped(check["statement"], screen, len(indent)))
        # A close of an earlier version kept no figures.
        for said in check.get("figures", ()):
            yield from map(Text, wrapped(said, screen, len(indent)))
        yield from (Text(f"{indent}{said}") for said in check.get("found", ()))


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
