"""`cpg1 ui` as a person starts it, in a home of its own: the webserver, the daemon, and the page beside them."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from cpg1_assets.graph.instance import prepare_dagster_home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import COMMAND, environment
from cpg1_assets_tests.conftest import home_with

_PATIENCE_SECONDS = 120
_SECONDS_TO_STOP = 20


@dataclass(frozen=True)
class RunningUi:
    """A UI that answers: its address, that of the page beside it, and the home both show."""

    address: str
    page_address: str
    home: Path


@contextmanager
def running_ui(books: Path, place: Path) -> Iterator[RunningUi]:
    """Start the UI on free ports on the sample books; one run at a time goes, so that the others wait in the queue."""
    home = home_with(books, place / "home")
    config = prepare_dagster_home(Settings(home=home))[0] / "dagster.yaml"
    said = yaml.safe_load(config.read_text())
    said["concurrency"]["runs"]["max_concurrent_runs"] = 1
    config.write_text(yaml.safe_dump(said))
    port, page_port = _free_ports()
    ui = RunningUi(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{page_port}", home)
    with (place / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "ui", "-p", str(port)],
            env=environment(home, {"CPG1_PAGE_PORT": str(page_port)}), cwd=place,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            for address in (f"{ui.address}/server_info", ui.page_address):
                _wait_for(address, process, place / "ui.log")
            yield ui
        finally:
            _stop(process)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            ended = process.poll() is not None
            assert not ended, f"cpg1 ui ended:\n{log.read_text(errors='replace')[-2000:]}"
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop it as Ctrl-C does; whatever of its session is left then is killed."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
