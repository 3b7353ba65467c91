"""The server of the tests in this folder, one for each test process."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cpg1_assets_tests.required import POSTGRESQL_OVER_ODBC, require

if TYPE_CHECKING:
    from cpg1_assets_tests.postgres.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(sample_books: Path) -> "Iterator[Cluster]":
    """Run a PostgreSQL server with the sample books; skip by name what the machine lacks."""
    require(*POSTGRESQL_OVER_ODBC)
    from cpg1_assets_tests.postgres.cluster import running_cluster  # noqa: PLC0415

    with running_cluster(sample_books) as running:
        running.run(
            'CREATE TABLE "AIG_Nav_DW.dbo"."Numbers" AS SELECT n, \'number \' || n AS text '
            "FROM generate_series(1, 300000) AS n",
            'GRANT SELECT ON "AIG_Nav_DW.dbo"."Numbers" TO cpg1_reader',
        )
        yield running
