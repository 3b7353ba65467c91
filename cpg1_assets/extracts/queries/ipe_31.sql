-- IPE_31: open items of the cash collection at the cutoff: four sets of rows, then the partner's particulars.
-- Every row is kept, also where two have the same key.
WITH deposit_dates AS (
    -- The cash deposit with a number, by type (Payment or Transfer); one row a number.
    SELECT
        p.ID_Company, p.OMS_Payment_No,
        UPPER(LTRIM(RTRIM(p.OMS_Type))) COLLATE Latin1_General_100_BIN2 AS deposit_type,
        p.OMS_Payment_Date, p.payment_reversal_date,
        ROW_NUMBER() OVER (
            PARTITION BY p.ID_Company,
                p.OMS_Payment_No COLLATE Latin1_General_100_BIN2,
                UPPER(LTRIM(RTRIM(p.OMS_Type))) COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN p.OMS_Payment_Date IS NULL THEN 1 ELSE 0 END,
                p.OMS_Payment_Date,
                CASE WHEN p.payment_reversal_date IS NULL THEN 1 ELSE 0 END,
                p.payment_reversal_date
        ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHDEPOSIT] AS p
    WHERE p.ID_Company IN (@companies)
),
reconciled_packlist AS (
    -- Packlists with a reconciled payment, at any date.
    SELECT DISTINCT
        p.ID_Company AS id_company,
        p.OMS_Packlist_No COLLATE Latin1_General_100_BIN2 AS packlist_no
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS] AS p
    WHERE p.ID_Company IN (@companies)
        AND p.OMS_Payment_No IS NOT NULL
        AND (p.OMS_Payment_Reconciled_Amount <> 0 OR p.OMS_Payment_Charges_Reconciled_Amount <> 0)
),
waiting_packlist AS (
    -- Packlists whose money is still to come: not approved, or not confirmed and nothing reconciled.
    SELECT DISTINCT
        k.ID_Company AS id_company,
        k.OMS_Packlist_No COLLATE Latin1_General_100_BIN2 AS packlist_no
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PACKAGES] AS k
    LEFT JOIN reconciled_packlist AS r
        ON r.id_company = k.ID_Company
        AND r.packlist_no = k.OMS_Packlist_No COLLATE Latin1_General_100_BIN2
    WHERE k.ID_Company IN (@companies)
        AND (
            UPPER(LTRIM(RTRIM(k.OMS_Packlist_status))) = 'WAITINGAPPROVAL'
            OR (UPPER(LTRIM(RTRIM(k.OMS_Packlist_status))) = 'WAITINGCONFIRMATION' AND r.packlist_no IS NULL)
        )
),
dated_transaction AS (
    SELECT
        t.ID_Company, t.Transaction_Type, t.Related_Entity, t.Collection_Partner, t.Amount,
        t.Transaction_List_Nr, t.Transaction_List_Date,
        -- What settles with a cash deposit happens when the deposit does (or is reversed); all else when created.
        CASE
            WHEN UPPER(LTRIM(RTRIM(t.Transaction_Type))) = 'PAYMENT - REV'
                THEN COALESCE(p.payment_reversal_date, t.Created_Date)
            ELSE COALESCE(p.OMS_Payment_Date, t.Created_Date)
        END AS event_date
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_TRANSACTION] AS t
    LEFT JOIN deposit_dates AS p
        ON p.ID_Company = t.ID_Company
        AND p.OMS_Payment_No = t.Related_Entity
        AND p.OMS_Payment_No = t.Related_Entity COLLATE Latin1_General_100_BIN2
        AND p.deposit_type = CASE UPPER(LTRIM(RTRIM(t.Transaction_Type)))
            WHEN 'TRANSFER TO' THEN 'TRANSFER'
            WHEN 'THIRD PARTY COLLECTION' THEN 'PAYMENT'
            WHEN 'PAYMENT - REV' THEN 'PAYMENT'
        END COLLATE Latin1_General_100_BIN2
        AND p.candidate = 1
    WHERE t.ID_Company IN (@companies)
        AND t.Amount <> 0
        AND (
            t.Transaction_Type IS NULL
            OR UPPER(LTRIM(RTRIM(t.Transaction_Type))) NOT IN (
                'PAYMENT', 'COLLECTION ADJUSTMENT (OVER)', 'COLLECTION ADJUSTMENT (UNDER)', 'PAYMENT CHARGES',
                'REALLOCATION FROM', 'TRANSFER FROM', 'PAYMENT CHARGES REV'
            )
        )
),
packlist AS (
    -- The source has a row per packlist and payment, each with the packlist's own figures; of several partners the
    -- first by name.
    SELECT
        q.ID_Company AS id_company,
        RTRIM(q.OMS_Packlist_No) COLLATE Latin1_General_100_BIN2 AS packlist_no,
        MIN(q.OMS_Packlist_Created_Date) AS created_date,
        MIN(CASE WHEN q.place = 1 THEN RTRIM(q.OMS_Collection_Partner_Name) COLLATE Latin1_General_100_BIN2 END)
            AS collection_partner,
        MIN(CASE WHEN q.place = 1 THEN q.partner_name END) AS partner_name,
        COALESCE(MAX(q.OMS_Amount_Received), 0)
            - SUM(CASE
                WHEN q.OMS_Payment_Date < @next_month_start
                    THEN COALESCE(q.OMS_Payment_Reconciled_Amount, 0)
                        + COALESCE(q.OMS_Payment_Charges_Reconciled_Amount, 0)
                ELSE 0
            END) AS amount
    FROM (
        SELECT
            p.ID_Company, p.OMS_Packlist_No, p.OMS_Packlist_Created_Date, p.OMS_Collection_Partner_Name,
            UPPER(LTRIM(RTRIM(p.OMS_Collection_Partner_Name))) COLLATE Latin1_General_100_BIN2 AS partner_name,
            p.OMS_Amount_Received, p.OMS_Payment_Date, p.OMS_Payment_Reconciled_Amount,
            p.OMS_Payment_Charges_Reconciled_Amount,
            ROW_NUMBER() OVER (
                PARTITION BY p.ID_Company, p.OMS_Packlist_No COLLATE Latin1_General_100_BIN2
                ORDER BY CASE WHEN p.OMS_Collection_Partner_Name IS NULL THEN 1 ELSE 0 END,
                    p.OMS_Collection_Partner_Name COLLATE Latin1_General_100_BIN2
            ) AS place
        FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS] AS p
        WHERE p.ID_Company IN (@companies)
            AND p.OMS_Packlist_Created_Date < @next_month_start
            AND UPPER(LTRIM(RTRIM(p.OMS_Packlist_Status))) IN ('INPROGRESS', 'CLOSED', 'WAITINGCONFIRMATION')
    ) AS q
    GROUP BY q.ID_Company, RTRIM(q.OMS_Packlist_No) COLLATE Latin1_General_100_BIN2
),
force_closed_packlist AS (
    SELECT DISTINCT
        a.ID_Company AS id_company,
        a.OMS_entity_No COLLATE Latin1_General_100_BIN2 AS packlist_no
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONADJ] AS a
    WHERE a.ID_Company IN (@companies)
        AND UPPER(LTRIM(RTRIM(a.OMS_Entity_Type))) = 'PACKLIST'
        AND a.OMS_Force_Closed = 1
        AND (a.OMS_Close_Date IS NULL OR a.OMS_Close_Date < @next_month_start)
),
closed_deposit AS (
    SELECT DISTINCT
        a.ID_Company AS id_company,
        a.OMS_entity_No COLLATE Latin1_General_100_BIN2 AS payment_no
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONADJ] AS a
    WHERE a.ID_Company IN (@companies)
        AND (a.OMS_Entity_Type IS NULL OR UPPER(LTRIM(RTRIM(a.OMS_Entity_Type))) <> 'PACKLIST')
        AND a.OMS_Close_Date < @next_month_start
),
deposit_reconciled AS (
    -- What packlists took of each deposit by the cutoff.
    SELECT
        p.ID_Company AS id_company,
        p.OMS_Payment_No COLLATE Latin1_General_100_BIN2 AS payment_no,
        SUM(COALESCE(p.OMS_Payment_Reconciled_Amount, 0) + COALESCE(p.OMS_Payment_Charges_Reconciled_Amount, 0))
            AS amount
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_PACKLIST_PAYMENTS] AS p
    WHERE p.ID_Company IN (@companies)
        AND p.OMS_Packlist_Created_Date < @next_month_start
        AND p.OMS_Payment_Date < @next_month_start
        AND UPPER(LTRIM(RTRIM(p.OMS_Packlist_Status))) IN ('INPROGRESS', 'CLOSED', 'WAITINGCONFIRMATION')
    GROUP BY p.ID_Company, p.OMS_Payment_No COLLATE Latin1_General_100_BIN2
),
open_item AS (
    -- The texts of the four sets get one collation, or the server could not put them together. A partner's name is
    -- folded before it gets one, as on the other side of the joins below.
    -- 1. Open transactions: on no list (null or blank) by the cutoff, or on a packlist that still waits.
    SELECT
        t.ID_Company AS id_company,
        t.event_date AS event_date,
        t.Collection_Partner COLLATE Latin1_General_100_BIN2 AS collection_partner,
        UPPER(LTRIM(RTRIM(t.Collection_Partner))) COLLATE Latin1_General_100_BIN2 AS partner_name,
        t.Transaction_Type COLLATE Latin1_General_100_BIN2 AS transaction_type,
        t.Related_Entity COLLATE Latin1_General_100_BIN2 AS related_entity,
        t.Amount AS amount
    FROM dated_transaction AS t
    LEFT JOIN waiting_packlist AS w
        ON w.id_company = t.ID_Company
        AND w.packlist_no = t.Transaction_List_Nr COLLATE Latin1_General_100_BIN2
    WHERE t.event_date < @next_month_start
        AND (
            NULLIF(LTRIM(RTRIM(t.Transaction_List_Nr)), '') IS NULL
            OR t.Transaction_List_Date >= @next_month_start
            OR w.packlist_no IS NOT NULL
        )
    UNION ALL
    -- 2. Reallocated after the cutoff: back to the partner that had them then.
    SELECT
        r.ID_Company,
        r.Original_Transaction_date,
        r.Collection_Partner_From COLLATE Latin1_General_100_BIN2,
        UPPER(LTRIM(RTRIM(r.Collection_Partner_From))) COLLATE Latin1_General_100_BIN2,
        r.Transaction_type COLLATE Latin1_General_100_BIN2,
        r.Related_Entity COLLATE Latin1_General_100_BIN2,
        r.Amount
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHREC_REALLOCATIONS] AS r
    WHERE r.ID_Company IN (@companies)
        AND r.Original_Transaction_date < @next_month_start
        AND r.Reallocated_Transaction_Date >= @next_month_start
    UNION ALL
    -- 3. Transaction lists in progress: received, and not yet paid in full.
    SELECT
        p.id_company,
        p.created_date,
        p.collection_partner,
        p.partner_name,
        'Translist in progress',
        p.packlist_no,
        p.amount
    FROM packlist AS p
    INNER JOIN reconciled_packlist AS r
        ON r.id_company = p.id_company
        AND r.packlist_no = p.packlist_no
    LEFT JOIN force_closed_packlist AS f
        ON f.id_company = p.id_company
        AND f.packlist_no = p.packlist_no
    WHERE p.amount > 0
        AND f.packlist_no IS NULL
    UNION ALL
    -- 4. Payments and transfers in progress: deposited, and not yet taken in full by packlists.
    SELECT
        d.ID_Company,
        d.OMS_Payment_Date,
        d.OMS_Collection_Partner COLLATE Latin1_General_100_BIN2,
        UPPER(LTRIM(RTRIM(d.OMS_Collection_Partner))) COLLATE Latin1_General_100_BIN2,
        d.OMS_Type COLLATE Latin1_General_100_BIN2,
        d.OMS_Payment_No COLLATE Latin1_General_100_BIN2,
        -(COALESCE(d.OMS_Payment_Amount, 0) + COALESCE(d.OMS_Charges_Amount, 0) - COALESCE(r.amount, 0))
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_CASHDEPOSIT] AS d
    LEFT JOIN deposit_reconciled AS r
        ON r.id_company = d.ID_Company
        AND r.payment_no = d.OMS_Payment_No COLLATE Latin1_General_100_BIN2
    LEFT JOIN closed_deposit AS f
        ON f.id_company = d.ID_Company
        AND f.payment_no = d.OMS_Payment_No COLLATE Latin1_General_100_BIN2
    WHERE d.ID_Company IN (@companies)
        AND d.OMS_Payment_Date < @next_month_start
        AND UPPER(LTRIM(RTRIM(d.OMS_Payment_Status))) IN ('INPROGRESS', 'CLOSED', 'WAITINGCONFIRMATION')
        AND COALESCE(d.OMS_Payment_Amount, 0) + COALESCE(d.OMS_Charges_Amount, 0) - COALESCE(r.amount, 0) > 0
        AND f.payment_no IS NULL
),
-- Joins that only describe take at most one match, the first by its key. Names compare without case and blanks.
company AS (
    SELECT c.Company_Code, c.Company_Country, COUNT(*) OVER (PARTITION BY c.Company_Code) AS candidates, ROW_NUMBER() OVER (
        PARTITION BY c.Company_Code
        -- Of two countries, one that is left out by configuration stands last: nothing is hidden by it.
        ORDER BY CASE WHEN UPPER(LTRIM(RTRIM(c.Company_Country))) IN (@excluded_countries) THEN 1 ELSE 0 END,
            CASE WHEN c.Company_Country IS NULL THEN 1 ELSE 0 END,
            c.Company_Country COLLATE Latin1_General_100_BIN2,
            -- Last, what differs only in blanks at the end: no comparison sees those.
            CONCAT(c.Company_Country, '|') COLLATE Latin1_General_100_BIN2
    ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
),
service_provider AS (
    SELECT
        h.ID_COMPANY AS id_company,
        UPPER(LTRIM(RTRIM(h.NODE))) COLLATE Latin1_General_100_BIN2 AS node,
        MIN(RTRIM(h.SERVICE_PROVIDER) COLLATE Latin1_General_100_BIN2) AS service_provider,
        COUNT(*) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_HUBS_3PL_MAPPING] AS h
    GROUP BY h.ID_COMPANY,
        UPPER(LTRIM(RTRIM(h.NODE))) COLLATE Latin1_General_100_BIN2
),
partner AS (
    SELECT
        p.ID_Company, UPPER(LTRIM(RTRIM(p.Name))) COLLATE Latin1_General_100_BIN2 AS partner_name,
        p.[Type] AS partner_type, p.ERP_Name,
        COUNT(*) OVER (
            PARTITION BY p.ID_Company, UPPER(LTRIM(RTRIM(p.Name))) COLLATE Latin1_General_100_BIN2
        ) AS candidates,
        ROW_NUMBER() OVER (
            PARTITION BY p.ID_Company,
                UPPER(LTRIM(RTRIM(p.Name))) COLLATE Latin1_General_100_BIN2
            ORDER BY p.Name COLLATE Latin1_General_100_BIN2,
                CASE WHEN p.[Type] IS NULL THEN 1 ELSE 0 END,
                p.[Type] COLLATE Latin1_General_100_BIN2,
                CASE WHEN p.ERP_Name IS NULL THEN 1 ELSE 0 END,
                p.ERP_Name COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(p.[Type], '|', p.ERP_Name, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_COLLECTIONPARTNERS] AS p
),
bank_account AS (
    SELECT
        b.id_company, UPPER(LTRIM(RTRIM(b.[Service Provider No_]))) COLLATE Latin1_General_100_BIN2 AS provider,
        g.[G_L Bank Account No_] AS gl_bank_account_no,
        COUNT(*) OVER (
            PARTITION BY b.id_company, UPPER(LTRIM(RTRIM(b.[Service Provider No_]))) COLLATE Latin1_General_100_BIN2
        ) AS candidates,
        ROW_NUMBER() OVER (
            PARTITION BY b.id_company,
                UPPER(LTRIM(RTRIM(b.[Service Provider No_]))) COLLATE Latin1_General_100_BIN2
            ORDER BY b.No_ COLLATE Latin1_General_100_BIN2,
                g.[G_L Bank Account No_] COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(g.[G_L Bank Account No_], '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate
    FROM [AIG_Nav_DW].[dbo].[Bank Accounts] AS b
    INNER JOIN [AIG_Nav_DW].[dbo].[Bank Account Posting Group] AS g
        ON g.id_company = b.id_company
        AND g.[Code] = b.[Bank Account Posting Group]
        AND g.[Code] = b.[Bank Account Posting Group] COLLATE Latin1_General_100_BIN2
    WHERE UPPER(LTRIM(RTRIM(g.[G_L Bank Account No_]))) <> '10058'
        -- NAV writes a blank where nothing is set; that is nobody's name.
        AND LTRIM(RTRIM(b.[Service Provider No_])) <> ''
)
SELECT
    i.id_company AS id_company,
    c.Company_Country AS company_country,
    i.event_date AS event_date,
    i.collection_partner AS collection_partner,
    i.transaction_type AS transaction_type,
    i.related_entity AS related_entity,
    i.amount AS amount,
    h.service_provider AS service_provider,
    p.partner_type AS partner_type,
    p.ERP_Name AS erp_name,
    b.gl_bank_account_no AS gl_bank_account_no,
    CAST(@cutoff_date AS date) AS closing_date,
    CASE WHEN c.candidates > 1 THEN 1 ELSE 0 END AS several_company,
    CASE WHEN h.candidates > 1 THEN 1 ELSE 0 END AS several_service_provider,
    CASE WHEN p.candidates > 1 THEN 1 ELSE 0 END AS several_collection_partner,
    CASE WHEN b.candidates > 1 THEN 1 ELSE 0 END AS several_bank_account
FROM open_item AS i
LEFT JOIN company AS c
    ON c.Company_Code = i.id_company
    AND c.candidate = 1
LEFT JOIN service_provider AS h
    ON h.id_company = i.id_company
    AND h.node = i.partner_name
LEFT JOIN partner AS p
    ON p.ID_Company = i.id_company
    AND p.partner_name = i.partner_name
    AND p.candidate = 1
LEFT JOIN bank_account AS b
    ON UPPER(b.id_company) COLLATE Latin1_General_100_BIN2 = UPPER(i.id_company) COLLATE Latin1_General_100_BIN2
    AND b.provider = UPPER(LTRIM(RTRIM(p.ERP_Name))) COLLATE Latin1_General_100_BIN2
    AND b.candidate = 1
-- Countries left out by configuration; a company without a country stays.
WHERE CASE WHEN UPPER(LTRIM(RTRIM(c.Company_Country))) IN (@excluded_countries) THEN 1 ELSE 0 END = 0
