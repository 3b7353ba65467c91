"""The Dagster UI shows the control, in a real browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cpg1_assets_tests import required
from cpg1_assets_tests.required import CHROMIUM, require

_PATIENCE_SECONDS = 90


@pytest.fixture
def browser() -> str:
    """Find a headless Chromium, or skip by name (in CI its absence is a failure)."""
    require(CHROMIUM)
    return str(required.browser())


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the control's UI on a free port, as a new user has it: nothing closed, no books made."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CPG1_") and k != "DB_CONNECTION_STRING"},
        "CPG1_HOME": str(tmp_path / "home"),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }
    webserver = str(Path(sys.executable).with_name("dagster-webserver"))
    command = [webserver, "-m", "cpg1_assets", "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.browser
def test_a_browser_sees_the_assets_by_their_names(browser: str, address: str, tmp_path: Path) -> None:
    _wait_for(f"{address}/server_info")
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1600,1200", "--virtual-time-budget=30000", "--dump-dom",
    ]  # fmt: skip
    seen = subprocess.run(
        [browser, *options, f"{address}/asset-groups"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    ).stdout
    groups = ("extracts", "classification", "bridges", "reconciliation", "open_items", "evidence")
    assert [group for group in groups if group not in seen] == []


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
