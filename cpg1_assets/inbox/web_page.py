"""Tables of a web page, which dashboards save under the name of a workbook (.xls), with the texts they show.

Spreadsheets write the value of a cell beside its text, and Excel its formula; they are taken where they are there.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from cpg1_assets.inbox.cells import NEVER_COMPUTED, Cell, NoValue, Number, Result
from cpg1_assets.inbox.table import MOST_CELLS, Row, Table, UnreadableError

_CHARSET = re.compile(rb"""(?:<meta[^>]*charset|<\?xml[^>]*encoding)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_NOT_SHOWN = {"script", "style", "noscript", "template", "title"}
_NOT_IN_A_VALUE = {
    "sup": "raised",
    "sub": "lowered",
    "rt": "raised",
    "del": "struck out",
    "s": "struck out",
    "strike": "struck out",
    "option": "to choose from",
}
"""Texts that stand beside a value, or instead of one; a 1 above 100 does not make 1001."""
_IN_A_LINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "em", "font", "i", "img", "ins", "kbd",
    "label", "mark", "meter", "nobr", "output", "q", "ruby", "samp", "small", "span", "strong", "time", "tt", "u", "var",
    "wbr",
}  # fmt: skip
"""Elements that begin no line of their own."""
_HIDDEN = re.compile(r"(?:display:none|visibility:hidden)")
_NEVER_CLOSED = {
    "br",
    "hr",
    "img",
    "input",
    "wbr",
    "link",
    "meta",
    "col",
    "area",
    "base",
    "embed",
    "source",
    "track",
}
_ROW_ENDS = {"tr", "table", "thead", "tbody", "tfoot"}
_DEEPEST = 20
_BLANKS = re.compile(r"\s+")
_LINES = re.compile(r" ?\n[ \n]*")


def is_web_page(content: bytes) -> bool:
    """Tell whether the bytes begin as a web page does, or as a table of one."""
    head = _decoded(content[:4096]).lstrip("\ufeff \t\r\n").lower()
    return (
        head.startswith("<")
        and "urn:schemas-microsoft-com:office:spreadsheet" not in head.partition("<table")[0]
        and re.search(r"<(?:!doctype html|html|head|body|meta|table)[\s>]", head) is not None
    )


def read_web_page(content: bytes) -> list[Table]:
    """Give the tables of a page. Raises UnreadableError for one that nests them too deep, or in an unknown encoding."""
    page = _Page()
    page.feed(_decoded(content, strictly=True))
    page.close()
    return [
        Table(table.name or f"table {at}", table, is_hidden=table.is_hidden)
        for at, table in enumerate(page.tables, 1)
    ]


def _decoded(content: bytes, *, strictly: bool = False) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        named = _CHARSET.search(content[:4096])
        encoding = (
            "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") or not named else named[1].decode("ascii")
        )
    try:
        return content.decode(encoding, "strict" if strictly else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        if not strictly:
            return ""
        raise UnreadableError(
            f"its characters are not in the encoding {encoding}, which it names or should have"
        ) from error


class _PageTable:
    """One table: the texts of its cells, in rows."""

    def __init__(self, name: str, *, is_hidden: bool) -> None:
        self.name = name
        self.is_hidden = is_hidden
        self.rows: list[list[Cell]] = []
        self.below: dict[int, int] = {}
        """By column, how many of the next rows a cell above reaches into."""

    def __iter__(self) -> Iterator[Row]:
        yield from enumerate(self.rows, 1)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_PageTable] = []
        self._open: list[_PageTable] = []
        self._row: list[Cell] | None = None
        self._outer_rows: list[list[Cell] | None] = []
        self._cell: dict[str, str] | None = None
        self._text: list[str] = []
        self._beside = ""
        self._unseen: list[str] = []
        """Elements that are open within one in the cell that is not shown, and that one."""
        self._aside = 0
        self._count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in _NOT_SHOWN:
            self._aside += 1
        elif tag == "table":
            self._open_table(attributes)
        elif not self._open:
            return
        elif tag == "tr":
            self._close_row()
            self._row = []
            self._skip_reached()
        elif tag in {"td", "th"}:
            self._close_cell()
            if self._row is None:
                self._row = []
                self._skip_reached()
            self._cell = attributes
            self._text = []
            self._beside, self._unseen = "", []
        elif self._cell is not None:
            self._start_in_cell(tag, attributes)

    def _start_in_cell(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of what is not seen, or not part of a value, and of where another line begins."""
        hidden = "hidden" in attributes or _HIDDEN.search(
            "".join(attributes.get("style", "").lower().split())
        )
        if (self._unseen or hidden) and tag not in _NEVER_CLOSED:
            self._unseen.append(tag)
        elif not self._unseen and tag in _NOT_IN_A_VALUE:
            self._beside = self._beside or _NOT_IN_A_VALUE[tag]
        elif tag not in _IN_A_LINE and ":" not in tag:
            self._text.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in {"td", "th", *_NOT_SHOWN}:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _NOT_SHOWN:
            self._aside = max(0, self._aside - 1)
        elif tag in {"td", "th"}:
            self._close_cell()
        elif tag in _ROW_ENDS and self._open:
            self._close_row()
            if tag == "table":
                self._open.pop()
                self._row = self._outer_rows.pop()
        elif self._cell is not None:
            self._end_in_cell(tag)

    def _end_in_cell(self, tag: str) -> None:
        if tag in self._unseen:
            while self._unseen.pop() != tag:  # what was not closed ends with what it is in
                pass
        elif not self._unseen and tag not in _IN_A_LINE and tag not in _NOT_IN_A_VALUE and ":" not in tag:
            self._text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._aside and not self._unseen:
            self._text.append(_BLANKS.sub(" ", data))

    def close(self) -> None:
        super().close()
        if self._open:
            raise UnreadableError("it is a web page that is cut off: a table in it does not end")

    def _open_table(self, attributes: dict[str, str]) -> None:
        if self._cell is not None:
            self._close_cell()
        if len(self._open) >= _DEEPEST:
            raise UnreadableError("its tables are nested too deep")
        hidden = "display:none" in attributes.get("style", "").replace(" ", "").lower()
        table = _PageTable(attributes.get("id") or attributes.get("name", ""), is_hidden=hidden)
        self.tables.append(table)
        self._open.append(table)
        self._outer_rows.append(self._row)
        self._row = None

    def _close_row(self) -> None:
        self._close_cell()
        if self._row is not None:
            self._open[-1].rows.append(self._row)
        self._row = None

    def _skip_reached(self) -> None:
        """Leave the places empty that a cell above reaches into."""
        row, below = self._row, self._open[-1].below
        while row is not None and below.get(len(row), 0) > 0:
            below[len(row)] -= 1
            row.append(None)

    def _close_cell(self) -> None:
        if self._cell is None or self._row is None:
            self._cell = None
            return
        attributes, self._cell = self._cell, None
        width, height = (_span(attributes.get(name)) for name in ("colspan", "rowspan"))
        self._count += width
        if self._count > MOST_CELLS:
            raise UnreadableError("it is a web page with more cells than an export has")
        below = self._open[-1].below
        for place in range(width):
            below[len(self._row)] = height - 1
            self._row.append(self._value(attributes) if place == 0 else None)
        self._skip_reached()

    def _value(self, attributes: dict[str, str]) -> Cell:
        text = _LINES.sub("\n", re.sub(" +", " ", "".join(self._text))).strip(" \n")
        if self._beside:
            return NoValue(f"the cell has text that is {self._beside} ({text!r:.40})")
        is_result = "x:fmla" in attributes
        written = attributes.get("x:num", attributes.get("sdval"))  # Excel's word, and LibreOffice's
        if written is not None and "x:str" not in attributes:
            try:
                return Number(float(written or text), is_result=is_result, text=text)
            except ValueError:
                return text or None
        if is_result and not text and "x:str" not in attributes:
            return NEVER_COMPUTED
        return Result(text) if is_result and text else text or None


def _span(written: str | None) -> int:
    return min(max(int(written), 1), 1000) if written is not None and written.strip().isdecimal() else 1
