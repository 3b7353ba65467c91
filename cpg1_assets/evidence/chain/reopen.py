"""Reopening a month that was signed off: a link that says who did it and why.

A signed-off month is closed. Once it is reopened the sign-offs of its seal count no longer: preparer and
reviewer sign again, also when nothing changed after all. Nothing is computed here and no sealed file touched.
"""

from collections.abc import Callable
from pathlib import Path

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import REOPEN, Link, Problem, append_link, os_account, read_chain
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import (
    require_as_sealed,
    require_registered,
    require_said,
    signed_off_by,
    signing_lock,
)
from cpg1_assets.evidence.chain.signing import Signer


def reopen(
    evidence: Path,
    month: str,
    *,
    name: str,
    reason: str,
    signer: Signer | None = None,
    problems_of: Callable[[Path, str], list[Problem]],
) -> Link:
    """Reopen `month`, and give the link that says so.

    `problems_of` verifies the month. Raises EvidenceError when the name or reason is empty, the month is not
    sealed, not as it was sealed, or not signed off, so that there is nothing to reopen, and where the key register does
    not let this key sign.
    """
    said = {"name": " ".join(name.split()), "reason": " ".join(reason.split())}
    for what, text in said.items():
        require_said("reopening", what, text)
    with signing_lock(evidence):
        sealed = latest_seal(evidence, month)
        if sealed is None:
            raise EvidenceError(
                f"{month} is not sealed: there is nothing to reopen. It can be closed as it is."
            )
        require_as_sealed(evidence, month, problems_of)
        if signed_off_by(evidence, month) is None:
            raise EvidenceError(
                f"{month} is not signed off: there is nothing to reopen. It can be closed again as it is."
            )
        require_registered(read_chain(evidence), signer, said["name"], None)
        body = {
            "month": month,
            "version": sealed.version,
            "seal_digest": sealed.link.digest,
            **said,
            "os_account": os_account(),
        }
        return append_link(evidence, REOPEN, body, signer=signer)
