"""The job that closes one month, and the schedule that runs it on the third working day after the month."""

from datetime import date, timedelta

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.month import CutoffMonth

_THIRD = 3
_FRIDAY = 4
MAX_RUNTIME_TAG = "dagster/max_runtime"


def close_month_job(
    deployment: Deployment,
) -> "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition":
    """Make the job `close_month`: every asset and check of one cutoff month, stopped after the longest run time."""
    return dg.define_asset_job(
        "close_month",
        selection=dg.AssetSelection.all(),
        description="Close C-PG-1 for one cutoff month: extract, bridge, classify, reconcile, keep evidence.",
        tags=run_tags(deployment),
    )


def run_tags(deployment: Deployment) -> dict[str, str]:
    """Tag a run with its longest run time, and with what it says of itself (sample data, narrowed scope)."""
    notes = {"cpg1/books": deployment.settings.books} | {
        f"cpg1/{name}": note for name, note in deployment.notes.items()
    }
    return {MAX_RUNTIME_TAG: str(deployment.settings.max_run_seconds), **notes}


def monthly_schedule(
    job: "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition",
    partitions: dg.PartitionsDefinition[str],
) -> dg.ScheduleDefinition:
    """Run `job` for the month before, at 06:00 on the third working day (Monday to Friday). Off by default."""

    @dg.schedule(
        name="close_on_third_working_day",
        job=job,
        # The third working day is the 3rd, 4th or 5th of a month.
        cron_schedule="0 6 3-5 * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Closes the month before on the third working day, at 06:00 UTC. Switch it on where wanted.",
    )
    def close_on_third_working_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.date()
        month = CutoffMonth.last_complete(today)
        if today != third_working_day(today):
            return dg.SkipReason(f"{today} is not the third working day of its month.")
        if month.key not in partitions.get_partition_keys():
            return dg.SkipReason(f"{month.key} is not a month of these books.")
        return dg.RunRequest(run_key=month.key, partition_key=month.key)

    return close_on_third_working_day


def third_working_day(of: date) -> date:
    """Give the third day of a month that is not a Saturday or Sunday. Public holidays are not known here."""
    day = of.replace(day=1)
    working = 0
    while True:
        working += day.weekday() <= _FRIDAY
        if working == _THIRD:
            return day
        day += timedelta(days=1)
