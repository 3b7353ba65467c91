"""Sign-offs: what the preparer and the reviewer of a month put their names to, as links of the chain.

A sign-off is bound to one seal; a new seal of the month needs new ones, and so does a reopening. Without a
personal key it is an assertion of whoever used the operating-system account, which is recorded. What has to be
commented on is in `demands`; what the links come to, in `signed_links`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cpg1_assets.claims import Claims
from cpg1_assets.errors import BusyError, EvidenceError, SignedOffError
from cpg1_assets.evidence.chain.demands import (
    CHECKS,
    ITEMS,
    VARIANCES,
    Demand,
    comments_on,
    demands_of,
    require_comments_taken,
)
from cpg1_assets.evidence.chain.links import (
    REOPEN,
    SEAL,
    SIGN_OFF,
    Link,
    Problem,
    append_link,
    inspect_chain,
    os_account,
    read_chain,
    time_now,
)
from cpg1_assets.evidence.chain.names import is_seen
from cpg1_assets.evidence.chain.registered_keys import (
    PREPARER,
    REVIEWER,
    KeyRegister,
    register_of,
    signing_key,
)
from cpg1_assets.evidence.chain.seal import (
    SEALS,
    latest_seal,
    seals_folder,
    version_folders,
)
from cpg1_assets.evidence.chain.signed_links import (
    RULE,
    SINCE_REVOKED,
    Names,
    covering,
    newest_seal,
    of_seal,
    review_that_closed,
    sign_off_problems,
    that_count,
)
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.lock import held_lock

Role = Literal["preparer", "reviewer"]
LONGEST_NAME, LONGEST_TEXT = 200, 20_000
"""Characters of a name; of a comment, a reason, a certification."""
_MOST_OF_COMMENTS = 400_000
"""Bytes of all comments on items, lines and checks in one sign-off: a link has room for them beside the reviewer's own."""
CERTIFICATION = (
    "I have examined the reconciliation C-PG-1 of this month as it was sealed and the evidence it rests on. To the "
    "best of my knowledge it is complete and accurate, and every open item, open variance and failed check that needs a "
    "comment is explained in mine or in those sealed with it."
)


@dataclass(frozen=True)
class SignOff:
    """One sign-off, and whether it covers the month as it is sealed now.

    `registered` says whether its key was in the key register when it signed; None where there was no register yet.
    """

    link: Link
    covers: bool
    registered: bool | None = None

    @property
    def role(self) -> str:
        """`preparer` or `reviewer`."""
        return str(self.link.body.get("role"))

    @property
    def name(self) -> str:
        """Who signed, as they wrote it."""
        return str(self.link.body.get("name"))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "role": self.role,
            "name": self.name,
            "comment": self.link.body.get("comment"),
            "version": self.link.body.get("version"),
            "covers": self.covers,
            "at": self.link.made_at,
            "os_account": self.link.body.get("os_account"),
            "chain_index": self.link.index,
            "signed_by_key": None if self.link.signature is None else self.link.signature.get("key_id"),
            "registered": self.registered,
        }


@dataclass(frozen=True)
class SigningStanding:
    """Who signed a month: every sign-off, and the sentence that sums them up.

    `reopened` is the link that reopened the month, until it is signed off again.
    """

    sealed_version: int | None
    sign_offs: list[SignOff]
    reopened: Link | None = None

    @property
    def sentence(self) -> str:
        """Say whether the month is signed off as it is sealed now."""
        if self.sealed_version is None:
            return "Not sealed."
        covering = {s.role: s.name for s in self.sign_offs if s.covers}
        older = [s for s in self.sign_offs if self._is_older(s.link)]
        signed = [f"{role} {covering[role]}" for role in (PREPARER, REVIEWER) if role in covering]
        awaited = [role for role in (PREPARER, REVIEWER) if role not in covering]
        said = f"Sealed (version {self.sealed_version}), "
        if self.reopened is not None:
            said += f"reopened by {self.reopened.body.get('name')}: {self.reopened.body.get('reason')}; "
        said += f"signed off by {' and '.join(signed)}" if signed else "not signed off"
        said += f"; awaits the {' and the '.join(awaited)}." if awaited else "."
        if older and awaited:
            names = ", ".join(f"{s.role} {s.name} (version {s.link.body.get('version')})" for s in older)
            said += f" An older sign-off no longer covers the month: {names}."
        return said

    def _is_older(self, link: Link) -> bool:
        """Whether a sign-off is of an older version, or from before the month was reopened."""
        before_reopening = self.reopened is not None and link.index < self.reopened.index
        return before_reopening or link.body.get("version") != self.sealed_version


def sign_off(
    evidence: Path,
    month: str,
    *,
    role: Role,
    name: str,
    comment: str,
    variances: Mapping[str, str] | None = None,
    checks: Mapping[str, str] | None = None,
    items: Mapping[str, str] | None = None,
    certification: str = CERTIFICATION,
    signer: Signer | None = None,
    problems_of: Callable[[Path, str], list[Problem]],
) -> Link:
    """Record a sign-off of the newest seal of `month`, and give its link.

    `problems_of` verifies the month: nobody should sign what is not as it was sealed. `variances` are comments by
    `LINE:COMPANY`, `checks` by `ASSET:CHECK`, `items` by item. Raises EvidenceError when the month is not sealed or not
    whole, a name or comment is empty, the reviewer is the preparer or has nothing to review, the key register does not let
    this key sign so, the month's comments file was not taken, or anything that needs a comment has none.
    """
    said = {"name": " ".join(name.split()), "comment": comment.strip()}
    for what, text in {**said, "certification": certification}.items():
        require_said("sign-off", what, text)
    with signing_lock(evidence):
        links = read_chain(evidence)
        sealed = latest_seal(evidence, month)
        if sealed is None:
            raise EvidenceError(
                f"{month} is not sealed: there is nothing to sign off. Close the month first."
            )
        _require_nobody_works_on(evidence, month)
        require_as_sealed(evidence, month, problems_of)
        require_registered(links, signer, said["name"], role)
        reviewed = _other_role(links, sealed.link, role, said["name"], month)
        _require_another_key(links, sealed.link, role, signer, month)
        require_comments_taken(sealed)
        demands = demands_of(links, evidence, sealed)
        given = {VARIANCES: variances or {}, CHECKS: checks or {}, ITEMS: items or {}}
        comments = comments_on(month, demands, given, inherited={} if reviewed is None else reviewed.body)
        _require_room_for(comments, month)
        body = {
            "month": month,
            "version": sealed.version,
            "seal_digest": sealed.link.digest,
            "role": role,
            **said,
            "os_account": os_account(),
            "certification": certification,
            "rule": RULE,
            **comments,
            "reviews": None if reviewed is None else reviewed.digest,
        }
        return append_link(evidence, SIGN_OFF, body, signer=signer)


def require_said(by: str, what: str, text: str) -> None:
    """Refuse a text that says nothing, or one that is too long for the chain. Raises EvidenceError.

    A link that is too large to be read again would stop every close after it.
    """
    longest = LONGEST_NAME if what == "name" else LONGEST_TEXT
    if not text.strip():
        raise EvidenceError(f"The {what} is empty: a {by} needs one.")
    if what == "name" and not is_seen(text):
        raise EvidenceError(
            f"The name has no letter or digit that can be seen: a {by} needs the name of a person. Nothing was recorded."
        )
    if len(text) > longest:
        raise EvidenceError(
            f"The {what} has {len(text):,} characters, and a {by} has room for {longest:,}. Nothing was recorded. "
            "Shorten it, and refer to a document for the rest."
        )


def _require_room_for(comments: Mapping[str, Mapping[str, str]], month: str) -> None:
    for said in comments.values():
        for key, text in said.items():
            require_said("sign-off", f"comment on {key}", text)
    size = len(json.dumps(comments, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > _MOST_OF_COMMENTS:
        raise EvidenceError(
            f"The comments on items, lines and checks take {size:,} bytes, and a sign-off has room for "
            f"{_MOST_OF_COMMENTS:,}. Nothing was recorded. Say what is to be said of open items in the comments file of "
            f"the month, taken in with cpg1 comments {month}, and shorten the others."
        )


def asked_now(evidence: Path, month: str) -> dict[str, Demand]:
    """Give what a preparer who signs the newest seal of `month` now has to comment on, by its place in the sign-off's body.

    Empty where the month is not sealed. Raises EvidenceError as `sign_off`, of the chain and of what was sealed.
    """
    links = read_chain(evidence)
    sealed = latest_seal(evidence, month)
    if sealed is None:
        return {}
    return demands_of(links, evidence, sealed)


def _require_nobody_works_on(evidence: Path, month: str) -> None:
    """Refuse to sign what a run is about to replace. Raises BusyError naming the run."""
    claims = Claims(evidence.parent)
    held = claims.claim(month)
    if held is not None and not held.process.is_gone:
        raise BusyError(f"{claims.busy(month, held)} Sign when it is over.")


def signing_lock(evidence: Path) -> AbstractContextManager[None]:
    """Hold the right to sign or reopen: nobody does between the look at the others and the new link."""
    return held_lock(evidence.parent / "locks" / "sign-off.lock", "the right to sign", wait=True)


def require_as_sealed(evidence: Path, month: str, problems_of: Callable[[Path, str], list[Problem]]) -> None:
    """Refuse evidence that is not as it was sealed: nobody should put a name to it. Raises EvidenceError.

    A sign-off whose key was revoked since is mended by signing anew, so it stops nobody.
    """
    problems = [problem for problem in problems_of(evidence, month) if problem.kind != SINCE_REVOKED]
    if problems:
        raise EvidenceError(
            f"The evidence of {month} is not as it was sealed ({problems[0].path}: {problems[0].kind}, and "
            f"{len(problems) - 1} more). Nobody should sign it. See: cpg1 evidence verify {month}"
        )


def require_registered(links: Sequence[Link], signer: Signer | None, name: str, role: Role | None) -> None:
    """Refuse what the key register does not let this key sign under this name. Raises EvidenceError saying what to do.

    `role` is None for a reopening, which anybody of the register may sign.
    """
    public_key = None if signer is None else signer.public_key
    at = time_now(*(link.made_at for link in links[-1:]))
    objection = register_of(links).objection(public_key, name, role, at)
    if objection is not None:
        raise EvidenceError(f"{objection.why} Nothing was recorded. {objection.remedy}")


def sign_offs(evidence: Path, month: str) -> SigningStanding:
    """Give every sign-off of a month, oldest first, and which of them cover its newest seal.

    Says what the links that can be read come to, also on a damaged chain: to decide anything on it, ask
    `signed_off_by`.
    """
    return signing_standing(inspect_chain(evidence).links, month)


def signing_standing(chain: Iterable[Link], month: str) -> SigningStanding:
    """Give what links of a chain that was read before say of who signed `month`, as `sign_offs`."""
    links, registered, register = [], {}, KeyRegister()
    for link in chain:
        if link.body.get("month") == month:
            links.append(link)
            registered[link.digest] = register.has(signing_key(link))
        register.add(link)
    seal = newest_seal(links, month)
    if seal is None:
        return SigningStanding(None, [])
    now = [link.digest for link in covering(links, seal)]
    signed = [
        SignOff(link, link.digest in now, registered[link.digest]) for link in links if link.kind == SIGN_OFF
    ]
    reopened = next((link for link in reversed(links) if link.kind == REOPEN), None)
    if reopened is not None and any(s.role == REVIEWER and s.link.index > reopened.index for s in signed):
        reopened = None
    return SigningStanding(int(seal.body["version"]), signed, reopened)


def signed_off_by(evidence: Path, month: str) -> SignOff | None:
    """Give the reviewer's sign-off that closed a month for good; None while the month is open.

    The one place that says so. A month is closed for good once a reviewer signed its newest seal, until it is
    reopened: a preparer who signs again then needs another review (`covers` is false meanwhile), and does not open
    the month. Reads the chain once, and none of the sealed files. Raises EvidenceError where a sign-off might be
    there and not be seen: the chain is damaged, was cut off, or holds a sign-off that nobody can have made.
    """
    chain = read_chain(evidence)
    links = [link for link in chain if link.body.get("month") == month]
    of_month = {link.name for link in links}
    problems = [problem for problem in sign_off_problems(chain) if problem.path in of_month]
    if problems:
        raise EvidenceError(
            f"Whether {month} is signed off cannot be said. {problems[0].path}: {problems[0].message} Look at the "
            f"chain with: cpg1 evidence verify {month}"
        )
    _require_nothing_cut_off(evidence, month, links, is_empty=not chain)
    review = review_that_closed(links, month)
    if review is None:
        return None
    seal = newest_seal(links, month)
    return SignOff(review, seal is not None and review in covering(links, seal))


def require_open(evidence: Path, month: str) -> None:
    """Raise SignedOffError where `month` is signed off, naming who did it, and EvidenceError as `signed_off_by`."""
    signed = signed_off_by(evidence, month)
    if signed is not None:
        raise SignedOffError(
            f"{month} is signed off (version {signed.link.body.get('version')}, reviewer {signed.name}), and so it is "
            f"closed. If it must change, reopen it first: cpg1 reopen {month} --name NAME --reason TEXT"
        )


def _require_nothing_cut_off(evidence: Path, month: str, links: list[Link], *, is_empty: bool) -> None:
    """Refuse a chain that lacks the end it must have had, as the sealed versions show.

    One version after the newest link's is what a killed sealing leaves, and is taken up by the next; more than
    that, the links were there. A chain without any link is looked at with the versions of every month.
    """
    linked = [link.body.get("version") for link in links if link.kind == SEAL]
    folders = version_folders(seals_folder(evidence, month))
    unlinked = [folder for folder in folders if int(folder.name) not in linked]
    if is_empty and evidence.is_dir():
        unlinked = [folder for path in evidence.iterdir() for folder in version_folders(path / SEALS)]
    if len(unlinked) > 1:
        raise EvidenceError(
            f"Whether {month} is signed off cannot be said: {len(unlinked)} sealed versions have no link in the chain, "
            f"such as {unlinked[0]}, so its end was cut off. Put the chain back from a copy, and look at it with: "
            "cpg1 evidence verify"
        )


def _other_role(links: list[Link], seal: Link, role: Role, name: str, month: str) -> Link | None:
    """Give the preparer's sign-off a reviewer signs. Raises EvidenceError when the two would be one person.

    Nobody is both on one seal, also not when it was reopened in between.
    """
    others = [link for link in of_seal(links, seal) if link.body.get("role") != role]
    if Names(str(link.body.get("name")) for link in others).have(name):
        raise EvidenceError(
            f"{name} has signed {month} in the other role: the reviewer cannot be the preparer. "
            "Somebody else has to sign."
        )
    if role == PREPARER:
        return None
    prepared = [link for link in that_count(links, seal) if link.body.get("role") == PREPARER]
    if not prepared:
        raise EvidenceError(
            f"No preparer has signed the newest seal of {month}, so there is nothing to review. The preparer "
            f"signs first: cpg1 evidence sign-off {month} --role preparer"
        )
    return prepared[-1]


def _require_another_key(
    links: Sequence[Link], seal: Link, role: Role, signer: Signer | None, month: str
) -> None:
    """Where there is a key register, refuse a key that signed this seal in the other role. Raises EvidenceError."""
    if signer is None or register_of(links).begun is None:
        return
    others = [link for link in of_seal(links, seal) if link.body.get("role") != role]
    if any(signing_key(link) == signer.public_key for link in others):
        raise EvidenceError(
            f"The key {signer.key_id} has signed {month} in the other role: preparer and reviewer each sign with a key of "
            "their own. Nothing was recorded. Somebody else has to sign."
        )
