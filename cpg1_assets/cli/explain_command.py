"""`cpg1 explain`: what the variances of a month are made of, item by item. It needs no Dagster, and writes nothing."""

import sys
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from cpg1_assets.cli.answering import FAILED, json_option, told
from cpg1_assets.cli.next_step import explain_command
from cpg1_assets.cli.render import marks
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import MonthError
from cpg1_assets.home import Home
from cpg1_assets.month import FIRST_MONTH, CutoffMonth
from cpg1_assets.sample_books import LAST_MONTH
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.deployment import Deployment
    from cpg1_assets.explaining.stored import StoredMonth
    from cpg1_assets.rules.explained_lines import ExplainedLine


@click.command()
@click.argument("month", required=False)
@click.option("--company", metavar="COMPANY", help="Only the lines of this company, in full.")
@click.option("--line", metavar="LINE", help="Only this line, of every company, in full.")
@click.option(
    "--item",
    metavar="ITEM",
    help="One open item in full. The first characters of its name are enough where they are of one item alone.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print the open items as CSV, with columns to fill in.")
@json_option
@told
def explain(
    month: str | None, company: str | None, line: str | None, item: str | None, *, as_csv: bool, as_json: bool
) -> None:
    """Take the variances of MONTH apart: which items they are made of, how old, and what probably caused them.

    Without MONTH, that of CUTOFF_DATE, else the newest one in storage. Without options, all lines: those with an
    unexplained variance first, each with its largest items. Exit status 1 where the items do not add up to the lines.
    """
    if as_csv and as_json:
        raise click.UsageError("Give --csv or --json, not both.")
    settings = Settings.from_environment()
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415 - reads the rules and contracts
    from cpg1_assets.explaining.one_item import explained_item, find_item  # noqa: PLC0415 - imports DuckDB
    from cpg1_assets.explaining.sheet import open_item_sheet  # noqa: PLC0415
    from cpg1_assets.explaining.stored import StoredMonth  # noqa: PLC0415
    from cpg1_assets.explaining.variances import explained_lines, line_as_dict  # noqa: PLC0415

    deployment = open_deployment(settings)
    stored = StoredMonth(deployment, _chosen(deployment, month))
    lines = explained_lines(stored, company, line)
    items = [each for of_line in lines for each in of_line.items]
    found = None if item is None else find_item(stored, lines, item)
    if as_csv:
        text = open_item_sheet(items if found is None else [found], sample=settings.is_sample)
        # A spreadsheet's file is UTF-8, whatever a console has.
        sys.stdout.buffer.write(text.encode())
    elif as_json:
        said: dict[str, Any] = {
            "books": Home(settings).books_kept,
            "scope": settings.scope,
            "month": stored.month.key,
            "notes": stored.notes,
        }
        if found is None:
            said["lines"] = [line_as_dict(each) for each in lines]
        else:
            said["item"] = explained_item(stored, found).as_dict()
        say_json(said)
    else:
        _show(stored, lines, found, narrowed=company is not None or line is not None)
    sys.exit(FAILED if any(each.differing for each in lines) else 0)


def _show(
    stored: "StoredMonth",
    lines: list["ExplainedLine"],
    found: Mapping[str, Any] | None,
    *,
    narrowed: bool,
) -> None:
    from cpg1_assets.cli.items import item_names, show_all, show_item, show_line  # noqa: PLC0415
    from cpg1_assets.explaining.one_item import explained_item  # noqa: PLC0415

    settings, key = stored.deployment.settings, stored.month.key
    say(f"C-PG-1 {key}{marks(settings)}: what the variances are made of")
    for note in stored.notes:
        say(note)
    names = item_names([item for line in lines for item in line.items])
    ask = explain_command(settings, key)
    if found is not None:
        show_item(explained_item(stored, found), names)
    elif not narrowed:
        show_all(lines, names, ask)
        say(f"\nOne line in full: {ask} --company COMPANY --line LINE")
    else:
        for line in lines:
            show_line(line, names)
        say(f"\nOne item in full: {ask} --item ITEM\nTo comment on items, fill in: {ask} --csv > {key}.csv")


def _chosen(deployment: "Deployment", month: str | None) -> CutoffMonth:
    """Give the month asked for; else that of CUTOFF_DATE; else the newest one in storage."""
    settings = deployment.settings
    if month is not None:
        return CutoffMonth.parse(month)
    if settings.cutoff_date is not None:
        return CutoffMonth.of_cutoff_date(settings.cutoff_date)
    last = CutoffMonth.parse(LAST_MONTH) if settings.is_sample else CutoffMonth.last_complete(date.today())  # noqa: DTZ011 - the person's own calendar
    while last.key >= FIRST_MONTH:
        if deployment.storage.exists("reconciliation", last.key):
            return last
        last = last.previous()
    raise MonthError("No month has been closed. Close one with: cpg1 close --month YYYY-MM")
