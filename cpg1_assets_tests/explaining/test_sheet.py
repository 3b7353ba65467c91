"""The sheet that a controller fills in opens safely, and comes back as the items it was made of."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.embedded import opened
from cpg1_assets.explaining.sheet import FILLED_IN, open_item_sheet
from cpg1_assets.explaining.variances import explained_lines
from cpg1_assets.rules.frames import OPEN_ITEMS
from cpg1_assets.rules.open_item_matches import named_item
from cpg1_assets_tests.explaining.stored_month import RED, item, stored_month
from cpg1_assets_tests.rules.rows import Row


def read(home: Path, rows: dict[str, list[Row]], *, sample: bool = True) -> list[dict[str, str]]:
    lines = explained_lines(stored_month(home, rows))
    text = open_item_sheet([each for line in lines for each in line.items], sample=sample)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_sheet_has_the_columns_of_the_items_then_those_to_fill_in(tmp_path: Path) -> None:
    rows = read(tmp_path / "a", RED)
    names = [column.name for column in OPEN_ITEMS.columns]
    assert list(rows[0]) == [*names, *FILLED_IN, "books"]
    assert [row["item"] for row in rows] == ["i2aa", "i2ab"]
    assert [row["unexplained"] for row in rows] == ["50.0000", "-20.0000"], (
        "an amount is a number, not a formula"
    )
    assert {row[name] for row in rows for name in FILLED_IN} == {""}
    assert {row["books"] for row in rows} == {"SAMPLE BOOKS"}
    assert "books" not in read(tmp_path / "b", RED, sample=False)[0]


def test_what_was_said_before_is_in_the_sheet(tmp_path: Path) -> None:
    said = {"item": "i2aa", "comment": "waits for the bank", "owner": "Ann", "confirmed_cause": "never posted",
            "source_file": "2025-09.csv"}  # fmt: skip
    first, second = read(tmp_path, RED | {"open_item_comments": [said]})
    assert [first[name] for name in FILLED_IN] == ["waits for the bank", "Ann", "never posted"]
    assert [second[name] for name in FILLED_IN] == ["", "", ""]


@given(
    start=st.sampled_from("=+-@\t|%"),
    rest=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
)
def test_no_text_of_the_books_becomes_a_formula(
    tmp_path_factory: pytest.TempPathFactory, start: str, rest: str
) -> None:
    text = start + rest
    rows = RED | {
        "open_items": [item("i2aa", "30", "0", reference=text, description=f"  {text}", document_no=text)]
    }
    (row,) = read(tmp_path_factory.mktemp("m"), rows)
    assert (row["reference"], row["description"]) == (f"'{text}", f"'  {text}")


@given(company=st.text(max_size=5), label=st.text(max_size=30))
def test_no_spreadsheet_takes_the_name_of_an_item_for_a_number(company: str, label: str) -> None:
    with opened() as connection:
        ((name,),) = connection.execute(
            f"SELECT {named_item('?', '?', '?')}", [company, "line", label]
        ).fetchall()
    assert re.fullmatch(r"[a-z][0-9a-f]{19}", name), "1e5 followed by digits would come back as another name"
    assert not re.fullmatch(r"[0-9.e]+", name)
