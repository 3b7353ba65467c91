"""What stands in a cell that is given out: the number where a cell has it exactly, the text as far as a cell takes it."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cpg1_assets.inbox.given_cells import LONGEST_TEXT, cell_value, given_number, given_text

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20) + 1, max_value=10**20 - 1
)


@given(AMOUNTS)
@example(Decimal("0.0001"))
@example(Decimal("99999999999.9999"))
@example(Decimal(9007199254740993))
@example(Decimal("123456789012345.6789"))
def test_an_amount_is_a_number_that_is_the_amount_or_its_text(amount: Decimal) -> None:
    cell = given_number(amount)
    if isinstance(cell, float):
        assert Decimal(f"{cell:.15G}") == amount, "15 digits, as a spreadsheet keeps them"
        assert float(f"{cell:.16G}") == cell, "as the workbook stores it"
    else:
        assert Decimal(cell) == amount
        assert len(str(abs(amount).normalize()).replace(".", "")) > 15


@given(st.text(max_size=200))
def test_a_text_stays_as_it_is_but_for_what_nobody_could_see(text: str) -> None:
    given_out = given_text(text)
    assert given_text(given_out) == given_out
    if text.isprintable():
        assert given_out == text
    assert not any(ord(c) < 32 and c not in "\n\t" for c in given_out)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("bell\x07", "bell\\u0007"),
        ("\x85\ufffe\uffff", "\\u0085\\ufffe\\uffff"),
        ("سوق", "سوق"),
        ("=1+1", "=1+1"),
    ],
)
def test_controls_are_written_out(text: str, shown: str) -> None:
    assert given_text(text) == shown


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_a_text_that_no_cell_holds_is_cut_and_says_so(character: str) -> None:
    units = len(character.encode("utf-16-le")) // 2
    longest = character * (LONGEST_TEXT // units)
    assert given_text(longest) == longest
    cut = given_text(longest + character)
    assert cut.endswith(f" … [cut here: the text has {len(longest) + 1:,} characters]")
    assert len(cut.encode("utf-16-le")) // 2 <= LONGEST_TEXT
    assert longest.startswith(cut[: cut.index(" … ")])


def test_dates_are_days_and_moments_parts_of_them() -> None:
    assert cell_value("date", date(1900, 3, 1)) == 61, "as every spreadsheet counts"
    assert cell_value("date", date(2025, 9, 30)) == 45930
    assert cell_value("timestamp", datetime(2025, 9, 30, 18, 0)) == 45930.75  # noqa: DTZ001 - as the books have it


def test_nothing_is_nothing_and_what_no_cell_holds_is_an_error() -> None:
    assert [cell_value("text", value) for value in (None, "")] == [None, None]
    assert [cell_value("flag", value) for value in (None, True, False)] == [None, "yes", "no"]
    with pytest.raises(TypeError, match="nothing that a cell of ours holds"):
        cell_value("lcy", [1])
