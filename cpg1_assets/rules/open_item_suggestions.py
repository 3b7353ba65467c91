"""Open item suggestions: open items that may belong together, for a person to look at. They close nothing."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import OPEN_ITEM_SUGGESTIONS
from cpg1_assets.rules.matching import Matching

OPEN_ITEMS = columns(
    ("id_company", "text"),
    ("line", "text"),
    ("item", "text"),
    ("unexplained", "amount"),
    ("first_date", "date"),
)

STATEMENT = r"""
-- Items whose amount no other of the company and line has.
WITH single AS (
    SELECT id_company, line, unexplained, min(item) AS item, min(first_date) AS first_date
    FROM open_items
    WHERE unexplained <> 0
    GROUP BY id_company, line, unexplained
    HAVING count(*) = 1
)

SELECT
    one.id_company, one.line, one.item, other.item AS other_item, one.unexplained,
    abs(date_diff('day', one.first_date, other.first_date)) AS days_apart
FROM single AS one
JOIN single AS other
    ON other.id_company = one.id_company AND other.line = one.line AND other.unexplained = -one.unexplained
CROSS JOIN matching
WHERE one.unexplained > 0 AND abs(date_diff('day', one.first_date, other.first_date)) <= matching.days_apart
"""


def open_item_suggestions(open_items: Frame, matching: Matching) -> duckdb.DuckDBPyRelation:
    """Give pairs of open items of a company and line whose unexplained amounts are equal and opposite.

    Only where no other item of the company and line has either amount, and where the first dates of the two are at
    most `days_apart` of the matching file apart; an item without a date is in no pair. Nothing is closed by it.

    Gives one row per pair, as `OPEN_ITEM_SUGGESTIONS`, the item with the positive amount first; LCY.
    Raises DataError when the input lacks a column.

    Source of the rule: Open items, "Derived assets".
    """
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS),
        "matching": Input(matching.settings_table()),
    }
    return run(STATEMENT, inputs, OPEN_ITEM_SUGGESTIONS)
