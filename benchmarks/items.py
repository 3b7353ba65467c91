"""Matching open items, millions a side: the tasks of `python -m benchmarks items`, each in a process of its own.

Nine NAV entries in ten agree with a row of the target; the others have another reference or another amount.
"""

import sys
import time
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import cpg1_assets.rules
from benchmarks.measured import generate, run_task
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.frames import OPEN_ITEM_MATCHES
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.open_item_matches import open_item_matches
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.yaml_file import read_yaml

COMPANIES = 9
SIDES = ("nav_open_items", "ipe_07")
_OTHERS = ("collection_links", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34", "doc_voucher_usage")
_KEY = {"nav_open_items": "remaining_amount", "ipe_07": "remaining_amount_lcy"}


def make_items(folder: str, rows: str) -> dict[str, float]:
    """Write both sides of `customer_ar`, so many rows each, and what else the matching reads, without rows."""
    company, amount = f"'C' || (i % {COMPANIES})", "(i * 37 % 1000003) / CAST(100 AS DECIMAL(24,4))"
    posted = "DATE '2023-01-01' + CAST(i % 900 AS INTEGER)"
    generate(
        folder,
        "nav_open_items",
        int(rows),
        {
            "id_company": company, "entry_no": "i", "group_coa_account_no": "'13003'", "posting_date": posted,
            "document_no": "'SI-' || i", "document_description": "'Sales invoice, B2B'", "source_no": "'C' || (i % 50000)",
            "amount": f"CAST({amount} AS DECIMAL(24,4))", "remaining_amount": f"CAST({amount} AS DECIMAL(24,4))",
        },
    )  # fmt: skip
    generate(
        folder,
        "ipe_07",
        int(rows),
        {
            "id_company": company, "entry_no": "i + 100000000", "posting_date": posted, "customer_no": "'C' || (i % 50000)",
            "document_no": "CASE WHEN i % 20 = 7 THEN 'XX-' ELSE 'SI-' END || i",
            "original_amount_lcy": f"CAST({amount} AS DECIMAL(24,4))",
            "remaining_amount_lcy": f"CAST({amount} AS DECIMAL(24,4)) + CASE WHEN i % 20 = 13 THEN 1 ELSE 0 END",
        },
    )  # fmt: skip
    return {}


def copy_both(folder: str) -> dict[str, float]:
    """Copy both sides row by row, sorted by the product's own writer."""
    started, catalog = time.perf_counter(), read_catalog()
    for name in SIDES:
        rows = pq.ParquetFile(_path(folder, name))
        batches = pa.RecordBatchReader.from_batches(rows.schema_arrow, rows.iter_batches())
        write_parquet(batches, catalog[name].contract, _path(folder, "copy"))
    return {"seconds": time.perf_counter() - started}


def match(folder: str) -> dict[str, float]:
    """Match both sides, Parquet to Parquet."""
    catalog = read_catalog()
    rules = Path(cpg1_assets.rules.__file__).parent
    none = {name: catalog[name].contract.arrow_schema.empty_table() for name in _OTHERS}
    companies = [f"C{number}" for number in range(COMPANIES)]
    cr_05 = pa.table({"id_company": companies, "company_country": pa.nulls(COMPANIES, pa.string())})
    cr_04 = pa.table(
        {
            "id_company": companies,
            "closing_date": [date(2025, 9, 30)] * COMPANIES,
            "refresh_date": [datetime(2025, 10, 5)] * COMPANIES,  # noqa: DTZ001 - as the books have it
            "group_coa_account_no": ["13003"] * COMPANIES,
            "balance_at_date": pa.array([Decimal(0)] * COMPANIES, pa.decimal128(24, 4)),
        }
    )
    started = time.perf_counter()
    sides = {name: opened_parquet(str(_path(folder, name))) for name in SIDES}
    found = open_item_matches(
        **sides,
        **none,
        cr_04=cr_04,
        cr_05=cr_05,
        month=CutoffMonth(2025, 9),
        lines=read_yaml(rules / "lines.yaml", Lines),
        matching=read_yaml(rules / "open_items.yaml", Matching),
    )
    written = write_parquet(found, OPEN_ITEM_MATCHES, _path(folder, "matches"))
    return {"seconds": time.perf_counter() - started, "rows": written.rows}


def compare(folder: str) -> dict[str, float]:
    """Compare both sides by company and document with datacompy on Polars, its fastest backend, only what it needs."""
    try:
        # Asked for by this benchmark alone, and not there where only the tests are.
        polars, datacompy = import_module("polars"), import_module("datacompy.polars")
    except ImportError:
        sys.exit("datacompy is missing: pip install 'datacompy>=1.0,<2' polars")
    started = time.perf_counter()
    sides = [
        polars.read_parquet(_path(folder, name), columns=["id_company", "document_no", amount]).rename(
            {amount: "amount"}
        )
        for name, amount in _KEY.items()
    ]
    compared = datacompy.PolarsCompare(*sides, join_columns=["id_company", "document_no"])
    agreed = compared.count_matching_rows()
    return {"seconds": time.perf_counter() - started, "agreed": float(agreed)}


def join_and_write(folder: str) -> dict[str, float]:
    """Let DuckDB read what a comparison needs, join it and write the pairs: nothing sorted, named or added up."""
    sides = [
        f"(SELECT id_company, document_no, entry_no, {amount} AS amount FROM '{_path(folder, name)}')"
        for name, amount in _KEY.items()
    ]
    started = time.perf_counter()
    duckdb.sql(
        f"COPY (SELECT * FROM {sides[0]} AS n FULL JOIN {sides[1]} AS t USING (id_company, document_no)) "
        f"TO '{_path(folder, 'pairs')}' (FORMAT parquet)"
    )
    return {"seconds": time.perf_counter() - started}


def _path(folder: str, name: str) -> Path:
    return Path(folder) / f"{name}.parquet"


if __name__ == "__main__":
    run_task(globals())
