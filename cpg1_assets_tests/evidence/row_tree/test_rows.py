"""A row is hashed as the line of the content digest, so that anybody makes it again from the file."""

import hashlib
import subprocess
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.packages.summary import content_digest
from cpg1_assets.evidence.row_tree.rows import (
    RowTree,
    leaf_hashes,
    parse_row_tree,
    row_tree,
    rows_at,
    values_of,
)
from cpg1_assets.evidence.row_tree.tree import leaf_hash, root_of
from cpg1_assets_tests.required import DUCKDB, duckdb_cli, require

FRAME = pa.table(
    {
        "a text": ['quote " and ""', None, "", "\\N", "line\nend, Ü", "'=1+1"],
        "amount": pa.array(
            [Decimal("1.5"), None, Decimal("-0.0001"), Decimal(0), Decimal("1e15"), 7], pa.decimal128(24, 4)
        ),
        "count": [1, -2, None, 0, 2**62, 5],
        "flag": [True, False, None, True, True, False],
        "day": [date(2025, 9, 30), None, date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), date(2025, 1, 1)],
        "moment": pa.array(
            [datetime(2025, 9, 30, 1, 2, 3), None, datetime(2025, 9, 30, 1, 2, 3, 100_000), datetime(2025, 9, 30),  # noqa: DTZ001 - as stored
             datetime(2025, 9, 30, 23, 59, 59, 999_999), datetime(1900, 1, 1)],  # noqa: DTZ001 - likewise
            pa.timestamp("us"),
        ),
    }
)  # fmt: skip


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    pq.write_table(FRAME, tmp_path / "frame.parquet", row_group_size=4)
    return tmp_path / "frame.parquet"


def test_rows_and_header_together_have_the_content_digest(frame: Path) -> None:
    rows = rows_at(frame, range(1, 7))
    header = ",".join(f'"{name}"' for name in FRAME.schema.names).encode()
    lines = b"".join(line + b"\n" for line in [header, *(rows[place] for place in range(1, 7))])
    assert hashlib.sha256(lines).hexdigest() == content_digest(frame)


def test_the_leaves_are_the_hashes_of_the_rows_in_the_files_order(frame: Path) -> None:
    rows = rows_at(frame, range(1, 7))
    leaves = b"".join(leaf_hash(rows[place]) for place in range(1, 7))
    assert b"".join(leaf_hashes(frame)) == leaves
    assert row_tree(frame) == RowTree(6, root_of(leaves).hex())


def test_a_null_is_not_the_text_that_stands_for_it(frame: Path) -> None:
    rows = rows_at(frame, [2, 4])
    assert (values_of(rows[2])[0], values_of(rows[4])[0]) == (None, "\\N")
    assert rows[2].startswith(b"\\N,\\N")
    assert rows[4].startswith(b'"\\N",')


def test_a_frame_of_more_rows_than_are_hashed_at_a_time_has_one_root(tmp_path: Path) -> None:
    count = 70_001
    path = tmp_path / "large.parquet"
    pq.write_table(pa.table({"n": range(count)}), path, row_group_size=10_000)
    assert row_tree(path) == RowTree(
        count, root_of(b"".join(leaf_hash(b'"%d"' % n) for n in range(count))).hex()
    )


def test_a_frame_without_rows_has_the_root_of_nothing(tmp_path: Path) -> None:
    pq.write_table(FRAME.slice(0, 0), tmp_path / "empty.parquet")
    assert row_tree(tmp_path / "empty.parquet") == RowTree(0, hashlib.sha256().hexdigest())


def test_what_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(EvidenceError, match=r"no\.parquet cannot be read"):
        row_tree(tmp_path / "no.parquet")


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5), min_size=1, max_size=4))
def test_a_row_can_be_read_back(values: list[str | None]) -> None:
    written = ",".join("\\N" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
    assert values_of(written.encode()) == values


@pytest.mark.parametrize(
    "row", [b"", b"a", b'"a', b'"a"b', b'"a",', b',"a"', b'"a""', b"\\N\\N", b'"a";"b"', b"\xff"]
)
def test_what_is_no_row_is_not_read_as_one(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"row|utf-8"):
        values_of(row)


def test_a_root_is_read_as_it_is_written_and_nothing_else() -> None:
    tree = RowTree(731, "ab" * 32)
    assert parse_row_tree(f" {str(tree).upper()} ") == tree
    for other in ("", "731", "731:ab", f"-1:{'ab' * 32}", f"731:{'ab' * 33}", f"731 {'ab' * 32}"):
        with pytest.raises(EvidenceError, match="is no root of rows"):
            parse_row_tree(other)


def test_the_root_is_computed_with_the_duckdb_command_line_as_the_page_says(frame: Path) -> None:
    require(DUCKDB)
    page = (Path(__file__).parents[3] / "docs" / "for-auditors.md").read_text(encoding="utf-8")
    script = page.partition("<!-- root of rows -->\n```sql\n")[2].partition("```")[0]
    assert "RECURSIVE" in script
    asked = script.replace("data/ipe_34.parquet", str(frame))
    done = subprocess.run(
        [str(duckdb_cli()), "-noheader", "-list", "-c", asked], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(row_tree(frame))
