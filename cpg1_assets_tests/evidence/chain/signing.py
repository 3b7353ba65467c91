"""Signing a small month in tests: Ann prepares, Bob reviews, Cleo reopens, Rita keeps the key register."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from cpg1_assets.evidence.audit.verify import problems_of
from cpg1_assets.evidence.chain.key_register import add_key, revoke_key
from cpg1_assets.evidence.chain.links import Link, digest_of, read_chain
from cpg1_assets.evidence.chain.reopen import reopen
from cpg1_assets.evidence.chain.sign_off import asked_now, sign_off
from cpg1_assets.evidence.chain.signing import Signer, open_signer
from cpg1_assets_tests.evidence.small_year import OPEN

MONTH = "2025-09"
COMMENTS = {OPEN: "refund run of the 30th, cleared in October"}


def prepare(evidence: Path, month: str = MONTH, **more: Any) -> Link:  # noqa: ANN401
    """Sign as the preparer, with a comment on the one open line."""
    given: dict[str, Any] = {
        "role": "preparer",
        "name": "Ann Okafor",
        "comment": "tied out",
        "variances": COMMENTS,
    }
    return sign_off(evidence, month, problems_of=problems_of, **(given | more))


def review(evidence: Path, month: str = MONTH, **more: Any) -> Link:  # noqa: ANN401
    """Sign as the reviewer."""
    given: dict[str, Any] = {"role": "reviewer", "name": "Bob Diallo", "comment": "agreed"}
    return sign_off(evidence, month, problems_of=problems_of, **(given | more))


def sign_with_every_comment(evidence: Path, month: str = MONTH) -> None:
    """Have preparer and reviewer sign a month off, with every comment it asks for."""
    comments = {
        kind: dict.fromkeys(each.keys, "looked at") for kind, each in asked_now(evidence, month).items()
    }
    asked = {
        "variances": comments["open_variances"], "checks": comments["failed_checks"], "items": comments["open_items"],
    }  # fmt: skip
    prepare(evidence, month, **asked)
    review(evidence, month, **asked)


def reopened(evidence: Path, month: str = MONTH, **more: Any) -> Link:  # noqa: ANN401
    """Reopen the month."""
    given: dict[str, Any] = {"name": "Cleo Mensah", "reason": "a late posting"}
    return reopen(evidence, month, problems_of=problems_of, **(given | more))


def signer(name: str) -> Signer:
    """Give the key of a person of the tests: always the same."""
    found = open_signer(None, base64.b64encode(hashlib.sha256(name.encode()).digest()).decode())
    assert found is not None
    return found


RITA, ANN, BOB, CLEO, OTHER = map(signer, ("Rita", "Ann", "Bob", "Cleo", "Other"))


def registered(evidence: Path, key: Signer, person: str, role: str, **more: Any) -> Link:  # noqa: ANN401
    """Register a key, as Rita does."""
    given: dict[str, Any] = {"person": person, "role": role, "signer": RITA}
    return add_key(evidence, key.public_key, **(given | more))


def revoked(evidence: Path, key: Signer, **more: Any) -> Link:  # noqa: ANN401
    """Revoke a key, as Rita does."""
    given: dict[str, Any] = {"reason": "left the company", "signer": RITA}
    return revoke_key(evidence, key.key_id, **(given | more))


def begun(evidence: Path) -> Path:
    """Begin a key register: Rita keeps it, Ann prepares, Bob reviews."""
    registered(evidence, RITA, "Rita Mensah", "registrar")
    registered(evidence, ANN, "Ann Okafor", "preparer")
    registered(evidence, BOB, "Bob Diallo", "reviewer")
    return evidence


def forged(
    evidence: Path, kind: str, body: dict[str, Any], signer: Signer | None, made_at: str | None = None
) -> Link:
    """Add a link by hand, as somebody does who can write the folder and asks nobody; `made_at` is when it says it was."""
    before = read_chain(evidence)[-1]
    link = Link(before.index + 1, kind, before.digest, made_at or before.made_at, "somebody", body, "")
    digest = digest_of(link)
    link = Link(**{**link.__dict__, "digest": digest, "signature": signer and signer.signature(digest)})
    (evidence / link.name).write_bytes(link.content())
    return link
