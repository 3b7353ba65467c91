"""What the control asks of a source: run a bound query and stream it, or get a few rows.

The sample books are one implementation and a SQL Server over ODBC is another. Queries are T-SQL with
named parameters (`query.Query`); how they reach the engine is the source's own affair.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pyarrow as pa

from cpg1_assets.sources.query import Query


@dataclass(frozen=True)
class SourceIdentity:
    """Where rows come from, without credentials: what evidence may show.

    `keeps_snapshot` says whether all queries of one session see one state of the databases (of a server
    only a session can tell, so it is None until one has asked);
    `version` tells one state of the source from another where the source can (the sample books can).
    """

    kind: str
    title: str
    server: str
    databases: tuple[str, ...]
    keeps_snapshot: bool | None
    version: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"databases": list(self.databases)}


class Session(Protocol):
    """An open conversation with the source."""

    def identity(self) -> SourceIdentity:
        """Say what this session asks, and whether all its queries so far saw one state of the source."""

    def stream(self, query: Query) -> pa.RecordBatchReader:
        """Run `query` and give its rows as Arrow batches, in whatever order the engine has them.

        LongTextError, raised while they are read, says that the same query in the same session would go on
        to the end of them.
        """

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """Run a `query` with a small result and give its rows as plain Python values by column name."""

    def text_sent(self, query: Query) -> str:
        """Give the exact text the engine gets for `query`."""


class Source(Protocol):
    """Somewhere the control's queries can be asked."""

    def identity(self) -> SourceIdentity:
        """Say what this source is, without credentials."""

    def session(self, purpose: Mapping[str, str] | None = None) -> AbstractContextManager[Session]:
        """Open a session; `purpose` (asset, month) names it to the server where the server can show it.

        Raises TransientSourceError when asking again later may help, SourceError when it will not.
        """
