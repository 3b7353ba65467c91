"""How case is ignored, the same on every engine and in Python: Unicode's simple case folding.

Here are the word for Python and what the engine's macro is made of. The table is `case_folding_table`; which
texts are compared so, and their blanks, are `vocabulary`'s. Python's own `str.upper`, `str.casefold` and an
engine's `upper` each know another Unicode, and some make two characters of one.

Source of the rule: Rules (introduction).
"""

from string import ascii_lowercase

from cpg1_assets.rules.case_folding_table import SIMPLE_FOLDINGS

# Capitals of the Western European code page beyond Latin-1: with them, the short table is enough for most texts.
_WESTERN = frozenset("ŒŠŽŸ")
_LATIN_1 = 0xFF

# Where a character of the long table may be, and none of the short one is. A text with none of these is looked up
# in the short table; one with a character of these that has no case costs time, and nothing else.
_ELSEWHERE = (
    (0x0100, 0x0151),
    (0x0154, 0x015F),
    (0x0162, 0x0177),
    (0x0179, 0x017C),
    (0x017F, 0x058F),
    (0x10A0, 0x1FFF),
    (0x2126, 0x2DFF),
    (0xA640, 0xABBF),
    (0xFB00, 0xFB06),
    (0xFF21, 0xFF5A),
    (0x10400, 0x1E95F),
)


def _representatives() -> dict[str, str]:
    """Give what stands for each character that something else stands for: one for each, never chained."""
    capital = {letter: letter.upper() for letter in ascii_lowercase}
    stands = {
        chr(code): capital.get(chr(code + distance), chr(code + distance))
        for first, last, step, distance in SIMPLE_FOLDINGS
        for code in range(first, last + 1, step)
    }
    return {one: other for one, other in (capital | stands).items() if one != other}


REPRESENTATIVES = _representatives()
"""All characters that change, each with the one that stands for it.

Characters that fold to the same one have one representative: the ASCII capital where one of them is an ASCII letter
(K for k, K and the Kelvin sign; S for s, S and the long s), so that statements can name values in capitals, else the
character they fold to (é for É).
"""

COMMON = {one: other for one, other in REPRESENTATIVES.items() if ord(one) <= _LATIN_1 or one in _WESTERN}
"""Those of the short table: Latin-1 and the rest of the Western European code page."""

ELSEWHERE = f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _ELSEWHERE)}]"
"""A regular expression for texts that need the long table."""

_BY_CODE = str.maketrans(REPRESENTATIVES)


def folded(text: str) -> str:
    """Give the text as it is compared where case does not matter: one character for each of its characters."""
    return text.translate(_BY_CODE)


def text_key(text: str | None) -> str | None:
    """Give the text as rules compare it: case ignored, without surrounding spaces; None where nothing is left.

    The same as the macro `text_key` of the vocabulary.
    """
    return (folded(text).strip(" ") or None) if text is not None else None
