"""A month of one line of one company, made by hand and sealed by the product's own function: no source, no run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.disk import sha256_of
from cpg1_assets.evidence.chain.seal import MonthContent, SealResult, seal_month
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets_tests.explaining.stored_month import COMPANY, item, matched, reconciled
from cpg1_assets_tests.graph.hand_made import frame
from cpg1_assets_tests.rules.rows import RULES, Row, table

MONTH = CutoffMonth(2025, 9)
RATE: Row = {"id_company": COMPANY, "company_name": "Kenya Ltd", "company_country": "KE", "fx_rate": "1"}
_EMPTY = (
    "cr_04", "ipe_08", "jdash", "timing_difference_bridge", "vtc_adjustment", "open_items", "open_item_matches",
    "open_item_comments", "check_results",
)  # fmt: skip


def red_month(**more: Any) -> dict[str, Sequence[Row]]:  # noqa: ANN401 - frames by name
    """Give the frames of a month with one red line of two open items, with those of `more` in their place."""
    return {
        "reconciliation": [reconciled("5130", "100")],
        "cr_05": [RATE],
        "open_items": [
            item("i1aa", "5000", "0", cause="manual journal"), item("i2bb", "30", "0", cause="unknown"),
        ],
        "open_item_matches": [
            matched("NAV", "1", "100", "i0"), matched("TARGET", "T1", "100", "i0"),
            matched("NAV", "2", "5000", "i1aa"), matched("NAV", "3", "30", "i2bb"),
        ],
    } | more  # fmt: skip


def seal_by_hand(
    evidence: Path,
    frames: Mapping[str, Sequence[Row]],
    month: CutoffMonth = MONTH,
    *,
    without: Sequence[str] = (),
    books: str = "SAMPLE BOOKS",
    server: str = "db <1>",
    run_id: str = "run",
) -> SealResult:
    """Seal a month of these rows by frame, the other frames empty and those of `without` not there at all."""
    place = evidence.parent / "by_hand"
    place.mkdir(parents=True, exist_ok=True)
    data: dict[str, Path] = {}
    for name in dict.fromkeys((*_EMPTY, *frames)):
        if name in without:
            continue
        spec = CHECK_RESULTS if name == CHECK_RESULTS.name else frame(name)
        data[name] = place / f"{name}.parquet"
        pq.write_table(table(spec.columns, frames.get(name, ())), data[name])
    content = MonthContent(
        data=data,
        proven={name: sha256_of(path) for name, path in data.items()},
        rules={path.name: path.read_bytes() for path in sorted(RULES.glob("*.yaml"))},
        statements={},
        queries={},
        context={
            "books": books, "source": {"server": server, "databases": ["A", "B"]}, "code_version": "1",
            "git": {"commit": "abc", "clean": True},
        },
    )  # fmt: skip
    return seal_month(evidence, month.key, content, run_id=run_id)


def hand_sealed(evidence: Path, frames: Mapping[str, Sequence[Row]], **more: Any) -> ClosedMonth:  # noqa: ANN401
    """Seal a month by hand, and open it."""
    seal_by_hand(evidence, frames, **more)
    return closed_month(evidence, more.get("month", MONTH))
