"""The sample books hold blanks at the end of every text that the queries join or group on, and they matter."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.extraction import bound_parameters
from cpg1_assets.extracts.named_columns import statements_of
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sample_books.tables import file_of
from cpg1_assets.sources import dialect, sample
from cpg1_assets.sources.blanks import compared_texts
from cpg1_assets.sources.columns import Columns
from cpg1_assets.sources.query import Query, Scalar
from cpg1_assets.sources.sample import SampleBooks

MONTH = CutoffMonth(2025, 9)
CATALOG = read_catalog()


def _joined_and_grouped() -> list[tuple[str, str]]:
    """Give every column of the source that a statement compares: all but what it only orders by."""
    found: set[tuple[tuple[str, ...], str]] = set()
    for statement in (companies_in_scope_sql(), *(s for e in CATALOG.values() for s in statements_of(e))):
        tree = sqlglot.parse_one(statement, read="tsql")
        columns = Columns(tree)
        for text in compared_texts(tree):
            if text.find_ancestor(exp.Ordered, exp.Min, exp.Max) is None:
                found.update(columns.origins(text))
    return sorted((".".join(f"[{part}]" for part in table), column) for table, column in found)


@pytest.mark.parametrize(("table", "column"), _joined_and_grouped())
def test_a_column_that_is_joined_or_grouped_on_has_some(sample_books: Path, table: str, column: str) -> None:
    values = pq.read_table(sample_books / file_of(table), columns=[column])[column]
    ending = pc.sum(pc.ends_with(values, " ")).as_py()
    assert ending
    assert ending < max(len(values) / 2, 2), "a small share"


@pytest.fixture(name="exact")
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare exactly, as the engine of the books would by itself."""

    def exactly(query: Query, *, keep: bool) -> tuple[str, dict[str, Scalar]]:
        # A text that nobody has asked before, and nobody shall find again: translations are remembered.
        assert keep
        return dialect.to_duckdb(Query(f"{query.text}\n-- compared exactly", query.parameters))

    monkeypatch.setattr(dialect, "ignore_trailing_blanks", lambda *_: None)
    monkeypatch.setattr(sample, "to_duckdb", exactly)


@pytest.fixture(name="as_the_server", scope="module")
def _as_the_server(sample_books: Path) -> dict[str, pa.Table]:
    return _extracts(sample_books)


def _extracts(books: Path) -> dict[str, pa.Table]:
    with SampleBooks(books).session() as session:
        parameters = bound_parameters(session, read_scope(), MONTH)
        return {
            name: session.stream(Query(extract.sql, parameters))
            .read_all()
            .sort_by(_order(extract.contract.key))
            for name, extract in CATALOG.items()
        }


def _order(key: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, "ascending") for name in key]


@pytest.mark.usefixtures("exact")
def test_compared_exactly_every_extract_would_be_another(
    sample_books: Path, as_the_server: dict[str, pa.Table]
) -> None:
    exactly = _extracts(sample_books)
    assert not {name for name in CATALOG if exactly[name].equals(as_the_server[name])}


@pytest.mark.usefixtures("exact")
def test_compared_exactly_the_figures_would_differ(
    sample_books: Path, as_the_server: dict[str, pa.Table]
) -> None:
    exactly = _extracts(sample_books)
    for name in ("ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34", "cr_03", "cr_04"):
        amount = CATALOG[name].contract.amounts[-1]
        assert pc.sum(exactly[name][amount]) != pc.sum(as_the_server[name][amount]), name
