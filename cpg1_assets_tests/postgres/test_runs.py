"""A run of Dagster on a real server: lost connections are retried, refusals are not, and storage stays whole."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.settings import Settings
from cpg1_assets.sources import odbc
from cpg1_assets.sources.interface import Session, Source, SourceIdentity
from cpg1_assets.sources.query import Query
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.postgres.asking import source_on
from cpg1_assets_tests.postgres.cluster import Cluster


@dataclass
class CutOff:
    """A source whose sessions are ended on the server while rows are fetched, as often as `times`."""

    source: Source
    cluster: Cluster
    times: int
    sessions: list[str] = field(default_factory=list)

    def identity(self) -> SourceIdentity:
        """Say what the source says."""
        return self.source.identity()

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:
        """Open a session of the source."""
        self.sessions.append((purpose or {})["asset"])
        with self.source.session(purpose) as session:
            yield _CutOffSession(session, self)


@dataclass
class _CutOffSession:
    session: Session
    cut: CutOff

    def identity(self) -> SourceIdentity:
        return self.session.identity()

    def rows(self, query: Query) -> list[dict[str, Any]]:
        return self.session.rows(query)

    def text_sent(self, query: Query) -> str:
        return self.session.text_sent(query)

    def stream(self, query: Query) -> pa.RecordBatchReader:
        reader = self.session.stream(query)

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                if len(self.cut.sessions) <= self.cut.times:
                    self.cut.cluster.terminate_sessions()
                yield batch

        return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _run(home: Path, month: str, instance: dg.DagsterInstance, source: Source) -> Closed:
    settings = Settings(home=home, source="sqlserver", connection_string="Server=x", retry_waits=(0, 0))
    return close(settings, month, instance, source=source, select=["cr_03"])


def test_a_lost_connection_is_asked_again_from_the_start_and_no_row_comes_twice(
    cluster: Cluster,
    closed: Closed,
    home: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first rows are handed on while others are still to come, however fast the server is.
    monkeypatch.setattr(odbc, "_GATHERED_ROWS", 1)
    source = CutOff(source_on(cluster), cluster, times=2)
    run = _run(home, closed.month, instance, source)
    assert run.result.success
    assert source.sessions == ["cr_03"] * 3
    assert pq.read_table(run.path("cr_03")).equals(pq.read_table(closed.path("cr_03")))
    log = json.loads((run.package("cr_03") / "07_execution_log.json").read_text(encoding="utf-8"))
    assert [attempt["result"] for attempt in log["attempts"]] == ["failed", "failed", "done"]
    assert "fetching rows" in log["attempts"][0]["why"]


def test_when_every_attempt_is_cut_off_nothing_is_stored_and_the_message_says_what_to_do(
    cluster: Cluster, closed: Closed, home: Path, instance: dg.DagsterInstance
) -> None:
    run = _run(home, closed.month, instance, CutOff(source_on(cluster), cluster, times=3))
    assert not run.result.success
    assert "cpg1 doctor" in run.why_failed("cr_03")
    assert [path for path in (home / "storage").rglob("*") if path.is_file()] == []
    assert list(home.rglob("*.parquet.*")) == []


def test_a_refusal_is_not_asked_again(
    cluster: Cluster, closed: Closed, home: Path, instance: dg.DagsterInstance
) -> None:
    source = CutOff(source_on(cluster), cluster, times=0)
    table = '"AIG_Nav_DW.dbo"."G_L Entries"'
    cluster.run(f'ALTER TABLE {table} RENAME COLUMN "Voucher No_" TO "Voucher"')
    try:
        run = _run(home, closed.month, instance, source)
    finally:
        cluster.run(f'ALTER TABLE {table} RENAME COLUMN "Voucher" TO "Voucher No_"')
    assert not run.result.success
    assert source.sessions == ["cr_03"]
    assert "a column is not there" in run.why_failed("cr_03")
    assert "Voucher No_" in run.why_failed("cr_03")
    assert [path for path in (home / "storage").rglob("*") if path.is_file()] == []
