"""Roll-forward: the opening balance plus the year's entries against the closing balance."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import Frame, Input, month_input, run
from cpg1_assets.rules.frames import GL_ROLL_FORWARD

CR_03 = columns(("id_company", "text"), ("group_coa_account_no", "text"), ("remaining_amount", "amount"))
CR_04 = columns(
    ("id_company", "text"),
    ("closing_date", "date"),
    ("group_coa_account_no", "text"),
    ("balance_at_date", "amount"),
)

STATEMENT = r"""
WITH amounts AS (
    SELECT
        cr_04.id_company, cr_04.group_coa_account_no,
        CASE WHEN cr_04.closing_date = month.previous_year_end THEN cr_04.balance_at_date END AS opening,
        NULL AS movement,
        CASE WHEN cr_04.closing_date = month.cutoff_date THEN cr_04.balance_at_date END AS closing
    FROM cr_04
    CROSS JOIN month
    WHERE cr_04.closing_date IN (month.previous_year_end, month.cutoff_date)
    UNION ALL
    SELECT id_company, group_coa_account_no, NULL, remaining_amount, NULL FROM cr_03
),
accounts AS (
    SELECT
        text_key(id_company) AS company,
        min(id_company) AS id_company,
        min(group_coa_account_no) AS group_coa_account_no,
        coalesce(sum(opening), 0) AS opening,
        coalesce(sum(movement), 0) AS movement,
        coalesce(sum(closing), 0) AS closing
    FROM amounts
    GROUP BY text_key(id_company), text_key(group_coa_account_no)
)

SELECT
    -- One company is written one way, whatever its rows on each account say.
    min(id_company) OVER (PARTITION BY company) AS id_company,
    group_coa_account_no, opening, movement, closing,
    opening + movement - closing AS difference
FROM accounts
"""


def gl_roll_forward(cr_03: Frame, cr_04: Frame, month: CutoffMonth) -> duckdb.DuckDBPyRelation:
    """Give, per company and account, whether the year's entries lead from the opening to the closing balance.

    The balance at the end of the year before plus what the entries of the year moved it by is the balance at
    the cutoff date. Every company and account on either side has a row; what a side does not have is 0, as
    is a missing amount. It proves that the entries that were classified are all the entries there are.

    Gives one row per company and account, as `GL_ROLL_FORWARD`; amounts LCY, debit positive; `difference` is
    opening + movement less closing, 0 where it ties out.
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Reconciliation, "Roll-forward".
    """
    inputs = {"cr_03": Input(cr_03, CR_03), "cr_04": Input(cr_04, CR_04), "month": month_input(month)}
    return run(STATEMENT, inputs, GL_ROLL_FORWARD)
