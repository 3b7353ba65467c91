"""The sensor on the JDash inbox: a company's late file materializes `jdash` and what depends on it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.job import run_tags
from cpg1_assets.jdash.month import inbox_files
from cpg1_assets.month import CutoffMonth

_DOWNSTREAM_OF_JDASH = dg.AssetSelection.assets("jdash").downstream()


def jdash_sensor(partitions: dg.PartitionsDefinition[str], deployment: Deployment) -> dg.SensorDefinition:
    """Watch `<inbox>/jdash/<YYYY-MM>/`: one run per state of a month's files, for months already extracted.

    A month whose files are those the last materialization read is left alone, and so is a month that has
    not been extracted yet: its close will read the files.
    """

    @dg.sensor(
        name="jdash_inbox",
        target=_DOWNSTREAM_OF_JDASH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materializes jdash and what depends on it when a file of an extracted month comes or changes.",
    )
    def jdash_inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        inbox = deployment.home.inbox_folder
        known: dict[str, list[Any]] = json.loads(context.cursor) if context.cursor else {}
        seen: dict[str, list[Any]] = {}
        requests = []
        for month in partitions.get_partition_keys():
            paths = inbox_files(inbox, CutoffMonth.parse(month))
            if not paths or not deployment.storage.exists("jdash", month):
                continue
            files = {path.name: _hash(path, known, seen) for path in paths}
            if files == _files_read(context.instance, month):
                continue
            state = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
            requests.append(
                dg.RunRequest(
                    run_key=f"jdash/{month}/{state}", partition_key=month, tags=run_tags(deployment)
                )
            )
        if not requests:
            return dg.SensorResult(
                skip_reason="No file of an extracted month has changed.", cursor=json.dumps(seen)
            )
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(seen))

    return jdash_inbox


def _hash(path: Path, known: dict[str, list[Any]], seen: dict[str, list[Any]]) -> str:
    """SHA-256 of a file, read again only when its size or time changed; noted in `seen` for the next tick."""
    status = path.stat()
    name = f"{path.parent.name}/{path.name}"
    noted = known.get(name)
    if noted is None or noted[:2] != [status.st_mtime_ns, status.st_size]:
        noted = [status.st_mtime_ns, status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()]
    seen[name] = noted
    return str(noted[2])


def _files_read(instance: dg.DagsterInstance, month: str) -> dict[str, str] | None:
    """Give the files, with their hashes, that the last materialization of the month read."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey("jdash"), asset_partitions=[month]), limit=1
    ).records
    materialization = records[0].asset_materialization if records else None
    if materialization is None or "files" not in materialization.metadata:
        return None
    files: dict[str, str] = materialization.metadata["files"].value  # type: ignore[assignment]
    return files
