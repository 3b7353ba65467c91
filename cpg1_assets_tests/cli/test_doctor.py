"""`cpg1 doctor` says a line a check, what to do under a problem, the same as JSON, and shows no secret."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cpg1_assets_tests.cli.conftest import Cpg1
from cpg1_assets_tests.doctor.conftest import speak_for
from cpg1_assets_tests.doctor.fake_server import DRIVER, FakeError, FakeServer, a_server

SECRETS = ("hunter-2}}-hunter", "hunter-2}-hunter", "cpg1_login", "secret-workstation", "secret-key")
GIVEN = (
    f"Driver={{{DRIVER}}};Server=books.example,1433;Database=master;Uid=cpg1_login;"
    "Pwd={hunter-2}}-hunter};WSID=secret-workstation;Authentication=secret-key"
)
WORDS = f"as 'cpg1_login' with 'hunter-2}}-hunter' from secret-workstation, {GIVEN}"
CUSTOMERS = "[dbo].[Customers]"


def _refused(server: FakeServer) -> None:
    server.refuses_login = FakeError("28000", 18456, f"Login failed {WORDS}")


def _unknown_error(server: FakeServer) -> None:
    server.refuses_login = FakeError("HY000", 0, WORDS)


def _silent(server: FakeServer) -> None:
    server.silent_on = "login"


def _everything(server: FakeServer) -> None:
    database = server.holding(CUSTOMERS)
    database.user = "cpg1_login"
    database.unreadable.add(CUSTOMERS)
    database.roles.add("db_datawriter")
    database.collation = f"collation {WORDS}"
    database.snapshot = f"snapshot {WORDS}"
    del database.tables["[dbo].[Bank Accounts]"]
    database.tables["[dbo].[secret-key Bank Accounts]"] = {}
    server.version = f"16 {WORDS}"
    server.ahead = timedelta(hours=1)
    server.databases["AIG_Nav_Jumia_Reconciliation"].user = None
    server.table("[OMS].[PACKAGE_CASHREC]").clear()


def test_the_sample_books_need_no_server(cpg1: Cpg1) -> None:
    done = cpg1("doctor")
    assert done.exit_code == 0
    assert "server: SAMPLE BOOKS: no server is needed" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("SAMPLE BOOKS.")
    said = json.loads(cpg1("doctor", "--json").stdout)
    assert (said["books"], said["exit_status"]) == ("SAMPLE BOOKS", 0)


def test_every_check_is_one_line_and_what_to_do_stands_under_it(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_COMPANIES", "EC_NG")
    monkeypatch.setenv("CPG1_EXECUTOR", "threads")
    done = cpg1("doctor")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    at = lines.index("  MEND  CPG1_EXECUTOR: is 'threads'")
    assert lines[at + 1] == "        -> It must be in_process or multiprocess."
    said = json.loads(cpg1("doctor", "--json").stdout)
    assert said["exit_status"] == 1
    for finding in said["findings"]:
        assert any(line[8:].startswith(f"{finding['subject']}: ") for line in lines), finding
    assert lines[-1].startswith(f"{len(said['findings'])} checks: ")


def test_what_is_worth_a_look_does_not_fail(cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPG1_COMPANIES", "EC_NG")
    done = cpg1("doctor")
    assert "  LOOK  scope: narrowed" in done.stdout
    assert done.exit_code == 0


def test_an_empty_home_stays_empty(cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPG1_HOME", str(tmp_path / "new"))
    assert cpg1("doctor").exit_code == 0
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("spoil", "status"),
    [(lambda _: None, 0), (_refused, 1), (_unknown_error, 1), (_silent, 1), (_everything, 1)],
    ids=["as it should be", "refused", "unknown error", "silent", "everything"],
)
def test_no_value_of_the_connection_string_is_shown_but_server_and_database(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[FakeServer], None], status: int
) -> None:
    server = a_server()
    spoil(server)
    speak_for(server, monkeypatch)
    monkeypatch.setenv("DB_CONNECTION_STRING", GIVEN)
    monkeypatch.setenv("CPG1_LOGIN_TIMEOUT", "1")
    text, as_json = cpg1("doctor"), cpg1("doctor", "--json")
    server.released.set()
    assert (text.exit_code, as_json.exit_code) == (status, status)
    assert "source: SQL Server: books.example,1433, database master" in text.stdout
    assert server.connected_with
    assert "hunter-2}}-hunter" in server.connected_with[0]
    for secret in SECRETS:
        assert secret not in text.output
        assert secret not in as_json.output
        assert secret not in json.dumps(json.loads(as_json.stdout), ensure_ascii=False)
