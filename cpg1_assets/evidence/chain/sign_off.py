"""Sign-offs: what the preparer and the reviewer of a month put their names to, as links of the chain.

A sign-off is bound to one seal; a new seal of the month needs new ones. Without a personal key it is an
assertion of whoever used the operating-system account, which is recorded.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import (
    SEAL,
    SIGN_OFF,
    Link,
    Problem,
    append_link,
    inspect_chain,
    os_account,
    read_chain,
)
from cpg1_assets.evidence.chain.seal import SealedVersion, latest_seal
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.lock import held_lock

Role = Literal["preparer", "reviewer"]
PREPARER, REVIEWER = "preparer", "reviewer"
CERTIFICATION = (
    "I have examined the reconciliation C-PG-1 of this month as it was sealed and the evidence it rests on. To the "
    "best of my knowledge it is complete and accurate, and every open variance is explained in my comments."
)
_OPEN = "VARIANCE_DETECTED"


@dataclass(frozen=True)
class SignOff:
    """One sign-off, and whether it covers the month as it is sealed now."""

    link: Link
    covers: bool

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
        }


@dataclass(frozen=True)
class SigningStanding:
    """Who signed a month: every sign-off, and the sentence that sums them up."""

    sealed_version: int | None
    sign_offs: list[SignOff]

    @property
    def sentence(self) -> str:
        """Say whether the month is signed off as it is sealed now."""
        if self.sealed_version is None:
            return "Not sealed."
        covering = {s.role: s.name for s in self.sign_offs if s.covers}
        older = [s for s in self.sign_offs if s.link.body.get("version") != self.sealed_version]
        signed = [f"{role} {covering[role]}" for role in (PREPARER, REVIEWER) if role in covering]
        awaited = [role for role in (PREPARER, REVIEWER) if role not in covering]
        said = f"Sealed (version {self.sealed_version})"
        said += f", signed off by {' and '.join(signed)}" if signed else ", not signed off"
        said += f"; awaits the {' and the '.join(awaited)}." if awaited else "."
        if older and awaited:
            names = ", ".join(f"{s.role} {s.name} (version {s.link.body.get('version')})" for s in older)
            said += f" An older sign-off no longer covers the month: {names}."
        return said


def sign_off(
    evidence: Path,
    month: str,
    *,
    role: Role,
    name: str,
    comment: str,
    variances: Mapping[str, str] | None = None,
    certification: str = CERTIFICATION,
    signer: Signer | None = None,
    problems_of: Callable[[Path, str], list[Problem]],
) -> Link:
    """Record a sign-off of the newest seal of `month`, and give its link.

    `problems_of` verifies the month: nobody should sign what is not as it was sealed. `variances` are comments by
    `LINE:COMPANY`. Raises EvidenceError when the month is not sealed or not whole, a name or comment is empty, the
    reviewer is the preparer or has nothing to review, or an open variance has no comment.
    """
    said = {"name": " ".join(name.split()), "comment": comment.strip()}
    for what, text in said.items():
        if not text:
            raise EvidenceError(f"The {what} is empty: a sign-off needs one.")
    # One at a time, so that nobody signs between the look at the others and the new link.
    with held_lock(evidence.parent / "locks" / "sign-off.lock", wait=True):
        read_chain(evidence)
        sealed = latest_seal(evidence, month)
        if sealed is None:
            raise EvidenceError(
                f"{month} is not sealed: there is nothing to sign off. Close the month first."
            )
        problems = problems_of(evidence, month)
        if problems:
            raise EvidenceError(
                f"The evidence of {month} is not as it was sealed ({problems[0].path}: {problems[0].kind}, and "
                f"{len(problems) - 1} more). Nobody should sign it. See: cpg1 evidence verify {month}"
            )
        earlier = _of_seal(inspect_chain(evidence).links, sealed.link)
        reviewed = _other_role(earlier, role, said["name"], month)
        body = {
            "month": month,
            "version": sealed.version,
            "seal_digest": sealed.link.digest,
            "role": role,
            **said,
            "os_account": os_account(),
            "certification": certification,
            "open_variances": _commented(sealed, variances or {}, reviewed),
            "reviews": None if reviewed is None else reviewed.digest,
        }
        return append_link(evidence, SIGN_OFF, body, signer=signer)


def open_variances(sealed: SealedVersion) -> list[str]:
    """Give the lines of a sealed month that have an unexplained variance above threshold, as `LINE:COMPANY`."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - the chain can be read without it

    rows = pq.ParquetFile(sealed.data("reconciliation")).read(["line", "id_company", "status"]).to_pylist()
    return sorted(f"{row['line']}:{row['id_company']}" for row in rows if row["status"] == _OPEN)


def sign_offs(evidence: Path, month: str) -> SigningStanding:
    """Give every sign-off of a month, oldest first, and which of them cover its newest seal."""
    links = inspect_chain(evidence).links
    seals = [link for link in links if link.kind == SEAL and link.body.get("month") == month]
    if not seals:
        return SigningStanding(None, [])
    of_newest = _of_seal(links, seals[-1])
    prepared = [link for link in of_newest if link.body.get("role") == PREPARER]
    covering = {prepared[-1].digest} if prepared else set()
    # A reviewer signed what a preparer had signed by then: a preparer who signs again needs another review.
    covering |= {
        link.digest for link in of_newest if prepared and link.body.get("reviews") == prepared[-1].digest
    }
    return SigningStanding(
        int(seals[-1].body["version"]),
        [
            SignOff(link, link.digest in covering)
            for link in links
            if link.kind == SIGN_OFF and link.body.get("month") == month
        ],
    )


def sign_off_problems(links: Iterable[Link]) -> list[Problem]:
    """Name each sign-off of the chain that this software would not have made."""
    problems = []
    before: list[Link] = []
    for link in links:
        if link.kind == SIGN_OFF:
            why = _wrong(link, before)
            if why:
                problems.append(Problem("sign-off", link.name, why))
        before.append(link)
    return problems


def _wrong(link: Link, before: list[Link]) -> str:
    body = link.body
    seals = [b for b in before if b.kind == SEAL and b.digest == body.get("seal_digest")]
    if not seals or any(seals[-1].body.get(key) != body.get(key) for key in ("month", "version")):
        return "It signs a seal that the chain does not have before it."
    if body.get("role") not in (PREPARER, REVIEWER) or not _folded(str(body.get("name") or "")):
        return "It does not say who signed in which role."
    others = [b for b in _of_seal(before, seals[-1]) if b.body.get("role") != body["role"]]
    if any(_folded(str(b.body.get("name"))) == _folded(str(body["name"])) for b in others):
        return "The same person signed as preparer and as reviewer."
    if body["role"] == REVIEWER and body.get("reviews") not in {b.digest for b in others}:
        return "It reviews a sign-off that the chain does not have before it."
    return ""


def _of_seal(links: Iterable[Link], seal: Link) -> list[Link]:
    return [link for link in links if link.kind == SIGN_OFF and link.body.get("seal_digest") == seal.digest]


def _other_role(earlier: list[Link], role: Role, name: str, month: str) -> Link | None:
    """Give the preparer's sign-off a reviewer signs. Raises EvidenceError when the two would be one person."""
    others = [link for link in earlier if link.body.get("role") != role]
    if any(_folded(str(link.body.get("name"))) == _folded(name) for link in others):
        raise EvidenceError(
            f"{name} has signed {month} in the other role: the reviewer cannot be the preparer. "
            "Somebody else has to sign."
        )
    if role == PREPARER:
        return None
    if not others:
        raise EvidenceError(
            f"No preparer has signed the newest seal of {month}, so there is nothing to review. The preparer "
            f"signs first: cpg1 evidence sign-off {month} --role preparer"
        )
    return others[-1]


def _commented(sealed: SealedVersion, given: Mapping[str, str], reviewed: Link | None) -> dict[str, str]:
    """Give a comment for each open variance; a reviewer's are the preparer's unless given anew."""
    still_open = open_variances(sealed)
    known = {key.casefold(): key for key in still_open}
    comments: dict[str, str] = {} if reviewed is None else dict(reviewed.body.get("open_variances") or {})
    for key, comment in given.items():
        if key.strip().casefold() not in known:
            listed = ", ".join(still_open) or "none"
            raise EvidenceError(f"{key} is not an open variance of {sealed.month}. Open are: {listed}.")
        comments[known[key.strip().casefold()]] = comment.strip()
    without = [key for key in still_open if not comments.get(key)]
    if without:
        raise EvidenceError(
            f"{len(without)} open variances of {sealed.month} have no comment: {', '.join(without)}. "
            "Give each one: --variance LINE:COMPANY=COMMENT"
        )
    return {key: comments[key] for key in still_open}


def _folded(name: str) -> str:
    """Write a name the one way names are compared: trimmed, blanks single, case ignored."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()
