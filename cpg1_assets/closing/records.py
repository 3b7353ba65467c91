"""What the command line remembers of each close: `<place>/closes/<YYYY-MM>.json`, written whole or not at all.

It lets a backfill skip a month closed from the same inputs, and `cpg1 status` answer without Dagster. It is
a convenience, not evidence.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpg1_assets.closing.check_standing import IS_CLOSED
from cpg1_assets.deployment import Deployment
from cpg1_assets.disk import write_whole
from cpg1_assets.errors import DataError, EvidenceError
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.home import Home
from cpg1_assets.jdash.inbox import listed, states
from cpg1_assets.loaded import digest_of
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


def record_path(settings: Settings, month: CutoffMonth) -> Path:
    """Give the place of a month's record."""
    return Home(settings).place / "closes" / f"{month.key}.json"


def write_record(settings: Settings, month: CutoffMonth, record: dict[str, Any]) -> None:
    """Keep what a close came to, with a digest of it: it says figures, which are shown again."""
    said = json.dumps({**record, "digest": _digest(record)}, indent=2, ensure_ascii=False) + "\n"
    write_whole(record_path(settings, month), said.encode())


def read_record(settings: Settings, month: CutoffMonth) -> dict[str, Any] | None:
    """Give what the last close of a month came to; None where there was none, or its record is damaged."""
    try:
        record: dict[str, Any] = json.loads(record_path(settings, month).read_text(encoding="utf-8"))
        # Earlier versions wrote none.
        is_whole = record.pop("digest", None) in (None, _digest(record))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return record if is_whole else None


def _digest(record: dict[str, Any]) -> str:
    return digest_of({"record": json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode()})


def inputs_fingerprint(deployment: Deployment, month: CutoffMonth, *, deciding_only: bool = False) -> str:
    """Digest of all that a close of `month` works from, as far as it can be known without reading the source.

    The control version with its commit and whether the tree was clean, the scope, the JDash files, which source and
    which storage, and, where the source can tell its state (the sample books can), that state. `deciding_only` leaves
    out what decides no figure: the commit, the state of the tree, and where the storage is.
    """
    version = deployment.version
    parts = {
        "control version": version.digest.encode(),
        "month": month.key.encode(),
        "source": json.dumps(deployment.source.identity().as_dict()).encode(),
        "scope": repr(deployment.scope).encode(),
    }
    if not deciding_only:
        parts["version"] = json.dumps(version.as_dict()).encode()
        parts["storage"] = deployment.home.storage_url.encode()
    try:
        files = states(listed(deployment.home.inbox_folder, month).paths)
    except DataError as error:
        parts["inbox"] = str(error).encode()
    else:
        parts |= {f"file {name}": state.encode() for name, state in files.items()}
    return digest_of(parts)


def is_closed_from_the_same(deployment: Deployment, month: CutoffMonth) -> bool:
    """Whether the month was closed from the inputs that are there now, and is still what that close left.

    Its files are in storage as they were and, of the control's own scope, sealed. A month that is signed off is asked
    only what decides its figures: it stays closed when another commit of the same rules is installed.
    """
    record = read_record(deployment.settings, month)
    if record is None or record.get("exit_status") not in IS_CLOSED:
        return False
    files: dict[str, str] = record.get("files", {})
    if not files or any(deployment.storage.sha256(asset, month.key) != sha for asset, sha in files.items()):
        return False
    whole = deployment.settings.scope is None
    evidence = deployment.home.evidence_folder
    try:
        if whole and not _is_sealed(evidence, month, files):
            return False
        if record.get("inputs") == inputs_fingerprint(deployment, month):
            return True
        signed = whole and signed_off_by(evidence, month.key) is not None
    except EvidenceError:
        return False
    deciding = record.get("deciding_inputs")
    return signed and deciding == inputs_fingerprint(deployment, month, deciding_only=True)


def _is_sealed(evidence: Path, month: CutoffMonth, files: Mapping[str, str]) -> bool:
    """Whether the newest seal of the month holds these files, by asset; the manifest is the seal's own."""
    sealed = latest_seal(evidence, month.key)
    own = {asset: sha256 for asset, sha256 in files.items() if asset != MANIFEST.name}
    return sealed is not None and own == sealed.seal["content"]
