"""A month of one line of one company, made by hand and put in storage: everything that `cpg1 explain` reads."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cpg1_assets.deployment import open_deployment
from cpg1_assets.explaining.stored import StoredMonth
from cpg1_assets.frame import FrameSpec
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets_tests.graph.hand_made import frame, vouch
from cpg1_assets_tests.rules.rows import Row, table

COMPANY, LINE = "EC_KE", "packages_not_reconciled"
KEY = {"id_company": COMPANY, "line": LINE}


def reconciled(actual: str, target: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give the row of the reconciliation with these two sides, red, at a rate of 1."""
    variance = str(Decimal(actual) - Decimal(target))
    return KEY | {
        "country_code": "KE", "actual": actual, "target_value": target, "variance": variance, "bridges": "0",
        "unexplained": variance, "fx_rate": "1", "variance_usd": variance, "unexplained_usd": variance,
        "threshold_usd": "1000", "threshold_rule": "default/bucket/*/*/*", "status": "VARIANCE_DETECTED",
    } | more  # fmt: skip


def item(name: str, nav: str, target: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give an open item with these two sides, without a bridge."""
    difference = str(Decimal(nav) - Decimal(target))
    return KEY | {
        "country_code": "KE", "item": name, "nav_amount": nav, "target_amount": target, "difference": difference,
        "bridge_amount": "0", "unexplained": difference, "unexplained_usd": difference, "nav_entries": 1,
        "target_rows": 0, "first_date": "2025-09-10", "last_date": "2025-09-10", "age_days": 20, "age_bucket": "0-30",
        "matched_by": "none", "confidence": "none", "cause": "never posted", "cause_confidence": "proposed",
        "reference": f"PKG-{name}", "document_no": f"PKG-{name}", "description": "Package delivered",
        "entry_created_after_balance": False,
    } | more  # fmt: skip


def matched(side: str, key: str, amount: str, name: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give a row of a side in the item `name`."""
    return KEY | {
        "side": side, "row_key": key, "amount": amount, "item": name, "reference": f"PKG-{name}",
        "matched_by": "reference", "confidence": "certain", "rule_version": "1", "decided_by": f"PKG-{name}",
        "candidates": 1,
    } | more  # fmt: skip


def entry(number: int, amount: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give an open entry of NAV."""
    return {
        "id_company": COMPANY, "entry_no": number, "gl_account_no": "1", "group_coa_account_no": "13005",
        "posting_date": "2025-09-10", "document_no": f"PKG-{number}", "document_description": "Package delivered",
        "user_id": "BATCH", "remaining_amount": amount,
    } | more  # fmt: skip


RED = {
    "reconciliation": [reconciled("130", "100")],
    "open_item_matches": [
        matched("NAV", "1", "100", "agreed"),
        matched("TARGET", "P1|1", "100", "agreed"),
        matched("NAV", "2", "50", "i2aa", matched_by="none", confidence="none", decided_by=None),
        matched("NAV", "3", "-20", "i2ab", matched_by="none", confidence="ambiguous", decided_by=None, candidates=3),
    ],
    "open_items": [item("i2aa", "50", "0"), item("i2ab", "-20", "0", confidence="ambiguous", cause="unknown")],
    "open_item_suggestions": [],
    "nav_open_items": [entry(1, "100"), entry(2, "50", comment="see JRN-1"), entry(3, "-20")],
    "ipe_12": [
        {"id_company": COMPANY, "package_number": "P1", "order_item_id": "1", "order_nr": "O1", "amount_due": "100",
         "package_delivery_date": "2025-09-09T08:00", "package_status": "delivered"},
    ],
    "cr_04": [], "ipe_08": [], "jdash": [],
}  # fmt: skip
"""A line of which one package agrees and two entries have nothing against them: 50 and -20."""


def stored_month(
    home: Path,
    rows: dict[str, list[Row]],
    month: str = "2025-09",
    **settings: Any,  # noqa: ANN401 - any setting
) -> StoredMonth:
    """Put `rows` of a month in storage, vouched for."""
    deployment = open_deployment(Settings(home=home, **settings))
    for asset, listed in rows.items():
        put(deployment.home.place / "storage" / asset / f"{month}.parquet", frame(asset), listed)
    return StoredMonth(deployment, CutoffMonth.parse(month))


def put(path: Path, spec: FrameSpec, rows: list[Row]) -> None:
    """Write one frame as it stands in storage."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(spec.columns, rows), path)
    vouch(path)
