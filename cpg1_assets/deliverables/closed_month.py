"""A month as one sealed version and the chain have it: what every deliverable is made from.

Read from the evidence folder alone, so a copy of it gives the same. Each file is compared with the digest that was
sealed before it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import SEAL, Link, anchor_of, read_chain
from cpg1_assets.evidence.chain.seal import CONTEXT_FILE, CONTROL, SealedVersion, versions_in
from cpg1_assets.evidence.chain.sign_off import SigningStanding, signing_standing
from cpg1_assets.json_file import parse_json
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.engine import Frame
from cpg1_assets.rules.explained_lines import ExplainedLine, commented_items, explained_lines
from cpg1_assets.rules.frames import (
    CHECK_RESULTS,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    RECONCILIATION,
)
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.not_computed import why_not_computed
from cpg1_assets.yaml_file import parse_yaml

LARGEST = 50
"""How many open items `lines` gives of each company and line; `open_items` gives all."""
_TAKEN_APART = (OPEN_ITEMS, OPEN_ITEM_MATCHES, OPEN_ITEM_COMMENTS)


@dataclass(frozen=True)
class ClosedMonth:
    """One sealed version of a month with what the chain says of it. Open one with `closed_month`.

    `head` is the newest link of the chain it was read from. What an older seal does not hold, `lacks` names: its rows
    are then not asked for, and whoever shows the month says so.
    """

    evidence: Path
    sealed: SealedVersion
    month: CutoffMonth
    signing: SigningStanding
    links: tuple[Link, ...]

    @property
    def head(self) -> str:
        """The anchor of the chain's newest link: the month as told is what the chain said up to it."""
        return anchor_of(self.links[-1])

    @property
    def marks(self) -> str:
        """What a title has to say of its figures: SAMPLE BOOKS where they are simulated, nothing where they are real."""
        books = str(self.sealed.seal.get("books") or "")
        return "" if books == "SQL Server" else books.upper()

    @property
    def control(self) -> str:
        """The control, as the seal names it."""
        return str(self.sealed.seal.get("control", CONTROL))

    @cached_property
    def context(self) -> dict[str, Any]:
        """What the run said of itself and was sealed with: the source, above all. Raises EvidenceError as `rules`."""
        said: dict[str, Any] = parse_json(self.sealed.document(CONTEXT_FILE))
        return said

    def has(self, asset: str) -> bool:
        """Whether the version was sealed with an asset."""
        return asset in self.sealed.seal["content"]

    @property
    def lacks(self) -> tuple[str, ...]:
        """Name what is told of a month and this version was sealed without, as it was made before there was any."""
        told = (*_TAKEN_APART, CHECK_RESULTS)
        return tuple(spec.name for spec in told if not self.has(spec.name))

    @property
    def is_taken_apart(self) -> bool:
        """Whether the variances were taken apart into open items before the version was sealed."""
        return all(self.has(spec.name) for spec in _TAKEN_APART)

    def dataset(self, asset: str) -> ds.Dataset:
        """Open the sealed rows of an asset lazily. Raises EvidenceError where it was not sealed, or is not what was."""
        return opened_parquet(str(self.sealed.data(asset)))

    def rows(self, asset: str) -> list[dict[str, Any]]:
        """Read a small asset: amounts as decimals, dates as dates. Raises as `dataset`."""
        found: list[dict[str, Any]] = self.dataset(asset).to_table().to_pylist()
        return found

    @cached_property
    def rules(self) -> Lines:
        """The lines of the reconciliation as they were sealed: accounts, targets, bridges."""
        name = "lines.yaml"
        where = str(self.sealed.folder / "rules" / name)
        return parse_yaml(self.sealed.rule_file(name), Lines, name=where)

    @cached_property
    def reconciliation(self) -> list[dict[str, Any]]:
        """Every row of the sealed reconciliation, by company and line."""
        return self.rows(RECONCILIATION.name)

    @cached_property
    def lines(self) -> list[ExplainedLine]:
        """Every company's line taken apart, the most urgent first, each with its LARGEST open items and their comments.

        Where the version was sealed before variances were taken apart (`is_taken_apart`), no line has an item and
        all that is unexplained has no cause.
        """
        frames = [self._taken_apart(spec.name) for spec in _TAKEN_APART]
        return explained_lines(
            self.dataset(RECONCILIATION.name),
            *frames,
            asked=self.reconciliation,
            why=self._why(),
            most=LARGEST,
        )

    def open_items(self) -> duckdb.DuckDBPyRelation:
        """Give all open items with their comments, lazily: there may be millions. Rows as OPEN_ITEMS_COMMENTED.

        By company, line and item. Empty where the version was sealed before there were any (`is_taken_apart`).
        """
        items, _, comments = [self._taken_apart(spec.name) for spec in _TAKEN_APART]
        return commented_items(items, comments)

    @cached_property
    def checks(self) -> list[dict[str, Any]]:
        """Every sealed check result, by asset and check. Raises EvidenceError where none were sealed (`lacks`)."""
        return self.rows(CHECK_RESULTS.name)

    @property
    def earlier(self) -> list["ClosedMonth"]:
        """The months before this one that the chain has seals of, in calendar order, each in its newest version."""
        keys = sorted({str(link.body.get("month")) for link in self.links if link.kind == SEAL})
        return [_closed(self.evidence, key, self.links) for key in keys if key < self.month.key]

    def _taken_apart(self, asset: str) -> Frame:
        if self.is_taken_apart:
            return self.dataset(asset)
        (spec,) = (spec for spec in _TAKEN_APART if spec.name == asset)
        return spec.arrow_schema.empty_table()

    def _why(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        inputs = {name: self.dataset(name) for name in (RECONCILIATION.name, "cr_04", "ipe_08", "jdash")}
        return why_not_computed(self.reconciliation, **inputs, month=self.month, lines=self.rules)


def closed_month(evidence: Path, month: CutoffMonth, version: int | None = None) -> ClosedMonth:
    """Open a sealed version of a month in an evidence folder, the newest unless `version` says which.

    Raises EvidenceError where the month, or this version of it, was never sealed, saying what to do, and where the chain is
    damaged or the seal is not the one that the chain has a digest of.
    """
    return _closed(evidence, month.key, tuple(read_chain(evidence)), version)


def _closed(evidence: Path, key: str, links: tuple[Link, ...], version: int | None = None) -> ClosedMonth:
    versions = [each for each in versions_in(links, evidence, key) if version in (None, each.version)]
    if not versions and version is not None:
        raise EvidenceError(f"{key} has no version {version} in {evidence}.")
    if not versions:
        raise EvidenceError(
            f"{key} is not sealed in {evidence}, so there is nothing to show of it. Close it with: "
            f"cpg1 close --month {key}"
        )
    return ClosedMonth(evidence, versions[-1], CutoffMonth.parse(key), signing_standing(links, key), links)
