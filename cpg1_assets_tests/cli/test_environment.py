"""What a process is started with: its encoding, its `.env`, `--debug`; each run in a process of its own."""

import json
from pathlib import Path

import pytest

from cpg1_assets_tests.cli.conftest import ClosedHome, in_a_process

ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "POSIX", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_what_a_console_lacks_is_escaped(closed_home: ClosedHome, encoding: dict[str, str]) -> None:
    """The lines have a dash and the table has letters that these encodings lack."""
    more = {**encoding, "CPG1_HOME": str(closed_home.home)}
    shown = in_a_process(closed_home.home, "status", "2025-12", more=more)
    assert shown.returncode == 0, shown.stderr
    assert "54 lines" in shown.stdout


def test_json_is_whole_whatever_the_console_lacks(closed_home: ClosedHome) -> None:
    more = {"PYTHONIOENCODING": "ascii", "CPG1_HOME": str(closed_home.home)}
    said = in_a_process(closed_home.home, "status", "2025-12", "--json", more=more)
    assert json.loads(said.stdout)["lines"] == closed_home.said["lines"]
    refused = in_a_process(closed_home.home, "close", "--month", "日本é", "--json", more=more)
    assert refused.returncode in (1, 2)
    assert "Traceback" not in refused.stderr
    assert "month" in json.loads(refused.stdout)["error"]


def test_a_dot_env_counts_for_cpg1_as_it_does_for_dagster(tmp_path: Path) -> None:
    """Dagster puts it in the place of what was set: both must mean the same home."""
    (tmp_path / ".env").write_text('CPG1_HOME="from the file"\nCPG1_COMPANIES=QQ\n', encoding="utf-8")
    done = in_a_process(tmp_path, "close")
    assert done.returncode == 1
    assert "Unknown company QQ" in done.stderr
    found = json.loads(in_a_process(tmp_path, "doctor", "--json").stdout)["findings"]
    (env,) = [finding for finding in found if finding["subject"] == ".env"]
    assert env["verdict"] == "look"
    assert "CPG1_HOME, CPG1_COMPANIES" in env["said"]
    assert any("from the file" in finding["said"] for finding in found)
    assert "QQ" not in env["said"]


@pytest.mark.parametrize(
    ("content", "named"),
    [(b"A=1\nthis is = 'not\n", "line 2"), (b"PASSWORD=\xff\n", "UTF-8"), (b"DB_CONNECTION_STRING=a\0hunter2\n", ".env")],
)  # fmt: skip
def test_a_dot_env_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes, named: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    done = in_a_process(tmp_path, "status")
    assert done.returncode == 1
    assert ".env" in done.stderr
    assert named in done.stderr
    assert "hunter2" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["--debug", "status", "soon"], ["status", "soon", "--debug"]])
def test_debug_shows_where_it_happened_and_no_secret(tmp_path: Path, command: list[str]) -> None:
    more = {"DB_CONNECTION_STRING": "Driver={x};Server=books.example;Uid=reader;Pwd={hunter2}"}
    done = in_a_process(tmp_path, *command, more=more)
    assert done.returncode == 1
    assert "Traceback (most recent call last" in done.stderr
    assert "month.py" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in in_a_process(tmp_path, "status", "soon", more=more).stderr
