"""Running the job of one month from this process: followed while it runs, stopped when it takes too long.

What the job is made of is wired in `definitions`, which is handed in.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.graph.executor import LOOK_SECONDS, PoolWait
from cpg1_assets.graph.instance import TOLD_EVENTS, progress_sentence, run_tags
from cpg1_assets.graph.job import CLOSE_MONTH
from cpg1_assets.month import CutoffMonth

Progress = Callable[[str], None]
_FOLLOW_SECONDS = 0.3


def run_month(
    deployment: Deployment,
    month: CutoffMonth,
    instance: dg.DagsterInstance,
    progress: Progress,
    *,
    wired: Callable[[Deployment], dg.Definitions],
    from_environment: Callable[[], dg.JobDefinition],
) -> tuple[str, bool]:
    """Run the job of `month`; give the run's id and whether it succeeded. `progress` is told each asset as it is done.

    In this process the job is that of `wired(deployment)`; steps in processes of their own know the deployment from
    the environment, and make the job with `from_environment`, a function that can be imported.
    """
    settings, tags = deployment.settings, run_tags()
    # What a person should read is told by `progress` and the outcome; Dagster's own log is in its event log.
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with (
        _worker_output(deployment.home.place / "logs" / f"close-{month.key}.log"),
        _told(progress, instance, tags),
    ):
        if settings.executor_kind == "in_process":
            job = wired(deployment).resolve_job_def(CLOSE_MONTH)
            result = job.execute_in_process(
                partition_key=month.key, instance=instance, tags=tags, run_config=quiet, raise_on_error=False
            )
            return result.run_id, result.success
        os.environ.update(settings.scope_environment())
        with dg.execute_job(
            dg.reconstructable(from_environment),
            instance=instance,
            tags={"dagster/partition": month.key, **tags},
            run_config=quiet,
            raise_on_error=False,
        ) as executed:
            return executed.run_id, executed.success


@contextmanager
def longest(seconds: int, month: CutoffMonth) -> Iterator[None]:
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
    """Send what Dagster and workers write on standard error to a file of the month; the last run's is kept."""
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
        # What goes wrong with the event log or the terminal ends the telling, not the close, which meets it itself.
        with suppress(Exception):
            follow_to_the_end()

    def follow_to_the_end() -> None:
        cursor, run_id = None, None
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
                sentence = progress_sentence(record.event_log_entry)
                if sentence is not None:
                    progress(sentence)
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
