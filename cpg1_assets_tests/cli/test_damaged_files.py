"""Files that are damaged, or are none of ours: one sentence that names the file, and nothing else is hidden by it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cpg1_assets.loaded import PACKAGE
from cpg1_assets_tests.cli.conftest import Cpg1

MONTH = "2025-09"
DEEP = b"[" * 100_000
NO_JSON = {
    "deep": DEEP, "deep objects": b'{"a":' * 100_000, "not JSON": b"{", "bytes": bytes(range(256)), "empty": b"",
    "a list": b"[]", "a number": b"3", "a text": b'"x"', "null": b"null", "a long number": b"9" * 10_000,
}  # fmt: skip
NO_RECORD = NO_JSON | {
    "nothing in it": b"{}",
    "an exit status that is a text": b'{"exit_status": "0"}',
    "another month's": b'{"exit_status": 0, "month": "2025-08"}',
    "lines that are a number": b'{"exit_status": 0, "lines": 3}',
    "a line that is a list": b'{"exit_status": 0, "lines": [[]]}',
    "a check without a name": b'{"exit_status": 0, "lines": [], "failed_checks": [{}]}',
    "a failure of one word": b'{"exit_status": 1, "failures": [["x"]]}',
}
NO_CONFIG = {
    "not YAML": b"a: [1,\n", "a list": b"- a\n", "unknown": b"foo: 1\n", "bytes": bytes(range(256)), "deep": DEEP,
    "a module that is not there": b"run_storage:\n  module: nope.x\n  class: X\n  config: {}\n",
    "a tag": b"!!python/object/apply:os.system ['x']\n", "a text": b"hello",
    "a variable that is not set": b"local_artifact_storage:\n  module: dagster.core.storage.root\n"
    b"  class: LocalArtifactStorage\n  config: {base_dir: {env: NOT_SET_X}}\n",
}  # fmt: skip


def told(done: object, *named: str) -> str:
    """Give what a refused command said on standard error, once it is as a person should be told."""
    assert getattr(done, "exit_code", None) == 1
    output = str(getattr(done, "output", ""))
    assert "Traceback" not in output
    for name in named:
        assert name in output
    return output


@pytest.fixture
def record(home: Path) -> Path:
    """Give the place of a month's record."""
    path = home / "closes" / f"{MONTH}.json"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("content", NO_RECORD.values(), ids=NO_RECORD.keys())
def test_a_damaged_record_is_named_beside_what_is_in_storage(
    cpg1: Cpg1, record: Path, content: bytes
) -> None:
    record.write_bytes(content)
    told(cpg1("status"), str(record))
    told(cpg1("status", MONTH), str(record), "cpg1 close --month")
    said = json.loads(cpg1("status", MONTH, "--json").stdout)
    assert str(record) in said["damaged"][0]


def test_a_record_that_is_a_folder_is_named(cpg1: Cpg1, record: Path) -> None:
    record.mkdir()
    told(cpg1("status", MONTH), str(record))


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON.keys())
def test_a_damaged_list_of_the_sample_books_is_named(
    cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    books = tmp_path / "other" / "sample_books"
    books.mkdir(parents=True)
    (books / "books.json").write_bytes(content)
    monkeypatch.setenv("CPG1_HOME", str(books.parent))
    output = " ".join(cpg1("close", "--month", MONTH).output.split())
    assert str(books) in output
    assert "cpg1 sample" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("content", [b"", b"other books\n", b"\xff", DEEP])
def test_a_damaged_mark_of_the_books_is_named(cpg1: Cpg1, home: Path, content: bytes) -> None:
    (home / "books").write_bytes(content)
    for command in (["close"], ["status"], ["backfill", MONTH, MONTH], ["runs"]):
        told(cpg1(*command), str(home / "books"))


@pytest.mark.parametrize("content", NO_CONFIG.values(), ids=NO_CONFIG.keys())
def test_a_damaged_configuration_of_dagster_is_named(cpg1: Cpg1, home: Path, content: bytes) -> None:
    config = home / "dagster" / "dagster.yaml"
    config.parent.mkdir()
    config.write_bytes(content)
    told(cpg1("runs"), str(config))
    assert str(config) in cpg1("doctor").output


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5_000])


def _overwrite(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100] + b"\xa5" * 20_000)


def _make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _take_away_the_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            database.execute(f'DROP TABLE "{name}"')
        database.commit()


@pytest.mark.parametrize("name", ["runs.db", "event_log.db", "schedules.db"])
@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"\xa5" * 20_000), _cut, _overwrite, _make_a_folder]
)
def test_a_damaged_database_of_dagster_is_named(
    cpg1: Cpg1, home: Path, name: str, damage: Callable[[Path], object]
) -> None:
    assert cpg1("runs").exit_code == 0
    path = home / "dagster" / name
    damage(path)
    output = told(cpg1("runs"), str(path))
    assert "no figure and no evidence" in output
    told(cpg1("runs", "show", "x"), str(path))
    assert str(path) in cpg1("doctor").output


def test_an_event_log_without_its_table_is_named(
    cpg1: Cpg1, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpg1_assets.graph.dagster_home._SECONDS_TO_MAKE_TABLES", 0)
    assert cpg1("runs").exit_code == 0
    _take_away_the_tables(home / "dagster" / "event_log.db")
    told(cpg1("runs"), str(home / "dagster" / "event_log.db"), "event_logs")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        DEEP,
        b"a: " + b"{a: " * 5_000,
        b"a: &a [*a]\n",
        b"a: 1\na: 2\n",
        b"? [x]\n: 1\n",
    ],
    ids=[
        "empty",
        "a list",
        "not UTF-8",
        "deep",
        "deep mappings",
        "itself",
        "a key twice",
        "a key that is a list",
    ],
)
def test_a_damaged_rule_file_is_named(
    cpg1: Cpg1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    own = PACKAGE / "rules"
    rules = tmp_path / "rules"
    rules.mkdir()
    for each in own.glob("*.yaml"):
        (rules / each.name).write_bytes(each.read_bytes())
    (rules / "lines.yaml").write_bytes(content)
    monkeypatch.setenv("CPG1_RULES", str(rules))
    told(cpg1("status"), str(rules / "lines.yaml"))
