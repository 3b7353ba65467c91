"""Changes of the open items: what became of those of the month before, and where those of this month came from."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import OPEN_ITEM_CHANGES, OPEN_ITEMS_BEFORE

OPEN_ITEMS = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("item", "text"),
    ("unexplained", "amount"),
    ("cause", "text"),
    ("reference", "text"),
)
OPEN_ITEM_MATCHES = columns(
    ("id_company", "text"), ("line", "text"), ("side", "text"), ("row_key", "text"), ("item", "text")
)
RECONCILIATION = columns(("id_company", "text"), ("line", "text"), ("status", "text"))

STATEMENT = r"""
WITH compared_lines AS (
    SELECT DISTINCT text_key(reconciliation.id_company) AS company, reconciliation.line
    FROM reconciliation
    JOIN open_items_before
        ON text_key(open_items_before.id_company) = text_key(reconciliation.id_company)
        AND open_items_before.line = reconciliation.line
    -- Of a line that was not computed nobody knows what was open on it.
    WHERE reconciliation.status <> 'NOT_COMPUTED' AND open_items_before.line_status <> 'NOT_COMPUTED'
),
items_before AS (
    SELECT DISTINCT
        text_key(id_company) AS company, id_company, line, item, unexplained, cause, reference,
        comment, owner, confirmed_cause, source_file
    FROM open_items_before
    WHERE item IS NOT NULL
),
items_now AS (
    SELECT text_key(id_company) AS company, id_company, line, item, unexplained, cause, reference FROM open_items
),
pairs AS (
    SELECT company, line, items_before.item AS item_before, item
    FROM items_before
    JOIN items_now USING (company, line, item)
    UNION
    -- An item goes on in every open item that holds a row of it.
    SELECT text_key(open_items_before.id_company), open_items_before.line, open_items_before.item, open_item_matches.item
    FROM open_item_matches
    JOIN open_items_before
        ON text_key(open_items_before.id_company) = text_key(open_item_matches.id_company)
        AND open_items_before.line = open_item_matches.line
        AND open_items_before.side = open_item_matches.side
        AND open_items_before.row_key = open_item_matches.row_key
    JOIN items_now
        ON items_now.company = text_key(open_items_before.id_company)
        AND items_now.line = open_items_before.line
        AND items_now.item = open_item_matches.item
),
counted AS (
    SELECT
        pairs.*,
        count(*) OVER (PARTITION BY company, line, item) AS of_before,
        count(*) OVER (PARTITION BY company, line, item_before) AS of_now
    FROM pairs
    SEMI JOIN compared_lines USING (company, line)
),
followed AS (
    SELECT company, line, item_before, item, of_before, of_now FROM counted
    UNION ALL
    SELECT company, line, item, NULL, 0, 0
    FROM items_before
    WHERE NOT EXISTS (
        SELECT 1 FROM counted
        WHERE counted.company = items_before.company AND counted.line = items_before.line
            AND counted.item_before = items_before.item
    )
    UNION ALL
    SELECT company, line, NULL, item, 0, 0
    FROM items_now
    WHERE NOT EXISTS (
        SELECT 1 FROM counted
        WHERE counted.company = items_now.company AND counted.line = items_now.line AND counted.item = items_now.item
    )
),
told AS (
    SELECT
        coalesce(items_now.id_company, items_before.id_company) AS id_company,
        followed.line,
        CASE
            WHEN compared_lines.line IS NULL THEN 'not compared'
            WHEN followed.item IS NULL THEN 'resolved'
            WHEN followed.item_before IS NULL THEN 'new'
            WHEN of_before > 1 THEN 'merged'
            WHEN of_now > 1 THEN 'split'
            WHEN items_before.unexplained = items_now.unexplained AND items_before.cause = items_now.cause
                THEN 'persisting'
            ELSE 'changed'
        END AS change,
        followed.item_before,
        followed.item,
        coalesce(items_now.reference, items_before.reference) AS reference,
        items_before.unexplained AS unexplained_before,
        items_now.unexplained,
        items_before.cause AS cause_before,
        items_now.cause,
        items_before.comment AS comment_before,
        items_before.owner AS owner_before,
        items_before.confirmed_cause AS confirmed_cause_before,
        items_before.source_file AS source_file_before
    FROM followed
    LEFT JOIN compared_lines USING (company, line)
    LEFT JOIN items_before
        ON items_before.company = followed.company AND items_before.line = followed.line
        AND items_before.item = followed.item_before
    LEFT JOIN items_now
        ON items_now.company = followed.company AND items_now.line = followed.line
        AND items_now.item = followed.item
)

SELECT *, change = 'persisting' AND source_file_before IS NOT NULL AS comment_carries FROM told
"""


def open_item_changes(
    open_items: Frame, open_item_matches: Frame, open_items_before: Frame, reconciliation: Frame
) -> duckdb.DuckDBPyRelation:
    """Give what became of each item that was open in the month before, and where each one open now came from.

    An item then and one now are the same where they have one name, or a row in common. One of each: `persisting` where
    the unexplained amount and the cause stay, else `changed`. Several then in one now: `merged`. One then in several
    now: `split`; where both is so, the pair is `merged`. An item then that goes on in none is `resolved`; one now that
    comes from none is `new`. Where the line was not computed in one of both months, is not in one of them, or the month
    before was not sealed, nothing is said of its items: `not compared`.

    What people said of an item carries forward while it is `persisting`, and lapses with anything else; both are shown.

    Gives rows as `OPEN_ITEM_CHANGES`: each item of either month in at least one, each pair once; amounts LCY, of the
    whole items, so those of merged and split items stand on several rows.
    Raises DataError when an input lacks a column.

    Source of the rule: Open items, "Derived assets" and "What people do with them".
    """
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS),
        "open_item_matches": Input(open_item_matches, OPEN_ITEM_MATCHES),
        "open_items_before": Input(open_items_before, OPEN_ITEMS_BEFORE.columns),
        "reconciliation": Input(reconciliation, RECONCILIATION),
    }
    return run(STATEMENT, inputs, OPEN_ITEM_CHANGES)
