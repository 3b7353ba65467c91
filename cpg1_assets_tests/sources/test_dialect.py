"""What T-SQL means is what DuckDB answers: one test a trap."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from cpg1_assets.sources import schema
from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query, QueryError, Value
from cpg1_assets.sources.schema import Kind


@pytest.fixture(autouse=True)
def _in_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """List the table of these tests in the source schema: of what it does not list the seam knows no kinds."""
    kinds = {
        "n": Kind.WHOLE,
        "opco/central_?": Kind.TEXT,
        "a]b": Kind.TEXT,
        "flag": Kind.FLAG,
        "amount": Kind.MONEY,
        "moment": Kind.MOMENT,
    }
    monkeypatch.setitem(schema._BY_PARTS, ("aig_nav_dw", "dbo", "g/l entries"), kinds)  # noqa: SLF001


def ask(text: str, /, **parameters: Value) -> list[tuple[Any, ...]]:
    """Run T-SQL on an empty DuckDB with the two tables of these tests."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("ATTACH ':memory:' AS AIG_Nav_DW")
        connection.execute("CREATE SCHEMA AIG_Nav_DW.dbo")
        connection.execute(
            'CREATE TABLE AIG_Nav_DW.dbo."G/L Entries" (n BIGINT, "Opco/Central_?" VARCHAR, "a]b" VARCHAR, '
            "flag BOOLEAN, amount DECIMAL(38, 20), moment TIMESTAMP)"
        )
        connection.execute(
            'INSERT INTO AIG_Nav_DW.dbo."G/L Entries" VALUES '
            "(1, 'A', 'x ', true, 1.5, '2025-09-30 23:59:59.997'), "
            "(2, 'a', ' X', false, NULL, '2025-10-01'), "
            "(3, NULL, NULL, NULL, -2, NULL)"
        )
        translated, values = to_duckdb(Query(text, parameters))
        return connection.execute(translated, values).fetchall()


FROM = "FROM [AIG_Nav_DW].[dbo].[G/L Entries] AS t"


def one(expression: str, /, **parameters: Value) -> Any:  # noqa: ANN401
    """Give the value of an expression."""
    ((value,),) = ask(f"SELECT {expression} AS v", **parameters)
    return value


def numbers(condition: str, /, **parameters: Value) -> list[int]:
    """Give the rows that meet a condition."""
    return [n for (n,) in ask(f"SELECT t.n {FROM} WHERE {condition} ORDER BY t.n", **parameters)]


def test_names_of_three_parts_with_blanks_slashes_marks_and_brackets() -> None:
    rows = ask("SELECT t.[Opco/Central_?], t.[a]]b] FROM [AIG_Nav_DW].[dbo].[G/L Entries] AS t WHERE t.n = 1")
    assert rows == [("A", "x ")]


def test_collations_are_dropped_because_duckdb_compares_exactly() -> None:
    assert numbers(
        "t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 = 'a' COLLATE Latin1_General_100_BIN2"
    ) == [2]
    rows = ask(
        "SELECT t.n, ROW_NUMBER() OVER ("
        "PARTITION BY 1 ORDER BY t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2"
        f") AS place {FROM} ORDER BY place"
    )
    assert [n for n, _ in rows] == [3, 1, 2]  # nulls first, as the server has them; then by code point


def test_bits_are_booleans() -> None:
    assert one("CAST(CASE WHEN 1 = 1 THEN 1 ELSE 0 END AS bit)") is True
    assert one("CAST(0 AS bit)") is False
    assert one("CAST(NULL AS bit)") is None
    assert (numbers("t.flag = 1"), numbers("t.flag = 0")) == ([1], [2])


def test_texts_are_put_together_and_numbers_added() -> None:
    assert one("'a' + 'b' + N'é'") == "abé"
    assert one("'a' + (UPPER('b') + CAST(1 AS nvarchar(20)))") == "aB1"
    assert one("'a' + NULL") is None
    assert one("1 + 2") == 3


def test_ltrim_and_rtrim_take_blanks_only() -> None:
    assert one("LTRIM(RTRIM(@text))", text="  \ta\xa0 ") == "\ta\xa0"
    assert one("TRIM(@text)", text=" \u3000 ") == "\u3000"


def test_a_fixed_value_is_found_whatever_case_and_blanks() -> None:
    assert numbers("UPPER(LTRIM(RTRIM(t.[a]]b]))) = 'X'") == [1, 2]


def test_len_does_not_count_trailing_blanks() -> None:
    assert one("LEN(' ab  ')") == 3


def test_charindex_looks_for_plain_text() -> None:
    assert (one("CHARINDEX('F_', 'RF ')"), one("CHARINDEX('F_', 'RF_')")) == (0, 2)


def test_missing_values_and_pieces_of_texts() -> None:
    assert one("ISNULL(NULL, 'x')") == "x"
    assert one("COALESCE(NULL, NULL, 2)") == 2
    assert (one("LEFT('GC12', 2)"), one("RIGHT('A_USD', 4)"), one("SUBSTRING('abc', 2, 1)")) == (
        "GC",
        "_USD",
        "b",
    )


def test_dates() -> None:
    assert one("DATEFROMPARTS(2017, 1, 1)") == date(2017, 1, 1)
    assert one("YEAR(@d) * 100 + MONTH(@d)", d=datetime(2025, 9, 30, 23, 59)) == 202509  # noqa: DTZ001
    assert one("DATEADD(month, 1, @d)", d=datetime(2025, 1, 31)) == datetime(2025, 2, 28)  # noqa: DTZ001
    assert one("DATEADD(day, -1, CAST(@d AS date))", d=date(2025, 10, 1)) == date(2025, 9, 30)
    assert one("CAST(@d AS date)", d=datetime(2025, 9, 30, 23, 59)) == date(2025, 9, 30)  # noqa: DTZ001
    assert one("CAST(@d AS datetime2)", d=date(2025, 9, 30)) == datetime(2025, 9, 30)  # noqa: DTZ001


def test_the_end_of_the_month_is_a_moment() -> None:
    assert numbers("t.moment < @next_month_start", next_month_start=datetime(2025, 10, 1)) == [1]  # noqa: DTZ001
    assert numbers("CAST(t.moment AS date) <= @cutoff_date", cutoff_date=date(2025, 9, 30)) == [1]


def test_top_takes_the_first_rows_also_inside_a_union() -> None:
    part = f"(SELECT TOP (1) t.n {FROM} ORDER BY t.n DESC)"
    assert ask(f"SELECT a.n FROM {part} AS a UNION ALL SELECT b.n FROM {part} AS b") == [(3,), (3,)]


def test_amounts_stay_exact() -> None:
    assert ask(
        f"SELECT SUM(COALESCE(t.amount, 0)), SUM(CASE WHEN t.n = 1 THEN t.amount ELSE 0 END) {FROM}"
    ) == [(Decimal("-0.5"), Decimal("1.5"))]
    assert one("@a - @b", a=Decimal("0.30000000000000000001"), b=Decimal("0.3")) == Decimal("1E-20")


def test_lists_are_bound_one_by_one() -> None:
    text, values = to_duckdb(Query("SELECT 1 AS a WHERE 'x' IN (@l)", {"l": ("x'y", "z")}))
    assert values == {"l_1": "x'y", "l_2": "z"}
    assert "$l_1, $l_2" in text
    assert numbers("t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 IN (@l)", l=("A", "zz")) == [1]
    assert numbers("t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 NOT IN (@l)", l=("A", "zz")) == [2]


def test_an_empty_list_holds_nothing_so_nothing_is_in_it_and_everything_is_outside() -> None:
    assert numbers("t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 IN (@l)", l=()) == []
    assert numbers("t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 NOT IN (@l)", l=()) == [1, 2, 3]
    assert numbers("NOT (t.[Opco/Central_?] COLLATE Latin1_General_100_BIN2 IN (@l))", l=()) == [1, 2, 3]
    assert numbers("CASE WHEN UPPER(t.[Opco/Central_?]) IN (@l) THEN 1 ELSE 0 END = 0", l=()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SELECT a / b AS c FROM t", "division"),
        ("SELECT CONVERT(varchar(6), d, 112) AS c FROM t", "CONVERT"),
        ("SELECT ROUND(a, 2) AS c FROM t", "ROUND"),
        ("SELECT TOP (1) WITH TIES a FROM t ORDER BY a", "WITH TIES"),
        ("SELECT a FROM t WHERE a LIKE '[ab]%'", "LIKE"),
        ("SELECT a FROM t; SELECT b FROM t", "exactly one SELECT"),
        ("DELETE FROM t", "exactly one SELECT"),
        ("SELECT a FROM", "not valid T-SQL"),
        ("SELECT 'a", "cannot be read"),
    ],
)
def test_what_would_mean_something_else_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(QueryError, match=named):
        to_duckdb(Query(text, {}))
