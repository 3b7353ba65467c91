"""Preparer and reviewer sign one seal; nobody is both; a new seal needs new signatures."""

import re
from pathlib import Path

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.links import append_link, read_chain
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import CERTIFICATION, sign_offs
from cpg1_assets.evidence.chain.signing import make_key
from cpg1_assets_tests.evidence.chain.signing import COMMENTS, MONTH, prepare, review
from cpg1_assets_tests.evidence.small_year import OPEN, small_month


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    small_month(folder, MONTH)
    return folder


def test_preparer_then_reviewer_sign_the_seal(evidence: Path) -> None:
    prepared, reviewed = prepare(evidence), review(evidence)
    seal = latest_seal(evidence, MONTH)
    assert seal is not None
    assert prepared.body["seal_digest"] == reviewed.body["seal_digest"] == seal.link.digest
    assert reviewed.body["reviews"] == prepared.digest
    assert prepared.body["certification"] == CERTIFICATION
    assert reviewed.body["open_variances"] == COMMENTS
    assert prepared.body["os_account"]
    assert (prepared.body["rule"], prepared.body["failed_checks"]) == (4, {})
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
    second = prepare(evidence, comment="one more look")
    standing = sign_offs(evidence, MONTH)
    assert [each.covers for each in standing.sign_offs] == [False, False, True]
    assert standing.sentence == "Sealed (version 1), signed off by preparer Ann Okafor; awaits the reviewer."
    assert review(evidence).body["reviews"] == second.digest
    standing = sign_offs(evidence, MONTH)
    assert [each.covers for each in standing.sign_offs] == [False, False, True, True]
    assert standing.sentence.endswith("signed off by preparer Ann Okafor and reviewer Bob Diallo.")


def test_a_sign_off_of_another_month_says_nothing_of_this_one(evidence: Path) -> None:
    small_month(evidence, "2025-10")
    prepare(evidence, "2025-10")
    with pytest.raises(EvidenceError, match="nothing to review"):
        review(evidence)
    assert sign_offs(evidence, MONTH).sign_offs == []
    assert len(sign_offs(evidence, "2025-10").sign_offs) == 1


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


WRONG = {
    "no such seal": ({"seal_digest": "0" * 64}, "signs a seal that the chain does not have"),
    "another month": ({"month": "2025-08"}, "signs a seal that the chain does not have"),
    "another version": ({"version": 2}, "signs a seal that the chain does not have"),
    "no role": ({"role": "approver"}, "does not say who signed in which role"),
    "no name": ({"name": " "}, "does not say who signed in which role"),
    "no text": ({"name": None}, "does not say who signed in which role"),
    "both roles": ({"name": "ANN  okafor"}, "same person signed as preparer and as reviewer"),
    "a sign-off that is not there": (
        {"reviews": "0" * 64},
        "reviews a sign-off that the chain does not have",
    ),
    "nothing": ({"reviews": None}, "reviews a sign-off that the chain does not have"),
    "no digest": ({"reviews": ["x"]}, "reviews a sign-off that the chain does not have"),
    "a rule to come": ({"rule": 5}, "a rule .5. that this version"),
    "no rule": ({"rule": True}, "a rule .True. that this version"),
    "before the first rule": ({"rule": 0}, "a rule .0. that this version"),
    "without its comments": ({"open_variances": {}}, f"has no comment on {OPEN}"),
    "with an empty one": ({"open_variances": {OPEN: ""}}, f"has no comment on {OPEN}"),
    "with no text": ({"open_variances": {OPEN: 1}}, f"has no comment on {OPEN}"),
    "with a list": ({"open_variances": [OPEN]}, f"has no comment on {OPEN}"),
}


@pytest.mark.parametrize(("change", "why"), WRONG.values(), ids=WRONG)
def test_a_sign_off_that_this_software_would_not_have_made_is_a_problem(
    evidence: Path, change: dict[str, object], why: str
) -> None:
    prepared = prepare(evidence)
    made = {**prepared.body, "role": "reviewer", "name": "Bob", "reviews": prepared.digest}
    append_link(evidence, "sign-off", made | change)
    problem = verify(evidence).problems[-1]
    assert (problem.kind, problem.path) == ("sign-off", "chain/000003.json")
    assert re.search(why, problem.message)


def test_only_a_reviewer_reviews(evidence: Path) -> None:
    prepared = prepare(evidence)
    made = {**prepared.body, "role": "approver", "name": "Bob", "reviews": prepared.digest}
    append_link(evidence, "sign-off", made)
    assert [each.covers for each in sign_offs(evidence, MONTH).sign_offs] == [True, False]


def test_a_review_of_a_review_is_a_problem(evidence: Path) -> None:
    prepare(evidence)
    reviewed = review(evidence)
    append_link(evidence, "sign-off", {**reviewed.body, "name": "Dan", "reviews": reviewed.digest})
    (problem,) = verify(evidence).problems
    assert problem.message == "It reviews a sign-off that the chain does not have before it."


def test_a_sign_off_of_the_first_rule_stays_valid_under_it(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    failed = [("gl_roll_forward", "ties_out", "ERROR", False, True)]
    small_month(evidence, MONTH, status="NOT_COMPUTED", checks=failed)
    seal = read_chain(evidence)[0]
    body = {
        "month": MONTH, "version": 1, "seal_digest": seal.digest, "role": "preparer", "name": "Ann", "comment": "ok",
        "os_account": "ann", "certification": "I certify.", "open_variances": {}, "reviews": None,
    }  # fmt: skip
    append_link(evidence, "sign-off", body)
    assert verify(evidence).problems == []
    assert sign_offs(evidence, MONTH).sign_offs[0].covers
    append_link(evidence, "sign-off", {**body, "rule": 2, "failed_checks": {}})
    (problem,) = verify(evidence).problems
    assert problem.message == f"It has no comment on {OPEN}, gl_roll_forward:ties_out."


def test_what_was_not_to_be_signed_is_not_told_from_files_that_were_changed(evidence: Path) -> None:
    prepared = prepare(evidence)
    append_link(evidence, "sign-off", {**prepared.body, "open_variances": {}})
    data = evidence / MONTH / "seals" / "001" / "data"
    (data / "reconciliation.parquet").write_bytes(b"changed")
    assert [problem.kind for problem in verify(evidence).problems] == ["changed"]
