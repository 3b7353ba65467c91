"""A process is known by its host, the boot of it, its number and its start: never by its number alone."""

import os
import subprocess
from dataclasses import replace

import pytest

from cpg1_assets.process import Process


def test_this_process_lives_and_can_be_written_and_read() -> None:
    process = Process.of_the_run()
    assert process.number == os.getpid()
    assert process.is_of_this_host
    assert not process.is_gone
    assert Process.read(process.written()) == process


def test_another_process_of_the_same_number_is_not_the_one() -> None:
    assert replace(Process.of_the_run(), started="another").is_gone
    assert replace(Process.of_the_run(), boot="another").is_gone


def test_a_process_that_has_ended_is_gone_also_before_its_parent_asks() -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = replace(Process.of_the_run(), number=child.pid, started=_started(child.pid))
    assert not process.is_gone
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone, "a zombie does not work on a month"
    child.wait()
    assert process.is_gone


def test_of_another_host_nothing_is_certain() -> None:
    assert not replace(Process.of_the_run(), host="elsewhere", boot="another").is_gone


@pytest.mark.parametrize(
    "text", ["", "12", "{}", "[]", '{"host": "h", "boot": "b", "number": "x", "started": "s"}']
)
def test_what_is_no_process_is_none(text: str) -> None:
    assert Process.read(text) is None


def _started(number: int) -> str:
    from cpg1_assets import process  # noqa: PLC0415 - the one private word this test needs

    started = process._started(number)  # noqa: SLF001
    assert started is not None
    return started
