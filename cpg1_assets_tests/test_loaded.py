"""What computes is what was loaded: the deciding files are read first, and a difference on the disk is said."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cpg1_assets import loaded
from cpg1_assets.control_version import ControlVersion, Git, control_version
from cpg1_assets.deployment import open_deployment, read_rules, require_as_loaded
from cpg1_assets.errors import LoadedError
from cpg1_assets.settings import Settings


def test_every_file_of_the_deciding_rooms_is_known_and_nothing_else() -> None:
    rooms = ("comments", "effectiveness", "extracts", "inbox", "jdash", "rules", "sources", "storage")
    there = {
        path.relative_to(loaded.PACKAGE).as_posix()
        for room in rooms
        for path in (loaded.PACKAGE / room).rglob("*")
        if path.suffix in {".py", ".sql", ".yaml"}
    }
    assert there <= loaded.TEXTS.keys()
    assert {name.partition("/")[0] for name in loaded.TEXTS if "/" in name} == {*rooms, "graph"}
    assert all((loaded.PACKAGE / name).read_bytes() == text for name, text in loaded.TEXTS.items())


def test_nothing_of_the_package_runs_before_its_files_were_read() -> None:
    """The first module of ours that Python imports is the one that reads them."""
    script = (
        "import sys, cpg1_assets.rules.vocabulary;"
        "print(*sorted([n for n in sys.modules if n.startswith('cpg1_assets')][:2]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "cpg1_assets cpg1_assets.loaded"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"a": b"1", "b": b"2"}, []),
        ({"a": b"1", "b": b"x"}, ["b changed"]),
        ({"a": b"1"}, ["b went"]),
        ({"a": b"1", "b": b"2", "c": b""}, ["c came"]),
    ],
)
def test_what_became_of_each_file_is_told(now: dict[str, bytes], told: list[str]) -> None:
    assert loaded.differing({"a": b"1", "b": b"2"}, now) == told


def test_a_rule_file_that_changes_while_the_process_lives_is_named(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, content in read_rules(loaded.PACKAGE / "rules").files.items():
        (rules / name).write_bytes(content)
    deployment = open_deployment(Settings(home=tmp_path / "home", rules_folder=rules))
    before = deployment.version.digest
    require_as_loaded(deployment)
    with (rules / "thresholds.yaml").open("a") as file:
        file.write("# a remark\n")
    with pytest.raises(LoadedError, match=r"thresholds\.yaml changed"):
        require_as_loaded(deployment)
    assert deployment.version.digest == before
    assert open_deployment(deployment.settings).version.digest != before
    (rules / "lines.yaml").unlink()
    with pytest.raises(LoadedError, match=r"lines\.yaml went"):
        require_as_loaded(deployment)


def test_a_deciding_file_that_is_not_as_it_was_loaded_stops_the_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = {**loaded.TEXTS, "rules/vocabulary.py": b"# edited"}
    monkeypatch.setattr(loaded, "_read", lambda: edited)
    with pytest.raises(LoadedError, match=r"rules/vocabulary\.py changed"):
        open_deployment(Settings(home=tmp_path))


def test_the_control_version_is_of_every_file_and_of_the_rule_files_that_are_used() -> None:
    plain = control_version({})
    assert plain.contents == loaded.TEXTS
    assert control_version({"lines.yaml": b"other"}).digest != plain.digest
    assert control_version({"lines.yaml": loaded.TEXTS["rules/lines.yaml"]}).digest == plain.digest
    for name in ("rules/engine.py", "extracts/queries/ipe_07.sql", "extracts/scope.yaml", "frame.py"):
        assert ControlVersion({**loaded.TEXTS, name: b"x"}, None).digest != plain.digest, name


def test_where_one_part_ends_and_the_next_begins_is_part_of_a_digest() -> None:
    assert loaded.digest_of({"a": b"bc"}) != loaded.digest_of({"ab": b"c"})
    assert loaded.digest_of({"a": b"", "b": b"c"}) != loaded.digest_of({"a": b"b", "c": b""})


def test_the_commit_and_whether_the_tree_was_clean_go_with_the_version() -> None:
    said = ControlVersion({}, Git("abc", clean=False)).as_dict()
    assert said["git"] == {"commit": "abc", "clean": False}
    assert said["control_version"] == ControlVersion({}, None).digest


def test_bytecode_of_a_file_that_changed_without_its_time_or_size_is_not_run(tmp_path: Path) -> None:
    """Python takes bytecode for current by the time and size of its source alone."""
    tree = tmp_path / "tree"
    shutil.copytree(loaded.PACKAGE, tree / "cpg1_assets", ignore=shutil.ignore_patterns("__pycache__"))
    path = tree / "cpg1_assets" / "rules" / "case_folding.py"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
        "PYTHONPATH": str(tree)
    }
    shown = [sys.executable, "-c", "from cpg1_assets.rules import case_folding; print(case_folding._LATIN_1)"]

    def run() -> str:
        done = subprocess.run(
            shown, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert run() == "255"
    status, text = path.stat(), path.read_text()
    assert "_LATIN_1 = 0xFF" in text
    path.write_text(text.replace("_LATIN_1 = 0xFF", "_LATIN_1 = 0xFE"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert run() == "254"
