"""The TDS server of the tests in this folder, and a source that asks it through Microsoft's driver."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import OdbcSource, Waits
from cpg1_assets.sources.sqlserver import SqlServer
from cpg1_assets_tests.required import TDS_OVER_ODBC, require

if TYPE_CHECKING:
    from cpg1_assets_tests.tds.server import TdsServer

Asking = Callable[..., OdbcSource]


@pytest.fixture
def server(sample_books: Path) -> "Iterator[TdsServer]":
    """Run a TDS server with the sample books; skip by name what the machine lacks."""
    require(*TDS_OVER_ODBC)
    from cpg1_assets_tests.tds.server import TdsServer  # noqa: PLC0415

    with TdsServer(sample_books).running() as running:
        yield running


@pytest.fixture
def asking(server: "TdsServer") -> Asking:
    """Make the source a person has with the server's connection string, or another one."""

    def ask(given: str | None = None, waits: Waits | None = None, **about: object) -> OdbcSource:
        string = ConnectionString.parse(given or server.connection_string)
        return OdbcSource(string, SqlServer(**about), waits or Waits(login=10, query=60, lock=10, grace=5))  # type: ignore[arg-type]

    return ask
