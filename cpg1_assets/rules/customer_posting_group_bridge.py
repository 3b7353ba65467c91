"""Customer posting group bridge: customers whose open entries carry more than one posting group."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import CUSTOMER_POSTING_GROUP_BRIDGE

IPE_07 = columns(
    ("id_company", "text"),
    ("customer_no", "text"),
    ("customer_name", "text"),
    ("customer_posting_group", "text"),
    ("remaining_amount_lcy", "amount"),
)

STATEMENT = r"""
WITH entries AS (
    SELECT
        *,
        text_key(id_company) AS company,
        text_key(customer_no) AS customer,
        text_key(customer_posting_group) AS posting_group
    FROM ipe_07
    WHERE text_key(customer_no) IS NOT NULL
),

-- Distinct posting groups of a customer, each in the spelling first by name.
spellings AS (
    SELECT company, customer, min(trim(customer_posting_group, ' ')) AS spelling
    FROM entries
    WHERE posting_group IS NOT NULL
    GROUP BY company, customer, posting_group
),
candidates AS (
    SELECT
        company, customer,
        string_agg(spelling, ', ' ORDER BY spelling) AS posting_groups,
        count(*) AS posting_group_count
    FROM spellings
    GROUP BY company, customer
    HAVING count(*) > 1
)

SELECT
    min(entries.id_company) AS id_company,
    min(entries.customer_no) AS customer_no,
    min(entries.customer_name) AS customer_name,
    candidates.posting_groups,
    candidates.posting_group_count,
    count(*) AS entry_count,
    coalesce(sum(entries.remaining_amount_lcy), 0) AS remaining_amount_lcy
FROM candidates
JOIN entries
    ON entries.company IS NOT DISTINCT FROM candidates.company AND entries.customer = candidates.customer
GROUP BY candidates.company, candidates.customer, candidates.posting_groups, candidates.posting_group_count
"""


def customer_posting_group_bridge(ipe_07: Frame) -> duckdb.DuckDBPyRelation:
    """Give the customers whose open entries carry more than one distinct posting group.

    Groups are distinct ignoring case and surrounding blanks; an empty one is none. They are written trimmed,
    in the spelling first by name. Count and amount are over all of the customer's entries, also those
    without a group; entries without a customer belong to nobody. The bridge identifies, it does not
    quantify: its amount in the reconciliation is 0.

    Gives one row per company and customer, as `CUSTOMER_POSTING_GROUP_BRIDGE`; amounts LCY, debit positive.
    Raises DataError when the input lacks a column or would lose digits.

    Source of the rule: Rules, "Customer posting group bridge".
    """
    return run(STATEMENT, {"ipe_07": Input(ipe_07, IPE_07)}, CUSTOMER_POSTING_GROUP_BRIDGE)
