"""Whatever refuses something on a disk, a person reads where, why and what to do; the words are the libraries' own."""

import errno
import os
import pickle
import resource
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy

from cpg1_assets import home as home_room
from cpg1_assets.disk import sync, try_writing, write_whole
from cpg1_assets.errors import EvidenceError, StorageError
from cpg1_assets.home import Home, naming_places
from cpg1_assets.lock import held_lock
from cpg1_assets.refusal import DiskError, Refusal, naming, refusal_in, refusal_of, refused, said_of_disk
from cpg1_assets.settings import Settings

KNOWN = [
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ELOOP,
    errno.ENAMETOOLONG, errno.EIO, errno.EMFILE, errno.ENOLCK, errno.EFBIG, errno.ENOENT, errno.ESTALE,
]  # fmt: skip


def raised(call: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the library raises is what is looked at
        call()
    return caught.value


def found(error: BaseException) -> Refusal:
    refusal = refusal_of(error)
    assert refusal is not None, repr(error)
    return refusal


# The words of the libraries, from the libraries themselves


def test_duckdb_says_that_it_may_not_make_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spill = tmp_path / "file" / "spill"

    def sort() -> None:
        config: dict[str, Any] = {"memory_limit": "20MB", "temp_directory": str(spill)}
        with duckdb.connect(config=config) as engine:
            engine.execute(
                "CREATE TEMP TABLE t AS SELECT hash(i)::varchar AS h FROM range(2_000_000) AS r(i)"
            )

    assert (found(raised(sort)).path, found(raised(sort)).number) == (str(spill), errno.ENOTDIR)


def test_duckdb_says_that_it_has_no_room_to_sort(tmp_path: Path) -> None:
    def sort() -> None:
        config: dict[str, Any] = {
            "memory_limit": "20MB",
            "temp_directory": str(tmp_path),
            "max_temp_directory_size": "1MB",
        }
        with duckdb.connect(config=config) as engine:
            engine.execute(
                "CREATE TEMP TABLE t AS SELECT hash(i)::varchar AS h FROM range(2_000_000) AS r(i)"
            )

    refusal = found(raised(sort))
    assert (refusal.number, refusal.setting) == (errno.ENOSPC, "TMPDIR")


def test_arrow_says_what_it_could_not_open(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refusal = found(raised(lambda: pa.OSFile(str(tmp_path / "file" / "x"), "wb")))
    assert (refusal.number, refusal.path) == (errno.ENOTDIR, str(tmp_path / "file" / "x"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_arrow_says_that_a_device_is_full() -> None:
    def write() -> None:
        with pa.OSFile("/dev/full", "wb") as file:
            file.write(b"x" * 100_000)

    assert found(raised(write)).number == errno.ENOSPC


def test_sqlite_hides_why_and_what_a_small_file_meets_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "dagster").mkdir(parents=True)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/nowhere/runs.db")
    error = raised(engine.connect)
    assert found(error).hides_why
    home = Home(Settings(home=tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr(home_room, "try_writing", full)
    said = str(home.error_of(found(error)))
    assert said.startswith(
        "Dagster's database cannot be written (No space left on device). The disk of DAGSTER_HOME"
    )
    assert str(tmp_path / "home" / "dagster") in said


def test_sqlite_that_is_full_is_known_by_its_words() -> None:
    def fill() -> None:
        with sqlite3.connect(":memory:") as database:
            database.execute("PRAGMA max_page_count = 2")
            database.execute("CREATE TABLE t (a)")
            database.execute("INSERT INTO t VALUES (zeroblob(1000000))")

    assert found(raised(fill)).number == errno.ENOSPC


def test_python_that_finds_no_temporary_folder_names_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/such/folder"])
    monkeypatch.setattr(tempfile, "tempdir", None)
    refusal = found(raised(tempfile.gettempdir))
    assert "TMPDIR" in refusal.sentence()


@pytest.mark.parametrize(
    "text",
    [
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database or disk is full\n[SQL: INSERT …]",
        'duckdb.IOException: IO Error: Could not write file "/t/x": No space left on device',
        "OSError: [Errno 28] No space left on device: '/t/x'",
    ],
)
def test_a_refusal_is_known_by_the_text_that_an_event_log_keeps(text: str) -> None:
    refusal = refusal_in(text)
    assert refusal is not None
    assert refusal.number == errno.ENOSPC


# What it is made of


@pytest.mark.parametrize("number", KNOWN)
def test_every_refusal_names_the_path_the_setting_the_reason_and_what_to_do(
    tmp_path: Path, number: int
) -> None:
    settings = Settings(home=tmp_path / "home", storage=str(tmp_path / "storage"))
    path = tmp_path / "storage" / "cr_03" / "2025-09.parquet"
    with pytest.raises(StorageError) as caught, naming_places(settings):
        raise OSError(number, os.strerror(number), str(path))
    said = str(caught.value)
    assert str(path) in said
    assert os.strerror(number) in said
    assert "CPG1_STORAGE" in said or number == errno.EMFILE
    assert "\n" not in said


def test_a_refusal_survives_the_way_between_processes() -> None:
    error = refused(OSError(errno.ENOSPC, "full"), "The seal", "/home/x")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.refusal) == (str(error), error.refusal)


def test_what_is_no_refusal_is_left_alone() -> None:
    assert refusal_of(ValueError("no")) is None
    assert refusal_of(ConnectionRefusedError(errno.ECONNREFUSED, "no")) is None
    error = EvidenceError("The chain is damaged.")
    error.__cause__ = OSError(errno.EIO, "I/O error")
    assert refusal_of(error) is None, "it has words of its own"


def test_the_first_words_of_what_was_to_be_written_stay(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskError, match=r"^The seal at .*/x cannot be written \(No space left"),
        naming("The seal", tmp_path / "x"),
    ):
        raise OSError(errno.ENOSPC, "whatever the library says")


def test_what_a_disk_refuses_to_many_steps_is_alike() -> None:
    place = replace(Refusal(errno.ENOSPC, "No space left on device", "/h/a"))
    other = replace(place, path="/h/b")
    assert said_of_disk(place.sentence()) == said_of_disk(other.sentence()) != None  # noqa: E711
    assert said_of_disk("The chain is damaged.") is None


# Writing


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_small_file_is_whole_or_not_there_whatever_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_whole(tmp_path / "books", b"SAMPLE BOOKS\n")
    with monkeypatch.context() as patch:
        patch.setattr(os if call == "fsync" else Path, call, refuse)
        with pytest.raises(OSError, match="No space left") as caught:
            write_whole(tmp_path / "books", b"SQL Server\n")
    assert caught.value.filename == str(tmp_path / "books")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"SAMPLE BOOKS\n"]


def test_trying_a_folder_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try_writing(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="I/O error"):
        try_writing(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_made_durable_is_no_failure_and_a_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "fsync", refuse)
    sync(tmp_path)
    with pytest.raises(OSError, match=os.strerror(number)):
        sync(tmp_path / "file")


def test_a_home_needs_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    Home(Settings(home=tmp_path)).prepare()
    assert (tmp_path / "books").read_text(encoding="utf-8") == "SAMPLE BOOKS\n"


def test_a_full_disk_does_not_take_a_lock_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    with held_lock(tmp_path / "x.lock"):
        pass


@pytest.mark.parametrize("name", ["storage", "evidence", "claims", "closes", "locks", "logs"])
@pytest.mark.parametrize("what", ["file", "dangling link", "link to itself"])
def test_what_stands_in_the_way_is_told_before_anything_is_asked(
    tmp_path: Path, name: str, what: str
) -> None:
    at = tmp_path / name
    if what == "file":
        at.touch()
    else:
        at.symlink_to(at if what == "link to itself" else tmp_path / "nowhere")

    def begin() -> None:
        home = Home(Settings(home=tmp_path))
        home.prepare()
        home.require_places()

    with pytest.raises(StorageError, match=f"{at}.* CPG1_HOME"):
        begin()


@pytest.mark.parametrize("what", ["file", "dangling link"])
def test_a_home_that_is_no_folder_keeps_no_books(tmp_path: Path, what: str) -> None:
    at = tmp_path / "home"
    at.touch() if what == "file" else at.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match=f"CPG1_HOME {at} cannot be used"):
        _ = Home(Settings(home=at)).books_kept


def test_a_temporary_folder_that_is_not_there_is_told_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    home = Home(Settings(home=tmp_path / "home"))
    home.prepare()
    with pytest.raises(StorageError, match=r"TMPDIR .*nowhere cannot be used"):
        home.require_places()


def test_too_few_open_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20, 20))
    with pytest.raises(
        StorageError, match=r"may open 20 files at once, and a close needs 48: raise the limit"
    ):
        Home(Settings(home=tmp_path)).require_places()
