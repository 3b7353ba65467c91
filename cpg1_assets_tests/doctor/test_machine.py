"""What this machine needs is tried as a close would use it, and nothing is left behind."""

import errno
import fcntl
import os
import resource
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from cpg1_assets.doctor import driver_check, machine
from cpg1_assets.doctor.dagster_home import check_dagster_home
from cpg1_assets.doctor.folders import Need, needs
from cpg1_assets.errors import SourceError
from cpg1_assets.evidence.chain.signing import make_key
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets.sources import driver
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets_tests.doctor.conftest import about, only
from cpg1_assets_tests.doctor.fake_server import FakeServer, given

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - what shutil gives


def settings_of(home: Path) -> Settings:
    return Settings(home=home)


# Folders and storage


def test_a_new_home_is_fine_and_nothing_is_left_of_trying_it(tmp_path: Path) -> None:
    findings = machine.check_places(settings_of(tmp_path / "deep" / "home"))
    assert {finding.verdict for finding in findings} <= {"fine", "look"}
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_there_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "kept").touch()
    machine.check_places(settings_of(tmp_path))
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "storage", "storage/kept",
    ]  # fmt: skip


def test_a_home_that_cannot_be_made_must_be_mended(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    findings = machine.check_places(settings_of(tmp_path / "file" / "home"))
    assert {f.subject for f in findings if f.verdict == "mend"} == {"home", "evidence", "storage"}
    assert all("CPG1_HOME" in finding.to_do for finding in findings if finding.verdict == "mend")
    assert (tmp_path / "file").read_bytes() == b""


def test_little_space_is_worth_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**9, 10**9))
    findings = machine.check_places(settings_of(tmp_path))
    assert {finding.verdict for finding in findings} == {"look"}
    assert "1.0 GB free" in findings[0].said


def test_no_space_at_all_must_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    findings = machine.check_places(settings_of(tmp_path))
    assert {finding.verdict for finding in findings} == {"mend"}


def test_what_a_close_needs_is_told_from_the_newest_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(settings_of(tmp_path))
    for run, size in (("older", 900), ("newer", 500)):
        package = home.package_folder("2025-09", "cr_03", run)
        package.mkdir(parents=True)
        (package / "data.parquet").write_bytes(bytes(size))
        os.utime(package, (len(run), size and 1_000 - size))
    (tmp_path / "storage" / "cr_03").mkdir(parents=True)
    (tmp_path / "storage" / "cr_03" / "2025-09.parquet").write_bytes(bytes(300))
    assert needs(home.settings) == Need(1_600, "twice what 2025-09 takes")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9_000, 8_000, 1_599))
    findings = machine.check_places(home.settings)
    mend = {finding.subject for finding in findings if finding.verdict == "mend"}
    assert mend == {"home", "evidence", "storage"}, "temporary files need less"
    assert "twice what 2025-09 takes" in findings[0].to_do


@pytest.mark.parametrize(("limit", "verdict"), [(40, "mend"), (64, "look"), (1_024, "fine")])
def test_the_limit_of_open_files_is_told(monkeypatch: pytest.MonkeyPatch, limit: int, verdict: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert machine.check_open_files().verdict == verdict


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO, errno.ENOLCK])
def test_what_a_folder_refuses_is_told_with_its_setting_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    findings = machine.check_places(
        replace(settings_of(tmp_path / "home"), storage=str(tmp_path / "storage"))
    )
    assert {finding.verdict for finding in findings} == {"mend"}
    for finding, setting in zip(findings, ("CPG1_HOME", "CPG1_HOME", "CPG1_STORAGE", "TMPDIR"), strict=True):
        assert os.strerror(number) in finding.said
        assert setting in finding.to_do
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_is_not_local_is_written_renamed_in_and_read(tmp_path: Path) -> None:
    findings = machine.check_places(replace(settings_of(tmp_path), storage="memory://doctor/books"))
    assert about(findings, "storage")[0].said.startswith("memory://doctor/books can be written")
    assert fsspec.filesystem("memory").find("/doctor") == []


@pytest.mark.parametrize("url", ["nosuch://key:hunter-2@bucket/x", "sftp://user:hunter-2@localhost:1/x"])
def test_a_storage_that_cannot_be_reached_is_said_without_its_credentials(tmp_path: Path, url: str) -> None:
    found = about(machine.check_places(replace(settings_of(tmp_path), storage=url)), "storage")[0]
    assert found.verdict == "mend"
    assert "CPG1_STORAGE" in found.to_do
    assert "hunter-2" not in repr(found)


# Key, inbox, books


def test_no_key_is_fine_and_a_key_is_known_by_its_id(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert machine.check_signing_key(settings).verdict == "fine"
    key = make_key(tmp_path / "key")
    with_key = replace(settings, signing_key_file=tmp_path / "key")
    assert key.key_id in machine.check_signing_key(with_key).said
    (tmp_path / "key").chmod(0o644)
    assert f"chmod 600 {tmp_path / 'key'}" in machine.check_signing_key(with_key).to_do


def test_a_key_that_cannot_be_used_must_be_mended_and_is_not_shown(tmp_path: Path) -> None:
    assert (
        machine.check_signing_key(replace(settings_of(tmp_path), signing_key_file=tmp_path)).verdict == "mend"
    )
    wrong = machine.check_signing_key(replace(settings_of(tmp_path), signing_key="hunter-2-hunter"))
    assert wrong.verdict == "mend"
    assert "hunter" not in repr(wrong)


def test_an_inbox_is_there_or_will_be_or_must_be_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert machine.check_inbox(settings).verdict == "fine"
    assert machine.check_inbox(replace(settings, source="sqlserver")).verdict == "look"
    assert machine.check_inbox(replace(settings, inbox=tmp_path / "no")).verdict == "mend"
    assert machine.check_inbox(replace(settings, inbox=tmp_path)).verdict == "fine"


def test_sample_books_are_opened_if_they_are_there_and_not_made(tmp_path: Path, home: Path) -> None:
    assert "are not made yet" in machine.check_sample_books(settings_of(tmp_path / "new")).said
    assert not (tmp_path / "new").exists()
    assert machine.check_sample_books(settings_of(home)).verdict == "fine"
    (tmp_path / "sample_books").mkdir()
    (tmp_path / "sample_books" / "books.json").write_text("{}", encoding="utf-8")
    assert machine.check_sample_books(settings_of(tmp_path)).verdict == "mend"


def test_the_clock_is_told_with_its_time_zone() -> None:
    assert "time zone" in machine.check_clock().said


# Dagster


def test_a_dagster_home_not_there_yet_is_made_on_first_use(tmp_path: Path) -> None:
    found = check_dagster_home(settings_of(tmp_path), {})
    assert [finding.verdict for finding in found] == ["fine"]
    assert list(tmp_path.iterdir()) == []


def test_a_dagster_home_opens_and_says_how_many_queries_run_at_once(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\nconcurrency: {pools: {default_limit: 3}}\n", encoding="utf-8"
    )
    found = check_dagster_home(settings_of(tmp_path), {"DAGSTER_HOME": str(tmp_path)})
    assert {finding.verdict for finding in found} == {"fine"}
    assert about(found, "pool")[0].said == "at most 3 extracts ask the source at once"


def test_a_dagster_home_without_limits_is_worth_a_look(tmp_path: Path) -> None:
    found = check_dagster_home(settings_of(tmp_path), {"DAGSTER_HOME": str(tmp_path)})
    assert {f.subject for f in found if f.verdict == "look"} == {"dagster.yaml", "pool"}


def test_a_broken_dagster_yaml_must_be_mended(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: [", encoding="utf-8")
    found = only(check_dagster_home(settings_of(tmp_path), {"DAGSTER_HOME": str(tmp_path)}), "mend")
    assert str(tmp_path / "dagster.yaml") in found.said


@pytest.mark.parametrize("home", ["relative/home", "/no/such/dagster/home"])
def test_a_dagster_home_that_cannot_be_must_be_mended(tmp_path: Path, home: str) -> None:
    assert only(check_dagster_home(settings_of(tmp_path), {"DAGSTER_HOME": home}), "mend").subject == "home"


def test_a_database_that_cannot_be_written_must_be_mended_and_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"not a database, and long enough to be looked at" * 99)
    before = (tmp_path / "runs.db").read_bytes()
    found = only(check_dagster_home(settings_of(tmp_path), {"DAGSTER_HOME": str(tmp_path)}), "mend")
    assert (found.subject, str(tmp_path / "runs.db") in found.said) == ("database", True)
    assert (tmp_path / "runs.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


# ODBC


def test_an_installed_driver_is_fine(server: FakeServer) -> None:
    assert server.drivers
    assert {finding.verdict for finding in driver_check.check_driver(given())} == {"fine"}


def test_a_driver_that_is_not_installed_comes_from_the_wheel_or_must_be_installed(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.drivers = ("PostgreSQL Unicode",)
    monkeypatch.setattr(driver, "wheel_driver", lambda: tmp_path / "driver.so")
    assert "driver 18 from mssql-python-odbc is used" in driver_check.check_driver(given())[2].said
    monkeypatch.setattr(driver, "wheel_driver", lambda: None)
    found = only(driver_check.check_driver(given()), "mend")
    assert found.said.endswith("Installed: PostgreSQL Unicode.")
    assert "cpg1-assets[sqlserver]" in found.to_do


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Driver=/no/such/hunter-2.so;Server=s", "mend"),
        (f"Driver={__file__};Server=s", "fine"),
        ("Dsn=Books;Pwd=x", "fine"),
        ("Dsn=hunter-2;Pwd=x", "mend"),
        ("Driver={hunter-2};Server=s", "mend"),
        ("Server=s;Pwd=hunter-2", "mend"),
    ],
)
@pytest.mark.usefixtures("server")
def test_what_the_connection_string_names_is_looked_for_and_not_shown(text: str, verdict: str) -> None:
    found = driver_check.check_driver(ConnectionString.parse(text))[2]
    assert found.verdict == verdict
    assert "hunter-2" not in repr(found)


def test_a_missing_library_says_what_to_install(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SourceError("pyodbc cannot be imported (libodbc.so.2). Install the extra: pip install it.")

    assert server.drivers
    monkeypatch.setattr(driver, "pyodbc_module", missing)
    findings = driver_check.check_driver(given())
    assert only(findings, "mend").to_do.startswith("Install the extra")
    assert only(findings, "not asked").subject == "driver"


@pytest.mark.parametrize(
    ("content", "said"), [(b"SQL Server", "keeps months of the SQL Server"), (b"\xff", "does not say")]
)
def test_a_home_of_other_books_must_be_mended(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "books").write_bytes(content)
    found = only(machine.check_places(Settings(home=tmp_path)), "mend")
    assert (found.subject, said in found.said) == ("books", True)
