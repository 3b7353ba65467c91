"""The Dagster home the command line works with, and what its event log says of a run."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import dagster as dg
import yaml
from dagster._core.events import DagsterEventType  # the public enum lacks some members

from cpg1_assets.disk import write_whole
from cpg1_assets.graph.check_specs import NONE
from cpg1_assets.graph.dagster_home import opened, require_usable
from cpg1_assets.graph.dead_runs import dead_run_sentences, process_tags
from cpg1_assets.graph.event_log import SqliteEventLog
from cpg1_assets.graph.retry import first_cause
from cpg1_assets.home import Home, naming_places
from cpg1_assets.settings import Settings, dagster_home
from cpg1_assets.validation import NOTHING_TO_TEST, figures_in_words, found_in

Instance: TypeAlias = dg.DagsterInstance
CLOSE_TAG = ".dagster/cpg1/close"
TOLD_EVENTS = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_UP_FOR_RETRY,
}


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster instance of DAGSTER_HOME, or, where that is not set, of `$CPG1_HOME/dagster`."""
    home, setting = prepare_dagster_home(settings)
    with naming_places(settings), opened(home, setting) as instance:
        yield instance


def prepare_dagster_home(settings: Settings) -> tuple[Path, str]:
    """Set DAGSTER_HOME to `$CPG1_HOME/dagster` unless it is set, and give a new home its `dagster.yaml`.

    A narrowed scope always has a home of its own: its runs must not pass for the control's in the UI. Gives the home
    and the setting that says where it is. Raises SettingsError or StorageError naming what in it cannot be used.
    """
    given = dagster_home(os.environ) if settings.scope is None else None
    if given is not None:
        require_usable(given, "DAGSTER_HOME")
        Home(settings).prepare()
        os.environ["DAGSTER_HOME"] = str(given)
        return given, "DAGSTER_HOME"
    Home(settings).prepare()
    home = Home(settings).place / "dagster"
    with naming_places(settings):
        home.mkdir(parents=True, exist_ok=True)
        config = home / "dagster.yaml"
        if not config.exists():
            write_whole(config, yaml.safe_dump(_dagster_yaml(settings), sort_keys=False).encode())
    os.environ["DAGSTER_HOME"] = str(home)
    return home, "CPG1_HOME"


def pool_and_dead_runs(home: Path, pool: str) -> tuple[int | None, list[str]]:
    """Give how many steps of `pool` run at once in the instance of the Dagster home `home`, and its dead runs in words.

    None is without limit. Nothing is changed: dead runs are left to the next close.
    """
    with _as_dagster_home(home), opened(home, "DAGSTER_HOME") as instance:
        return _pool_limit(instance, pool), dead_run_sentences(instance)


def _pool_limit(instance: dg.DagsterInstance, pool: str) -> int | None:
    for known in instance.event_log_storage.get_pool_limits():
        if known.name == pool:
            return int(known.limit)
    limit = instance.get_concurrency_config().pool_config.default_pool_limit
    return None if limit is None else int(limit)


@contextmanager
def _as_dagster_home(home: Path) -> Iterator[None]:
    """Set DAGSTER_HOME while an instance opens: its configuration may name it."""
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DAGSTER_HOME"]
        else:
            os.environ["DAGSTER_HOME"] = before


def _dagster_yaml(settings: Settings) -> dict[str, Any]:
    folder = {"base_dir": {"env": "DAGSTER_HOME"}}
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # One database for all runs' events: half the writes of the default, one a run.
        "event_log_storage": {
            "module": SqliteEventLog.__module__,
            "class": SqliteEventLog.__name__,
            "config": folder,
        },
        "run_storage": {"module": "dagster.core.storage.runs", "class": "SqliteRunStorage", "config": folder},
        "schedule_storage": {
            "module": "dagster.core.storage.schedules",
            "class": "SqliteScheduleStorage",
            "config": folder,
        },
        # Frees the pool's slots of runs that died, and ends runs that take too long.
        "run_monitoring": {"enabled": True, "free_slots_after_run_end_seconds": 30},
        "run_retries": {"enabled": True, "max_retries": 0, "retry_on_asset_or_op_failure": False},
        "concurrency": {
            "pools": {"default_limit": settings.max_concurrent_queries, "granularity": "op"},
            "runs": {"max_concurrent_runs": os.cpu_count() or 1},
        },
    }


def run_tags() -> dict[str, str]:
    """Say which process a run of the command line runs in, and tell the run from every other one."""
    return {**process_tags(), CLOSE_TAG: uuid.uuid4().hex}


class StepDone(NamedTuple):
    """A step that ended: its rows, None where it made none, as one of checks, and how long it took."""

    step: str
    rows: int | None
    seconds: float


class StepsTold:
    """Tells of a run's events what they mean to somebody who waits for it: a step with its rows as it ends."""

    def __init__(self) -> None:
        """Begin with a run of which nothing is told yet."""
        self._rows: dict[str | None, int] = {}

    def of(self, entry: dg.EventLogEntry) -> StepDone | str | None:
        """Give what an event says; None when it says nothing yet."""
        event = entry.dagster_event
        if event is None:
            return None
        if entry.asset_materialization is not None:
            rows: Any = entry.asset_materialization.metadata.get("dagster/partition_row_count")
            if rows is not None:  # a deliverable has none
                self._rows[event.step_key] = self._rows.get(event.step_key, 0) + rows.value
            return None
        if event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            return StepDone(event.step_key or "", self._rows.get(event.step_key), seconds)
        if event.is_step_up_for_retry:
            retry = event.step_retry_data
            again = f"trying again in {retry.seconds_to_wait or 0:g} s."
            return f"{event.step_key}: failed, {again} {first_cause(retry.error)}"
        return f"{event.step_key}: FAILED"


def failures(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """Give each failed step of a run and what a person should read about it."""
    found = []
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records:
        event = record.event_log_entry.dagster_event
        data = event.step_failure_data if event is not None else None
        if event is None or data is None:
            continue
        described = data.user_failure_data.description if data.user_failure_data is not None else None
        found.append((event.step_key or "run", described or first_cause(data.error) or "failed"))
    return found or _failure_of_run(instance, run_id)


def _failure_of_run(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """Say why a run failed of which no step did, such as one whose worker processes could not be started."""
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.RUN_FAILURE).records:
        event = record.event_log_entry.dagster_event
        if event is not None:
            data: Any = event.event_specific_data
            return [("run", first_cause(getattr(data, "error", None)) or event.message or "failed")]
    return []


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[dict[str, Any]]:
    """Give each check of a run that did not pass: asset, check, severity, what should be true, what was found."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        evaluation: Any = event.event_specific_data if event is not None else None
        if evaluation is not None and not evaluation.passed:
            statement = (evaluation.description or "").partition("\n\n")[0]
            figures = {name: _plain(value) for name, value in evaluation.metadata.items()}
            found.append(
                {
                    "asset": evaluation.asset_key.to_user_string(),
                    "check": evaluation.check_name,
                    "severity": evaluation.severity.value,
                    "statement": statement,
                    "tested": not statement.startswith(NOTHING_TO_TEST),
                    "found": found_in(figures),
                    "figures": figures_in_words([figures]),
                }
            )
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any figure
    """Give a figure as it was before it was shown as metadata."""
    if isinstance(value, dg.TableMetadataValue):
        return [dict(record.data) for record in value.records]
    return [] if value.value == NONE else value.value


def materialized_hashes(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Give the SHA-256 of every file a run put in storage, by asset."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records
    hashes = {}
    for record in records:
        materialization = record.asset_materialization
        if materialization is not None and "sha256" in materialization.metadata:
            hashes[materialization.asset_key.path[-1]] = str(materialization.metadata["sha256"].value)
    return hashes
