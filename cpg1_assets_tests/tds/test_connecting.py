"""What Microsoft's driver (18.6.2 on Linux) says of a connection that cannot be made or is lost, and what that means.

Each of these is a fact of the driver that the product or its documentation counts on: one that fails here after a new
driver has come is a fact that is no longer true.
"""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.doctor.reach import how_far
from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import Waits
from cpg1_assets.sources.query import Query
from cpg1_assets_tests.network import answering, closes, falls_silent, resets
from cpg1_assets_tests.tds import peers
from cpg1_assets_tests.tds.conftest import Asking
from cpg1_assets_tests.tds.peers import Peer
from cpg1_assets_tests.tds.server import PASSWORD, USER, TdsServer
from cpg1_assets_tests.tds.tls import Certificate, certificate

_WAITS = Waits(login=2, query=2, lock=1, grace=1)


def _refusal(asking: Asking, given: str) -> SourceError:
    with pytest.raises(SourceError) as refused, asking(given, _WAITS).session() as session:
        session.rows(Query(peers.QUERY, {}))
    for secret in (USER, PASSWORD, "hunter2"):
        assert secret not in str(refused.value)
    return refused.value


def _string(port: int, encrypt: str = "no", machine: str = "127.0.0.1") -> str:
    return (
        f"Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:{machine},{port};UID={USER};PWD=hunter2-long;"
        f"Encrypt={encrypt};"
    )


@pytest.mark.parametrize(
    ("encrypt", "peer", "said"),
    [
        ("no", peers.at_the_first_message(resets), "SQLSTATE 08001, error 26"),
        ("no", peers.at_the_first_message(closes), "SQLSTATE 08001, error 26"),
        ("no", peers.at_the_login(resets), "SQLSTATE 08S01, error 104"),
        ("no", peers.at_the_login(closes), "SQLSTATE 08S01, error 10054"),
        ("no", peers.at_the_query(resets), "SQLSTATE 08S01, error 104"),
        ("no", peers.at_the_query(closes), "SQLSTATE 08S01, error 10054"),
        ("yes", peers.in_the_handshake(resets), "SQLSTATE 08001, error 104"),
        ("yes", peers.in_the_handshake(closes), "SQLSTATE 08001, error 10054"),
        ("strict", peers.at_the_first_message(closes), "SQLSTATE 08001, error 10054"),
        ("strict", peers.at_the_first_message(resets), "SQLSTATE 08001, error 104"),
        ("no", peers.at_once(falls_silent), "SQLSTATE HYT00"),
        ("no", peers.at_the_login(falls_silent), "SQLSTATE HYT00"),
        ("no", peers.refuses((40613, 17)), "error 40613"),
        ("no", peers.refuses((17809, 16)), "SQLSTATE 08004, error 17809"),
    ],
)
def test_a_connection_that_is_lost_is_asked_for_again(
    asking: Asking, encrypt: str, peer: Peer, said: str
) -> None:
    with answering(peer) as port:
        error = _refusal(asking, _string(port, encrypt))
    assert type(error) is TransientSourceError
    assert said in str(error)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([(18456, 14)], "SQLSTATE 28000, error 18456"),
        ([(4060, 11), (18456, 14)], "SQLSTATE 42000, error 4060"),
        ([(916, 14)], "SQLSTATE 08004, error 916"),
        ([(911, 16)], "SQLSTATE 08004, error 911"),
    ],
)
def test_a_login_the_server_refuses_is_not_tried_again(
    asking: Asking, errors: list[tuple[int, int]], said: str
) -> None:
    with answering(peers.refuses(*errors)) as port:
        error = _refusal(asking, _string(port))
    assert type(error) is SourceError
    assert said in str(error)


def test_an_unknown_name_a_closed_port_and_a_silent_server_look_alike_and_the_doctor_tells_which(
    asking: Asking,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for given, found in (
        (_string(port), f"nothing listens on port {port} of 127.0.0.1"),
        (_string(1433, machine="no-such-machine.invalid"), "cannot find no-such-machine.invalid"),
    ):
        error = _refusal(asking, given)
        assert type(error) is TransientSourceError
        assert "SQLSTATE HYT00" in str(error)
        assert "cpg1 doctor, which tells which it is" in str(error)
        assert found in (how_far(ConnectionString.parse(given)) or "")


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Make an authority that this process trusts: OpenSSL looks where SSL_CERT_FILE says."""
    authority = certificate(tmp_path, "authority of the test")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    return authority


Encrypting = Callable[..., str]


@pytest.fixture
def encrypting(server: TdsServer, tmp_path: Path) -> Encrypting:
    """Give the server a certificate for names and addresses, and the string with which it is asked."""

    def encrypt(machine: str, mode: str, *names: str, issuer: Certificate | None = None, **more: Any) -> str:  # noqa: ANN401
        made = certificate(tmp_path, *names, issuer=issuer, **more)
        server.tls = made.context()
        given = server.connection_string.replace("127.0.0.1", machine).replace(
            "Encrypt=no", f"Encrypt={mode}"
        )
        return f"{given}ServerCertificate={made.certificate_file};" if issuer is None else given

    return encrypt


@pytest.mark.parametrize("mode", ["yes", "strict"])
def test_a_certificate_is_believed_if_it_is_trusted_and_of_the_right_name(
    asking: Asking, encrypting: Encrypting, trusted: Certificate, mode: str
) -> None:
    given = encrypting("localhost", mode, "localhost", issuer=trusted)
    with asking(given).session() as session:
        assert session.rows(Query("SELECT N'é🌍' AS t", {})) == [{"t": "é🌍"}]
    wrong = encrypting("localhost", mode, "elsewhere.example", issuer=trusted)
    error = _refusal(asking, wrong)
    assert type(error) is SourceError
    assert "SQLSTATE 08001, error -1" in str(error)
    assert "HostNameInCertificate" in str(error)
    old = encrypting("localhost", mode, "localhost", issuer=trusted, days=(-3, -1))
    assert "SQLSTATE 08001, error -1" in str(_refusal(asking, old))
    wrong = encrypting("localhost", mode, "elsewhere.example", issuer=trusted)
    with asking(f"{wrong}HostNameInCertificate=elsewhere.example;").session() as session:
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]


@pytest.mark.parametrize("mode", ["yes", "strict"])
def test_an_ip_address_among_a_certificates_names_is_not_matched_but_one_written_as_a_dns_name_is(
    asking: Asking, encrypting: Encrypting, trusted: Certificate, mode: str
) -> None:
    given = encrypting("127.0.0.1", mode, "nav-sql.example", issuer=trusted, addresses=("127.0.0.1",))
    assert type(_refusal(asking, given)) is SourceError
    assert type(_refusal(asking, f"{given}HostNameInCertificate=127.0.0.1;")) is SourceError
    with asking(encrypting("127.0.0.1", mode, "127.0.0.1", issuer=trusted)).session():
        pass


def test_a_certificate_nobody_issued_is_refused_and_server_certificate_helps_under_strict_only(
    server: TdsServer, asking: Asking, encrypting: Encrypting
) -> None:
    given = encrypting("localhost", "yes", "localhost")
    error = _refusal(asking, given)
    assert type(error) is SourceError
    assert "SQLSTATE 08001, error -1" in str(error)
    assert not server.logins
    strict = given.replace("Encrypt=yes", "Encrypt=strict")
    with asking(strict).session() as session:
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]
    assert type(_refusal(asking, strict.partition("ServerCertificate")[0])) is SourceError
    with asking(f"{given}TrustServerCertificate=yes;").session() as session:
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]


def test_a_version_of_tls_that_is_too_old_is_refused(
    server: TdsServer, asking: Asking, encrypting: Encrypting
) -> None:
    given = encrypting("localhost", "yes", "localhost")
    assert server.tls is not None
    server.tls.set_ciphers("ALL:@SECLEVEL=0")
    server.tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server.tls.maximum_version = ssl.TLSVersion.TLSv1_1
    error = _refusal(asking, f"{given}TrustServerCertificate=yes;")
    assert type(error) is SourceError
    assert "SQLSTATE 08001, error -1" in str(error)


def test_a_server_that_does_not_encrypt_is_told_from_a_lost_connection(
    server: TdsServer, asking: Asking
) -> None:
    error = _refusal(asking, server.connection_string.replace("Encrypt=no", "Encrypt=yes"))
    assert type(error) is SourceError
    assert "SQLSTATE 08001, error 20" in str(error)
    assert "does not encrypt" in str(error)


def test_of_a_key_given_twice_the_first_counts_and_an_unknown_key_is_ignored(
    server: TdsServer, asking: Asking
) -> None:
    given = f"{server.connection_string}Database=another;UID=another;Encrypt=strict;Encrpt=strict;Databse=another;"
    with asking(given).session() as session:
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]
    assert (server.logins[0].database, server.logins[0].user) == ("AIG_Nav_DW", USER)
    with pytest.raises(SourceError, match="error 18456"), asking(given.replace("UID=", "User Id=")).session():
        pass
    assert not server.logins[1].user


@pytest.mark.parametrize(
    "wrong",
    ["Encrypt=maybe;", "Encrypt=no;TrustServerCertificate=perhaps;", "Encrypt=no;ApplicationIntent=Read;"],
)
def test_a_value_the_driver_does_not_know_is_not_tried_again(
    server: TdsServer, asking: Asking, wrong: str
) -> None:
    error = _refusal(asking, server.connection_string.replace("Encrypt=no;", wrong))
    assert type(error) is SourceError
    assert "the driver refuses the connection string (SQLSTATE 08001)" in str(error)


@pytest.mark.usefixtures("server")
def test_a_string_without_a_server_is_not_tried_again(asking: Asking) -> None:
    error = _refusal(asking, _string(1433).replace("Server=", "Host="))
    assert type(error) is SourceError
    assert "the driver refuses the connection string (SQLSTATE 08001)" in str(error)
