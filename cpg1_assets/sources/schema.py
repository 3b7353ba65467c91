"""The schema of record: every table and column of the source that the control may name, with its type.

The doctor, the docs and the tests read it, and the dialect seam knows by it which columns are texts. The
simulator has its own tables, and a test holds them to these. Not here: what a column means
(`docs/source-schema.md`), and which columns a statement really names (`extracts.named_columns`).
"""

from enum import StrEnum


class Kind(StrEnum):
    """What a column holds; where SQL Server has no type of its own for it, `sql_type` says what it is there."""

    TEXT = "nvarchar"
    COMPANY = "company code"
    """A text that is one company whatever its case and the blanks at its end."""
    WHOLE = "bigint"
    MONEY = "decimal(38,20)"
    FLAG = "bit"
    MOMENT = "datetime"

    @property
    def sql_type(self) -> str:
        """The type of the column, as SQL Server calls it."""
        return Kind.TEXT.value if self is Kind.COMPANY else self.value


NUMBERED_IDS = (
    "id",
    "template_id",
    "ID_Transaction",
    "OMS_ID_Sales_Order_Item",
    "COD_OMS_SALES_ORDER_ITEM",
    "fk_collection_partner",
)
"""Ids that the systems behind OMS and BOB number: the queries read them as text where a source keeps numbers."""

SOURCE_TABLES: dict[str, dict[str, Kind]] = {
    "[AIG_Nav_DW].[dbo].[Detailed Customer Ledg_ Entry]": {
        "id_company": Kind.COMPANY,
        "Entry No_": Kind.WHOLE,
        "Cust_ Ledger Entry No_": Kind.WHOLE,
        "Customer No_": Kind.TEXT,
        "Posting Date": Kind.MOMENT,
        "Amount (LCY)": Kind.MONEY,
    },
    "[AIG_Nav_DW].[dbo].[Customer Ledger Entries]": {
        "id_company": Kind.COMPANY,
        "Entry No_": Kind.WHOLE,
        "GL Entry No_": Kind.WHOLE,
        "Document No_": Kind.TEXT,
        "Document Type": Kind.TEXT,
        "External Document No_": Kind.TEXT,
        "Posting Date": Kind.MOMENT,
        "Customer No_": Kind.TEXT,
        "Customer Posting Group": Kind.TEXT,
        "Description": Kind.TEXT,
        "Source Code": Kind.TEXT,
        "Reason Code": Kind.TEXT,
        "Busline Code": Kind.TEXT,
        "Department Code": Kind.TEXT,
        "Original Amount": Kind.MONEY,
        "Currency": Kind.TEXT,
        "Original Amount (LCY)": Kind.MONEY,
        "Open": Kind.FLAG,
        "Due Date": Kind.MOMENT,
        "Posted by": Kind.TEXT,
        "Destination Code": Kind.TEXT,
        "Partner Code": Kind.TEXT,
        "IC Partner Code": Kind.TEXT,
    },
    "[AIG_Nav_DW].[dbo].[Customers]": {
        "id_company": Kind.COMPANY,
        "No_": Kind.TEXT,
        "Name": Kind.TEXT,
        "Busline Code": Kind.TEXT,
        "Automatically integrated": Kind.FLAG,
        "Customer Posting Group": Kind.TEXT,
        "Stream": Kind.TEXT,
    },
    "[AIG_Nav_DW].[dbo].[G_L Entries]": {
        "id_company": Kind.COMPANY,
        "Entry No_": Kind.WHOLE,
        "Document No_": Kind.TEXT,
        "External Document No_": Kind.TEXT,
        "Voucher No_": Kind.TEXT,
        "Posting Date": Kind.MOMENT,
        "Document Date": Kind.MOMENT,
        "Document Type": Kind.TEXT,
        "Chart of Accounts No_": Kind.TEXT,
        "Account Name": Kind.TEXT,
        "Document Description": Kind.TEXT,
        "Comment": Kind.TEXT,
        "Amount": Kind.MONEY,
        "Busline Code": Kind.TEXT,
        "Department Code": Kind.TEXT,
        "Bal_ Account Type": Kind.TEXT,
        "Bal_ Account No_": Kind.TEXT,
        "Bal_ Account Name": Kind.TEXT,
        "Reason Code": Kind.TEXT,
        "Source Code": Kind.TEXT,
        "Reversed": Kind.FLAG,
        "User ID": Kind.TEXT,
        "G_L Creation Date": Kind.MOMENT,
        "Destination Code": Kind.TEXT,
        "Partner Code": Kind.TEXT,
        "System-Created Entry": Kind.FLAG,
        "Source Type": Kind.TEXT,
        "Source No": Kind.TEXT,
        "IC Partner Code": Kind.TEXT,
        "VendorTag Code": Kind.TEXT,
        "CustomerTag Code": Kind.TEXT,
        "Service_Period": Kind.TEXT,
    },
    "[AIG_Nav_DW].[dbo].[Detailed G_L Entry]": {
        "id_company": Kind.COMPANY,
        "Entry No_": Kind.WHOLE,
        "Gen_ Ledger Entry No_": Kind.WHOLE,
        "G_L Account No_": Kind.TEXT,
        "Posting Date": Kind.MOMENT,
        "Amount": Kind.MONEY,
    },
    "[AIG_Nav_DW].[dbo].[Bank Accounts]": {
        "id_company": Kind.COMPANY,
        "No_": Kind.TEXT,
        "Service Provider No_": Kind.TEXT,
        "Bank Account Posting Group": Kind.TEXT,
    },
    "[AIG_Nav_DW].[dbo].[Bank Account Posting Group]": {
        "id_company": Kind.COMPANY,
        "Code": Kind.TEXT,
        "G_L Bank Account No_": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company]": {
        "Company_Code": Kind.COMPANY,
        "Company_Name": Kind.TEXT,
        "Company_Country": Kind.TEXT,
        "Opco/Central_?": Kind.TEXT,
        "Is_Active?": Kind.FLAG,
        "Flg_In_Conso_Scope": Kind.WHOLE,
    },
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Country]": {
        "Country_Code": Kind.TEXT,
        "Country_Name": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Busline]": {
        "Company_Code": Kind.COMPANY,
        "Busline_Code": Kind.TEXT,
        "Busline_Vertical_Name_1": Kind.TEXT,
        "Busline_Vertical_Name_2": Kind.TEXT,
        "Busline_Vertical_Name_3": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_ChartOfAccounts]": {
        "Company_Code": Kind.COMPANY,
        "G/L_Account_No": Kind.TEXT,
        "Group_COA_Account_no": Kind.TEXT,
        "Group_COA_Account_Name": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[GDOC_IFRS_Tabular_Mapping]": {
        "Level_4_Code": Kind.TEXT,
        "Level_1_Name": Kind.TEXT,
        "Level_2_Name": Kind.TEXT,
        "Level_3_Name": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT]": {
        "ID_COMPANY": Kind.COMPANY,
        "COMPANY_NAME": Kind.TEXT,
        "COUNTRY_CODE": Kind.TEXT,
        "COUNTRY_NAME": Kind.TEXT,
        "CLOSING_DATE": Kind.MOMENT,
        "REFRESH_DATE": Kind.MOMENT,
        "GROUP_COA_ACCOUNT_NO": Kind.TEXT,
        "GROUP_COA_ACCOUNT_NAME": Kind.TEXT,
        "REAL_COA": Kind.TEXT,
        "CURRENCY": Kind.TEXT,
        "FX_RATE": Kind.MONEY,
        "BALANCE_AT_DATE": Kind.MONEY,
        "BUSLINE_CODE": Kind.TEXT,
        "REPORTING_COUNTRY_CODE": Kind.TEXT,
        "REPORTING_COUNTRY_NAME": Kind.TEXT,
        "PARTNER_CODE": Kind.TEXT,
        "IC_PARTNER_CODE": Kind.TEXT,
        "IS_RECHARGE": Kind.FLAG,
        "IS_RETAINED_EARNINGS": Kind.FLAG,
        "CONSO_ACCOUNT_NO": Kind.TEXT,
        "CONSO_ACCOUNT_NAME": Kind.TEXT,
        "IFRS_LEVEL_1_NAME": Kind.TEXT,
        "IFRS_LEVEL_2_NAME": Kind.TEXT,
        "IFRS_LEVEL_3_NAME": Kind.TEXT,
        "IS_INTERCO": Kind.FLAG,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_FX_RATES]": {
        "country_code": Kind.TEXT,
        "country": Kind.TEXT,
        "base_currency": Kind.TEXT,
        "rate_type": Kind.TEXT,
        "year": Kind.WHOLE,
        "cod_month": Kind.WHOLE,
        "rate": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING]": {
        "ID_COMPANY": Kind.COMPANY,
        "id": Kind.TEXT,
        "code": Kind.TEXT,
        "business_use": Kind.TEXT,
        "description": Kind.TEXT,
        "is_active": Kind.FLAG,
        "type": Kind.TEXT,
        "Template_status": Kind.TEXT,
        "discount_amount": Kind.MONEY,
        "from_date": Kind.MOMENT,
        "to_date": Kind.MOMENT,
        "created_at": Kind.MOMENT,
        "updated_at": Kind.MOMENT,
        "last_time_used": Kind.MOMENT,
        "snapshot_date": Kind.MOMENT,
        "voucher_inactive_date": Kind.MOMENT,
        "template_inactive_date": Kind.MOMENT,
        "reason": Kind.TEXT,
        "fk_customer": Kind.TEXT,
        "used_discount_amount": Kind.MONEY,
        "times_used": Kind.WHOLE,
        "remaining_amount": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[StoreCreditVoucher]": {
        "ID_COMPANY": Kind.COMPANY,
        "id": Kind.TEXT,
        "template_id": Kind.TEXT,
        "template_name": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI]": {
        "ID_COMPANY": Kind.COMPANY,
        "ID_Sales_Order_Item": Kind.TEXT,
        "COD_OMS_SALES_ORDER_ITEM": Kind.TEXT,
        "COD_OMS_SALES_ORDER": Kind.TEXT,
        "COD_OMS_ID_PACKAGE": Kind.TEXT,
        "ORDER_NR": Kind.TEXT,
        "PACKAGE_NUMBER": Kind.TEXT,
        "BOB_ID_CUSTOMER": Kind.TEXT,
        "BOB_CUSTOMER_TYPE": Kind.TEXT,
        "CURRENT_STATUS": Kind.TEXT,
        "IS_PREPAYMENT": Kind.FLAG,
        "IS_MARKETPLACE": Kind.FLAG,
        "IS_GLOBAL": Kind.FLAG,
        "PAYMENT_METHOD": Kind.TEXT,
        "DELIVERY_TYPE": Kind.TEXT,
        "VOUCHER_TYPE": Kind.TEXT,
        "voucher_code": Kind.TEXT,
        "ORDER_CREATION_DATE": Kind.MOMENT,
        "FINANCE_VERIFIED_DATE": Kind.MOMENT,
        "SHIPPED_DATE": Kind.MOMENT,
        "DELIVERED_DATE": Kind.MOMENT,
        "PACKAGE_DELIVERY_DATE": Kind.MOMENT,
        "CANCELLATION_DATE": Kind.MOMENT,
        "RETURN_DATE": Kind.MOMENT,
        "REFUND_DATE": Kind.MOMENT,
        "REFUND_COMPLETED": Kind.FLAG,
        "FAIL_DATE": Kind.MOMENT,
        "TRACKING_NUMBER": Kind.TEXT,
        "OMS_PACKAGE_STATUS": Kind.TEXT,
        "MTR_UNIT_PRICE": Kind.MONEY,
        "MTR_COUPON_MONEY_VALUE": Kind.MONEY,
        "MTR_CART_RULE_DISCOUNT": Kind.MONEY,
        "MTR_PAID_PRICE": Kind.MONEY,
        "MTR_AMOUNT_PAID": Kind.MONEY,
        "MTR_PRICE_AFTER_DISCOUNT": Kind.MONEY,
        "MTR_BASE_SHIPPING_AMOUNT": Kind.MONEY,
        "MTR_SHIPPING_CART_RULE_DISCOUNT": Kind.MONEY,
        "MTR_SHIPPING_VOUCHER_DISCOUNT": Kind.MONEY,
        "MTR_SHIPPING_DISCOUNT_AMOUNT": Kind.MONEY,
        "MTR_SHIPPING_FEE_MODIFICATION": Kind.MONEY,
        "MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT": Kind.MONEY,
        "MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT": Kind.MONEY,
        "MTR_INTERNATIONAL_FREIGHT_FEE": Kind.MONEY,
        "MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_TRANSACTIONS_SELLER]": {
        "ID_Company": Kind.COMPANY,
        "ID_Transaction": Kind.TEXT,
        "Transaction_No": Kind.TEXT,
        "OMS_ID_Sales_Order_Item": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_REFUND_NO_RETURN]": {
        "ID_Company": Kind.COMPANY,
        "OMS_ID_Sales_Order_Item": Kind.TEXT,
        "OMS_Type": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_DIM_BOB_CUSTOMER_TYPE]": {
        "Bob_Customer_Type": Kind.TEXT,
        "Customer_Type_L1": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_TRANSACTION]": {
        "ID_Company": Kind.COMPANY,
        "Transaction_Type": Kind.TEXT,
        "Related_Entity": Kind.TEXT,
        "Collection_Partner": Kind.TEXT,
        "Created_Date": Kind.MOMENT,
        "Transaction_List_Nr": Kind.TEXT,
        "Transaction_List_Date": Kind.MOMENT,
        "Amount": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_REALLOCATIONS]": {
        "ID_Company": Kind.COMPANY,
        "Transaction_type": Kind.TEXT,
        "Related_Entity": Kind.TEXT,
        "Collection_Partner_From": Kind.TEXT,
        "Original_Transaction_date": Kind.MOMENT,
        "Reallocated_Transaction_Date": Kind.MOMENT,
        "Amount": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHDEPOSIT]": {
        "ID_Company": Kind.COMPANY,
        "OMS_Payment_No": Kind.TEXT,
        "OMS_Type": Kind.TEXT,
        "OMS_Payment_Date": Kind.MOMENT,
        "payment_reversal_date": Kind.MOMENT,
        "OMS_Payment_Status": Kind.TEXT,
        "OMS_Payment_Amount": Kind.MONEY,
        "OMS_Charges_Amount": Kind.MONEY,
        "OMS_Collection_Partner": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PACKAGES]": {
        "ID_Company": Kind.COMPANY,
        "OMS_Packlist_No": Kind.TEXT,
        "OMS_Packlist_status": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS]": {
        "ID_Company": Kind.COMPANY,
        "OMS_Packlist_No": Kind.TEXT,
        "OMS_Packlist_Status": Kind.TEXT,
        "OMS_Packlist_Created_Date": Kind.MOMENT,
        "OMS_Collection_Partner_Name": Kind.TEXT,
        "OMS_Amount_Received": Kind.MONEY,
        "OMS_Payment_No": Kind.TEXT,
        "OMS_Payment_Date": Kind.MOMENT,
        "OMS_Payment_Status": Kind.TEXT,
        "OMS_Payment_Reconciled_Amount": Kind.MONEY,
        "OMS_Payment_Charges_Reconciled_Amount": Kind.MONEY,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONADJ]": {
        "ID_Company": Kind.COMPANY,
        "OMS_entity_No": Kind.TEXT,
        "OMS_Entity_Type": Kind.TEXT,
        "OMS_Force_Closed": Kind.FLAG,
        "OMS_Close_Date": Kind.MOMENT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_HUBS_3PL_MAPPING]": {
        "ID_COMPANY": Kind.COMPANY,
        "NODE": Kind.TEXT,
        "SERVICE_PROVIDER": Kind.TEXT,
    },
    "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONPARTNERS]": {
        "ID_Company": Kind.COMPANY,
        "Name": Kind.TEXT,
        "Type": Kind.TEXT,
        "ERP_Name": Kind.TEXT,
    },
    "[STG_AIG_NAV_JUMIA_REC].[OMS].[PACKAGE_CASHREC]": {
        "ID_COMPANY": Kind.COMPANY,
        "package_nr": Kind.TEXT,
        "order_nr": Kind.TEXT,
        "amount_expected": Kind.MONEY,
        "amount_received": Kind.MONEY,
        "fk_package_status": Kind.TEXT,
        "package_status": Kind.TEXT,
        "delivery_date": Kind.MOMENT,
        "delivered_update_date": Kind.MOMENT,
        "fk_collection_partner": Kind.TEXT,
        "last_mile": Kind.TEXT,
        "payment_method_confirmed": Kind.TEXT,
        "troubleshoot_resolution_date": Kind.MOMENT,
    },
}
"""Every table by its three-part name, with its columns in order."""

_BY_PARTS = {
    tuple(part.lower() for part in name[1:-1].split("].[")): {
        column.lower(): kind for column, kind in columns.items()
    }
    for name, columns in SOURCE_TABLES.items()
}


def kind_of(table: tuple[str, ...], column: str) -> Kind | None:
    """Give the type of a column of a table named by its three parts, or None where the schema has no such column.

    Case does not matter in names, as on the servers.
    """
    return _BY_PARTS.get(tuple(part.lower() for part in table), {}).get(column.lower())


def is_listed(table: tuple[str, ...]) -> bool:
    """Tell whether the schema has a table of these three parts."""
    return tuple(part.lower() for part in table) in _BY_PARTS
