-- IPE_12: items delivered and to be paid on delivery, whose package's cash was not reconciled at the cutoff.
WITH package AS (
    -- One row a package; should the source repeat one, a row that is not reconciled by the cutoff stands for it
    -- before one that is (what is open is never hidden), and else the first by its key.
    SELECT
        p.ID_COMPANY, p.package_nr, p.package_status, p.amount_expected, p.amount_received,
        p.fk_collection_partner, p.last_mile, p.payment_method_confirmed, p.troubleshoot_resolution_date,
        ROW_NUMBER() OVER (
            PARTITION BY p.ID_COMPANY, p.package_nr COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN p.troubleshoot_resolution_date < @next_month_start THEN 1 ELSE 0 END,
                CASE WHEN p.order_nr IS NULL THEN 1 ELSE 0 END,
                p.order_nr COLLATE Latin1_General_100_BIN2,
                CASE WHEN p.troubleshoot_resolution_date IS NULL THEN 1 ELSE 0 END,
                p.troubleshoot_resolution_date,
                p.package_status COLLATE Latin1_General_100_BIN2,
                p.amount_expected,
                p.amount_received,
                CAST(p.fk_collection_partner AS nvarchar(100)) COLLATE Latin1_General_100_BIN2,
                p.last_mile COLLATE Latin1_General_100_BIN2,
                p.payment_method_confirmed COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(p.package_status, '|', p.fk_collection_partner, '|', p.last_mile, '|', p.payment_method_confirmed, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY p.ID_COMPANY, p.package_nr COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [STG_AIG_NAV_JUMIA_REC].[OMS].[PACKAGE_CASHREC] AS p
    WHERE p.ID_COMPANY IN (@companies)
),
customer_type AS (
    SELECT
        UPPER(LTRIM(RTRIM(y.Bob_Customer_Type))) COLLATE Latin1_General_100_BIN2 AS bob_type,
        MIN(RTRIM(y.Customer_Type_L1) COLLATE Latin1_General_100_BIN2) AS customer_type,
        COUNT(*) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_DIM_BOB_CUSTOMER_TYPE] AS y
    GROUP BY UPPER(LTRIM(RTRIM(y.Bob_Customer_Type))) COLLATE Latin1_General_100_BIN2
),
item AS (
    SELECT
        s.ID_COMPANY, s.PACKAGE_NUMBER, s.COD_OMS_SALES_ORDER_ITEM, s.ORDER_NR, s.BOB_ID_CUSTOMER,
        s.BOB_CUSTOMER_TYPE, s.PAYMENT_METHOD, s.IS_MARKETPLACE, s.VOUCHER_TYPE, s.ORDER_CREATION_DATE,
        s.SHIPPED_DATE, s.DELIVERED_DATE, s.PACKAGE_DELIVERY_DATE, s.TRACKING_NUMBER,
        s.MTR_AMOUNT_PAID, s.MTR_PAID_PRICE,
        COALESCE(s.MTR_BASE_SHIPPING_AMOUNT, 0)
            - COALESCE(s.MTR_SHIPPING_CART_RULE_DISCOUNT, 0)
            - COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0)
            + COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT, 0)
            - COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT, 0)
            + COALESCE(s.MTR_INTERNATIONAL_FREIGHT_FEE, 0)
            - COALESCE(s.MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE, 0) AS paid_shipping
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    WHERE s.ID_COMPANY IN (@companies)
        AND (s.IS_PREPAYMENT IS NULL OR s.IS_PREPAYMENT = 0)
        AND (s.PAYMENT_METHOD IS NULL OR UPPER(LTRIM(RTRIM(s.PAYMENT_METHOD))) <> 'NOPAYMENT')
        AND s.DELIVERED_DATE >= DATEFROMPARTS(2019, 1, 1)
        AND s.DELIVERED_DATE < @next_month_start
)
SELECT
    i.ID_COMPANY AS id_company,
    i.PACKAGE_NUMBER AS package_number,
    i.COD_OMS_SALES_ORDER_ITEM AS order_item_id,
    i.ORDER_NR AS order_nr,
    i.BOB_ID_CUSTOMER AS customer_id,
    y.customer_type AS customer_type,
    i.PAYMENT_METHOD AS payment_method,
    i.IS_MARKETPLACE AS is_marketplace,
    i.VOUCHER_TYPE AS voucher_type,
    i.ORDER_CREATION_DATE AS order_creation_date,
    i.SHIPPED_DATE AS shipped_date,
    i.DELIVERED_DATE AS delivered_date,
    i.PACKAGE_DELIVERY_DATE AS package_delivery_date,
    i.TRACKING_NUMBER AS tracking_number,
    p.package_status AS package_status,
    p.amount_expected AS amount_expected,
    p.amount_received AS amount_received,
    p.fk_collection_partner AS collection_partner,
    p.last_mile AS last_mile,
    p.payment_method_confirmed AS payment_method_confirmed,
    p.troubleshoot_resolution_date AS troubleshoot_resolution_date,
    i.MTR_AMOUNT_PAID AS amount_paid,
    i.MTR_PAID_PRICE AS paid_price,
    i.paid_shipping AS paid_shipping,
    COALESCE(i.MTR_PAID_PRICE, 0) + i.paid_shipping - COALESCE(i.MTR_AMOUNT_PAID, 0) AS amount_due,
    CASE WHEN p.candidates > 1 THEN 1 ELSE 0 END AS several_package,
    CASE WHEN y.candidates > 1 THEN 1 ELSE 0 END AS several_customer_type
FROM item AS i
LEFT JOIN package AS p
    ON UPPER(p.ID_COMPANY) COLLATE Latin1_General_100_BIN2 = UPPER(i.ID_COMPANY) COLLATE Latin1_General_100_BIN2
    AND p.package_nr = i.PACKAGE_NUMBER COLLATE Latin1_General_100_BIN2
    AND p.candidate = 1
LEFT JOIN customer_type AS y
    ON y.bob_type = UPPER(LTRIM(RTRIM(i.BOB_CUSTOMER_TYPE))) COLLATE Latin1_General_100_BIN2
WHERE p.troubleshoot_resolution_date IS NULL
    OR p.troubleshoot_resolution_date >= @next_month_start
