"""Whether each sign-off of a sealed month has the comments that were asked for, by the rule it names.

What a sign-off must say whatever was sealed is settled in `chain.signed_links`. Source of the rule: Open items ("What
people do with them").
"""

from collections.abc import Sequence

import pyarrow as pa

from cpg1_assets.errors import Cpg1Error, EvidenceError
from cpg1_assets.evidence.audit.month_check import MonthCheck
from cpg1_assets.evidence.chain.companies import RATES, companies_of
from cpg1_assets.evidence.chain.demands import AskedOf, company_changes, says_nothing_of_companies
from cpg1_assets.evidence.chain.links import SIGN_OFF, Link, Problem
from cpg1_assets.evidence.chain.seal import SEALS, SealedVersion, version_name
from cpg1_assets.evidence.chain.signed_links import of_seal

_SHOWN = 60
_OF_ANOTHER_SHAPE = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, pa.ArrowException)
"""What reading frames and rule files raises that were sealed as something else than this software seals."""


def uncommented(month: MonthCheck, links: Sequence[Link]) -> list[Problem]:
    """Name each sign-off that lacks a comment its rule asks for, where the version it signs is as it was sealed.

    `month` was compared; `links` are those of the whole chain. What could not be told for want of another month is a
    note of `month`.
    """
    problems = []
    for version, sealed in month.sealed.items():
        signed = of_seal(month.links, sealed.link)
        if not signed or not month.is_as_sealed(f"{SEALS}/{version_name(version)}"):
            continue
        asked = AskedOf(sealed)
        for link in signed:
            try:
                without = asked.without_comment(link.body)
            except (Cpg1Error, *_OF_ANOTHER_SHAPE) as error:
                why = f"What it had to comment on cannot be told. {_said(error)}"
                problems.append(Problem(SIGN_OFF, link.name, why))
                continue
            if without:
                more = f", and {len(without) - _SHOWN} more" if without[_SHOWN:] else ""
                told = f"It has no comment on {', '.join(without[:_SHOWN])}{more}."
                problems.append(Problem(SIGN_OFF, link.name, told))
        problems += _without_companies(month, sealed, signed, links)
    return problems


def _without_companies(
    month: MonthCheck, sealed: SealedVersion, signed: Sequence[Link], links: Sequence[Link]
) -> list[Problem]:
    silent = [link for link in signed if says_nothing_of_companies(link.body)]
    if not silent:
        return []
    # Only the newest version is signed: which of those before it were reviewed is the same for each of these.
    before = [link for link in links if link.index < silent[0].index]
    try:
        if RATES in sealed.assets:
            companies_of(sealed)
    except (Cpg1Error, *_OF_ANOTHER_SHAPE) as error:
        why = f"Which companies it is of cannot be told. {_said(error)}"
        return [Problem(SIGN_OFF, link.name, why) for link in silent]
    try:
        changed = company_changes(before, month.evidence, sealed)
    except EvidenceError:
        month.notes.append(
            f"{month.name}: whether companies left or came since the seal before was not told: that one is not here."
        )
        return []
    told = f"It has no comment on the change of companies: {changed}."
    return [Problem(SIGN_OFF, link.name, told) for link in silent] if changed else []


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, Cpg1Error) else f"{type(error).__name__}: {error}"
