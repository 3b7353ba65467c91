#!/usr/bin/env bash
# babel 2.18.0 (CLDR 47) and iso4217 1.16.20260101: thirteen currencies have decimals by ISO 4217 and none by Babel.
#
# Ledgers, bank files and e-invoices count a currency's minor units by ISO 4217. Babel's currency precision is CLDR's,
# which follows what is handed over a counter. Where both are used, an amount that is booked to the cent is shown, and
# with `format_currency(..., currency_digits=True)`, the default, rounded, to whole units; for the Iraqi dinar three
# decimals go. Nothing warns. What must be exact takes its decimals from ISO 4217 and writes with `format_decimal`.
#
# Run: bash findings/babel_rounds_thirteen_currencies_to_no_decimals.sh   (Python 3.11+ and the package index)
# Output seen:
#   babel 2.18.0, iso4217 1.16.20260101
#   other decimals (ISO 4217, Babel): AFN 2 0, ALL 2 0, IQD 3 0, IRR 2 0, KPW 2 0, LAK 2 0, LBP 2 0, MGA 2 0, MMK 2 0, RSD 2 0, SOS 2 0, SYP 2 0, YER 2 0
#   Babel has more decimals for: none
#   1234.567 IQD is written: IQD1,235
#   1234.56 RSD is written: RSD1,235
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'babel==2.18.0' 'iso4217==1.16.20260101'
cat > "$work/probe.py" <<'PY'
from decimal import Decimal
from importlib.metadata import version

from babel.numbers import format_currency, get_currency_precision
from iso4217 import Currency

print(f"babel {version('babel')}, iso4217 {version('iso4217')}")
both = {c.code: (c.exponent, get_currency_precision(c.code)) for c in Currency if c.exponent is not None}
other = {code: digits for code, digits in both.items() if digits[0] != digits[1]}
more = [code for code, (iso, cldr) in other.items() if cldr > iso]
print("other decimals (ISO 4217, Babel):", ", ".join(f"{code} {a} {b}" for code, (a, b) in sorted(other.items())))
print("Babel has more decimals for:", ", ".join(more) or "none")
written = {}
for amount, code in ((Decimal("1234.567"), "IQD"), (Decimal("1234.56"), "RSD")):
    written[code] = format_currency(amount, code, locale="en")
    print(f"{amount} {code} is written: {written[code]}")
same = (
    len(other) == 13
    and not more
    and all(cldr == 0 for _, cldr in other.values())
    and written == {"IQD": "IQD1,235", "RSD": "RSD1,235"}
)
raise SystemExit(0 if same else 1)
PY
"$work/venv/bin/python" "$work/probe.py"
