"""The tables that describe the group: companies, countries, business lines, accounts, customer types.

Lives here: rows of the dimensions. Does not: anything dated (rates are in `fx`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cpg1_assets.sample_books.group import (
    ACCOUNT_NAMES,
    ACCOUNTS,
    BUSLINE_NAMES,
    BUSLINES,
    COMPANIES,
    COUNTRIES,
    RETIRED_COMPANIES,
    ifrs_levels,
    real_account,
)
from cpg1_assets.sample_books.orders import CUSTOMER_TYPES
from cpg1_assets.sample_books.tables import TABLES

if TYPE_CHECKING:
    from cpg1_assets.sample_books.tables import Shelf

_FDW = "[AIG_Nav_Jumia_Reconciliation].[fdw]"
_REC = "[AIG_Nav_Jumia_Reconciliation].[dbo]"


def write_group(shelf: Shelf) -> None:
    """Write every dimension."""
    companies: list[tuple[Any, ...]] = [
        (c.code, c.name, c.country, "Opco" if c.currency != "USD" else "Central", True, int(c.in_scope))
        for c in COMPANIES
    ]
    companies += [
        (code, name, country, "Opco", False, flag) for code, name, country, flag in RETIRED_COMPANIES
    ]
    _put(shelf, f"{_FDW}.[Dim_Company]", companies)
    _put(shelf, f"{_FDW}.[Dim_Country]", sorted(COUNTRIES))
    # A business line that entries use and nobody described stays without names.
    _put(
        shelf,
        f"{_FDW}.[Dim_Busline]",
        [
            (company.code, line, *BUSLINE_NAMES[line])
            for company in COMPANIES
            for line in BUSLINES
            if (company.code, line) != ("HF_SN", "3100")
        ],
    )
    chart = {
        (company.code, real_account(company, account, line), account, ACCOUNT_NAMES[account])
        for company in COMPANIES
        for account in ACCOUNTS
        for line in range(len(BUSLINES))
    }
    _put(shelf, f"{_FDW}.[Dim_ChartOfAccounts]", sorted(chart))
    _put(
        shelf,
        f"{_REC}.[GDOC_IFRS_Tabular_Mapping]",
        [(account, *ifrs_levels(account)) for account in sorted(ACCOUNTS)],
    )
    groups = {"B2C": "Consumer", "JForce": "Agents", "Corporate": "Business", "Employee": "Internal"}
    rows = [(kind, groups[kind]) for kind in CUSTOMER_TYPES if kind is not None]
    _put(shelf, f"{_REC}.[RPT_DIM_BOB_CUSTOMER_TYPE]", [*rows, ("B2C", "Consumer (old)")])


def _put(shelf: Shelf, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = zip(TABLES[table], zip(*rows, strict=True), strict=True)
    shelf.put(table, {name: pa.array(values, kind) for (name, kind), values in columns})
