#!/usr/bin/env bash
# duckdb-cli 1.5.6: a script given with -f stops at its first error, the same script on standard input goes on.
#
# Both end with exit status 1, so whoever looks at the status alone does not see the difference. What comes after the
# error is done in one case and not in the other: a script that checks something, fails there, and then writes its
# result has written it when it was piped. A script that must stop says so itself (`.bail on`), whoever runs it.
#
# Run: bash findings/duckdb_cli_goes_on_after_an_error_when_its_script_is_piped.sh   (Python 3.11+ and the package index)
# Output seen:
#   duckdb v1.5.6
#   duckdb -f script: exit status 1, after the error: not there
#   duckdb < script: exit status 1, after the error: written
#   duckdb < script with .bail on: exit status 1, after the error: not there
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'duckdb-cli==1.5.6'
cd "$work"
cat > script.sql <<'SQL'
SELECT CASE WHEN 1 <> 2 THEN error('the totals differ') END;
COPY (SELECT 'closed' AS status) TO 'result.csv';
SQL
{ echo '.bail on'; cat script.sql; } > bail.sql

after() {
  local status=0 left="not there"
  "$@" > /dev/null 2>&1 || status=$?
  [ -e result.csv ] && left="written"
  rm -f result.csv
  echo "exit status $status, after the error: $left"
}
with_f() { "$work/venv/bin/duckdb" -f script.sql; }
piped() { "$work/venv/bin/duckdb" < script.sql; }
bailing() { "$work/venv/bin/duckdb" < bail.sql; }

echo "duckdb $("$work/venv/bin/duckdb" -version | cut -d' ' -f1)"
seen="$(after with_f)|$(after piped)|$(after bailing)"
echo "duckdb -f script: $(cut -d'|' -f1 <<< "$seen")"
echo "duckdb < script: $(cut -d'|' -f2 <<< "$seen")"
echo "duckdb < script with .bail on: $(cut -d'|' -f3 <<< "$seen")"
stopped="exit status 1, after the error: not there"
[ "$seen" = "$stopped|exit status 1, after the error: written|$stopped" ]
