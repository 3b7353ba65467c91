"""Open items of the month before: what its newest seal says was open then, row by row, with its comments.

Reading the sealed version is not done here: its frames are handed in.
"""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, one_row, run
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS, OPEN_ITEMS_BEFORE

RECONCILIATION = columns(("id_company", "text"), ("line", "text"), ("status", "text"))
OPEN_ITEMS = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("item", "text"),
    ("unexplained", "amount"),
    ("cause", "text"),
    ("reference", "text"),
    ("first_date", "date"),
)
OPEN_ITEM_MATCHES = columns(
    ("id_company", "text"), ("line", "text"), ("side", "text"), ("row_key", "text"), ("item", "text")
)

STATEMENT = r"""
WITH item_rows AS (
    -- The matches are many and the open items few: each match is looked for among these.
    SELECT
        text_key(open_item_matches.id_company) AS company, open_item_matches.line, open_item_matches.item,
        open_item_matches.side, open_item_matches.row_key
    FROM open_item_matches
    SEMI JOIN open_items
        ON text_key(open_items.id_company) = text_key(open_item_matches.id_company)
        AND open_items.line = open_item_matches.line
        AND open_items.item = open_item_matches.item
)

SELECT
    seal.sealed_month, seal.sealed_version, seal.seal_digest,
    reconciliation.id_company, reconciliation.line, reconciliation.status AS line_status,
    open_items.item, item_rows.side, item_rows.row_key,
    open_items.unexplained, open_items.cause, open_items.reference, open_items.first_date,
    open_item_comments.comment, open_item_comments.owner, open_item_comments.confirmed_cause,
    open_item_comments.source_file
FROM reconciliation
CROSS JOIN seal
LEFT JOIN open_items
    ON text_key(open_items.id_company) = text_key(reconciliation.id_company)
    AND open_items.line = reconciliation.line
LEFT JOIN item_rows
    ON item_rows.company = text_key(open_items.id_company)
    AND item_rows.line = open_items.line
    AND item_rows.item = open_items.item
LEFT JOIN open_item_comments ON open_item_comments.item = open_items.item
"""


def open_items_before(
    reconciliation: Frame,
    open_items: Frame,
    open_item_matches: Frame,
    open_item_comments: Frame,
    *,
    sealed_month: str,
    sealed_version: int,
    seal_digest: str,
) -> duckdb.DuckDBPyRelation:
    """Give each line of a sealed month with the rows of the items that were open in it, and what was said of them.

    The frames are those of one sealed version; `seal_digest` is that of its link in the chain. A line without an open
    item has one row without one, so that a month in which nothing was open is told from one that was never sealed.

    Gives rows as `OPEN_ITEMS_BEFORE`: at least one a line. `unexplained` is LCY, of the whole item, on each of its rows.
    Raises DataError when an input lacks a column.

    Source of the rule: Open items, "Derived assets".
    """
    inputs = {
        "seal": Input(
            one_row(
                {
                    "sealed_month": sealed_month,
                    "sealed_version": sealed_version,
                    "seal_digest": seal_digest,
                }
            )
        ),
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "open_items": Input(open_items, OPEN_ITEMS),
        "open_item_matches": Input(open_item_matches, OPEN_ITEM_MATCHES),
        "open_item_comments": Input(open_item_comments, OPEN_ITEM_COMMENTS.columns),
    }
    return run(STATEMENT, inputs, OPEN_ITEMS_BEFORE)
