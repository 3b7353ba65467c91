"""Open items: what each variance is made of, item by item, with age and probable cause.

Lives here: adding rows up to items, laying bridges on them, and the facts that causes rest on. Does not: which rows
belong together (`open_item_matches`), or which facts make which cause (data, `matching`).
"""

import duckdb

from cpg1_assets.frame import columns, columns_named
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules import open_item_rows as rows
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import Frame, Input, month_input, run, staged
from cpg1_assets.rules.frames import OPEN_ITEM_MATCHES, OPEN_ITEMS, RECONCILIATION
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.open_item_matches import named_item

_LAID = {name: bridge for name, bridge in BRIDGES.items() if bridge.sign and bridge.item == ("voucher_id",)}
"""The bridges whose rows are laid on items: those that quantify, voucher by voucher."""

IPE_08 = (
    *rows.IPE_08,
    *columns(("discount_amount", "amount"), ("last_time_used", "timestamp")),
)


MATCHES = columns_named(
    OPEN_ITEM_MATCHES,
    "id_company", "line", "side", "row_key", "reference", "amount", "item", "matched_by", "confidence", "decided_by",
)  # fmt: skip
LINES_COMPUTED = columns_named(RECONCILIATION, "id_company", "country_code", "line", "fx_rate", "status")

_BRIDGE_ROWS = "\n    UNION ALL\n".join(
    f"""    SELECT
        books.book, books.company, books.line, '{name}' AS bridge, voucher_id, voucher_key(voucher_id) AS voucher,
        CASE line_bridges.sign WHEN 1 THEN {bridge.row_amount} WHEN -1 THEN -{bridge.row_amount} END AS amount
    FROM {name}
    JOIN line_bridges ON line_bridges.bridge = '{name}' AND line_bridges.sign <> 0
    JOIN books ON books.line = line_bridges.line AND books.company = text_key({name}.id_company)
    WHERE {bridge.row_amount} <> 0"""
    for name, bridge in _LAID.items()
)

_MATCHED = """
computed AS MATERIALIZED (
    SELECT books.book, country_code, fx_rate
    FROM reconciliation
    JOIN books ON books.company = text_key(reconciliation.id_company) AND books.line = reconciliation.line
    WHERE status <> 'NOT_COMPUTED'
),
matched AS NOT MATERIALIZED (
    SELECT books.book, open_item_matches.* EXCLUDE (id_company, line)
    FROM open_item_matches
    JOIN books ON books.id_company = open_item_matches.id_company AND books.line = open_item_matches.line
    SEMI JOIN computed ON computed.book = books.book
)"""

_BRIDGES = f"""
bridge_rows AS (
{_BRIDGE_ROWS}
),
-- A bridge is laid on the item its voucher's rows are in; where no row has it, or several items do, on its own.
voucher_items AS MATERIALIZED (
    SELECT matched.book, bridged.voucher, the_one(matched.item) AS item
    FROM matched
    JOIN (SELECT DISTINCT book, voucher FROM bridge_rows) AS bridged
        ON bridged.book = matched.book AND bridged.voucher = voucher_key(matched.reference)
    WHERE matched.side IN ('NAV', 'TARGET') OR ends_with(matched.row_key, '|voucher')
    GROUP BY ALL
),
laid AS MATERIALIZED (
    SELECT
        bridge_rows.book, coalesce(voucher_items.item, {named_item("company", "line", "bridge_rows.voucher")}) AS item,
        min(voucher_id) AS voucher_id, min(bridge_rows.voucher) AS voucher,
        string_agg(DISTINCT bridge, ', ' ORDER BY bridge) AS bridge, sum(amount) AS amount
    FROM bridge_rows
    JOIN computed USING (book)
    LEFT JOIN voucher_items ON voucher_items.book = bridge_rows.book AND voucher_items.voucher = bridge_rows.voucher
    GROUP BY ALL
)"""

_SUMS = f"""
WITH {rows.ROWS.strip()},
{_MATCHED.strip()},
{_BRIDGES.strip()}

-- What is not settled on both sides, or has a bridge laid on it.
    SELECT
        coalesce(added.book, laid.book) AS book, coalesce(added.item, laid.item) AS item,
        coalesce(nav_amount, 0) AS nav_amount, coalesce(target_amount, 0) AS target_amount,
        coalesce(nav_amount, 0) - coalesce(target_amount, 0) AS difference,
        coalesce(nav_entries, 0) AS nav_entries, coalesce(target_rows, 0) AS target_rows,
        laid.bridge, coalesce(laid.amount, 0) AS bridge_amount, laid.voucher, laid.voucher_id
    FROM (
        SELECT
            book, item,
            sum(amount) FILTER (side <> 'TARGET') AS nav_amount, sum(amount) FILTER (side = 'TARGET') AS target_amount,
            count(*) FILTER (side = 'NAV') AS nav_entries, count(*) FILTER (side = 'TARGET') AS target_rows
        FROM matched
        GROUP BY ALL
    ) AS added
    FULL JOIN laid ON laid.book = added.book AND laid.item = added.item
    WHERE coalesce(nav_amount, 0) <> coalesce(target_amount, 0) OR coalesce(laid.amount, 0) <> 0
"""

_ITEM_ROWS = f"""
WITH {rows.ROWS.strip()},
{_MATCHED.strip()}

    SELECT matched.*
    FROM matched
    SEMI JOIN sums ON sums.book = matched.book AND sums.item = matched.item
"""

_FACTS = r"""
late_rows AS MATERIALIZED (
    SELECT book, row_key FROM matched WHERE side = 'LEDGER' AND starts_with(row_key, 'entry ')
),
nav_details AS MATERIALIZED (
    SELECT
        item_rows.book, item_rows.item, nav_rows.entry_no, nav_rows.account, nav_rows.day, nav_rows.document_no,
        voucher_key(nav_rows.document_no) AS document, nav_rows.document_description, nav_rows.amount,
        text_key(nav_rows.source_code) AS source_code, item_rows.reference, late_rows.row_key IS NOT NULL AS is_late
    FROM nav_rows
    JOIN item_rows
        ON item_rows.book = nav_rows.book AND item_rows.side = 'NAV'
        AND item_rows.row_key = CAST(nav_rows.entry_no AS VARCHAR)
    LEFT JOIN late_rows ON late_rows.book = nav_rows.book AND late_rows.row_key = concat('entry ', nav_rows.entry_no)
),
-- Entries of one document, account and amount, in one item or in several, less what took one back.
documents AS MATERIALIZED (SELECT DISTINCT book, document FROM nav_details WHERE document IS NOT NULL),
same_entries AS MATERIALIZED (
    SELECT
        nav_rows.book, voucher_key(document_no) AS document, nav_rows.account, abs(nav_rows.amount) AS size,
        sum(sign(nav_rows.amount)) AS times
    FROM nav_rows
    SEMI JOIN documents ON documents.book = nav_rows.book AND documents.document = voucher_key(nav_rows.document_no)
    GROUP BY ALL
    HAVING abs(sum(sign(nav_rows.amount))) > 1
),
posted_twice AS (
    SELECT DISTINCT nav_details.book, nav_details.item
    FROM nav_details
    JOIN same_entries
        ON same_entries.book = nav_details.book AND same_entries.document = nav_details.document
        AND same_entries.account = nav_details.account AND same_entries.size = abs(nav_details.amount)
        AND sign(nav_details.amount) = sign(same_entries.times)
    JOIN sums ON sums.book = nav_details.book AND sums.item = nav_details.item
    WHERE sums.difference IN (nav_details.amount, nav_details.amount * CAST(abs(times) - 1 AS DECIMAL(9, 0)))
),
target_details AS MATERIALIZED (
    SELECT item_rows.book, item_rows.item, target_rows.day, item_rows.reference
    FROM target_rows
    JOIN item_rows
        ON item_rows.book = target_rows.book AND item_rows.side = 'TARGET' AND item_rows.row_key = target_rows.row_key
),
ledger_details AS MATERIALIZED (
    SELECT
        item_rows.book, item_rows.item, nav_rows.day, item_rows.reference,
        starts_with(item_rows.row_key, 'entry ') AS is_late
    FROM item_rows
    LEFT JOIN nav_rows ON nav_rows.book = item_rows.book AND item_rows.row_key = concat('entry ', nav_rows.entry_no)
    WHERE item_rows.side = 'LEDGER'
),
dates AS MATERIALIZED (
    SELECT
        book, item, min(day) AS first_date, max(day) AS last_date,
        (
            min({'day': coalesce(day, DATE '9999-12-31'), 'reference': reference})
            FILTER (reference IS NOT NULL)
        ).reference AS reference
    FROM (
        SELECT book, item, day, reference FROM nav_details
        UNION ALL
        SELECT book, item, day, reference FROM target_details
        UNION ALL
        SELECT book, item, day, reference FROM ledger_details
    )
    GROUP BY ALL
),
item_documents AS MATERIALIZED (
    SELECT book, item, document_no, max({'day': day, 'entry': entry_no}) AS newest
    FROM (
        SELECT book, item, trim(document_no, ' ') AS document_no, day, entry_no FROM nav_details
        WHERE document IS NOT NULL
        UNION ALL
        SELECT book, item, trim(reference, ' '), day, 0 FROM ledger_details WHERE is_late AND reference IS NOT NULL
    )
    GROUP BY ALL
),
listed_documents AS (
    SELECT book, item, string_agg(document_no, ', ' ORDER BY newest DESC, document_no) AS document_no
    FROM (
        SELECT *, row_number() OVER (PARTITION BY book, item ORDER BY newest DESC, document_no) AS place
        FROM item_documents
    )
    WHERE place <= 10
    GROUP BY ALL
),
nav_facts AS MATERIALIZED (
    SELECT
        book, item, bool_and(source_code = 'GENJNL') AS is_journal, sum(amount) = 0 AS nets_to_zero,
        bool_or(is_late) AS has_late,
        arg_max(document_description, {'day': day, 'entry': entry_no}) AS description
    FROM nav_details
    GROUP BY ALL
),
ledger_facts AS MATERIALIZED (
    SELECT book, item, bool_or(is_late) AS is_late FROM ledger_details GROUP BY ALL
),
matching_facts AS MATERIALIZED (
    SELECT
        book, item,
        bool_or(matched_by = 'summary') AS by_summary, bool_or(matched_by = 'linked') AS by_linked,
        bool_or(matched_by = 'usage') AS by_usage, bool_or(matched_by = 'applied') AS by_applied,
        bool_or(matched_by = 'named') AS by_named,
        bool_or(matched_by = 'reference') AS by_reference, bool_or(matched_by = 'ledger') AS by_ledger,
        bool_or(confidence = 'ambiguous') AS is_ambiguous, bool_or(side = 'SETTLEMENT') AS is_settled
    FROM item_rows
    GROUP BY ALL
),

-- The voucher an item is about: the one whose own item it is.
item_vouchers AS MATERIALIZED (
    SELECT DISTINCT item_rows.book, item_rows.item, voucher_key(named.said) AS voucher
    FROM item_rows
    JOIN books ON books.book = item_rows.book AND books.extract = 'ipe_08'
    CROSS JOIN unnest([reference, decided_by]) AS named (said)
    UNION
    SELECT book, item, voucher FROM sums WHERE voucher IS NOT NULL
),
vouchers AS MATERIALIZED (
    SELECT
        item_vouchers.book, item_vouchers.item, bool_or(is_active) AS is_active,
        bool_or(text_key(is_valid) = 'EXPIRED') AS is_expired,
        sum(remaining_amount) AS remaining,
        sum(discount_amount) - sum(remaining_amount) - sum(total_amount_used) AS in_transit,
        max(last_time_used) AS last_time_used, min(CAST(created_at AS DATE)) AS created, min(voucher_id) AS voucher_id
    FROM ipe_08
    JOIN books ON books.extract = 'ipe_08' AND books.company = text_key(ipe_08.id_company)
    JOIN item_vouchers ON item_vouchers.book = books.book AND item_vouchers.voucher = voucher_key(ipe_08.voucher_id)
    WHERE item_vouchers.item = @VOUCHER_ITEM@
    GROUP BY ALL
),
-- An entry of one company in the books of another: the same reference and amount, open on both sides.
one_sided AS MATERIALIZED (
    SELECT
        sums.book, sums.item, books.company, books.line, voucher_key(dates.reference) AS reference, sums.difference,
        sums.nav_entries > 0 AS has_nav, sums.target_rows > 0 AS has_target
    FROM sums
    JOIN dates ON dates.book = sums.book AND dates.item = sums.item
    JOIN books ON books.book = sums.book
    WHERE sums.target_rows = 0 OR sums.nav_entries = 0
),
elsewhere AS (
    SELECT here.book, here.item
    FROM one_sided AS here
    JOIN (
        SELECT line, reference, difference, min(company) AS company, max(company) AS another
        FROM one_sided
        WHERE NOT has_nav
        GROUP BY line, reference, difference
    ) AS there
        ON there.line = here.line AND there.reference = here.reference AND there.difference = -here.difference
    WHERE NOT here.has_target AND (there.company <> here.company OR there.another <> here.company)
),
-- Open on one side, and its amount on the other: more likely not brought together than missing.
opposed AS (
    SELECT here.book, here.item
    FROM one_sided AS here
    SEMI JOIN one_sided AS there
        ON there.book = here.book AND there.difference = -here.difference AND there.has_nav = here.has_target
        AND there.has_target = here.has_nav
    WHERE here.has_nav <> here.has_target
),
shared AS (
    SELECT DISTINCT book, item
    FROM (
        SELECT book, item, voucher_key(reference) AS reference, count(DISTINCT side) AS sides
        FROM item_rows
        WHERE side IN ('NAV', 'TARGET') AND reference IS NOT NULL
        GROUP BY ALL
    )
    WHERE sides > 1
),
-- A document that carries the country of another company, and not its own.
abroad AS (
    SELECT DISTINCT nav_details.book, nav_details.item
    FROM nav_details
    JOIN books ON books.book = nav_details.book
    WHERE EXISTS (
        SELECT 1 FROM companies
        WHERE companies.country <> books.country
          AND list_contains(regexp_split_to_array(nav_details.document, '[^\p{L}\p{N}]+'), companies.country)
    )
      AND NOT list_contains(regexp_split_to_array(nav_details.document, '[^\p{L}\p{N}]+'), books.country)
),
facts AS MATERIALIZED (
    SELECT
        sums.book, sums.item,
        list_filter([
            CASE WHEN abs(difference - bridge_amount) < 0.01 AND difference <> bridge_amount THEN 'below a cent' END,
            CASE WHEN ledger_facts.is_late THEN 'created after the balance' END,
            CASE WHEN NOT ledger_facts.is_late THEN 'balance less entries' END,
            CASE WHEN posted_twice.item IS NOT NULL THEN 'same entry twice' END,
            CASE WHEN elsewhere.item IS NOT NULL THEN 'reference of another company' END,
            CASE WHEN nav_entries > 0 AND target_rows = 0 THEN 'nav only' END,
            CASE WHEN nav_entries = 0 AND target_rows > 0 THEN 'target only' END,
            CASE WHEN nav_entries > 0 AND target_rows > 0 THEN 'both sides' END,
            CASE WHEN shared.item IS NOT NULL THEN 'one reference on both sides' END,
            CASE WHEN opposed.item IS NOT NULL THEN 'its amount on the other side' END,
            CASE WHEN abroad.item IS NOT NULL THEN 'country of another company' END,
            CASE WHEN nets_to_zero THEN 'nav nets to zero' END,
            CASE WHEN is_journal THEN 'general journal' END,
            CASE WHEN vouchers.item IS NOT NULL THEN 'voucher known' END,
            CASE WHEN vouchers.is_active THEN 'voucher active' END,
            CASE WHEN vouchers.is_expired THEN 'voucher expired' END,
            CASE WHEN NOT coalesce(vouchers.is_active, false) AND vouchers.remaining > 0
                THEN 'voucher deactivated' END,
            CASE WHEN vouchers.in_transit > 0 AND difference = -vouchers.in_transit
                THEN 'difference is what is in transit' END,
            CASE WHEN vouchers.remaining > 0 AND difference = -vouchers.remaining
                THEN 'difference is what remains' END,
            CASE WHEN vouchers.last_time_used < month.next_month_start - to_days(CAST(matching.days_in_transit AS INTEGER))
                THEN 'in transit for long' END,
            CASE WHEN is_settled THEN 'settled' END
        ], lambda fact: fact IS NOT NULL) AS facts
    FROM sums
    CROSS JOIN month
    CROSS JOIN matching
    LEFT JOIN nav_facts USING (book, item)
    LEFT JOIN ledger_facts USING (book, item)
    LEFT JOIN matching_facts USING (book, item)
    LEFT JOIN posted_twice USING (book, item)
    LEFT JOIN elsewhere USING (book, item)
    LEFT JOIN vouchers USING (book, item)
    LEFT JOIN shared USING (book, item)
    LEFT JOIN opposed USING (book, item)
    LEFT JOIN abroad USING (book, item)
),
causes AS (
    SELECT facts.book, facts.item, arg_min(cause, rank) AS cause
    FROM facts
    JOIN books ON books.book = facts.book
    JOIN cause_rules
        ON list_has_all(facts.facts, cause_rules.facts) AND NOT list_has_any(facts.facts, cause_rules.excluded)
        AND (len(cause_rules.lines) = 0 OR list_contains(cause_rules.lines, books.line))
    GROUP BY ALL
),
-- An item without rows of its own, or of settlements alone, is as old as its voucher.
aged AS (
    SELECT
        sums.book, sums.item, coalesce(dates.first_date, vouchers.created) AS first_date,
        coalesce(dates.last_date, vouchers.created) AS last_date,
        coalesce(dates.reference, vouchers.voucher_id, sums.voucher_id) AS reference,
        date_diff('day', coalesce(dates.first_date, vouchers.created), month.cutoff_date) AS age_days
    FROM sums
    CROSS JOIN month
    LEFT JOIN dates ON dates.book = sums.book AND dates.item = sums.item
    LEFT JOIN vouchers ON vouchers.book = sums.book AND vouchers.item = sums.item
)

SELECT
    books.id_company, computed.country_code, books.line, sums.item, sums.nav_amount, sums.target_amount,
    sums.difference, sums.bridge, sums.bridge_amount, sums.difference - sums.bridge_amount AS unexplained,
    in_usd(CAST(sums.difference - sums.bridge_amount AS DECIMAL(38, 4)), computed.fx_rate) AS unexplained_usd,
    sums.nav_entries, sums.target_rows, aged.first_date, aged.last_date, aged.age_days,
    CASE
        WHEN age_days IS NULL THEN NULL
        WHEN age_days <= 30 THEN '0-30'
        WHEN age_days <= 60 THEN '31-60'
        WHEN age_days <= 90 THEN '61-90'
        WHEN age_days <= 180 THEN '91-180'
        WHEN age_days <= 365 THEN '181-365'
        ELSE 'over 365'
    END AS age_bucket,
    CASE
        WHEN by_summary THEN 'summary'
        WHEN by_linked THEN 'linked'
        WHEN by_usage THEN 'usage'
        WHEN by_applied THEN 'applied'
        WHEN by_named THEN 'named'
        WHEN by_reference THEN 'reference'
        WHEN by_ledger THEN 'ledger'
        ELSE 'none'
    END AS matched_by,
    CASE
        WHEN is_ambiguous THEN 'ambiguous'
        WHEN by_usage OR by_applied THEN 'likely'
        WHEN by_summary OR by_linked OR by_named OR by_reference THEN 'certain'
        ELSE 'none'
    END AS confidence,
    coalesce(causes.cause, 'unknown') AS cause,
    CASE WHEN coalesce(causes.cause, 'unknown') = 'unknown' THEN 'none' ELSE 'proposed' END AS cause_confidence,
    aged.reference, listed_documents.document_no, nav_facts.description,
    coalesce(nav_facts.has_late, false) OR coalesce(ledger_facts.is_late, false) AS entry_created_after_balance
FROM sums
JOIN books ON books.book = sums.book
JOIN computed ON computed.book = sums.book
LEFT JOIN aged ON aged.book = sums.book AND aged.item = sums.item
LEFT JOIN listed_documents ON listed_documents.book = sums.book AND listed_documents.item = sums.item
LEFT JOIN nav_facts ON nav_facts.book = sums.book AND nav_facts.item = sums.item
LEFT JOIN ledger_facts ON ledger_facts.book = sums.book AND ledger_facts.item = sums.item
LEFT JOIN matching_facts ON matching_facts.book = sums.book AND matching_facts.item = sums.item
LEFT JOIN causes ON causes.book = sums.book AND causes.item = sums.item
"""

STAGES = {"sums": _SUMS, "item_rows": _ITEM_ROWS}
_FINAL = f"""
WITH {rows.ROWS.strip()},
{_MATCHED.strip()},
""" + _FACTS.replace("@VOUCHER_ITEM@", named_item("books.company", "books.line", "item_vouchers.voucher"))
STATEMENT = staged(STAGES, _FINAL)


def open_items(
    open_item_matches: Frame,
    nav_open_items: Frame,
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    doc_voucher_usage: Frame,
    timing_difference_bridge: Frame,
    vtc_adjustment: Frame,
    reconciliation: Frame,
    cr_05: Frame,
    month: CutoffMonth,
    lines: Lines,
    matching: Matching,
) -> duckdb.DuckDBPyRelation:
    """Give every item whose two sides differ, or that a bridge is laid on, of every line that is computed.

    An item is what `open_item_matches` put together. Its NAV amount is that of its rows of side NAV, SETTLEMENT and
    LEDGER, its difference that less its target rows. The rows of the bridges that quantify are laid, with the sign
    they have on the line, on the item that the rows of their voucher are in; one that meets no row of it, or rows of
    several items, is an item by itself. Unexplained is the difference less the bridges. Of each company and line
    these add up to `reconciliation` to the last digit; USD is rounded item by item and need not.

    Its age is counted from the earliest date of its rows (where none has one, the day its voucher was created) to the
    cutoff date. Its cause is that of the rule of the lowest rank all of whose facts it has and none of whose exceptions:
    a proposal. Facts are read off the item's own rows, the voucher it is called after, open entries of the same
    document, and open items of other companies. A line that is NOT_COMPUTED has no items.

    Gives rows as `OPEN_ITEMS`; amounts LCY, debit positive, and in USD at the closing rate (empty without one). Raises
    DataError when an input lacks a column or would lose digits.

    Source of the rule: Open items, "Derived assets" and "Cause".
    """
    inputs = {
        **rows.row_inputs(
            nav_open_items, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, doc_voucher_usage, cr_05, lines,
            matching,
        ),
        "ipe_08": Input(ipe_08, IPE_08),
        "open_item_matches": Input(open_item_matches, MATCHES),
        "timing_difference_bridge": Input(
            timing_difference_bridge, BRIDGES["timing_difference_bridge"].item_columns
        ),
        "vtc_adjustment": Input(vtc_adjustment, BRIDGES["vtc_adjustment"].item_columns),
        "reconciliation": Input(reconciliation, LINES_COMPUTED),
        "line_bridges": Input(lines.bridges_table()),
        "cause_rules": Input(matching.causes_table()),
        "month": month_input(month),
    }  # fmt: skip
    return run(_FINAL, inputs, OPEN_ITEMS, stages=STAGES)
