"""Rows are put in order in little memory, whatever their number, and nothing is left on the disk."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.storage import sorted_runs
from cpg1_assets.storage.sorted_runs import sorted_batches

_SCHEMA = pa.schema(
    [
        ("company", pa.string()),
        ("number", pa.int64()),
        ("amount", pa.decimal128(24, 4)),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us")),
        ("text", pa.string()),
    ]
)
_KEY, _REST = ("company", "number"), ("amount", "flag", "day", "moment", "text")
_NULL = st.none()
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "company": _NULL | st.sampled_from(["EC_NG", "ec_ng", "É", "🌍", "\uffff", ""]),
            "number": _NULL | st.integers(-3, 3),
            "amount": _NULL | st.decimals(-2, 2, places=4),
            "flag": _NULL | st.booleans(),
            "day": _NULL | st.dates(),
            "moment": _NULL | st.datetimes(),
            "text": _NULL | st.text(max_size=3),
        }
    ),
    max_size=60,
)


@given(rows=_ROWS, cut=st.integers(1, 20), run_bytes=st.sampled_from([1, 300, 1500, 1 << 20]))
def test_rows_come_in_the_order_of_all_their_columns(
    rows: list[dict[str, object]], cut: int, run_bytes: int
) -> None:
    table = pa.Table.from_pylist(rows, _SCHEMA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "RUN_BYTES", run_bytes)
        patch.setattr(sorted_runs, "_PART_BYTES", 100)
        patch.setattr(sorted_runs, "_MOST_RUNS", 3)
        found = pa.Table.from_batches(sorted_batches(table.to_batches(cut), _SCHEMA, _KEY, _REST), _SCHEMA)
    order = ", ".join(f"{name} ASC NULLS FIRST" for name in _KEY + _REST)
    with duckdb.connect() as connection:
        connection.register("given", table)
        wanted = connection.sql(f"SELECT * FROM given ORDER BY {order}").to_arrow_table()
    assert found.equals(wanted.cast(_SCHEMA))


def test_nothing_is_left_on_the_disk_when_the_rows_stop_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sorted_runs, "RUN_BYTES", 1)
    batch = pa.RecordBatch.from_pylist([{"number": 1}], _SCHEMA)

    def cut_off() -> Iterator[pa.RecordBatch]:
        yield batch
        yield batch
        assert list(tmp_path.iterdir())
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        list(sorted_batches(cut_off(), _SCHEMA, _KEY, _REST))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_on_the_disk_when_nobody_reads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    batches = sorted_batches([pa.RecordBatch.from_pylist([{"number": 1}], _SCHEMA)], _SCHEMA, _KEY, _REST)
    next(batches)
    assert list(tmp_path.iterdir())
    batches.close()
    assert list(tmp_path.iterdir()) == []
