"""Evidence lets a person who was not there inspect what was run, and recompute it without this software."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.errors import StorageError
from cpg1_assets.evidence.packages.package import data_snapshot, write_package
from cpg1_assets.evidence.packages.summary import content_digest
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.validation import statements
from cpg1_assets.home import Home
from cpg1_assets_tests.closing import Closed, close

MONTH = "2025-09"
EXTRACTS = [
    "collection_links", "cr_03", "cr_04", "cr_05", "doc_voucher_usage", "ipe_07", "ipe_08", "ipe_10", "ipe_12",
    "ipe_31", "ipe_34", "nav_open_items",
]  # fmt: skip
NUMBERED = [
    "00_system_context.json", "01_executed_query.sql", "02_query_parameters.json", "03_data_snapshot.csv",
    "04_data_summary.json", "05_integrity_hash.json", "06_validation_results.json", "07_execution_log.json",
]  # fmt: skip


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("extract", EXTRACTS)
def test_an_extracts_package_is_complete_and_agrees_with_storage(closed: Closed, extract: str) -> None:
    package = closed.package(extract)
    names = {path.name for path in package.iterdir()}
    assert {*NUMBERED, "data.parquet"} <= names
    assert sha256(package / "data.parquet") == sha256(closed.path(extract))
    hashes = json.loads((package / "05_integrity_hash.json").read_text())
    assert hashes["sha256"] == sha256(package / "data.parquet")
    summary = json.loads((package / "04_data_summary.json").read_text())
    rows = closed.rows(extract)
    assert summary["rows"] == hashes["rows"] == len(rows)
    for amount, by_company in summary["amounts_by_company"].items():
        for company, figures in by_company.items():
            values = [r[amount] for r in rows if r["id_company"] == company and r[amount] is not None]
            assert [Decimal(figures[k]) for k in ("min", "max", "sum")] == [
                min(values),
                max(values),
                sum(values),
            ]
    for column in summary["columns"]:
        assert column["nulls"] == sum(row[column["name"]] is None for row in rows)
    validations = json.loads((package / "06_validation_results.json").read_text())["validations"]
    assert {v["name"] for v in validations} <= set(closed.evaluations(extract))
    assert all(v["result"] in ("pass", "fail") for v in validations)
    assert {v["name"] for v in validations} == set(statements(read_catalog()[extract].contract))


@pytest.mark.parametrize("extract", EXTRACTS)
def test_the_content_digest_is_recomputed_by_hand_as_the_package_says(closed: Closed, extract: str) -> None:
    package = closed.package(extract)
    hashes = json.loads((package / "05_integrity_hash.json").read_text())
    (step,) = [step for step in hashes["how_to_recompute"] if step.startswith("digest.sql: ")]
    statement = step.removeprefix("digest.sql: ")
    copy = package.parent / f"{extract}.csv"
    statement = statement.replace("'data.parquet'", f"'{package / 'data.parquet'}'")
    duckdb.connect().execute(statement.replace("'/dev/stdout'", f"'{copy}'"))
    recomputed = sha256(copy)
    copy.unlink()
    assert recomputed == hashes["content_digest"]


def test_the_content_digest_does_not_depend_on_how_parquet_was_written(
    closed: Closed, tmp_path: Path
) -> None:
    table = pq.read_table(closed.path("ipe_07"))
    other = tmp_path / "other.parquet"
    pq.write_table(table, other, compression="gzip", row_group_size=7)
    assert content_digest(other) == content_digest(closed.path("ipe_07"))
    pq.write_table(table.slice(1), other)
    assert content_digest(other) != content_digest(closed.path("ipe_07"))


def test_the_query_and_its_values_are_those_of_the_month(closed: Closed) -> None:
    package = closed.package("ipe_07")
    parameters = json.loads((package / "02_query_parameters.json").read_text())
    assert len(parameters["companies"]) == 9
    assert parameters["next_month_start"].startswith("2025-10-01")
    text = (package / "01_executed_query.sql").read_text()
    assert "EC_NG" not in text, "values are bound, never pasted"
    assert "$companies_1" in text


def test_the_context_says_sample_books_code_and_run_and_no_secret(closed: Closed) -> None:
    for context in (closed.settings.home / "evidence").rglob("00_system_context.json"):
        said = json.loads(context.read_text())
        assert said["books"] == "SAMPLE BOOKS", context
        assert said["counts_as_the_control"] is False, context
        assert said["run_id"] == closed.result.run_id
        assert said["month"] == MONTH
        assert {"code_version", "git", "host", "python", "libraries", "started_by"} <= said.keys()
        assert "connection" not in context.read_text().lower()


def test_the_snapshot_is_the_last_thousand_rows_and_says_sample_books(closed: Closed) -> None:
    with (closed.package("cr_03") / "03_data_snapshot.csv").open(newline="", encoding="utf-8") as file:
        shown = list(csv.DictReader(file))
    rows = closed.rows("cr_03")
    assert len(rows) > 1000
    assert [int(row["entry_no"]) for row in shown] == [row["entry_no"] for row in rows[-1000:]]
    assert {row["books"] for row in shown} == {"SAMPLE BOOKS"}


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised_and_amounts_are_not(tmp_path: Path) -> None:
    dangerous = ["=1+1", "+cmd", "@x", "-2+3", "\tx", "  =1", "\r=1"]
    texts = [*dangerous, "plain", "a=b", None]
    table = pa.table(
        {
            "note": pa.array(texts),
            "amount": pa.array([Decimal("-1.5000")] * len(texts), pa.decimal128(24, 4)),
            "posted": pa.array([date(2025, 9, 30)] * len(texts)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    shown = data_snapshot(tmp_path / "a.parquet", sample=False)
    rows = list(csv.DictReader(io.StringIO(shown, newline="")))
    assert [row["note"] for row in rows[: len(dangerous)]] == ["'" + text for text in dangerous]
    assert [row["note"] for row in rows[len(dangerous) :]] == ["plain", "a=b", ""]
    assert {row["amount"] for row in rows} == {"-1.5000"}
    assert {row["posted"] for row in rows} == {"2025-09-30"}


def test_jdash_files_are_kept_byte_for_byte(closed: Closed) -> None:
    inbox = Home(closed.settings).inbox_folder / "jdash" / MONTH
    kept = {path.name: path.read_bytes() for path in (closed.package("jdash") / "files").iterdir()}
    assert kept == {path.name: path.read_bytes() for path in inbox.iterdir()}
    assert len(kept) == 9


@pytest.mark.parametrize("name", ["bridge_calculations", "bridge_classifications"])
def test_the_evidence_frames_list_their_files_with_the_right_hashes(closed: Closed, name: str) -> None:
    package = closed.package(name)
    listed = {row["path"]: (row["size_bytes"], row["sha256"]) for row in closed.rows(f"{name}_evidence")}
    found = {
        str(path.relative_to(package)): (path.stat().st_size, sha256(path))
        for path in package.rglob("*")
        if path.is_file() and path.name != "00_system_context.json"
    }
    assert listed == found
    assert {"rules/lines.yaml", "rules/thresholds.yaml", "rules/collection_classification.yaml"} <= set(
        listed
    )
    for proof in [path for path in listed if path.endswith(".parquet")]:
        assert sha256(package / proof) == sha256(closed.path(Path(proof).stem))


def test_bridge_amounts_by_company_are_those_of_the_proof_rows(closed: Closed) -> None:
    amounts = json.loads((closed.package("bridge_calculations") / "amounts_by_company.json").read_text())
    for bridge, column in {
        "timing_difference_bridge": "variance",
        "vtc_adjustment": "remaining_amount",
    }.items():
        for row in amounts[bridge]:
            rows = [r for r in closed.rows(bridge) if r["id_company"] == row["id_company"]]
            assert Decimal(row["amount"]) == sum(r[column] for r in rows)
            assert row["rows"] == len(rows)
    assert {Decimal(r["amount"]) for r in amounts["customer_posting_group_bridge"]} == {Decimal(0)}


def test_classification_counts_every_item_once(closed: Closed) -> None:
    package = closed.package("bridge_classifications")
    counts = json.loads((package / "counts_and_amounts.json").read_text())["by_bridge_key_and_company"]
    unclassified = json.loads((package / "unclassified_rows.json").read_text())["rows"]
    rows = closed.rows("ipe_31_classified")
    assert sum(row["items"] for row in counts) == len(rows)
    assert sum(Decimal(row["amount"]) for row in counts) == sum(row["amount"] for row in rows)
    assert len(unclassified) == sum(row["bridge_key"] is None for row in rows)


def test_a_later_run_never_touches_an_earlier_package_and_gives_the_same_frames(
    narrowed: Closed, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(narrowed.settings.home, tmp_path / "home", symlinks=True))
    settings = replace(narrowed.settings, home=home)
    before = dict(hashed(Home(settings).evidence_folder))
    stored = dict(hashed(Home(settings).place / "storage"))
    second = close(settings, MONTH, instance)
    after = dict(hashed(Home(settings).evidence_folder))
    assert {name: digest for name, digest in after.items() if name in before} == before
    assert len(after) == 2 * len(before)
    assert narrowed.package("ipe_07").name != second.package("ipe_07").name
    assert dict(hashed(Home(settings).place / "storage")) == stored, "the evidence frames too"


def hashed(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), sha256(path)


def test_another_attempt_of_a_run_gets_a_package_of_its_own(tmp_path: Path) -> None:
    one = write_package(tmp_path / "run", {"a.json": {"a": 1}})
    two = write_package(tmp_path / "run", {"a.json": {"a": 2}})
    assert (one.name, two.name) == ("run", "run-2")
    assert json.loads((one / "a.json").read_text()) == {"a": 1}


def test_a_package_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_package(tmp_path / "run", {"a.json": {"a": 1}, "b.parquet": tmp_path / "is not there"})
    assert list(tmp_path.iterdir()) == []
