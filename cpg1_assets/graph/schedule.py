"""The schedule that closes a month on each day it is due for a company: its third working day of the month after."""

from datetime import UTC

import dagster as dg

from cpg1_assets.close_calendar.companies import due_dates_of
from cpg1_assets.close_calendar.due_dates import FIRST_DAY, LAST_DAY, group_due
from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.month import CutoffMonth

CALENDAR_TAG, DUE_TAG = "cpg1/close_calendar", "cpg1/due"


def monthly_schedule(
    job: "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition",
    partitions: dg.PartitionsDefinition[str],
    deployment: Deployment,
) -> dg.ScheduleDefinition:
    """Run `job` for the month before, at 06:00 UTC on each day its close is due for a company. Off by default.

    The last of these days is the group's. Every run is of the whole month: what is not due yet is computed as it stands.
    """

    @dg.schedule(
        name="close_on_third_working_day",
        job=job,
        cron_schedule=f"0 6 {FIRST_DAY}-{LAST_DAY} * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            "Closes the month before at 06:00 UTC on each company's third working day, by the close calendar. Switch it "
            "on where wanted."
        ),
    )
    def close_on_third_working_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.astimezone(UTC).date()
        month = CutoffMonth.last_complete(today)
        if month.key not in partitions.get_partition_keys():
            return dg.SkipReason(f"{month.key} is not a month of these books.")
        if deployment.settings.scope is None:
            signed = signed_off_by(deployment.home.evidence_folder, month.key)
            if signed is not None:
                return dg.SkipReason(f"{month.key} is signed off by {signed.name}, and so it is closed.")
        due_dates, calendar = due_dates_of(
            month,
            calendar_file=deployment.settings.calendar_file,
            storage=deployment.storage,
            source=deployment.source,
            scope=deployment.scope,
        )
        due = [each.company for each in due_dates if each.due == today]
        if not due:
            days = ", ".join(sorted({each.due.isoformat() for each in due_dates}))
            return dg.SkipReason(f"{month.key} is due on {days}: on {today} for no company.")
        whole = " and the group" if today == group_due(due_dates) else ""
        return dg.RunRequest(
            run_key=f"{month.key} due {today}",
            partition_key=month.key,
            tags={DUE_TAG: f"{', '.join(due)}{whole} on {today}", CALENDAR_TAG: calendar},
        )

    return close_on_third_working_day
