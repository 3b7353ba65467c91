"""What the command line remembers of each close: `<place>/closes/<YYYY-MM>.json`, written whole or not at all.

It lets a backfill skip a month closed from the same inputs, and `cpg1 status` answer without Dagster. It is
a convenience, not evidence.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cpg1_assets.closing.check_standing import IS_CLOSED
from cpg1_assets.deployment import Deployment
from cpg1_assets.disk import write_whole
from cpg1_assets.errors import DataError, EvidenceError, StorageError, shown
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.home import Home
from cpg1_assets.inbox.folder import listed, states
from cpg1_assets.jdash.month import month_folder
from cpg1_assets.json_file import read_object
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


class _Line(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    id_company: str
    line: str
    status: str


class _Check(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    asset: str
    check: str
    severity: str
    statement: str
    tested: bool = True
    found: list[str] = Field(default_factory=list)


class _Record(BaseModel):
    """What a record must say to be one; it may say more."""

    model_config = ConfigDict(extra="allow", strict=True)

    exit_status: int
    month: str | None = None
    run_id: str = ""
    evidence: str = ""
    lines: list[_Line] = Field(default_factory=list)
    failed_checks: list[_Check] = Field(default_factory=list)
    untested_checks: list[_Check] = Field(default_factory=list)
    failures: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    files: dict[str, str] = Field(default_factory=dict)
    inputs: str = ""
    deciding_inputs: str = ""


def read_record(settings: Settings, month: CutoffMonth) -> dict[str, Any] | None:
    """Give what the last close of a month came to; None where there was none.

    Raises StorageError naming the record where it cannot be read or is not one of this month.
    """
    path = record_path(settings, month)
    try:
        record = read_object(path)
        _require_record(record, month)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}, the record of the last close of {month.key}, cannot be read ({_why(error)}). Take it away, or close "
            f"the month again: cpg1 close --month {month.key}"
        ) from error
    return record


def _digest(record: dict[str, Any]) -> str:
    return digest_of({"record": json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode()})


def _require_record(record: dict[str, Any], month: CutoffMonth) -> None:
    # Earlier versions wrote no digest.
    if record.pop("digest", None) not in (None, _digest(record)):
        raise ValueError("it is not what was written")
    if _Record.model_validate(record).month not in (None, month.key):
        raise ValueError(f"it is of {shown(record['month'])}")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    return str(getattr(error, "strerror", None) or error)


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
        files = states(listed(month_folder(deployment.home.inbox_folder, month)).paths)
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
    record = None
    with suppress(StorageError):  # the close writes it anew
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
