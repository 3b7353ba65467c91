"""A closed month is read from its sealed version and the chain, whole, checked, and as of one head."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from cpg1_assets.deliverables.closed_month import LARGEST, closed_month
from cpg1_assets.errors import EvidenceError
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.deliverables.hand_sealed import MONTH, hand_sealed, red_month, seal_by_hand
from cpg1_assets_tests.explaining.stored_month import item, reconciled


def test_a_copied_evidence_folder_is_enough(tmp_path: Path) -> None:
    seal_by_hand(tmp_path / "evidence", red_month())
    month = closed_month(Path(shutil.copytree(tmp_path / "evidence", tmp_path / "copy")), MONTH)
    (line,) = month.lines
    assert (month.sealed.version, month.marks, month.control) == (1, "SAMPLE BOOKS", "C-PG-1")
    assert [each["item"] for each in line.items] == ["i1aa", "i2bb"], "largest first"
    assert line.differing == []
    assert line.named.unknown == Decimal(30)


def test_lines_have_their_largest_items_and_all_are_given_when_asked_for(tmp_path: Path) -> None:
    count = LARGEST + 3
    items = [item(f"i{at:03d}", str(at), "0") for at in range(1, count + 1)]
    total = str(count * (count + 1) // 2)
    comments = [{"item": "i001", "comment": "small", "source_file": "x"}]
    frames = red_month(
        reconciliation=[reconciled(total, "0")],
        open_items=items,
        open_item_matches=[],
        open_item_comments=comments,
    )
    month = hand_sealed(tmp_path / "evidence", frames)
    (line,) = month.lines
    assert [each["item"] for each in line.items] == [f"i{at:03d}" for at in range(count, 3, -1)]
    assert line.named.items == count
    assert line.of_items.unexplained == Decimal(total)
    rows = month.open_items().to_arrow_table().to_pylist()
    assert [row["item"] for row in rows] == [f"i{at:03d}" for at in range(1, count + 1)]
    assert rows[0]["comment"] == "small"


def test_what_an_older_seal_lacks_is_named(tmp_path: Path) -> None:
    absent = ["open_items", "open_item_matches", "open_item_comments", "check_results"]
    frames = {name: rows for name, rows in red_month().items() if name not in absent}
    month = hand_sealed(tmp_path / "evidence", frames, without=absent)
    assert month.lacks == ("open_items", "open_item_matches", "open_item_comments", "check_results")
    assert not month.is_taken_apart
    assert month.open_items().to_arrow_table().num_rows == 0
    (line,) = month.lines
    assert line.named.unknown == line.figures["unexplained"]
    with pytest.raises(EvidenceError, match="check_results was not sealed"):
        _ = month.checks


def test_a_month_that_was_never_sealed_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"2025-09 is not sealed .* cpg1 close --month 2025-09"):
        closed_month(tmp_path, MONTH)


def test_earlier_months_are_those_of_the_chain_in_calendar_order_in_their_newest_version(
    tmp_path: Path,
) -> None:
    evidence = tmp_path / "evidence"
    for key in (CutoffMonth(2025, 8), CutoffMonth(2024, 12), CutoffMonth(2025, 10), MONTH):
        seal_by_hand(evidence, red_month(), key)
    newer = red_month(reconciliation=[reconciled("1", "0")])
    seal_by_hand(evidence, newer, CutoffMonth(2024, 12), run_id="again")
    month = closed_month(evidence, MONTH)
    assert [(each.month.key, each.sealed.version) for each in month.earlier] == [
        ("2024-12", 2),
        ("2025-08", 1),
    ]
    assert {each.head for each in month.earlier} == {month.head}


def test_a_damaged_chain_is_not_shown_from(tmp_path: Path) -> None:
    seal_by_hand(tmp_path / "evidence", red_month())
    (tmp_path / "evidence" / "chain" / "000001.json").write_text("{}")
    with pytest.raises(EvidenceError, match="The chain of seals is damaged"):
        closed_month(tmp_path / "evidence", MONTH)
