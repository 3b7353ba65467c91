"""Asking the PostgreSQL of these tests through the product's own source."""

from cpg1_assets.frame import FrameSpec
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import OdbcSource, Waits
from cpg1_assets.sources.query import Query
from cpg1_assets_tests.postgres.cluster import Cluster
from cpg1_assets_tests.postgres.server import PostgresServer

NUMBERS = Query("SELECT t.n AS n, t.text AS text FROM [AIG_Nav_DW].[dbo].[Numbers] AS t", {})
NUMBERS_FRAME = FrameSpec.model_validate(
    {
        "name": "numbers",
        "title": "Numbers",
        "key": ["n"],
        "columns": [{"name": "n", "type": "integer"}, {"name": "text", "type": "text"}],
    }
)
PATIENT = Waits(login=10, query=60, lock=10, grace=5)


def source_on(
    cluster: Cluster,
    waits: Waits = PATIENT,
    *,
    given: str | None = None,
    snapshot: bool = True,
    in_parts: bool = True,
) -> OdbcSource:
    """Give the source a person would have with `given` as connection string, the reader's by default."""
    string = ConnectionString.parse(given or cluster.connection_string())
    describing = ConnectionString.parse(cluster.connection_string())
    return OdbcSource(
        string, PostgresServer(describing, wants_snapshot=snapshot, fetches_in_parts=in_parts), waits
    )
