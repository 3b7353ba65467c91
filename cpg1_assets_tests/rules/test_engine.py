"""Inputs are read exactly or refused; results have their columns, types and order."""

import gc
import os
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from cpg1_assets.errors import DataError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.engine import Frame, Input, run, to_frame, to_table
from cpg1_assets_tests.rules.rows import rows

SPEC = FrameSpec(
    name="given",
    title="Given",
    key=("id",),
    amounts=("amount",),
    columns=columns(
        ("id", "text"),
        ("number", "integer"),
        ("flag", "flag"),
        ("day", "date"),
        ("moment", "timestamp"),
        ("amount", "amount"),
        ("rate", "rate"),
    ),
)
SAME = "SELECT * FROM given"


def given(**changed: pa.Array) -> pa.Table:
    nothing = {column.name: pa.nulls(2, column.arrow_type) for column in SPEC.columns}
    return pa.table(nothing | changed)


def read(frame: Frame) -> list[dict[str, Any]]:
    return rows(run(SAME, {"given": Input(frame, SPEC.columns)}, SPEC))


def test_the_result_has_the_frames_columns_and_types_and_is_ordered_by_code_point_nulls_first() -> None:
    frame = pa.table(
        {
            "extra": [1, 2, 3, 4, 5],
            **{c.name: pa.nulls(5, c.arrow_type) for c in SPEC.columns},
            "id": pa.array(["b", "é", None, "B", "a "]),
        }
    )
    found = to_table(run(SAME, {"given": Input(frame, SPEC.columns)}, SPEC))
    assert found.schema.names == [column.name for column in SPEC.columns]
    assert found.schema.types == [column.arrow_type for column in SPEC.columns]
    assert found["id"].to_pylist() == [None, "B", "a ", "b", "é"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda table: table,
        lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
        lambda table: table.to_pandas(),
        ds.dataset,
        lambda table: table.to_reader(max_chunksize=1),
    ],
    ids=["table", "arrow-backed pandas", "plain pandas", "dataset", "stream"],
)
def test_every_kind_of_frame_reads_the_same(wrap: Callable[[pa.Table], Frame]) -> None:
    frame = given(
        id=pa.array(["x", None]),
        amount=pa.array([Decimal("0.1000"), None], pa.decimal128(24, 4)),
        moment=pa.array([1_000_001, None], pa.timestamp("us")),
    )
    assert read(wrap(frame)) == read(frame)
    assert read(frame)[1]["amount"] == Decimal("0.1000")


def test_a_stream_may_be_read_twice_by_a_statement() -> None:
    frame = given(id=pa.array(["x", "y"]))
    twice = f"{SAME} UNION ALL {SAME}"
    found = rows(run(twice, {"given": Input(frame.to_reader(), SPEC.columns)}, SPEC))
    assert [row["id"] for row in found] == ["x", "x", "y", "y"]


@pytest.mark.parametrize(
    "opened", [ds.dataset, lambda path: opened_parquet(str(path))], ids=["data set", "stored"]
)
@pytest.mark.parametrize("name", ["one.parquet", r"it's [odd] \*?.parquet", "s3::x%41{a,b}.parquet"])
def test_a_parquet_file_is_read_whatever_its_path(
    tmp_path: Path, name: str, opened: Callable[[Path], Frame]
) -> None:
    folder = tmp_path / "id=not a column"
    folder.mkdir()
    pq.write_table(given(id=pa.array(["x", "y"])), folder / name)
    (tmp_path / "elsewhere").mkdir()
    assert [row["id"] for row in read(opened(folder / name))] == ["x", "y"]


def test_a_filtered_dataset_keeps_its_filter(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    pq.write_table(given(id=pa.array(["x", "y"])), path)
    for whole in (ds.dataset(path), opened_parquet(str(path))):
        assert [row["id"] for row in read(whole.filter(ds.field("id") == "y"))] == ["y"]


def test_a_stored_file_is_read_as_arrow_reads_it(tmp_path: Path) -> None:
    """With every type that a frame may have, at the ends of what it holds."""
    ends: dict[str, list[object]] = {
        "text": ["", "e\u0301\x00 ", "\U0001f600"],
        "integer": [-(2**63), 2**63 - 1, 0],
        "flag": [True, False, True],
        "date": [date(1, 1, 1), date(9999, 12, 31), date(1900, 2, 28)],
        "timestamp": [datetime(1, 1, 1), datetime.max, datetime(1969, 12, 31, 23, 59, 59, 1)],  # noqa: DTZ001, DTZ901
        "amount": [Decimal("9" * 20 + ".9999"), Decimal("-0.0001"), Decimal(0)],
        "rate": [Decimal("9" * 9 + ".123456789"), Decimal("-1e-9"), Decimal(0)],
    }
    written = pa.table(
        [pa.array([*ends[column.type], None], column.arrow_type) for column in SPEC.columns],
        SPEC.arrow_schema,
    )
    pq.write_table(written, tmp_path / "one.parquet")
    found = read(opened_parquet(str(tmp_path / "one.parquet")))
    assert found == read(ds.dataset(written))
    assert sorted(map(str, found)) == sorted(map(str, written.to_pylist()))


def test_a_dataset_of_several_files_is_read_whole(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(given(id=pa.array([name, name])), tmp_path / f"{name}.parquet")
    assert [row["id"] for row in read(ds.dataset(tmp_path))] == ["a", "a", "b", "b"]


def test_columns_of_other_types_that_lose_nothing_are_read() -> None:
    plain = given(
        id=pa.array(["x", None]),
        number=pa.array([7, None], pa.int64()),
        amount=pa.array([Decimal("1.5000"), None], pa.decimal128(24, 4)),
    )
    odd = given(
        id=pa.array(["x", None]).dictionary_encode(),
        number=pa.array([7, None], pa.int16()),
        flag=pa.nulls(2),
        day=pa.nulls(2),
        moment=pa.nulls(2, pa.timestamp("ns")),
        amount=pa.array([Decimal("1.50"), None], pa.decimal128(38, 10)),
        rate=pa.nulls(2, pa.float64()),
    )
    assert read(odd) == read(plain)
    assert read(odd.set_column(0, "id", pa.array(["x", None], pa.large_string()))) == read(plain)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount", pa.array([Decimal("1.00001"), None], pa.decimal128(38, 5))),
        ("amount", pa.array([Decimal(10) ** 20, None], pa.decimal128(38, 4))),
        ("amount", pa.array([0.5, None])),
        ("amount", pa.array(["0.5", None])),
        ("rate", pa.array([Decimal("0.00000000001"), None], pa.decimal128(38, 11))),
        ("moment", pa.array([1, None], pa.timestamp("ns"))),
        ("day", pa.array([1, None], pa.timestamp("us"))),
        ("number", pa.array([0.5, None])),
        ("number", pa.array(["one", None]).dictionary_encode()),
        ("flag", pa.array(["perhaps", None])),
        ("day", pa.array(["yesterday", None]).dictionary_encode()),
        ("id", pa.array(["\u00c9".encode(), None], pa.binary())),
        ("moment", pa.array([1, None], pa.timestamp("us", tz="UTC"))),
        ("day", pa.array([0, None], pa.timestamp("us", tz="Africa/Lagos"))),
    ],
)
def test_a_value_that_would_change_is_refused_by_frame_and_column(column: str, values: pa.Array) -> None:
    with pytest.raises(DataError, match=rf"given\.{column} "):
        read(given(**{column: values}))


def test_a_missing_column_is_refused_by_frame_and_column() -> None:
    with pytest.raises(DataError, match="given has no column rate"):
        read(given().drop_columns(["rate"]))
    with pytest.raises(DataError, match="given has no column rate"):
        read(pd.DataFrame({column.name: [None] for column in SPEC.columns if column.name != "rate"}))


def test_columns_that_differ_only_in_case_are_refused_because_one_could_be_read_for_the_other() -> None:
    twins = given().append_column("AMOUNT", pa.array([Decimal(900), None], pa.decimal128(24, 4)))
    with pytest.raises(DataError, match="given has columns that differ only in case: amount and AMOUNT"):
        read(twins)


def test_an_amount_of_the_result_that_does_not_fit_is_an_error() -> None:
    most = Decimal("99999999999999999999.9999")
    frame = given(amount=pa.array([most, most], pa.decimal128(24, 4)))
    summed = "SELECT id, number, flag, day, moment, sum(amount) AS amount, rate FROM given GROUP BY ALL"
    with pytest.raises(DataError, match="does not fit"):
        to_frame(run(summed, {"given": Input(frame, SPEC.columns)}, SPEC))


@pytest.mark.parametrize("wrong", ["amount / 3 AS amount", "CAST(amount AS DECIMAL(30, 6)) AS amount"])
def test_a_statement_whose_amounts_would_be_rounded_is_refused(wrong: str) -> None:
    statement = f"SELECT id, number, flag, day, moment, {wrong}, rate FROM given"
    with pytest.raises(TypeError, match="gives amount as"):
        run(statement, {"given": Input(given(), SPEC.columns)}, SPEC)


def test_a_statement_with_other_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="not"):
        run("SELECT id FROM given", {"given": Input(given(), SPEC.columns)}, SPEC)


def test_the_result_outlives_the_names_of_its_inputs_and_leaves_nothing_on_disk() -> None:
    relation = run(SAME, {"given": Input(given(id=pa.array(["x", "y"])), SPEC.columns)}, SPEC)
    gc.collect()
    reader = relation.to_arrow_reader(1)
    del relation
    gc.collect()
    assert reader.read_all()["id"].to_pylist() == ["x", "y"]
    assert not list(Path(tempfile.gettempdir()).glob(f"cpg1-rules-{os.getpid()}-*"))


def test_a_pandas_result_keeps_exact_decimals() -> None:
    frame = to_frame(run(SAME, {"given": Input(given(), SPEC.columns)}, SPEC))
    assert frame["amount"].dtype == pd.ArrowDtype(pa.decimal128(24, 4))
