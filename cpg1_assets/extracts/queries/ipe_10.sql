-- IPE_10: prepaid order items that at the cutoff were neither delivered nor refunded.
-- The tables hold the state of today; for a past month only their dates speak.
WITH item AS (
    SELECT
        s.ID_COMPANY, s.COD_OMS_SALES_ORDER_ITEM, s.ORDER_NR, s.BOB_ID_CUSTOMER, s.CURRENT_STATUS,
        s.IS_PREPAYMENT, s.IS_MARKETPLACE, s.DELIVERY_TYPE, s.PAYMENT_METHOD, s.ORDER_CREATION_DATE,
        s.FINANCE_VERIFIED_DATE, s.DELIVERED_DATE, s.PACKAGE_DELIVERY_DATE, s.REFUND_COMPLETED,
        s.REFUND_DATE, s.FAIL_DATE, s.MTR_PAID_PRICE,
        -- What sellers ship, and what is not shipped at all, has no package of ours.
        CASE
            WHEN s.IS_MARKETPLACE = 1 THEN s.DELIVERED_DATE
            WHEN UPPER(LTRIM(RTRIM(s.DELIVERY_TYPE))) IN ('DIGITAL CONTENT', 'GIFT CARD') THEN s.DELIVERED_DATE
            ELSE s.PACKAGE_DELIVERY_DATE
        END AS delivery,
        COALESCE(s.MTR_UNIT_PRICE, 0)
            - COALESCE(s.MTR_COUPON_MONEY_VALUE, 0)
            - COALESCE(s.MTR_CART_RULE_DISCOUNT, 0) AS paid_for_items,
        COALESCE(s.MTR_BASE_SHIPPING_AMOUNT, 0)
            - COALESCE(s.MTR_SHIPPING_CART_RULE_DISCOUNT, 0)
            - COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0)
            + COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_AMOUNT, 0)
            - COALESCE(s.MTR_INTERNATIONAL_CUSTOMS_FEE_CART_RULE_DISCOUNT, 0)
            + COALESCE(s.MTR_INTERNATIONAL_FREIGHT_FEE, 0)
            - COALESCE(s.MTR_INTERNATIONAL_DELIVERY_FEE_CART_RULE, 0) AS paid_for_shipping
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    WHERE s.ID_COMPANY IN (@companies)
        AND s.IS_PREPAYMENT = 1
        AND s.ORDER_CREATION_DATE >= DATEFROMPARTS(2018, 1, 2) -- after 2018-01-01
        AND s.FINANCE_VERIFIED_DATE >= DATEFROMPARTS(2018, 1, 1)
        AND s.FINANCE_VERIFIED_DATE < @next_month_start
        AND (s.REFUND_DATE IS NULL OR s.REFUND_DATE >= @next_month_start)
)
SELECT
    i.ID_COMPANY AS id_company,
    i.COD_OMS_SALES_ORDER_ITEM AS order_item_id,
    i.ORDER_NR AS order_nr,
    i.BOB_ID_CUSTOMER AS customer_id,
    i.CURRENT_STATUS AS current_status,
    CAST(CASE WHEN UPPER(LTRIM(RTRIM(i.CURRENT_STATUS))) = 'CLOSED' THEN 1 ELSE 0 END AS bit) AS is_closed,
    i.IS_PREPAYMENT AS is_prepayment,
    i.IS_MARKETPLACE AS is_marketplace,
    i.DELIVERY_TYPE AS delivery_type,
    i.PAYMENT_METHOD AS payment_method,
    i.ORDER_CREATION_DATE AS order_creation_date,
    i.FINANCE_VERIFIED_DATE AS finance_verified_date,
    i.DELIVERED_DATE AS delivered_date,
    i.PACKAGE_DELIVERY_DATE AS package_delivery_date,
    i.REFUND_COMPLETED AS refund_completed,
    i.REFUND_DATE AS refund_date,
    i.FAIL_DATE AS fail_date,
    i.paid_for_items AS paid_for_items,
    i.MTR_PAID_PRICE AS paid_price,
    i.paid_for_shipping AS paid_for_shipping,
    i.paid_for_items + i.paid_for_shipping AS prepayment_amount
FROM item AS i
WHERE i.delivery IS NULL
    OR i.delivery >= @next_month_start
