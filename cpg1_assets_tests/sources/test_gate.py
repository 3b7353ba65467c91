"""What the gate lets in of the source's own columns: texts by a written collation or folding, companies, kinds."""

from datetime import datetime

import pytest

from cpg1_assets.sources.dialect import refused, to_duckdb
from cpg1_assets.sources.query import Query, Value

_BIN = "COLLATE Latin1_General_100_BIN2"
_CUSTOMERS = "[AIG_Nav_DW].[dbo].[Customers]"
_ENTRIES = "[AIG_Nav_DW].[dbo].[Customer Ledger Entries]"
_UPPER_OF_BOTH = f"UPPER(s.ID_COMPANY) {_BIN} = UPPER(e.[id_company]) {_BIN}"
_PLAIN = "s.ORDER_NR = e.[Document No_]"
_ITEMS = "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI]"


def refusals(text: str, /, **parameters: Value) -> list[tuple[int, str]]:
    """Ask the gate; what it lets in must also come out of the seam."""
    found = refused(Query(text, parameters))
    if not found:
        to_duckdb(Query(text, parameters))
    return found


def about(condition: str, /, **parameters: Value) -> list[str]:
    """Give what is said of a condition on a customer `c` and a ledger entry `e`."""
    text = (
        f"SELECT c.[No_] AS no FROM {_CUSTOMERS} AS c INNER JOIN {_ENTRIES} AS e ON 1 = 1 WHERE {condition}"
    )
    return [what for _, what in refusals(text, **parameters)]


@pytest.mark.parametrize(
    "condition",
    [
        f"c.[No_] = e.[Customer No_] {_BIN}",
        f"c.[No_] = e.[Customer No_] AND c.[No_] = e.[Customer No_] {_BIN}",
        f"(c.[No_] = e.[Customer No_] AND e.[Open] = 1) AND c.[No_] {_BIN} = e.[Customer No_]",
        f"c.[No_] IN (@several) AND c.[No_] {_BIN} IN (@several)",
        "UPPER(LTRIM(RTRIM(c.[Stream]))) = 'MARKETPLACE'",
        "UPPER(LTRIM(RTRIM(c.[Stream]))) NOT IN ('A', 'B-2')",
        "LOWER(c.[Stream]) = 'marketplace'",
        "UPPER(c.[Stream]) = @capitals",
        "UPPER(c.[Stream]) IN (@several)",
        "LTRIM(RTRIM(c.[Stream])) <> ''",
        "NULLIF(LTRIM(RTRIM(c.[Stream])), '') IS NULL",
        "COALESCE(UPPER(c.[Stream]), '') IN ('', 'A')",
        f"UPPER(c.[Name]) {_BIN} = UPPER(e.[Description]) {_BIN}",
        "CASE WHEN c.[Stream] IS NULL THEN 'none' ELSE 'some' END = 'none'",
        "UPPER(c.[Name]) LIKE 'A%'",
        f"RTRIM(c.[Name]) {_BIN} LIKE '%x'",
        "CHARINDEX('BM', UPPER(c.[Name])) > 0",
    ],
)
def test_a_text_compares_by_what_is_written(condition: str) -> None:
    assert about(condition, several=("A", "B1"), capitals="A") == []


@pytest.mark.parametrize(
    ("condition", "to_write"),
    [
        ("c.[No_] = e.[Customer No_]", _BIN),
        (f"c.[No_] = e.[Customer No_] OR c.[No_] = e.[Customer No_] {_BIN}", _BIN),
        (f"c.[No_] = e.[Customer No_] AND c.[No_] = e.[Document No_] {_BIN}", _BIN),
        (f"NOT (c.[No_] = e.[Customer No_]) AND c.[No_] = e.[Customer No_] {_BIN}", _BIN),
        (f"c.[No_] <> e.[Customer No_] AND c.[No_] <> e.[Customer No_] {_BIN}", _BIN),
        ("UPPER(c.[Stream]) = 'Marketplace'", "in capitals"),
        ("UPPER(c.[Stream]) = N'CAFÉ'", _BIN),
        ("c.[Stream] = 'MARKETPLACE'", "UPPER(LTRIM(RTRIM(…))) = 'VALUE'"),
        ("UPPER(c.[Stream]) = @small", "in capitals"),
        ("UPPER(c.[Stream]) = UPPER(e.[Description])", _BIN),
        (f"UPPER(c.[Stream] {_BIN}) = 'A'", f"UPPER(…) {_BIN}"),
        ("c.[Name] > 'A'", _BIN),
        ("c.[Name] LIKE 'A%'", "UPPER(…) LIKE"),
        (f"c.[Name] {_BIN} LIKE '%x'", "RTRIM(…) LIKE"),
        ("CASE WHEN c.[Stream] IS NULL THEN 'none' ELSE 'some' END = 'None'", _BIN),
    ],
)
def test_a_text_that_compares_by_nothing_written_is_refused(condition: str, to_write: str) -> None:
    (what, *_) = about(condition, small="a")
    assert to_write in what


def test_a_text_that_got_a_binary_collation_inside_keeps_it_and_is_not_folded_any_more() -> None:
    inside = (
        f"WITH w AS (SELECT c.[Name] {_BIN} AS name, c.[No_] AS no FROM {_CUSTOMERS} AS c) SELECT w.no FROM w"
    )
    entries = f"INNER JOIN {_ENTRIES} AS e"
    assert refusals(f"{inside} WHERE w.name = 'Ltd'") == []
    assert refusals(f"{inside} {entries} ON e.[Description] = w.name {_BIN}") == []
    ((_, conflict),) = refusals(f"{inside} {entries} ON e.[Description] = w.name")
    assert "two collations, which the server refuses" in conflict
    ((_, folded),) = refusals(f"{inside} WHERE UPPER(w.name) = 'LTD'")
    assert "fold before the collation is given" in folded


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT e.[id_company] AS c FROM {_ENTRIES} AS e INNER JOIN {_CUSTOMERS} AS c ON c.[id_company] = e.[id_company]",
        f"SELECT e.[id_company] AS c FROM {_ENTRIES} AS e WHERE e.[id_company] IN (@companies)",
        f"SELECT e.[id_company] AS c, COUNT(*) AS n FROM {_ENTRIES} AS e GROUP BY e.[id_company] ORDER BY c",
        f"SELECT DISTINCT RTRIM(e.[id_company]) AS c FROM {_ENTRIES} AS e",
        f"SELECT ROW_NUMBER() OVER (PARTITION BY e.[id_company] ORDER BY e.[Entry No_]) AS n FROM {_ENTRIES} AS e",
        f"SELECT 1 AS one FROM {_ENTRIES} AS e WHERE RIGHT(UPPER(RTRIM(e.[id_company])), 4) = '_USD'",
        f"SELECT 1 AS one FROM {_ENTRIES} AS e JOIN {_ITEMS} AS s ON {_UPPER_OF_BOTH}",
    ],
)
def test_a_company_code_compares_as_it_is(text: str) -> None:
    assert refusals(text, companies=("EC_NG",)) == []


@pytest.mark.parametrize(
    "place",
    [
        "FROM {e} AS e WHERE e.[id_company] {b} IN (@companies)",
        "FROM {e} AS e GROUP BY e.[id_company] {b}",
        "FROM {e} AS e INNER JOIN {c} AS c ON c.[id_company] = e.[id_company] {b}",
        "FROM (SELECT e.[id_company] {b} AS company FROM {e} AS e) AS q",
    ],
)
def test_a_company_code_under_a_binary_collation_alone_is_refused(place: str) -> None:
    text = f"SELECT COUNT(*) AS n {place.format(e=_ENTRIES, c=_CUSTOMERS, b=_BIN)}"
    found = refusals(text, companies=("EC_NG",))
    assert any("one company whatever its case; leave the collation out" in what for _, what in found)


def test_a_company_code_compares_with_no_other_text_and_not_by_its_place() -> None:
    (order,) = about("c.[id_company] < e.[id_company]")
    assert "compare them with =" in order
    (what,) = about("c.[id_company] = e.[Customer No_]")
    assert "compares with company codes and fixed values" in what


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT MAX(e.[id_company]) AS c FROM {_ENTRIES} AS e",
        f"SELECT TOP (1) e.[Entry No_] AS n FROM {_ENTRIES} AS e ORDER BY e.[id_company]",
        f"SELECT ROW_NUMBER() OVER (ORDER BY e.[id_company]) AS n FROM {_ENTRIES} AS e",
    ],
)
def test_nothing_depends_on_the_order_of_company_codes(text: str) -> None:
    (what,) = [what for _, what in refusals(text)]
    assert "puts company codes in order" in what
    assert f"UPPER(e.[id_company]) {_BIN}" in what or f"UPPER(…) {_BIN}" in what
    assert refusals(text.replace("e.[id_company]", f"UPPER(e.[id_company]) {_BIN}")) == []


def test_a_company_code_inside_a_text_is_one_company_as_well() -> None:
    (bare,) = about(f"CONCAT(c.[id_company], '|', c.[No_]) {_BIN} = e.[Document No_]")
    assert "write UPPER(…) around the code" in bare
    (part,) = about(f"SUBSTRING(c.[id_company], 4, 2) = 'NG' {_BIN}")
    assert "write UPPER(…) around the code" in part
    assert about(f"UPPER(SUBSTRING(c.[id_company], 4, 2)) = 'NG' {_BIN}") == []
    assert about(f"CONCAT(UPPER(c.[id_company]), '|', c.[No_]) {_BIN} = e.[Document No_]") == []
    decides = f"CASE WHEN c.[id_company] = 'X' AND 1 = 1 THEN c.[No_] END {_BIN} = e.[Document No_]"
    assert about(decides) == []
    by = f"MIN(c.[No_] {_BIN}) OVER (PARTITION BY c.[id_company])"
    assert (
        refusals(f"SELECT CASE WHEN {by} = c.[No_] {_BIN} THEN 1 ELSE 0 END AS n FROM {_CUSTOMERS} AS c")
        == []
    )


@pytest.mark.parametrize(
    ("text", "to_write"),
    [
        (
            f"SELECT 1 AS one FROM {_ENTRIES} AS e JOIN {_ITEMS} AS s ON s.ID_COMPANY = e.[id_company]",
            "on both sides",
        ),
        (
            f"SELECT 1 AS one FROM {_ENTRIES} AS e JOIN {_ITEMS} AS s ON {_PLAIN} AND {_PLAIN} {_BIN}",
            "on a side",
        ),
        (
            f"SELECT e.[Document No_] AS n FROM {_ENTRIES} AS e UNION ALL SELECT s.ORDER_NR FROM {_ITEMS} AS s",
            "on each",
        ),
        (
            f"SELECT e.[id_company] AS n FROM {_ENTRIES} AS e UNION ALL SELECT s.ID_COMPANY FROM {_ITEMS} AS s",
            "on each",
        ),
        (
            f"SELECT COALESCE(e.[Document No_], s.ORDER_NR) AS n FROM {_ENTRIES} AS e CROSS JOIN {_ITEMS} AS s",
            "on each",
        ),
        (
            f"SELECT CONCAT(e.[Document No_], s.ORDER_NR) AS n FROM {_ENTRIES} AS e CROSS JOIN {_ITEMS} AS s",
            "on each",
        ),
    ],
)
def test_texts_of_two_databases_may_have_two_collations(text: str, to_write: str) -> None:
    found = [what for _, what in refusals(text)]
    assert found
    assert all(f"{_BIN} {to_write}" in what for what in found), found
    both = text.replace("e.[Document No_]", f"e.[Document No_] {_BIN}").replace(f"{_BIN} {_BIN}", _BIN)
    both = both.replace("s.ORDER_NR", f"s.ORDER_NR {_BIN}")
    both = both.replace("e.[id_company]", f"UPPER(e.[id_company]) {_BIN}")
    assert refusals(both.replace("s.ID_COMPANY", f"UPPER(s.ID_COMPANY) {_BIN}")) == []


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("c.[Unheard of] = 1", "add the column to the source schema"),
        ("c.[Unheard of] IS NULL", "is no column of"),
        ("ISNULL(e.[Open], 0) = 0", "write CASE WHEN … = 1 THEN 1 ELSE 0 END"),
        (f"c.[No_] = 'a\\\nb' {_BIN}", "joins the lines of a text"),
        (f"c.[No_] = N'a\\\nb' {_BIN}", "joins the lines of a text"),
        ("e.[Open] = 'x'", "a flag is compared with 0, with 1"),
        ("e.[Entry No_] = '1'", "write both as one kind"),
        ("e.[Posting Date] >= '2025-09-01'", "DATEFROMPARTS"),
        ("e.[Posting Date] = @fine", "a datetime2"),
        ("e.[Original Amount] * 2 > 1", "the server keeps fewer places"),
        ("e.[Open]", "stands as a condition"),
        ("x.[Open] = 1", "belongs to no table"),
        ("EXISTS (SELECT 1 FROM [Customers] AS k)", "three parts"),
    ],
)
def test_kinds_are_known_or_it_is_refused(condition: str, named: str) -> None:
    found = about(condition, fine=datetime(2025, 9, 30, 23, 59, 59, 998000))  # noqa: DTZ001
    assert any(named in what for what in found), found


def test_a_default_of_lag_is_no_longer_than_the_column() -> None:
    text = f"SELECT LAG(c.[Name], 1, 'nobody') OVER (ORDER BY c.[No_] {_BIN}) AS n FROM {_CUSTOMERS} AS c"
    assert "cut the default" in refusals(text)[0][1]
    assert refusals(text.replace("nobody", "")) == []


def test_a_datetime_that_sql_server_keeps_as_it_is_may_be_bound() -> None:
    assert about("e.[Posting Date] < @next", next=datetime(2025, 10, 1)) == []  # noqa: DTZ001
    assert about("e.[Posting Date] < @next", next=datetime(2025, 9, 30, 23, 59, 59, 997000)) == []  # noqa: DTZ001


def test_each_refusal_names_its_line() -> None:
    text = f"SELECT c.[No_] AS no\nFROM {_CUSTOMERS} AS c\nWHERE c.[Stream] = 'A'\n    AND FORMAT(c.[No_], 'x') = 'A'"
    assert {line for line, _ in refusals(text)} == {4}
    assert [line for line, _ in refusals(text.replace("FORMAT(c.[No_], 'x')", "c.[No_]"))] == [3, 4]


@pytest.mark.parametrize("call", ["SOUNDEX(c.[No_])", "dbo.MyFunction(c.[No_])"])
def test_a_fault_is_said_once(call: str) -> None:
    (said,) = about(f"{call} = 'X'")
    assert said.count("not allowed") == 1


def test_two_faults_of_a_line_are_both_said() -> None:
    said = about("SOUNDEX(c.[No_]) = 'X' AND DIFFERENCE(c.[No_], 'Y') = 4")
    assert [what for what in said if "SOUNDEX" in what and "DIFFERENCE" not in what]
    assert [what for what in said if "DIFFERENCE" in what and "SOUNDEX" not in what]
