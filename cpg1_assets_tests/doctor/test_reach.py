"""Without a driver, the network tells an unknown name from a closed port; and the keys that a driver ignores are seen."""

import socket

import pytest

from cpg1_assets.doctor.driver_check import GROUP
from cpg1_assets.doctor.keywords import check_keywords
from cpg1_assets.doctor.reach import how_far
from cpg1_assets.sources.connection_string import ConnectionString


def _string(text: str) -> ConnectionString:
    return ConnectionString.parse(text)


@pytest.fixture
def port() -> int:
    """Give a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "server", ["tcp:127.0.0.1,{}", "127.0.0.1,{}", "TCP: 127.0.0.1 , {}", "127.0.0.1\\NAV,{}"]
)
def test_a_closed_port_is_told_from_one_that_takes_connections(server: str, port: int) -> None:
    given = _string(f"Server={server.format(port)}")
    assert how_far(given) == f"nothing listens on port {port} of 127.0.0.1"
    with socket.create_server(("127.0.0.1", port)):
        assert "takes connections" in (how_far(given) or "")


@pytest.mark.parametrize(
    "server", ["no-such-machine.invalid", "tcp:no-such-machine.invalid,1433", "a" * 80 + ".invalid"]
)
def test_an_unknown_name_is_told(server: str) -> None:
    assert "this machine cannot find" in (how_far(_string(f"Server={server}")) or "")


def test_a_machine_from_which_nothing_comes_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", late)
    assert "nothing comes back from 127.0.0.1, port 1433" in (how_far(_string("Server=127.0.0.1")) or "")


def test_an_instance_without_a_port_is_only_looked_up() -> None:
    assert "SQL Server Browser" in (how_far(_string("Server=localhost\\NAV")) or "")


@pytest.mark.parametrize(
    "text", ["DSN=books", "Server=np:\\\\.\\pipe\\sql", "Server=(localdb)\\x", "Server=h,port"]
)
def test_what_is_not_reached_by_tcp_is_not_tried(text: str) -> None:
    assert how_far(_string(text)) is None


_MICROSOFTS = "Driver={ODBC Driver 18 for SQL Server};Server=h;"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("Encrpt=no", "the key of part 3 (is it Encrypt?)"),
        ("UID=u;User Id=u", "the key of part 4 (is it UID?)"),
        ("PWD=open;hunter2=x", "the key of part 4"),
        ("UID=u;uid=v;PWD=a;PWD=b", "takes the first: UID, PWD"),
    ],
)
def test_a_key_that_the_driver_ignores_is_pointed_at_and_not_shown(keys: str, said: str) -> None:
    (found,) = check_keywords(GROUP, _string(_MICROSOFTS + keys))
    assert found.verdict == "look"
    assert found.said.endswith(said)
    assert "hunter2" not in found.said + found.to_do


def test_keys_the_driver_knows_leave_nothing_to_say_and_of_another_driver_nothing_is_known() -> None:
    good = (
        "Uid=u;Pwd={a;b};Database=d;encrypt=strict;HostNameInCertificate=h;ServerCertificate=c;APP=x;WSID=w"
    )
    assert [f.verdict for f in check_keywords(GROUP, _string(_MICROSOFTS + good))] == ["fine"]
    assert check_keywords(GROUP, _string("Driver=FreeTDS;Server=h;Port=1433;TDS_Version=7.4")) == []
