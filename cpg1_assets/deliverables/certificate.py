"""The certificate of a signed month: one page that says what was closed, what came of it, who signed, and how it verified.

It prints to one sheet, A4 or Letter, so every text on it has a bound, and what does not fit is counted and not cut off
unseen. Only a month that is signed off and verifies has one. How it looks is `certificate.html.j2` and `certificate.css`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.pages import page
from cpg1_assets.deliverables.report import STATUS
from cpg1_assets.deliverables.written import USD, written_in
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import VerifyReport
from cpg1_assets.evidence.audit.who_signed import one_hand
from cpg1_assets.evidence.chain.companies import RATES
from cpg1_assets.evidence.chain.links import anchor_of
from cpg1_assets.evidence.chain.registered_keys import PREPARER, REVIEWER
from cpg1_assets.evidence.chain.sign_off import SignOff
from cpg1_assets.rules.frames import CHECK_RESULTS, CONTROL_EFFECTIVENESS

_MOST_LINES, _MOST_COMPANIES, _MOST_REVIEWS, _MOST_HANDS, _LONGEST = 12, 40, 2, 2, 80


@dataclass(frozen=True)
class LineResult:
    """A line over its companies: how many have which status, and what stays unexplained, USD, signs ignored.

    `without` are the companies that have no figure in USD: not computed, or without a rate.
    """

    title: str
    count_by_status: dict[str, int]
    gross_usd: Decimal
    without: int


def certificate_html(closed: ClosedMonth, verified: VerifyReport, at: str, locale: str = "en") -> str:
    """Give the certificate of a month that was verified at the moment `at`, as HTML.

    Raises EvidenceError where the month is not signed off as it is sealed now, where what was verified has problems or
    is of another head, and where what was sealed cannot be read; SettingsError for an unknown locale.
    """
    signed = _signed(closed)
    if verified.problems or verified.head != closed.head:
        raise EvidenceError(
            f"{closed.month.key} has no certificate: {verified.conclusion} See: cpg1 evidence verify {closed.month.key}"
        )
    results = _results(closed)
    hands = one_hand(closed.links, closed.month.key)
    statuses = [row["status"] for row in closed.reconciliation]
    companies = sorted({str(row["id_company"]).strip() for row in closed.rows(RATES)})
    source = closed.context.get("source")
    return page(
        "certificate.html.j2",
        styles=("certificate.css",),
        closed=closed,
        verified=verified,
        at=at,
        signed=signed,
        hands=hands[-_MOST_HANDS:],
        more_hands=max(len(hands) - _MOST_HANDS, 0),
        results=results if len(results) <= _MOST_LINES else [],
        lines=len(results),
        total=LineResult(
            "",
            {status: statuses.count(status) for status in STATUS},
            sum((each.gross_usd for each in results), Decimal(0)),
            sum(each.without for each in results),
        ),
        companies=companies,
        named=companies if len(companies) <= _MOST_COMPANIES else [],
        server=source.get("server") if isinstance(source, dict) else None,
        planted=_planted(closed),
        failed=_failed(closed),
        seal=closed.sealed.link,
        seal_anchor=anchor_of(closed.sealed.link),
        status=STATUS,
        usd=USD,
        w=written_in(locale),
        short=_short,
    )


@dataclass(frozen=True)
class _Signed:
    """Who signed: the preparer, and the newest reviews; `more` are reviews beside these."""

    preparer: SignOff
    reviews: Sequence[SignOff]
    more: int

    @property
    def all(self) -> list[SignOff]:
        return [self.preparer, *self.reviews]


def _signed(closed: ClosedMonth) -> _Signed:
    covering = [each for each in closed.signing.sign_offs if each.covers]
    by_role = {role: [each for each in covering if each.role == role] for role in (PREPARER, REVIEWER)}
    if closed.signing.reopened is not None or not all(by_role.values()):
        raise EvidenceError(
            f"{closed.month.key} has no certificate, which only a month has that preparer and reviewer have signed: "
            f"{closed.signing.sentence}"
        )
    (preparer,) = by_role[PREPARER]
    reviews = by_role[REVIEWER]
    return _Signed(preparer, reviews[-_MOST_REVIEWS:], max(len(reviews) - _MOST_REVIEWS, 0))


def _results(closed: ClosedMonth) -> list[LineResult]:
    results = []
    for line in closed.rules.lines:
        rows = [row for row in closed.reconciliation if row["line"] == line.line]
        amounts = [
            abs(row["unexplained_usd"])
            for row in rows
            if row["status"] != "NOT_COMPUTED" and row["unexplained_usd"] is not None
        ]
        statuses = [row["status"] for row in rows]
        results.append(
            LineResult(
                line.title,
                {status: statuses.count(status) for status in STATUS},
                sum(amounts, Decimal(0)),
                len(rows) - len(amounts),
            )
        )
    return results


def _planted(closed: ClosedMonth) -> dict[str, Any] | None:
    """Give how many faults were planted this month and how many of them found; None where none were sealed."""
    if not closed.has(CHECK_RESULTS.name):
        return None
    rows = [row for row in closed.checks if row["asset"] == CONTROL_EFFECTIVENESS.name]
    if not rows:
        return None
    (row,) = rows
    found: dict[str, Any] = json.loads(row["figures"])
    return found


def _failed(closed: ClosedMonth) -> dict[str, int] | None:
    """Count the failed checks by severity; None where no check results were sealed."""
    if not closed.has(CHECK_RESULTS.name):
        return None
    # A check that is asked company by company has a row for each, and is one check.
    failed = {
        (row["asset"], row["check"], row["severity"])
        for row in closed.checks
        if row["tested"] and not row["passed"]
    }
    return {wanted: sum(severity == wanted for *_, severity in failed) for wanted in ("ERROR", "WARN")}


def _short(said: object, most: int = _LONGEST) -> str:
    """Give a text as far as the sheet has room for it, and how long it is in whole."""
    whole = str(said)
    return whole if len(whole) <= most else f"{whole[:most]}… ({len(whole):,} characters)"
