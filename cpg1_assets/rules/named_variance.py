"""How much of each variance is named: the open items of a company and line by cause, against the reconciliation.

What an item is and what caused it is decided in `open_items`; here they are only added up, for whoever shows a line:
its check, the terminal. Nothing here computes a figure of the control.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from itertools import groupby
from types import MappingProxyType
from typing import Any

from cpg1_assets.embedded import plain
from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, one_row, run, to_table
from cpg1_assets.rules.frames import LARGEST_OPEN_ITEMS, VARIANCE_BY_CAUSE

SHOWN_ITEMS = 10
"""How many of its largest items a line shows where it is one of many."""
UNKNOWN = "unknown"
NOT_TAKEN_APART = MappingProxyType(
    {
        **dict.fromkeys(("items", "named", "unknown", "share_named", "by_cause")),
        "open_items": "are not in storage: materialize open_items",
    }
)
"""The figures of a line whose items are not there."""

RECONCILIATION = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("variance", "amount"),
    ("bridges", "amount"),
    ("unexplained", "amount"),
    ("status", "text"),
)
OPEN_ITEMS = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("item", "text"),
    ("difference", "amount"),
    ("bridge_amount", "amount"),
    ("unexplained", "amount"),
    ("unexplained_usd", "amount"),
    ("age_days", "integer"),
    ("cause", "text"),
    ("reference", "text"),
    ("document_no", "text"),
)

BY_CAUSE = r"""
WITH causes AS (
    SELECT
        text_key(id_company) AS company, line, cause, count(*) AS items, sum(difference) AS difference,
        sum(bridge_amount) AS bridge_amount, sum(unexplained) AS unexplained, sum(abs(unexplained)) AS gross
    FROM open_items
    GROUP BY ALL
)

SELECT
    reconciliation.id_company, reconciliation.line, causes.cause, reconciliation.status, reconciliation.variance,
    reconciliation.bridges, reconciliation.unexplained AS line_unexplained, coalesce(causes.items, 0) AS items,
    coalesce(causes.difference, 0) AS difference, coalesce(causes.bridge_amount, 0) AS bridge_amount,
    coalesce(causes.unexplained, 0) AS unexplained, coalesce(causes.gross, 0) AS gross
FROM reconciliation
LEFT JOIN causes ON causes.company = text_key(reconciliation.id_company) AND causes.line = reconciliation.line
"""

# Within a company and line the largest in LCY are the largest in USD.
LARGEST = r"""
SELECT
    reconciliation.id_company, reconciliation.line,
    row_number() OVER of_line AS place,
    open_items.item, open_items.reference, open_items.document_no, open_items.unexplained,
    open_items.unexplained_usd, open_items.cause, open_items.age_days
FROM open_items
JOIN reconciliation
    ON text_key(open_items.id_company) = text_key(reconciliation.id_company)
    AND open_items.line = reconciliation.line
WHERE reconciliation.status = 'VARIANCE_DETECTED' AND open_items.unexplained <> 0
WINDOW of_line AS (
    PARTITION BY reconciliation.id_company, reconciliation.line
    ORDER BY abs(open_items.unexplained) DESC, open_items.item, open_items
)
QUALIFY row_number() OVER of_line <= (SELECT items FROM shown)
"""


@dataclass(frozen=True)
class CauseShare:
    """The open items of one cause in a company and line: how many, and what they come to, LCY.

    `gross` is the sum of |unexplained|: amounts of opposite sign do not hide each other in it.
    """

    cause: str
    items: int
    difference: Decimal
    bridge_amount: Decimal
    unexplained: Decimal
    gross: Decimal


@dataclass(frozen=True)
class NamedVariance:
    """What a company's line is made of. Its items say nothing where it is NOT_COMPUTED: there are none.

    `variance`, `bridges` and `unexplained` are those of the reconciliation, LCY; `causes` come largest gross first.
    """

    id_company: str
    line: str
    status: str
    variance: Decimal
    bridges: Decimal | None
    unexplained: Decimal | None
    causes: tuple[CauseShare, ...]

    @property
    def is_computed(self) -> bool:
        """Whether the line was computed, so that it has been taken apart into items."""
        return self.status != "NOT_COMPUTED"

    @property
    def items(self) -> int:
        """How many open items there are."""
        return sum(share.items for share in self.causes)

    @property
    def named(self) -> Decimal:
        """What stays unexplained of the items that have a cause, LCY."""
        return sum((share.unexplained for share in self.causes if share.cause != UNKNOWN), Decimal(0))

    @property
    def unknown(self) -> Decimal:
        """What stays unexplained of the line and no cause names, LCY: with `named`, all that is unexplained."""
        return (self.unexplained or Decimal(0)) - self.named

    @property
    def adds_up(self) -> bool:
        """Whether the items are the line's variance, bridges and unexplained amount, to the last digit."""
        said = (self.variance, self.bridges or Decimal(0), self.unexplained or Decimal(0))
        return said == tuple(
            sum((getattr(share, name) for share in self.causes), Decimal(0))
            for name in ("difference", "bridge_amount", "unexplained")
        )

    @property
    def share_named(self) -> str | None:
        """The share that has a cause of all that is unexplained, by absolute amounts; None where nothing is.

        Rounded down: it is 100.00 % only where nothing is unknown.
        """
        gross = sum((share.gross for share in self.causes), Decimal(0))
        if not gross:
            return None
        named = sum((share.gross for share in self.causes if share.cause != UNKNOWN), Decimal(0))
        return f"{(100 * named / gross).quantize(Decimal('0.01'), ROUND_DOWN)} %"

    def figures(self) -> dict[str, Any]:
        """Give it as plain values, amounts as text; all empty where there are no items to speak of.

        What does not add up is said so, and not shown: it is of another reconciliation.
        """
        if not self.is_computed:
            return {**NOT_TAKEN_APART, "open_items": "none: the line is not computed"}
        if not self.adds_up:
            return {**NOT_TAKEN_APART, "open_items": "do not add up to the line: compute them again"}
        by_cause = [
            plain(
                {
                    "cause": share.cause,
                    "items": share.items,
                    "difference": share.difference,
                    "bridge_amount": share.bridge_amount,
                    "unexplained": share.unexplained,
                }
            )
            for share in self.causes
        ]
        return {
            "items": self.items,
            "named": str(self.named),
            "unknown": str(self.unknown),
            "share_named": self.share_named,
            "by_cause": by_cause,
            "open_items": "add up to the line",
        }


def named_variances(reconciliation: Frame, open_items: Frame) -> list[NamedVariance]:
    """Give every company and line of the reconciliation with its items by cause, in the reconciliation's order.

    Raises DataError where a frame lacks a column.

    Source of the rule: Open items, "What people do with them".
    """
    inputs = {
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "open_items": Input(open_items, OPEN_ITEMS),
    }
    rows = to_table(run(BY_CAUSE, inputs, VARIANCE_BY_CAUSE)).to_pylist()
    found = []
    for (company, line), listed in groupby(rows, key=lambda row: (row["id_company"], row["line"])):
        of_line = list(listed)
        first = of_line[0]
        causes = (
            CauseShare(**{name: row[name] for name in CauseShare.__dataclass_fields__})
            for row in of_line
            if row["cause"] is not None
        )
        found.append(
            NamedVariance(
                id_company=company,
                line=line,
                status=first["status"],
                variance=first["variance"],
                bridges=first["bridges"],
                unexplained=first["line_unexplained"],
                causes=tuple(sorted(causes, key=lambda share: (-share.gross, share.cause))),
            )
        )
    return found


def largest_items(reconciliation: Frame, open_items: Frame) -> list[dict[str, Any]]:
    """Give the ten largest items of every line with an unexplained variance, by company and line, largest first.

    Rows as `LARGEST_OPEN_ITEMS`. Raises DataError where a frame lacks a column.
    """
    inputs = {
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "open_items": Input(open_items, OPEN_ITEMS),
        "shown": Input(one_row({"items": SHOWN_ITEMS})),
    }
    rows: list[dict[str, Any]] = to_table(run(LARGEST, inputs, LARGEST_OPEN_ITEMS)).to_pylist()
    return rows
