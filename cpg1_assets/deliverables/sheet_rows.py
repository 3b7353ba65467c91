"""The rows of the open items sheet as a sealed version has them, in and out: no library of workbooks is needed for them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from babel.numbers import get_currency_precision

from cpg1_assets.comments.open_items_sheet import COLUMNS, EDITABLE, Mark, cells_of
from cpg1_assets.comments.workbook import Comments, MadeOf
from cpg1_assets.errors import DataError, EvidenceError
from cpg1_assets.evidence.chain.items_to_comment import items_to_comment
from cpg1_assets.evidence.chain.seal import SealedVersion, sealed_versions
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.inbox.given_cells import Value, given_number
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.frames import (
    OPEN_ITEM_CHANGES,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    RECONCILIATION,
)
from cpg1_assets.rules.open_items_sheet import open_items_sheet

INPUTS = (OPEN_ITEMS.name, OPEN_ITEM_MATCHES.name, OPEN_ITEM_CHANGES.name, OPEN_ITEM_COMMENTS.name)
"""The assets that the sheet is made of; a version that was sealed without one of them has no such sheet."""
TOTALLED = ("unexplained", "nav_amount", "target_amount", "difference", "bridge_amount")
"""The columns that are added up, LCY."""
_BATCH = 4_096


@dataclass(frozen=True)
class Currencies:
    """In which currency each company keeps its books, by company; None where that is not known."""

    of: Mapping[str, str | None]

    @classmethod
    def of_sealed(cls, sealed: SealedVersion) -> "Currencies":
        """Tell the currencies of the companies of a version from their countries."""
        rows = sealed.table(RECONCILIATION.name, ["id_company", "country_code"]).to_pylist()
        return cls(
            {row["id_company"]: company_currency(row["id_company"], row["country_code"]) for row in rows}
        )

    def decimals(self, company: object) -> int:
        """Give how many decimals a company's amounts are usually shown with."""
        currency = self.of.get(str(company))
        return 2 if currency is None else int(get_currency_precision(currency))


class ItemsOfLine(NamedTuple):
    """What the open items of a company's line come to: how many, how many lack the comment they need, sums in LCY."""

    number: int
    missing: int
    sums: Mapping[str, Decimal]
    """By column."""


@dataclass(frozen=True)
class SheetRows:
    """The rows of the open items sheet as a version has them, and what they come to by company and line, in order."""

    relation: duckdb.DuckDBPyRelation
    lines: Mapping[tuple[str, str], ItemsOfLine]
    are_numbers: bool
    """Whether each amount in them is one that a cell keeps as a number."""

    def cells(self) -> Iterator[tuple[Value, ...]]:
        """Give the cells of each row."""
        return cells_of(self.relation.to_arrow_reader(_BATCH))

    @property
    def counts(self) -> dict[str, int]:
        """How many items each company has."""
        found: dict[str, int] = defaultdict(int)
        for (company, _), line in self.lines.items():
            found[company] += line.number
        return dict(found)

    def total(self, companies: Collection[str], name: str) -> Decimal:
        """Add up a column of some companies' items, LCY."""
        own = (line.sums[name] for (company, _), line in self.lines.items() if company in companies)
        return sum(own, Decimal(0))


def sheet_rows(sealed: SealedVersion) -> SheetRows:
    """Give the rows of the open items sheet of a version. Raises EvidenceError where it is not as it was sealed."""
    asked = items_to_comment(sealed)
    relation = open_items_sheet(
        *(opened_parquet(str(sealed.data(asset))) for asset in INPUTS),
        asked=asked.items,
        currencies=Currencies.of_sealed(sealed).of,
    )
    items = sealed.table(OPEN_ITEMS.name, ["id_company", "line", "item", *TOTALLED])
    lacking = pa.array(sorted(set(asked.items) - asked.commented), pa.string())
    missing = pc.cast(pc.is_in(items["item"], value_set=lacking), pa.int64())
    grouped = items.append_column("missing", missing).group_by(["id_company", "line"], use_threads=False)
    found = grouped.aggregate(
        [
            ([], "count_all"),
            ("missing", "sum"),
            *((name, how) for name in TOTALLED for how in ("sum", "min", "max")),
        ]
    )
    rows = sorted(found.to_pylist(), key=lambda row: (row["id_company"], row["line"]))
    edges = (row[f"{name}_{how}"] for row in rows for name in TOTALLED for how in ("min", "max"))
    return SheetRows(
        relation,
        {
            (row["id_company"], row["line"]): ItemsOfLine(
                row["count_all"], row["missing_sum"], {name: row[f"{name}_sum"] for name in TOTALLED}
            )
            for row in rows
        },
        are_numbers=not any(isinstance(given_number(edge), str) for edge in edges),
    )


def version_made_of(evidence: Path, month: CutoffMonth, mark: Mark) -> MadeOf:
    """Find the sealed version that a workbook was made of. Raises DataError where there is none that its mark names."""
    try:
        versions = sealed_versions(evidence, month.key)
        named = [each for each in versions if (each.version, each.link.digest) == (mark.version, mark.digest)]
        if not named:
            newest = (
                f"The newest there is {versions[-1].version}" if versions else f"{month.key} is not sealed"
            )
            raise DataError(
                f"The workbook was made of version {mark.version} of {mark.month} with the seal {mark.digest}, which "
                f"is not in the chain here. {newest}. Take the newest workbook, and write the comments into that one."
            )
        item = list(COLUMNS).index("item")
        return MadeOf(
            version=mark.version,
            cells={str(cells[item]): cells for cells in sheet_rows(named[0]).cells()},
            newest=versions[-1].version,
            said=_said(named[0]),
            said_since=_said(versions[-1]),
        )
    except EvidenceError as error:
        raise DataError(f"What the workbook was made of cannot be read: {error}") from error


def _said(sealed: SealedVersion) -> Comments:
    names = ["item", *EDITABLE]
    return {
        row["item"]: (row["comment"], row["owner"], row["confirmed_cause"])
        for row in sealed.table(OPEN_ITEM_COMMENTS.name, names).to_pylist()
    }
