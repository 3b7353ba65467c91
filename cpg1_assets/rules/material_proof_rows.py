"""Material proof rows: the rows behind a bridge that are worth a look each, by the line-item thresholds."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import MATERIAL_PROOF_ROWS
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.thresholds import Thresholds

TIMING_DIFFERENCE_BRIDGE = BRIDGES["timing_difference_bridge"].item_columns
VTC_ADJUSTMENT = BRIDGES["vtc_adjustment"].item_columns
BUSINESS_LINE_RECLASS = BRIDGES["business_line_reclass"].item_columns
CR_05 = columns(("id_company", "text"), ("company_country", "text"), ("fx_rate", "rate"))

_PROOF_ROWS = "\n    UNION ALL\n    ".join(
    f"SELECT '{bridge.name}', id_company, {bridge.reference}, {bridge.row_amount} FROM {bridge.name}"
    for bridge in BRIDGES.values()
    if bridge.has_proof_rows
)

STATEMENT = rf"""
WITH companies AS (
    SELECT
        text_key(id_company) AS company, the_one(text_key(company_country)) AS country_key,
        the_rate(fx_rate) AS fx_rate
    FROM cr_05
    GROUP BY company
),
proof_rows (bridge, id_company, reference, amount) AS (
    {_PROOF_ROWS}
),
valued AS (
    SELECT
        proof_rows.*,
        in_usd(proof_rows.amount, companies.fx_rate) AS amount_usd,
        coalesce(own.threshold_usd, everywhere.threshold_usd) AS threshold_usd,
        coalesce(own.threshold_rule, everywhere.threshold_rule) AS threshold_rule
    FROM proof_rows
    LEFT JOIN companies ON companies.company = text_key(proof_rows.id_company)
    JOIN thresholds AS everywhere ON everywhere.country_key IS NULL AND everywhere.bridge = proof_rows.bridge
    LEFT JOIN thresholds AS own
        ON own.country_key = companies.country_key AND own.bridge = proof_rows.bridge
    WHERE proof_rows.amount <> 0
)

SELECT bridge, id_company, reference, amount, amount_usd, threshold_usd, threshold_rule
FROM valued
WHERE amount_usd IS NULL OR abs(amount_usd) >= threshold_usd
"""


def material_proof_rows(
    timing_difference_bridge: Frame,
    vtc_adjustment: Frame,
    business_line_reclass: Frame,
    cr_05: Frame,
    lines: Lines,
    thresholds: Thresholds,
) -> duckdb.DuckDBPyRelation:
    """Give the proof rows of the bridges that reach the line-item threshold of their country and account.

    A bridge of a line of several accounts is held against the lowest that applies. A row of a company without a
    rate is listed too: nobody can say that it is immaterial.

    Gives rows as `MATERIAL_PROOF_ROWS`; `amount` LCY, debit positive, `*_usd` USD.
    Raises DataError when an input lacks a column.

    Source of the rule: Reconciliation, "Thresholds".
    """
    inputs = {
        "timing_difference_bridge": Input(timing_difference_bridge, TIMING_DIFFERENCE_BRIDGE),
        "vtc_adjustment": Input(vtc_adjustment, VTC_ADJUSTMENT),
        "business_line_reclass": Input(business_line_reclass, BUSINESS_LINE_RECLASS),
        "cr_05": Input(cr_05, CR_05),
        "thresholds": Input(thresholds.line_items_table(lines)),
    }
    return run(STATEMENT, inputs, MATERIAL_PROOF_ROWS)
