"""What the inbox refuses reaches the person who closes: each file, with row, column, reason and what to do."""

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1, in_a_process

MONTH = "2025-09"
COMPANIES = ("EC_KE", "EC_NG", "JD_GH", "JM_EG")
AGAIN = "put the file in the inbox again."
UNNAMED = (
    "it names no company in scope. Name it <COMPANY>.csv or <COMPANY>.xlsx (also read: .xls, .xlsb, .ods), "
    "or take it out of the inbox."
)
REFUSED = [
    "EC_KE.csv: it is a pipe, and not a file or a link to one. Put the file itself in the inbox.",
    f"EC_NG (1).csv: {UNNAMED}",
    f"EC_NG.csv, row 2, column \"Amount Used\": '1,234' could be 1234 or 1.234. Write it as 1234.00 or 1.2340 and {AGAIN}",
    f"JM_EG.csv, row 3, column \"Amount\": '5,678' could be 5678 or 5.678. Write it as 5678.00 or 5.6780 and {AGAIN}",
    rf"bad\xff.csv: {UNNAMED}",
]
MISSING = "Missing: EC_KE, EC_NG, JD_GH, JM_EG. Left alone, because its name says that it is no data: JD_GH.csv.crdownload."


@pytest.fixture
def bad_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set an inbox in which each file of the month is refused for a reason of its own."""
    folder = tmp_path / "inbox" / "jdash" / MONTH
    folder.mkdir(parents=True)
    (folder / "EC_NG.csv").write_text('Voucher Id,Amount Used\n1,"1,234"\n')
    (folder / "JM_EG.csv").write_text('id,Amount\n1,2.00\n2,"5,678"\n')
    (folder / "EC_NG (1).csv").write_text("id,amount\n1,2\n")
    (folder / "JD_GH.csv.crdownload").write_text("id,amo")
    (folder / ".DS_Store").write_bytes(b"")
    os.mkfifo(folder / "EC_KE.csv")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.csv")).write_text("")
    monkeypatch.setenv("CPG1_INBOX", str(tmp_path / "inbox"))
    monkeypatch.setenv("CPG1_COMPANIES", ",".join(COMPANIES))
    return tmp_path / "inbox"


def test_every_refused_file_is_told_wherever_a_person_looks(cpg1: Cpg1, home: Path, bad_inbox: Path) -> None:
    closed = cpg1("close", "--month", MONTH)
    assert closed.exit_code == 4
    run_id = json.loads(cpg1("runs", "--limit", "1", "--json").stdout)["runs"][0]["run_id"]
    for said in (closed, cpg1("status", MONTH), cpg1("status"), cpg1("runs", "show", run_id)):
        lines = [line.strip() for line in said.output.splitlines()]
        for sentence in [*REFUSED, MISSING]:
            assert sentence in lines, "a line of its own, whole at any width"
    found = {
        check["check"]: check["found"]
        for check in json.loads(cpg1("status", MONTH, "--json").stdout)["failed_checks"]
    }
    assert sorted(found["files_readable"]) == sorted(REFUSED)
    settings = Settings(home=home, inbox=bad_inbox, companies=COMPANIES)
    with dagster_instance(settings) as instance:
        checked = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        events = [record.event_log_entry.dagster_event for record in checked.records]
        evaluations = [event.asset_check_evaluation_data for event in events if event is not None]
    (description,) = [str(each.description) for each in evaluations if each.check_name == "files_readable"]
    assert all(sentence in description for sentence in REFUSED)
    (validations,) = [path for path in home.rglob("06_validation_results.json") if path.parts[-3] == "jdash"]
    (readable,) = [
        each
        for each in json.loads(validations.read_bytes())["validations"]
        if each["name"] == "files_readable"
    ]
    assert readable["left_alone"] == [".DS_Store", "JD_GH.csv.crdownload"]
    kept = {path.name for path in (validations.parent / "files").iterdir()}
    assert kept == {"EC_NG.csv", "JM_EG.csv"}


@pytest.mark.parametrize("command", [["close", "--month", MONTH], ["backfill", MONTH, MONTH], ["ui"]])
@pytest.mark.parametrize("wrong", ["not there", "a file", "relative", "empty"])
def test_a_wrong_inbox_is_an_error_before_anything_runs(
    cpg1: Cpg1, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, command: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    inbox = {
        "not there": str(tmp_path / "no"),
        "a file": str(tmp_path / "file"),
        "relative": "inbox",
        "empty": " ",
    }
    monkeypatch.setenv("CPG1_INBOX", inbox[wrong])
    done = cpg1(*command)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: CPG1_INBOX ")
    assert not (home / "storage").exists()
    assert not (home / "evidence").exists()


def test_the_doctor_says_it(home: Path, tmp_path: Path) -> None:
    done = in_a_process(home, "doctor", more={"CPG1_INBOX": str(tmp_path / "no")})
    assert f"MEND  inbox: CPG1_INBOX {tmp_path / 'no'} is not there" in done.stdout
    assert done.returncode == 1
    for text in ("", "inbox"):
        done = in_a_process(home, "doctor", more={"CPG1_INBOX": text})
        assert f"MEND  CPG1_INBOX: is {text!r}" in done.stdout
