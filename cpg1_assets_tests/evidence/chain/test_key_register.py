"""The key register says who may sign with which key; only a registrar changes it, and nobody signs past it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.export import export_month, opened_evidence
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.key_register import time_given
from cpg1_assets.evidence.chain.links import Link, Problem, read_chain
from cpg1_assets.evidence.chain.registered_keys import KeyRegister, register_of
from cpg1_assets.evidence.chain.sign_off import sign_offs, signed_off_by
from cpg1_assets_tests.evidence.attacks import rewrite, rewrite_from
from cpg1_assets_tests.evidence.chain.signing import (
    ANN,
    BOB,
    CLEO,
    MONTH,
    OTHER,
    RITA,
    begun,
    forged,
    prepare,
    registered,
    reopened,
    review,
    revoked,
)
from cpg1_assets_tests.evidence.small_year import small_month

NEVER = "2000-01-01T00:00:00+00:00"
LATER = "2999-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seal a small month once; nobody writes in it."""
    folder = tmp_path_factory.mktemp("sealed") / "evidence"
    small_month(folder, MONTH)
    return folder


@pytest.fixture
def evidence(sealed: Path, tmp_path: Path) -> Path:
    """Give a sealed month without a key register."""
    return Path(shutil.copytree(sealed, tmp_path / "evidence"))


@pytest.fixture
def kept(evidence: Path) -> Path:
    """Give a sealed month with a key register: links 2, 3 and 4."""
    return begun(evidence)


def problems(evidence: Path, **more: Any) -> list[Problem]:  # noqa: ANN401
    return verify(evidence, **more).problems


def problem(evidence: Path) -> str:
    """Give the only problem, of the newest link, which no signature of it stands against."""
    (found,) = problems(evidence)
    assert found.path == read_chain(evidence)[-1].name
    return f"{found.kind}: {found.message}"


# The register itself


def test_a_register_begins_with_a_registrar_and_is_part_of_the_chain(kept: Path) -> None:
    chain = read_chain(kept)
    assert [link.kind for link in chain] == ["seal", "key", "key", "key"]
    assert [link.signature and link.signature["key_id"] for link in chain[1:]] == [RITA.key_id] * 3
    keys = register_of(chain).keys
    assert [(key.person, key.role, key.key_id) for key in keys] == [
        ("Rita Mensah", "registrar", RITA.key_id),
        ("Ann Okafor", "preparer", ANN.key_id),
        ("Bob Diallo", "reviewer", BOB.key_id),
    ]
    assert {key.valid_to for key in keys} == {None}
    assert problems(kept) == []


@pytest.mark.parametrize(
    ("key", "role", "more"),
    [
        (ANN, "preparer", {"signer": ANN}), (RITA, "registrar", {"signer": ANN}), (RITA, "registrar", {"signer": None}),
        (RITA, "registrar", {"valid_from": "2999-01-01"}),
    ],
)  # fmt: skip
def test_it_begins_with_nobody_else(evidence: Path, key: Any, role: str, more: dict[str, Any]) -> None:  # noqa: ANN401
    with pytest.raises(EvidenceError, match="begins with the key of a registrar"):
        registered(evidence, key, "Rita Mensah", role, **more)
    assert len(read_chain(evidence)) == 1


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "by nobody": (lambda e: registered(e, CLEO, "Cleo", "reviewer", signer=None), "no key is configured. .* for Rita M"),
    "by a preparer": (lambda e: registered(e, CLEO, "Cleo", "reviewer", signer=ANN), f"{ANN.key_id} is not that of one"),
    "by a stranger": (lambda e: registered(e, CLEO, "Cleo", "reviewer", signer=OTHER), f"{OTHER.key_id} is not that of"),
    "a key twice": (lambda e: registered(e, ANN, "Ann Okafor", "reviewer"), r"already, as Ann Okafor's \(preparer\)"),
    "a key for never": (
        lambda e: registered(e, CLEO, "Cleo", "reviewer", valid_from="2025-02-02", valid_to="2025-02-01"), "that is never",
    ),
    "a registrar for a time": (
        lambda e: registered(e, CLEO, "Cleo", "registrar", valid_to="2999-01-01"), "registrar does not run out",
    ),
    "nobody's key": (lambda e: registered(e, CLEO, "\u200b\u2800", "reviewer"), "no letter or digit that can be seen"),
    "a day that is none": (
        lambda e: registered(e, CLEO, "Cleo", "reviewer", valid_from="2025-02-30"), "--from '2025-02-30' is neither a day",
    ),
    "revoked by a reviewer": (lambda e: revoked(e, ANN, signer=BOB), f"{BOB.key_id} is not that of one"),
    "revoked without a reason": (lambda e: revoked(e, ANN, reason=" "), "reason is empty"),
    "revoked and not there": (lambda e: revoked(e, CLEO), f"The register has no key '{CLEO.key_id}'"),
    "the last registrar": (lambda e: revoked(e, RITA), "Rita Mensah is the last registrar"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_no_entry_is_refused_and_nothing_written(
    kept: Path, change: Callable[[Path], object], why: str
) -> None:
    with pytest.raises(EvidenceError, match=why):
        change(kept)
    assert len(read_chain(kept)) == 4


def test_a_key_is_revoked_once(kept: Path) -> None:
    link = revoked(kept, ANN, reason=" left \n the company ", revoked_from="2025-03-31")
    assert link.body["reason"] == "left the company"
    assert link.body["revoked_from"] == "2025-03-31T00:00:00+00:00"
    with pytest.raises(EvidenceError, match="revoked already"):
        revoked(kept, ANN)
    with pytest.raises(EvidenceError, match="already, as Ann Okafor's"):
        registered(kept, ANN, "Ann Okafor", "preparer")
    assert problems(kept) == []


def test_a_registrar_is_followed_by_another(kept: Path) -> None:
    registered(kept, CLEO, "Cleo Mensah", "registrar")
    revoked(kept, RITA)
    with pytest.raises(EvidenceError, match=f"The key {RITA.key_id} of Rita Mensah was revoked from"):
        registered(kept, OTHER, "Dan", "reviewer")
    registered(kept, OTHER, "Dan", "reviewer", signer=CLEO)
    assert problems(kept) == []
    forged(kept, "key-revocation", revocation(), RITA)
    assert problem(kept).startswith(
        "register: It changes the register, and no registrar signed it whose key was valid"
    )


def test_a_registrar_who_is_to_go_does_not_stand_in_for_the_last_one(kept: Path) -> None:
    registered(kept, CLEO, "Cleo Mensah", "registrar")
    revoked(kept, RITA, revoked_from="2999-01-01")
    with pytest.raises(EvidenceError, match="Cleo Mensah is the last registrar"):
        revoked(kept, CLEO)


def test_a_registrar_who_is_to_come_does_not_stand_in_for_the_last_one(kept: Path) -> None:
    registered(kept, CLEO, "Cleo Mensah", "registrar", valid_from="2999-01-01")
    with pytest.raises(EvidenceError, match="is the last registrar"):
        revoked(kept, RITA)


@pytest.mark.parametrize(
    ("text", "is_end", "said"),
    [
        ("2025-10-01", False, "2025-10-01T00:00:00+00:00"), (" 2025-10-01 ", True, "2025-10-01T23:59:59+00:00"),
        ("2025-10-01T14:30:00", True, "2025-10-01T14:30:00+00:00"),
    ],
)  # fmt: skip
def test_a_day_begins_with_its_first_second_and_ends_with_its_last(
    text: str, *, is_end: bool, said: str
) -> None:
    assert time_given(text, "--to", is_end=is_end).isoformat() == said


# Entries that nobody could have made


def entry(**change: Any) -> dict[str, Any]:  # noqa: ANN401
    body = {
        "public_key": CLEO.public_key, "person": "Cleo Mensah", "role": "reviewer", "valid_from": NEVER, "valid_to": None,
        "os_account": "rita",
    }  # fmt: skip
    return body | change


def revocation(**change: Any) -> dict[str, Any]:  # noqa: ANN401
    body = {"public_key": ANN.public_key, "revoked_from": LATER, "reason": "left", "os_account": "rita"}
    return body | change


UNSAID = "It does not say whose key it registers, in which role, and from when to when."
UNSAID_REVOCATION = "It does not say which key it revokes, from when on and why."
WRONG: dict[str, tuple[str, dict[str, Any], Any, str]] = {
    "unsigned": ("key", entry(), None, "It changes the register, and no registrar signed it"),
    "by a preparer": ("key", entry(), ANN, "It changes the register, and no registrar signed it"),
    "by itself": ("key", entry(role="registrar"), CLEO, "It changes the register, and no registrar signed it"),
    "again": ("key", entry(public_key=ANN.public_key), RITA, f"It registers the key {ANN.key_id}, which"),
    "no key": ("key", entry(public_key="x"), RITA, UNSAID),
    "no text": ("key", entry(public_key=["x"]), RITA, UNSAID),
    "a key of small order": ("key", entry(public_key="A" * 43 + "="), RITA, UNSAID),
    "nobody": ("key", entry(person="\u200b"), RITA, UNSAID),
    "no person": ("key", entry(person=None), RITA, UNSAID),
    "no such role": ("key", entry(role="approver"), RITA, UNSAID),
    "no role": ("key", entry(role=[]), RITA, UNSAID),
    "no time": ("key", entry(valid_from="2025-01-01"), RITA, UNSAID),
    "no end": ("key", entry(valid_to=""), RITA, UNSAID),
    "more": ("key", entry(more=1), RITA, UNSAID),
    "before it begins": ("key", entry(valid_from=LATER, valid_to=NEVER), RITA, "It registers a key to a time before"),
    "a registrar for a time": ("key", entry(role="registrar", valid_to=LATER), RITA, "It registers a key to a time before"),
    "revoked unsigned": ("key-revocation", revocation(), None, "It changes the register, and no registrar signed it"),
    "revoked by themselves": ("key-revocation", revocation(), ANN, "It changes the register, and no registrar signed it"),
    "revoked, and not there": ("key-revocation", revocation(public_key=CLEO.public_key), RITA, "It revokes a key that"),
    "the last registrar": ("key-revocation", revocation(public_key=RITA.public_key), RITA, "It revokes the last registrar"),
    "from no time": ("key-revocation", revocation(revoked_from=None), RITA, UNSAID_REVOCATION),
    "which key": ("key-revocation", revocation(public_key=None), RITA, UNSAID_REVOCATION),
    "for no reason": ("key-revocation", revocation(reason="\u2060"), RITA, UNSAID_REVOCATION),
    "revoked and more": ("key-revocation", revocation(more=1), RITA, UNSAID_REVOCATION),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "by", "why"), WRONG.values(), ids=WRONG)
def test_an_entry_that_this_software_would_not_have_made_is_a_problem_and_counts_for_nothing(
    kept: Path, kind: str, body: dict[str, Any], by: Any, why: str  # noqa: ANN401
) -> None:  # fmt: skip
    before = register_of(read_chain(kept)).keys
    forged(kept, kind, body, by)
    assert problem(kept).startswith(f"register: {why}")
    assert register_of(read_chain(kept)).keys == before
    with pytest.raises(EvidenceError, match="The key register is not as this software makes one"):
        registered(kept, OTHER, "Dan", "reviewer")


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2), st.just(ANN.public_key), st.just(NEVER),
)  # fmt: skip


@given(
    kind=st.sampled_from(["key", "key-revocation"]),
    changed=st.dictionaries(st.sampled_from([*entry(), *revocation()]), VALUES, min_size=1),
    lacking=st.sets(st.sampled_from([*entry(), *revocation()]), max_size=1),
    signature=st.none()
    | st.dictionaries(st.sampled_from(["key_id", "public_key"]), st.just(RITA.public_key)),
)
def test_an_entry_of_any_shape_never_stops_the_look_at_it(
    kind: str, changed: dict[str, Any], lacking: set[str], signature: dict[str, str] | None
) -> None:
    sound = entry() if kind == "key" else revocation()
    body = {name: said for name, said in (sound | changed).items() if name not in lacking}
    register = KeyRegister()
    for index, link_body in enumerate(
        ({**entry(role="registrar"), "public_key": RITA.public_key}, body), start=1
    ):
        signed = RITA.signature("00" * 32) if index == 1 else signature
        wrong = register.add(
            Link(index, "key" if index == 1 else kind, "", NEVER, "x", link_body, "", signed)
        )
    assert isinstance(wrong, str)
    assert len(register.keys) == 1 + (wrong == "" and kind == "key")


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ({"role": "preparer"}, CLEO), ({"role": "registrar"}, None), ({"role": "registrar"}, RITA),
        ({"role": "registrar", "valid_from": LATER}, CLEO),
    ],
)  # fmt: skip
def test_a_register_that_does_not_begin_with_a_registrar_who_signs_it_is_none(
    evidence: Path, change: dict[str, Any], by: Any  # noqa: ANN401
) -> None:  # fmt: skip
    forged(evidence, "key", entry(**change), by)
    assert problem(evidence).startswith("register: It begins the register, and is not the key of a registrar")
    assert register_of(read_chain(evidence)).begun is None


def test_an_entry_whose_signature_does_not_fit_is_a_problem_and_nothing_is_added_to_it(kept: Path) -> None:
    forged(kept, "key", entry(), RITA)
    rewrite(kept, 5, lambda said: said["body"].update(person="Dan"))
    assert [(found.kind, found.path) for found in problems(kept)] == [("signature", "chain/000005.json")]
    with pytest.raises(
        EvidenceError, match=r"chain/000005\.json: Its signature is not one of the key it names"
    ):
        registered(kept, OTHER, "Dan", "reviewer")


def test_an_entry_taken_out_or_changed_afterwards_is_found(kept: Path) -> None:
    changed = Path(shutil.copytree(kept, kept.parent / "changed"))
    rewrite(changed, 3, lambda said: said["body"].update(role="reviewer"))
    rewrite_from(changed, 3)
    assert ("signature", "chain/000003.json") in {(found.kind, found.path) for found in problems(changed)}
    (kept / "chain" / "000003.json").unlink()
    assert ("missing", "chain/000003.json") in {(found.kind, found.path) for found in problems(kept)}


# Who may sign


def test_who_is_registered_signs(kept: Path) -> None:
    prepare(kept, signer=ANN, name="ANN okafor")
    review(kept, signer=BOB)
    assert problems(kept) == []
    assert signed_off_by(kept, MONTH) is not None
    registered(kept, CLEO, "Cleo Mensah", "preparer")
    reopened(kept, signer=CLEO)
    assert problems(kept) == []


BY_NAME: dict[str, tuple[dict[str, Any], str]] = {
    "unsigned": ({"signer": None}, r"No key was used, and since the key register was begun \(chain/000002.json\)"),
    "an unknown key": ({"signer": OTHER}, f"The key {OTHER.key_id} is not in the key register"),
    "a wrong role": (
        {"signer": ANN, "name": "Ann Okafor"}, f"The key {ANN.key_id} of Ann Okafor is registered for the preparer, not",
    ),
    "a registrar": (
        {"signer": RITA, "name": "Rita Mensah"}, f"The key {RITA.key_id} of Rita Mensah is registered for the registrar",
    ),
    "another name": ({"signer": BOB, "name": "Dan Diallo"}, f"The key {BOB.key_id} is that of Bob Diallo, not of Dan"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "why"), BY_NAME.values(), ids=BY_NAME)
def test_who_is_not_registered_so_is_refused_and_a_problem(
    kept: Path, given: dict[str, Any], why: str
) -> None:
    # Whoever prepared is somebody else, so that nothing but the register stands against the review.
    registered(kept, CLEO, "Cleo Mensah", "preparer")
    prepared = prepare(kept, signer=CLEO, name="Cleo Mensah")
    with pytest.raises(EvidenceError, match=f"{why}.* Nothing was recorded\\. [A-Z]"):
        review(kept, **given)
    assert len(read_chain(kept)) == 6
    name = given.get("name", "Bob Diallo")
    body = {**prepared.body, "role": "reviewer", "name": name, "reviews": prepared.digest}
    forged(kept, "sign-off", body, given["signer"])
    assert problem(kept).startswith("sign-off: ")
    (found,) = problems(kept)
    with pytest.raises(EvidenceError, match=why) as refused:
        signed_off_by(kept, MONTH)
    assert found.message in str(refused.value)


TIMES: dict[str, tuple[dict[str, str], str]] = {
    "not yet valid": ({"valid_from": "2999-01-01"}, "is not valid before 2999-01-01 00:00:00 UTC"),
    "run out": (
        {"valid_from": "2001-01-01", "valid_to": "2001-12-31"},
        "was valid to 2001-12-31 23:59:59 UTC",
    ),
}


@pytest.mark.parametrize(("valid", "why"), TIMES.values(), ids=TIMES)
def test_a_key_signs_only_while_it_is_valid(kept: Path, valid: dict[str, str], why: str) -> None:
    registered(kept, CLEO, "Cleo Mensah", "preparer", **valid)
    with pytest.raises(
        EvidenceError, match=f"The key {CLEO.key_id} of Cleo Mensah {why}.* a registrar adds one"
    ):
        prepare(kept, signer=CLEO, name="Cleo Mensah")
    forged(kept, "sign-off", _prepared(kept, "Cleo Mensah"), CLEO)
    assert problem(kept) == f"sign-off: The key {CLEO.key_id} of Cleo Mensah {why}."


@pytest.mark.parametrize(
    ("made_at", "is_valid"),
    [
        ("2998-02-28T23:59:59", False), ("2998-03-01T00:00:00", True), ("2998-03-31T23:59:59", True),
        ("2998-04-01T00:00:00", False),
    ],
)  # fmt: skip
def test_both_ends_of_the_time_are_within_it(kept: Path, made_at: str, *, is_valid: bool) -> None:
    registered(kept, CLEO, "Cleo Mensah", "preparer", valid_from="2998-03-01", valid_to="2998-03-31")
    forged(kept, "sign-off", _prepared(kept, "Cleo Mensah"), CLEO, made_at=f"{made_at}+00:00")
    assert (problems(kept) == []) == is_valid


def _prepared(evidence: Path, name: str) -> dict[str, Any]:
    """Give the body of a preparer's sign-off."""
    copy = Path(shutil.copytree(evidence, evidence.parent / "elsewhere" / "evidence"))
    return {**prepare(copy, signer=ANN).body, "name": name}


def test_a_revoked_key_signs_nothing_any_more(kept: Path) -> None:
    body = _prepared(kept, "Ann Okafor")
    revoked(kept, ANN)
    with pytest.raises(EvidenceError, match=f"The key {ANN.key_id} of Ann Okafor was revoked from"):
        prepare(kept, signer=ANN)
    forged(kept, "sign-off", body, ANN)
    assert problem(kept).startswith(f"sign-off: The key {ANN.key_id} of Ann Okafor was revoked from")


def test_a_key_that_is_to_be_revoked_signs_until_then(kept: Path) -> None:
    prepare(kept, signer=ANN)
    revoked(kept, ANN, revoked_from="2999-01-01")
    prepare(kept, signer=ANN)
    report = verify(kept)
    assert (report.problems, report.notes) == ([], [])


def test_what_was_signed_with_a_key_that_was_lost_before_is_signed_anew(kept: Path) -> None:
    prepare(kept, signer=ANN)
    review(kept, signer=BOB)
    revoked(kept, BOB, revoked_from="2001-01-01", reason="laptop stolen")
    (found,) = problems(kept)
    assert (found.kind, found.path) == ("revoked", "chain/000006.json")
    assert found.message.endswith("It has to be signed anew, with a key that is valid.")
    registered(kept, OTHER, "Bob Diallo", "reviewer")
    review(kept, signer=OTHER)
    report = verify(kept)
    assert report.problems == []
    assert any(note.startswith("chain/000006.json: It was signed with the key") for note in report.notes)


def test_one_key_is_not_both_also_where_it_signed_before_it_was_registered(evidence: Path) -> None:
    prepare(evidence, signer=BOB)
    begun(evidence)
    assert problems(evidence) == []
    with pytest.raises(EvidenceError, match=f"The key {BOB.key_id} has signed {MONTH} in the other role"):
        review(evidence, signer=BOB)
    prepared = read_chain(evidence)[1]
    body = {**prepared.body, "role": "reviewer", "name": "Bob Diallo", "reviews": prepared.digest}
    forged(evidence, "sign-off", body, BOB)
    assert problem(evidence) == "sign-off: One key signed as preparer and as reviewer."


def test_who_reopens_is_registered(kept: Path) -> None:
    prepare(kept, signer=ANN)
    review(kept, signer=BOB)
    for by, name, why in (
        (None, "Cleo Mensah", "No key was used"),
        (ANN, "Cleo Mensah", "is that of Ann Okafor"),
    ):
        with pytest.raises(EvidenceError, match=why):
            reopened(kept, signer=by, name=name)
    seal = read_chain(kept)[0]
    body = {
        "month": MONTH, "version": 1, "seal_digest": seal.digest, "name": "Cleo", "reason": "late", "os_account": "cleo",
    }  # fmt: skip
    forged(kept, "reopen", body, None)
    assert problem(kept).startswith("reopen: No key was used")


def test_what_was_signed_before_there_was_a_register_stays_valid(evidence: Path) -> None:
    prepare(evidence)
    review(evidence)
    reopened(evidence)
    begun(evidence)
    assert problems(evidence) == []
    assert [each.registered for each in sign_offs(evidence, MONTH).sign_offs] == [None, None]
    prepare(evidence, signer=ANN)
    review(evidence, signer=BOB)
    assert problems(evidence) == []
    assert [each.as_dict()["registered"] for each in sign_offs(evidence, MONTH).sign_offs][2:] == [True, True]


def test_after_the_register_no_sign_off_names_a_rule_that_knows_none(kept: Path) -> None:
    forged(kept, "sign-off", _prepared(kept, "Ann Okafor") | {"rule": 3}, None)
    assert problem(kept).startswith("sign-off: It names rule 3, which knows no key register")


# Names


@pytest.mark.parametrize("name", ["\u0410nn Okafor", "Ann\u200b Okafor", "\u202eAnn Okafor", "Ann 0kafor"])
def test_the_reviewer_cannot_be_the_preparer_with_letters_that_look_the_same(
    evidence: Path, name: str
) -> None:
    prepared = prepare(evidence)
    with pytest.raises(EvidenceError, match="the reviewer cannot be the preparer"):
        review(evidence, name=name)
    body = {**prepared.body, "role": "reviewer", "name": name, "reviews": prepared.digest}
    forged(evidence, "sign-off", body, None)
    assert problem(evidence) == "sign-off: The same person signed as preparer and as reviewer."


@pytest.mark.parametrize("name", ["\u0410nn Okafor", "Ann\u200b Okafor"])
def test_a_sign_off_of_an_earlier_rule_is_held_to_how_names_were_compared_then(
    evidence: Path, name: str
) -> None:
    prepared = prepare(evidence)
    body = {**prepared.body, "role": "reviewer", "name": name, "reviews": prepared.digest, "rule": 3}
    forged(evidence, "sign-off", body, None)
    assert problems(evidence) == []


@pytest.mark.parametrize("name", ["\u200b", "\u2800", "\u202e\u2060", "..."])
def test_a_name_that_nobody_sees_signs_nothing_under_any_rule(evidence: Path, name: str) -> None:
    with pytest.raises(EvidenceError, match="no letter or digit that can be seen"):
        prepare(evidence, name=name)
    prepared = prepare(evidence)
    for rule in (1, 3, 4):
        copy = Path(shutil.copytree(evidence, evidence.parent / str(rule)))
        forged(copy, "sign-off", {**prepared.body, "name": name, "rule": rule}, None)
        assert problem(copy) == "sign-off: It does not say who signed in which role."
    review(evidence)
    with pytest.raises(EvidenceError, match="no letter or digit that can be seen"):
        reopened(evidence, name=name)
    seal = read_chain(evidence)[0]
    forged(
        evidence, "reopen",
        {"month": MONTH, "version": 1, "seal_digest": seal.digest, "name": name, "reason": "late", "os_account": "x"}, None,
    )  # fmt: skip
    assert problem(evidence) == "reopen: It does not say who reopened the month and why."


# What verify says


def test_verify_says_who_signed_what_with_which_key(evidence: Path) -> None:
    prepare(evidence)
    begun(evidence)
    prepare(evidence, signer=ANN)
    review(evidence, signer=BOB)
    said = verify(evidence).as_dict()["signed"]
    shown = [
        (each["kind"], each["month"], each["role"], each["name"], each["key_id"], each["registered"])
        for each in said
    ]
    assert shown == [
        ("sign-off", MONTH, "preparer", "Ann Okafor", None, None),
        ("key", None, "registrar", "Rita Mensah", RITA.key_id, None),
        ("key", None, "registrar", "Rita Mensah", RITA.key_id, True),
        ("key", None, "registrar", "Rita Mensah", RITA.key_id, True),
        ("sign-off", MONTH, "preparer", "Ann Okafor", ANN.key_id, True),
        ("sign-off", MONTH, "reviewer", "Bob Diallo", BOB.key_id, True),
    ]
    small_month(evidence, "2025-10", signer=OTHER)
    assert verify(evidence, "2025-10").as_dict()["signed"][-1] == {
        "chain_index": 8, "kind": "seal", "month": "2025-10", "version": 1, "role": None, "name": None,
        "os_account": read_chain(evidence)[-1].made_by, "at": read_chain(evidence)[-1].made_at, "key_id": OTHER.key_id,
        "registered": False,
    }  # fmt: skip


def test_one_account_or_one_key_in_both_roles_is_a_note(evidence: Path) -> None:
    first = prepare(evidence, signer=OTHER)
    assert verify(evidence).notes == []
    review(evidence, signer=OTHER)
    account = first.body["os_account"]
    said = "Preparer and reviewer signed with the same {}: {}. Whether they are two people is for you to find out.".format
    assert verify(evidence).notes == [
        said(f"key ({OTHER.key_id})", f"{MONTH} version 1"),
        said(f"operating-system account ({account})", f"{MONTH} version 1"),
    ]
    assert problems(evidence) == []


def test_two_accounts_and_two_keys_are_no_note(evidence: Path) -> None:
    prepared = prepare(evidence, signer=ANN)
    body = {
        **prepared.body,
        "role": "reviewer",
        "name": "Bob",
        "reviews": prepared.digest,
        "os_account": "bob",
    }
    forged(evidence, "sign-off", body, BOB)
    assert (problems(evidence), verify(evidence).notes) == ([], [])


def test_whom_a_trusted_registrar_registered_is_trusted(kept: Path) -> None:
    small_month(kept, MONTH, run="run-2", amount=2)
    prepare(kept, signer=ANN)
    review(kept, signer=BOB)
    report = verify(kept, trusted_keys=[RITA.public_key])
    # The first seal stands before anybody signed, and is covered by who did later.
    assert report.problems == []
    assert report.trusted
    assert report.covered_to == report.links
    assert {found.path for found in problems(kept, trusted_keys=[BOB.public_key])} == {
        f"chain/00000{index}.json" for index in (2, 3, 4, 6)
    }


def test_an_entry_of_a_registrar_who_is_not_trusted_makes_nobody_trusted(kept: Path) -> None:
    registered(kept, OTHER, "Dan", "reviewer")
    prepare(kept, signer=ANN)
    found = {(found.kind, found.path) for found in problems(kept, trusted_keys=[CLEO.public_key])}
    assert ("signature", "chain/000006.json") in found
    forged(kept, "key", entry(role="preparer"), RITA)
    rewrite(kept, 7, lambda said: said["body"].update(person="Dan"))
    _ = forged(kept, "sign-off", {**read_chain(kept)[5].body, "name": "Dan"}, CLEO)
    found = {(found.kind, found.path) for found in problems(kept, trusted_keys=[RITA.public_key])}
    assert {("signature", "chain/000007.json"), ("signature", "chain/000008.json")} <= found


def test_a_key_that_ran_out_is_not_trusted_any_more(kept: Path) -> None:
    registered(kept, OTHER, "Dan", "preparer", valid_from="2001-01-01", valid_to="2001-12-31")
    small_month(kept, "2025-10", signer=OTHER)
    found = problems(kept, trusted_keys=[RITA.public_key])
    assert ("signature", "chain/000006.json") in {(each.kind, each.path) for each in found}


def test_the_register_goes_with_an_export(kept: Path, tmp_path: Path) -> None:
    prepare(kept, signer=ANN)
    review(kept, signer=BOB)
    with opened_evidence(export_month(kept, MONTH, tmp_path / "out.zip")) as found:
        report = verify(found.folder, found.month)
    assert [*found.problems, *report.problems] == []
    assert [each.registered for each in report.signed if each.kind == "sign-off"] == [True, True]


def test_a_month_is_sealed_and_looked_at_with_a_register_in_the_chain(kept: Path) -> None:
    result = small_month(kept, "2025-10")
    assert isinstance(result.sealed.link, Link)
    assert signed_off_by(kept, "2025-10") is None
    assert problems(kept) == []
