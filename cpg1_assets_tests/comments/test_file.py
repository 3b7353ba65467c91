"""What a comments file says: the same in every kind of file, and nothing of what only looks like a text."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.comments.file import Problem, Said, parse_comments
from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import given_out
from cpg1_assets.rules.frames import CAUSES
from cpg1_assets_tests.comments.files import HEADER, KINDS, as_csv, as_xlsx, rows_of
from cpg1_assets_tests.inbox.workbooks import binary_row, ods, ods_cell, ods_row, wide, xlsb

SAID = rows_of(
    ("a1", "Bank confirmed on 3/9, see mail", "Ann", "never posted"),
    ("b2", "", "", ""),
    ("c3", "Né à Abidjan – ٣ باقات", "", ""),
    ("d4", "", "Bob", ""),
)


def read(content: bytes, file: str = "2025-09.csv") -> list[Said]:
    found = parse_comments(file, content)
    assert found.problems == []
    return found.said


def problem(content: bytes, file: str = "2025-09.csv") -> Problem:
    (found,) = parse_comments(file, content).problems
    assert found.file == file
    assert found.message.startswith(file)
    return found


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_of_file_says_the_same(suffix: str) -> None:
    assert read(KINDS[suffix](SAID), f"2025-09{suffix}") == [
        Said(2, "a1", "Bank confirmed on 3/9, see mail", "Ann", "never posted"),
        Said(4, "c3", "Né à Abidjan – ٣ باقات", None, None),
        Said(5, "d4", None, "Bob", None),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_is_read(delimiter: str) -> None:
    assert [said.item for said in read(as_csv(SAID, delimiter))] == ["a1", "c3", "d4"]


def test_a_file_of_utf_16_is_read_and_one_of_another_encoding_refused() -> None:
    text = as_csv(SAID).decode("utf-8-sig")
    assert len(read(text.encode("utf-16"))) == 3
    with pytest.raises(DataError, match="row 4: a character is neither UTF-8 nor UTF-16"):
        parse_comments("2025-09.csv", text.replace("٣ باقات", "x").replace("–", "-").encode("latin-1"))


def test_titles_above_totals_below_and_other_columns_are_not_read() -> None:
    rows = [
        ("Open items of 2025-09", "", ""),
        ("comment", "note", "Item"),
        ("C", "=1+1", "a"),
        ("", "Total 10", ""),
    ]
    wide_enough = [(*row, "", "")[:5] for row in rows]
    wide_enough[1] = ("comment", "note", "Item", "owner", "confirmed cause")
    assert read(as_csv(wide_enough)) == [Said(3, "a", "C", None, None)]


def test_owner_and_cause_may_be_left_out_but_not_misspelled() -> None:
    assert read(as_csv([("item", "comment"), ("a", "C")])) == [Said(2, "a", "C", None, None)]
    with pytest.raises(DataError, match="there is no column owner, and a column that is not known: Owners"):
        parse_comments(
            "2025-09.csv", as_csv([("item", "comment", "Owners", "confirmed_cause"), ("a", "C", "Ann", "")])
        )


def test_a_file_without_the_columns_is_refused() -> None:
    with pytest.raises(DataError, match="no comment column in the header"):
        parse_comments("2025-09.csv", as_csv([("item", "remark"), ("a", "C")]))
    with pytest.raises(DataError, match=r"2025-09\.csv"):
        parse_comments("2025-09.csv", b"")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"%PDF-1.7", b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_what_is_no_spreadsheet_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"2025-09\.xlsx"):
        parse_comments("2025-09.xlsx", content)


def test_a_comment_with_an_unquoted_delimiter_is_refused_by_its_row() -> None:
    content = b"item,comment,owner\r\na,paid, on Monday,Ann\r\nb,fine,Ann\r\n"
    found = parse_comments("2025-09.csv", content)
    assert [(p.row, p.item) for p in found.problems] == [(2, None)]
    assert "4 cells" in found.problems[0].message


def test_something_said_of_no_item_is_a_problem() -> None:
    found = problem(as_csv(rows_of(("", "who?", "", ""))))
    assert (found.row, found.item) == (2, None)
    assert "of no item" in found.message


def test_a_cause_is_one_of_the_vocabulary_in_any_letters() -> None:
    assert read(as_csv(rows_of(("a", "C", "", " Never Posted "))))[0].confirmed_cause == "never posted"
    found = problem(as_csv(rows_of(("a", "C", "", "lost"))))
    assert (found.row, found.item) == (2, "a")
    assert "'lost' is no cause" in found.message
    assert all(cause in found.message for cause in CAUSES)


def workbook(write: Callable[[Any, Any], None]) -> bytes:
    """Make a workbook whose row 2 is written by `write` below the header."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ("EC_NG", "a", "10"))
        write(book, sheet)
    return stream.getvalue()


@pytest.mark.parametrize("result", ["a text", 12])
@pytest.mark.parametrize("column", [1, 3, 4, 5])
def test_a_formula_in_a_cell_that_counts_is_refused(column: int, result: object) -> None:
    content = workbook(
        lambda _, sheet: [sheet.write(1, 3, "C"), sheet.write_formula(1, column, "=A1", None, result)][0]
    )
    found = problem(content, "2025-09.xlsx")
    assert found.row == 2
    assert "the cell is a formula. Write the text itself" in found.message


def test_a_formula_is_refused_in_the_other_workbooks_too() -> None:
    old = xlwt.Workbook()
    sheet = old.add_sheet("Items")
    for at, name in enumerate(HEADER):
        sheet.write(0, at, name)
    sheet.write(1, 1, "a")
    sheet.write(1, 3, xlwt.Formula('"te" & "xt"'))
    stream = io.BytesIO()
    old.save(stream)
    assert "formula" in problem(stream.getvalue(), "2025-09.xls").message
    formula = ods_cell("text", 'table:formula="of:=A1" office:value-type="string"')
    assert (
        "formula" in problem(ods(ods_row("item", "comment") + ods_row("a", formula)), "2025-09.ods").message
    )
    rows = [("item", "comment")]
    binary = b"".join(binary_row(at, *((6, 0, wide(text)) for text in row)) for at, row in enumerate(rows))
    binary += binary_row(1, (6, 0, wide("a")), (8, 0, wide("text") + bytes(8)))
    assert "formula" in problem(xlsb(binary), "2025-09.xlsb").message
    page = b"<html><body><table><tr><td>item<td>comment<tr><td>a<td x:fmla='=A1'>text</table></body></html>"
    assert "formula" in problem(page, "2025-09.html").message


def test_a_formula_beside_the_columns_that_count_is_none_of_ours() -> None:
    content = workbook(
        lambda _, sheet: [sheet.write(1, 3, "C"), sheet.write_formula(1, 2, "=5*2", None, 10)][0]
    )
    assert read(content, "2025-09.xlsx") == [Said(2, "a", "C", None, None)]


def test_a_text_of_csv_that_is_a_formula_is_refused_and_one_behind_an_apostrophe_is_a_text() -> None:
    assert "'=1+1' is a formula" in problem(as_csv(rows_of(("a", "=1+1", "", "")))).message
    assert read(as_csv(rows_of(("a", "'=1+1", "", ""))))[0].comment == "=1+1"
    assert read(as_csv(rows_of(("a", "- paid, see mail", "", ""))))[0].comment == "- paid, see mail"


def test_a_number_is_read_where_it_is_certain_and_a_date_never() -> None:
    assert (
        read(workbook(lambda _, sheet: sheet.write_number(1, 3, 4711)), "2025-09.xlsx")[0].comment == "4711"
    )
    for content in (
        workbook(lambda _, sheet: sheet.write_number(1, 3, 4711.5)),
        workbook(lambda _, sheet: sheet.write_number(1, 3, 1e17)),
    ):
        assert "is the number" in problem(content, "2025-09.xlsx").message
    content = workbook(
        lambda book, sheet: sheet.write_number(1, 3, 45000, book.add_format({"num_format": "yyyy-mm-dd"}))
    )
    assert "is the date or time 2023-03-15" in problem(content, "2025-09.xlsx").message


def test_an_item_that_a_spreadsheet_made_a_number_of_is_named() -> None:
    content = workbook(lambda _, sheet: [sheet.write(1, 3, "C"), sheet.write_number(1, 1, 12e80)][0])
    found = problem(content, "2025-09.xlsx")
    assert (found.row, found.item) == (2, None)
    assert 'column "item": the cell is the number 1.2e+81' in found.message


def test_characters_that_cannot_be_shown_are_refused() -> None:
    assert "cannot be shown" in problem(as_csv(rows_of(("a", "bell \x07", "", "")))).message


def test_a_text_longer_than_a_cell_is_refused() -> None:
    assert read(as_csv(rows_of(("a", "x" * 32_767, "", ""))))[0].comment == "x" * 32_767
    assert "32,768 characters" in problem(as_csv(rows_of(("a", "x" * 32_768, "", "")))).message


def test_lines_of_a_comment_are_kept() -> None:
    assert read(as_csv(rows_of(("a", "one\r\ntwo", "", ""))))[0].comment == "one\ntwo"


_TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cf", "Cn", "Z"], include_characters=" -=+@|%'"),
    max_size=20,
)


@given(st.lists(st.tuples(_TEXTS, _TEXTS), max_size=4), st.sampled_from([".csv", ".xlsx"]))
def test_what_was_read_comes_back_as_it_was_given_out(texts: list[tuple[str, str]], suffix: str) -> None:
    """A comment survives the way out to a spreadsheet and back, whatever it begins with, and is never run there."""
    rows = rows_of(
        *((f"i{at}", given_out(comment), given_out(owner), "") for at, (comment, owner) in enumerate(texts))
    )
    first = parse_comments(f"2025-09{suffix}", KINDS[suffix](rows))
    again = rows_of(
        *((said.item, given_out(said.comment or ""), given_out(said.owner or ""), "") for said in first.said)
    )
    written = [text for row in again[1:] for text in row]
    assert not any(re.match(r" *[=+\-@|%\t\r\n]", text) for text in written)
    second = parse_comments(f"2025-09{suffix}", KINDS[suffix](again))
    assert [said[1:] for said in second.said] == [said[1:] for said in first.said]
    assert first.problems == second.problems == []


def test_many_sheets_with_the_columns_are_refused() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        for _ in range(2):
            book.add_worksheet().write_row(0, 0, HEADER)
    with pytest.raises(DataError, match="several sheets may be the one"):
        parse_comments("2025-09.xlsx", stream.getvalue())


def test_a_sheet_of_notes_beside_the_items_is_none() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, ("Ask Ann", "about", "these"))
        items = book.add_worksheet()
        items.write_row(0, 0, HEADER)
        items.write_row(1, 0, ("EC_NG", "a", "10", "C"))
    assert read(stream.getvalue(), "2025-09.xlsx") == [Said(2, "a", "C", None, None)]
    assert as_xlsx(SAID)[:2] == b"PK"
