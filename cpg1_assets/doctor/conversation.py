"""One connection to a server for the doctor's questions: each a single SELECT, each waited for only so long.

pyodbc and not arrow-odbc: the answers are a few rows, and pyodbc gives the server's whole error. The driver,
the connection string and what opens the session are those of the extracts.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from cpg1_assets.sources import driver
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread
from cpg1_assets.sources.odbc import Waits
from cpg1_assets.sources.odbc_errors import Diagnostic, diagnostic_of
from cpg1_assets.sources.sqlserver import SqlServer

Answer = TypeVar("Answer")
Row = dict[str, Any]

GRACE_SECONDS = 10.0
"""How much longer than the driver's own timeout an answer is waited for."""
_LONGEST_QUESTION = 60
_LONGEST_LOCK = 10
_NOTHING_MORE = ("08S01", "00000")
APPLICATION = "cpg1-assets doctor"


class RefusedError(Exception):
    """The server or the driver answered with an error. Its words may hold secrets: they are not the text."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        """Keep what was said; `str` gives only SQLSTATE and number."""
        super().__init__(f"SQLSTATE {diagnostic.state}, error {diagnostic.native}")
        self.diagnostic = diagnostic


class BrokenOffError(Exception):
    """The connection broke while something was asked: nothing more can be."""


class Conversation(Protocol):
    """Somebody who can be asked.

    Both raise RefusedError, and where nothing more can be asked BrokenOffError or DeadlinePassedError.
    """

    def ask(self, question: str, *values: str) -> list[Row]:
        """Ask one SELECT, its `?` filled with `values`, and give the rows by column name."""

    def do(self, statement: str) -> None:
        """Have a statement of the session (`USE`, `SET`) carried out."""


class OdbcConversation:
    """A connection over pyodbc, in a thread of its own; `login_seconds` is how long the login took."""

    def __init__(self, given: ConnectionString, server: SqlServer, waits: Waits) -> None:
        """Connect and begin a session as the extracts do.

        Raises SourceError where ODBC is not installed, RefusedError where the server or driver refuses,
        BrokenOffError or DeadlinePassedError where nothing answers.
        """
        waits = replace(waits, lock=min(waits.lock, _LONGEST_LOCK))
        odbc = driver.pyodbc_module()
        self._error = odbc.Error
        self._seconds = min(waits.query, _LONGEST_QUESTION)
        self._thread = OneThread(APPLICATION)
        self._connection: Any = None
        text = server.connection_string(given, waits, APPLICATION).text()

        def connect() -> None:
            self._connection = odbc.connect(text, autocommit=True, timeout=waits.login)
            self._connection.timeout = self._seconds

        begun = time.monotonic()
        try:
            self._run(connect, waits.login)
            self.login_seconds = time.monotonic() - begun
            for statement in server.opening(waits):
                self.do(statement)
        except BaseException:
            self.close()
            raise

    def ask(self, question: str, *values: str) -> list[Row]:
        """Ask one SELECT; see `Conversation`."""

        def asked() -> list[Row]:
            cursor = self._connection.cursor()
            try:
                cursor.execute(question, *values)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in (cursor.fetchall() if names else ())]
            finally:
                cursor.close()

        try:
            return self._run(asked, self._seconds)
        except RefusedError as refused:
            if refused.diagnostic.state in _NOTHING_MORE:
                raise BrokenOffError(f"the connection broke: {refused}") from None
            raise

    def do(self, statement: str) -> None:
        """Have a statement carried out; see `Conversation`."""
        self.ask(statement)

    def close(self) -> None:
        """Give the connection back, unless a call on it never came back."""

        def close() -> None:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

        if not self._thread.stuck:
            # What was asked is answered; the process ends, and the connection with it.
            with suppress(RefusedError, DeadlinePassedError):
                self._run(close, 0)
        self._thread.close()

    def _run(self, call: Callable[[], Answer], seconds: float) -> Answer:
        try:
            return self._thread.run(call, seconds + GRACE_SECONDS)
        except self._error as error:
            raise RefusedError(
                diagnostic_of(error) or Diagnostic("HY000", 0, " ".join(map(str, error.args)))
            ) from None


def quoted(*names: str) -> str:
    """Write names as T-SQL reads them, whatever is in them: `[dbo].[G_L Entries]`."""
    return ".".join("[" + name.replace("]", "]]") + "]" for name in names)
