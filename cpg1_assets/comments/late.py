"""Which comments files of a month are not those that were taken in last: they came, changed or went since."""

from pathlib import Path

from cpg1_assets.comments.month import file_states
from cpg1_assets.loaded import differing
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS
from cpg1_assets.storage.files import ParquetStorage


def comments_not_taken(storage: ParquetStorage, inbox: Path, month: CutoffMonth) -> list[str]:
    """Say of each comments file that is not as it was taken in whether it changed, came or went.

    Empty for a month without open items yet. Raises StorageError where the stored comments are not those that were
    written there, and DataError where the folder may not be listed.
    """
    if not storage.exists(OPEN_ITEM_COMMENTS.name, month.key):
        return []
    _, provenance = storage.provenance(OPEN_ITEM_COMMENTS.name, month.key)
    return differing(provenance.said.get("files", {}), file_states(inbox, month))
