"""How it looks on a terminal who signed what, and who is in the key register."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cpg1_assets.cli.columns import Column, Row, laid_out
from cpg1_assets.cli.terminal import say, screen

if TYPE_CHECKING:
    from cpg1_assets.evidence.audit.who_signed import Signed
    from cpg1_assets.evidence.chain.registered_keys import RegisteredKey

_SIGNED = tuple(map(Column, ("month", "version", "signed as", "name", "key")))
_KEYS = tuple(map(Column, ("key", "person", "role", "valid from", "valid to", "revoked from")))
_SAID_OF = {
    "reopen": "reopening",
    "key": "key register",
    "key-revocation": "key register",
    "sample": "sample",
    "timestamp": "timestamp",
}


def show_signed(signed: "Sequence[Signed]") -> None:
    """Show who made each link but the seals, with which key; seals are counted by key."""
    seals = Counter((each.key_id, each.registered) for each in signed if each.kind == "seal")
    rows = [
        Row(["", "", f"{count} seal{'s' * (count > 1)}", "", _key(*key)]) for key, count in seals.items()
    ] + [
        Row(
            [
                each.month or "",
                "" if each.version is None else str(each.version),
                _SAID_OF.get(each.kind, each.role or ""),
                each.name or "",
                _key(each.key_id, each.registered),
            ]
        )
        for each in signed
        if each.kind != "seal"
    ]
    if rows:
        say("", *laid_out(_SIGNED, rows, screen()), "")


def show_keys(keys: "Sequence[RegisteredKey]") -> None:
    """Show the key register, oldest entry first."""
    rows = [
        Row(
            [
                key.key_id,
                key.person,
                key.role,
                f"{key.valid_from:%Y-%m-%d}",
                "" if key.valid_to is None else f"{key.valid_to:%Y-%m-%d}",
                "" if key.revoked_from is None else f"{key.revoked_from:%Y-%m-%d}",
            ],
            [] if key.revocation is None else [f"revoked: {key.revocation.body['reason']}"],
        )
        for key in keys
    ]
    say(*laid_out(_KEYS, rows, screen()))


def _key(key_id: str | None, registered: bool | None) -> str:  # noqa: FBT001 - one of a row's cells
    if key_id is None:
        return "no key"
    return key_id if registered is None else f"{key_id} {'registered' if registered else 'NOT registered'}"
