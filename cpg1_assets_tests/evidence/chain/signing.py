"""Signing a small month in tests: Ann prepares, Bob reviews, Cleo reopens."""

from pathlib import Path
from typing import Any

from cpg1_assets.evidence.audit.verify import problems_of
from cpg1_assets.evidence.chain.links import Link
from cpg1_assets.evidence.chain.reopen import reopen
from cpg1_assets.evidence.chain.sign_off import asked_now, sign_off
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
