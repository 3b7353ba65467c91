"""One set of sample books, made once, that all tests here read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from cpg1_assets.sample_books import make_sample_books
from cpg1_assets.sample_books.spellings import PADDED

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Books:
    """Made books, and a way to ask them."""

    root: Path
    manifest: dict[str, Any]
    connection: duckdb.DuckDBPyConnection

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query over the books' tables, each a view under the last part of its name.

        Texts come without the blanks at their end, so that they compare as they do on SQL Server.
        """
        return self.connection.execute(query).fetchall()

    def one(self, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        """Give the single figure of a query."""
        return self.ask(query)[0][0]


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    root = tmp_path_factory.mktemp("books") / "sample_books"
    make_sample_books(root)
    manifest = json.loads((root / "books.json").read_text(encoding="utf-8"))
    connection = duckdb.connect()
    for name, table in manifest["tables"].items():
        view = name.split("].[")[-1].rstrip("]")
        trimmed = ", ".join(_as_compared(column) for column in PADDED.get(name, ()))
        replaced = f"replace ({trimmed})" if trimmed else ""
        connection.execute(
            f"create view \"{view}\" as select * {replaced} from read_parquet('{root / table['path']}')"
        )
    for name in ("lines", "roll_forward", "causes", "events"):
        connection.execute(f"create view {name} as from read_parquet('{root / 'truth' / name}.parquet')")
    return Books(root, manifest, connection)


def _as_compared(column: str) -> str:
    """Write a column as SQL Server compares it: without blanks at its end, companies whatever their case."""
    text = f"rtrim(\"{column}\", ' ')"
    return f'{f"upper({text})" if column.lower() == "id_company" else text} as "{column}"'
