"""Closing one month from the command line: one Dagster run, its outcome as plain data, its record.

The run is the job `close_month`, the same that the UI, the schedule and `dagster job backfill` launch.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cpg1_assets import stopping
from cpg1_assets.claims import Claims
from cpg1_assets.closing.beforehand import require_options
from cpg1_assets.closing.check_standing import (
    FAILED,
    FailedCheck,
    checks_of_run,
    exit_status,
    failed_checks,
    in_order,
)
from cpg1_assets.closing.records import inputs_fingerprint, write_record
from cpg1_assets.closing.standing import named_lines, reconciliation_lines, seal_standing
from cpg1_assets.definitions import close_month_definition, definitions_of
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import BusyError, SourceError, TransientSourceError
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.sign_off import require_open
from cpg1_assets.extracts.extraction import bound_parameters
from cpg1_assets.graph.dead_runs import end_dead_runs
from cpg1_assets.graph.instance import (
    Instance,
    dagster_instance,
    failures,
    materialized_hashes,
)
from cpg1_assets.graph.instance import failed_checks as failed_in_run
from cpg1_assets.graph.job import CLOSE_MONTH
from cpg1_assets.graph.resume import Left, did_not_end_well, last_run, left_by
from cpg1_assets.graph.run import Progress, Wired, run_month
from cpg1_assets.graph.steps import run_is_over
from cpg1_assets.home import naming_places
from cpg1_assets.lock import held_lock, waits_told
from cpg1_assets.month import CutoffMonth
from cpg1_assets.refusal import said_of_disk
from cpg1_assets.settings import Settings

_CLOSE = Wired(
    CLOSE_MONTH, definitions_of, close_month_definition, "{month} is not closed. Close the month again."
)

_RESUMED_WITHIN = timedelta(hours=24)
"""So old may a run be that failed, for the next close to go on with it unasked: its extracts are of that time."""


@dataclass(frozen=True)
class CloseOutcome:
    """What a close came to. `lines` are the rows of `reconciliation`, amounts as text; `named` what each is made of.

    `exit_status` is 1 when it failed; then `failures` says which steps and why. All others mean closed: 4 when a check
    of severity ERROR failed that is no variance, else 3 when a line is neither reconciled nor explained, else 0.
    `untested_checks` are those that found nothing to test. `resumes` is the run it went on with, if it did, and `kept`
    the assets that were kept of it.
    """

    month: str
    run_id: str
    exit_status: int
    books: str
    scope: str | None
    seconds: float
    lines: list[dict[str, Any]] = field(default_factory=list)
    named: list[dict[str, Any]] = field(default_factory=list)
    failed_checks: list[FailedCheck] = field(default_factory=list)
    untested_checks: list[FailedCheck] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    evidence: str = ""
    files: dict[str, str] = field(default_factory=dict)
    inputs: str = ""
    deciding_inputs: str = ""
    seal: dict[str, Any] = field(default_factory=dict)
    resumes: str | None = None
    kept: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def close_month(
    settings: Settings, month: CutoffMonth, progress: Progress, *, resume: bool | None = None
) -> CloseOutcome:
    """Close `month`. `progress` is told each step as it ends.

    With `resume` what the month's last run left is kept where it is proven, and the rest is run; without, all is. None
    leaves it to what became of that run: one that failed within the last day is gone on with.

    Raises BusyError when the month is being closed already, SignedOffError when it is signed off, ScopeError for an
    unknown company, SettingsError when the home keeps other books or the inbox is wrong, StorageError when the home
    cannot be written. A source that
    refuses and a run that fails are outcomes, not exceptions.
    """
    with naming_places(settings):
        return _closed(settings, month, progress, resume=resume)


def _closed(
    settings: Settings, month: CutoffMonth, progress: Progress, *, resume: bool | None
) -> CloseOutcome:
    deployment = open_deployment(settings)
    require_options(settings)
    # An unknown company is found before anything is made: only the server knows which there are.
    refused = _refused(deployment, month, progress) if settings.companies and not settings.is_sample else None
    with the_only_run(deployment, month, progress) as instance:
        inputs = inputs_fingerprint(deployment, month)
        deciding = inputs_fingerprint(deployment, month, deciding_only=True)
        started = time.monotonic()
        with stopping.within(settings.max_run_seconds, took_too_long(settings, month)):
            if refused is None:
                refused = _refused(deployment, month, progress)
            run_id, success, left = "", False, None
            if not refused:
                left = _gone_on_with(deployment, month, instance, progress, resume=resume)
                run_id, success = run_month(deployment, month, instance, progress, _CLOSE, left)
        kept = {} if left is None else left.kept
        outcome = CloseOutcome(
            **came_to(deployment, month, instance, run_id, success=success, refused=refused),
            seconds=round(time.monotonic() - started, 1),
            files={**kept, **materialized_hashes(instance, run_id)},
            inputs=inputs,
            deciding_inputs=deciding,
            resumes=None if left is None else left.run_id,
            kept=sorted(kept),
        )
        write_record(settings, month, outcome.as_dict())
        return outcome


def _gone_on_with(
    deployment: Deployment, month: CutoffMonth, instance: Instance, progress: Progress, *, resume: bool | None
) -> Left | None:
    """Give what is kept of the month's last run, and say it; None where all is to be run."""
    last = None if resume is False else last_run(instance, CLOSE_MONTH, month)
    if last is None or (resume is None and not did_not_end_well(last.dagster_run)):
        return None
    named = f"run {last.dagster_run.run_id[:8]} of {last.create_timestamp:%Y-%m-%d %H:%M} UTC"
    if resume is None and datetime.now(UTC) - last.create_timestamp > _RESUMED_WITHIN:
        progress(
            f"{named} did not end well, but is more than {_RESUMED_WITHIN.days * 24} hours old: all is run. To go on with "
            f"it: cpg1 close --month {month.key} --resume"
        )
        return None
    job = definitions_of(deployment).resolve_job_def(CLOSE_MONTH)
    left = left_by(last.dagster_run, deployment, month, instance, job)
    if left is None:
        progress(f"Nothing that {named} left can be kept: all is run")
        return None
    progress(f"Goes on with {named}: {len(left.kept)} assets are kept as it stored them")
    for asset, why in left.anew.items():
        progress(f"{asset} is made anew: {why}")
    return left


@contextmanager
def the_only_run(deployment: Deployment, month: CutoffMonth, progress: Progress) -> Iterator[Instance]:
    """Have the right to work on `month` from the command line, and the Dagster instance to do it with.

    Raises BusyError where another run works on it, SignedOffError where it is signed off, and SettingsError or
    StorageError where the home or the inbox cannot be used.
    """
    settings = deployment.settings
    deployment.home.prepare()
    deployment.home.require_places()
    deployment.home.require_inbox()
    busy = f"{month.key} is being closed already (scope {settings.scope or 'whole'}): wait for it; it is run"
    with (
        waits_told(progress),
        held_lock(deployment.home.place / "locks" / f"close-{month.key}.lock", busy=busy),
        dagster_instance(settings) as instance,
    ):
        for sentence in end_dead_runs(instance):
            progress(sentence)
        _require_free(deployment, month, instance)
        yield instance


def came_to(
    deployment: Deployment,
    month: CutoffMonth,
    instance: Instance,
    run_id: str,
    *,
    success: bool,
    refused: list[tuple[str, str]],
) -> dict[str, Any]:
    """Give what a run came to, as fields of CloseOutcome: status, lines, checks, why it failed, the seal."""
    settings = deployment.settings
    lines = reconciliation_lines(deployment.storage, month) if success else []
    of_run = checks_of_run(deployment, failed_in_run(instance, run_id))
    if success:
        # What stands in storage is what was sealed; the checks after the seal are the run's own.
        sealing = [check for check in of_run if check["asset"] == MANIFEST.name]
        of_run = [*failed_checks(deployment, month), *sealing]
    found = in_order(of_run)
    failed = [check for check in found if check["tested"]]
    return {
        "month": month.key,
        "run_id": run_id,
        "exit_status": exit_status(lines, failed) if success else FAILED,
        "books": deployment.source.identity().title,
        "scope": settings.scope,
        "lines": lines,
        "named": named_lines(deployment.storage, month) if success else [],
        "failed_checks": failed,
        "untested_checks": [check for check in found if not check["tested"]],
        "failures": refused or ([] if success else _once(failures(instance, run_id))),
        "evidence": str(deployment.home.evidence_folder / month.key),
        "seal": seal_standing(settings, month),
    }


def _once(failed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Say once what a disk refused to several steps: they differ in the file, not in the place or what to do."""
    steps: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for step, why in failed:
        of_disk = said_of_disk(why)
        steps.setdefault(of_disk or f"{step}: {why}", []).append(step)
        said.setdefault(of_disk or f"{step}: {why}", why)
    return [(", ".join(names), said[what]) for what, names in steps.items()]


def took_too_long(settings: Settings, month: CutoffMonth) -> str:
    """Say that a close was stopped after the longest run time."""
    return (
        f"The close of {month.key} took longer than CPG1_MAX_RUN_SECONDS ({settings.max_run_seconds} s) and was "
        "stopped. Raise the setting, or find what is slow with: cpg1 runs"
    )


def _require_free(deployment: Deployment, month: CutoffMonth, instance: Instance) -> None:
    """Raise SignedOffError where the month is signed off, and BusyError where another run works on it, as of the UI."""
    if deployment.settings.scope is None:
        require_open(deployment.home.evidence_folder, month.key)
    claims = Claims(deployment.home.place)
    holder = claims.holder(month.key, lambda run_id: run_is_over(instance, run_id))
    if holder is not None:
        raise BusyError(claims.busy(month.key, holder))


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
