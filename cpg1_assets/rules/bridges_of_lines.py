"""What each bridge explains of each line, by company: the parts of the reconciliation's `bridges`, for who shows them."""

from collections.abc import Mapping
from decimal import Decimal

from cpg1_assets.frame import columns
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import Frame, Input, run, to_table
from cpg1_assets.rules.frames import BRIDGES_OF_LINES
from cpg1_assets.rules.lines import Lines

_RECONCILIATION = columns(("id_company", "text"), ("line", "text"), ("bridges", "amount"))
QUANTIFYING = tuple(bridge for bridge in BRIDGES.values() if bridge.sign)
"""The bridges that explain an amount; the others only identify."""

_AMOUNTS = "\n    UNION ALL\n    ".join(
    f"SELECT text_key(id_company) AS company, '{bridge.name}', sum({bridge.row_amount})\n"
    f"    FROM {bridge.name} GROUP BY company"
    for bridge in QUANTIFYING
)
STATEMENT = rf"""
WITH bridge_amounts (company, bridge, amount) AS (
    {_AMOUNTS}
)

SELECT
    reconciliation.id_company, reconciliation.line, line_bridges.bridge,
    line_bridges.sign * coalesce(bridge_amounts.amount, 0) AS amount
FROM reconciliation
JOIN line_bridges ON line_bridges.line = reconciliation.line AND line_bridges.sign <> 0
LEFT JOIN bridge_amounts
    ON bridge_amounts.company = text_key(reconciliation.id_company) AND bridge_amounts.bridge = line_bridges.bridge
WHERE reconciliation.bridges IS NOT NULL
"""


def bridges_of_lines(
    reconciliation: Frame, bridges: Mapping[str, Frame], lines: Lines
) -> dict[tuple[str, str], dict[str, Decimal]]:
    """Give by company and line what each bridge explains of it, LCY, with the sign it enters the line with.

    `bridges` are the frames of `QUANTIFYING` by name. Together they are the line's `bridges`; a line whose `bridges` is
    empty, or that has none, is not there. Raises DataError where a frame lacks a column.

    Source of the rule: Reconciliation, "Lines".
    """
    inputs = {
        "reconciliation": Input(reconciliation, _RECONCILIATION),
        "line_bridges": Input(lines.bridges_table()),
        **{bridge.name: Input(bridges[bridge.name], bridge.amount_columns) for bridge in QUANTIFYING},
    }
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in to_table(run(STATEMENT, inputs, BRIDGES_OF_LINES)).to_pylist():
        found.setdefault((row["id_company"], row["line"]), {})[row["bridge"]] = row["amount"]
    return found
