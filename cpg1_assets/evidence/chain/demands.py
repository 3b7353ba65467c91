"""What a sign-off has to comment on: large items, open lines, failed checks of severity ERROR, a change of companies.

Read from the sealed version alone, so that nobody has to believe what a screen showed. Source of the rule:
Open items ("What people do with them"). Not here: who may sign, which `sign_off` settles.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.companies import RATES, companies_before, companies_changed, companies_of
from cpg1_assets.evidence.chain.items_to_comment import (
    ItemsToComment,
    has_open_items,
    items_to_comment,
    refused_comments,
)
from cpg1_assets.evidence.chain.links import Link
from cpg1_assets.evidence.chain.registered_keys import REVIEWER
from cpg1_assets.evidence.chain.seal import SealedVersion
from cpg1_assets.evidence.chain.signed_links import FIRST_RULE, RULE, of_seal

ITEMS, VARIANCES, CHECKS = "open_items", "open_variances", "failed_checks"
"""Where the body of a sign-off has its comments, by item, by `LINE:COMPANY` and by `ASSET:CHECK`."""
COMPANIES_CHECK = "evidence_manifest:companies_are_those_sealed_before"
RECONCILIATION, CHECK_RESULTS = "reconciliation", "check_results"
COMMENTS_CHECK = "open_item_comments:comments_readable"
_UNEXPLAINED, _NOT_COMPUTED = "VARIANCE_DETECTED", "NOT_COMPUTED"
_OF_A_CHECK = {"asset": str, "check": str, "severity": str, "passed": bool, "tested": bool}
_BY_ITEM = 3
"""Since this rule, items are asked for where they were sealed."""
_NAMED = 60
"""So many things without a comment are named; how many more there are is said."""


class Demand(NamedTuple):
    """One kind of what needs a comment: its keys, each with what to say of it, and the words to ask in."""

    keys: Mapping[str, str]
    one: str
    many: str
    listed: str
    option: str


def open_variances(sealed: SealedVersion, rule: int = RULE) -> list[str]:
    """Give the lines of a sealed month that need a comment as lines, as `LINE:COMPANY`.

    They are those with an unexplained variance, and since rule 2 also those that could not be computed. Since rule 3,
    where items were sealed, a line with a variance is asked for only for what its smaller items come to.
    """
    by_item = rule >= _BY_ITEM and has_open_items(sealed)
    return sorted(_open(sealed, rule, items_to_comment(sealed) if by_item else None))


def open_items(sealed: SealedVersion, rule: int = RULE) -> list[str]:
    """Give the items of a sealed month that need a comment and have none in the comments that were sealed with it."""
    if rule < _BY_ITEM or not has_open_items(sealed):
        return []
    asked = items_to_comment(sealed)
    return [item for item in asked.items if item not in asked.commented]


def _open(sealed: SealedVersion, rule: int, asked: ItemsToComment | None) -> dict[str, str]:
    """Give the lines that need a comment, each with its status."""
    found = {}
    for key, status in _statuses(sealed).items():
        is_open = status == _UNEXPLAINED and (asked is None or key in asked.lines)
        if is_open or (status == _NOT_COMPUTED and rule != FIRST_RULE):
            found[key] = status
    return found


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
            for row in _rows(sealed, CHECK_RESULTS, _OF_A_CHECK)
            if row["severity"] == "ERROR" and row["tested"] and not row["passed"]
            if (row["asset"] != RECONCILIATION or row["check"] not in explained)
        }
    )


def company_changes(links: Sequence[Link], evidence: Path, sealed: SealedVersion) -> str:
    """Say which companies left and which are new since the seal before; empty when none.

    Versions of the month that nobody signed off are looked past as well: sealing twice must not make a change
    vanish. `links` are those of the chain when the month is, or was, signed. Raises EvidenceError when a seal that is
    compared with is not as it was sealed.
    """
    if RATES not in sealed.assets:
        return ""
    now, version = companies_of(sealed), sealed.version
    while (found := companies_before(links, evidence, sealed.month, version)) is not None:
        before, companies = found
        left, new = companies_changed(companies, now)
        if left or new:
            told = [f"{', '.join(names)} {what}" for names, what in ((left, "left"), (new, "new")) if names]
            return f"{'; '.join(told)}, against {before.month} version {before.version}"
        if before.month != sealed.month or _was_reviewed(links, before):
            break
        version = before.version
    return ""


def demands_of(links: Sequence[Link], evidence: Path, sealed: SealedVersion) -> dict[str, Demand]:
    """Give all that a sign-off of a sealed month has to comment on, by its place in the sign-off's body.

    `links` are those of the whole chain.
    """
    asked = items_to_comment(sealed) if has_open_items(sealed) else None
    lines = {
        key: "" if status == _UNEXPLAINED and asked is None else _said_of(status)
        for key, status in sorted(_open(sealed, RULE, asked).items())
    }
    items = {} if asked is None else {i: said for i, said in asked.items.items() if i not in asked.commented}
    checks = dict.fromkeys(failed_checks(sealed), "")
    changed = company_changes(links, evidence, sealed)
    if changed:
        checks[COMPANIES_CHECK] = changed
    return {
        ITEMS: Demand(
            items,
            "an open item that needs a comment and has none",
            "open items",
            "Those",
            f"in the comments file of the month, taken in with cpg1 comments {sealed.month}, or here: --item ITEM=COMMENT",
        ),
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


def require_comments_taken(sealed: SealedVersion) -> None:
    """Refuse a version whose comments file was not taken: nobody knows what it was to say. Raises EvidenceError."""
    refused = refused_comments(sealed)
    if refused:
        more = f" And {len(refused) - _NAMED} more." if refused[_NAMED:] else ""
        raise EvidenceError(
            f"The comments file of {sealed.month} was not taken, so the month cannot be signed. "
            f"{' '.join(refused[:_NAMED])}{more} Then take it in with: cpg1 comments {sealed.month}"
        )


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
            told = [f"{key} ({demand.keys[key]})" if demand.keys[key] else key for key in without]
            named = _listed(told)
            asked.append(
                f"{len(without)} {demand.many} of {month} have no comment: {named}. Give each one: {demand.option}"
            )
        comments[place] = {key: said[key] for key in demand.keys if said.get(key)}
    if asked:
        raise EvidenceError(". ".join(asked))
    return comments


class AskedOf:
    """What sign-offs of a sealed version have to comment on, read once for each rule that they name."""

    def __init__(self, sealed: SealedVersion) -> None:
        """Nothing is read yet."""
        self._sealed = sealed
        self._by_rule: dict[int, tuple[list[str], list[str], list[str], list[str]]] = {}

    def without_comment(self, body: Mapping[str, Any]) -> list[str]:
        """Give what a sign-off, by the rule it names, had to comment on in its sealed version and did not.

        A change of companies is not looked for: see `says_nothing_of_companies`.
        """
        rule = body.get("rule", FIRST_RULE)
        if type(rule) is not int or not FIRST_RULE <= rule <= RULE:
            return []  # named by `sign_off_problems`: nobody knows what it asks for
        if rule not in self._by_rule:
            self._by_rule[rule] = self._read(rule)
        items, lines, checks, refused = self._by_rule[rule]
        places = ((ITEMS, items), (VARIANCES, lines), (CHECKS, checks))
        return [key for place, keys in places for key in keys if not _said(body, place).get(key)] + refused

    def _read(self, rule: int) -> tuple[list[str], list[str], list[str], list[str]]:
        sealed = self._sealed
        return (
            open_items(sealed, rule),
            open_variances(sealed, rule),
            failed_checks(sealed) if rule != FIRST_RULE else [],
            [COMMENTS_CHECK] if rule >= _BY_ITEM and refused_comments(sealed) else [],
        )


def says_nothing_of_companies(body: Mapping[str, Any]) -> bool:
    """Whether a sign-off has no comment on a change of companies, where the rule it names asks for one."""
    return body.get("rule", FIRST_RULE) != FIRST_RULE and not _said(body, CHECKS).get(COMPANIES_CHECK)


def _was_reviewed(links: Iterable[Link], version: SealedVersion) -> bool:
    return any(link.body.get("role") == REVIEWER for link in of_seal(links, version.link))


def _listed(told: list[str]) -> str:
    more = f", and {len(told) - _NAMED} more" if told[_NAMED:] else ""
    return ", ".join(told[:_NAMED]) + more


def _said_of(status: str) -> str:
    return "its smaller items together" if status == _UNEXPLAINED else status


def _known(month: str, demand: Demand, given: Mapping[str, str]) -> dict[str, str]:
    known = {key.casefold(): key for key in demand.keys}
    comments = {}
    for key, comment in given.items():
        if key.strip().casefold() not in known:
            listed = _listed(list(demand.keys)) or "none"
            raise EvidenceError(f"{key} is not {demand.one} of {month}. {demand.listed} are: {listed}.")
        comments[known[key.strip().casefold()]] = comment.strip()
    return comments


def _said(body: Mapping[str, Any], place: str) -> dict[str, str]:
    """Give the comments of a sign-off's body: what is no text is none."""
    said = body.get(place)
    return (
        {key: text for key, text in said.items() if isinstance(text, str) and text.strip()}
        if isinstance(said, dict)
        else {}
    )


def _statuses(sealed: SealedVersion) -> dict[str, str]:
    rows = _rows(sealed, RECONCILIATION, dict.fromkeys(("line", "id_company", "status"), str))
    return {f"{row['line']}:{row['id_company']}": row["status"] for row in rows}


def _rows(sealed: SealedVersion, asset: str, types: Mapping[str, type]) -> list[dict[str, Any]]:
    """Read these columns. Raises EvidenceError for a value of another type: what it asks for nobody could tell."""
    rows: list[dict[str, Any]] = sealed.table(asset, list(types)).to_pylist()
    for row in rows:
        for name, wanted in types.items():
            if not isinstance(row[name], wanted):
                raise EvidenceError(
                    f"{asset} of {sealed.month} has a {name} that no such frame has: {row[name]!r:.100}."
                )
    return rows
