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
        ROW_NUMBER() OVER (
            PARTITION BY c.Company_Code COLLATE Latin1_General_100_BIN2
            ORDER BY CASE WHEN c.Company_Country IS NULL THEN 1 ELSE 0 END,
                c.Company_Country COLLATE Latin1_General_100_BIN2,
                c.Company_Name COLLATE Latin1_General_100_BIN2,
                c.[Opco/Central_?] COLLATE Latin1_General_100_BIN2,
                c.[Is_Active?]
        ) AS candidate
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
    WHERE c.Company_Code IN (@companies)
),
country AS (
    SELECT
        n.Country_Code COLLATE Latin1_General_100_BIN2 AS country_code,
        MIN(n.Country_Name COLLATE Latin1_General_100_BIN2) AS country_name
    FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Country] AS n
    GROUP BY n.Country_Code COLLATE Latin1_General_100_BIN2
),
rate AS (
    SELECT f.country_code, f.rate_type, f.[year], f.cod_month, f.rate, ROW_NUMBER() OVER (
        PARTITION BY f.country_code COLLATE Latin1_General_100_BIN2
        ORDER BY CASE WHEN f.country IS NULL THEN 1 ELSE 0 END,
            f.country COLLATE Latin1_General_100_BIN2,
            f.rate
    ) AS candidate
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
    CASE WHEN c.in_dollars = 1 THEN 'Closing' ELSE f.rate_type END AS rate_type,
    CASE WHEN c.in_dollars = 1 THEN @year ELSE f.[year] END AS year,
    CASE WHEN c.in_dollars = 1 THEN @month ELSE f.cod_month END AS month,
    CASE WHEN c.in_dollars = 1 THEN 1 ELSE f.rate END AS fx_rate
FROM company AS c
LEFT JOIN country AS n
    ON n.country_code = c.Company_Country COLLATE Latin1_General_100_BIN2
LEFT JOIN rate AS f
    ON f.country_code = c.Company_Country COLLATE Latin1_General_100_BIN2
    AND f.candidate = 1
WHERE c.candidate = 1
