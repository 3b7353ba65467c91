"""What the command line remembers of each close: `<place>/closes/<YYYY-MM>.json`, written whole or not at all.

It lets a backfill skip a month closed from the same inputs, and `cpg1 status` answer without Dagster. It is
a convenience, not evidence.
"""

import json
import os
from pathlib import Path
from typing import Any

from cpg1_assets.closing.check_standing import IS_CLOSED
from cpg1_assets.deployment import Deployment
from cpg1_assets.home import Home
from cpg1_assets.jdash.month import inbox_files
from cpg1_assets.loaded import digest_of
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


def record_path(settings: Settings, month: CutoffMonth) -> Path:
    """Give the place of a month's record."""
    return Home(settings).place / "closes" / f"{month.key}.json"


def write_record(settings: Settings, month: CutoffMonth, record: dict[str, Any]) -> None:
    """Keep what a close came to."""
    path = record_path(settings, month)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def read_record(settings: Settings, month: CutoffMonth) -> dict[str, Any] | None:
    """Give what the last close of a month came to; None where there was none, or its record is damaged."""
    try:
        record: dict[str, Any] = json.loads(record_path(settings, month).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record


def inputs_fingerprint(deployment: Deployment, month: CutoffMonth) -> str:
    """Digest of all that a close of `month` works from, as far as it can be known without reading the source.

    The control version with its commit and whether the tree was clean, the scope, the JDash files, which source, and,
    where the source can tell its state (the sample books can), that state.
    """
    parts = {
        "version": json.dumps(deployment.version.as_dict()).encode(),
        "month": month.key.encode(),
        "storage": deployment.home.storage_url.encode(),
        "source": json.dumps(deployment.source.identity().as_dict()).encode(),
        "scope": repr(deployment.scope).encode(),
    }
    for path in inbox_files(deployment.home.inbox_folder, month):
        parts[f"file {path.name}"] = path.read_bytes()
    return digest_of(parts)


def is_closed_from(deployment: Deployment, month: CutoffMonth, fingerprint: str) -> bool:
    """Whether the month was closed from these inputs and its files are still in storage as they were."""
    record = read_record(deployment.settings, month)
    if record is None or record.get("inputs") != fingerprint or record.get("exit_status") not in IS_CLOSED:
        return False
    files: dict[str, str] = record.get("files", {})
    return bool(files) and all(
        deployment.storage.sha256(asset, month.key) == sha for asset, sha in files.items()
    )
