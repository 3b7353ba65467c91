"""A month sealed by hand with all the frames that the workbook shows, and the rows that its tests are about."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets_tests.deliverables.hand_sealed import hand_sealed
from cpg1_assets_tests.rules.rows import Row

_SHOWN = (
    "reconciliation", "open_item_changes", "ipe_31_classified", "voucher_accrual_variance", "gl_roll_forward", *BRIDGES,
)  # fmt: skip


def sealed_by_hand(
    evidence: Path, rows: Mapping[str, Sequence[Row]], *, without: Sequence[str] = (), run: str = "run-1"
) -> ClosedMonth:
    """Seal September 2025 with these rows by asset, and without some assets, as an older version; open it."""
    frames: dict[str, Sequence[Row]] = {**dict.fromkeys(_SHOWN, ()), **rows}
    return hand_sealed(evidence, frames, without=without, run_id=run)


def line(company: str, name: str, actual: str, target: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give a row of the reconciliation with these two sides and no bridge, red, at a rate of 1."""
    variance = str(Decimal(actual) - Decimal(target))
    return {
        "id_company": company, "country_code": "NG", "line": name, "actual": actual, "target_value": target,
        "variance": variance, "bridges": "0", "unexplained": variance, "fx_rate": "1", "variance_usd": variance,
        "unexplained_usd": variance, "threshold_usd": "1000", "threshold_rule": "default/bucket/*/*/*",
        "status": "VARIANCE_DETECTED",
    } | more  # fmt: skip


def item(company: str, line_name: str, name: str, amount: str, **more: Any) -> Row:  # noqa: ANN401 - any column
    """Give an open item of one entry of NAV that nothing stands against."""
    return {
        "id_company": company, "country_code": "NG", "line": line_name, "item": name, "nav_amount": amount,
        "target_amount": "0", "difference": amount, "bridge_amount": "0", "unexplained": amount,
        "unexplained_usd": amount, "nav_entries": 1, "target_rows": 0, "first_date": "2025-09-10",
        "last_date": "2025-09-10", "age_days": 20, "age_bucket": "0-30", "matched_by": "none", "confidence": "none",
        "cause": "never posted", "cause_confidence": "proposed", "reference": f"PKG-{name}",
        "entry_created_after_balance": False,
    } | more  # fmt: skip


def comment(name: str, text: str | None, owner: str | None = None, cause: str | None = None) -> Row:
    """Give what was said of an item."""
    return {
        "item": name,
        "comment": text,
        "owner": owner,
        "confirmed_cause": cause,
        "source_file": "2025-09.xlsx",
    }
