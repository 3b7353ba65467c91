"""Running `cpg1`: in this process where it answers at once, in one of its own where a month is closed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from cpg1_assets.cli.commands import main
from cpg1_assets_tests.conftest import home_with

Cpg1: TypeAlias = Callable[..., Result]
COMMAND = [sys.executable, "-m", "cpg1_assets"]


@dataclass(frozen=True)
class ClosedHome:
    """A home whose last month was closed by `cpg1 close --json` in a process of its own."""

    home: Path
    exit_status: int
    said: dict[str, Any]


@pytest.fixture
def cpg1(home: Path, monkeypatch: pytest.MonkeyPatch) -> Cpg1:
    """Run a command in this process, in the test's home; a fault of ours fails the test."""
    monkeypatch.setenv("CPG1_HOME", str(home))

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "did not foresee" not in result.output, result.output
        return result

    return run


@pytest.fixture(scope="session")
def closed_home(tmp_path_factory: pytest.TempPathFactory, sample_books: Path) -> ClosedHome:
    """Close the default month once, as a person does, for tests that only ask about it."""
    home = home_with(sample_books, tmp_path_factory.mktemp("cpg1") / "home")
    done = in_a_process(home, "close", "--json")
    return ClosedHome(home, done.returncode, json.loads(done.stdout))


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of a process that works in `home`, with nothing of the developer's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CPG1_")
        and name not in ("DB_CONNECTION_STRING", "CUTOFF_DATE", "DAGSTER_HOME")
    }
    return kept | {"CPG1_HOME": str(home)} | dict(more or {})


def in_a_process(
    home: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `cpg1` to its end in a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(home, more), cwd=home, capture_output=True, text=True, errors="replace",
        timeout=300, check=False,
    )  # fmt: skip
