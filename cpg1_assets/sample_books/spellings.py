"""How old systems spell: blanks at the end of a text that somebody joins or groups on, a company in lower case.

SQL Server ignores both when it compares, so they change nothing there: no event, no amount, no truth. Whoever
reads the books with an engine that compares exactly has to know that. Lives here: which columns are spelled so,
and in which rows. Does not: what the columns mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import joined
from cpg1_assets.sample_books.draws import Draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpg1_assets.sample_books.columns import Column

_PER_MILLE = 40
_NAV = "[AIG_Nav_DW].[dbo]"
_FDW = "[AIG_Nav_Jumia_Reconciliation].[fdw]"
_REC = "[AIG_Nav_Jumia_Reconciliation].[dbo]"

PADDED: dict[str, tuple[str, ...]] = {
    f"{_NAV}.[Detailed Customer Ledg_ Entry]": ("id_company", "Customer No_"),
    f"{_NAV}.[Customer Ledger Entries]": (
        "id_company",
        "Customer No_",
        "Customer Posting Group",
        "Busline Code",
    ),
    f"{_NAV}.[Customers]": ("id_company", "No_", "Customer Posting Group", "Busline Code"),
    f"{_NAV}.[G_L Entries]": ("id_company", "Chart of Accounts No_", "Voucher No_"),
    f"{_NAV}.[Detailed G_L Entry]": ("id_company", "G_L Account No_"),
    f"{_NAV}.[Bank Accounts]": ("id_company", "Service Provider No_", "Bank Account Posting Group"),
    f"{_NAV}.[Bank Account Posting Group]": ("id_company", "Code", "G_L Bank Account No_"),
    f"{_FDW}.[Dim_Company]": ("Company_Code", "Company_Country"),
    f"{_FDW}.[Dim_Country]": ("Country_Code",),
    f"{_FDW}.[Dim_Busline]": ("Company_Code", "Busline_Code"),
    f"{_FDW}.[Dim_ChartOfAccounts]": ("Company_Code", "G/L_Account_No", "Group_COA_Account_no"),
    f"{_REC}.[GDOC_IFRS_Tabular_Mapping]": ("Level_4_Code",),
    f"{_REC}.[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT]": (
        "ID_COMPANY",
        "GROUP_COA_ACCOUNT_NO",
        "REAL_COA",
        "BUSLINE_CODE",
    ),
    f"{_REC}.[RPT_FX_RATES]": ("country_code",),
    f"{_REC}.[V_STORECREDITVOUCHER_CLOSING]": ("ID_COMPANY", "id", "code", "business_use"),
    f"{_REC}.[StoreCreditVoucher]": ("ID_COMPANY", "id"),
    f"{_REC}.[RPT_SOI]": (
        "ID_COMPANY",
        "COD_OMS_SALES_ORDER_ITEM",
        "PACKAGE_NUMBER",
        "BOB_CUSTOMER_TYPE",
        "VOUCHER_TYPE",
        "voucher_code",
    ),
    f"{_REC}.[RPT_TRANSACTIONS_SELLER]": ("ID_Company", "OMS_ID_Sales_Order_Item", "Transaction_No"),
    f"{_REC}.[RPT_REFUND_NO_RETURN]": ("ID_Company", "OMS_ID_Sales_Order_Item"),
    f"{_REC}.[RPT_DIM_BOB_CUSTOMER_TYPE]": ("Bob_Customer_Type",),
    f"{_REC}.[RPT_CASHREC_TRANSACTION]": (
        "ID_Company",
        "Transaction_Type",
        "Related_Entity",
        "Collection_Partner",
        "Transaction_List_Nr",
    ),
    f"{_REC}.[RPT_CASHREC_REALLOCATIONS]": ("ID_Company", "Related_Entity", "Collection_Partner_From"),
    f"{_REC}.[RPT_CASHDEPOSIT]": ("ID_Company", "OMS_Payment_No", "OMS_Type", "OMS_Collection_Partner"),
    f"{_REC}.[RPT_PACKLIST_PACKAGES]": ("ID_Company", "OMS_Packlist_No"),
    f"{_REC}.[RPT_PACKLIST_PAYMENTS]": (
        "ID_Company",
        "OMS_Packlist_No",
        "OMS_Collection_Partner_Name",
        "OMS_Payment_No",
    ),
    f"{_REC}.[RPT_COLLECTIONADJ]": ("ID_Company", "OMS_entity_No"),
    f"{_REC}.[RPT_HUBS_3PL_MAPPING]": ("ID_COMPANY", "NODE"),
    f"{_REC}.[RPT_COLLECTIONPARTNERS]": ("ID_Company", "Name", "ERP_Name"),
    "[STG_AIG_NAV_JUMIA_REC].[OMS].[PACKAGE_CASHREC]": ("ID_COMPANY", "package_nr"),
}
"""The columns that have them, by table: companies, accounts, codes, numbers, types and names."""


class Spellings:
    """Leaves blanks at the end of some texts and some companies in lower case, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        """Open a stream of chance for each table, so that tables do not move each other's."""
        self._draws = {table: Draws(seed, 4, place) for place, table in enumerate(PADDED)}

    def left_in(self, table: str, columns: Mapping[str, Column], count: int) -> dict[str, Column]:
        """Give the columns of `count` rows of a table, a few texts in each padded one with a blank or three.

        The group's own table of companies keeps its capitals: it is by these that the control names them.
        """
        padded = dict(columns)
        for name in PADDED.get(table, ()) if count else ():
            draws = self._draws[table]
            chosen = draws.chance(count, _PER_MILLE)
            # Small tables have at least one, or none would have any.
            chosen[draws.one(0, count - 1)] = True
            blanks = np.where(draws.chance(count, 250), "   ", " ")
            padded[name] = pc.if_else(
                pa.array(chosen), joined(padded[name], pa.array(blanks, pa.string())), padded[name]
            )
            if name.lower() == "id_company":
                lower = pa.array(draws.chance(count, _PER_MILLE))
                padded[name] = pc.if_else(lower, pc.utf8_lower(padded[name]), padded[name])
        return padded
