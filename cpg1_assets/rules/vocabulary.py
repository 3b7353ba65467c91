"""The words every rule's statement may use, as SQL macros. Not here: any rule about one frame.

- `text_key(t)`: a text as it is compared, without surrounding blanks (the space character only) and in upper
  case; a text of nothing else is empty, and so null.
- `voucher_key(t)`: a voucher number as it is compared; a spreadsheet's `12345.0` is 12345.
- `is_non_marketing(business_use)`: whether the voucher is in the control.
- `voucher_type_of(business_use)`: the control's voucher type of a business use; null for any other use.
- `usable_rate(fx_rate)`: the rate, or null where there is none above zero.
- `in_usd(lcy, fx_rate)`: LCY ÷ rate, exact, rounded once, half to even, to 4 places. No rate, or one that
  is not above zero, gives null. LCY up to decimal(38,4), rates decimal(24,10).

Source of the rules: Rules (introduction, "Non-marketing vouchers", "NAV voucher entries") and Reconciliation
("Lines", on `_usd`).
"""

# `trim` with no second argument would also remove other kinds of blanks.
_TEXT_KEY = "CREATE MACRO text_key(t) AS nullif(upper(trim(t, ' ')), '')"

_WITHOUT_POINT_ZERO = """
CREATE MACRO without_point_zero(k) AS
    CASE
        WHEN ends_with(k, '.0') AND length(k) > 2
             AND translate(left(k, length(k) - 2), '0123456789', '') = ''
        THEN left(k, length(k) - 2)
        ELSE k
    END
"""

_VOUCHER_KEY = "CREATE MACRO voucher_key(t) AS without_point_zero(text_key(t))"

_IS_NON_MARKETING = """
CREATE MACRO is_non_marketing(business_use) AS
    coalesce(
        text_key(business_use) IN (
            'APOLOGY_V2', 'JFORCE', 'REFUND', 'STORE_CREDIT', 'JPAY STORE_CREDIT', 'JPAY_STORE_CREDIT'
        ),
        false
    )
"""

_VOUCHER_TYPE_OF = """
CREATE MACRO voucher_type_of(business_use) AS
    CASE
        WHEN text_key(business_use) = 'REFUND' THEN 'Refund'
        WHEN text_key(business_use) IN ('APOLOGY', 'APOLOGY_V2', 'COMMERCIAL GESTURE', 'CXP') THEN 'Apology'
        WHEN text_key(business_use) = 'JFORCE' THEN 'JForce'
        WHEN text_key(business_use) IN (
            'STORE_CREDIT', 'STORE CREDIT', 'JPAY STORE_CREDIT', 'JPAY_STORE_CREDIT',
            'JPAY_STORE_CREDIT_GIFT', 'JPAY_STORE_CREDIT_DS', 'JPAY_STORE_CREDIT_OTHER'
        ) THEN 'Store Credit'
    END
"""

# Decimals are divided as whole numbers of their last digit, because the engine would divide them as doubles.
# The whole and the broken part go separately, so that amounts of 34 whole digits still fit 128 bits.
_TEN_THOUSANDTHS = """
CREATE MACRO ten_thousandths(x) AS
    CAST(trunc(x) AS HUGEINT) * 10000 + CAST((x - trunc(x)) * 10000 AS HUGEINT)
"""

_RATE_UNITS = """
CREATE MACRO rate_units(r) AS
    CAST(trunc(r) AS HUGEINT) * 10000000000 + CAST((r - trunc(r)) * 10000000000 AS HUGEINT)
"""

# `a` is LCY in units of 0.0001, `r` the rate in units of 0.0000000001: the quotient in units of 0.0001 is
# a * 10^10 / r. Long division keeps every intermediate below 10^38.
_QUOTIENT = """
CREATE MACRO whole_quotient(a, r) AS (a // r) * 10000000000 + ((a % r) * 10000000000) // r
"""

_ROUNDED_QUOTIENT = """
CREATE MACRO rounded_quotient(a, r) AS
    whole_quotient(a, r)
    + CASE
        WHEN 2 * (((a % r) * 10000000000) % r) > r THEN 1
        WHEN 2 * (((a % r) * 10000000000) % r) = r AND whole_quotient(a, r) % 2 = 1 THEN 1
        ELSE 0
      END
"""

_FROM_TEN_THOUSANDTHS = """
CREATE MACRO from_ten_thousandths(n) AS
    CAST(CAST(n // 10000 AS DECIMAL(38, 4)) + CAST(n % 10000 AS DECIMAL(4, 0)) * 0.0001 AS DECIMAL(38, 4))
"""

# A rate of zero cannot be divided by and a negative one is not a rate: both are treated as no rate.
_USABLE_RATE = "CREATE MACRO usable_rate(fx_rate) AS CASE WHEN fx_rate > 0 THEN fx_rate END"

_IN_USD = """
CREATE MACRO in_usd(lcy, fx_rate) AS
    from_ten_thousandths(rounded_quotient(abs(ten_thousandths(lcy)), rate_units(usable_rate(fx_rate))))
    * CASE WHEN lcy < 0 THEN -1 ELSE 1 END
"""

MACROS = (
    _TEXT_KEY,
    _WITHOUT_POINT_ZERO,
    _VOUCHER_KEY,
    _IS_NON_MARKETING,
    _VOUCHER_TYPE_OF,
    _TEN_THOUSANDTHS,
    _RATE_UNITS,
    _QUOTIENT,
    _ROUNDED_QUOTIENT,
    _FROM_TEN_THOUSANDTHS,
    _USABLE_RATE,
    _IN_USD,
)
