"""The commands of `cpg1`: close, backfill, status, sql, sample, ui; others have modules of their own.

Nothing here computes: it reads options, calls, shows. Dagster is imported only by the commands that run it,
so that the others answer at once.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from cpg1_assets import stopping
from cpg1_assets.cli.answering import FAILED, Answering, debug_option
from cpg1_assets.cli.answering import json_option as _json
from cpg1_assets.cli.answering import told as _told
from cpg1_assets.cli.calendar_command import calendar
from cpg1_assets.cli.comments_command import comments
from cpg1_assets.cli.doctor_command import doctor
from cpg1_assets.cli.drift_command import drift
from cpg1_assets.cli.evidence_commands import evidence
from cpg1_assets.cli.explain_command import explain
from cpg1_assets.cli.keys_commands import keys
from cpg1_assets.cli.month_shown import show_month
from cpg1_assets.cli.months_shown import show_backfill, show_months
from cpg1_assets.cli.render import marks
from cpg1_assets.cli.reopen_command import reopen
from cpg1_assets.cli.reperform_commands import ipe, reperform
from cpg1_assets.cli.report_command import report
from cpg1_assets.cli.runs_commands import runs
from cpg1_assets.cli.sample_commands import sample_add, sample_check, sample_draw
from cpg1_assets.cli.several_values import Several, split
from cpg1_assets.cli.terminal import say, say_json, say_step
from cpg1_assets.cli.timestamp_commands import timestamp_add, timestamp_request
from cpg1_assets.cli.workpaper_commands import certificate, data, index
from cpg1_assets.env_file import EnvFile
from cpg1_assets.errors import MonthError, SettingsError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.refusal import naming
from cpg1_assets.sample_books import DEFAULT_SEED, LAST_MONTH
from cpg1_assets.settings import Settings


@click.group(
    cls=Answering, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="cpg1-assets", prog_name="cpg1")
@debug_option
def main() -> None:
    """C-PG-1: reconcile the general ledger with the operational systems, month by month."""


main.add_command(calendar)
main.add_command(comments)
main.add_command(doctor)
main.add_command(evidence)
main.add_command(explain)
main.add_command(reopen)
main.add_command(report)
main.add_command(runs)
evidence.add_command(reperform)
evidence.add_command(ipe)
evidence.add_command(drift)
evidence.add_command(index)
evidence.add_command(certificate)
evidence.add_command(data)
evidence.add_command(keys)
evidence.add_command(sample_draw)
evidence.add_command(sample_check)
evidence.add_command(sample_add)
evidence.add_command(timestamp_request)
evidence.add_command(timestamp_add)


_every = click.option(
    "--all",
    "every",
    is_flag=True,
    help="Show every line, also the reconciled ones, which are only counted otherwise.",
)


@main.command(cls=Several)
@click.option("--month", metavar="YYYY-MM", help="Month to close.")
@click.option(
    "--cutoff-date",
    metavar="YYYY-MM-DD",
    help="Or its cutoff date: the month's last day, or the first day of the month after. Not together with --month.",
)
@click.option(
    "--gl-accounts",
    metavar="ACCOUNT...",
    multiple=True,
    help="Only these GL accounts (group numbers). A narrower scope is not the control.",
)
@click.option(
    "--companies",
    metavar="COMPANY...",
    multiple=True,
    help="Only these companies. A narrower scope is not the control.",
)
@click.option(
    "--resume/--anew",
    default=None,
    help="Keep what the month's last run left, where it is proven, and run the rest; or run all. "
    "Default: --resume where that run failed within the last 24 hours, else --anew.",
)
@_every
@_json
@_told
def close(
    month: str | None,
    cutoff_date: str | None,
    gl_accounts: tuple[str, ...],
    companies: tuple[str, ...],
    *,
    resume: bool | None,
    every: bool,
    as_json: bool,
) -> None:
    """Close a month: extract, bridge, classify, reconcile, keep evidence.

    Exit status 0: every line is reconciled or explained. 3: a line has an unexplained variance or could not be
    computed. 4: a check of severity ERROR that is no variance failed, such as the roll-forward. In all three the
    month is closed. 1: the close failed.
    """
    settings = Settings.from_environment().narrowed(split(companies), split(gl_accounts))
    chosen = _month(settings, month, cutoff_date)
    _require_options(settings)
    _require_set_inbox(settings)
    from cpg1_assets.closing.one_month import close_month  # noqa: PLC0415 - imports Dagster

    if not as_json:
        say(f"Closing {chosen.key}{marks(settings)}")
    outcome = close_month(settings, chosen, (lambda _: None) if as_json else say_step, resume=resume)
    stopping.decide()
    if as_json:
        say_json(outcome.as_dict())
    else:
        show_month(outcome.as_dict(), settings, every=every)
    sys.exit(outcome.exit_status)


@main.command()
@click.argument("first")
@click.argument("last")
@click.option("--again", is_flag=True, help="Close also the months already closed from the same inputs.")
@click.option("--workers", metavar="N", type=click.IntRange(1), help="Months at a time. Default: one a core.")
@_json
@_told
def backfill(first: str, last: str, *, again: bool, workers: int | None, as_json: bool) -> None:
    """Close the months FIRST to LAST, each in a run of its own, several at a time.

    Run it again after an interruption: months already closed by the same version of the control from the same
    inputs are skipped. The exit status is 1 if a month failed, else 4 if a check of one failed that is no variance,
    else 3 if a line of one is open, else 0.
    """
    settings = Settings.from_environment()
    months = [_closable(settings, m) for m in month_range(CutoffMonth.parse(first), CutoffMonth.parse(last))]
    _require_options(settings)
    _require_set_inbox(settings)
    from cpg1_assets.closing.several_months import (  # noqa: PLC0415 - imports Dagster
        backfill_months,
        stopped_months,
    )

    results: list[dict[str, Any]] = []
    stopping.json_answer(
        lambda: {"books": settings.books, "months": [*results, *stopped_months(months, results)]}
    )
    for result in backfill_months(settings, months, workers=workers or os.cpu_count() or 1, again=again):
        results.append(result)
        if not as_json:
            say(f"{result['month']}  {result['result']}")
    stopping.decide()
    results.sort(key=lambda r: str(r["month"]))
    worst = {r["exit_status"] for r in results}
    status = FAILED if FAILED in worst else max(worst, default=0)
    if as_json:
        say_json({"books": Home(settings).books_kept, "months": results, "exit_status": status})
    else:
        show_backfill(results, first, last, settings)
    sys.exit(status)


@main.command()
@click.argument("month", required=False)
@_every
@_json
@_told
def status(month: str | None, *, every: bool, as_json: bool) -> None:
    """Show which months are closed, or, with MONTH, what its close came to."""
    settings = Settings.from_environment()
    chosen = None if month is None else CutoffMonth.parse(month)
    from cpg1_assets.closing.due import punctualities  # noqa: PLC0415
    from cpg1_assets.closing.standing import (  # noqa: PLC0415 - imports Dagster
        made_of_what_is_there,
        month_standing,
        standing_against_seal,
        standings,
    )

    today = date.today()  # noqa: DTZ011 - the person's own calendar
    if chosen is not None:
        standing = {"books": Home(settings).books_kept, **month_standing(settings, chosen, with_items=True)}
        standing["punctuality"] = punctualities(settings, [chosen], today).get(chosen.key)
        broken, standing["older"] = made_of_what_is_there(settings, chosen)
        standing["damaged"] = list(dict.fromkeys([*standing["damaged"], *broken]))
        standing["against_seal"] = standing_against_seal(settings, chosen)
        if as_json:
            say_json(standing)
        else:
            show_month(standing, settings, every=every)
        sys.exit(_damaged([standing]))
    rows = standings(settings)
    told = punctualities(settings, [CutoffMonth.parse(row["month"]) for row in rows], today)
    rows = [row | {"punctuality": told.get(row["month"])} for row in rows]
    if as_json:
        say_json({"books": Home(settings).books_kept, "months": rows})
    else:
        show_months(rows, settings)
    sys.exit(_damaged(rows))


@main.command()
@click.argument("extract")
@click.option("--month", metavar="YYYY-MM", help="Month whose dates are bound. Default: as for cpg1 close.")
@click.option(
    "--dialect",
    type=click.Choice(["tsql", "duckdb"]),
    default="tsql",
    show_default=True,
    help="The query as written, or as the sample books get it.",
)
@_json
@_told
def sql(extract: str, month: str | None, dialect: str, *, as_json: bool) -> None:
    """Print the query of EXTRACT as the server gets it, and the values bound to it.

    Which companies there are is asked when it runs.
    """
    settings = Settings.from_environment()
    chosen = _month(settings, month, None)
    from cpg1_assets.extracts.query_text import query_text  # noqa: PLC0415 - imports sqlglot

    shown = {"books": Home(settings).books_kept, **query_text(settings, extract, chosen, dialect)}
    if as_json:
        say_json({**shown, "parameters": json.loads(json.dumps(shown["parameters"], default=str))})
        return
    for name, value in shown["parameters"].items():
        listed = ", ".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"-- @{name} = {listed}")
    click.echo(shown["sql"])


@main.command()
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0),
    default=DEFAULT_SEED,
    show_default=True,
    help="Which group: the same seed gives the same books.",
)
@click.option(
    "--factor",
    metavar="N",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many times larger.",
)
@_json
@_told
def sample(seed: int, factor: int, *, as_json: bool) -> None:
    """Make the SAMPLE BOOKS anew under CPG1_HOME: 9 companies, 2024-01 to 2025-12."""
    settings = replace(Settings.from_environment(), source="sample")
    from cpg1_assets.sources.sample import make_books_anew  # noqa: PLC0415 - imports DuckDB

    Home(settings).prepare()
    folder = Home(settings).sample_books_folder
    with naming("The SAMPLE BOOKS", folder):
        make_books_anew(folder, seed=seed, factor=factor, progress=None if as_json else say)
    if as_json:
        said = {"books": "SAMPLE BOOKS", "folder": str(folder)}
        say_json({**said, "seed": seed, "factor": factor})
    else:
        click.echo(f"SAMPLE BOOKS (seed {seed}, factor {factor}) are in {folder}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_told
def ui(arguments: tuple[str, ...]) -> None:
    """Open the Dagster UI with its daemon on this deployment; ARGUMENTS go to `dagster dev` (such as -p 3001)."""
    settings = Settings.from_environment()
    _require_options(settings)
    Home(settings).require_inbox()
    from cpg1_assets.graph.instance import dagster_instance  # noqa: PLC0415 - imports Dagster

    env_file: EnvFile | None = click.get_current_context().find_root().meta["env_file"]
    if settings.scope is not None and env_file is not None and "DAGSTER_HOME" in env_file.names:
        raise SettingsError(
            f"{env_file.path} sets DAGSTER_HOME, and a narrowed scope has a home of its own, which dagster would not "
            "use. Take DAGSTER_HOME out of the file."
        )
    with dagster_instance(settings):
        pass  # what does not open is a sentence here, and a traceback of three processes there
    _require_another_port(settings, arguments)
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-m", "cpg1_assets", *arguments]
    stopping.hand_over()
    if settings.page_port is not None:
        subprocess.Popen([sys.executable, "-m", "cpg1_assets.served"])
        click.echo(f"Reports and evidence: {settings.page_address}")
    os.execv(command[0], command)  # noqa: S606 - our own interpreter's dagster, no shell


def _require_another_port(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Refuse the page's port for the UI: one of the two would not start."""
    asked = " ".join(arguments).replace("=", " ").split()
    named = {after for name, after in pairwise(asked) if name in ("-p", "--port")}
    if str(settings.page_port) in named:
        raise SettingsError(
            f"Port {settings.page_port} is that of the page with reports and evidence: give the UI another one, or set "
            "CPG1_PAGE_PORT to another one (or to off)."
        )


def _require_options(settings: Settings) -> None:
    from cpg1_assets.closing.beforehand import require_options  # noqa: PLC0415 - imports fsspec, reads the scope

    require_options(settings)


def _require_set_inbox(settings: Settings) -> None:
    """Refuse an inbox that is set and wrong before a home is made; one that is not set is in the home."""
    if settings.inbox is not None:
        Home(settings).require_inbox()


def _month(settings: Settings, month: str | None, cutoff_date: str | None) -> CutoffMonth:
    """Give the month asked for; else that of CUTOFF_DATE; else the last complete one (on the sample books: their last)."""
    if month is not None and cutoff_date is not None:
        raise MonthError("Give --month or --cutoff-date, not both.")
    if month is not None:
        return _closable(settings, CutoffMonth.parse(month))
    cutoff = cutoff_date or settings.cutoff_date
    if cutoff is not None:
        return _closable(settings, CutoffMonth.of_cutoff_date(cutoff))
    return CutoffMonth.parse(LAST_MONTH) if settings.is_sample else CutoffMonth.last_complete(date.today())  # noqa: DTZ011 - the person's own calendar


def _closable(settings: Settings, month: CutoffMonth) -> CutoffMonth:
    """Refuse a month the books do not have or that is not over."""
    if settings.is_sample:
        if month.key > LAST_MONTH:
            raise MonthError(f"Month {month.key} is not in the SAMPLE BOOKS: they end with {LAST_MONTH}.")
        return month
    last = CutoffMonth.last_complete(date.today())  # noqa: DTZ011 - the person's own calendar
    if month > last:
        raise MonthError(f"Month {month.key} is not over yet: the last complete month is {last.key}.")
    return month


def _damaged(standings: list[dict[str, Any]]) -> int:
    """Give the exit status: everything was shown, and yet a file is not what was written there."""
    return FAILED if any(standing["damaged"] for standing in standings) else 0
