"""What sign-offs and reopenings come to, read from the links alone. Nothing is written here and no other file read.

A sign-off is of one seal, and counts until the month is sealed again or reopened. `sign_off` and `reopen`
make such links; what none of them would have made is named here, for whoever verifies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cpg1_assets.evidence.chain.links import (
    KEY,
    KEY_REVOCATION,
    REOPEN,
    SEAL,
    SIGN_OFF,
    Link,
    Problem,
)
from cpg1_assets.evidence.chain.names import forms_of, forms_of_earlier_rules, is_seen
from cpg1_assets.evidence.chain.registered_keys import (
    PREPARER,
    REGISTER,
    REVIEWER,
    KeyRegister,
    signing_key,
)

FIRST_RULE, RULE = 1, 4
"""What a sign-off has to comment on: rule 1, each unexplained variance; rule 2, also each line that was not computed, and
failed checks; rule 3, items in place of the lines they are of, as `demands` lists. Rule 4 asks for what rule 3 did, and
names are compared with look-alikes folded. A sign-off names its rule, and is held to that one; those from before there
were two name none."""
_LOOK_ALIKES_SINCE = 4
SINCE_REVOKED = "revoked"
"""The kind of problem of a sign-off that covers a month and whose key was revoked since, from before it signed."""
_ENTRIES = (KEY, KEY_REVOCATION)
_TEXTS = ("comment", "certification", "os_account")
"""What every sign-off says beside the name, whatever its rule."""
_COMMENTS_SINCE = {"open_variances": 1, "failed_checks": 2, "open_items": 3}
"""The comments that a sign-off has, each since the rule that asked for them first."""


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
    """Name each sign-off, reopening and entry of the key register that this software would not have made.

    `links` are those of the whole chain.
    """
    problems = []
    so_far = _SoFar()
    for link in links:
        why = ""
        if link.kind == SIGN_OFF:
            why = _wrong_sign_off(link, so_far)
        elif link.kind == REOPEN:
            why = _wrong_reopening(link, so_far)
        why = so_far.add(link) or why
        if why:
            problems.append(Problem(REGISTER if link.kind in _ENTRIES else link.kind, link.name, why))
    return problems


def _is_of(link: Link, seal: Link) -> bool:
    """Whether a link speaks of a seal: by its digest, and by the month it is of."""
    return all(
        link.body.get(name) == said
        for name, said in (("seal_digest", seal.digest), ("month", seal.body.get("month")))
    )


class Names:
    """Names that were signed with, to hold another one against them as a sign-off of a rule does.

    Asking takes the same time however many there are.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Begin with these."""
        self._forms: set[str] = set()
        self._earlier: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take in a name."""
        self._forms |= forms_of(name)
        self._earlier |= forms_of_earlier_rules(name)

    def have(self, name: str, rule: int = RULE) -> bool:
        """Whether a name may be one of these."""
        if rule < _LOOK_ALIKES_SINCE:
            return not self._earlier.isdisjoint(forms_of_earlier_rules(name))
        return not self._forms.isdisjoint(forms_of(name))


@dataclass
class _OfSeal:
    """What was signed of one seal so far: who in which role, and what of it counts since it was last reopened."""

    link: Link
    names: dict[str, Names] = field(default_factory=lambda: {PREPARER: Names(), REVIEWER: Names()})
    keys: dict[str, set[str]] = field(default_factory=lambda: {PREPARER: set(), REVIEWER: set()})
    prepared: set[str] = field(default_factory=set)
    counting: set[str] = field(default_factory=set)
    closed: bool = False


class _SoFar:
    """What the chain comes to before a link. Adding a link takes the same time however many there are."""

    def __init__(self) -> None:
        self._by_digest: dict[str, _OfSeal] = {}
        self._newest: dict[str, _OfSeal] = {}
        self.register = KeyRegister()

    def seal_of(self, link: Link) -> _OfSeal | None:
        """Give the seal that a link speaks of by digest and month, where the chain has it before the link."""
        digest = link.body.get("seal_digest")
        found = self._by_digest.get(digest) if isinstance(digest, str) else None
        return found if found is not None and _is_of(link, found.link) else None

    def is_newest(self, seal: _OfSeal) -> bool:
        """Whether a seal is the newest of its month."""
        return self._newest.get(str(seal.link.body.get("month"))) is seal

    def add(self, link: Link) -> str:
        """Take in a link, wrong or not: what it says was said. Give what is wrong with an entry of the register."""
        if link.kind in _ENTRIES:
            return self.register.add(link)
        if link.kind == SEAL:
            seal = _OfSeal(link)
            self._by_digest.setdefault(link.digest, seal)
            self._newest[str(link.body.get("month"))] = seal
        elif (of := self.seal_of(link)) is not None:
            _add_to(of, link)
        return ""


def _add_to(of: _OfSeal, link: Link) -> None:
    role, key = link.body.get("role"), signing_key(link)
    if link.kind == REOPEN:
        of.counting, of.closed = set(), False
    elif link.kind == SIGN_OFF and role in (PREPARER, REVIEWER):
        of.names[role].add(str(link.body.get("name")))
        if key is not None:
            of.keys[role].add(key)
        if role == PREPARER:
            of.prepared.add(link.digest)
            of.counting.add(link.digest)
        else:
            of.closed = of.closed or _reviewed(link) in of.counting


def _wrong_sign_off(link: Link, so_far: _SoFar) -> str:
    seal = so_far.seal_of(link)
    if seal is None or link.body.get("version") != seal.link.body.get("version"):
        return "It signs a seal that the chain does not have before it."
    said = _wrong_signer(link, seal, so_far.register) or _wrong_words(link.body)
    if not said and not so_far.is_newest(seal):
        said = f"It signs version {link.body['version']}, when a newer one was sealed."
    return said or _wrong_review(link, seal)


def _wrong_signer(link: Link, seal: _OfSeal, register: KeyRegister) -> str:
    role, name = link.body.get("role"), link.body.get("name")
    if role not in (PREPARER, REVIEWER) or not (isinstance(name, str) and is_seen(name)):
        return "It does not say who signed in which role."
    other = REVIEWER if role == PREPARER else PREPARER
    if seal.names[other].have(name, _rule(link.body)):
        return "The same person signed as preparer and as reviewer."
    if register.begun is None:
        return ""
    if _rule(link.body) < _LOOK_ALIKES_SINCE:
        return f"It names rule {_rule(link.body)}, which knows no key register, and one was begun ({register.begun.name})."
    key = signing_key(link)
    if key in seal.keys[other]:
        return "One key signed as preparer and as reviewer."
    objection = register.objection(key, name, role, link.made_at)
    return "" if objection is None else objection.why


def _rule(body: Mapping[str, Any]) -> int:
    """Give the rule a sign-off names; that of now where it names none that there is."""
    rule = body.get("rule", FIRST_RULE)
    return rule if type(rule) is int else RULE


def _wrong_words(body: Mapping[str, Any]) -> str:
    rule = body.get("rule", FIRST_RULE)
    if type(rule) is not int or not FIRST_RULE <= rule <= RULE:
        return f"It was made under a rule ({rule!r:.100}) that this version of the software does not know."
    unsaid = [said for said in _TEXTS if not _says(body, said)]
    unsaid += [
        said for said, since in _COMMENTS_SINCE.items() if rule >= since and not _are_texts(body.get(said))
    ]
    return f"It lacks {' and '.join(unsaid)}." if unsaid else ""


def _wrong_review(link: Link, seal: _OfSeal) -> str:
    if link.body["role"] == PREPARER:
        return "" if link.body.get("reviews") is None else "It is a preparer's and reviews another."
    if _reviewed(link) not in seal.prepared:
        return "It reviews a sign-off that the chain does not have before it."
    if _reviewed(link) not in seal.counting:
        return "It reviews a sign-off from before the month was reopened, which no longer counts."
    return ""


def _wrong_reopening(link: Link, so_far: _SoFar) -> str:
    body = link.body
    seal = so_far.seal_of(link)
    if seal is None or body.get("version") != seal.link.body.get("version"):
        return "It reopens a seal that the chain does not have before it."
    if not all(_says(body, said) for said in ("name", "reason", "os_account")) or not is_seen(body["name"]):
        return "It does not say who reopened the month and why."
    if not (seal.closed and so_far.is_newest(seal)):
        return "It reopens a month that was not signed off."
    objection = so_far.register.objection(signing_key(link), body["name"], None, link.made_at)
    return "" if objection is None else objection.why


def _says(body: Mapping[str, Any], name: str) -> bool:
    """Whether a body has a text of this name that is not blank."""
    said = body.get(name)
    return isinstance(said, str) and bool(said.strip())


def _are_texts(said: object) -> bool:
    return isinstance(said, dict) and all(isinstance(text, str) for text in said.values())


def _reviewed(link: Link) -> str:
    said = link.body.get("reviews")
    return said if isinstance(said, str) else ""
