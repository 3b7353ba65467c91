"""Runs whose process has ended: marked as failed, their pool slots freed, wherever they were started from.

Each run says in its tags which process it lives in: the command line's from its creation, every other one from the
moment its executor begins (`executor`), which is before any step and so before it holds a slot. Runs of other jobs in
the same Dagster home are left alone. What a run waits for is said here too.
"""

import platform
import time
from collections.abc import Iterator

import dagster as dg
from dagster._utils.concurrency import ConcurrencyKeyInfo

from cpg1_assets.graph.job import JOBS, MAX_RUNTIME_TAG
from cpg1_assets.process import Process

HOST_TAG, PROCESS_TAG = ".dagster/cpg1/host", ".dagster/cpg1/process"
"""The UI hides what begins so: a list of runs is to show months, not process numbers."""
PARTITION_TAG = "dagster/partition"
STARTING_SECONDS = 600
"""How long a run may take from its creation to its first step; one that waits in the queue may take longer."""
_FREED_SECONDS = 30
"""A run that is over may hold a slot for so long: a step of it may be ending. Dagster's daemon waits as long."""
_STATUSES = dg.DagsterRunStatus
UNFINISHED = [
    _STATUSES.NOT_STARTED, _STATUSES.QUEUED, _STATUSES.STARTING, _STATUSES.STARTED, _STATUSES.CANCELING,
    _STATUSES.MANAGED,
]  # fmt: skip


def process_tags() -> dict[str, str]:
    """Say which process a run lives in, so that a killed one can be told from a running one."""
    return {HOST_TAG: platform.node(), PROCESS_TAG: Process.of_the_run().written()}


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs of this control whose process is gone, free what no living run holds; say what was done."""
    said = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        if why := _why_dead(record):
            said += end_dead_run(instance, record.dagster_run, why)
    for run_id in sorted(_holders(instance)):
        holder = instance.get_run_record_by_id(run_id)
        if holder is None or (holder.dagster_run.is_finished and _ended_before(holder, _FREED_SECONDS)):
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
            said.append(f"run {run_id[:8]} is over and held a pool slot: freed")
    return said


def end_dead_run(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> list[str]:
    """Mark a run whose process is gone as failed, and free its pool slots; say so, unless another did it just now."""
    now = instance.get_run_by_id(run.run_id)
    if now is None or now.is_finished:
        return []
    sentence = f"{why} Close the month again."
    if now.status == _STATUSES.CANCELING:
        instance.report_run_canceled(run, sentence)
    else:
        instance.report_run_failed(run, sentence)
    pools = [info.concurrency_key for info in _pools(instance) if run.run_id in _runs_of(info)]
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    freed = f", its slot of pool {' and '.join(pools)} freed" if pools else ""
    return [f"run {run.run_id[:8]}{_month(run)} is dead and was ended{freed}: {why}"]


def what_it_waits_for(instance: dg.DagsterInstance, run_id: str) -> str:
    """Say which pool the steps of a run wait for and who holds it; empty where none waits, or only for its own steps."""
    said = []
    for info in _pools(instance):
        if run_id not in info.pending_run_ids:
            continue
        others = sorted(_runs_of(info) - info.pending_run_ids - {run_id}) or sorted(
            info.active_run_ids - {run_id}
        )
        if others:
            held = " and ".join(_named(instance, other) for other in others)
            said.append(f"waits for pool {info.concurrency_key}, held by {held}")
        elif info.slot_count == 0:
            said.append(
                f"waits for pool {info.concurrency_key}, which has no slots: raise its limit in the UI under "
                "Deployment, Concurrency"
            )
    return "; ".join(said)


def dead_run_sentences(instance: dg.DagsterInstance) -> list[str]:
    """Say which runs are dead and what they hold, and end nothing."""
    held = _holders(instance)
    found = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        if why := _why_dead(record):
            run = record.dagster_run
            slot = " and holds a pool slot" if run.run_id in held else ""
            found.append(f"run {run.run_id[:8]}{_month(run)} is dead{slot}: {why}")
    return found


def process_of_run(run: dg.DagsterRun) -> Process | None:
    """Give the process a run says that it lives in."""
    return Process.read(run.tags.get(PROCESS_TAG, ""))


def _why_dead(record: dg.RunRecord) -> str:
    """Say why a run that is not over will never be; empty where it lives, is another job's, or nothing is certain."""
    run = record.dagster_run
    process = process_of_run(run)
    if process is not None:
        return f"The process that ran this ({process.named}) has ended." if process.is_gone else ""
    if not _is_ours(run) or run.status == _STATUSES.QUEUED:
        return ""
    allowed = STARTING_SECONDS
    if run.status not in {_STATUSES.NOT_STARTED, _STATUSES.STARTING}:
        longest = run.tags.get(MAX_RUNTIME_TAG, "")
        if not longest.isdecimal():
            return ""
        allowed += int(longest)
    if time.time() - record.update_timestamp.timestamp() < allowed:
        return ""
    return f"It did not {'begin' if allowed == STARTING_SECONDS else 'end'} within {allowed} s."


def _is_ours(run: dg.DagsterRun) -> bool:
    return run.job_name in JOBS or any(tag.startswith("cpg1/") for tag in run.tags)


def _ended_before(record: dg.RunRecord, seconds: float) -> bool:
    ended = record.end_time if record.end_time is not None else record.update_timestamp.timestamp()
    return time.time() - ended > seconds


def _pools(instance: dg.DagsterInstance) -> Iterator[ConcurrencyKeyInfo]:
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        yield from storage.get_concurrency_infos(sorted(storage.get_concurrency_keys())).values()


def _holders(instance: dg.DagsterInstance) -> set[str]:
    """Give the runs that hold a slot, or wait for one."""
    return set().union(*(_runs_of(info) | info.pending_run_ids for info in _pools(instance)))


def _runs_of(info: ConcurrencyKeyInfo) -> set[str]:
    return info.active_run_ids | info.assigned_run_ids


def _named(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    if run is None:
        return f"run {run_id[:8]}"
    process = process_of_run(run)
    said = [f"month {run.tags[PARTITION_TAG]}"] if PARTITION_TAG in run.tags else []
    if process is not None:
        said.append(process.named)
    elif not _is_ours(run):
        said.append(f"{run.job_name}, which is not of this control")
    if run.is_finished:
        said.append(f"it is over, and its slot is freed after {_FREED_SECONDS} s")
    return f"run {run_id[:8]}" + (f" ({', '.join(said)})" if said else "")


def _month(run: dg.DagsterRun) -> str:
    return f" ({run.tags[PARTITION_TAG]})" if PARTITION_TAG in run.tags else ""
