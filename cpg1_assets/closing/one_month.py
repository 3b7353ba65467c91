"""Closing one month from the command line: one Dagster run, its outcome as plain data, its record.

The run is the job `close_month`, the same that the UI, the schedule and `dagster job backfill` launch.
"""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from cpg1_assets.closing.records import inputs_fingerprint, write_record
from cpg1_assets.closing.standing import reconciliation_lines, seal_standing
from cpg1_assets.definitions import close_month_definition, definitions_of
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.extracts.extraction import bound_parameters
from cpg1_assets.graph.instance import (
    clear_killed_runs,
    dagster_instance,
    failed_checks,
    failures,
    materialized_hashes,
)
from cpg1_assets.graph.run import Progress, longest, run_month
from cpg1_assets.lock import held_lock
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

CLOSED, FAILED, UNEXPLAINED = 0, 1, 3
_SETTLED = {"RECONCILED", "EXPLAINED"}


@dataclass(frozen=True)
class CloseOutcome:
    """What a close came to. `lines` are the rows of `reconciliation`, amounts as text.

    `exit_status` is 0 when every line is reconciled or explained, 3 when the close ran and one is not,
    1 when it failed; then `failures` says which steps and why.
    """

    month: str
    run_id: str
    exit_status: int
    books: str
    scope: str | None
    seconds: float
    lines: list[dict[str, Any]] = field(default_factory=list)
    failed_checks: list[dict[str, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    evidence: str = ""
    files: dict[str, str] = field(default_factory=dict)
    inputs: str = ""
    seal: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def close_month(settings: Settings, month: CutoffMonth, progress: Progress) -> CloseOutcome:
    """Close `month`. `progress` is told each asset as it is done.

    Raises BusyError when the month is being closed already, ScopeError for an unknown company, SettingsError
    or StorageError when the home keeps other books or cannot be written. A source that refuses and a run that
    fails are outcomes, not exceptions.
    """
    deployment = open_deployment(settings)
    deployment.home.prepare()
    busy = f"{month.key} is being closed already (scope {settings.scope or 'whole'}): wait for it; it is run"
    with (
        held_lock(deployment.home.place / "locks" / f"close-{month.key}.lock", busy=busy),
        dagster_instance(settings) as instance,
    ):
        clear_killed_runs(instance)
        inputs = inputs_fingerprint(deployment, month)
        started = time.monotonic()
        with longest(settings.max_run_seconds, month):
            refused = _refused(deployment, month, progress)
            run_id, success = "", False
            if not refused:
                run_id, success = run_month(
                    deployment, month, instance, progress,
                    wired=definitions_of, from_environment=close_month_definition,
                )  # fmt: skip
        lines = reconciliation_lines(deployment.storage, month) if success else []
        outcome = CloseOutcome(
            month=month.key,
            run_id=run_id,
            exit_status=_exit_status(lines, success=success),
            books=deployment.source.identity().title,
            scope=settings.scope,
            seconds=round(time.monotonic() - started, 1),
            lines=lines,
            failed_checks=failed_checks(instance, run_id),
            failures=refused or ([] if success else failures(instance, run_id)),
            evidence=str(deployment.home.evidence_folder / month.key),
            files=materialized_hashes(instance, run_id),
            inputs=inputs,
            seal=seal_standing(settings, month),
        )
        write_record(settings, month, outcome.as_dict())
        return outcome


def ask_companies(deployment: Deployment, month: CutoffMonth) -> None:
    """Ask the source which companies there are: what it refuses now, it would refuse every extract.

    Raises ScopeError for an unknown company, TransientSourceError or SourceError.
    """
    with deployment.source.session({"asset": "companies", "month": month.key}) as session:
        bound_parameters(session, deployment.scope, month)


def _refused(deployment: Deployment, month: CutoffMonth, progress: Progress) -> list[tuple[str, str]]:
    """Ask before anything runs, so that a refusal is said once and a wrong password sent once.

    What may pass is told, and left to the extracts, which try again.
    """
    try:
        ask_companies(deployment, month)
    except TransientSourceError as error:
        progress(str(error))
    except SourceError as error:
        return [("source", str(error))]
    return []


def _exit_status(lines: list[dict[str, Any]], *, success: bool) -> int:
    if not success:
        return FAILED
    return CLOSED if all(line["status"] in _SETTLED for line in lines) else UNEXPLAINED
