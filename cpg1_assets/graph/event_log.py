"""Dagster's event log in one SQLite database, written without waiting for the disk at every event.

Dagster's own consolidated log makes an engine for each question, and so compiles every statement anew and opens the
database some 1,500 times in a close. This one keeps its engine. Each commit survives a process that is killed; the
last ones may be lost with a machine that loses its power, which the event log is not needed for: what a month is
known by are the files and the chain, which wait for the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as db
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage  # what dagster.yaml names

_BUSY_SECONDS = 60


class SqliteEventLog(ConsolidatedSqliteEventLogStorage):
    """The consolidated event log with one engine; `dagster.yaml` of a new home names it."""

    @cached_property
    def _engine(self) -> db.Engine:
        engine = db.create_engine(self._conn_string, connect_args={"timeout": _BUSY_SECONDS})
        db.event.listen(engine, "connect", _do_not_wait_for_the_disk)
        return engine

    @contextmanager
    def _connect(self) -> Iterator[db.Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's own
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
