"""Which runs work on a month or are about to, and which of those that say so are dead.

A run that is killed with its machine or its code server is "started" for ever: neither it nor Dagster's run monitoring
says that it is over, and it holds its place in the queue.
"""

import dagster as dg

from cpg1_assets.claims import Claims
from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.dead_runs import (
    PARTITION_TAG,
    STARTING_SECONDS,
    UNFINISHED,
    end_dead_run,
    end_dead_runs,
    process_of_run,
)
from cpg1_assets.graph.steps import run_is_over

_STATUSES = dg.DagsterRunStatus
STATE_TAG = "cpg1/jdash_state"
"""Of a run that the sensor launches: the state of the month's JDash files it was launched for."""


def runs_in_flight(instance: dg.DagsterInstance, deployment: Deployment, month: str, now: float) -> list[str]:
    """Give the ids of the runs that work on `month` or will, whoever started them; `now` in seconds since 1970.

    A run whose process is certainly gone is marked as failed, so that it takes no place in the queue; one that should
    long have begun, or ended, is left as it is and does not count.
    """
    end_dead_runs(instance)
    claims = Claims(deployment.home.place)
    claim = claims.claim(month)
    flying = []
    unfinished = dg.RunsFilter(statuses=UNFINISHED, tags={PARTITION_TAG: month})
    for record in instance.get_run_records(filters=unfinished):
        run = record.dagster_run
        claimed = claim is not None and claim.run_id == run.run_id
        process = process_of_run(run)
        if claimed and claim is not None:
            process = claim.process
        if process is not None and process.is_gone:
            end_dead_run(instance, run, f"The process that ran this ({process.named}) has ended.")
            continue
        # What the sensor launches waits for no pool, so it claims its month as soon as it is started.
        begins_at_once = run.status != _STATUSES.STARTED or STATE_TAG in run.tags
        longest = STARTING_SECONDS
        if claimed or process is not None or not begins_at_once:
            longest += deployment.settings.max_run_seconds
        if run.status == _STATUSES.QUEUED or now - record.update_timestamp.timestamp() < longest:
            flying.append(run.run_id)
    holder = claims.holder(month, lambda run_id: run_is_over(instance, run_id))
    # A run of another Dagster home, such as the command line's, is known by its claim only.
    if holder is not None and instance.get_run_by_id(holder.run_id) is None:
        flying.append(holder.run_id)
    return flying
