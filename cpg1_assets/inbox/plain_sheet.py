"""Worksheets of Open XML that hold texts and numbers only, spelt as most programs spell them: read by patterns, fast.

A worksheet is plain where every tag in its table is accounted for by the patterns, and the rest of it is XML. Anything
else (a formula, an error, a date, runs in a text, rows out of order) is left to `xlsx`, which reads any worksheet.
No more than a few rows are held at a time.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import numpy as np
import pyarrow as pa

from cpg1_assets.inbox.cells import Cell
from cpg1_assets.inbox.package import Package, parse_xml
from cpg1_assets.inbox.table import COLUMNS_OF_A_SHEET, ROWS_OF_A_SHEET, Row, UnreadableError

_TABLE = re.compile(rb"<sheetData>"), b"</sheetData>", b"</row>"
_TEXTS = re.compile(rb"<sst(?:\s[^<>]*)?>"), b"</sst>", b"</si>"
_ROW = re.compile(r'<row r="([1-9][0-9]{0,6})"(?:\s+[\w:]+="[^"<>&]*")*\s*/?>')
_FULL_ROW = re.compile(r'<row r="[1-9][0-9]{0,6}"((?:\s+[\w:]+="[^"<>&]*")*)>(.*?)</row>', re.DOTALL)
_EMPTY_ROW = re.compile(r"<row [^<>]*/>")
_T = r'<t(?: xml:space="preserve")?>'
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"([^<>/]*)'
    rf"(?:/>|>((?:<v>[^<]*</v>|<is>{_T}[^<]*</t></is>)?</c>))"
)
_AFTER_VALUE, _AFTER_TEXT = len("</v></c>"), len("</t></is></c>")
_SHARED = re.compile(rf"<si>{_T}([^<]*)</t></si>")
_TAGS_OF_A_SHARED_TEXT = 4
_ATTRIBUTE = re.compile(r'\s+(\w+)="([^"&]*)"')
_PLAIN_TYPES = {"n", "s", "str", "inlineStr"}
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_OF_NUMBERS = frozenset("<v>/0123456789+-.eE")
"""The characters of a value that is a number, and of the element around it."""
_NO_CHARACTERS = bytes({*range(0x20), ord("\r")} - {*b"\t\n"})
"""What XML does not allow, and the line ends it would change."""
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_LONGEST_ROW = 2**22
_LONGEST_PATTERN = 2**12
_WIDEST = 256


class _NotPlainError(Exception):
    """Something that the patterns do not account for."""


class SharedTexts:
    """The texts that cells share, by place. Packed: as texts of Python they would take five times the memory."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Take the texts, many at a time."""
        packed = [pa.array(some, pa.string()) for some in texts]
        self._texts = pa.chunked_array(packed, pa.string()).combine_chunks()

    def at(self, places: Sequence[int]) -> list[Cell]:
        """Give the texts in these places, None for an empty one. Raises IndexError where there is none."""
        found = self._texts.take(pa.array(places, pa.int64())).to_numpy(zero_copy_only=False)
        return [text or None for text in found.tolist()]

    def named(self, value: str) -> str | None:
        """Give the text a cell names by its place. Raises UnreadableError where there is none."""
        place = int(value) if value.strip().isdecimal() else len(self._texts)
        if place >= len(self._texts):
            raise UnreadableError("a cell names a text that the workbook does not have")
        return self._texts[place].as_py() or None


@dataclass
class PlainSheet:
    """A worksheet that was looked through and is plain: its rows, read anew each time they are gone through."""

    package: Package
    part: str
    shared: "Callable[[], SharedTexts]"
    width: int = 0
    styles: dict[int, set[int]] = field(default_factory=dict)
    """The styles of the numbers in each column, counted from 0."""
    _types: dict[str, str] = field(default_factory=dict)
    """By the attributes of a cell as they are written."""
    _columns: dict[str, int] = field(default_factory=dict)
    """By their letters, counted from 0."""

    def look_through(self) -> None:
        """Look at every cell. Raises _NotPlainError."""
        seen: set[tuple[str, str]] = set()
        last = -1
        for piece in _pieces(self.package, self.part, *_TABLE):
            alike = _rows_alike(piece)
            if alike is None:
                letters, numbers, attributes = _accounted_for(piece)
                pairs = {*zip(letters, attributes, strict=True)}
            else:
                numbers, columns = alike
                letters = [column[0] for column in columns]
                pairs = {column[:2] for column in columns}
            for pair in pairs - seen:
                self._note(*pair)
            seen |= pairs
            last = self._in_order(last, numbers, letters, are_alike=alike is not None)
        self.width = max(self._columns.values(), default=-1) + 1
        if self.width > _WIDEST:
            raise _NotPlainError

    def _note(self, letters: str, attributes: str) -> None:
        found = _ATTRIBUTE.findall(attributes)
        named = dict(found)
        kind = named.get("t", "n")
        written = "".join(f'{name}="{value}"' for name, value in found)
        if kind not in _PLAIN_TYPES or len(named) != len(found) or "r" in named:
            raise _NotPlainError
        if len("".join(attributes.split())) != len("".join(written.split())):
            raise _NotPlainError
        self._types[attributes] = kind
        column = self._columns.setdefault(letters, _column(letters))
        if kind == "n":
            style = named.get("s", "0")
            if not style.isdecimal():
                raise _NotPlainError
            self.styles.setdefault(column, set()).add(int(style))

    def _in_order(self, last: int, numbers: Sequence[str], letters: Sequence[str], *, are_alike: bool) -> int:
        """See that each cell stands behind the one before it, and give the row of the last one.

        `last` is the row of the last cell before: no row goes on in another piece. Of rows that are alike, `letters`
        are those of one row; else they are those of each cell, as are `numbers`.
        """
        if not numbers:
            return last
        rows = np.fromiter(map(int, numbers), np.int64, len(numbers))
        columns = np.fromiter(map(self._columns.__getitem__, letters), np.int64, len(letters))
        steps = [rows, columns] if are_alike else [rows * COLUMNS_OF_A_SHEET + columns]
        if (
            rows[0] <= last
            or rows[-1] > ROWS_OF_A_SHEET
            or any((np.diff(places) <= 0).any() for places in steps)
        ):
            raise _NotPlainError
        return int(rows[-1])

    def __iter__(self) -> Iterator[Row]:
        """Give the rows with a cell in them, each as wide as the widest. Raises UnreadableError."""
        for piece in _pieces(self.package, self.part, *_TABLE):
            alike = _rows_alike(piece)
            if alike is not None:
                columns: list[Iterable[Cell]] = [repeat(None)] * self.width
                for letter, written, contents in alike[1]:
                    columns[self._columns[letter]] = self._values([written] * len(contents), contents)
                yield from zip(map(int, alike[0]), zip(*columns, strict=False), strict=False)
                continue
            letters, numbers, attributes, contents = _cells(piece)
            rows: dict[str, list[Cell]] = {}
            values = self._values(attributes, contents)
            for letter, number, value in zip(letters, numbers, values, strict=True):
                rows.setdefault(number, [None] * self.width)[self._columns[letter]] = value
            yield from ((int(number), row) for number, row in rows.items())

    def _values(self, attributes: Sequence[str], contents: Sequence[str]) -> list[Cell]:
        """Give the values of cells: all numbers, or all shared texts, without looking at each."""
        types = {self._types[written] for written in set(attributes)}
        try:
            if types == {"n"} and _OF_NUMBERS.issuperset("".join(contents)):
                return [float(content[3:-_AFTER_VALUE]) for content in contents]
            if types == {"s"}:
                places = [content[3:-_AFTER_VALUE] for content in contents]
                if "".join(places).isdecimal():
                    return self.shared().at(list(map(int, places)))
        except (ValueError, IndexError, OverflowError):
            pass
        return [
            self._value(self._types[written], content)
            for written, content in zip(attributes, contents, strict=True)
        ]

    def _value(self, kind: str, content: str) -> Cell:
        """Give the value of a cell, as `xlsx` does of a cell without a formula."""
        value = content[3:-_AFTER_VALUE] if content.startswith("<v>") else ""
        if kind == "n" and value:
            number = number_of(value)
            return _text(value) if number is None else number
        if kind == "s" and value:
            return self.shared().named(value)
        if kind == "str" and value:
            return unescaped(_text(value))
        if content.startswith("<is>"):
            return unescaped(_text(content[content.index(">", 4) + 1 : -_AFTER_TEXT])) or None
        return None


def plain_sheet(package: Package, part: str, shared: "Callable[[], SharedTexts]") -> PlainSheet | None:
    """Look through a worksheet whose cells share the texts of `shared`. None where it is not plain."""
    sheet = PlainSheet(package, part, shared)
    try:
        sheet.look_through()
    except _NotPlainError:
        return None
    return sheet


def plain_texts(package: Package, part: str) -> SharedTexts | None:
    """Give the texts that cells share. None where one is more than a text, such as one with runs."""
    try:
        return SharedTexts(_plain_texts(package, part))
    except _NotPlainError:
        return None


def _plain_texts(package: Package, part: str) -> Iterator[list[str]]:
    for piece in _pieces(package, part, *_TEXTS):
        found = _SHARED.findall(piece)
        if piece.count("<") != len(found) * _TAGS_OF_A_SHARED_TEXT:
            raise _NotPlainError
        yield [unescaped(_text(text)) for text in found] if "&" in piece or "_x" in piece else found


def number_of(value: str) -> float | None:
    """Give a stored value as the number it is; None where it is none (Python itself would take 1_000 and nan for one)."""
    return float(value) if _NUMBER.fullmatch(value) else None


def unescaped(text: str) -> str:
    """Give a text with the characters for which a workbook writes `_x0030_` or the like, two for one beyond U+FFFF.

    A text with half of such a character stays as it is written.
    """
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text).encode("utf-16-le", "surrogatepass")
    try:
        return units.decode("utf-16-le")
    except UnicodeDecodeError:
        return text


def _rows_alike(piece: str) -> tuple[Sequence[str], list[tuple[str, str, Sequence[str]]]] | None:
    """Give the numbers of the rows, and letters, attributes and contents of each column, where all rows are alike.

    That is how most exports are: no row has other columns, or cells with other attributes, than the first one.
    """
    first = _FULL_ROW.match(piece)
    if first is None or len(first[0]) > _LONGEST_PATTERN:
        return None
    cells = _CELL.findall(first[2])
    if not cells or any(len(content) <= _AFTER_VALUE for *_, content in cells):
        return None
    pattern = rf'<row r="([1-9][0-9]{{0,6}})"{re.escape(first[1])}>'
    for letters, _, attributes, content in cells:
        inside = "<v>[^<]*</v>" if content.startswith("<v>") else rf"<is>{_T}[^<]*</t></is>"
        pattern += rf'<c r="{letters}\1"{re.escape(attributes)}>({inside}</c>)'
    found = re.findall(f"{pattern}</row>", piece)
    if not found or piece.count("<") != len(found) * first[0].count("<"):
        return None
    numbers, *columns = zip(*found, strict=True)
    return numbers, [(cell[0], cell[2], column) for cell, column in zip(cells, columns, strict=True)]


def _accounted_for(piece: str) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Give letters, numbers and attributes of the cells. Raises _NotPlainError where there is another tag."""
    rows, closed = _ROW.findall(piece), piece.count("</row>")
    if len(rows) != closed + (len(_EMPTY_ROW.findall(piece)) if "/>" in piece else 0):
        raise _NotPlainError
    if rows and max(map(int, rows)) > ROWS_OF_A_SHEET:
        raise _NotPlainError
    letters, numbers, attributes, contents = _cells(piece)
    if piece.count("<") != len(rows) + closed + len(letters) + "".join(contents).count("<"):
        raise _NotPlainError
    return letters, numbers, attributes


def _cells(piece: str) -> tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str]]:
    """Give letters and number of the place, attributes and content of each cell."""
    letters, numbers, attributes, contents = tuple(zip(*_CELL.findall(piece), strict=True)) or (
        (),
        (),
        (),
        (),
    )
    return letters, numbers, attributes, contents


def _text(written: str) -> str:
    return _ENTITY.sub(lambda entity: _ENTITIES[entity[0]], written) if "&" in written else written


def _pieces(
    package: Package, part: str, opening: re.Pattern[bytes], closing: bytes, end: bytes
) -> Iterator[str]:
    """Give what is inside an element, cut behind an `end`. Raises _NotPlainError, also where the rest is not XML."""
    chunks = package.chunks(part)
    head, held = _opened(chunks, opening)
    while (stop := held.find(closing)) < 0:
        cut = held.rfind(end) + len(end)
        if cut >= len(end):
            yield _decoded(held[:cut])
            held = held[cut:]
        held += _following(chunks, held)
    yield _decoded(held[:stop])
    try:
        parse_xml(chain([head, held[stop:]], chunks), _nothing_more)
    except UnreadableError:
        raise _NotPlainError from None


def _opened(chunks: Iterator[bytes], opening: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    """Give what stands up to the start of an element, and what was read behind it."""
    held = next(chunks, b"")
    while (found := opening.search(held)) is None:
        held += _following(chunks, held)
    if _OTHER_ENCODING.search(held[:200]):
        raise _NotPlainError
    return held[: found.end()], held[found.end() :]


def _following(chunks: Iterator[bytes], held: bytes) -> bytes:
    chunk = next(chunks, b"")
    if not chunk or len(held) > _LONGEST_ROW:
        raise _NotPlainError
    return chunk


def _nothing_more(tag: str, _: object) -> None:
    if tag in {"row", "c", "si"}:
        raise _NotPlainError


def _decoded(piece: bytes) -> str:
    """Give the characters of a piece. Raises _NotPlainError where XML would not take them as they stand."""
    if len(piece.translate(None, _NO_CHARACTERS)) != len(piece) or b"]]>" in piece:
        raise _NotPlainError
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        raise _NotPlainError from None
    if "&" in text and len(_ENTITY.findall(text)) != text.count("&"):
        raise _NotPlainError
    if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
        raise _NotPlainError
    return text


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
