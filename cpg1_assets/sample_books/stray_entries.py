"""Entries that belong to nothing in the company's operations, and are taken back some months later.

Lives here: documents of another company posted in these books, and corrections by hand that are reversed, with
and without saying what they reverse. Does not: journals on the voucher liability (see `faults`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books.effects import Fault
from cpg1_assets.sample_books.group import (
    COMPANIES,
    CUSTOMER_AR,
    LINE_ACCOUNTS,
    LINES,
    PACKAGES,
    VOUCHERS,
    account_index,
)
from cpg1_assets.sample_books.ledger import postings
from cpg1_assets.sample_books.months import DAY, HOUR, LAST, STARTS

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company

_LARGE_EVERY = 5


def stray_entries(draws: Draws, company: Company, effects: Effects) -> Column:
    """Post a document of another company, a correction that is reversed by name, and one that is not."""
    corrected = [line for line in range(len(LINES)) if line != VOUCHERS]
    turn = company.number
    return pa.concat_tables(
        [
            _of_another_company(draws, company, effects),
            _correction(draws, company, effects, corrected[turn % len(corrected)], by_name=True),
            _correction(draws, company, effects, corrected[(turn + 2) % len(corrected)], by_name=False),
        ]
    )


def _amount(draws: Draws, company: Company, turn: int) -> int:
    large = (company.number + turn) % _LARGE_EVERY == 0
    return (draws.one(105_000, 180_000) if large else draws.one(800, 9_000)) * company.lcy_per_usd


def _of_another_company(draws: Draws, company: Company, effects: Effects) -> Column:
    """Post what is another company's in these books, and take it out under the same number."""
    others = [other for other in COMPANIES if other.in_scope and other is not company]
    country = others[draws.one(0, len(others) - 1)].country
    number = draws.one(0, 11)
    line = (CUSTOMER_AR, PACKAGES)[company.number % 2]
    document = (
        f"SI-{country}-{number:07d}" if line == CUSTOMER_AR else f"PKG-{country}-{100_001 + number:09d}"
    )
    description = "Sales invoice, B2B" if line == CUSTOMER_AR else "Package delivered"
    first = draws.one(2, 21)
    until = first + draws.one(1, 3)
    amount = _amount(draws, company, 0)
    effects.fault(Fault("entry_of_another_company", line, first, until - 1, document, amount))
    account = LINE_ACCOUNTS[line][0]
    event = f"stray {document}"
    return pa.concat_tables(
        [
            _entry(account, amount, first, document, description, event),
            _entry(account, -amount, until, document, "Posted in the wrong company", event),
        ]
    )


def _correction(draws: Draws, company: Company, effects: Effects, line: int, *, by_name: bool) -> Column:
    """Correct a balance by hand, and reverse it in a later month."""
    first = draws.one(2, 21)
    until = first + draws.one(1, 3)
    amount = _amount(draws, company, 1 + by_name) * (1 if by_name else -1)
    number = draws.one(1, 400) * 2 + by_name
    document, reversal = f"COR-{company.country}-{number:04d}", f"GJ-{company.country}-{number + 800:04d}"
    effects.fault(Fault("correction_reversed_later", line, first, until - 1, document, amount))
    if not by_name:
        for reference in (document, reversal):
            effects.fault(Fault("reversal_without_reference", line, until, LAST, reference, 0))
    account = LINE_ACCOUNTS[line][-1]
    event = f"journal {document}"
    text = f"Reversal of {document}" if by_name else "Correction"
    return pa.concat_tables(
        [
            _entry(account, amount, first, document, "Correction of the balance", event),
            _entry(account, -amount, until, reversal, text, event),
        ]
    )


def _entry(account: str, amount: int, month: int, document: str, description: str, event: str) -> Column:
    """Post one entry by hand on the 21st of a month."""
    return postings(
        account_index(account),
        np.array([amount], dtype=np.int64),
        np.array([int(STARTS[month]) + 20 * DAY + 11 * HOUR + 7_000], dtype=np.int64),
        breakable=False,
        events=pa.array([event]),
        document=document,
        description=description,
        user="JUMIA/N.WANJIRU",
        source_code="GENJNL",
    )
