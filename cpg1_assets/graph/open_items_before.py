"""The asset `open_items_before`: what was open at the end of the month before, drawn from its newest seal.

What is read of the seal is in `cpg1_assets.evidence.chain.open_items_before`; here it becomes an asset with a check and
evidence.
"""

from collections.abc import Iterator

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.open_items_before import VALIDATIONS, before
from cpg1_assets.extracts.extraction import ExecutionLog
from cpg1_assets.graph.check_specs import check_specs
from cpg1_assets.graph.drawn import Draw, handed_on
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.lock import held_lock
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEMS_BEFORE

_LAST = {"dagster/priority": "-1"}
"""Where a backfill closes the month before, its seal is waited for: whatever else can run, runs first."""


def open_items_before_asset(
    partitions: dg.PartitionsDefinition[str], code_version: str
) -> dg.AssetsDefinition:
    """Make the asset `open_items_before`."""

    @dg.asset(
        name=OPEN_ITEMS_BEFORE.name,
        description=f"{OPEN_ITEMS_BEFORE.title}.\n\n{OPEN_ITEMS_BEFORE.description}",
        partitions_def=partitions,
        group_name="open_items",
        kinds={"parquet"},
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        code_version=code_version,
        op_tags=_LAST,
        check_specs=check_specs(OPEN_ITEMS_BEFORE.name, VALIDATIONS, partitions),
    )
    def open_items_before(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.Output[Drawn]]:
        deployment, month = deployment_of(context), month_of(context)
        with retrying(context, deployment.settings):
            log = ExecutionLog()
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            _wait_for_the_month_before(deployment, month)
            found = before(deployment.home.evidence_folder, month)
            log("seal of the month before read", **(found.seal or {}))
            asked = {"month": month.key, "month_before": month.previous().key, "seal": found.seal}
            yield from handed_on(
                context, deployment, OPEN_ITEMS_BEFORE, Draw(found.rows, [found.validation], asked), log
            )

    return open_items_before


def _wait_for_the_month_before(deployment: Deployment, month: CutoffMonth) -> None:
    """Wait where a backfill closes the month before: months are sealed in the order of the calendar."""
    earlier = month.previous()
    turn = deployment.home.turn_lock(earlier.key)
    if turn.exists():
        with held_lock(turn, f"the close of {earlier.key}, which a backfill does first", wait=True):
            pass
