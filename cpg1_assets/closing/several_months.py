"""Closing a range of months: one run each, several at a time in processes of their own, resumable.

Months are begun, and sealed, in the order of the calendar: one draws the open items of the month before from its seal.
"""

import multiprocessing
import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any

from cpg1_assets import stopping
from cpg1_assets.claims import Claims
from cpg1_assets.closing.beforehand import require_options
from cpg1_assets.closing.check_standing import FAILED
from cpg1_assets.closing.one_month import ask_companies, close_month, took_too_long
from cpg1_assets.closing.records import is_closed_from_the_same, read_record
from cpg1_assets.closing.standing import summary
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import Cpg1Error, TransientSourceError
from cpg1_assets.graph.dead_runs import PARTITION_TAG, PROCESS_TAG
from cpg1_assets.graph.instance import Instance, dagster_instance
from cpg1_assets.graph.run import cancel_runs, unfinished_runs, worker_output
from cpg1_assets.home import Home
from cpg1_assets.lock import held_lock
from cpg1_assets.month import CutoffMonth
from cpg1_assets.process import Process
from cpg1_assets.settings import Settings


def backfill_months(
    settings: Settings, months: list[CutoffMonth], *, workers: int, again: bool
) -> Iterator[dict[str, Any]]:
    """Close `months`; give for each, as it is done: month, result in a sentence, exit status, run id, skipped.

    Unless `again`, a month closed from the same inputs, whose files are still as they were, is skipped.
    A month that fails does not stop the others. Raises SourceError when the source refuses to be asked at all,
    and SettingsError when the inbox is wrong.
    """
    deployment = open_deployment(settings)
    require_options(settings)
    deployment.home.prepare()
    deployment.home.require_places()
    deployment.home.require_inbox()
    deployment.source.identity()  # makes the sample books once, before the workers ask for them
    todo = []
    for month in months:
        if not again and is_closed_from_the_same(deployment, month):
            record = read_record(settings, month) or {}
            yield _result(
                month,
                "skipped: closed from the same inputs. "
                + summary(record.get("lines", ()), len(record.get("untested_checks", ()))),
                record,
                skipped=True,
            )
        else:
            todo.append(month)
    if not todo:
        return
    with suppress(TransientSourceError):
        ask_companies(deployment, todo[0])  # a refusal ends it here: no worker sends a wrong password again
    with (
        # Makes its home and databases before the workers ask for them.
        dagster_instance(settings) as instance,
        worker_output(deployment.home.place / "logs" / "backfill.log"),
    ):
        closing = _Workers(settings, todo, instance, Claims(deployment.home.place))
        with stopping.undone_by(closing.stop):
            yield from closing.closed(min(workers, len(todo)))


def stopped_months(months: list[CutoffMonth], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the results of `months` without one, when the backfill is stopped."""
    known = {result["month"] for result in results}
    said = "CANCELED: the backfill was stopped. Run it again."
    return [_result(month, said, {"exit_status": FAILED}) for month in months if month.key not in known]


class _Workers:
    """Closes months in processes of their own, each started anew when it died; one that takes too long is killed."""

    def __init__(
        self, settings: Settings, months: list[CutoffMonth], instance: Instance, claims: Claims
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._claims = claims
        self._waiting: queue.SimpleQueue[CutoffMonth] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._numbers: set[int] = set()
        self._order = threading.Lock()
        self._open = {month.key for month in months}
        for month in months:
            self._waiting.put(month)

    def closed(self, workers: int) -> Iterator[dict[str, Any]]:
        """Give each month's result as it is done."""
        for _ in range(workers):
            threading.Thread(target=self._serve, daemon=True).start()
        while self._open:
            result = self._done.get()
            yield result
            self._open.discard(result["month"])

    def stop(self, why: str) -> str:
        """End all workers and cancel their runs."""
        stopping.kill_workers()
        still_open = sorted(self._open)
        for month in still_open:
            self._cancel(month, f"{why}.")
        return f"not closed: {', '.join(still_open)}. Run the backfill again: it skips what is closed."

    def _serve(self) -> None:
        process, ours = None, None
        # Fresh processes: a forked copy of a process with engine threads may hang.
        context = multiprocessing.get_context("spawn")
        with suppress(queue.Empty):
            while True:
                month, turn = self._next()
                if process is None or ours is None:
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_work, args=(theirs, self._settings))
                    process.start()
                    self._numbers.add(process.pid or 0)
                    theirs.close()
                result, late = None, False
                with suppress(EOFError, OSError):
                    ours.send(month)
                    late = not ours.poll(self._settings.max_run_seconds)
                    result = None if late else ours.recv()
                if result is None:
                    stopping.kill_workers(process.pid)
                    process.join()
                    result, process = self._ended(month, process.exitcode, late=late), None
                self._done.put(result)
                turn.close()
        if ours is not None:
            ours.close()

    def _next(self) -> tuple[CutoffMonth, ExitStack]:
        """Give the next month of the calendar, and its turn, which whoever needs its seal waits for until it is closed."""
        with self._order:
            while True:
                month, turn = self._waiting.get_nowait(), ExitStack()
                lock = Home(self._settings).turn_lock(month.key)
                try:
                    turn.enter_context(held_lock(lock, f"the turn of {month.key}", wait=True))
                except Cpg1Error as error:
                    self._done.put(_result(month, f"FAILED: {error}", {"exit_status": FAILED}))
                else:
                    return month, turn

    def _ended(self, month: CutoffMonth, status: int | None, *, late: bool) -> dict[str, Any]:
        why = (
            took_too_long(self._settings, month)
            if late
            else f"Its process was killed (exit status {status})."
        )
        with suppress(Exception):  # what cannot be said to Dagster now, the next close says
            self._cancel(month.key, why)
        return _result(month, f"FAILED: {why} Run the backfill again.", {"exit_status": FAILED})

    def _cancel(self, month: str, why: str) -> None:
        """Cancel the runs of the month that lived in a worker which was killed just now."""
        ours = [
            run
            for run in unfinished_runs(self._instance, {PARTITION_TAG: month})
            if (process := Process.read(run.tags.get(PROCESS_TAG, "")))
            and process.number in self._numbers
            and process.is_gone
        ]
        cancel_runs(self._instance, ours, self._claims, why)


def _work(months: Connection, settings: Settings) -> None:
    """Close each month that is sent, and send what came of it, until nobody sends any more."""
    stopping.end_with_parent()
    with suppress(EOFError):
        while True:
            months.send(_close(settings, months.recv()))


def _close(settings: Settings, month: CutoffMonth) -> dict[str, Any]:
    try:
        outcome = close_month(settings, month, lambda _: None).as_dict()
    except Cpg1Error as error:
        return _result(month, f"FAILED: {error}", {"exit_status": FAILED})
    if outcome["exit_status"] == FAILED:
        why = "; ".join(f"{step}: {reason}" for step, reason in outcome["failures"])
        return _result(month, f"FAILED: {why}", outcome)
    counted = summary(outcome["lines"], len(outcome["untested_checks"]))
    return _result(month, f"closed in {outcome['seconds']} s. {counted}", outcome)


def _result(
    month: CutoffMonth, sentence: str, outcome: dict[str, Any], *, skipped: bool = False
) -> dict[str, Any]:
    return {
        "month": month.key,
        "result": sentence,
        "exit_status": outcome["exit_status"],
        "run_id": outcome.get("run_id"),
        "skipped": skipped,
    }
