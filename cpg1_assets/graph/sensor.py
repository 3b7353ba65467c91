"""The sensor on the JDash inbox: a company's late file materializes `jdash` and what depends on it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import EvidenceError, StorageError
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.graph.job import run_tags
from cpg1_assets.graph.sealed_month import LATE, LATE_AND_SIGNED_OFF, STATEMENTS
from cpg1_assets.jdash.late import files_read
from cpg1_assets.jdash.month import inbox_files
from cpg1_assets.loaded import differing
from cpg1_assets.month import CutoffMonth

_DOWNSTREAM_OF_JDASH = dg.AssetSelection.assets("jdash").downstream()


def jdash_sensor(partitions: dg.PartitionsDefinition[str], deployment: Deployment) -> dg.SensorDefinition:
    """Watch `<inbox>/jdash/<YYYY-MM>/`: one run per state of a month's files, for months already extracted.

    A month whose files are those it was computed from is left alone, and so is a month that has not been extracted
    yet: its close will read the files. For a signed-off month nothing is launched: the tick, a warning in its log and
    a failed check say that a file is late.
    """

    @dg.sensor(
        name="jdash_inbox",
        target=_DOWNSTREAM_OF_JDASH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materializes jdash and what depends on it when a file of an extracted month comes or changes.",
    )
    def jdash_inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        known: dict[str, list[Any]] = json.loads(context.cursor) if context.cursor else {}
        seen: dict[str, list[Any]] = {}
        requests, evaluations, closed = [], [], []
        for key in partitions.get_partition_keys():
            month = CutoffMonth.parse(key)
            try:
                read = files_read(deployment.storage, month)
                files = (
                    _files(deployment, month, lambda path: _hash(path, known, seen))
                    if read is not None
                    else {}
                )
                late = differing(read, files) if read is not None else []
                signed = late and _is_signed_off(deployment, key)
            except (EvidenceError, StorageError) as error:
                # What is damaged in one month must not hide what came in another.
                context.log.warning("%s is not looked at: %s", key, error)
                continue
            if not late:
                continue
            state = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
            if signed:
                closed.append(key)
                if known.get(_told(key)) != [state]:
                    context.log.warning("%s: %s (%s).", key, LATE_AND_SIGNED_OFF, ", ".join(late))
                    evaluations.append(_evaluation(late, key))
                seen[_told(key)] = [state]
                continue
            requests.append(
                dg.RunRequest(run_key=f"jdash/{key}/{state}", partition_key=key, tags=run_tags(deployment))
            )
        skipped = "".join(f"{key}: {LATE_AND_SIGNED_OFF}. " for key in closed)
        skipped += (
            "No file of an extracted month has changed." if not closed else "Nothing is launched for it."
        )
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else skipped,
            asset_events=evaluations,
            cursor=json.dumps(seen),
        )

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


def _told(month: str) -> str:
    """Give the name under which the cursor remembers what was said of a signed-off month: it is said once."""
    return f"signed off/{month}"


def _files(deployment: Deployment, month: CutoffMonth, hashed: Callable[[Path], str]) -> dict[str, str]:
    """Give the files of a month's inbox with their hashes."""
    return {path.name: hashed(path) for path in inbox_files(deployment.home.inbox_folder, month)}


def _is_signed_off(deployment: Deployment, month: str) -> bool:
    return (
        deployment.settings.scope is None
        and signed_off_by(deployment.home.evidence_folder, month) is not None
    )


def _evaluation(late: list[str], month: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(MANIFEST.name),
        check_name=LATE,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=STATEMENTS[LATE],
        metadata={"late": ", ".join(late), "what": LATE_AND_SIGNED_OFF},
        partition=month,
    )
