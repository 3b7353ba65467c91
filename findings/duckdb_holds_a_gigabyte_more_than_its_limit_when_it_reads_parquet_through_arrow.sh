#!/usr/bin/env bash
# duckdb 2.0.1 with pyarrow 26.0.1: a Parquet file that is handed to DuckDB as an Arrow data set is read more than a
# gigabyte ahead of it, whatever DuckDB's memory limit says.
#
# DuckDB makes a scanner of the data set with Arrow's defaults, which goes on reading while the statement computes: Arrow
# slows down only once a gibibyte waits. What waits is Arrow's memory, which `memory_limit` does not count and DuckDB
# cannot put on disk. Each place of a statement that reads the data set has a scanner of its own. The same statement
# over the same file, which DuckDB opens itself, stays below its limit. Nothing is wrong with the rows.
#
# Run: bash findings/duckdb_holds_a_gigabyte_more_than_its_limit_when_it_reads_parquet_through_arrow.sh
#      (Python 3.11+, the package index, 700 MB of disk, 2 GB of memory)
# Output seen:
#   duckdb 2.0.1, pyarrow 26.0.1, memory_limit 300 MB, a file of 579 MB
#   as an Arrow data set: Arrow held up to 1410 MB, the process 1713 MB
#   opened by DuckDB: Arrow held up to 0 MB, the process 206 MB
# Exit status: 0 while Arrow holds more than twice the limit, 1 once that has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'duckdb==2.0.1' 'pyarrow==26.0.1'
cd "$work"
cat > probe.py <<'PY'
import resource
import sys
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

LIMIT_MB = 300
how = sys.argv[1]
engine = duckdb.connect(config={"memory_limit": f"{LIMIT_MB}MB", "temp_directory": "spill"})
engine.execute("SET enable_progress_bar = false")
if how == "make":
    text = "md5(CAST(i AS VARCHAR)) || md5(CAST(-i AS VARCHAR)) || repeat('x', 136)"
    engine.execute(
        f"COPY (SELECT i, {text} AS t FROM range(8000000) AS r (i)) TO 'rows.parquet' (FORMAT parquet, ROW_GROUP_SIZE 32768)"
    )
    size = Path("rows.parquet").stat().st_size >> 20
    print(f"duckdb {duckdb.__version__}, pyarrow {pa.__version__}, memory_limit {LIMIT_MB} MB, a file of {size} MB")
    raise SystemExit
if how == "as an Arrow data set":
    engine.register("entries", ds.dataset("rows.parquet"))
else:
    engine.execute("CREATE VIEW entries AS SELECT * FROM 'rows.parquet'")
held, done = 0, threading.Event()


def watch():
    global held
    while not done.wait(0.02):
        held = max(held, pa.total_allocated_bytes() >> 20)


watcher = threading.Thread(target=watch)
watcher.start()
engine.execute("SELECT count(*), sum(length(x)) FROM (SELECT md5(md5(md5(t))) AS x FROM entries)").fetchall()
done.set()
watcher.join()
process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(f"{how}: Arrow held up to {held} MB, the process {process} MB")
raise SystemExit((held > 2 * LIMIT_MB) != (how == "as an Arrow data set"))
PY
for how in make "as an Arrow data set" "opened by DuckDB"; do
    "$work/venv/bin/python" probe.py "$how"
done
