#!/usr/bin/env bash
# pandas.DataFrame.to_excel with XlsxWriter loses a text that stands between <r> and </r>: the cell comes back empty.
#
# XlsxWriter 3.3.1 tells texts with several formats from plain ones by their first and last characters alone. A plain
# text such as "<r>paid</r>", a return reason or a note copied from a mark-up, is taken for one of them by
# write_string(), which answers 0 (written) and says nothing; what the file then holds is no text to a reader. openpyxl
# as the engine of pandas keeps the same text.
#
# Run: bash findings/pandas_with_xlsxwriter_loses_a_text_in_r_tags.sh   (Python 3.11+, the package index)
# Output seen:
#   XlsxWriter 3.3.1, pandas 2.3.3, openpyxl 3.1.5
#   written:             ['<r>paid</r>', '<p>paid</p>', 'open']
#   read, by xlsxwriter: [nan, '<p>paid</p>', 'open']
#   read, by openpyxl:   ['<r>paid</r>', '<p>paid</p>', 'open']
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'xlsxwriter==3.3.1' 'pandas==2.3.3' 'openpyxl==3.1.5'
cd "$work"
cat > probe.py <<'PY'
import sys
from importlib.metadata import version

import pandas as pd

TEXTS = ["<r>paid</r>", "<p>paid</p>", "open"]


def read(engine):
    pd.DataFrame({"status": TEXTS}).to_excel("a.xlsx", index=False, engine=engine)
    return pd.read_excel("a.xlsx")["status"].tolist()


print(f"XlsxWriter {version('xlsxwriter')}, pandas {version('pandas')}, openpyxl {version('openpyxl')}")
print("written:            ", TEXTS)
by_xlsxwriter, by_openpyxl = read("xlsxwriter"), read("openpyxl")
print("read, by xlsxwriter:", by_xlsxwriter)
print("read, by openpyxl:  ", by_openpyxl)
sys.exit(not (by_openpyxl == TEXTS and by_xlsxwriter[1:] == TEXTS[1:] and pd.isna(by_xlsxwriter[0])))
PY
"$work/venv/bin/python" probe.py
