"""The checks of the derived assets and across extracts, as Dagster asset checks with their figures.

What each one looks at and means is in `cpg1_assets.rules.checks`; here an asset's checks run together, so that
their frames are opened once.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg
from pyarrow.dataset import Dataset

from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.check_specs import check_result, check_specs
from cpg1_assets.graph.inputs import named_inputs
from cpg1_assets.graph.steps import month_of
from cpg1_assets.rules.checks import Check, as_validation, checks, outcomes
from cpg1_assets.rules.graph import Circumstances


def derived_checks(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment
) -> list[dg.AssetChecksDefinition]:
    """Make all checks that are not made from a contract, those of an asset in one step."""
    of_assets = groupby(checks(deployment.rules.lines).values(), key=lambda check: check.asset)
    return [_checks_of(asset, tuple(made), partitions, deployment) for asset, made in of_assets]


def _checks_of(
    asset: str, made: Sequence[Check], partitions: dg.PartitionsDefinition[str], deployment: Deployment
) -> dg.AssetChecksDefinition:
    specs = [
        spec
        for check in made
        for spec in check_specs(
            asset,
            {check.name: check.statement},
            partitions,
            blocking=[check.name] if check.blocks else [],
            besides=[name for name in check.inputs if name != asset],
        )
    ]

    beside = {name for check in made for name in check.optional}

    def checks_of_the_asset(
        context: dg.AssetCheckExecutionContext, **frames: Dataset
    ) -> Iterator[dg.AssetCheckResult]:
        book = deployment.rules
        circumstances = Circumstances(
            month_of(context), book.lines, book.thresholds, book.classification, book.matching
        )
        there = {
            name: deployment.storage.dataset(name, circumstances.month.key)
            for name in beside
            if deployment.storage.exists(name, circumstances.month.key)
        }
        for check, found in outcomes(made, frames | there, circumstances):
            yield check_result(asset, as_validation(check, found), deployment.notes)

    # What is optional is waited for, and no input: Dagster loads all of those, or fails.
    named_inputs(checks_of_the_asset, (name for check in made for name in check.inputs if name not in beside))
    return dg.multi_asset_check(name=f"{asset}_checks", specs=specs)(checks_of_the_asset)
