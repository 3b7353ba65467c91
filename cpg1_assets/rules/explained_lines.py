"""Lines of the reconciliation taken apart: what agrees, the open items, and totals that tie to the line.

For whoever tells a person of a line, from frames that are handed in: as they lie in storage, or as they were sealed.
Nothing here computes a figure of the control.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from cpg1_assets.frame import columns, columns_named
from cpg1_assets.rules.engine import Frame, Input, run, to_table
from cpg1_assets.rules.frames import (
    ITEMS_AND_WHAT_AGREES,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    OPEN_ITEMS_COMMENTED,
)
from cpg1_assets.rules.named_variance import NamedVariance, named_variances

_STATUSES = ("VARIANCE_DETECTED", "EXPLAINED", "NOT_COMPUTED", "RECONCILED")
_ITEMS = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("item", "text"),
    ("nav_amount", "amount"),
    ("target_amount", "amount"),
)
_MATCHES = columns_named(OPEN_ITEM_MATCHES, "id_company", "line", "side", "amount", "item")
_COMMENTS = columns_named(OPEN_ITEM_COMMENTS, "item", "comment", "owner", "confirmed_cause")

TOTALS = r"""
WITH agreed AS (
    SELECT
        id_company, line,
        count(*) FILTER (side = 'NAV') AS nav_entries,
        count(*) FILTER (side = 'TARGET') AS target_rows,
        sum(amount) FILTER (side <> 'TARGET') AS nav_amount,
        sum(amount) FILTER (side = 'TARGET') AS target_amount
    FROM open_item_matches
    ANTI JOIN open_items USING (id_company, line, item)
    SEMI JOIN asked USING (id_company, line)
    GROUP BY id_company, line
),
in_items AS (
    SELECT id_company, line, sum(nav_amount) AS item_nav_amount, sum(target_amount) AS item_target_amount
    FROM open_items
    SEMI JOIN asked USING (id_company, line)
    GROUP BY id_company, line
)

SELECT
    asked.id_company, asked.line,
    coalesce(agreed.nav_entries, 0) AS nav_entries, coalesce(agreed.target_rows, 0) AS target_rows,
    coalesce(agreed.nav_amount, 0) AS nav_amount, coalesce(agreed.target_amount, 0) AS target_amount,
    coalesce(in_items.item_nav_amount, 0) AS item_nav_amount,
    coalesce(in_items.item_target_amount, 0) AS item_target_amount
FROM asked
LEFT JOIN agreed USING (id_company, line)
LEFT JOIN in_items USING (id_company, line)
"""

COMMENTED = r"""
SELECT
    open_items.*, open_item_comments.comment, open_item_comments.owner, open_item_comments.confirmed_cause
FROM open_items
LEFT JOIN open_item_comments USING (item)
QUALIFY (SELECT items FROM most) IS NULL OR row_number() OVER (
    PARTITION BY open_items.id_company, open_items.line
    ORDER BY abs(open_items.unexplained) DESC, abs(open_items.difference) DESC, open_items.item
) <= (SELECT items FROM most)
"""


@dataclass(frozen=True)
class Totals:
    """What rows come to, LCY, debit positive: the figures of a line under the reconciliation's names."""

    actual: Decimal
    target_value: Decimal
    variance: Decimal
    bridges: Decimal
    unexplained: Decimal


@dataclass(frozen=True)
class ExplainedLine:
    """One company's line taken apart.

    `figures` is its row of the reconciliation, `named` its open items by cause. `items` are its open items with their
    comments, the largest first: all of them or, where whoever asked wanted no more, the largest; `named.items` says
    how many there are. `nav_entries` and `target_rows` count the rows that agree, in none of them; `nav_amount` and
    `target_amount` are what those come to, `item_nav_amount` and `item_target_amount` what all open items do.
    `why` says of a line that is NOT_COMPUTED what it lacks; such a line has no items.
    """

    figures: Mapping[str, Any]
    named: NamedVariance
    items: tuple[Mapping[str, Any], ...]
    nav_entries: int
    target_rows: int
    nav_amount: Decimal
    target_amount: Decimal
    item_nav_amount: Decimal
    item_target_amount: Decimal
    why: tuple[str, ...] = ()

    @property
    def is_computed(self) -> bool:
        """Whether the line was computed, and so taken apart."""
        return self.named.is_computed

    @property
    def of_items(self) -> Totals:
        """What its open items come to, all of them."""
        names = ("difference", "bridge_amount", "unexplained")
        return Totals(
            self.item_nav_amount,
            self.item_target_amount,
            *(sum((getattr(share, name) for share in self.named.causes), Decimal(0)) for name in names),
        )

    @property
    def differing(self) -> list[str]:
        """Name each figure of the reconciliation that what agrees and the open items do not add up to."""
        if not self.is_computed:
            return []
        of_items = self.of_items
        # What agrees adds to both sides, and must add nothing to what differs.
        found = {
            **vars(of_items),
            "actual": self.nav_amount + of_items.actual,
            "target_value": self.target_amount + of_items.target_value,
        }
        return [
            f"{name} is {self.figures[name]:f}, and its items come to {amount:f}"
            for name, amount in found.items()
            if self.figures[name] != amount
        ]


def explained_lines(
    reconciliation: Frame,
    open_items: Frame,
    open_item_matches: Frame,
    open_item_comments: Frame,
    *,
    asked: Iterable[Mapping[str, Any]],
    why: Mapping[tuple[str, str], tuple[str, ...]],
    most: int | None = None,
) -> list[ExplainedLine]:
    """Take apart the lines `asked`, which are rows of the reconciliation: the most urgent first.

    `why` says by company and line what one that is NOT_COMPUTED lacks (`why_not_computed`). Of each line the `most`
    largest items are given, all where it is None. Raises DataError where a frame lacks a column.

    Source of the rule: Open items, "What people do with them".
    """
    figures = {(row["id_company"], row["line"]): row for row in asked}
    named = {(each.id_company, each.line): each for each in named_variances(reconciliation, open_items)}
    lines = pa.table({"id_company": [c for c, _ in figures], "line": [line for _, line in figures]})
    inputs = {
        "open_item_matches": Input(open_item_matches, _MATCHES),
        "open_items": Input(open_items, _ITEMS),
        "asked": Input(lines),
    }
    totals = {
        (row.pop("id_company"), row.pop("line")): row
        for row in to_table(run(TOTALS, inputs, ITEMS_AND_WHAT_AGREES)).to_pylist()
    }
    items: dict[tuple[str, str], list[dict[str, Any]]] = {key: [] for key in figures}
    for row in to_table(commented_items(open_items, open_item_comments, most)).to_pylist():
        if (key := (row["id_company"], row["line"])) in items:
            items[key].append(row)
    found = [
        ExplainedLine(
            figures=figures[key],
            named=named[key],
            items=tuple(sorted(items[key], key=_largest_first)),
            why=why.get(key, ()),
            **totals[key],
        )
        for key in figures
    ]
    return sorted(found, key=_most_urgent_first)


def commented_items(
    open_items: Frame, open_item_comments: Frame, most: int | None = None
) -> duckdb.DuckDBPyRelation:
    """Give the open items with what people say of them, lazily: of each company and line the `most` largest, or all.

    Rows as `OPEN_ITEMS_COMMENTED`, in its order. Raises DataError where a frame lacks a column.
    """
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS.columns),
        "open_item_comments": Input(open_item_comments, _COMMENTS),
        "most": Input(pa.table({"items": pa.array([most], pa.int64())})),
    }
    return run(COMMENTED, inputs, OPEN_ITEMS_COMMENTED)


def _largest_first(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order items by what is unexplained: within a company and line, USD have the order of LCY."""
    return -abs(item["unexplained"]), -abs(item["difference"]), item["item"]


def _most_urgent_first(line: ExplainedLine) -> tuple[Any, ...]:
    figures = line.figures
    size = figures["unexplained_usd"]
    return (
        _STATUSES.index(figures["status"]),
        -abs(size) if size is not None else Decimal(0),
        figures["id_company"],
        figures["line"],
    )
