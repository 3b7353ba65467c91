"""The jobs of assets, `close_month`, `check_month` and `take_comments`, and what every run says of itself."""

from collections.abc import Iterable

import dagster as dg

from cpg1_assets.deliverables.files import SUFFIXES
from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.rules.frames import CHECK_RESULTS, OPEN_ITEM_COMMENTS

JOBS = "close_month", "check_month", "take_comments", "look_for_drift"
CLOSE_MONTH, CHECK_MONTH, TAKE_COMMENTS, LOOK_FOR_DRIFT = JOBS
MAX_RUNTIME_TAG = "dagster/max_runtime"


def close_month_job(
    deployment: Deployment,
) -> "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition":
    """Make the job `close_month`: every asset and check of one cutoff month, stopped after the longest run time."""
    return dg.define_asset_job(
        CLOSE_MONTH,
        selection=dg.AssetSelection.all(),
        description="Close C-PG-1 for one cutoff month: extract, bridge, classify, reconcile, keep evidence.",
        tags=run_tags(deployment),
    )


def check_month_job(
    deployment: Deployment, checks: Iterable[dg.AssetChecksDefinition]
) -> "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition":
    """Make the job `check_month`: every check of one month that looks at storage, asked again; nothing is computed."""
    return dg.define_asset_job(
        CHECK_MONTH,
        selection=dg.AssetSelection.checks(*(key for made in checks for key in made.check_keys)),
        description="Ask the checks of one closed month again. Nothing is drawn, computed or sealed. Choose the month in "
        "the Launchpad. What an extract found when it was drawn is not asked again: that takes drawing it.",
        tags=run_tags(deployment),
    )


def take_comments_job(
    deployment: Deployment,
) -> "dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition":
    """Make the job `take_comments`: the comments of a closed month, and what must follow them for a seal to be whole."""
    return dg.define_asset_job(
        TAKE_COMMENTS,
        selection=dg.AssetSelection.assets(
            OPEN_ITEM_COMMENTS.name, CHECK_RESULTS.name, MANIFEST.name, *SUFFIXES
        ),
        description="Take the comments on a closed month's open items from the inbox, and seal the month with them.",
        tags=run_tags(deployment),
    )


def run_tags(deployment: Deployment) -> dict[str, str]:
    """Tag a run with its longest run time, and with what it says of itself (sample data, narrowed scope)."""
    notes = {"cpg1/books": deployment.settings.books} | {
        f"cpg1/{name}": note for name, note in deployment.notes.items()
    }
    return {MAX_RUNTIME_TAG: str(deployment.settings.max_run_seconds), **notes}
