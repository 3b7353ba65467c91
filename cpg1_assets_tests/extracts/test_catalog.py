"""The catalog holds the twelve extracts, and refuses what breaks a rule, by file and line."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from cpg1_assets.errors import FileFormatError
from cpg1_assets.extracts.catalog import QUERIES_FOLDER, companies_in_scope_sql, read_catalog
from cpg1_assets.sources.query import Query
from cpg1_assets_tests.extracts.source_tables import SourceTables

SQL = """-- What it is.
SELECT
    t.id_company AS id_company,
    t.[Document No_] AS document_no,
    t.[Amount] AS amount,
    1 AS several_customer
FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS t
WHERE t.id_company IN (@companies)
    AND t.[Posting Date] < @next_month_start
"""
CONTRACT = """name: ipe_99
title: A test
key: [id_company, document_no]
amounts: [amount]
columns:
  - {name: id_company, type: text, nullable: false}
  - {name: document_no, type: text}
  - {name: amount, type: amount}
control_totals: |
  SELECT t.id_company AS id_company, COUNT(*) AS row_count, SUM(t.[Amount]) AS amount
  FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS t
  GROUP BY t.id_company
witnesses:
  positive: {statement: It is there., columns: [id_company, amount]}
  negative: {statement: It is not there., columns: [id_company]}
  sql: |
    SELECT t.id_company AS id_company, t.[Amount] AS amount, 1 AS must_be_there FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS t
several_matches: [several_customer]
unambiguous:
  statement: It says one thing.
  sql: |
    SELECT t.id_company AS id_company, t.[Posting Date] AS dated FROM [AIG_Nav_DW].[dbo].[G_L Entries] AS t WHERE 1 = 0
"""


def _write(folder: Path, sql: str = SQL, contract: str = CONTRACT, name: str = "ipe_99") -> Path:
    (folder / f"{name}.sql").write_text(sql)
    (folder / f"{name}.yaml").write_text(contract)
    return folder


def test_the_catalog_holds_the_twelve_extracts() -> None:
    catalog = read_catalog()
    assert list(catalog) == sorted(catalog)
    assert [name for name, extract in catalog.items() if extract.contract.key_may_repeat] == ["ipe_31"]
    assert all(column.description for e in catalog.values() for column in e.contract.columns)
    assert {name: len(e.contract.columns) for name, e in catalog.items()} == {
        "collection_links": 4,
        "cr_03": 41,
        "cr_04": 25,
        "cr_05": 10,
        "doc_voucher_usage": 11,
        "ipe_07": 34,
        "ipe_08": 33,
        "ipe_10": 21,
        "ipe_12": 25,
        "ipe_31": 12,
        "ipe_34": 14,
        "nav_open_items": 23,
    }


def test_the_types_follow_the_names() -> None:
    """As the spec's paragraph on types has it."""
    integers = {"entry_no", "gl_entry_no", "times_used", "creation_year", "delivery_month", "year", "month"}
    dates = {"posting_date", "document_date", "due_date", "closing_date"}
    flags = {"refund_completed", "automatically_integrated", "reversed", "system_created_entry"}
    for extract in read_catalog().values():
        for column in extract.contract.columns:
            name = column.name
            if name in integers:
                expected = "integer"
            elif name == "balance_at_date":
                expected = "amount"
            elif name in flags or (name.startswith("is_") and name != "is_valid"):
                expected = "flag"
            elif name in dates:
                expected = "date"
            elif name.endswith(("_date", "_at")) or name == "last_time_used":
                expected = "timestamp"
            elif name == "fx_rate":
                expected = "rate"
            else:
                expected = "amount" if column.type == "amount" else "text"
            assert (name, column.type) == (name, expected)


def test_voucher_codes_are_looked_at_once_and_never_an_output() -> None:
    seen = []
    for name, extract in read_catalog().items():
        contract = extract.contract
        for text in (extract.sql, contract.witnesses.sql):
            tree = sqlglot.parse_one(text, read="tsql")
            assert isinstance(tree, exp.Query)
            seen += [
                (name, output.alias_or_name)
                for output in tree.selects
                for column in output.find_all(exp.Column)
                if column.name.lower() in ("code", "voucher_code")
            ]
    assert seen == [("ipe_08", "business_use_formatted")]


def test_the_companies_in_scope_are_resolved_by_a_query_of_its_own() -> None:
    assert Query(companies_in_scope_sql(), {}).named() == {}
    asked = SourceTables().ask(companies_in_scope_sql(), {})
    assert sorted(row["id_company"] for row in asked) == ["EC_NG", "JD_GH"]
    assert not (QUERIES_FOLDER / "companies_in_scope.sql").exists()


def test_an_extract_is_two_files(tmp_path: Path) -> None:
    extract = read_catalog(_write(tmp_path))["ipe_99"]
    assert (extract.sql, extract.sql_path.name, extract.contract_path.name) == (
        SQL,
        "ipe_99.sql",
        "ipe_99.yaml",
    )


@pytest.mark.parametrize("missing", ["sql", "yaml"])
def test_one_file_without_the_other_is_refused(tmp_path: Path, missing: str) -> None:
    _write(tmp_path)
    (tmp_path / f"ipe_99.{missing}").unlink()
    with pytest.raises(FileFormatError, match=rf"there is no ipe_99\.{missing}"):
        read_catalog(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("t.[Document No_] AS document_no,", "t.*,", 4, "name the columns"),
        (
            "t.[Document No_] AS document_no",
            "t.[Document No_] AS doc_no",
            1,
            "column 2 must be document_no, it is doc_no",
        ),
        ("    t.[Document No_] AS document_no,\n", "", 1, "column 2 must be document_no, it is amount"),
        ("AS several_customer", "AS several_customer, 1 AS more", 1, "remove more"),
        ("t.[Amount] AS", "CAST(t.[Amount] AS decimal(10, 2)) AS", 5, "a cast to a number"),
        ("t.[Amount] AS", "CAST(t.[Amount] AS nvarchar(20)) AS", 5, "a cast in amount"),
        ("t.[Amount] AS", "ROUND(t.[Amount], 2) AS", 5, "a rounding"),
        ("@next_month_start", "GETDATE()", 9, "GETDATE reads the clock"),
        ("@next_month_start", "CURRENT_TIMESTAMP", 9, "CURRENT_TIMESTAMP reads the clock"),
        ("@next_month_start", "@next_month", 9, "@next_month is not a parameter"),
        ("IN (@companies)", "= @companies", 8, "use it as IN"),
        ("IN (@companies)", "IN (@companies, 'x')", 8, "use it as IN"),
        ("AS t\n", "AS t WITH (NOLOCK)\n", 7, "a hint on G_L Entries"),
        ("[AIG_Nav_DW].[dbo].[G_L Entries]", "#t", 7, "temporary table"),
        ("@next_month_start", "@next_month_start OPTION (MAXDOP 1)", 3, "OPTION"),
        ("FROM", "INTO x FROM", 7, "writes a table"),
        ("@next_month_start", "@next_month_start; DROP TABLE t", 1, "exactly one SELECT"),
        ("WHERE", "WHERE WHERE", 8, "not valid T-SQL"),
        ("t.[Amount] AS", "t.[Amount] / 2 AS", 5, "division"),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused_by_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in SQL
    with pytest.raises(FileFormatError, match=message) as caught:
        read_catalog(_write(tmp_path, sql=SQL.replace(old, new, 1)))
    assert f"ipe_99.sql, line {line}: " in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("name: ipe_99", "name: ipe_98", 1, "the file's is ipe_99"),
        ("GROUP BY", "WHERE t.x = @nobody GROUP BY", 12, "@nobody is not a parameter"),
        ("COUNT(*) AS row_count, SUM", "SUM", 10, "column 2 must be row_count"),
        (
            "SELECT t.id_company AS id_company, t.[Amount]",
            "SELECT 1 AS x, t.[Amount]",
            17,
            "the witnesses give x",
        ),
        ("1 AS must_be_there", "1 AS must", 17, "the last column of the witnesses must be must_be_there"),
        ("columns: [id_company, amount]", "columns: [id_company]", 17, "no witness compares by amount"),
        (
            "columns: [id_company, amount]",
            "columns: [document_no]",
            17,
            "compares by document_no, which the query does",
        ),
        ("columns: [id_company, amount]", "columns: [amount]", 17, "must compare by part of the key"),
        ("columns: [id_company]", "columns: [amount]", 17, "it may by the key"),
        ("1 AS must_be_there", "\n      GETDATE() AS must_be_there", 18, "GETDATE"),
        ("[several_customer]", "[customer]", 1, "name customer several_… after the join"),
        (
            "t.id_company AS id_company, t.[Posting Date] AS dated",
            "t.[Posting Date] AS dated",
            22,
            "first column must be id_company",
        ),
        ("t.[Posting Date] AS dated", "t.[Posting Date] + 1", 22, "column 2 has no name"),
        ("t.[Posting Date] AS dated", "t.[Posting Date] AS id_company", 22, "two columns have one name"),
        ("t.[Posting Date] AS dated", "GETDATE() AS dated", 22, "GETDATE"),
        (
            "{name: id_company, type: text, nullable: false}",
            "{name: id_company, type: text}",
            6,
            "not nullable",
        ),
        ("key: [id_company", "key: [nothing", 1, "key names columns that do not exist"),
        (
            "amounts: [amount]",
            "amounts: [amount]\ndate_rule: {column: x, before: month_start}",
            1,
            "date_rule",
        ),
        (
            "amounts: [amount]",
            "amounts: [amount]\ndate_rule: {column: x, before: today}",
            5,
            "not a date of the month",
        ),
        ("amounts: [amount]", "amounts: [amount]\nunknown: 1", 5, "unknown"),
    ],
)
def test_a_contract_that_breaks_a_rule_is_refused_by_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in CONTRACT
    with pytest.raises(FileFormatError, match=message) as caught:
        read_catalog(_write(tmp_path, contract=CONTRACT.replace(old, new, 1)))
    assert f"ipe_99.yaml, line {line}: " in str(caught.value)


def test_a_kept_text_whose_blanks_the_server_would_choose_is_refused_with_its_line(tmp_path: Path) -> None:
    table = "[AIG_Nav_DW].[dbo].[Customers]"
    sql = (
        "SELECT\n    t.id_company AS id_company,\n"
        "    MIN(t.No_ COLLATE Latin1_General_100_BIN2) AS document_no,\n    NULL AS amount,\n"
        "    1 AS several_customer\n"
        f"FROM {table} AS t\nGROUP BY t.id_company\n"
    )
    with pytest.raises(
        FileFormatError, match=r"line 3: the blanks at the end of document_no.*write RTRIM"
    ) as caught:
        read_catalog(_write(tmp_path, sql=sql))
    assert "id_company" not in str(caught.value), "it is spelled as the scope spells it"
    mended = sql.replace("t.No_", "RTRIM(t.No_)")
    assert read_catalog(_write(tmp_path, sql=mended))["ipe_99"].sql == mended


def test_a_company_code_comes_out_as_id_company_or_folded(tmp_path: Path) -> None:
    sql = SQL.replace("t.[Document No_] AS document_no", "t.id_company AS document_no")
    with pytest.raises(FileFormatError, match=r"line 4: the company code document_no .* write UPPER\(RTRIM"):
        read_catalog(_write(tmp_path, sql))
    folded = sql.replace("t.id_company AS document_no", "UPPER(RTRIM(t.id_company)) AS document_no")
    assert list(read_catalog(_write(tmp_path, folded))) == ["ipe_99"]


def test_totals_and_witnesses_may_group_as_they_like_because_they_are_only_compared(tmp_path: Path) -> None:
    contract = CONTRACT.replace(
        "GROUP BY t.id_company", "GROUP BY t.id_company, t.[Document No_] COLLATE Latin1_General_100_BIN2"
    )
    assert contract != CONTRACT
    assert read_catalog(_write(tmp_path, contract=contract))
