"""What Dagster's event log says of runs, for `cpg1 runs`: list, describe, history."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from cpg1_assets.errors import ScopeError
from cpg1_assets.graph.dead_runs import end_dead_runs
from cpg1_assets.graph.instance import dagster_instance, failed_checks, failures
from cpg1_assets.settings import Settings


def list_runs(settings: Settings, limit: int) -> list[dict[str, Any]]:
    """Give the newest `limit` runs: id, month, job, status, start, seconds, and of a failed one each step and why."""
    with dagster_instance(settings) as instance:
        end_dead_runs(instance)
        return [
            {**_run(record), "failures": _failures(instance, record.dagster_run)}
            for record in instance.get_run_records(limit=limit)
        ]


def describe_run(settings: Settings, run_id: str) -> dict[str, Any]:
    """Describe one run: the above, tags, steps with seconds, failed checks. Raises ScopeError without one."""
    with dagster_instance(settings) as instance:
        record = _find(instance, run_id)
        stats = instance.get_run_step_stats(record.dagster_run.run_id)
        return {
            **_run(record),
            "tags": dict(record.dagster_run.tags),
            "steps": {step.step_key: step.status.value if step.status else "" for step in stats},
            "step_seconds": {
                step.step_key: round(step.end_time - step.start_time, 1)
                for step in stats
                if step.start_time is not None and step.end_time is not None
            },
            "failures": _failures(instance, record.dagster_run),
            "failed_checks": failed_checks(instance, record.dagster_run.run_id),
        }


def run_events(settings: Settings, run_id: str) -> list[dict[str, Any]]:
    """Give the events of one run, oldest first: time, step, event, message."""
    with dagster_instance(settings) as instance:
        entries = instance.all_logs(_find(instance, run_id).dagster_run.run_id)
        return [
            {
                "time": _time(entry.timestamp),
                "step": entry.step_key or "",
                "event": entry.dagster_event.event_type.name if entry.dagster_event else "LOG",
                "message": (entry.dagster_event.message if entry.dagster_event else entry.user_message) or "",
            }
            for entry in entries
        ]


def _find(instance: dg.DagsterInstance, run_id: str) -> dg.RunRecord:
    found = [r for r in instance.get_run_records(limit=10_000) if r.dagster_run.run_id.startswith(run_id)]
    if len(found) != 1:
        many = "several runs begin so" if found else "there is no such run"
        raise ScopeError(f"Run {run_id!r}: {many}. List the runs with: cpg1 runs")
    return found[0]


def _failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[list[str]]:
    """Give each failed step and why, of a run that failed: the others are not asked."""
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return []
    return [list(failure) for failure in failures(instance, run.run_id)]


def _run(record: dg.RunRecord) -> dict[str, Any]:
    seconds = None
    if record.start_time is not None and record.end_time is not None:
        seconds = round(record.end_time - record.start_time, 1)
    return {
        "run_id": record.dagster_run.run_id,
        "month": record.dagster_run.tags.get("dagster/partition", ""),
        "job": record.dagster_run.job_name,
        "status": record.dagster_run.status.value,
        "started": _time(record.start_time) if record.start_time is not None else "",
        "seconds": seconds,
    }


def _time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds")
