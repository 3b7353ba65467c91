"""One open item in full: its figures, every row of both sides, why they are together, what it may belong to, its life."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cpg1_assets.errors import ScopeError, shown
from cpg1_assets.explaining.stored import StoredMonth, stored_months
from cpg1_assets.explaining.variances import plain_row
from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Input, run, to_table
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.frames import (
    ITEM_ROWS,
    OPEN_ITEM_CHANGES,
    OPEN_ITEM_MATCHES,
    OPEN_ITEM_SUGGESTIONS,
    OPEN_ITEMS,
)
from cpg1_assets.rules.open_item_rows import TARGET_ROWS

_PASSES = {
    "reference": "the same reference on both sides",
    "named": "an entry's document, description or comment names the reference of the others",
    "linked": "transaction lists and payments put them together",
    "summary": "expiry runs, set against the vouchers that expired",
    "usage": "delivered order items, set against the usage of the voucher",
    "applied": "a payment, and the one invoice of the customer that was paid exactly that and NAV lacks",
    "ledger": "the balance less the entries of its account",
    "none": "nothing was found that stands against it",
}
"""What each pass of the matching goes by."""

# What a person wants to read of a target row beside its reference and date.
_DESCRIPTIONS = {
    "ipe_07": ("customer_no", "customer_name", "document_type", "description"),
    "ipe_08": ("business_use", "is_valid"),
    "ipe_10": ("order_nr", "current_status", "payment_method"),
    "ipe_12": ("order_nr", "package_status", "tracking_number", "collection_partner"),
    "ipe_31": ("transaction_type", "collection_partner", "service_provider"),
    "ipe_34": ("case_type", "current_status", "order_nr"),
}
_NAV = columns(
    ("id_company", "text"),
    ("entry_no", "integer"),
    ("group_coa_account_no", "text"),
    ("posting_date", "date"),
    ("document_no", "text"),
    ("document_description", "text"),
    ("comment", "text"),
    ("user_id", "text"),
)
_LARGEST = 10


def _statement(extract: str) -> str:
    """Give the SQL of every row of an item: an entry of NAV's with its own columns, a row of the target with its."""
    described = ", ".join(f"CAST({name} AS VARCHAR)" for name in _DESCRIPTIONS[extract])
    rows = TARGET_ROWS[extract]
    return f"""
WITH item_rows AS MATERIALIZED (
    SELECT open_item_matches.*
    FROM open_item_matches
    SEMI JOIN asked USING (id_company, line, item)
),
nav_rows AS (
    SELECT
        CAST(entry_no AS VARCHAR) AS row_key, posting_date AS day, document_no,
        concat_ws(
            '; ', document_description, comment, concat('account ', group_coa_account_no), concat('by ', user_id)
        ) AS description
    FROM nav_open_items
    JOIN asked ON text_key(nav_open_items.id_company) = text_key(asked.id_company)
),
target_rows AS (
    SELECT {rows.key} AS row_key, {rows.day} AS day, concat_ws(', ', {described}) AS description
    FROM {extract}
    JOIN asked ON text_key({extract}.id_company) = text_key(asked.id_company)
)

SELECT
    item_rows.side, item_rows.row_key, coalesce(nav_rows.day, target_rows.day) AS day, item_rows.amount,
    nav_rows.document_no, item_rows.reference,
    coalesce(nav_rows.description, target_rows.description) AS description,
    item_rows.matched_by, item_rows.confidence, item_rows.rule_version, item_rows.decided_by, item_rows.candidates
FROM item_rows
LEFT JOIN nav_rows
    ON item_rows.side IN ('NAV', 'LEDGER')
    AND nav_rows.row_key = CASE item_rows.side
        WHEN 'NAV' THEN item_rows.row_key
        -- A ledger row that takes a late entry back is about that entry.
        WHEN 'LEDGER' THEN CASE WHEN starts_with(item_rows.row_key, 'entry ') THEN substr(item_rows.row_key, 7) END
    END
LEFT JOIN target_rows ON item_rows.side = 'TARGET' AND target_rows.row_key = item_rows.row_key
"""


@dataclass(frozen=True)
class ExplainedItem:
    """One open item of a month.

    `facts` is its row of `open_items` with what people said; `rows` are all rows of it, by date; `suggestions` the
    items it may belong to; `changes` says what became of it since the month before; `life` gives each month in storage
    with the item as it was then, None where it was not open.
    """

    facts: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    suggestions: tuple[Mapping[str, Any], ...]
    changes: tuple[Mapping[str, Any], ...]
    life: tuple[tuple[str, Mapping[str, Any] | None], ...]

    @property
    def certificate(self) -> list[str]:
        """Say of each way in which rows came into the item how many did, by what, and how certain that is."""
        groups: dict[tuple[Any, ...], int] = {}
        for row in self.rows:
            how = tuple(
                row[name] for name in ("matched_by", "decided_by", "confidence", "candidates", "rule_version")
            )
            groups[how] = groups.get(how, 0) + 1
        said = []
        for (matched_by, decided_by, confidence, candidates, version), count in groups.items():
            how_sure = {
                "certain": "certain; ",
                "ambiguous": f"ambiguous, {candidates} could have been meant; ",
                "none": "",
            }[confidence]
            by = f", decided by {decided_by}" if decided_by is not None else ""
            rows = f"{count} row{'s' * (count > 1)}"
            said.append(
                f"{matched_by}: {rows}, {_PASSES[matched_by]}{by} ({how_sure}matching rules version {version})"
            )
        return said

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, amounts as text."""
        life = [
            {"month": month, "item": None if item is None else plain_row(item)} for month, item in self.life
        ]
        return {
            **plain_row(self.facts),
            "rows": [plain_row(row) for row in self.rows],
            "certificate": self.certificate,
            "suggestions": [plain_row(row) for row in self.suggestions],
            "changes": [plain_row(row) for row in self.changes],
            "life": life,
        }


def find_item(stored: StoredMonth, lines: list[ExplainedLine], asked: str) -> Mapping[str, Any]:
    """Give the open item of these lines whose name begins with `asked`, case ignored.

    Raises ScopeError where there is none, naming the first that there are and other months that have it, or where
    there are several, naming them.
    """
    prefix = asked.strip().casefold()
    there = [item for line in lines for item in line.items]
    found = [item for item in there if item["item"].startswith(prefix)]
    if len(found) == 1:
        return found[0]
    key = stored.month.key
    if found:
        named = ", ".join(item["item"] for item in found[:_LARGEST])
        raise ScopeError(
            f"{shown(asked)} is the beginning of {len(found)} open items of {key}: {named}. Write more of it."
        )
    others = [
        month.key
        for month in stored_months(stored.deployment, stored.month)
        if any(
            row["item"].startswith(prefix)
            for row in StoredMonth(stored.deployment, month).rows(OPEN_ITEMS.name)
        )
    ]
    elsewhere = f" It is open in {', '.join(others)}." if others else ""
    largest = sorted(
        there, key=lambda item: abs(item["unexplained_usd"] or item["unexplained"]), reverse=True
    )
    named = ", ".join(item["item"] for item in largest[:_LARGEST]) or "none"
    raise ScopeError(
        f"No open item asked for in {key} begins with {shown(asked)}.{elsewhere} There are {len(there)}, the "
        f"first: {named}."
    )


def explained_item(stored: StoredMonth, facts: Mapping[str, Any]) -> ExplainedItem:
    """Give an item in full. Raises StorageError where a frame is not there, or not what was written there."""
    changes = stored.rows_if_there(OPEN_ITEM_CHANGES.name)
    return ExplainedItem(
        facts,
        rows=_rows(stored, facts),
        suggestions=tuple(
            row
            for row in stored.rows_if_there(OPEN_ITEM_SUGGESTIONS.name)
            if facts["item"] in (row["item"], row["other_item"])
        ),
        changes=tuple(row for row in changes if row["item"] == facts["item"]),
        life=_life(stored, facts),
    )


def _rows(stored: StoredMonth, facts: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    (extract,) = (
        line.target.extract for line in stored.deployment.rules.lines.lines if line.line == facts["line"]
    )
    key = {name: pa.array([facts[name]], pa.string()) for name in OPEN_ITEMS.key}
    inputs = {
        "open_item_matches": Input(stored.dataset(OPEN_ITEM_MATCHES.name), OPEN_ITEM_MATCHES.columns),
        "nav_open_items": Input(stored.dataset("nav_open_items"), _NAV),
        extract: Input(stored.dataset(extract), stored.deployment.catalog[extract].contract.columns),
        "asked": Input(pa.table(key)),
    }
    rows: list[dict[str, Any]] = to_table(run(_statement(extract), inputs, ITEM_ROWS)).to_pylist()
    return tuple(sorted(rows, key=lambda row: (row["day"] is None, row["day"])))


def _life(stored: StoredMonth, facts: Mapping[str, Any]) -> tuple[tuple[str, dict[str, Any] | None], ...]:
    """Give the item month by month, up to the month asked for."""
    found: list[tuple[str, dict[str, Any] | None]] = []
    for month in stored_months(stored.deployment, stored.month):
        then = StoredMonth(stored.deployment, month)
        rows = [row for row in then.rows(OPEN_ITEMS.name) if row["item"] == facts["item"]]
        found.append((month.key, then.with_comment(rows[0]) if rows else None))
    return tuple(found)
