"""An item in full: every row of it with what its extract says, why they are together, and how it lived."""

from decimal import Decimal
from pathlib import Path

import pytest

from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import ScopeError
from cpg1_assets.explaining import one_item
from cpg1_assets.explaining.one_item import ExplainedItem, explained_item, find_item
from cpg1_assets.explaining.stored import StoredMonth
from cpg1_assets.explaining.variances import explained_lines
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.causes import MEANINGS
from cpg1_assets.rules.frames import CAUSES, MATCHING_PASSES
from cpg1_assets.rules.open_item_rows import TARGET_ROWS
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.explaining.stored_month import COMPANY, KEY, RED, item, matched, stored_month
from cpg1_assets_tests.rules.rows import LINES


def full(stored: StoredMonth, name: str) -> ExplainedItem:
    return explained_item(stored, find_item(stored, explained_lines(stored), name))


def test_every_row_of_every_item_of_the_books_is_told_with_its_date(closed: Closed) -> None:
    stored = StoredMonth(open_deployment(closed.settings), CutoffMonth.parse(closed.month))
    lines = explained_lines(stored)
    of_line = {line.figures["line"]: line.items[0] for line in lines if line.items}
    settled = {row["item"] for row in closed.rows("open_item_matches") if row["side"] == "SETTLEMENT"}
    chosen = [*of_line.values(), *(each for line in lines for each in line.items if each["item"] in settled)]
    assert len(chosen) > len(of_line) > 2
    matches = closed.rows("open_item_matches")
    for facts in chosen:
        told = explained_item(stored, facts)
        own = [row for row in matches if row["item"] == facts["item"]]
        assert {(row["side"], row["row_key"], row["amount"]) for row in told.rows} == {
            (row["side"], row["row_key"], row["amount"]) for row in own
        }
        nav = sum(row["amount"] for row in told.rows if row["side"] != "TARGET")
        target = sum(row["amount"] for row in told.rows if row["side"] == "TARGET")
        assert (nav, target) == (facts["nav_amount"], facts["target_amount"])
        dated = [row for row in told.rows if row["side"] in ("NAV", "TARGET")]
        assert all(row["day"] is not None and row["description"] for row in dated)
        assert all(row["document_no"] for row in told.rows if row["side"] == "NAV")


def test_both_sides_are_told_in_their_own_words_and_in_order_of_date(tmp_path: Path) -> None:
    rows = RED | {
        "open_items": [item("agreed", "100", "100", bridge_amount="1", unexplained="-1")],
        "reconciliation": [RED["reconciliation"][0] | {"bridges": "1"}],
    }
    told = full(stored_month(tmp_path, rows), "agreed")
    assert [(row["side"], str(row["day"]), row["document_no"], row["description"]) for row in told.rows] == [
        ("TARGET", "2025-09-09", None, "O1, delivered"),
        ("NAV", "2025-09-10", "PKG-1", "Package delivered; account 13005; by BATCH"),
    ]
    assert told.certificate == [
        "reference: 2 rows, the same reference on both sides, decided by PKG-agreed (certain; matching rules version 1)"
    ]


def test_a_ledger_row_of_a_late_entry_tells_the_entry_and_a_settlement_row_has_none(tmp_path: Path) -> None:
    late = RED["open_item_matches"] + [
        matched("LEDGER", "entry 2", "-50", "late", matched_by="ledger", confidence="none", decided_by=None),
        matched(
            "LEDGER", "account 13005", "7", "late", matched_by="ledger", confidence="none", decided_by=None
        ),
        matched("SETTLEMENT", "2|run", "0", "late", matched_by="summary"),
    ]
    stored = stored_month(
        tmp_path, RED | {"open_item_matches": late, "open_items": [item("late", "-43", "0")]}
    )
    told = {row["row_key"]: row for row in full(stored, "late").rows}
    assert told["entry 2"]["document_no"] == "PKG-2"
    assert told["entry 2"]["description"] == "Package delivered; see JRN-1; account 13005; by BATCH"
    assert told["account 13005"]["day"] is None
    assert told["2|run"]["day"] is None


def test_the_beginning_of_a_name_is_enough_where_it_says_which(tmp_path: Path) -> None:
    stored = stored_month(tmp_path, RED)
    assert full(stored, "I2AA ").facts["item"] == "i2aa"
    with pytest.raises(ScopeError, match="'i2' is the beginning of 2 open items of 2025-09: i2aa, i2ab"):
        full(stored, "i2")
    with pytest.raises(ScopeError, match=r"begins with 'zz'\. There are 2, the first: i2aa, i2ab"):
        full(stored, "zz")


def test_an_item_that_is_settled_by_now_says_in_which_months_it_was_open(tmp_path: Path) -> None:
    stored_month(tmp_path, RED | {"open_items": [item("i3", "50", "0")]}, "2025-08")
    stored = stored_month(tmp_path, RED)
    with pytest.raises(ScopeError, match=r"It is open in 2025-08\."):
        full(stored, "i3")


def test_ambiguity_is_told_with_how_many_could_have_been_meant(tmp_path: Path) -> None:
    told = full(stored_month(tmp_path, RED), "i2ab")
    said = (
        "none: 1 row, nothing was found that stands against it (ambiguous, 3 could have been meant; matching rules "
        "version 1)"
    )
    assert told.certificate == [said]


def test_an_item_lives_over_the_months_in_storage_up_to_its_own(tmp_path: Path) -> None:
    stored_month(tmp_path, RED | {"open_items": [item("i2aa", "60", "0", cause="unknown")]}, "2025-06")
    stored_month(tmp_path, RED | {"open_items": []}, "2025-08")
    stored_month(tmp_path, RED, "2025-10")
    told = full(stored_month(tmp_path, RED), "i2aa")
    assert [(month, found and (found["unexplained"], found["cause"])) for month, found in told.life] == [
        ("2025-06", (Decimal(60), "unknown")),
        ("2025-08", None),
        ("2025-09", (Decimal(50), "never posted")),
    ]


def test_what_became_of_it_since_the_month_before_is_told(tmp_path: Path) -> None:
    changed = KEY | {"item": "i2aa", "item_before": "i2aa", "change": "changed", "unexplained_before": "60",
                     "unexplained": "50", "comment_carries": False}  # fmt: skip
    other = changed | {"item": "i2ab", "item_before": None, "change": "new"}
    stored = stored_month(tmp_path, RED | {"open_item_changes": [changed, other]})
    assert [row["change"] for row in full(stored, "i2aa").changes] == ["changed"]


def test_suggestions_are_told_from_either_side(tmp_path: Path) -> None:
    pair = KEY | {"item": "i2aa", "other_item": "i2ab", "unexplained": "50", "days_apart": 3}
    stored = stored_month(tmp_path, RED | {"open_item_suggestions": [pair]})
    assert [len(full(stored, name).suggestions) for name in ("i2aa", "i2ab")] == [1, 1]


def test_every_cause_and_every_pass_has_words_and_every_target_a_description() -> None:
    assert set(MEANINGS) == set(CAUSES)
    assert set(one_item._PASSES) == set(MATCHING_PASSES)  # noqa: SLF001 - held to the vocabulary
    catalog = read_catalog()
    described = one_item._DESCRIPTIONS  # noqa: SLF001
    assert set(described) == set(TARGET_ROWS) >= {line.target.extract for line in LINES.lines}
    for extract, names in described.items():
        assert set(names) <= {column.name for column in catalog[extract].contract.columns}


def test_json_has_every_amount_as_text(tmp_path: Path) -> None:
    said = full(stored_month(tmp_path, RED), "i2aa").as_dict()
    assert (said["id_company"], said["unexplained"], said["first_date"]) == (COMPANY, "50.0000", "2025-09-10")
    assert [(row["row_key"], row["amount"], row["candidates"]) for row in said["rows"]] == [
        ("2", "50.0000", 1)
    ]
    assert said["life"] == [
        {"month": "2025-09", "item": {**said["life"][0]["item"], "unexplained": "50.0000"}}
    ]
