"""The source tables: their real names, columns and types, and the Parquet files they are written to.

Lives here: the shape of the source database and the shelf that files are put on. Does not: what is in them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.sample_books.columns import MOMENT, MONEY, Column
from cpg1_assets.sample_books.spellings import Spellings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXT = pa.string()
WHOLE = pa.int64()
FLAG = pa.bool_()

TABLES: dict[str, tuple[tuple[str, Any], ...]] = {
    "[AIG_Nav_DW].[dbo].[Detailed Customer Ledg_ Entry]": (
        ("id_company", TEXT),
        ("Entry No_", WHOLE),
        ("Cust_ Ledger Entry No_", WHOLE),
        ("Customer No_", TEXT),
        ("Posting Date", MOMENT),
        ("Amount (LCY)", MONEY),
    ),
    "[AIG_Nav_DW].[dbo].[Customer Ledger Entries]": (
        ("id_company", TEXT),
        ("Entry No_", WHOLE),
        ("GL Entry No_", WHOLE),
        ("Document No_", TEXT),
        ("Document Type", TEXT),
        ("External Document No_", TEXT),
        ("Posting Date", MOMENT),
        ("Customer No_", TEXT),
        ("Customer Posting Group", TEXT),
        ("Description", TEXT),
        ("Source Code", TEXT),
        ("Reason Code", TEXT),
        ("Busline Code", TEXT),
        ("Department Code", TEXT),
        ("Original Amount", MONEY),
        ("Currency", TEXT),
        ("Original Amount (LCY)", MONEY),
        ("Open", FLAG),
        ("Due Date", MOMENT),
        ("Posted by", TEXT),
        ("Destination Code", TEXT),
        ("Partner Code", TEXT),
        ("IC Partner Code", TEXT),
    ),
    "[AIG_Nav_DW].[dbo].[Customers]": (
        ("id_company", TEXT),
        ("No_", TEXT),
        ("Name", TEXT),
        ("Busline Code", TEXT),
        ("Automatically integrated", FLAG),
        ("Customer Posting Group", TEXT),
        ("Stream", TEXT),
    ),
    "[AIG_Nav_DW].[dbo].[G_L Entries]": (
        ("id_company", TEXT),
        ("Entry No_", WHOLE),
        ("Document No_", TEXT),
        ("External Document No_", TEXT),
        ("Voucher No_", TEXT),
        ("Posting Date", MOMENT),
        ("Document Date", MOMENT),
        ("Document Type", TEXT),
        ("Chart of Accounts No_", TEXT),
        ("Account Name", TEXT),
        ("Document Description", TEXT),
        ("Comment", TEXT),
        ("Amount", MONEY),
        ("Busline Code", TEXT),
        ("Department Code", TEXT),
        ("Bal_ Account Type", TEXT),
        ("Bal_ Account No_", TEXT),
        ("Bal_ Account Name", TEXT),
        ("Reason Code", TEXT),
        ("Source Code", TEXT),
        ("Reversed", FLAG),
        ("User ID", TEXT),
        ("G_L Creation Date", MOMENT),
        ("Destination Code", TEXT),
        ("Partner Code", TEXT),
        ("System-Created Entry", FLAG),
        ("Source Type", TEXT),
        ("Source No", TEXT),
        ("IC Partner Code", TEXT),
        ("VendorTag Code", TEXT),
        ("CustomerTag Code", TEXT),
        ("Service_Period", TEXT),
    ),
    "[AIG_Nav_DW].[dbo].[Detailed G_L Entry]": (
        ("id_company", TEXT),
        ("Entry No_", WHOLE),
        ("Gen_ Ledger Entry No_", WHOLE),
        ("G_L Account No_", TEXT),
        ("Posting Date", MOMENT),
        ("Amount", MONEY),
    ),
    "[AIG_Nav_DW].[dbo].[Bank Accounts]": (
        ("id_company", TEXT),
        ("No_", TEXT),
        ("Service Provider No_", TEXT),
        ("Bank Account Posting Group", TEXT),
    ),
    "[AIG_Nav_DW].[dbo].[Bank Account Posting Group]": (
        ("id_company", TEXT),
        ("Code", TEXT),
        ("G_L Bank Account No_", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company]": (
        ("Company_Code", TEXT),
        ("Company_Name", TEXT),
        ("Company_Country", TEXT),
        ("Opco/Central_?", TEXT),
        ("Is_Active?", FLAG),
        ("Flg_In_Conso_Scope", WHOLE),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Country]": (
        ("Country_Code", TEXT),
        ("Country_Name", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Busline]": (
        ("Company_Code", TEXT),
        ("Busline_Code", TEXT),
        ("Busline_Vertical_Name_1", TEXT),
        ("Busline_Vertical_Name_2", TEXT),
        ("Busline_Vertical_Name_3", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_ChartOfAccounts]": (
        ("Company_Code", TEXT),
        ("G/L_Account_No", TEXT),
        ("Group_COA_Account_no", TEXT),
        ("Group_COA_Account_Name", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[GDOC_IFRS_Tabular_Mapping]": (
        ("Level_4_Code", TEXT),
        ("Level_1_Name", TEXT),
        ("Level_2_Name", TEXT),
        ("Level_3_Name", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT]": (
        ("ID_COMPANY", TEXT),
        ("COMPANY_NAME", TEXT),
        ("COUNTRY_CODE", TEXT),
        ("COUNTRY_NAME", TEXT),
        ("CLOSING_DATE", MOMENT),
        ("REFRESH_DATE", MOMENT),
        ("GROUP_COA_ACCOUNT_NO", TEXT),
        ("GROUP_COA_ACCOUNT_NAME", TEXT),
        ("REAL_COA", TEXT),
        ("CURRENCY", TEXT),
        ("FX_RATE", MONEY),
        ("BALANCE_AT_DATE", MONEY),
        ("BUSLINE_CODE", TEXT),
        ("REPORTING_COUNTRY_CODE", TEXT),
        ("REPORTING_COUNTRY_NAME", TEXT),
        ("PARTNER_CODE", TEXT),
        ("IC_PARTNER_CODE", TEXT),
        ("IS_RECHARGE", FLAG),
        ("IS_RETAINED_EARNINGS", FLAG),
        ("CONSO_ACCOUNT_NO", TEXT),
        ("CONSO_ACCOUNT_NAME", TEXT),
        ("IFRS_LEVEL_1_NAME", TEXT),
        ("IFRS_LEVEL_2_NAME", TEXT),
        ("IFRS_LEVEL_3_NAME", TEXT),
        ("IS_INTERCO", FLAG),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_FX_RATES]": (
        ("country_code", TEXT),
        ("country", TEXT),
        ("base_currency", TEXT),
        ("rate_type", TEXT),
        ("year", WHOLE),
        ("cod_month", WHOLE),
        ("rate", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING]": (
        ("ID_COMPANY", TEXT),
        ("id", TEXT),
        ("code", TEXT),
        ("business_use", TEXT),
        ("description", TEXT),
        ("is_active", FLAG),
        ("type", TEXT),
        ("Template_status", TEXT),
        ("discount_amount", MONEY),
        ("from_date", MOMENT),
        ("to_date", MOMENT),
        ("created_at", MOMENT),
        ("updated_at", MOMENT),
        ("last_time_used", MOMENT),
        ("snapshot_date", MOMENT),
        ("voucher_inactive_date", MOMENT),
        ("template_inactive_date", MOMENT),
        ("reason", TEXT),
        ("fk_customer", TEXT),
        ("used_discount_amount", MONEY),
        ("times_used", WHOLE),
        ("remaining_amount", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[StoreCreditVoucher]": (
        ("ID_COMPANY", TEXT),
        ("id", TEXT),
        ("template_id", TEXT),
        ("template_name", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI]": (
        ("ID_COMPANY", TEXT),
        ("ID_Sales_Order_Item", TEXT),
        ("COD_OMS_SALES_ORDER_ITEM", TEXT),
        ("COD_OMS_SALES_ORDER", TEXT),
        ("COD_OMS_ID_PACKAGE", TEXT),
        ("ORDER_NR", TEXT),
        ("PACKAGE_NUMBER", TEXT),
        ("BOB_ID_CUSTOMER", TEXT),
        ("BOB_CUSTOMER_TYPE", TEXT),
        ("CURRENT_STATUS", TEXT),
        ("IS_PREPAYMENT", FLAG),
        ("IS_MARKETPLACE", FLAG),
        ("IS_GLOBAL", FLAG),
        ("PAYMENT_METHOD", TEXT),
        ("DELIVERY_TYPE", TEXT),
        ("VOUCHER_TYPE", TEXT),
        ("voucher_code", TEXT),
        ("ORDER_CREATION_DATE", MOMENT),
        ("FINANCE_VERIFIED_DATE", MOMENT),
        ("SHIPPED_DATE", MOMENT),
        ("DELIVERED_DATE", MOMENT),
        ("PACKAGE_DELIVERY_DATE", MOMENT),
        ("CANCELLATION_DATE", MOMENT),
        ("RETURN_DATE", MOMENT),
        ("REFUND_DATE", MOMENT),
        ("REFUND_COMPLETED", FLAG),
        ("FAIL_DATE", MOMENT),
        ("TRACKING_NUMBER", TEXT),
        ("OMS_PACKAGE_STATUS", TEXT),
        ("MTR_UNIT_PRICE", MONEY),
        ("MTR_COUPON_MONEY_VALUE", MONEY),
        ("MTR_CART_RULE_DISCOUNT", MONEY),
        ("MTR_PAID_PRICE", MONEY),
        ("MTR_AMOUNT_PAID", MONEY),
        ("MTR_PRICE_AFTER_DISCOUNT", MONEY),
        ("MTR_BASE_SHIPPING_AMOUNT", MONEY),
        ("MTR_SHIPPING_CART_RULE_DISCOUNT", MONEY),
        ("MTR_SHIPPING_VOUCHER_DISCOUNT", MONEY),
        ("MTR_SHIPPING_DISCOUNT_AMOUNT", MONEY),
        ("MTR_SHIPPING_FEE_MODIFICATION", MONEY),
        ("MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT", MONEY),
        ("MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT", MONEY),
        ("MTR_INTERNATIONAL_FREIGHT_FEE", MONEY),
        ("MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_TRANSACTIONS_SELLER]": (
        ("ID_Company", TEXT),
        ("ID_Transaction", TEXT),
        ("Transaction_No", TEXT),
        ("OMS_ID_Sales_Order_Item", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_REFUND_NO_RETURN]": (
        ("ID_Company", TEXT),
        ("OMS_ID_Sales_Order_Item", TEXT),
        ("OMS_Type", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_DIM_BOB_CUSTOMER_TYPE]": (
        ("Bob_Customer_Type", TEXT),
        ("Customer_Type_L1", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_TRANSACTION]": (
        ("ID_Company", TEXT),
        ("Transaction_Type", TEXT),
        ("Related_Entity", TEXT),
        ("Collection_Partner", TEXT),
        ("Created_Date", MOMENT),
        ("Transaction_List_Nr", TEXT),
        ("Transaction_List_Date", MOMENT),
        ("Amount", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_REALLOCATIONS]": (
        ("ID_Company", TEXT),
        ("Transaction_type", TEXT),
        ("Related_Entity", TEXT),
        ("Collection_Partner_From", TEXT),
        ("Original_Transaction_date", MOMENT),
        ("Reallocated_Transaction_Date", MOMENT),
        ("Amount", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHDEPOSIT]": (
        ("ID_Company", TEXT),
        ("OMS_Payment_No", TEXT),
        ("OMS_Type", TEXT),
        ("OMS_Payment_Date", MOMENT),
        ("payment_reversal_date", MOMENT),
        ("OMS_Payment_Status", TEXT),
        ("OMS_Payment_Amount", MONEY),
        ("OMS_Charges_Amount", MONEY),
        ("OMS_Collection_Partner", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PACKAGES]": (
        ("ID_Company", TEXT),
        ("OMS_Packlist_No", TEXT),
        ("OMS_Packlist_status", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS]": (
        ("ID_Company", TEXT),
        ("OMS_Packlist_No", TEXT),
        ("OMS_Packlist_Status", TEXT),
        ("OMS_Packlist_Created_Date", MOMENT),
        ("OMS_Collection_Partner_Name", TEXT),
        ("OMS_Amount_Received", MONEY),
        ("OMS_Payment_No", TEXT),
        ("OMS_Payment_Date", MOMENT),
        ("OMS_Payment_Status", TEXT),
        ("OMS_Payment_Reconciled_Amount", MONEY),
        ("OMS_Payment_Charges_Reconciled_Amount", MONEY),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONADJ]": (
        ("ID_Company", TEXT),
        ("OMS_entity_No", TEXT),
        ("OMS_Entity_Type", TEXT),
        ("OMS_Force_Closed", FLAG),
        ("OMS_Close_Date", MOMENT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_HUBS_3PL_MAPPING]": (
        ("ID_COMPANY", TEXT),
        ("NODE", TEXT),
        ("SERVICE_PROVIDER", TEXT),
    ),
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONPARTNERS]": (
        ("ID_Company", TEXT),
        ("Name", TEXT),
        ("Type", TEXT),
        ("ERP_Name", TEXT),
    ),
    "[STG_AIG_NAV_JUMIA_REC].[OMS].[PACKAGE_CASHREC]": (
        ("ID_COMPANY", TEXT),
        ("package_nr", TEXT),
        ("order_nr", TEXT),
        ("amount_expected", MONEY),
        ("amount_received", MONEY),
        ("fk_package_status", TEXT),
        ("package_status", TEXT),
        ("delivery_date", MOMENT),
        ("delivered_update_date", MOMENT),
        ("fk_collection_partner", TEXT),
        ("last_mile", TEXT),
        ("payment_method_confirmed", TEXT),
        ("troubleshoot_resolution_date", MOMENT),
    ),
}
"""Every source table under its three-part name, with its columns in order and their types."""

_THREE_PARTS = re.compile(r"\[(.+)\]\.\[(.+)\]\.\[(.+)\]")
_GROUP_ROWS = 131_072
_HASH_BLOCK = 1 << 20


def file_of(table: str) -> str:
    """Give the path of a table's Parquet file, relative to the books."""
    parts = _THREE_PARTS.fullmatch(table)
    if parts is None:
        raise ValueError(f"{table!r} is not a three-part name in brackets")
    return f"tables/{parts[1]}/{parts[2]}/{parts[3]}.parquet"


def sha256_of(path: Path) -> str:
    """Hash a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write_parquet(path: Path, table: Column) -> None:
    """Write one Arrow table as a file of its own, the same bytes for the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", row_group_size=_GROUP_ROWS)


class Shelf:
    """Open Parquet files, one a source table, to which rows are added company by company."""

    def __init__(self, root: Path, seed: int) -> None:
        """Open a file for every table below `root`; `seed` decides which texts get blanks at their end."""
        self.root = root
        self._spellings = Spellings(seed)
        self.rows = dict.fromkeys(TABLES, 0)
        self._writers: dict[str, Any] = {}
        self._schemas = {name: pa.schema(list(columns)) for name, columns in TABLES.items()}
        for name, schema in self._schemas.items():
            path = root / file_of(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[name] = pq.ParquetWriter(path, schema, compression="zstd")

    def put(self, table: str, columns: Mapping[str, Column]) -> None:
        """Add rows to a table; the columns must be exactly the table's, in any order."""
        schema = self._schemas[table]
        if set(columns) != set(schema.names):
            odd = sorted(set(columns) ^ set(schema.names))
            raise ValueError(f"{table}: columns missing or unknown: {odd}")
        padded = self._spellings.left_in(table, columns, len(columns[schema.names[0]]))
        rows = pa.table({name: padded[name] for name in schema.names}, schema=schema)
        self.rows[table] += rows.num_rows
        if rows.num_rows:
            self._writers[table].write_table(rows, row_group_size=_GROUP_ROWS)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()

    def contents(self) -> dict[str, dict[str, object]]:
        """List every table's file, row count and hash, once the files are finished."""
        return {
            name: {
                "path": file_of(name),
                "rows": self.rows[name],
                "sha256": sha256_of(self.root / file_of(name)),
            }
            for name in TABLES
        }
