"""Two names that look the same to a reader are one, whatever letters they are written with; two people's are not."""

# ruff: noqa: RUF001 - look-alikes are what this is about
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.evidence.chain import names
from cpg1_assets.evidence.chain.look_alikes import UNICODE_VERSION, look_alikes
from cpg1_assets.evidence.chain.names import forms_of, forms_of_earlier_rules, is_seen, may_be_one
from reference.look_alikes import looks, prototypes

INVISIBLE = [
    "\u00ad", "\u034f", "\u061c", "\u115f", "\u17b4", "\u180e", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2060",
    "\u2066", "\u2069", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ufffc", "\x00", "\x07", "\x1b", "\x7f", "\x9f",
    "\U0001d159", "\U0001d173", "\U000e0041", "\U000e0100",
]  # fmt: skip
"""One at least of every kind of character that a reader does not see: zero width, direction, control, filler, variant."""
NAMES = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(sorted(map(chr, look_alikes()))),
        st.sampled_from("AaIilL1|0Oo \tRrNnMmßΣς\u0307é"),
    ),
    max_size=12,
)

SAME = {
    "case": ("Ann Okafor", "ANN okafor"),
    "blanks": ("Ann Okafor", "  Ann \t\u00a0\u2003Okafor\n"),
    "full width": ("Ann Okafor", "Ａｎｎ Ｏｋａｆｏｒ"),
    "ligature": ("Griffin", "Griﬃn"),
    "composed or not": ("José", "Jose\u0301"),
    "sharp s": ("Voß", "VOSS"),
    "Cyrillic capital": ("Ann Okafor", "Аnn Оkafor"),
    "Cyrillic small": ("Ann Okafor", "Ann Okаfоr"),
    "Cyrillic that only its capital gives away": ("Ann Okafor", "Ann Oкafor"),
    "Greek": ("Ann Okafor", "Αnn Οkafοr"),
    "Greek nu for v": ("Vera", "νera"),
    "Greek Beta for B": ("Bob", "Βob"),
    "capitals, and Cyrillic among them": ("ian okafor", "IАN ОKAFОR"),
    "capital i for small l": ("Alan", "AIan"),
    "one for small l": ("Alan", "A1an"),
    "bar for small l": ("Alan", "A|an"),
    "zero for o": ("Ann Okafor", "Ann 0kaf0r"),
    "r and n for m": ("Emma", "Ernma"),
    "mathematical": ("Bob", "𝐁𝓸𝖇"),
    "zero width": ("Ann Okafor", "A\u200bnn Oka\u2060for"),
    "direction": ("Ann Okafor", "\u202eAnn\u202c Okafor"),
    "joiner that keeps an accent apart": ("José", "Jose\u034f\u0301"),
    "blank that is called a symbol": ("Ann Okafor", "Ann\u2800Okafor"),
    "Greek name in either case": ("Νίκος", "νίκοσ"),
}
OTHER = {
    "another name": ("Ann Okafor", "Bob Diallo"),
    "another letter": ("Rita Okafor", "Zita Okafor"),
    "small i and small l": ("Mia Hali", "Mia Hall"),
    "an accent": ("José", "Jose"),
    "a middle name": ("Ann Okafor", "Ann B. Okafor"),
    "no blank": ("Ann Okafor", "AnnOkafor"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_names_that_a_reader_takes_for_one_are_one(one: str, other: str) -> None:
    assert may_be_one(one, other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_names_that_a_reader_tells_apart_are_two(one: str, other: str) -> None:
    assert not may_be_one(one, other)


@given(NAMES)
def test_a_form_of_a_name_has_itself_among_its_forms(name: str) -> None:
    for form in forms_of(name):
        assert form in forms_of(form)


@given(NAMES, st.lists(st.tuples(st.integers(0, 20), st.sampled_from(INVISIBLE))))
def test_what_is_not_seen_makes_no_other_name(name: str, inserted: list[tuple[int, str]]) -> None:
    other = name
    for at, char in inserted:
        other = other[:at] + char + other[at:]
    assert forms_of(other) == forms_of(name)


@given(NAMES)
def test_case_and_ways_of_writing_a_character_make_no_other_name(name: str) -> None:
    for other in (name.casefold(), unicodedata.normalize("NFD", name), unicodedata.normalize("NFKC", name)):
        assert may_be_one(name, other)


@pytest.mark.parametrize(
    "name", ["", " \t", *INVISIBLE, "\u2800", "\u0301", "\u200b\u0301 \u2060", "...", "-"]
)
def test_a_name_without_a_letter_or_digit_is_not_seen(name: str) -> None:
    assert not is_seen(name)


@pytest.mark.parametrize("name", ["A", "\u200bA", "李", "آمنة", "7", "Å"])
def test_a_name_of_any_script_is_seen(name: str) -> None:
    assert is_seen(name)


def test_earlier_rules_compare_as_they_did() -> None:
    assert forms_of_earlier_rules(" \uff21nn  OKAFOR ") == {"ann okafor"}
    assert forms_of_earlier_rules("Аnn Okafor") != {"ann okafor"}


def test_every_format_character_and_every_ignorable_one_is_invisible() -> None:
    """Fillers and variation selectors are letters and marks to Python; format characters are known by their category."""
    ignorable = {code for first, last in names._IGNORABLE for code in range(first, last + 1)}  # noqa: SLF001
    formats = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"}
    for code in ignorable | formats:
        assert forms_of(f"A{chr(code)}n") == {"an"}, hex(code)


# The table


def test_the_table_is_of_the_unicode_it_names_and_settled() -> None:
    table = look_alikes()
    assert (UNICODE_VERSION, len(table)) == ("17.0.0", 2892)
    for code, look in table.items():
        assert unicodedata.normalize("NFKD", chr(code)) == chr(code)
        again = "".join(table.get(ord(char), char.casefold()) for char in look)
        assert unicodedata.normalize("NFKD", again) == look, hex(code)


def test_the_table_is_made_of_the_entries_of_unicodes_file() -> None:
    entry = "{} ;\t{} ;\tMA\t# ( x → y ) NAMES\t# \n".format
    text = "\ufeff# confusables.txt\n# Version: 17.0.0\n" + "".join(
        (
            entry("0049", "006C"),
            entry("043D", "029C"),
            entry("041D", "0048"),
            entry("006D", "0072 006E"),
            entry("2126", "03A9"),
        )
    )
    read = prototypes(text)
    assert read == {"I": "l", "н": "\u029c", "Н": "H", "m": "rn", "\u2126": "Ω"}
    made = looks(read)
    # `M` follows `m`, and a letter its capital; the ohm sign is decomposed before it is looked up.
    assert made == {"I": "l", "ı": "l", "н": "h", "Н": "h", "m": "rn", "M": "rn"}
    assert all(look_alikes()[ord(char)] == look for char, look in made.items() if char != "ı")


def test_an_entry_that_leads_round_and_round_is_refused() -> None:
    with pytest.raises(ValueError, match="without end"):
        looks({"é": "x", "\u0430": "\u0431", "\u0431": "\u0430"})
