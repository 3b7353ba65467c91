"""How names of people are compared: the one place that says whether two names may be one person's.

What is written down is the name as it was typed. Which names are held against each other is settled in `signed_links` and
`registered_keys`; which letters look alike, in `look_alikes`.
"""

from unicodedata import category, normalize

from cpg1_assets.evidence.chain.look_alikes import look_alikes

_IGNORABLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""First and last code points that Unicode 17.0.0 calls default-ignorable: nothing is drawn for them."""
_WITHOUT_A_SIGN = {0x1D159, 0xFFFC}
"""A note without a head, the place of an object: assigned, and nothing is drawn for them either."""
_BLANK = 0x2800
"""Braille without a dot: a blank that is called a symbol."""


def forms_of(name: str) -> frozenset[str]:
    """Give what a name may be taken for: two names that have one of these in common may be one person's.

    Invisible, control and direction characters are removed, blanks made single and trimmed, case and ways of writing
    one character (NFKC) ignored, and letters that look alike folded to one (UTS #39): those of the name as it is written,
    and those of it in small letters. Accents are not folded: they are seen. Each form has itself among its forms.
    """
    visible = _visible(name)
    return frozenset({_look(visible), _look(visible.casefold())})


def may_be_one(name: str, other: str) -> bool:
    """Whether two names may be one person's."""
    return not forms_of(name).isdisjoint(forms_of(other))


def is_seen(name: str) -> bool:
    """Whether a name has anything that can be read: a letter or digit that is drawn."""
    return any(category(char)[0] in "LN" for char in _visible(name))


def forms_of_earlier_rules(name: str) -> frozenset[str]:
    """Give the one form that names had for sign-offs up to rule 3: NFKC, blanks single, case ignored."""
    return frozenset({" ".join(normalize("NFKC", name).split()).casefold()})


def _visible(name: str) -> str:
    kept = "".join(" " if ord(char) == _BLANK else char for char in name if not _is_invisible(char))
    return " ".join(normalize("NFKC", kept).split())


def _is_invisible(char: str) -> bool:
    code = ord(char)
    if char.isspace():
        return False
    return (
        category(char) in ("Cc", "Cf", "Cs")
        or code in _WITHOUT_A_SIGN
        or any(first <= code <= last for first, last in _IGNORABLE)
    )


def _look(text: str) -> str:
    table = look_alikes()
    looks = (table.get(ord(char), char.casefold()) for char in normalize("NFKD", text))
    return " ".join(normalize("NFKD", "".join(looks)).split())
