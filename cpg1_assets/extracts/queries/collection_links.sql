-- COLLECTION_LINKS: which transactions went into which list, and which list into which payment, by the cutoff.
-- A row names a list and what it links: a transaction, a payment, or both. A number that is blank is no number.
WITH listed AS (
    -- Transactions by the list they are on. A list without a date is as old as its packlist; without that, unknown.
    SELECT
        t.ID_Company AS id_company,
        RTRIM(t.Transaction_List_Nr) COLLATE Latin1_General_100_BIN2 AS list_no,
        RTRIM(t.Related_Entity) COLLATE Latin1_General_100_BIN2 AS entity
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_TRANSACTION] AS t
    WHERE t.ID_Company IN (@companies)
        AND t.Transaction_List_Nr <> ''
        AND t.Related_Entity <> ''
        AND (
            t.Transaction_List_Date < @next_month_start
            OR (
                t.Transaction_List_Date IS NULL
                AND EXISTS (
                    SELECT 1
                    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS] AS k
                    WHERE k.ID_Company = t.ID_Company
                        AND k.OMS_Packlist_No = t.Transaction_List_Nr
                        AND k.OMS_Packlist_No = t.Transaction_List_Nr COLLATE Latin1_General_100_BIN2
                        AND k.OMS_Packlist_Created_Date < @next_month_start
                )
            )
        )
    GROUP BY t.ID_Company,
        RTRIM(t.Transaction_List_Nr) COLLATE Latin1_General_100_BIN2,
        RTRIM(t.Related_Entity) COLLATE Latin1_General_100_BIN2
),
paid AS (
    -- Payments by the packlist they are for.
    SELECT
        p.ID_Company AS id_company,
        RTRIM(p.OMS_Packlist_No) COLLATE Latin1_General_100_BIN2 AS list_no,
        RTRIM(p.OMS_Payment_No) COLLATE Latin1_General_100_BIN2 AS payment_no
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS] AS p
    WHERE p.ID_Company IN (@companies)
        AND p.OMS_Packlist_No <> ''
        AND p.OMS_Payment_No <> ''
        AND p.OMS_Packlist_Created_Date < @next_month_start
        AND p.OMS_Payment_Date < @next_month_start
    GROUP BY p.ID_Company,
        RTRIM(p.OMS_Packlist_No) COLLATE Latin1_General_100_BIN2,
        RTRIM(p.OMS_Payment_No) COLLATE Latin1_General_100_BIN2
)
SELECT
    COALESCE(t.id_company, p.id_company) AS id_company,
    t.entity AS related_entity,
    COALESCE(t.list_no, p.list_no) AS transaction_list_no,
    p.payment_no AS payment_no
FROM listed AS t
FULL JOIN paid AS p
    ON p.id_company = t.id_company
    AND p.list_no = t.list_no
