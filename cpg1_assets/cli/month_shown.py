"""How one month looks on a terminal, at the end of `cpg1 close` and in `cpg1 status MONTH`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from cpg1_assets.cli.answering import FAILED
from cpg1_assets.cli.columns import wrapped
from cpg1_assets.cli.next_step import Asked, NextStep, next_step
from cpg1_assets.cli.render import against_seal_lines, check_lines, counted, lines_shown, made_of, marks
from cpg1_assets.cli.terminal import say, screen
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


def show_month(result: Mapping[str, Any], settings: Settings, *, every: bool) -> None:
    """Show what a month came to: what failed, its lines, its checks, its seal, where things are, what to do next.

    `result` is what `cpg1 close` or `cpg1 status` gives as JSON.
    """
    failed = [f"{step}: {why}" for step, why in result.get("failures") or ()]
    for said in (*failed, *result.get("damaged", ()), *result.get("older", ())):
        say("", Text(said, "red"))
    if result["lines"]:
        _show_lines(result, settings, every=every)
    if result["failed_checks"]:
        say("", f"{counted(len(result['failed_checks']), 'check')} did not pass:")
        say(*check_lines(result["failed_checks"], screen()))
    if result["untested_checks"]:
        names = ", ".join(f"{check['asset']}.{check['check']}" for check in result["untested_checks"])
        say(*wrapped(f"Nothing to test: {names}.", screen()))
    say("")
    for text, style in _came_to(result):
        say(*wrapped(text, screen()), style=style)
    say(*(Text(said, "yellow") for said in _came_since(result)))
    if result.get("against_seal") is not None:
        say(*against_seal_lines(result["against_seal"]))
    say(*(f"{name:<9} {place}" for name, place in _places(result, settings)))
    show_next(next_step(result, _asked(settings, result), settings))


def show_next(step: NextStep) -> None:
    """Show the command to run next in a line of its own, which is the last one."""
    say("", f"{step.why}:", f"  {step.command}")


def _show_lines(result: Mapping[str, Any], settings: Settings, *, every: bool) -> None:
    from cpg1_assets.closing.standing import summary  # noqa: PLC0415 - imports Dagster

    say("", Text(f"C-PG-1 {result['month']}{marks(settings)}", "bold"))
    what = "LCY, debit positive; USD is what stays unexplained of it, threshold is in USD"
    say(*wrapped(what, screen()))
    below = made_of(result["lines"], result["named"]) | _lacks(result, settings)
    say(*lines_shown(result["lines"], below, screen(), every=every))
    say("", *wrapped(summary(result["lines"], len(result["untested_checks"])), screen()))


def _lacks(result: Mapping[str, Any], settings: Settings) -> dict[tuple[str, str], str]:
    """Say what each line lacks that is not computed."""
    without = [line for line in result["lines"] if line["status"] == "NOT_COMPUTED"]
    if not without:
        return {}
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415 - reads the rules and contracts
    from cpg1_assets.explaining.stored import StoredMonth  # noqa: PLC0415
    from cpg1_assets.explaining.variances import what_lines_lack  # noqa: PLC0415 - imports DuckDB

    stored = StoredMonth(open_deployment(settings), CutoffMonth.parse(result["month"]))
    return {key: "; ".join(why) for key, why in what_lines_lack(stored, without).items()}


def _came_to(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say in a sentence how the close ended, and whether the month is sealed and signed; each with its style."""
    month, status = result["month"], result["exit_status"]
    if status == FAILED:
        yield f"The close of {month} FAILED. Nothing is half written.", "red"
    elif not result["lines"]:
        yield f"{month} has not been closed.", ""
    elif status is not None:
        took = f" in {result['seconds']:,.1f} s" if "seconds" in result else ""
        yield f"{month} was closed{took}: {_MEANS[status]}.", ""
    if result["seal"]:
        yield result["seal"]["sentence"], ""
    if result.get("punctuality"):
        yield punctual(result["punctuality"]), ""


def punctual(said: Mapping[str, Any]) -> str:
    """Say when a month was due and by how many days it is late, or why that cannot be told."""
    if "error" in said:
        return f"When it is due cannot be told: {said['error']}"
    due = f"Due on {said['due']}" + ("" if said["certain"] else " (not certain: cpg1 calendar says why)")
    still = [each["id_company"] for each in said["companies"] if each["closed"] is None]
    of_some = f" for {', '.join(still)}" if len(still) < len(said["companies"]) else ""
    ended = f"closed on {said['closed']}" if said["closed"] else f"not closed{of_some}"
    late = f", {counted(said['days_late'], 'day')} late" if said["days_late"] else ""
    lacking = [each for each in said["companies"] if each["lacks_jdash"]]
    files = ", ".join(f"{each['id_company']} (due on {each['jdash_due']})" for each in lacking)
    return f"{due}, {ended}{late}." + (f" JDash files that are not there: {files}." if files else "")


_MEANS = {
    0: "every line is reconciled or explained",
    3: "lines are open",
    4: "a check failed that is no variance, which needs a comment at sign-off",
}


def _came_since(result: Mapping[str, Any]) -> Iterator[str]:
    """Say what came since the month was computed, and what to do with it."""
    month = result["month"]
    if result.get("late_files"):
        signed = any(sign["role"] == "reviewer" and sign["covers"] for sign in result["seal"]["sign_offs"])
        what = "late file, month signed off" if signed else "late file: close the month again"
        yield f"JDash: {what} ({', '.join(result['late_files'])})."
    if result.get("comments_not_taken"):
        yield f"Comments: {', '.join(result['comments_not_taken'])}. Take them in with: cpg1 comments {month}"
    for said in result.get("month_before") or ():
        yield f"Open items: {said}. To compare again, close the month: cpg1 close --month {month}"


def _places(result: Mapping[str, Any], settings: Settings) -> Iterator[tuple[str, str]]:
    """Give where things of the month are, by what they are."""
    from cpg1_assets.deliverables.files import REPORT, WORKBOOK, there  # noqa: PLC0415 - imports pyarrow

    if result["seal"] and result["seal"]["anchor"]:
        yield "Anchor", result["seal"]["anchor"]
        made = there(Home(settings).reports_folder, CutoffMonth.parse(result["month"]))
        for title, name in (("Report", REPORT), ("Workbook", WORKBOOK)):
            yield title, str(made.get(name, "not made: cpg1 report"))
    yield "Evidence", result["evidence"] if Path(result["evidence"]).exists() else "none was written"
    if result["run_id"]:
        yield "Run", result["run_id"]


def _asked(settings: Settings, result: Mapping[str, Any]) -> Asked | None:
    from cpg1_assets.closing.standing import asked_at_sign_off  # noqa: PLC0415 - imports Dagster

    try:
        return asked_at_sign_off(settings, CutoffMonth.parse(result["month"]))
    except Cpg1Error:
        return None
