-- IPE_08: vouchers of the closing snapshot, with what was used of each according to delivered order items.
-- The voucher's code is bearer money: it is joined on here and is never an output column.
WITH usage_by_type AS (
    -- A voucher's items may carry several voucher types; case and blanks around do not make another type.
    SELECT
        s.ID_COMPANY,
        s.voucher_code COLLATE Latin1_General_100_BIN2 AS voucher_code,
        MIN(RTRIM(s.VOUCHER_TYPE) COLLATE Latin1_General_100_BIN2) AS voucher_type,
        SUM(COALESCE(s.MTR_SHIPPING_DISCOUNT_AMOUNT, 0)) AS shipping_discount,
        SUM(COALESCE(s.MTR_SHIPPING_VOUCHER_DISCOUNT, 0)) AS shipping_storecredit,
        SUM(CASE WHEN s.IS_MARKETPLACE = 1 THEN COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) ELSE 0 END)
            AS mpl_storecredit,
        SUM(CASE WHEN s.IS_MARKETPLACE = 1 THEN 0 ELSE COALESCE(s.MTR_COUPON_MONEY_VALUE, 0) END)
            AS rtl_storecredit
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI] AS s
    WHERE s.ID_COMPANY IN (@companies)
        AND s.DELIVERED_DATE >= DATEFROMPARTS(2015, 1, 1)
        AND s.PACKAGE_DELIVERY_DATE < @next_month_start
        -- Only what the vouchers of the snapshot were used for is added up.
        AND EXISTS (
            SELECT 1
            FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS n
            WHERE n.ID_COMPANY = s.ID_COMPANY
                AND n.code = s.voucher_code
                AND n.code = s.voucher_code COLLATE Latin1_General_100_BIN2
                AND n.snapshot_date >= @cutoff_date
                AND n.snapshot_date < @next_month_start
        )
    GROUP BY
        s.ID_COMPANY,
        s.voucher_code COLLATE Latin1_General_100_BIN2,
        UPPER(LTRIM(RTRIM(s.VOUCHER_TYPE))) COLLATE Latin1_General_100_BIN2
),
usage_ranked AS (
    -- The type with the larger amount comes first, on a tie the first by name. No type is no candidate.
    SELECT
        t.ID_COMPANY, t.voucher_code, t.voucher_type,
        t.shipping_discount, t.shipping_storecredit, t.mpl_storecredit, t.rtl_storecredit,
        ROW_NUMBER() OVER (
            PARTITION BY t.ID_COMPANY, t.voucher_code
            ORDER BY CASE WHEN t.voucher_type IS NULL THEN 1 ELSE 0 END,
                t.shipping_storecredit + t.mpl_storecredit + t.rtl_storecredit DESC,
                t.voucher_type
        ) AS place
    FROM usage_by_type AS t
),
voucher_usage AS (
    SELECT
        r.ID_COMPANY, r.voucher_code,
        MAX(CASE WHEN r.place = 1 THEN r.voucher_type END) AS voucher_type,
        SUM(r.shipping_discount) AS shipping_discount,
        SUM(r.shipping_storecredit) AS shipping_storecredit,
        SUM(r.mpl_storecredit) AS mpl_storecredit,
        SUM(r.rtl_storecredit) AS rtl_storecredit
    FROM usage_ranked AS r
    GROUP BY r.ID_COMPANY, r.voucher_code
),
-- A join that only describes takes at most one match, the first by its key.
template AS (
    SELECT
        t.ID_COMPANY, t.id, t.template_id, t.template_name,
        ROW_NUMBER() OVER (
            PARTITION BY t.ID_COMPANY, CAST(t.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN t.template_id IS NULL THEN 1 ELSE 0 END,
                CAST(t.template_id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2,
                t.template_name COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(t.template_id, '|', t.template_name, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY t.ID_COMPANY, CAST(t.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2)
            AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[StoreCreditVoucher] AS t
    WHERE t.ID_COMPANY IN (@companies)
)
SELECT
    v.ID_COMPANY AS id_company,
    v.id AS voucher_id,
    v.business_use AS business_use,
    CASE
        WHEN UPPER(LTRIM(RTRIM(v.business_use))) = 'JPAY_STORE_CREDIT' THEN
            CASE LEFT(UPPER(LTRIM(v.code)), 2)
                WHEN 'GC' THEN 'jpay_store_credit_gift'
                WHEN 'JP' THEN 'jpay_store_credit_DS'
                ELSE 'jpay_store_credit_other'
            END
        ELSE v.business_use
    END AS business_use_formatted,
    t.template_id AS template_id,
    t.template_name AS template_name,
    v.description AS description,
    v.is_active AS is_active,
    v.[type] AS voucher_kind,
    v.Template_status AS template_status,
    v.discount_amount AS discount_amount,
    v.from_date AS from_date,
    v.to_date AS to_date,
    CASE WHEN v.to_date < @next_month_start THEN 'expired' ELSE 'valid' END AS is_valid,
    v.created_at AS created_at,
    v.updated_at AS updated_at,
    v.last_time_used AS last_time_used,
    v.snapshot_date AS snapshot_date,
    v.voucher_inactive_date AS voucher_inactive_date,
    v.template_inactive_date AS template_inactive_date,
    -- The earliest of the three that is set.
    CASE
        WHEN v.to_date <= COALESCE(v.voucher_inactive_date, v.to_date)
            AND v.to_date <= COALESCE(v.template_inactive_date, v.to_date) THEN v.to_date
        WHEN v.voucher_inactive_date <= COALESCE(v.template_inactive_date, v.voucher_inactive_date)
            THEN v.voucher_inactive_date
        ELSE v.template_inactive_date
    END AS inactive_date,
    v.reason AS reason,
    v.fk_customer AS customer_id,
    v.used_discount_amount AS used_discount_amount,
    v.times_used AS times_used,
    v.remaining_amount AS remaining_amount,
    u.voucher_type AS voucher_type,
    COALESCE(u.shipping_discount, 0) AS shipping_discount,
    COALESCE(u.shipping_storecredit, 0) AS shipping_storecredit,
    COALESCE(u.mpl_storecredit, 0) AS mpl_storecredit,
    COALESCE(u.rtl_storecredit, 0) AS rtl_storecredit,
    COALESCE(u.shipping_storecredit, 0) + COALESCE(u.mpl_storecredit, 0) + COALESCE(u.rtl_storecredit, 0)
        AS total_amount_used,
    COALESCE(v.discount_amount, 0)
        - COALESCE(u.shipping_storecredit, 0) - COALESCE(u.mpl_storecredit, 0) - COALESCE(u.rtl_storecredit, 0)
        AS total_remaining_amount,
    CASE WHEN t.candidates > 1 THEN 1 ELSE 0 END AS several_template
FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
LEFT JOIN voucher_usage AS u
    ON u.ID_COMPANY = v.ID_COMPANY
    AND u.voucher_code = v.code COLLATE Latin1_General_100_BIN2
LEFT JOIN template AS t
    ON t.ID_COMPANY = v.ID_COMPANY
    AND CAST(t.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2 = CAST(v.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2
    AND t.candidate = 1
WHERE v.ID_COMPANY IN (@companies)
    AND v.snapshot_date >= @cutoff_date
    AND v.snapshot_date < @next_month_start
    AND v.created_at >= DATEFROMPARTS(2017, 1, 1)
    AND v.created_at < @next_month_start
