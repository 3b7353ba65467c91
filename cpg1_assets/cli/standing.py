"""Where each month stands: what `cpg1 status` shows, read from the records of closes and from storage."""

from typing import Any

from cpg1_assets.cli.closing import reconciliation_lines
from cpg1_assets.cli.records import read_record
from cpg1_assets.definitions import month_partitions
from cpg1_assets.deployment import open_deployment
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


def month_standing(settings: Settings, month: CutoffMonth) -> dict[str, Any]:
    """Give what the last close of a month came to, with the lines now in storage.

    A month materialized another way (the UI, `dagster asset materialize`) has lines and no record.
    """
    storage = open_deployment(settings).storage
    record = read_record(settings, month)
    lines = reconciliation_lines(storage, month) if storage.exists("reconciliation", month.key) else []
    standing: dict[str, Any] = {
        "month": month.key,
        "run_id": "",
        "exit_status": None,
        "failed_checks": [],
        "failures": [],
        "evidence": str(settings.evidence_folder / month.key),
        **(record or {}),
        "lines": lines,
    }
    if record is not None:
        standing["state"] = "close failed" if record["exit_status"] == 1 else "closed"
    else:
        standing["state"] = "materialized" if lines else "not closed"
    return standing


def standings(settings: Settings) -> list[dict[str, Any]]:
    """Give the standing of every month that was closed or materialized, in order."""
    months = [CutoffMonth.parse(key) for key in month_partitions(settings).get_partition_keys()]
    found = [month_standing(settings, month) for month in months]
    return [standing for standing in found if standing["state"] != "not closed"]
