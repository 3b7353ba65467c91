"""The month of a run that was started without one: "Execute all" on the Checks page of the UI names none.

Such a run checks the newest month there is, and is from then on a run of that month: its tags, its evaluations and
what it reads. For another month there is the job `check_month`.
"""

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import StorageError
from cpg1_assets.graph.dead_runs import PARTITION_TAG

_RANGE_TAG = "dagster/asset_partition_range_start"


def with_month(context: PlanOrchestrationContext, deployment: Deployment) -> PlanOrchestrationContext:
    """Give the context of a run that has a month; one that only checks and names none gets the newest that is there.

    Raises StorageError where no month is there to be checked.
    """
    run = context.dagster_run
    if not _only_checks(run) or PARTITION_TAG in run.tags or _RANGE_TAG in run.tags:
        return context
    month = _newest_month(deployment, run)
    context.instance.add_run_tags(run.run_id, {PARTITION_TAG: month})
    context.log.info(
        "No month was asked for: the newest one is checked, %s. For another: job check_month.", month
    )
    return PlanOrchestrationContext(
        plan_data=context.plan_data._replace(dagster_run=run.with_tags({**run.tags, PARTITION_TAG: month})),
        log_manager=context.log,
        executor=context.executor,
        output_capture=context.output_capture,
        resume_from_failure=context.resume_from_failure,
    )


def _only_checks(run: dg.DagsterRun) -> bool:
    return bool(run.asset_check_selection) and not run.asset_selection


def _newest_month(deployment: Deployment, run: dg.DagsterRun) -> str:
    """Give the newest month of which everything whose checks were asked for is in storage."""
    assets = sorted({key.asset_key.path[-1] for key in run.asset_check_selection or ()})
    common = set.intersection(*(set(deployment.storage.months(asset)) for asset in assets))
    if not common:
        raise StorageError(
            f"No month of {', '.join(assets)} is in storage, so there is nothing to check. Close one: cpg1 close"
        )
    return max(common)
