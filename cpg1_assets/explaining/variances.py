"""The variance of each line asked for, taken apart: what agrees, every open item, and totals that tie to the line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cpg1_assets.errors import ScopeError, StorageError, shown
from cpg1_assets.explaining.stored import StoredMonth
from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run, to_table
from cpg1_assets.rules.frames import AGREED_ROWS, OPEN_ITEM_MATCHES, OPEN_ITEMS, RECONCILIATION
from cpg1_assets.rules.named_variance import NamedVariance, named_variances
from cpg1_assets.rules.not_computed import what_is_missing

_LACKS = {
    "rate": "the company has no closing FX rate above zero, or two that differ (cr_05)",
    "balance": "the company has no balance at the cutoff date: its books are not closed yet (cr_04)",
    "ipe_08": "the company has no voucher snapshot (ipe_08)",
    "jdash": "the company has no JDash file (jdash)",
}
_STATUSES = ("VARIANCE_DETECTED", "EXPLAINED", "NOT_COMPUTED", "RECONCILED")
_ITEMS = columns(("id_company", "text"), ("line", "text"), ("item", "text"))
_MATCHES = (*_ITEMS, *columns(("side", "text"), ("amount", "amount")))

AGREED = r"""
SELECT
    id_company, line,
    count(*) FILTER (side = 'NAV') AS nav_entries,
    count(*) FILTER (side = 'TARGET') AS target_rows,
    coalesce(sum(amount) FILTER (side <> 'TARGET'), 0) AS nav_amount,
    coalesce(sum(amount) FILTER (side = 'TARGET'), 0) AS target_amount
FROM open_item_matches
ANTI JOIN open_items USING (id_company, line, item)
SEMI JOIN asked USING (id_company, line)
GROUP BY id_company, line
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

    `figures` is its row of the reconciliation. `items` are its open items with their comments, the largest first;
    `nav_entries` and `target_rows` count the rows that agree, in none of them. `why` says of a line that is
    NOT_COMPUTED what it lacks; such a line has no items.
    """

    figures: Mapping[str, Any]
    named: NamedVariance
    items: tuple[Mapping[str, Any], ...]
    nav_entries: int
    target_rows: int
    nav_amount: Decimal
    target_amount: Decimal
    why: tuple[str, ...] = ()

    @property
    def is_computed(self) -> bool:
        """Whether the line was computed, and so taken apart."""
        return self.named.is_computed

    @property
    def of_items(self) -> Totals:
        """What its open items come to."""
        names = ("nav_amount", "target_amount", "difference", "bridge_amount", "unexplained")
        return Totals(*(sum((item[name] for item in self.items), Decimal(0)) for name in names))

    @property
    def differing(self) -> list[str]:
        """Name each figure of the reconciliation that what agrees and the open items do not add up to."""
        if not self.is_computed:
            return []
        of_items = self.of_items
        # What agrees adds to both sides, and must add nothing to what differs.
        found = replace(
            of_items,
            actual=self.nav_amount + of_items.actual,
            target_value=self.target_amount + of_items.target_value,
        )
        return [
            f"{name} is {self.figures[name]:f}, and its items come to {amount:f}"
            for name, amount in vars(found).items()
            if self.figures[name] != amount
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, amounts as text."""
        taken_apart = None
        if self.is_computed:
            taken_apart = {
                "agreed": {
                    "nav_entries": self.nav_entries,
                    "target_rows": self.target_rows,
                    "nav_amount": f"{self.nav_amount:f}",
                    "target_amount": f"{self.target_amount:f}",
                },
                "ties": not self.differing,
                "differing": self.differing,
                "items": [plain_row(item) for item in self.items],
            }
        names = ("items", "named", "unknown", "share_named", "by_cause")
        figures = self.named.figures()
        named = {"open_items" if name == "items" else name: figures[name] for name in names}
        return {**plain_row(self.figures), "why": list(self.why), **named, "taken_apart": taken_apart}


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as JSON values: amounts as text without an exponent, dates as text."""
    return {
        name: f"{value:f}"
        if isinstance(value, Decimal)
        else value
        if isinstance(value, str | int | None)
        else str(value)
        for name, value in row.items()
    }


def explained_lines(
    stored: StoredMonth, company: str | None = None, line: str | None = None
) -> list[ExplainedLine]:
    """Take apart the lines of a company, of a name, or all; those with an unexplained variance first, large ones first.

    Raises ScopeError naming what there is where the company or line is unknown, MonthError where there is nothing to
    read, StorageError where it is not what was written there.
    """
    stored.require()
    asked = _asked(stored, company, line)
    open_items = stored.dataset(OPEN_ITEMS.name)
    named = {
        (each.id_company, each.line): each
        for each in named_variances(stored.dataset(RECONCILIATION.name), open_items)
    }
    items: dict[tuple[str, str], list[dict[str, Any]]] = {key: [] for key in asked}
    for row in stored.rows(OPEN_ITEMS.name):
        if (key := (row["id_company"], row["line"])) in items:
            items[key].append(stored.with_comment(row))
    agreed = {(row["id_company"], row["line"]): row for row in _agreed(stored, open_items, asked.values())}
    why = _why(stored, asked.values())
    nothing: dict[str, Any] = {
        "nav_entries": 0,
        "target_rows": 0,
        "nav_amount": Decimal(0),
        "target_amount": Decimal(0),
    }
    found = [
        ExplainedLine(
            figures=figures,
            named=named[key],
            items=tuple(sorted(items[key], key=_largest_first)),
            why=why.get(key, ()),
            **{name: agreed.get(key, nothing)[name] for name in nothing},
        )
        for key, figures in asked.items()
    ]
    return sorted(found, key=_most_urgent_first)


def _asked(
    stored: StoredMonth, company: str | None, line: str | None
) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the rows of the reconciliation that are asked for, by company and line."""
    rows = stored.rows(RECONCILIATION.name)
    companies = {row["id_company"]: None for row in rows}
    names = {row["line"]: None for row in rows}
    chosen = None if company is None else _one_of(company, companies, "company", stored)
    of_name = None if line is None else _one_of(line, names, "line", stored)
    return {
        (row["id_company"], row["line"]): row
        for row in rows
        if chosen in (None, row["id_company"]) and of_name in (None, row["line"])
    }


def _one_of(asked: str, there: Iterable[str], what: str, stored: StoredMonth) -> str:
    """Give the name as it is written there, blanks around it and case ignored."""
    named = {name.strip().casefold(): name for name in there}
    found = named.get(asked.strip().casefold())
    if found is None:
        raise ScopeError(
            f"{shown(asked)} is no {what} of {stored.month.key}. There are: {', '.join(sorted(named.values()))}."
        )
    return found


def _agreed(
    stored: StoredMonth, open_items: Frame, asked: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    keys = [(row["id_company"], row["line"]) for row in asked]
    inputs = {
        "open_item_matches": Input(stored.dataset(OPEN_ITEM_MATCHES.name), _MATCHES),
        "open_items": Input(open_items, _ITEMS),
        "asked": Input(pa.table({"id_company": [k[0] for k in keys], "line": [k[1] for k in keys]})),
    }
    rows: list[dict[str, Any]] = to_table(run(AGREED, inputs, AGREED_ROWS)).to_pylist()
    return rows


def _why(stored: StoredMonth, asked: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Say what each line lacks that is not computed; that it cannot be told must not hide the other lines."""
    without = [(row["id_company"], row["line"]) for row in asked if row["status"] == "NOT_COMPUTED"]
    if not without:
        return {}
    try:
        inputs = {name: stored.dataset(name) for name in (RECONCILIATION.name, "cr_04", "ipe_08", "jdash")}
        lines = stored.deployment.rules.lines
        rows = to_table(what_is_missing(**inputs, month=stored.month, lines=lines)).to_pylist()
    except StorageError as error:
        return dict.fromkeys(without, (f"what it lacks cannot be told: {error}",))
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in rows:
        key = row["id_company"], row["line"]
        found[key] = (*found.get(key, ()), _LACKS.get(row["missing"], f"no row of {row['missing']}"))
    unknown = ("what it lacked when it was computed is there now: close the month again",)
    return {key: found.get(key, unknown) for key in without}


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
