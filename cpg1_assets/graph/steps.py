"""What every step asks of Dagster: which month it runs for, and in which deployment."""

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.month import CutoffMonth

StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


def month_of(context: StepContext) -> CutoffMonth:
    """Give the cutoff month a step runs for."""
    return CutoffMonth.parse(context.partition_key)


def deployment_of(context: StepContext) -> Deployment:
    """Give the deployment a step runs in."""
    deployment: Deployment = context.resources.deployment
    return deployment
