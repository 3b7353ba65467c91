"""What the command line says of a month's seal: its version, its link, and who signed it off."""

from typing import Any

from cpg1_assets.evidence.chain import anchor
from cpg1_assets.evidence.seal import latest_seal
from cpg1_assets.evidence.sign_off import sign_offs
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


def seal_standing(settings: Settings, month: CutoffMonth) -> dict[str, Any]:
    """Give version, anchor of its link and place of a month's newest seal, and its sign-offs.

    `version` is None where the month is not sealed. It says what the chain says; `verify` says whether it holds.
    """
    if settings.scope is not None:
        sentence = "Not sealed: a narrowed scope does not count as the control."
        return {"version": None, "anchor": None, "folder": None, "sentence": sentence, "sign_offs": []}
    sealed = latest_seal(settings.evidence_folder, month.key)
    standing = sign_offs(settings.evidence_folder, month.key)
    return {
        "version": None if sealed is None else sealed.version,
        "anchor": None if sealed is None else anchor(sealed.link),
        "folder": None if sealed is None else str(sealed.folder),
        "sentence": standing.sentence,
        "sign_offs": [each.as_dict() for each in standing.sign_offs],
    }
