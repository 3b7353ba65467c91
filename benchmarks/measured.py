"""The things that are measured, each run in a process of its own: `python -m benchmarks.measured TASK …`.

The last line printed is the task's figures as JSON: seconds, peak_mb (the process's peak resident memory).
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.frame import FrameSpec
from cpg1_assets.rules.frames import NAV_VOUCHER_ENTRIES
from cpg1_assets.sources.query import Query

_BATCH = 131_072
_VOUCHERS = 400_000
_TIMES = 5
ENTRIES = FrameSpec.model_validate(
    {
        "name": "entries",
        "title": "Entries of the benchmark's server",
        "key": ["id_company", "entry_no"],
        "columns": [
            {"name": "id_company", "type": "text"},
            {"name": "entry_no", "type": "integer"},
            {"name": "amount", "type": "amount"},
            {"name": "posting_date", "type": "timestamp"},
            {"name": "document_no", "type": "text"},
            {"name": "description", "type": "text"},
            {"name": "user_id", "type": "text"},
            {"name": "reversed", "type": "flag"},
        ],
    }
)
_NOT_NULL = {"text": "'x'", "integer": "0", "flag": "false", "date": "DATE '2025-01-01'", "amount": "0", "rate": "1",
             "timestamp": "TIMESTAMP '2025-01-01'"}  # fmt: skip


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_entries(folder: str, rows: str) -> dict[str, float]:
    """Make `cr_03`, `ipe_08` and `doc_voucher_usage` as Parquet: `rows` entries on 18412, in no order."""
    descriptions = (
        "['RF_ REFUND 1', 'COMMERCIAL GESTURE', 'PYT_JFORCE', 'VOUCHER ACCRUAL', 'usage ', 'EXPR_APLGY', 'x']"
    )
    users = "['JUMIA/NAV31AFR.BATCH.SRVC', 'JUMIA\\\\NAV31AFR.BATCH.SRVC', 'JUMIA/someone', NULL]"
    generate(
        folder,
        "cr_03",
        int(rows),
        {
            "id_company": f"(['EC_NG','EC_KE','JD_GH','EC_MA'])[1 + {_pick(1, 4)}]",
            "entry_no": "CAST(i AS BIGINT)",
            "amount": f"CAST({_pick(2, 2_000_000)} - 1000000 AS DECIMAL(24,4)) / 100",
            "remaining_amount": "CAST(0 AS DECIMAL(24,4))",
            "group_coa_account_no": "'18412'",
            "gl_account_no": "'18412'",
            "document_description": f"({descriptions})[1 + {_pick(3, 7)}] || CAST({_pick(4, 999_999)} AS VARCHAR)",
            "document_no": f"'DOC' || CAST({_pick(5, 9_999_999)} AS VARCHAR)",
            "voucher_no": f"CAST({_pick(6, _VOUCHERS * 2)} AS VARCHAR)",
            "user_id": f"({users})[1 + {_pick(7, 4)}]",
            "posting_date": f"DATE '2025-01-01' + CAST({_pick(8, 270)} AS INTEGER)",
            "document_type": f"(['Invoice', 'Credit Memo', NULL])[1 + {_pick(9, 3)}]",
            "bal_account_type": f"(['G/L Account', 'Bank Account', NULL])[1 + {_pick(10, 3)}]",
        },
    )
    uses = "(['refund', 'apology_v2', 'jforce', 'store_credit', 'marketing'])"
    company = f"(['EC_NG','EC_KE','JD_GH','EC_MA'])[1 + {_pick(11, 4)}]"
    generate(
        folder, "ipe_08", _VOUCHERS,
        {"id_company": company, "voucher_id": "CAST(i AS VARCHAR)", "business_use": f"{uses}[1 + {_pick(12, 5)}]"},
    )  # fmt: skip
    generate(
        folder,
        "doc_voucher_usage",
        _VOUCHERS,
        {
            "id_company": company,
            "voucher_id": f"CAST({_VOUCHERS} + i AS VARCHAR)",
            "transaction_no": f"'DOC' || CAST({_pick(13, 9_999_999)} AS VARCHAR)",
            "business_use": f"{uses}[1 + {_pick(14, 5)}]",
            "total_amount_used": f"CAST({_pick(15, 100_000)} AS DECIMAL(24,4))",
        },
    )
    return {}


def copy_entries(folder: str) -> dict[str, float]:
    """Copy the columns the rule reads, batch by batch: what Parquet to Parquet costs with no rule in between."""
    from cpg1_assets.rules.nav_voucher_entries import CR_03  # noqa: PLC0415 - not part of what is timed

    started = time.perf_counter()
    source = pq.ParquetFile(_path(folder, "cr_03"))
    wanted = [column.name for column in CR_03]
    with pq.ParquetWriter(
        _path(folder, "copy"),
        source.read_row_group(0, columns=wanted).schema,
        compression="zstd",
        compression_level=1,
    ) as writer:
        for batch in source.iter_batches(_BATCH, columns=wanted):
            writer.write_batch(batch)
    return {"seconds": time.perf_counter() - started}


def categorise(folder: str) -> dict[str, float]:
    """Read, categorise, type, order and write all entries, as the asset does."""
    from cpg1_assets.rules.nav_voucher_entries import nav_voucher_entries  # noqa: PLC0415
    from cpg1_assets.storage.parquet import write_parquet  # noqa: PLC0415

    inputs = [ds.dataset(_path(folder, name)) for name in ("cr_03", "ipe_08", "doc_voucher_usage")]
    started = time.perf_counter()
    write_parquet(nav_voucher_entries(*inputs), NAV_VOUCHER_ENTRIES, _path(folder, "nav_voucher_entries"))
    return {"seconds": time.perf_counter() - started}


def write_sorted(folder: str) -> dict[str, float]:
    """Sort and write an extract that arrives as a stream in no order, as every extract does."""
    from cpg1_assets.storage.parquet import write_parquet  # noqa: PLC0415

    started = time.perf_counter()
    groups = pq.ParquetFile(_path(folder, "cr_03"))
    batches = (  # a group at a time: nothing read may wait in memory, only what is being written
        batch
        for group in range(groups.num_row_groups)
        for batch in groups.read_row_group(group).to_batches(16_384)
    )
    reader = pa.RecordBatchReader.from_batches(groups.schema_arrow, batches)
    write_parquet(reader, _cr_03(), _path(folder, "sorted"))
    return {"seconds": time.perf_counter() - started}


def validate_and_pack(folder: str) -> dict[str, float]:
    """Validate the file that `write_sorted` left and describe it for evidence."""
    from cpg1_assets.evidence.packages.package import data_snapshot  # noqa: PLC0415
    from cpg1_assets.evidence.packages.summary import content_digest, data_summary  # noqa: PLC0415
    from cpg1_assets.extracts.validation import validate_extract  # noqa: PLC0415
    from cpg1_assets.month import CutoffMonth  # noqa: PLC0415

    started = time.perf_counter()
    path = _path(folder, "sorted")
    contract = read_catalog()["cr_03"].contract
    validate_extract(path, contract, CutoffMonth(2025, 9).parameters(), [], [], [], [])
    content_digest(path)
    data_summary(path, contract)
    data_snapshot(path, sample=True)
    return {"seconds": time.perf_counter() - started}


def odbc_product(given: str, rows: str, folder: str) -> dict[str, float]:
    """Take `rows` entries from the benchmark's server as every extract is taken: over ODBC, sorted, to Parquet."""
    from cpg1_assets.sources.connection_string import ConnectionString  # noqa: PLC0415
    from cpg1_assets.sources.odbc import OdbcSource, Waits  # noqa: PLC0415
    from cpg1_assets.sources.sqlserver import SqlServer  # noqa: PLC0415
    from cpg1_assets.storage.parquet import write_parquet  # noqa: PLC0415
    from cpg1_assets_tests.postgres.server import PostgresServer  # noqa: PLC0415

    string = ConnectionString.parse(given)
    source = OdbcSource(string, PostgresServer(string) if "PostgreSQL" in given else SqlServer(), Waits())
    started = time.perf_counter()
    with source.session({"asset": "benchmark"}) as session:
        query = Query(_entries_query("[AIG_Nav_DW].[dbo].[Entries]", "@rows"), {"rows": int(rows)})
        written = write_parquet(session.stream(query), ENTRIES, _path(folder, "product"))
    return {"seconds": time.perf_counter() - started, "rows": written.rows}


def odbc_pandas(given: str, rows: str, folder: str) -> dict[str, float]:
    """Take the same entries as people do by hand: pandas.read_sql over pyodbc, then to_parquet."""
    import warnings  # noqa: PLC0415

    import pandas as pd  # noqa: PLC0415
    import pyodbc  # noqa: PLC0415

    from cpg1_assets.sources.connection_string import ConnectionString  # noqa: PLC0415
    from cpg1_assets.sources.driver import with_driver_found  # noqa: PLC0415

    warnings.simplefilter("ignore", UserWarning)  # pandas would rather have SQLAlchemy
    table = "[AIG_Nav_DW].[dbo].[Entries]"
    if "PostgreSQL" in given:
        table, given = '"AIG_Nav_DW.dbo"."Entries"', given + "UseDeclareFetch=1;Fetch=2000;BoolsAsChar=0;"
    started = time.perf_counter()
    with pyodbc.connect(
        with_driver_found(ConnectionString.parse(given)).text(), autocommit=True
    ) as connection:
        frame = pd.read_sql(_entries_query(table, "?"), connection, params=[int(rows)])
    frame.to_parquet(_path(folder, "pandas"))
    return {"seconds": time.perf_counter() - started, "rows": len(frame)}


def _entries_query(table: str, rows: str) -> str:
    columns = ", ".join(f"e.{column.name} AS {column.name}" for column in ENTRIES.columns)
    return f"SELECT {columns} FROM {table} AS e WHERE e.entry_no <= {rows}"


def make_books(folder: str, factor: str) -> dict[str, float]:
    """Make the sample books."""
    from cpg1_assets.sample_books import make_sample_books  # noqa: PLC0415

    started = time.perf_counter()
    make_sample_books(Path(folder), factor=int(factor))
    return {"seconds": time.perf_counter() - started}


def verify(folder: str) -> dict[str, float]:
    """Verify a sealed month of 360 MB, and hash the same files with `sha256sum`."""
    from cpg1_assets.disk import sha256_of  # noqa: PLC0415
    from cpg1_assets.evidence.audit.verify import verify as verified  # noqa: PLC0415
    from cpg1_assets.evidence.chain.seal import MonthContent, seal_month  # noqa: PLC0415

    evidence, data = Path(folder) / "evidence", Path(folder) / "data"
    data.mkdir(parents=True)
    for number in range(6):
        rows = pa.table({"text": [os.urandom(1 << 19).hex()] * 60})
        pq.write_table(rows, data / f"frame_{number}", compression="none", use_dictionary=False)
    files = {path.name: path for path in data.iterdir()}
    proven = {name: sha256_of(path) for name, path in files.items()}
    content = MonthContent(files, proven, {}, {}, {}, {})
    seal_month(evidence, "2025-09", content, run_id="benchmark")
    hash_them = ["sha256sum", *sorted(str(path) for path in evidence.rglob("*") if path.is_file())]
    seconds = []
    for run in (
        lambda: verified(evidence),
        lambda: subprocess.run(hash_them, stdout=subprocess.DEVNULL, check=True),  # noqa: S603 - files of our own
    ):
        run()  # once to have the files in memory, for both
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return {"verify": seconds[0], "sha256sum": seconds[1]}


def close_in_a_process(tree: Path, folder: Path) -> dict[str, float]:
    """Close a month with the code in `tree`, from shell to shell, in a fresh home whose books are there already."""
    home = Path(tempfile.mkdtemp(dir=folder))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CPG1_", "DAGSTER_"))
    }
    environment |= {"CPG1_HOME": str(home), "CPG1_SOURCE": "sample", "PYTHONPATH": str(tree)}
    cpg1 = [sys.executable, "-m", "cpg1_assets"]
    quiet: dict[str, Any] = {
        "cwd": tree,
        "env": environment,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    subprocess.run([*cpg1, "sample"], check=True, **quiet)  # noqa: S603 - our own command
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*cpg1, "close", "--month", "2025-09"], check=False, **quiet)  # noqa: S603 - likewise
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3, 4):
        raise RuntimeError(f"the close with {tree} failed")
    shutil.rmtree(home)
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def close(home: str, month: str) -> dict[str, float]:
    """Close a month in process, with a stopwatch on everything that is extract, rule, check or write."""
    from cpg1_assets.closing.one_month import close_month  # noqa: PLC0415
    from cpg1_assets.home import Home  # noqa: PLC0415
    from cpg1_assets.month import CutoffMonth  # noqa: PLC0415
    from cpg1_assets.settings import Settings  # noqa: PLC0415
    from cpg1_assets.sources.sample import ensure_sample_books  # noqa: PLC0415

    settings = Settings(home=Path(home))
    ensure_sample_books(Home(settings).sample_books_folder)
    os.environ.pop("DAGSTER_HOME", None)
    close_month(
        settings, CutoffMonth.parse(month), lambda _: None
    )  # imports and first-time set-up are not the month
    with stopwatch() as work:
        started = time.perf_counter()
        outcome = close_month(settings, CutoffMonth.parse(month), lambda _: None)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "work": work(), "assets": len(outcome.files)}


def resume(home: str) -> dict[str, float]:
    """Close a month whose last run failed in its last step, the seal, and one that was never closed."""
    from cpg1_assets.closing.one_month import close_month  # noqa: PLC0415
    from cpg1_assets.errors import EvidenceError  # noqa: PLC0415
    from cpg1_assets.graph import manifest  # noqa: PLC0415
    from cpg1_assets.home import Home  # noqa: PLC0415
    from cpg1_assets.month import CutoffMonth  # noqa: PLC0415
    from cpg1_assets.settings import Settings  # noqa: PLC0415
    from cpg1_assets.sources.sample import ensure_sample_books  # noqa: PLC0415

    settings = Settings(home=Path(home))
    ensure_sample_books(Home(settings).sample_books_folder)
    os.environ.pop("DAGSTER_HOME", None)

    def closed(month: str) -> tuple[float, int]:
        started = time.perf_counter()
        outcome = close_month(settings, CutoffMonth.parse(month), lambda _: None)
        return time.perf_counter() - started, len(outcome.kept)

    with mock.patch.object(manifest, "seal_month", side_effect=EvidenceError("the disk is full")):
        closed("2025-08")
    whole, _ = closed("2025-09")
    resumed, kept = closed("2025-08")
    return {"whole": whole, "resumed": resumed, "kept": kept}


def plant() -> dict[str, float]:
    """Plant the faults of a month in small books of their own, and find them; once before for what is kept in memory."""
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415
    from cpg1_assets.effectiveness.control_effectiveness import control_effectiveness  # noqa: PLC0415
    from cpg1_assets.extracts.scope import read_scope  # noqa: PLC0415
    from cpg1_assets.graph.checks import circumstances_of  # noqa: PLC0415
    from cpg1_assets.month import CutoffMonth  # noqa: PLC0415
    from cpg1_assets.settings import Settings  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as home:
        rules = circumstances_of(open_deployment(Settings(home=Path(home))), CutoffMonth.parse("2025-09"))
    accounts = tuple(read_scope().gl_accounts)
    seconds = []
    for seed in range(_TIMES + 1):
        started = time.perf_counter()
        rows = control_effectiveness(f"seed {seed}", rules, accounts).num_rows
        seconds.append(time.perf_counter() - started)
    return {"seconds": sorted(seconds[1:])[_TIMES // 2], "rows": rows}


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Count the time inside the work of a close; calls inside each other count once."""
    import cpg1_assets.graph.control_effectiveness as planted  # noqa: PLC0415
    import cpg1_assets.graph.derived as derived  # noqa: PLC0415, PLR0402
    import cpg1_assets.graph.extracts as factory  # noqa: PLC0415
    import cpg1_assets.graph.io_manager as io_manager  # noqa: PLC0415, PLR0402
    import cpg1_assets.graph.jdash as jdash  # noqa: PLC0415, PLR0402
    import cpg1_assets.graph.packages as evidence  # noqa: PLC0415
    from cpg1_assets.graph import checks, drawn  # noqa: PLC0415

    total, depth = 0.0, 0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            nonlocal total, depth
            depth += 1
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                depth -= 1
                if not depth:
                    total += time.perf_counter() - started

        return run

    places = [
        (factory, ["extract_month", "_documents", "write_package"]),
        (jdash, ["read_jdash"]),
        (drawn, ["data_documents", "write_package"]),
        (planted, ["control_effectiveness"]),
        (derived, ["to_frame", *(name for name in vars(derived) if name.endswith("_rule"))]),
        (evidence, ["_package", "_amount_by_company"]),
        (checks, ["outcomes"]),
        (io_manager, ["write_parquet", "_exact"]),
    ]
    with ExitStack() as stack:
        for module, names in places:
            for name in names:
                stack.enter_context(mock.patch.object(module, name, timed(getattr(module, name))))
        yield lambda: total


def _cr_03() -> FrameSpec:
    return read_catalog()["cr_03"].contract


def _path(folder: str, name: str) -> Path:
    return Path(folder) / f"{name}.parquet"


def _pick(salt: int, below: int) -> str:
    """Give an expression for a whole number below `below` that depends on the row and `salt` alone."""
    return f"CAST(hash(i * 31 + {salt}) % {below} AS BIGINT)"


def generate(folder: str, name: str, rows: int, given: dict[str, str]) -> None:
    """Write a Parquet file with the extract's columns: those given as expressions of the row number `i`, else null."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    contract = read_catalog()[name].contract
    expressions = []
    for column in contract.columns:
        kind = str(column.arrow_type).replace("decimal128", "DECIMAL")
        kind = {"string": "VARCHAR", "int64": "BIGINT", "bool": "BOOLEAN", "date32[day]": "DATE",
                "timestamp[us]": "TIMESTAMP"}.get(kind, kind)  # fmt: skip
        absent = "NULL" if column.nullable else _NOT_NULL[column.type]
        expressions.append(f"CAST({given.get(column.name, absent)} AS {kind}) AS {column.name}")
    duckdb.connect().execute(
        f"COPY (SELECT {', '.join(expressions)} FROM (SELECT (n * 7919) % {rows} AS i FROM range({rows}) AS r(n)))"
        f" TO '{_path(folder, name)}' (FORMAT parquet, ROW_GROUP_SIZE {_BATCH})"
    )


def peak_mb() -> float:
    """Most memory this process has had; where the kernel tells, without what the process that started it had."""
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(peak) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )


def run_task(tasks: Mapping[str, Any]) -> None:
    """Run the task that the command line names, and print its figures with this process's peak memory."""
    task, *arguments = sys.argv[1:]
    figures = tasks[task](*arguments)
    figures["peak_mb"] = peak_mb()
    print(json.dumps(figures))


if __name__ == "__main__":
    run_task(globals())
