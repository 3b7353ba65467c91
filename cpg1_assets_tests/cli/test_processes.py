"""Closes that are killed, that meet, or that run in processes of their own: the bytes in storage are the same."""

import json
import subprocess
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq
import pytest

from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets_tests.cli.conftest import COMMAND, Cpg1, environment, in_a_process
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.soak import SOAKED

MONTH = "2025-09"


@pytest.fixture
def clean(closed: Closed) -> dict[str, bytes]:
    """Give what a close that nothing disturbed puts in storage, in another home."""
    return stored(closed.settings.home)


def stored(home: Path) -> dict[str, bytes]:
    """Every file in storage, provenance too; of the manifest, which names the runs' packages, only that it is there."""
    files = [path for path in (home / "storage").rglob("*") if path.is_file()]
    of_runs = [path for path in files if path.parent.name == "evidence_manifest"]
    assert sorted(path.suffix for path in of_runs) == [".json", ".parquet"]
    return {str(path.relative_to(home)): path.read_bytes() for path in files if path not in of_runs}


def started(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "close", "--month", MONTH, *arguments],
        env=environment(home, {"PYTHONUNBUFFERED": "1"}), cwd=home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def said_by(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def test_a_killed_close_leaves_storage_readable_and_the_next_one_finishes_it(
    home: Path, clean: dict[str, bytes], cpg1: Cpg1
) -> None:
    killed = 0
    moments = range(1, 30) if SOAKED else (1, 10, 21)
    for lines_seen in moments:
        process = started(home)
        for _ in range(lines_seen):
            said_by(process).readline()
        process.kill()
        killed += process.wait() == -9
        said_by(process).close()
        for path in (home / "storage").rglob("*.parquet"):
            if not path.name.startswith("."):
                pq.read_table(path)
    assert killed >= min(len(moments) - 1, 20)
    done = in_a_process(home, "close", "--month", MONTH)
    assert done.returncode == 4, done.stderr
    assert stored(home) == clean, "the same bytes, and nothing left over"
    assert verify(home / "evidence").problems == []
    assert not [path for path in home.rglob("*.partial") if "sample_books" not in path.parts]
    runs = json.loads(cpg1("runs", "--json").stdout)["runs"]
    statuses = [run["status"] for run in runs]
    assert statuses[0] == "SUCCESS"
    assert set(statuses[1:]) == {"FAILURE"}, "a killed run does not seem to be running for ever"
    assert len(statuses) > 2


def test_the_second_of_two_closes_of_a_month_is_refused_and_the_first_finishes(
    home: Path, clean: dict[str, bytes]
) -> None:
    with started(home, "--json") as first:
        lock = home / "locks" / f"close-{MONTH}.lock"
        while not (lock.exists() and lock.read_text().strip()):
            assert first.poll() is None
        second = in_a_process(home, "close", "--month", MONTH)
        assert second.returncode == 1
        assert MONTH in second.stderr
        assert str(first.pid) in second.stderr
        said = json.loads(said_by(first).read())
    assert first.returncode == said["exit_status"] == 4
    assert stored(home) == clean


def test_a_close_in_several_processes_gives_the_same_bytes(home: Path, clean: dict[str, bytes]) -> None:
    done = in_a_process(home, "close", "--month", MONTH, "--json", more={"CPG1_EXECUTOR": "multiprocess"})
    assert done.returncode == 4, done.stderr
    assert stored(home) == clean


def test_a_close_that_takes_too_long_is_stopped_and_says_so(home: Path) -> None:
    done = in_a_process(home, "close", "--month", MONTH, more={"CPG1_MAX_RUN_SECONDS": "1"})
    assert done.returncode == 1
    assert "CPG1_MAX_RUN_SECONDS (1 s)" in done.stderr
    assert not (home / "storage" / "reconciliation").exists(), "nothing runs on after it was stopped"
