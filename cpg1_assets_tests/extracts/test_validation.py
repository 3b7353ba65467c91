"""Repeated keys are counted whatever the order of the file; the order it should have only makes it quick."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.validation import validate_extract
from cpg1_assets.month import CutoffMonth

_CONTRACT = read_catalog()["cr_03"].contract
_KEYS = st.lists(
    st.tuples(st.sampled_from(["EC_NG", "EC_ng", "é", "", None]), st.integers(1, 4) | st.none()), max_size=30
)


def _repeats(path: Path, keys: list[tuple[str | None, int | None]]) -> tuple[bool, int, int]:
    given_columns = {
        "id_company": pa.array([company for company, _ in keys], pa.string()),
        "entry_no": pa.array([entry for _, entry in keys], pa.int64()),
    }
    schema = pa.schema([pa.field(field.name, field.type) for field in _CONTRACT.arrow_schema])
    columns = [given_columns.get(field.name, pa.nulls(len(keys), field.type)) for field in schema]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    validations = validate_extract(path, _CONTRACT, CutoffMonth(2025, 9).parameters(), [], [], [], [])
    (found,) = [validation for validation in validations if validation.name == "key_unique"]
    return found.passed, found.figures["repeated_keys"], found.figures["rows_with_a_repeated_key"]


@given(keys=_KEYS, in_order=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repeated_keys_are_counted_in_any_order_of_rows(
    tmp_path: Path, keys: list[tuple[str | None, int | None]], *, in_order: bool
) -> None:
    if in_order:
        keys = sorted(keys, key=lambda k: ((k[0] or "").encode(), k[0] is not None, k[1] or 0))
    repeated = [count for count in Counter(keys).values() if count > 1]
    assert _repeats(tmp_path / "x.parquet", keys) == (not repeated, len(repeated), sum(repeated))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows_have_no_repeated_key(tmp_path: Path, count: int) -> None:
    keys: list[tuple[str | None, int | None]] = [("EC_NG", entry) for entry in range(count)]
    assert _repeats(tmp_path / "x.parquet", keys) == (True, 0, 0)
