"""The one place where everything is wired: `build_definitions(settings) -> Definitions`.

Tests and the command line call it with settings of their own; Dagster loads `defs` below.
"""

import warnings

import dagster as dg

from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.check_results import check_results_asset
from cpg1_assets.graph.checks import AskedChecks, derived_checks
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.control_effectiveness import control_effectiveness_asset
from cpg1_assets.graph.deliverables import deliverable_assets
from cpg1_assets.graph.derived import derived_assets
from cpg1_assets.graph.described import described
from cpg1_assets.graph.drift import drift_job, drift_schedule
from cpg1_assets.graph.executor import executor_of
from cpg1_assets.graph.extracts import extract_asset
from cpg1_assets.graph.io_manager import parquet_io_manager
from cpg1_assets.graph.jdash import jdash_asset
from cpg1_assets.graph.job import (
    CLOSE_MONTH,
    TAKE_COMMENTS,
    check_month_job,
    close_month_job,
    take_comments_job,
)
from cpg1_assets.graph.manifest import manifest_asset
from cpg1_assets.graph.open_item_comments import open_item_comments_asset
from cpg1_assets.graph.open_items_before import open_items_before_asset
from cpg1_assets.graph.packages import EVIDENCE_FRAMES, package_assets
from cpg1_assets.graph.schedule import monthly_schedule
from cpg1_assets.graph.sealed_month import sealed_month_checks
from cpg1_assets.graph.sensor import jdash_sensor
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.month import FIRST_MONTH, CutoffMonth
from cpg1_assets.rules.frames import (
    CHECK_RESULTS,
    CONTROL_EFFECTIVENESS,
    DERIVED_FRAMES,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEMS_BEFORE,
)
from cpg1_assets.sample_books import LAST_MONTH
from cpg1_assets.settings import Settings
from cpg1_assets.sources.interface import Source


def build_definitions(settings: Settings | None = None, source: Source | None = None) -> dg.Definitions:
    """Wire the control for `settings` (default: the environment's), on `source` where one is given.

    Raises SettingsError, ScopeError or FileFormatError naming what to mend.
    """
    deployment = open_deployment(settings or Settings.from_environment(), source)
    deployment.home.require_inbox()
    return definitions_of(deployment)


def definitions_of(deployment: Deployment) -> dg.Definitions:
    """Wire the control for a deployment."""
    partitions = month_partitions(deployment.settings)
    frames = sealed_frames(deployment)
    specs = {spec.name: spec for spec in [*frames, MANIFEST]}
    codes, asked = code_versions(deployment), AskedChecks(deployment)
    with warnings.catch_warnings():
        # Chosen knowingly: partitioned checks (without them a check would read every month at once) are
        # marked as a preview, and dagster-pandas and references to code as a beta.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            *(extract_asset(each, partitions, codes[name]) for name, each in deployment.catalog.items()),
            jdash_asset(partitions, codes["jdash"]),
            open_items_before_asset(partitions, codes[OPEN_ITEMS_BEFORE.name]),
            open_item_comments_asset(partitions, codes[OPEN_ITEM_COMMENTS.name]),
            *derived_assets(partitions, deployment.rules, codes),
            *package_assets(partitions, codes),
            control_effectiveness_asset(partitions, deployment, codes[CONTROL_EFFECTIVENESS.name]),
            check_results_asset(partitions, deployment, codes["check_results"], asked),
            manifest_asset(partitions, [spec.name for spec in frames]),
            *deliverable_assets(partitions),
        ]
        assets = described(assets, deployment, specs)
        checks = [
            *derived_checks(partitions, deployment, asked),
            sealed_month_checks(partitions, deployment, specs),
        ]
    job, drift = close_month_job(deployment), drift_job(partitions, deployment)
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=[job, check_month_job(deployment, checks), take_comments_job(deployment), drift],
        schedules=[monthly_schedule(job, partitions, deployment), drift_schedule(drift, deployment)],
        sensors=[jdash_sensor(partitions, deployment, [*specs])],
        resources={
            "deployment": deployment,
            "parquet": parquet_io_manager(deployment, specs),
        },
        executor=executor_of(deployment),
    )


def close_month_definition() -> dg.JobDefinition:
    """Give the job of a close for worker processes, which know the deployment from the environment."""
    return _from_environment(CLOSE_MONTH)


def take_comments_definition() -> dg.JobDefinition:
    """Give the job that takes comments in for worker processes, which know the deployment from the environment."""
    return _from_environment(TAKE_COMMENTS)


def _from_environment(job: str) -> dg.JobDefinition:
    from cpg1_assets import defs  # noqa: PLC0415 - built on first use, from the environment as it is then

    return defs.resolve_job_def(job)


def sealed_frames(deployment: Deployment) -> list[FrameSpec]:
    """Give the frames of a month that a seal holds: all but the manifest of the seal itself."""
    return [
        *(extract.contract for extract in deployment.catalog.values()),
        JDASH,
        OPEN_ITEMS_BEFORE,
        OPEN_ITEM_COMMENTS,
        *DERIVED_FRAMES,
        *EVIDENCE_FRAMES,
        CONTROL_EFFECTIVENESS,
        CHECK_RESULTS,
    ]


def month_partitions(settings: Settings) -> dg.MonthlyPartitionsDefinition:
    """Give the months that can be closed: from 2024-01 to the last one that is over, or the sample books' last."""
    end = CutoffMonth.parse(LAST_MONTH).next().key if settings.is_sample else None
    return dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, end_date=end, fmt="%Y-%m")
