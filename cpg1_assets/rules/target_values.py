"""Target values: what the operational systems say each line of the reconciliation should be."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import TARGET_VALUES
from cpg1_assets.rules.lines import Lines

IPE_07 = columns(("id_company", "text"), ("remaining_amount_lcy", "amount"))
IPE_08 = columns(
    ("id_company", "text"),
    ("business_use", "text"),
    ("is_active", "flag"),
    ("is_valid", "text"),
    ("remaining_amount", "amount"),
)
IPE_10 = columns(("id_company", "text"), ("prepayment_amount", "amount"))
IPE_12 = columns(("id_company", "text"), ("amount_due", "amount"))
IPE_31 = columns(("id_company", "text"), ("amount", "amount"))
IPE_34 = columns(("id_company", "text"), ("is_marketplace", "flag"), ("amount_to_refund", "amount"))
CR_05 = columns(("id_company", "text"))

STATEMENT = r"""
WITH companies AS (
    SELECT text_key(id_company) AS company, min(id_company) AS id_company FROM cr_05 GROUP BY company
),

-- Every sum a line may ask for, by company. The names are those of the lines file.
measures (company, extract, amount_column, row_filter, amount) AS (
    SELECT text_key(id_company) AS company, 'ipe_07', 'remaining_amount_lcy', 'all', sum(remaining_amount_lcy)
    FROM ipe_07 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_08', 'remaining_amount', 'all', sum(remaining_amount)
    FROM ipe_08 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_08', 'remaining_amount', 'redeemable', sum(remaining_amount)
    FROM ipe_08
    WHERE is_active AND text_key(is_valid) = 'VALID' AND is_non_marketing(business_use)
    GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_10', 'prepayment_amount', 'all', sum(prepayment_amount)
    FROM ipe_10 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_12', 'amount_due', 'all', sum(amount_due)
    FROM ipe_12 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_31', 'amount', 'all', sum(amount)
    FROM ipe_31 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_34', 'amount_to_refund', 'all', sum(amount_to_refund)
    FROM ipe_34 GROUP BY company
    UNION ALL
    SELECT text_key(id_company) AS company, 'ipe_34', 'amount_to_refund', 'marketplace', sum(amount_to_refund)
    FROM ipe_34 WHERE is_marketplace GROUP BY company
)

SELECT
    companies.id_company,
    lines.line,
    CASE lines.sign WHEN -1 THEN -coalesce(measures.amount, 0) ELSE coalesce(measures.amount, 0) END
        AS target_value
FROM companies
CROSS JOIN lines
LEFT JOIN measures
    ON measures.company = companies.company
    AND measures.extract = lines.extract
    AND measures.amount_column = lines.amount_column
    AND measures.row_filter = lines.row_filter
"""


def target_values(
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    cr_05: Frame,
    lines: Lines,
) -> duckdb.DuckDBPyRelation:
    """Give the target value of every company and line: the sum of the extract's rows that count.

    Which extract, amount, rows and sign a line takes is in `lines`. Companies are those of `cr_05`; a company
    without rows has a target of 0, and a missing amount counts as 0. Of the vouchers, those active, valid and
    non-marketing count; of the refund liability, marketplace items. A missing flag means no.

    Gives one row per company and line, as `TARGET_VALUES`; LCY in NAV's sign, debit positive.
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Reconciliation, "Lines".
    """
    inputs = {
        "ipe_07": Input(ipe_07, IPE_07),
        "ipe_08": Input(ipe_08, IPE_08),
        "ipe_10": Input(ipe_10, IPE_10),
        "ipe_12": Input(ipe_12, IPE_12),
        "ipe_31": Input(ipe_31, IPE_31),
        "ipe_34": Input(ipe_34, IPE_34),
        "cr_05": Input(cr_05, CR_05),
        "lines": Input(lines.as_table()),
    }
    return run(STATEMENT, inputs, TARGET_VALUES)
