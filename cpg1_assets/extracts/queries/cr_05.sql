-- CR_05: one row per company in scope with the closing rate of its country, local currency per US dollar.
-- It is the list of companies for everything that is derived, so a company without a rate stays, without one.
WITH company AS (
    SELECT
        c.Company_Code, c.Company_Name, c.Company_Country,
        c.[Opco/Central_?] AS opco_or_central, c.[Is_Active?] AS is_active,
        -- These keep their books in dollars.
        CASE
            WHEN UPPER(LTRIM(RTRIM(c.Company_Country))) = 'US' THEN 1
            WHEN UPPER(LTRIM(RTRIM(c.Company_Country))) = 'DE'
                AND RIGHT(UPPER(RTRIM(c.Company_Code)), 4) = '_USD' THEN 1
            ELSE 0
        END AS in_dollars,
        -- A company listed under two countries has no rate: which of them is right is not for a query to say.
        CASE
            WHEN MIN(UPPER(LTRIM(RTRIM(c.Company_Country))) COLLATE Latin1_General_100_BIN2)
                    OVER (PARTITION BY c.Company_Code)
                <> MAX(UPPER(LTRIM(RTRIM(c.Company_Country))) COLLATE Latin1_General_100_BIN2)
                    OVER (PARTITION BY c.Company_Code)
                THEN 0
            ELSE 1
        END AS has_one_country,
        ROW_NUMBER() OVER (
            PARTITION BY c.Company_Code
            ORDER BY CASE WHEN c.Company_Country IS NULL THEN 1 ELSE 0 END,
                c.Company_Country COLLATE Latin1_General_100_BIN2,
                c.Company_Name COLLATE Latin1_General_100_BIN2,
                c.[Opco/Central_?] COLLATE Latin1_General_100_BIN2,
                c.[Is_Active?],
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(c.Company_Country, '|', c.Company_Name, '|', c.[Opco/Central_?], '|')
                    COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY c.Company_Code) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
    WHERE c.Company_Code IN (@companies)
),
country AS (
    SELECT
        n.Country_Code, RTRIM(n.Country_Name) AS country_name,
        ROW_NUMBER() OVER (
            PARTITION BY n.Country_Code COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN n.Country_Name IS NULL THEN 1 ELSE 0 END,
                n.Country_Name COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY n.Country_Code COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Country] AS n
),
rate AS (
    -- Rows that give one country the same rate are one rate; two different rates are none.
    SELECT
        f.country_code, f.rate_type, f.[year], f.cod_month, f.rate,
        MIN(f.rate) OVER (PARTITION BY f.country_code COLLATE Latin1_General_100_BIN2) AS lowest,
        MAX(f.rate) OVER (PARTITION BY f.country_code COLLATE Latin1_General_100_BIN2) AS highest,
        ROW_NUMBER() OVER (
            PARTITION BY f.country_code COLLATE Latin1_General_100_BIN2
            ORDER BY f.rate_type COLLATE Latin1_General_100_BIN2,
                -- Last, what differs only in blanks at the end: no comparison sees those.
                CONCAT(f.rate_type, '|') COLLATE Latin1_General_100_BIN2
        ) AS candidate,
        COUNT(*) OVER (PARTITION BY f.country_code COLLATE Latin1_General_100_BIN2) AS candidates
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_FX_RATES] AS f
    WHERE f.[year] = @year
        AND f.cod_month = @month
        AND UPPER(LTRIM(RTRIM(f.rate_type))) = 'CLOSING'
        AND UPPER(LTRIM(RTRIM(f.base_currency))) = 'USD'
        -- Known duplicate of the United Arab Emirates.
        AND (f.country IS NULL OR UPPER(LTRIM(RTRIM(f.country))) <> 'UNITED ARAB EMIRATES (THE)')
        AND f.rate IS NOT NULL
)
SELECT
    c.Company_Code AS id_company,
    c.Company_Name AS company_name,
    c.Company_Country AS company_country,
    n.country_name AS country_name,
    c.opco_or_central AS opco_or_central,
    c.is_active AS is_active,
    CASE WHEN c.in_dollars * c.has_one_country = 1 THEN 'Closing' ELSE f.rate_type END AS rate_type,
    CASE WHEN c.in_dollars * c.has_one_country = 1 THEN @year ELSE f.[year] END AS year,
    CASE WHEN c.in_dollars * c.has_one_country = 1 THEN @month ELSE f.cod_month END AS month,
    CASE WHEN c.in_dollars * c.has_one_country = 1 THEN 1 ELSE f.rate END AS fx_rate,
    CASE WHEN c.candidates > 1 THEN 1 ELSE 0 END AS several_company,
    CASE WHEN n.candidates > 1 THEN 1 ELSE 0 END AS several_country,
    CASE WHEN f.candidates > 1 THEN 1 ELSE 0 END AS several_fx_rate
FROM company AS c
LEFT JOIN country AS n
    ON n.Country_Code = c.Company_Country
    AND n.Country_Code = c.Company_Country COLLATE Latin1_General_100_BIN2
    AND n.candidate = 1
LEFT JOIN rate AS f
    ON f.country_code = c.Company_Country
    AND f.country_code = c.Company_Country COLLATE Latin1_General_100_BIN2
    AND f.candidate = 1
    AND f.lowest = f.highest
    AND c.has_one_country = 1
WHERE c.candidate = 1
