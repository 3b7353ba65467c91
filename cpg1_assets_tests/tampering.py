"""Sources that lie, fail or keep no snapshot: the sample books with something in between."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from cpg1_assets.sources.interface import Session, Source, SourceIdentity
from cpg1_assets.sources.query import Query

Tampering = Callable[[pa.Table], pa.Table]
Asked = Callable[[str], None]


@dataclass
class TamperedSource:
    """`source`, with what it streams for an asset changed by `stream`, and `asked` told of every session.

    `stream` and `rows` are by the asset a session is opened for; `asked` may raise in place of the source.
    """

    source: Source
    stream: Mapping[str, Tampering] = field(default_factory=dict)
    asked: Asked = lambda _: None
    keeps_snapshot: bool = True
    streamed: list[str] = field(default_factory=list)

    def identity(self) -> SourceIdentity:
        """Say what the source says, but for the snapshot."""
        return replace(self.source.identity(), keeps_snapshot=self.keeps_snapshot)

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:
        """Open a session of the source."""
        asset = (purpose or {})["asset"]
        self.asked(asset)
        with self.source.session(purpose) as session:
            yield _TamperedSession(self, session, asset)


@dataclass
class _TamperedSession:
    tampered: TamperedSource
    session: Session
    asset: str

    def identity(self) -> SourceIdentity:
        return replace(self.session.identity(), keeps_snapshot=self.tampered.keeps_snapshot)

    def stream(self, query: Query) -> pa.RecordBatchReader:
        self.tampered.streamed.append(self.asset)
        table = self.session.stream(query).read_all()
        if self.asset in self.tampered.stream:
            table = self.tampered.stream[self.asset](table)
        return table.to_reader()

    def rows(self, query: Query) -> list[dict[str, Any]]:
        return self.session.rows(query)

    def text_sent(self, query: Query) -> str:
        return self.session.text_sent(query)
