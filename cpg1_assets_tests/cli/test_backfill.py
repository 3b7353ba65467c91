"""Months are closed beside each other, one run each; what is closed from the same inputs is not closed again."""

import json
from pathlib import Path

import pytest

from cpg1_assets_tests.cli.conftest import Cpg1, in_a_process

SCOPE = {"CPG1_COMPANIES": "EC_NG", "CPG1_GL_ACCOUNTS": "13001,13002"}


def test_a_backfill_closes_each_month_and_resumes_where_it_was(home: Path) -> None:
    first = in_a_process(home, "backfill", "2025-10", "2025-11", "--json", more=SCOPE)
    said = json.loads(first.stdout)
    assert said["books"] == "SAMPLE BOOKS"
    assert [(m["month"], m["skipped"]) for m in said["months"]] == [("2025-10", False), ("2025-11", False)]
    assert first.returncode == said["exit_status"] in (0, 3)
    assert len({m["run_id"] for m in said["months"]}) == 2, "one run a month"

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
    assert not (home / "storage").exists()
