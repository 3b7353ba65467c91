"""Tables between two marks of a page: finding them, making them anew.

A page asks for a table by `<!-- made: KIND NAME -->` before it and `<!-- made end -->` after it. What a table says is
in `tables`; here is only where it stands.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
Table = Callable[[str, str], Iterable[str]]
"""Gives the lines of a table for its name and for what stands in its place now."""

_BLOCK = re.compile(
    r"^<!-- made: (?P<kind>\w+)(?: (?P<name>[^\n]+?))?? -->\n(?P<now>.*?)^<!-- made end -->$",
    re.MULTILINE | re.DOTALL,
)


def made_anew(page: str, tables: Mapping[str, Table]) -> str:
    """Give the text of a page with every table made anew. Raises KeyError for a kind that is none."""

    def made(block: re.Match[str]) -> str:
        lines = tables[block["kind"]](block["name"] or "", block["now"])
        head = block[0].split("\n", 1)[0]
        return "\n".join([head, *lines, "<!-- made end -->"])

    return _BLOCK.sub(made, page)


def asked_for(kind: str) -> list[str]:
    """Name what the pages ask for of one kind, page by page."""
    pages = (path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md")))
    return [block["name"] or "" for page in pages for block in _BLOCK.finditer(page) if block["kind"] == kind]


def stale(tables: Mapping[str, Table]) -> dict[Path, str]:
    """Give the pages that are not as the code would have them, each with the text it should have."""
    found = {}
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (anew := made_anew(text, tables)) != text:
            found[path] = anew
    return found
