"""The workbook put into the inbox: what people wrote is taken, and nothing else may be another than it was given out."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from cpg1_assets.comments.month import CHANGES, ITEMS, CommentsMonth, read_comments
from cpg1_assets.comments.open_items_sheet import COLUMNS
from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.sheet_rows import version_made_of
from cpg1_assets.deliverables.workbook import write_workbook
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_CHANGES
from cpg1_assets_tests.deliverables.sealed_by_hand import comment, item, line, sealed_by_hand
from cpg1_assets_tests.deliverables.test_workbook_book import AWKWARD
from cpg1_assets_tests.rules.rows import Row

LINE = "customer_ar"
AT = {name: at for at, name in enumerate(COLUMNS, 1)}
FIRST = 7
Edit = Callable[[Worksheet], object]


RED = (line("EC_NG", LINE, "30", "0"),)


def month_of(
    place: Path,
    items: Sequence[Row],
    comments: Sequence[Row] = (),
    run: str = "run-1",
    lines: Sequence[Row] = RED,
) -> ClosedMonth:
    rows = {"reconciliation": lines, "open_items": items, "open_item_comments": comments}
    return sealed_by_hand(place / "evidence", rows, run=run)


@dataclass(frozen=True)
class Desk:
    """A month with two open items, its workbook, and the inbox it is put into."""

    place: Path
    month: ClosedMonth

    def put(self, content: bytes, name: str = "2025-09.xlsx") -> None:
        """Put a file into the inbox."""
        folder = self.place / "inbox" / "comments"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    def edited(self, *edits: Edit, sheet: str = "Open items", rows_of_a_sheet: int = 1_000) -> bytes:
        """Give the workbook as it is after a person edited one of its sheets."""
        path = self.place / "book.xlsx"
        write_workbook(self.month, path, rows_of_a_sheet=rows_of_a_sheet)
        book = openpyxl.load_workbook(path)
        for edit in edits:
            edit(book[sheet])
        stream = io.BytesIO()
        book.save(stream)
        return stream.getvalue()

    def read(self, now: ClosedMonth | None = None, month: str = "2025-09") -> CommentsMonth:
        """Take the comments in, of the month as it is now."""
        items = (now or self.month).dataset("open_items").to_table(columns=list(ITEMS))
        none = OPEN_ITEM_CHANGES.arrow_schema.empty_table().select(list(CHANGES))
        key = CutoffMonth.parse(month)
        made_of = partial(version_made_of, self.month.evidence, key)
        return read_comments(self.place / "inbox", key, items, none, made_of)


def said(found: CommentsMonth) -> list[tuple[str | None, ...]]:
    assert found.problems == ()
    rows = found.table.select(["item", "comment", "owner", "confirmed_cause"]).to_pylist()
    return [tuple(row.values()) for row in rows]


def refused(found: CommentsMonth) -> list[str]:
    assert found.taken == ()
    assert found.table.num_rows == 0, "whole or not at all"
    return [problem.message for problem in found.problems]


def write(row: int, name: str, value: object) -> Edit:
    return lambda sheet: setattr(sheet.cell(row, AT[name]), "value", value)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(
        tmp_path, month_of(tmp_path, [item("EC_NG", LINE, "i1", "20.55"), item("EC_NG", LINE, "i2", "10")])
    )


def test_what_people_wrote_is_taken_and_a_row_left_empty_says_nothing(desk: Desk) -> None:
    desk.put(desk.edited(
        write(FIRST, "comment", "Bank confirmed\nsee mail"), write(FIRST, "owner", "Ann"),
        write(FIRST, "confirmed_cause", "Never Posted"),
    ))  # fmt: skip
    assert said(desk.read()) == [("i1", "Bank confirmed\nsee mail", "Ann", "never posted")]


def test_a_workbook_that_nobody_wrote_in_says_nothing(desk: Desk) -> None:
    desk.put(desk.edited())
    assert said(desk.read()) == []


def test_rows_may_be_sorted_and_taken_out(desk: Desk) -> None:
    def swap(sheet: Worksheet) -> None:
        first, second = ([cell.value for cell in sheet[row]] for row in (FIRST, FIRST + 1))
        for at, (one, other) in enumerate(zip(first, second, strict=True), 1):
            sheet.cell(FIRST, at).value, sheet.cell(FIRST + 1, at).value = other, one
        sheet.cell(FIRST, AT["comment"]).value = "of the second"

    desk.put(desk.edited(swap))
    assert said(desk.read()) == [("i2", "of the second", None, None)]
    desk.put(desk.edited(write(FIRST + 1, "comment", "stays"), lambda sheet: sheet.delete_rows(FIRST)))
    assert said(desk.read()) == [("i2", "stays", None, None)]


@pytest.mark.parametrize(
    ("name", "value", "cell", "was", "now"),
    [
        ("unexplained", 20.56, "F7", "20.55", "20.56"),
        ("unexplained", "20.55", "F7", "20.55", "'20.55'"),
        ("unexplained", None, "F7", "20.55", "empty"),
        ("first_date", 45911, "Z7", "2025-09-10", "2025-09-11"),
        ("cause", "unknown", "J7", "'never posted'", "'unknown'"),
        ("description", "new", "R7", "empty", "'new'"),
        ("is_asked", "yes", "L7", "'no'", "'yes'"),
    ],
)
def test_any_other_cell_that_was_changed_is_refused_by_cell(
    desk: Desk, name: str, value: object, cell: str, was: str, now: str
) -> None:
    desk.put(desk.edited(write(FIRST, name, value), write(FIRST, "comment", "C")))
    (message,) = refused(desk.read())
    assert message.startswith(
        f"2025-09.xlsx, sheet Open items, cell {cell}, item i1: it was {was}, and is {now}. Only "
    )


def test_a_row_of_no_item_a_cell_beside_the_table_and_a_header_are_refused_by_cell(desk: Desk) -> None:
    desk.put(desk.edited(write(FIRST, "item", "i9"), lambda sheet: setattr(sheet["AK8"], "value", "note")))
    one, other = refused(desk.read())
    assert "cell D7: 'i9' is no open item of version 1 of 2025-09, which the workbook was made of" in one
    assert "cell AK8, item i2: it was empty, and is 'note'" in other
    desk.put(desk.edited(write(FIRST - 1, "owner", "Who")))
    (message,) = refused(desk.read())
    assert "cell N6: it was Owner, and is 'Who'" in message


def test_a_cell_for_people_that_cannot_be_read_is_refused_by_cell(desk: Desk) -> None:
    desk.put(desk.edited(write(FIRST, "confirmed_cause", "a hunch"), write(FIRST + 1, "comment", "=1+1")))
    one, other = refused(desk.read())
    assert one.startswith("2025-09.xlsx, sheet Open items, cell O7, item i1: 'a hunch' is no cause")
    assert other.startswith("2025-09.xlsx, sheet Open items, cell M8, item i2: the cell is a formula")


def test_the_line_that_says_what_it_was_made_of_must_be_there(desk: Desk) -> None:
    desk.put(desk.edited(lambda sheet: setattr(sheet["A2"], "value", None)))
    (message,) = refused(desk.read())
    assert (
        "sheet Open items: the line above the header that says what the workbook was made of is not there"
        in message
    )


def test_a_workbook_of_another_month_or_chain_is_refused_and_named(desk: Desk, tmp_path: Path) -> None:
    content = desk.edited(write(FIRST, "comment", "C"))
    desk.put(content, "2025-08.xlsx")
    (message,) = refused(desk.read(month="2025-08"))
    assert "the workbook was made of 2025-09, and the file is that of 2025-08" in message
    desk.put(content)
    other = Desk(tmp_path, month_of(tmp_path / "other", [item("EC_NG", LINE, "i1", "20.55")]))
    (message,) = refused(other.read())
    assert "The workbook was made of version 1 of 2025-09 with the seal " in message
    assert "is not in the chain here. The newest there is 1." in message


def test_the_same_workbook_may_be_put_in_again_with_more_comments(desk: Desk, tmp_path: Path) -> None:
    first = [write(FIRST, "comment", "one")]
    desk.put(desk.edited(*first, write(FIRST + 1, "comment", "two")))
    items = desk.month.rows("open_items")
    now = month_of(tmp_path, items, [comment("i1", "one")], run="run-2")
    assert now.sealed.version == 2
    assert said(desk.read(now)) == [("i1", "one", None, None), ("i2", "two", None, None)]


def test_an_older_workbook_must_not_take_back_what_was_said_since(desk: Desk, tmp_path: Path) -> None:
    desk.put(desk.edited(write(FIRST + 1, "comment", "two")))
    now = month_of(tmp_path, desk.month.rows("open_items"), [comment("i1", "said since", "Bob")], run="run-2")
    one, other = refused(desk.read(now))
    assert (
        "cell M7, item i1: the workbook was made of version 1, and since version 2 the comment is 'said since'"
        in one
    )
    assert "cell N7, item i1" in other


def test_an_older_workbook_says_nothing_of_an_item_that_is_another_by_now(desk: Desk, tmp_path: Path) -> None:
    changed = [
        row | {"unexplained": "21.55"} if row["item"] == "i1" else row
        for row in desk.month.rows("open_items")
    ]
    now = month_of(tmp_path, changed, run="run-2")
    desk.put(desk.edited(write(FIRST + 1, "comment", "two")))
    assert said(desk.read(now)) == [("i2", "two", None, None)], "of the other it says nothing"
    desk.put(desk.edited(write(FIRST, "comment", "one")))
    (message,) = refused(desk.read(now))
    assert (
        "item i1: the workbook was made of version 1, in which it was 20.55, never posted; since version 2 it is 21.55"
        in message
    )


def test_the_parts_of_a_split_sheet_are_read_together(tmp_path: Path) -> None:
    items = [item("EC_NG", LINE, f"i{at:02d}", "1") for at in range(40)]
    desk = Desk(tmp_path, month_of(tmp_path, items))
    content = desk.edited(
        write(FIRST, "comment", "on the second"), sheet="Open items EC_NG 2", rows_of_a_sheet=25
    )
    desk.put(content)
    ((name, text, *_),) = said(desk.read())
    assert text == "on the second"
    assert name == "i19", "the first of the second sheet"
    many = [write(row, "unexplained", 2) for row in range(FIRST, FIRST + 19)]
    desk.put(desk.edited(*many, sheet="Open items EC_NG 1", rows_of_a_sheet=25))
    assert len(refused(desk.read())) == 19


def test_awkward_texts_come_back_as_they_went(tmp_path: Path) -> None:
    items = [
        item("EC_NG", LINE, f"i{at:02d}", "1", description=text, document_no=text, reference=text)
        for at, text in enumerate(AWKWARD)
    ]
    desk = Desk(tmp_path, month_of(tmp_path, items))
    desk.put(desk.edited(write(FIRST, "comment", "'=1+1"), write(FIRST + 1, "comment", "سوق")))
    assert said(desk.read()) == [("i00", "=1+1", None, None), ("i01", "سوق", None, None)]
