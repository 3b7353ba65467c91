#!/usr/bin/env bash
# sqlglot 30.30.0, dialect tsql: a fixed text with its column's name in quotes after it becomes one longer text.
#
# T-SQL lets a column be named by a quoted text without AS (SELECT, column_alias): `SELECT 'Closing' 'rate_type'` gives
# the value Closing in a column rate_type. sqlglot reads it as two texts side by side, as other dialects have them, and
# writes CONCAT('Closing', 'rate_type'): another value, in a column without a name, and nothing raised, whatever the
# error level. After a column, a number or a function it takes the same words for the name. So who translates T-SQL
# with it has to refuse two texts side by side.
#
# Run: bash findings/sqlglot_tsql_text_takes_its_alias_in.sh   (Python 3.11+ and the package index)
# Output seen:
#   sqlglot 30.30.0
#   SELECT f.rate_type 'rate_type' FROM f  ->  SELECT f.rate_type AS "rate_type" FROM f
#   SELECT 1 'rate_type' FROM f            ->  SELECT 1 AS "rate_type" FROM f
#   SELECT 'Closing' 'rate_type' FROM f    ->  SELECT CONCAT('Closing', 'rate_type') FROM f
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'sqlglot==30.30.0'
cat > "$work/probe.py" <<'PY'
import sys

import sqlglot
from sqlglot.errors import ErrorLevel

EXPECTED = {
    "SELECT f.rate_type 'rate_type' FROM f": 'SELECT f.rate_type AS "rate_type" FROM f',
    "SELECT 1 'rate_type' FROM f": 'SELECT 1 AS "rate_type" FROM f',
    "SELECT 'Closing' 'rate_type' FROM f": "SELECT CONCAT('Closing', 'rate_type') FROM f",
}
print("sqlglot", sqlglot.__version__)
same = True
for text, expected in EXPECTED.items():
    (written,) = sqlglot.transpile(
        text, read="tsql", write="duckdb", error_level=ErrorLevel.RAISE, unsupported_level=ErrorLevel.RAISE
    )
    print(f"{text:<37}  ->  {written}")
    same &= written == expected
sys.exit(not same)
PY
"$work/venv/bin/python" "$work/probe.py"
