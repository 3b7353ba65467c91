"""The sheet of a JDash file: the columns that count in it, and where they stand (spec: jdash).

How a table is found in a file of any kind is in `inbox.sheet`; what the cells mean is known in `cells`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cpg1_assets.inbox.cells import Cell
from cpg1_assets.inbox.number_format import is_harmless, is_only_a_number
from cpg1_assets.inbox.sheet import Wanted
from cpg1_assets.inbox.sheet import read_sheet as find_sheet
from cpg1_assets.inbox.table import Row
from cpg1_assets.jdash.cells import CellError, read_amount, read_voucher_id

VOUCHER_HEADERS = ("Voucher Id", "Voucher_Id", "voucher_id", "VoucherId", "id", "voucher")
AMOUNT_HEADERS = ("Amount Used", "Amount_Used", "amount_used", "AmountUsed", "amount", "Ordered Amount")
CURRENCY_HEADERS = (
    "Currency", "Currency Code", "currency_code", "CurrencyCode", "Curr", "CCY", "Devise", "Monnaie", "Moeda", "العملة",
)  # fmt: skip
_WANTED = (
    Wanted("voucher", VOUCHER_HEADERS, says_nothing=is_harmless),
    Wanted("amount", AMOUNT_HEADERS, says_nothing=is_only_a_number),
    Wanted("currency", CURRENCY_HEADERS, is_needed=False),
)


@dataclass(frozen=True)
class Sheet:
    """The rows below the header of one table, and the places of the voucher and of the amount in them."""

    file: str
    header: tuple[str, ...]
    voucher: int
    amount: int
    currency: int | None
    """The place of a column that names the currency of each row, where there is one."""
    unnamed: tuple[int, ...]
    """Places right of a column that counts with no name above them: a cell there was shifted."""
    rows: Iterable[Row]


def read_sheet(file: str, content: bytes) -> Sheet:
    """Find the table in the bytes of `file`. Raises DataError when none is certain; going through its rows may, too."""
    found = find_sheet(file, content, _WANTED, _is_of_the_table)
    voucher, amount, currency = found.places
    assert voucher is not None and amount is not None  # noqa: S101, PT018 - a sheet without them is not found
    return Sheet(file, found.header, voucher, amount, currency, found.unnamed, found.rows)


def _is_of_the_table(places: Sequence[int | None], cells: Sequence[Cell]) -> bool:
    """Tell whether a row has a voucher and an amount where the table has them."""
    try:
        voucher, amount = (cells[place or 0] for place in places[:2])
        read_voucher_id(voucher)
        read_amount(amount)
    except (CellError, IndexError):
        return False
    return True
