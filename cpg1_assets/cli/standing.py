"""Where each month stands: what `cpg1 status` shows, read from the records of closes and from storage."""

from itertools import pairwise
from typing import Any

from cpg1_assets.cli.closing import reconciliation_lines
from cpg1_assets.cli.records import read_record
from cpg1_assets.cli.sealing import seal_standing
from cpg1_assets.definitions import month_partitions, sealed_frames
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import EvidenceError, StorageError
from cpg1_assets.evidence.restatement import restated_by, restatement
from cpg1_assets.evidence.seal import sealed_versions
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
        "seal": seal_standing(settings, month),
    }
    if record is not None:
        standing["state"] = "close failed" if record["exit_status"] == 1 else "closed"
    else:
        standing["state"] = "materialized" if lines else "not closed"
    return standing


def standing_against_seal(settings: Settings, month: CutoffMonth) -> dict[str, Any] | None:
    """Give how the month in storage differs from its newest seal, and that seal from the one before it.

    None where the month was never sealed.
    """
    deployment = open_deployment(settings)
    specs = {spec.name: spec for spec in sealed_frames(deployment)}
    try:
        versions = sealed_versions(settings.evidence_folder, month.key)
        if not versions:
            return None
        now = restatement(versions[-1], deployment.storage, specs).as_dict()
        restated = [restated_by(*pair, specs).as_dict() for pair in pairwise(versions[-2:])]
    except (EvidenceError, StorageError) as error:
        # A damaged seal must not hide what the close came to.
        return {"version": None, "as_sealed": None, "summary": f"cannot be compared with its seal: {error}"}
    return {**now, "newest_seal_against_the_one_before": restated[0] if restated else None}


def standings(settings: Settings) -> list[dict[str, Any]]:
    """Give the standing of every month that was closed or materialized, in order."""
    months = [CutoffMonth.parse(key) for key in month_partitions(settings).get_partition_keys()]
    found = [month_standing(settings, month) for month in months]
    return [standing for standing in found if standing["state"] != "not closed"]
