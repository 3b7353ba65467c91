"""Who signed what with which key, as far as the links say so, and what of it a person should look at.

What this software would not have made at all is named in `chain.signed_links`; whether a signature fits its key, in
`verify`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cpg1_assets.evidence.chain.links import (
    KEY,
    KEY_REVOCATION,
    OF_A_MONTH,
    REOPEN,
    SEAL,
    SIGN_OFF,
    Link,
    Problem,
    time_of,
)
from cpg1_assets.evidence.chain.registered_keys import (
    PREPARER,
    REVIEWER,
    KeyRegister,
    RegisteredKey,
    register_of,
    said,
    signing_key,
)
from cpg1_assets.evidence.chain.signed_links import SINCE_REVOKED, covering, newest_seal
from cpg1_assets.evidence.chain.signing import is_public_key, key_id

_SHOWN = 12


@dataclass(frozen=True)
class Signed:
    """What one link says of who made it. `registered` is None where there was no register, or nothing was signed."""

    chain_index: int
    kind: str
    month: str | None
    version: int | None
    role: str | None
    name: str | None
    os_account: str
    at: str
    key_id: str | None
    registered: bool | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def who_signed(links: Iterable[Link], month: str | None = None) -> list[Signed]:
    """Give who made each sign-off, reopening and entry of the key register, and each seal that is signed.

    `links` are those of the whole chain; with `month`, what is of another month is left out.
    """
    signed, register = [], KeyRegister()
    for link in links:
        is_of = link.kind not in OF_A_MONTH or month in (None, link.body.get("month"))
        if is_of and (link.kind != SEAL or link.signature is not None):
            signed.append(_signed(link, register))
        register.add(link)
    return signed


def _signed(link: Link, register: KeyRegister) -> Signed:
    body, public_key = link.body, signing_key(link)
    key = register.key(public_key)
    is_entry = link.kind in (KEY, KEY_REVOCATION)
    if link.kind == KEY and register.begun is None:
        role, name, registered = _text(body, "role"), _text(body, "person"), None
    elif is_entry:
        role, name = (None, None) if key is None else (key.role, key.person)
        registered = register.has(public_key)
    else:
        # The name that a sample has is its file's.
        name = _text(body, "name") if link.kind in (SIGN_OFF, REOPEN) else None
        role, registered = _text(body, "role"), register.has(public_key)
    version = body.get("version")
    return Signed(
        chain_index=link.index,
        kind=link.kind,
        month=_text(body, "month"),
        version=version if type(version) is int else None,
        role=role,
        name=name,
        os_account=_text(body, "os_account") or link.made_by,
        at=link.made_at,
        key_id=key_id(public_key) if is_public_key(public_key) and public_key else None,
        registered=registered,
    )


def one_hand(links: Sequence[Link], month: str | None = None) -> list[str]:
    """Say where preparer and reviewer of a seal used one operating-system account, or one key: a sentence for each.

    It is no fault by itself: two people may share an account on one machine. Whether they were two people, nobody can
    tell from that.
    """
    found: dict[str, list[str]] = defaultdict(list)
    by_seal: dict[tuple[object, ...], list[Link]] = defaultdict(list)
    for link in links:
        if link.kind == SIGN_OFF and month in (None, link.body.get("month")):
            by_seal[tuple(str(link.body.get(name)) for name in ("month", "version", "seal_digest"))].append(
                link
            )
    for (of_month, version, _), signed in by_seal.items():
        for hand in sorted(_hands(signed, PREPARER) & _hands(signed, REVIEWER)):
            found[hand].append(f"{of_month} version {version}")
    return [
        f"Preparer and reviewer signed with the same {hand}: {', '.join(of[:_SHOWN])}"
        f"{f', and {len(of) - _SHOWN} more' if of[_SHOWN:] else ''}. Whether they are two people is for you to find out."
        for hand, of in found.items()
    ]


def _hands(signed: Iterable[Link], role: str) -> set[str]:
    of_role = [link for link in signed if link.body.get("role") == role]
    accounts = {f"operating-system account ({link.body.get('os_account')})" for link in of_role}
    keys = {str(signing_key(link)) for link in of_role if is_public_key(signing_key(link))}
    return accounts | {f"key ({key_id(key)})" for key in keys}


def since_revoked(links: Sequence[Link], month: str | None = None) -> tuple[list[Problem], list[str]]:
    """Name what was signed at a time from which on its key was revoked by a later link.

    A sign-off on which the standing of its month rests is a problem, which signing anew mends; anything else is a note.
    `links` are those of the whole chain.
    """
    register = register_of(links)
    found = {link.digest: key for link in links if (key := _revoked_since(link, register)) is not None}
    problems, notes = [], []
    rest: dict[str, set[str]] = {}
    for link in links:
        key = found.get(link.digest)
        if key is None or key.revocation is None or key.revoked_from is None:
            continue
        why = (
            f"It was signed with the key {key.key_id} of {key.person}, which was revoked later ({key.revocation.name}), "
            f"from {said(key.revoked_from)} on, when it had not signed yet."
        )
        of = str(link.body.get("month"))
        if of not in rest:
            rest[of] = _rests_on(links, of, found.keys())
        if link.digest in rest[of]:
            why = f"{why} It has to be signed anew, with a key that is valid."
            problems.append(Problem(SINCE_REVOKED, link.name, why))
        elif month in (None, link.body.get("month")) or link.kind not in OF_A_MONTH:
            notes.append(f"{link.name}: {why} Look whether it is to be relied on.")
    return problems, notes


def _revoked_since(link: Link, register: KeyRegister) -> RegisteredKey | None:
    """Give the key of a link that was revoked after it, from a time before it."""
    key, at = register.key(signing_key(link)), time_of(link.made_at)
    if key is None or key.revocation is None or key.revocation.index <= link.index:
        return None
    return key if at is not None and key.revoked_from is not None and key.revoked_from <= at else None


def _rests_on(links: Sequence[Link], month: str, revoked: Collection[str]) -> set[str]:
    """Give the sign-offs with a revoked key on which a month rests: no other covers it in their role."""
    seal = newest_seal(links, month)
    rest: set[str] = set()
    for role in (PREPARER, REVIEWER):
        signed = (
            {link.digest for link in covering(links, seal) if link.body.get("role") == role}
            if seal
            else set()
        )
        rest |= signed if signed <= set(revoked) else set()
    return rest


class TrustedKeys:
    """The keys that are trusted: those given, and those that they put into the key register, while these are valid."""

    def __init__(self, given: Sequence[str]) -> None:
        """`given` are public keys in base64."""
        self._given, self._entered, self._register = frozenset(given), set[str](), KeyRegister()

    def has(self, public_key: str, made_at: str) -> bool:
        """Whether a key is trusted to sign a link of this time."""
        key = self._register.key(public_key)
        is_valid = key is not None and key.not_valid(time_of(made_at)) is None
        return public_key in self._given or (public_key in self._entered and is_valid)

    def add(self, link: Link, *, is_signed: bool) -> None:
        """Take in a link; what an entry of the register says counts where a trusted key signed it."""
        signer = signing_key(link)
        wrong = self._register.add(link)
        if link.kind == KEY and is_signed and not wrong and signer and self.has(signer, link.made_at):
            self._entered.add(str(link.body["public_key"]))


def _text(body: Mapping[str, Any], name: str) -> str | None:
    text = body.get(name)
    return text if isinstance(text, str) else None
