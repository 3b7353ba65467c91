-- NAV_OPEN_ITEMS: general ledger entries on the control's accounts that are open at the cutoff.
-- What is open of an entry is the sum of its detailed entries of all years: applied in full, it is zero.
WITH open_entry AS (
    SELECT
        d.id_company,
        d.[Gen_ Ledger Entry No_] AS entry_no,
        SUM(COALESCE(d.[Amount], 0)) AS remaining_amount
    FROM [AIG_Nav_DW].[dbo].[Detailed G_L Entry] AS d
    WHERE d.id_company IN (@companies)
        AND d.[Posting Date] < @next_month_start
    GROUP BY d.id_company, d.[Gen_ Ledger Entry No_]
    HAVING SUM(COALESCE(d.[Amount], 0)) <> 0
),
-- The company's chart says which group account a local account belongs to: this join is the account filter.
account AS (
    SELECT
        a.Company_Code, a.[G/L_Account_No], a.Group_COA_Account_no,
        ROW_NUMBER() OVER (
            PARTITION BY a.Company_Code, a.[G/L_Account_No] COLLATE Latin1_General_100_BIN2
            ORDER BY a.Group_COA_Account_no COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(a.Group_COA_Account_no, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY a.Company_Code, a.[G/L_Account_No] COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_ChartOfAccounts] AS a
    WHERE a.Company_Code IN (@companies)
        AND UPPER(LTRIM(RTRIM(a.Group_COA_Account_no))) IN (@gl_accounts)
),
-- Joins that only describe take at most one match, the first by its key.
company AS (
    SELECT
        c.Company_Code, c.Company_Country,
        ROW_NUMBER() OVER (
            PARTITION BY c.Company_Code
            ORDER BY CASE WHEN c.Company_Country IS NULL THEN 1 ELSE 0 END,
                c.Company_Country COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(c.Company_Country, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY c.Company_Code) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
)
SELECT
    e.id_company AS id_company,
    c.Company_Country AS company_country,
    e.[Entry No_] AS entry_no,
    e.[Chart of Accounts No_] AS gl_account_no,
    a.Group_COA_Account_no AS group_coa_account_no,
    -- NAV keeps "no date" as 1753-01-01.
    CAST(NULLIF(e.[Posting Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS posting_date,
    CAST(NULLIF(e.[Document Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS document_date,
    e.[Document No_] AS document_no,
    e.[External Document No_] AS external_document_no,
    e.[Voucher No_] AS voucher_no,
    e.[Document Type] AS document_type,
    e.[Document Description] AS document_description,
    e.[Comment] AS comment,
    e.[Reason Code] AS reason_code,
    e.[Source Code] AS source_code,
    e.[Source Type] AS source_type,
    e.[Source No] AS source_no,
    e.[Bal_ Account Type] AS bal_account_type,
    e.[User ID] AS user_id,
    e.[Reversed] AS reversed,
    NULLIF(e.[G_L Creation Date], DATEFROMPARTS(1753, 1, 1)) AS gl_creation_date,
    e.[Amount] AS amount,
    o.remaining_amount AS remaining_amount,
    CASE WHEN a.candidates > 1 THEN 1 ELSE 0 END AS several_chart_of_accounts,
    CASE WHEN c.candidates > 1 THEN 1 ELSE 0 END AS several_company
FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS e
INNER JOIN open_entry AS o
    ON o.id_company = e.id_company
    AND o.entry_no = e.[Entry No_]
INNER JOIN account AS a
    ON UPPER(a.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND a.[G/L_Account_No] = e.[Chart of Accounts No_] COLLATE Latin1_General_100_BIN2
    AND a.candidate = 1
LEFT JOIN company AS c
    ON UPPER(c.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND c.candidate = 1
WHERE e.id_company IN (@companies)
