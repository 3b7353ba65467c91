"""The asset `check_results`: what every check of the month found, which is sealed with it.

The checks of derived frames are asked here again, of the frames in storage; what the validations of the extracts and
of JDash found stands in the provenance of their files. Dagster's event log is not asked: anybody who reaches the UI
can write into it.
"""

from collections.abc import Sequence

import dagster as dg
import pyarrow as pa
from pyarrow.dataset import Dataset

from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.checks import AskedChecks, circumstances_of
from cpg1_assets.graph.drawn import DRAWN_FROM
from cpg1_assets.graph.inputs import named_inputs
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import enter_step, month_of
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.check_results import Validated, check_results
from cpg1_assets.rules.checks import checks
from cpg1_assets.rules.frames import CHECK_RESULTS

_UNKNOWN: Validated = {
    "name": "validations_known",
    "severity": "WARN",
    "passed": False,
    "tested": False,
    "figures": {"why": "The provenance of the file does not say whether it was validated when it was drawn."},
}


def check_results_asset(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, code_version: str, asked: AskedChecks
) -> dg.AssetsDefinition:
    """Make the asset, from all frames that a check looks at and all that were validated when they were drawn."""
    read = dict.fromkeys(name for check in checks(deployment.rules.lines).values() for name in check.inputs)
    drawn = [*deployment.catalog, *DRAWN_FROM]

    def compute(context: dg.AssetExecutionContext, **frames: Dataset) -> pa.Table:
        month = month_of(context)
        with retrying(context, deployment.settings):
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            validations = {name: _validations(deployment, name, month) for name in drawn}
            return check_results(frames, circumstances_of(deployment, month), validations, ask=asked.outcomes)

    # All that was drawn is an input, also what no check reads: its validations are, so a new file makes these older.
    named_inputs(compute, [*read, *drawn])
    return dg.asset(
        name=CHECK_RESULTS.name,
        description=f"{CHECK_RESULTS.title}.\n\n{CHECK_RESULTS.description}",
        partitions_def=partitions,
        group_name="evidence",
        kinds={"duckdb", "parquet"},
        io_manager_key="parquet",
        code_version=code_version,
    )(compute)


def _validations(deployment: Deployment, asset: str, month: CutoffMonth) -> Sequence[Validated]:
    """Give what was found when the file in storage was drawn; that nothing is known of it is a result too."""
    _, provenance = deployment.storage.provenance(asset, month.key)
    return provenance.said.get("validations") or [_UNKNOWN]
