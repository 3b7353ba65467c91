"""`cpg1 runs`: which runs there were, what one of them did, and its events."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.text import Text

from cpg1_assets.cli.answering import json_option, told
from cpg1_assets.cli.columns import Column, Row, laid_out, shortened
from cpg1_assets.cli.render import check_lines, counted, marks, short_names
from cpg1_assets.cli.terminal import program, say, say_json, screen
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

_WHAT = {"close_month": "close", "take_comments": "comments", "__ASSET_JOB": "assets"}
_BAD = {"FAILURE": "red", "CANCELED": "yellow", "CANCELING": "yellow"}
_DIGITS = 8
_NONE = "-"


@click.group(invoke_without_command=True)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True, help="How many runs."
)
@json_option
@click.pass_context
@told
def runs(ctx: click.Context, limit: int, *, as_json: bool) -> None:
    """List runs, newest first; `show` describes one and `history` gives its events."""
    if ctx.invoked_subcommand is None:
        settings = _settings()
        from cpg1_assets.graph.run_history import list_runs  # noqa: PLC0415 - imports Dagster

        found = list_runs(settings, limit)
        if as_json:
            say_json({"books": Home(settings).books_kept, "runs": found})
        else:
            _show_runs(found, settings)


@runs.command("show")
@click.argument("run_id")
@json_option
@told
def runs_show(run_id: str, *, as_json: bool) -> None:
    """Describe the run RUN_ID (its first characters are enough)."""
    settings = _settings()
    from cpg1_assets.graph.run_history import describe_run  # noqa: PLC0415 - imports Dagster

    described = {"books": Home(settings).books_kept, **describe_run(settings, run_id)}
    if as_json:
        say_json(described)
    else:
        _show_run(described, settings)


@runs.command("history")
@click.argument("run_id")
@json_option
@told
def runs_history(run_id: str, *, as_json: bool) -> None:
    """Give the events of the run RUN_ID, oldest first."""
    settings = _settings()
    from cpg1_assets.graph.run_history import run_events  # noqa: PLC0415 - imports Dagster

    events = run_events(settings, run_id)
    if as_json:
        say_json({"books": Home(settings).books_kept, "events": events})
    else:
        _show_events(events)


def _settings() -> Settings:
    from cpg1_assets.closing.beforehand import require_options  # noqa: PLC0415 - imports fsspec, reads the scope

    settings = Settings.from_environment()
    require_options(settings)
    return settings


def _show_runs(found: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    short = short_names([run["run_id"] for run in found], _DIGITS)
    columns = (
        Column("month"), Column("what"), Column("status"), Column("started (UTC)"), Column("took", is_figure=True),
        Column("run"),
    )  # fmt: skip
    rows = [
        Row(
            (
                run["month"] or _NONE, _what(run), run["status"], _minute(run["started"]), _took(run["seconds"]),
                short[run["run_id"]],
            ),
            [f"{step}: {shortened(why, _LONGEST_REASON)}" for step, why in run["failures"]],
            _BAD.get(run["status"], ""),
        )
        for run in found
    ]  # fmt: skip
    if rows:
        say(*laid_out(columns, rows, screen()))
    say("", f"{counted(len(found), 'run')}{marks(settings)}. One in full: {program()} runs show RUN")


_LONGEST_REASON = 300


def _show_run(run: Mapping[str, Any], settings: Settings) -> None:
    month = f" of {run['month']}" if run["month"] else ""
    say(
        Text(f"{_what(run)}{month}: {run['status']}{marks(settings)}", _BAD.get(run["status"], "bold")),
        f"started {_minute(run['started'])} UTC, took {_took(run['seconds'])}, run {run['run_id']}",
    )
    say(*(Text(f"{step}: {why}", "red") for step, why in run["failures"]))
    columns = (Column("step"), Column("status"), Column("took", is_figure=True))
    rows = [
        Row((step, status or _NONE, _took(run["step_seconds"].get(step))), style=_BAD.get(status, ""))
        for step, status in run["steps"].items()
    ]
    if rows:
        say("", *laid_out(columns, rows, screen()))
    if run["failed_checks"]:
        say("", f"{counted(len(run['failed_checks']), 'check')} did not pass:")
        say(*check_lines(run["failed_checks"], screen()))


def _show_events(events: Sequence[Mapping[str, Any]]) -> None:
    rows: list[Row | Text] = []
    day = ""
    for event in events:
        if not event["time"].startswith(day) or not day:
            day = event["time"][:10]
            rows.append(Text(f"{day} (UTC)", "bold"))
        time = event["time"][11:19]
        rows.append(Row((time, event["step"] or _NONE, event["event"]), event["message"].splitlines()))
    if rows:
        say(*laid_out((Column("time"), Column("step"), Column("event")), rows, screen()))


def _what(run: Mapping[str, Any]) -> str:
    return _WHAT.get(run["job"], str(run["job"]))


def _minute(started: str) -> str:
    return started[:16].replace("T", " ") or _NONE


def _took(seconds: float | None) -> str:
    return _NONE if seconds is None else f"{seconds:,.1f} s"
