-- CR_04: general ledger balances: at the cutoff (the actuals) and at the end of the year before (the opening).
SELECT
    b.ID_COMPANY AS id_company,
    b.COMPANY_NAME AS company_name,
    b.COUNTRY_CODE AS country_code,
    b.COUNTRY_NAME AS country_name,
    CAST(b.CLOSING_DATE AS date) AS closing_date,
    b.REFRESH_DATE AS refresh_date,
    b.GROUP_COA_ACCOUNT_NO AS group_coa_account_no,
    b.GROUP_COA_ACCOUNT_NAME AS group_coa_account_name,
    b.REAL_COA AS real_coa,
    b.CURRENCY AS currency,
    b.FX_RATE AS fx_rate,
    b.BALANCE_AT_DATE AS balance_at_date,
    b.BUSLINE_CODE AS busline_code,
    b.REPORTING_COUNTRY_CODE AS reporting_country_code,
    b.REPORTING_COUNTRY_NAME AS reporting_country_name,
    b.PARTNER_CODE AS partner_code,
    b.IC_PARTNER_CODE AS ic_partner_code,
    b.IS_RECHARGE AS is_recharge,
    b.IS_RETAINED_EARNINGS AS is_retained_earnings,
    b.CONSO_ACCOUNT_NO AS conso_account_no,
    b.CONSO_ACCOUNT_NAME AS conso_account_name,
    b.IFRS_LEVEL_1_NAME AS ifrs_level_1,
    b.IFRS_LEVEL_2_NAME AS ifrs_level_2,
    b.IFRS_LEVEL_3_NAME AS ifrs_level_3,
    b.IS_INTERCO AS is_interco
FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT] AS b
WHERE b.ID_COMPANY IN (@companies)
    AND UPPER(LTRIM(RTRIM(b.GROUP_COA_ACCOUNT_NO))) IN (@gl_accounts)
    AND (
        (b.CLOSING_DATE >= @cutoff_date AND b.CLOSING_DATE < @next_month_start)
        OR (b.CLOSING_DATE >= @previous_year_end AND b.CLOSING_DATE < @year_start)
    )
