"""Four runs killed while they hold a pool slot, however they were started: the next close ends them and closes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import environment, in_a_process
from cpg1_assets_tests.required import NAMESPACES, require
from cpg1_assets_tests.soak import soak

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-04")
_HANGS = """
import time
from cpg1_assets.graph import extracts

def hang(*_arguments, **_named):
    time.sleep(600)

extracts.extract_month = hang
"""
_PATIENCE_SECONDS = 120
_DAGSTER = str(Path(sys.executable).with_name("dagster"))
_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster home of the test's home."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dagster_instance(Settings(home=home)) as opened:
        yield opened


@pytest.fixture
def closes(tmp_path: Path) -> list[str]:
    """Give the command `cpg1` with extracts that never come to an end."""
    program = tmp_path / "hanging_close.py"
    program.write_text(f"{_HANGS}\nfrom cpg1_assets.cli import main\nmain()\n")
    return [sys.executable, str(program)]


@pytest.fixture
def definitions(tmp_path: Path) -> str:
    """Give a file of definitions for `dagster`, with extracts that never come to an end."""
    program = tmp_path / "hanging.py"
    program.write_text(
        f"{_HANGS}\nfrom cpg1_assets.definitions import build_definitions\ndefs = build_definitions()\n"
    )
    return str(program)


@contextmanager
def started(home: Path, *commands: list[str]) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start commands in sessions of their own; what is left of them is killed in the end."""
    more = {"DAGSTER_HOME": str(home / "dagster"), "CPG1_EXECUTOR": "in_process"}
    running = [
        subprocess.Popen(
            command, env=environment(home, more), cwd=home, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]  # fmt: skip
    try:
        yield running
    finally:
        for process in running:
            killed(process)


@contextmanager
def holding_all_slots(
    home: Path, instance: dg.DagsterInstance, commands: list[list[str]]
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start commands, and go on when each holds a slot."""
    with started(home, *commands) as running:
        until(lambda: len(holders(instance)) == len(running))
        yield running


def killed(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def holders(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.event_log_storage.get_concurrency_info("source").active_run_ids)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def require_closed_and_said(home: Path, instance: dg.DagsterInstance, dead: set[str]) -> None:
    done = in_a_process(home, "close", "--month", "2025-09")
    assert done.returncode == 4, done.stderr
    for run_id in dead:
        assert f"run {run_id[:8]} (" in done.stdout
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE
    assert done.stdout.count("its slot of pool source freed") == len(dead)
    assert holders(instance) == set()
    assert not [path for path in home.rglob("*.partial") if "sample_books" not in path.parts]


@pytest.mark.parametrize(
    "how", [pytest.param("close", marks=soak), "dagster asset materialize", "in a namespace"]
)
def test_a_close_after_four_killed_runs_that_held_all_slots(
    home: Path, instance: dg.DagsterInstance, closes: list[str], definitions: str, how: str
) -> None:
    if how == "in a namespace":
        require(NAMESPACES)
        commands = [[*_NAMESPACE, *closes, "close", "--month", month] for month in MONTHS]
    elif how == "close":
        commands = [[*closes, "close", "--month", month] for month in MONTHS]
    else:
        select = [_DAGSTER, "asset", "materialize", "--select", "*", "-f", definitions]
        commands = [[*select, "--partition", month] for month in MONTHS]
    with holding_all_slots(home, instance, commands) as running:
        dead = holders(instance)
        for process in running:
            killed(process)
    assert holders(instance) == dead, "nobody frees what a killed run holds"
    require_closed_and_said(home, instance, dead)


def test_a_close_after_a_run_of_the_daemon_was_killed_with_its_daemon(
    home: Path, instance: dg.DagsterInstance, definitions: str
) -> None:
    partition = '{"dagster/partition": "2025-01"}'
    launch = [_DAGSTER, "job", "launch", "-j", "close_month", "-f", definitions, "--tags", partition]
    daemon = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-f", definitions]
    with started(home, launch, daemon) as running:
        until(lambda: len(holders(instance)) == 1)
        dead = holders(instance)
        killed(running[1])
    require_closed_and_said(home, instance, dead)


def test_a_close_that_waits_for_the_pool_says_for_whom_and_goes_on_when_they_are_killed(
    home: Path, instance: dg.DagsterInstance, closes: list[str]
) -> None:
    commands = [[*closes, "close", "--month", month] for month in MONTHS]
    with holding_all_slots(home, instance, commands) as running:
        with subprocess.Popen(
            [sys.executable, "-m", "cpg1_assets", "close", "--month", "2025-09"],
            env=environment(home, {"PYTHONUNBUFFERED": "1"}), cwd=home, text=True, stdout=subprocess.PIPE,
        ) as close:  # fmt: skip
            assert close.stdout is not None
            assert close.stdout.readline().startswith("Closing")
            waits = "waits for pool source, held by run "
            said = next((line for line in close.stdout if waits in line), "it never said that it waits")
            for process, month in zip(running, MONTHS, strict=True):
                assert f"(month {month}, process {process.pid})" in said
            for process in running:
                killed(process)
            rest = close.stdout.read()
        assert close.returncode == 4
        assert rest.count("is dead and was ended") == len(MONTHS)
