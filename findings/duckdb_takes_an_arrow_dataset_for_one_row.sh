#!/usr/bin/env bash
# duckdb 2.0.1 with pyarrow 26.0.1: a pyarrow data set counts as one row when joins are planned, however many it has.
#
# Of a table the engine knows how many rows there are, and of a Parquet file that it reads itself too; of a data set
# (`pyarrow.dataset.dataset(...)`, which is how files with verified page checksums reach it) it assumes one. So a join of
# two million rows with a thousand builds its hash table on the two million, in memory, without a word: a table of ten
# rows is taken for the larger one.
#
# Run: bash findings/duckdb_takes_an_arrow_dataset_for_one_row.sh   (Python 3.11+ and the package index)
# Output seen:
#   duckdb 2.0.1, pyarrow 26.0.1
#   a table of 2,000,000 rows:    ~2,000,000 rows
#   a data set of 2,000,000 rows: ~1 row
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'duckdb==2.0.1' 'pyarrow==26.0.1'
cat > "$work/probe.py" <<'PY'
import re
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

folder = sys.argv[1]
table = pa.table({"entry_no": pa.array(range(2_000_000), pa.int64())})
pq.write_table(table, f"{folder}/entries.parquet")
print(f"duckdb {duckdb.__version__}, pyarrow {pa.__version__}")
found = {}
for what, rows in (("table", table), ("data set", ds.dataset(f"{folder}/entries.parquet"))):
    connection = duckdb.connect()
    connection.register("entries", rows)
    plan = connection.execute("EXPLAIN SELECT * FROM entries").fetchall()[0][1]
    found[what] = re.search(r"~([\d,]+) rows?", plan).group(1).replace(",", "")
    plural = "" if found[what] == "1" else "s"
    print(f"a {what} of 2,000,000 rows:".ljust(29), f"~{int(found[what]):,} row{plural}")
sys.exit(found != {"table": "2000000", "data set": "1"})
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
