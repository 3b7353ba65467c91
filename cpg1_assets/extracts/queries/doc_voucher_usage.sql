-- DOC_VOUCHER_USAGE: what delivered order items used of reusable vouchers, by month of the package's delivery.
-- The voucher's code is bearer money: it is joined on here and is never an output column.
WITH voucher AS (
    SELECT v.ID_COMPANY, v.code, v.id, v.business_use, v.created_at, ROW_NUMBER() OVER (
        PARTITION BY v.ID_COMPANY COLLATE Latin1_General_100_BIN2, v.code COLLATE Latin1_General_100_BIN2
        ORDER BY CAST(v.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2, v.created_at,
            v.business_use COLLATE Latin1_General_100_BIN2
    ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
    WHERE v.ID_COMPANY IN (@companies)
        AND v.snapshot_date >= @cutoff_date
        AND v.snapshot_date < @next_month_start
),
seller_transaction AS (
    SELECT r.ID_Company, r.OMS_ID_Sales_Order_Item, r.Transaction_No, ROW_NUMBER() OVER (
        PARTITION BY r.ID_Company COLLATE Latin1_General_100_BIN2,
            CAST(r.OMS_ID_Sales_Order_Item AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
        ORDER BY CASE WHEN r.ID_Transaction IS NULL THEN 1 ELSE 0 END,
            CAST(r.ID_Transaction AS nvarchar(100)) COLLATE Latin1_General_100_BIN2,
            r.Transaction_No COLLATE Latin1_General_100_BIN2
    ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_TRANSACTIONS_SELLER] AS r
    WHERE r.ID_Company IN (@companies)
),
item AS (
    -- The rows are groups, and what is grouped has no blanks at its end: which of several it would be is chance.
    SELECT
        RTRIM(s.ID_COMPANY) COLLATE Latin1_General_100_BIN2 AS id_company,
        RTRIM(CAST(v.id AS nvarchar(100))) COLLATE Latin1_General_100_BIN2 AS voucher_id,
        RTRIM(r.Transaction_No) COLLATE Latin1_General_100_BIN2 AS transaction_no,
        RTRIM(s.VOUCHER_TYPE) COLLATE Latin1_General_100_BIN2 AS voucher_type,
        UPPER(LTRIM(RTRIM(s.VOUCHER_TYPE))) AS same_type,
        RTRIM(v.business_use) COLLATE Latin1_General_100_BIN2 AS business_use,
        YEAR(v.created_at) AS creation_year,
        YEAR(s.PACKAGE_DELIVERY_DATE) * 100 + MONTH(s.PACKAGE_DELIVERY_DATE) AS delivery_month,
        COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0) AS shipping_storecredit,
        CASE WHEN s.IS_MARKETPLACE = 1 THEN COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) ELSE 0 END AS mpl_storecredit,
        CASE WHEN s.IS_MARKETPLACE = 1 THEN 0 ELSE COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) END AS rtl_storecredit
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    LEFT JOIN voucher AS v
        ON v.ID_COMPANY = s.ID_COMPANY COLLATE Latin1_General_100_BIN2
        AND v.code = s.voucher_code COLLATE Latin1_General_100_BIN2
        AND v.candidate = 1
    LEFT JOIN seller_transaction AS r
        ON r.ID_Company = s.ID_COMPANY COLLATE Latin1_General_100_BIN2
        AND r.OMS_ID_Sales_Order_Item = CAST(s.COD_OMS_SALES_ORDER_ITEM AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
        AND r.candidate = 1
    WHERE s.ID_COMPANY IN (@companies)
        AND UPPER(LTRIM(RTRIM(s.VOUCHER_TYPE))) = 'REUSABLECREDIT'
        AND s.PACKAGE_DELIVERY_DATE < @next_month_start
        AND s.DELIVERED_DATE >= DATEFROMPARTS(2015, 1, 1)
)
SELECT
    i.id_company AS id_company,
    i.voucher_id AS voucher_id,
    i.transaction_no AS transaction_no,
    MIN(i.voucher_type) AS voucher_type,
    MIN(i.business_use) AS business_use,
    MIN(i.creation_year) AS creation_year,
    i.delivery_month AS delivery_month,
    SUM(i.shipping_storecredit) AS shipping_storecredit,
    SUM(i.mpl_storecredit) AS mpl_storecredit,
    SUM(i.rtl_storecredit) AS rtl_storecredit,
    SUM(i.shipping_storecredit) + SUM(i.mpl_storecredit) + SUM(i.rtl_storecredit) AS total_amount_used
FROM item AS i
GROUP BY i.id_company, i.voucher_id, i.transaction_no, i.same_type, i.delivery_month
