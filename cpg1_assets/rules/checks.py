"""The checks of the derived frames and across extracts: which there are, and what each says must be true.

How a check looks, and how many outcomes it has, is in `findings`. Showing a check, and stopping anything, is the
graph's business. The checks of one extract by itself are made from its contract, with the extract.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cpg1_assets.rules import (
    country_materiality,
    findings,
    items_add_up,
    nav_voucher_entries,
    open_item_findings,
    vtc_adjustment,
)
from cpg1_assets.rules.engine import Asked, Frame, asked_by
from cpg1_assets.rules.findings import SHOWN, CheckOutcome, Outcomes
from cpg1_assets.rules.graph import Circumstances, parameters, words
from cpg1_assets.rules.lines import Lines
from cpg1_assets.validation import Severity, Validation


@dataclass(frozen=True)
class Check:
    """One check of `asset`: what must be true (`statement`), how bad it is if not, and the SQL that looks.

    Of the rows that `sql` gives, those for which the condition `against` is true speak against it.
    `rule` gives the outcomes; its parameters name the frames it reads and what else it follows, as a derived
    frame's rule does. Where the check is of one `line`, those of the line count. `is_variance` says that a failure
    is the control's answer, not a fault in how it was come by; `blocks`, that nothing downstream of the asset runs then.
    """

    asset: str
    name: str
    statement: str
    severity: Severity
    sql: str
    rule: Callable[..., Outcomes]
    against: str = "true"
    line: str | None = None
    is_variance: bool = False
    blocks: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The frames it reads, in order; the asset's own comes first where it reads it."""
        return parameters(self.rule)[0]

    @property
    def optional(self) -> tuple[str, ...]:
        """Those of its inputs that it does without where they are not there: what they add decides nothing."""
        given = inspect.signature(self.rule).parameters
        return tuple(name for name in self.inputs if given[name].default is None)

    @property
    def follows(self) -> tuple[str, ...]:
        """What it follows besides frames: fields of `Circumstances`."""
        return parameters(self.rule)[1]

    @property
    def question(self) -> str:
        """Name of what it asks; checks that share one rule ask one question."""
        return self.rule.__name__

    def asked(self, frames: Mapping[str, Frame], circumstances: Circumstances) -> Asked:
        """Give what it asks of the engine first, which is its `sql`; its frames are not looked at."""
        read = {name: frames[name] for name in self.inputs}
        return asked_by(lambda: self.rule(**read, **circumstances.named(self.follows)))


_OF_OTHERS = (
    Check(
        "cr_05",
        "every_company_has_a_rate",
        "Every company in scope has a closing FX rate, and one only.",
        "ERROR",
        findings.WITHOUT_A_RATE,
        findings.every_company_has_a_rate,
    ),
    Check(
        "jdash",
        "no_unknown_voucher",
        "Every voucher in a JDash file is a voucher of the month's snapshot.",
        "WARN",
        findings.UNKNOWN,
        findings.no_unknown_voucher,
    ),
    Check(
        "ipe_31_classified",
        "every_item_classified",
        "Every collection item is classified by a rule.",
        "WARN",
        findings.UNCLASSIFIED,
        findings.every_item_classified,
    ),
    Check(
        "vtc_adjustment",
        "booked_at_what_remained",
        "Every voucher that NAV booked as cancelled or paid out was booked at what remained on it.",
        "WARN",
        vtc_adjustment.BOOKED_AT_ANOTHER_AMOUNT,
        findings.booked_at_what_remained,
    ),
    Check(
        "gl_roll_forward",
        "ties_out",
        "Opening balance plus the year's entries is the closing balance, by company and account.",
        "ERROR",
        findings.NOT_TIED,
        findings.ties_out,
    ),
    Check(
        "nav_open_items",
        "ties_to_the_balances",
        "Open entries are the balance at the cutoff, by company and account, but for what was made after it was taken.",
        "ERROR",
        findings.OPEN_ITEMS_BY_ACCOUNT,
        findings.ties_to_the_balances,
        against="difference <> 0",
    ),
    Check(
        "voucher_accrual_variance",
        "within_threshold",
        "Voucher entries agree with the vouchers' own data within threshold, by category and type.",
        "WARN",
        findings.TO_INVESTIGATE,
        findings.within_threshold,
    ),
    Check(
        "nav_voucher_entries",
        "every_entry_categorised",
        "Every entry on the voucher liability account has a category.",
        "WARN",
        nav_voucher_entries.UNCATEGORISED,
        findings.every_entry_categorised,
    ),
)
_OF_OPEN_ITEMS = (
    Check(
        "open_items",
        "items_add_up",
        "The rows of both sides and the items of every line add up to it, to the last digit, and every row is in one item.",
        "ERROR",
        items_add_up.STATEMENT,
        findings.items_add_up,
        blocks=True,
    ),
    Check(
        "open_items",
        "causes_named",
        "All that stays unexplained has a cause that a person can follow.",
        "WARN",
        open_item_findings.WITHOUT_A_CAUSE,
        open_item_findings.causes_named,
        against="item IS NOT NULL",
    ),
    Check(
        "open_items",
        "none_is_old",
        f"No open item is older than {open_item_findings.OLD_DAYS} days.",
        "WARN",
        open_item_findings.OLD,
        open_item_findings.none_is_old,
        against="item IS NOT NULL",
    ),
    Check(
        "open_items",
        "none_is_ambiguous",
        "No open item has a row that could have been meant for several others.",
        "WARN",
        open_item_findings.AMBIGUOUS,
        open_item_findings.none_is_ambiguous,
        against="item IS NOT NULL",
    ),
)
_OF_THE_CONTROL = Check(
    "control_effectiveness",
    "every_planted_fault_found",
    "Every fault planted for this month is found by the loaded rules, and nothing is found where none was planted.",
    "ERROR",
    findings.NOT_AS_PLANTED,
    findings.every_planted_fault_found,
)
_COUNTRY_MATERIALITY = Check(
    "reconciliation",
    "country_materiality",
    "What stays unexplained in a country, over all lines, is below its materiality.",
    "ERROR",
    country_materiality.STATEMENT,
    findings.country_materiality,
    against="status <> 'OK'",
    is_variance=True,
)


def checks(lines: Lines) -> dict[str, Check]:
    """Give every check by `<asset>.<check>`; the reconciliation has one for each of `lines`.

    Source of the rules: Reconciliation, "Checks" and "Thresholds"; Rules, "VTC adjustment".
    """
    of_lines = (_of_line(line.line) for line in lines.lines)
    made = (*_OF_OTHERS, *of_lines, _COUNTRY_MATERIALITY, *_OF_OPEN_ITEMS, _OF_THE_CONTROL)
    return {f"{check.asset}.{check.name}": check for check in made}


def outcomes(
    asked: Iterable[Check], frames: Mapping[str, Frame], circumstances: Circumstances
) -> Iterator[tuple[Check, Outcomes]]:
    """Give every check with its outcomes, of which there is always one; a rule that several share looks once.

    The checks' inputs are taken from `frames` by name and may be read more than once: no streams. An optional one may
    be missing there.
    Raises DataError where a frame lacks a column or has it in another type.
    """
    found: dict[Callable[..., Outcomes], Outcomes] = {}
    for check in asked:
        if check.rule not in found:
            read = {
                name: frames[name] for name in check.inputs if name in frames or name not in check.optional
            }
            found[check.rule] = check.rule(**read, **circumstances.named(check.follows))
        yield check, found[check.rule] if check.line is None else _of_the_line(check.line, found[check.rule])


def check_statements() -> str:
    """Give the SQL of every check, as an auditor reads it; those of the lines are one statement."""
    made = (*_OF_OTHERS, _of_line("<line>"), _COUNTRY_MATERIALITY, *_OF_OPEN_ITEMS, _OF_THE_CONTROL)
    parts = [
        f"-- The words the statements use.\n{words()}",
        *(f"-- {check.asset}.{check.name}: {check.statement}\n{check.sql.strip()};" for check in made),
    ]
    return "\n\n".join(parts) + "\n"


def as_validation(check: Check, found: Sequence[CheckOutcome]) -> Validation:
    """Give the outcomes of a check as one: passed where all are, with what a person has to look at.

    Raises ValueError where there is no outcome: of nothing, everything would be true.
    """
    if not found:
        raise ValueError(f"{check.asset}.{check.name} has no outcome.")
    if not any(outcome.tested for outcome in found):
        return Validation.untested(check.name, check.statement, _figures(found))
    return Validation(
        name=check.name,
        statement=check.statement,
        passed=all(outcome.passed for outcome in found),
        severity=check.severity,
        figures=_figures(found),
    )


def _of_line(line: str) -> Check:
    return Check(
        "reconciliation",
        f"{line}_explained",
        f"Line {line}: every company is reconciled or explained.",
        "ERROR",
        findings.LINES_EXPLAINED,
        findings.lines_explained,
        against="NOT is_explained",
        line=line,
        is_variance=True,
    )


def _of_the_line(line: str, found: Outcomes) -> Outcomes:
    """Give the outcomes of a line; without a company there is nothing to test."""
    of_line = tuple(outcome for outcome in found if outcome.line == line)
    nothing = CheckOutcome(passed=False, tested=False, figures={"companies": 0, "open": []}, line=line)
    return of_line or (nothing,)


def _figures(found: Sequence[CheckOutcome]) -> dict[str, Any]:
    first = found[0]
    if first.id_company is None:
        return first.figures
    if first.line is not None:
        return _figures_of_line(found)
    listed = [row for one in found for row in one.figures["listed"]]
    return {"found": sum(one.figures["found"] for one in found), "listed": listed[:SHOWN]}


def _figures_of_line(found: Sequence[CheckOutcome]) -> dict[str, Any]:
    """Give the companies of a line that are open, and beside them, row by row, what their variances are made of."""
    open_ = [one.figures for one in found if not one.passed]

    def rows(name: str) -> list[dict[str, Any]]:
        return [{"id_company": one["id_company"], **row} for one in open_ for row in one[name] or ()]

    nested = ("by_cause", "largest_items")
    return {
        "companies": len(found),
        "open": [{name: value for name, value in one.items() if name not in nested} for one in open_],
        **{name: rows(name) for name in nested},
    }
