"""The checks of the derived assets and across extracts, as Dagster asset checks with their figures.

What each one looks at and means is in `cpg1_assets.rules.checks`; here an asset's checks run together, so that
their frames are opened once, and what is asked again of the same files is not looked up again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import dagster as dg
from pyarrow.dataset import Dataset

from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.check_specs import check_result, check_specs, is_asked
from cpg1_assets.graph.inputs import named_inputs
from cpg1_assets.graph.steps import month_of
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.checks import Check, as_validation, checks, outcomes
from cpg1_assets.rules.engine import Frame
from cpg1_assets.rules.findings import Outcomes
from cpg1_assets.rules.graph import Circumstances


class AskedChecks:
    """The checks of a deployment, each asked once of the same files in a process; the last month's are kept."""

    def __init__(self, deployment: Deployment) -> None:
        """Remember whose rules and storage these are; nothing is read yet."""
        self._deployment = deployment
        self._month = ""
        self._found: dict[tuple[Check, tuple[str | None, ...]], Outcomes] = {}

    def outcomes(
        self, asked: Iterable[Check], frames: Mapping[str, Frame], circumstances: Circumstances
    ) -> Iterator[tuple[Check, Outcomes]]:
        """Give what `rules.checks.outcomes` gives, and raise as it does; `frames` are as they lie in storage."""
        month, storage = circumstances.month.key, self._deployment.storage
        if self._month != month:
            self._month, self._found = month, {}
        keys = {
            check: (
                check,
                tuple(storage.sha256(name, month) if name in frames else None for name in check.inputs),
            )
            for check in asked
        }
        new = [check for check, key in keys.items() if key not in self._found]
        self._found |= {keys[check]: found for check, found in outcomes(new, frames, circumstances)}
        return ((check, self._found[key]) for check, key in keys.items())


def circumstances_of(deployment: Deployment, month: CutoffMonth) -> Circumstances:
    """Give what rules follow besides their frames, for a month of a deployment."""
    book = deployment.rules
    return Circumstances(month, book.lines, book.thresholds, book.classification, book.matching)


def derived_checks(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, asked: AskedChecks
) -> list[dg.AssetChecksDefinition]:
    """Make all checks that are not made from a contract, those of an asset in one step."""
    of_assets = groupby(checks(deployment.rules.lines).values(), key=lambda check: check.asset)
    return [_checks_of(asset, tuple(made), partitions, deployment, asked) for asset, made in of_assets]


def _checks_of(
    asset: str,
    made: Sequence[Check],
    partitions: dg.PartitionsDefinition[str],
    deployment: Deployment,
    asked: AskedChecks,
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
        month = month_of(context)
        there = {
            name: deployment.storage.dataset(name, month.key)
            for name in beside
            if deployment.storage.exists(name, month.key)
        }
        wanted = [check for check in made if is_asked(context, asset, check.name)]
        for check, found in asked.outcomes(wanted, frames | there, circumstances_of(deployment, month)):
            yield check_result(asset, as_validation(check, found), deployment.notes)

    # What is optional is waited for, and no input: Dagster loads all of those, or fails.
    named_inputs(checks_of_the_asset, (name for check in made for name in check.inputs if name not in beside))
    return dg.multi_asset_check(name=f"{asset}_checks", specs=specs, can_subset=True)(checks_of_the_asset)
