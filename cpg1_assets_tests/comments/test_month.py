"""A month's comments: taken whole or not at all, held against the open items, carried forward while an item persists."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cpg1_assets.comments.month import CHANGES, CommentsMonth, comments_files, file_states, read_comments
from cpg1_assets.comments.open_items_sheet import Mark
from cpg1_assets.comments.workbook import MadeOf
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_CHANGES
from cpg1_assets_tests.comments.files import KINDS, as_csv, as_xlsx, rows_of

MONTH = CutoffMonth.parse("2025-09")
ITEMS = ("a1", "b2", "c3")


def change(kind: str, before: str | None, item: str | None, **said: str) -> dict[str, Any]:
    """Give a row of open_item_changes, with what was said of the item then."""
    return {
        "change": kind,
        "item_before": before,
        "item": item,
        **{
            f"{name}_before": said.get(name)
            for name in ("comment", "owner", "confirmed_cause", "source_file")
        },
        "comment_carries": kind == "persisting" and "source_file" in said,
    }


CARRIED = change("persisting", "a1", "a1", comment="Then", owner="Ann", source_file="2025-08.xlsx")


def put(inbox: Path, name: str, content: bytes) -> Path:
    (inbox / "comments").mkdir(exist_ok=True)
    path = inbox / "comments" / name
    path.write_bytes(content)
    return path


def no_version(mark: Mark) -> MadeOf:
    raise AssertionError(f"no file here is a control workbook: {mark}")


def read(inbox: Path, *changes: Mapping[str, Any]) -> CommentsMonth:
    schema = pa.schema([OPEN_ITEM_CHANGES.arrow_schema.field(name) for name in CHANGES])
    said = pa.Table.from_pylist(list(map(dict, changes)), schema=schema)
    items = pa.table(
        {"item": ITEMS, "unexplained": [Decimal(1)] * len(ITEMS), "cause": ["unknown"] * len(ITEMS)}
    )
    return read_comments(inbox, MONTH, items, said, no_version)


def rows(month: CommentsMonth) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in month.table.to_pylist()]


@pytest.mark.parametrize("suffix", [*KINDS, ".XLSX"])
def test_the_file_of_the_month_is_taken_whatever_its_kind(tmp_path: Path, suffix: str) -> None:
    content = KINDS[suffix.lower()](rows_of(("b2", "B", "Bob", "rounding"), ("A1", "A", "", "")))
    put(tmp_path, f"2025-09{suffix}", content)
    put(tmp_path, "2025-08.csv", b"of another month")
    found = read(tmp_path)
    name = f"2025-09{suffix}"
    assert rows(found) == [("a1", "A", None, None, name), ("b2", "B", "Bob", "rounding", name)]
    assert (found.problems, found.taken) == ((), ("a1", "b2"))
    assert [source.content for source in found.sources] == [content], "the very bytes are kept"
    assert found.files == {name: hashlib.sha256(content).hexdigest()} == file_states(tmp_path, MONTH)


def test_without_a_file_nothing_is_said_and_nothing_is_wrong(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (rows(found), found.problems, found.has_file) == ([], (), False)


def test_what_was_said_of_an_item_that_persists_carries_forward_under_its_name_now(tmp_path: Path) -> None:
    moved = change("persisting", "old", "b2", comment="Moved", source_file="2025-07.csv")
    lapsed = change("changed", "c3", "c3", comment="Lapsed", source_file="2025-08.xlsx")
    assert rows(read(tmp_path, CARRIED, moved, lapsed)) == [
        ("a1", "Then", "Ann", None, "2025-08.xlsx"),
        ("b2", "Moved", None, None, "2025-07.csv"),
    ]


def test_what_the_file_says_replaces_what_was_carried_and_completes_it(tmp_path: Path) -> None:
    put(tmp_path, "2025-09.csv", as_csv(rows_of(("a1", "Now", "Eve", ""))))
    assert rows(read(tmp_path, CARRIED)) == [("a1", "Now", "Eve", None, "2025-09.csv")]
    put(tmp_path, "2025-09.csv", as_csv(rows_of(("a1", "", "Eve", "never posted"))))
    assert rows(read(tmp_path, CARRIED)) == [
        ("a1", "Then", "Eve", "never posted", "2025-08.xlsx, 2025-09.csv")
    ]


def test_a_blank_comment_is_no_comment_and_takes_none_away(tmp_path: Path) -> None:
    put(tmp_path, "2025-09.csv", as_csv(rows_of(("a1", " ", "", ""), ("zz", "", "", ""))))
    found = read(tmp_path, CARRIED)
    assert rows(found) == [("a1", "Then", "Ann", None, "2025-08.xlsx")]
    assert (found.problems, found.taken) == ((), ())


def test_of_a_file_with_one_wrong_row_nothing_is_taken_and_every_wrong_row_is_named(tmp_path: Path) -> None:
    said = [
        ("a1", "A", "", ""),
        ("zz", "Z", "", ""),
        ("b2", "B", "", "lost"),
        ("c3", "C", "", ""),
        ("C3", "C again", "", ""),
        ("gone", "G", "", ""),
    ]
    put(tmp_path, "2025-09.xlsx", as_xlsx(rows_of(*said)))
    parted = [change("split", "gone", "x1"), change("split", "gone", "x2")]
    found = read(tmp_path, CARRIED, *parted)
    assert rows(found) == [("a1", "Then", "Ann", None, "2025-08.xlsx")], (
        "what carries forward is still certain"
    )
    assert found.taken == ()
    assert [(p.row, p.item) for p in found.problems] == [(4, "b2"), (3, "zz"), (6, "C3"), (7, "gone")]
    told = " ".join(p.message for p in found.problems)
    for said_of in (
        "2025-09.xlsx, row 3, item zz: it is no open item of 2025-09",
        "row 6, item C3: row 5 is of this item too",
        "row 7, item gone: it was open in 2025-08 (split, now x1; split, now x2)",
    ):
        assert said_of in told
    assert len(found.sources) == 1, "the file is kept all the same"


def test_of_two_files_none_is_read_and_both_are_kept(tmp_path: Path) -> None:
    put(tmp_path, "2025-09.xlsx", as_xlsx(rows_of(("a1", "A", "", ""))))
    put(tmp_path, "2025-09.csv", as_csv(rows_of(("a1", "A", "", ""))))
    found = read(tmp_path)
    assert rows(found) == []
    (problem,) = found.problems
    assert problem.message.startswith("2025-09.csv and 2025-09.xlsx are both comments files of 2025-09")
    assert len(found.sources) == len(found.files) == 2


@pytest.mark.parametrize(
    "name", ["2025-09 (1).xlsx", "2025-09.csv.bak", "comments 2025-09.csv", "2025-09.pdf", "2025-09"]
)
def test_a_file_that_may_be_meant_is_named(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, b"?")
    (problem,) = read(tmp_path).problems
    assert problem.message.startswith(f"{name}: it may be the comments file of 2025-09")


def test_what_a_system_leaves_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    for name in ("~$2025-09.xlsx", ".2025-09.csv", "2025-09.xlsx.crdownload", "desktop.ini", "read me.txt"):
        put(tmp_path, name, b"?")
    assert read(tmp_path).problems == ()


def test_what_cannot_be_opened_is_a_problem_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "comments" / "2025-09.csv").mkdir(parents=True)
    found = read(tmp_path, CARRIED)
    assert [p.message for p in found.problems] == [
        "2025-09.csv: it is a folder, and not a file or a link to one. Put the file itself in the inbox."
    ]
    assert found.files == {"2025-09.csv": "not read: it is a folder, and not a file or a link to one"}
    assert len(rows(found)) == 1


def test_a_folder_that_is_none_is_a_problem_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "comments").write_text("a file")
    (problem,) = read(tmp_path).problems
    assert "it cannot be listed" in problem.message


def test_files_of_a_month_are_told_by_their_names(tmp_path: Path) -> None:
    put(tmp_path, "2025-09.csv", b"")
    put(tmp_path, "2025-10.csv", b"")
    files, problems = comments_files(tmp_path, MONTH)
    assert ([path.name for path in files], problems) == (["2025-09.csv"], [])
