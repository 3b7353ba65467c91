"""Whatever a person gets wrong is answered by one sentence that names it: never a traceback, and nothing is left.

Options and settings here; files that are damaged are in `test_damaged_files`, encodings and `.env` in
`test_environment`.
"""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cpg1_assets.cli.commands import main

LONG = "x" * 10_000
NOT_TEXT = b"\xff".decode("utf-8", "surrogateescape")
MONTH = "a month"
MONTHS = ["", " ", ",", "2025-9", "2025-13", "0000-00", "2025-09-30", "September", "2023-12", "9999-99", "-1", "٢٠٢٥-٠٩",
          "2025-09\n2025-10", "\x1b[31m", "\x07", LONG, NOT_TEXT]  # fmt: skip
WITH_A_MONTH = [
    ["close", "--month"], ["sql", "ipe_07", "--month"], ["status"], ["evidence", "verify"], ["evidence", "export",
    "--out", "/nowhere/x.zip"], ["evidence", "reperform"], ["evidence", "ipe"], ["backfill", "2025-09"],
    ["reopen", "--name", "Ada", "--reason", "late"], ["comments"],
    ["evidence", "sign-off", "--role", "preparer", "--name", "Ada", "--comment", "seen"],
]  # fmt: skip
MONTH_INPUTS = [([*command, "--", month] if "--month" not in command else [*command, month], MONTH)
                for command in WITH_A_MONTH for month in MONTHS]  # fmt: skip
OPTIONS = [
    (["close", "--companies", ""], "--companies"),
    (["close", "--companies", ","], "--companies"),
    (["close", "--companies", " , "], "--companies"),
    (["close", "--companies", "EC_NG", ""], "--companies"),
    (["close", "--companies", "XX"], "XX"),
    (["close", "--companies", "EC_NG,YY"], "YY"),
    (["close", "--companies", NOT_TEXT], "--companies"),
    (["close", "--companies", LONG], "XXX"),
    (["close", "--companies", "../../etc"], "../../ETC"),
    (["close", "--gl-accounts", ""], "--gl-accounts"),
    (["close", "--gl-accounts", " "], "--gl-accounts"),
    (["close", "--gl-accounts", "99999"], "99999"),
    (["close", "--cutoff-date", ""], "--cutoff-date"),
    (["close", "--cutoff-date", "2025-09-15"], "2025-09-15"),
    (["close", "--cutoff-date", "30.09.2025"], "30.09.2025"),
    (["close", "--cutoff-date", LONG], "cutoff date"),
    (["close", "--cutoff-date", "0001-01-01"], "0001-01-01"),
    (["close", "--cutoff-date", "9999-12-31"], "9999-12"),
    (["close", "--month", "2025-09", "--cutoff-date", "2025-09-30"], "--cutoff-date"),
    (["close", "--month", "2026-01"], "2026-01"),
    (["close", "2025-09"], "2025-09"),
    (["close", "--mont"], "--mont"),
    (["close", "--month"], "--month"),
    (["backfill"], "FIRST"),
    (["backfill", "2025-09"], "LAST"),
    (["backfill", "", "2025-09"], "FIRST"),
    (["backfill", "2025-09", "2025-08"], "2025-08"),
    (["backfill", "2025-09", "2025-10", "--workers", "0"], "--workers"),
    (["backfill", "2025-09", "2025-10", "--workers", "many"], "--workers"),
    (["backfill", "2025-12", "2026-01"], "2026-01"),
    (["runs", "--limit", "0"], "--limit"),
    (["runs", "--limit", ""], "--limit"),
    (["runs", "show", ""], "RUN_ID"),
    (["runs", "show", " "], "RUN_ID"),
    (["runs", "show", NOT_TEXT], "RUN_ID"),
    (["runs", "history", ""], "RUN_ID"),
    (["runs", "nothing"], "nothing"),
    (["sql", ""], "EXTRACT"),
    (["sql", "ipe_99"], "ipe_99"),
    (["sql", "../ipe_07"], "../ipe_07"),
    (["sql", LONG], "xxx"),
    (["sql", "ipe_07", "--dialect", "oracle"], "--dialect"),
    (["sample", "--seed", "-1"], "--seed"),
    (["sample", "--seed", "1.5"], "--seed"),
    (["sample", "--factor", "0"], "--factor"),
    (["evidence"], "verify"),
    (["evidence", "nothing"], "nothing"),
    (["evidence", "verify", "--path", ""], "--path"),
    (["evidence", "verify", "--path", "/nowhere"], "/nowhere"),
    (["evidence", "verify", "--anchor", "", "--path", "/usr"], "--anchor"),
    (["evidence", "verify", "--anchor", "12", "--path", "/usr"], "'12'"),
    (["evidence", "verify", "--trusted-key", "/nowhere/key"], "/nowhere/key"),
    (["evidence", "verify", "--trusted-key", "/usr"], "/usr"),
    (["evidence", "keygen", "--out", "/nowhere/key"], "/nowhere/key"),
    (["evidence", "keygen", "--out", ""], "--out"),
    (["evidence", "export", "2025-09"], "--out"),
    (["evidence", "export", "2025-09", "--out", "/nowhere/x.zip"], "2025-09"),
    (["evidence", "reperform", "2025-09", "--path", "/nowhere"], "/nowhere"),
    (["evidence", "ipe", "--path", ""], "--path"),
    (["evidence", "sign-off", "2025-09", "--role", "boss", "--name", "A", "--comment", "c"], "--role"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "", "--comment", "c"], "--name"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", NOT_TEXT, "--comment", "c"], "--name"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "A", "--comment", " "], "--comment"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "A", "--comment", "c", "--check", "x"], "'x'"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "A", "--comment", "c", "--item", "x"], "'x'"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "A", "--comment", "c", "--item", "=x"], "'=x'"),
    (["comments", ""], "MONTH"),
    (["evidence", "sign-off", "2025-09", "--role", "preparer", "--name", "A", "--comment", "c", "--variance", ""],
     "--variance"),
    (["reopen", "2025-09", "--name", "A"], "--reason"),
    (["reopen", "2025-09", "--name", "A", "--reason", ""], "--reason"),
    (["ui", ""], "ARGUMENTS"),
    (["nothing"], "nothing"),
    ([""], ""),
    ([NOT_TEXT], ""),
]  # fmt: skip
SETTINGS = [
    ("CPG1_SOURCE", "oracle"), ("CPG1_SOURCE", "sqlserver"), ("CPG1_SOURCE", "'sample'"), ("CPG1_EXECUTOR", "threads"),
    ("CPG1_COMPANIES", ","), ("CPG1_COMPANIES", " , ,"), ("CPG1_COMPANIES", '"EC_NG"'), ("CPG1_GL_ACCOUNTS", ","),
    ("CPG1_HOME", "'/srv/x'"), ("CPG1_HOME", '"/srv/x"'), ("CPG1_HOME", "/srv/a?b"), ("CPG1_HOME", "/srv/a*b"),
    ("CPG1_HOME", "/srv/a[b]"), ("CPG1_HOME", "/srv/a%41b"), ("CPG1_HOME", "/srv/a::b"), ("CPG1_HOME", "/srv/a\nb"),
    ("CPG1_HOME", f"/srv/{NOT_TEXT}"), ("CPG1_HOME", f"/srv/{LONG}"), ("CPG1_HOME", "/srv/" + "a/" * 2_000),
    ("CPG1_HOME", "~nobody_of_that_name/x"), ("CPG1_STORAGE", "/"), ("CPG1_STORAGE", "nope://x"),
    ("CPG1_STORAGE", "/srv/a*b"), ("CPG1_STORAGE", "file:///srv/a?b"), ("CPG1_STORAGE", "simplecache::nope://x"),
    ("CPG1_STORAGE", "a\nb"), ("CPG1_INBOX", ""), ("CPG1_INBOX", "inbox"), ("CPG1_INBOX", "/nowhere"),
    ("CPG1_INBOX", f"/srv/{NOT_TEXT}"), ("CPG1_INBOX", f"/{LONG}"), ("CPG1_INBOX", "'/srv'"),
    ("CPG1_RULES", "/nowhere"), ("CPG1_RULES", f"/{LONG}"), ("CPG1_RULES", NOT_TEXT), ("CUTOFF_DATE", "2025-09-15"),
    ("CUTOFF_DATE", "soon"), ("CUTOFF_DATE", '"2025-09-30"'), ("CPG1_RETRY_WAITS", "soon"),
    ("CPG1_RETRY_WAITS", "-1"), ("CPG1_MAX_RUN_SECONDS", "0"), ("CPG1_MAX_RUN_SECONDS", "9" * 5_000),
    ("CPG1_MAX_RUN_SECONDS", "٣"), ("CPG1_MAX_CONCURRENT_QUERIES", "1.5"), ("CPG1_LOCK_TIMEOUT", "99999999999"),
    ("CPG1_DATABASES", "AIG_Nav_DW"), ("CPG1_DATABASES", "Other=x"), ("CPG1_COLLATION", "Latin1_General_CI_AS"),
    ("CPG1_SNAPSHOT", "maybe"), ("CPG1_SIGNING_KEY", "not a key"), ("CPG1_SIGNING_KEY_FILE", "/nowhere/key"),
    ("CPG1_SIGNING_KEY_FILE", "/usr"), ("CPG1_SIGNING_KEY_FILE", "~nobody_of_that_name/key"),
    ("CPG1_CERTIFICATION_FILE", "/nowhere/words"), ("CPG1_CERTIFICATION_FILE", "/dev/null"),
    ("CPG1_CERTIFICATION_FILE", "/dev/zero"), ("DB_CONNECTION_STRING", "Driver"),
    ("DB_CONNECTION_STRING", "mssql://u:hunter2@h/x"), ("DB_CONNECTION_STRING", '"Driver={x};Pwd=hunter2"'),
    ("DAGSTER_HOME", "relative"), ("DAGSTER_HOME", "/nowhere"), ("DAGSTER_HOME", "/dev/null"),
    ("DAGSTER_HOME", "/srv/a?b"), ("DAGSTER_HOME", '"/srv"'), ("DAGSTER_HOME", NOT_TEXT),
]  # fmt: skip


WORDED = {
    ("CPG1_SOURCE", "sqlserver"): "DB_CONNECTION_STRING",
    ("CPG1_RULES", "/nowhere"): "/nowhere",
    ("CUTOFF_DATE", "2025-09-15"): "2025-09-15",
    ("CUTOFF_DATE", "soon"): "'soon'",
}
"""What the sentence has, where it is not the variable's name."""
READ_BY_CLOSE_ONLY = {("CUTOFF_DATE", "2025-09-15"), ("CUTOFF_DATE", "soon")}


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home that is not there yet, in an empty folder that commands start in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CPG1_HOME", str(tmp_path / "home"))
    return tmp_path


def refused(arguments: list[str]) -> Result:
    """Run a command that must be refused, and look whether it is as a person should be."""
    started = time.monotonic()
    done = CliRunner().invoke(main, arguments)
    assert time.monotonic() - started < 5
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output
    assert "did not foresee" not in done.output
    assert "does not know what to do" not in done.output
    assert "hunter2" not in done.output
    done.output.encode()
    return done


def test_the_tables_are_whole() -> None:
    assert len(MONTH_INPUTS) + len(OPTIONS) + len(SETTINGS) > 290


@pytest.mark.parametrize(("arguments", "named"), [*MONTH_INPUTS, *OPTIONS])
def test_a_wrong_option_is_named_and_nothing_is_left(fresh: Path, arguments: list[str], named: str) -> None:
    done = refused(arguments)
    assert any(word in done.stderr for word in (("month", "MONTH", "LAST") if named == MONTH else (named,)))
    assert list(fresh.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        *((["close", "--json"], *setting) for setting in SETTINGS),
        *(
            (["backfill", "2025-09", "2025-10", "--json"], *s)
            for s in SETTINGS
            if s not in READ_BY_CLOSE_ONLY
        ),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_left(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    done = refused(command)
    wanted = WORDED.get((name, value), name)
    assert wanted in done.stderr
    said = json.loads(done.stdout)
    assert said["exit_status"] == 1
    assert wanted in said["error"]
    assert list(fresh.iterdir()) == []
