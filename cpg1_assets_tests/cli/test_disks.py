"""Commands on disks that are full, read-only or limited: a sentence, exit status 1, and the next close works."""

import os
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets_tests.cli.conftest import COMMAND, ClosedHome, environment, in_a_process
from cpg1_assets_tests.required import MOUNTS, require
from cpg1_assets_tests.soak import soak

MONTH = "2025-09"


def run(
    home: Path, *arguments: str, before: Callable[[], None], **more: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(home, more), cwd=home, capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=before,
    )  # fmt: skip


def one_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """Give what was said of the failure: once, on one of the two streams, without a traceback."""
    assert done.returncode == 1, done.stdout
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said
    assert said.count("cannot be") == 1, said
    return said


@contextmanager
def mounted(at: Path, size: str) -> Iterator[None]:
    require(MOUNTS)
    at.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@pytest.mark.parametrize(
    ("where", "size", "setting"),
    [
        ("storage", "200k", "CPG1_STORAGE"),
        ("home/dagster", "900k", "DAGSTER_HOME"),
        pytest.param("tmp", "64k", "TMPDIR", marks=soak),
        pytest.param("home/evidence", "2m", "CPG1_HOME", marks=soak),
    ],
)
def test_a_small_disk_is_named_and_once_it_is_larger_the_month_closes(
    home: Path, tmp_path: Path, where: str, size: str, setting: str
) -> None:
    at = tmp_path / where
    more = {setting: str(at)} if setting in ("CPG1_STORAGE", "TMPDIR") else {}
    with mounted(at, size):
        said = one_sentence(in_a_process(home, "close", "--month", MONTH, more=more))
        assert f"{setting} ({at if setting != 'CPG1_HOME' else home}) is full" in said
        subprocess.run(["mount", "-o", "remount,size=200m", str(at)], check=True)
        done = in_a_process(home, "close", "--month", MONTH, more=more)
        assert done.returncode == 4, done.stdout + done.stderr
        assert verify(home / "evidence").problems == []
        assert not [path for path in tmp_path.rglob("*.partial") if "sample_books" not in path.parts]


def test_a_home_on_a_read_only_disk_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with mounted(home, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        said = one_sentence(in_a_process(home, "close"))
        assert f"CPG1_HOME {home} cannot be written (Read-only file system)" in said


@pytest.mark.parametrize("size", [1_000, 200_000])
def test_files_that_may_not_grow_are_told(home: Path, size: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    assert "raise the limit (ulimit -f)" in one_sentence(run(home, "close", "--month", MONTH, before=limit))


def test_a_close_works_with_64_open_files(home: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    done = run(home, "close", "--month", MONTH, before=limit, CPG1_EXECUTOR="multiprocess")
    assert done.returncode == 4, done.stdout + done.stderr


def test_too_few_open_files_are_told_before_anything_runs(home: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))

    done = run(home, "close", "--month", MONTH, before=limit)
    assert (done.returncode, "raise the limit (ulimit -n 1024)" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments", [("status",), ("status", "--json"), ("sql", "cr_03"), ("evidence", "verify")]
)
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_answer_that_cannot_be_written_is_told(
    closed_home: ClosedHome, arguments: tuple[str, ...], buffered: str
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(closed_home.home, {"PYTHONUNBUFFERED": buffered}), cwd=closed_home.home,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "standard output (No space left on device)" in done.stderr


def test_an_answer_that_nobody_reads_is_told(closed_home: ClosedHome) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [*COMMAND, "status"],
            env=environment(closed_home.home), cwd=closed_home.home,
            stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "standard output (Broken pipe)" in done.stderr


def test_a_close_that_nobody_listens_to_any_more_closes_the_month(home: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "close", "--month", MONTH],
        env=environment(home, {"PYTHONUNBUFFERED": "1"}), cwd=home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as closing:  # fmt: skip
        assert closing.stdout is not None
        assert closing.stderr is not None
        closing.stdout.readline()
        closing.stdout.close()
        said = closing.stderr.read()
    assert closing.returncode == 1
    assert "standard output (Broken pipe)" in said
    assert len(said.splitlines()) == 1
    assert re.search(rf"^{MONTH} +closed ", in_a_process(home, "status").stdout, re.MULTILINE)
