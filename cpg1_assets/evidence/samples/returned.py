"""A workpaper that came back: what people wrote in it, and whether all else is still what was handed out.

Its rows are held against the sample drawn anew from the sealed frame, or, where the frame is not there, against the root
of its rows by the proofs in the workpaper. Recording it in the chain is done in `taken`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from cpg1_assets.errors import Cpg1Error, EvidenceError, shown
from cpg1_assets.evidence.row_tree.rows import RowTree, values_of
from cpg1_assets.evidence.row_tree.tree import leaf_hash, root_by_proof
from cpg1_assets.evidence.samples.draw import MONETARY_UNIT, select
from cpg1_assets.evidence.samples.sample import Sample
from cpg1_assets.evidence.samples.workpaper import (
    AFTER,
    BEFORE,
    EDITABLE,
    RESULTS,
    Mark,
    hashed_in,
    header,
    lines_above,
    mark_in,
    proof_in,
)
from cpg1_assets.inbox.cells import Cell, NoValue, Number, is_blank, taken_back
from cpg1_assets.inbox.delimited import DELIMITERS, DelimitedRows, decoded
from cpg1_assets.inbox.given_cells import given_number, given_text
from cpg1_assets.inbox.sheet import read_tables
from cpg1_assets.inbox.table import Row, UnreadableError
from cpg1_assets.plain_file import read_plain

SUFFIXES = (".xlsx", ".csv")
LARGEST = 20_000_000
"""Bytes of a workpaper: the largest sample takes some ten million."""
_MOST_LINES = 40_000
_LINES_ABOVE = 2_000


class Filled(NamedTuple):
    """What a person wrote of one row: its result, what differs, a note; empty where nothing was written."""

    result: str
    exception: str
    note: str


@dataclass(frozen=True)
class ReturnedRow:
    """A row of a workpaper: its line in the file, its place in the frame, and its cells as they came back."""

    line: int
    row: int
    by: str
    cells: Sequence[Cell]
    filled: Filled
    hashed: bytes
    proof: list[bytes]


@dataclass(frozen=True)
class Returned:
    """A workpaper as it came back: its bytes, what it says it is of, the lines above its table, the rows."""

    name: str
    content: bytes
    mark: Mark
    lines: list[str]
    columns: list[str]
    rows: list[ReturnedRow]

    @property
    def results(self) -> dict[str, int]:
        """How many rows have each result; those without one are not counted."""
        counted = Counter(row.filled.result for row in self.rows)
        return {result: counted[result] for result in RESULTS}


def read_workpaper(path: Path) -> Returned:
    """Read a workpaper, .xlsx or .csv. Raises EvidenceError where it cannot be read as one that was handed out."""
    name, suffix = path.name, path.suffix.lower()
    if suffix not in SUFFIXES:
        raise EvidenceError(f"{path} is no workpaper of a sample: those are .xlsx or .csv.")
    try:
        content = read_plain(path, LARGEST)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
    try:
        read = [
            found
            for rows in _tables(name, content, suffix)
            for found in [_workpaper(name, content, rows)]
            if found
        ]
    except (Cpg1Error, UnreadableError) as error:
        raise EvidenceError(str(error) if isinstance(error, Cpg1Error) else f"{name}: {error}.") from error
    except Exception as error:
        raise EvidenceError(f"{name} cannot be read as a workpaper ({type(error).__name__}).") from error
    if len(read) != 1:
        raise EvidenceError(
            f"{name} is not the workpaper of one sample: the lines above its table that say which one are not there, or "
            "were changed. Take the workpaper anew: cpg1 evidence sample"
        )
    return read[0]


def _tables(name: str, content: bytes, suffix: str) -> Iterator[Iterable[Row]]:
    if suffix == ".csv":
        text = decoded(content)
        yield from (DelimitedRows(text, mark) for mark in DELIMITERS)
        return
    for table in read_tables(name, content):
        yield table.rows if table.values is None else table.values.rows


def _workpaper(name: str, content: bytes, rows: Iterable[Row]) -> Returned | None:
    """Read one table as a workpaper; None where it has not the lines above one. Raises EvidenceError."""
    lines: list[str] = []
    left = iter(rows)
    try:
        for count, (_, cells) in enumerate(left):
            filled = [cell for cell in cells if not is_blank(cell)]
            if filled[: len(BEFORE)] == [*BEFORE]:
                break
            if len(filled) > 1 or count > _LINES_ABOVE:
                return None
            lines += [_text(cell) for cell in filled]
        else:
            return None
    except ValueError:
        return None  # of another delimiter
    mark = mark_in(lines)
    if mark is None:
        return None
    names = [_text(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    columns = names[len(BEFORE) : -len(EDITABLE + AFTER)]
    if names != header(columns):
        raise EvidenceError(
            f"{name}: its header is not the one that was handed out. Take the workpaper anew."
        )
    found = [
        _row(name, line, cells, len(names))
        for line, cells in _bounded(name, left)
        if not all(map(is_blank, cells))
    ]
    return Returned(name, content, mark, lines, columns, found)


def _bounded(name: str, rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count > _MOST_LINES:
            raise EvidenceError(f"{name} has more lines than any sample.")
        yield row


def _row(name: str, line: int, cells: Sequence[Cell], width: int) -> ReturnedRow:
    padded = [*cells, *[None] * (width - len(cells))]
    extra = [cell for cell in padded[width:] if not is_blank(cell)]
    if extra:
        raise EvidenceError(
            f"{name}, line {line}: there is a cell right of the table, {shown(_text(extra[0]))}."
        )
    hashed, proof = map(_text, padded[width - len(AFTER) : width])
    filled = (_text(cell) for cell in padded[width - len(EDITABLE + AFTER) : width - len(AFTER)])
    result, exception, note = (" ".join(taken_back(each).split()) for each in filled)
    row = _text(padded[1])
    try:
        if not row.isascii() or not row.isdigit():
            raise ValueError(f"its row is {shown(row)}, which is no number")  # noqa: TRY301
        read = hashed_in(hashed)
        values_of(read)
        steps = proof_in(proof)
    except ValueError as error:
        raise EvidenceError(
            f"{name}, line {line}: {' or '.join(AFTER)} is not what was handed out ({error})."
        ) from None
    return ReturnedRow(
        line, int(row), _text(padded[2]), padded[len(BEFORE) : width - len(EDITABLE + AFTER)],
        Filled(result.casefold(), exception, note), read, steps,
    )  # fmt: skip


def changed(returned: Returned, sample: Sample) -> Iterator[str]:
    """Say what in a workpaper is not what the sample is: a line, a row added, removed or changed, a cell."""
    name = returned.name
    for at, (now, then) in enumerate(zip(returned.lines, lines_above(sample), strict=False), 1):
        if now != then:
            yield f"{name}, line {at}: it says {shown(now)}, and was handed out as {shown(then)}."
    if len(returned.lines) != len(lines_above(sample)):
        yield f"{name}: the lines above its table are not all of those that were handed out."
    if returned.columns != [*sample.columns]:
        yield f"{name}: its columns are not those of {sample.asset}."
        return
    drawn = {row.drawn.row: row for row in sample.rows}
    yield from _other_rows(returned, drawn.keys())
    for row in returned.rows:
        then_row = drawn.get(row.row)
        if then_row is None:
            continue
        if (row.hashed, row.by, row.proof) != (then_row.hashed, then_row.drawn.by, [*then_row.proof]):
            yield f"{name}, line {row.line}: {' or '.join(AFTER)} or what row {row.row} was drawn by was changed."
        yield from _other_cells(returned, row)


def unproven(returned: Returned, tree: RowTree) -> Iterator[str]:
    """Say what in a workpaper is not a row of the frame whose rows have this number and root.

    Where the draw needs neither amounts nor companies, the rows are also held against it.
    """
    name, mark = returned.name, returned.mark
    if mark.tree != tree:
        yield f"{name}: it says the rows have the root {mark.tree}; given is {tree}."
    numbers = Counter(row.row for row in returned.rows)
    if mark.terms.method == MONETARY_UNIT or mark.terms.company is not None:
        for number in [number for number, count in numbers.items() if count > 1]:
            yield f"{name}: row {number} is there {numbers[number]} times."
    else:
        drawn = {
            each.row: each for each in select(mark.terms, mark.frame_sha256, range(1, tree.rows + 1)).rows
        }
        yield from _other_rows(returned, drawn.keys())
        for row in returned.rows:
            if row.row in drawn and row.by != drawn[row.row].by:
                yield f"{name}, line {row.line}: what row {row.row} was drawn by was changed."
    for row in returned.rows:
        root = root_by_proof(leaf_hash(row.hashed), row.row - 1, tree.rows, row.proof)
        if root is None or root.hex() != tree.root:
            yield f"{name}, line {row.line}: row {row.row} is not in the sealed frame: its proof leads to another root."
        yield from _other_cells(returned, row)


def unfinished(returned: Returned) -> Iterator[str]:
    """Say what is still to be filled in of a workpaper, or is no result."""
    for row in returned.rows:
        place, (result, exception, note) = f"{returned.name}, line {row.line}, row {row.row}", row.filled
        if not result:
            yield f"{place}: it has no result. Write one of: {', '.join(RESULTS)}."
        elif result not in RESULTS:
            yield f"{place}: {shown(result)} is no result. Write one of: {', '.join(RESULTS)}."
        elif (result == "exception") != bool(exception):
            yield f"{place}: a row has the result exception where it says what differs under Exception, and only there."
        elif result == "not tested" and not note:
            yield f"{place}: it was not tested, and no note says why."


def _other_rows(returned: Returned, drawn: Iterable[int]) -> Iterator[str]:
    expected = {*drawn}
    numbers = Counter(row.row for row in returned.rows)
    for number in sorted(expected - numbers.keys()):
        yield f"{returned.name}: row {number} was drawn, and is not there any more."
    for row in returned.rows:
        if row.row not in expected:
            yield f"{returned.name}, line {row.line}: row {row.row} was not drawn."
    for number in sorted(number for number, count in numbers.items() if count > 1):
        yield f"{returned.name}: row {number} is there {numbers[number]} times."


def _other_cells(returned: Returned, row: ReturnedRow) -> Iterator[str]:
    """Say which cells of a row do not hold what the row as it is hashed holds."""
    values = values_of(row.hashed)
    if len(values) != len(returned.columns):
        yield f"{returned.name}, line {row.line}: {AFTER[0]} has not the columns of the table."
        return
    for column, cell, value in zip(returned.columns, row.cells, values, strict=True):
        if not _holds(cell, value):
            yield (
                f"{returned.name}, line {row.line}: {column} of row {row.row} is {shown(_text(cell))}, and was handed "
                f"out as {shown(value or '')}."
            )


def _holds(cell: Cell, value: str | None) -> bool:
    """Whether a cell holds a value: a number the number, a text the text, nothing where there is none."""
    if value is None or not value.strip():
        return is_blank(cell)
    number = _number(value)
    if isinstance(cell, Number):
        cell = cell.value
    if isinstance(cell, int | float):
        return number is not None and given_number(number) == cell
    if not isinstance(cell, str):
        return False
    if number is not None and (now := _number(cell)) is not None:
        return now == number
    written = cell.replace("\r\n", "\n").replace("\r", "\n")
    return given_text(value) in {written, taken_back(written)}


def _number(text: str) -> Decimal | None:
    """Read a number as frames and spreadsheets write it; None for every other text, such as one with zeros before it."""
    digits = text.removeprefix("-")
    whole, point, rest = digits.partition(".")
    plain = whole.isascii() and whole.isdigit() and (whole == "0" or not whole.startswith("0"))
    return Decimal(text) if plain and (rest.isascii() and rest.isdigit() if point else True) else None


def _text(cell: Cell) -> str:
    """Give a cell as text, and what is none as what it is."""
    if cell is None:
        return ""
    if isinstance(cell, NoValue):
        return cell.what
    value = cell.value if isinstance(cell, Number) else cell
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, str) else str(value)
