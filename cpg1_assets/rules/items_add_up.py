"""Whether the items of each line add up to it: the proof that nothing is lost and nothing counted twice.

Its rows are counted from the extracts again, not from the matches that it is a check of.
"""

import duckdb

from cpg1_assets.frame import columns_named
from cpg1_assets.rules import open_item_rows as rows
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import (
    ITEMS_THAT_DO_NOT_ADD_UP,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    RECONCILIATION,
)
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching

MATCHES = columns_named(OPEN_ITEM_MATCHES, "id_company", "line", "side", "row_key", "amount")
ITEMS = columns_named(OPEN_ITEMS, "id_company", "line", "difference", "bridge_amount", "unexplained")
RECONCILED = columns_named(
    RECONCILIATION,
    "id_company", "line", "actual", "target_value", "variance", "bridges", "unexplained", "status",
)  # fmt: skip

STATEMENT = f"""
WITH {rows.ROWS.strip()},
-- That rows are the same ones, and none lost for another that is there twice, shows in the sum of their keys' hashes.
counted AS (
    SELECT
        books.company, books.id_company, books.line, count(*) FILTER (side = 'NAV') AS nav_rows,
        count(*) FILTER (side = 'TARGET') AS target_rows, sum(hash(side, row_key)) AS row_keys
    FROM (
        SELECT book, 'NAV' AS side, CAST(entry_no AS VARCHAR) AS row_key FROM nav_rows
        UNION ALL
        SELECT book, 'TARGET', row_key FROM target_rows
    )
    JOIN books USING (book)
    GROUP BY ALL
),
matched AS (
    SELECT
        text_key(id_company) AS company, line,
        sum(amount) FILTER (side <> 'TARGET') AS nav_amount, sum(amount) FILTER (side = 'TARGET') AS target_amount,
        count(*) FILTER (side = 'NAV') AS nav_matched, count(*) FILTER (side = 'TARGET') AS target_matched,
        sum(hash(side, row_key)) FILTER (side IN ('NAV', 'TARGET')) AS row_keys
    FROM open_item_matches
    GROUP BY ALL
),
items AS (
    SELECT
        text_key(id_company) AS company, line, sum(difference) AS difference, sum(bridge_amount) AS bridge_amount,
        sum(unexplained) AS unexplained
    FROM open_items
    GROUP BY ALL
),
-- What is not computed has no open items, and nothing they could add up to.
lines_to_meet AS (
    SELECT
        text_key(id_company) AS company, id_company, line, actual, target_value,
        CASE WHEN status <> 'NOT_COMPUTED' THEN variance END AS variance,
        CASE WHEN status <> 'NOT_COMPUTED' THEN bridges END AS bridges,
        CASE WHEN status <> 'NOT_COMPUTED' THEN unexplained END AS unexplained
    FROM reconciliation
),
met AS (
    SELECT
        coalesce(lines_to_meet.id_company, counted.id_company, matched.company, items.company) AS id_company,
        coalesce(lines_to_meet.line, counted.line, matched.line, items.line) AS line,
        actual, coalesce(matched.nav_amount, 0) AS nav_amount, target_value,
        coalesce(matched.target_amount, 0) AS target_amount, variance, coalesce(difference, 0) AS difference, bridges,
        coalesce(bridge_amount, 0) AS bridge_amount, lines_to_meet.unexplained,
        coalesce(items.unexplained, 0) AS unexplained_of_items,
        coalesce(nav_rows, 0) AS nav_rows, coalesce(nav_matched, 0) AS nav_matched,
        coalesce(counted.target_rows, 0) AS target_rows, coalesce(target_matched, 0) AS target_matched,
        counted.row_keys IS DISTINCT FROM matched.row_keys AS other_rows
    FROM lines_to_meet
    FULL JOIN counted ON counted.company = lines_to_meet.company AND counted.line = lines_to_meet.line
    FULL JOIN matched
        ON matched.company = coalesce(lines_to_meet.company, counted.company)
        AND matched.line = coalesce(lines_to_meet.line, counted.line)
    FULL JOIN items
        ON items.company = coalesce(lines_to_meet.company, counted.company, matched.company)
        AND items.line = coalesce(lines_to_meet.line, counted.line, matched.line)
)

SELECT *
FROM met
WHERE actual IS DISTINCT FROM nav_amount
   OR target_value IS DISTINCT FROM target_amount
   OR coalesce(variance, 0) <> difference
   OR coalesce(bridges, 0) <> bridge_amount
   OR coalesce(unexplained, 0) <> unexplained_of_items
   OR nav_rows <> nav_matched
   OR target_rows <> target_matched
   OR other_rows
"""


def items_that_do_not_add_up(
    open_items: Frame,
    open_item_matches: Frame,
    reconciliation: Frame,
    nav_open_items: Frame,
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    doc_voucher_usage: Frame,
    cr_05: Frame,
    lines: Lines,
    matching: Matching,
) -> duckdb.DuckDBPyRelation:
    """Give each line of a company whose rows and items are not, to the last digit and the last row, its own.

    The rows of NAV's side, LEDGER and SETTLEMENT rows included, add up to the actual, those of the target's to the
    target value, in every line; they are those of the extracts, each once. Where the line is computed, its items add up
    to its variance, bridges and unexplained; where it is not, it has none.

    Gives rows as `ITEMS_THAT_DO_NOT_ADD_UP`; amounts LCY, debit positive. Raises DataError when an input lacks a
    column.

    Source of the rule: Open items, "Derived assets".
    """
    inputs = {
        **rows.row_inputs(
            nav_open_items, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, doc_voucher_usage, cr_05, lines,
            matching,
        ),
        "open_items": Input(open_items, ITEMS),
        "open_item_matches": Input(open_item_matches, MATCHES),
        "reconciliation": Input(reconciliation, RECONCILED),
    }  # fmt: skip
    return run(STATEMENT, inputs, ITEMS_THAT_DO_NOT_ADD_UP)
