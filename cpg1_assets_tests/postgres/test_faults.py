"""What production does to an extract: whatever is lost is asked again from the start, and nothing is half there."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.sources.odbc import OdbcSource, Waits
from cpg1_assets.sources.query import Query
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.network import Network
from cpg1_assets_tests.postgres.asking import NUMBERS, NUMBERS_FRAME, source_on
from cpg1_assets_tests.postgres.cluster import READER, Cluster
from cpg1_assets_tests.postgres.server import OWN
from cpg1_assets_tests.required import DRIVER_MANAGER, POSTGRESQL_DRIVER, require

_NUMBERS = 300_000
_IMPATIENT = Waits(login=1, query=1, lock=1, grace=1)
_SLOW = Query(f"{OWN}SELECT pg_sleep(60) AS slept", {})


def _written(source: OdbcSource, path: Path, during: Callable[[int], None] = lambda _: None) -> int:
    """Write the numbers as an extract is written; `during` is told of every batch that has arrived."""
    import pyarrow as pa  # noqa: PLC0415

    with source.session({"asset": "numbers", "month": "2025-09"}) as session:
        reader = session.stream(NUMBERS)

        def told() -> Iterator[pa.RecordBatch]:
            for position, batch in enumerate(reader):
                during(position)
                yield batch

        stream = pa.RecordBatchReader.from_batches(reader.schema, told())
        return write_parquet(stream, NUMBERS_FRAME, path).rows


@pytest.mark.parametrize("batch", [0, 1, 5, 12])
def test_a_session_ended_in_the_middle_of_a_fetch_leaves_no_file_and_the_next_attempt_is_whole(
    cluster: Cluster, tmp_path: Path, batch: int
) -> None:
    ended: list[int] = []

    def end(position: int) -> None:
        if position == batch:
            ended.append(cluster.terminate_sessions())

    with pytest.raises(TransientSourceError, match=r"fetching rows \(cpg1-assets numbers 2025-09\)"):
        _written(source_on(cluster), tmp_path / "numbers.parquet", end)
    assert ended == [1]
    assert list(tmp_path.iterdir()) == []
    assert _written(source_on(cluster), tmp_path / "numbers.parquet") == _NUMBERS


def test_a_server_stopped_in_the_middle_of_a_fetch_is_asked_again_when_it_is_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    def stop(position: int) -> None:
        if position == 1:
            cluster.stop()

    try:
        with pytest.raises(TransientSourceError):
            _written(source_on(cluster), tmp_path / "numbers.parquet", stop)
        with pytest.raises(TransientSourceError):
            _written(source_on(cluster), tmp_path / "numbers.parquet")
    finally:
        cluster.start()
    assert list(tmp_path.iterdir()) == []
    assert _written(source_on(cluster), tmp_path / "numbers.parquet") == _NUMBERS


@pytest.mark.parametrize("seed", range(12))
def test_a_connection_cut_anywhere_is_an_error_and_never_a_shorter_result(
    cluster: Cluster, tmp_path: Path, seed: int
) -> None:
    # In parts, PostgreSQL's own driver crashes when its connection is reset; Microsoft's is cut in `tds`.
    limit = random.Random(seed).randrange(50, 2_000_000)  # noqa: S311 - a place to cut, not a secret
    with Network(cluster.port, limit).running() as network:
        source = source_on(cluster, given=cluster.connection_string(port=network.port), in_parts=False)
        with pytest.raises(TransientSourceError):
            _written(source, tmp_path / "numbers.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_connection_through_the_same_network_gives_every_row(
    cluster: Cluster, tmp_path: Path
) -> None:
    with Network(cluster.port).running() as network:
        source = source_on(cluster, given=cluster.connection_string(port=network.port))
        assert _written(source, tmp_path / "numbers.parquet") == _NUMBERS


def test_a_query_that_takes_too_long_is_given_up_in_time(cluster: Cluster) -> None:
    began = time.monotonic()
    with source_on(cluster, _IMPATIENT).session() as session, pytest.raises(TransientSourceError):
        session.rows(_SLOW)
    assert time.monotonic() - began < 30


def test_a_lock_held_by_another_session_is_waited_for_no_longer_than_agreed(cluster: Cluster) -> None:
    with cluster.administrator() as other:
        other.autocommit = False
        other.execute('LOCK TABLE "AIG_Nav_DW.dbo"."Numbers" IN ACCESS EXCLUSIVE MODE')
        with source_on(cluster, Waits(lock=1)).session() as session, pytest.raises(TransientSourceError):
            session.rows(NUMBERS)
        other.rollback()
    with source_on(cluster).session() as session:
        assert len(session.rows(NUMBERS)) == _NUMBERS


def test_a_wrong_password_is_not_tried_again(cluster: Cluster) -> None:
    given = cluster.connection_string(password="hunter2; it's wrong")  # noqa: S106
    with (
        pytest.raises(SourceError, match="refused the login") as refused,
        source_on(cluster, given=given).session(),
    ):
        pass
    assert type(refused.value) is SourceError
    assert "hunter2" not in str(refused.value)
    assert READER not in str(refused.value)


@pytest.mark.parametrize(
    ("break_it", "mend_it", "said"),
    [
        ("ALTER TABLE {t} RENAME TO gone", 'ALTER TABLE {s}.gone RENAME TO "Numbers"', "a table or view is not there"),
        ("ALTER TABLE {t} RENAME COLUMN n TO m", "ALTER TABLE {t} RENAME COLUMN m TO n", "a column is not there"),
        ("REVOKE SELECT ON {t} FROM cpg1_reader", "GRANT SELECT ON {t} TO cpg1_reader", "SQLSTATE 42501"),
    ],
)  # fmt: skip
def test_what_is_gone_or_forbidden_is_not_asked_again_and_is_named(
    cluster: Cluster, break_it: str, mend_it: str, said: str
) -> None:
    names = {"t": '"AIG_Nav_DW.dbo"."Numbers"', "s": '"AIG_Nav_DW.dbo"'}
    cluster.run(break_it.format(**names))
    try:
        with source_on(cluster).session() as session, pytest.raises(SourceError, match=said) as refused:
            session.rows(NUMBERS)
        assert type(refused.value) is SourceError
    finally:
        cluster.run(mend_it.format(**names))


def test_a_dropped_table_is_named(cluster: Cluster) -> None:
    cluster.run(
        'CREATE TABLE "AIG_Nav_DW.dbo"."Short lived" (n int)', 'DROP TABLE "AIG_Nav_DW.dbo"."Short lived"'
    )
    query = Query("SELECT t.n AS n FROM [AIG_Nav_DW].[dbo].[Short lived] AS t", {})
    with source_on(cluster).session() as session, pytest.raises(SourceError, match="Short lived"):
        session.rows(query)


def test_a_port_that_accepts_and_stays_silent_is_given_up_in_time() -> None:
    require(DRIVER_MANAGER, POSTGRESQL_DRIVER)
    from cpg1_assets.sources.connection_string import ConnectionString  # noqa: PLC0415
    from cpg1_assets_tests.postgres.server import PostgresServer  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = ConnectionString.parse(
            f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={silent.getsockname()[1]};UID=u;PWD=wxyz;"
        )
        began = time.monotonic()
        source = OdbcSource(given, PostgresServer(given), _IMPATIENT)
        with pytest.raises(TransientSourceError), source.session():
            pass
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("limit", [700, 30_000, 1_000_000])
def test_a_network_that_goes_silent_is_given_up_in_time(cluster: Cluster, tmp_path: Path, limit: int) -> None:
    with Network(cluster.port, limit, cuts=False).running() as network:
        source = source_on(
            cluster,
            Waits(login=2, query=2, lock=2, grace=1),
            given=cluster.connection_string(port=network.port),
            in_parts=False,
        )
        began = time.monotonic()
        with pytest.raises(TransientSourceError):
            _written(source, tmp_path / "numbers.parquet")
        assert time.monotonic() - began < 30
    assert list(tmp_path.iterdir()) == []


def _interrupt_when_it_works(cluster: Cluster) -> None:
    """Send SIGINT once the server is at the query.

    Sent earlier it may find the main thread in pyodbc, through which this server of the tests asks for the types of a
    query: pyodbc forgets an interrupt that comes while it calls Python.
    """
    at_work = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with cluster.administrator() as watching:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if watching.execute(at_work).fetchval():
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.05)


def test_an_interrupt_is_heard_while_the_server_works(cluster: Cluster) -> None:
    began = time.monotonic()
    interrupt = threading.Thread(target=_interrupt_when_it_works, args=(cluster,))
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(source_on(cluster).session())
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            session.rows(_SLOW)
    assert time.monotonic() - began < 30
    interrupt.join()
    cluster.terminate_sessions()
