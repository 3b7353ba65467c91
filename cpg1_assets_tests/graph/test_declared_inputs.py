"""A derived asset depends on nothing but its declared inputs: Parquet files of their columns and types.

No source is asked, no sample books are made, nothing need have been materialized before.
"""

import os
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import close
from cpg1_assets_tests.graph.hand_made import MONTH, put_in_storage, vouch

DECLARED = {
    "nav_voucher_entries": ["cr_03", "ipe_08", "doc_voucher_usage"],
    "timing_difference_bridge": ["ipe_08", "jdash"],
    "vtc_adjustment": ["ipe_08", "nav_voucher_entries", "cr_05"],
    "customer_posting_group_bridge": ["ipe_07"],
    "business_line_reclass": ["ipe_07"],
    "ipe_31_classified": ["ipe_31"],
    "target_values": ["ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34", "cr_05"],
    "reconciliation": [
        "target_values", "timing_difference_bridge", "vtc_adjustment", "customer_posting_group_bridge",
        "business_line_reclass", "ipe_08", "jdash", "cr_04", "cr_05",
    ],
    "gl_roll_forward": ["cr_03", "cr_04"],
    "voucher_accrual_variance": ["nav_voucher_entries", "ipe_08", "doc_voucher_usage", "cr_05"],
    "bridge_calculations_evidence": [
        "timing_difference_bridge", "vtc_adjustment", "customer_posting_group_bridge", "business_line_reclass",
        "cr_05",
    ],
    "bridge_classifications_evidence": ["ipe_31_classified"],
}  # fmt: skip

EXPECTED: dict[str, list[dict[str, Any]]] = {
    "nav_voucher_entries": [
        {"entry_no": 1, "amount": "-100", "integration_type": "Integration", "bridge_category": "Issuance",
         "voucher_type": "Refund", "voucher_no": None},
        {"entry_no": 2, "amount": "30", "integration_type": "Integration", "bridge_category": "Usage",
         "voucher_type": "Store Credit", "voucher_no": "V2"},
    ],
    "timing_difference_bridge": [
        {"voucher_id": "V1", "total_amount_used": "0", "jdash_amount_used": "0", "variance": "0"},
        {"voucher_id": "V2", "total_amount_used": "10", "jdash_amount_used": "25", "variance": "15"},
    ],
    "vtc_adjustment": [
        {"voucher_id": "V1", "business_use_formatted": "refund", "remaining_amount": "40",
         "deactivated_on": datetime.fromisoformat("2025-09-10T07:30"), "remaining_amount_usd": "800"},
    ],
    "customer_posting_group_bridge": [
        {"customer_no": "007", "customer_name": "Ann", "posting_groups": "EXPORT, NAT",
         "posting_group_count": 2, "entry_count": 2, "remaining_amount_lcy": "69.9999"},
    ],
    "business_line_reclass": [
        {"customer_no": "007", "busline_code": "B1", "balance_lcy": "100", "busline_count": 2,
         "proposed_primary_busline": "B1", "proposed_reclass_lcy": "0", "review_required": True},
        {"customer_no": "007", "busline_code": "B2", "balance_lcy": "-30.0001", "busline_count": 2,
         "proposed_primary_busline": "B1", "proposed_reclass_lcy": "-30.0001", "review_required": True},
    ],
    "ipe_31_classified": [
        {"related_entity": "E2", "amount": "-1", "bridge_key": None, "dr_gl_accounts": None},
        {"related_entity": "E1", "amount": "8", "bridge_key": "CASH_DEPOSITS", "dr_gl_accounts": "10012"},
    ],
    "target_values": [
        {"line": "collections_ar", "target_value": "7"},
        {"line": "customer_ar", "target_value": "74.9999"},
        {"line": "customer_prepayments", "target_value": "-12.5"},
        {"line": "marketplace_refund_liability", "target_value": "6"},
        {"line": "packages_not_reconciled", "target_value": "3"},
        {"line": "voucher_liability", "target_value": "-70"},
    ],
    "reconciliation": [
        {"line": "collections_ar", "actual": "0", "target_value": "0", "status": "RECONCILED"},
        {"line": "customer_ar", "country_code": "NG", "actual": "75.9999", "target_value": "74.9999",
         "variance": "1", "bridges": "0", "unexplained": "1", "fx_rate": "0.05", "variance_usd": "20",
         "unexplained_usd": "20", "threshold_usd": "1000", "threshold_rule": "default/bucket/*/*/*",
         "status": "RECONCILED"},
        {"line": "customer_prepayments", "status": "RECONCILED"},
        {"line": "marketplace_refund_liability", "status": "RECONCILED"},
        {"line": "packages_not_reconciled", "status": "RECONCILED"},
        {"line": "voucher_liability", "actual": "-150", "target_value": "-70", "variance": "-80",
         "bridges": "-55", "unexplained": "-25", "variance_usd": "-1600", "unexplained_usd": "-500",
         "status": "EXPLAINED"},
    ],
    "gl_roll_forward": [
        {"group_coa_account_no": "13003", "opening": "0", "movement": "75", "closing": "75.9999",
         "difference": "-0.9999"},
        {"group_coa_account_no": "18412", "opening": "-80", "movement": "-70", "closing": "-150",
         "difference": "0"},
    ],
    "voucher_accrual_variance": [
        {"bridge_category": "Usage", "voucher_type": "Store Credit", "nav_amount": "30",
         "target_amount": "30", "variance": "0", "variance_usd": "0", "status": "OK"},
        {"bridge_category": "VTC", "voucher_type": "Refund", "nav_amount": "0", "target_amount": "40",
         "variance": "-40", "variance_usd": "-800", "threshold_usd": "1000", "status": "OK"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("asset", DECLARED)
def test_a_derived_asset_needs_only_its_declared_inputs(
    tmp_path: Path, instance: dg.DagsterInstance, asset: str
) -> None:
    home = tmp_path / "home"
    put_in_storage(home / "storage", *DECLARED[asset])
    closed = close(Settings(home=home), MONTH, instance, select=[asset])
    assert closed.materialized() == {asset}, closed.result.get_step_failure_events()
    assert not (home / "sample_books").exists()
    if asset in EXPECTED:
        assert_rows(closed.rows(asset), EXPECTED[asset])
    else:
        assert closed.rows(asset)


def test_nothing_is_computed_for_the_control_in_a_home_of_the_sample_books(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    home, asset = tmp_path / "home", "customer_posting_group_bridge"
    put_in_storage(home / "storage", *DECLARED[asset])
    Home(Settings(home=home)).prepare()
    server = Settings(home=home, source="sqlserver", connection_string="Server=x")
    closed = close(server, MONTH, instance, select=[asset])
    assert closed.materialized() == set()
    assert "keeps months of the SAMPLE BOOKS" in closed.why_failed(asset)
    assert not closed.path(asset).exists()


@pytest.mark.parametrize("asset", EXPECTED)
def test_inputs_without_rows_give_an_asset_all_the_same(
    tmp_path: Path, instance: dg.DagsterInstance, asset: str
) -> None:
    storage = tmp_path / "home" / "storage"
    put_in_storage(storage, *DECLARED[asset])
    for name in DECLARED[asset]:
        path = storage / name / f"{MONTH}.parquet"
        pq.write_table(pq.read_schema(path).empty_table(), path)
        vouch(path)
    closed = close(Settings(home=tmp_path / "home"), MONTH, instance, select=[asset])
    assert closed.rows(asset) == []


def test_one_asset_is_materialized_by_the_dagster_command_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    put_in_storage(home / "storage", "ipe_07")
    (tmp_path / "dagster").mkdir()
    environment = os.environ | {"CPG1_HOME": str(home), "DAGSTER_HOME": str(tmp_path / "dagster")}
    subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "-m", "cpg1_assets",
         "--select", "customer_posting_group_bridge", "--partition", MONTH],
        env=environment, cwd=tmp_path, check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    found = pq.read_table(home / "storage" / "customer_posting_group_bridge" / f"{MONTH}.parquet")
    assert_rows(found.to_pylist(), EXPECTED["customer_posting_group_bridge"])
    assert found.schema.field("remaining_amount_lcy").type == pa.decimal128(24, 4)
    assert not (home / "sample_books").exists()


def assert_rows(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Compare the columns that `expected` names, amounts as numbers, rows in order."""
    assert len(found) == len(expected), found
    for row, wanted in zip(found, expected, strict=True):
        assert row["id_company"] == "EC_NG"
        for name, value in wanted.items():
            amount = isinstance(row[name], Decimal)
            assert row[name] == (Decimal(value) if amount else value), (name, row)
