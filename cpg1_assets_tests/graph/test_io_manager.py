"""What is in storage is whole, exact, known by its content, and read as the type an asset asks for."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from cpg1_assets.definitions import build_definitions
from cpg1_assets.deployment import open_deployment
from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import StorageError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.graph.io_manager import parquet_io_manager
from cpg1_assets.settings import Settings
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.provenance import provenance_name
from cpg1_assets_tests.closing import QUIET, Closed, close
from cpg1_assets_tests.graph.hand_made import put_in_storage, vouch

MONTH = "2025-09"
EXAMPLE = FrameSpec(
    name="example",
    title="Example",
    key=("id_company",),
    amounts=("amount",),
    columns=columns(
        ("id_company", "text"), ("amount", "amount"), ("fx_rate", "rate"), ("posted", "date"), ("at", "timestamp"),
        ("is_open", "flag"), ("entry_no", "integer"), required=["id_company"],
    ),
)  # fmt: skip
PARTITIONS = dg.StaticPartitionsDefinition([MONTH, "2025-10"])


def rows_of(amount: str) -> pa.Table:
    row = {"id_company": "A", "amount": Decimal(amount)}
    return pa.Table.from_pylist([row], schema=EXAMPLE.arrow_schema)


@pytest.fixture
def storage(tmp_path: Path) -> ParquetStorage:
    return ParquetStorage(str(tmp_path / "storage"), tmp_path / "spool")


def example(made: Callable[[], object]) -> dg.AssetsDefinition:
    @dg.asset(name="example", partitions_def=PARTITIONS, io_manager_key="parquet")
    def asset() -> Any:  # noqa: ANN401 - whatever the test hands over
        return made()

    return asset


def reader(wanted: type, seen: list[Any], only: list[str] | None = None) -> dg.AssetsDefinition:
    def asset(example: Any) -> None:  # noqa: ANN401 - annotated below
        seen.append(example)

    asset.__annotations__["example"] = wanted
    ins = {"example": dg.AssetIn(metadata={"columns": only} if only else None)}
    return dg.asset(name="reader", partitions_def=PARTITIONS, ins=ins)(asset)


def run(storage: ParquetStorage, *assets: dg.AssetsDefinition, select: str) -> dg.ExecuteInProcessResult:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        tempfile.TemporaryDirectory() as place,
    ):
        home = Path(place)
        return dg.materialize(
            [*assets],
            resources={
                "parquet": parquet_io_manager(
                    replace(open_deployment(Settings(home=home)), storage=storage), {"example": EXAMPLE}
                ),
                "io_manager": dg.mem_io_manager,
            },
            partition_key=MONTH,
            instance=instance,
            raise_on_error=False,
            selection=select,
            run_config=QUIET,
        )


def why(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    return event.step_failure_data.error_display_string


def test_a_months_files_are_where_the_documentation_says(closed: Closed) -> None:
    storage = closed.settings.home / "storage"
    found = {str(path.relative_to(storage)) for path in storage.rglob("*") if path.is_file()}
    data = {f"{asset}/{MONTH}.parquet" for asset in closed.materialized()}
    said = {
        f"{asset}/{provenance_name(MONTH, sha256_of(closed.path(asset)))}" for asset in closed.materialized()
    }
    assert found == data | said
    assert len(data) == 34


def test_every_materialization_says_rows_schema_size_hash_and_place(closed: Closed) -> None:
    for asset in closed.materialized():
        said, path = closed.metadata(asset), closed.path(asset)
        stored = pq.ParquetFile(path)
        assert said["dagster/partition_row_count"] == stored.metadata.num_rows
        assert said["size_bytes"] == path.stat().st_size
        assert said["sha256"] == sha256_of(path)
        assert said["dagster/uri"] == f"file://{path}"
        assert said["dagster/storage_kind"] == "parquet"
        assert said["books"] == "SAMPLE BOOKS"
        schema: dg.TableSchema = said["dagster/column_schema"]
        assert [(c.name, c.type) for c in schema.columns] == [
            (f.name, str(f.type)) for f in stored.schema_arrow
        ]
        assert [c.constraints.nullable for c in schema.columns] == [f.nullable for f in stored.schema_arrow]


def test_the_data_version_is_the_contents_hash_and_a_rerun_makes_nothing_stale(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    settings = Settings(home=tmp_path / "home")
    inputs = ["ipe_31"]
    put_in_storage(tmp_path / "home" / "storage", *inputs)

    def versions(asset: str) -> tuple[str, str | None]:
        closed = close(settings, MONTH, instance, select=[asset])
        (event,) = closed.result.get_asset_materialization_events()
        tags = event.step_materialization_data.materialization.tags or {}
        return tags["dagster/data_version"], tags.get("dagster/input_data_version/ipe_31_classified")

    first, _ = versions("ipe_31_classified")
    _, seen_first = versions("bridge_classifications_evidence")
    again, _ = versions("ipe_31_classified")
    _, seen_again = versions("bridge_classifications_evidence")
    assert (
        first == again == sha256_of(tmp_path / "home" / "storage" / "ipe_31_classified" / f"{MONTH}.parquet")
    )
    assert seen_first == seen_again
    assert seen_first is not None


def test_a_failing_write_leaves_what_was_there_and_nothing_else(storage: ParquetStorage) -> None:
    assert run(storage, example(lambda: rows_of("1.5")), select="example").success
    kept = Path(storage.path("example", MONTH))
    before = kept.read_bytes()
    wide = rows_of("1").set_column(1, "amount", pa.array([Decimal("0.00001")]))
    failed = run(storage, example(lambda: wide), select="example")
    assert not failed.success
    assert "0.00001" in why(failed)
    assert kept.read_bytes() == before
    said = provenance_name(MONTH, sha256_of(kept))
    assert sorted(path.name for path in kept.parent.iterdir()) == [said, kept.name]


def test_a_stream_that_breaks_off_leaves_what_was_there(storage: ParquetStorage) -> None:
    assert run(storage, example(lambda: rows_of("1.5")), select="example").success
    kept = Path(storage.path("example", MONTH))
    before = kept.read_bytes()

    def broken() -> Iterator[pa.RecordBatch]:
        yield from rows_of("2").to_batches()
        raise ConnectionError("the server went away")

    failed = run(
        storage,
        example(lambda: pa.RecordBatchReader.from_batches(EXAMPLE.arrow_schema, broken())),
        select="example",
    )
    assert not failed.success
    assert kept.read_bytes() == before
    said = provenance_name(MONTH, sha256_of(kept))
    assert sorted(path.name for path in kept.parent.iterdir()) == [said, kept.name]


def test_a_place_that_cannot_be_written_is_named(storage: ParquetStorage, tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file in the way")
    failed = run(storage, example(lambda: rows_of("1")), select="example")
    assert "DiskError" in why(failed)
    assert str(tmp_path / "storage") in why(failed)


def test_leftovers_of_dead_writers_are_cleared_and_those_of_living_ones_are_not(
    storage: ParquetStorage, tmp_path: Path
) -> None:
    folder = storage.spool_path("example", MONTH, "run").parent
    show_and = (
        "import os, sys, time; from pathlib import Path; from cpg1_assets.process import Process, lives_in;"
        "lives_in(Path(sys.argv[1])); print(Process.own().token, flush=True);"
    )
    command = [sys.executable, "-c", show_and + "sys.stdin.read()", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living_one:
        assert living_one.stdout is not None
        alive = living_one.stdout.readline().strip()
        killed = [sys.executable, "-c", show_and + "os.kill(os.getpid(), 9)", str(tmp_path)]
        dead_one = subprocess.run(killed, capture_output=True, text=True, check=False).stdout.strip()
        dead = folder / f".{MONTH}.aaaa.{dead_one}.partial"
        living = folder / f".{MONTH}.bbbb.{alive}.partial"
        other_month = folder / f".2025-10.cccc.{dead_one}.partial"
        unknown = folder / f".{MONTH}.dddd.0123456789abcdef.partial"
        old = folder / f".{MONTH}.eeee.4711.partial"
        for left in (dead, living, other_month, unknown, old):
            left.touch()
        os.utime(old, (0, 0))
        storage.spool_path("example", MONTH, "run")
        assert (dead.exists(), living.exists(), other_month.exists()) == (False, True, True)
        assert unknown.exists(), "of another home on the same storage, perhaps: it may be at work"
        assert not old.exists(), "nobody has written it for a day"


def test_an_asset_reads_its_input_as_the_type_it_asks_for(storage: ParquetStorage) -> None:
    seen: list[Any] = []
    for wanted in (ds.Dataset, pa.Table, pd.DataFrame):
        made = (example(lambda: rows_of("1.5")), reader(wanted, seen))
        assert run(storage, *made, select="*").success
    lazy, table, frame = seen
    assert isinstance(lazy, ds.Dataset)
    assert isinstance(table, pa.Table)
    assert isinstance(frame, pd.DataFrame)
    assert table.schema == EXAMPLE.arrow_schema
    assert dict(frame.dtypes) == {f.name: pd.ArrowDtype(f.type) for f in EXAMPLE.arrow_schema}
    assert frame["amount"][0] == Decimal("1.5")
    assert frame["amount"].dtype == pd.ArrowDtype(pa.decimal128(24, 4))
    assert lazy.to_table().to_pylist() == table.to_pylist()


@pytest.mark.parametrize("wanted", [pa.Table, pd.DataFrame])
def test_only_the_columns_an_input_names_are_read(storage: ParquetStorage, wanted: type) -> None:
    seen: list[Any] = []
    made = (example(lambda: rows_of("1.5")), reader(wanted, seen, ["amount", "id_company"]))
    assert run(storage, *made, select="*").success
    names = seen[0].column_names if wanted is pa.Table else list(seen[0].columns)
    assert names == ["amount", "id_company"]


def test_a_missing_input_says_which_month_and_how_to_get_it(storage: ParquetStorage) -> None:
    failed = run(storage, example(lambda: None), reader(pa.Table, []), select="reader")
    assert f"example of {MONTH} is not in storage" in why(failed)
    assert f"dagster asset materialize --select example --partition {MONTH} -m cpg1_assets" in why(failed)


def test_a_damaged_input_is_named_with_what_to_do(storage: ParquetStorage) -> None:
    path = Path(storage.path("example", MONTH))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 not really PAR1")
    vouch(path)
    failed = run(storage, example(lambda: None), reader(pa.Table, []), select="reader")
    assert f"{path} is not a readable Parquet file" in why(failed)
    assert "materialize its asset again" in why(failed)


def test_an_input_without_a_column_is_named(storage: ParquetStorage) -> None:
    path = Path(storage.path("example", MONTH))
    path.parent.mkdir(parents=True)
    pq.write_table(rows_of("1").drop_columns(["amount"]), path)
    vouch(path)
    failed = run(storage, example(lambda: None), reader(pa.Table, []), select="reader")
    assert "lacks the columns amount" in why(failed)


def test_storage_may_be_any_fsspec_url(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    root = f"/{tmp_path.name}"
    memory = fsspec.filesystem("memory")
    put_in_storage(tmp_path / "made", "ipe_07")
    put = {
        f"{root}/ipe_07/{path.name}": path.read_bytes() for path in (tmp_path / "made" / "ipe_07").iterdir()
    }
    memory.pipe(put)
    settings = Settings(home=tmp_path / "home", storage=f"memory:/{root}")
    closed = close(settings, MONTH, instance, select=["customer_posting_group_bridge"])
    assert closed.result.success
    stored = f"{root}/customer_posting_group_bridge/{MONTH}.parquet"
    with memory.open(stored) as file:
        (row,) = pq.read_table(file).to_pylist()
    assert row["posting_groups"] == "EXPORT, NAT"
    assert closed.metadata("customer_posting_group_bridge")["dagster/uri"] == f"memory://{stored}"
    sha256 = closed.metadata("customer_posting_group_bridge")["sha256"]
    said = f"{root}/customer_posting_group_bridge/{provenance_name(MONTH, sha256)}"
    assert memory.find(root) == sorted([stored, said, *put])
    left = [
        path
        for path in (tmp_path / "home").rglob("*")
        if path.is_file() and path.parent.name not in {"locks", "processes"}
    ]
    assert left == [tmp_path / "home" / "books"], "nothing stays on the way"


def test_an_unknown_kind_of_storage_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"CPG1_STORAGE nosuch://bucket cannot be used"):
        build_definitions(Settings(home=tmp_path, storage="nosuch://bucket"))
