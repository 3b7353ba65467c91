"""A server that speaks TDS and answers the product's T-SQL from the sample books; and fails as it is told to."""

import contextlib
import datetime as dt
import re
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from cpg1_assets.sources.query import Query, QueryError
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.network import answering
from cpg1_assets_tests.tds import wire
from cpg1_assets_tests.tds.tls import Encrypted
from cpg1_assets_tests.tds.wire import Login, Reader, Wire

USER, PASSWORD = "svc_close", "p;w}d {'=?"
_CALL = re.compile(r"DECLARE (.*?);\s*EXEC sp_executesql N'(.*)', N'([^']*)', ([@\w, ]+);\s*$", re.DOTALL)
_CALL_OF_TEXT = re.compile(r"EXEC sp_executesql @cpg1_text(.*);\s*$", re.DOTALL)
_DECLARED = re.compile(r"@(\w+) ([a-z0-9]+(?:\([^)]*\))?) = (@P\d+)")
_TLS_HANDSHAKE = b"\x16"
_PROCEDURES = {10: "sp_executesql", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}


@dataclass(frozen=True)
class ServerError(Exception):
    """An error of the server: its number, severity and message."""

    number: int
    message: str
    severity: int = 16


@dataclass(frozen=True)
class Slow:
    """An answer that takes so many seconds."""

    seconds: float


class Packed:
    """Rows made ready beforehand, for a server that sends as fast as a client can read."""

    def __init__(self, table: pa.Table) -> None:
        """Write the rows of `table`."""
        written = (row for batch in table.to_batches() for row in wire.rows(table.schema, batch))
        content = b"".join([wire.columns(table.schema), *written])
        self.count = table.num_rows
        self.packets, self.rest = wire.packets(content, last=False)


@dataclass
class TdsServer:
    """The server: `answers` holds what to say to a text that contains a key, before the sample books are asked.

    With `tls` everything is encrypted: from the first byte where the client begins so (TDS 8, `Encrypt=strict`), else
    from PRELOGIN on (`Encrypt=yes`).
    """

    books: Path
    answers: dict[str, "pa.Table | Packed | ServerError | Slow"] = field(default_factory=dict)
    port: int = 0
    tls: ssl.SSLContext | None = None
    logins: list[Login] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        """The string a person would set: Microsoft's driver by its usual name."""
        braced = "{" + PASSWORD.replace("}", "}}") + "}"
        return (
            f"Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:127.0.0.1,{self.port};Database=AIG_Nav_DW;"
            f"UID={USER};PWD={braced};Encrypt=no;"
        )

    @contextlib.contextmanager
    def running(self) -> Iterator["TdsServer"]:
        """Listen until the block is left."""
        with answering(self._talk) as self.port:
            yield self

    def _talk(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._secured(accepted) as client:
            line = Wire(client)
            while True:
                kind, content = line.receive()
                match kind:
                    case wire.PRELOGIN if self.tls is not None and not isinstance(client, ssl.SSLSocket):
                        line.send(wire.prelogin_answer(encrypts=True))
                        line = Wire(Encrypted(client, self.tls))
                    case wire.PRELOGIN:
                        line.send(wire.prelogin_answer())
                    case wire.LOGIN:
                        if not self._let_in(line, wire.read_login(content)):
                            return
                    case wire.BATCH:
                        text = content[struct.unpack_from("<I", content)[0] :].decode("utf-16-le")
                        self._answer(line, client, text, {}, b"", remote=False)
                    case wire.RPC:
                        self._call(line, client, content)
                    case wire.ATTENTION:
                        line.send(wire.done(wire.DONE, wire.ATTENTION_DONE))
                    case _:
                        line.send(wire.done(wire.DONE))

    def _secured(self, client: socket.socket) -> socket.socket:
        if self.tls is None or client.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            return client
        return self.tls.wrap_socket(client, server_side=True)

    def _let_in(self, line: Wire, login: Login) -> bool:
        self.logins.append(login)
        if (login.user, login.password) != (USER, PASSWORD):
            message = f"Login failed for user '{login.user}'."
            line.send(wire.error(18456, 1, 14, message) + wire.done(wire.DONE, wire.ERROR_DONE))
            return False
        line.send(wire.login_answer(login.database))
        return True

    def _call(self, line: Wire, client: socket.socket, content: bytes) -> None:
        reader = Reader(content)
        reader.take(struct.unpack_from("<I", content)[0])
        length = reader.number(2)
        name = (
            _PROCEDURES[reader.number(2)] if length == 0xFFFF else reader.take(2 * length).decode("utf-16-le")
        )
        reader.take(2)
        given = []
        while not reader.ended:
            given.append(wire.read_parameter(reader))
        match name:
            case "sp_executesql":
                self._answer(line, client, given[0][1], _by_marker(given[2:]), b"", remote=True)
            case "sp_prepexec":
                self._answer(
                    line, client, given[2][1], _by_marker(given[3:]), wire.handle_answer(1), remote=True
                )
            case _:
                line.send(wire.done(wire.DONE_PROC))

    def _answer(
        self,
        line: Wire,
        client: socket.socket,
        text: str,
        given: dict[str, Any],
        after: bytes,
        *,
        remote: bool,
    ) -> None:
        """Run a text and send its result: one set of rows, or none."""
        ends = wire.DONE_PROC if remote else wire.DONE
        try:
            text, values = _unpacked(text, given)
            self.asked.append((text, values))
            told = next((answer for key, answer in self.answers.items() if key in text), None)
            if isinstance(told, ServerError):
                raise told
            if isinstance(told, Slow):
                _wait(client, told.seconds)
                told = None
            if told is None and not re.match(r"\s*(--|SELECT|WITH)", text, re.IGNORECASE):
                line.send(_session_statement(text) + wire.done(ends))
                return
            if isinstance(told, Packed):
                line.send_packed(told.packets)
                rest, count = told.rest, told.count
            elif told is not None:
                rest, count = _sent(line, told.to_reader())
            else:
                with SampleBooks(self.books).session() as session:
                    rest, count = _sent(line, session.stream(Query(text, values)))
            rest += wire.done(
                wire.DONE_IN_PROC if remote else wire.DONE, wire.COUNT | (wire.MORE * remote), count
            )
            line.send(rest + after + (b"\x79\0\0\0\0" + wire.done(ends) if remote else b""))
        except QueryError as refused:
            line.send(wire.error(102, 1, 15, str(refused)) + wire.done(ends, wire.ERROR_DONE))
        except ServerError as refused:
            line.send(
                wire.error(refused.number, 1, refused.severity, refused.message)
                + wire.done(ends, wire.ERROR_DONE)
            )


def _sent(line: Wire, reader: pa.RecordBatchReader) -> tuple[bytes, int]:
    """Send rows; give what is left over of the last packet, and how many rows there were."""
    rest, count = wire.columns(reader.schema), 0
    for batch in reader:
        count += batch.num_rows
        for row in wire.rows(reader.schema, batch):
            rest += row
            if len(rest) > wire.PACKET_BYTES:
                rest = line.send(rest, last=False)
    return rest, count


def _wait(client: socket.socket, seconds: float) -> None:
    """Wait, unless the client says (by ATTENTION) that it does not any more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([client], [], [], 0.05)[0]:
            raise ServerError(0, "The query was cancelled.", 11)


def _session_statement(text: str) -> bytes:
    if "BEGIN TRANSACTION" in text:
        return wire.transaction_began(began=True)
    return wire.transaction_began(began=False) if "ROLLBACK" in text else b""


def _by_marker(given: list[tuple[str, Any]]) -> dict[str, Any]:
    """Name values as the driver names the `?` they stand for."""
    return {f"@P{place}": value for place, (_, value) in enumerate(given, start=1)}


def _unpacked(text: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give the query that a call of `sp_executesql` runs, and its values in the declared types."""
    if not given:
        return text, {}
    if alone := _CALL_OF_TEXT.search(text):
        text = f"{text[: alone.start()]}EXEC sp_executesql N'{given['@P1'].replace(chr(39), chr(39) * 2)}'{alone[1]};"
        text = text.replace("@cpg1_text nvarchar(4000) = @P1, ", "").replace(
            "@cpg1_text nvarchar(4000) = @P1;", ";"
        )
        if not alone[1]:
            return given["@P1"], {}
    call = _CALL.search(text)
    if call is None:
        return text, given
    values = {name: _typed(kind, given[marker]) for name, kind, marker in _DECLARED.findall(call[1])}
    assert (
        call[3].replace(" ", "").split(",")
        == [f"@{name}{kind}".replace(" ", "") for name, kind, _ in _DECLARED.findall(call[1])]
        or "(" in call[3]
    )
    assert call[4] == ", ".join(f"@{name}" for name in values)
    return call[2].replace("''", "'"), values


def _typed(kind: str, value: str | None) -> Any:  # noqa: ANN401
    read: dict[str, Callable[[str], Any]] = {
        "date": dt.date.fromisoformat,
        "datetime": dt.datetime.fromisoformat,
        "datetime2": dt.datetime.fromisoformat,
        "bigint": int,
        "bit": "1".__eq__,
        "decimal": Decimal,
    }
    return None if value is None else read.get(kind.split("(", maxsplit=1)[0], str)(value)
