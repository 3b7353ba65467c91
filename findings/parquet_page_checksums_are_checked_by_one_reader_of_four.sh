#!/usr/bin/env bash
# A Parquet file with page checksums and one flipped bit: four engines add up another total, and only one can be asked.
#
# Parquet pages may carry a CRC-32. pyarrow 26.0.1 writes them (`write_page_checksum=True`), and compares them when a
# reader asks for it (`page_checksum_verification=True`; for a dataset, in its fragment scan options). DuckDB 2.0.1,
# polars 2.1.0 and fastparquet 2026.9.0 read the same file without a word and give another sum; none of them has an
# option to compare. Where pages are not compressed nothing else notices either. Whoever keeps figures in Parquet and
# reads them with more than one engine has to compare a hash of the file, or read it with the one that can.
#
# Run: bash findings/parquet_page_checksums_are_checked_by_one_reader_of_four.sh   (Python 3.11+, the package index)
# Output seen:
#   pyarrow 26.0.1, duckdb 2.0.1, polars 2.1.0, fastparquet 2026.9.0
#   written:                      499500
#   pyarrow, not asked to check:  515884
#   pyarrow, asked to check:      OSError, CRC checksum verification failed
#   duckdb:                       515884
#   polars:                       515884
#   fastparquet:                  515884
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  'pyarrow==26.0.1' 'duckdb==2.0.1' 'polars==2.1.0' 'fastparquet==2026.9.0'
cd "$work"
cat > probe.py <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import duckdb
import fastparquet
import polars
import pyarrow as pa
import pyarrow.parquet as pq

amounts = list(range(1000))
written = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
pq.write_table(pa.table({"amount": pa.array(amounts, pa.int64())}), "a.parquet", **written)
content = bytearray(Path("a.parquet").read_bytes())
place = content.index(b"".join(amount.to_bytes(8, "little") for amount in (500, 501)))
content[place + 1] ^= 0x40  # 500 becomes 16,884
Path("a.parquet").write_bytes(content)


def by_pyarrow(*, checks: bool) -> object:
    try:
        return sum(pq.read_table("a.parquet", page_checksum_verification=checks)["amount"].to_pylist())
    except OSError as error:
        return f"OSError, {'CRC checksum verification failed' * ('CRC checksum verification failed' in str(error))}"


print(", ".join(f"{name} {version(name)}" for name in ("pyarrow", "duckdb", "polars", "fastparquet")))
found = {
    "written": sum(amounts),
    "pyarrow, not asked to check": by_pyarrow(checks=False),
    "pyarrow, asked to check": by_pyarrow(checks=True),
    "duckdb": int(duckdb.sql("SELECT sum(amount) FROM 'a.parquet'").fetchall()[0][0]),
    "polars": polars.read_parquet("a.parquet")["amount"].sum(),
    "fastparquet": int(fastparquet.ParquetFile("a.parquet").to_pandas()["amount"].sum()),
}
for reader, said in found.items():
    print(f"{reader + ':':<29} {said}")
wrong = sum(amounts) + 0x4000
seen = [499500, wrong, "OSError, CRC checksum verification failed", wrong, wrong, wrong]
sys.exit(list(found.values()) != seen)
PY
"$work/venv/bin/python" probe.py
