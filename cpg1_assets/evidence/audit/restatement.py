"""Restatement: whether a month's data in storage is still what was sealed, and if not, what came, went and changed.

A seal is never touched by a later run; this says what a later run made of the same month. Nothing here knows
Dagster: storage is asked for an asset's hash and bytes, and nothing else.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from cpg1_assets.errors import StorageError
from cpg1_assets.evidence.audit.differences import KINDS, CompanyTotal, Differences, differences
from cpg1_assets.evidence.chain.seal import SealedVersion, sealed_versions
from cpg1_assets.extracts.contract import Contract
from cpg1_assets.frame import FrameSpec
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.partial import temporary_folder
from cpg1_assets.rules.frames import CHECK_RESULTS, DERIVED_FRAMES, OPEN_ITEM_COMMENTS, OPEN_ITEMS_BEFORE
from cpg1_assets.yaml_file import parse_yaml


class Storage(Protocol):
    """What is asked of the storage; `cpg1_assets.graph.io_manager.ParquetStorage` gives it."""

    def sha256(self, asset: str, month: str) -> str | None:
        """SHA-256 of an asset's file; None where it is not there."""

    def opener(self, asset: str, month: str) -> Callable[[], BinaryIO]:
        """Give a function that opens an asset's file for reading its bytes."""


@dataclass(frozen=True)
class Restatement:
    """How a month in storage differs from its sealed version.

    `assets` has an entry per asset whose rows or columns differ; `absent` names sealed assets that storage no
    longer has. An asset in neither has the same rows, whatever its bytes.
    """

    month: str
    version: int
    assets: tuple[Differences, ...]
    absent: tuple[str, ...]

    @property
    def as_sealed(self) -> bool:
        """Whether the month is what was sealed."""
        return not (self.assets or self.absent)

    def summary(self) -> str:
        """Say it in one line."""
        if self.as_sealed:
            return f"as sealed (version {self.version:03d})"
        told = [f"{found.asset}: {found.summary()}" for found in self.assets]
        told += [f"{asset}: not in storage" for asset in self.absent]
        return f"restated since version {self.version:03d}: " + "; ".join(told)

    def rows(self) -> dict[str, int]:
        """Count the rows that came, went and changed, over all assets."""
        return {kind: sum(getattr(found, kind) for found in self.assets) for kind in KINDS}

    def totals(self) -> list[dict[str, Any]]:
        """Give a row per asset, company, kind and amount: rows and effect on the sum (after less before)."""
        return [
            {
                "asset": found.asset,
                "id_company": total.id_company,
                "kind": total.kind,
                "rows": total.rows,
                "amount": amount,
                "difference": difference,
            }
            for found in self.assets
            for total in found.totals
            for amount, difference in _moved(total)
        ]

    def listed(self) -> list[dict[str, Any]]:
        """Give the first differing rows of each asset, one line of text each for key and values."""
        return [
            {
                "asset": found.asset,
                "kind": change.kind,
                "id_company": change.key.get("id_company"),
                "row": ", ".join(f"{name} {value}" for name, value in change.key.items()),
                "before": _told(change.before),
                "after": _told(change.after),
            }
            for found in self.assets
            for change in found.listed
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "version": self.version,
            "as_sealed": self.as_sealed,
            "summary": self.summary(),
            "rows": self.rows(),
            "absent": list(self.absent),
            "assets": [found.as_dict() for found in self.assets],
        }


def sealed_before(evidence: Path, month: str, run_id: str = "") -> SealedVersion | None:
    """Give the newest sealed version of a month that the run `run_id` did not make; None where there is none.

    Raises EvidenceError when a seal is not the one the chain has a digest of.
    """
    versions = reversed(sealed_versions(evidence, month))
    return next((version for version in versions if version.seal.get("run_id") != run_id), None)


def restatement(
    sealed: SealedVersion, storage: Storage, specs: Mapping[str, FrameSpec], *, shown: int = 20
) -> Restatement:
    """Compare the month's files in `storage` with the sealed version `sealed`.

    `specs` are the frames by asset; at most `shown` rows of each asset are listed, totals count all.
    Raises StorageError or EvidenceError naming a sealed or stored file that cannot be read, or a seal that is
    not the one the chain has a digest of.
    """
    month = sealed.month
    found, absent = [], []
    for asset, sha256 in sorted(sealed.content.items()):
        now = storage.sha256(asset, month)
        if now is None:
            absent.append(asset)
        elif now != sha256:
            # An asset that was taken out of the control since has no key any more: its rows come and go.
            spec = specs.get(asset) or FrameSpec(name=asset, title=asset, key=(), columns=())
            with temporary_folder("restated") as place:
                # A copy: the storage may be remote, and a run may replace the file while it is read.
                copy = place / f"{asset}.parquet"
                with storage.opener(asset, month)() as stream, copy.open("wb") as file:
                    shutil.copyfileobj(stream, file)
                differing = differences(sealed.data(asset), copy, spec, shown=shown)
            if not differing.none:
                found.append(differing)
    return Restatement(month, sealed.version, tuple(found), tuple(absent))


def restated_by(earlier: SealedVersion, later: SealedVersion, specs: Mapping[str, FrameSpec]) -> Restatement:
    """Compare a sealed version with an earlier one: what its sealing restated. As `restatement` otherwise."""
    return restatement(earlier, _Version(later), specs)


def changed_between(earlier: SealedVersion, later: SealedVersion) -> Restatement:
    """Say what changed between any two sealed versions of a month, from what was sealed alone.

    Raises StorageError or EvidenceError as `restatement`, and FileFormatError for a sealed contract that is none.
    """
    return restated_by(earlier, later, _frames_of(later))


def _frames_of(sealed: SealedVersion) -> dict[str, FrameSpec]:
    """Give the frames of a version: those of its sealed contracts, and those that rules give."""
    contracts = [
        parse_yaml(sealed.document(f"queries/{name}"), Contract, name=str(sealed.folder / "queries" / name))
        for name in sorted(
            PurePosixPath(row.path).name
            for row in sealed.manifest()
            if row.kind == "query" and row.path.endswith(".yaml")
        )
    ]
    ours = (JDASH, OPEN_ITEMS_BEFORE, OPEN_ITEM_COMMENTS, *DERIVED_FRAMES, CHECK_RESULTS)
    return {spec.name: spec for spec in (*ours, *contracts)}


class _Version:
    """A sealed version where a storage is asked for."""

    def __init__(self, version: SealedVersion) -> None:
        self._version = version

    def sha256(self, asset: str, month: str) -> str | None:
        if month != self._version.month:
            return None
        found: str | None = self._version.content.get(asset)
        return found

    def opener(self, asset: str, month: str) -> Callable[[], BinaryIO]:
        if month != self._version.month:
            raise StorageError(f"{self._version.folder} is a seal of {self._version.month}, not of {month}.")
        return lambda: self._version.data(asset).open("rb")


def _moved(total: CompanyTotal) -> list[tuple[str | None, str | None]]:
    """Give the amounts whose sum the rows change; where they change none, one entry without an amount."""
    moved = [(name, value) for name, value in total.amounts.items() if Decimal(value)]
    return [*moved] or [(None, None)]


def _told(values: Mapping[str, str | None]) -> str | None:
    return ", ".join(f"{name}: {value}" for name, value in values.items()) or None
