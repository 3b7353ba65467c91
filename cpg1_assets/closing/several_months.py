"""Closing a range of months: one run each, several at a time in processes of their own, resumable."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

from cpg1_assets.closing.beforehand import require_options
from cpg1_assets.closing.check_standing import FAILED
from cpg1_assets.closing.one_month import ask_companies, close_month
from cpg1_assets.closing.records import is_closed_from_the_same, read_record
from cpg1_assets.closing.standing import summary
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import Cpg1Error, TransientSourceError
from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.month import CutoffMonth
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
    with dagster_instance(settings):
        pass  # makes the Dagster home and its databases once, before the workers ask for them
    # Fresh processes: a forked copy of a process with engine threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(workers, len(todo)), mp_context=context) as pool:
        waiting = {pool.submit(_close, settings, month): month for month in todo}
        for done in as_completed(waiting):
            try:
                yield done.result()
            except BrokenProcessPool:
                yield _result(
                    waiting[done],
                    "FAILED: its process was killed. Run the backfill again.",
                    {"exit_status": FAILED},
                )


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
