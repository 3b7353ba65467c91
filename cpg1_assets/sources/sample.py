"""The sample books as a source: the tables of spec 2 under their real three-part names in an embedded DuckDB.

The books are Parquet files made by `cpg1_assets.sample_books`; here they are attached as views, so that
many processes can read them at once and nothing can write them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cpg1_assets import embedded
from cpg1_assets.embedded import quoted
from cpg1_assets.errors import SourceError
from cpg1_assets.lock import held_lock
from cpg1_assets.refusal import naming
from cpg1_assets.sample_books import make_sample_books
from cpg1_assets.settings import SOURCE_DATABASES
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.interface import Session, SourceIdentity
from cpg1_assets.sources.query import Query

_BATCH_ROWS = 65_536


def ensure_sample_books(folder: Path) -> None:
    """Make the default sample books in `folder` if there are none; several processes may ask at once."""
    if (folder / "books.json").exists():
        return
    with held_lock(folder.parent / "locks" / "sample_books.lock", wait=True):
        if not (folder / "books.json").exists():
            with naming("The SAMPLE BOOKS", folder):
                make_sample_books(folder)


class SampleBooks:
    """The sample books under `folder`, made on first use if they are not there."""

    def __init__(self, folder: Path) -> None:
        """Remember where the books are; nothing is read or made until a session opens."""
        self.folder = folder

    def identity(self) -> SourceIdentity:
        """Say that these are the SAMPLE BOOKS; the version is the digest of their contents list."""
        ensure_sample_books(self.folder)
        return SourceIdentity(
            kind="sample",
            title="SAMPLE BOOKS",
            server="sample books",
            databases=SOURCE_DATABASES,
            keeps_snapshot=True,
            version=hashlib.sha256((self.folder / "books.json").read_bytes()).hexdigest(),
        )

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:  # noqa: ARG002
        """Open the books for reading."""
        ensure_sample_books(self.folder)
        with embedded.opened() as connection:
            self._attach(connection)
            yield _SampleSession(connection, self.identity())

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            tables = json.loads((self.folder / "books.json").read_text(encoding="utf-8"))["tables"]
        except (OSError, ValueError, KeyError) as error:
            raise SourceError(
                f"The sample books in {self.folder} cannot be read ({error}). Make them anew with: cpg1 sample"
            ) from error
        for database in SOURCE_DATABASES:
            connection.execute(f"ATTACH ':memory:' AS {quoted(database)}")
        for name, table in tables.items():
            database, schema, bare = name[1:-1].split("].[")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(database)}.{quoted(schema)}")
            try:
                connection.execute(
                    f"CREATE VIEW {quoted(database)}.{quoted(schema)}.{quoted(bare)} "
                    f"AS SELECT * FROM {embedded.parquet(self.folder / table['path'])}"
                )
            except duckdb.Error as error:
                raise SourceError(
                    f"The sample books lack {name} ({error}). Make them anew with: cpg1 sample"
                ) from error


class _SampleSession:
    def __init__(self, connection: duckdb.DuckDBPyConnection, identity: SourceIdentity) -> None:
        self._connection = connection
        self._identity = identity

    def identity(self) -> SourceIdentity:
        return self._identity

    def stream(self, query: Query) -> pa.RecordBatchReader:
        return self._run(query).to_arrow_reader(_BATCH_ROWS)

    def rows(self, query: Query) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.stream(query).read_all().to_pylist()
        return rows

    def text_sent(self, query: Query) -> str:
        return to_duckdb(query)[0]

    def _run(self, query: Query) -> duckdb.DuckDBPyRelation:
        text, values = to_duckdb(query)
        try:
            return self._connection.sql(text, params=values or None)
        except duckdb.Error as error:
            raise SourceError(f"The sample books refused a query: {error}") from error
