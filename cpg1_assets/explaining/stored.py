"""What of a month is read from storage to explain it, and what has to be said of it: sealed or not, older or not."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow.dataset as ds

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import EvidenceError, MonthError
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import sign_offs
from cpg1_assets.month import FIRST_MONTH, CutoffMonth
from cpg1_assets.rules.frames import (
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEM_SUGGESTIONS,
    OPEN_ITEMS,
    RECONCILIATION,
)

_SHOWN = (RECONCILIATION.name, OPEN_ITEM_MATCHES.name, OPEN_ITEMS.name)


@dataclass(frozen=True)
class StoredMonth:
    """One month of a deployment as it lies in storage."""

    deployment: Deployment
    month: CutoffMonth

    def require(self) -> None:
        """Raise MonthError where the month has no reconciliation, or none that was taken apart into items."""
        storage, key = self.deployment.storage, self.month.key
        if not storage.exists(RECONCILIATION.name, key):
            raise MonthError(f"{key} has not been closed. Close it with: cpg1 close --month {key}")
        if not all(storage.exists(asset, key) for asset in _SHOWN):
            raise MonthError(
                f"The variances of {key} have not been taken apart into items: it was closed before there were any, or "
                f"only a part of it was materialized. Close it again with: cpg1 close --month {key}"
            )

    def dataset(self, asset: str) -> ds.Dataset:
        """Open a frame lazily. Raises StorageError where it is not there, or not what was written there."""
        return self.deployment.storage.dataset(asset, self.month.key)

    def rows(self, asset: str) -> list[dict[str, Any]]:
        """Read a small frame. Raises as `dataset`."""
        return self.deployment.storage.rows(asset, self.month.key)

    def rows_if_there(self, asset: str) -> list[dict[str, Any]]:
        """Read a small frame that a month need not have, as one that was materialized in part. Raises as `dataset`."""
        return self.rows(asset) if self.deployment.storage.exists(asset, self.month.key) else []

    @cached_property
    def comments(self) -> dict[str, dict[str, Any]]:
        """What people said of the items, by item; nothing where no comments were taken in."""
        return {row["item"]: row for row in self.rows_if_there(OPEN_ITEM_COMMENTS.name)}

    def with_comment(self, item: dict[str, Any]) -> dict[str, Any]:
        """Give an item with what people said of it, nulls where nobody did."""
        said = self.comments.get(item["item"], {})
        return item | {name: said.get(name) for name in ("comment", "owner", "confirmed_cause")}

    @property
    def notes(self) -> list[str]:
        """Say what a person must know beside the figures: of which version they are, and whether they belong together."""
        return [*self._older(), self._seal()]

    def _older(self) -> Iterator[str]:
        storage, key = self.deployment.storage, self.month.key
        for asset in (OPEN_ITEMS.name, OPEN_ITEM_SUGGESTIONS.name):
            if not storage.exists(asset, key):
                continue
            inputs = storage.provenance(asset, key)[1].inputs
            others = [
                name
                for name in (*_SHOWN, OPEN_ITEMS.name)
                if name in inputs and inputs[name] != storage.sha256(name, key)
            ]
            if others:
                yield (
                    f"{asset} of {key} was computed from other files of {', '.join(dict.fromkeys(others))} than are there "
                    f"now. Close the month again: cpg1 close --month {key}"
                )

    def _seal(self) -> str:
        if self.deployment.settings.scope is not None:
            return "Not sealed: a narrowed scope does not count as the control."
        evidence, key = self.deployment.home.evidence_folder, self.month.key
        try:
            sealed = latest_seal(evidence, key)
            if sealed is None:
                return "Not sealed."
            content = sealed.seal["content"]
            others = [
                asset for asset in _SHOWN if content.get(asset) != self.deployment.storage.sha256(asset, key)
            ]
            sentence = sign_offs(evidence, key).sentence
        except EvidenceError as error:
            return f"Whether this is what was sealed cannot be told: {error}"
        if others:
            return f"{sentence} What is shown is NOT what was sealed: {', '.join(others)} differ."
        return sentence


def stored_months(deployment: Deployment, last: CutoffMonth) -> list[CutoffMonth]:
    """Give the months up to `last` that were taken apart into items, in order."""
    found = []
    month = CutoffMonth.parse(FIRST_MONTH)
    while month <= last:
        with suppress(MonthError):
            StoredMonth(deployment, month).require()
            found.append(month)
        month = month.next()
    return found
