"""Changing the key register: a key is added, or revoked, each as a link of the chain.

Whoever registers the first key vouches for themselves; whatever comes after, a registrar signs. What the entries come to
is in `registered_keys`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import (
    KEY,
    KEY_REVOCATION,
    Link,
    Problem,
    append_link,
    os_account,
    read_chain,
    time_now,
    time_of,
)
from cpg1_assets.evidence.chain.registered_keys import REGISTER, REGISTRAR, KeyRegister, RegisteredKey, said
from cpg1_assets.evidence.chain.sign_off import require_said, signing_lock
from cpg1_assets.evidence.chain.signing import Signer, is_signed, key_id

_DATE, _TIME = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"


def add_key(
    evidence: Path,
    public_key: str,
    *,
    person: str,
    role: str,
    valid_from: str | None = None,
    valid_to: str | None = None,
    signer: Signer | None,
) -> Link:
    """Register a public key (base64) as that of a person in a role, and give the link that says so.

    `valid_from` and `valid_to` are days or times as `time_given` reads them; without them the key is valid from now on,
    and until it is revoked. Raises EvidenceError where the register would not have such an entry: nothing is recorded.
    """
    person = " ".join(person.split())
    require_said("registered key", "name", person)
    with signing_lock(evidence):
        links = read_chain(evidence)
        register, now = _sound_register(links), _now(links)
        key = register.key(public_key)
        if key is not None:
            raise EvidenceError(
                f"The key {key.key_id} is in the register already, as {key.person}'s ({key.role}). Nothing was recorded. "
                "Make another key with: cpg1 evidence keygen --out FILE"
            )
        since = now if valid_from is None else time_given(valid_from, "--from")
        until = None if valid_to is None else time_given(valid_to, "--to", is_end=True)
        if until is not None and role == REGISTRAR:
            raise EvidenceError(
                "The key of a registrar does not run out: without a registrar nobody could change the register. Leave --to "
                "away, and revoke the key when another registrar is there."
            )
        if until is not None and until < since:
            raise EvidenceError(f"The key would be valid from {said(since)} to {said(until)}: that is never.")
        if register.begun is None:
            _require_first(public_key, role, since, now, signer)
        else:
            _require_registrar(register, signer, now)
        body = {
            "public_key": public_key,
            "person": person,
            "role": role,
            "valid_from": since.isoformat(),
            "valid_to": None if until is None else until.isoformat(),
            "os_account": os_account(),
        }
        return append_link(evidence, KEY, body, signer=signer)


def revoke_key(
    evidence: Path, which: str, *, reason: str, revoked_from: str | None = None, signer: Signer | None
) -> Link:
    """Revoke the key of the register whose id or public key is `which`, and give the link that says so.

    `revoked_from` is a day or time as `time_given` reads it, also one that is past; without it, now. Raises EvidenceError
    where the register would not have such an entry: nothing is recorded.
    """
    reason = " ".join(reason.split())
    require_said("revocation", "reason", reason)
    with signing_lock(evidence):
        links = read_chain(evidence)
        register, now = _sound_register(links), _now(links)
        key = _named(register, which)
        if key.revocation is not None:
            raise EvidenceError(
                f"The key {key.key_id} of {key.person} was revoked already. Nothing was recorded."
            )
        if register.is_last_registrar(key, now.isoformat()):
            raise EvidenceError(
                f"{key.person} is the last registrar: nobody could change the register any more. Nothing was recorded. Add "
                "another one first: cpg1 evidence keys add FILE.pub --person NAME --role registrar"
            )
        _require_registrar(register, signer, now)
        since = now if revoked_from is None else time_given(revoked_from, "--from")
        body = {
            "public_key": key.public_key,
            "revoked_from": since.isoformat(),
            "reason": reason,
            "os_account": os_account(),
        }
        return append_link(evidence, KEY_REVOCATION, body, signer=signer)


def time_given(text: str, option: str, *, is_end: bool = False) -> datetime:
    """Read a day (2025-10-01) or a time (2025-10-01T14:30:00), both in UTC; of a day its first second, or its last.

    Raises EvidenceError naming the option.
    """
    for form in (_DATE, _TIME):
        try:
            found = time_of(f"{datetime.strptime(text.strip(), form).isoformat()}+00:00")  # noqa: DTZ007 - made UTC here
        except ValueError:
            continue
        if found is not None:
            return found + timedelta(days=1, seconds=-1) if is_end and form == _DATE else found
    raise EvidenceError(
        f"{option} {text!r} is neither a day, such as 2025-10-01, nor a time, such as 2025-10-01T14:30:00 (UTC)."
    )


def inspect_register(links: Iterable[Link]) -> tuple[KeyRegister, list[Problem]]:
    """Give the register, and what is wrong with entries of it. Raises EvidenceError without the signing library."""
    register, problems = KeyRegister(), []
    for link in links:
        wrong = register.add(link)
        if not wrong and link.kind in (KEY, KEY_REVOCATION) and not is_signed(link.digest, link.signature):
            wrong = "Its signature is not one of the key it names."
        if wrong:
            problems.append(Problem(REGISTER, link.name, wrong))
    return register, problems


def _sound_register(links: Iterable[Link]) -> KeyRegister:
    """Give the register. Raises EvidenceError where an entry of it is none: nobody should add to that."""
    register, problems = inspect_register(links)
    if problems:
        raise EvidenceError(
            f"The key register is not as this software makes one. {problems[0].path}: {problems[0].message} Look at all of "
            "it with: cpg1 evidence verify; then put the chain back from a copy."
        )
    return register


def _now(links: list[Link]) -> datetime:
    """Give the time that a link added now will have at least."""
    now = time_of(time_now(*(link.made_at for link in links[-1:])))
    if now is None:
        raise EvidenceError("The clock of this machine does not say which time it is: set it first.")
    return now


def _named(register: KeyRegister, which: str) -> RegisteredKey:
    for key in register.keys:
        if which.strip() in (key.key_id, key.public_key):
            return key
    raise EvidenceError(f"The register has no key {which!r}. See which there are with: cpg1 evidence keys")


def _require_first(public_key: str, role: str, since: datetime, now: datetime, signer: Signer | None) -> None:
    if role != REGISTRAR or since > now or signer is None or signer.public_key != public_key:
        raise EvidenceError(
            "The register begins with the key of a registrar, who adds the others: --role registrar, the public key of the "
            "registrar, valid from now on, with CPG1_SIGNING_KEY_FILE set to its private key. Nothing was recorded."
        )


def _require_registrar(register: KeyRegister, signer: Signer | None, now: datetime) -> None:
    """Refuse whoever is no registrar. Raises EvidenceError."""
    key = None if signer is None else register.key(signer.public_key)
    if key is None or key.role != REGISTRAR:
        used = (
            "no key is configured"
            if signer is None
            else f"the key {key_id(signer.public_key)} is not that of one"
        )
        registrars = ", ".join(
            each.person for each in register.keys if each.role == REGISTRAR and each.revocation is None
        )
        raise EvidenceError(
            f"A registrar changes the register, and {used}. Nothing was recorded. It is for {registrars}: with "
            "CPG1_SIGNING_KEY_FILE set to their key."
        )
    objection = key.not_valid(now)
    if objection is not None:
        raise EvidenceError(f"{objection.why} Nothing was recorded. {objection.remedy}")
