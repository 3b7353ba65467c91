-- IPE_07: customer ledger entries open at the cutoff.
-- What is open is not read from the entry's flag, which speaks of today, but summed from its detailed entries.
WITH open_at_cutoff AS (
    SELECT
        d.id_company,
        d.[Cust_ Ledger Entry No_] AS entry_no,
        SUM(COALESCE(d.[Amount (LCY)], 0)) AS remaining_amount_lcy
    FROM [AIG_Nav_DW].[dbo].[Detailed Customer Ledg_ Entry] AS d
    WHERE d.id_company IN (@companies)
        AND d.[Posting Date] < @next_month_start
    GROUP BY d.id_company, d.[Cust_ Ledger Entry No_]
    HAVING SUM(COALESCE(d.[Amount (LCY)], 0)) <> 0
),
-- Joins that only describe take at most one match, the first by its key, so that no row is added or lost.
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
),
customer AS (
    SELECT
        k.id_company, k.No_, k.Name, k.[Busline Code], k.[Automatically integrated],
        k.[Customer Posting Group], k.Stream,
        ROW_NUMBER() OVER (
            PARTITION BY k.id_company, k.No_ COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN k.Name IS NULL THEN 1 ELSE 0 END,
                k.Name COLLATE Latin1_General_100_BIN2,
                k.[Customer Posting Group] COLLATE Latin1_General_100_BIN2,
                k.[Busline Code] COLLATE Latin1_General_100_BIN2,
                k.Stream COLLATE Latin1_General_100_BIN2,
                k.[Automatically integrated],
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(k.Name, '|', k.[Customer Posting Group], '|', k.[Busline Code], '|', k.Stream, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY k.id_company, k.No_ COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_DW].[dbo].[Customers] AS k
    WHERE k.id_company IN (@companies)
),
busline AS (
    SELECT
        b.Company_Code, b.Busline_Code,
        b.Busline_Vertical_Name_1, b.Busline_Vertical_Name_2, b.Busline_Vertical_Name_3,
        ROW_NUMBER() OVER (
            PARTITION BY b.Company_Code, b.Busline_Code COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN b.Busline_Vertical_Name_1 IS NULL THEN 1 ELSE 0 END,
                b.Busline_Vertical_Name_1 COLLATE Latin1_General_100_BIN2,
                b.Busline_Vertical_Name_2 COLLATE Latin1_General_100_BIN2,
                b.Busline_Vertical_Name_3 COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(b.Busline_Vertical_Name_1, '|', b.Busline_Vertical_Name_2, '|', b.Busline_Vertical_Name_3, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY b.Company_Code, b.Busline_Code COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Busline] AS b
)
SELECT
    e.id_company AS id_company,
    c.Company_Country AS company_country,
    e.[Entry No_] AS entry_no,
    e.[GL Entry No_] AS gl_entry_no,
    e.[Document No_] AS document_no,
    e.[Document Type] AS document_type,
    e.[External Document No_] AS external_document_no,
    -- NAV keeps "no date" as 1753-01-01.
    CAST(NULLIF(e.[Posting Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS posting_date,
    e.[Customer No_] AS customer_no,
    k.Name AS customer_name,
    k.[Busline Code] AS customer_busline,
    e.[Customer Posting Group] AS customer_posting_group,
    k.[Customer Posting Group] AS current_posting_group,
    k.Stream AS stream,
    k.[Automatically integrated] AS automatically_integrated,
    e.[Description] AS description,
    e.[Source Code] AS source_code,
    e.[Reason Code] AS reason_code,
    e.[Busline Code] AS busline_code,
    b.Busline_Vertical_Name_1 AS busline_vertical_1,
    b.Busline_Vertical_Name_2 AS busline_vertical_2,
    b.Busline_Vertical_Name_3 AS busline_vertical_3,
    e.[Department Code] AS department_code,
    e.[Original Amount] AS original_amount,
    e.[Currency] AS currency,
    e.[Original Amount (LCY)] AS original_amount_lcy,
    o.remaining_amount_lcy AS remaining_amount_lcy,
    e.[Open] AS is_open,
    CAST(NULLIF(e.[Due Date], DATEFROMPARTS(1753, 1, 1)) AS date) AS due_date,
    CASE
        WHEN e.[Due Date] <= DATEFROMPARTS(1753, 1, 1) THEN NULL
        WHEN e.[Due Date] < @month_start THEN 'Credit'
        WHEN e.[Due Date] >= @next_month_start THEN 'Debit'
        WHEN e.[Due Date] IS NOT NULL THEN 'Due Month'
    END AS due_position,
    e.[Posted by] AS posted_by,
    e.[Destination Code] AS destination_code,
    e.[Partner Code] AS partner_code,
    e.[IC Partner Code] AS ic_partner_code,
    CASE WHEN c.candidates > 1 THEN 1 ELSE 0 END AS several_company,
    CASE WHEN k.candidates > 1 THEN 1 ELSE 0 END AS several_customer,
    CASE WHEN b.candidates > 1 THEN 1 ELSE 0 END AS several_business_line
FROM [AIG_Nav_DW].[dbo].[Customer Ledger Entries] AS e
INNER JOIN open_at_cutoff AS o
    ON o.id_company = e.id_company
    AND o.entry_no = e.[Entry No_]
LEFT JOIN company AS c
    ON UPPER(c.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND c.candidate = 1
LEFT JOIN customer AS k
    ON k.id_company = e.id_company
    AND k.No_ = e.[Customer No_]
    AND k.No_ = e.[Customer No_] COLLATE Latin1_General_100_BIN2
    AND k.candidate = 1
LEFT JOIN busline AS b
    ON UPPER(b.Company_Code) COLLATE Latin1_General_100_BIN2 = UPPER(e.id_company) COLLATE Latin1_General_100_BIN2
    AND b.Busline_Code = e.[Busline Code] COLLATE Latin1_General_100_BIN2
    AND b.candidate = 1
WHERE e.id_company IN (@companies)
    AND e.[Posting Date] < @next_month_start
    AND UPPER(LTRIM(RTRIM(e.[Customer Posting Group]))) IN (@customer_posting_groups)
