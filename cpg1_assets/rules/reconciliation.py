"""Reconciliation: actual less target, explained by bridges, per company and line.

The targets and bridges are computed by their own rules and handed in; lines and thresholds are data. Which
bridges there are, and what of each is summed, is declared in `bridges`.
"""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import Frame, Input, month_input, run
from cpg1_assets.rules.frames import RECONCILIATION
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.thresholds import Thresholds

TARGET_VALUES = columns(("id_company", "text"), ("line", "text"), ("target_value", "amount"))
TIMING_DIFFERENCE_BRIDGE = BRIDGES["timing_difference_bridge"].amount_columns
VTC_ADJUSTMENT = BRIDGES["vtc_adjustment"].amount_columns
CUSTOMER_POSTING_GROUP_BRIDGE = BRIDGES["customer_posting_group_bridge"].amount_columns
BUSINESS_LINE_RECLASS = BRIDGES["business_line_reclass"].amount_columns
IPE_08 = columns(("id_company", "text"))
JDASH = columns(("id_company", "text"))
CR_04 = columns(
    ("id_company", "text"),
    ("closing_date", "date"),
    ("group_coa_account_no", "text"),
    ("balance_at_date", "amount"),
)
CR_05 = columns(("id_company", "text"), ("company_country", "text"), ("fx_rate", "rate"))

_BRIDGE_AMOUNTS = "\n    UNION ALL\n    ".join(
    f"SELECT text_key(id_company) AS company, '{bridge.name}', sum({bridge.row_amount})\n"
    f"    FROM {bridge.name} GROUP BY company"
    for bridge in BRIDGES.values()
)

STATEMENT = rf"""
WITH companies AS (
    SELECT
        text_key(id_company) AS company, min(id_company) AS id_company,
        the_text(company_country) AS company_country, the_rate(fx_rate) AS fx_rate
    FROM cr_05
    GROUP BY company
),
closing AS (
    SELECT
        text_key(cr_04.id_company) AS company, text_key(cr_04.group_coa_account_no) AS account,
        cr_04.balance_at_date
    FROM cr_04
    JOIN month ON cr_04.closing_date = month.cutoff_date
),
closed_books AS (SELECT DISTINCT company FROM closing),
actuals AS (
    SELECT closing.company, line_accounts.line, sum(closing.balance_at_date) AS amount
    FROM closing
    JOIN line_accounts ON line_accounts.account = closing.account
    GROUP BY ALL
),
targets AS (
    SELECT text_key(id_company) AS company, text_key(line) AS line_key, sum(target_value) AS amount
    FROM target_values
    GROUP BY ALL
),

-- The amount of each bridge, by company.
bridge_amounts (company, bridge, amount) AS (
    {_BRIDGE_AMOUNTS}
),
bridged AS (
    SELECT
        bridge_amounts.company, line_bridges.line,
        sum(CASE line_bridges.sign
            WHEN 1 THEN bridge_amounts.amount
            WHEN -1 THEN -bridge_amounts.amount
            ELSE 0
        END) AS amount
    FROM line_bridges
    JOIN bridge_amounts ON bridge_amounts.bridge = line_bridges.bridge
    GROUP BY ALL
),

-- Inputs a line needs and the company has no row of.
present (company, input) AS (
    SELECT DISTINCT text_key(id_company), 'ipe_08' FROM ipe_08
    UNION ALL
    SELECT DISTINCT text_key(id_company), 'jdash' FROM jdash
),
missing AS (
    SELECT DISTINCT companies.company, line_needs.line
    FROM companies
    CROSS JOIN line_needs
    ANTI JOIN present ON present.company = companies.company AND present.input = line_needs.input
),

lcy AS (
    SELECT
        companies.company, companies.id_company, companies.company_country, companies.fx_rate, lines.line,
        coalesce(actuals.amount, 0) AS actual,
        coalesce(targets.amount, 0) AS target_value,
        coalesce(actuals.amount, 0) - coalesce(targets.amount, 0) AS variance,
        CASE WHEN missing.line IS NULL THEN coalesce(bridged.amount, 0) END AS bridges,
        missing.line IS NOT NULL OR closed_books.company IS NULL AS lacks_input
    FROM companies
    CROSS JOIN lines
    LEFT JOIN actuals ON actuals.company = companies.company AND actuals.line = lines.line
    LEFT JOIN targets ON targets.company = companies.company AND targets.line_key = text_key(lines.line)
    LEFT JOIN bridged ON bridged.company = companies.company AND bridged.line = lines.line
    LEFT JOIN missing ON missing.company = companies.company AND missing.line = lines.line
    LEFT JOIN closed_books ON closed_books.company = companies.company
),
usd AS (
    SELECT
        lcy.*,
        lcy.variance - lcy.bridges AS unexplained,
        in_usd(lcy.variance, lcy.fx_rate) AS variance_usd,
        in_usd(lcy.variance - lcy.bridges, lcy.fx_rate) AS unexplained_usd,
        coalesce(own.threshold_usd, everywhere.threshold_usd) AS threshold_usd,
        coalesce(own.threshold_rule, everywhere.threshold_rule) AS threshold_rule
    FROM lcy
    JOIN thresholds AS everywhere ON everywhere.line = lcy.line AND everywhere.country_key IS NULL
    LEFT JOIN thresholds AS own
        ON own.line = lcy.line AND own.country_key = text_key(lcy.company_country)
)

SELECT
    id_company, company_country AS country_code, line, actual, target_value, variance, bridges, unexplained,
    fx_rate, variance_usd, unexplained_usd, threshold_usd, threshold_rule,
    CASE
        WHEN lacks_input OR usable_rate(fx_rate) IS NULL THEN 'NOT_COMPUTED'
        WHEN abs(variance_usd) < threshold_usd THEN 'RECONCILED'
        WHEN abs(unexplained_usd) < threshold_usd THEN 'EXPLAINED'
        ELSE 'VARIANCE_DETECTED'
    END AS status
FROM usd
"""


def reconciliation(
    target_values: Frame,
    timing_difference_bridge: Frame,
    vtc_adjustment: Frame,
    customer_posting_group_bridge: Frame,
    business_line_reclass: Frame,
    ipe_08: Frame,
    jdash: Frame,
    cr_04: Frame,
    cr_05: Frame,
    month: CutoffMonth,
    lines: Lines,
    thresholds: Thresholds,
) -> duckdb.DuckDBPyRelation:
    """Give the answer of the control: per company and line, what differs and how much of it is explained.

    `actual` is the balance of the line's accounts at the cutoff date, `variance` is actual less target value,
    `unexplained` is variance less bridges. A line is RECONCILED when its variance in USD is below the
    threshold in absolute value, EXPLAINED when what is unexplained is, else VARIANCE_DETECTED.
    It is NOT_COMPUTED when an input it needs is missing: no JDash file or no voucher snapshot of the company
    (for lines that need them), no FX rate (a rate that is not above zero is none), no balance of the company
    at all at the cutoff date. What can be given still is: `bridges` and `unexplained` are empty only where a
    bridge's input is missing, the USD columns only where there is no rate or nothing to convert.

    Every company of `cr_05` has a row for every line, as `RECONCILIATION`; amounts LCY, debit positive, and
    in USD by exact division, rounded once, half to even, to 4 places. The threshold is the bucket threshold
    of the country and the line's accounts, the lowest where there are several.
    Raises DataError when an input lacks a column or would lose digits.

    Source of the rule: Reconciliation, "Lines" and "Thresholds".
    """
    inputs = {
        "target_values": Input(target_values, TARGET_VALUES),
        "timing_difference_bridge": Input(timing_difference_bridge, TIMING_DIFFERENCE_BRIDGE),
        "vtc_adjustment": Input(vtc_adjustment, VTC_ADJUSTMENT),
        "customer_posting_group_bridge": Input(customer_posting_group_bridge, CUSTOMER_POSTING_GROUP_BRIDGE),
        "business_line_reclass": Input(business_line_reclass, BUSINESS_LINE_RECLASS),
        "ipe_08": Input(ipe_08, IPE_08),
        "jdash": Input(jdash, JDASH),
        "cr_04": Input(cr_04, CR_04),
        "cr_05": Input(cr_05, CR_05),
        "month": month_input(month),
        "lines": Input(lines.as_table()),
        "line_accounts": Input(lines.accounts_table()),
        "line_bridges": Input(lines.bridges_table()),
        "line_needs": Input(lines.needs_table()),
        "thresholds": Input(thresholds.lines_table(lines)),
    }
    return run(STATEMENT, inputs, RECONCILIATION)
