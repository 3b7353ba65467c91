-- IPE_34: refunds and returns that had not met at the cutoff. Debit positive.
--   refunded, not yet returned: the customer has both the money and the goods (a claim, positive);
--   returned, not yet refunded: the group has both (a liability, negative).
WITH item AS (
    SELECT
        s.ID_COMPANY, s.COD_OMS_SALES_ORDER_ITEM, s.CURRENT_STATUS, s.IS_MARKETPLACE, s.IS_GLOBAL, s.ORDER_NR,
        s.BOB_ID_CUSTOMER, s.BOB_CUSTOMER_TYPE, s.FINANCE_VERIFIED_DATE, s.RETURN_DATE, s.REFUND_DATE,
        CASE
            WHEN s.DELIVERED_DATE < @next_month_start
                AND s.REFUND_DATE >= DATEFROMPARTS(2019, 1, 1)
                AND s.REFUND_DATE < @next_month_start
                AND (s.RETURN_DATE IS NULL OR s.RETURN_DATE >= @next_month_start)
                THEN 1
            WHEN s.RETURN_DATE >= DATEFROMPARTS(2019, 1, 1)
                AND s.RETURN_DATE < @next_month_start
                AND (s.REFUND_DATE IS NULL OR s.REFUND_DATE >= @next_month_start)
                THEN -1
        END AS direction,
        COALESCE(s.MTR_PRICE_AFTER_DISCOUNT, 0)
            + COALESCE(s.MTR_BASE_SHIPPING_AMOUNT, 0)
            + COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT, 0)
            - COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT, 0)
            - COALESCE(s.MTR_SHIPPING_CART_RULE_DISCOUNT, 0)
            - CASE
                WHEN UPPER(LTRIM(RTRIM(s.VOUCHER_TYPE))) = 'COUPON' THEN COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0)
                ELSE 0
            END AS amount
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    WHERE s.ID_COMPANY IN (@companies)
        AND (
            (s.REFUND_DATE >= DATEFROMPARTS(2019, 1, 1) AND s.REFUND_DATE < @next_month_start)
            OR (s.RETURN_DATE >= DATEFROMPARTS(2019, 1, 1) AND s.RETURN_DATE < @next_month_start)
        )
),
-- Joins that only describe take at most one match, the first by its key.
customer_type AS (
    SELECT
        UPPER(LTRIM(RTRIM(y.Bob_Customer_Type))) COLLATE Latin1_General_100_BIN2 AS bob_type,
        MIN(RTRIM(y.Customer_Type_L1) COLLATE Latin1_General_100_BIN2) AS customer_type,
        COUNT(*) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_DIM_BOB_CUSTOMER_TYPE] AS y
    GROUP BY UPPER(LTRIM(RTRIM(y.Bob_Customer_Type))) COLLATE Latin1_General_100_BIN2
),
refund_no_return AS (
    SELECT
        r.ID_Company AS id_company,
        CAST(r.OMS_ID_Sales_Order_Item AS nvarchar(100)) COLLATE Latin1_General_100_BIN2 AS order_item_id,
        MIN(RTRIM(r.OMS_Type) COLLATE Latin1_General_100_BIN2) AS oms_type,
        COUNT(*) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_REFUND_NO_RETURN] AS r
    WHERE r.ID_Company IN (@companies)
    GROUP BY r.ID_Company, CAST(r.OMS_ID_Sales_Order_Item AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
)
SELECT
    i.ID_COMPANY AS id_company,
    i.COD_OMS_SALES_ORDER_ITEM AS order_item_id,
    CASE WHEN i.direction = 1 THEN 'Refunded not yet returned' ELSE 'Returned not yet refunded' END AS case_type,
    i.CURRENT_STATUS AS current_status,
    i.IS_MARKETPLACE AS is_marketplace,
    i.IS_GLOBAL AS is_global,
    i.ORDER_NR AS order_nr,
    i.BOB_ID_CUSTOMER AS customer_id,
    y.customer_type AS customer_type,
    r.oms_type AS oms_type,
    i.FINANCE_VERIFIED_DATE AS finance_verified_date,
    i.RETURN_DATE AS return_date,
    i.REFUND_DATE AS refund_date,
    CASE WHEN i.direction = 1 THEN i.amount ELSE -i.amount END AS amount_to_refund,
    CASE WHEN y.candidates > 1 THEN 1 ELSE 0 END AS several_customer_type,
    CASE WHEN r.candidates > 1 THEN 1 ELSE 0 END AS several_refund_without_return
FROM item AS i
LEFT JOIN customer_type AS y
    ON y.bob_type = UPPER(LTRIM(RTRIM(i.BOB_CUSTOMER_TYPE))) COLLATE Latin1_General_100_BIN2
LEFT JOIN refund_no_return AS r
    ON r.id_company = i.ID_COMPANY
    AND r.order_item_id = CAST(i.COD_OMS_SALES_ORDER_ITEM AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
WHERE i.direction IS NOT NULL
