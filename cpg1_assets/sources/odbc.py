"""A database server as a source, over ODBC: one connection a session, rows as Arrow batches.

Lives here: opening, asking, streaming, waiting no longer than agreed, and saying plainly what failed. Does
not: anything of one kind of server, which an `OdbcServer` knows (`sqlserver`).

Everything of a session, the rows and the server's totals of them, goes over one connection in one
transaction: two connections could not see one snapshot.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from cpg1_assets.errors import LongTextError, SourceError, TransientSourceError
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread
from cpg1_assets.sources.driver import arrow_odbc_module, pyodbc_module
from cpg1_assets.sources.interface import Session, SourceIdentity
from cpg1_assets.sources.odbc_errors import Diagnostic, Verdict, diagnostic_of, source_error
from cpg1_assets.sources.pyodbc_rows import PyodbcConnection
from cpg1_assets.sources.query import Query

Answer = TypeVar("Answer")

_BATCH_ROWS = 4_096
_BATCH_BYTES = 8 << 20
_GATHERED_ROWS = 16_384
_GATHERED_BYTES = 16 << 20
_ROOMS = (1_024, 8_192, 65_536)
"""UTF-16 units a text may have, whatever its column allows: at first, and after one that was longer.

The driver is given room for the longest text in every row. For what columns allow (`nvarchar(4000)`,
`nvarchar(max)`) it would be room for a few rows at a time; most texts are far shorter.
"""
_HAD_NO_ROOM = "too large to be written into the allocated buffer without truncation"
"""Of arrow-odbc's own words; it is no error of the driver's, so it has neither SQLSTATE nor number."""


@dataclass(frozen=True)
class Waits:
    """How long a session waits, in seconds: for the login, for an answer or the next rows, for a lock.

    `grace` is how much longer than the driver's own timeout a call is waited for before it is given up, with its
    connection: where a network goes silent, Microsoft's driver keeps no timeout of its own.
    """

    login: int = 30
    query: int = 1800
    lock: int = 60
    grace: float = 15


@dataclass(frozen=True)
class Statement:
    """What goes to the driver: text with `?` markers, and a text (or null) for each of them."""

    text: str
    values: tuple[str | None, ...] = ()


class OdbcServer(Protocol):
    """What one kind of server needs, and how it speaks."""

    @property
    def kind(self) -> str:
        """Short name, as evidence keeps it."""

    @property
    def title(self) -> str:
        """Name as people read it."""

    @property
    def databases(self) -> tuple[str, ...]:
        """The databases the queries read, by their names on this server."""

    def connection_string(self, given: ConnectionString, waits: Waits, name: str) -> ConnectionString:
        """Complete the connection string; `name` tells the server's people which query this is."""

    @property
    def answerable(self) -> str:
        """A statement that any open connection answers, and that changes nothing."""

    def opening(self, waits: Waits) -> Sequence[str]:
        """Give the statements that begin every session; one that the server does not know is left out."""

    def snapshot(self) -> Sequence[str]:
        """Give the statements after which all queries see one state of the databases; none if not wanted."""

    def no_snapshot(self) -> Sequence[str]:
        """Give the statements that take `snapshot` back."""

    def refuses_snapshot(self, diagnostic: Diagnostic) -> bool:
        """Tell whether an error says that a database does not allow snapshots."""

    def statement(self, query: Query) -> Statement:
        """Write a query for the driver."""

    def text_sent(self, query: Query) -> str:
        """Give the text the server runs, as evidence keeps it: lists written out, parameters by name."""

    def verdict(self, diagnostic: Diagnostic) -> Verdict:
        """Judge an error."""


class OdbcSource:
    """Queries asked of `server` over the connection `given`."""

    def __init__(self, given: ConnectionString, server: OdbcServer, waits: Waits) -> None:
        """Remember how to connect; nothing is connected to until a session opens."""
        self._given = given
        self._server = server
        self._waits = waits

    def identity(self) -> SourceIdentity:
        """Say which server and databases; whether a session keeps a snapshot is known when it has asked."""
        return SourceIdentity(
            kind=self._server.kind,
            title=self._server.title,
            server=self._given.server,
            databases=self._server.databases,
            keeps_snapshot=None,
        )

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:
        """Connect, named to the server after `purpose`; the connection is closed when the block is left."""
        name = " ".join(["cpg1-assets", *(purpose or {}).values()])
        session = OdbcSession(self._given, self._server, self._waits, self.identity(), name)
        try:
            session.connect()
            yield session
        except Exception as error:
            # What failed while rows were being fetched comes back through whoever was reading them,
            # in that reader's words: the session knows what it was.
            if session.failure is not None and error is not session.failure:
                raise session.failure from None
            raise
        finally:
            session.close()


class OdbcSession:
    """One connection. `failure` is what ended it, if something did."""

    def __init__(
        self, given: ConnectionString, server: OdbcServer, waits: Waits, identity: SourceIdentity, name: str
    ) -> None:
        """Prepare; `connect` connects."""
        self._given = given
        self._server = server
        self._waits = waits
        self._identity = identity
        self._name = name
        self._odbc = arrow_odbc_module()
        self._pyodbc = pyodbc_module()
        self._thread = OneThread(name)
        # Connection and rows belong to the thread. Given back anywhere else, a driver may wait there for the server
        # without end: so each is kept here until the thread lets it go, and for good if the thread is stuck.
        self._connection: Any = None
        self._reader: Any = None
        self._in_snapshot = False
        self._refusal: Diagnostic | None = None
        self._rooms = list(_ROOMS)
        self.failure: SourceError | None = None

    def connect(self) -> None:
        """Connect, and begin the session. Raises TransientSourceError or SourceError."""
        text = self._server.connection_string(self._given, self._waits, self._name).text()
        waits = self._waits

        def connect() -> None:
            if text.isascii():
                self._connection = self._odbc.connect(text, login_timeout_sec=waits.login)
            else:
                self._connection = PyodbcConnection(text, waits.login)

        self._ask(connect, "connecting", waits.login, "CPG1_LOGIN_TIMEOUT")
        for statement in self._server.opening(waits):
            self._accepts(statement)
        snapshot = self._server.snapshot()
        self._in_snapshot = bool(snapshot) and all(map(self._accepts, snapshot))
        if snapshot and not self._in_snapshot:
            self._leave_snapshot()

    def identity(self) -> SourceIdentity:
        """Say what is asked, and whether all queries so far saw one state of the databases."""
        return replace(self._identity, keeps_snapshot=self._in_snapshot)

    def stream(self, query: Query) -> pa.RecordBatchReader:
        """Run `query` and give its rows in batches; the connection is busy until the last one is read.

        Raises TransientSourceError or SourceError, here or while rows are read, LongTextError while rows are
        read, and QueryError for a query the server cannot be sent.
        """
        statement = self._server.statement(query)
        try:
            reader = self._read(statement)
        except SourceError:
            if not self._in_snapshot or self._refusal is None:
                raise
            self._leave_snapshot()
            reader = self._read(statement)
        if not reader.schema.names:
            raise SourceError(
                f"{self._given.server} ({self._name}): the server answered the query without any column, which is "
                "not the same as no rows. Report it with this text."
            )
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader))

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """Run a `query` with a small result and give its rows as plain Python values by column name."""
        try:
            rows: list[dict[str, Any]] = self.stream(query).read_all().to_pylist()
        except LongTextError:
            rows = self.rows(query)
        except Exception:
            if self.failure is not None:
                raise self.failure from None
            raise
        return rows

    def text_sent(self, query: Query) -> str:
        """Give the text the server runs for `query`, without values."""
        return self._server.text_sent(query)

    def close(self) -> None:
        """Give the connection back. What is open on the server is rolled back by closing it."""

        def close() -> None:
            self._let_go()
            self._connection = None

        with suppress(DeadlinePassedError, self._odbc.Error, self._pyodbc.Error):
            self._thread.run(close, self._waits.grace)
        self._thread.close()

    def _let_go(self) -> None:
        """End the statement whose rows are read; to be called in the thread."""
        if self._reader is not None:
            self._reader.reader = None
            self._reader = None

    def _leave_snapshot(self) -> None:
        self._in_snapshot = False
        self._refusal = None
        self.failure = None
        for statement in self._server.no_snapshot():
            self._execute(statement)

    def _accepts(self, statement: str) -> bool:
        """Run a statement of the session; false where the server does not have it."""
        try:
            self._execute(statement)
        except TransientSourceError:
            raise
        except SourceError:
            self.failure = None
            return False
        return True

    def _execute(self, statement: str, doing: str = "beginning the session") -> None:
        def execute() -> None:
            self._connection.execute(statement, query_timeout_sec=self._waits.query)

        self._ask(execute, doing, self._waits.query)

    def _read(self, statement: Statement) -> Any:  # noqa: ANN401
        def read() -> Any:  # noqa: ANN401
            self._reader = self._connection.read_arrow_batches(
                statement.text,
                batch_size=_BATCH_ROWS,
                parameters=list(statement.values) or None,
                max_bytes_per_batch=_BATCH_BYTES,
                max_text_size=self._rooms[0],
                map_schema=_settled,
                query_timeout_sec=self._waits.query,
                payload_text_encoding=self._odbc.TextEncoding.UTF16,
            )
            return self._reader

        return self._ask(read, "running the query", self._waits.query)

    def _batches(self, reader: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
        ended = False

        def gathered() -> pa.RecordBatch | None:
            """Fetch until there is enough to be worth handing on: of wide columns a batch has few rows."""
            nonlocal ended
            batches: list[pa.RecordBatch] = []
            rows, size, began = 0, 0, time.monotonic()
            while (
                not ended
                and rows < _GATHERED_ROWS
                and size < _GATHERED_BYTES
                and time.monotonic() - began < 1
            ):
                batch = reader.reader.next_batch()
                if batch is None:
                    ended = True
                    self._let_go()
                    break
                batches.append(_without_slack(batch))
                rows, size = rows + batch.num_rows, size + batch.nbytes
            return pa.concat_batches(batches) if batches else None

        try:
            while (batch := self._ask(gathered, "fetching rows", self._waits.query)) is not None:
                yield batch
            # The rows end where the connection did, too, and a driver may not say so: only an answer tells.
            self._execute(self._server.answerable, "ending the query")
        except LongTextError:
            self._ask(self._let_go, "leaving the rest of the rows", self._waits.query)
            raise

    def _ask(
        self, call: Callable[[], Answer], doing: str, seconds: int, setting: str = "CPG1_QUERY_TIMEOUT"
    ) -> Answer:
        """Have `call` made in the thread; `setting` is what a person may raise to have it waited for longer."""
        where = f"{self._given.server}, {doing} ({self._name})"
        try:
            return self._thread.run(call, seconds + self._waits.grace)
        except DeadlinePassedError as late:
            failure: SourceError = TransientSourceError(
                f"{where}: the server did not answer ({late}), and the connection was given up. It may answer later; if "
                f"this stays, run cpg1 doctor, or give it more time with {setting}."
            )
        except (self._odbc.Error, self._pyodbc.Error) as error:
            failure = self._failure(error, where)
        self.failure = None if isinstance(failure, LongTextError) else failure
        # Raised here, so that nothing of the driver's error, and so of its statement, is held by it.
        raise failure from None

    def _failure(self, error: Exception, where: str) -> SourceError:
        if _HAD_NO_ROOM in str(error):
            return self._long_text(where)
        diagnostic = diagnostic_of(error) or Diagnostic("HY000", 0, str(error))
        self._refusal = diagnostic if self._server.refuses_snapshot(diagnostic) else None
        return source_error(
            self._server.verdict(diagnostic),
            diagnostic,
            where,
            self._given.without_secrets(diagnostic.words),
        )

    def _long_text(self, where: str) -> SourceError:
        """Make room for a text that was longer than there was room for, up to the most that is read."""
        room = self._rooms.pop(0)
        if not self._rooms:
            self._rooms = [room]
            return SourceError(
                f"{where}: a text has more than {room:,} characters, which is the most that is read. Look for it in "
                "the columns of the query that are nvarchar(max)."
            )
        return LongTextError(
            f"{where}: a text has more than {room:,} characters. There is room for {self._rooms[0]:,} now."
        )


def _settled(schema: pa.Schema) -> pa.Schema:
    """Ask for timestamps in microseconds: in nanoseconds the year 9999 does not fit."""
    return pa.schema(
        [
            field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field
            for field in schema
        ]
    )


def _without_slack(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Copy a batch: as it comes, each text has room in memory for the longest that was expected."""
    return pa.concat_batches([batch, batch.slice(0, 0)])
