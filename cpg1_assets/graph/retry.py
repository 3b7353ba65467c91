"""How a step fails: the product's errors become Dagster's, and only what may pass is tried again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from cpg1_assets.errors import Cpg1Error, TransientSourceError
from cpg1_assets.home import naming_places
from cpg1_assets.refusal import refusal_in
from cpg1_assets.settings import Settings

_OUR_ERRORS = f"{__name__.partition('.')[0]}."


@contextmanager
def retrying(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, settings: Settings, waits: Sequence[float] = ()
) -> Iterator[None]:
    """Turn the product's errors into Dagster's: transient ones are retried, all others never.

    A transient source error is retried after each of `waits` seconds in turn; then it fails for good. What a disk
    refuses is said with the place that `settings` lead to. Everything else goes through as it is.
    """
    try:
        with naming_places(settings):
            yield
    except Cpg1Error as error:
        retried = context.retry_number
        if isinstance(error, TransientSourceError) and retried < len(waits):
            context.log.warning(
                "Attempt %s of %s failed: %s Trying again in %g s.",
                retried + 1, len(waits) + 1, error, waits[retried],
            )  # fmt: skip
            raise dg.RetryRequested(max_retries=len(waits), seconds_to_wait=waits[retried]) from error
        raise dg.Failure(str(error), allow_retries=False) from error


def failed_attempts(context: dg.AssetExecutionContext) -> list[dict[str, Any]]:
    """Give why each earlier attempt of this step failed, from the run's own event log."""
    if not context.retry_number:
        return []
    step = context.op_execution_context.get_step_execution_context().step.key
    attempts: list[dict[str, Any]] = []
    for entry in context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY):
        event = entry.dagster_event
        if event is not None and event.step_key == step:
            why = first_cause(event.step_retry_data.error)
            attempts.append({"attempt": len(attempts) + 1, "result": "failed", "why": why})
    return attempts


def first_cause(error: SerializableErrorInfo | None) -> str:
    """Give what a person should read of an error in Dagster's event log: the product's words, else those it began with."""
    said = ""
    while error is not None:
        said = error.message.strip()
        if said.startswith(_OUR_ERRORS):
            return said.partition(": ")[2]
        error = error.cause
    refusal = refusal_in(said)
    return said if refusal is None else refusal.sentence()
