"""What the loaded rules and checks say of the small books, one finding each, by company.

A finding is whatever a person would be shown: an open item, a row of a bridge, a line that is not reconciled, a row that
a failed check lists. What ought to be found is not known here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.checks import Check, checks, outcomes
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.findings import CheckOutcome, Outcomes
from cpg1_assets.rules.frames import OPEN_ITEM_MATCHES
from cpg1_assets.rules.graph import Circumstances, Derivation, derivations

# What a person is asked to look at among the items that are found anyway, and what compares with another month.
_LOOKS_AGAIN = {"open_items.causes_named", "open_items.none_is_ambiguous", "open_items.none_is_old"}
_OF_OTHER_MONTHS = {"open_item_changes", "open_item_suggestions"}
_AT_A_TIME = 3
_ACCRUAL = "voucher_accrual_variance.within_threshold"
MATERIALITY = "reconciliation.country_materiality"
UNCLASSIFIED = "ipe_31_classified.every_item_classified"


class Finding(NamedTuple):
    """One thing that was found: by which check, open item or bridge, on which line, what it is, and its amount (LCY)."""

    by: str
    line: str | None
    what: str
    amount: Decimal | None = None

    def __str__(self) -> str:
        """Say it in words."""
        said = [self.by, *([self.line] if self.line else []), self.what]
        return " ".join(filter(None, said)) + ("" if self.amount is None else f" {self.amount.normalize():f}")


def frames_needed() -> tuple[str, ...]:
    """Give the frames that the rules and checks asked here read and none of them gives, in order of names."""
    made = _made()
    return tuple(sorted({name for each in made for name in derivations()[each].inputs} - set(made)))


def found_in(
    books: Mapping[str, pa.Table], circumstances: Circumstances, kinds_of_items: Mapping[str, str]
) -> dict[str, Counter[Finding]]:
    """Run every rule and check once over `books` and give what they find, by company.

    `kinds_of_items` says of which company a transaction type of collections is, since that check tells no companies apart.
    What is about no company is under the empty text. Raises DataError as the rules do.
    """
    frames, asked = _computed(books, circumstances)
    found: dict[str, Counter[Finding]] = defaultdict(Counter)
    for company, finding in _of_frames(frames, kinds_of_items):
        found[company][finding] += 1
    countries = {row["company_country"]: row["id_company"] for row in books["cr_05"].to_pylist()}
    for check, of_check in asked:
        for outcome in of_check:
            # Where a narrower scope leaves a check nothing to test, nothing was to be found by it.
            if outcome.tested and not outcome.passed:
                for company, finding in _of_check(check, outcome, countries, kinds_of_items):
                    found[company][finding] += 1
    return dict(found)


def _computed(
    books: Mapping[str, pa.Table], circumstances: Circumstances
) -> tuple[dict[str, pa.Table], list[tuple[Check, Outcomes]]]:
    """Give all frames, and what the checks of them say.

    Planning a statement takes longer than running it on so few rows, and one thread: several are planned at a time. What
    is waited for was begun before, so that nobody waits for ever.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        made: dict[str, Future[pa.Table]] = {}

        def frame(name: str) -> pa.Table:
            return made[name].result() if name in made else books[name]

        def compute(derivation: Derivation) -> pa.Table:
            return to_table(
                derivation.computed({name: frame(name) for name in derivation.inputs}, circumstances)
            )

        def ask(of_a_rule: list[Check]) -> list[tuple[Check, Outcomes]]:
            inputs = {name for check in of_a_rule for name in check.inputs if name in made or name in books}
            return list(outcomes(of_a_rule, {name: frame(name) for name in inputs}, circumstances))

        # First what takes longest and reads no other: what is made of it can begin the sooner.
        for name in sorted(_made(), key=lambda name: name != OPEN_ITEM_MATCHES.name):
            made[name] = threads.submit(compute, derivations()[name])
        by_rule: dict[object, list[Check]] = defaultdict(list)
        for name, check in checks(circumstances.lines).items():
            if name not in _LOOKS_AGAIN and books.keys() | made.keys() >= set(check.inputs):
                by_rule[check.rule].append(check)
        asked = [threads.submit(ask, of_a_rule) for of_a_rule in by_rule.values()]
        return {name: frame(name) for name in (*books, *made)}, [
            each for told in asked for each in told.result()
        ]


def _made() -> list[str]:
    return [name for name in derivations() if name not in _OF_OTHER_MONTHS]


def _of_frames(frames: Mapping[str, Any], kinds_of_items: Mapping[str, str]) -> Iterator[tuple[str, Finding]]:
    for row in frames["open_items"].to_pylist():
        yield row["id_company"], Finding("open_items", row["line"], row["cause"], row["difference"])
    for name, bridge in BRIDGES.items():
        for row in frames[name].to_pylist():
            if row[bridge.row_amount]:
                what = " ".join(row[column] for column in bridge.item)
                yield row["id_company"], Finding(name, None, what, row[bridge.row_amount])
    for row in frames["reconciliation"].to_pylist():
        if row["status"] == "EXPLAINED":
            yield row["id_company"], Finding("reconciliation", row["line"], "EXPLAINED", row["unexplained"])
    # That an item has a bridge is to be found of the transaction types that were planted, each in one company.
    for row in frames["ipe_31_classified"].to_pylist():
        if row["bridge_key"] is not None and row["transaction_type"] in kinds_of_items:
            what = classified(row["transaction_type"])
            yield row["id_company"], Finding("ipe_31_classified", None, what, row["amount"])


def classified(transaction_type: str) -> str:
    """Say that an item of a transaction type is classified."""
    return f"{transaction_type} has a bridge"


def _of_check(
    check: Check, outcome: CheckOutcome, countries: Mapping[str, str], kinds_of_items: Mapping[str, str]
) -> Iterator[tuple[str, Finding]]:
    """Give what a failed check names, row by row; a failure that names nobody is a finding too."""
    by, figures = f"{check.asset}.{check.name}", outcome.figures
    if check.line is not None:
        unexplained = _decimal(figures["unexplained"]) if figures["status"] != "NOT_COMPUTED" else None
        yield str(outcome.id_company), Finding(by, check.line, figures["status"], unexplained)
    elif outcome.id_company is not None:
        yield outcome.id_company, Finding(by, None, "")
    elif by == MATERIALITY:
        for row in figures["countries"]:
            if row["status"] != "OK":
                yield countries.get(row["country_code"], ""), Finding(by, None, "")
    else:
        listed = figures.get("listed", [])
        for row in listed:
            company = kinds_of_items.get(row.get("transaction_type"), row.get("id_company", ""))
            what, amount = "", None
            if by == _ACCRUAL:
                what, amount = bucket(row["bridge_category"], row["voucher_type"]), _decimal(row["variance"])
            yield company, Finding(by, None, what, amount)
        if not listed:
            yield "", Finding(by, None, "fails")


def bucket(category: str | None, voucher_type: str | None) -> str:
    """Name a bucket of the voucher accrual variance."""
    return f"{category or 'no category'}, {voucher_type or 'no type'}"


def accrual(category: str | None, voucher_type: str | None, variance: Decimal) -> Finding:
    """Give the finding of a bucket that is to be investigated."""
    return Finding(_ACCRUAL, None, bucket(category, voucher_type), variance)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
