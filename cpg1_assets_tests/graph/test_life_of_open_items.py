"""Three months of one home: items are commented, carried, lapse, and the month is signed off by item."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pyarrow.parquet as pq
import pytest
from openpyxl.workbook import Workbook

from cpg1_assets.closing.comments import CommentsOutcome, take_comments
from cpg1_assets.closing.standing import month_standing
from cpg1_assets.comments.open_items_sheet import EDITABLE, HEADERS, ITEM, NAME
from cpg1_assets.deliverables.files import WORKBOOK, place_of
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import EvidenceError, SignedOffError
from cpg1_assets.evidence.audit.reperform import reperform
from cpg1_assets.evidence.audit.verify import problems_of, verify
from cpg1_assets.evidence.chain.seal import SealedVersion, sealed_versions
from cpg1_assets.evidence.chain.sign_off import asked_now, sign_off
from cpg1_assets.graph.sealed_month import compared_with_newest
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.comments.files import as_csv, as_xlsx, rows_of
from cpg1_assets_tests.conftest import home_with

AUGUST, SEPTEMBER, OCTOBER = "2025-08", "2025-09", "2025-10"
SAID = "looked at in August"


@dataclass(frozen=True)
class Life:
    """A home in which August was closed and commented, and then September and October closed."""

    settings: Settings
    closed: dict[str, Closed]
    taken: CommentsOutcome
    file: Path

    def rows(self, asset: str, month: str) -> list[dict[str, Any]]:
        """Give the rows of a frame in storage."""
        found: list[dict[str, Any]] = pq.read_table(
            self.settings.home / "storage" / asset / f"{month}.parquet"
        ).to_pylist()
        return found

    def versions(self, month: str) -> list[SealedVersion]:
        """Give the sealed versions of a month."""
        return sealed_versions(self.evidence, month)

    @property
    def evidence(self) -> Path:
        """Folder of the evidence."""
        return Home(self.settings).evidence_folder


def take(settings: Settings, month: str) -> CommentsOutcome:
    return take_comments(settings, CutoffMonth.parse(month), lambda _: None)


def commented_workbook(settings: Settings, month: str) -> Workbook:
    """Give the month's control workbook as a controller leaves it: each item with a comment, an owner and a cause."""
    book = openpyxl.load_workbook(place_of(WORKBOOK, Home(settings).reports_folder, CutoffMonth.parse(month)))
    sheet = book[NAME]
    (header,) = [row[0].row for row in sheet.iter_rows(max_row=30) if row[ITEM].value == HEADERS[ITEM]]
    for row in range(header + 1, sheet.max_row + 1):
        for at, text in zip(EDITABLE.values(), (SAID, "Ann", "unknown"), strict=True):
            sheet.cell(row, at + 1).value = text
    return book


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, sample_books: Path) -> Iterator[Life]:
    place = tmp_path_factory.mktemp("life")
    home = home_with(sample_books, place / "home")
    inbox = place / "inbox"
    shutil.copytree(sample_books / "inbox" / "jdash", inbox / "jdash")
    (inbox / "comments").mkdir()
    settings = Settings(home=home, inbox=inbox)
    with dg.DagsterInstance.ephemeral() as instance:
        closed = {AUGUST: close(settings, AUGUST, instance, deliverables=True)}
        file = inbox / "comments" / f"{AUGUST}.xlsx"
        commented_workbook(settings, AUGUST).save(file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", "")
            patch.delenv("DAGSTER_HOME")
            taken = take(settings, AUGUST)
        closed |= {month: close(settings, month, instance) for month in (SEPTEMBER, OCTOBER)}
        yield Life(settings, closed, taken, file)


def test_the_first_month_is_compared_with_nothing_and_says_so(life: Life) -> None:
    assert life.rows("open_items_before", AUGUST) == []
    evaluation = life.closed[AUGUST].evaluations("open_items_before")["month_before_as_sealed"]
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "2025-07 was never sealed" in str(evaluation.metadata["compared_with"].value)
    assert {row["change"] for row in life.rows("open_item_changes", AUGUST)} == {"not compared"}


def test_taking_comments_in_seals_a_version_in_which_nothing_else_is_another(life: Life) -> None:
    first, second = life.versions(AUGUST)
    other = {
        asset for asset in second.assets if first.seal["content"][asset] != second.seal["content"][asset]
    }
    assert other == {"open_item_comments", "check_results"}
    items = sorted(row["item"] for row in life.rows("open_items", AUGUST))
    assert (life.taken.taken, life.taken.carried, life.taken.refused) == (items, [], [])
    assert life.taken.asked["open_items"] == {}, "each has its comment"
    assert life.taken.exit_status == (3 if any(life.taken.asked.values()) else 0)
    assert life.taken.seal["version"] == 2
    assert verify(life.evidence).problems == []


def test_the_comments_file_is_kept_byte_for_byte(life: Life) -> None:
    package = life.evidence / AUGUST / "open_item_comments" / life.taken.run_id
    assert (package / "files" / f"{AUGUST}.xlsx").read_bytes() == life.file.read_bytes()
    (listed,) = json.loads((package / "06_validation_results.json").read_text())["validations"]
    assert (listed["name"], listed["result"]) == ("comments_readable", "pass")


def test_the_record_of_the_close_stays_and_knows_what_is_in_storage(life: Life) -> None:
    standing = month_standing(life.settings, CutoffMonth.parse(AUGUST))
    assert standing["run_id"] == life.taken.run_id
    assert standing["seal"]["version"] == 2
    assert standing["comments_not_taken"] == []
    assert len(standing["lines"]) == 54


def test_the_next_month_is_compared_with_the_newest_seal(life: Life) -> None:
    newest = life.versions(AUGUST)[-1]
    read = {
        (row["sealed_month"], row["sealed_version"], row["seal_digest"])
        for row in life.rows("open_items_before", SEPTEMBER)
    }
    assert read == {(AUGUST, 2, newest.link.digest)}
    assert compared_with_newest(open_deployment(life.settings), CutoffMonth.parse(SEPTEMBER)).passed


def test_every_item_of_either_month_is_told_of(life: Life) -> None:
    changes = life.rows("open_item_changes", SEPTEMBER)
    before = {row["item"] for row in life.rows("open_items", AUGUST)}
    now = {row["item"] for row in life.rows("open_items", SEPTEMBER)}
    assert {row["item_before"] for row in changes} - {None} == before
    assert {row["item"] for row in changes} - {None} == now
    kinds = {row["change"] for row in changes}
    assert {"new", "persisting", "resolved"} <= kinds


def test_what_was_said_of_an_item_that_persists_is_carried_and_of_any_other_is_not(life: Life) -> None:
    changes = life.rows("open_item_changes", SEPTEMBER)
    persisting = {row["item"] for row in changes if row["change"] == "persisting"}
    comments = {row["item"]: row for row in life.rows("open_item_comments", SEPTEMBER)}
    assert comments.keys() == persisting
    assert {(row["comment"], row["source_file"]) for row in comments.values()} == {(SAID, f"{AUGUST}.xlsx")}
    lapsed = [row for row in changes if row["comment_before"] and not row["comment_carries"]]
    assert lapsed
    assert all(row["comment_before"] == SAID for row in lapsed)


def test_a_comment_is_carried_on_from_month_to_month(life: Life) -> None:
    carried = {
        row["item_before"]: row["item"]
        for row in life.rows("open_item_changes", OCTOBER)
        if row["comment_carries"]
    }
    assert carried
    comments = {row["item"]: row["source_file"] for row in life.rows("open_item_comments", OCTOBER)}
    assert comments == dict.fromkeys(carried.values(), f"{AUGUST}.xlsx")


def test_a_month_is_reperformed_from_its_own_seal_alone(life: Life, tmp_path: Path) -> None:
    alone = shutil.copytree(life.versions(SEPTEMBER)[-1].folder, tmp_path / SEPTEMBER / "seals" / "001")
    again = reperform(Path(alone))
    assert again.identical
    assert "open_item_changes" in {outcome.asset for outcome in again.outcomes}


def test_a_wrong_row_stops_the_sign_off_and_nothing_else_until_it_is_corrected(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of September, from its first handing in to the sign-off; August is commented once more in between."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    settings, evidence = life.settings, life.evidence
    asked = asked_now(evidence, SEPTEMBER)["open_items"].keys
    assert asked, "an item that is new in September has no comment yet"
    gone = next(
        row["item_before"] for row in life.rows("open_item_changes", SEPTEMBER) if row["change"] == "resolved"
    )
    file = life.file.with_name(f"{SEPTEMBER}.csv")
    said = [(item, "new, asked for", "", "") for item in asked]
    file.write_bytes(as_csv(rows_of(*said, (gone, "still here?", "", ""))))
    standing = month_standing(settings, CutoffMonth.parse(SEPTEMBER))
    assert standing["comments_not_taken"] == [f"{SEPTEMBER}.csv came"]

    wrong = take(settings, SEPTEMBER)
    assert wrong.exit_status == 4
    (told,) = wrong.refused
    assert f"{SEPTEMBER}.csv, row {len(said) + 2}, item {gone}: it was open in {AUGUST} (resolved)" in told
    assert wrong.taken == []
    assert wrong.carried, "what carries forward is certain"
    with pytest.raises(EvidenceError) as refused:
        sign(settings, "preparer", "Ann")
    assert f"row {len(said) + 2}, item {gone}" in str(refused.value)

    file.write_bytes(as_csv(rows_of(*said)))
    right = take(settings, SEPTEMBER)
    assert (right.refused, right.taken) == ([], sorted(asked))
    assert right.asked["open_items"] == {}
    assert len(life.versions(SEPTEMBER)) == 3

    take_again = take(settings, SEPTEMBER)
    assert take_again.seal["version"] == 3, "the same file makes no new version"

    life.file.write_bytes(as_xlsx(rows_of()))
    assert take(settings, AUGUST).seal["version"] == 3
    month = CutoffMonth.parse(SEPTEMBER)
    later = compared_with_newest(open_deployment(settings), month)
    assert (later.passed, later.severity) == (False, "WARN")
    assert "2025-08, version 003 was sealed since; 2025-09 was compared with version 002" in str(
        later.figures
    )
    assert month_standing(settings, month)["month_before"] == later.figures["sealed_since"]
    assert len(life.versions(SEPTEMBER)) == 3, "and nothing is computed for it"

    sign(settings, "preparer", "Ann")
    sign(settings, "reviewer", "Bob")
    assert verify(evidence).problems == []
    with pytest.raises(SignedOffError, match=f"{SEPTEMBER} is signed off"):
        take(settings, SEPTEMBER)


def sign(settings: Settings, role: Any, name: str) -> None:  # noqa: ANN401
    """Sign September; only what no comments file can say is said here."""
    evidence = Home(settings).evidence_folder
    demands = asked_now(evidence, SEPTEMBER)
    sign_off(
        evidence, SEPTEMBER, role=role, name=name, comment="agreed", problems_of=problems_of,
        variances=dict.fromkeys(demands["open_variances"].keys, "see the items"),
        checks=dict.fromkeys(demands["failed_checks"].keys, "known"),
    )  # fmt: skip
