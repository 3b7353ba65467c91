"""What a sign-off has to comment on: each open line, each failed check of severity ERROR, a change of companies.

Read from the sealed version alone, so that nobody has to believe what a screen showed. Source of the rule:
Open items ("What people do with them"). Not here: who may sign, which `sign_off` settles.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.companies import RATES, companies_before, companies_changed, companies_of
from cpg1_assets.evidence.chain.seal import SealedVersion
from cpg1_assets.evidence.chain.signed_links import FIRST_RULE, RULE

VARIANCES, CHECKS = "open_variances", "failed_checks"
"""Where the body of a sign-off has its comments, by `LINE:COMPANY` and by `ASSET:CHECK`."""
COMPANIES_CHECK = "evidence_manifest:companies_are_those_sealed_before"
RECONCILIATION, CHECK_RESULTS = "reconciliation", "check_results"
_OPEN = {FIRST_RULE: ("VARIANCE_DETECTED",), RULE: ("VARIANCE_DETECTED", "NOT_COMPUTED")}


class Demand(NamedTuple):
    """One kind of what needs a comment: its keys, each with what to say of it, and the words to ask in."""

    keys: Mapping[str, str]
    one: str
    many: str
    listed: str
    option: str


def open_variances(sealed: SealedVersion, rule: int = RULE) -> list[str]:
    """Give the lines of a sealed month that nobody can call reconciled or explained, as `LINE:COMPANY`.

    They are those with an unexplained variance, and since rule 2 also those that could not be computed.
    """
    return sorted(key for key, status in _statuses(sealed).items() if status in _OPEN[rule])


def failed_checks(sealed: SealedVersion) -> list[str]:
    """Give the checks of severity ERROR that failed in a sealed month, as `ASSET:CHECK`, each once.

    A check that found nothing to test has not failed. `<line>_explained` of the reconciliation is left out: a
    comment on the line itself says more. A version sealed before the results of checks were has none.
    """
    if CHECK_RESULTS not in sealed.assets:
        return []
    explained = {f"{key.split(':')[0]}_explained" for key in _statuses(sealed)}
    return sorted(
        {
            f"{row['asset']}:{row['check']}"
            for row in _rows(sealed, CHECK_RESULTS, ["asset", "check", "severity", "passed", "tested"])
            if row["severity"] == "ERROR" and row["tested"] and not row["passed"]
            if (row["asset"] != RECONCILIATION or row["check"] not in explained)
        }
    )


def company_changes(
    evidence: Path, sealed: SealedVersion, is_signed_off: Callable[[SealedVersion], bool]
) -> str:
    """Say which companies left and which are new since the seal before; empty when none.

    Versions of the month that nobody signed off are looked past as well: sealing twice must not make a change
    vanish. Raises EvidenceError when a seal that is compared with is not as it was sealed.
    """
    if RATES not in sealed.assets:
        return ""
    now, version = companies_of(sealed), sealed.version
    while (found := companies_before(evidence, sealed.month, version)) is not None:
        before, companies = found
        left, new = companies_changed(companies, now)
        if left or new:
            told = [f"{', '.join(names)} {what}" for names, what in ((left, "left"), (new, "new")) if names]
            return f"{'; '.join(told)}, against {before.month} version {before.version}"
        if before.month != sealed.month or is_signed_off(before):
            break
        version = before.version
    return ""


def demands_of(
    evidence: Path, sealed: SealedVersion, is_signed_off: Callable[[SealedVersion], bool]
) -> dict[str, Demand]:
    """Give all that a sign-off of a sealed month has to comment on, by its place in the sign-off's body."""
    statuses = _statuses(sealed)
    lines = {key: "" if statuses[key] == _OPEN[RULE][0] else statuses[key] for key in open_variances(sealed)}
    checks = dict.fromkeys(failed_checks(sealed), "")
    changed = company_changes(evidence, sealed, is_signed_off)
    if changed:
        checks[COMPANIES_CHECK] = changed
    return {
        VARIANCES: Demand(
            lines, "an open variance", "open variances", "Open", "--variance LINE:COMPANY=COMMENT"
        ),
        CHECKS: Demand(
            checks,
            "a failed check of severity ERROR",
            "failed checks of severity ERROR",
            "Failed",
            "--check ASSET:CHECK=COMMENT",
        ),
    }


def comments_on(
    month: str,
    demands: Mapping[str, Demand],
    given: Mapping[str, Mapping[str, str]],
    inherited: Mapping[str, Any],
) -> dict[str, dict[str, str]]:
    """Give a comment for each thing that needs one: what is `given`, else what is `inherited`.

    Keys are compared trimmed and ignoring case. Raises EvidenceError for a comment on what needs none, and,
    naming all of them and the option to give, when anything is left without.
    """
    comments: dict[str, dict[str, str]] = {}
    asked = []
    for place, demand in demands.items():
        said = {**_said(inherited, place), **_known(month, demand, given.get(place, {}))}
        without = [key for key in demand.keys if not said.get(key)]
        if without:
            named = ", ".join(f"{key} ({demand.keys[key]})" if demand.keys[key] else key for key in without)
            asked.append(
                f"{len(without)} {demand.many} of {month} have no comment: {named}. Give each one: {demand.option}"
            )
        comments[place] = {key: said[key] for key in demand.keys if said.get(key)}
    if asked:
        raise EvidenceError(". ".join(asked))
    return comments


def without_comment(sealed: SealedVersion, body: Mapping[str, Any]) -> list[str]:
    """Give what a sign-off, by the rule it names, had to comment on in its sealed version and did not.

    A change of companies is not looked for: the month it is a change from may not be there.
    """
    rule = body.get("rule", FIRST_RULE)
    if rule not in tuple(_OPEN):
        return []  # named by `sign_off_problems`: nobody knows what it asks for
    lines = [key for key in open_variances(sealed, rule) if not _said(body, VARIANCES).get(key)]
    checks = failed_checks(sealed) if rule != FIRST_RULE else []
    return lines + [key for key in checks if not _said(body, CHECKS).get(key)]


def _known(month: str, demand: Demand, given: Mapping[str, str]) -> dict[str, str]:
    known = {key.casefold(): key for key in demand.keys}
    comments = {}
    for key, comment in given.items():
        if key.strip().casefold() not in known:
            listed = ", ".join(demand.keys) or "none"
            raise EvidenceError(f"{key} is not {demand.one} of {month}. {demand.listed} are: {listed}.")
        comments[known[key.strip().casefold()]] = comment.strip()
    return comments


def _said(body: Mapping[str, Any], place: str) -> dict[str, str]:
    """Give the comments of a sign-off's body: what is no text is none."""
    said = body.get(place)
    return (
        {key: text for key, text in said.items() if isinstance(text, str)} if isinstance(said, dict) else {}
    )


def _statuses(sealed: SealedVersion) -> dict[str, str]:
    rows = _rows(sealed, RECONCILIATION, ["line", "id_company", "status"])
    return {f"{row['line']}:{row['id_company']}": row["status"] for row in rows}


def _rows(sealed: SealedVersion, asset: str, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sealed.table(asset, columns).to_pylist()
    return rows
