"""Dagster's home: is it there, can it be written, does its `dagster.yaml` open, are queries held back by a pool."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from cpg1_assets.doctor.finding import Finding, Group
from cpg1_assets.doctor.folders import Need, try_folder
from cpg1_assets.errors import Cpg1Error, SettingsError
from cpg1_assets.home import Home
from cpg1_assets.refusal import DAGSTER_HOME, Place
from cpg1_assets.settings import Settings, dagster_home
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread

GROUP = Group("Dagster")
SOURCE_POOL = "source"
_SECONDS = 60
_NEED = Need(50 * 10**6, "a run writes a few, and its databases grow with every run")


def check_dagster_home(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Look at the home that commands use: that of DAGSTER_HOME, else the one under the product's home."""
    try:
        given = dagster_home(environment) if settings.scope is None else None
    except SettingsError as error:
        said, _, to_do = str(error).partition(": ")
        return [GROUP.mend("home", said, to_do[:1].upper() + to_do[1:])]
    home = given or Home(settings).place / "dagster"
    if given is None and not home.exists():
        return [GROUP.fine("home", f"{home} is made on first use, with a dagster.yaml")]
    if not home.is_dir():
        return [GROUP.mend("home", f"{home} is not a folder", "Move it away: it is made on first use.")]
    findings = [try_folder(GROUP, "home", Place("Dagster's home", DAGSTER_HOME, home), settings, _NEED)]
    if findings[0].verdict == "mend":
        return findings
    findings += _databases(home)
    if any(finding.verdict == "mend" for finding in findings):
        return findings
    if not (home / "dagster.yaml").is_file():
        findings.append(
            GROUP.look(
                "dagster.yaml",
                "is not there: Dagster's defaults count, and nothing limits the queries at once",
                "Write one (docs/operations.md#a-server), or let cpg1 make one by unsetting DAGSTER_HOME.",
            )
        )
    return [*findings, *_opened(home)]


def _databases(home: Path) -> list[Finding]:
    """Try every SQLite database of the home: can it be opened, and be written? Nothing is written."""
    findings = []
    for path in sorted(home.rglob("*.db")):
        try:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)
            ) as opened:
                opened.execute("BEGIN IMMEDIATE")
                opened.rollback()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                continue  # somebody is writing in it: so it can be written
            to_do = (
                "Give the user that closes the right to write it, with the folder it is in, and free space; a damaged "
                "one may be moved away: it holds the history of runs, and no evidence."
            )
            findings.append(GROUP.mend("database", f"{path} cannot be written ({error})", to_do))
    return findings


def _opened(home: Path) -> list[Finding]:
    thread = OneThread("cpg1-assets doctor dagster")
    try:
        limit, dead = thread.run(lambda: _seen(home), _SECONDS)
    except DeadlinePassedError as late:
        return [
            GROUP.mend("instance", f"does not open ({late})", "Check the databases that dagster.yaml names.")
        ]
    except Cpg1Error as error:
        said, _, to_do = str(error).partition("). ")
        return [GROUP.mend("instance", said + ")" * bool(to_do), to_do or "Mend it as it says.")]
    except Exception as error:  # noqa: BLE001 - its storages have errors of their own
        first = next(iter(str(error).strip().splitlines()), "")
        return [
            GROUP.mend(
                "instance",
                f"does not open ({type(error).__name__}: {first})",
                f"Mend {home / 'dagster.yaml'}, or what it names.",
            )
        ]
    finally:
        thread.close()
    findings = [GROUP.fine("instance", "opens")]
    if limit is None:
        findings.append(
            GROUP.look(
                "pool",
                f"the pool {SOURCE_POOL} has no limit: all extracts may ask the server at once",
                "Set concurrency: pools: default_limit in dagster.yaml.",
            )
        )
    else:
        findings.append(GROUP.fine("pool", f"at most {limit} extracts ask the source at once"))
    findings += [
        GROUP.look("dead run", said, "Nothing: the next close ends it and frees what it holds.")
        for said in dead
    ]
    return findings


def _seen(home: Path) -> tuple[int | None, list[str]]:
    from cpg1_assets.graph.instance import pool_and_dead_runs  # noqa: PLC0415 - imports Dagster

    return pool_and_dead_runs(home, SOURCE_POOL)
