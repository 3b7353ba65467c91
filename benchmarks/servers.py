"""The servers that `odbc` takes its rows from, each with the same table of entries in no order."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.measured import ENTRIES
from cpg1_assets_tests.postgres.cluster import running_cluster
from cpg1_assets_tests.tds.server import Packed, TdsServer

_LENGTHS = {"id_company": 20, "document_no": 20, "description": 100, "user_id": 50}


@contextmanager
def postgresql(rows: int) -> Iterator[str]:
    """Run a PostgreSQL with the table; give its connection string."""
    with running_cluster(None) as cluster:
        cluster.run(
            'CREATE SCHEMA "AIG_Nav_DW.dbo"',
            f"""CREATE UNLOGGED TABLE "AIG_Nav_DW.dbo"."Entries" AS SELECT
                (ARRAY['EC_NG','EC_KE','JD_GH','EC_MA'])[1 + n % 4]::varchar(20) AS id_company, n AS entry_no,
                ((n * 7919) % 2000000 / 100.0)::numeric(38,20) AS amount,
                (timestamp '2025-01-01' + n % 270 * interval '1 day')::timestamp(3) AS posting_date,
                ('DOC' || n)::varchar(20) AS document_no, ('a description of entry ' || n)::varchar(100) AS description,
                ('JUMIA/USER' || n % 97)::varchar(50) AS user_id, n % 50 = 0 AS reversed
                FROM generate_series(1::bigint, {rows}) AS n ORDER BY hashint8(n)""",
        )
        yield cluster.connection_string(user="postgres", password="any")  # noqa: S106 - a server of our own


@contextmanager
def packed_rows(rows: int, lengths: Mapping[str, int | str] = _LENGTHS) -> Iterator[str]:
    """Run a TDS server that sends the table whenever it is asked, all of it; give its connection string.

    `lengths` are those its columns of text have, `max` included.
    """
    statement = f"""SELECT (['EC_NG','EC_KE','JD_GH','EC_MA'])[1 + n % 4] AS id_company, n AS entry_no,
            CAST(CAST(n * 7919 % 2000000 AS DECIMAL(9,0)) * 0.01 AS DECIMAL(38,20)) AS amount,
            TIMESTAMP '2025-01-01' + INTERVAL (n % 270) DAY AS posting_date, 'DOC' || n AS document_no,
            'a description of entry ' || n AS description, 'JUMIA/USER' || n % 97 AS user_id, n % 50 = 0 AS reversed
            FROM range(1, {rows} + 1) AS r(n) ORDER BY hash(n)"""
    with duckdb.connect() as connection:
        table: pa.Table = connection.sql(statement).to_arrow_table()
    fields = [
        field.with_metadata({"tds": f"nvarchar({lengths[field.name]})"}) if field.name in lengths else field
        for field in table.schema
    ]
    answer = Packed(table.select([c.name for c in ENTRIES.columns]).cast(pa.schema(fields)))
    del table
    with TdsServer(Path(), {"[Entries]": answer}).running() as server:
        yield server.connection_string


def packed_rows_of_long_columns(rows: int) -> AbstractContextManager[str]:
    """Run the same server with the same rows, whose texts might be of any length."""
    return packed_rows(rows, dict.fromkeys(_LENGTHS, "max"))
