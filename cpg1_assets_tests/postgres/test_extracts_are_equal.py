"""The extracts of a server over ODBC are those of the sample books, to the byte."""

import json
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.evidence.audit.drift import drift
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.extraction import extract_month
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.conftest import ORDINARY_MONTH, home_with
from cpg1_assets_tests.postgres.asking import source_on
from cpg1_assets_tests.postgres.cluster import READER, READER_PASSWORD, Cluster

_MONTHS = ("2024-01", "2024-12", ORDINARY_MONTH, "2025-12")


@pytest.mark.parametrize("name", sorted(read_catalog()))
@pytest.mark.parametrize("key", _MONTHS)
def test_an_extract_is_the_same_from_both_sources(
    cluster: Cluster, sample_books: Path, tmp_path: Path, key: str, name: str
) -> None:
    extract, month, scope = read_catalog()[name], CutoffMonth.parse(key), read_scope()
    asked = extract_month(extract, source_on(cluster), scope, month, tmp_path / "server.parquet")
    embedded = extract_month(extract, SampleBooks(sample_books), scope, month, tmp_path / "books.parquet")
    assert asked.complete
    assert asked.source.keeps_snapshot
    assert asked.written.rows == embedded.written.rows
    assert (tmp_path / "server.parquet").read_bytes() == (tmp_path / "books.parquet").read_bytes()
    assert [v.as_dict() for v in asked.validations] == [v.as_dict() for v in embedded.validations]
    assert asked.several_matches == embedded.several_matches
    assert asked.parameters == embedded.parameters


@pytest.mark.parametrize("name", sorted(read_catalog()))
def test_an_extract_is_the_same_for_a_login_beyond_ascii(
    cluster: Cluster, sample_books: Path, tmp_path: Path, name: str
) -> None:
    extract, month, scope = read_catalog()[name], CutoffMonth.parse(ORDINARY_MONTH), read_scope()
    far = source_on(cluster, given=cluster.far_connection_string())
    assert extract_month(extract, far, scope, month, tmp_path / "server.parquet").complete
    extract_month(extract, SampleBooks(sample_books), scope, month, tmp_path / "books.parquet")
    assert (tmp_path / "server.parquet").read_bytes() == (tmp_path / "books.parquet").read_bytes()


def test_a_month_that_was_sealed_from_the_books_has_not_moved_on_the_server(
    cluster: Cluster, closed: Closed, sample_books: Path
) -> None:
    sealed = latest_seal(Home(closed.settings).evidence_folder, closed.month)
    assert sealed is not None
    found = drift(sealed, source_on(cluster), lambda: sample_books / "inbox", read_catalog(), ["JD_UG"])
    assert (found.complete, found.moved) == (True, False), found.summary()
    assert len(found.extracts) == len(read_catalog()) + 1


def test_a_month_closes_on_the_server_with_the_same_result_and_shows_nothing_of_the_connection_string(
    cluster: Cluster,
    closed: Closed,
    sample_books: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    home = home_with(sample_books, tmp_path / "home")
    settings = Settings(
        home=home,
        source="sqlserver",
        inbox=sample_books / "inbox",
        connection_string=cluster.connection_string(),
    )
    storage = tmp_path / "dagster"
    storage.mkdir()
    with dg.DagsterInstance.local_temp(str(storage)) as instance:
        run = close(settings, closed.month, instance, source=source_on(cluster))
        assert run.result.success
        for asset in sorted(closed.materialized() - {"evidence_manifest"}):
            assert run.path(asset).read_bytes() == closed.path(asset).read_bytes(), asset
        context = json.loads((run.package("cr_03") / "00_system_context.json").read_text(encoding="utf-8"))
        assert context["source"]["server"] == "127.0.0.1"
        assert context["source"]["keeps_snapshot"] is True
        shown = "\n".join(str(record) for record in instance.all_logs(run.result.run_id))
    out, err = capfd.readouterr()
    for secret in (READER, READER_PASSWORD, READER_PASSWORD.replace("}", "}}")):
        assert secret not in shown + out + err
        for path in filter(Path.is_file, [*home.joinpath("evidence").rglob("*"), *storage.rglob("*")]):
            assert secret.encode() not in path.read_bytes(), path
