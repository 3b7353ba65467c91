"""Why a line is NOT_COMPUTED: which of its inputs the company does not have. Whether it is, `reconciliation` decides."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import duckdb

from cpg1_assets.frame import columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import Frame, Input, month_input, run, to_table
from cpg1_assets.rules.frames import WHAT_IS_MISSING
from cpg1_assets.rules.lines import Lines

RECONCILIATION = columns(("id_company", "text"), ("line", "text"), ("fx_rate", "rate"), ("status", "text"))
IPE_08 = columns(("id_company", "text"))
JDASH = columns(("id_company", "text"))
CR_04 = columns(("id_company", "text"), ("closing_date", "date"))

_LACKS = MappingProxyType(
    {
        "rate": "the company has no closing FX rate above zero, or two that differ (cr_05)",
        "balance": "the company has no balance at the cutoff date: its books are not closed yet (cr_04)",
        "ipe_08": "the company has no voucher snapshot (ipe_08)",
        "jdash": "the company has no JDash file (jdash)",
    }
)

STATEMENT = r"""
WITH not_computed AS (
    SELECT text_key(id_company) AS company, id_company, line, fx_rate
    FROM reconciliation
    WHERE status = 'NOT_COMPUTED'
),
closed_books AS (
    SELECT DISTINCT text_key(id_company) AS company
    FROM cr_04
    JOIN month ON cr_04.closing_date = month.cutoff_date
),
present (company, input) AS (
    SELECT DISTINCT text_key(id_company), 'ipe_08' FROM ipe_08
    UNION ALL
    SELECT DISTINCT text_key(id_company), 'jdash' FROM jdash
)

SELECT id_company, line, 'rate' AS missing FROM not_computed WHERE usable_rate(fx_rate) IS NULL
UNION ALL
SELECT id_company, line, 'balance' FROM not_computed ANTI JOIN closed_books USING (company)
UNION ALL
SELECT not_computed.id_company, not_computed.line, line_needs.input
FROM not_computed
JOIN line_needs USING (line)
ANTI JOIN present ON present.company = not_computed.company AND present.input = line_needs.input
"""


def what_is_missing(
    reconciliation: Frame, cr_04: Frame, ipe_08: Frame, jdash: Frame, month: CutoffMonth, lines: Lines
) -> duckdb.DuckDBPyRelation:
    """Give, of every company and line that is NOT_COMPUTED, each input that is missing.

    That is `rate` (none above zero, or two that differ), `balance` (none of the company at the cutoff date), or a
    frame that the line needs and the company has no row of. Rows as `WHAT_IS_MISSING`.
    Raises DataError where a frame lacks a column.

    Source of the rule: Reconciliation, "Lines".
    """
    inputs = {
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "cr_04": Input(cr_04, CR_04),
        "ipe_08": Input(ipe_08, IPE_08),
        "jdash": Input(jdash, JDASH),
        "month": month_input(month),
        "line_needs": Input(lines.needs_table()),
    }
    return run(STATEMENT, inputs, WHAT_IS_MISSING)


def why_not_computed(
    rows: Iterable[Mapping[str, Any]],
    reconciliation: Frame,
    cr_04: Frame,
    ipe_08: Frame,
    jdash: Frame,
    month: CutoffMonth,
    lines: Lines,
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Say of each of these rows of the reconciliation that is NOT_COMPUTED, by company and line, what it lacks.

    No words where the frames have all that it needs: they are not those it was computed from. Raises as
    `what_is_missing`.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {
        (row["id_company"], row["line"]): () for row in rows if row["status"] == "NOT_COMPUTED"
    }
    if not found:
        return found
    for row in to_table(what_is_missing(reconciliation, cr_04, ipe_08, jdash, month, lines)).to_pylist():
        key = row["id_company"], row["line"]
        if key in found:
            found[key] = (*found[key], _LACKS.get(row["missing"], f"no row of {row['missing']}"))
    return found
