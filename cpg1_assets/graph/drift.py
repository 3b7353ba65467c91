"""The job `look_for_drift`, and its schedule: what moved in the source since a month was sealed.

How that is found is in `cpg1_assets.evidence.audit.drift`. Here it becomes an observation of the month's
`evidence_manifest`: sums by class, company and amount, and no row. It is no materialization, so nothing of the month, its
seal or its standing changes, and a signed-off month can be looked at like any other.
"""

from datetime import UTC
from typing import Any

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.drift import TAKEN_AGAIN, Drift, drift
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.graph.check_specs import NONE, table
from cpg1_assets.graph.extracts import SOURCE_POOL
from cpg1_assets.graph.job import LOOK_FOR_DRIFT, run_tags
from cpg1_assets.graph.retry import retrying
from cpg1_assets.month import CutoffMonth

MONTHS_BACK = 3


def drift_job(partitions: dg.PartitionsDefinition[str], deployment: Deployment) -> dg.JobDefinition:
    """Make the job: the source is asked once more for the newest seal of one month, and the answer compared."""

    @dg.op(pool=SOURCE_POOL, required_resource_keys={"deployment"})
    def ask_the_source_again(context: dg.OpExecutionContext) -> None:
        month = context.partition_key
        asked: Deployment = context.resources.deployment
        with retrying(context, asked.settings, asked.settings.retry_waits):
            sealed = latest_seal(asked.home.evidence_folder, month)
            if sealed is None:
                raise EvidenceError(f"{month} is not sealed, so there is nothing that could have moved.")
            found = drift(sealed, asked.source, asked.inbox, asked.catalog, shown=0)
            context.log_event(
                dg.AssetObservation(
                    asset_key=MANIFEST.name,
                    partition=month,
                    description=found.summary(),
                    metadata={**_metadata(found), **asked.notes},
                )
            )
            if found.moved:
                context.log.warning(found.summary())
            if not found.complete:
                # What could not be compared may have moved: a run that is green would say that it has not.
                raise EvidenceError(found.summary())

    @dg.job(
        name=LOOK_FOR_DRIFT,
        partitions_def=partitions,
        tags=run_tags(deployment),
        description="Ask the source again for the extracts of a sealed month, and say what moved since. Nothing of the "
        "month is drawn anew, computed or sealed. Choose the month in the Launchpad.",
    )
    def look_for_drift() -> None:
        ask_the_source_again()

    return look_for_drift


def drift_schedule(job: dg.JobDefinition, deployment: Deployment) -> dg.ScheduleDefinition:
    """Run `job` on Mondays at 04:00 UTC for those of the last three complete months that are sealed. Off by default."""

    @dg.schedule(
        name="look_for_drift_on_mondays",
        job=job,
        cron_schedule="0 4 * * 1",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            f"Asks the source again for the sealed ones of the last {MONTHS_BACK} complete months, on Mondays at 04:00 "
            "UTC. Switch it on where wanted."
        ),
    )
    def look_for_drift_on_mondays(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(UTC).date()
        months = [CutoffMonth.last_complete(day)]
        while len(months) < MONTHS_BACK:
            months.append(months[-1].previous())
        sealed = [each.key for each in months if latest_seal(deployment.home.evidence_folder, each.key)]
        if not sealed:
            return dg.SkipReason(f"Of {', '.join(each.key for each in months)} none is sealed.")
        return [dg.RunRequest(run_key=f"{key} on {day}", partition_key=key) for key in sealed]

    return look_for_drift_on_mondays


def _metadata(found: Drift) -> dict[str, Any]:
    """Give what the UI shows: sums, never a row of the books."""
    moved = [
        {
            "asset": each.asset,
            "class": of.what,
            "id_company": of.id_company,
            "currency": of.currency,
            "rows": of.rows,
            "amount": name,
            "difference": difference,
        }
        for each in found.extracts
        for of in each.moved
        for name, difference in (of.amounts.items() or [(None, None)])
    ]
    notes = [{"asset": each.asset, "note": note} for each in found.extracts for note in each.notes]
    problems = [
        {"asset": each.asset, "problem": each.problem} for each in found.extracts if each.problem is not None
    ]
    rows = {
        f"rows_{what.replace(' ', '_').replace('-', '_')}": sum(
            each.rows().get(what, 0) for each in found.extracts
        )
        for what in {each for one in found.extracts for each in one.rows()} - {TAKEN_AGAIN}
    }
    return {
        "moved": found.moved,
        "compared": "everything" if found.complete else "not everything: see not_compared",
        "version": found.version,
        "sealed_at": found.sealed_at,
        **rows,
        "by_class_company_and_amount": table(moved) if moved else NONE,
        "not_compared": table(problems) if problems else NONE,
        "files": table(notes) if notes else NONE,
        "companies_left": ", ".join(found.companies_left) or NONE,
        "companies_new": ", ".join(found.companies_new) or NONE,
    }
