"""What every step begins with: its month, its deployment, and whether it may work on that month now.

The rules of that are made elsewhere: one run at a time (`claims`), by one version of the control, and nothing new in
a month that is signed off (`evidence.chain`).
"""

from typing import TypeAlias

import dagster as dg

from cpg1_assets.claims import Claims
from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.sign_off import require_open
from cpg1_assets.graph.job import run_tags
from cpg1_assets.month import CutoffMonth

StepContext: TypeAlias = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


def month_of(context: StepContext) -> CutoffMonth:
    """Give the cutoff month a step runs for."""
    return CutoffMonth.parse(context.partition_key)


def deployment_of(context: StepContext) -> Deployment:
    """Give the deployment a step runs in."""
    deployment: Deployment = context.resources.deployment
    return deployment


def enter_step(
    deployment: Deployment, month: str, run_id: str, instance: dg.DagsterInstance, *, materializes: bool
) -> None:
    """Let a step of the run work on `month`: claim it for the run, or see that it is the run's.

    A run that did not come from the job, such as one from the graph in the UI, gets the job's tags here: what it
    says of itself, and its longest run time. `materializes` says that the step makes data, not only looks at it.

    Raises SignedOffError, BusyError, SettingsError, StorageError or EvidenceError, each with what to do; nothing was
    asked of the source, read or written then.
    """
    if materializes:
        deployment.home.prepare()
        if Claims(deployment.home.place).claim(month) is None:
            deployment.home.require_places()
        deployment.home.require_inbox()
        if deployment.settings.scope is None:
            require_open(deployment.home.evidence_folder, month)
    if hold_month(deployment, month, run_id, instance):
        run = instance.get_run_by_id(run_id)
        missing = {} if run is None else {k: v for k, v in run_tags(deployment).items() if k not in run.tags}
        if missing:
            instance.add_run_tags(run_id, missing)


def hold_month(deployment: Deployment, month: str, run_id: str, instance: dg.DagsterInstance) -> bool:
    """Claim `month` for the run, or see that it still is the run's; tell whether it was claimed just now."""
    return Claims(deployment.home.place).hold(
        month, run_id, deployment.version.hashes, lambda other: run_is_over(instance, other)
    )


def run_is_over(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    """Whether Dagster says of a run that it is over; None where its instance knows no such run."""
    run = instance.get_run_by_id(run_id)
    return None if run is None else run.is_finished
