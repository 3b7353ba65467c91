"""The TDS server of the tests in this folder, and a source that asks it through Microsoft's driver."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.driver import wheel_driver
from cpg1_assets.sources.odbc import OdbcSource, Waits
from cpg1_assets.sources.sqlserver import SqlServer
from cpg1_assets_tests.required import require

if TYPE_CHECKING:
    from cpg1_assets_tests.tds.server import TdsServer

Asking = Callable[..., OdbcSource]


@pytest.fixture
def server(sample_books: Path) -> "Iterator[TdsServer]":
    """Run a TDS server with the sample books; skip by name what the machine lacks."""
    try:
        import pyodbc  # noqa: F401, PLC0415 - imports only where there is a driver manager
    except ImportError:
        require(present=False, what="an ODBC driver manager", how="apt-get install unixodbc")
    require(wheel_driver() is not None, "Microsoft's driver as a wheel", "pip install 'cpg1-assets[test]'")
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
