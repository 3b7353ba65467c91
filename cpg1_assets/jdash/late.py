"""Which JDash files are not those a month was computed from: they came, changed or went since."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cpg1_assets.inbox.folder import Hashes, is_left_alone, listed, states
from cpg1_assets.jdash.month import JDASH, month_folder
from cpg1_assets.loaded import differing
from cpg1_assets.month import CutoffMonth
from cpg1_assets.storage.files import ParquetStorage


@dataclass(frozen=True)
class InboxStanding:
    """The files of a month as they are and as the stored `jdash` was read from them: SHA-256 by name, as in JdashMonth.

    `stored` is the SHA-256 of that `jdash`.
    """

    now: Mapping[str, str]
    read: Mapping[str, str]
    stored: str

    @cached_property
    def late(self) -> list[str]:
        """Say of each file that is not as it was read whether it changed, came or went."""
        return differing(self.read, self.now)

    @cached_property
    def state(self) -> str:
        """Digest of the files as they are: the same files give the same, in whatever order they came."""
        return hashlib.sha256(json.dumps(self.now, sort_keys=True).encode()).hexdigest()[:16]


def inbox_standing(
    storage: ParquetStorage, inbox: Path, month: CutoffMonth, hashes: Hashes | None = None
) -> InboxStanding | None:
    """Compare the inbox with what the stored `jdash` was made from; None where there is none, or nobody says.

    `hashes` spares reading files again. Raises StorageError where the stored file is not the one that was written
    there, and DataError where the month's folder may not be listed.
    """
    if not storage.exists(JDASH.name, month.key):
        return None
    sha256, provenance = storage.provenance(JDASH.name, month.key)
    files: Mapping[str, str] | None = provenance.said.get("files")
    if files is None:
        return None
    # Earlier versions read some of what is now left alone.
    read = {name: known for name, known in files.items() if not is_left_alone(name)}
    return InboxStanding(states(listed(month_folder(inbox, month)).paths, hashes), read, sha256)


def late_files(storage: ParquetStorage, inbox: Path, month: CutoffMonth) -> list[str]:
    """Say of each file in the inbox that is not as it was read whether it changed, came or went.

    Empty for a month that was not computed yet, or of which nobody says what it was read from. Raises as
    `inbox_standing`.
    """
    standing = inbox_standing(storage, inbox, month)
    return [] if standing is None else standing.late
