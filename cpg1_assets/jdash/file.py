"""One JDash file: the amount used of each voucher, exactly, or a refusal that says where (spec: jdash).

Which file belongs to which company and month is not known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.errors import DataError
from cpg1_assets.inbox.cells import Cell, Number, is_blank
from cpg1_assets.inbox.currency import codes_of, mark_of_text
from cpg1_assets.inbox.sheet import require_width
from cpg1_assets.inbox.table import AGAIN, Row
from cpg1_assets.jdash.cells import (
    AMOUNT_LIMIT,
    CellError,
    is_total_label,
    names_a_total,
    read_amount,
    read_voucher_id,
)
from cpg1_assets.jdash.plain import AMOUNT, plain_rows
from cpg1_assets.jdash.sheet import Sheet, read_sheet

_ROWS_OF_A_SUM = 2
_BLOCK = 2**14


class VoucherAmounts(Sequence[tuple[str, Decimal]]):  # noqa: PLW1641 - compared by content, as lists are
    """The amount used by voucher id, in code point order: pairs to whoever reads them, columns in memory."""

    def __init__(self, table: pa.Table) -> None:
        """Take a table of `voucher_id` and `amount_used`, one row a voucher."""
        self.table = table

    def __len__(self) -> int:
        """Give the number of vouchers."""
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, place: int) -> tuple[str, Decimal]: ...
    @overload
    def __getitem__(self, place: slice) -> "VoucherAmounts": ...
    def __getitem__(self, place: int | slice) -> "tuple[str, Decimal] | VoucherAmounts":
        """Give a voucher with its amount, or several."""
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return VoucherAmounts(self.table.take(list(range(start, stop, step))))
        voucher, amount = (column[place].as_py() for column in self.table.itercolumns())
        return voucher, amount

    def __iter__(self) -> Iterator[tuple[str, Decimal]]:
        """Give each voucher with its amount."""
        for batch in self.table.to_batches(_BLOCK):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def __eq__(self, other: object) -> bool:
        """Tell whether the same vouchers have the same amounts."""
        return list(self) == list(other) if isinstance(other, VoucherAmounts | list) else NotImplemented


def read_jdash_file(path: Path, currency: str | None = None) -> VoucherAmounts:
    """Read the file at `path` as `parse_jdash` does. Raises DataError, also when it cannot be opened."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be opened ({error.strerror}). Make it readable {AGAIN}"
        ) from error
    return parse_jdash(path.name, content, currency)


def parse_jdash(file: str, content: bytes, currency: str | None = None) -> VoucherAmounts:
    """Give the amount used by voucher id, in code point order, of a JDash file with these bytes.

    Rows of one voucher are summed; ids are kept as written, so ids that differ in case are rows of their own
    here (the rules compare them as one). A total line at the end must equal the sum. `currency` is the ISO code
    of the company's own; where it is not known, any one currency is taken for it.

    Raises DataError naming file, row and column when anything is ambiguous, or when there is no voucher row.
    """
    # No name is given to the sheet or to its rows: each is gone before the next step takes memory of its own.
    summed = _by_voucher(_Rows(read_sheet(file, content), currency).read())
    if not summed.num_rows:
        raise DataError(f"{file}: it has no voucher rows. Export it again {AGAIN}")
    too_large = summed.filter(pc.greater_equal(pc.abs(summed["amount_used"]), Decimal(AMOUNT_LIMIT)))
    for row in too_large.slice(0, 1).to_pylist():
        raise DataError(
            f"{file}: voucher {row['voucher_id']} sums up to {row['amount_used']}, more than 20 digits. Correct it {AGAIN}"
        )
    return VoucherAmounts(summed.set_column(1, "amount_used", summed["amount_used"].cast(AMOUNT)))


class _Rows:
    """The rows of a sheet as they are read: plain ones by columns, the others one at a time by the exact rules."""

    def __init__(self, sheet: Sheet, currency: str | None) -> None:
        self._sheet = sheet
        self._own = currency
        self._possible = frozenset([currency]) if currency else None
        self._seen: tuple[str, int] | None = None
        self._parts: list[pa.Table] = []
        self._errors: list[str] = []
        self._zeros: list[int] = []
        """Numbers of the voucher rows whose amount is a formula with the result 0."""
        self._results = 0
        self._has_total = False

    def read(self) -> pa.Table:
        """Give voucher and amount of each row. Every row is read, so that the error can say how many more there are."""
        last: Row | None = None
        for block, is_last in _blocks(self._sheet.rows):
            last = block[-1] if is_last else None
            plain, others = plain_rows(self._sheet, block)
            if plain is not None:
                self._parts.append(plain)
            self._read_each([block[place] for place in others], block[-1][0] if is_last else 0)
        if last is not None and not self._errors:
            self._refuse_a_sum(*last)
        if self._errors:
            more = f" (Rows refused in this file: {len(self._errors)}.)" if len(self._errors) > 1 else ""
            raise DataError(self._errors[0] + more)
        if self._zeros and len(self._zeros) == self._count():
            raise DataError(
                f"{self._sheet.file}, row {self._zeros[0]} and all others, column "
                f'"{self._sheet.header[self._sheet.amount]}": every amount is a formula '
                "with the result 0, so the formulas were never computed. Open the file in a spreadsheet, recalculate "
                f"it, look at the amounts and save it, or write values instead of formulas, {AGAIN}"
            )
        empty = pa.table(
            [pa.array([], pa.string()), pa.array([], AMOUNT)], names=["voucher_id", "amount_used"]
        )
        return pa.concat_tables([empty, *self._parts])

    def _refuse_a_sum(self, number: int, cells: Sequence[Cell]) -> None:
        """Refuse a last row that adds up those above and has something in the voucher column: a count, a note.

        The amount alone does not tell: one voucher may have used as much as all others. So something else has to
        say it too: a label anywhere in the row, the number of rows as its voucher, or that it alone is a formula.
        """
        if self._has_total:
            return
        sheet, count = self._sheet, self._count() - 1
        cell = cells[sheet.amount]
        amount = read_amount(cell)[0]
        if count < _ROWS_OF_A_SUM or not amount or self._sum() != 2 * amount:
            return
        counts = read_voucher_id(cells[sheet.voucher]).lstrip("0") == str(count)
        alone = isinstance(cell, Number) and cell.is_result and self._results == 1
        if counts or alone or any(map(is_total_label, cells)):
            self._errors.append(
                f'{sheet.file}, row {number}, column "{sheet.header[sheet.voucher]}": the last row adds up those above, '
                f"{amount}, and has a voucher id, so it may be a total line or a voucher. Delete the row, or write Total "
                f"in place of the id, {AGAIN}"
            )

    def _sum(self) -> Decimal:
        return sum((pc.sum(part["amount_used"]).as_py() or Decimal(0) for part in self._parts), Decimal(0))

    def _count(self) -> int:
        return sum(part.num_rows for part in self._parts)

    def _read_each(self, rows: Sequence[Row], last: int) -> None:
        vouchers: list[str] = []
        amounts: list[Decimal] = []
        total: tuple[int, Sequence[Cell], Decimal] | None = None
        for number, cells in rows:
            try:
                voucher, amount, mark = _read_row(self._sheet, number, cells, is_last=number == last)
                for written in filter(None, (mark, self._mark_in_column(cells))):
                    self._check_currency(number, written)
                if voucher is None:
                    total = (number, cells, amount)
                    self._has_total = True
                    continue
                vouchers.append(voucher)
                amounts.append(amount)
                cell = cells[self._sheet.amount]
                if isinstance(cell, Number) and cell.is_result:
                    self._results += 1
                    if not cell.value:
                        self._zeros.append(number)
            except DataError as error:
                self._errors.append(str(error))
        self._parts.append(
            pa.table(
                [pa.array(vouchers, pa.string()), pa.array(amounts, AMOUNT)],
                names=["voucher_id", "amount_used"],
            )
        )
        if total is not None and not self._errors:
            self._check_total(*total)

    def _check_total(self, number: int, cells: Sequence[Cell], total: Decimal) -> None:
        """Compare the total line with the sum of the rows; without a label it must be a sum of several rows."""
        above = self._sum()
        if total == above and (self._count() >= _ROWS_OF_A_SUM or _is_labelled(cells)):
            return
        where = f'{self._sheet.file}, row {number}, column "{self._sheet.header[self._sheet.amount]}"'
        cell = cells[self._sheet.amount]
        if isinstance(cell, Number) and cell.is_result and not total:
            what = (
                f"the total is a formula with the result 0, and the rows sum up to {above}: it was never computed. "
                "Open the file in a spreadsheet, recalculate and save it, or delete the total,"
            )
        elif not _is_labelled(cells):
            what = (
                f"{total} has no voucher id, and is not the total of several rows above it, {above}. "
                "Write the voucher id, or Total,"
            )
        else:
            what = f"the total line says {total}, the rows sum up to {above}. Export it again"
        self._errors.append(f"{where}: {what} {AGAIN}")

    def _mark_in_column(self, cells: Sequence[Cell]) -> str:
        place = self._sheet.currency
        cell = None if place is None or place >= len(cells) else cells[place]
        return mark_of_text(cell) if isinstance(cell, str) else ""

    def _check_currency(self, number: int, mark: str) -> None:
        """Refuse the first amount that is not in the company's currency: amounts of two currencies have no sum."""
        codes = codes_of(mark)
        possible = codes if self._possible is None else self._possible & codes
        if not possible:
            sheet = self._sheet
            if self._own is not None:
                other = f"the company keeps its books in {self._own}"
            else:
                seen, row = self._seen or (mark, number)
                other = f"the one in row {row} in {seen}"
            raise DataError(
                f'{sheet.file}, row {number}, column "{sheet.header[sheet.amount]}": the amount is in '
                f"{mark}, {other}. Export all amounts in local currency {AGAIN}"
            )
        self._possible = possible
        self._seen = self._seen or (mark, number)


def _by_voucher(rows: pa.Table) -> pa.Table:
    """Give the sum of each voucher's rows, in code point order. Most have one row, so only the others are grouped."""
    ids, amounts = rows.columns
    # Here and below, what is taken over in another form is let go before the next form of it is made.
    del rows
    ids = ids.combine_chunks()
    order = pc.sort_indices(ids)
    ids = ids.take(order)
    amounts = amounts.combine_chunks()
    rows = pa.table([ids, amounts.take(order)], names=["voucher_id", "amount_used"])
    del amounts, order
    same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False) if len(ids) else np.array([], np.bool_)
    if not same.any():
        return rows
    several = pa.array(np.append(same, False) | np.append(False, same))
    summed = rows.filter(several).group_by("voucher_id").aggregate([("amount_used", "sum")])
    summed = summed.rename_columns(["voucher_id", "amount_used"])
    single = rows.filter(pc.invert(several)).cast(summed.schema)
    return pa.concat_tables([single, summed]).sort_by("voucher_id")


def _blocks(rows: Iterable[Row]) -> Iterator[tuple[list[Row], bool]]:
    """Give the rows with something in them, many at a time, and whether they are the last."""
    filled = iter(rows)
    block = _filled(filled)
    while block:
        following = _filled(filled)
        yield block, not following
        block = following


def _filled(rows: Iterator[Row]) -> list[Row]:
    """Take the next rows with something in them; none when there are no more."""
    while taken := list(islice(rows, _BLOCK)):
        # What most rows begin with is looked at first, and without a call.
        if found := [
            row
            for row in taken
            if (cells := row[1])
            and (
                type(first := cells[0]) is float
                or (type(first) is str and first.isdecimal())
                or not _is_empty(cells)
            )
        ]:
            return found
    return []


def _is_empty(cells: Sequence[Cell]) -> bool:
    return is_blank(cells[0]) and all(map(is_blank, cells))


def _read_row(
    sheet: Sheet, number: int, cells: Sequence[Cell], *, is_last: bool
) -> tuple[str | None, Decimal, str]:
    """Read voucher id, amount and mark of currency of a row; the total line has no voucher id."""
    if len(cells) != len(sheet.header) or sheet.unnamed:
        require_width(
            sheet.file, sheet.header, sheet.unnamed, number, cells,
            "Put amounts with the delimiter in them in quotes, or leave only the two columns,",
        )  # fmt: skip
    column = sheet.voucher
    try:
        closes = _closes(sheet, cells, is_last=is_last)
        voucher = None if closes else read_voucher_id(cells[column])
        column = sheet.amount
        amount, mark = read_amount(cells[column])
    except CellError as error:
        raise DataError(
            f'{sheet.file}, row {number}, column "{sheet.header[column]}": {error} {AGAIN}'
        ) from None
    return voucher, amount, mark


def _closes(sheet: Sheet, cells: Sequence[Cell], *, is_last: bool) -> bool:
    """Tell whether a row is the total line: labelled, or the last one with an amount and no voucher."""
    voucher = cells[sheet.voucher]
    if not is_blank(voucher):
        if any(map(is_total_label, cells[: sheet.voucher])):
            raise CellError(
                f"{voucher!r:.60} is in a row that says it is a total. Leave only the two columns"
            )
        if not is_total_label(voucher):
            if names_a_total(voucher):
                raise CellError(
                    f"{voucher!r:.60} may be a total line or a voucher id. Write Total, or the id alone"
                )
            return False
    elif not _is_labelled(cells):
        if is_blank(cells[sheet.amount]):
            raise CellError("the row has neither voucher nor amount. Delete it")
        if not is_last:
            raise CellError("the voucher id is empty. Write it")
    if not is_last:
        raise CellError("it is a total line, and rows follow it. Leave a total only at the end")
    return True


def _is_labelled(cells: Sequence[Cell]) -> bool:
    texts = (cell for cell in cells if isinstance(cell, str) and not is_blank(cell))
    first = next(texts, None)
    return is_total_label(first) or names_a_total(first)
