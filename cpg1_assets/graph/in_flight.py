"""Which runs work on a month or are about to, and which of those that say so are dead.

A run that is killed with its machine or its code server is "started" for ever: neither it nor Dagster's run monitoring
says that it is over, and it holds its place in the queue.
"""

import dagster as dg

from cpg1_assets.claims import Claims
from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.instance import PROCESS_TAG, end_killed_run
from cpg1_assets.graph.steps import run_is_over
from cpg1_assets.process import Process

_STATUSES = dg.DagsterRunStatus
_UNFINISHED = [
    _STATUSES.NOT_STARTED, _STATUSES.QUEUED, _STATUSES.STARTING, _STATUSES.STARTED, _STATUSES.CANCELING,
    _STATUSES.MANAGED,
]  # fmt: skip
_STARTING_SECONDS = 600
"""How long a run may take from its creation to its first step; one that waits in the queue may take longer."""
PARTITION_TAG = "dagster/partition"
STATE_TAG = "cpg1/jdash_state"
"""Of a run that the sensor launches: the state of the month's JDash files it was launched for."""


def runs_in_flight(instance: dg.DagsterInstance, deployment: Deployment, month: str, now: float) -> list[str]:
    """Give the ids of the runs that work on `month` or will, whoever started them; `now` in seconds since 1970.

    A run whose process is certainly gone is marked as failed, so that it takes no place in the queue; one that should
    long have begun, or ended, is left as it is and does not count.
    """
    claims = Claims(deployment.home.place)
    claim = claims.claim(month)
    flying = []
    unfinished = dg.RunsFilter(statuses=_UNFINISHED, tags={PARTITION_TAG: month})
    for record in instance.get_run_records(filters=unfinished):
        run = record.dagster_run
        claimed = claim is not None and claim.run_id == run.run_id
        process = Process.read(run.tags.get(PROCESS_TAG, ""))
        if claimed and claim is not None:
            process = claim.process
        if process is not None and process.is_gone:
            end_killed_run(instance, run)
            continue
        # What the sensor launches waits for no pool, so it claims its month as soon as it is started.
        begins_at_once = run.status != _STATUSES.STARTED or STATE_TAG in run.tags
        longest = _STARTING_SECONDS
        if claimed or process is not None or not begins_at_once:
            longest += deployment.settings.max_run_seconds
        if run.status == _STATUSES.QUEUED or now - record.update_timestamp.timestamp() < longest:
            flying.append(run.run_id)
    holder = claims.holder(month, lambda run_id: run_is_over(instance, run_id))
    # A run of another Dagster home, such as the command line's, is known by its claim only.
    if holder is not None and instance.get_run_by_id(holder.run_id) is None:
        flying.append(holder.run_id)
    return flying
