"""Every change to sealed evidence is found and named; a clean folder has none; and no more is claimed than is known."""

import hashlib
import io
import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import ROOTS_NOT_COMPUTED, VerifyReport, verify
from cpg1_assets.evidence.audit.walk import walk
from cpg1_assets.evidence.chain.links import BEFORE_THE_FIRST, anchor_of, head, read_chain
from cpg1_assets.evidence.chain.manifest import MANIFEST, read_manifest, to_arrow
from cpg1_assets.evidence.chain.signing import key_id, make_key, open_signer
from cpg1_assets.evidence.packages.package import write_package
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.evidence.attacks import forge_file, rewrite
from cpg1_assets_tests.evidence.small_year import MONTHS, files_of, link_of, small_month

LAST = MONTHS[-1]
DATA = f"{LAST}/seals/002/data/ipe_08.parquet"


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(problem.kind, problem.path) for problem in report.problems}


def noted(evidence: Path) -> str:
    """Give the anchor of the head as it is now."""
    newest = head(evidence)
    assert newest is not None
    return anchor_of(newest)


def test_a_clean_year_has_no_problem(sealed_year: Path) -> None:
    report = verify(sealed_year)
    assert report.problems == []
    assert report.notes == [ROOTS_NOT_COMPUTED]
    assert list(report.months.items()) == [*((month, 1) for month in MONTHS[:-1]), (LAST, 2)]
    assert report.files == len(files_of(sealed_year)) - len(read_chain(sealed_year))


def test_a_copy_without_its_home_and_read_only_is_verified(year: Path) -> None:
    for path in [*year.rglob("*"), year]:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert verify(year).problems == []
    finally:
        for path in [year, *year.rglob("*")]:
            path.chmod(stat.S_IRWXU)


def test_without_anchor_or_key_it_claims_no_more_than_it_knows(sealed_year: Path) -> None:
    report = verify(sealed_year)
    assert not report.anchored
    assert not report.trusted
    assert report.conclusion.startswith("Consistent with itself")
    assert noted(sealed_year) in report.conclusion
    with_anchor = verify(sealed_year, anchor=noted(sealed_year))
    assert with_anchor.anchored
    assert with_anchor.conclusion.startswith("As it was sealed. ")


def test_an_older_anchor_vouches_for_what_came_before_it_only(sealed_year: Path) -> None:
    report = verify(sealed_year, anchor=anchor_of(read_chain(sealed_year)[4]))
    assert report.problems == []
    assert report.covered_to == 5
    assert "up to link 5; the 8 links after it" in report.conclusion


# One byte


@pytest.mark.parametrize("seed", range(4))
def test_any_byte_changed_anywhere_is_found_and_its_file_named(year: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - which byte, not a secret
    for path in draw.sample(files_of(year), 50):
        content = path.read_bytes()
        at = draw.randrange(len(content))
        changed = bytearray(content)
        changed[at] ^= draw.randrange(1, 256)
        path.write_bytes(changed)
        name = path.relative_to(year).as_posix()
        found = {problem.path for problem in verify(year).problems}
        assert name in found, (name, at)
        path.write_bytes(content)
    assert verify(year).problems == []


def test_a_byte_more_or_less_is_found(year: Path) -> None:
    for name in (DATA, f"{LAST}/seals/002/seal.json", f"{LAST}/seals/002/manifest.parquet"):
        content = (year / name).read_bytes()
        for other in (content + b"\n", content[:-1], b""):
            (year / name).write_bytes(other)
            assert name in {problem.path for problem in verify(year).problems}
        (year / name).write_bytes(content)


# Structure


def test_a_file_removed_is_missing(year: Path) -> None:
    (year / DATA).unlink()
    assert kinds(verify(year)) == {("missing", DATA)}


@pytest.mark.parametrize(
    "place",
    [
        f"{LAST}/seals/002/data/more.parquet", f"{LAST}/seals/002/.hidden", f"{LAST}/ipe_08/run-1/notes.txt",
        f"{LAST}/seals/notes.txt", f"{LAST}/notes.txt", f"{LAST}/ipe_08/notes.txt", "notes.txt",
        "chain/000099.txt", f"{LAST}/ipe_08/run-9/data.parquet",
    ],
)  # fmt: skip
def test_a_file_added_is_named(year: Path, place: str) -> None:
    (year / place).parent.mkdir(exist_ok=True)
    (year / place).write_text("more")
    assert kinds(verify(year)) == {("added", place)}


def test_an_empty_folder_added_to_what_is_sealed_is_named(year: Path) -> None:
    (year / LAST / "ipe_08" / "run-1" / "empty").mkdir()
    assert kinds(verify(year)) == {("added", f"{LAST}/ipe_08/run-1/empty")}


def test_a_file_renamed_is_named_once(year: Path) -> None:
    (year / DATA).rename((year / DATA).with_name("other.parquet"))
    assert kinds(verify(year)) == {("renamed", DATA)}


def test_files_swapped_between_months_are_named_with_where_they_are_from(year: Path) -> None:
    one, other = "2025-03/seals/001/data/ipe_08.parquet", "2025-04/seals/001/data/ipe_08.parquet"
    kept = (year / one).read_bytes()
    (year / one).write_bytes((year / other).read_bytes())
    (year / other).write_bytes(kept)
    report = verify(year)
    assert kinds(report) == {("swapped", one), ("swapped", other)}
    assert other in next(problem.message for problem in report.problems if problem.path == one)


def test_whole_months_swapped_are_found(year: Path) -> None:
    (year / "2025-03").rename(year / "x")
    (year / "2025-04").rename(year / "2025-03")
    (year / "x").rename(year / "2025-04")
    found = kinds(verify(year))
    assert {("swapped", f"{month}/seals/001/seal.json") for month in ("2025-03", "2025-04")} <= found


def test_a_package_moved_to_another_month_is_found(year: Path) -> None:
    (year / "2025-03" / "ipe_08" / "run-1").rename(year / "2025-04" / "ipe_08" / "run-7")
    found = kinds(verify(year))
    assert ("swapped", "2025-04/ipe_08/run-7") in found
    assert ("missing", "2025-03/ipe_08/run-1/data.parquet") in found


@pytest.mark.parametrize("name", [DATA, f"{LAST}/ipe_08/run-1", LAST, "chain", "chain/000003.json"])
def test_a_file_or_folder_made_a_link_is_named(year: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (year / name).rename(elsewhere)
    (year / name).symlink_to(elsewhere)
    assert ("link", name) in kinds(verify(year))


def test_a_hard_link_is_named(year: Path, tmp_path: Path) -> None:
    (tmp_path / "another name").hardlink_to(year / DATA)
    assert kinds(verify(year)) == {("hard link", DATA)}


def test_a_removed_or_renamed_version_is_found(year: Path) -> None:
    (year / LAST / "seals" / "002").rename(year / LAST / "seals" / "003")
    assert kinds(verify(year)) >= {("missing", f"{LAST}/seals/002"), ("renamed", f"{LAST}/seals/003")}


def test_an_older_seal_put_back_in_place_of_the_newer_is_found(year: Path) -> None:
    shutil.rmtree(year / LAST / "seals" / "002")
    shutil.copytree(year / LAST / "seals" / "001", year / LAST / "seals" / "002")
    assert ("swapped", f"{LAST}/seals/002/seal.json") in kinds(verify(year))


def test_a_month_that_was_never_sealed_is_said(year: Path) -> None:
    assert kinds(verify(year, "2024-01")) == {("missing", "2024-01")}


def test_one_month_alone_is_verified_with_the_whole_chain(year: Path) -> None:
    (year / DATA).unlink()
    report = verify(year, "2025-03")
    assert report.problems == []
    assert report.conclusion.endswith(" This is of 2025-03: no file of another month was looked at.")
    (year / "chain" / "000002.json").unlink()
    assert ("missing", "chain/000002.json") in kinds(verify(year, "2025-03"))


def test_packages_of_runs_that_were_not_sealed_are_a_note(year: Path) -> None:
    write_package(year / LAST / "ipe_08" / "run-8", {"00_system_context.json": {"month": LAST}})
    report = verify(year)
    assert report.problems == []
    assert "not sealed" in report.notes[0]


# The chain


def forged(evidence: Path, month: str, version: int) -> None:
    """Change sealed data and hash everything anew."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"id_company": ["EC_NG"], "amount": [999]}), sink)
    forge_file(evidence, month, version, "data/ipe_08.parquet", sink.getvalue())


def test_a_manifest_edited_and_hashed_again_is_found_and_so_is_the_data(year: Path) -> None:
    folder = year / LAST / "seals" / "002"
    data = folder / "data" / "ipe_08.parquet"
    data.write_bytes(b"other")
    rows = [
        row._replace(size_bytes=5, sha256=hashlib.sha256(b"other").hexdigest())
        if row.path.endswith("ipe_08.parquet")
        else row
        for row in read_manifest(folder / "manifest.parquet")
    ]
    write_parquet(to_arrow(rows), MANIFEST, folder / "manifest.parquet")
    assert kinds(verify(year)) >= {("changed", DATA), ("changed", f"{LAST}/seals/002/manifest.parquet")}


@pytest.mark.parametrize("index", [1, 6, 12])
def test_a_link_cut_out_is_found(year: Path, index: int) -> None:
    (year / "chain" / f"{index:06d}.json").unlink()
    assert ("missing", f"chain/{index:06d}.json") in kinds(verify(year))


def test_a_link_cut_out_and_the_rest_numbered_anew_is_found(year: Path) -> None:
    (year / "chain" / "000006.json").unlink()
    for index in range(7, 14):
        (year / "chain" / f"{index:06d}.json").rename(year / "chain" / f"{index - 1:06d}.json")
    assert ("reordered", "chain/000006.json") in kinds(verify(year))


def test_the_chain_reordered_is_found(year: Path) -> None:
    one, other = year / "chain" / "000003.json", year / "chain" / "000004.json"
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    assert kinds(verify(year)) >= {("reordered", "chain/000003.json"), ("reordered", "chain/000004.json")}


def test_the_last_link_cut_off_leaves_a_version_that_no_link_speaks_of(year: Path) -> None:
    before = noted(year)
    (year / "chain" / "000013.json").unlink()
    assert kinds(verify(year)) == {("unchained", f"{LAST}/seals/002")}
    assert ("anchor", "chain/000013.json") in kinds(verify(year, anchor=before))


def test_the_whole_chain_removed_is_found(year: Path) -> None:
    shutil.rmtree(year / "chain")
    assert len(verify(year).problems) == 13


def test_an_older_copy_put_back_is_found_with_the_anchor_and_only_with_it(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, "2025-01")
    older = shutil.copytree(evidence, tmp_path / "older")
    small_month(evidence, "2025-01", run="run-2", amount=2)
    assert verify(older).problems == []
    assert not verify(older).anchored
    assert kinds(verify(older, anchor=noted(evidence))) == {("anchor", "chain/000002.json")}


@pytest.mark.parametrize(("month", "version"), [("2025-03", 1), (LAST, 2)])
def test_a_full_rehash_is_found_with_the_anchor_and_not_claimed_to_be_found_without(
    year: Path, month: str, version: int
) -> None:
    before = noted(year)
    forged(year, month, version)
    alone = verify(year)
    assert alone.problems == []
    assert alone.conclusion.startswith("Consistent with itself, and no more than that is known")
    assert ("anchor", "chain/000013.json") in kinds(verify(year, anchor=before))


def test_a_rehash_that_does_not_reach_the_head_breaks_the_chain(year: Path) -> None:
    after = (year / "chain" / "000004.json").read_bytes()
    forged(year, "2025-03", 1)
    (year / "chain" / "000004.json").write_bytes(after)
    assert ("reordered", "chain/000004.json") in kinds(verify(year))


def test_a_chain_started_anew_is_still_only_consistent_with_itself(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, "2025-01")
    assert link_of(evidence, 1)["previous"] == BEFORE_THE_FIRST
    assert "compare" in verify(evidence).conclusion.lower()


# Signatures


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, str, str]:
    """Two months signed with one key: the evidence, the key's public half, and that of another key."""
    signer, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    evidence = tmp_path / "evidence"
    small_month(evidence, "2025-01", signer=signer)
    small_month(evidence, "2025-02", signer=signer)
    return evidence, signer.public_key, other.public_key


def test_a_trusted_key_vouches_for_the_head(signed: tuple[Path, str, str]) -> None:
    evidence, key, _ = signed
    report = verify(evidence, trusted_keys=[key])
    assert report.problems == []
    assert report.trusted
    assert report.conclusion.startswith("As it was sealed. ")
    assert report.signed_by == [key_id(key)]
    without = verify(evidence)
    assert without.signed_by == report.signed_by
    assert not without.trusted


def test_a_signature_by_another_key_is_found(signed: tuple[Path, str, str]) -> None:
    evidence, _, other = signed
    assert kinds(verify(evidence, trusted_keys=[other])) >= {
        ("signature", "chain/000001.json"), ("signature", "chain/000002.json"),
    }  # fmt: skip


def test_a_rehash_signed_with_another_key_or_not_at_all_is_found(
    signed: tuple[Path, str, str], tmp_path: Path
) -> None:
    evidence, key, _ = signed
    forged(evidence, "2025-02", 1)
    assert ("signature", "chain/000002.json") in kinds(verify(evidence)), "the old signature does not fit"
    other = open_signer(tmp_path / "other", None)
    assert other is not None
    rewrite(evidence, 2, lambda said: said.update(signature=other.signature(str(said["digest"]))))
    rewrite(
        evidence,
        2,
        lambda said: said.update(signature=other.signature(str(link_of(evidence, 2)["digest"]))),
    )
    assert verify(evidence).problems == []
    assert kinds(verify(evidence, trusted_keys=[key])) == {("signature", "chain/000002.json")}
    rewrite(evidence, 2, lambda said: said.pop("signature"))
    assert kinds(verify(evidence, trusted_keys=[key])) == {("unsigned", "chain/000002.json")}


def test_every_byte_of_a_signature_counts(signed: tuple[Path, str, str]) -> None:
    evidence, _, _ = signed
    path = evidence / "chain" / "000002.json"
    content = path.read_bytes()
    start, end = content.index(b'"signature"'), len(content)
    for at in range(start, end):
        changed = bytearray(content)
        changed[at] ^= 1
        path.write_bytes(changed)
        assert verify(evidence).problems, at
    path.write_bytes(content)
    assert verify(evidence).problems == []


# What cannot be verified


@pytest.mark.parametrize(
    "make", [lambda _: None, lambda path: path.write_text("x"), lambda path: path.mkdir()]
)
def test_a_folder_that_holds_nothing_sealed_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "folder")
    with pytest.raises(EvidenceError, match=r"is not a folder|Nothing is sealed"):
        verify(tmp_path / "folder")


def test_a_folder_that_vanishes_half_way_is_reported(year: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = walk

    def vanishing(folder: Path, shown: str) -> object:
        walked = original(folder, shown)
        if shown == LAST:
            shutil.rmtree(folder)
        return walked

    monkeypatch.setattr("cpg1_assets.evidence.audit.month_check.walk", vanishing)
    found = kinds(verify(year))
    assert ("changed", f"{LAST}/seals/002/seal.json") in found or (
        "unreadable",
        f"{LAST}/seals/002/seal.json",
    ) in found


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (problem,) = walk(tmp_path / "gone", "2025-01").problems
    assert (problem.kind, problem.path) == ("unreadable", "2025-01")
    assert "No such file" in problem.message


def test_a_link_that_names_a_folder_elsewhere_is_a_problem_and_nothing_there_is_read(year: Path) -> None:
    (year.parent / "elsewhere").mkdir()
    (year.parent / "elsewhere" / "private").write_text("x")
    rewrite(year, 13, lambda said: said["body"].update(month="../elsewhere"))
    report = verify(year)
    assert ("changed", "chain/000013.json") in kinds(report)
    assert "private" not in str(report)


def test_a_file_with_an_unprintable_name_is_shown_safely(year: Path) -> None:
    place = year / LAST / "seals" / "002" / os.fsdecode(b"\x1b[2J\xff")
    place.write_text("x")
    (problem,) = verify(year).as_dict()["problems"]
    assert problem["path"].endswith("\\x1b[2J\\udcff")
