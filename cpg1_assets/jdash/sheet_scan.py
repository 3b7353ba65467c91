"""A fast look at the bytes of a worksheet: whether there is anything in it but values, how many, and in which styles.

It says nothing about the values themselves.
"""

import re
from dataclasses import dataclass, field

from cpg1_assets.jdash.package import Package
from cpg1_assets.jdash.table import MOST_CELLS, ROWS_OF_A_SHEET

_FORMULA = re.compile(rb"<f[\s/>]")
_NAMESPACES = (
    b'="http://schemas.openxmlformats.org/spreadsheetml/2006/main"',
    b'="http://purl.oclc.org/ooxml/spreadsheetml/main"',
)
_ROW = re.compile(rb'<row r="[0-9]{1,7}"[ />]')
_EMPTY_ROW = re.compile(rb"<row\s[^<>]*/>")
_CELL = re.compile(rb'<c r="([A-Z]{1,3})[1-9][0-9]{0,6}"([^<>]*)>')
_STYLE = re.compile(rb'\ss="([0-9]{1,6})"')
_TYPE = re.compile(rb'\st="(\w+)"')
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_PLAIN_TYPES = {b"n", b"s", b"str", b"inlineStr"}


@dataclass
class PlainSheet:
    """What a sheet holds that has texts and numbers only."""

    values: int = 0
    """Cells with a value: a reader that gives fewer has dropped one."""
    styles: dict[int, set[int]] = field(default_factory=dict)
    """The styles of the numbers in each column, counted from 0."""


def plain_sheet(package: Package, part: str) -> PlainSheet | None:
    """Look at a worksheet. None where it is not plain.

    Plain is a sheet of texts and numbers in UTF-8: no formula, error, truth value or date, no unusual spelling, and not
    so many columns that it could not be held in memory.
    """
    found = PlainSheet()
    seen: set[tuple[bytes, bytes]] = set()
    held = b""
    is_first = True
    open_rows = 0
    for chunk in package.chunks(part):
        if is_first and not _is_utf_8(chunk):
            return None
        is_first = False
        data = held + chunk
        cut = data.rfind(b"<")
        piece, held = data[:cut], data[cut:]
        rows, cells = len(_ROW.findall(piece)), _CELL.findall(piece)
        if (
            not _is_known(piece)
            or rows != piece.count(b"<row")
            or len(cells) != piece.count(b"<c ") + piece.count(b"<c>")
        ):
            return None
        open_rows += rows - piece.count(b"</row>")
        if b"/>" in piece:
            open_rows -= len(_EMPTY_ROW.findall(piece))
        found.values += piece.count(b"<v>") + piece.count(b"<is>")
        seen.update(cells)
    columns = {letters: _column(letters) for letters, _ in seen}
    width = max(columns.values(), default=0) - min(columns.values(), default=0) + 1
    if open_rows or not held.startswith(b"</worksheet>") or width * ROWS_OF_A_SHEET > MOST_CELLS:
        return None
    for letters, attributes in seen:
        kind, style = _TYPE.search(attributes), _STYLE.search(attributes)
        if kind is not None and kind[1] not in _PLAIN_TYPES:
            return None
        if kind is None or kind[1] == b"n":
            found.styles.setdefault(columns[letters], set()).add(int(style[1]) if style else 0)
    return found


def is_plain_part(package: Package, part: str) -> bool:
    """Tell whether a part, such as the shared texts, has nothing in it that the compiled reader reads otherwise."""
    held = b""
    for at, chunk in enumerate(package.chunks(part)):
        if (at == 0 and not _is_utf_8(chunk)) or not _is_known(held + chunk):
            return False
        held = chunk[-64:]
    return True


def _is_known(piece: bytes) -> bool:
    """Tell whether nothing in it would be overlooked: a formula, another character set, raw text, names with a prefix."""
    return not (
        b"\0" in piece
        or b"<!" in piece  # a comment, or a section of raw text, which the compiled reader drops
        or (b"<f" in piece and _FORMULA.search(piece))
        or any(piece.count(name) != piece.count(b" xmlns" + name) for name in _NAMESPACES)
    )


def _is_utf_8(chunk: bytes) -> bool:
    return not chunk.startswith((b"\xff\xfe", b"\xfe\xff")) and not _OTHER_ENCODING.search(chunk[:200])


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
