"""Number formats: what a whole number looks like is shown, or said not to be certain; currencies are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.inbox.number_format import (
    NotCertainError,
    currency_marks,
    is_harmless,
    is_only_a_number,
    shown,
    shows_percent,
)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("General", "12"),
        ("", "12"),
        ("0", "12"),
        ("#", "12"),
        ("@", "12"),
        ("000000", "000012"),
        ("000000;-000000", "000012"),
        ("000000;\\-000000", "000012"),
        ("00000_)", "00012"),
        ('"V"00000', "V00012"),
        ("\\V00000", "V00012"),
        ("V00000", "V00012"),
        ("000-000", "000-012"),
        ('000"/"000', "000/012"),
        ("#,##0", "12"),
        ("0,000", "0,012"),
        ("0.00", "12.00"),
        ("[Red]0000", "0012"),
        ("[$-409]0000", "0012"),
        ("[Blue]0000;[Red]-0000", "0012"),
        ('General" id"', "12 id"),
        ("* 0000", "0012"),
        ("????", "12"),
        ("#-0", "1-2"),
        ("0000;-0000;;@", "0012"),
    ],
)
def test_a_whole_number_is_shown_as_its_format_says(code: str, text: str) -> None:
    assert shown(code, 12) == text


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("0%", "percentage"),
        ("0.00E+00", "scientific"),
        ("# ?/?", "fraction"),
        ("yyyy-mm-dd", "date"),
        ("[h]:mm", "date"),
        ("[>100]000;0", "condition"),
        ("0,", "scales"),
        ("*x0", "fills"),
        ("[DBNum1]0", "not known"),
        ("[$-2000401]0", "locale"),
        (";;;", "no digit"),
        ('"hidden"', "no digit"),
        ("General0", "mixes"),
        ("n0", "several things"),
        ("0" * 500, "too long"),
        ("[built-in 60]", "not known"),
    ],
)
def test_what_is_not_certain_is_said(code: str, why: str) -> None:
    with pytest.raises(NotCertainError, match=why):
        shown(code, 12)


@pytest.mark.parametrize(
    ("code", "marks"),
    [
        ("#,##0.00", ()),
        ("[$$-409]#,##0.00", ("USD",)),
        ("[$₦-468]#,##0.00", ("NGN",)),
        ('"KSh"#,##0.00', ("KES",)),
        ("[$USD] 0.00", ("USD",)),
        ("[$-409]0.00", ()),
        ("£0.00", ("£",)),
        ("[$£-809]0.00", ("GBP",)),
        ("[$zł-415]0.00", ("zł",)),
        ('0.00\\ "FCFA"', ("FCFA",)),
        ('_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)', ("$",)),
        ('_-* #,##0.00_-;-* #,##0.00_-;_-* "-"??_-;_-@_-', ()),
    ],
)
def test_the_currency_of_a_format_is_told(code: str, marks: tuple[str, ...]) -> None:
    assert currency_marks(code, 1.5) == marks
    assert is_only_a_number(code) == (not marks)


def test_a_format_with_other_words_is_not_one_of_an_amount() -> None:
    with pytest.raises(NotCertainError, match="pcs"):
        currency_marks('0.00" pcs"', 1)
    assert shows_percent("0.0%", 1)
    assert not is_only_a_number("0.0%")
    assert not is_only_a_number("yyyy")


def test_the_section_of_the_sign_is_the_one_in_use() -> None:
    code = '[$₦-468]0.00;"$"0.00;0.00'
    assert [currency_marks(code, value) for value in (1, -1, 0)] == [("NGN",), ("$",), ()]
    assert shown("000;-000;0000", 0) == "0000"


@given(st.integers(0, 10**15), st.integers(1, 20))
def test_zeros_are_the_least_number_of_digits(value: int, places: int) -> None:
    assert shown("0" * places, value) == str(value).zfill(places)


@given(st.text('0#?.,-;[]$"\\_*@%E+yGenrald V', max_size=12), st.integers(0, 10**9))
def test_a_harmless_format_changes_nothing_and_none_is_read_by_chance(code: str, value: int) -> None:
    try:
        text = shown(code, value)
    except NotCertainError:
        return
    if is_harmless(code):
        assert text == str(value)
    assert set("".join(filter(str.isdigit, text)).lstrip("0")) <= set(str(value) + code)
