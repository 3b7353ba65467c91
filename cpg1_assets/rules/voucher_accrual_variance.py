"""Voucher accrual variance: NAV's voucher entries of the month against the vouchers' own data."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import Frame, Input, month_input, run
from cpg1_assets.rules.frames import VOUCHER_ACCRUAL_VARIANCE
from cpg1_assets.rules.thresholds import Thresholds

NAV_VOUCHER_ENTRIES = columns(
    ("id_company", "text"),
    ("posting_date", "date"),
    ("amount", "amount"),
    ("bridge_category", "text"),
    ("voucher_type", "text"),
)
IPE_08 = columns(
    ("id_company", "text"),
    ("business_use", "text"),
    ("is_active", "flag"),
    ("is_valid", "text"),
    ("discount_amount", "amount"),
    ("to_date", "timestamp"),
    ("created_at", "timestamp"),
    ("voucher_inactive_date", "timestamp"),
    ("inactive_date", "timestamp"),
    ("remaining_amount", "amount"),
)
DOC_VOUCHER_USAGE = columns(
    ("id_company", "text"),
    ("business_use", "text"),
    ("delivery_month", "integer"),
    ("total_amount_used", "amount"),
)
CR_05 = columns(("id_company", "text"), ("company_country", "text"), ("fx_rate", "rate"))

STATEMENT = r"""
WITH vouchers AS (
    SELECT
        id_company, voucher_type_of(business_use) AS voucher_type, discount_amount, remaining_amount,
        created_at, to_date,
        coalesce(is_active, false) AS is_active,
        deactivated_on(is_active, is_valid, voucher_inactive_date, inactive_date) AS deactivated_on
    FROM ipe_08
    WHERE is_non_marketing(business_use)
),

-- Both sides below each other: summing them by bucket is an outer join that loses none.
amounts (id_company, bridge_category, voucher_type, nav_amount, target_amount) AS (
    SELECT id_company, bridge_category, nav_voucher_entries.voucher_type, amount, NULL
    FROM nav_voucher_entries
    CROSS JOIN month
    WHERE posting_date >= month.month_start AND posting_date < month.next_month_start
    UNION ALL
    SELECT id_company, 'Issuance', voucher_type, NULL, -discount_amount
    FROM vouchers
    CROSS JOIN month
    WHERE created_at >= month.month_start AND created_at < month.next_month_start
    UNION ALL
    SELECT id_company, 'Usage', voucher_type_of(business_use), NULL, total_amount_used
    FROM doc_voucher_usage
    CROSS JOIN month
    WHERE delivery_month = month.year * 100 + month.month AND is_non_marketing(business_use)
    UNION ALL
    SELECT id_company, 'Expired', voucher_type, NULL, remaining_amount
    FROM vouchers
    CROSS JOIN month
    WHERE to_date >= month.month_start AND to_date < month.next_month_start AND is_active
    UNION ALL
    SELECT
        id_company,
        CASE WHEN voucher_type = 'Refund' THEN 'VTC' ELSE 'Cancellation' END,
        voucher_type, NULL, remaining_amount
    FROM vouchers
    CROSS JOIN month
    WHERE deactivated_on >= month.month_start AND deactivated_on < month.next_month_start
),
buckets AS (
    SELECT
        text_key(id_company) AS company,
        min(id_company) AS id_company,
        text_key(bridge_category) AS category_key,
        text_key(voucher_type) AS type_key,
        CASE WHEN text_key(bridge_category) IS NOT NULL THEN min(bridge_category) END AS bridge_category,
        CASE WHEN text_key(voucher_type) IS NOT NULL THEN min(voucher_type) END AS voucher_type,
        coalesce(sum(nav_amount), 0) AS nav_amount,
        coalesce(sum(target_amount), 0) AS target_amount
    FROM amounts
    GROUP BY text_key(id_company), text_key(bridge_category), text_key(voucher_type)
),

-- A category or type outside the control's own is a bucket too; no threshold can name it.
known_buckets AS (
    SELECT
        buckets.*,
        CASE WHEN category_key IN (SELECT text_key(bridge_category) FROM thresholds) THEN category_key END
            AS known_category,
        CASE WHEN type_key IN (SELECT text_key(voucher_type) FROM thresholds) THEN type_key END AS known_type
    FROM buckets
),
companies AS (
    SELECT
        text_key(id_company) AS company, min(id_company) AS id_company,
        the_text(company_country) AS company_country, the_rate(fx_rate) AS fx_rate
    FROM cr_05
    GROUP BY company
),
compared AS (
    SELECT
        coalesce(
            companies.id_company, min(buckets.id_company) OVER (PARTITION BY buckets.company)
        ) AS id_company,
        coalesce(everywhere.bridge_category, buckets.bridge_category) AS bridge_category,
        coalesce(everywhere.voucher_type, buckets.voucher_type) AS voucher_type,
        buckets.nav_amount, buckets.target_amount,
        buckets.nav_amount - buckets.target_amount AS variance,
        in_usd(buckets.nav_amount - buckets.target_amount, companies.fx_rate) AS variance_usd,
        coalesce(own.threshold_usd, everywhere.threshold_usd) AS threshold_usd
    FROM known_buckets AS buckets
    LEFT JOIN companies ON companies.company = buckets.company
    JOIN thresholds AS everywhere
        ON everywhere.country_key IS NULL
        AND text_key(everywhere.bridge_category) IS NOT DISTINCT FROM buckets.known_category
        AND text_key(everywhere.voucher_type) IS NOT DISTINCT FROM buckets.known_type
    LEFT JOIN thresholds AS own
        ON own.country_key = text_key(companies.company_country)
        AND text_key(own.bridge_category) IS NOT DISTINCT FROM buckets.known_category
        AND text_key(own.voucher_type) IS NOT DISTINCT FROM buckets.known_type
)

SELECT
    id_company, bridge_category, voucher_type, nav_amount, target_amount, variance, variance_usd,
    threshold_usd,
    CASE WHEN abs(variance_usd) < threshold_usd THEN 'OK' ELSE 'INVESTIGATE' END AS status
FROM compared
"""


def voucher_accrual_variance(
    nav_voucher_entries: Frame,
    ipe_08: Frame,
    doc_voucher_usage: Frame,
    cr_05: Frame,
    month: CutoffMonth,
    thresholds: Thresholds,
) -> duckdb.DuckDBPyRelation:
    """Give the voucher liability's month by category and voucher type: NAV against the vouchers' own data.

    NAV's side are its entries posted in the month, uncategorised ones included. The vouchers' side, of
    non-marketing vouchers and in NAV's sign: Issuance is minus the discount of vouchers created in the month;
    Usage what was used on packages delivered in it; Expired what remained of vouchers whose end falls in
    it and that were still active; VTC what remained of refund vouchers deactivated in it while valid, and
    Cancellation the same of the other types. A voucher is deactivated when it is not active (a missing flag
    means no) and its own inactive date, or where that is not set the earliest that is, lies in the month.
    Its type is that of its business use, as in the look-up of the NAV entries. No bucket of either side is
    lost; what a side does not have is 0.

    A bucket is OK when its variance in USD is below the bucket threshold of 18412 in absolute value, else
    INVESTIGATE, also when there is no rate, or two that differ.

    Gives one row per company, category and type, as `VOUCHER_ACCRUAL_VARIANCE`; amounts LCY, debit positive,
    and in USD at the closing rate. Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Reconciliation, "Voucher accrual variance".
    """
    inputs = {
        "nav_voucher_entries": Input(nav_voucher_entries, NAV_VOUCHER_ENTRIES),
        "ipe_08": Input(ipe_08, IPE_08),
        "doc_voucher_usage": Input(doc_voucher_usage, DOC_VOUCHER_USAGE),
        "cr_05": Input(cr_05, CR_05),
        "month": month_input(month),
        "thresholds": Input(thresholds.voucher_buckets_table()),
    }
    return run(STATEMENT, inputs, VOUCHER_ACCRUAL_VARIANCE)
