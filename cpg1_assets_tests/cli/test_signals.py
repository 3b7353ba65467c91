"""A signal ends a command within seconds, with one sentence, its run canceled, and nobody left; so does a kill."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cpg1_assets_tests.cli.conftest import COMMAND, Cpg1, environment

MONTH = "2025-09"
CLOSE, BACKFILL = ("close", "--month", MONTH), ("backfill", "2025-08", MONTH, "--workers", "2", "--json")
SEVERAL = {"CPG1_EXECUTOR": "multiprocess"}
Moment = Callable[[Path], bool]


def at_once(_home: Path) -> bool:
    return True


def when_the_run_began(home: Path) -> bool:
    return any((home / "claims").glob("*.json"))


def when_data_is_stored(home: Path) -> bool:
    return any((home / "storage").glob("*/*.parquet"))


def alive_with(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "XZ" and mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def stopped(
    home: Path, arguments: tuple[str, ...], more: dict[str, str], moment: Moment, number: int, *, group: bool
) -> tuple[int, str, str]:
    """Start a command, send it (or its group) a signal at a moment; give exit status, output and errors."""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [*COMMAND, *arguments], env=environment(home, {**more, "MARK": mark}), cwd=home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:  # until it listens: SIGTERM is blocked
            blocked = int(status.read_text().partition("SigBlk:\t")[2].split()[0], 16)
            if blocked >> (signal.SIGTERM - 1) & 1 and moment(home):
                break
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()
        began = time.monotonic()
        (os.killpg if group else os.kill)(process.pid, number)
        out, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    while left := alive_with(mark):
        assert time.monotonic() - began < 8, left
        time.sleep(0.05)
    return process.returncode, out, errors


@pytest.mark.parametrize(
    ("more", "moment", "number", "group", "said"),
    [
        ({}, at_once, signal.SIGTERM, False, "SIGTERM"),
        ({}, when_the_run_began, signal.SIGINT, True, "Ctrl-C"),
        (SEVERAL, when_the_run_began, signal.SIGINT, True, "Ctrl-C"),
        (SEVERAL, when_data_is_stored, signal.SIGTERM, True, "SIGTERM"),
        ({}, when_data_is_stored, signal.SIGHUP, False, "SIGHUP"),
    ],
)
def test_a_close_ends_with_a_sentence_and_its_run_is_canceled(
    home: Path, cpg1: Cpg1, more: dict[str, str], moment: Moment, number: int, group: bool, said: str  # noqa: FBT001
) -> None:  # fmt: skip
    status, _, errors = stopped(home, CLOSE, more, moment, number, group=group)
    assert status == 128 + number
    assert errors.count("\n") == 1, errors
    assert errors.startswith(f"Stopped by {said}: ")
    runs = json.loads(cpg1("runs", "--json").stdout)["runs"]
    assert [run["status"] for run in runs] == ([] if moment is at_once else ["CANCELED"])
    assert not list(home.glob("claims/*.json"))


def test_a_backfill_says_what_is_closed_and_what_is_not_and_leaves_no_worker(home: Path, cpg1: Cpg1) -> None:
    status, out, errors = stopped(home, BACKFILL, {}, when_data_is_stored, signal.SIGTERM, group=True)
    assert status == json.loads(out)["exit_status"] == 128 + signal.SIGTERM
    assert [month["month"] for month in json.loads(out)["months"]] == ["2025-08", MONTH]
    assert errors.count("\n") == 1, errors
    runs = json.loads(cpg1("runs", "--json").stdout)["runs"]
    assert runs
    assert {run["status"] for run in runs} == {"CANCELED"}


@pytest.mark.parametrize("arguments", [CLOSE, BACKFILL])
def test_no_worker_outlives_a_command_that_is_killed(home: Path, arguments: tuple[str, ...]) -> None:
    status, _, _ = stopped(home, arguments, SEVERAL, when_the_run_began, signal.SIGKILL, group=False)
    assert status == -signal.SIGKILL
