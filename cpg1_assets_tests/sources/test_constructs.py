"""Every construct of the table, asked of the sample books' engine through the seam: SQL Server's answer and type."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from cpg1_assets.sources.constructs import Construct, Refused, read_constructs
from cpg1_assets.sources.dialect import statements_of, to_duckdb
from cpg1_assets.sources.gate.allowed import FUNCTIONS, SHAPES
from cpg1_assets.sources.query import Query, QueryError

CONSTRUCTS = read_constructs()
ALLOWED = [construct for group in CONSTRUCTS.allowed.values() for construct in group]
REFUSED = [refused for group in CONSTRUCTS.refused.values() for refused in group]
_TYPES = {
    "nvarchar": "VARCHAR",
    "int": "INTEGER",
    "bit": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "datetime2": "TIMESTAMP",
}
_WITHOUT_A_LINE_OF_THEIR_OWN = {
    "Alias", "TableAlias", "Identifier", "Var", "DataType", "DataTypeParam", "TimeStrToTime", "TsOrDsToDate",
    "Paren", "Parameter", "Star", "Ordered", "From", "CTE", "Table", "Limit",
}  # fmt: skip
"""Parts that others are made of, and parameters and tables, which a question without tables does not have."""


def _answer(query: str) -> tuple[Any, str]:
    with duckdb.connect(":memory:") as connection:
        translated, values = to_duckdb(Query(query, {}))
        result = connection.sql(translated, params=values or None)
        (kind,) = result.types
        ((value,),) = result.fetchall()
        return value, str(kind)


@pytest.mark.parametrize("construct", ALLOWED, ids=lambda construct: construct.name)
def test_the_books_answer_as_sql_server_does_with_the_same_type(construct: Construct) -> None:
    value, kind = _answer(construct.query)
    expected = construct.value()
    assert value == expected
    assert type(value) is type(expected)
    assert kind == _TYPES.get(construct.type, construct.type.upper())
    if isinstance(value, Decimal):
        assert f"{value:f}" == construct.answer, "digit by digit"


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.asked)
def test_what_would_be_answered_otherwise_is_refused_with_what_to_write(refused: Refused) -> None:
    with pytest.raises(QueryError) as raised:
        to_duckdb(Query(refused.query, {}))
    assert refused.instead in str(raised.value)
    assert str(raised.value).startswith("line 1: ")


def test_nothing_is_let_in_that_the_table_does_not_ask_about() -> None:
    asked = " ".join(construct.asked.upper() for construct in ALLOWED)
    assert {name for name in FUNCTIONS if f"{name}(" not in asked} == set()
    used = {type(node) for construct in ALLOWED for node in statements_of(construct.query)[0].walk()}
    unasked = {kind.__name__ for kind in SHAPES if kind not in used}
    assert unasked <= _WITHOUT_A_LINE_OF_THEIR_OWN


def test_each_construct_has_a_name_of_its_own() -> None:
    names = [construct.name for construct in ALLOWED]
    assert len(set(names)) == len(names)
