"""Months are closed beside each other, one run each; what is closed from the same inputs is not closed again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cpg1_assets.closing.records import inputs_fingerprint, is_closed_from_the_same, write_record
from cpg1_assets.control_version import Git
from cpg1_assets.deployment import open_deployment
from cpg1_assets.evidence.audit.verify import problems_of
from cpg1_assets.evidence.chain.sign_off import sign_off
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1, in_a_process
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.small_year import small_month

SCOPE = {"CPG1_COMPANIES": "EC_NG", "CPG1_GL_ACCOUNTS": "13001,13002"}


def test_a_backfill_closes_each_month_and_resumes_where_it_was(home: Path) -> None:
    first = in_a_process(home, "backfill", "2025-10", "2025-11", "--json", more=SCOPE)
    said = json.loads(first.stdout)
    assert said["books"] == "SAMPLE BOOKS"
    assert [(m["month"], m["skipped"]) for m in said["months"]] == [("2025-10", False), ("2025-11", False)]
    assert first.returncode == said["exit_status"] in (0, 3, 4)
    assert len({m["run_id"] for m in said["months"]}) == 2, "one run a month"
    (ended,) = home.glob("scopes/*/storage/evidence_manifest/2025-10.parquet")
    (compared,) = home.glob("scopes/*/storage/open_items_before/2025-11.parquet")
    assert ended.stat().st_mtime_ns < compared.stat().st_mtime_ns, "in the order of the calendar"

    (stored,) = home.glob("scopes/*/storage/ipe_31/2025-11.parquet")
    before = stored.read_bytes()
    stored.unlink()
    second = in_a_process(home, "backfill", "2025-10", "2025-11", "--workers", "1", more=SCOPE)
    lines = {line.split("  ")[0]: line for line in second.stdout.splitlines() if line.startswith("2025-")}
    assert "skipped: closed from the same inputs" in lines["2025-10"]
    assert "closed in" in lines["2025-11"]
    assert "SAMPLE BOOKS" in second.stdout
    assert stored.read_bytes() == before


def test_a_month_closed_from_the_same_inputs_is_closed_again_only_when_told_so(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    for name, value in SCOPE.items():
        monkeypatch.setenv(name, value)
    closed = json.loads(cpg1("close", "--month", "2025-10", "--json").stdout)
    (month,) = json.loads(cpg1("backfill", "2025-10", "2025-10", "--json").stdout)["months"]
    assert (month["skipped"], month["run_id"]) == (True, closed["run_id"])
    told = in_a_process(home, "backfill", "2025-10", "2025-10", "--again", "--json", more=SCOPE)
    (month,) = json.loads(told.stdout)["months"]
    assert not month["skipped"]
    assert month["run_id"] != closed["run_id"]


def test_a_month_closed_by_another_version_of_the_control_is_not_the_same_inputs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SCOPE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CPG1_HOME", str(home))
    settings = Settings.from_environment()
    month = CutoffMonth.parse("2025-10")
    deployment = open_deployment(settings)
    before = inputs_fingerprint(deployment, month)
    assert inputs_fingerprint(open_deployment(settings), month) == before
    version = deployment.version
    for other in (
        replace(version, contents={**version.contents, "rules/vocabulary.py": b"# another"}),
        replace(version, git=Git("another commit", clean=True)),
        replace(
            version, git=None if version.git is None else replace(version.git, clean=not version.git.clean)
        ),
    ):
        if other != version:
            assert inputs_fingerprint(replace(deployment, version=other), month) != before
    assert inputs_fingerprint(open_deployment(settings.narrowed(("EC_KE",), None)), month) != before


def test_what_decides_no_figure_is_told_from_what_does(home: Path) -> None:
    deployment = open_deployment(Settings(home=home))
    month, version = CutoffMonth.parse("2025-10"), deployment.version
    elsewhere = replace(deployment, version=replace(version, git=Git("another commit", clean=True)))
    edited = replace(deployment, version=replace(version, contents={**version.contents, "frame.py": b"x"}))
    deciding = [inputs_fingerprint(d, month, deciding_only=True) for d in (deployment, elsewhere, edited)]
    assert deciding[0] == deciding[1] != deciding[2]
    assert inputs_fingerprint(deployment, month) != inputs_fingerprint(elsewhere, month)


def test_a_month_whose_seal_is_not_there_is_not_skipped(closed: Closed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(closed.settings.home, home, symlinks=True)
    settings = Settings(home=home)
    deployment, month = open_deployment(settings), CutoffMonth.parse(closed.month)
    files = {asset: closed.metadata(asset)["sha256"] for asset in closed.materialized()}
    record = {"exit_status": 4, "files": files, "inputs": inputs_fingerprint(deployment, month)}
    write_record(settings, month, record)
    assert is_closed_from_the_same(deployment, month)
    write_record(settings, month, {**record, "inputs": "others"})
    assert not is_closed_from_the_same(deployment, month)
    write_record(settings, month, record)
    (home / "evidence").rename(tmp_path / "elsewhere")
    assert not is_closed_from_the_same(deployment, month)


def test_a_signed_off_month_that_would_change_is_named_and_fails(home: Path) -> None:
    """The small seal stands for a month that was closed by an older version of the control."""
    evidence = home / "evidence"
    small_month(evidence, "2025-10", status="RECONCILED")
    for role, name in (("preparer", "Ann"), ("reviewer", "Bob")):
        sign_off(
            evidence, "2025-10", role=role, name=name, comment="agreed",  # type: ignore[arg-type]
            problems_of=problems_of,
        )  # fmt: skip
    done = in_a_process(home, "backfill", "2025-10", "2025-10")
    assert done.returncode == 1
    assert "2025-10  FAILED: 2025-10 is signed off (version 1, reviewer Bob)" in done.stdout
    assert "cpg1 reopen 2025-10" in done.stdout
    assert list((home / "storage").rglob("*")) == []
    closed = in_a_process(home, "close", "--month", "2025-10")
    assert closed.returncode == 1
    assert "2025-10 is signed off" in closed.stderr


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        ("2025-09", "2025-01", "the earlier month first"),
        ("2023-11", "2024-02", "2023-11"),
        ("2025-11", "2026-01", "2026-01"),
        ("soon", "2025-01", "soon"),
    ],
)
def test_a_range_that_cannot_be_closed_is_refused_by_name(
    cpg1: Cpg1, home: Path, first: str, last: str, named: str
) -> None:
    done = cpg1("backfill", first, last)
    assert done.exit_code == 1
    assert named in done.stderr
    assert list((home / "storage").rglob("*")) == []
