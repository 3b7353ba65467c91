"""Exchange rates: local currency per US dollar, ten decimals, a rate a country and month.

Lives here: the rates and the rows of `RPT_FX_RATES`. Does not: what is divided by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from cpg1_assets.sample_books.columns import MONEY
from cpg1_assets.sample_books.group import COMPANIES
from cpg1_assets.sample_books.months import LAST, label

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf

RATE_SCALE = 10
_ONE = 10**RATE_SCALE


@dataclass
class Rates:
    """Closing rates by country and month index, in units of the tenth decimal."""

    closing: dict[tuple[str, int], int] = field(default_factory=dict)
    missing: set[tuple[str, int]] = field(default_factory=set)

    def of(self, company: Company, month: int) -> int | None:
        """Give a company's closing rate in a month, or none where it is missing."""
        if (company.country, month) in self.missing:
            return None
        return self.closing[company.country, month]

    def column(self, company: Company, month: int, count: int) -> Column:
        """Repeat a company's rate, as the balance view carries it."""
        rate = self.of(company, month)
        value = None if rate is None else Decimal(rate).scaleb(-RATE_SCALE)
        return pa.repeat(pa.scalar(value, MONEY), count)


def set_rates(draws: Draws) -> Rates:
    """Let every currency drift, month by month; two months of two countries were never published."""
    rates = Rates()
    for company in COMPANIES:
        rate = company.lcy_per_usd * _ONE // 100
        drifts = draws.between(LAST + 1, 985, 1022)
        dust = draws.below(LAST + 1, 1_000_000)
        for month in range(LAST + 1):
            rate = rate * int(drifts[month]) // 1000
            fixed = company.currency == "USD"
            rates.closing[company.country, month] = _ONE if fixed else rate + int(dust[month])
    in_scope = [company for company in COMPANIES if company.in_scope]
    first = draws.one(0, len(in_scope) - 1)
    second = (first + draws.one(1, len(in_scope) - 1)) % len(in_scope)
    for place, (low, high) in ((first, (4, 9)), (second, (14, 21))):
        rates.missing.add((in_scope[place].country, draws.one(low, high)))
    return rates


def note_missing(rates: Rates, company: Company, effects: Effects, lines: int) -> None:
    """Write down, for every line of a company, the months that have no rate."""
    for country, month in sorted(rates.missing):
        if country == company.country:
            for line in range(lines):
                effects.cannot_compute(line, month, "fx_rate_missing")


def write_rates(shelf: Shelf, rates: Rates) -> None:
    """Write `RPT_FX_RATES`: closing and average rates, a known duplicate, other bases."""
    names = {company.country: company.country_name for company in COMPANIES}
    rows: list[tuple[str | None, str, str, str, int, int, int]] = []
    for (country, month), rate in sorted(rates.closing.items()):
        if month == 0:
            continue
        year, cod_month = (int(part) for part in label(month).split("-"))
        kind = "closing " if (country, month) == ("GH", 11) else "Closing"
        base = "usd" if (country, month) == ("MA", 17) else "USD"
        if (country, month) not in rates.missing:
            rows.append((country, names[country], base, kind, year, cod_month, rate))
        rows.append((country, names[country], "USD", "Average", year, cod_month, rate * 997 // 1000))
        rows.append((country, names[country], "EUR", "Closing", year, cod_month, rate * 1081 // 1000))
    dirham = 36_725 * _ONE // 10_000
    for month in range(1, LAST + 1):
        year, cod_month = (int(part) for part in label(month).split("-"))
        rows.append(("AE", "United Arab Emirates", "USD", "Closing", year, cod_month, dirham))
        rows.append(("AE", "United arab emirates (the)", "USD", "Closing", year, cod_month, dirham))
    codes, countries, bases, kinds, years, months, values = zip(*rows, strict=True)
    shelf.put(
        "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_FX_RATES]",
        {
            "country_code": pa.array(codes, pa.string()),
            "country": pa.array(countries, pa.string()),
            "base_currency": pa.array(bases, pa.string()),
            "rate_type": pa.array(kinds, pa.string()),
            "year": pa.array(years, pa.int64()),
            "cod_month": pa.array(months, pa.int64()),
            "rate": pa.array([Decimal(value).scaleb(-RATE_SCALE) for value in values], MONEY),
        },
    )
