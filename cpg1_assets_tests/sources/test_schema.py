"""The schema of record: the simulator's tables keep it, and the queries name nothing else."""

import pyarrow as pa
import pytest

from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.named_columns import source_columns, statements_of
from cpg1_assets.sample_books.tables import TABLES
from cpg1_assets.sources.schema import NUMBERED_IDS, SOURCE_TABLES, Kind, kind_of

_ARROW = {
    Kind.TEXT: pa.string(),
    Kind.COMPANY: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.MONEY: pa.decimal128(38, 20),
    Kind.FLAG: pa.bool_(),
    Kind.MOMENT: pa.timestamp("us"),
}


def test_the_simulator_makes_exactly_these_tables_columns_and_types() -> None:
    assert {name: list(columns) for name, columns in TABLES.items()} == {
        name: [(column, _ARROW[kind]) for column, kind in columns.items()]
        for name, columns in SOURCE_TABLES.items()
    }


def test_the_queries_name_nothing_else() -> None:
    statements = [companies_in_scope_sql(), *(s for e in read_catalog().values() for s in statements_of(e))]
    for statement in statements:
        for table, column in source_columns(statement):
            columns = SOURCE_TABLES[".".join(f"[{part}]" for part in table)]
            assert not column or column in columns, (table, column)


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        (("AIG_Nav_DW", "dbo", "G_L Entries"), "Amount", Kind.MONEY),
        (("aig_nav_dw", "DBO", "g_l entries"), "AMOUNT", Kind.MONEY),
        (("AIG_Nav_DW", "dbo", "G_L Entries"), "Amounts", None),
        (("AIG_Nav_DW", "dbo", "G_L"), "Amount", None),
    ],
)
def test_a_column_is_found_in_whatever_case(table: tuple[str, ...], column: str, kind: Kind | None) -> None:
    assert kind_of(table, column) is kind


def test_every_column_that_names_a_company_is_known_as_one() -> None:
    for columns in SOURCE_TABLES.values():
        named = {name for name in columns if name.lower() in ("id_company", "company_code")}
        assert {name for name, kind in columns.items() if kind is Kind.COMPANY} == named
    assert Kind.COMPANY.sql_type == Kind.TEXT.sql_type == "nvarchar"


def test_ids_that_may_be_numbers_are_texts_of_the_schema() -> None:
    for name in NUMBERED_IDS:
        kinds = {columns[name] for columns in SOURCE_TABLES.values() if name in columns}
        assert kinds == {Kind.TEXT}, name
