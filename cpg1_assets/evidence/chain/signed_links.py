"""What sign-offs and reopenings come to, read from the links alone. Nothing is written here and no other file read.

A sign-off is of one seal, and counts until the month is sealed again or reopened. `sign_off` and `reopen`
make such links; what none of them would have made is named here, for whoever verifies.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from cpg1_assets.evidence.chain.links import REOPEN, SEAL, SIGN_OFF, Link, Problem

PREPARER, REVIEWER = "preparer", "reviewer"
FIRST_RULE, RULE = 1, 3
"""What a sign-off has to comment on: rule 1, each unexplained variance; rule 2, also each line that was not computed, and
failed checks; rule 3, items in place of the lines they are of, as `demands` lists. A sign-off names its rule, and is held
to that one; those from before there were two name none."""


def newest_seal(links: Iterable[Link], month: str) -> Link | None:
    """Give the link of the newest seal of a month."""
    seals = [link for link in links if link.kind == SEAL and link.body.get("month") == month]
    return seals[-1] if seals else None


def of_seal(links: Iterable[Link], seal: Link) -> list[Link]:
    """Give every sign-off of a seal, also those from before it was reopened."""
    return [link for link in links if link.kind == SIGN_OFF and _is_of(link, seal)]


def that_count(links: Iterable[Link], seal: Link) -> list[Link]:
    """Give the sign-offs of a seal since it was last reopened: a reopening voids those before it."""
    counting: list[Link] = []
    for link in links:
        if link.kind == REOPEN and _is_of(link, seal):
            counting = []
        elif link.kind == SIGN_OFF and _is_of(link, seal):
            counting.append(link)
    return counting


def review_that_closed(links: Sequence[Link], month: str) -> Link | None:
    """Give the reviewer's sign-off that closed a month for good; None while it is open.

    It is the newest review of a preparer's sign-off of the newest seal, both since the last reopening. A
    preparer who signs again needs another review, but does not open the month: only a reopening does.
    """
    seal = newest_seal(links, month)
    if seal is None:
        return None
    counting = that_count(links, seal)
    prepared = [link.digest for link in counting if link.body.get("role") == PREPARER]
    reviews = [
        link
        for link in counting
        if link.body.get("role") == REVIEWER and link.body.get("reviews") in prepared
    ]
    return reviews[-1] if reviews else None


def covering(links: Sequence[Link], seal: Link) -> list[Link]:
    """Give the sign-offs that cover a seal now: the last preparer's, and the reviews of just that one."""
    counting = that_count(links, seal)
    prepared = [link for link in counting if link.body.get("role") == PREPARER]
    if not prepared:
        return []
    # A reviewer signed what a preparer had signed by then: a preparer who signs again needs another review.
    reviews = [
        link
        for link in counting
        if link.body.get("role") == REVIEWER and link.body.get("reviews") == prepared[-1].digest
    ]
    return [prepared[-1], *reviews]


def sign_off_problems(links: Iterable[Link]) -> list[Problem]:
    """Name each sign-off and reopening of the chain that this software would not have made."""
    problems = []
    before: list[Link] = []
    for link in links:
        why = ""
        if link.kind == SIGN_OFF:
            why = _wrong_sign_off(link, before)
        elif link.kind == REOPEN:
            why = _wrong_reopening(link, before)
        if why:
            problems.append(Problem(link.kind, link.name, why))
        before.append(link)
    return problems


def folded(name: str) -> str:
    """Write a name the one way names are compared: trimmed, blanks single, case ignored."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _is_of(link: Link, seal: Link) -> bool:
    """Whether a link speaks of a seal: by its digest, and by the month it is of."""
    return all(
        link.body.get(name) == said
        for name, said in (("seal_digest", seal.digest), ("month", seal.body.get("month")))
    )


def _seal_before(link: Link, before: Iterable[Link]) -> Link | None:
    """Give the seal that a link speaks of by digest, month and version, when the chain has it before the link."""
    return next(
        (
            seal
            for seal in before
            if seal.kind == SEAL
            and _is_of(link, seal)
            and seal.body.get("version") == link.body.get("version")
        ),
        None,
    )


def _wrong_sign_off(link: Link, before: list[Link]) -> str:
    body = link.body
    seal = _seal_before(link, before)
    if seal is None:
        return "It signs a seal that the chain does not have before it."
    if body.get("role") not in (PREPARER, REVIEWER) or not folded(str(body.get("name") or "")):
        return "It does not say who signed in which role."
    others = [other for other in of_seal(before, seal) if other.body.get("role") != body["role"]]
    if any(folded(str(other.body.get("name"))) == folded(str(body["name"])) for other in others):
        return "The same person signed as preparer and as reviewer."
    rule = body.get("rule", FIRST_RULE)
    if type(rule) is not int or not FIRST_RULE <= rule <= RULE:
        return f"It was made under a rule ({rule!r}) that this version of the software does not know."
    return _wrong_review(link, before, seal) if body["role"] == REVIEWER else ""


def _wrong_review(link: Link, before: list[Link], seal: Link) -> str:
    reviewed = link.body.get("reviews")
    for prepared in (other for other in of_seal(before, seal) if other.body.get("role") == PREPARER):
        if prepared.digest == reviewed:
            if prepared in that_count(before, seal):
                return ""
            return "It reviews a sign-off from before the month was reopened, which no longer counts."
    return "It reviews a sign-off that the chain does not have before it."


def _wrong_reopening(link: Link, before: list[Link]) -> str:
    body = link.body
    seal = _seal_before(link, before)
    if seal is None:
        return "It reopens a seal that the chain does not have before it."
    if not all(folded(str(body.get(said) or "")) for said in ("name", "reason")):
        return "It does not say who reopened the month and why."
    if (
        seal is not newest_seal(before, str(body["month"]))
        or review_that_closed(before, str(body["month"])) is None
    ):
        return "It reopens a month that was not signed off."
    return ""
