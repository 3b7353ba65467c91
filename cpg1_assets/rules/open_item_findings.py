"""What the checks of the open items look for that concern people, not whether the items add up: causes, age, doubt.

Described for people they are in `checks`; what an outcome is, in `findings`. They look at the reconciliation too:
without a line that was computed there was nothing to take apart.

Source of the rules: Open items, "What people do with them".
"""

from dataclasses import replace
from typing import Any

from cpg1_assets.embedded import plain
from cpg1_assets.rules.engine import Frame, Input, one_row, run, to_table
from cpg1_assets.rules.findings import SHOWN, CheckOutcome, Outcomes
from cpg1_assets.rules.frames import LISTED_OPEN_ITEMS, OPEN_ITEMS
from cpg1_assets.rules.named_variance import RECONCILIATION, NamedVariance, named_variances

OLD_DAYS = 90
"""An item that is open longer is listed."""
_BESIDE = {"place", "found", "computed"}


def _listing(condition: str) -> str:
    """Give the SQL of the items that are as `condition` says: those without USD and the largest first.

    How many lines were computed stands in every row, and in one without an item where none is found.
    """
    return f"""
SELECT
    listed.id_company, listed.line, listed.place, listed.item, listed.reference, listed.document_no,
    listed.unexplained, listed.unexplained_usd, listed.cause, listed.age_days, listed.found, lines.computed
FROM (SELECT count(*) AS computed FROM reconciliation WHERE status IS DISTINCT FROM 'NOT_COMPUTED') AS lines
LEFT JOIN (
    SELECT *, row_number() OVER by_size AS place, count(*) OVER () AS found
    FROM open_items
    WHERE {condition}
    WINDOW by_size AS (
        ORDER BY abs(unexplained_usd) DESC NULLS FIRST, abs(unexplained) DESC, id_company, line, item, open_items
    )
    QUALIFY row_number() OVER by_size <= (SELECT items FROM shown)
) AS listed ON true
"""


WITHOUT_A_CAUSE = _listing("cause = 'unknown' AND unexplained <> 0")
# An item without any date has not been seen to be younger.
OLD = _listing("coalesce(age_days > (SELECT days FROM old), true)")
AMBIGUOUS = _listing("confidence = 'ambiguous'")


def causes_named(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """All that is unexplained has a cause; how much has, and which, is given by company and line.

    A line that its items do not add up to is named, and has not passed: nobody knows what the rest of it is.
    """
    (found,) = _listed(open_items, reconciliation, WITHOUT_A_CAUSE)
    computed = [each for each in named_variances(reconciliation, open_items) if each.is_computed]
    apart = [f"{each.id_company} {each.line}" for each in computed if not each.adds_up]
    figures = {"lines": [_line(each) for each in computed], **found.figures, "do_not_add_up": apart}
    return (replace(found, passed=found.passed and not apart, figures=figures),)


def none_is_old(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """No open item is older than 90 days; one without a date counts as older."""
    return _listed(open_items, reconciliation, OLD)


def none_is_ambiguous(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """No open item has rows that could have been meant for several others."""
    return _listed(open_items, reconciliation, AMBIGUOUS)


def _listed(open_items: Frame, reconciliation: Frame, sql: str) -> Outcomes:
    """Give the one outcome of a check that passes where a line was computed and no item is as `sql` says."""
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS.columns),
        "reconciliation": Input(reconciliation, RECONCILIATION),
        "shown": Input(one_row({"items": SHOWN})),
        "old": Input(one_row({"days": OLD_DAYS})),
    }
    rows = to_table(run(sql, inputs, LISTED_OPEN_ITEMS)).to_pylist()
    tested = rows[0]["computed"] > 0
    found = rows[0]["found"] or 0
    listed = [
        {name: value for name, value in plain(row).items() if name not in _BESIDE}
        for row in rows
        if row["place"] is not None
    ]
    figures = {"found": found, "listed": listed}
    return (CheckOutcome(passed=tested and not found, tested=tested, figures=figures),)


def _line(variance: NamedVariance) -> dict[str, Any]:
    causes = (f"{share.cause} {share.unexplained}" for share in variance.causes)
    return {
        "id_company": variance.id_company,
        "line": variance.line,
        "variance": str(variance.variance),
        "bridges": str(variance.bridges),
        "named": str(variance.named),
        "unknown": str(variance.unknown),
        "share_named": variance.share_named,
        "items": variance.items,
        "causes": ", ".join(causes),
    }
