-- The source tables as the control uses them, under their real names; everything may be null.

ATTACH ':memory:' AS AIG_Nav_DW;
ATTACH ':memory:' AS AIG_Nav_Jumia_Reconciliation;
ATTACH ':memory:' AS STG_AIG_NAV_JUMIA_REC;
CREATE SCHEMA IF NOT EXISTS AIG_Nav_DW.dbo;
CREATE SCHEMA IF NOT EXISTS AIG_Nav_Jumia_Reconciliation.fdw;
CREATE SCHEMA IF NOT EXISTS AIG_Nav_Jumia_Reconciliation.dbo;
CREATE SCHEMA IF NOT EXISTS STG_AIG_NAV_JUMIA_REC.OMS;

CREATE TABLE AIG_Nav_DW.dbo."Detailed Customer Ledg_ Entry" (
    "id_company" VARCHAR, "Entry No_" BIGINT, "Cust_ Ledger Entry No_" BIGINT, "Customer No_" VARCHAR,
    "Posting Date" TIMESTAMP, "Amount (LCY)" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_DW.dbo."Customer Ledger Entries" (
    "id_company" VARCHAR, "Entry No_" BIGINT, "GL Entry No_" BIGINT, "Document No_" VARCHAR,
    "Document Type" VARCHAR, "External Document No_" VARCHAR, "Posting Date" TIMESTAMP,
    "Customer No_" VARCHAR, "Customer Posting Group" VARCHAR, "Description" VARCHAR, "Source Code" VARCHAR,
    "Reason Code" VARCHAR, "Busline Code" VARCHAR, "Department Code" VARCHAR,
    "Original Amount" DECIMAL(38, 20), "Currency" VARCHAR, "Original Amount (LCY)" DECIMAL(38, 20),
    "Open" BOOLEAN, "Due Date" TIMESTAMP, "Posted by" VARCHAR, "Destination Code" VARCHAR,
    "Partner Code" VARCHAR, "IC Partner Code" VARCHAR
);

CREATE TABLE AIG_Nav_DW.dbo."Customers" (
    "id_company" VARCHAR, "No_" VARCHAR, "Name" VARCHAR, "Busline Code" VARCHAR,
    "Automatically integrated" BOOLEAN, "Customer Posting Group" VARCHAR, "Stream" VARCHAR
);

CREATE TABLE AIG_Nav_DW.dbo."G_L Entries" (
    "id_company" VARCHAR, "Entry No_" BIGINT, "Document No_" VARCHAR, "External Document No_" VARCHAR,
    "Voucher No_" VARCHAR, "Posting Date" TIMESTAMP, "Document Date" TIMESTAMP, "Document Type" VARCHAR,
    "Chart of Accounts No_" VARCHAR, "Account Name" VARCHAR, "Document Description" VARCHAR,
    "Comment" VARCHAR, "Amount" DECIMAL(38, 20), "Busline Code" VARCHAR, "Department Code" VARCHAR,
    "Bal_ Account Type" VARCHAR, "Bal_ Account No_" VARCHAR, "Bal_ Account Name" VARCHAR,
    "Reason Code" VARCHAR, "Source Code" VARCHAR, "Reversed" BOOLEAN, "User ID" VARCHAR,
    "G_L Creation Date" TIMESTAMP, "Destination Code" VARCHAR, "Partner Code" VARCHAR,
    "System-Created Entry" BOOLEAN, "Source Type" VARCHAR, "Source No" VARCHAR, "IC Partner Code" VARCHAR,
    "VendorTag Code" VARCHAR, "CustomerTag Code" VARCHAR, "Service_Period" VARCHAR
);

CREATE TABLE AIG_Nav_DW.dbo."Detailed G_L Entry" (
    "id_company" VARCHAR, "Entry No_" BIGINT, "Gen_ Ledger Entry No_" BIGINT, "G_L Account No_" VARCHAR,
    "Posting Date" TIMESTAMP, "Amount" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_DW.dbo."Bank Accounts" (
    "id_company" VARCHAR, "No_" VARCHAR, "Service Provider No_" VARCHAR, "Bank Account Posting Group" VARCHAR
);

CREATE TABLE AIG_Nav_DW.dbo."Bank Account Posting Group" (
    "id_company" VARCHAR, "Code" VARCHAR, "G_L Bank Account No_" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw."Dim_Company" (
    "Company_Code" VARCHAR, "Company_Name" VARCHAR, "Company_Country" VARCHAR, "Opco/Central_?" VARCHAR,
    "Is_Active?" BOOLEAN, "Flg_In_Conso_Scope" BIGINT
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw."Dim_Country" (
    "Country_Code" VARCHAR, "Country_Name" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw."Dim_Busline" (
    "Company_Code" VARCHAR, "Busline_Code" VARCHAR, "Busline_Vertical_Name_1" VARCHAR,
    "Busline_Vertical_Name_2" VARCHAR, "Busline_Vertical_Name_3" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw."Dim_ChartOfAccounts" (
    "Company_Code" VARCHAR, "G/L_Account_No" VARCHAR, "Group_COA_Account_no" VARCHAR,
    "Group_COA_Account_Name" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."GDOC_IFRS_Tabular_Mapping" (
    "Level_4_Code" VARCHAR, "Level_1_Name" VARCHAR, "Level_2_Name" VARCHAR, "Level_3_Name" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT" (
    "ID_COMPANY" VARCHAR, "COMPANY_NAME" VARCHAR, "COUNTRY_CODE" VARCHAR, "COUNTRY_NAME" VARCHAR,
    "CLOSING_DATE" TIMESTAMP, "REFRESH_DATE" TIMESTAMP, "GROUP_COA_ACCOUNT_NO" VARCHAR,
    "GROUP_COA_ACCOUNT_NAME" VARCHAR, "REAL_COA" VARCHAR, "CURRENCY" VARCHAR, "FX_RATE" DECIMAL(38, 20),
    "BALANCE_AT_DATE" DECIMAL(38, 20), "BUSLINE_CODE" VARCHAR, "REPORTING_COUNTRY_CODE" VARCHAR,
    "REPORTING_COUNTRY_NAME" VARCHAR, "PARTNER_CODE" VARCHAR, "IC_PARTNER_CODE" VARCHAR,
    "IS_RECHARGE" BOOLEAN, "IS_RETAINED_EARNINGS" BOOLEAN, "CONSO_ACCOUNT_NO" VARCHAR,
    "CONSO_ACCOUNT_NAME" VARCHAR, "IFRS_LEVEL_1_NAME" VARCHAR, "IFRS_LEVEL_2_NAME" VARCHAR,
    "IFRS_LEVEL_3_NAME" VARCHAR, "IS_INTERCO" BOOLEAN
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_FX_RATES" (
    "country_code" VARCHAR, "country" VARCHAR, "base_currency" VARCHAR, "rate_type" VARCHAR, "year" BIGINT,
    "cod_month" BIGINT, "rate" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."V_STORECREDITVOUCHER_CLOSING" (
    "ID_COMPANY" VARCHAR, "id" VARCHAR, "code" VARCHAR, "business_use" VARCHAR, "description" VARCHAR,
    "is_active" BOOLEAN, "type" VARCHAR, "Template_status" VARCHAR, "discount_amount" DECIMAL(38, 20),
    "from_date" TIMESTAMP, "to_date" TIMESTAMP, "created_at" TIMESTAMP, "updated_at" TIMESTAMP,
    "last_time_used" TIMESTAMP, "snapshot_date" TIMESTAMP, "voucher_inactive_date" TIMESTAMP,
    "template_inactive_date" TIMESTAMP, "reason" VARCHAR, "fk_customer" VARCHAR,
    "used_discount_amount" DECIMAL(38, 20), "times_used" BIGINT, "remaining_amount" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."StoreCreditVoucher" (
    "ID_COMPANY" VARCHAR, "id" VARCHAR, "template_id" VARCHAR, "template_name" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_SOI" (
    "ID_COMPANY" VARCHAR, "ID_Sales_Order_Item" VARCHAR, "COD_OMS_SALES_ORDER_ITEM" VARCHAR,
    "COD_OMS_SALES_ORDER" VARCHAR, "COD_OMS_ID_PACKAGE" VARCHAR, "ORDER_NR" VARCHAR, "PACKAGE_NUMBER" VARCHAR,
    "BOB_ID_CUSTOMER" VARCHAR, "BOB_CUSTOMER_TYPE" VARCHAR, "CURRENT_STATUS" VARCHAR, "IS_PREPAYMENT" BOOLEAN,
    "IS_MARKETPLACE" BOOLEAN, "IS_GLOBAL" BOOLEAN, "PAYMENT_METHOD" VARCHAR, "DELIVERY_TYPE" VARCHAR,
    "VOUCHER_TYPE" VARCHAR, "voucher_code" VARCHAR, "ORDER_CREATION_DATE" TIMESTAMP,
    "FINANCE_VERIFIED_DATE" TIMESTAMP, "SHIPPED_DATE" TIMESTAMP, "DELIVERED_DATE" TIMESTAMP,
    "PACKAGE_DELIVERY_DATE" TIMESTAMP, "CANCELLATION_DATE" TIMESTAMP, "RETURN_DATE" TIMESTAMP,
    "REFUND_DATE" TIMESTAMP, "REFUND_COMPLETED" BOOLEAN, "FAIL_DATE" TIMESTAMP, "TRACKING_NUMBER" VARCHAR,
    "OMS_PACKAGE_STATUS" VARCHAR, "MTR_UNIT_PRICE" DECIMAL(38, 20), "MTR_COUPON_MONEY_VALUE" DECIMAL(38, 20),
    "MTR_CART_RULE_DISCOUNT" DECIMAL(38, 20), "MTR_PAID_PRICE" DECIMAL(38, 20),
    "MTR_AMOUNT_PAID" DECIMAL(38, 20), "MTR_PRICE_AFTER_DISCOUNT" DECIMAL(38, 20),
    "MTR_BASE_SHIPPING_AMOUNT" DECIMAL(38, 20), "MTR_SHIPPING_CART_RULE_DISCOUNT" DECIMAL(38, 20),
    "MTR_SHIPPING_VOUCHER_DISCOUNT" DECIMAL(38, 20), "MTR_SHIPPING_DISCOUNT_AMOUNT" DECIMAL(38, 20),
    "MTR_SHIPPING_FEE_MODIFICATION" DECIMAL(38, 20), "MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT" DECIMAL(38, 20),
    "MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT" DECIMAL(38, 20),
    "MTR_INTERNATIONAL_FREIGHT_FEE" DECIMAL(38, 20),
    "MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_TRANSACTIONS_SELLER" (
    "ID_Company" VARCHAR, "ID_Transaction" VARCHAR, "Transaction_No" VARCHAR,
    "OMS_ID_Sales_Order_Item" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_REFUND_NO_RETURN" (
    "ID_Company" VARCHAR, "OMS_ID_Sales_Order_Item" VARCHAR, "OMS_Type" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_DIM_BOB_CUSTOMER_TYPE" (
    "Bob_Customer_Type" VARCHAR, "Customer_Type_L1" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_CASHREC_TRANSACTION" (
    "ID_Company" VARCHAR, "Transaction_Type" VARCHAR, "Related_Entity" VARCHAR, "Collection_Partner" VARCHAR,
    "Created_Date" TIMESTAMP, "Transaction_List_Nr" VARCHAR, "Transaction_List_Date" TIMESTAMP,
    "Amount" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_CASHREC_REALLOCATIONS" (
    "ID_Company" VARCHAR, "Transaction_type" VARCHAR, "Related_Entity" VARCHAR,
    "Collection_Partner_From" VARCHAR, "Original_Transaction_date" TIMESTAMP,
    "Reallocated_Transaction_Date" TIMESTAMP, "Amount" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_CASHDEPOSIT" (
    "ID_Company" VARCHAR, "OMS_Payment_No" VARCHAR, "OMS_Type" VARCHAR, "OMS_Payment_Date" TIMESTAMP,
    "payment_reversal_date" TIMESTAMP, "OMS_Payment_Status" VARCHAR, "OMS_Payment_Amount" DECIMAL(38, 20),
    "OMS_Charges_Amount" DECIMAL(38, 20), "OMS_Collection_Partner" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_PACKLIST_PACKAGES" (
    "ID_Company" VARCHAR, "OMS_Packlist_No" VARCHAR, "OMS_Packlist_status" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_PACKLIST_PAYMENTS" (
    "ID_Company" VARCHAR, "OMS_Packlist_No" VARCHAR, "OMS_Packlist_Status" VARCHAR,
    "OMS_Packlist_Created_Date" TIMESTAMP, "OMS_Collection_Partner_Name" VARCHAR,
    "OMS_Amount_Received" DECIMAL(38, 20), "OMS_Payment_No" VARCHAR, "OMS_Payment_Date" TIMESTAMP,
    "OMS_Payment_Status" VARCHAR, "OMS_Payment_Reconciled_Amount" DECIMAL(38, 20),
    "OMS_Payment_Charges_Reconciled_Amount" DECIMAL(38, 20)
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_COLLECTIONADJ" (
    "ID_Company" VARCHAR, "OMS_entity_No" VARCHAR, "OMS_Entity_Type" VARCHAR, "OMS_Force_Closed" BOOLEAN,
    "OMS_Close_Date" TIMESTAMP
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_HUBS_3PL_MAPPING" (
    "ID_COMPANY" VARCHAR, "NODE" VARCHAR, "SERVICE_PROVIDER" VARCHAR
);

CREATE TABLE AIG_Nav_Jumia_Reconciliation.dbo."RPT_COLLECTIONPARTNERS" (
    "ID_Company" VARCHAR, "Name" VARCHAR, "Type" VARCHAR, "ERP_Name" VARCHAR
);

CREATE TABLE STG_AIG_NAV_JUMIA_REC.OMS."PACKAGE_CASHREC" (
    "ID_COMPANY" VARCHAR, "package_nr" VARCHAR, "order_nr" VARCHAR, "amount_expected" DECIMAL(38, 20),
    "amount_received" DECIMAL(38, 20), "fk_package_status" VARCHAR, "package_status" VARCHAR,
    "delivery_date" TIMESTAMP, "delivered_update_date" TIMESTAMP, "fk_collection_partner" VARCHAR,
    "last_mile" VARCHAR, "payment_method_confirmed" VARCHAR, "troubleshoot_resolution_date" TIMESTAMP
);
