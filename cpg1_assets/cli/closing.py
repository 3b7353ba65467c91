"""Closing one month from the command line: one Dagster run, its outcome as plain data, its record.

The run is the job `close_month`, the same that the UI, the schedule and `dagster job backfill` launch.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from cpg1_assets.cli.instance import (
    TOLD_EVENTS,
    clear_killed_runs,
    dagster_instance,
    failed_checks,
    failures,
    materialized_hashes,
    progress_sentence,
    run_tags,
)
from cpg1_assets.cli.records import inputs_fingerprint, write_record
from cpg1_assets.cli.sealing import seal_standing
from cpg1_assets.definitions import definitions_of
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import Cpg1Error, SourceError, TransientSourceError
from cpg1_assets.extracts.extraction import bound_parameters
from cpg1_assets.lock import held_lock
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.storage.io_manager import ParquetStorage

JOB = "close_month"
CLOSED, FAILED, UNEXPLAINED = 0, 1, 3
_SETTLED = {"RECONCILED", "EXPLAINED"}
_FOLLOW_SECONDS = 0.3

Progress = Callable[[str], None]


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
    settings.prepare_home()
    busy = f"{month.key} is being closed already (scope {settings.scope or 'whole'}): wait for it; it is run"
    with (
        held_lock(settings.place / "locks" / f"close-{month.key}.lock", busy=busy),
        dagster_instance(settings) as instance,
    ):
        clear_killed_runs(instance)
        inputs = inputs_fingerprint(deployment, month)
        started = time.monotonic()
        with _longest(settings.max_run_seconds, month):
            refused = _refused(deployment, month, progress)
            run_id, success = ("", False) if refused else _run(deployment, month, instance, progress)
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
            evidence=str(settings.evidence_folder / month.key),
            files=materialized_hashes(instance, run_id),
            inputs=inputs,
            seal=seal_standing(settings, month),
        )
        write_record(settings, month, outcome.as_dict())
        return outcome


def _run(
    deployment: Deployment, month: CutoffMonth, instance: dg.DagsterInstance, progress: Progress
) -> tuple[str, bool]:
    settings, tags = deployment.settings, run_tags()
    # What a person should read is told by `progress` and the outcome; Dagster's own log is in its event log.
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with _told(progress, instance, tags):
        if settings.executor_kind == "in_process":
            job = definitions_of(deployment).resolve_job_def(JOB)
            result = job.execute_in_process(
                partition_key=month.key, instance=instance, tags=tags, run_config=quiet, raise_on_error=False
            )
            return result.run_id, result.success
        os.environ.update(settings.scope_environment())
        with (
            _worker_output(settings.place / "logs" / f"close-{month.key}.log"),
            dg.execute_job(
                dg.reconstructable(close_month_definition),
                instance=instance,
                tags={"dagster/partition": month.key, **tags},
                run_config=quiet,
                raise_on_error=False,
            ) as executed,
        ):
            return executed.run_id, executed.success


def close_month_definition() -> dg.JobDefinition:
    """Give the job for worker processes, which know the deployment from the environment."""
    from cpg1_assets import defs  # noqa: PLC0415 - built on first use, from the environment as it is then

    return defs.resolve_job_def(JOB)


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


def reconciliation_lines(storage: ParquetStorage, month: CutoffMonth) -> list[dict[str, Any]]:
    """Give the rows of `reconciliation` in storage, amounts as text so that no digit is lost."""
    rows = storage.dataset("reconciliation", month.key).to_table().to_pylist()
    return [{k: v if isinstance(v, str | None) else f"{v:f}" for k, v in row.items()} for row in rows]


def _exit_status(lines: list[dict[str, Any]], *, success: bool) -> int:
    if not success:
        return FAILED
    return CLOSED if all(line["status"] in _SETTLED for line in lines) else UNEXPLAINED


@contextmanager
def _longest(seconds: int, month: CutoffMonth) -> Iterator[None]:
    """Stop a run that takes longer than the longest run time; the daemon does the same for runs it launches."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    rung = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        # As Ctrl-C: any other exception would only fail the step it happens to meet, and the rest would run on.
        rung.set()
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, stop)
    # Again every second: a query that is interrupted fails only its own step.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        if not rung.is_set():
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if rung.is_set():
        raise Cpg1Error(
            f"The close of {month.key} took longer than CPG1_MAX_RUN_SECONDS ({seconds} s) and was stopped. "
            "Raise the setting, or find what is slow with: cpg1 runs"
        )


@contextmanager
def _worker_output(path: Path) -> Iterator[None]:
    """Send what worker processes write on standard error to a file of the month; the last run's is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
            yield
    finally:
        os.dup2(before, 2)
        os.close(before)


@contextmanager
def _told(progress: Progress, instance: dg.DagsterInstance, tags: dict[str, str]) -> Iterator[None]:
    """Tell `progress` of each asset of the run with `tags` as it is done, retried or failed."""
    done = threading.Event()

    def follow() -> None:
        cursor, run_id = None, None
        last = False
        while not last:
            last = done.wait(_FOLLOW_SECONDS)
            runs = (
                instance.get_run_ids(filters=dg.RunsFilter(tags=tags), limit=1)
                if run_id is None
                else [run_id]
            )
            if not runs:
                continue
            run_id = runs[0]
            news = instance.get_records_for_run(run_id, cursor=cursor, of_type=TOLD_EVENTS)
            cursor = news.cursor
            for record in news.records:
                sentence = progress_sentence(record.event_log_entry)
                if sentence is not None:
                    progress(sentence)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join()
