"""Blanks at the end of a text: what SQL Server takes for equal is equal here, and what is given out stays.

The two rows 'A' and 'A ' (and ' A', which is another text) stand in a table of the source, so that the seam
knows what is a text; every construct that compares is asked once.
"""

from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from cpg1_assets.sources.blanks import chosen_outputs
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query, Value

_TABLE = "[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Busline]"
_FROM = f"FROM {_TABLE} AS t"
_BIN = "COLLATE Latin1_General_100_BIN2"
_OTHERS = f"{_TABLE} AS u WHERE u.Busline_Vertical_Name_1 <> t.Busline_Vertical_Name_1"
_G = f"g AS (SELECT t.Company_Code AS k {_FROM} GROUP BY t.Company_Code)"


def ask(text: str, /, **parameters: Value) -> list[tuple[Any, ...]]:
    """Ask a table of three business lines: company, code, and a name to tell them apart."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("ATTACH ':memory:' AS AIG_Nav_Jumia_Reconciliation")
        connection.execute("CREATE SCHEMA AIG_Nav_Jumia_Reconciliation.fdw")
        connection.execute(
            "CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw.Dim_Busline (Company_Code VARCHAR, Busline_Code VARCHAR, "
            "Busline_Vertical_Name_1 VARCHAR, Busline_Vertical_Name_2 VARCHAR, Busline_Vertical_Name_3 VARCHAR)"
        )
        connection.execute(
            "INSERT INTO AIG_Nav_Jumia_Reconciliation.fdw.Dim_Busline VALUES "
            "('C', 'A', '1', NULL, NULL), ('C  ', 'A ', '2', NULL, NULL), ('C', ' A', '3', NULL, NULL)"
        )
        translated, values = to_duckdb(Query(text, parameters))
        return connection.execute(translated, values).fetchall()


def named(condition: str, /, **parameters: Value) -> str:
    """Give the names of the rows that meet a condition, one after the other."""
    return "".join(
        name
        for (name,) in ask(
            f"SELECT t.Busline_Vertical_Name_1 {_FROM} WHERE {condition} ORDER BY 1", **parameters
        )
    )


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (f"t.Busline_Code {_BIN} = 'A'", "12"),
        ("t.Busline_Code = 'A   '", "12"),
        (f"t.Busline_Code {_BIN} <> 'A '", "3"),
        ("t.Busline_Code IN ('A ', 'B')", "12"),
        ("t.Busline_Code NOT IN ('A', 'B')", "3"),
        ("t.Busline_Code BETWEEN 'A' AND 'A'", "12"),
        ("t.Busline_Code > 'A'", ""),
        ("t.Busline_Code <= 'A'", "123"),
        ("NULLIF(t.Busline_Code, 'A') IS NULL", "12"),
        ("CASE t.Busline_Code WHEN 'A' THEN 1 ELSE 0 END = 1", "12"),
        ("LEFT(t.Busline_Code, 2) = 'A'", "12"),
        ("t.Busline_Code + '' = 'A'", "12"),
        ("COALESCE(t.Busline_Vertical_Name_2, t.Busline_Code) = 'A'", "12"),
        ("CAST(t.Busline_Code AS nvarchar(100)) = 'A'", "12"),
        (f"t.Busline_Code = (SELECT MAX(u.Busline_Code) FROM {_TABLE} AS u)", "12"),
        (f"t.Busline_Code IN (SELECT u.Busline_Code FROM {_TABLE} AS u WHERE u.Busline_Vertical_Name_1 = '1')", "12"),
        (f"EXISTS (SELECT 1 FROM {_OTHERS} AND u.Busline_Code {_BIN} = t.Busline_Code {_BIN})", "12"),
        # Not a comparison of whole texts: blanks count.
        ("CHARINDEX('A ', t.Busline_Code) > 0", "2"),
    ],
)  # fmt: skip
def test_a_comparison_does_not_see_them(condition: str, rows: str) -> None:
    assert named(condition) == rows


@pytest.mark.parametrize("value", ["A", "A ", "A    "])
def test_a_value_that_is_bound_compares_as_any_other_text(value: str) -> None:
    assert named("t.Busline_Code = @code", code=value) == "12"
    assert named("t.Busline_Code IN (@codes)", codes=(value, "B")) == "12"
    assert named("@code = 'A'", code=value) == "123"


def test_a_join_does_not_see_them_also_through_a_subquery_and_an_expression() -> None:
    assert ask(
        f"WITH w AS (SELECT u.Busline_Code AS renamed, u.Company_Code {_BIN} AS company FROM {_TABLE} AS u) "
        f"SELECT COUNT(*) FROM w INNER JOIN {_TABLE} AS t ON w.renamed = t.Busline_Code AND w.company = t.Company_Code"
    ) == [(5,)]


def test_a_union_of_chosen_and_written_texts_is_compared_without_their_blanks() -> None:
    both = (
        f"SELECT t.Company_Code AS c {_FROM} UNION ALL SELECT t.Company_Code {_FROM} GROUP BY t.Company_Code"
    )
    assert ask(f"SELECT COUNT(*) FROM ({both}) AS b WHERE b.c = 'C'") == [(4,)]
    assert ask(f"SELECT b.c, COUNT(*) FROM ({both}) AS b GROUP BY b.c") == [("C", 4)]


def test_groups_partitions_and_distinct_do_not_see_them() -> None:
    assert ask(f"SELECT t.Company_Code, COUNT(*) {_FROM} GROUP BY t.Company_Code") == [("C", 3)]
    assert ask(
        f"SELECT t.Company_Code {_BIN} AS c, COUNT(*) AS n {_FROM} GROUP BY t.Company_Code {_BIN}"
    ) == [("C", 3)]
    assert ask(f"SELECT COUNT(DISTINCT t.Company_Code), COUNT(DISTINCT t.Busline_Code) {_FROM}") == [(1, 2)]
    assert ask(f"SELECT DISTINCT t.Company_Code {_FROM}") == [("C",)]
    assert ask(f"SELECT t.Company_Code {_FROM} UNION SELECT t.Company_Code {_FROM}") == [("C",)]
    places = ask(
        "SELECT t.Busline_Vertical_Name_1, ROW_NUMBER() OVER (PARTITION BY t.Company_Code "
        f"ORDER BY t.Busline_Code, t.Busline_Vertical_Name_1 DESC) {_FROM} ORDER BY 1"
    )
    assert places == [("1", 3), ("2", 2), ("3", 1)]


def test_the_greatest_of_several_is_one_of_them_without_its_blanks() -> None:
    assert ask(f"SELECT MIN(t.Company_Code), MAX(t.Busline_Code) {_FROM}") == [("C", "A")]


def test_what_is_only_given_out_stays_as_it_was_written() -> None:
    given = ask(
        f"WITH w AS (SELECT t.Busline_Code {_BIN} AS code, t.Busline_Vertical_Name_1 AS name {_FROM}) "
        "SELECT w.code, NULLIF(w.code, 'B'), COALESCE(w.code, ''), UPPER(w.code) FROM w WHERE w.code = 'A' ORDER BY w.name"
    )
    assert given == [("A", "A", "A", "A"), ("A ", "A ", "A ", "A ")]


def test_what_is_no_text_is_left_alone() -> None:
    text, _ = to_duckdb(
        Query(
            "SELECT d.[Amount] FROM [AIG_Nav_DW].[dbo].[Detailed G_L Entry] AS d WHERE d.[Entry No_] = 1", {}
        )
    )
    assert "TRIM" not in text


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        (f"SELECT t.Company_Code AS c, COUNT(*) AS n {_FROM} GROUP BY t.Company_Code", ["c"]),
        (f"SELECT RTRIM(t.Company_Code) AS c, COUNT(*) AS n {_FROM} GROUP BY RTRIM(t.Company_Code)", []),
        (f"SELECT MIN(t.Company_Code {_BIN}) AS c {_FROM}", ["c"]),
        (f"SELECT MIN(RTRIM(t.Company_Code) {_BIN}) AS c {_FROM}", []),
        (f"SELECT DISTINCT t.Company_Code AS c, UPPER(LTRIM(RTRIM(t.Busline_Code))) AS b {_FROM}", ["c"]),
        (f"SELECT t.Company_Code AS c {_FROM} UNION SELECT t.Company_Code {_FROM}", ["c"]),
        (f"SELECT t.Company_Code AS c {_FROM} UNION ALL SELECT MAX(t.Company_Code) {_FROM}", ["c"]),
        (f"SELECT t.Company_Code AS c {_FROM} UNION ALL SELECT t.Busline_Code {_FROM}", []),
        (f"WITH {_G} SELECT UPPER(g.k) AS c FROM g", ["c"]),
        # Chosen inside, and only compared with: no character of it comes out.
        (f"WITH {_G} SELECT t.Busline_Code AS c {_FROM} INNER JOIN g ON g.k = t.Company_Code", []),
        (f"SELECT COUNT(*) AS c {_FROM} GROUP BY t.Company_Code", []),
    ],
)  # fmt: skip
def test_an_output_whose_blanks_the_server_would_choose_is_named(query: str, chosen: list[str]) -> None:
    tree = sqlglot.parse_one(query, read="tsql")
    assert isinstance(tree, exp.Query)
    assert [column.alias_or_name for column in chosen_outputs(tree)] == chosen
