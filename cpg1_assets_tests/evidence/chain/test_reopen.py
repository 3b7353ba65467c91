"""A signed-off month is closed until somebody reopens it, by name and with a reason; then both sign anew."""

import re
import shutil
from pathlib import Path

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.export import export_month, opened_evidence
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.links import append_link, read_chain
from cpg1_assets.evidence.chain.sign_off import sign_offs, signed_off_by
from cpg1_assets.evidence.chain.signing import make_key
from cpg1_assets_tests.evidence.chain.signing import MONTH, prepare, reopened, review
from cpg1_assets_tests.evidence.small_year import small_month


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    small_month(folder, MONTH)
    return folder


@pytest.fixture
def signed(evidence: Path) -> Path:
    prepare(evidence)
    review(evidence)
    return evidence


def test_a_month_is_signed_off_when_the_reviewer_signed_its_newest_seal(evidence: Path) -> None:
    assert signed_off_by(evidence, MONTH) is None
    prepare(evidence)
    assert signed_off_by(evidence, MONTH) is None
    reviewed = review(evidence)
    found = signed_off_by(evidence, MONTH)
    assert found is not None
    assert (found.link, found.name, found.role, found.covers) == (reviewed, "Bob Diallo", "reviewer", True)
    assert signed_off_by(evidence, "2025-10") is None


def test_a_new_seal_is_not_signed_off(signed: Path) -> None:
    small_month(signed, MONTH, run="run-2", amount=2)
    assert signed_off_by(signed, MONTH) is None


def test_a_seal_of_another_month_changes_nothing(signed: Path) -> None:
    small_month(signed, "2025-10")
    assert signed_off_by(signed, MONTH) is not None
    assert signed_off_by(signed, "2025-10") is None


def test_a_preparer_who_signs_again_does_not_open_the_month(signed: Path) -> None:
    prepare(signed, comment="one more look")
    found = signed_off_by(signed, MONTH)
    assert found is not None
    assert not found.covers
    again = review(signed)
    found = signed_off_by(signed, MONTH)
    assert found is not None
    assert (found.link, found.covers) == (again, True)


def test_a_reopening_is_a_link_that_says_who_and_why(signed: Path, tmp_path: Path) -> None:
    signer = make_key(tmp_path / "key")
    link = reopened(signed, name=" Cleo  Mensah ", reason=" a late\n posting ", signer=signer)
    seal = read_chain(signed)[0]
    assert link.kind == "reopen"
    assert {name: said for name, said in link.body.items() if name != "os_account"} == {
        "month": MONTH,
        "version": 1,
        "seal_digest": seal.digest,
        "name": "Cleo Mensah",
        "reason": "a late posting",
    }
    assert link.body["os_account"] == link.made_by
    assert link.signature is not None
    assert link.signature["key_id"] == signer.key_id
    assert read_chain(signed)[-1] == link
    assert verify(signed).problems == []


def test_a_reopened_month_is_open_and_its_sign_offs_no_longer_cover(signed: Path) -> None:
    reopened(signed)
    assert signed_off_by(signed, MONTH) is None
    standing = sign_offs(signed, MONTH)
    assert [each.covers for each in standing.sign_offs] == [False, False]
    assert standing.sentence == (
        "Sealed (version 1), reopened by Cleo Mensah: a late posting; not signed off; awaits the preparer and the "
        "reviewer. An older sign-off no longer covers the month: preparer Ann Okafor (version 1), reviewer Bob Diallo "
        "(version 1)."
    )


def test_both_sign_a_reopened_month_again_also_when_nothing_changed(signed: Path) -> None:
    reopened(signed)
    assert not small_month(signed, MONTH, run="run-2").made
    with pytest.raises(EvidenceError, match="nothing to review"):
        review(signed)
    prepare(signed)
    assert signed_off_by(signed, MONTH) is None
    assert sign_offs(signed, MONTH).sentence.startswith(
        "Sealed (version 1), reopened by Cleo Mensah: a late posting; signed off by preparer Ann Okafor; awaits the "
        "reviewer. An older sign-off"
    )
    reviewed = review(signed)
    found = signed_off_by(signed, MONTH)
    assert found is not None
    assert found.link == reviewed
    assert [each.covers for each in sign_offs(signed, MONTH).sign_offs] == [False, False, True, True]
    assert sign_offs(signed, MONTH).sentence == (
        "Sealed (version 1), signed off by preparer Ann Okafor and reviewer Bob Diallo."
    )
    assert verify(signed).problems == []


def test_both_sign_what_a_reopened_month_was_sealed_as_anew(signed: Path) -> None:
    reopened(signed)
    small_month(signed, MONTH, run="run-2", amount=2)
    assert sign_offs(signed, MONTH).sentence.startswith("Sealed (version 2), reopened by Cleo Mensah: a late")
    prepare(signed)
    review(signed)
    found = signed_off_by(signed, MONTH)
    assert found is not None
    assert found.link.body["version"] == 2
    assert verify(signed).problems == []


def test_a_month_may_be_reopened_again(signed: Path) -> None:
    for _ in range(2):
        reopened(signed)
        prepare(signed)
        review(signed)
    reopened(signed, reason="once more")
    assert "reopened by Cleo Mensah: once more; not signed off" in sign_offs(signed, MONTH).sentence
    assert signed_off_by(signed, MONTH) is None
    assert verify(signed).problems == []


def test_nobody_is_both_on_one_seal_also_when_it_was_reopened_in_between(signed: Path) -> None:
    reopened(signed)
    with pytest.raises(EvidenceError, match="the reviewer cannot be the preparer"):
        prepare(signed, name="Bob Diallo")


# Refused


def test_what_is_not_signed_off_is_not_reopened(evidence: Path, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is not sealed: there is nothing to reopen"):
        reopened(tmp_path / "nothing")
    with pytest.raises(EvidenceError, match="is not signed off: there is nothing to reopen"):
        reopened(evidence)
    prepare(evidence)
    with pytest.raises(EvidenceError, match="is not signed off"):
        reopened(evidence)
    review(evidence)
    reopened(evidence)
    with pytest.raises(EvidenceError, match="is not signed off"):
        reopened(evidence)
    assert [link.kind for link in read_chain(evidence)].count("reopen") == 1


@pytest.mark.parametrize("what", ["name", "reason"])
def test_a_reopening_has_a_name_and_a_reason(signed: Path, what: str) -> None:
    with pytest.raises(EvidenceError, match=f"The {what} is empty"):
        reopened(signed, **{what: " \n"})


def test_evidence_that_was_changed_is_not_reopened(signed: Path) -> None:
    (signed / MONTH / "seals" / "001" / "scope.yaml").write_text("scope: less\n")
    with pytest.raises(EvidenceError, match="not as it was sealed"):
        reopened(signed)


# What the software would not have made


WRONG = {
    "no such seal": ({"seal_digest": "0" * 64}, "reopens a seal that the chain does not have"),
    "another month": ({"month": "2025-08"}, "reopens a seal that the chain does not have"),
    "another version": ({"version": 2}, "reopens a seal that the chain does not have"),
    "nobody": ({"name": ""}, "does not say who reopened the month and why"),
    "no reason": ({"reason": " "}, "does not say who reopened the month and why"),
    "neither": ({"name": None, "reason": None}, "does not say who reopened the month and why"),
}


def reopened_by_hand(evidence: Path, **change: object) -> None:
    """Write the link of a reopening of the first seal, with nothing held against the chain as the software does."""
    body = {
        "month": MONTH,
        "version": 1,
        "seal_digest": read_chain(evidence)[0].digest,
        "name": "Cleo",
        "reason": "late",
        "os_account": "cleo",
    }
    append_link(evidence, "reopen", body | change)


@pytest.mark.parametrize(("change", "why"), WRONG.values(), ids=WRONG)
def test_a_reopening_this_software_would_not_have_made_is_a_problem(
    signed: Path, change: dict[str, object], why: str
) -> None:
    reopened_by_hand(signed, **change)
    (problem,) = verify(signed).problems
    assert (problem.kind, problem.path) == ("reopen", "chain/000004.json")
    assert re.search(why, problem.message)


@pytest.mark.parametrize("steps", [[], [prepare], [prepare, review, reopened]])
def test_a_reopening_of_a_month_that_was_not_signed_off_is_a_problem(evidence: Path, steps: list) -> None:  # type: ignore[type-arg]
    for step in steps:
        step(evidence)
    reopened_by_hand(evidence)
    (problem,) = verify(evidence).problems
    assert problem.message == "It reopens a month that was not signed off."


def test_a_review_that_rests_on_nothing_does_not_close_a_month(evidence: Path) -> None:
    prepared = prepare(evidence)
    body = {**prepared.body, "role": "reviewer", "name": "Bob", "reviews": "0" * 64}
    append_link(evidence, "sign-off", body)
    append_link(evidence, "sign-off", {**prepared.body, "reviews": prepared.digest})
    reopened_by_hand(evidence)
    assert [(problem.kind, problem.path) for problem in verify(evidence).problems] == [
        ("sign-off", "chain/000003.json"),
        ("sign-off", "chain/000004.json"),
        ("reopen", "chain/000005.json"),
    ]


def test_a_reopening_of_a_version_that_was_sealed_over_is_a_problem(signed: Path) -> None:
    small_month(signed, MONTH, run="run-2", amount=2)
    reopened_by_hand(signed)
    assert [problem.kind for problem in verify(signed).problems] == ["reopen"]


def test_a_review_after_a_reopening_that_rests_on_a_sign_off_before_it_is_a_problem(signed: Path) -> None:
    earlier = read_chain(signed)[2]
    reopened(signed)
    append_link(signed, "sign-off", earlier.body)
    (problem,) = verify(signed).problems
    assert (problem.kind, problem.path) == ("sign-off", "chain/000005.json")
    assert "from before the month was reopened" in problem.message
    assert [each.covers for each in sign_offs(signed, MONTH).sign_offs] == [False, False, False]
    with pytest.raises(EvidenceError, match=r"Whether 2025-09 is signed off cannot be said\. chain/000005"):
        signed_off_by(signed, MONTH)
    assert signed_off_by(signed, "2025-10") is None


def test_a_reopening_of_one_month_leaves_the_others_signed_off(signed: Path) -> None:
    small_month(signed, "2025-10")
    prepare(signed, "2025-10")
    review(signed, "2025-10")
    reopened(signed)
    assert signed_off_by(signed, MONTH) is None
    assert signed_off_by(signed, "2025-10") is not None


# A damaged chain


@pytest.mark.parametrize("index", [1, 2, 3])
def test_a_damaged_chain_never_says_that_a_month_is_open(signed: Path, index: int) -> None:
    small_month(signed, "2025-10")
    (signed / "chain" / f"{index:06d}.json").unlink()
    for month in (MONTH, "2025-10", "2025-11"):
        with pytest.raises(EvidenceError, match="is damaged"):
            signed_off_by(signed, month)


def test_a_chain_that_was_cut_off_is_told_from_a_sealing_that_was_killed(signed: Path) -> None:
    small_month(signed, MONTH, run="run-2", amount=2)
    (signed / "chain" / "000004.json").unlink()
    # The version's link may not have been written yet: the next sealing takes it up.
    assert signed_off_by(signed, MONTH) is not None
    small_month(signed, MONTH, run="run-3", amount=3)
    for index in (4, 5):
        (signed / "chain" / f"{index:06d}.json").unlink()
    with pytest.raises(EvidenceError, match=r"2 sealed versions have no link in the chain, such as .*002"):
        signed_off_by(signed, MONTH)


def test_a_chain_that_was_removed_is_told_by_the_other_months(signed: Path) -> None:
    small_month(signed, "2025-10")
    shutil.rmtree(signed / "chain")
    for month in (MONTH, "2025-11"):
        with pytest.raises(EvidenceError, match="2 sealed versions have no link"):
            signed_off_by(signed, month)


def test_where_nothing_was_ever_sealed_no_month_is_signed_off(tmp_path: Path) -> None:
    assert signed_off_by(tmp_path / "evidence", MONTH) is None


def test_an_archive_of_a_reopened_month_verifies(signed: Path, tmp_path: Path) -> None:
    reopened(signed)
    archive = export_month(signed, MONTH, tmp_path / "out.zip")
    with opened_evidence(archive) as found:
        report = verify(found.folder, found.month)
        assert [*found.problems, *report.problems] == []
        assert report.links == 4
