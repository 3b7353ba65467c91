"""Inputs of the derived assets, made by hand and put in storage: no source, no sample books, no earlier run."""

import functools
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.disk import sha256_of
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.frame import FrameSpec
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.rules.frames import DERIVED_FRAMES, OPEN_ITEM_COMMENTS
from cpg1_assets.storage.provenance import Provenance, provenance_name

MONTH = "2025-09"
SERVICE_USER = "JUMIA\\NAV31AFR.BATCH.SRVC"
COMPANY = {"id_company": "EC_NG"}

INPUTS: dict[str, list[dict[str, Any]]] = {
    "ipe_07": [
        {"entry_no": 1, "customer_no": "007", "customer_name": "Ann", "customer_posting_group": "NAT",
         "busline_code": "B1", "remaining_amount_lcy": "100"},
        {"entry_no": 2, "customer_no": "007", "customer_name": "Ann", "customer_posting_group": "EXPORT",
         "busline_code": "B2", "remaining_amount_lcy": "-30.0001"},
        {"entry_no": 3, "customer_no": "008", "customer_name": "Bob", "customer_posting_group": "NAT",
         "busline_code": "B1", "remaining_amount_lcy": "5"},
    ],
    "ipe_08": [
        {"voucher_id": "V1", "business_use": "refund", "business_use_formatted": "refund", "is_active": False,
         "is_valid": "valid", "created_at": datetime.fromisoformat("2025-03-01T08:00"), "remaining_amount": "40",
         "voucher_inactive_date": datetime.fromisoformat("2025-09-10T07:30"), "total_amount_used": "0"},
        {"voucher_id": "V2", "business_use": "store_credit", "business_use_formatted": "store_credit",
         "is_active": False, "is_valid": "valid", "created_at": datetime.fromisoformat("2025-05-01"),
         "remaining_amount": "5", "total_amount_used": "10"},
        {"voucher_id": "V3", "business_use": "refund", "business_use_formatted": "refund", "is_active": True,
         "is_valid": "valid", "created_at": datetime.fromisoformat("2025-06-01"), "remaining_amount": "70",
         "total_amount_used": "0"},
    ],
    "ipe_10": [{"order_item_id": "1", "prepayment_amount": "12.5"}],
    "ipe_12": [{"package_number": "P", "order_item_id": "1", "amount_due": "3"}],
    "ipe_31": [
        {"transaction_type": "transfer TO ", "related_entity": "E1", "amount": "8",
         "gl_bank_account_no": "10012"},
        {"transaction_type": "Something else", "related_entity": "E2", "amount": "-1"},
    ],
    "ipe_34": [
        {"order_item_id": "1", "case_type": "C", "is_marketplace": True, "amount_to_refund": "6"},
        {"order_item_id": "2", "case_type": "C", "is_marketplace": False, "amount_to_refund": "9"},
    ],
    "cr_03": [
        {"entry_no": 1, "group_coa_account_no": "18412", "posting_date": date(2025, 8, 3), "document_no": "D1",
         "document_description": "REFUND x", "user_id": SERVICE_USER, "amount": "-100",
         "remaining_amount": "-100"},
        {"entry_no": 2, "group_coa_account_no": "18412", "posting_date": date(2025, 9, 3), "document_no": "D2",
         "voucher_no": "V2", "user_id": SERVICE_USER, "amount": "30", "remaining_amount": "30"},
        {"entry_no": 3, "group_coa_account_no": "13003", "posting_date": date(2025, 9, 3), "document_no": "D3",
         "amount": "75", "remaining_amount": "75"},
    ],
    "cr_04": [
        {"closing_date": date(2024, 12, 31), "group_coa_account_no": "18412", "balance_at_date": "-80"},
        {"closing_date": date(2025, 9, 30), "group_coa_account_no": "18412", "balance_at_date": "-150"},
        {"closing_date": date(2025, 9, 30), "group_coa_account_no": "13003", "balance_at_date": "75.9999"},
    ],
    "cr_05": [{"company_country": "NG", "fx_rate": "0.05"}],
    "doc_voucher_usage": [
        {"voucher_id": "V2", "transaction_no": "T1", "business_use": "store_credit", "delivery_month": 202509,
         "total_amount_used": "30"},
    ],
    "jdash": [{"voucher_id": "V2", "amount_used": "25", "source_file": "EC_NG.csv"}],
    "nav_voucher_entries": [
        {"entry_no": 1, "posting_date": date(2025, 8, 3), "document_no": "D1", "amount": "-100",
         "integration_type": "Integration", "bridge_category": "Issuance", "voucher_type": "Refund"},
        {"entry_no": 2, "posting_date": date(2025, 9, 3), "document_no": "D2", "voucher_no": "V2",
         "amount": "30", "integration_type": "Integration", "bridge_category": "Usage",
         "voucher_type": "Store Credit"},
    ],
    "timing_difference_bridge": [
        {"voucher_id": "V1", "jdash_amount_used": "0", "variance": "0"},
        {"voucher_id": "V2", "jdash_amount_used": "25", "variance": "15"},
    ],
    "vtc_adjustment": [{"voucher_id": "V1", "remaining_amount": "40"}],
    "customer_posting_group_bridge": [
        {"customer_no": "007", "posting_groups": "EXPORT, NAT", "posting_group_count": 2, "entry_count": 2,
         "remaining_amount_lcy": "69.9999"},
    ],
    "business_line_reclass": [
        {"customer_no": "007", "busline_code": "B2", "balance_lcy": "-30.0001", "proposed_reclass_lcy": "-30.0001"},
    ],
    "target_values": [
        {"line": "customer_ar", "target_value": "74.9999"},
        {"line": "voucher_liability", "target_value": "-70"},
    ],
    "ipe_31_classified": [
        {"transaction_type": "Transfer to", "amount": "8", "bridge_key": "CASH_DEPOSITS",
         "bridge_title": "Cash deposits pending application"},
        {"transaction_type": "Something else", "amount": "-1"},
    ],
}  # fmt: skip
"""By asset; every row is of EC_NG, amounts as text, what is left out is null."""


def put_in_storage(storage: Path, *assets: str) -> None:
    """Write the inputs as another tool would: nullable columns, rows in no order, no page checksums; and vouch for them."""
    for asset in assets:
        spec = frame(asset)
        schema = pa.schema([(column.name, column.arrow_type) for column in spec.columns])
        path = storage / asset / f"{MONTH}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [_typed(COMPANY | row, spec) for row in reversed(INPUTS[asset])]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="snappy")
        vouch(path)


def vouch(path: Path) -> None:
    """Say of the file at `<storage>/<asset>/<month>.parquet`, whoever wrote it, that it is the one that belongs there."""
    for said in path.parent.glob(f"{path.stem}.*.json"):
        said.unlink()
    sha256 = sha256_of(path)
    provenance = Provenance(path.parent.name, path.stem, sha256, {}, code="", control_version="")
    (path.parent / provenance_name(path.stem, sha256)).write_bytes(provenance.content())


def frame(asset: str) -> FrameSpec:
    """Give the columns of an asset."""
    return _frames()[asset]


@functools.cache
def _frames() -> dict[str, FrameSpec]:
    contracts = [extract.contract for extract in read_catalog().values()]
    return {spec.name: spec for spec in (JDASH, OPEN_ITEM_COMMENTS, *DERIVED_FRAMES, *contracts)}


def _typed(row: dict[str, Any], spec: FrameSpec) -> dict[str, Any]:
    amounts = {column.name for column in spec.columns if column.type in ("amount", "rate")}
    return {name: Decimal(value) if name in amounts else value for name, value in row.items()}
