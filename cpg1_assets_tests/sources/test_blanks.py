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
_A = f"t.Busline_Code {_BIN}"
_C = f"t.Busline_Vertical_Name_3 {_BIN}"
_NAME = f"t.Busline_Vertical_Name_1 {_BIN}"
_OTHERS = f"{_TABLE} AS u WHERE u.Busline_Vertical_Name_1 <> {_NAME}"
_G = f"g AS (SELECT {_C} AS k {_FROM} GROUP BY {_C})"


def ask(text: str, /, **parameters: Value) -> list[tuple[Any, ...]]:
    """Ask a table of three business lines: company, code, a name to tell them apart, and a text of two spellings."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("ATTACH ':memory:' AS AIG_Nav_Jumia_Reconciliation")
        connection.execute("CREATE SCHEMA AIG_Nav_Jumia_Reconciliation.fdw")
        connection.execute(
            "CREATE TABLE AIG_Nav_Jumia_Reconciliation.fdw.Dim_Busline (Company_Code VARCHAR, Busline_Code VARCHAR, "
            "Busline_Vertical_Name_1 VARCHAR, Busline_Vertical_Name_2 VARCHAR, Busline_Vertical_Name_3 VARCHAR)"
        )
        connection.execute(
            "INSERT INTO AIG_Nav_Jumia_Reconciliation.fdw.Dim_Busline VALUES "
            "('K', 'A', '1', NULL, 'C'), ('K', 'A ', '2', NULL, 'C  '), ('k ', ' A', '3', NULL, 'C')"
        )
        translated, values = to_duckdb(Query(text, parameters))
        return connection.execute(translated, values).fetchall()


def named(condition: str, /, **parameters: Value) -> str:
    """Give the names of the rows that meet a condition, one after the other."""
    return "".join(
        name for (name,) in ask(f"SELECT {_NAME} AS name {_FROM} WHERE {condition} ORDER BY 1", **parameters)
    )


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (f"{_A} = 'A'", "12"),
        (f"{_A} = 'A   '", "12"),
        (f"{_A} <> 'A '", "3"),
        (f"{_A} IN ('A ', 'B')", "12"),
        (f"{_A} NOT IN ('A', 'B')", "3"),
        (f"{_A} BETWEEN 'A' AND 'A'", "12"),
        (f"{_A} > 'A'", ""),
        (f"{_A} <= 'A'", "123"),
        (f"NULLIF({_A}, 'A') IS NULL", "12"),
        (f"CASE {_A} WHEN 'A' THEN 1 ELSE 0 END = 1", "12"),
        (f"LEFT({_A}, 2) = 'A'", "12"),
        (f"{_A} + '' = 'A'", "12"),
        (f"COALESCE(t.Busline_Vertical_Name_2, t.Busline_Code) {_BIN} = 'A'", "12"),
        (f"CAST(t.Busline_Code AS nvarchar(100)) {_BIN} = 'A'", "12"),
        (f"t.Busline_Code = (SELECT MAX(u.Busline_Code {_BIN}) FROM {_TABLE} AS u) {_BIN}", "12"),
        (f"{_A} IN (SELECT u.Busline_Code FROM {_TABLE} AS u WHERE u.Busline_Vertical_Name_1 {_BIN} = '1')", "12"),
        (f"EXISTS (SELECT 1 FROM {_OTHERS} AND u.Busline_Code {_BIN} = {_A})", "12"),
        ("UPPER(LTRIM(t.Busline_Code)) = 'A'", "123"),
        # Not a comparison of whole texts: blanks count.
        (f"CHARINDEX('A ', {_A}) > 0", "2"),
    ],
)  # fmt: skip
def test_a_comparison_does_not_see_them(condition: str, rows: str) -> None:
    assert named(condition) == rows


@pytest.mark.parametrize("value", ["A", "A ", "A    "])
def test_a_value_that_is_bound_compares_as_any_other_text(value: str) -> None:
    assert named(f"{_A} = @code", code=value) == "12"
    assert named(f"{_A} IN (@codes)", codes=(value, "B")) == "12"
    assert named(f"@code {_BIN} = 'A'", code=value) == "123"


def test_a_join_does_not_see_them_also_through_a_subquery_and_an_expression() -> None:
    assert ask(
        f"WITH w AS (SELECT u.Busline_Code AS renamed, u.Company_Code AS company FROM {_TABLE} AS u) "
        f"SELECT COUNT(*) AS n FROM w INNER JOIN {_TABLE} AS t ON w.renamed = {_A} AND w.company = t.Company_Code"
    ) == [(5,)]


def test_a_union_of_chosen_and_written_texts_is_compared_without_their_blanks() -> None:
    both = f"SELECT {_C} AS c {_FROM} UNION ALL SELECT {_C} {_FROM} GROUP BY {_C}"
    assert ask(f"SELECT COUNT(*) FROM ({both}) AS b WHERE b.c = 'C'") == [(4,)]
    assert ask(f"SELECT b.c, COUNT(*) FROM ({both}) AS b GROUP BY b.c") == [("C", 4)]


def test_groups_partitions_and_distinct_do_not_see_them() -> None:
    assert ask(f"SELECT {_C} AS c, COUNT(*) AS n {_FROM} GROUP BY {_C}") == [("C", 3)]
    assert ask(f"SELECT COUNT(DISTINCT {_C}) AS c, COUNT(DISTINCT {_A}) AS a {_FROM}") == [(1, 2)]
    assert ask(f"SELECT DISTINCT {_C} AS c {_FROM}") == [("C",)]
    assert ask(f"SELECT {_C} AS c {_FROM} UNION SELECT {_C} {_FROM}") == [("C",)]
    places = ask(
        f"SELECT {_NAME} AS name, ROW_NUMBER() OVER (PARTITION BY {_C} ORDER BY {_A}, {_NAME} DESC) AS place {_FROM} "
        "ORDER BY 1"
    )
    assert places == [("1", 3), ("2", 2), ("3", 1)]


def test_the_greatest_of_several_is_one_of_them_without_its_blanks() -> None:
    assert ask(f"SELECT MIN({_C}) AS c, MAX({_A}) AS a {_FROM}") == [("C", "A")]


def test_what_is_only_given_out_stays_as_it_was_written() -> None:
    given = ask(
        f"WITH w AS (SELECT t.Busline_Code AS code, t.Busline_Vertical_Name_1 AS name {_FROM}) "
        f"SELECT w.code, NULLIF(w.code {_BIN}, 'B') AS other, COALESCE(w.code, '') AS some, UPPER(w.code) AS upper "
        f"FROM w WHERE w.code {_BIN} = 'A' ORDER BY w.name {_BIN}"
    )
    assert given == [("A", "A", "A", "A"), ("A ", "A ", "A ", "A ")]


def test_a_company_is_one_whatever_its_case_and_blanks() -> None:
    assert ask(f"SELECT t.Company_Code AS c, COUNT(*) AS n {_FROM} GROUP BY t.Company_Code") == [("K", 3)]
    assert ask(f"SELECT DISTINCT t.Company_Code AS c {_FROM} ORDER BY c") == [("K",)]
    assert ask(f"SELECT COUNT(DISTINCT t.Company_Code) AS n {_FROM}") == [(1,)]
    assert ask(f"SELECT t.Company_Code AS c {_FROM} UNION SELECT t.Company_Code {_FROM}") == [("K",)]
    assert named("t.Company_Code IN (@companies)", companies=("k", "L")) == "123"
    assert named("t.Company_Code IN (@companies)", companies=("k ", "L")) == "123"
    assert named("t.Company_Code NOT IN (@companies)", companies=()) == "123"
    assert named("t.Company_Code = 'k'") == "123"
    assert named("NULLIF(t.Company_Code, 'k') IS NULL") == "123"
    assert named("CASE t.Company_Code WHEN 'k' THEN 1 ELSE 0 END = 1") == "123"
    assert named(f"EXISTS (SELECT 1 FROM {_TABLE} AS u WHERE u.Company_Code = t.Company_Code)") == "123"
    places = f"ROW_NUMBER() OVER (PARTITION BY t.Company_Code ORDER BY {_NAME}) AS place"
    assert ask(f"SELECT {places} {_FROM} ORDER BY place") == [(1,), (2,), (3,)]
    # What is only given out stays as it was written.
    assert ask(f"SELECT t.Company_Code AS c {_FROM} WHERE {_NAME} = '3'") == [("k ",)]


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
        (f"SELECT {_C} AS c, COUNT(*) AS n {_FROM} GROUP BY {_C}", ["c"]),
        (f"SELECT RTRIM({_C}) AS c, COUNT(*) AS n {_FROM} GROUP BY RTRIM({_C})", []),
        (f"SELECT MIN({_C}) AS c {_FROM}", ["c"]),
        (f"SELECT MIN(RTRIM({_C})) AS c {_FROM}", []),
        (f"SELECT DISTINCT {_C} AS c, UPPER(LTRIM(RTRIM(t.Busline_Code))) AS b {_FROM}", ["c"]),
        (f"SELECT {_C} AS c {_FROM} UNION SELECT {_C} {_FROM}", ["c"]),
        (f"SELECT {_C} AS c {_FROM} UNION ALL SELECT MAX({_C}) {_FROM}", ["c"]),
        (f"SELECT {_C} AS c {_FROM} UNION ALL SELECT {_A} {_FROM}", []),
        (f"WITH {_G} SELECT UPPER(g.k) AS c FROM g", ["c"]),
        # Chosen inside, and only compared with: no character of it comes out.
        (f"WITH {_G} SELECT t.Busline_Code AS c {_FROM} INNER JOIN g ON g.k = {_C}", []),
        (f"SELECT COUNT(*) AS c {_FROM} GROUP BY {_C}", []),
        # A company is shown in one spelling, wherever it comes from.
        (f"SELECT t.Company_Code AS c, COUNT(*) AS n {_FROM} GROUP BY t.Company_Code", []),
    ],
)  # fmt: skip
def test_an_output_whose_blanks_the_server_would_choose_is_named(query: str, chosen: list[str]) -> None:
    tree = sqlglot.parse_one(query, read="tsql")
    assert isinstance(tree, exp.Query)
    assert [column.alias_or_name for column in chosen_outputs(tree)] == chosen
