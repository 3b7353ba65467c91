"""Makes `evidence/chain/look_alikes.py`, which says which character is taken for which when names are compared.

    python -m reference.look_alikes confusables.txt

`confusables.txt` is the data file of UTS #39 (Unicode Security Mechanisms), of the Unicode version that it names. What the
table holds is settled here; how it is used, in `evidence/chain/names.py`.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from unicodedata import category, normalize

MODULE = Path(__file__).parents[1] / "cpg1_assets" / "evidence" / "chain" / "look_alikes.py"
_ENTRY = re.compile(r"\ufeff?([0-9A-F]{4,6}) ;\t((?:[0-9A-F]{4,6} ?)+);\tMA\t")
_VERSION = re.compile(r"^# Version: ([0-9.]+)$", re.MULTILINE)
_WIDTH = 108
_MOST_STEPS = 10


def prototypes(text: str) -> dict[str, str]:
    """Read the entries of `confusables.txt`: for a character the text that it looks like."""
    found = filter(None, map(_ENTRY.match, text.splitlines()))
    return {
        chr(int(entry[1], 16)): "".join(chr(int(code, 16)) for code in entry[2].split()) for entry in found
    }


def looks(prototype_of: Mapping[str, str]) -> dict[str, str]:
    """Give, for each character that is taken for another, the text it stands for once case is ignored.

    A character is taken for its prototype. Where that is no letter of ours, it is taken for that of its capital or small
    letter, if that one is: names are compared ignoring case. The result is one that stays as it is when it is looked up
    again, so that a folded name folds to itself.
    """
    table = {}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if category(char) == "Cs" or normalize("NFKD", char) != char:
            continue  # no text, or decomposed before it is looked up
        look = _settled(char, prototype_of)
        if look != _lowered(char):
            table[char] = look
    return table


def _settled(char: str, prototype_of: Mapping[str, str]) -> str:
    said = _one(char, prototype_of)
    for _ in range(_MOST_STEPS):
        again = "".join(_one(each, prototype_of) for each in _lowered(said))
        if again == said:
            return said
        said = again
    raise ValueError(f"U+{ord(char):04X} is taken for one character after another without end")


def _one(char: str, prototype_of: Mapping[str, str]) -> str:
    for each in (char, char.upper(), char.lower()):
        look = prototype_of.get(each, each)
        if look.isascii():
            return look.casefold()
    return _lowered(prototype_of.get(char, char))


def _lowered(text: str) -> str:
    return normalize("NFKD", normalize("NFKD", text).casefold())


def module(version: str, table: Mapping[str, str]) -> str:
    """Write the table as a module."""
    by_look = defaultdict(list)
    for char, look in table.items():
        by_look[look].append(char)
    rows = "\n".join(line for look in sorted(by_look) for line in _row(look, sorted(by_look[look])))
    return f'''"""Which character is taken for which when names are compared: Unicode's confusables, as data.

Unicode {version}, `confusables.txt` of UTS #39, made by `reference/look_alikes.py`: {len(table):,} characters, of those
that NFKD leaves as they are. A row is what they stand for once case is ignored, a colon, and the characters, all
by code point. Used by `names` alone.
"""

from functools import cache

UNICODE_VERSION = "{version}"


@cache
def look_alikes() -> dict[int, str]:
    """Give, by code point, what a character stands for."""
    found: dict[int, str] = {{}}
    for row in _ROWS.splitlines():
        look, chars = row.split(":")
        text = "".join(chr(int(code, 16)) for code in look.split())
        found |= dict.fromkeys((int(code, 16) for code in chars.split()), text)
    return found


_ROWS = """\\
{rows}
"""
'''


def _row(look: str, chars: list[str]) -> Iterator[str]:
    head = " ".join(f"{ord(each):x}" for each in look) + ":"
    line = head
    for char in chars:
        code = f" {ord(char):x}"
        if len(line) + len(code) > _WIDTH:
            yield line
            line = head
        line += code
    yield line


def main() -> None:
    """Write the module anew from the file that is named."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8-sig")
    version = _VERSION.search(text)
    if version is None:
        raise ValueError(f"{sys.argv[1]} does not say of which version of Unicode it is")
    MODULE.write_text(module(version[1], looks(prototypes(text))), encoding="utf-8")


if __name__ == "__main__":
    main()
