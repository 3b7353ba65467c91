"""SQL Server gets the queries as they stand, values bound and typed, and only names exchanged."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc import Statement, Waits
from cpg1_assets.sources.query import Query, QueryError, parameter_uses
from cpg1_assets.sources.sqlserver import SqlServer

AWKWARD = "x'; DROP TABLE t; --]/*"


def test_the_text_of_the_file_is_sent_and_each_value_bound_once_under_its_own_name() -> None:
    text = (
        "SELECT a.[b?] FROM [AIG_Nav_DW].[dbo].[t] AS a WHERE a.c IN (@codes) AND a.d < @day AND a.e >= @day"
    )
    statement = SqlServer().statement(
        Query(text, {"codes": ("A", AWKWARD), "day": date(2025, 9, 30), "other": 1})
    )
    assert statement == Statement(
        "DECLARE @codes_1 nvarchar(4000) = ?, @codes_2 nvarchar(4000) = ?, @day date = ?;\n"
        "EXEC sp_executesql N'SELECT a.[b?] FROM [AIG_Nav_DW].[dbo].[t] AS a WHERE a.c IN (@codes_1, @codes_2) "
        "AND a.d < @day AND a.e >= @day', N'@codes_1 nvarchar(4000), @codes_2 nvarchar(4000), @day date', "
        "@codes_1, @codes_2, @day;",
        ("A", AWKWARD, "2025-09-30"),
    )


def test_a_query_without_values_is_sent_as_it_is() -> None:
    assert SqlServer().statement(Query("SELECT 'it''s' AS a", {"day": 1})) == Statement("SELECT 'it''s' AS a")


def test_the_month_stands_before_the_text_so_that_each_has_a_plan_of_its_own() -> None:
    query = Query("SELECT @year AS y", dict(CutoffMonth(2025, 9).parameters()))
    assert SqlServer().text_sent(query) == "-- Month 2025-09\nSELECT @year AS y"
    assert "N'-- Month 2025-09\nSELECT @year AS y'" in SqlServer().statement(query).text
    assert SqlServer().statement(query).values == ("2025",)


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (True, "bit", "1"),
        (False, "bit", "0"),
        (-7, "bigint", "-7"),
        (Decimal("1E+3"), "decimal(38, 20)", "1000"),
        (Decimal("-0.00000000000000000001"), "decimal(38, 20)", "-0.00000000000000000001"),
        (date(2025, 1, 2), "date", "2025-01-02"),
        (datetime(2025, 1, 2), "datetime", "2025-01-02T00:00:00.000"),  # noqa: DTZ001 - the source has no zones
        (datetime(2025, 1, 2, 3, 4, 5, 7000), "datetime", "2025-01-02T03:04:05.007"),  # noqa: DTZ001
        (datetime(2025, 1, 2, 3, 4, 5, 7001), "datetime2(7)", "2025-01-02T03:04:05.007001"),  # noqa: DTZ001
        ("", "nvarchar(4000)", ""),
        ("شركة 🌍", "nvarchar(4000)", "شركة 🌍"),
        ("x" * 4001, "nvarchar(max)", "x" * 4001),
        ("🌍" * 2001, "nvarchar(max)", "🌍" * 2001),
        (None, "nvarchar(4000)", None),
    ],
)
def test_each_value_has_its_type_and_a_text_that_every_language_setting_reads_the_same(
    value: object, kind: str, written: str | None
) -> None:
    statement = SqlServer().statement(Query("SELECT @v AS v", {"v": value}))  # type: ignore[dict-item]
    assert statement.text.startswith(f"DECLARE @v {kind} = ?;")
    assert statement.values == (written,)


def test_databases_and_collation_are_exchanged_where_they_are_names_and_nowhere_else() -> None:
    server = SqlServer({"AIG_Nav_DW": "NAV]uat'"}, "Latin1_General_BIN2")
    text = (
        "SELECT 'AIG_Nav_DW.x COLLATE Latin1_General_100_BIN2' AS a -- AIG_Nav_DW.\n"
        "FROM [AIG_Nav_DW].[dbo].[AIG_Nav_DW] AS t WHERE t.[AIG_Nav_DW] COLLATE Latin1_General_100_BIN2 = 'x'"
    )
    assert server.text_sent(Query(text, {})) == (
        "SELECT 'AIG_Nav_DW.x COLLATE Latin1_General_100_BIN2' AS a -- AIG_Nav_DW.\n"
        "FROM [NAV]]uat'].[dbo].[AIG_Nav_DW] AS t WHERE t.[AIG_Nav_DW] COLLATE Latin1_General_BIN2 = 'x'"
    )
    assert server.databases == ("NAV]uat'", "AIG_Nav_Jumia_Reconciliation", "STG_AIG_NAV_JUMIA_REC")


def _texts() -> dict[str, str]:
    texts = {}
    for name, extract in read_catalog().items():
        contract = extract.contract
        texts[name] = extract.sql
        texts[f"{name} control totals"] = contract.control_totals
        texts[f"{name} witnesses"] = contract.witnesses.sql
    return texts


@pytest.mark.parametrize("name", sorted(_texts()))
def test_every_query_of_the_control_names_only_databases_and_a_collation_that_can_be_exchanged(
    name: str,
) -> None:
    server = SqlServer(
        {n: f"other_{i}" for i, n in enumerate(SqlServer().databases)}, "Other_BIN2", wants_snapshot=False
    )
    lists = {"companies": ("EC_NG",), "gl_accounts": ("18412",), "customer_posting_groups": ("X",)}
    others = dict.fromkeys(_list_names(_texts()[name]), ("x",))
    sent = server.text_sent(Query(_texts()[name], {**others, **CutoffMonth(2025, 9).parameters(), **lists}))
    assert "Latin1_General_100_BIN2" not in sent
    for database in SqlServer().databases:
        assert database not in sent


def _list_names(text: str) -> set[str]:
    return {use.name for use in parameter_uses(text)} - set(CutoffMonth(2025, 9).parameters())


def test_more_values_than_the_server_takes_are_refused_with_what_to_do() -> None:
    many = Query("SELECT 1 AS a WHERE 'x' IN (@codes)", {"codes": tuple(map(str, range(2001)))})
    with pytest.raises(QueryError, match=r"2001 values, and the server takes 2000.*CPG1_COMPANIES"):
        SqlServer().statement(many)


def test_the_connection_says_who_asks_and_that_nothing_will_be_written() -> None:
    given = ConnectionString.parse("Driver=/lib/x.so;Server=h;APP=mine;PWD=x")
    completed = SqlServer().connection_string(given, Waits(), "cpg1-assets ipe_07 2025-09")
    assert completed.get("APP") == "cpg1-assets ipe_07 2025-09"
    assert completed.get("ApplicationIntent") == "ReadOnly"
    assert completed.get("PWD") == "x"
    assert completed.get("ConnectRetryCount") == "0"
    written = ConnectionString.parse("Driver=/lib/x.so;Server=h;ApplicationIntent=ReadWrite")
    assert SqlServer().connection_string(written, Waits(), "n" * 500).get("ApplicationIntent") == "ReadWrite"
    assert SqlServer().connection_string(written, Waits(), "n" * 500).get("APP") == "n" * 128


def test_a_session_waits_for_locks_no_longer_than_agreed_and_gives_way_to_others() -> None:
    opening = SqlServer().opening(Waits(lock=7))
    assert "SET LOCK_TIMEOUT 7000" in opening
    assert "SET DEADLOCK_PRIORITY LOW" in opening
    assert SqlServer(wants_snapshot=False).snapshot() == ()
    assert SqlServer().snapshot() == ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "BEGIN TRANSACTION")
