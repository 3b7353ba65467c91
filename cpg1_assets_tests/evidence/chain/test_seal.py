"""A month is sealed once for what it holds; what was sealed is never touched again, whatever happens half way."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.errors import EvidenceError, StorageError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.links import anchor_of, read_chain
from cpg1_assets.evidence.chain.manifest import read_manifest
from cpg1_assets.evidence.chain.seal import (
    MonthContent,
    SealedVersion,
    latest_seal,
    seal_month,
    sealed_months,
    sealed_versions,
)
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.conftest import ORDINARY_MONTH
from cpg1_assets_tests.evidence.small_year import files_of, small_month

MONTH = "2025-09"


def hashes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files_of(folder)}


def test_a_version_holds_data_rules_statements_queries_and_context(tmp_path: Path) -> None:
    sealed = small_month(tmp_path / "evidence", MONTH).sealed
    assert sealed.version == 1
    assert sealed.assets == ["cr_05", "ipe_08", "reconciliation"]
    assert {str(p.relative_to(sealed.folder)) for p in files_of(sealed.folder)} == {
        "context.json", "data/cr_05.parquet", "data/ipe_08.parquet", "data/reconciliation.parquet", "manifest.parquet",
        "queries/ipe_08.sql", "queries/ipe_08.yaml", "rules/lines.yaml", "scope.yaml", "seal.json",
        "statements/reconciliation.sql",
    }  # fmt: skip
    kinds = {row.path.removeprefix("seals/001/"): row.kind for row in sealed.manifest()}
    assert kinds["scope.yaml"] == "scope"
    assert kinds["queries/ipe_08.yaml"] == "query"
    assert {kind for path, kind in kinds.items() if path.startswith("ipe_08/")} == {"package"}


def test_the_manifest_lists_every_file_but_itself_and_the_seal(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    sealed = small_month(evidence, MONTH).sealed
    listed = {row.path: (row.size_bytes, row.sha256) for row in sealed.manifest()}
    there = {
        str(path.relative_to(evidence / MONTH)): (
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files_of(evidence / MONTH)
        if path.name not in ("seal.json", "manifest.parquet")
    }
    assert listed == there
    assert sealed.seal["files"] == len(listed)
    assert sealed.seal["content"]["ipe_08"] == listed["seals/001/data/ipe_08.parquet"][1]


def test_sealing_the_same_again_makes_nothing(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    first = small_month(evidence, MONTH)
    again = small_month(evidence, MONTH, run="run-2")
    assert (first.made, again.made) == (True, False)
    assert again.anchor == first.anchor == anchor_of(read_chain(evidence)[0])
    assert len(read_chain(evidence)) == 1


@pytest.mark.parametrize("change", [{"amount": 2}, {"rule": "b"}])
def test_other_data_or_another_rule_makes_a_version_beside_the_old_one(
    tmp_path: Path, change: dict[str, object]
) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    before = hashes(evidence)
    second = small_month(evidence, MONTH, run="run-2", **change)  # type: ignore[arg-type]
    assert second.sealed.version == 2
    assert [sealed.version for sealed in sealed_versions(evidence, MONTH)] == [1, 2]
    after = hashes(evidence)
    assert {name: after[name] for name in before} == before
    assert verify(evidence).problems == []


def test_going_back_to_earlier_data_is_a_version_of_its_own(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    for run, amount in enumerate([1, 2, 1]):
        small_month(evidence, MONTH, run=f"run-{run}", amount=amount)
    found = latest_seal(evidence, MONTH)
    assert found is not None
    assert found.version == 3


def test_a_month_never_sealed_has_no_seal(tmp_path: Path) -> None:
    assert latest_seal(tmp_path, MONTH) is None
    assert sealed_months(tmp_path) == []


def test_data_without_its_package_is_not_sealed(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    content = MonthContent(
        data={"ipe_08": b"not what the package holds"},
        proven={"ipe_08": hashlib.sha256(b"not what the package holds").hexdigest()},
        rules={},
        statements={},
        queries={},
        context={},
        packaged=["ipe_08"],
    )
    with pytest.raises(EvidenceError, match=r"ipe_08 in storage is not that of any evidence package"):
        seal_month(evidence, MONTH, content, run_id="run-2")
    assert verify(evidence).problems == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_a_package_with_a_link_or_a_special_file_is_not_sealed(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    make(evidence / MONTH / "ipe_08" / "run-1" / "more")
    with pytest.raises(EvidenceError, match="more is a link or a special file"):
        small_month(evidence, MONTH, run="run-2", amount=2)
    assert len(read_chain(evidence)) == 1


def test_a_folder_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    (evidence / MONTH).mkdir(parents=True)
    (evidence / MONTH / "seals").write_text("in the way")
    with pytest.raises(StorageError, match=r"The seal of 2025-09 .* cannot be written"):
        small_month(evidence, MONTH)


def test_nothing_is_sealed_on_top_of_a_damaged_chain(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, "2025-08")
    link = evidence / "chain" / "000001.json"
    link.write_bytes(link.read_bytes().replace(b"2025-08", b"2025-07"))
    with pytest.raises(EvidenceError, match=r"The chain of seals is damaged\. chain/000001\.json"):
        small_month(evidence, MONTH)


def test_nothing_is_sealed_when_the_newest_seal_was_changed(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    sealed = small_month(evidence, MONTH).sealed
    (sealed.folder / "seal.json").write_text("{}")
    with pytest.raises(EvidenceError, match=r"seal\.json is not the file that was sealed"):
        small_month(evidence, MONTH, run="run-2")


# Killed at any moment


def killed_at(evidence: Path, step: int, *, run: str, amount: int) -> int:
    """Seal in a process that dies just before its file operation number `step`; give its exit status."""
    program = textwrap.dedent(f"""
        import os, sys
        from pathlib import Path
        from cpg1_assets.process import lives_in
        from cpg1_assets_tests.evidence.small_year import small_month
        Path({str(evidence.parent)!r}).mkdir(exist_ok=True)
        lives_in(Path({str(evidence.parent)!r}))
        steps = 0
        def dying(operation):
            def run(*args, **kwargs):
                global steps
                steps += 1
                if steps == {step}:
                    os._exit(9)
                return operation(*args, **kwargs)
            return run
        for name in ("fsync", "link", "unlink", "rename", "replace"):
            setattr(os, name, dying(getattr(os, name)))
        small_month(Path({str(evidence)!r}), {MONTH!r}, run={run!r}, amount={amount})
    """)
    return subprocess.run([sys.executable, "-c", program], check=False).returncode


def test_a_sealing_killed_at_any_moment_is_completed_by_the_next(tmp_path: Path) -> None:
    finished, step = False, 0
    while not finished:
        step += 1
        evidence = tmp_path / str(step) / "evidence"
        small_month(evidence, "2025-08")
        finished = killed_at(evidence, step, run="run-1", amount=1) == 0
        small_month(evidence, MONTH, run="run-2", amount=1)
        report = verify(evidence)
        assert report.problems == [], step
        assert [sealed.version for sealed in sealed_versions(evidence, MONTH)] == [1], step
        assert not list(evidence.glob("*/seals/.*"))
        assert [path.name for path in (evidence / "chain").iterdir() if path.name.startswith(".")] == []
    assert step > 20


def test_a_version_left_without_a_link_is_reported_and_taken_up_by_the_next_sealing(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, "2025-08")
    small_month(evidence, MONTH)
    (evidence / "chain" / "000002.json").unlink()
    (problem,) = verify(evidence).problems
    assert (problem.kind, problem.path) == ("unchained", f"{MONTH}/seals/001")
    small_month(evidence, MONTH, run="run-2", amount=2)
    assert [link.body["version"] for link in read_chain(evidence) if link.body["month"] == MONTH] == [1, 2]
    assert verify(evidence).problems == []


def test_a_version_without_a_link_that_is_not_whole_is_not_taken_up(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    sealed = small_month(evidence, MONTH).sealed
    (evidence / "chain" / "000001.json").unlink()
    (sealed.folder / "data" / "ipe_08.parquet").write_bytes(b"other")
    with pytest.raises(EvidenceError, match=r"001 is not in the chain and is not whole"):
        small_month(evidence, MONTH, run="run-2")


@pytest.mark.parametrize("lost", [1, 2])
def test_the_number_of_a_version_that_is_lost_is_never_given_again(tmp_path: Path, lost: int) -> None:
    evidence = tmp_path / "evidence"
    for run in (1, 2):
        small_month(evidence, MONTH, run=f"run-{run}", amount=run)
    folder = evidence / MONTH / "seals" / f"{lost:03d}"
    shutil.rmtree(folder)
    # What is sealed last is what the lost version held, and what the one before it held.
    again = small_month(evidence, MONTH, run="run-3", amount=lost)
    assert (again.sealed.version, again.lost) == (3, (folder,))
    assert [link.body["version"] for link in read_chain(evidence)] == [1, 2, 3]
    assert not folder.exists()
    missing = [problem for problem in verify(evidence).problems if problem.kind == "missing"]
    assert (missing[0].kind, missing[0].path) == ("missing", f"{MONTH}/seals/{lost:03d}")


def test_a_version_whose_folder_is_lost_is_not_passed_over_for_an_older_one(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    for run in (1, 2):
        small_month(evidence, MONTH, run=f"run-{run}", amount=run)
    shutil.move(evidence / MONTH / "seals" / "002", tmp_path / "moved away")
    newest = latest_seal(evidence, MONTH)
    assert newest is not None
    assert newest.version == 2
    for read in (lambda: newest.seal, newest.manifest, lambda: newest.data("ipe_08")):
        with pytest.raises(EvidenceError, match=r"seals/002/.* (cannot be read|is not there)"):
            read()


def test_a_sealing_killed_at_any_moment_gives_no_number_of_a_lost_version_again(tmp_path: Path) -> None:
    finished, step = False, 0
    while not finished:
        step += 3
        evidence = tmp_path / str(step) / "evidence"
        small_month(evidence, MONTH, run="run-1", amount=1)
        shutil.rmtree(evidence / MONTH / "seals" / "001")
        finished = killed_at(evidence, step, run="run-2", amount=1) == 0
        small_month(evidence, MONTH, run="run-3", amount=1)
        assert [link.body["version"] for link in read_chain(evidence)] == [1, 2], step
        assert sorted(path.name for path in (evidence / MONTH / "seals").iterdir()) == ["002"], step
    assert step > 20


def test_a_version_put_where_none_can_have_been_left_is_not_taken_up(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    for run in (1, 2):
        small_month(evidence, MONTH, run=f"run-{run}", amount=run)
    folder = evidence / MONTH / "seals"
    (folder / "002").rename(folder / "004")
    with pytest.raises(EvidenceError, match=r"004 is not in the chain and is not the next version"):
        small_month(evidence, MONTH, run="run-3", amount=3)
    (folder / "004").rename(folder / "003")
    with pytest.raises(EvidenceError, match=r"003 is not in the chain and is not whole"):
        small_month(evidence, MONTH, run="run-3", amount=3)
    (folder / "003").rename(folder / "002")
    assert small_month(evidence, MONTH, run="run-3", amount=3).sealed.version == 3
    assert verify(evidence).problems == []


@pytest.mark.parametrize("name", ["seal.json", "manifest.parquet", "data/ipe_08.parquet"])
def test_sealed_data_is_given_only_as_it_was_sealed(tmp_path: Path, name: str) -> None:
    sealed = small_month(tmp_path / "evidence", MONTH).sealed
    sealed = SealedVersion(sealed.folder, MONTH, sealed.version, sealed.link)
    path = sealed.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    read = sealed.manifest if name.startswith("manifest") else lambda: sealed.table("ipe_08", ["amount"])
    with pytest.raises(EvidenceError, match=rf"{name} is not the file that was sealed"):
        read()


# The asset


def test_a_close_seals_the_month(closed: Closed) -> None:
    evidence = Home(closed.settings).evidence_folder
    sealed = latest_seal(evidence, ORDINARY_MONTH)
    assert sealed is not None
    assert set(sealed.assets) == closed.materialized() - {"evidence_manifest"}
    for asset in sealed.assets:
        assert sealed.data(asset).read_bytes() == closed.path(asset).read_bytes()
    assert closed.path("evidence_manifest").read_bytes() == (sealed.folder / "manifest.parquet").read_bytes()
    said = closed.metadata("evidence_manifest")
    assert said["version"] == 1
    assert said["anchor"].startswith("1-")
    assert said["digest"] == sealed.link.digest
    assert said["signature"].startswith("not signed")
    assert said["evidence"] == str(sealed.folder)
    assert verify(evidence).problems == []
    assert sealed.seal["books"] == "SAMPLE BOOKS"
    assert sealed.seal["run_id"] == closed.result.run_id
    assert json.loads((sealed.folder / "context.json").read_text())["counts_as_the_control"] is False
    assert len(read_manifest(closed.path("evidence_manifest"))) == sealed.seal["files"]


def test_closing_a_sealed_month_again_seals_nothing_new_and_a_missing_asset_is_named(
    sealed_home: Path, instance: dg.DagsterInstance
) -> None:
    settings = Settings(home=sealed_home)
    first = hashes(Home(settings).evidence_folder)
    again = close(settings, MONTH, instance)
    assert again.metadata("evidence_manifest")["sealed"].startswith("already")
    after = hashes(Home(settings).evidence_folder)
    assert {name: after[name] for name in first} == first
    assert not any(name.startswith("2025-09/seals/002") for name in after)
    again.path("gl_roll_forward").unlink()
    third = close(settings, MONTH, instance, select=["evidence_manifest"])
    assert "gl_roll_forward not in storage" in third.why_failed("evidence_manifest")


def test_a_narrowed_scope_is_never_sealed_and_says_so(narrowed: Closed) -> None:
    settings = narrowed.settings
    assert narrowed.rows("evidence_manifest") == []
    assert "narrowed scope" in narrowed.metadata("evidence_manifest")["sealed"]
    assert not (Home(settings).evidence_folder / "chain").exists()
    assert not (Home(settings).evidence_folder / MONTH / "seals").exists()
    assert os.listdir(Home(settings).evidence_folder) == [MONTH]  # noqa: PTH208 - names only
