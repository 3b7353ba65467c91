"""OpenDocument spreadsheets (.ods): every cell with the text it shows, which the file itself holds.

Libraries that were tried give their values without that text, so they are read from the document itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from cpg1_assets.inbox.cells import NEVER_COMPUTED, Cell, NoValue, Number, Result, day_number
from cpg1_assets.inbox.package import Attributes, Package
from cpg1_assets.inbox.table import (
    COLUMNS_OF_A_SHEET,
    MOST_CELLS,
    ROWS_OF_A_SHEET,
    Row,
    Table,
    UnreadableError,
)

KIND = "application/vnd.oasis.opendocument.spreadsheet"

_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
_BLANKS = re.compile(r"[ \t\r\n]+")
_CELLS = {"table-cell", "covered-table-cell"}
_NOT_SHOWN = {
    "annotation",
    "shapes",
    "frame",
    "custom-shape",
    "control",
    "g",
    "object",
    "ruby-text",
    "tracked-changes",
}
"""Comments and drawings: their texts are not the cell's."""


@dataclass
class _TableSoFar:
    name: str
    style: str
    rows: list[tuple[int, int, list[Cell]]] = field(default_factory=list)
    """Number of the first row, how often it is repeated, and its cells."""


def read_ods(package: Package) -> list[Table]:
    """Give the tables of a document. Raises UnreadableError for one that is damaged or has a password."""
    if _is_encrypted(package):
        raise UnreadableError("it is password-protected")
    document = _Document()
    package.parse(_CONTENT, document.start, document.end, document.text)
    return [
        Table(table.name, _Rows(table), table.style in document.hidden_styles) for table in document.tables
    ]


def _is_encrypted(package: Package) -> bool:
    found: list[str] = []

    def start(tag: str, _: Attributes) -> None:
        if tag == "encryption-data":
            found.append(tag)

    if _MANIFEST in package:
        package.parse(_MANIFEST, start)
    return bool(found)


@dataclass(frozen=True)
class _Rows:
    table: _TableSoFar

    def __iter__(self) -> Iterator[Row]:
        for first, times, cells in self.table.rows:
            for number in range(first, first + times):
                yield number, cells


class _Document:
    """The tables, out of the events of the document."""

    def __init__(self) -> None:
        self.tables: list[_TableSoFar] = []
        self.hidden_styles: set[str] = set()
        self._with_format: set[str] = set()
        self._style = ""
        self._row = self._times = 0
        self._cells: list[Cell] = []
        self._held = 0
        self._attributes: Attributes = {}
        self._paragraphs: list[str] = []
        self._in_cell = False
        self._in_paragraph = False
        self._aside = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        if self._aside or (tag in _NOT_SHOWN and self._in_cell):
            self._aside += 1
        elif self._in_cell:
            self._start_in_cell(tag, attributes)
        elif tag == "table":
            self.tables.append(_TableSoFar(attributes.get("name", ""), attributes.get("style-name", "")))
            self._row = 0
        elif tag == "table-row":
            self._row += self._times
            self._times = _count(attributes.get("number-rows-repeated"))
            self._cells = []
        elif tag in _CELLS:
            self._attributes = attributes
            self._paragraphs = []
            self._in_cell = True
        elif tag == "style":
            self._style = attributes.get("name", "")
            if "data-style-name" in attributes:
                self._with_format.add(self._style)
        elif tag == "table-properties" and attributes.get("display") == "false":
            self.hidden_styles.add(self._style)

    def _start_in_cell(self, tag: str, attributes: Attributes) -> None:
        if tag == "p":
            self._paragraphs.append("")
            self._in_paragraph = True
        elif tag in {"s", "tab", "line-break"} and self._in_paragraph:
            self._paragraphs[-1] += " " * min(_count(attributes.get("c")), 100)
        elif tag == "table":
            raise UnreadableError("it has a table within a cell")

    def end(self, tag: str) -> None:
        if self._aside:
            self._aside -= 1
        elif tag == "p":
            self._in_paragraph = False
        elif tag in _CELLS:
            self._in_cell = False
            self._add(self._cell(), _count(self._attributes.get("number-columns-repeated")))
        elif tag == "table-row":
            self._close_row()
        elif tag == "table":
            self._times = 0

    def text(self, text: str) -> None:
        if self._in_paragraph and not self._aside:
            self._paragraphs[-1] += _BLANKS.sub(" ", text)

    def _add(self, cell: Cell, times: int) -> None:
        if len(self._cells) + times > COLUMNS_OF_A_SHEET:
            if cell is not None:
                raise UnreadableError("a sheet has more columns than a spreadsheet can have")
            return
        self._cells += [cell] * times

    def _close_row(self) -> None:
        while self._cells and self._cells[-1] is None:
            self._cells.pop()
        if not self._cells:
            return
        first = self._row + 1
        self._held += len(self._cells) * self._times
        if first + self._times - 1 > ROWS_OF_A_SHEET or self._held > MOST_CELLS:
            raise UnreadableError("a sheet has more rows than a spreadsheet can have")
        self.tables[-1].rows.append((first, self._times, self._cells))

    def _cell(self) -> Cell:
        """Give the cell that ends. A formula with neither kind nor text was never computed."""
        attributes = self._attributes
        kind = attributes.get("value-type", "")
        text = "\n".join(self._paragraphs) or None
        is_result = "formula" in attributes
        if attributes.get("calcext-value-type") == "error":
            return NoValue(f"the cell is the error {text!s:.40}")
        if kind in {"date", "time"}:
            written = attributes.get(f"{kind}-value", text)
            return NoValue(f"the cell is the date or time {written!s:.40}", number=_day_number(written))
        if kind == "boolean":
            return NoValue(
                f"the cell is {attributes.get('boolean-value', text)!s:.40}".upper().replace(
                    "THE CELL IS", "the cell is"
                )
            )
        if kind in {"float", "currency", "percentage"}:
            return self._number(text, is_result=is_result)
        if is_result and not kind and text is None:
            return NEVER_COMPUTED
        text = text or attributes.get("string-value") or None
        return Result(text) if text is not None and is_result else text

    def _number(self, text: str | None, *, is_result: bool) -> Cell:
        written = self._attributes.get("value", "")
        if not written and is_result:
            return NEVER_COMPUTED
        try:
            value = float(written)
        except ValueError:
            raise UnreadableError(f"a cell has the number {written!r:.40}, which is none") from None
        style = self._attributes.get("style-name", "")
        return Number(
            value,
            f"[{style}]" if text is None and style in self._with_format else "",
            is_result=is_result,
            text=text,
            currency=self._attributes.get("currency", ""),
        )


def _day_number(written: str | None) -> float | None:
    """Give the number that a spreadsheet has for a day; None for anything else."""
    try:
        return day_number(date.fromisoformat(written or ""))
    except ValueError:
        return None


def _count(written: str | None) -> int:
    return int(written) if written is not None and written.isdecimal() and written != "0" else 1
