"""The whole product on a server, as people run it, and nothing of the connection string left behind."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from cpg1_assets.cli.commands import main
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.tds.server import PASSWORD, USER, TdsServer

_SECRETS = (USER, PASSWORD, PASSWORD.replace("}", "}}"), "wkst-hunter2", "wrong-hunter3")


def _closed(
    given: str, closed: Closed, home: Path, books: Path
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Close the month in processes of its own; give what was said, and what every process was called meanwhile."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CPG1_")},
        "CPG1_HOME": str(home),
        "CPG1_INBOX": str(books / "inbox"),
        "CPG1_RETRY_WAITS": "0",
        "CPG1_LOGIN_TIMEOUT": "2",
        "DB_CONNECTION_STRING": given + "WSID=wkst-hunter2;",
    }
    titles: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for line in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    titles.append(line.read_bytes().decode(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cpg1_assets", "close", "--month", closed.month],
            env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
    finally:
        over.set()
        watcher.join()
    return done, "\n".join(titles)


def _assert_nothing_is_shown(done: subprocess.CompletedProcess[str], titles: str, home: Path) -> None:
    for secret in _SECRETS:
        assert secret not in done.stdout + done.stderr
        assert secret not in titles
        for path in filter(Path.is_file, home.rglob("*")):
            assert secret.encode() not in path.read_bytes(), path
            assert secret not in str(path)


def test_a_month_closes_on_the_server_as_on_the_sample_books(
    server: TdsServer, closed: Closed, sample_books: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done, titles = _closed(server.connection_string, closed, home, sample_books)
    assert done.returncode in (0, 3, 4), done.stderr
    for asset in sorted(closed.materialized() - {"evidence_manifest"}):
        written = home / "storage" / asset / f"{closed.month}.parquet"
        assert written.read_bytes() == closed.path(asset).read_bytes(), asset
    assert {login.application for login in server.logins} >= {
        f"cpg1-assets {name} {closed.month}" for name in ("cr_03", "ipe_31")
    }
    _assert_nothing_is_shown(done, titles, home)


@pytest.mark.parametrize("wrong", ["password", "port"])
def test_a_month_that_cannot_be_closed_says_why_and_shows_nothing(
    server: TdsServer, closed: Closed, sample_books: Path, tmp_path: Path, wrong: str
) -> None:
    given = server.connection_string
    given = (
        given.replace("PWD={", "PWD={wrong-hunter3")
        if wrong == "password"
        else given.replace(f",{server.port};", ",1;")
    )
    done, titles = _closed(given, closed, tmp_path / "home", sample_books)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert ("refused the login" if wrong == "password" else "SQLSTATE") in said
    record = json.loads((tmp_path / "home" / "closes" / f"{closed.month}.json").read_text(encoding="utf-8"))
    assert record["exit_status"] == 1
    if wrong == "password":
        assert len(server.logins) == 1  # a second one may lock the account
        assert [step for step, _ in record["failures"]] == ["source"]
    else:
        assert re.search(
            r"cr_03: failed, trying again in 0 s\. tcp:127\.0\.0\.1,1, connecting .*SQLSTATE", said
        )
    _assert_nothing_is_shown(done, titles, tmp_path / "home")
    kept = [path for path in (tmp_path / "home" / "storage").rglob("*") if path.is_file()]
    # What was sealed the month before comes from the evidence, and asks no server.
    assert {path.relative_to(tmp_path / "home" / "storage").parts[0] for path in kept} <= {
        "open_items_before"
    }


def test_a_backfill_sends_a_wrong_password_once(
    server: TdsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = server.connection_string.replace("PWD={", "PWD={wrong-hunter3")
    monkeypatch.setenv("DB_CONNECTION_STRING", given)
    monkeypatch.setenv("CPG1_HOME", str(tmp_path / "home"))
    done = CliRunner().invoke(main, ["backfill", "2025-01", "2025-03"])
    assert done.exit_code == 1
    assert "refused the login" in done.output
    assert len(server.logins) == 1
