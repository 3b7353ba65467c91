"""A Parquet file of the control is sorted, exact, the same bytes for the same rows, whole or not at all."""

import datetime as dt
import errno
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import DataError, StorageError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.storage import parquet
from cpg1_assets.storage.parquet import write_parquet

SPEC = FrameSpec(
    name="example",
    title="Example",
    key=("id_company", "entry_no"),
    amounts=("amount",),
    columns=columns(
        ("id_company", "text"), ("entry_no", "integer"), ("amount", "amount"), ("posted", "date"), ("at", "timestamp"),
        required=["id_company"],
    ),
)  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id_company": st.text(st.characters(codec="utf-8"), max_size=5),
            "entry_no": st.none() | st.integers(-(2**63), 2**63 - 1),
            "amount": st.none() | st.decimals(-(10**19), 10**19, places=4),
            "posted": st.none() | st.dates(),
            "at": st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),  # noqa: DTZ001
        }
    ),
    max_size=30,
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SPEC.arrow_schema)


def order(row: dict[str, Any]) -> tuple[Any, ...]:
    """Nulls first, texts by Unicode code point: what the spec says of every file."""
    return tuple(
        (row[name] is not None, row[name] if row[name] is not None else 0) for name in SPEC.sort_order
    )


@given(rows=ROWS, seed=st.integers())
def test_rows_come_back_exactly_and_in_order_whatever_order_they_came_in(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("files")
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    one = write_parquet(table(rows), SPEC, folder / "one.parquet")
    reader = pa.RecordBatchReader.from_batches(SPEC.arrow_schema, table(shuffled).to_batches(max_chunksize=3))
    other = write_parquet(reader, SPEC, folder / "other.parquet")
    assert one.sha256 == other.sha256 == sha256_of(folder / "other.parquet")
    assert pq.read_table(folder / "one.parquet").to_pylist() == sorted(rows, key=order)
    assert one.rows == len(rows)


def test_row_groups_do_not_depend_on_how_rows_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 7)
    rows = [
        {"id_company": "A", "entry_no": n, "amount": Decimal(n), "posted": None, "at": None}
        for n in range(50)
    ]
    write_parquet(table(rows), SPEC, tmp_path / "a.parquet")
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [7] * 7 + [1]


def test_an_amount_that_would_be_rounded_names_row_value_and_column(tmp_path: Path) -> None:
    wide = pa.table(
        {
            "id_company": ["A", "B"],
            "entry_no": [1, 2],
            "amount": pa.array([Decimal("1.50000"), Decimal("0.00005")], pa.decimal128(38, 20)),
            "posted": pa.array([None, None], pa.date32()),
            "at": pa.array([None, None], pa.timestamp("us")),
        }
    )
    with pytest.raises(DataError, match=r"example\.amount: 0\.00005.*row 2 with id_company='B', entry_no=2"):
        write_parquet(wide, SPEC, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
    fine = write_parquet(wide.slice(0, 1), SPEC, tmp_path / "b.parquet")
    assert pq.read_table(fine.path).column("amount").to_pylist() == [Decimal("1.5")]


def test_money_is_never_a_floating_point_number(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id_company": ["A"], "entry_no": [1], "amount": [1.5], "posted": [None], "at": [None]}
    )
    with pytest.raises(DataError, match="money is decimal"):
        write_parquet(frame, SPEC, tmp_path / "a.parquet")


def test_a_null_where_none_may_be_names_the_row(tmp_path: Path) -> None:
    rows = pa.table({**dict.fromkeys(SPEC.arrow_schema.names, pa.nulls(1))})
    with pytest.raises(DataError, match=r"example\.id_company may not be null: row 1"):
        write_parquet(rows, SPEC, tmp_path / "a.parquet")


def test_a_missing_column_is_named_and_so_is_one_too_many(tmp_path: Path) -> None:
    good = table([])
    with pytest.raises(DataError, match="columns at are missing"):
        write_parquet(good.drop_columns(["at"]), SPEC, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="columns surplus are not in its contract"):
        write_parquet(good.append_column("surplus", pa.array([], pa.string())), SPEC, tmp_path / "a.parquet")


def test_a_date_that_carries_a_time_of_day_is_refused(tmp_path: Path) -> None:
    def of(moment: dt.datetime) -> pa.Table:
        rows = table([{"id_company": "A", "entry_no": 1, "amount": None, "posted": None, "at": None}])
        return rows.set_column(3, "posted", pa.array([moment], pa.timestamp("us")))

    midnight = dt.datetime(1969, 12, 31)  # noqa: DTZ001
    written = write_parquet(of(midnight), SPEC, tmp_path / "a.parquet")
    assert pq.read_table(written.path).column("posted").to_pylist() == [midnight.date()]
    with pytest.raises(DataError, match="time of day"):
        write_parquet(of(midnight + dt.timedelta(milliseconds=3)), SPEC, tmp_path / "b.parquet")


def test_a_full_disk_leaves_nothing_behind_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parquet, "_write_row_groups", full)
    with pytest.raises(StorageError, match="is full: free some space"):
        write_parquet(table([]), SPEC, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_real_full_device_is_told_the_same(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "full").symlink_to(full)
    rows = [{"id_company": "A", "entry_no": n, "amount": None, "posted": None, "at": None} for n in range(9)]
    with pytest.raises(StorageError, match="is full: free some space"):
        write_parquet(table(rows), SPEC, tmp_path / "full")
