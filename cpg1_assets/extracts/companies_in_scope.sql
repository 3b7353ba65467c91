-- The companies of the group that the control covers, and their countries. Every other query gets the companies as
-- @companies, each once: of one that has several rows, spelling and country are settled where they are read.
SELECT c.Company_Code AS id_company, c.Company_Country AS company_country
FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
WHERE c.Flg_In_Conso_Scope = 1
    AND c.Company_Code IS NOT NULL
