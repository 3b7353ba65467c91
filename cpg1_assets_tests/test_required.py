"""A machine that lacks a part skips its tests by name; in CI a missing part is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import odbc
from cpg1_assets_tests import required
from cpg1_assets_tests.required import EVERY_PART, Part, require

ROOT = Path(__file__).parents[1]
Outcome = (pytest.skip.Exception, pytest.fail.Exception)


def outcome(*parts: Part) -> tuple[type[BaseException] | None, str]:
    """Give what `require` comes to, and its words."""
    try:
        require(*parts)
    except Outcome as said:
        return type(said), str(said)
    return None, ""


def alone(part: Part, *, there: bool) -> Part:
    """Give the part as it would be on a machine that has it, or lacks it."""
    return Part(part.what, part.how, lambda: there)


@pytest.mark.parametrize("lacking", EVERY_PART, ids=lambda part: part.what)
def test_each_part_that_is_missing_alone_is_named_with_how_to_install_it(
    lacking: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = [alone(part, there=part is not lacking) for part in EVERY_PART]
    monkeypatch.delenv("CPG1_TESTS_REQUIRE_ALL", raising=False)
    assert outcome(*machine) == (pytest.skip.Exception, lacking.missing)
    assert lacking.what in lacking.missing
    assert "install" in lacking.how or "run the tests" in lacking.how
    monkeypatch.setenv("CPG1_TESTS_REQUIRE_ALL", "1")
    assert outcome(*machine) == (pytest.fail.Exception, lacking.missing)


@pytest.mark.parametrize("had", EVERY_PART, ids=lambda part: part.what)
def test_each_part_that_is_there_alone_lets_its_own_tests_run_and_no_others(
    had: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CPG1_TESTS_REQUIRE_ALL", raising=False)
    machine = [alone(part, there=part is had) for part in EVERY_PART]
    assert outcome(machine[EVERY_PART.index(had)]) == (None, "")
    first = next(part for part in EVERY_PART if part is not had)
    assert outcome(*machine) == (pytest.skip.Exception, first.missing)


def in_a_process(program: str, **environment: str) -> str:
    """Run a program with other variables than this process has, and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_driver_that_is_not_known_or_whose_library_is_gone_is_missing(tmp_path: Path) -> None:
    asked = "from cpg1_assets_tests.required import POSTGRESQL_DRIVER as part; print(part.is_there())"
    assert in_a_process(asked, ODBCSYSINI=str(tmp_path)) == "False"
    (tmp_path / "odbcinst.ini").write_text(f"[PostgreSQL Unicode]\nDriver={tmp_path / 'gone.so'}\n")
    assert in_a_process(asked, ODBCSYSINI=str(tmp_path)) == "False"


def test_programs_are_looked_for_on_the_path(tmp_path: Path) -> None:
    asked = "from cpg1_assets_tests.required import CHROMIUM, GIT; print(CHROMIUM.is_there(), GIT.is_there())"
    assert in_a_process(asked, PATH=str(tmp_path)) == "False False"
    for name in ("chromium", "git"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert in_a_process(asked, PATH=str(tmp_path)) == "True True"


@pytest.mark.parametrize(("all_required", "status", "told"), [("", 0, "1 skipped"), ("1", 1, "1 failed")])
def test_a_test_that_needs_only_the_driver_is_skipped_by_name_where_there_is_none(
    tmp_path: Path, all_required: str, status: int, told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}",
         f"{ROOT}/cpg1_assets_tests/postgres/test_faults.py", "-k", "accepts_and_stays_silent"],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "ODBCSYSINI": str(tmp_path), "CPG1_TESTS_REQUIRE_ALL": all_required},
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    assert told in done.stdout
    assert " is missing: apt-get install " in done.stdout


def test_the_benchmark_over_odbc_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = tuple(alone(part, there=False) for part in required.POSTGRESQL_OVER_ODBC)
    monkeypatch.setattr(required, "POSTGRESQL_OVER_ODBC", nothing)
    monkeypatch.setattr(required, "TDS_OVER_ODBC", nothing)
    odbc(tmp_path)
    said = capsys.readouterr().out
    assert said.count("not measured: an ODBC driver manager") == 3
    assert said.count("apt-get install unixodbc") == 3
