"""Rows in aligned columns, for a terminal of any width. Nothing here knows what they are about, or prints."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unicodedata import bidirectional

from rich.cells import cell_len
from rich.text import Text

from cpg1_assets.cli.terminal import LEFT_TO_RIGHT, Screen, writable
from cpg1_assets.errors import printable

LONGEST_NAME = 40
"""Columns that a name takes at most in a table; a figure takes what it needs."""
_GAP = "  "
_MORE = "..."


class Column(NamedTuple):
    """A column: figures stand at its right, and are never cut."""

    head: str
    is_figure: bool = False


class Row(NamedTuple):
    """A row: a cell a column, and sentences that stand below it."""

    cells: Sequence[str]
    below: Sequence[str] = ()
    style: str = ""


def laid_out(
    columns: Sequence[Column],
    rows: Sequence[Row | Text],
    screen: Screen,
    *,
    indent: int = 0,
    heads: bool = True,
) -> Iterator[Text]:
    """Give the lines of a table. A Text among the rows is a heading over those below it.

    Where the columns do not fit beside each other, each row is a block: the names it begins with, then a line for each
    of the others. So no figure is ever cut; a line that only a long figure or word makes too wide is as wide as that.
    """
    shown = [
        row if isinstance(row, Text) else row._replace(cells=_cells(columns, row, screen)) for row in rows
    ]
    cells = [row.cells for row in shown if isinstance(row, Row)]
    widths = [max((cell_len(row[at]) for row in cells), default=0) for at in range(len(columns))]
    # Where whole headings are too wide, their words stand above each other.
    for words_of in (lambda head: [head], str.split):
        headed = [
            max([width, *map(cell_len, words_of(column.head))] if heads else [width])
            for column, width in zip(columns, widths, strict=True)
        ]
        fits = indent + sum(headed) + len(_GAP) * (len(columns) - 1) <= screen.width
        if fits:
            break
    widths = headed
    if heads and fits:
        yield from (Text(line, style="bold") for line in _heads(columns, widths, indent))
    for row in shown:
        if isinstance(row, Text):
            yield row
            continue
        lines = (
            [_aligned(columns, row.cells, widths, indent)]
            if fits
            else _block(columns, row.cells, screen, indent)
        )
        yield from (Text(line, style=row.style) for line in lines)
        for sentence in row.below:
            yield from map(Text, wrapped(sentence, screen, indent + 2))


def wrapped(sentence: str, screen: Screen, indent: int = 0) -> Iterator[str]:
    """Break a sentence at blanks into lines that fit; a word that is longer than a line stays whole."""
    line = ""
    for word in writable(printable(sentence), screen.encoding).split(" "):
        if line and indent + cell_len(line) + 1 + cell_len(word) > screen.width:
            yield " " * indent + line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield " " * indent + line


def shortened(name: str, longest: int) -> str:
    """Give a name that takes at most `longest` columns: its beginning, if it is longer."""
    if cell_len(name[: longest + 1]) <= longest and len(name) <= longest:
        return name
    kept, width = "", 0
    for letter in name:
        width += cell_len(letter)
        if width > longest - len(_MORE):
            break
        kept += letter
    return kept + _MORE


def _cells(columns: Sequence[Column], row: Row, screen: Screen) -> list[str]:
    return [
        writable(cell, screen.encoding) if column.is_figure else _name(cell, screen)
        for column, cell in zip(columns, row.cells, strict=True)
    ]


def _name(text: str, screen: Screen) -> str:
    """Give a name as a cell shows it: one line, of letters only, not at any length."""
    name = shortened(writable(printable(text[: LONGEST_NAME + 1]), screen.encoding), LONGEST_NAME)
    is_from_the_right = any(bidirectional(letter) in ("R", "AL") for letter in name)
    return name + LEFT_TO_RIGHT if is_from_the_right else name


def _heads(columns: Sequence[Column], widths: Sequence[int], indent: int) -> Iterator[str]:
    """Give the heading, whose words stand above each other where the column is not wide enough for them."""
    heads = [list(wrapped(column.head, Screen(width))) for column, width in zip(columns, widths, strict=True)]
    height = max(map(len, heads))
    for at in range(height):
        yield _aligned(
            columns, [head[at - height] if height - at <= len(head) else "" for head in heads], widths, indent
        )


def _aligned(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int], indent: int) -> str:
    padded = [
        " " * (width - cell_len(cell)) + cell if column.is_figure else cell + " " * (width - cell_len(cell))
        for column, cell, width in zip(columns, cells, widths, strict=True)
    ]
    return (" " * indent + _GAP.join(padded)).rstrip()


def _block(columns: Sequence[Column], cells: Sequence[str], screen: Screen, indent: int) -> Iterator[str]:
    """Give a row as lines: the names it begins with, then what follows, each with its head."""
    first = next((at for at, column in enumerate(columns) if column.is_figure), len(columns))
    yield from wrapped(" ".join(filter(None, cells[:first])), screen, indent)
    said = [each for each in zip(columns[first:], cells[first:], strict=True) if each[1]]
    heads = max((len(column.head) for column, _ in said), default=0)
    widest = max((cell_len(cell) for column, cell in said if column.is_figure), default=0)
    for column, cell in said:
        before = widest - cell_len(cell) if column.is_figure else 0
        yield f"{' ' * indent}  {column.head:<{heads}}  {' ' * before}{cell}"
