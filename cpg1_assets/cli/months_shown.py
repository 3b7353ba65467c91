"""How several months look on a terminal: `cpg1 status`, and the end of `cpg1 backfill`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cpg1_assets.cli.answering import FAILED
from cpg1_assets.cli.columns import Column, Row, laid_out
from cpg1_assets.cli.month_shown import punctual, show_next
from cpg1_assets.cli.next_step import NextStep, explain_command, largest_open
from cpg1_assets.cli.render import check_lines, counted, marks
from cpg1_assets.cli.terminal import program, say, screen
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

_COUNTED = {
    "open": "VARIANCE_DETECTED", "not computed": "NOT_COMPUTED", "explained": "EXPLAINED", "reconciled": "RECONCILED",
}  # fmt: skip
_COLUMNS = (
    Column("month"),
    Column("state"),
    *(Column(name, is_figure=True) for name in _COUNTED),
    Column("failed checks", is_figure=True),
    Column("sealed version"),
)


def show_months(standings: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    """Show where each month stands: how many lines have which status, failed checks, seal, and what to do next."""
    if standings:
        say(*laid_out(_COLUMNS, [_row(standing) for standing in standings], screen()))
    for standing in standings:
        found = [check for check in standing["failed_checks"] if check["found"]]
        if standing["damaged"] or found:
            say("", standing["month"], *(Text(f"  {said}", "red") for said in standing["damaged"]))
            say(*check_lines(found, screen()))
    failed = sum(standing["state"] == "close failed" for standing in standings)
    closed = sum(standing["state"] in ("closed", "materialized") for standing in standings)
    say(
        "",
        f"{counted(closed, 'month')} closed{f', {failed} failed' if failed else ''}{marks(settings)}.",
        f"Evidence  {Home(settings).evidence_folder}",
    )
    show_next(_next(standings, settings))


def show_backfill(results: Sequence[Mapping[str, Any]], first: str, last: str, settings: Settings) -> None:
    """Show how a backfill ended: how many months were closed, skipped, failed, and what to do next."""
    failed = [result["month"] for result in results if result["exit_status"] == FAILED]
    skipped = sum(result["skipped"] for result in results)
    said = [counted(len(results) - len(failed) - skipped, "month") + " closed"]
    said += [f"{skipped} skipped"] * bool(skipped) + [f"{len(failed)} failed ({', '.join(failed)})"] * bool(
        failed
    )
    say("", f"{', '.join(said)}{marks(settings)}.")
    if failed:
        show_next(NextStep("When that is mended, run it again", f"{program()} backfill {first} {last}"))
    else:
        show_next(NextStep("See where each month stands", f"{program()} status"))


def _row(standing: Mapping[str, Any]) -> Row:
    lines = standing["lines"]
    counts = [sum(line["status"] == status for line in lines) for status in _COUNTED.values()]
    failed = str(len(standing["failed_checks"]))
    cells = [standing["month"], _STATES.get(standing["state"], standing["state"])]
    cells += [*map(str, counts), failed] if lines else [""] * (len(counts) + 1)
    bad = standing["damaged"] or standing["state"] == "close failed"
    told = standing.get("punctuality") or {}
    below = [punctual(told)] if told.get("days_late") or "error" in told else []
    return Row([*cells, _sealed(standing["seal"])], below, style="red" if bad else "")


_STATES = {"close failed": "failed", "damaged in storage": "damaged"}


def _sealed(seal: Mapping[str, Any]) -> str:
    """Say which version is sealed, and who signed it: both, or the preparer alone."""
    if seal["version"] is None:
        return "-"
    signs = {sign["role"] for sign in seal["sign_offs"] if sign["covers"]}
    return (
        f"{seal['version']} signed"
        if "reviewer" in signs
        else f"{seal['version']} prepared"
        if signs
        else str(seal["version"])
    )


def _next(standings: Sequence[Mapping[str, Any]], settings: Settings) -> NextStep:
    """Give what to look at next: a month that failed, else the newest with an open line, else the newest."""
    for standing in reversed(standings):
        if standing["damaged"] or standing["state"] == "close failed":
            return NextStep("See what is wrong", f"{program()} status {standing['month']}")
    for standing in reversed(standings):
        if largest_open(standing["lines"]) is not None:
            return NextStep("See what open lines are made of", explain_command(settings, standing["month"]))
    if standings:
        return NextStep("See what the newest came to", f"{program()} status {standings[-1]['month']}")
    return NextStep("Close a month", f"{program()} close")
