"""The sample books as a source: the tables of spec 2 under their real three-part names in an embedded DuckDB.

The books are Parquet files made by `cpg1_assets.sample_books`; here they are attached as views, so that
many processes can read them at once and nothing can write them.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cpg1_assets import embedded
from cpg1_assets.embedded import quoted
from cpg1_assets.errors import SourceError
from cpg1_assets.json_file import read_object
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
    with _making(folder):
        if not (folder / "books.json").exists():
            with naming("The SAMPLE BOOKS", folder):
                make_sample_books(folder)


def make_books_anew(folder: Path, *, seed: int, factor: int, progress: Callable[[str], None] | None) -> None:
    """Make sample books in `folder` in the place of those that are there; see `make_sample_books`."""
    with _making(folder):
        make_sample_books(folder, seed=seed, factor=factor, progress=progress)


@contextmanager
def _making(folder: Path) -> Iterator[None]:
    """Hold the right to make the books; what a killed process left half made is cleared away under it."""
    lock = folder.parent / "locks" / "sample_books.lock"
    with held_lock(lock, "the sample books, which are being made", wait=True):
        for half_made in folder.parent.glob(f".{folder.name}.*-*"):
            shutil.rmtree(half_made, ignore_errors=True)
        yield


class SampleBooks:
    """The sample books under `folder`, made on first use if they are not there."""

    def __init__(self, folder: Path) -> None:
        """Remember where the books are; nothing is read or made until a session opens."""
        self.folder = folder

    def identity(self) -> SourceIdentity:
        """Say that these are the SAMPLE BOOKS; the version is the digest of their contents list."""
        ensure_sample_books(self.folder)
        try:
            contents = (self.folder / "books.json").read_bytes()
        except OSError as error:
            raise SourceError(
                f"The sample books in {self.folder} cannot be read ({error}). Make them anew with: cpg1 sample"
            ) from error
        return SourceIdentity(
            kind="sample",
            title="SAMPLE BOOKS",
            server="sample books",
            databases=SOURCE_DATABASES,
            keeps_snapshot=True,
            version=hashlib.sha256(contents).hexdigest(),
        )

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:  # noqa: ARG002
        """Open the books for reading."""
        identity = self.identity()
        with _connected(self.folder, identity.version) as connection:
            yield _SampleSession(connection, identity)


def _attached(folder: Path, _version: str | None) -> duckdb.DuckDBPyConnection:
    """Start an engine with the books of a folder attached, which takes as long as the queries of a small extract.

    Of another version of them, as of other books, there is another.
    """
    connection = embedded.started()
    try:
        content = read_object(folder / "books.json")
        tables = [
            (*name[1:-1].split("].["), folder / table["path"]) for name, table in content["tables"].items()
        ]
        for database in SOURCE_DATABASES:
            connection.execute(f"ATTACH ':memory:' AS {quoted(database)}")
        for database, schema, name, path in tables:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(database)}.{quoted(schema)}")
            connection.execute(
                f"CREATE VIEW {quoted(database)}.{quoted(schema)}.{quoted(name)} "
                f"AS SELECT * FROM {embedded.parquet(path)}"
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, duckdb.Error) as error:
        raise SourceError(
            f"The sample books in {folder} cannot be read ({error}). Make them anew with: cpg1 sample"
        ) from error
    return connection


_connected = embedded.of_this_process(_attached)


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
        return to_duckdb(query, keep=True)[0]

    def _run(self, query: Query) -> duckdb.DuckDBPyRelation:
        text, values = to_duckdb(query, keep=True)
        try:
            return self._connection.sql(text, params=values or None)
        except duckdb.Error as error:
            raise SourceError(f"The sample books refused a query: {error}") from error
