"""Which JDash files are not those a month was computed from: they came, changed or went since."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from cpg1_assets.jdash.month import JDASH, inbox_files
from cpg1_assets.loaded import differing
from cpg1_assets.month import CutoffMonth
from cpg1_assets.storage.files import ParquetStorage


def files_read(storage: ParquetStorage, month: CutoffMonth) -> Mapping[str, str] | None:
    """Give the SHA-256 of each file the month's `jdash` was read from, by name; None where nobody says so.

    Raises StorageError where the stored file is not the one that was written there.
    """
    if not storage.exists(JDASH.name, month.key):
        return None
    _, provenance = storage.provenance(JDASH.name, month.key)
    files: Mapping[str, str] | None = None if provenance is None else provenance.said.get("files")
    return files


def late_files(
    storage: ParquetStorage,
    inbox: Path,
    month: CutoffMonth,
    hashed: Callable[[Path], str] = lambda path: hashlib.sha256(path.read_bytes()).hexdigest(),
) -> list[str]:
    """Say of each file in the inbox that is not as it was read whether it changed, came or went.

    Empty for a month that was not computed yet, or of which nobody says what it was read from.
    Raises StorageError as `files_read`.
    """
    read = files_read(storage, month)
    return (
        []
        if read is None
        else differing(read, {path.name: hashed(path) for path in inbox_files(inbox, month)})
    )
