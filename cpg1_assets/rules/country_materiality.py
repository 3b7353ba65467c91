"""Country materiality: what is unexplained in a country, all lines together, against its threshold."""

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import COUNTRY_MATERIALITY
from cpg1_assets.rules.thresholds import Thresholds

RECONCILIATION = columns(("country_code", "text"), ("unexplained_usd", "amount"))

STATEMENT = r"""
WITH countries AS (
    SELECT
        text_key(country_code) AS country_key,
        min(country_code) AS country_code,
        coalesce(sum(abs(unexplained_usd)), 0) AS unexplained_usd,
        count(*) - count(unexplained_usd) AS lines_without_figure
    FROM reconciliation
    GROUP BY text_key(country_code)
)

SELECT
    countries.country_code, countries.unexplained_usd,
    coalesce(own.threshold_usd, everywhere.threshold_usd) AS threshold_usd,
    coalesce(own.threshold_rule, everywhere.threshold_rule) AS threshold_rule,
    countries.lines_without_figure,
    CASE
        WHEN countries.lines_without_figure = 0
             AND countries.unexplained_usd < coalesce(own.threshold_usd, everywhere.threshold_usd) THEN 'OK'
        ELSE 'INVESTIGATE'
    END AS status
FROM countries
JOIN thresholds AS everywhere ON everywhere.country_key IS NULL
LEFT JOIN thresholds AS own ON own.country_key = countries.country_key
"""


def country_materiality(reconciliation: Frame, thresholds: Thresholds) -> duckdb.DuckDBPyRelation:
    """Give, per country, the sum of |unexplained_usd| of its companies and lines against its materiality.

    OK when the sum is below the threshold and every line has a figure; a line without one makes the sum too
    low to say so. A country materiality that names an account does not apply to a country as a whole.

    Gives one row per country, as `COUNTRY_MATERIALITY`; amounts USD, not negative.
    Raises DataError when the input lacks a column.

    Source of the rule: Reconciliation, "Thresholds".
    """
    inputs = {
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "thresholds": Input(thresholds.countries_table()),
    }
    return run(STATEMENT, inputs, COUNTRY_MATERIALITY)
