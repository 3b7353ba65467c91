"""Open item matches: which rows of a line's two sides belong together, and why.

Lives here: the passes, as statements run in stages. Does not: what a row of a side is (`open_item_rows`), which columns are
references (data, `matching`), or what an item amounts to (`open_items`).
"""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import Frame, Input, month_input, run, staged
from cpg1_assets.rules.frames import OPEN_ITEM_MATCHES
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.open_item_rows import ROWS, row_inputs

COLLECTION_LINKS = columns(
    ("id_company", "text"),
    ("related_entity", "text"),
    ("transaction_list_no", "text"),
    ("payment_no", "text"),
)
CR_04 = columns(
    ("id_company", "text"),
    ("closing_date", "date"),
    ("refresh_date", "timestamp"),
    ("group_coa_account_no", "text"),
    ("balance_at_date", "amount"),
)

_ROUNDS = 8
"""How often what is connected takes the least name of its neighbours: enough for chains of a hundred lists and more."""

_LONGEST_NAME = 6
"""A reference in a text is looked for in up to so many pieces: `JRN-KE-05` has three."""

_LETTERS = r"\p{L}\p{N}"


def named_item(company: str, line: str, label: str) -> str:
    """Give the SQL of an item's name: a digest of company, line and the label its rows have in common.

    `company`, `line` and `label` are SQL: the company as it is compared, the line, and the reference the rows were put
    together by. The name stays the same from month to month, as long as that reference is open. It starts with a
    letter: a name of digits, or of digits around an `e`, would come back from a spreadsheet as a number.
    """
    return f"concat('i', left(sha256(concat_ws(chr(30), {company}, {line}, {label})), 19))"


_GROUPS = f"""
WITH {ROWS.strip()}

-- Reference: what the rows with one reference come to, of both sides together. Kept are those that do not agree, and
-- the rows of no amount that stand alone; all others have met their counterpart.
    SELECT book, reference, sum(net) <> 0 AS is_open
    FROM (
        SELECT book, reference, amount AS net FROM nav_rows
        UNION ALL
        SELECT book, reference, -amount FROM target_rows
    )
    WHERE reference IS NOT NULL
    GROUP BY book, reference
    HAVING sum(net) <> 0 OR count(*) = 1
"""

_OPEN_ROWS = f"""
WITH {ROWS.strip()},
open_rows_read AS MATERIALIZED (
    SELECT
        nav_rows.book, 'NAV' AS side, CAST(entry_no AS VARCHAR) AS row_key, entry_no, account, day, amount,
        amount AS net, nav_rows.reference, written, by_document,
        coalesce(CASE WHEN by_document AND vouchers > 1 THEN vouchers END, 0) AS several,
        voucher_key(document_no) AS document, text_key(document_description) AS description,
        text_key(comment) AS remark, source_no
    FROM nav_rows
    LEFT JOIN groups USING (book, reference)
    WHERE nav_rows.reference IS NULL OR groups.is_open
    UNION ALL
    SELECT
        target_rows.book, 'TARGET', row_key, NULL, NULL, day, amount, -amount, target_rows.reference, written, false, 0,
        NULL, NULL, NULL, NULL
    FROM target_rows
    LEFT JOIN groups USING (book, reference)
    WHERE target_rows.reference IS NULL OR groups.is_open
),
open_references AS MATERIALIZED (
    SELECT
        book, reference, count(*) FILTER (side = 'TARGET') AS target_rows,
        greatest(count(*) FILTER (side = 'NAV'), count(*) FILTER (side = 'TARGET')) > any_value(shared_by_at_most)
            AS is_shared
    FROM open_rows_read
    CROSS JOIN matching
    WHERE reference IS NOT NULL
    GROUP BY book, reference
)

-- A label is what the rows of one item have in common. A reference that many carry identifies nothing, unless the
-- rows of one amount agree in it; a row without one stands alone.
    SELECT
        * EXCLUDE (several, of_its_amount),
        CASE
            WHEN reference IS NOT NULL AND NOT is_shared THEN reference
            WHEN is_shared AND of_its_amount = 0 THEN concat(reference, chr(31), amount)
            ELSE concat(chr(31), side, ' ', row_key)
        END AS label,
        CASE
            -- The rows of the other side that carry it and have not met theirs.
            WHEN is_shared AND of_its_amount <> 0 THEN
                count(*) FILTER (of_its_amount <> 0) OVER of_one_reference
                - count(*) FILTER (of_its_amount <> 0) OVER of_one_side
            ELSE several
        END AS several
    FROM (
        SELECT
            open_rows_read.*, coalesce(target_rows, 0) AS target_rows, coalesce(is_shared, false) AS is_shared,
            CASE WHEN is_shared THEN sum(net) OVER of_one_amount END AS of_its_amount
        FROM open_rows_read
        LEFT JOIN open_references USING (book, reference)
        WINDOW of_one_amount AS (PARTITION BY book, is_shared, reference, amount)
    )
    WINDOW
        of_one_reference AS (PARTITION BY book, is_shared, reference),
        of_one_side AS (PARTITION BY book, is_shared, reference, side)
"""

_NAMED = rf"""
-- Named: an entry whose document meets nothing takes the reference that its texts hold as a whole token.
names AS MATERIALIZED (
    SELECT DISTINCT
        book, label,
        regexp_replace(name, '^[^{_LETTERS}]+|[^{_LETTERS}]+$', '', 'g') AS name
    FROM (
        SELECT book, label, reference AS name FROM open_rows WHERE NOT is_shared
        UNION ALL
        SELECT book, label, document FROM open_rows WHERE NOT is_shared
        UNION ALL
        -- A voucher is one also where it is no row of the target: used up, cancelled or expired.
        SELECT books.book, voucher_key(voucher_id), voucher_key(voucher_id)
        FROM ipe_08
        JOIN books ON books.extract = 'ipe_08' AND books.company = text_key(ipe_08.id_company)
        WHERE is_non_marketing(business_use)
    )
    WHERE name IS NOT NULL
),
seekers AS MATERIALIZED (
    SELECT open_rows.book, row_key, label, net, [document, description, remark] AS texts, usage
    FROM open_rows
    JOIN books USING (book)
    WHERE books.is_named AND side = 'NAV' AND (reference IS NULL OR by_document) AND target_rows = 0
      AND several = 0
),
pieces AS (
    SELECT
        book, row_key, label, net, said,
        regexp_extract_all(said, '[{_LETTERS}]+[^{_LETTERS}]*')[:400] AS pieces
    FROM (SELECT book, row_key, label, net, usage, unnest(texts) AS said FROM seekers)
    WHERE said IS NOT NULL AND len(list_filter(usage, lambda words: contains(said, words))) = 0
),
tokens AS (
    SELECT DISTINCT
        book, row_key, label, net,
        regexp_replace(array_to_string(pieces[first:first + more], ''), '[^{_LETTERS}]+$', '') AS token
    FROM (
        SELECT pieces.*, unnest(range(1, len(pieces) + 1)) AS first FROM pieces
    )
    CROSS JOIN range({_LONGEST_NAME}) AS lengths (more)
    WHERE first + more <= len(pieces)
),
meant AS MATERIALIZED (
    SELECT DISTINCT
        tokens.book, tokens.row_key, tokens.label, tokens.net, tokens.token, names.label AS other
    FROM tokens
    JOIN names ON names.book = tokens.book AND names.name = tokens.token AND names.label <> tokens.label
),
label_sums AS MATERIALIZED (SELECT book, label, sum(net) AS net FROM open_rows GROUP BY ALL),
-- A token inside a longer one that is a reference too says nothing of its own.
own_meant AS MATERIALIZED (
    SELECT *
    FROM meant
    WHERE NOT EXISTS (
        SELECT 1 FROM meant AS longer
        WHERE longer.book = meant.book AND longer.row_key = meant.row_key
          AND length(longer.token) > length(meant.token) AND contains(longer.token, meant.token)
    )
),
named AS MATERIALIZED (
    SELECT
        meant.book, row_key, meant.label, count(DISTINCT other) AS others,
        CASE
            WHEN count(DISTINCT other) = 1 THEN min(other)
            -- Of several, the one that it settles to the last digit.
            WHEN count(DISTINCT other) FILTER (label_sums.net = -meant.net) = 1
                THEN min(other) FILTER (label_sums.net = -meant.net)
        END AS to_label
    FROM own_meant AS meant
    LEFT JOIN label_sums ON label_sums.book = meant.book AND label_sums.label = meant.other
    GROUP BY meant.book, row_key, meant.label
),
-- An entry that names several, and comes with all of them together to zero, is about all of them.
fitting_sums AS MATERIALIZED (
    SELECT told.book, told.row_key, told.label
    FROM (SELECT DISTINCT book, row_key, label, net, other FROM own_meant) AS told
    SEMI JOIN named
        ON named.book = told.book AND named.row_key = told.row_key AND named.others > 1 AND named.to_label IS NULL
    JOIN label_sums AS own ON own.book = told.book AND own.label = told.label AND own.net = told.net
    LEFT JOIN label_sums AS theirs ON theirs.book = told.book AND theirs.label = told.other
    GROUP BY told.book, told.row_key, told.label, told.net
    HAVING sum(theirs.net) + told.net = 0 AND count(*) = count(theirs.net)
),
-- Where two of them name the same, neither is taken.
summing AS MATERIALIZED (
    SELECT book, row_key, label
    FROM (
        SELECT told.*, count(*) OVER (PARTITION BY told.book, told.other) AS named_by
        FROM (SELECT DISTINCT book, row_key, label, other FROM own_meant) AS told
        SEMI JOIN fitting_sums ON fitting_sums.book = told.book AND fitting_sums.row_key = told.row_key
    )
    GROUP BY ALL
    HAVING max(named_by) = 1
),
summed AS MATERIALIZED (
    SELECT book, other, min(label) AS label
    FROM (SELECT DISTINCT book, row_key, label, other FROM own_meant) AS told
    SEMI JOIN summing ON summing.book = told.book AND summing.row_key = told.row_key
    GROUP BY book, other
),
-- Labels all of whose rows go to one other: whoever went to them goes on.
emptied AS MATERIALIZED (
    SELECT open_rows.book, open_rows.label, min(to_label) AS to_label
    FROM open_rows
    LEFT JOIN (SELECT book, row_key, to_label FROM named) AS named
        ON named.book = open_rows.book AND named.row_key = open_rows.row_key AND open_rows.side = 'NAV'
    GROUP BY ALL
    HAVING count(*) = count(to_label) AND min(to_label) = max(to_label)
),
named_labels AS MATERIALIZED (
    SELECT
        named.book, named.row_key, named.label, named.others,
        CASE
            WHEN named.to_label IS NULL THEN NULL
            WHEN second.to_label IS NULL THEN named.to_label
            WHEN second.to_label = named.label THEN least(named.label, named.to_label)
            WHEN third.to_label IS NULL THEN second.to_label
            WHEN third.to_label IN (named.label, named.to_label)
                THEN least(named.label, named.to_label, second.to_label)
            ELSE third.to_label
        END AS to_label
    FROM named
    LEFT JOIN emptied AS second ON second.book = named.book AND second.label = named.to_label
    LEFT JOIN emptied AS third ON third.book = named.book AND third.label = second.to_label
),
named_rows AS MATERIALIZED (
    SELECT
        open_rows.* EXCLUDE (label, several),
        coalesce(to_label, summed.label, open_rows.label) AS label,
        coalesce(to_label <> open_rows.label, false) OR summed.label IS NOT NULL OR summing.label IS NOT NULL
            AS is_named,
        CASE
            WHEN to_label IS NULL AND summing.label IS NULL AND others > 1 THEN greatest(several, others)
            ELSE several
        END AS several
    FROM open_rows
    LEFT JOIN named_labels
        ON named_labels.book = open_rows.book AND named_labels.row_key = open_rows.row_key AND open_rows.side = 'NAV'
    LEFT JOIN summed ON summed.book = open_rows.book AND summed.other = open_rows.label
    LEFT JOIN summing
        ON summing.book = open_rows.book AND summing.row_key = open_rows.row_key AND open_rows.side = 'NAV'
),
-- What is still open, label by label; the earliest row gives an item its name.
open_labels AS MATERIALIZED (
    SELECT
        book, label, sum(net) AS net, min(day) AS day, count(*) AS label_rows, bool_or(side = 'TARGET') AS has_target
    FROM named_rows
    GROUP BY ALL
    HAVING sum(net) <> 0
)"""


def _round(before: str, after: str) -> str:
    """Give the SQL of one round: each node takes the least name its neighbours, or who has its name, have met."""
    return f"""
{after}_met AS MATERIALIZED (
    SELECT node, any_value({before}.name) AS name, least(min({before}.name), min(met.name)) AS met
    FROM {before}
    LEFT JOIN (
        SELECT edges.one AS node, other.name FROM edges JOIN {before} AS other ON other.node = edges.other
    ) AS met USING (node)
    GROUP BY node
),
{after}_told AS MATERIALIZED (
    SELECT {after}_met.node, least({after}_met.met, told.met) AS name
    FROM {after}_met
    JOIN (SELECT name, min(met) AS met FROM {after}_met GROUP BY name) AS told USING (name)
),
{after} AS MATERIALIZED (
    SELECT {after}_told.node, least({after}_told.name, far.name) AS name
    FROM {after}_told
    JOIN {after}_told AS far ON far.node = {after}_told.name
),"""


_LINKED = f"""
-- Linked: what lists and payments put together, as connected groups.
links AS MATERIALIZED (
    SELECT DISTINCT
        books.book, voucher_key(related_entity) AS entity, voucher_key(transaction_list_no) AS list,
        voucher_key(payment_no) AS payment
    FROM collection_links
    JOIN books ON books.is_linked AND books.company = text_key(collection_links.id_company)
),
link_texts AS MATERIALIZED (
    SELECT book, text, CAST(row_number() OVER (ORDER BY book, text) AS INTEGER) AS node
    FROM (
        SELECT DISTINCT book, list AS text FROM links WHERE list IS NOT NULL
        UNION
        SELECT DISTINCT book, payment FROM links WHERE payment IS NOT NULL
    )
),
held AS MATERIALIZED (
    SELECT links.book, entity, node
    FROM links
    JOIN link_texts ON link_texts.book = links.book AND link_texts.text = links.list
    WHERE entity IS NOT NULL
    UNION
    SELECT links.book, entity, node
    FROM links
    JOIN link_texts ON link_texts.book = links.book AND link_texts.text = links.payment
    WHERE entity IS NOT NULL
),
-- Each entity hangs on the first of its lists and payments, and holds the others together.
entities AS MATERIALIZED (
    SELECT book, entity, min(node) AS node FROM held GROUP BY ALL
),
edges_read AS (
    SELECT list_text.node AS one, payment_text.node AS other
    FROM links
    JOIN link_texts AS list_text ON list_text.book = links.book AND list_text.text = links.list
    JOIN link_texts AS payment_text ON payment_text.book = links.book AND payment_text.text = links.payment
    UNION
    SELECT entities.node, held.node
    FROM held
    JOIN entities ON entities.book = held.book AND entities.entity = held.entity
    UNION
    -- An entity may be known by the number of a list or a payment.
    SELECT entities.node, link_texts.node
    FROM entities
    JOIN link_texts ON link_texts.book = entities.book AND link_texts.text = entities.entity
),
edges AS MATERIALIZED (
    SELECT one, other FROM edges_read WHERE one <> other
    UNION
    SELECT other, one FROM edges_read WHERE one <> other
),
linked_0 AS (SELECT node, node AS name FROM link_texts),
{"".join(_round(f"linked_{at}", f"linked_{at + 1}") for at in range(_ROUNDS))}
-- Where a round more would still move a name, the group is wider than the bound: it stays open.
unsettled AS (
    SELECT DISTINCT unnest([one.name, other.name]) AS name
    FROM edges
    JOIN linked_{_ROUNDS} AS one ON one.node = edges.one
    JOIN linked_{_ROUNDS} AS other ON other.node = edges.other
    WHERE one.name <> other.name
),
link_groups AS (
    SELECT book, text, name
    FROM (
        SELECT book, text, node FROM link_texts
        UNION ALL
        SELECT book, entity, node FROM entities
        ANTI JOIN link_texts ON link_texts.book = entities.book AND link_texts.text = entities.entity
    )
    JOIN linked_{_ROUNDS} USING (node)
    WHERE name NOT IN (SELECT name FROM unsettled)
),
linked_labels AS MATERIALIZED (
    SELECT open_labels.*, link_groups.name AS link_group
    FROM open_labels
    JOIN link_groups ON link_groups.book = open_labels.book AND link_groups.text = open_labels.label
),
link_sums AS (
    SELECT book, link_group, sum(net) AS net FROM linked_labels GROUP BY ALL HAVING count(*) > 1
),
-- In a group that does not balance: the one reference without which it would.
odd_labels AS MATERIALIZED (
    SELECT linked_labels.book, link_group, min(label) AS label
    FROM linked_labels
    JOIN link_sums USING (book, link_group)
    WHERE link_sums.net <> 0 AND linked_labels.net = link_sums.net
    GROUP BY ALL
    HAVING count(*) = 1
),
-- Failing that, the entry that is there twice (the later of the two), where it is the only one of that amount.
odd_rows AS MATERIALIZED (
    SELECT
        linked_labels.book, link_group, min(named_rows.label) AS label, max(entry_no) AS entry_no
    FROM linked_labels
    JOIN link_sums USING (book, link_group)
    JOIN named_rows
        ON named_rows.book = linked_labels.book AND named_rows.label = linked_labels.label
        AND named_rows.net = link_sums.net AND named_rows.side = 'NAV'
    ANTI JOIN odd_labels
        ON odd_labels.book = linked_labels.book AND odd_labels.link_group = linked_labels.link_group
    WHERE link_sums.net <> 0
    GROUP BY ALL
    HAVING count(*) > 1 AND min(document) = max(document) AND min(account) = max(account)
),
linked_items AS MATERIALIZED (
    SELECT
        linked_labels.book, linked_labels.label,
        (
            -- Named by its earliest reference, but not by that of the entry that leaves it.
            min({{'day': coalesce(linked_labels.day, DATE '9999-12-31'), 'label': linked_labels.label}})
            FILTER (linked_labels.label IS DISTINCT FROM odd_rows.label)
            OVER (PARTITION BY linked_labels.book, linked_labels.link_group)
        ).label AS to_label
    FROM linked_labels
    JOIN link_sums ON link_sums.book = linked_labels.book AND link_sums.link_group = linked_labels.link_group
    LEFT JOIN odd_rows
        ON odd_rows.book = linked_labels.book AND odd_rows.link_group = linked_labels.link_group
    ANTI JOIN odd_labels ON odd_labels.book = linked_labels.book AND odd_labels.label = linked_labels.label
)"""

_SUMMARY = """
-- Summary: expiry runs against the vouchers that expired since the run before, by company and voucher type.
run_labels AS MATERIALIZED (
    SELECT open_labels.book, open_labels.label, the_one(expiry_runs.voucher_type) AS voucher_type,
        open_labels.net, max(named_rows.day) AS day, min(named_rows.day) AS first_day
    FROM open_labels
    JOIN books ON books.book = open_labels.book AND books.is_summary
    JOIN named_rows ON named_rows.book = open_labels.book AND named_rows.label = open_labels.label
    JOIN expiry_runs ON contains(named_rows.description, expiry_runs.contains)
    WHERE NOT open_labels.has_target AND open_labels.net > 0 AND named_rows.by_document
    GROUP BY ALL
    HAVING the_one(expiry_runs.voucher_type) IS NOT NULL
),
expired_vouchers AS MATERIALIZED (
    SELECT
        books.book, ipe_08.voucher_id, voucher_key(ipe_08.voucher_id) AS label,
        voucher_type_of(ipe_08.business_use) AS voucher_type, CAST(ipe_08.to_date AS DATE) AS day,
        ipe_08.remaining_amount AS amount
    FROM ipe_08
    JOIN books ON books.is_summary AND books.company = text_key(ipe_08.id_company)
    WHERE ipe_08.is_active AND text_key(ipe_08.is_valid) = 'EXPIRED' AND is_non_marketing(ipe_08.business_use)
      AND ipe_08.remaining_amount <> 0 AND ipe_08.to_date IS NOT NULL
),
run_days AS (SELECT DISTINCT book, voucher_type, day FROM run_labels WHERE day IS NOT NULL),
run_vouchers AS MATERIALIZED (
    SELECT expired_vouchers.* EXCLUDE (day), run_days.day AS run_day
    FROM expired_vouchers
    ASOF JOIN run_days
        ON run_days.book = expired_vouchers.book AND run_days.voucher_type = expired_vouchers.voucher_type
        AND expired_vouchers.day <= run_days.day
),
run_sums AS MATERIALIZED (
    SELECT
        book, voucher_type, day, sum(net) AS net,
        row_number() OVER (PARTITION BY book, voucher_type ORDER BY day) AS place,
        sum(sum(net)) OVER (PARTITION BY book, voucher_type ORDER BY day) AS running
    FROM (
        SELECT book, voucher_type, day, net FROM run_labels
        UNION ALL
        SELECT book, voucher_type, run_day, -amount FROM run_vouchers
    )
    WHERE day IS NOT NULL
    GROUP BY book, voucher_type, day
    HAVING sum(net) <> 0
),
-- Stretches of runs that come to zero, or would without one run that has nothing to do with them.
stretches AS MATERIALIZED (
    SELECT
        first.book, first.voucher_type, first.place AS from_place, last.place AS to_place,
        first.day AS first_day, last.day AS last_day,
        last.running - first.running + first.net AS net
    FROM run_sums AS first
    JOIN run_sums AS last
        ON last.book = first.book AND last.voucher_type = first.voucher_type
        AND last.place BETWEEN first.place AND first.place + 23
),
fitting_stretches AS MATERIALIZED (
    SELECT book, voucher_type, from_place, to_place, CASE WHEN net <> 0 THEN odd END AS odd
    FROM (
        SELECT
            stretches.book, stretches.voucher_type, from_place, to_place, stretches.net, count(*) AS runs,
            count(*) FILTER (run_labels.net = stretches.net) AS fitting,
            min(label) FILTER (run_labels.net = stretches.net) AS odd
        FROM stretches
        JOIN run_labels
            ON run_labels.book = stretches.book AND run_labels.voucher_type = stretches.voucher_type
            AND run_labels.day BETWEEN stretches.first_day AND stretches.last_day
        GROUP BY stretches.book, stretches.voucher_type, from_place, to_place, stretches.net
    )
    WHERE net = 0 OR (fitting = 1 AND runs > 1)
),
-- The shortest stretch of each run; one that another cuts through is taken by neither.
best_stretches AS (
    SELECT
        run_sums.book, run_sums.voucher_type, run_sums.place,
        min({'length': to_place - from_place, 'from_place': from_place, 'to_place': to_place, 'odd': odd}) AS best
    FROM run_sums
    JOIN fitting_stretches
        ON fitting_stretches.book = run_sums.book AND fitting_stretches.voucher_type = run_sums.voucher_type
        AND run_sums.place BETWEEN from_place AND to_place
    GROUP BY run_sums.book, run_sums.voucher_type, run_sums.place
),
taken_stretches AS MATERIALIZED (
    SELECT book, voucher_type, best.from_place AS from_place, best.to_place AS to_place, best.odd AS odd
    FROM best_stretches
    GROUP BY book, voucher_type, best
    HAVING count(*) = best.to_place - best.from_place + 1
),
-- Each day's runs belong to their stretch, or stay with their own vouchers.
run_days_grouped AS MATERIALIZED (
    SELECT
        run_days.*,
        CASE
            WHEN taken_stretches.from_place IS NOT NULL THEN concat('stretch ', taken_stretches.from_place)
            ELSE concat('day ', run_days.day)
        END AS stretch,
        taken_stretches.odd
    FROM run_days
    LEFT JOIN run_sums
        ON run_sums.book = run_days.book AND run_sums.voucher_type = run_days.voucher_type
        AND run_sums.day = run_days.day
    LEFT JOIN taken_stretches
        ON taken_stretches.book = run_days.book AND taken_stretches.voucher_type = run_days.voucher_type
        AND run_sums.place BETWEEN taken_stretches.from_place AND taken_stretches.to_place
),
run_items AS MATERIALIZED (
    SELECT
        run_labels.book, run_labels.voucher_type, run_labels.label, run_days_grouped.stretch,
        min({'day': run_labels.first_day, 'label': run_labels.label}) OVER (
            PARTITION BY run_labels.book, run_labels.voucher_type, run_days_grouped.stretch
        ).label AS to_label
    FROM run_labels
    JOIN run_days_grouped USING (book, voucher_type, day)
    WHERE run_labels.label IS DISTINCT FROM run_days_grouped.odd
),
settlements AS MATERIALIZED (
    SELECT DISTINCT
        run_vouchers.book, run_vouchers.voucher_id, run_vouchers.label, run_vouchers.amount, run_items.to_label
    FROM run_vouchers
    JOIN run_days_grouped
        ON run_days_grouped.book = run_vouchers.book AND run_days_grouped.voucher_type = run_vouchers.voucher_type
        AND run_days_grouped.day = run_vouchers.run_day
    JOIN run_items
        ON run_items.book = run_vouchers.book AND run_items.voucher_type = run_vouchers.voucher_type
        AND run_items.stretch = run_days_grouped.stretch
)"""

_APPLIED = """
-- Applied: a payment whose invoice NAV does not have, and the one invoice of the customer that was paid exactly that.
part_paid AS MATERIALIZED (
    SELECT
        open_labels.book, open_labels.label, text_key(customer_no) AS customer,
        ipe_07.remaining_amount_lcy - ipe_07.original_amount_lcy AS paid
    FROM ipe_07
    JOIN books ON books.is_applied AND books.extract = 'ipe_07' AND books.company = text_key(ipe_07.id_company)
    JOIN named_rows
        ON named_rows.book = books.book AND named_rows.side = 'TARGET'
        AND named_rows.row_key = CAST(ipe_07.entry_no AS VARCHAR)
    JOIN open_labels
        ON open_labels.book = named_rows.book AND open_labels.label = named_rows.label AND open_labels.label_rows = 1
    WHERE ipe_07.remaining_amount_lcy <> ipe_07.original_amount_lcy AND text_key(customer_no) IS NOT NULL
),
unmet AS MATERIALIZED (
    SELECT open_labels.book, open_labels.label, text_key(named_rows.source_no) AS customer, open_labels.net
    FROM open_labels
    JOIN books ON books.book = open_labels.book AND books.is_applied
    JOIN named_rows
        ON named_rows.book = open_labels.book AND named_rows.label = open_labels.label AND named_rows.side = 'NAV'
    WHERE open_labels.label_rows = 1
),
applied_pairs AS MATERIALIZED (
    SELECT
        unmet.book, unmet.label, part_paid.label AS to_label,
        count(*) OVER of_one_amount AS pairs,
        count(*) OVER (PARTITION BY unmet.book, unmet.label) AS others
    FROM unmet
    JOIN part_paid
        ON part_paid.book = unmet.book AND part_paid.customer = unmet.customer AND part_paid.paid = unmet.net
    WINDOW of_one_amount AS (PARTITION BY unmet.book, unmet.customer, unmet.net)
),
applied_items AS MATERIALIZED (SELECT book, label, to_label FROM applied_pairs WHERE pairs = 1)"""

_USAGE = """
-- Usage: an entry that says it is the usage of a voucher and not of which, and the one voucher that was used and
-- lacks exactly this amount; where there are two of either, none.
voucher_sums AS MATERIALIZED (
    SELECT book, label, sum(net) AS net
    FROM (
        SELECT book, label, net FROM open_labels
        UNION ALL
        SELECT book, label, amount FROM settlements
    )
    GROUP BY ALL
),
used_vouchers AS MATERIALIZED (
    SELECT voucher_sums.book, voucher_sums.label, voucher_sums.net
    FROM ipe_08
    JOIN books ON books.company = text_key(ipe_08.id_company) AND books.is_usage
    JOIN voucher_sums
        ON voucher_sums.book = books.book AND voucher_sums.label = voucher_key(ipe_08.voucher_id)
        AND ipe_08.total_amount_used >= -voucher_sums.net
    WHERE voucher_sums.net < 0
),
usage_entries AS MATERIALIZED (
    SELECT open_labels.book, open_labels.label, open_labels.net
    FROM open_labels
    JOIN books ON books.book = open_labels.book AND books.is_usage
    JOIN named_rows ON named_rows.book = open_labels.book AND named_rows.label = open_labels.label
    WHERE open_labels.label_rows = 1 AND open_labels.net > 0 AND NOT open_labels.has_target AND named_rows.by_document
      AND len(list_filter(books.usage, lambda words: contains(named_rows.description, words))) > 0
),
usage_pairs AS MATERIALIZED (
    SELECT
        usage_entries.book, usage_entries.label, used_vouchers.label AS to_label,
        count(*) OVER of_one_amount AS pairs,
        count(*) OVER (PARTITION BY usage_entries.book, usage_entries.label) AS others
    FROM usage_entries
    JOIN used_vouchers
        ON used_vouchers.book = usage_entries.book AND used_vouchers.net = -usage_entries.net
    WINDOW of_one_amount AS (PARTITION BY usage_entries.book, usage_entries.net)
),
usage_items AS MATERIALIZED (SELECT book, label, to_label FROM usage_pairs WHERE pairs = 1)"""

_LEDGER = """
-- Ledger: what the balance holds that the entries do not.
refreshed AS MATERIALIZED (
    SELECT
        book_accounts.book, book_accounts.account, sum(balance_at_date) AS balance, max(refresh_date) AS refresh_date
    FROM cr_04
    JOIN month ON cr_04.closing_date = month.cutoff_date
    JOIN book_accounts
        ON book_accounts.company = text_key(cr_04.id_company)
        AND book_accounts.account = text_key(group_coa_account_no)
    GROUP BY ALL
),
late_entries AS MATERIALIZED (
    -- What was applied to it was so after the balance was taken too: the balance lacks all that was posted.
    SELECT
        nav_rows.book, nav_rows.account, entry_no, document_no, -posted AS amount, voucher_key(document_no) AS document
    FROM nav_rows
    JOIN refreshed
        ON refreshed.book = nav_rows.book AND refreshed.account = nav_rows.account
        AND nav_rows.gl_creation_date > refreshed.refresh_date
),
ledger_sums AS (
    SELECT book, account, sum(amount) AS amount
    FROM (
        SELECT book, account, balance AS amount FROM refreshed
        UNION ALL
        SELECT book, account, -amount FROM nav_rows
        UNION ALL
        SELECT book, account, -amount FROM late_entries
    )
    GROUP BY ALL
)"""

_PLACED = """
-- Rows of one label are one item. What put a row there says so; the others share its reference, or stand alone.
SELECT
    book, side, row_key, written, amount, label,
    coalesce(moved_by, CASE WHEN count(*) OVER of_the_item > 1 THEN 'reference' ELSE 'none' END) AS matched_by,
    CASE WHEN moved_by IS NOT NULL OR count(*) OVER of_the_item > 1 THEN split_part(label, chr(31), 1) END AS decided_by,
    several
FROM (
    SELECT
        named_rows.book, side, row_key, written, amount,
        CASE
            -- The entry that is there twice leaves its group, which then balances.
            WHEN odd_rows.entry_no IS NOT NULL THEN named_rows.label
            ELSE coalesce(
                linked_items.to_label, run_items.to_label, usage_items.to_label, applied_items.to_label,
                named_rows.label
            )
        END AS label,
        CASE
            WHEN odd_rows.entry_no IS NOT NULL THEN NULL
            WHEN linked_items.to_label IS NOT NULL THEN 'linked'
            WHEN run_items.to_label IS NOT NULL AND settled.to_label IS NOT NULL THEN 'summary'
            WHEN usage_items.to_label IS NOT NULL THEN 'usage'
            WHEN applied_items.to_label IS NOT NULL THEN 'applied'
            WHEN is_named THEN 'named'
        END AS moved_by,
        greatest(several, coalesce(doubts.others, 0)) AS several
    FROM named_rows
    LEFT JOIN linked_items ON linked_items.book = named_rows.book AND linked_items.label = named_rows.label
    LEFT JOIN odd_rows
        ON odd_rows.book = named_rows.book AND odd_rows.label = named_rows.label
        AND odd_rows.entry_no = named_rows.entry_no
    LEFT JOIN run_items ON run_items.book = named_rows.book AND run_items.label = named_rows.label
    LEFT JOIN usage_items ON usage_items.book = named_rows.book AND usage_items.label = named_rows.label
    LEFT JOIN applied_items ON applied_items.book = named_rows.book AND applied_items.label = named_rows.label
    LEFT JOIN (
        SELECT book, label, others FROM usage_pairs WHERE pairs > 1
        UNION
        SELECT book, label, others FROM applied_pairs WHERE pairs > 1
    ) AS doubts
        ON doubts.book = named_rows.book AND doubts.label = named_rows.label AND named_rows.side = 'NAV'
    LEFT JOIN (SELECT DISTINCT book, to_label FROM settlements) AS settled
        ON settled.book = run_items.book AND settled.to_label = run_items.to_label
    UNION ALL
    SELECT book, 'SETTLEMENT', concat(voucher_id, '|voucher'), voucher_id, amount, label, 'summary', 0
    FROM settlements
    UNION ALL
    SELECT book, 'SETTLEMENT', concat(voucher_id, '|run'), voucher_id, -amount, to_label, 'summary', 0
    FROM settlements
)
WINDOW of_the_item AS (PARTITION BY book, label)
"""

_ALL_PLACED = """
placed AS (
    SELECT
        nav_rows.book, 'NAV' AS side, CAST(entry_no AS VARCHAR) AS row_key, written, amount,
        nav_rows.reference AS label, CASE WHEN groups.book IS NULL THEN 'reference' ELSE 'none' END AS matched_by,
        CASE WHEN groups.book IS NULL THEN nav_rows.reference END AS decided_by, 0 AS several
    FROM nav_rows
    LEFT JOIN groups USING (book, reference)
    WHERE nav_rows.reference IS NOT NULL AND NOT coalesce(groups.is_open, false)
    UNION ALL
    SELECT
        target_rows.book, 'TARGET', row_key, written, amount, target_rows.reference,
        CASE WHEN groups.book IS NULL THEN 'reference' ELSE 'none' END,
        CASE WHEN groups.book IS NULL THEN target_rows.reference END, 0
    FROM target_rows
    LEFT JOIN groups USING (book, reference)
    WHERE target_rows.reference IS NOT NULL AND NOT coalesce(groups.is_open, false)
    UNION ALL
    SELECT * FROM placed_open
    UNION ALL
    SELECT
        book, 'LEDGER', concat('entry ', entry_no), document_no, amount, concat(chr(31), 'LEDGER ', document), 'ledger',
        NULL, 0
    FROM late_entries
    UNION ALL
    SELECT
        book, 'LEDGER', concat('account ', account), account, amount, concat(chr(31), 'LEDGER account ', account),
        'ledger', NULL, 0
    FROM ledger_sums
    WHERE amount <> 0
)"""

STAGES = {
    "groups": _GROUPS,
    "open_rows": _OPEN_ROWS,
    "placed_open": f"""
WITH {ROWS.strip()},
{_NAMED.strip()},
{_LINKED.strip()},
{_SUMMARY.strip()},
{_USAGE.strip()},
{_APPLIED.strip()}
{_PLACED}""",
}
_FINAL = f"""
WITH {ROWS.strip()},
{_LEDGER.strip()},
{_ALL_PLACED.strip()}

SELECT
    books.id_company, books.line, side, row_key, written AS reference, amount,
    {named_item("books.company", "books.line", "label")} AS item,
    matched_by,
    CASE
        WHEN several > 0 AND matched_by IN ('none', 'reference') THEN 'ambiguous'
        -- Two facts and an amount, which only one of each has.
        WHEN matched_by IN ('usage', 'applied') THEN 'likely'
        WHEN matched_by IN ('none', 'ledger') THEN 'none'
        ELSE 'certain'
    END AS confidence,
    matching.rule_version, decided_by,
    CASE
        WHEN several > 0 AND matched_by IN ('none', 'reference') THEN several
        WHEN matched_by IN ('none', 'ledger') THEN 0
        ELSE 1
    END AS candidates
FROM placed
JOIN books USING (book)
CROSS JOIN matching
"""
STATEMENT = staged(STAGES, _FINAL)


def open_item_matches(
    nav_open_items: Frame,
    collection_links: Frame,
    cr_04: Frame,
    cr_05: Frame,
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    doc_voucher_usage: Frame,
    month: CutoffMonth,
    lines: Lines,
    matching: Matching,
) -> duckdb.DuckDBPyRelation:
    """Give every row of both sides of every line, exactly once, with the item it belongs to and why.

    Rows belong together within one line of one company. Each has one label, and rows of one label are one item; passes
    move rows to another label, in this order, each only on the lines that `matching` names:

    - reference: rows of one reference, which is the first of the line's columns that is not empty. One that more than
      `shared_by_at_most` open rows of a side carry joins only rows of one amount that come to zero.
    - named: an entry known by its document number, which the target does not have, and whose texts hold another's
      reference, document number or voucher as a whole token. Of several the one it settles; else all of them, where
      it comes to zero with them.
    - linked: what lists and payments put together, without the one reference, or the copy, that alone keeps the group
      from zero.
    - summary: expiry runs, with the vouchers that expired since the run before. Each of these vouchers is settled by
      two rows of side SETTLEMENT.
    - usage, applied: an entry and the one voucher, or invoice, that two facts and the amount lead to.

    Where several could be meant none is taken, and `candidates` says how many. What comes to zero, to the last digit,
    is closed, and nothing else is. What a balance holds beside its entries is added as rows of side LEDGER: the
    opposite of what was posted on each entry made after the balance was taken, then what still differs by account.
    The sides so add up to the actual and the target value, whatever is matched.

    Known limits: a group of links that reaches further than the rounds stays open, as do expiry runs that agree only
    over more than 24 days of runs. An entry that was made late and is settled already is in its account's LEDGER row.

    Gives rows as `OPEN_ITEM_MATCHES`; amounts LCY, in NAV's sign (debit positive). Raises DataError when an input lacks
    a column or would lose digits.

    Source of the rule: Open items, "What is a row of a side", "Derived assets", "How rows are matched"; decision 22.
    """
    inputs = {
        **row_inputs(
            nav_open_items, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, doc_voucher_usage, cr_05, lines,
            matching,
        ),
        "collection_links": Input(collection_links, COLLECTION_LINKS),
        "cr_04": Input(cr_04, CR_04),
        "expiry_runs": Input(matching.expiry_runs_table()),
        "month": month_input(month),
    }  # fmt: skip
    return run(_FINAL, inputs, OPEN_ITEM_MATCHES, stages=STAGES)
