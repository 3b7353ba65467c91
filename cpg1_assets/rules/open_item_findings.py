"""What the checks of the open items look for that concern people, not whether the items add up: causes, age, doubt.

Described for people they are in `checks`; what an outcome is, in `findings`. They look at the reconciliation too:
without a line that was computed there was nothing to take apart, and an open item that is not there has been looked
for only where the items of each line add up to it.

Source of the rules: Open items, "What people do with them".
"""

from typing import Any

from cpg1_assets.embedded import plain
from cpg1_assets.rules.engine import Frame, Input, one_row, run, to_table
from cpg1_assets.rules.findings import SHOWN, CheckOutcome, Outcomes
from cpg1_assets.rules.frames import LISTED_OPEN_ITEMS, OPEN_ITEMS
from cpg1_assets.rules.named_variance import NamedVariance, named_variances

OLD_DAYS = 90
"""An item that is open longer is listed."""


def _listing(condition: str) -> str:
    """Give the SQL of the items that are as `condition` says: those without USD and the largest first."""
    return f"""
SELECT
    id_company, line,
    row_number() OVER by_size AS place,
    item, reference, document_no, unexplained, unexplained_usd, cause, age_days,
    count(*) OVER () AS found
FROM open_items
WHERE {condition}
WINDOW by_size AS (
    ORDER BY abs(unexplained_usd) DESC NULLS FIRST, abs(unexplained) DESC, id_company, line, item, open_items
)
QUALIFY row_number() OVER by_size <= (SELECT items FROM shown)
"""


WITHOUT_A_CAUSE = _listing("cause = 'unknown' AND unexplained <> 0")
# An item without any date has not been seen to be younger.
OLD = _listing("coalesce(age_days > (SELECT days FROM old), true)")
AMBIGUOUS = _listing("confidence = 'ambiguous'")


def causes_named(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """All that is unexplained has a cause; how much has, and which, is given by company and line."""
    variances = named_variances(reconciliation, open_items)
    lines = [_line(each) for each in variances if each.is_computed]
    return _listed(open_items, variances, WITHOUT_A_CAUSE, {"lines": lines})


def none_is_old(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """No open item is older than 90 days; one without a date counts as older."""
    return _listed(open_items, named_variances(reconciliation, open_items), OLD, {"days": OLD_DAYS})


def none_is_ambiguous(open_items: Frame, reconciliation: Frame) -> Outcomes:
    """No open item has rows that could have been meant for several others."""
    return _listed(open_items, named_variances(reconciliation, open_items), AMBIGUOUS, {})


def _listed(open_items: Frame, variances: list[NamedVariance], sql: str, figures: dict[str, Any]) -> Outcomes:
    """Give the one outcome of a check that passes where lines were taken apart and no item is as `sql` says."""
    inputs = {
        "open_items": Input(open_items, OPEN_ITEMS.columns),
        "shown": Input(one_row({"items": SHOWN})),
        "old": Input(one_row({"days": OLD_DAYS})),
    }
    rows = [plain(row) for row in to_table(run(sql, inputs, LISTED_OPEN_ITEMS)).to_pylist()]
    found = rows[0]["found"] if rows else 0
    computed = [each for each in variances if each.is_computed]
    apart = [f"{each.id_company} {each.line}" for each in computed if not each.adds_up]
    for row in rows:
        del row["place"], row["found"]
    return (
        CheckOutcome(
            passed=bool(computed) and not found and not apart,
            tested=bool(computed),
            figures={**figures, "found": found, "listed": rows, "do_not_add_up": apart},
        ),
    )


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
