"""NAV voucher entries: every entry on the voucher liability with its category and voucher type.

Not here: what the categories are used for (the VTC adjustment and the voucher accrual variance).
"""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import NAV_VOUCHER_ENTRIES

CR_03 = columns(
    ("id_company", "text"),
    ("entry_no", "integer"),
    ("document_no", "text"),
    ("voucher_no", "text"),
    ("posting_date", "date"),
    ("document_type", "text"),
    ("group_coa_account_no", "text"),
    ("document_description", "text"),
    ("comment", "text"),
    ("amount", "amount"),
    ("bal_account_type", "text"),
    ("user_id", "text"),
)
IPE_08 = columns(
    ("id_company", "text"),
    ("voucher_id", "text"),
    ("business_use", "text"),
    ("total_amount_used", "amount"),
)
DOC_VOUCHER_USAGE = columns(
    ("id_company", "text"),
    ("voucher_id", "text"),
    ("transaction_no", "text"),
    ("business_use", "text"),
    ("total_amount_used", "amount"),
)


def _uses_by(number: str, source: str) -> str:
    """Give the SQL for the business use of each company's numbers in `source`.

    Where several rows carry the same number, the one with the largest amount used decides, on a tie the first use
    by name (`min` puts a missing use last).
    """
    return f"""
    SELECT company, number, arg_max_null(business_use, used) AS business_use
    FROM (
        SELECT
            text_key(id_company) AS company, {number} AS number,
            coalesce(total_amount_used, 0) AS used, min(business_use) AS business_use
        FROM {source}
        GROUP BY ALL
    )
    WHERE number IS NOT NULL
    GROUP BY ALL
"""


STATEMENT = rf"""
-- Texts as they are compared, once per entry.
WITH entries AS (
    SELECT
        id_company, entry_no, posting_date, document_no, voucher_no, amount,
        text_key(id_company) AS company,
        CASE
            WHEN replace(text_key(user_id), '\', '/') = 'JUMIA/NAV31AFR.BATCH.SRVC' THEN 'Integration'
            ELSE 'Manual'
        END AS integration_type,
        text_key(document_description) AS description,
        text_key(comment) AS remark,
        text_key(document_type) AS document_kind,
        text_key(bal_account_type) AS balancing_account,
        text_key(document_no) AS document
    FROM cr_03
    WHERE text_key(group_coa_account_no) = '18412'
),

-- The first rule that applies decides. The numbers are those of the rule table.
ruled AS (
    SELECT
        *,
        CASE
            WHEN amount > 0 AND integration_type = 'Manual' AND balancing_account = 'BANK ACCOUNT' THEN 1
            WHEN amount < 0 AND integration_type = 'Integration' THEN 2
            WHEN amount < 0 THEN 3
            WHEN amount > 0 AND integration_type = 'Integration'
                 AND contains(description, 'VOUCHER ACCRUAL') THEN 4
            WHEN amount > 0 AND integration_type = 'Integration' THEN 5
            WHEN amount > 0 AND contains(description, 'EXPR') THEN 6
            WHEN amount > 0 AND (
                contains(description, 'MANUAL RND')
                OR (contains(description, 'PYT_') AND contains(remark, 'GTB'))
            ) THEN 7
            WHEN amount > 0 AND document_kind = 'CREDIT MEMO' THEN 8
            WHEN amount > 0 AND contains(description, 'ITEMPRICECREDIT') THEN 9
        END AS rule
    FROM entries
),

-- Only rules 5 and 9 look a voucher up.
keyed AS (
    SELECT
        *,
        CASE WHEN rule IN (5, 9) THEN voucher_key(voucher_no) END AS voucher_sought,
        CASE WHEN rule IN (5, 9) THEN document END AS transaction_sought
    FROM ruled
),

issued AS ({_uses_by("voucher_key(voucher_id)", "ipe_08")}),
used AS ({_uses_by("voucher_key(voucher_id)", "doc_voucher_usage")}),
sold AS ({_uses_by("text_key(transaction_no)", "doc_voucher_usage")})

SELECT
    keyed.id_company, keyed.entry_no, keyed.posting_date, keyed.document_no, keyed.voucher_no, keyed.amount,
    keyed.integration_type,
    CASE
        WHEN rule IN (1, 7) THEN 'VTC'
        WHEN rule IN (2, 3) THEN 'Issuance'
        WHEN rule IN (4, 8) THEN 'Cancellation'
        WHEN rule IN (5, 9) THEN 'Usage'
        WHEN rule = 6 THEN 'Expired'
    END AS bridge_category,
    CASE rule
        WHEN 1 THEN 'Refund'
        WHEN 2 THEN CASE
            WHEN contains(description, 'REFUND') OR contains(description, 'RF_')
                 OR contains(description, 'RF ') THEN 'Refund'
            WHEN contains(description, 'COMMERCIAL GESTURE') THEN 'Apology'
            WHEN contains(description, 'PYT_') THEN 'JForce'
        END
        WHEN 3 THEN CASE
            WHEN left(document, 2) IN ('NG', 'EG', 'KE', 'GH', 'CI', 'MA', 'TN', 'ZA', 'UG', 'SN')
                THEN 'Store Credit'
            WHEN contains(description, 'REFUND') OR contains(description, 'RFN')
                 OR contains(description, 'RF_') OR contains(description, 'RF ') THEN 'Refund'
            WHEN contains(description, 'COMMERCIAL') OR contains(description, 'CXP')
                 OR contains(description, 'APOLOGY') THEN 'Apology'
            WHEN contains(description, 'PYT_') THEN 'JForce'
        END
        WHEN 4 THEN 'Apology'
        WHEN 6 THEN CASE
            WHEN contains(description, 'EXPR_APLGY') THEN 'Apology'
            WHEN contains(description, 'EXPR_JFORCE') THEN 'JForce'
            WHEN contains(description, 'EXPR_STR CRDT') OR contains(description, 'EXPR_STR_CRDT')
                THEN 'Store Credit'
        END
        WHEN 7 THEN 'Refund'
        WHEN 8 THEN 'Store Credit'
        -- Rules 5 and 9: the first place the voucher is found decides, also when its use is unknown.
        ELSE CASE
            WHEN issued.number IS NOT NULL THEN voucher_type_of(issued.business_use)
            WHEN used.number IS NOT NULL THEN voucher_type_of(used.business_use)
            WHEN sold.number IS NOT NULL THEN voucher_type_of(sold.business_use)
        END
    END AS voucher_type
FROM keyed
LEFT JOIN issued ON issued.company = keyed.company AND issued.number = keyed.voucher_sought
LEFT JOIN used ON used.company = keyed.company AND used.number = keyed.voucher_sought
LEFT JOIN sold ON sold.company = keyed.company AND sold.number = keyed.transaction_sought
"""


def nav_voucher_entries(cr_03: Frame, ipe_08: Frame, doc_voucher_usage: Frame) -> duckdb.DuckDBPyRelation:
    """Give every NAV entry of account 18412 its integration type, bridge category and voucher type.

    An entry is Integration when the interface user posted it, else Manual. By sign, integration, balancing
    account and description, the first of nine rules says whether it issued, used, cancelled, expired or paid
    out a voucher; an entry none applies to (amount zero or missing included) keeps both empty. Usage takes
    its voucher type from what the voucher was issued for: looked up by voucher number among the vouchers,
    then among the usage, then by document number among the usage's transactions, within the same company.

    Gives one row per entry of the account, as `NAV_VOUCHER_ENTRIES`; `amount` LCY, debit positive.
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Rules, "NAV voucher entries".
    """
    inputs = {
        "cr_03": Input(cr_03, CR_03),
        "ipe_08": Input(ipe_08, IPE_08),
        "doc_voucher_usage": Input(doc_voucher_usage, DOC_VOUCHER_USAGE),
    }
    return run(STATEMENT, inputs, NAV_VOUCHER_ENTRIES)


UNCATEGORISED = r"""
SELECT * FROM nav_voucher_entries WHERE text_key(bridge_category) IS NULL
"""


def uncategorised_entries(nav_voucher_entries: Frame) -> duckdb.DuckDBPyRelation:
    """Give the NAV voucher entries that no rule gave a category: the ones a person has to look at.

    Gives rows as `NAV_VOUCHER_ENTRIES`; `amount` LCY, debit positive.
    Raises DataError when the input lacks a column.

    Source of the rule: Reconciliation, "Checks".
    """
    inputs = {"nav_voucher_entries": Input(nav_voucher_entries, NAV_VOUCHER_ENTRIES.columns)}
    return run(UNCATEGORISED, inputs, NAV_VOUCHER_ENTRIES)
