"""The parts of TDS 7.4 that a query needs: packets, requests read, tokens written (MS-TDS, public specification)."""

import datetime as dt
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

PRELOGIN, LOGIN, BATCH, RPC, ATTENTION, TRANSACTION, ANSWER = 0x12, 0x10, 0x01, 0x03, 0x06, 0x0E, 0x04
DONE, DONE_IN_PROC, DONE_PROC = 0xFD, 0xFF, 0xFE
MORE, ERROR_DONE, COUNT, ATTENTION_DONE = 0x01, 0x02, 0x10, 0x20
PACKET_BYTES = 4096
_HEADER = struct.Struct(">BBHHBB")
_COLLATION = bytes.fromhex("0904d00034")
_EPOCH_1900, _EPOCH_1 = dt.date(1900, 1, 1), dt.date(1, 1, 1)


@dataclass(frozen=True)
class Login:
    """What a client says of itself when it logs in."""

    user: str
    password: str
    application: str
    server: str
    database: str
    reads_only: bool


class Connected(Protocol):
    """What is used of a socket, encrypted or not."""

    def recv(self, most: int, /) -> bytes:
        """Give what has arrived."""

    def sendall(self, data: bytes, /) -> None:
        """Send."""


class Wire:
    """A socket that sends and receives TDS messages."""

    def __init__(self, connection: Connected) -> None:
        """Take over a connected socket."""
        self._socket = connection

    def receive(self) -> tuple[int, bytes]:
        """Give the next message, its packets put together: its kind and content. Raises OSError at the end."""
        content = b""
        while True:
            kind, status, length, *_ = _HEADER.unpack(self._exactly(_HEADER.size))
            content += self._exactly(length - _HEADER.size)
            if status & 1:
                return kind, content

    def send(self, content: bytes, *, last: bool = True) -> bytes:
        """Send whole packets of `content`; give back what is left over for the next call, unless it is the `last`."""
        packed, rest = packets(content, last=last)
        self._socket.sendall(packed)
        return rest

    def send_begun(self, content: bytes) -> None:
        """Send `content`, less than a packet has room for, as a packet that is not the last one."""
        self._socket.sendall(_HEADER.pack(ANSWER, 0, len(content) + _HEADER.size, 51, 1, 0) + content)

    def send_packed(self, packed: bytes) -> None:
        """Send what `packets` made."""
        self._socket.sendall(packed)

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            more = self._socket.recv(count - len(got))
            if not more:
                raise ConnectionResetError("the client is gone")
            got += more
        return got


class Reader:
    """Reads a request from its beginning."""

    def __init__(self, content: bytes) -> None:
        """Begin at the first byte."""
        self.content, self.position = content, 0

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes."""
        self.position += count
        return self.content[self.position - count : self.position]

    def number(self, count: int) -> int:
        """Give the next `count` bytes as a number."""
        return int.from_bytes(self.take(count), "little")

    def text(self, size_bytes: int) -> str:
        """Give a text that has its number of characters in front, in `size_bytes` bytes."""
        return self.take(2 * self.number(size_bytes)).decode("utf-16-le")

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.content)


def packets(content: bytes, *, last: bool) -> tuple[bytes, bytes]:
    """Put an answer, or the next part of it, into packets; give them, and what is left over unless it is the `last`."""
    room = PACKET_BYTES - _HEADER.size
    packed, start = bytearray(), 0
    while len(content) - start > room or (last and start < max(len(content), 1)):
        part = content[start : start + room]
        start += room
        ends = last and start >= len(content)
        packed += _HEADER.pack(ANSWER, 1 if ends else 0, len(part) + _HEADER.size, 51, 1, 0) + part
    return bytes(packed), content[start:]


def packet(kind: int, content: bytes) -> bytes:
    """Put a short message into one packet."""
    return _HEADER.pack(kind, 1, len(content) + _HEADER.size, 0, 0, 0) + content


def read_login(content: bytes) -> Login:
    """Read LOGIN7."""

    def field(place: int) -> bytes:
        start, length = struct.unpack_from("<HH", content, place)
        return content[start : start + 2 * length]

    password = bytes(((b ^ 0xA5) << 4 & 0xF0) | ((b ^ 0xA5) >> 4) for b in field(44))
    user, secret, application, server, database = (
        part.decode("utf-16-le") for part in (field(40), password, field(48), field(52), field(68))
    )
    return Login(user, secret, application, server, database, reads_only=bool(content[26] & 0x20))


def read_parameter(reader: Reader) -> tuple[str, Any]:
    """Read a parameter of a remote call: its name and value."""
    name = reader.text(1)
    reader.take(1)
    kind = reader.number(1)
    if kind in (0xE7, 0xA7, 0xEF, 0xAF):
        longest = reader.number(2)
        reader.take(5)
        encoding = "utf-16-le" if kind in (0xE7, 0xEF) else "cp1252"
        if longest == 0xFFFF:
            return name, _long_text(reader, encoding)
        length = reader.number(2)
        return name, None if length == 0xFFFF else reader.take(length).decode(encoding)
    if kind == 0x63:
        reader.take(9)
        return name, reader.take(reader.number(4)).decode("utf-16-le")
    if kind == 0x26:
        reader.take(1)
        length = reader.number(1)
        return name, int.from_bytes(reader.take(length), "little", signed=True) if length else None
    raise NotImplementedError(f"a parameter of type {kind:#x}")


def _long_text(reader: Reader, encoding: str) -> str | None:
    if reader.number(8) == 0xFFFFFFFFFFFFFFFF:
        return None
    got = b""
    while length := reader.number(4):
        got += reader.take(length)
    return got.decode(encoding)


def login_answer(database: str) -> bytes:
    """Welcome a client."""
    progname = _short_text("SAMPLE BOOKS")
    ack = b"\x01\x74\x00\x00\x04" + progname + bytes([16, 0, 0x10, 0])
    return (
        _changed(1, _short_text(database), _short_text(""))
        + _changed(7, b"\x05" + _COLLATION, b"\x00")
        + _changed(4, _short_text(str(PACKET_BYTES)), _short_text("4096"))
        + b"\xad" + struct.pack("<H", len(ack)) + ack
        + done(DONE)
    )  # fmt: skip


def prelogin_answer(*, encrypts: bool = False) -> bytes:
    """Say the version, and whether anything is encrypted here."""
    options = [
        (0, bytes([16, 0, 0x10, 0, 0, 0])),
        (1, b"\x01" if encrypts else b"\x02"),
        (2, b"\x00"),
        (3, b""),
        (4, b"\x00"),
    ]
    start = 5 * len(options) + 1
    head, body = b"", b""
    for option, value in options:
        head += struct.pack(">BHH", option, start + len(body), len(value))
        body += value
    return head + b"\xff" + body


def error(number: int, state: int, severity: int, message: str) -> bytes:
    """Write an ERROR token."""
    content = struct.pack("<iBBH", number, state, severity, len(message)) + message.encode("utf-16-le")
    content += _short_text("books") + _short_text("") + struct.pack("<i", 1)
    return b"\xaa" + struct.pack("<H", len(content)) + content


def done(kind: int, status: int = 0, rows: int = 0) -> bytes:
    """Write one of the DONE tokens."""
    return struct.pack("<BHHQ", kind, status, 0, rows)


def transaction_began(*, began: bool) -> bytes:
    """Tell the client that a transaction began, or was rolled back."""
    if began:
        return _changed(8, b"\x08" + b"\1" * 8, b"\x00")
    return _changed(10, b"\x00", b"\x08" + b"\1" * 8)


def handle_answer(handle: int) -> bytes:
    """Give the handle of a prepared statement as the call's output."""
    return (
        struct.pack("<BH", 0xAC, 0) + _short_text("") + struct.pack("<BIHBBBi", 1, 0, 0, 0x26, 4, 4, handle)
    )


def columns(schema: pa.Schema) -> bytes:
    """Write COLMETADATA; a field's metadata `tds` may name another type than the usual one for its Arrow type."""
    written = struct.pack("<BH", 0x81, len(schema))
    for field in schema:
        written += struct.pack("<IH", 0, 9) + _type_of(field)[0] + _short_text(field.name)
    return written


def rows(schema: pa.Schema, batch: pa.RecordBatch) -> Iterator[bytes]:
    """Write each row of `batch`."""
    encoders = [_type_of(field)[1] for field in schema]
    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
        yield b"\xd1" + b"".join(encode(value) for encode, value in zip(encoders, row, strict=True))


def _type_of(field: pa.Field) -> tuple[bytes, Callable[[Any], bytes]]:  # noqa: C901, PLR0911 - a table of types
    kind = field.type
    named = (field.metadata or {}).get(b"tds", b"").decode()
    if pa.types.is_decimal(kind):
        size = next(n for digits, n in ((9, 5), (19, 9), (28, 13), (38, 17)) if kind.precision <= digits)
        return bytes([0x6A, size, kind.precision, kind.scale]), lambda v: _decimal(v, size, kind.scale)
    if pa.types.is_boolean(kind):
        return b"\x68\x01", lambda v: b"\x00" if v is None else bytes([1, v])
    if pa.types.is_integer(kind):
        return b"\x26\x08", lambda v: b"\x00" if v is None else struct.pack("<Bq", 8, v)
    if pa.types.is_floating(kind):
        return b"\x6d\x08", lambda v: b"\x00" if v is None else struct.pack("<Bd", 8, v)
    if pa.types.is_date(kind):
        return (
            b"\x28",
            lambda v: b"\x00" if v is None else b"\x03" + (v - _EPOCH_1).days.to_bytes(3, "little"),
        )
    if pa.types.is_timestamp(kind) and named == "datetime2":
        return b"\x2a\x07", _datetime2
    if pa.types.is_timestamp(kind) and named == "datetimeoffset":
        return b"\x2b\x07", _datetimeoffset
    if pa.types.is_timestamp(kind):
        return b"\x6f\x08", _datetime
    if named == "nvarchar(max)":
        return b"\xe7\xff\xff" + _COLLATION, _max_text
    if named.startswith("nchar"):
        size = 2 * int(named[6:-1])
        return b"\xef" + struct.pack("<H", size) + _COLLATION, lambda v: _text(
            None if v is None else v.ljust(size // 2)
        )
    size = 2 * int(named[9:-1]) if named.startswith("nvarchar") else 8000
    return b"\xe7" + struct.pack("<H", size) + _COLLATION, _text


def _text(value: str | None) -> bytes:
    if value is None:
        return b"\xff\xff"
    written = value.encode("utf-16-le")
    return struct.pack("<H", len(written)) + written


def _max_text(value: str | None) -> bytes:
    if value is None:
        return b"\xff" * 8
    written = value.encode("utf-16-le")
    chunk = struct.pack("<I", len(written)) + written if written else b""
    return struct.pack("<Q", len(written)) + chunk + b"\0\0\0\0"


def _decimal(value: Decimal | None, size: int, scale: int) -> bytes:
    if value is None:
        return b"\x00"
    sign, digits, exponent = value.as_tuple()
    unscaled = int("".join(map(str, digits))) * int(10 ** (scale + int(exponent)))
    return bytes([size, 0 if sign else 1]) + unscaled.to_bytes(size - 1, "little")


def _datetime(value: dt.datetime | None) -> bytes:
    if value is None:
        return b"\x00"
    midnight = dt.datetime.combine(value.date(), dt.time())
    ticks = round((value - midnight).total_seconds() * 300)
    return struct.pack("<BiI", 8, (value.date() - _EPOCH_1900).days, ticks)


def _datetime2(value: dt.datetime | None) -> bytes:
    if value is None:
        return b"\x00"
    midnight = dt.datetime.combine(value.date(), dt.time())
    ticks = (value - midnight) // dt.timedelta(microseconds=1) * 10
    return b"\x08" + ticks.to_bytes(5, "little") + (value.date() - _EPOCH_1).days.to_bytes(3, "little")


def _datetimeoffset(value: dt.datetime | None) -> bytes:
    """Write a moment in UTC as one of a place an hour ahead."""
    return b"\x00" if value is None else b"\x0a" + _datetime2(value)[1:] + struct.pack("<h", 60)


def _changed(kind: int, new: bytes, old: bytes) -> bytes:
    return struct.pack("<BHB", 0xE3, 1 + len(new) + len(old), kind) + new + old


def _short_text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")
