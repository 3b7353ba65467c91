"""The commands of `cpg1`: close, backfill, status, runs, sql, sample, ui; others have modules of their own.

Nothing here computes: it reads options, calls, shows. Dagster is imported only by the commands that run it,
so that the others answer at once.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from cpg1_assets import stopping
from cpg1_assets.cli.answering import FAILED, Answering, debug_option
from cpg1_assets.cli.answering import json_option as _json
from cpg1_assets.cli.answering import told as _told
from cpg1_assets.cli.comments_command import comments
from cpg1_assets.cli.doctor_command import doctor
from cpg1_assets.cli.evidence_commands import evidence
from cpg1_assets.cli.explain_command import explain, explain_command
from cpg1_assets.cli.render import (
    against_seal_lines,
    check_lines,
    console,
    largest_open,
    lines_table,
    marks,
    named_shares,
)
from cpg1_assets.cli.reopen_command import reopen
from cpg1_assets.cli.reperform_commands import ipe, reperform
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


main.add_command(comments)
main.add_command(doctor)
main.add_command(evidence)
main.add_command(explain)
main.add_command(reopen)
evidence.add_command(reperform)
evidence.add_command(ipe)


class _Several(click.Command):
    """Lets an option take several values: `--companies EC_NG JD_GH` is `--companies EC_NG --companies JD_GH`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {o for p in self.params if isinstance(p, click.Option) and p.multiple for o in p.opts}
        spread: list[str] = []
        current = None
        for arg in args:
            if arg.startswith("-"):
                name = arg.split("=", 1)[0]
                current = name if name in several else None
                if not (current and arg == current):
                    spread.append(arg)
            elif current is not None:
                spread += [current, arg]
            else:
                spread.append(arg)
        return super().parse_args(ctx, spread)


@main.command(cls=_Several)
@click.option("--month", help="Month to close, YYYY-MM.")
@click.option(
    "--cutoff-date", help="Or its cutoff date, YYYY-MM-DD: the last day, or the first day of the month after."
)
@click.option(
    "--gl-accounts",
    multiple=True,
    help="Only these GL accounts (group numbers). A narrower scope is not the control.",
)
@click.option("--companies", multiple=True, help="Only these companies. A narrower scope is not the control.")
@_json
@_told
def close(
    month: str | None,
    cutoff_date: str | None,
    gl_accounts: tuple[str, ...],
    companies: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Close a month: extract, bridge, classify, reconcile, keep evidence.

    Exit status 0: every line is reconciled or explained. 3: a line has an unexplained variance or could not be
    computed. 4: a check of severity ERROR that is no variance failed, such as the roll-forward. In all three the
    month is closed. 1: the close failed.
    """
    settings = Settings.from_environment().narrowed(_split(companies), _split(gl_accounts))
    chosen = _month(settings, month, cutoff_date)
    _require_options(settings)
    _require_set_inbox(settings)
    from cpg1_assets.closing.one_month import close_month  # noqa: PLC0415 - imports Dagster

    out = console()
    if not as_json:
        out.print(f"Closing {chosen.key}" + marks(settings))
    outcome = close_month(
        settings,
        chosen,
        (lambda _: None) if as_json else (lambda said: out.print(f"  {said}", markup=False, soft_wrap=True)),
    )
    stopping.decide()
    if as_json:
        click.echo(json.dumps(outcome.as_dict(), indent=2, ensure_ascii=False))
    else:
        _show_close(outcome.as_dict(), settings)
    sys.exit(outcome.exit_status)


@main.command()
@click.argument("first")
@click.argument("last")
@click.option("--again", is_flag=True, help="Close also the months already closed from the same inputs.")
@click.option("--workers", type=click.IntRange(1), help="Months at a time. Default: one a core.")
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
            click.echo(f"{result['month']}  {result['result']}")
    stopping.decide()
    results.sort(key=lambda r: str(r["month"]))
    worst = {r["exit_status"] for r in results}
    status = FAILED if FAILED in worst else max(worst, default=0)
    if as_json:
        click.echo(
            json.dumps(
                {"books": Home(settings).books_kept, "months": results, "exit_status": status}, indent=2
            )
        )
    elif settings.is_sample:
        click.echo("SAMPLE BOOKS")
    sys.exit(status)


@main.command()
@click.argument("month", required=False)
@_json
@_told
def status(month: str | None, *, as_json: bool) -> None:
    """Show which months are closed, or, with MONTH, what its close came to."""
    settings = Settings.from_environment()
    chosen = None if month is None else CutoffMonth.parse(month)
    from cpg1_assets.closing.standing import (  # noqa: PLC0415 - imports Dagster
        made_of_what_is_there,
        month_standing,
        standing_against_seal,
        standings,
        summary,
    )

    out = console()
    if chosen is not None:
        standing = {"books": Home(settings).books_kept, **month_standing(settings, chosen, with_items=True)}
        broken, standing["older"] = made_of_what_is_there(settings, chosen)
        standing["damaged"] = list(dict.fromkeys([*standing["damaged"], *broken]))
        standing["against_seal"] = standing_against_seal(settings, chosen)
        if as_json:
            click.echo(json.dumps(standing, indent=2, ensure_ascii=False))
        else:
            _show_standing(standing, settings)
        sys.exit(_damaged([standing]))
    rows = standings(settings)
    if as_json:
        click.echo(
            json.dumps({"books": Home(settings).books_kept, "months": rows}, indent=2, ensure_ascii=False)
        )
        sys.exit(_damaged(rows))
    for row in rows:
        counted = f"  {summary(row['lines'], len(row['untested_checks']))}" if row["lines"] else ""
        out.print(f"{row['month']}  {row['state']}{counted}", markup=False)
        for said in row["damaged"]:
            out.print(f"  {said}", style="red", markup=False, soft_wrap=True)
        for shown in check_lines([check for check in row["failed_checks"] if check["found"]]):
            out.print(shown, soft_wrap=True)
    open_months = [row["month"] for row in rows if largest_open(row["lines"]) is not None]
    if open_months:
        out.print(f"What open lines are made of: {explain_command(settings, open_months[-1])}", markup=False)
    failed = sum(row["state"] == "close failed" for row in rows)
    closed = sum(row["state"] in ("closed", "materialized") for row in rows)
    out.print(
        f"{closed} months closed{f', {failed} failed' if failed else ''}{marks(settings)}. "
        f"Evidence: {Home(settings).evidence_folder}",
        markup=False,
    )
    sys.exit(_damaged(rows))


@main.command()
@click.argument("extract")
@click.option("--month", help="Month whose dates are bound, YYYY-MM.")
@click.option("--dialect", type=click.Choice(["tsql", "duckdb"]), default="tsql", show_default=True)
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
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=str))
        return
    for name, value in shown["parameters"].items():
        listed = ", ".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"-- @{name} = {listed}")
    click.echo(shown["sql"])


@main.command()
@click.option("--seed", type=click.IntRange(0), default=DEFAULT_SEED, show_default=True)
@click.option("--factor", type=click.IntRange(1), default=1, show_default=True, help="How many times larger.")
@_json
@_told
def sample(seed: int, factor: int, *, as_json: bool) -> None:
    """Make the SAMPLE BOOKS anew under CPG1_HOME: 9 companies, 2024-01 to 2025-12."""
    settings = replace(Settings.from_environment(), source="sample")
    from cpg1_assets.sources.sample import make_books_anew  # noqa: PLC0415 - imports DuckDB

    Home(settings).prepare()
    folder = Home(settings).sample_books_folder
    with naming("The SAMPLE BOOKS", folder):
        make_books_anew(folder, seed=seed, factor=factor, progress=None if as_json else click.echo)
    if as_json:
        said = {"books": "SAMPLE BOOKS", "folder": str(folder)}
        click.echo(json.dumps({**said, "seed": seed, "factor": factor}, indent=2))
    else:
        click.echo(f"SAMPLE BOOKS (seed {seed}, factor {factor}) are in {folder}")


@main.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@_json
@click.pass_context
@_told
def runs(ctx: click.Context, limit: int, *, as_json: bool) -> None:
    """List runs, newest first; `show` describes one and `history` gives its events."""
    if ctx.invoked_subcommand is None:
        settings = Settings.from_environment()
        _require_options(settings)
        from cpg1_assets.graph.run_history import list_runs  # noqa: PLC0415 - imports Dagster

        _print_rows("runs", list_runs(settings, limit), settings, as_json=as_json)


@runs.command("show")
@click.argument("run_id")
@_json
@_told
def runs_show(run_id: str, *, as_json: bool) -> None:
    """Describe the run RUN_ID (its first characters are enough)."""
    settings = Settings.from_environment()
    _require_options(settings)
    from cpg1_assets.graph.run_history import describe_run  # noqa: PLC0415 - imports Dagster

    described = {"books": Home(settings).books_kept, **describe_run(settings, run_id)}
    if as_json:
        click.echo(json.dumps(described, indent=2, ensure_ascii=False))
        return
    checks = described.pop("failed_checks")
    for name, value in described.items():
        click.echo(
            f"{name}: {value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)}"
        )
    if checks:
        click.echo("failed checks:")
    for shown in check_lines(checks):
        click.echo(shown.plain)


@runs.command("history")
@click.argument("run_id")
@_json
@_told
def runs_history(run_id: str, *, as_json: bool) -> None:
    """Give the events of the run RUN_ID, oldest first."""
    settings = Settings.from_environment()
    _require_options(settings)
    from cpg1_assets.graph.run_history import run_events  # noqa: PLC0415 - imports Dagster

    _print_rows("events", run_events(settings, run_id), settings, as_json=as_json)


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
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-m", "cpg1_assets", *arguments]
    stopping.hand_over()
    os.execv(command[0], command)  # noqa: S606 - our own interpreter's dagster, no shell


def _require_options(settings: Settings) -> None:
    from cpg1_assets.closing.beforehand import require_options  # noqa: PLC0415 - imports fsspec, reads the scope

    require_options(settings)


def _require_set_inbox(settings: Settings) -> None:
    """Refuse an inbox that is set and wrong before a home is made; one that is not set is in the home."""
    if settings.inbox is not None:
        Home(settings).require_inbox()


def _split(names: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(part for name in names for part in name.replace(",", " ").split()) or None


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


def _show_standing(standing: dict[str, Any], settings: Settings) -> None:
    out = console()
    if standing["state"] != "not closed" or standing["damaged"]:
        _show_close(standing, settings)
    else:
        out.print(
            f"{standing['month']} has not been closed. Close it with: cpg1 close --month {standing['month']}"
        )
    if standing["against_seal"] is not None:
        for line in against_seal_lines(standing["against_seal"]):
            out.print(line, markup=False, soft_wrap=True)


def _damaged(standings: list[dict[str, Any]]) -> int:
    """Give the exit status: everything was shown, and yet a file is not what was written there."""
    return FAILED if any(standing["damaged"] for standing in standings) else 0


def _show_close(result: dict[str, Any], settings: Settings) -> None:
    out = console()
    failed = [f"{step}: {why}" for step, why in result.get("failures") or ()]
    for said in (*failed, *result.get("damaged", ()), *result.get("older", ())):
        out.print(f"\n{said}", style="red", markup=False, soft_wrap=True)
    if result["lines"]:
        _show_lines(result, settings)
    if result.get("failed_checks"):
        out.print("\nChecks that did not pass:")
        for line in check_lines(result["failed_checks"]):
            out.print(line, soft_wrap=True)
    if result.get("untested_checks"):
        names = ", ".join(f"{check['asset']}.{check['check']}" for check in result["untested_checks"])
        out.print(f"Nothing to test: {names}.", markup=False, soft_wrap=True)
    for said in _came_since(result):
        out.print(said, style="yellow", markup=False, soft_wrap=True)
    if result["exit_status"] == FAILED:
        out.print(f"\nThe close of {result['month']} FAILED. Nothing is half written.", style="red")
    if result.get("seal"):
        said = f"   Anchor: {result['seal']['anchor']}" if result["seal"]["anchor"] else ""
        out.print(result["seal"]["sentence"] + said, markup=False, soft_wrap=True)
    kept = result["evidence"] if Path(result["evidence"]).exists() else "none was written"
    out.print(f"Run: {result['run_id'] or '-'}   Evidence: {kept}", markup=False, soft_wrap=True)
    if (red := largest_open(result["lines"])) and result["named"]:
        ask = (
            f"{explain_command(settings, result['month'])} --company {red['id_company']} --line {red['line']}"
        )
        out.print(f"What an open line is made of: {ask}", markup=False, soft_wrap=True)


def _show_lines(result: dict[str, Any], settings: Settings) -> None:
    """Show the lines, their count by status, and of the open ones how much is named."""
    from cpg1_assets.closing.standing import summary  # noqa: PLC0415 - imports Dagster

    out = console()
    out.print()
    table = lines_table(
        result["lines"], title=f"C-PG-1 {result['month']}{marks(settings)}: LCY, debit positive"
    )
    console(table).print(table)
    out.print(summary(result["lines"], len(result.get("untested_checks", ()))))
    if shares := list(named_shares(result["lines"], result["named"])):
        out.print("\nWhat stays unexplained, by cause:")
        for share in shares:
            out.print(share, markup=False, soft_wrap=True)


def _came_since(result: dict[str, Any]) -> Iterator[str]:
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


def _print_rows(name: str, rows: list[dict[str, Any]], settings: Settings, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"books": Home(settings).books_kept, name: rows}, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values()))
