"""The key register: whose key may sign in which role, and from when to when, read from the links alone.

Links of the kinds `key` and `key-revocation` are its entries. The first one is an assertion: a registrar's key, signed by
itself. Whatever comes after is signed by a registrar of the register, so that it cannot be changed by somebody else. An
entry that nobody could have made counts for nothing and is named, for whoever verifies. Entries are made in
`key_register`; whether signatures fit the keys they name is looked at in `audit.verify`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from cpg1_assets.evidence.chain.links import KEY, KEY_REVOCATION, Link, time_of
from cpg1_assets.evidence.chain.names import is_seen, may_be_one
from cpg1_assets.evidence.chain.signing import is_public_key, key_id

PREPARER, REVIEWER, REGISTRAR = "preparer", "reviewer", "registrar"
ROLES = (PREPARER, REVIEWER, REGISTRAR)
REGISTER = "register"
"""The kind of problem of an entry of the register."""
_OF_A_KEY = {"public_key", "person", "role", "valid_from", "valid_to", "os_account"}
_OF_A_REVOCATION = {"public_key", "revoked_from", "reason", "os_account"}


class Objection(NamedTuple):
    """Why somebody may not sign, and what to do about it; a sentence each."""

    why: str
    remedy: str


@dataclass(frozen=True)
class RegisteredKey:
    """A key of the register: whose it is, in which role it signs, and when. Both ends of the time are within it."""

    public_key: str
    person: str
    role: str
    valid_from: datetime
    valid_to: datetime | None
    entry: Link
    revocation: Link | None = None

    @property
    def key_id(self) -> str:
        """The key's short name."""
        return key_id(self.public_key)

    @property
    def revoked_from(self) -> datetime | None:
        """From when on it signs nothing any more; None where it was not revoked."""
        return None if self.revocation is None else time_of(self.revocation.body["revoked_from"])

    def objection(self, name: str, role: str | None, at: datetime | None) -> Objection | None:
        """Say why the key signs nothing under this name, in this role, at this time; as `KeyRegister.objection`."""
        if not may_be_one(name, self.person):
            return Objection(
                f"The key {self.key_id} is that of {self.person}, not of {name}.",
                f"Sign as {self.person}, as the register has it, or with your own key.",
            )
        if role is not None and role != self.role:
            return Objection(
                f"The key {self.key_id} of {self.person} is registered for the {self.role}, not for the {role}.",
                f"Somebody who is registered as {role} has to sign; see who is with: cpg1 evidence keys",
            )
        return self.not_valid(at)

    def not_valid(self, at: datetime | None) -> Objection | None:
        """Say why the key signs nothing at this time; None where it does."""
        revoked, whose = self.revoked_from, f"The key {self.key_id} of {self.person}"
        anew = f"{self.person} has to sign with a key that is valid: a registrar adds one with cpg1 evidence keys add."
        if at is None:
            return Objection(f"{whose} signed at no time that can be read.", anew)
        if revoked is not None and at >= revoked:
            return Objection(f"{whose} was revoked from {said(revoked)} on.", anew)
        if at < self.valid_from:
            return Objection(f"{whose} is not valid before {said(self.valid_from)}.", anew)
        if self.valid_to is not None and at > self.valid_to:
            return Objection(f"{whose} was valid to {said(self.valid_to)}.", anew)
        return None


class KeyRegister:
    """The register as it stands before a link of the chain; links are added in their order."""

    def __init__(self) -> None:
        """Nothing is registered yet."""
        self._keys: dict[str, RegisteredKey] = {}

    @property
    def keys(self) -> list[RegisteredKey]:
        """Every key that was ever registered, in the order they were."""
        return list(self._keys.values())

    @property
    def begun(self) -> Link | None:
        """The first entry; None while there is no register."""
        return next((key.entry for key in self._keys.values()), None)

    def key(self, public_key: str | None) -> RegisteredKey | None:
        """Give the entry of a public key."""
        return None if public_key is None else self._keys.get(public_key)

    def has(self, public_key: str | None) -> bool | None:
        """Whether the register has a key; None where there is no register, or nothing was signed."""
        return None if self.begun is None or public_key is None else public_key in self._keys

    def add(self, link: Link) -> str:
        """Take in a link. Give what is wrong with an entry of the register, which then counts for nothing."""
        if link.kind == KEY:
            wrong = self.wrong_key(link)
            if not wrong:
                self._enter(link)
            return wrong
        if link.kind == KEY_REVOCATION:
            wrong = self.wrong_revocation(link)
            if not wrong:
                key = self._keys[link.body["public_key"]]
                self._keys[key.public_key] = replace(key, revocation=link)
            return wrong
        return ""

    def wrong_key(self, link: Link) -> str:
        """Say why a link cannot enter its key."""
        body = link.body
        valid_from, valid_to = time_of(body.get("valid_from")), time_of(body.get("valid_to"))
        person = body.get("person")
        if (
            body.keys() != _OF_A_KEY
            or not is_public_key(body["public_key"])
            or body["role"] not in ROLES
            or not (isinstance(person, str) and is_seen(person))
            or valid_from is None
            or (valid_to is None and body["valid_to"] is not None)
        ):
            return "It does not say whose key it registers, in which role, and from when to when."
        if valid_to is not None and (valid_to < valid_from or body["role"] == REGISTRAR):
            return "It registers a key to a time before it is valid, or that of a registrar, who is revoked instead."
        if body["public_key"] in self._keys:
            return f"It registers the key {key_id(body['public_key'])}, which the register has already."
        if self.begun is None:
            return self._wrong_first(link, valid_from)
        return self._not_by_a_registrar(link)

    def wrong_revocation(self, link: Link) -> str:
        """Say why a link cannot revoke the key it names."""
        body = link.body
        reason = body.get("reason")
        if (
            body.keys() != _OF_A_REVOCATION
            or not isinstance(body["public_key"], str)
            or time_of(body["revoked_from"]) is None
            or not (isinstance(reason, str) and is_seen(reason))
        ):
            return "It does not say which key it revokes, from when on and why."
        key = self._keys.get(body["public_key"])
        if key is None:
            return "It revokes a key that the register does not have before it."
        if key.revocation is not None:
            return f"It revokes the key {key.key_id} again."
        if self.is_last_registrar(key, link.made_at):
            return "It revokes the last registrar: nobody could change the register any more."
        return self._not_by_a_registrar(link)

    def is_last_registrar(self, key: RegisteredKey, made_at: str) -> bool:
        """Whether no other registrar's key is valid and will stay so."""
        at = time_of(made_at)
        others = [
            other
            for other in self._keys.values()
            if other.role == REGISTRAR and other.public_key != key.public_key and other.revocation is None
        ]
        return key.role == REGISTRAR and not any(other.not_valid(at) is None for other in others)

    def objection(
        self, public_key: str | None, name: str, role: str | None, made_at: str
    ) -> Objection | None:
        """Say why a key may not sign under a name in a role; None where it may, or where there is no register.

        `role` is None for what anybody of the register may sign. `public_key` is None where nothing was signed.
        """
        begun, at = self.begun, time_of(made_at)
        if begun is None:
            return None
        if public_key is None:
            return Objection(
                f"No key was used, and since the key register was begun ({begun.name}) who signs or reopens a month uses a "
                "key of it.",
                "Set CPG1_SIGNING_KEY_FILE to the file of your own key; see who has one with: cpg1 evidence keys",
            )
        key = self._keys.get(public_key)
        if key is None:
            which = f"key {key_id(public_key)}" if is_public_key(public_key) else "key that signed"
            return Objection(
                f"The {which} is not in the key register.",
                "Sign with the key that is registered as yours, or have a registrar add this one with: "
                "cpg1 evidence keys add",
            )
        return key.objection(name, role, at)

    def _wrong_first(self, link: Link, valid_from: datetime) -> str:
        at = time_of(link.made_at)
        signed_by_itself = signing_key(link) == link.body["public_key"]
        if link.body["role"] != REGISTRAR or not signed_by_itself or at is None or valid_from > at:
            return "It begins the register, and is not the key of a registrar, valid by then, that is signed by itself."
        return ""

    def _not_by_a_registrar(self, link: Link) -> str:
        key, at = self.key(signing_key(link)), time_of(link.made_at)
        if key is None or key.role != REGISTRAR or key.not_valid(at) is not None:
            return "It changes the register, and no registrar signed it whose key was valid."
        return ""

    def _enter(self, link: Link) -> None:
        body = link.body
        valid_from = time_of(body["valid_from"])
        if valid_from is None:
            raise ValueError("looked at in wrong_key")
        self._keys[body["public_key"]] = RegisteredKey(
            body["public_key"], body["person"], body["role"], valid_from, time_of(body["valid_to"]), link
        )


def signing_key(link: Link) -> str | None:
    """Give the public key that a link says it is signed with; None where it is not signed."""
    return None if link.signature is None else link.signature.get("public_key", "")


def said(at: datetime) -> str:
    """Write a time of the register for people."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def register_of(links: Iterable[Link]) -> KeyRegister:
    """Give the register that links of a chain come to."""
    register = KeyRegister()
    for link in links:
        register.add(link)
    return register
