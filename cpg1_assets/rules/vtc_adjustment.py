"""VTC adjustment: refund vouchers cancelled in BOB that NAV has not booked, and those booked differently."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import Frame, Input, month_input, run
from cpg1_assets.rules.frames import VTC_ADJUSTMENT, VTC_BOOKED_AT_ANOTHER_AMOUNT

IPE_08 = columns(
    ("id_company", "text"),
    ("voucher_id", "text"),
    ("business_use", "text"),
    ("business_use_formatted", "text"),
    ("is_active", "flag"),
    ("is_valid", "text"),
    ("voucher_inactive_date", "timestamp"),
    ("inactive_date", "timestamp"),
    ("remaining_amount", "amount"),
)
NAV_VOUCHER_ENTRIES = columns(
    ("id_company", "text"), ("voucher_no", "text"), ("bridge_category", "text"), ("amount", "amount")
)
CR_05 = columns(("id_company", "text"), ("fx_rate", "rate"))

# Refund vouchers cancelled in the month, with what they are matched by. What remained of them is not asked here.
_CANCELLED = """vouchers AS (
    SELECT
        id_company, voucher_id, business_use_formatted, remaining_amount,
        text_key(id_company) AS company,
        voucher_key(voucher_id) AS voucher,
        deactivated_on(is_active, is_valid, voucher_inactive_date, inactive_date) AS deactivated_on
    FROM ipe_08
    WHERE text_key(business_use) = 'REFUND'
),
cancelled AS (
    SELECT vouchers.*
    FROM vouchers
    CROSS JOIN month
    WHERE vouchers.deactivated_on >= month.month_start AND vouchers.deactivated_on < month.next_month_start
)"""

STATEMENT = f"""
WITH {_CANCELLED},
booked AS (
    SELECT DISTINCT text_key(id_company) AS company, voucher_key(voucher_no) AS voucher
    FROM nav_voucher_entries
    WHERE text_key(bridge_category) IN ('VTC', 'CANCELLATION')
),
rates AS (
    SELECT text_key(id_company) AS company, the_rate(fx_rate) AS fx_rate FROM cr_05 GROUP BY company
)

SELECT
    cancelled.id_company, cancelled.voucher_id, cancelled.business_use_formatted, cancelled.deactivated_on,
    cancelled.remaining_amount,
    in_usd(cancelled.remaining_amount, rates.fx_rate) AS remaining_amount_usd
FROM cancelled
ANTI JOIN booked ON booked.company = cancelled.company AND booked.voucher = cancelled.voucher
LEFT JOIN rates ON rates.company = cancelled.company
-- With nothing remaining, the voucher was used, not cancelled.
WHERE cancelled.remaining_amount > 0
"""

BOOKED_AT_ANOTHER_AMOUNT = f"""
WITH {_CANCELLED},
booked AS (
    SELECT
        text_key(id_company) AS company, voucher_key(voucher_no) AS voucher,
        coalesce(sum(amount), 0) AS booked_amount
    FROM nav_voucher_entries
    WHERE text_key(bridge_category) IN ('VTC', 'CANCELLATION')
    GROUP BY ALL
)

SELECT
    cancelled.id_company, cancelled.voucher_id, cancelled.remaining_amount, booked.booked_amount,
    booked.booked_amount - coalesce(cancelled.remaining_amount, 0) AS difference
FROM cancelled
JOIN booked ON booked.company = cancelled.company AND booked.voucher = cancelled.voucher
WHERE booked.booked_amount <> coalesce(cancelled.remaining_amount, 0)
"""


def vtc_adjustment(
    ipe_08: Frame, nav_voucher_entries: Frame, cr_05: Frame, month: CutoffMonth
) -> duckdb.DuckDBPyRelation:
    """Give the refund vouchers cancelled in BOB in the month that NAV has not booked.

    A voucher is cancelled when it is a refund, valid, not active (a missing flag means no) and deactivated
    within the month: by its own inactive date, or where that is not set the earliest that is. NAV has booked
    it when the company has an entry of category VTC or Cancellation with its number. Each is given at what
    remained of it; one with nothing remaining (zero, less, or missing) was used, and is left out.

    Known limit: a booking made before the year began is not seen.

    Gives one row per voucher, as `VTC_ADJUSTMENT`; `remaining_amount` LCY, positive, and in USD at the
    closing rate (empty where `cr_05` has none, or two that differ).
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Rules, "VTC adjustment".
    """
    inputs = {
        "ipe_08": Input(ipe_08, IPE_08),
        "nav_voucher_entries": Input(nav_voucher_entries, NAV_VOUCHER_ENTRIES),
        "cr_05": Input(cr_05, CR_05),
        "month": month_input(month),
    }
    return run(STATEMENT, inputs, VTC_ADJUSTMENT)


def vtc_booked_at_another_amount(
    ipe_08: Frame, nav_voucher_entries: Frame, month: CutoffMonth
) -> duckdb.DuckDBPyRelation:
    """Give the refund vouchers cancelled in the month that NAV booked at another amount than remained.

    The vouchers are those of the adjustment, also with nothing remaining; what NAV booked is the sum of the
    company's VTC and Cancellation entries with the voucher's number. A missing amount counts as 0.

    Gives one row per voucher, as `VTC_BOOKED_AT_ANOTHER_AMOUNT`; amounts LCY, debit positive.
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Rules, "VTC adjustment" ("a check lists vouchers booked at another amount").
    """
    inputs = {
        "ipe_08": Input(ipe_08, IPE_08),
        "nav_voucher_entries": Input(nav_voucher_entries, NAV_VOUCHER_ENTRIES),
        "month": month_input(month),
    }
    return run(BOOKED_AT_ANOTHER_AMOUNT, inputs, VTC_BOOKED_AT_ANOTHER_AMOUNT)
