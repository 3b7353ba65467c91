"""Dagster's home: is it there, can it be written, does its `dagster.yaml` open, are queries held back by a pool."""

import os
from collections.abc import Mapping
from pathlib import Path

from cpg1_assets.doctor.finding import Finding, Group
from cpg1_assets.errors import Cpg1Error, SettingsError
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings, dagster_home
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread

GROUP = Group("Dagster")
SOURCE_POOL = "source"
_SECONDS = 60


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
    if not os.access(home, os.W_OK | os.X_OK):
        return [GROUP.mend("home", f"{home} cannot be written", "Make it writable for the user that closes.")]
    findings = [GROUP.fine("home", str(home))]
    if not (home / "dagster.yaml").is_file():
        findings.append(
            GROUP.look(
                "dagster.yaml",
                "is not there: Dagster's defaults count, and nothing limits the queries at once",
                "Write one (docs/operations.md#a-server), or let cpg1 make one by unsetting DAGSTER_HOME.",
            )
        )
    return [*findings, *_opened(home)]


def _opened(home: Path) -> list[Finding]:
    thread = OneThread("cpg1-assets doctor dagster")
    try:
        limit = thread.run(lambda: _limit(home), _SECONDS)
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
    return findings


def _limit(home: Path) -> int | None:
    from cpg1_assets.graph.instance import pool_limit  # noqa: PLC0415 - imports Dagster

    return pool_limit(home, SOURCE_POOL)
