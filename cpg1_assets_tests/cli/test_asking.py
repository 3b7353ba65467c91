"""What was done can be asked for: status, runs, one run, its history, a query; each also as JSON."""

import json
from pathlib import Path

import click
import pytest

from cpg1_assets.cli.commands import main
from cpg1_assets_tests.cli.conftest import ClosedHome, Cpg1

LAST_MONTH = "2025-12"


@pytest.fixture
def asked(cpg1: Cpg1, closed_home: ClosedHome, monkeypatch: pytest.MonkeyPatch) -> Cpg1:
    """Ask in the home whose last month is closed."""
    monkeypatch.setenv("CPG1_HOME", str(closed_home.home))
    return cpg1


def test_status_lists_the_months_that_are_closed(asked: Cpg1) -> None:
    said = json.loads(asked("status", "--json").stdout)
    assert said["books"] == "SAMPLE BOOKS"
    assert [(month["month"], month["state"]) for month in said["months"]] == [(LAST_MONTH, "closed")]
    text = asked("status").output
    (row,) = [line.split() for line in text.splitlines() if line.startswith(LAST_MONTH)]
    assert row[:2] == [LAST_MONTH, "closed"]
    assert sum(map(int, row[2:6])) == 54, "every line is counted once"
    assert "SAMPLE BOOKS" in text


def test_status_of_a_month_shows_what_its_close_came_to(asked: Cpg1, closed_home: ClosedHome) -> None:
    said = json.loads(asked("status", LAST_MONTH, "--json").stdout)
    assert said["lines"] == closed_home.said["lines"]
    assert said["run_id"] == closed_home.said["run_id"]
    text = asked("status", LAST_MONTH).output
    assert "SAMPLE BOOKS" in text
    assert "VARIANCE_DETECTED" in text


def test_status_of_a_month_that_is_not_closed_says_how_to_close_it(asked: Cpg1) -> None:
    done = asked("status", "2025-01")
    assert done.exit_code == 0
    assert "cpg1 close --month 2025-01" in done.output
    assert json.loads(asked("status", "2025-01", "--json").stdout)["state"] == "not closed"


def test_runs_are_listed_described_and_told(asked: Cpg1, closed_home: ClosedHome) -> None:
    run_id = closed_home.said["run_id"]
    rows = json.loads(asked("runs", "--json").stdout)["runs"]
    assert [(row["run_id"], row["month"], row["status"]) for row in rows] == [(run_id, LAST_MONTH, "SUCCESS")]
    (listed,) = [line.split() for line in asked("runs").output.splitlines() if run_id[:8] in line]
    assert listed[:3] == [LAST_MONTH, "close", "SUCCESS"], "the month first, no hexadecimal digits"

    described = json.loads(asked("runs", "show", run_id[:8], "--json").stdout)
    assert described["run_id"] == run_id
    assert described["steps"]["ipe_07"] == "SUCCESS"
    assert described["failures"] == []
    assert described["step_seconds"].keys() == described["steps"].keys()
    text = asked("runs", "show", run_id).output
    assert text.startswith(f"close of {LAST_MONTH}: SUCCESS")
    assert run_id in text
    assert "cpg1/process" not in text

    events = json.loads(asked("runs", "history", run_id, "--json").stdout)["events"]
    kinds = [event["event"] for event in events]
    assert kinds.index("RUN_START") < kinds.index("ASSET_MATERIALIZATION") < kinds.index("RUN_SUCCESS")
    assert "ipe_07" in asked("runs", "history", run_id).output


@pytest.mark.parametrize("command", [["show"], ["history"]])
def test_an_unknown_run_is_named(asked: Cpg1, command: list[str]) -> None:
    done = asked("runs", *command, "no-such-run")
    assert done.exit_code == 1
    assert "no-such-run" in done.stderr


def test_a_query_is_shown_as_written_and_as_sent(cpg1: Cpg1) -> None:
    written = cpg1("sql", "ipe_07", "--month", "2025-09")
    sent = cpg1("sql", "ipe_07", "--month", "2025-09", "--dialect", "duckdb")
    assert written.exit_code == sent.exit_code == 0
    assert "@next_month_start" in written.output
    assert "[AIG_Nav_DW]" in written.output
    assert "$next_month_start" in sent.output
    assert '"AIG_Nav_DW"' in sent.output or "AIG_Nav_DW.dbo" in sent.output
    assert "-- @next_month_start = 2025-10-01 00:00:00" in written.output
    said = json.loads(cpg1("sql", "ipe_07", "--month", "2025-09", "--json").stdout)
    assert (said["extract"], said["month"], said["dialect"]) == ("ipe_07", "2025-09", "tsql")
    assert said["parameters"]["next_month_start"] == "2025-10-01 00:00:00"


def test_an_unknown_extract_is_named_with_those_there_are(cpg1: Cpg1) -> None:
    done = cpg1("sql", "ipe_99", "--month", "2025-09")
    assert done.exit_code == 1
    assert "ipe_99" in done.stderr
    assert "ipe_07" in done.stderr


def test_sample_remakes_the_books(cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPG1_HOME", str(tmp_path / "other"))
    done = cpg1("sample", "--seed", "5", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["books"], said["seed"], said["factor"]) == ("SAMPLE BOOKS", 5, 1)
    books = json.loads((Path(said["folder"]) / "books.json").read_text())
    assert (books["seed"], books["factor"]) == (5, 1)


@pytest.mark.parametrize("arguments", [["--seed", "-1"], ["--factor", "0"], ["--factor", "many"]])
def test_books_of_no_size_are_refused(cpg1: Cpg1, arguments: list[str]) -> None:
    done = cpg1("sample", *arguments)
    assert done.exit_code != 0
    assert arguments[0] in done.output


def test_every_command_that_prints_a_result_has_json(asked: Cpg1, closed_home: ClosedHome) -> None:
    run_id = closed_home.said["run_id"]
    told = [
        ("status", "--json"),
        ("status", LAST_MONTH, "--json"),
        ("status", "2025-01", "--json"),
        ("runs", "--json"),
        ("runs", "show", run_id, "--json"),
        ("runs", "history", run_id, "--json"),
        ("sql", "cr_05", "--month", LAST_MONTH, "--json"),
    ]
    unmarked = []
    for arguments in told:
        done = asked(*arguments)
        json.loads(done.stdout)
        if "SAMPLE BOOKS" not in done.stdout:
            unmarked.append(arguments)
    assert unmarked == []
    with_json = {
        name for name, command in main.commands.items() if any(p.name == "as_json" for p in command.params)
    }
    assert set(main.commands) - with_json == {"ui", "evidence"}
    evidence = main.commands["evidence"]
    assert isinstance(evidence, click.Group)
    assert all("as_json" in {p.name for p in command.params} for command in evidence.commands.values())


def test_what_a_home_keeps_is_told_whatever_is_to_be_closed_now(
    asked: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_CONNECTION_STRING", "Driver=x;Server=books.example;Pwd=hunter2")
    assert "1 month closed – SAMPLE BOOKS" in asked("status").output
    assert f"C-PG-1 {LAST_MONTH} – SAMPLE BOOKS" in asked("status", LAST_MONTH).output
    refused = asked("close", "--month", "2025-09")
    assert refused.exit_code == 1
    assert "keeps months of the SAMPLE BOOKS" in refused.output


def test_the_query_is_shown_with_the_names_of_the_server(
    asked: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_DATABASES", "AIG_Nav_DW=NAV]uat")
    monkeypatch.setenv("CPG1_COLLATION", "Finnish_100_BIN2")
    text = asked("sql", "ipe_07", "--month", "2025-09").output
    assert "[NAV]]uat].[dbo].[Customer Ledger Entries]" in text
    assert "Finnish_100_BIN2" in text
    assert "Latin1_General_100_BIN2" not in text
    assert "IN (@companies)" in text
