"""Writing open items into a workbook, side by side with pandas: each run in a process of its own.

`python -m benchmarks.workbook TASK …`; the last line printed is the task's figures as JSON, as in `measured`.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.measured import run_task
from cpg1_assets.comments.open_items_sheet import COLUMNS, EDITABLE, NAME, cells_of
from cpg1_assets.deliverables.workbook_book import Book, Page, Part
from cpg1_assets.deliverables.workbook_table import Table, write_table
from cpg1_assets.inbox.given_cells import LONGEST_TEXT, Value
from cpg1_assets.rules.frames import CAUSES

COMPANIES = 4
_SHOWN = (
    "id_company", "line", "item", "unexplained", "unexplained_usd", "age_days", "cause", "comment", "confirmed_cause",
    "reference", "description", "first_date",
)  # fmt: skip
_BATCH = 4_096


def make_rows(folder: str, rows: str) -> dict[str, float]:
    """Make `rows` open items of twelve columns as Parquet, by company."""
    causes = ", ".join(f"'{cause}'" for cause in CAUSES)
    each = int(rows) // COMPANIES
    amount = "CAST(hash(i) % 2000000000 AS BIGINT) - 1000000000"
    columns = {
        "id_company": f"'EC_N' || CAST(i // {each} AS VARCHAR)",
        "line": "'voucher_liability'",
        "item": "'i' || substr(md5(CAST(i AS VARCHAR)), 1, 19)",
        "unexplained": f"CAST({amount} / 10000 AS DECIMAL(24, 4))",
        "unexplained_usd": f"CAST({amount} / 15000000 AS DECIMAL(24, 4))",
        "age_days": "CAST(i % 900 AS BIGINT)",
        "cause": f"([{causes}])[1 + i % {len(CAUSES)}]",
        "comment": "'Looked at with the bank, voucher ' || CAST(i AS VARCHAR)",
        "confirmed_cause": f"([{causes}])[1 + i % {len(CAUSES)}]",
        "reference": "'VOU-' || CAST(100000 + i AS VARCHAR)",
        "description": "'Refund voucher & delivery <' || CAST(i AS VARCHAR) || '>'",
        "first_date": "DATE '2025-01-01' + CAST(i % 270 AS INTEGER)",
    }
    listed = ", ".join(f"{what} AS {name}" for name, what in columns.items())
    duckdb.connect().execute(
        f"COPY (SELECT {listed} FROM range({int(rows)}) AS r(i)) TO '{_rows(folder)}' (FORMAT parquet)"
    )
    return {}


def with_pandas(folder: str) -> dict[str, float]:
    """Write the rows as people do: `DataFrame.to_excel` with openpyxl."""
    frame = pq.read_table(_rows(folder)).to_pandas()
    for name in ("unexplained", "unexplained_usd"):
        frame[name] = frame[name].astype("float64")
    frame["first_date"] = pd.to_datetime(frame["first_date"])
    started = _now()
    frame.to_excel(Path(folder) / "pandas.xlsx", index=False, engine="openpyxl", sheet_name=NAME)
    return _since(started)


def product(folder: str) -> dict[str, float]:
    """Write the rows as the control workbook has them: protected, filtered, with lists to choose from."""
    started = _now()
    columns = {name: COLUMNS[name] for name in _SHOWN}
    rows = pq.ParquetFile(_rows(folder))
    count = rows.metadata.num_rows
    editable = [list(columns).index(name) for name in EDITABLE if name in columns]

    def below(page: Page, part: Part) -> None:
        page.at_most(part.first, part.last, editable[0], LONGEST_TEXT)
        page.choices(part.first, part.last, editable[1], "=$G$3:$G$16", said="Choose one.")

    def cells() -> Iterator[tuple[int, tuple[Value, ...]]]:
        return ((2, row) for row in cells_of(rows.iter_batches(_BATCH), columns))

    made = datetime(2025, 10, 1)  # noqa: DTZ001 - a workbook knows no time zone
    book = Book(Path(folder) / "product.xlsx", Path(folder), title="Benchmark", footer="", created=made)
    companies = {f"EC_N{at}": count // COMPANIES for at in range(COMPANIES)}
    write_table(book, Table(NAME, NAME, [], tuple(columns.values()), companies, cells(), 3, below=below))
    book.close()
    return _since(started)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> dict[str, float]:
    """Give the time since, and what of it this process was computing: others may share the machine."""
    wall, computing = (now - then for now, then in zip(_now(), started, strict=True))
    return {"seconds": wall, "cpu": computing}


def _rows(folder: str) -> Path:
    return Path(folder) / "rows.parquet"


if __name__ == "__main__":
    run_task(globals())
