#!/usr/bin/env bash
# A binary workbook that SheetJS wrote: python-calamine reads one column of it, pyxlsb no value at all; neither says so.
#
# A `.xlsb` may store a cell next to the one before it as a "short" record, which has no column of its own. SheetJS
# 0.18.5, which many dashboards export with, writes such records, and reads them back; so does LibreOffice 7.4.
# python-calamine 0.9.1 gives the first cell of each row only: no amount, no error, no warning. pyxlsb 1.0.10 gives None
# for every cell. The same rows as `.xlsx` are read whole. Whoever takes what they read for the file has an empty column
# where the money was; what is read of a binary workbook has to be counted against what is stored in it.
#
# Run: bash findings/sheetjs_xlsb_is_read_without_its_amounts.sh   (Python 3.11+, Node.js with npm, the package indexes)
# Output seen:
#   python-calamine 0.9.1, pyxlsb 1.0.10, SheetJS (xlsx) 0.18.5
#   SheetJS,  a.xlsb: [['Voucher Id', 'Amount Used'], ['000123', 10.5], ['000124', 7]]
#   calamine, a.xlsx: [['Voucher Id', 'Amount Used'], ['000123', 10.5], ['000124', 7.0]]
#   calamine, a.xlsb: [['Voucher Id'], ['000123'], ['000124']]
#   pyxlsb,   a.xlsb: [[None, None], [None, None], [None, None]]
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'python-calamine==0.9.1' 'pyxlsb==1.0.10'
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --no-update-notifier 'xlsx@0.18.5' >/dev/null
cat > write.js <<'JS'
const { utils, readFile, writeFile, version } = require('xlsx')
const fs = require('fs')
const book = utils.book_new()
utils.book_append_sheet(book, utils.aoa_to_sheet([['Voucher Id', 'Amount Used'], ['000123', 10.5], ['000124', 7]]), 'Usage')
writeFile(book, 'a.xlsx')
writeFile(book, 'a.xlsb')
const rows = utils.sheet_to_json(readFile('a.xlsb').Sheets.Usage, { header: 1 })
fs.writeFileSync('sheetjs.json', JSON.stringify({ version, rows }))
JS
node write.js
cat > probe.py <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from python_calamine import CalamineWorkbook
from pyxlsb import open_workbook

WRITTEN = [["Voucher Id", "Amount Used"], ["000123", 10.5], ["000124", 7]]
sheetjs = json.loads(Path("sheetjs.json").read_text())
print(f"python-calamine {version('python-calamine')}, pyxlsb {version('pyxlsb')}, SheetJS (xlsx) {sheetjs['version']}")
xlsx, xlsb = (CalamineWorkbook.from_path(name).get_sheet_by_index(0).to_python() for name in ("a.xlsx", "a.xlsb"))
with open_workbook("a.xlsb") as book, book.get_sheet(1) as sheet:
    by_pyxlsb = [[cell.v for cell in row] for row in sheet.rows()]
print("SheetJS,  a.xlsb:", sheetjs["rows"])
print("calamine, a.xlsx:", xlsx)
print("calamine, a.xlsb:", xlsb)
print("pyxlsb,   a.xlsb:", by_pyxlsb)
as_seen = sheetjs["rows"] == WRITTEN and xlsx == WRITTEN and xlsb == [row[:1] for row in WRITTEN]
sys.exit(not (as_seen and by_pyxlsb == [[None, None]] * 3))
PY
"$work/venv/bin/python" probe.py
