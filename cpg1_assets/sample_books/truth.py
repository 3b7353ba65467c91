"""The truth: what a perfect control would find, read off the ledger of effects.

Lives here: adding up effects by month, and the thresholds that turn figures into a status. Does not: any
source table, extract or query; nothing here knows how the control computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import UNIT, money
from cpg1_assets.sample_books.effects import AMOUNT
from cpg1_assets.sample_books.fx import RATE_SCALE
from cpg1_assets.sample_books.group import IN_SCOPE, LINE_ACCOUNTS, LINES, account_index
from cpg1_assets.sample_books.months import AFTER, LAST, MONTHS
from cpg1_assets.sample_books.tables import write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.fx import Rates
    from cpg1_assets.sample_books.group import Company

THRESHOLD_USD = 1_000
"""Variances below it are of no account; it is the same for every line and country."""

_LINE_COLUMNS = (
    "month",
    "id_company",
    "line",
    "actual",
    "target_value",
    "variance",
    "bridges",
    "unexplained",
    "status",
)
_ROLL_COLUMNS = (
    "month",
    "id_company",
    "group_coa_account_no",
    "opening",
    "movement",
    "closing",
    "difference",
)

_YEAR = 12
_RATE_ONE: int = 10**RATE_SCALE


def usd(units: int, rate: int) -> int:
    """Divide local units by a rate (of ten decimals): ten-thousandths of a dollar, rounded half to even."""
    whole, rest = divmod(abs(units) * _RATE_ONE, rate)
    if rest * 2 > rate or (rest * 2 == rate and whole % 2 == 1):
        whole += 1
    return whole if units >= 0 else -whole


def status_of(variance: int, unexplained: int, rate: int | None, missing: str | None) -> str:
    """Judge a line as the control's readers do."""
    if rate is None or missing is not None:
        return "NOT_COMPUTED"
    limit = THRESHOLD_USD * UNIT
    if abs(usd(variance, rate)) < limit:
        return "RECONCILED"
    return "EXPLAINED" if abs(usd(unexplained, rate)) < limit else "VARIANCE_DETECTED"


def write_truth(
    root: Path, books: list[tuple[Company, Effects]], outside: list[tuple[Company, Effects]], rates: Rates
) -> None:
    """Write `lines` and `roll_forward` for the companies in scope, and the `causes` of all.

    Of the companies outside the scope only that they are outside is written down.
    """
    lines: list[tuple[str | int, ...]] = []
    rolls: list[tuple[str | int, ...]] = []
    for company, effects in books:
        held = np.cumsum(effects.held, axis=1)[:, :AFTER]
        closing = np.cumsum(effects.booked, axis=1)[:, :AFTER] - effects.late[:, :AFTER]
        for month in range(1, LAST + 1):
            rate = rates.of(company, month)
            for line, name in enumerate(LINES):
                accounts = [account_index(account) for account in LINE_ACCOUNTS[line]]
                actual = int(closing[accounts, month].sum())
                target = int(held[line, month])
                bridges = int(effects.bridged[line, month])
                variance = actual - target
                missing = effects.uncomputed.get((line, month))
                status = status_of(variance, variance - bridges, rate, missing)
                figures = (actual, target, variance, bridges, variance - bridges)
                lines.append((MONTHS[month - 1], company.code, name, *figures, status))
            opened = (month - 1) // _YEAR * _YEAR
            for account in IN_SCOPE:
                index = account_index(account)
                opening = int(closing[index, opened])
                movement = int(effects.booked[index, opened + 1 : month + 1].sum())
                closed = int(closing[index, month])
                difference = opening + movement - closed
                rolls.append(
                    (MONTHS[month - 1], company.code, account, opening, movement, closed, difference)
                )
    lines.sort(key=lambda row: (row[0], row[1], LINES.index(str(row[2]))))
    rolls.sort()
    write_parquet(root / "truth" / "lines.parquet", _table(_LINE_COLUMNS, lines))
    write_parquet(root / "truth" / "roll_forward.parquet", _table(_ROLL_COLUMNS, rolls))
    outsiders = [
        causes.filter(pc.equal(causes["cause"], "company_out_of_scope"))
        for causes in (effects.all_causes() for _, effects in outside)
    ]
    causes = pa.concat_tables([*[effects.all_causes() for _, effects in books], *outsiders])
    order = [(name, "ascending") for name in ("month", "id_company", "line", "cause", "reference", "amount")]
    write_parquet(root / "truth" / "causes.parquet", causes.sort_by(order))


def _table(names: tuple[str, ...], rows: list[tuple[str | int, ...]]) -> Column:
    columns = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        if isinstance(values[0], int):
            columns[name] = money(np.array(values, dtype=np.int64), kind=AMOUNT)
        else:
            columns[name] = pa.array(values, pa.string())
    return pa.table(columns)
