"""`cpg1 close` closes the month a person means, shows what came of it, and exits accordingly."""

import fcntl
import json
import os
import pty
import re
import shutil
import sqlite3
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import COMMAND, ClosedHome, Cpg1, environment, in_a_process

LAST_MONTH = "2025-12"
FIGURES = ("actual", "target_value", "variance", "bridges", "unexplained", "unexplained_usd", "status")


def test_without_a_month_the_last_of_the_books_is_closed(closed_home: ClosedHome) -> None:
    assert closed_home.said["month"] == LAST_MONTH
    assert closed_home.said["books"] == "SAMPLE BOOKS"
    assert len(closed_home.said["lines"]) == 9 * 6
    assert all(set(FIGURES) <= set(line) for line in closed_home.said["lines"])


def test_the_exit_status_says_that_lines_are_open(closed_home: ClosedHome) -> None:
    statuses = {line["status"] for line in closed_home.said["lines"]}
    assert "VARIANCE_DETECTED" in statuses
    assert closed_home.exit_status == closed_home.said["exit_status"] == 3


def test_figures_are_exact_and_those_of_storage(closed_home: ClosedHome) -> None:
    stored = pq.read_table(
        closed_home.home / "storage" / "reconciliation" / f"{LAST_MONTH}.parquet"
    ).to_pylist()
    said = closed_home.said["lines"]
    assert [line["variance"] for line in said] == [f"{row['variance']:f}" for row in stored]


def test_it_says_where_the_evidence_is(closed_home: ClosedHome) -> None:
    evidence = Path(closed_home.said["evidence"])
    assert evidence == closed_home.home / "evidence" / LAST_MONTH
    assert {"ipe_07", "jdash", "bridge_calculations", "bridge_classifications"} <= {
        path.name for path in evidence.iterdir()
    }


def test_no_voucher_code_leaves_the_books(closed_home: ClosedHome, sample_books: Path) -> None:
    """A voucher's code is money to whoever has it: it is in no file that the product writes."""
    (view,) = (sample_books / "tables").rglob("V_STORECREDITVOUCHER_CLOSING.parquet")
    codes = set(pq.read_table(view, columns=["code"])["code"].to_pylist())
    assert len(codes) > 1000
    searched = 0
    for path, text in texts(closed_home.home):
        searched += 1
        found = next((code for code in codes if code in text), None) if text else None
        assert found is None, path
    assert searched > 100


def texts(home: Path) -> Iterator[tuple[Path, str]]:
    """Give every file outside the books as text: Parquet by its text columns, all else by its bytes."""
    for path in sorted(home.rglob("*")):
        if not path.is_file() or "sample_books" in path.relative_to(home).parts:
            continue
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            words = {
                str(value)
                for name in table.column_names
                if str(table.schema.field(name).type) == "string"
                for value in table[name].unique().to_pylist()
            }
            yield path, "\n".join(words)
        elif path.suffix == ".db":
            with sqlite3.connect(path) as database:
                yield path, "\n".join(database.iterdump())
            database.close()
        else:
            yield path, path.read_bytes().decode("utf-8", "replace")


def test_a_person_sees_progress_then_a_table_then_the_evidence(cpg1: Cpg1, home: Path) -> None:
    done = cpg1("close", "--month", "2025-09", "--companies", "EC_NG", "JD_GH")
    assert done.exit_code in (0, 3, 4)
    text = done.output
    assert (
        text.index("Closing 2025-09")
        < text.index("  ipe_07 ")
        < text.index("threshold")
        < text.index("12 lines:")
        < text.index("Evidence ")
        < text.index("  CPG1_COMPANIES=EC_NG,JD_GH cpg1 explain 2025-09 --company EC_NG")
    )
    (ipe_07,) = [line.split() for line in text.splitlines() if line.startswith("  ipe_07 ")]
    assert ipe_07[2:] == ["rows", ipe_07[3], "s"], "rows, and the seconds it took"
    assert "SAMPLE BOOKS" in text
    assert "does not count as the control" in text
    assert "VARIANCE_DETECTED" in text or "RECONCILED" in text
    assert "12 lines:" in text
    assert not (home / "storage").exists()


def test_a_narrower_scope_has_its_own_place_only_whole_lines_and_may_be_fine(
    cpg1: Cpg1, home: Path, sample_books: Path
) -> None:
    truth = pq.read_table(sample_books / "truth" / "lines.parquet").to_pylist()
    fine = next(
        row
        for row in truth
        if row["line"] == "collections_ar" and row["month"] >= "2025-01" and row["status"] == "RECONCILED"
    )
    done = cpg1(
        "close", "--json", "--month", fine["month"], "--companies", fine["id_company"],
        "--gl-accounts", "13001", "13002", "13003",
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert done.exit_code == said["exit_status"] == 0
    assert [(line["id_company"], line["line"]) for line in said["lines"]] == [
        (fine["id_company"], "collections_ar")
    ]
    place = home / "scopes" / said["scope"]
    assert (place / "storage" / "reconciliation" / f"{fine['month']}.parquet").exists()
    assert said["evidence"].startswith(str(place))
    assert not (home / "storage").exists()
    assert not (home / "evidence").exists()
    contexts = [json.loads(path.read_text()) for path in place.rglob("00_system_context.json")]
    assert contexts
    assert all(context["scope"] == said["scope"] for context in contexts)
    assert not any(context["counts_as_the_control"] for context in contexts)


@pytest.mark.parametrize("cutoff", ["2025-10-31", "2025-11-01"])
def test_a_cutoff_date_is_the_last_day_or_the_day_after(cpg1: Cpg1, cutoff: str) -> None:
    done = cpg1("close", "--json", "--cutoff-date", cutoff, "--companies", "EC_XX")
    assert done.exit_code == 1, "refused for the company, after the month was understood"
    assert "EC_XX" in json.loads(done.stdout)["error"]
    done = cpg1("sql", "cr_05", "--json")
    assert json.loads(done.stdout)["month"] == LAST_MONTH


def test_the_month_of_cutoff_date_is_the_default_where_it_is_set(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cutoff, month in {"2025-10-31": "2025-10", "2025-11-01": "2025-10"}.items():
        monkeypatch.setenv("CUTOFF_DATE", cutoff)
        assert json.loads(cpg1("sql", "cr_05", "--json").stdout)["month"] == month


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--cutoff-date", "2025-09-15"], ["2025-09", "2025-08", "2025-09-30", "2025-08-31"]),
        (["--cutoff-date", "yesterday"], ["yesterday", "YYYY-MM-DD"]),
        (["--month", "September"], ["September", "YYYY-MM"]),
        (["--month", "2025-13"], ["2025-13", "YYYY-MM"]),
        (["--month", "2023-12"], ["2023-12", "2024-01"]),
        (["--month", "2026-01"], ["2026-01", "SAMPLE BOOKS", "2025-12"]),
        (["--month", "2025-09", "--cutoff-date", "2025-09-30"], ["not both"]),
        (["--month", "2025-09", "--companies", "EC_NG", "EC_XX"], ["EC_XX", "EC_NG", "JM_EG"]),
        (["--month", "2025-09", "--gl-accounts", "13001", "99999"], ["99999", "18412"]),
    ],
)
def test_what_cannot_be_closed_is_refused_by_name(
    cpg1: Cpg1, home: Path, arguments: list[str], named: list[str]
) -> None:
    done = cpg1("close", *arguments)
    assert done.exit_code == 1
    for name in named:
        assert name in done.stderr
    assert "Traceback" not in done.output
    assert not (home / "storage").exists()
    as_json = cpg1("close", "--json", *arguments)
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["exit_status"] == 1


def test_sql_server_without_a_connection_string_is_refused(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_SOURCE", "sqlserver")
    done = cpg1("close")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: DB_CONNECTION_STRING not set")


@pytest.mark.parametrize("impossible", ["/proc/cpg1/home", "a file in the way"])
def test_a_home_that_cannot_be_written_is_named(
    cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impossible: str
) -> None:
    if not impossible.startswith("/"):
        (tmp_path / "file").write_text("in the way")
        impossible = str(tmp_path / "file" / "home")
    monkeypatch.setenv("CPG1_HOME", impossible)
    done = cpg1("close", "--month", "2025-09")
    assert done.exit_code == 1
    assert "cannot be used" in done.stderr
    assert f"CPG1_HOME ({impossible})" in done.stderr or f"CPG1_HOME {impossible} " in done.stderr


def test_a_storage_of_an_unknown_kind_is_named(cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPG1_STORAGE", "nosuch://bucket")
    done = cpg1("close", "--month", "2025-09")
    assert done.exit_code == 1
    assert "CPG1_STORAGE nosuch://bucket" in done.stderr


def test_a_slip_in_a_rules_file_names_file_and_line(
    cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for path in Settings(home=tmp_path).rules_folder.glob("*.yaml"):
        shutil.copy(path, rules)
    thresholds = rules / "thresholds.yaml"
    lines = thresholds.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if "usd: 1000" in line)
    lines[at] = lines[at].replace("usd: 1000", "usd: lots")
    thresholds.write_text("\n".join(lines))
    monkeypatch.setenv("CPG1_RULES", str(rules))
    done = cpg1("close", "--month", "2025-09")
    assert done.exit_code == 1
    assert f"{thresholds}, line {at + 1}" in done.stderr


def test_the_command_works_as_a_module_and_has_a_version(home: Path) -> None:
    done = in_a_process(home, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("cpg1")


def test_on_a_terminal_of_80_columns_nothing_is_wider(closed_home: ClosedHome) -> None:
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [*COMMAND, "status", LAST_MONTH],
        env=environment(closed_home.home, {"TERM": "xterm"}), stdin=end, stdout=end, stderr=end,
    ):  # fmt: skip
        os.close(end)
        shown = b""
        with suppress(OSError):  # Linux says so that nobody writes there any more
            while part := os.read(terminal, 4096):
                shown += part
        os.close(terminal)
    assert b"\x1b[1;31mVARIANCE_DETECTED" in shown, "in colour"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    places = ("Evidence", "Report", "Workbook", "  cpg1 ")
    assert [line for line in lines if len(line) > 80 and not line.startswith(places)] == []
    assert lines[-1].startswith(f"  cpg1 explain {LAST_MONTH} --company ")
