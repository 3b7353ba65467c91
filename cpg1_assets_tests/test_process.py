"""A process is known by its sign of life: by its number only where numbers mean the same, and started when it did."""

import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets import sign_of_life
from cpg1_assets.process import (
    RESTARTED_SECONDS,
    SILENT_SECONDS,
    Process,
    is_the_runs_own,
    lives_in,
    workers_belong_to_this,
)
from cpg1_assets_tests.required import NAMESPACES, require

SHOWS_ITSELF = (
    "import sys; from pathlib import Path; from cpg1_assets.process import Process, lives_in;"
    "lives_in(Path(sys.argv[1])); print(Process.own().written(), flush=True);"
)
ELSEWHERE: dict[str, Any] = {"namespace": "pid:[1]"}
OTHER_HOST: dict[str, Any] = {"host": "elsewhere", "boot": "another"}
RESTARTED: dict[str, Any] = {"boot": "another"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a home in which this process shows that it lives."""
    lives_in(tmp_path)
    return tmp_path


@contextmanager
def living(home: Path, *command: str) -> Iterator[tuple[Process, "subprocess.Popen[str]"]]:
    """Start a process that shows itself in `home` and waits; `command` goes before its own."""
    whole = [*command, sys.executable, "-c", SHOWS_ITSELF + "sys.stdin.read()", str(home)]
    with subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        process = Process.read(child.stdout.readline())
        assert process is not None
        yield process, child
        child.kill()


def signed(home: Path, *, silent: float, locked: bool = True) -> Process:
    """Leave the sign of a process that nobody holds, last touched `silent` seconds ago."""
    token = secrets.token_hex(8)
    process = replace(
        Process.own(), number=4_000_000, token=token, home=str(home), home_id=sign_of_life.id_of(home)
    )
    path = home / "processes" / token
    path.write_text(json.dumps({**json.loads(process.written()), "locked": locked}))
    then = time.time() - silent
    os.utime(path, (then, then))
    return process


def test_this_process_lives_and_can_be_written_and_read(home: Path) -> None:
    process = Process.of_the_run()
    assert process.number == os.getpid()
    assert process.is_of_this_host
    assert not process.is_gone
    assert Process.read(process.written()) == process
    assert process.home == str(home)
    for elsewhere in (ELSEWHERE, OTHER_HOST, RESTARTED, ELSEWHERE | {"host": "a-container"}):
        assert not replace(process, **elsewhere).is_gone, "its sign is held, wherever it is looked at from"


def test_another_process_of_the_same_number_is_not_the_one(home: Path) -> None:
    assert replace(Process.own(), started="another").is_gone
    assert replace(Process.own(), token="0" * 16, started="1", home=str(home)).is_gone


def test_a_process_that_has_ended_is_gone_also_before_its_parent_asks(home: Path) -> None:
    with living(home) as (process, child):
        assert not process.is_gone
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert process.is_gone, "a zombie does not work on a month"
    assert process.is_gone


@pytest.mark.parametrize("seen_from", [{}, ELSEWHERE, ELSEWHERE | {"host": "a-container"}])
def test_on_one_machine_the_lock_decides_at_once_in_whatever_container(
    home: Path, seen_from: dict[str, Any]
) -> None:
    with living(home) as (process, child):
        seen = replace(process, **seen_from)
        assert not seen.is_gone
        child.kill()
        child.wait()
        assert seen.is_gone


def test_in_a_namespace_where_the_number_is_given_again_the_dead_is_told_from_the_living(home: Path) -> None:
    require(NAMESPACES)
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with living(home, *inside) as (dead, child):
        assert dead.number == 1
        assert not dead.is_gone
        child.kill()
        child.wait()
        with living(home, *inside) as (alive, _):
            assert alive.number == dead.number
            _until(lambda: dead.is_gone)
            assert not alive.is_gone


@pytest.mark.parametrize(
    ("seen_from", "silent", "locked", "gone"),
    [
        (OTHER_HOST, SILENT_SECONDS + 60, True, True),
        (OTHER_HOST, SILENT_SECONDS - 60, True, False),
        (RESTARTED, RESTARTED_SECONDS + 10, True, True),
        (RESTARTED, RESTARTED_SECONDS - 20, True, False),
        (ELSEWHERE, 0, True, True),
        (ELSEWHERE, SILENT_SECONDS - 60, False, False),
        (ELSEWHERE, SILENT_SECONDS + 60, False, True),
    ],
)
def test_where_no_lock_can_tell_the_last_touch_decides(
    home: Path, seen_from: dict[str, Any], silent: float, *, locked: bool, gone: bool
) -> None:
    assert replace(signed(home, silent=silent, locked=locked), **seen_from).is_gone == gone


def test_a_sign_that_is_not_in_its_home_any_more_is_of_a_process_that_ended(
    home: Path, tmp_path: Path
) -> None:
    process = signed(home, silent=0)
    (home / "processes" / process.token).unlink()
    assert replace(process, **OTHER_HOST).is_gone
    other = replace(process, **OTHER_HOST, home=str(tmp_path / "not here"), home_id="another")
    assert not other.is_gone, "its home is not known here: nothing is certain"
    same_path = replace(process, **OTHER_HOST, home_id="another")
    assert not same_path.is_gone, "a folder of the same path on another machine is another home"


def test_a_process_that_shows_itself_nowhere_is_not_ended_from_elsewhere() -> None:
    process = replace(Process.own(), token="0" * 16, home="", home_id="")
    assert not replace(process, **ELSEWHERE).is_gone
    assert not replace(process, **OTHER_HOST).is_gone
    assert replace(process, **RESTARTED).is_gone


def test_of_an_earlier_versions_process_on_another_host_nothing_is_certain() -> None:
    process = replace(Process.own(), token="", namespace="", home="", home_id="")
    assert not process.is_gone
    assert not replace(process, **OTHER_HOST).is_gone
    assert replace(process, started="another").is_gone
    assert replace(process, boot="another").is_gone


@given(
    host=st.sampled_from([Process.own().host, "elsewhere"]),
    boot=st.sampled_from([Process.own().boot, "another"]),
    namespace=st.sampled_from([Process.own().namespace, "", "pid:[1]"]),
    number=st.sampled_from([1, os.getpid(), 4_000_000]),
)
def test_a_process_whose_sign_is_held_is_gone_only_where_its_number_says_so(
    tmp_path_factory: pytest.TempPathFactory, host: str, boot: str, namespace: str, number: int
) -> None:
    lives_in(tmp_path_factory.getbasetemp())
    seen = replace(Process.own(), host=host, boot=boot, namespace=namespace, number=number)
    here = boot == Process.own().boot and namespace == Process.own().namespace
    assert seen.is_gone == (here and number != os.getpid())


def test_a_sign_that_somebody_took_away_is_shown_again(home: Path) -> None:
    path = home / "processes" / Process.own().token
    path.unlink()
    lives_in(home)
    assert sign_of_life.is_held(path)


def test_signs_of_the_dead_are_kept_a_day_and_then_cleared(home: Path) -> None:
    fresh = signed(home, silent=60)
    old = signed(home, silent=sign_of_life.KEPT_SECONDS + 60)
    subprocess.run([sys.executable, "-c", SHOWS_ITSELF, str(home)], check=True, capture_output=True)
    left = [path.name for path in sign_of_life.all_in(home)]
    assert sorted(left) == sorted([fresh.token, Process.own().token])
    assert old.token not in left


def test_a_copy_of_a_process_is_another_one_and_does_not_hold_its_sign(home: Path) -> None:
    before = Process.own().token
    child = os.fork()
    if child == 0:
        os._exit(0 if Process.own().token != before and not sign_of_life.homes() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert sign_of_life.is_held(home / "processes" / before)


def test_a_worker_belongs_to_the_process_that_says_so_and_to_no_other_parent() -> None:
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as pool:  # as a code server starts a run: a process of its own
        number, is_own = pool.apply(_as_a_worker)
        assert number != os.getpid()
        assert is_own
    with workers_belong_to_this(), spawn.Pool(1) as pool:
        assert pool.apply(_as_a_worker) == (os.getpid(), False)


def _as_a_worker() -> tuple[int, bool]:
    return Process.of_the_run().number, is_the_runs_own()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        '{"host": "h", "boot": "b", "number": "x", "started": "s"}',
    ],
)
def test_what_is_no_process_is_none(text: str) -> None:
    assert Process.read(text) is None


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
