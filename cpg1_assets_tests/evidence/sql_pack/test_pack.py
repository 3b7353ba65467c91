"""The pack says what the control says: its statements are those that ran, its tables what the rule files hold."""

import json
import os
import string
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.deployment import read_rules
from cpg1_assets.embedded import opened
from cpg1_assets.evidence.chain.manifest import read_manifest
from cpg1_assets.evidence.sql_pack.tables import csv_text, select_from
from cpg1_assets.home import Home
from cpg1_assets.rules.checks import checks
from cpg1_assets.rules.engine import asked_by
from cpg1_assets.rules.graph import derivations
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.sealing import sealed_folder

RULES = Settings(home=Path()).rules_folder
TEXTS = st.text(
    st.sampled_from([*string.printable, "é", "\u00a0", "ß", "—"]) | st.characters(codec="utf-8"), max_size=8
)
TABLES = st.fixed_dictionaries(
    {
        "a_text": st.none() | TEXTS,
        "a_number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "a_flag": st.none() | st.booleans(),
        "a_day": st.none() | st.dates(),
        "a_moment": st.none() | st.datetimes(),
        "an_amount": st.none() | st.decimals(Decimal(-(10**19)), Decimal(10**19), places=4),
        "a_list": st.none() | st.lists(TEXTS, max_size=3),
    }
)
SCHEMA = pa.schema(
    {
        "a_text": pa.string(),
        "a_number": pa.int64(),
        "a_flag": pa.bool_(),
        "a_day": pa.date32(),
        "a_moment": pa.timestamp("us"),
        "an_amount": pa.decimal128(24, 4),
        "a_list": pa.list_(pa.string()),
    }
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file to write tables to."""
    return tmp_path_factory.mktemp("tables") / "a 'table'.csv"


@given(rows=st.lists(TABLES, max_size=4))
def test_a_table_comes_back_from_csv_as_it_was_with_every_digit_and_its_types(
    place: Path, rows: list[dict[str, object]]
) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    place.write_bytes(csv_text(table).encode())
    with opened() as engine:
        assert engine.sql(select_from(str(place), SCHEMA)).to_arrow_table().cast(SCHEMA).equals(table)


def test_what_has_no_exact_way_into_sql_is_refused() -> None:
    with pytest.raises(TypeError, match="double has no way into SQL"):
        csv_text(pa.table({"amount": [0.1]}))


def test_a_rule_that_asks_nothing_has_no_statement() -> None:
    with pytest.raises(TypeError, match="asks nothing of the engine"):
        asked_by(lambda: None)


@pytest.fixture(scope="module")
def sealed(closed: Closed) -> Path:
    """Give the sealed version of the ordinary month; nobody writes in it."""
    return sealed_folder(Home(closed.settings).evidence_folder, closed.month)


PACK_OF_A_VERSION = """
import json, sys
from pathlib import Path
from cpg1_assets.deployment import read_rules
from cpg1_assets.evidence.sql_pack.pack import sql_pack
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.graph import Circumstances

rules, month, *frames = sys.argv[1:]
book = read_rules(Path(rules))
follows = Circumstances(CutoffMonth.parse(month), book.lines, book.thresholds, book.classification, book.matching)
print(json.dumps(sql_pack(follows, frames)))
"""


def test_the_statements_of_the_pack_are_those_that_are_sealed(sealed: Path) -> None:
    pack = (sealed / "reperform" / "reperform.sql").read_text()
    for name in derivations():
        _, rule = (sealed / "statements" / f"{name}.sql").read_text().split("-- The rule.\n")
        for part in rule.strip().split(";\n\n"):
            assert part in pack, name
    for check in checks(read_rules(RULES).lines).values():
        assert check.sql.strip() in pack, check.name


def test_the_pack_is_sealed_file_by_file_and_the_same_in_another_process(sealed: Path) -> None:
    frames = [path.stem for path in (sealed / "data").iterdir()]
    made = subprocess.run(
        [sys.executable, "-c", PACK_OF_A_VERSION, RULES, sealed.parents[1].name, *sorted(frames, reverse=True)],
        env=os.environ | {"PYTHONHASHSEED": "3"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    expected = {f"reperform/{name}": text for name, text in json.loads(made.stdout).items()}
    found = {
        path.relative_to(sealed).as_posix(): path.read_text()
        for path in (sealed / "reperform").rglob("*")
        if path.is_file()
    }
    assert found == expected
    listed = [row.path for row in read_manifest(sealed / "manifest.parquet") if row.kind == "reperform"]
    assert sorted(listed) == sorted(f"seals/001/{name}" for name in expected)


def test_the_readme_names_every_sealed_frame(sealed: Path) -> None:
    said = (sealed / "reperform" / "README.txt").read_text()
    assert [path.stem for path in (sealed / "data").iterdir() if path.stem not in said] == []
