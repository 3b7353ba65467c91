-- CR_03: general ledger entries on the control's accounts that moved a balance in the year so far.
-- An entry counts by its detailed entries dated in the year, whenever it was posted itself.
WITH moved AS (
    SELECT
        d.id_company,
        d.[Gen_ Ledger Entry No_] AS entry_no,
        SUM(COALESCE(d.[Amount], 0)) AS remaining_amount
    FROM [AIG_Nav_DW].[dbo].[Detailed G_L Entry] AS d
    WHERE d.id_company IN (@companies)
        AND d.[Posting Date] >= @year_start
        AND d.[Posting Date] < @next_month_start
    GROUP BY d.id_company, d.[Gen_ Ledger Entry No_]
),
-- The company's chart says which group account a local account belongs to: this join is the account filter.
account AS (
    SELECT
        a.Company_Code, a.[G/L_Account_No], a.Group_COA_Account_no, a.Group_COA_Account_Name,
        ROW_NUMBER() OVER (
            PARTITION BY a.Company_Code, a.[G/L_Account_No] COLLATE Latin1_General_100_BIN2
            ORDER BY a.Group_COA_Account_no COLLATE Latin1_General_100_BIN2,
                CASE WHEN a.Group_COA_Account_Name IS NULL THEN 1 ELSE 0 END,
                a.Group_COA_Account_Name COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(a.Group_COA_Account_no, '|', a.Group_COA_Account_Name, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY a.Company_Code, a.[G/L_Account_No] COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_ChartOfAccounts] AS a
    WHERE a.Company_Code IN (@companies)
        AND UPPER(LTRIM(RTRIM(a.Group_COA_Account_no))) IN (@gl_accounts)
),
-- Joins that only describe take at most one match, the first by its key.
company AS (
    SELECT
        c.Company_Code, c.Company_Country, c.[Opco/Central_?] AS opco_or_central,
        ROW_NUMBER() OVER (
            PARTITION BY c.Company_Code
            ORDER BY CASE WHEN c.Company_Country IS NULL THEN 1 ELSE 0 END,
                c.Company_Country COLLATE Latin1_General_100_BIN2,
                c.[Opco/Central_?] COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(c.Company_Country, '|', c.[Opco/Central_?], '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY c.Company_Code) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
),
ifrs AS (
    SELECT
        m.Level_4_Code, m.Level_1_Name, m.Level_2_Name, m.Level_3_Name,
        ROW_NUMBER() OVER (
            PARTITION BY m.Level_4_Code COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN m.Level_1_Name IS NULL THEN 1 ELSE 0 END,
                m.Level_1_Name COLLATE Latin1_General_100_BIN2,
                m.Level_2_Name COLLATE Latin1_General_100_BIN2,
                m.Level_3_Name COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(m.Level_1_Name, '|', m.Level_2_Name, '|', m.Level_3_Name, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY m.Level_4_Code COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[GDOC_IFRS_Tabular_Mapping] AS m
)
SELECT
    e.id_company AS id_company,
    c.Company_Country AS company_country,
    c.opco_or_central AS opco_or_central,
    e.[Entry No_] AS entry_no,
    e.[Document No_] AS document_no,
    e.[External Document No_] AS external_document_no,
    e.[Voucher No_] AS voucher_no,
    -- NAV keeps "no date" as 1753-01-01.
    CAST(NULLIF(e.[Posting Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS posting_date,
    CAST(NULLIF(e.[Document Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS document_date,
    e.[Document Type] AS document_type,
    e.[Chart of Accounts No_] AS gl_account_no,
    e.[Account Name] AS account_name,
    a.Group_COA_Account_no AS group_coa_account_no,
    a.Group_COA_Account_Name AS group_coa_account_name,
    e.[Document Description] AS document_description,
    e.[Comment] AS comment,
    e.[Amount] AS amount,
    d.remaining_amount AS remaining_amount,
    e.[Busline Code] AS busline_code,
    e.[Department Code] AS department_code,
    e.[Bal_ Account Type] AS bal_account_type,
    e.[Bal_ Account No_] AS bal_account_no,
    e.[Bal_ Account Name] AS bal_account_name,
    e.[Reason Code] AS reason_code,
    e.[Source Code] AS source_code,
    e.[Reversed] AS reversed,
    e.[User ID] AS user_id,
    NULLIF(e.[G_L Creation Date], DATEFROMPARTS(1753, 1, 1)) AS gl_creation_date,
    e.[Destination Code] AS destination_code,
    e.[Partner Code] AS partner_code,
    e.[System-Created Entry] AS system_created_entry,
    e.[Source Type] AS source_type,
    e.[Source No] AS source_no,
    e.[IC Partner Code] AS ic_partner_code,
    e.[VendorTag Code] AS vendor_tag_code,
    e.[CustomerTag Code] AS customer_tag_code,
    e.[Service_Period] AS service_period,
    m.Level_1_Name AS ifrs_level_1,
    m.Level_2_Name AS ifrs_level_2,
    m.Level_3_Name AS ifrs_level_3,
    CASE
        WHEN CHARINDEX('BM', UPPER(e.[Document Description])) > 0 THEN 'BackMargin'
        WHEN CHARINDEX('BACKMARGIN', UPPER(e.[Document Description])) > 0 THEN 'BackMargin'
        ELSE 'Other'
    END AS entry_type,
    CASE WHEN a.candidates > 1 THEN 1 ELSE 0 END AS several_chart_of_accounts,
    CASE WHEN c.candidates > 1 THEN 1 ELSE 0 END AS several_company,
    CASE WHEN m.candidates > 1 THEN 1 ELSE 0 END AS several_ifrs_mapping
FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS e
INNER JOIN moved AS d
    ON d.id_company = e.id_company
    AND d.entry_no = e.[Entry No_]
INNER JOIN account AS a
    ON UPPER(a.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND a.[G/L_Account_No] = e.[Chart of Accounts No_] COLLATE Latin1_General_100_BIN2
    AND a.candidate = 1
LEFT JOIN company AS c
    ON UPPER(c.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND c.candidate = 1
LEFT JOIN ifrs AS m
    ON m.Level_4_Code = a.Group_COA_Account_no
    AND m.Level_4_Code = a.Group_COA_Account_no COLLATE Latin1_General_100_BIN2
    AND m.candidate = 1
WHERE e.id_company IN (@companies)
