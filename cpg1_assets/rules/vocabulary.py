"""The words every rule's statement may use, as SQL macros. Not here: any rule about one frame.

- `text_key(t)`: a text as it is compared, case ignored as `case_folding` says and without surrounding blanks
  (the space character only); a text of nothing else is empty, and so null. ASCII letters are capitals in it.
  `compared(t)` is the same, but for a text of nothing else, which stays one of no length.
- `voucher_key(t)`: a voucher number as it is compared; a spreadsheet's `12345.0` is 12345. `number_key(k)` is the same
  of a text that is `compared` already.
- `is_non_marketing(business_use)`: whether the voucher is in the control.
- `voucher_type_of(business_use)`: the control's voucher type of a business use; null for any other use.
- `deactivated_on(is_active, is_valid, voucher_inactive_date, inactive_date)`: when a voucher was deactivated
  while valid, by its own date or where that is not set the earliest that is; null for any other voucher. A
  missing flag means no.
- `the_one(x)`, of a group's rows: the value, where all that have one agree; null where they do not. So that
  no figure rests on the first of several.
- `the_rate(fx_rate)`, of a company's rows: the rate, where all usable ones agree; null where they do not.
- `the_text(t)`, of a group's rows: the text, where all that say something agree as texts compare, in the
  spelling first by name; null where they do not.
- `usable_rate(fx_rate)`: the rate, or null where there is none above zero.
- `in_usd(lcy, fx_rate)`: LCY ÷ rate, exact, rounded once, half to even, to 4 places. No rate, or one that
  is not above zero, gives null. LCY up to decimal(38,4), rates decimal(24,10).

Source of the rules: Rules (introduction, "Non-marketing vouchers", "NAV voucher entries", "VTC adjustment") and
Reconciliation ("Lines", on `_usd`; "Voucher accrual variance").
"""

from collections.abc import Mapping

from cpg1_assets.rules.case_folding import COMMON, ELSEWHERE, REPRESENTATIVES


def _translated(representatives: Mapping[str, str]) -> str:
    return f"translate(t, '{''.join(representatives)}', '{''.join(representatives.values())}')"


# `translate` means the same on every engine, but reads its whole table for each text: the long one takes 40 times
# as long as the short. In ASCII (a byte for each character) `upper` is the same table, and the fastest; that branch
# comes last, where it takes the nulls too, and is nothing but functions of the column, which the engine computes once
# for each distinct text of a Parquet file. `trim` with no second argument would also remove other kinds of blanks.
_COMPARED = f"""
CREATE MACRO compared(t) AS
    CASE
        WHEN bit_length(t) > 8 * length(t) THEN
            trim(
                CASE
                    WHEN regexp_matches(t, '{ELSEWHERE}') THEN {_translated(REPRESENTATIVES)}
                    ELSE {_translated(COMMON)}
                END,
                ' '
            )
        ELSE upper(trim(t, ' '))
    END
"""

# A macro is written out wherever it is named: what asks for a text that is not empty asks `compared`, which is half
# as long to plan.
_TEXT_KEY = "CREATE MACRO text_key(t) AS nullif(compared(t), '')"

_IS_WITH_POINT_ZERO = """
CREATE MACRO is_with_point_zero(k) AS
    ends_with(k, '.0') AND translate(k, '0123456789', '') = '.' AND k <> '.0'
"""

_NUMBER_KEY = """
CREATE MACRO number_key(k) AS
    CASE WHEN is_with_point_zero(k) THEN left(k, length(k) - 2) ELSE nullif(k, '') END
"""

_VOUCHER_KEY = """
CREATE MACRO voucher_key(t) AS
    CASE
        WHEN is_with_point_zero(compared(t)) THEN left(compared(t), length(compared(t)) - 2)
        ELSE text_key(t)
    END
"""

_IS_NON_MARKETING = """
CREATE MACRO is_non_marketing(business_use) AS
    coalesce(
        compared(business_use) IN (
            'APOLOGY_V2', 'JFORCE', 'REFUND', 'STORE_CREDIT', 'JPAY STORE_CREDIT', 'JPAY_STORE_CREDIT'
        ),
        false
    )
"""

_VOUCHER_TYPE_OF = """
CREATE MACRO voucher_type_of(business_use) AS
    CASE
        WHEN compared(business_use) = 'REFUND' THEN 'Refund'
        WHEN compared(business_use) IN ('APOLOGY', 'APOLOGY_V2', 'COMMERCIAL GESTURE', 'CXP') THEN 'Apology'
        WHEN compared(business_use) = 'JFORCE' THEN 'JForce'
        WHEN compared(business_use) IN (
            'STORE_CREDIT', 'STORE CREDIT', 'JPAY STORE_CREDIT', 'JPAY_STORE_CREDIT',
            'JPAY_STORE_CREDIT_GIFT', 'JPAY_STORE_CREDIT_DS', 'JPAY_STORE_CREDIT_OTHER'
        ) THEN 'Store Credit'
    END
"""

_DEACTIVATED_ON = """
CREATE MACRO deactivated_on(is_active, is_valid, voucher_inactive_date, inactive_date) AS
    CASE
        WHEN NOT coalesce(is_active, false) AND compared(is_valid) = 'VALID'
        THEN coalesce(voucher_inactive_date, inactive_date)
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

_THE_ONE = "CREATE MACRO the_one(x) AS CASE WHEN min(x) = max(x) THEN min(x) END"

# A rate that cannot be used is still given where it is all there is: a person should see it.
_THE_RATE = """
CREATE MACRO the_rate(fx_rate) AS coalesce(the_one(usable_rate(fx_rate)), the_one(fx_rate))
"""

_THE_TEXT = """
CREATE MACRO the_text(t) AS
    CASE
        WHEN min(text_key(t)) IS NOT DISTINCT FROM max(text_key(t))
        THEN coalesce(min(CASE WHEN text_key(t) IS NOT NULL THEN t END), min(t))
    END
"""

_IN_USD = """
CREATE MACRO in_usd(lcy, fx_rate) AS
    from_ten_thousandths(rounded_quotient(abs(ten_thousandths(lcy)), rate_units(usable_rate(fx_rate))))
    * CASE WHEN lcy < 0 THEN -1 ELSE 1 END
"""

MACROS = (
    _COMPARED,
    _TEXT_KEY,
    _IS_WITH_POINT_ZERO,
    _NUMBER_KEY,
    _VOUCHER_KEY,
    _IS_NON_MARKETING,
    _VOUCHER_TYPE_OF,
    _DEACTIVATED_ON,
    _TEN_THOUSANDTHS,
    _RATE_UNITS,
    _QUOTIENT,
    _ROUNDED_QUOTIENT,
    _FROM_TEN_THOUSANDTHS,
    _USABLE_RATE,
    _THE_ONE,
    _THE_RATE,
    _THE_TEXT,
    _IN_USD,
)
