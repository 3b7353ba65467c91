"""Every wait on a server ends by the product's own deadline, whatever Microsoft's driver does, and so does the process.

The driver (18.6.2 on Linux) keeps its login timeout while it waits for PRELOGIN and the login's answer; it keeps none in
a TLS handshake, so none under `Encrypt=strict`, and none for a query whose peer has fallen silent.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cpg1_assets.doctor.server import check_server
from cpg1_assets.errors import TransientSourceError
from cpg1_assets.settings import Settings
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import Waits
from cpg1_assets.sources.query import Query
from cpg1_assets_tests.network import answering, falls_silent
from cpg1_assets_tests.tds import peers
from cpg1_assets_tests.tds.conftest import Asking
from cpg1_assets_tests.tds.peers import Peer

_QUERY = Query(peers.QUERY, {})
_WAITS = Waits(login=2, query=2, lock=1, grace=1)
_LOGIN, _ANSWER, _ROWS = "connecting", "running the query", "fetching rows"
_SILENT: list[tuple[str, Peer, str]] = [
    ("no", peers.at_once(falls_silent), _LOGIN),
    ("strict", peers.at_once(falls_silent), _LOGIN),
    ("yes", peers.in_the_handshake(falls_silent), _LOGIN),
    ("no", peers.at_the_login(falls_silent), _LOGIN),
    ("no", peers.at_the_query(falls_silent), _ANSWER),
    ("no", peers.at_the_query(falls_silent, rows=3), _ROWS),
    ("no", peers.at_the_query(falls_silent, rows=3, half=True), _ROWS),
    ("no", peers.at_the_query(falls_silent, rows=20_000), _ROWS),
    ("no", peers.at_the_query(falls_silent, rows=20_000, half=True), _ROWS),
]
_PASSWORDS = ("hunter2-ascii", "hunter2-é")
"""The second one's characters have the rows read through pyodbc, not arrow-odbc."""
_PROCESS = """
import os
import sys
from cpg1_assets.errors import TransientSourceError
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import OdbcSource, Waits
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.sqlserver import SqlServer
given = ConnectionString.parse(os.environ["DB_CONNECTION_STRING"])
source = OdbcSource(given, SqlServer(), Waits(login=2, query=2, lock=1, grace=1))
try:
    with source.session() as session:
        session.rows(Query(sys.argv[1], {}))
except TransientSourceError as error:
    print(error)
"""


def _string(port: int, encrypt: str, password: str) -> str:
    return (
        f"Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:127.0.0.1,{port};UID=svc_waits;PWD={{{password}}};"
        f"Encrypt={encrypt};"
    )


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("password", _PASSWORDS)
@pytest.mark.parametrize(("encrypt", "peer", "doing"), _SILENT)
def test_a_peer_that_falls_silent_is_given_up_and_holds_up_no_process(
    encrypt: str, peer: Peer, doing: str, password: str
) -> None:
    with answering(peer) as port:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", _PROCESS, peers.QUERY],
            env={**os.environ, "DB_CONNECTION_STRING": _string(port, encrypt, password)},
            capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
        took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert f"127.0.0.1,{port}, {doing} (cpg1-assets): " in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert took < 20
    if password.isascii():
        # Who gave up first: where it is the driver, a new one keeps a timeout that this one does not.
        by_the_driver = encrypt == "no" and doing == _LOGIN
        assert ("SQLSTATE HYT00" if by_the_driver else "no answer within 3 seconds") in done.stdout


@pytest.mark.parametrize("encrypt", ["strict", "no"])
def test_it_is_said_what_was_waited_for_and_how_long(asking: Asking, encrypt: str) -> None:
    peer = peers.at_once(falls_silent) if encrypt == "strict" else peers.at_the_query(falls_silent)
    setting = "CPG1_LOGIN_TIMEOUT" if encrypt == "strict" else "CPG1_QUERY_TIMEOUT"
    with (
        answering(peer) as port,
        pytest.raises(TransientSourceError, match=f"no answer within 3 seconds.*{setting}"),
        asking(_string(port, encrypt, "wxyz"), _WAITS).session() as session,
    ):
        session.rows(_QUERY)


@pytest.mark.usefixtures("server")
def test_rows_that_are_left_unread_are_let_go_in_time(asking: Asking) -> None:
    peer = peers.at_the_query(falls_silent, rows=60_000)
    with answering(peer) as port:
        began = time.monotonic()
        with asking(_string(port, "no", "wxyz"), _WAITS).session() as session:
            assert next(iter(session.stream(_QUERY))).num_rows > 0
        assert time.monotonic() - began < 20


@pytest.mark.usefixtures("server")
def test_the_doctor_waits_no_longer_and_says_what_the_network_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpg1_assets.doctor.conversation.GRACE_SECONDS", 1.0)
    with answering(peers.at_once(falls_silent)) as port:
        began = time.monotonic()
        given = ConnectionString.parse(_string(port, "strict", "wxyz"))
        found = check_server(Settings(home=tmp_path, login_timeout=1), given, [])
        assert time.monotonic() - began < 20
    assert f"port {port} of 127.0.0.1 takes connections" in found[0].said
    assert found[0].verdict == "mend"
