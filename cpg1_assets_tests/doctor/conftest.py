"""A server for the doctor to ask, in place of the ODBC libraries."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from cpg1_assets.doctor import Finding, conversation
from cpg1_assets.doctor.server import check_server
from cpg1_assets.settings import Settings
from cpg1_assets.sources import driver
from cpg1_assets_tests.doctor.fake_server import NAMED, FakeOdbc, FakeServer, a_server, given

Examined: TypeAlias = Callable[..., list[Finding]]


def speak_for(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `server` in place of what the ODBC libraries would reach, with no patience beyond a time limit."""
    odbc = FakeOdbc(server)
    monkeypatch.setattr(driver, "pyodbc_module", lambda: odbc)
    monkeypatch.setattr(driver, "arrow_odbc_module", object)
    monkeypatch.setattr("cpg1_assets.doctor.server.how_far", lambda _: "nothing listens there")
    monkeypatch.setattr(conversation, "GRACE_SECONDS", 0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """Give a server that is as the control needs it."""
    fake = a_server()
    speak_for(fake, monkeypatch)
    yield fake
    fake.released.set()


@pytest.fixture
def examined(server: FakeServer, tmp_path: Path) -> Examined:  # noqa: ARG001 - the server is what is examined
    """Examine the server with some settings changed."""

    def run(**changes: object) -> list[Finding]:
        values: dict[str, object] = {
            "home": tmp_path, "source": "sqlserver", "login_timeout": 1, "query_timeout": 1,
        }  # fmt: skip
        return check_server(Settings(**(values | changes)), given(), NAMED)  # type: ignore[arg-type]

    return run


def only(findings: list[Finding], verdict: str) -> Finding:
    """Give the one finding with a verdict."""
    found = [finding for finding in findings if finding.verdict == verdict]
    assert len(found) == 1, found
    return found[0]


def about(findings: list[Finding], subject: str) -> list[Finding]:
    """Give the findings about a subject."""
    return [finding for finding in findings if finding.subject == subject]
