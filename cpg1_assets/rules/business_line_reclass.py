"""Business-line reclass: customers with balances on several business lines, with a proposal for review."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import BUSINESS_LINE_RECLASS

IPE_07 = columns(
    ("id_company", "text"),
    ("customer_no", "text"),
    ("busline_code", "text"),
    ("remaining_amount_lcy", "amount"),
)

STATEMENT = r"""
WITH entries AS (
    SELECT
        *,
        text_key(id_company) AS company,
        text_key(customer_no) AS customer,
        text_key(busline_code) AS busline
    FROM ipe_07
    WHERE text_key(customer_no) IS NOT NULL AND text_key(busline_code) IS NOT NULL
),
balances AS (
    SELECT
        company, customer,
        min(id_company) AS id_company,
        min(customer_no) AS customer_no,
        min(trim(busline_code, ' ')) AS busline_code,
        coalesce(sum(remaining_amount_lcy), 0) AS balance_lcy
    FROM entries
    GROUP BY company, customer, busline
    HAVING abs(coalesce(sum(remaining_amount_lcy), 0)) >= 0.01
),
candidates AS (
    SELECT
        *,
        -- One customer is written one way, whatever its entries on each line say.
        min(id_company) OVER of_customer AS company_written,
        min(customer_no) OVER of_customer AS customer_written,
        count(*) OVER of_customer AS busline_count,
        first_value(busline_code) OVER (
            PARTITION BY company, customer ORDER BY abs(balance_lcy) DESC, busline_code ASC
        ) AS proposed_primary_busline
    FROM balances
    WINDOW of_customer AS (PARTITION BY company, customer)
)

SELECT
    company_written AS id_company,
    customer_written AS customer_no,
    busline_code,
    balance_lcy,
    busline_count,
    proposed_primary_busline,
    CASE WHEN busline_code = proposed_primary_busline THEN 0 ELSE balance_lcy END AS proposed_reclass_lcy,
    true AS review_required
FROM candidates
WHERE busline_count > 1
"""


def business_line_reclass(ipe_07: Frame) -> duckdb.DuckDBPyRelation:
    """Give the customers with open balances on more than one business line, and where to move them.

    Balances are by company, customer and business line of the entry (lines distinct ignoring case and
    surrounding blanks, written trimmed in the spelling first by name); those below 0.01 in absolute value
    are left out, as are entries without a customer or a line. The primary line is the one with the
    largest absolute balance, on a tie the first by name; every other line's balance is proposed for reclass
    to it, the primary's own proposal is 0. Nothing is posted: every row needs review.

    Gives one row per company, customer and line, as `BUSINESS_LINE_RECLASS`; amounts LCY, debit positive.
    Raises DataError when the input lacks a column or would lose digits.

    Source of the rule: Rules, "Business-line reclass".
    """
    return run(STATEMENT, {"ipe_07": Input(ipe_07, IPE_07)}, BUSINESS_LINE_RECLASS)
