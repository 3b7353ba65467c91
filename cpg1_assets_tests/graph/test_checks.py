"""Checks across assets say what a person has to look at, and never stop the answer."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from pyarrow.dataset import Dataset

from cpg1_assets.definitions import month_partitions
from cpg1_assets.deployment import open_deployment
from cpg1_assets.graph.checks import AskedChecks, circumstances_of, derived_checks
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.checks import Check, checks, outcomes
from cpg1_assets.rules.findings import Outcomes
from cpg1_assets.rules.graph import Circumstances
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed, close, listed
from cpg1_assets_tests.graph.hand_made import MONTH, put_in_storage, vouch
from cpg1_assets_tests.graph.test_declared_inputs import DECLARED


def test_a_variance_is_the_answer_and_stops_nothing(closed: Closed) -> None:
    lines = closed.rows("reconciliation")
    open_lines = {row["line"] for row in lines if row["status"] not in ("RECONCILED", "EXPLAINED")}
    assert open_lines, "the month has variances"
    checks = closed.evaluations("reconciliation")
    for line in {row["line"] for row in lines}:
        assert checks[f"{line}_explained"].passed == (line not in open_lines), line
        assert not checks[f"{line}_explained"].blocking
    assert closed.result.success
    shown = listed(checks["voucher_liability_explained"], "open")
    assert {row["id_company"] for row in shown} == {
        row["id_company"]
        for row in lines
        if row["line"] == "voucher_liability" and row["status"] not in ("RECONCILED", "EXPLAINED")
    }


def test_the_check_of_a_red_line_says_what_it_is_made_of(closed: Closed) -> None:
    red = {row["id_company"]: row for row in closed.rows("reconciliation")
           if row["line"] == "voucher_liability" and row["status"] == "VARIANCE_DETECTED"}  # fmt: skip
    evaluation = closed.evaluations("reconciliation")["voucher_liability_explained"]
    items, causes = listed(evaluation, "largest_items"), listed(evaluation, "by_cause")
    assert red
    for company, row in red.items():
        own = [
            item
            for item in closed.rows("open_items")
            if (item["id_company"], item["line"]) == (company, row["line"])
        ]
        largest = sorted((abs(item["unexplained"]) for item in own if item["unexplained"]), reverse=True)[:10]
        shown = [abs(Decimal(item["unexplained"])) for item in items if item["id_company"] == company]
        assert shown == largest
        assert row["unexplained"] == sum(
            Decimal(c["unexplained"]) for c in causes if c["id_company"] == company
        )


def test_a_reconciliation_alone_is_checked_without_open_items(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    storage = tmp_path / "home" / "storage"
    put_in_storage(storage, *DECLARED["reconciliation"])
    run = close(Settings(home=tmp_path / "home"), MONTH, instance, select=["reconciliation"])
    assert run.result.success
    shown = listed(run.evaluations("reconciliation")["customer_ar_explained"], "open")
    assert not [row for row in shown if row["open_items"] == "add up to the line"]
    assert run.evaluations("reconciliation")["voucher_liability_explained"].metadata["companies"].value == 1


def test_the_roll_forward_names_every_account_that_does_not_tie_out(closed: Closed) -> None:
    wrong = [row for row in closed.rows("gl_roll_forward") if row["difference"]]
    evaluation = closed.evaluations("gl_roll_forward")["ties_out"]
    assert evaluation.passed == (not wrong)
    assert evaluation.metadata["found"].value == len(wrong)


def test_every_statement_of_the_specification_has_its_check(closed: Closed) -> None:
    wanted = {
        "cr_05": "every_company_has_a_rate",
        "nav_voucher_entries": "every_entry_categorised",
        "ipe_31_classified": "every_item_classified",
        "gl_roll_forward": "ties_out",
        "reconciliation": "country_materiality",
        "vtc_adjustment": "booked_at_what_remained",
    }
    for asset, check in wanted.items():
        assert check in closed.evaluations(asset)
    assert {"all_companies_present", "no_unknown_voucher", "files_readable"} <= set(
        closed.evaluations("jdash")
    )


def test_the_share_without_a_category_is_told_and_listed(closed: Closed) -> None:
    without = [row for row in closed.rows("nav_voucher_entries") if row["bridge_category"] is None]
    evaluation = closed.evaluations("nav_voucher_entries")["every_entry_categorised"]
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.metadata["without_category"].value == len(without)
    assert str(evaluation.metadata["share_without_category"].value).endswith("%")
    assert len(listed(evaluation, "listed")) == min(len(without), 100)


def test_a_missing_jdash_file_is_named_and_only_its_company_is_not_computed(
    home: Path, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    inbox = tmp_path / "inbox" / "jdash" / MONTH
    shutil.copytree(home / "sample_books" / "inbox" / "jdash" / MONTH, inbox)
    (gone,) = [path for path in inbox.iterdir() if path.stem == "JD_GH"]
    gone.unlink()
    (inbox / "EC_KE.csv").write_text("Voucher Id,Something\n1,2\n")
    closed = close(Settings(home=home, inbox=tmp_path / "inbox"), MONTH, instance)
    assert closed.result.success
    checks = closed.evaluations("jdash")
    assert not checks["all_companies_present"].passed
    assert checks["all_companies_present"].metadata["missing"].value == ["EC_KE", "JD_GH"]
    assert not checks["files_readable"].passed
    assert "EC_KE.csv" in str(listed(checks["files_readable"], "problems"))
    statuses = {
        row["id_company"]: row["status"]
        for row in closed.rows("reconciliation")
        if row["line"] == "voucher_liability"
    }
    assert {c for c, status in statuses.items() if status == "NOT_COMPUTED"} == {"EC_KE", "JD_GH"}
    assert len(statuses) == 9


def test_a_company_without_a_rate_fails_by_name(home: Path, instance: dg.DagsterInstance) -> None:
    closed = close(Settings(home=home), "2025-07", instance, select=["cr_05", "ipe_08"])
    evaluation = closed.evaluations("cr_05")["every_company_has_a_rate"]
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert [row["id_company"] for row in listed(evaluation, "listed")] == ["EC_IC"]
    assert closed.result.success


# Partitioned checks are a preview, chosen knowingly where all is wired.
@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_the_checks_of_an_asset_open_their_frames_once_lazily_and_wait_for_what_they_read(
    home: Path,
) -> None:
    deployment = open_deployment(Settings(home=home))
    partitions = month_partitions(deployment.settings)
    made = {made.op.name: made for made in derived_checks(partitions, deployment, AskedChecks(deployment))}
    declared = checks(deployment.rules.lines)
    assert set(made) == {f"{check.asset}_checks" for check in declared.values()}
    keys = [key for of_asset in made.values() for key in of_asset.check_keys]
    assert sorted(f"{key.asset_key.path[-1]}.{key.name}" for key in keys) == sorted(declared)
    for check in declared.values():
        of_asset = made[f"{check.asset}_checks"]
        spec = of_asset.get_spec_for_check_key(
            dg.AssetCheckKey(asset_key=dg.AssetKey(check.asset), name=check.name)
        )
        assert spec.partitions_def == partitions
        assert spec.blocking == check.blocks
        assert [dep.asset_key.path[-1] for dep in spec.additional_deps] == [
            name for name in check.inputs if name != check.asset
        ]
        for name in set(check.inputs) - set(check.optional):
            assert of_asset.op.input_def_named(name).dagster_type.typing_type is Dataset


def test_frames_without_rows_leave_nothing_tested_and_nothing_passed(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    storage = tmp_path / "home" / "storage"
    put_in_storage(storage, "cr_03", "cr_04")
    for name in ("cr_03", "cr_04"):
        path = storage / name / f"{MONTH}.parquet"
        pq.write_table(pq.read_schema(path).empty_table(), path)
        vouch(path)
    run = close(Settings(home=tmp_path / "home"), MONTH, instance, select=["gl_roll_forward"])
    assert run.rows("gl_roll_forward") == []
    assert not run.evaluations("gl_roll_forward")["ties_out"].passed


def test_a_check_that_crashes_is_an_error_not_a_failed_check(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    storage = tmp_path / "home" / "storage"
    put_in_storage(storage, "cr_03", "cr_04", "ipe_08", "nav_voucher_entries", "cr_05")
    (storage / "nav_voucher_entries" / f"{MONTH}.parquet").write_bytes(b"not Parquet")
    run = close(
        Settings(home=tmp_path / "home"), MONTH, instance, select=["gl_roll_forward", "vtc_adjustment"]
    )
    assert not run.result.success
    assert run.evaluations("gl_roll_forward")["ties_out"].metadata["found"].value == 1
    assert "booked_at_what_remained" not in run.evaluations("vtc_adjustment")


def test_a_check_is_asked_once_of_the_same_files_and_anew_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_storage(tmp_path / "home" / "storage", "cr_05")
    deployment = open_deployment(Settings(home=tmp_path / "home"))
    check = checks(deployment.rules.lines)["cr_05.every_company_has_a_rate"]
    looked: list[str] = []

    def looks(
        asked: Sequence[Check], frames: Mapping[str, Dataset], circumstances: Circumstances
    ) -> Iterator[tuple[Check, Outcomes]]:
        looked.extend(each.name for each in asked)
        return outcomes(asked, frames, circumstances)

    monkeypatch.setattr("cpg1_assets.graph.checks.outcomes", looks)
    asked, circumstances = AskedChecks(deployment), circumstances_of(deployment, CutoffMonth.parse(MONTH))

    def found() -> Outcomes:
        frames = {"cr_05": deployment.storage.dataset("cr_05", MONTH)}
        ((_, outcome),) = asked.outcomes([check], frames, circumstances)
        return outcome

    sound = found()
    assert found() == sound
    assert looked == [check.name]
    path = Path(deployment.storage.path("cr_05", MONTH))
    pq.write_table(pq.read_schema(path).empty_table(), path)
    vouch(path)
    assert found() != sound, "another file is another question"
    assert looked == [check.name] * 2
