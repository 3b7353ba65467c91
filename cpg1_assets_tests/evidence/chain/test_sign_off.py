"""Preparer and reviewer sign one seal; nobody is both; a new seal needs new signatures."""

from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import problems_of, verify
from cpg1_assets.evidence.chain.demands import open_variances
from cpg1_assets.evidence.chain.links import Link, append_link, read_chain
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import CERTIFICATION, sign_off, sign_offs
from cpg1_assets.evidence.chain.signing import make_key
from cpg1_assets_tests.evidence.small_year import OPEN, small_month

MONTH = "2025-09"
COMMENTS = {OPEN: "refund run of the 30th, cleared in October"}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    small_month(folder, MONTH)
    return folder


def prepare(evidence: Path, **more: Any) -> Link:  # noqa: ANN401
    given: dict[str, Any] = {
        "role": "preparer",
        "name": "Ann Okafor",
        "comment": "tied out",
        "variances": COMMENTS,
    }
    return sign_off(evidence, MONTH, problems_of=problems_of, **(given | more))


def review(evidence: Path, **more: Any) -> Link:  # noqa: ANN401
    given: dict[str, Any] = {"role": "reviewer", "name": "Bob Diallo", "comment": "agreed"}
    return sign_off(evidence, MONTH, problems_of=problems_of, **(given | more))


def test_preparer_then_reviewer_sign_the_seal(evidence: Path) -> None:
    prepared, reviewed = prepare(evidence), review(evidence)
    seal = latest_seal(evidence, MONTH)
    assert seal is not None
    assert prepared.body["seal_digest"] == reviewed.body["seal_digest"] == seal.link.digest
    assert reviewed.body["reviews"] == prepared.digest
    assert prepared.body["certification"] == CERTIFICATION
    assert reviewed.body["open_variances"] == COMMENTS
    assert prepared.body["os_account"]
    assert [link.kind for link in read_chain(evidence)] == ["seal", "sign-off", "sign-off"]
    assert verify(evidence).problems == []
    standing = sign_offs(evidence, MONTH)
    assert [each.covers for each in standing.sign_offs] == [True, True]
    assert (
        standing.sentence == "Sealed (version 1), signed off by preparer Ann Okafor and reviewer Bob Diallo."
    )


@pytest.mark.parametrize("name", ["Ann Okafor", " ann  okafor ", "ANN OKAFOR", "\uff21nn Okafor"])
def test_the_reviewer_cannot_be_the_preparer_however_the_name_is_written(evidence: Path, name: str) -> None:
    prepare(evidence)
    with pytest.raises(EvidenceError, match="the reviewer cannot be the preparer"):
        review(evidence, name=name)


def test_nor_the_preparer_be_somebody_who_reviewed(evidence: Path) -> None:
    prepare(evidence)
    review(evidence)
    with pytest.raises(EvidenceError, match="the reviewer cannot be the preparer"):
        prepare(evidence, name="bob diallo")


def test_a_reviewer_needs_something_to_review(evidence: Path) -> None:
    with pytest.raises(EvidenceError, match="nothing to review"):
        review(evidence)


@pytest.mark.parametrize("empty", [{"name": "  "}, {"comment": "\n"}])
def test_a_sign_off_has_a_name_and_a_comment(evidence: Path, empty: dict[str, str]) -> None:
    with pytest.raises(EvidenceError, match="is empty"):
        prepare(evidence, **empty)


@pytest.mark.parametrize("variances", [{}, {OPEN: "  "}])
def test_every_open_variance_needs_a_comment(evidence: Path, variances: dict[str, str]) -> None:
    with pytest.raises(EvidenceError, match=f"1 open variances .* no comment: {OPEN}"):
        prepare(evidence, variances=variances)
    assert len(read_chain(evidence)) == 1


def test_a_comment_on_what_is_not_open_is_refused(evidence: Path) -> None:
    with pytest.raises(
        EvidenceError, match=f"voucher_liability:JD_GH is not an open variance .* Open are: {OPEN}"
    ):
        prepare(evidence, variances={**COMMENTS, "voucher_liability:JD_GH": "no"})


def test_only_unexplained_variances_are_open(evidence: Path) -> None:
    sealed = latest_seal(evidence, MONTH)
    assert sealed is not None
    assert open_variances(sealed) == [OPEN]


def test_a_new_seal_needs_new_sign_offs_and_the_old_ones_no_longer_cover(evidence: Path) -> None:
    prepare(evidence)
    review(evidence)
    small_month(evidence, MONTH, run="run-2", amount=2)
    standing = sign_offs(evidence, MONTH)
    assert [each.covers for each in standing.sign_offs] == [False, False]
    assert standing.sentence == (
        "Sealed (version 2), not signed off; awaits the preparer and the reviewer. An older sign-off no longer covers "
        "the month: preparer Ann Okafor (version 1), reviewer Bob Diallo (version 1)."
    )
    with pytest.raises(EvidenceError, match="nothing to review"):
        review(evidence)
    prepare(evidence)
    review(evidence)
    assert sign_offs(evidence, MONTH).sentence.startswith("Sealed (version 2), signed off by")
    assert verify(evidence).problems == []


def test_a_preparer_who_signs_again_needs_another_review(evidence: Path) -> None:
    prepare(evidence)
    review(evidence)
    prepare(evidence, comment="one more look")
    assert "awaits the reviewer" in sign_offs(evidence, MONTH).sentence


def test_a_month_that_is_not_sealed_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is not sealed"):
        prepare(tmp_path / "evidence")
    assert sign_offs(tmp_path / "evidence", MONTH).sentence == "Not sealed."


def test_nobody_signs_evidence_that_was_changed(evidence: Path) -> None:
    (evidence / MONTH / "ipe_08" / "run-1" / "01_executed_query.sql").write_text("SELECT 'other'")
    with pytest.raises(EvidenceError, match="not as it was sealed"):
        prepare(evidence)


def test_a_sign_off_is_signed_where_a_key_is_configured(evidence: Path, tmp_path: Path) -> None:
    signer = make_key(tmp_path / "key")
    prepare(evidence, signer=signer)
    report = verify(evidence, trusted_keys=[signer.public_key])
    assert report.problems == []
    assert report.trusted
    (signed,) = sign_offs(evidence, MONTH).sign_offs
    assert signed.as_dict()["signed_by_key"] == signer.key_id


def test_the_certification_is_what_the_deployment_says(evidence: Path) -> None:
    assert prepare(evidence, certification="I certify.").body["certification"] == "I certify."


def test_a_sign_off_that_this_software_would_not_have_made_is_a_problem(evidence: Path) -> None:
    prepared = prepare(evidence)
    append_link(evidence, "sign-off", {**prepared.body, "role": "reviewer", "reviews": prepared.digest})
    (problem,) = verify(evidence).problems
    assert (problem.kind, problem.path) == ("sign-off", "chain/000003.json")
