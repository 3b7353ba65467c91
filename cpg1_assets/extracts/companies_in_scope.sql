-- The companies of the group that the control covers. Every other query gets them as @companies, each once: of a
-- company that has several rows the spelling is settled where they are read.
SELECT c.Company_Code AS id_company
FROM [AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company] AS c
WHERE c.Flg_In_Conso_Scope = 1
    AND c.Company_Code IS NOT NULL
