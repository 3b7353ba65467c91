"""Dagster's event log in one SQLite database, written without waiting for the disk at every event.

Dagster's own consolidated log makes an engine for each question, and so compiles every statement anew and opens the
database some 1,500 times in a close. This one keeps its engine. Each commit survives a process that is killed; the
last ones may be lost with a machine that loses its power, which the event log is not needed for: what a month is
known by are the files and the chain, which wait for the disk.

Dagster's reads a free slot of a pool and then writes who has it, and counts on locked rows in between, which SQLite
does not have: runs that claim at once all get the same slot. This one claims in one statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as db
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage  # what dagster.yaml names
from dagster._core.storage.event_log.schema import ConcurrencySlotsTable
from dagster._utils.concurrency import ConcurrencySlotStatus

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

    def _claim_concurrency_slot(
        self, concurrency_key: str, run_id: str, step_key: str
    ) -> ConcurrencySlotStatus:
        """Write who has it into a slot that is free while it is written, if there is one."""
        slots = ConcurrencySlotsTable.c
        free = db.and_(
            slots.concurrency_key == concurrency_key, slots.step_key.is_(None), slots.deleted.is_(False)
        )
        one = db.select(slots.id).where(free).order_by(slots.id).limit(1).scalar_subquery()
        claim = ConcurrencySlotsTable.update().where(slots.id == one).values(run_id=run_id, step_key=step_key)
        with self._connect() as connection:
            claimed = connection.execute(claim).rowcount == 1
        return ConcurrencySlotStatus.CLAIMED if claimed else ConcurrencySlotStatus.BLOCKED

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's own
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
