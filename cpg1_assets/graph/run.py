"""Running the job of one month from this process: followed while it runs, canceled when the command is stopped.

What the job is made of is wired in `definitions`, which is handed in.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import _reexecute_job  # the public one takes no job of this process
from dagster._core.storage import local_compute_log_manager  # how it catches output is no setting
from dagster._utils import ensure_file

from cpg1_assets import stopping
from cpg1_assets.claims import Claims
from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.dead_runs import PARTITION_TAG
from cpg1_assets.graph.executor import LOOK_SECONDS, PoolWait
from cpg1_assets.graph.instance import CLOSE_TAG, TOLD_EVENTS, StepDone, StepsTold, run_tags
from cpg1_assets.graph.resume import Left
from cpg1_assets.month import CutoffMonth

Progress = Callable[[StepDone | str], None]
_FOLLOW_SECONDS = 0.3


class Wired(NamedTuple):
    """How a job is made: in this process from a deployment, and in one of its own, which knows it by its environment.

    `from_environment` is a function that can be imported. `undone` says what a cancelled run leaves undone, and what
    to do: `{month}` stands for the month.
    """

    job: str
    definitions_of: Callable[[Deployment], dg.Definitions]
    from_environment: Callable[[], dg.JobDefinition]
    undone: str


def run_month(
    deployment: Deployment,
    month: CutoffMonth,
    instance: dg.DagsterInstance,
    progress: Progress,
    wired: Wired,
    left: Left | None = None,
) -> tuple[str, bool]:
    """Run a job for `month`; give the run's id and whether it succeeded. `progress` is told each step as it ends.

    With `left` the run goes on with the one that left it.
    """
    settings, tags = deployment.settings, run_tags()
    # What a person should read is told by `progress` and the outcome; Dagster's own log is in its event log.
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    claims = Claims(deployment.home.place)
    let_steps_write_here()

    def cancel(why: str) -> str:
        runs = unfinished_runs(instance, {CLOSE_TAG: tags[CLOSE_TAG]})
        cancel_runs(instance, runs, claims, f"{why}.")
        if runs:
            return f"run {runs[0].run_id} is canceled, and {wired.undone.format(month=month.key)}"
        return f"{month.key} may be closed or not: see it with cpg1 status {month.key}, or close it again."

    with (
        stopping.undone_by(cancel),
        worker_output(deployment.home.place / "logs" / f"close-{month.key}.log"),
        _told(progress, instance, tags),
    ):
        here = None
        if settings.executor_kind == "in_process":
            here = wired.definitions_of(deployment).resolve_job_def(wired.job)
            if left is None:
                result = here.execute_in_process(
                    partition_key=month.key,
                    instance=instance,
                    tags=tags,
                    run_config=quiet,
                    raise_on_error=False,
                )
                return result.run_id, result.success
        os.environ.update(settings.scope_environment())
        there = dg.reconstructable(wired.from_environment)
        of_month = {PARTITION_TAG: month.key, **tags}
        if left is None:
            executed = dg.execute_job(
                there, instance=instance, tags=of_month, run_config=quiet, raise_on_error=False
            )
        else:
            executed = _reexecute_job(
                job_arg=there if here is None else InMemoryJob(here),
                run_config=quiet,
                reexecution_options=dg.ReexecutionOptions(left.run_id, left.steps),
                tags=of_month,
                instance=instance,
                raise_on_error=False,
            )
        with executed:
            return executed.run_id, executed.success


def let_steps_write_here() -> None:
    """Let the steps of a command write where the command does.

    Dagster would catch it in a file, and show it with programs that it ends by SIGTERM: those of a command do not hear
    it, and Dagster waits for them without end. What a step has to say is in the event log.
    """
    if stopping.is_heard_here():
        local_compute_log_manager.mirror_stream_to_file = _not_caught  # type: ignore[attr-defined,assignment]


@contextmanager
def _not_caught(_stream: object, path: str) -> Iterator[None]:
    ensure_file(path)
    yield


def unfinished_runs(instance: dg.DagsterInstance, tags: dict[str, str]) -> list[dg.DagsterRun]:
    """Give the runs with `tags` that are not over."""
    return [run for run in instance.get_runs(filters=dg.RunsFilter(tags=tags)) if not run.is_finished]


def cancel_runs(instance: dg.DagsterInstance, runs: list[dg.DagsterRun], claims: Claims, why: str) -> None:
    """Mark runs of this command as canceled, and free their pool slots and months."""
    for run in runs:
        instance.report_run_canceled(run, f"{why} Close the month again.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        claims.release(run.run_id)


@contextmanager
def worker_output(path: Path) -> Iterator[None]:
    """Send what Dagster and workers write on standard error to a file of the month; the last run's is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
            stopping.may_start_workers()
            yield
    finally:
        os.dup2(before, 2)
        os.close(before)


@contextmanager
def _told(progress: Progress, instance: dg.DagsterInstance, tags: dict[str, str]) -> Iterator[None]:
    """Tell `progress` of each step of the run with `tags` as it ends, is retried or fails."""
    done = threading.Event()

    def follow() -> None:
        # What goes wrong with the event log or the terminal ends the telling, not the close, which meets it itself.
        with suppress(Exception):
            follow_to_the_end()

    def follow_to_the_end() -> None:
        cursor, run_id = None, None
        steps = StepsTold()
        wait, look_at = None, 0.0
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
                told = steps.of(record.event_log_entry)
                if told is not None:
                    progress(told)
            if not last and time.monotonic() > look_at:
                look_at = time.monotonic() + LOOK_SECONDS
                wait = wait or PoolWait(instance, run_id)
                for sentence in wait.news():
                    progress(sentence)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join()
