"""One JDash file: the amount used of each voucher, exactly, or a refusal that says where (spec: jdash).

Which file belongs to which company and month is not known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext
from pathlib import Path

from cpg1_assets.errors import DataError
from cpg1_assets.jdash.cells import (
    AMOUNT_LIMIT,
    Cell,
    CellError,
    is_blank,
    is_total_label,
    read_amount,
    read_voucher_id,
)
from cpg1_assets.jdash.sheet import AGAIN, Row, Sheet, read_sheet

VoucherAmounts = list[tuple[str, Decimal]]

_EXACT_DIGITS = 60
_ROWS_OF_A_SUM = 2


def read_jdash_file(path: Path) -> VoucherAmounts:
    """Read the file at `path` as `parse_jdash` does. Raises DataError, also when it cannot be opened."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be opened ({error.strerror}). Make it readable {AGAIN}"
        ) from error
    return parse_jdash(path.name, content)


def parse_jdash(file: str, content: bytes) -> VoucherAmounts:
    """Give the amount used by voucher id, in code point order, of a .csv or .xlsx file with these bytes.

    Rows of one voucher are summed; ids are kept as written, so ids that differ in case are rows of their own
    here (the rules compare them as one). A total line at the end must equal the sum.

    Raises DataError naming file, row and column when anything is ambiguous, or when there is no voucher row.
    """
    with localcontext(prec=_EXACT_DIGITS):
        sums = _sum_by_voucher(read_sheet(file, content))
    if not sums:
        raise DataError(f"{file}: it has no voucher rows. Export it again {AGAIN}")
    for voucher, amount in sums.items():
        if amount.copy_abs() >= AMOUNT_LIMIT:
            raise DataError(
                f"{file}: voucher {voucher} sums up to {amount}, more than 20 digits. Correct it {AGAIN}"
            )
    return sorted(sums.items())


def _sum_by_voucher(sheet: Sheet) -> dict[str, Decimal]:
    """Sum the rows. Every row is read, so that the error can say how many more there are."""
    sums: dict[str, Decimal] = {}
    errors: list[str] = []
    currencies: dict[str, int] = {}
    count = 0
    for number, cells, is_last in _filled(sheet.rows):
        try:
            voucher, amount, currency = _read_row(sheet, number, cells, is_last=is_last)
            if currency:
                _check_currency(sheet, number, currency, currencies)
            if voucher is not None:
                sums[voucher] = sums.get(voucher, Decimal(0)) + amount
                count += 1
            elif not errors:
                above = sum(sums.values(), Decimal(0))
                _check_total(sheet, number, cells, amount, above=above, count=count)
        except DataError as error:
            errors.append(str(error))
    if errors:
        more = f" (Rows refused in this file: {len(errors)}.)" if len(errors) > 1 else ""
        raise DataError(errors[0] + more)
    return sums


def _filled(rows: Iterable[Row]) -> Iterator[tuple[int, Sequence[Cell], bool]]:
    """Give the rows with something in them, and whether each is the last one."""
    held: Row | None = None
    for row in rows:
        cells = row[1]
        if not cells or (is_blank(cells[0]) and all(map(is_blank, cells))):
            continue
        if held is not None:
            yield *held, False
        held = row
    if held is not None:
        yield *held, True


def _read_row(
    sheet: Sheet, number: int, cells: Sequence[Cell], *, is_last: bool
) -> tuple[str | None, Decimal, str]:
    """Read voucher id, amount and currency of a row; the total line has no voucher id."""
    if len(cells) != len(sheet.header) or sheet.unnamed:
        _check_width(sheet, number, cells)
    column = sheet.voucher
    try:
        closes = _closes(sheet, cells, is_last=is_last)
        voucher = None if closes else read_voucher_id(cells[column])
        column = sheet.amount
        amount, currency = read_amount(cells[column])
    except CellError as error:
        raise DataError(
            f'{sheet.file}, row {number}, column "{sheet.header[column]}": {error} {AGAIN}'
        ) from None
    return voucher, amount, currency


def _check_width(sheet: Sheet, number: int, cells: Sequence[Cell]) -> None:
    """Refuse a row whose cells may stand under the wrong header."""
    width = len(sheet.header)
    extra = [cell for cell in cells[width:] if not is_blank(cell)]
    shifted = [cells[place] for place in sheet.unnamed if place < len(cells) and not is_blank(cells[place])]
    if len(cells) < width or extra or shifted:
        what = (
            f"{len(cells)} cells"
            if len(cells) < width or extra
            else f"a cell under no header ({shifted[0]!r:.60})"
        )
        raise DataError(
            f"{sheet.file}, row {number}: the row has {what}, the header names {width} columns. "
            f"Put amounts with the delimiter in them in quotes, or leave only the two columns, {AGAIN}"
        )


def _closes(sheet: Sheet, cells: Sequence[Cell], *, is_last: bool) -> bool:
    """Tell whether a row is the total line: labelled, or the last one with an amount and no voucher."""
    voucher = cells[sheet.voucher]
    if not is_blank(voucher):
        if any(map(is_total_label, cells[: sheet.voucher])):
            raise CellError(
                f"{voucher!r:.60} is in a row that says it is a total. Leave only the two columns"
            )
        if not is_total_label(voucher):
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
    return is_total_label(next(texts, None))


def _check_total(
    sheet: Sheet, number: int, cells: Sequence[Cell], total: Decimal, *, above: Decimal, count: int
) -> None:
    """Compare the total line with the sum of the rows; without a label it must be a sum of several rows."""
    if total == above and (count >= _ROWS_OF_A_SUM or _is_labelled(cells)):
        return
    where = f'{sheet.file}, row {number}, column "{sheet.header[sheet.amount]}"'
    if not _is_labelled(cells):
        raise DataError(
            f"{where}: {total} has no voucher id, and is not the total of several rows above it, {above}. "
            f"Write the voucher id, or Total, {AGAIN}"
        )
    raise DataError(
        f"{where}: the total line says {total}, the rows sum up to {above}. Export it again {AGAIN}"
    )


def _check_currency(sheet: Sheet, number: int, currency: str, seen: dict[str, int]) -> None:
    """Refuse the first amount in another currency: amounts of two currencies have no sum."""
    seen.setdefault(currency, number)
    other, row = next(iter(seen.items()))
    if other != currency:
        raise DataError(
            f'{sheet.file}, row {number}, column "{sheet.header[sheet.amount]}": the amount is in '
            f"{currency}, the one in row {row} in {other}. Export all amounts in local currency {AGAIN}"
        )
