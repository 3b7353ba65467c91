"""What the validations of an extract see, and what they do not: blanks at the end of a text.

Repeated keys are counted whatever the order of the file; the order it should have only makes it quick.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.contract import Contract, Witness, Witnesses
from cpg1_assets.extracts.validation import statements, validate_extract
from cpg1_assets.month import CutoffMonth
from cpg1_assets.validation import Validation

_CONTRACT = read_catalog()["cr_03"].contract
_KEYS = st.lists(
    st.tuples(
        st.sampled_from(["EC_NG", "EC_NG ", "EC_ng", "é", "", " ", None]), st.integers(1, 4) | st.none()
    ),
    max_size=30,
)


Key = tuple[str | None, int | None]
Rows = list[dict[str, Any]]


def _validated(
    path: Path,
    keys: list[Key],
    *,
    contract: Contract = _CONTRACT,
    companies: Sequence[str] = (),
    totals: Rows | None = None,
    witnesses: Rows | None = None,
    ambiguities: Rows | None = None,
) -> dict[str, Validation]:
    given_columns = {
        "id_company": pa.array([company for company, _ in keys], pa.string()),
        "entry_no": pa.array([entry for _, entry in keys], pa.int64()),
    }
    schema = pa.schema([pa.field(field.name, field.type) for field in _CONTRACT.arrow_schema])
    columns = [given_columns.get(field.name, pa.nulls(len(keys), field.type)) for field in schema]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    validations = validate_extract(
        path,
        contract,
        CutoffMonth(2025, 9).parameters(),
        companies,
        totals or [],
        witnesses or [],
        ambiguities or [],
    )
    return {validation.name: validation for validation in validations}


def _repeats(path: Path, keys: list[Key]) -> tuple[bool, int, int]:
    found = _validated(path, keys)["key_unique"]
    return found.passed, found.figures["repeated_keys"], found.figures["rows_with_a_repeated_key"]


@given(keys=_KEYS, in_order=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repeated_keys_are_counted_in_any_order_of_rows(
    tmp_path: Path, keys: list[Key], *, in_order: bool
) -> None:
    if in_order:
        keys = sorted(keys, key=lambda k: ((k[0] or "").encode(), k[0] is not None, k[1] or 0))
    alike = Counter((company and company.rstrip(" "), entry) for company, entry in keys)
    repeated = [count for count in alike.values() if count > 1]
    assert _repeats(tmp_path / "x.parquet", keys) == (not repeated, len(repeated), sum(repeated))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows_have_no_repeated_key(tmp_path: Path, count: int) -> None:
    keys: list[Key] = [("EC_NG", entry) for entry in range(count)]
    assert _repeats(tmp_path / "x.parquet", keys) == (True, 0, 0)


def test_a_key_that_comes_again_with_a_blank_is_found_though_the_file_ascends(tmp_path: Path) -> None:
    keys: list[Key] = [("EC_NG", 1), ("EC_NG", 2), ("EC_NG ", 1)]
    assert keys == sorted(keys)
    found = _validated(tmp_path / "x.parquet", keys)["key_unique"]
    assert not found.passed
    assert found.figures["first"] == [{"id_company": "EC_NG", "entry_no": 1, "rows": 2}]


def test_rows_of_a_company_written_with_a_blank_count_for_it(tmp_path: Path) -> None:
    keys: list[Key] = [("EC_NG", 1), ("EC_NG ", 2), ("JD_GH", 1)]
    counted = [
        {"id_company": "EC_NG  ", "row_count": 1, "amount": None, "remaining_amount": 0},
        {"id_company": "EC_NG", "row_count": 1, "amount": 0, "remaining_amount": None},
        {"id_company": "JD_GH ", "row_count": 1, "amount": 0, "remaining_amount": 0},
    ]
    complete = _validated(tmp_path / "x.parquet", keys, totals=counted)["completeness"]
    assert complete.passed, complete.figures["differences"]
    assert set(complete.figures["expected"]) == set(complete.figures["found"]) == {"EC_NG", "JD_GH"}
    short = _validated(tmp_path / "x.parquet", keys, totals=counted[1:])["completeness"]
    assert short.figures["differences"] == [
        {"id_company": "EC_NG", "measure": "row_count", "server": "1", "file": "2"}
    ]


def test_a_company_is_present_by_a_row_written_with_a_blank(tmp_path: Path) -> None:
    every = _CONTRACT.model_copy(update={"every_company": True})
    found = _validated(
        tmp_path / "x.parquet", [("EC_NG ", 1)], contract=every, companies=["EC_NG", "JD_GH "]
    )["every_company_present"]
    assert (found.passed, found.figures["missing"]) == (False, ["JD_GH "])


@pytest.mark.parametrize(
    ("looked_for", "is_there"),
    [
        ({"id_company": "EC_NG", "entry_no": 1}, True),
        ({"id_company": "EC_NG  ", "entry_no": 1}, True),
        ({"id_company": "EC_ng", "entry_no": 1}, False),
        ({"id_company": " EC_NG", "entry_no": 1}, False),
        ({"id_company": "JD_GH", "entry_no": None}, True),
        ({"id_company": "EC_NG", "entry_no": None}, False),
        ({"id_company": "JD_GH", "voucher_no": None}, True),
        ({"id_company": "JD_GH", "voucher_no": ""}, False),
    ],
)
def test_a_witness_is_looked_for_without_blanks_at_the_end_and_null_is_equal_to_null(
    tmp_path: Path, looked_for: dict[str, Any], *, is_there: bool
) -> None:
    keys: list[Key] = [("EC_NG ", 1), ("JD_GH", None)]
    columns = tuple(looked_for)
    witnesses = Witnesses(
        positive=Witness(statement="It is there.", columns=columns),
        negative=Witness(statement="It is not.", columns=columns),
        sql="",
    )
    found = _validated(
        tmp_path / "x.parquet",
        keys,
        contract=_CONTRACT.model_copy(update={"witnesses": witnesses}),
        witnesses=[{**looked_for, "must_be_there": there} for there in (1, 0)],
    )
    assert (found["positive_witness"].passed, found["negative_witness"].passed) == (is_there, not is_there)
    assert found["positive_witness"].figures["not_found"] == ([] if is_there else [looked_for])
    assert found["negative_witness"].figures["found"] == ([looked_for] if is_there else [])


@pytest.mark.parametrize("which", ["positive", "negative"])
def test_a_witness_without_a_row_to_look_for_proves_nothing(tmp_path: Path, which: str) -> None:
    found = _validated(tmp_path / "x.parquet", [("EC_NG", 1)])[f"{which}_witness"]
    assert (found.passed, found.tested, found.severity) == (False, False, "WARN")
    assert found.as_dict()["result"] == "nothing to test"
    assert found.statement == f"Nothing to test: {getattr(_CONTRACT.witnesses, which).statement}"
    assert found.figures["rows_looked_for"] == 0


def test_each_witness_is_compared_by_its_own_columns_and_rows(tmp_path: Path) -> None:
    witnesses = Witnesses(
        positive=Witness(statement="It is there.", columns=("id_company", "entry_no", "amount")),
        negative=Witness(statement="It is not.", columns=("id_company", "entry_no")),
        sql="",
    )
    rows: Rows = [
        {"id_company": "EC_NG", "entry_no": 1, "amount": None, "must_be_there": 1},
        {"id_company": "EC_NG", "entry_no": 2, "amount": 7, "must_be_there": 0},
    ]
    contract = _CONTRACT.model_copy(update={"witnesses": witnesses})
    found = _validated(
        tmp_path / "x.parquet", [("EC_NG", 1), ("EC_NG", 2)], contract=contract, witnesses=rows
    )
    assert found["positive_witness"].passed
    assert found["negative_witness"].figures["found"] == [{"id_company": "EC_NG", "entry_no": 2}]


def test_what_the_source_says_twice_fails_and_is_shown(tmp_path: Path) -> None:
    assert _CONTRACT.unambiguous is not None
    rows = [{"id_company": "EC_NG", "gl_account_no": "1", "group": g} for g in ("18412", "13003", None)]
    found = _validated(tmp_path / "x.parquet", [("EC_NG", 1)], ambiguities=rows)["unambiguous"]
    assert (found.passed, found.severity, found.blocking) == (False, "ERROR", False)
    assert found.statement == _CONTRACT.unambiguous.statement
    assert found.figures["rows_ambiguous"] == 3
    assert [row["group"] for row in found.figures["ambiguous"]] == [None, "13003", "18412"]
    assert _validated(tmp_path / "x.parquet", [("EC_NG", 1)])["unambiguous"].passed


def test_only_an_extract_that_says_what_must_be_unambiguous_has_that_check() -> None:
    with_it = {
        name for name, extract in read_catalog().items() if "unambiguous" in statements(extract.contract)
    }
    assert with_it == {
        "cr_03",
        "cr_05",
        "doc_voucher_usage",
        "ipe_08",
        "ipe_12",
        "ipe_31",
        "nav_open_items",
    }
