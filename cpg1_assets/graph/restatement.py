"""The check that a sealed month's data is still what was sealed; what differs is a restatement, a warning.

It stands on the asset that seals, so that no new version is made without it. It compares with the newest seal
of another run: the run it is part of may have sealed the very data it looks at.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import EvidenceError, StorageError
from cpg1_assets.evidence.audit.restatement import restatement, sealed_before
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.check_specs import check_result, check_specs
from cpg1_assets.validation import Validation

NAME = "data_is_what_was_sealed"
STATEMENT = "The month's data is what was sealed before; rows that came, went or changed are a restatement."
_SHOWN_OF_AN_ASSET = 20


def restatement_check(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, specs: Mapping[str, FrameSpec]
) -> dg.AssetChecksDefinition:
    """Make the check; `specs` are the frames by asset."""

    @dg.multi_asset_check(
        name=f"{MANIFEST.name}_{NAME}", specs=check_specs(MANIFEST.name, {NAME: STATEMENT}, partitions)
    )
    def data_is_what_was_sealed(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        validation = compared_with_seal(deployment, context.partition_key, context.run.run_id, specs)
        yield check_result(MANIFEST.name, validation, deployment.notes)

    return data_is_what_was_sealed


def compared_with_seal(
    deployment: Deployment, month: str, run_id: str, specs: Mapping[str, FrameSpec]
) -> Validation:
    """Compare the month in storage with what was sealed before the run `run_id`. Never sealed is as sealed."""
    try:
        sealed = sealed_before(deployment.home.evidence_folder, month, run_id)
        if sealed is None:
            return Validation(NAME, STATEMENT, True, "WARN", figures={"compared_with": "never sealed before"})
        found = restatement(sealed, deployment.storage, specs, shown=_SHOWN_OF_AN_ASSET)
    except (EvidenceError, StorageError) as error:
        # What was sealed cannot be read: that is no restatement, it is damage.
        return Validation(NAME, STATEMENT, False, "ERROR", figures={"problem": str(error)})
    figures = {
        "compared_with": f"version {sealed.version:03d}, sealed {sealed.seal.get('sealed_at')}",
        **{f"rows_{kind}": count for kind, count in found.rows().items()},
        "by_asset": {differing.asset: differing.summary() for differing in found.assets},
        "by_company_and_amount": found.totals(),
        "listed": found.listed(),
        "not_in_storage": list(found.absent),
    }
    return Validation(NAME, STATEMENT, found.as_sealed, "WARN", figures=figures)
