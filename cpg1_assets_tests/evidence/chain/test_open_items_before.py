"""What was open in the month before is what its newest seal says, and where nothing can be known, that is said."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cpg1_assets.evidence.chain.open_items_before import Before, before
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.frames import (
    OPEN_ITEM_COMMENTS,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    OPEN_ITEMS_BEFORE,
    RECONCILIATION,
)
from cpg1_assets_tests.evidence.small_year import small_month
from cpg1_assets_tests.rules.rows import table

MONTH = CutoffMonth.parse("2025-09")
LINE = {"id_company": "EC_NG", "line": "voucher_liability"}


def frames(item: str = "a") -> dict[str, pa.Table]:
    """Give a line with one open item of two rows and a comment, and a line with none."""
    lines = [{**LINE, "status": "EXPLAINED"}, {**LINE, "line": "customer_ar", "status": "NOT_COMPUTED"}]
    found = {
        **LINE,
        "item": item,
        "unexplained": "7.5",
        "cause": "unknown",
        "reference": "R",
        "first_date": "2025-08-03",
    }
    matches = [{**LINE, "side": "NAV", "row_key": key, "item": item} for key in ("1", "2")]
    closed = {**LINE, "side": "NAV", "row_key": "3", "item": "closed"}
    said = {"item": item, "comment": "C", "owner": "Ann", "source_file": "2025-08.csv"}
    return {
        "reconciliation": table(RECONCILIATION.columns, lines),
        "open_items": table(OPEN_ITEMS.columns, [found]),
        "open_item_matches": table(OPEN_ITEM_MATCHES.columns, [*matches, closed]),
        "open_item_comments": table(OPEN_ITEM_COMMENTS.columns, [said]),
    }


def rows(found: Before) -> list[dict[str, Any]]:
    read = found.rows if isinstance(found.rows, pa.Table) else to_table(found.rows)
    assert read.schema.names == OPEN_ITEMS_BEFORE.arrow_schema.names
    return list(read.to_pylist())


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


def test_the_newest_seal_of_the_month_before_is_read(evidence: Path) -> None:
    small_month(evidence, "2025-07", frames=frames("other"))
    small_month(evidence, "2025-08", frames=frames("older"))
    sealed = small_month(evidence, "2025-08", frames=frames(), run="run-2").sealed
    small_month(evidence, "2025-10", frames=frames("later"))
    found = before(evidence, MONTH)
    seal = {"sealed_month": "2025-08", "sealed_version": 2, "seal_digest": sealed.link.digest}
    assert found.seal == seal
    assert found.validation.passed
    assert found.validation.figures["compared_with"] == "2025-08, version 002"
    read = rows(found)
    assert all({name: row[name] for name in seal} == seal for row in read)
    assert [(r["line"], r["line_status"], r["item"], r["row_key"], r["comment"]) for r in read] == [
        ("customer_ar", "NOT_COMPUTED", None, None, None),
        ("voucher_liability", "EXPLAINED", "a", "1", "C"),
        ("voucher_liability", "EXPLAINED", "a", "2", "C"),
    ]


def test_where_the_month_before_was_never_sealed_there_are_no_rows_and_it_is_said(evidence: Path) -> None:
    small_month(evidence, "2025-07", frames=frames())
    found = before(evidence, MONTH)
    assert (rows(found), found.seal, found.validation.tested, found.validation.passed) == (
        [],
        None,
        False,
        False,
    )
    assert found.validation.figures == {"compared_with": "nothing: 2025-08 was never sealed"}


def test_the_first_month_has_none_before_it(evidence: Path) -> None:
    assert rows(before(evidence, CutoffMonth.parse("2024-01"))) == []


def test_a_month_sealed_before_there_were_open_items_is_told_from_one_where_none_was_open(
    evidence: Path,
) -> None:
    small_month(evidence, "2025-08")
    found = before(evidence, MONTH)
    assert (rows(found), found.validation.tested) == ([], False)
    assert "was sealed without open items (2025-08, version 001)" in found.validation.figures["compared_with"]


@pytest.mark.parametrize("asset", ["open_items", "open_item_matches", "open_item_comments", "reconciliation"])
def test_a_seal_that_is_not_as_it_was_sealed_stops_nothing_and_fails_as_an_error(
    evidence: Path, asset: str
) -> None:
    sealed = small_month(evidence, "2025-08", frames=frames()).sealed
    path = sealed.folder / "data" / f"{asset}.parquet"
    path.write_bytes(path.read_bytes() + b"\0")
    found = before(evidence, MONTH)
    assert rows(found) == []
    assert (found.validation.passed, found.validation.tested, found.validation.severity) == (
        False,
        True,
        "ERROR",
    )
    assert (
        f"{asset}.parquet is not the file that was sealed"
        in found.validation.figures["problems"][0]["message"]
    )


def test_a_damaged_chain_fails_as_an_error(evidence: Path) -> None:
    small_month(evidence, "2025-08", frames=frames())
    (evidence / "chain" / "000001.json").write_text("{}")
    found = before(evidence, MONTH)
    assert (rows(found), found.validation.passed, found.validation.tested) == ([], False, True)
