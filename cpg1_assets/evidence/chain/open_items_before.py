"""The open items of the month before, read from its newest sealed version, and whether that was sealed again since.

What became of them is a rule's business (`open_item_changes`). Source of the rule: Open items ("Derived assets").
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets.evidence.chain.seal import SealedVersion, latest_seal, version_name
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.frames import (
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    OPEN_ITEMS_BEFORE,
    RECONCILIATION,
)
from cpg1_assets.rules.open_items_before import open_items_before
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.validation import Validation

VALIDATIONS = {
    "month_before_as_sealed": "The open items of the month before are those of its newest seal, as it was sealed.",
}
"""The validation of what was read, by name, with what it says."""

_READ = (RECONCILIATION.name, OPEN_ITEMS.name, OPEN_ITEM_MATCHES.name, OPEN_ITEM_COMMENTS.name)


class Before(NamedTuple):
    """What is known of the month before: its rows as OPEN_ITEMS_BEFORE, and whether they are to be relied on.

    `seal` names the sealed version that they come from, None where there is none.
    """

    rows: pa.Table | duckdb.DuckDBPyRelation
    validation: Validation
    seal: Mapping[str, str | int] | None


def before(evidence: Path, month: CutoffMonth) -> Before:
    """Read what was open at the end of the month before `month`, from its newest seal. Nothing is raised of a damaged one.

    There are no rows where that month was never sealed, was sealed before there were open items, or is not as it was
    sealed; the validation says which.
    """
    ((name, statement),) = VALIDATIONS.items()
    nothing = OPEN_ITEMS_BEFORE.arrow_schema.empty_table()
    earlier = month.previous().key
    try:
        read_chain(evidence)  # what a damaged chain names as newest need not be it
        sealed = latest_seal(evidence, earlier)
        if sealed is None or not _has_open_items(sealed):
            why = (
                "was never sealed" if sealed is None else f"was sealed without open items ({_named(sealed)})"
            )
            figures = {"compared_with": f"nothing: {earlier} {why}"}
            return Before(nothing, Validation.untested(name, statement, figures), None)
        seal: dict[str, str | int] = {
            "sealed_month": earlier,
            "sealed_version": sealed.version,
            "seal_digest": sealed.link.digest,
        }
        frames = {asset: opened_parquet(str(sealed.data(asset))) for asset in _READ}
        rows = open_items_before(
            **frames,
            sealed_month=earlier,
            sealed_version=sealed.version,
            seal_digest=sealed.link.digest,
        )
    except EvidenceError as error:
        problems = [{"message": str(error)}]
        return Before(
            nothing,
            Validation(
                name, statement, passed=False, figures={"compared_with": "nothing", "problems": problems}
            ),
            None,
        )
    figures = {"compared_with": _named(sealed), "seal_digest": sealed.link.digest}
    return Before(rows, Validation(name, statement, passed=True, figures=figures), seal)


def sealed_since(evidence: Path, storage: ParquetStorage, month: CutoffMonth) -> list[str]:
    """Say where the month before `month` was sealed since its open items were drawn; empty where it was not.

    Also empty where nothing was drawn yet, as of a month computed before there were open items. Raises EvidenceError
    where the seal cannot be read, and StorageError where what was drawn cannot.
    """
    name = OPEN_ITEMS_BEFORE.name
    if not storage.exists(name, month.key):
        return []
    seals = storage.table(name, month.key, ["sealed_version", "seal_digest"]).to_pylist()
    sealed = latest_seal(evidence, month.previous().key)
    if sealed is None or not _has_open_items(sealed):
        return []
    if seals and seals[0]["seal_digest"] == sealed.link.digest:
        return []
    compared = f"version {version_name(seals[0]['sealed_version'])}" if seals else "nothing"
    return [f"{_named(sealed)} was sealed since; {month.key} was compared with {compared}"]


def _has_open_items(sealed: SealedVersion) -> bool:
    return set(_READ) <= set(sealed.assets)


def _named(sealed: SealedVersion) -> str:
    return f"{sealed.month}, version {version_name(sealed.version)}"
