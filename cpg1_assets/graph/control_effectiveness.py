"""The asset `control_effectiveness`: faults planted in small books of their own, and what the loaded rules find of them.

It is seeded by the hashes of the month's drawn files, which are its inputs for that reason alone: no row of them is read.
"""

import dagster as dg
import pyarrow as pa
from pyarrow.dataset import Dataset

from cpg1_assets.deployment import Deployment
from cpg1_assets.effectiveness.control_effectiveness import SEEDING, control_effectiveness, seed_of
from cpg1_assets.graph.checks import circumstances_of
from cpg1_assets.graph.inputs import named_inputs
from cpg1_assets.graph.steps import month_of
from cpg1_assets.rules.frames import CONTROL_EFFECTIVENESS


def control_effectiveness_asset(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, code_version: str
) -> dg.AssetsDefinition:
    """Make the asset, of the rules, rule files and scope of a deployment."""

    def compute(context: dg.AssetExecutionContext, **frames: Dataset) -> pa.Table:  # noqa: ARG001 - by their hashes
        month = month_of(context)
        hashes = {name: deployment.storage.sha256(name, month.key) for name in SEEDING}
        seed = seed_of({name: sha256 for name, sha256 in hashes.items() if sha256 is not None})
        context.add_output_metadata({"seed": seed})
        return control_effectiveness(seed, circumstances_of(deployment, month), deployment.scope.gl_accounts)

    named_inputs(compute, SEEDING)
    return dg.asset(
        name=CONTROL_EFFECTIVENESS.name,
        description=f"{CONTROL_EFFECTIVENESS.title}.\n\n{CONTROL_EFFECTIVENESS.description}",
        partitions_def=partitions,
        group_name="evidence",
        kinds={"duckdb", "parquet"},
        io_manager_key="parquet",
        code_version=code_version,
    )(compute)
