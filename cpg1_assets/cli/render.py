"""How outcomes look on a terminal. What they say is decided elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

STYLES = {
    "RECONCILED": "green",
    "EXPLAINED": "cyan",
    "VARIANCE_DETECTED": "bold red",
    "NOT_COMPUTED": "yellow",
}
_AMOUNTS = ("actual", "target_value", "variance", "bridges", "unexplained", "unexplained_usd")
_WIDTH, _WIDEST = 120, 1_000
_SHORT = {"target_value": "target", "unexplained_usd": "unexpl. USD"}


def lines_table(lines: Sequence[Mapping[str, Any]], *, title: str) -> Table:
    """Show the reconciliation, a row a company and line: LCY, debit positive, and USD."""
    table = bare_table(title)
    table.add_column("company", no_wrap=True)
    table.add_column("line", no_wrap=True)
    for name in _AMOUNTS:
        table.add_column(_SHORT.get(name, name), justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    company = None
    for line in lines:
        if company is not None and line["id_company"] != company:
            table.add_section()
        shown = line["id_company"] if line["id_company"] != company else ""
        company = line["id_company"]
        amounts = [amount(line[name]) for name in _AMOUNTS]
        table.add_row(shown, line["line"], *amounts, Text(line["status"], STYLES.get(line["status"], "")))
    return table


def amount(text: str | Decimal | None) -> str:
    """Write an amount with thousands separators and two decimals; a dash where there is none."""
    if text is None:
        return "–"
    return f"{Decimal(text):,.2f}"


def largest_open(lines: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Give the line with the largest unexplained variance in USD; None where no line has one."""
    red = [line for line in lines if line["status"] == "VARIANCE_DETECTED"]
    return max(red, key=lambda line: abs(Decimal(line["unexplained_usd"])), default=None)


def named_shares(lines: Iterable[Mapping[str, Any]], named: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say of each line with an unexplained variance how much of it has a cause, and which."""
    red = {(line["id_company"], line["line"]) for line in lines if line["status"] == "VARIANCE_DETECTED"}
    for each in named:
        if (each["id_company"], each["line"]) not in red:
            continue
        title = f"  {each['id_company']} {each['line']}"
        if each["by_cause"] is None:
            yield f"{title}: its open items {each['open_items']}"
            continue
        causes = "; ".join(
            f"{share['cause']} {amount(share['unexplained'])}"
            for share in each["by_cause"]
            if Decimal(share["unexplained"])
        )
        yield f"{title}: {each['share_named']} with a cause, {counted(each['items'], 'item')}: {causes}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write how many there are of something: `no rows`, `1 row`, `2 rows`."""
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


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


def check_lines(checks: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """Show the checks that did not pass, each with what it found, such as every refused file with row and reason.

    Lines, not a table: they are whole on a narrow terminal too.
    """
    for check in checks:
        style = "red" if check["severity"] == "ERROR" else "yellow"
        yield Text.assemble(
            (f"{check['severity']:<5}", style), f"  {check['asset']}.{check['check']}: {check['statement']}"
        )
        yield from (Text(f"         {sentence}") for sentence in check.get("found", ()))


def console(*tables: Table, otherwise: int = _WIDTH) -> Console:
    """Give a console at least as wide as `tables` need: a figure is never cut off, a narrow terminal wraps lines.

    What is no terminal is `otherwise` columns wide.
    """
    out = _Console(highlight=False)
    width = out.width if out.is_terminal else otherwise
    needed = [Console(width=_WIDEST).measure(table).maximum for table in tables]
    return _Console(highlight=False, width=max([width, *needed]))


class _Console(Console):
    """A console that leaves it to the command to say that nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704


def bare_table(title: str | None = None) -> Table:
    """Give a table of bare columns: what is copied from the terminal stays readable."""
    return Table(
        title=title, title_justify="left", header_style="bold underline", box=None, padding=(0, 2, 0, 0)
    )
