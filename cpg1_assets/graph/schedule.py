"""The schedule that closes a month on the third working day after it."""

from datetime import date, timedelta

import dagster as dg

from cpg1_assets.month import CutoffMonth

_THIRD = 3
_FRIDAY = 4


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
