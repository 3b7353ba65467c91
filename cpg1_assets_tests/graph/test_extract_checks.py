"""A source that loses, adds or changes rows is found out; what is incomplete stops everything downstream.

The source lies by way of `tampering`: what it streams is changed, what the server counts is not.
"""

from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cpg1_assets.disk import sha256_of
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets.storage.provenance import provenance_name
from cpg1_assets_tests.closing import Closed, close, listed
from cpg1_assets_tests.tampering import TamperedSource, Tampering

MONTH = "2025-09"


def largest_lost(name: str) -> Tampering:
    """Lose the row with the largest amount: the one an auditor would look for first."""

    def tamper(table: pa.Table) -> pa.Table:
        order = pc.array_sort_indices(pc.abs(table[name].combine_chunks()), order="descending")
        return table.take(order[1:])

    return tamper


def one_amount_changed(name: str) -> Tampering:
    def tamper(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        values[0] = (values[0] or 0) + 1
        at = table.column_names.index(name)
        return table.set_column(at, name, pa.array(values, table[name].type))

    return tamper


def value_in_first_row(name: str, value: object) -> Tampering:
    def tamper(table: pa.Table) -> pa.Table:
        at = table.column_names.index(name)
        values = [value, *table[name].to_pylist()[1:]]
        return table.set_column(at, name, pa.array(values, table[name].type))

    return tamper


def first_row_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def tampered(home: Path, **stream: Tampering) -> TamperedSource:
    return TamperedSource(SampleBooks(home / "sample_books"), stream)


def test_evaluations_belong_to_the_month_and_carry_their_figures(closed: Closed) -> None:
    evaluations = closed.evaluations("ipe_07")
    assert {e.partition for e in evaluations.values()} == {MONTH}
    assert all(e.passed for e in evaluations.values())
    complete = evaluations["completeness"]
    assert complete.blocking
    expected, found = complete.metadata["expected"], complete.metadata["found"]
    assert expected == found
    (of_nigeria,) = (
        row for row in listed(evaluations["completeness"], "expected") if row["company"] == "EC_NG"
    )
    assert set(of_nigeria) == {"company", "row_count", "remaining_amount_lcy"}
    assert evaluations["positive_witness"].metadata["rows_looked_for"].value == 9


def test_every_evaluation_of_a_close_is_of_its_month(closed: Closed) -> None:
    evaluations = closed.result.get_asset_check_evaluations()
    assert len(evaluations) > 60
    assert {e.partition for e in evaluations} == {MONTH}
    assert all(e.metadata for e in evaluations if e.check_name != "nothing_after_cutoff")


@pytest.mark.parametrize(
    ("tamper", "measure"),
    [
        (largest_lost("remaining_amount_lcy"), "row_count"),
        (one_amount_changed("remaining_amount_lcy"), "remaining_amount_lcy"),
        (first_row_twice, "row_count"),
    ],
    ids=["a row lost", "an amount changed", "a row too many"],
)
def test_an_incomplete_extract_stops_what_is_downstream_and_keeps_what_was_there(
    home: Path, instance: dg.DagsterInstance, tamper: Tampering, measure: str
) -> None:
    settings = Settings(home=home)
    good = close(settings, MONTH, instance, select=["ipe_07"])
    kept = good.path("ipe_07").read_bytes()
    bad = close(
        settings,
        MONTH,
        instance,
        source=tampered(home, ipe_07=tamper),
        select=["ipe_07", "customer_posting_group_bridge", "cr_05"],
    )
    assert not bad.result.success
    completeness = bad.evaluations("ipe_07")["completeness"]
    assert not completeness.passed
    assert completeness.severity is dg.AssetCheckSeverity.ERROR
    differences = completeness.metadata["differences"].value
    assert measure in str(differences)
    assert bad.materialized() == {"cr_05"}
    assert good.path("ipe_07").read_bytes() == kept
    assert not good.path("customer_posting_group_bridge").exists()
    assert "is not complete" in bad.why_failed("ipe_07")
    package = bad.package("ipe_07")
    assert str(package) in bad.why_failed("ipe_07")
    assert (package / "data.parquet").read_bytes() != kept
    assert '"result": "fail"' in (package / "06_validation_results.json").read_text()
    there = sorted(path.name for path in good.path("ipe_07").parent.iterdir())
    assert there == [provenance_name(MONTH, sha256_of(good.path("ipe_07"))), f"{MONTH}.parquet"]


@pytest.mark.parametrize(
    ("check", "where", "tamper"),
    [
        ("positive_witness", "not_found", largest_lost("remaining_amount_lcy")),
        ("key_unique", "first", first_row_twice),
        ("contract", "values_not_allowed", value_in_first_row("due_position", "Someday")),
        ("nothing_after_cutoff", "first", value_in_first_row("posting_date", date(2025, 10, 1))),
    ],
)
def test_a_check_fails_when_what_it_says_is_not_so(
    home: Path, instance: dg.DagsterInstance, check: str, where: str, tamper: Tampering
) -> None:
    bad = close(Settings(home=home), MONTH, instance, source=tampered(home, ipe_07=tamper), select=["ipe_07"])
    evaluation = bad.evaluations("ipe_07")[check]
    assert not evaluation.passed
    assert listed(evaluation, where), "it shows which rows"


def test_rows_that_must_not_be_there_fail_the_negative_witness(
    home: Path, instance: dg.DagsterInstance
) -> None:
    """A company out of scope appears in the list of companies."""
    with SampleBooks(home / "sample_books").session() as session:
        sql = read_catalog()["cr_05"].contract.witnesses.sql
        parameters = {**CutoffMonth.parse(MONTH).parameters(), "companies": ("EC_NG",)}
        outside = session.rows(Query(sql, parameters))[-1]["id_company"]

    def intruder(table: pa.Table) -> pa.Table:
        row = table.slice(0, 1).set_column(0, "id_company", pa.array([outside]))
        return pa.concat_tables([table, row])

    source = tampered(home, cr_05=intruder)
    settings = Settings(home=home, companies=("EC_NG",))
    bad = close(settings, MONTH, instance, source=source, select=["cr_05"])
    evaluation = bad.evaluations("cr_05")["negative_witness"]
    assert not evaluation.passed
    assert outside in str(evaluation.metadata["found"].value)


def test_a_failed_check_that_does_not_block_lets_the_month_go_on(
    home: Path, instance: dg.DagsterInstance
) -> None:
    source = tampered(home, ipe_07=value_in_first_row("due_position", "Someday"))
    run = close(
        Settings(home=home), MONTH, instance, source=source, select=["ipe_07", "business_line_reclass"]
    )
    assert not run.evaluations("ipe_07")["contract"].passed
    assert run.result.success
    assert run.materialized() == {"ipe_07", "business_line_reclass"}


def test_a_source_without_a_snapshot_is_read_once_more_and_only_once(
    home: Path, instance: dg.DagsterInstance
) -> None:
    lies: list[Tampering] = [first_row_twice, lambda table: table]

    def first_time_only(table: pa.Table) -> pa.Table:
        return lies.pop(0)(table)

    moving = TamperedSource(
        SampleBooks(home / "sample_books"), {"cr_05": first_time_only}, keeps_snapshot=False
    )
    good = close(Settings(home=home), MONTH, instance, source=moving, select=["cr_05"])
    assert good.result.success
    assert good.evaluations("cr_05")["completeness"].passed
    assert moving.streamed == ["cr_05", "cr_05"]
    assert "read once more" in (good.package("cr_05") / "07_execution_log.json").read_text()

    always = TamperedSource(
        SampleBooks(home / "sample_books"), {"cr_05": first_row_twice}, keeps_snapshot=False
    )
    bad = close(Settings(home=home), MONTH, instance, source=always, select=["cr_05"])
    assert not bad.result.success
    assert always.streamed == ["cr_05", "cr_05"]

    still = tampered(home, cr_05=first_row_twice)
    assert not close(Settings(home=home), MONTH, instance, source=still, select=["cr_05"]).result.success
    assert still.streamed == ["cr_05"], "where the source keeps a snapshot, asking again gives the same"
