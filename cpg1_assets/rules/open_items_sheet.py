"""The open items as a sheet gives them out: each with its match certificate, what was said and what became of it.

Nothing here computes a figure of the control. How the sheet looks, and how it is read when it comes back, is elsewhere.
"""

from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa

from cpg1_assets.frame import columns_named
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import (
    OPEN_ITEM_CHANGES,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    OPEN_ITEMS_SHEET,
)

_MATCHES = columns_named(OPEN_ITEM_MATCHES, "id_company", "line", "item", "decided_by", "candidates")
_CHANGES = columns_named(
    OPEN_ITEM_CHANGES, "id_company", "line", "item", "change", "comment_before", "comment_carries"
)
_COMMENTS = columns_named(OPEN_ITEM_COMMENTS, "item", "comment", "owner", "confirmed_cause")

STATEMENT = r"""
WITH certificates AS (
    SELECT
        id_company, line, item, max(candidates) AS candidates,
        list_sort(list(DISTINCT decided_by) FILTER (decided_by IS NOT NULL)) AS deciders
    FROM open_item_matches
    SEMI JOIN open_items USING (id_company, line, item)
    GROUP BY id_company, line, item
),
-- Of merged and split items there is a change for each pair.
became AS (
    SELECT
        id_company, line, item,
        string_agg(DISTINCT change, ', ' ORDER BY change) AS change,
        string_agg(DISTINCT comment_before, '; ' ORDER BY comment_before) FILTER (NOT comment_carries) AS lapsed_comment
    FROM open_item_changes
    WHERE item IS NOT NULL
    GROUP BY id_company, line, item
)

SELECT
    row_number() OVER (
        ORDER BY open_items.id_company, open_items.line, abs(open_items.unexplained) DESC,
            abs(open_items.difference) DESC, open_items.item
    ) AS place,
    open_items.* EXCLUDE (country_code),
    open_item_comments.comment, open_item_comments.owner, open_item_comments.confirmed_cause,
    currencies.currency,
    asked.item IS NOT NULL AS is_asked,
    array_to_string(certificates.deciders[1:10], ', ')
        || CASE WHEN len(certificates.deciders) > 10
            THEN concat(' and ', len(certificates.deciders) - 10, ' more') ELSE '' END AS decided_by,
    coalesce(certificates.candidates, 0) AS candidates,
    became.change, became.lapsed_comment,
    dense_rank() OVER (ORDER BY coalesce(currencies.currency, open_items.id_company)) AS currency_no
FROM open_items
LEFT JOIN certificates USING (id_company, line, item)
LEFT JOIN became USING (id_company, line, item)
LEFT JOIN open_item_comments ON open_item_comments.item = open_items.item
LEFT JOIN asked ON asked.item = open_items.item
LEFT JOIN currencies ON currencies.id_company = open_items.id_company
"""


def open_items_sheet(
    open_items: Frame,
    open_item_matches: Frame,
    open_item_changes: Frame,
    open_item_comments: Frame,
    *,
    asked: Iterable[str],
    currencies: Mapping[str, str | None],
) -> duckdb.DuckDBPyRelation:
    """Give the open items as a sheet gives them out, lazily: by company and line, the largest first.

    `asked` are the items that a sign-off asks for a comment on, `currencies` those of the companies' books. Gives one row
    an item, as `OPEN_ITEMS_SHEET`; amounts LCY, debit positive. Raises DataError where a frame lacks a column.

    Source of the rule: Open items ("What people do with them").
    """
    texts = pa.string()
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS.columns),
        "open_item_matches": Input(open_item_matches, _MATCHES),
        "open_item_changes": Input(open_item_changes, _CHANGES),
        "open_item_comments": Input(open_item_comments, _COMMENTS),
        "asked": Input(pa.table({"item": pa.array(sorted(asked), texts)})),
        "currencies": Input(
            pa.table(
                {
                    "id_company": pa.array(list(currencies), texts),
                    "currency": pa.array(list(currencies.values()), texts),
                }
            )
        ),
    }
    return run(STATEMENT, inputs, OPEN_ITEMS_SHEET)
