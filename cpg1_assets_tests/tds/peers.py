"""Peers that are no good server: they accept, answer up to a point, and then fall silent, cut or reset."""

import socket
from collections.abc import Callable

import pyarrow as pa

from cpg1_assets_tests.network import falls_silent
from cpg1_assets_tests.tds import wire
from cpg1_assets_tests.tds.wire import Wire

Ending = Callable[[socket.socket], None]
Peer = Callable[[socket.socket], None]

QUERY = "SELECT 1 AS anything"


def at_once(ending: Ending) -> Peer:
    """Accept, and then `ending`."""
    return ending


def at_the_first_message(ending: Ending) -> Peer:
    """Wait for the client to say something, and then `ending`."""

    def peer(client: socket.socket) -> None:
        client.recv(65536)
        ending(client)

    return peer


def in_the_handshake(ending: Ending) -> Peer:
    """Promise to encrypt, wait for the client to begin, and then `ending`."""

    def peer(client: socket.socket) -> None:
        line = Wire(client)
        line.receive()
        line.send(wire.prelogin_answer(encrypts=True))
        line.receive()
        ending(client)

    return peer


def at_the_login(ending: Ending) -> Peer:
    """Take the login, and then `ending`."""

    def peer(client: socket.socket) -> None:
        line = Wire(client)
        line.receive()
        line.send(wire.prelogin_answer())
        line.receive()
        ending(client)

    return peer


def at_the_query(ending: Ending, rows: int | None = None, *, half: bool = False) -> Peer:
    """Let in, answer what begins a session, and at the query send `rows` (the last one by `half`), then `ending`."""

    def peer(client: socket.socket) -> None:
        line = Wire(client)
        line.receive()
        line.send(wire.prelogin_answer())
        line.receive()
        line.send(wire.login_answer("AIG_Nav_DW"))
        while QUERY not in (text := line.receive()[1].decode("utf-16-le", "replace")):
            began = wire.transaction_began(began=True) if "BEGIN TRANSACTION" in text else b""
            line.send(began + wire.done(wire.DONE))
        if rows is not None:
            line.send_begun(line.send(_rows(rows, half=half), last=False))
        ending(client)

    return peer


def refuses(*errors: tuple[int, int]) -> Peer:
    """Answer the login with errors, each its number and severity."""

    def ending(client: socket.socket) -> None:
        said = b"".join(wire.error(number, 1, severity, f"words of {number}") for number, severity in errors)
        Wire(client).send(said + wire.done(wire.DONE, wire.ERROR_DONE))
        falls_silent(client)

    return at_the_login(ending)


def _rows(count: int, *, half: bool) -> bytes:
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    batch = pa.record_batch([pa.array(range(count), pa.int64()), pa.array(["x" * 50] * count)], schema)
    written = wire.columns(schema) + b"".join(wire.rows(schema, batch))
    return written[:-20] if half else written
