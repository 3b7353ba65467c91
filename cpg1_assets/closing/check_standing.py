"""What the checks of a month came to, and what that means for the close: read from what is in storage.

The checks that run before the seal are in the frame `check_results`, whoever materialized the month. Those that
compare with the chain run after it, and are known to the run that made them.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from cpg1_assets.comments.month import VALIDATIONS as OF_COMMENTS
from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.open_items_before import VALIDATIONS as OF_THE_MONTH_BEFORE
from cpg1_assets.extracts.validation import statements
from cpg1_assets.jdash.month import VALIDATIONS as OF_JDASH
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.checks import checks
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets.validation import figures_in_words, found_in

CLOSED, FAILED, UNEXPLAINED, CHECK_FAILED = 0, 1, 3, 4
IS_CLOSED = (CLOSED, UNEXPLAINED, CHECK_FAILED)
"""Exit statuses that mean: the month is closed."""
_SETTLED = {"RECONCILED", "EXPLAINED"}


class FailedCheck(TypedDict):
    """A check that did not pass: `tested` is False where there was nothing to test, which is no failure.

    `is_variance` says that it is the control's answer, as the lines give it, and no fault in how it was come by.
    `found` are sentences on what does not hold, such as each refused file with row, column and reason; `figures` say
    how much it comes to, the figure that matters first.
    """

    asset: str
    check: str
    severity: str
    statement: str
    tested: bool
    is_variance: bool
    found: list[str]
    figures: list[str]


def failed_checks(deployment: Deployment, month: CutoffMonth) -> list[FailedCheck]:
    """Give each check before the seal that did not pass, of the month in storage; none where it has no results."""
    if not deployment.storage.exists(CHECK_RESULTS.name, month.key):
        return []
    rows = deployment.storage.rows(CHECK_RESULTS.name, month.key)
    of_rules = checks(deployment.rules.lines)
    said = _statements(deployment) | {key: check.statement for key, check in of_rules.items()}
    found: dict[str, FailedCheck] = {}
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["passed"]:
            continue
        key = f"{row['asset']}.{row['check']}"
        failed = found.setdefault(
            key,
            FailedCheck(
                asset=row["asset"],
                check=row["check"],
                severity=row["severity"],
                statement=said.get(key, ""),
                tested=False,
                is_variance=key in of_rules and of_rules[key].is_variance,
                found=[],
                figures=[],
            ),
        )
        figures.setdefault(key, []).append(json.loads(row["figures"]))
        failed["found"] += found_in(figures[key][-1])
        failed["tested"] = failed["tested"] or row["tested"]
    for key, failed in found.items():
        failed["figures"] = figures_in_words(figures[key])
    return in_order(found.values())


def checks_of_run(deployment: Deployment, failed: Iterable[Mapping[str, Any]]) -> list[FailedCheck]:
    """Give what a run's event log says of its checks that did not pass, in these words."""
    of_rules = checks(deployment.rules.lines)
    return [
        FailedCheck(
            asset=check["asset"],
            check=check["check"],
            severity=check["severity"],
            statement=check["statement"],
            tested=check["tested"],
            is_variance=(key := f"{check['asset']}.{check['check']}") in of_rules
            and of_rules[key].is_variance,
            found=check["found"],
            figures=check["figures"],
        )
        for check in failed
    ]


def in_order(failed: Iterable[FailedCheck]) -> list[FailedCheck]:
    """Give checks as people read them: errors first, then by name."""
    return sorted(failed, key=lambda check: (check["severity"], check["asset"], check["check"]))


def exit_status(lines: Iterable[Mapping[str, Any]], failed: Iterable[FailedCheck]) -> int:
    """Give what the close of a month that ran to its end comes to.

    4: a check of severity ERROR that is no variance failed (roll-forward, contract, witness, missing rate, a file or
    company that is missing); else 3: a line has an unexplained variance or could not be computed, or a country's is
    material; else 0. Each of them means closed.
    """
    errors = [check for check in failed if check["severity"] == "ERROR" and check["tested"]]
    if any(not check["is_variance"] for check in errors):
        return CHECK_FAILED
    settled = all(line["status"] in _SETTLED for line in lines)
    return CLOSED if settled and not errors else UNEXPLAINED


def _statements(deployment: Deployment) -> dict[str, str]:
    """Say by `<asset>.<check>` what the validations of the extracts and of all else that was drawn say must be true."""
    said = {
        f"{asset}.{name}": statement
        for asset, validations in (
            ("jdash", OF_JDASH),
            ("open_items_before", OF_THE_MONTH_BEFORE),
            ("open_item_comments", OF_COMMENTS),
        )
        for name, statement in validations.items()
    }
    for asset, extract in deployment.catalog.items():
        said |= {f"{asset}.{name}": statement for name, statement in statements(extract.contract).items()}
    return said
