"""A workpaper that was filled in is part of the evidence: its rows are those drawn, and it cannot be changed any more."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.export import export_month, opened_evidence
from cpg1_assets.evidence.audit.verify import VerifyReport, verify
from cpg1_assets.evidence.chain.links import SAMPLE, Link, read_chain
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.evidence.samples import taken
from cpg1_assets.evidence.samples.draw import Terms
from cpg1_assets.evidence.samples.sample import draw_sample
from cpg1_assets.evidence.samples.taken import take_sample
from cpg1_assets_tests.evidence.attacks import rewrite, rewrite_from
from cpg1_assets_tests.evidence.chain.signing import prepare, review
from cpg1_assets_tests.evidence.samples.handed_out import (
    ASSET,
    MONTH,
    TERMS,
    Table,
    filled_in,
    handed_out,
    header_at,
    rewritten,
    sealed_month,
)
from cpg1_assets_tests.evidence.small_year import small_month

LINK = "chain/000002.json"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seal the month, hand a workpaper out, and take it in on a copy, `held`. Nobody writes in the folder."""
    folder = tmp_path_factory.mktemp("once")
    sealed = sealed_month(folder / "evidence")
    handed_out(sealed, folder / "tested.xlsx")
    shutil.copytree(folder / "evidence", folder / "held" / "evidence")
    finished = Path(shutil.copy(folder / "tested.xlsx", folder / "held"))
    take_sample(folder / "held" / "evidence", rewritten(finished, filled_in))
    return folder


@pytest.fixture
def evidence(once: Path, tmp_path: Path) -> Path:
    """Give a copy of the sealed month."""
    return Path(shutil.copytree(once / "evidence", tmp_path / "evidence"))


@pytest.fixture
def workpaper(once: Path, tmp_path: Path) -> Path:
    """Give a copy of a workpaper that was handed out."""
    return Path(shutil.copy(once / "tested.xlsx", tmp_path))


@pytest.fixture
def held(once: Path, tmp_path: Path) -> Path:
    """Give a copy of the evidence that the finished workpaper was taken into."""
    return Path(shutil.copytree(once / "held" / "evidence", tmp_path / "held" / "evidence"))


def kept_in(evidence: Path) -> Path:
    """Give the workpaper that was taken in last."""
    return kept(evidence, read_chain(evidence)[-1])


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(problem.kind, problem.path) for problem in report.problems}


def kept(evidence: Path, link: Link) -> Path:
    return evidence / MONTH / str(link.body["file"])


def test_the_link_says_what_was_drawn_and_what_the_results_are(evidence: Path, workpaper: Path) -> None:
    def mixed(rows: Table) -> None:
        filled_in(rows)
        at = header_at(rows)
        place = rows[at].index("Result")
        rows[at + 1][place : place + 3] = ["Exception ", "amount is 5, invoice says 6", ""]
        rows[at + 2][place : place + 3] = ["NOT  TESTED", "", "document not found yet"]

    link = take_sample(evidence, rewritten(workpaper, mixed))
    said = dict(link.body)
    assert link.kind == SAMPLE
    assert said["results"] == {"ok": 4, "exception": 1, "not tested": 1}
    assert (said["name"], said["sha256"], said["size_bytes"]) == (
        "tested.xlsx",
        sha256_of(workpaper),
        workpaper.stat().st_size,
    )
    assert [said[name] for name in Terms._fields] == [*TERMS]
    assert kept(evidence, link).read_bytes() == workpaper.read_bytes()
    report = verify(evidence)
    assert report.problems == []
    assert report.links == 2


def test_a_sample_neither_opens_nor_closes_a_month(evidence: Path, workpaper: Path) -> None:
    prepare(evidence, MONTH)
    review(evidence, MONTH)
    before = signed_off_by(evidence, MONTH)
    take_sample(evidence, rewritten(workpaper, filled_in))
    after = signed_off_by(evidence, MONTH)
    assert before is not None
    assert after is not None
    assert (after.link.digest, after.covers) == (before.link.digest, True)
    assert verify(evidence).problems == []


def test_what_is_sealed_later_leaves_the_sample_with_its_seal(evidence: Path, workpaper: Path) -> None:
    small_month(evidence, MONTH, run="run-2", amount=2)
    link = take_sample(evidence, rewritten(workpaper, filled_in))
    small_month(evidence, MONTH, run="run-3", amount=3)
    assert link.body["version"] == 1
    assert verify(evidence).problems == []


# Refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: None, "is not finished.*it has no result"),
        (lambda rows: filled_in(rows, result="fine"), "'fine' is no result"),
        (lambda rows: filled_in(rows, result="exception"), "says what differs under Exception"),
        (lambda rows: filled_in(rows, exception="x"), "says what differs under Exception"),
        (lambda rows: filled_in(rows, result="not tested"), "no note says why"),
    ],
)
def test_a_workpaper_that_is_not_finished_is_not_taken(
    evidence: Path, workpaper: Path, change: Callable[[Table], object], said: str
) -> None:
    with pytest.raises(EvidenceError, match=said):
        take_sample(evidence, rewritten(workpaper, change))
    assert len(read_chain(evidence)) == 1
    assert not (evidence / MONTH / "samples").exists()


def test_rows_added_removed_and_changed_are_refused_by_name(evidence: Path, workpaper: Path) -> None:
    def tampered(rows: Table) -> None:
        filled_in(rows)
        at = header_at(rows)
        del rows[at + 1]
        rows.append([*rows[at + 1]])
        rows[at + 2][rows[at].index("entry_no")] = 5

    with pytest.raises(EvidenceError, match="was drawn, and is not there any more") as refused:
        take_sample(evidence, rewritten(workpaper, tampered))
    assert "is there 2 times" in str(refused.value)
    assert "entry_no of row" in str(refused.value)
    assert len(read_chain(evidence)) == 1


def test_a_sample_of_other_evidence_is_refused(evidence: Path, workpaper: Path, tmp_path: Path) -> None:
    small_month(tmp_path / "other" / "evidence", MONTH)
    with pytest.raises(EvidenceError, match="drawn from other evidence"):
        take_sample(tmp_path / "other" / "evidence", rewritten(workpaper, filled_in))
    assert evidence.is_dir()


def test_the_same_file_is_taken_once(evidence: Path, workpaper: Path) -> None:
    take_sample(evidence, rewritten(workpaper, filled_in))
    with pytest.raises(EvidenceError, match="is in the chain already, as link 2"):
        take_sample(evidence, workpaper)
    # A second look at the same rows is another file, and another link.
    take_sample(evidence, rewritten(workpaper, lambda rows: filled_in(rows, note="looked at again")))
    assert verify(evidence).problems == []


def test_a_process_killed_between_file_and_link_is_completed_by_the_next(
    evidence: Path, workpaper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(workpaper, filled_in)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cpg1_assets.evidence.chain.sample.append_link", killed)
        with pytest.raises(KeyboardInterrupt):
            take_sample(evidence, workpaper)
    (problem,) = verify(evidence).problems
    assert problem.kind == "added"
    assert "taking the same file in again completes it" in problem.message
    take_sample(evidence, workpaper)
    assert verify(evidence).problems == []


def test_what_stands_in_the_place_of_the_file_is_not_overwritten(evidence: Path, workpaper: Path) -> None:
    rewritten(workpaper, filled_in)
    place = evidence / MONTH / "samples" / f"{sha256_of(workpaper)}.xlsx"
    place.parent.mkdir()
    place.write_text("other")
    with pytest.raises(EvidenceError, match="is not overwritten"):
        take_sample(evidence, workpaper)
    assert place.read_text() == "other"


# Verified from then on


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "changed"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "changed"),
        (lambda path: path.unlink(), "missing"),
        (pipe, "special file"),
        (linked, "link"),
    ],
)
def test_a_kept_workpaper_that_is_changed_or_gone_is_found(
    held: Path, change: Callable[[Path], object], kind: str
) -> None:
    path = kept_in(held)
    change(path)
    assert kinds(verify(held)) == {(kind, path.relative_to(held).as_posix())}


def test_a_file_beside_the_kept_ones_is_found_and_what_was_left_half_written_is_a_note(
    held: Path, workpaper: Path
) -> None:
    folder = kept_in(held).parent
    shutil.copy(workpaper, folder / "mine.xlsx")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "x.csv").write_text("x")
    (folder / ".x.0123456789abcdef.partial").write_text("half")
    report = verify(held)
    assert kinds(report) == {
        ("added", f"{MONTH}/samples/mine.xlsx"),
        ("added", f"{MONTH}/samples/deeper/x.csv"),
    }
    assert any("left half written" in note for note in report.notes)


FORGED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda body: body.pop("results"), "does not say what a sample says"),
    (lambda body: body.update(more=1), "does not say what a sample says"),
    (lambda body: body.update(results={"ok": "6"}), "does not say what a sample says"),
    (lambda body: body.update(results={"ok": -1, "exception": 7}), "does not say what a sample says"),
    (lambda body: body.update(results=[6]), "does not say what a sample says"),
    (lambda body: body.update(size=True), "does not say what a sample says"),
    (lambda body: body.update(seed=""), "does not say what a sample says"),
    (lambda body: body.update(amount=""), "does not say what a sample says"),
    (lambda body: body.update(file="../chain/000001.json"), "does not say what a sample says"),
    (lambda body: body.update(file=body["file"] + ".exe"), "does not say what a sample says"),
    (lambda body: body.update(rows=5), "It has results of 6 rows, and 5 were drawn"),
    (lambda body: body.update(version=2), "a seal that the chain does not have before it"),
    (lambda body: body.update(seal_digest="ab" * 32), "a seal that the chain does not have before it"),
]


@pytest.mark.parametrize(("change", "said"), FORGED)
def test_a_link_that_this_software_would_not_have_made_is_a_problem(
    held: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    def forge(link: dict[str, Any]) -> None:
        change(link["body"])

    rewrite(held, 2, forge)
    messages = [problem.message for problem in verify(held).problems if problem.path == LINK]
    assert [message for message in messages if said in message]


def test_a_file_taken_in_twice_is_a_problem(held: Path, workpaper: Path) -> None:
    take_sample(held, rewritten(workpaper, lambda rows: filled_in(rows, note="again")))
    first = read_chain(held)[1].body
    rewrite(held, 3, lambda link: link.update(body=dict(first)))
    assert ("sample", "chain/000003.json") in kinds(verify(held))


def test_a_changed_result_needs_every_later_link_to_be_written_anew(held: Path) -> None:
    small_month(held, MONTH, run="run-2", amount=2)
    anchor = f"3-{read_chain(held)[2].digest[:20]}"
    assert verify(held, anchor=anchor).problems == []
    rewrite(held, 2, lambda link: link["body"].update(results={"ok": 5, "exception": 1, "not tested": 0}))
    rewrite_from(held, 2)
    assert verify(held).problems == []
    assert kinds(verify(held, anchor=anchor)) == {("anchor", "chain/000003.json")}


def test_an_export_carries_the_workpapers_and_verifies(held: Path, tmp_path: Path) -> None:
    export_month(held, MONTH, tmp_path / "export.zip")
    with opened_evidence(tmp_path / "export.zip") as opened:
        assert opened.problems == ()
        assert verify(opened.folder).problems == []
        assert kept_in(opened.folder).read_bytes() == kept_in(held).read_bytes()


def test_only_the_bytes_that_were_checked_are_kept(
    evidence: Path, workpaper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(workpaper, filled_in)
    checked, content = draw_sample, workpaper.read_bytes()

    def replaced(*given: Any) -> object:  # noqa: ANN401 - whatever is given
        workpaper.write_text("another file by now")
        return checked(*given)

    monkeypatch.setattr(taken, "draw_sample", replaced)
    assert kept(evidence, take_sample(evidence, workpaper)).read_bytes() == content
    assert ASSET in str(read_chain(evidence)[1].body)
