"""`cpg1 comments` says what it took, what carried forward, what lapsed and what is still asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cpg1_assets.closing.comments
from cpg1_assets.closing.comments import CommentsOutcome
from cpg1_assets_tests.cli.conftest import Cpg1

LAPSED: dict[str, Any] = {
    "id_company": "EC_NG", "line": "voucher_liability", "change": "changed", "item_before": "a", "item": "a",
    "unexplained_before": "10.0000", "unexplained": "12.0000", "cause_before": "unknown", "cause": "never posted",
    "comment_before": "=was [red]fine[/red]", "owner_before": None, "confirmed_cause_before": None,
}  # fmt: skip
OUTCOME = CommentsOutcome(
    month="2025-09", run_id="r", exit_status=3, books="SAMPLE BOOKS", scope=None, seconds=1.0,
    looked_in="/inbox/comments", files=["2025-09.csv"], taken=["b"], carried=["c", "d"], lapsed=[LAPSED],
    asked={"open_items": {f"i{at}": "5 USD" for at in range(25)}, "open_variances": {}, "failed_checks": {}},
    seal={"sentence": "Sealed (version 2).", "anchor": "1-a"},
)  # fmt: skip


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> list[CommentsOutcome]:
    """Let the command come to the outcome that the list holds."""
    held = [OUTCOME]
    monkeypatch.setattr(cpg1_assets.closing.comments, "take_comments", lambda *_: held[0])
    return held


def test_a_person_reads_what_was_taken_carried_lapsed_and_is_asked_for(
    cpg1: Cpg1, outcome: list[CommentsOutcome]
) -> None:
    assert outcome
    done = cpg1("comments", "2025-09")
    assert done.exit_code == 3
    for said in (
        "2025-09: 1 item commented in the file, 2 carried forward.",
        "1 comment lapsed",
        "a voucher_liability of EC_NG: changed, was 10.0000 unknown, is 12.0000 never posted.",
        "It said: '=was [red]fine[/red]'",
        "Still without a comment: 25 open items.",
        "i19 (5 USD)\n  and 5 more (all with --json)",
        "Sealed (version 2).   Anchor: 1-a",
    ):
        assert said in done.stdout


def test_where_there_is_no_file_it_is_told_where_one_would_be(
    cpg1: Cpg1, outcome: list[CommentsOutcome]
) -> None:
    place = "put it into /inbox/comments as 2025-09.xlsx or 2025-09.csv."
    assert place not in cpg1("comments", "2025-09").stdout
    outcome[0] = replace(OUTCOME, files=[], taken=[])
    assert f"There is no comments file of 2025-09: {place}" in cpg1("comments", "2025-09").stdout


def test_the_same_is_given_as_json(cpg1: Cpg1, outcome: list[CommentsOutcome]) -> None:
    assert json.loads(cpg1("comments", "2025-09", "--json").stdout) == json.loads(
        json.dumps(outcome[0].as_dict())
    )


def test_a_file_that_is_not_taken_is_named_first(cpg1: Cpg1, outcome: list[CommentsOutcome]) -> None:
    outcome[0] = replace(OUTCOME, exit_status=4, refused=["2025-09.csv, row 7, item zz: it is no open item."])
    done = cpg1("comments", "2025-09")
    assert done.exit_code == 4
    assert done.stdout.startswith("The comments file of 2025-09 is NOT taken")
    assert "row 7, item zz" in done.stdout


def test_a_run_that_failed_says_why(cpg1: Cpg1, outcome: list[CommentsOutcome]) -> None:
    outcome[0] = replace(OUTCOME, exit_status=1, failures=[("evidence_manifest", "not of one computation")])
    done = cpg1("comments", "2025-09")
    assert done.exit_code == 1
    assert "evidence_manifest: not of one computation" in done.stdout


def test_a_month_that_was_never_closed_has_nothing_to_be_said_of(cpg1: Cpg1, home: Path) -> None:
    done = cpg1("comments", "2025-09")
    assert done.exit_code == 1
    assert "Close the month first: cpg1 close --month 2025-09" in done.stderr
    assert not (home / "evidence").exists()
