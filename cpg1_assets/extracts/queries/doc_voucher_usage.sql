-- DOC_VOUCHER_USAGE: what delivered order items used of reusable vouchers, by month of the package's delivery.
-- The voucher's code is bearer money: it is joined on here and is never an output column.
WITH voucher AS (
    SELECT
        v.ID_COMPANY, v.code, v.id, v.business_use, v.created_at,
        ROW_NUMBER() OVER (
            PARTITION BY v.ID_COMPANY, v.code COLLATE Latin1_General_100_BIN2
            ORDER BY CAST(v.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2, v.created_at,
                v.business_use COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY v.ID_COMPANY, v.code COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
    WHERE v.ID_COMPANY IN (@companies)
        AND v.snapshot_date >= @cutoff_date
        AND v.snapshot_date < @next_month_start
),
usage_of_item AS (
    -- Added up first, so that a row is one order item's use of one code in one month, and only the seller
    -- transactions of these items are looked at. What is grouped has no blanks at its end: which of several texts
    -- it would be is chance.
    SELECT
        s.ID_COMPANY,
        s.voucher_code COLLATE Latin1_General_100_BIN2 AS voucher_code,
        CAST(s.COD_OMS_SALES_ORDER_ITEM AS nvarchar(100)) COLLATE Latin1_General_100_BIN2 AS order_item_id,
        YEAR(s.PACKAGE_DELIVERY_DATE) * 100 + MONTH(s.PACKAGE_DELIVERY_DATE) AS delivery_month,
        MIN(RTRIM(s.VOUCHER_TYPE) COLLATE Latin1_General_100_BIN2) AS voucher_type,
        COUNT(*) AS items,
        SUM(COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0)) AS shipping_storecredit,
        SUM(CASE WHEN s.IS_MARKETPLACE = 1 THEN COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) ELSE 0 END)
            AS mpl_storecredit,
        SUM(CASE WHEN s.IS_MARKETPLACE = 1 THEN 0 ELSE COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) END)
            AS rtl_storecredit
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    WHERE s.ID_COMPANY IN (@companies)
        AND s.DELIVERED_DATE >= DATEFROMPARTS(2015, 1, 1)
        AND s.PACKAGE_DELIVERY_DATE < @next_month_start
        AND UPPER(LTRIM(RTRIM(s.VOUCHER_TYPE))) = 'REUSABLECREDIT'
    GROUP BY
        s.ID_COMPANY,
        s.voucher_code COLLATE Latin1_General_100_BIN2,
        CAST(s.COD_OMS_SALES_ORDER_ITEM AS nvarchar(100)) COLLATE Latin1_General_100_BIN2,
        YEAR(s.PACKAGE_DELIVERY_DATE) * 100 + MONTH(s.PACKAGE_DELIVERY_DATE)
),
described AS (
    SELECT
        u.ID_COMPANY, u.delivery_month, u.voucher_type, u.items,
        u.shipping_storecredit, u.mpl_storecredit, u.rtl_storecredit,
        CAST(v.id AS nvarchar(100)) AS voucher_id, v.business_use, v.created_at, r.Transaction_No,
        v.candidates AS vouchers,
        ROW_NUMBER() OVER (
            PARTITION BY u.ID_COMPANY, u.voucher_code, u.order_item_id, u.delivery_month
            ORDER BY CASE WHEN r.ID_Transaction IS NULL THEN 1 ELSE 0 END,
                CAST(r.ID_Transaction AS nvarchar(100)) COLLATE Latin1_General_100_BIN2,
                r.Transaction_No COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY u.ID_COMPANY, u.voucher_code, u.order_item_id, u.delivery_month) AS transactions
    FROM usage_of_item AS u
    LEFT JOIN voucher AS v
        ON v.ID_COMPANY = u.ID_COMPANY
        AND v.code COLLATE Latin1_General_100_BIN2 = u.voucher_code
        AND v.candidate = 1
    LEFT JOIN [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_TRANSACTIONS_SELLER] AS r
        ON r.ID_Company = u.ID_COMPANY
        AND CAST(r.OMS_ID_Sales_Order_Item AS nvarchar(100)) COLLATE Latin1_General_100_BIN2 = u.order_item_id
)
SELECT
    d.ID_COMPANY AS id_company,
    RTRIM(d.voucher_id) COLLATE Latin1_General_100_BIN2 AS voucher_id,
    RTRIM(d.Transaction_No) COLLATE Latin1_General_100_BIN2 AS transaction_no,
    MIN(d.voucher_type) AS voucher_type,
    MIN(RTRIM(d.business_use) COLLATE Latin1_General_100_BIN2) AS business_use,
    MIN(YEAR(d.created_at)) AS creation_year,
    d.delivery_month AS delivery_month,
    SUM(d.shipping_storecredit) AS shipping_storecredit,
    SUM(d.mpl_storecredit) AS mpl_storecredit,
    SUM(d.rtl_storecredit) AS rtl_storecredit,
    SUM(d.shipping_storecredit) + SUM(d.mpl_storecredit) + SUM(d.rtl_storecredit) AS total_amount_used,
    SUM(CASE WHEN d.vouchers > 1 THEN d.items ELSE 0 END) AS several_voucher,
    SUM(CASE WHEN d.transactions > 1 THEN d.items ELSE 0 END) AS several_seller_transaction
FROM described AS d
WHERE d.candidate = 1
GROUP BY
    d.ID_COMPANY,
    RTRIM(d.voucher_id) COLLATE Latin1_General_100_BIN2,
    RTRIM(d.Transaction_No) COLLATE Latin1_General_100_BIN2,
    d.delivery_month
