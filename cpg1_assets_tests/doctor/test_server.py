"""What a server is or lacks is said by name, each with what to do about it, and no row is read for it."""

import re
from datetime import timedelta

import pytest

from cpg1_assets.doctor.conversation import quoted
from cpg1_assets.errors import SourceError
from cpg1_assets.sources import driver
from cpg1_assets_tests.doctor.conftest import Examined, about, only
from cpg1_assets_tests.doctor.fake_server import NAMED, FakeError, FakeServer

CUSTOMERS = "[dbo].[Customers]"
ENTRIES = "[dbo].[Customer Ledger Entries]"


def test_a_server_as_the_control_needs_it_leaves_nothing_to_do(
    server: FakeServer, examined: Examined
) -> None:
    findings = examined()
    assert {finding.verdict for finding in findings} == {"fine"}
    assert not [finding for finding in findings if finding.to_do]
    assert about(findings, "version")[0].said == "SQL Server 2022 (16.0.4135.4), Standard Edition (64-bit)"
    assert "books.example,1433" in about(findings, "connection")[0].said
    assert server.connected_with[0].count("ApplicationIntent=ReadOnly") == 1


def test_every_table_and_column_is_asked_for_and_no_row_is_read(
    server: FakeServer, examined: Examined
) -> None:
    examined()
    asked = [question for question in server.asked if question.startswith("SELECT TOP (0)")]
    assert len(asked) == len(NAMED)
    for table in NAMED:
        columns = ", ".join(quoted(column) for column in table.columns)
        name = quoted(table.database, table.schema, table.name)
        assert f"SELECT TOP (0) {columns} FROM {name}" in asked
    catalogs = r"FROM sys\.(databases|objects|columns|dm_exec_connections)\b"
    others = [q for q in server.asked if " FROM " in q and q not in asked]
    assert all(re.search(catalogs, question) for question in others)


def test_a_missing_table_is_named_with_what_needs_it_and_what_is_like_it(
    server: FakeServer, examined: Examined
) -> None:
    tables = server.holding(CUSTOMERS).tables
    tables["[old].[Customers_2024]"] = tables.pop(CUSTOMERS)
    found = only(examined(), "mend")
    assert (found.group, found.subject) == ("Database AIG_Nav_DW", CUSTOMERS)
    assert found.said.startswith("is not there (needed by ipe_07)")
    assert "error 208" in found.said
    assert "[old].[Customers_2024]" in found.to_do


def test_every_missing_column_is_named_though_an_error_names_one(
    server: FakeServer, examined: Examined
) -> None:
    columns = server.table(ENTRIES)
    del columns["Description"], columns["Reason Code"]
    found = only(examined(), "mend")
    assert found.subject == ENTRIES
    assert found.said == ("lacks 2 columns the queries name: [Description] (ipe_07); [Reason Code] (ipe_07)")
    assert "control's owner" in found.to_do


def test_a_renamed_column_is_told_from_a_missing_one(server: FakeServer, examined: Examined) -> None:
    columns = server.table(ENTRIES)
    columns["Posting_Date"] = columns.pop("Posting Date")
    found = only(examined(), "mend")
    assert "[Posting Date] (ipe_07)" in found.said
    assert "[Posting Date] may be [Posting_Date] now" in found.to_do


def test_a_table_that_may_not_be_read_comes_with_its_grant(server: FakeServer, examined: Examined) -> None:
    server.holding(CUSTOMERS).unreadable.add(CUSTOMERS)
    found = only(examined(), "mend")
    assert found.said.startswith("may not be read by this login (needed by ipe_07). ")
    assert "denied on the object" in found.said
    assert "USE [AIG_Nav_DW]; GRANT SELECT ON [dbo].[Customers] TO [control_reader];" in found.to_do


def test_columns_that_may_not_be_read_come_with_their_grant(server: FakeServer, examined: Examined) -> None:
    server.holding(CUSTOMERS).unreadable_columns |= {(CUSTOMERS, "Name"), (CUSTOMERS, "Stream")}
    found = only(examined(), "mend")
    assert found.said == "2 columns may not be read by this login: [Name], [Stream]"
    assert "GRANT SELECT ON [dbo].[Customers] ([Name], [Stream]) TO [control_reader];" in found.to_do


def test_a_user_named_like_the_login_or_not_its_own_is_not_shown(
    server: FakeServer, examined: Examined
) -> None:
    database = server.holding(CUSTOMERS)
    database.unreadable.add(CUSTOMERS)
    for name in ("cpg1_login", "guest"):
        database.user = name
        found = only(examined(), "mend")
        assert "TO [USER]; (USER is the login's user there.)" in found.to_do


def test_a_database_that_is_not_there_is_named_with_the_setting(
    server: FakeServer, examined: Examined
) -> None:
    findings = examined(databases=(("AIG_Nav_DW", "NAV_TEST"),))
    found = only(findings, "mend")
    assert found.group == "Database AIG_Nav_DW (NAV_TEST on the server)"
    assert "error 911" in found.said
    assert "CPG1_DATABASES" in found.to_do
    assert about(findings, "tables")[0].verdict == "not asked"
    assert [f.verdict for f in about(findings, "[OMS].[PACKAGE_CASHREC]")] == ["fine"]
    assert "USE [NAV_TEST]" in server.asked


def test_a_database_the_login_may_not_enter_says_who_makes_it_a_user(
    server: FakeServer, examined: Examined
) -> None:
    server.databases["AIG_Nav_DW"].user = None
    found = only(examined(), "mend")
    assert "error 916" in found.said
    assert "USE [AIG_Nav_DW]; CREATE USER [USER] FOR LOGIN [USER];" in found.to_do


def test_names_of_databases_are_quoted_whatever_is_in_them(server: FakeServer, examined: Examined) -> None:
    name = "NAV]; DROP TABLE x;--"
    server.databases[name] = server.databases.pop("AIG_Nav_DW")
    assert {finding.verdict for finding in examined(databases=(("AIG_Nav_DW", name),))} == {"fine"}
    assert "USE [NAV]]; DROP TABLE x;--]" in server.asked


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("db_owner", "ALTER ROLE [db_owner] DROP MEMBER [control_reader];"),
        ("db_datawriter", "ALTER ROLE [db_datawriter] DROP MEMBER [control_reader];"),
    ],
)
def test_a_login_in_a_writing_role_must_be_mended(
    server: FakeServer, examined: Examined, role: str, statement: str
) -> None:
    server.databases["AIG_Nav_DW"].roles.add(role)
    server.databases["AIG_Nav_DW"].may |= {"INSERT", "UPDATE", "DELETE"}
    found = only(examined(), "mend")
    assert (found.group, found.subject) == ("Database AIG_Nav_DW", "writing")
    assert role in found.said
    assert f"USE [AIG_Nav_DW]; {statement}" in found.to_do


def test_a_login_that_may_create_tables_must_be_mended(server: FakeServer, examined: Examined) -> None:
    server.databases["AIG_Nav_DW"].may.add("CREATE TABLE")
    found = only(examined(), "mend")
    assert "in the whole database it may CREATE TABLE" in found.said
    assert "REVOKE CREATE TABLE FROM [control_reader];" in found.to_do


def test_a_login_that_may_write_one_table_must_be_mended(server: FakeServer, examined: Examined) -> None:
    server.holding(CUSTOMERS).may_on[CUSTOMERS] = {"UPDATE", "DELETE"}
    found = only(examined(), "mend")
    assert "[dbo].[Customers] (UPDATE, DELETE)" in found.said
    assert "REVOKE UPDATE, DELETE ON [dbo].[Customers] FROM [control_reader];" in found.to_do


def test_an_administrator_of_the_server_must_be_mended(server: FakeServer, examined: Examined) -> None:
    server.sysadmin = 1
    findings = examined()
    found = only(findings, "mend")
    assert found.subject == "login"
    assert "sysadmin" in found.said
    assert {finding.verdict for finding in about(findings, "writing")} == {"not asked"}


def test_a_server_that_does_not_tell_permissions_is_no_proof(server: FakeServer, examined: Examined) -> None:
    server.databases["AIG_Nav_DW"].tells_permissions = False
    found = only(examined(), "look")
    assert found.subject == "writing"
    assert "does not tell" in found.said


@pytest.mark.parametrize(("seconds", "words"), [(300, "ahead of"), (-300, "behind")])
def test_a_clock_that_is_off_must_be_mended(
    server: FakeServer, examined: Examined, seconds: int, words: str
) -> None:
    server.ahead = timedelta(seconds=seconds)
    found = only(examined(), "mend")
    assert found.subject == "clock"
    assert f"300 s {words} this machine's" in found.said
    assert "NTP" in found.to_do


def test_a_clock_that_is_right_tells_the_servers_time_zone(examined: Examined) -> None:
    assert about(examined(), "clock")[0].said.endswith("the server's time zone is UTC+01:00")


def test_a_wrong_password_ends_the_questions_but_not_the_examination(
    server: FakeServer, examined: Examined
) -> None:
    server.refuses_login = FakeError("28000", 18456, "Login failed for user 'cpg1_login'.")
    findings = examined()
    found = only(findings, "mend")
    assert found.said == (
        "the server refused the login (SQLSTATE 28000, error 18456). It says: Login failed for user '***'. "
        "(18456) (SQLExecDirectW)"
    )
    assert "user and password" in found.to_do
    assert [f.verdict for f in findings if f is not found] == ["not asked"] * 3


def test_a_first_database_that_is_not_there_is_about_the_connection_string(
    server: FakeServer, examined: Examined
) -> None:
    server.refuses_login = FakeError("42000", 4060, 'Cannot open database "x" requested by the login.')
    assert "Database in DB_CONNECTION_STRING" in only(examined(), "mend").to_do


def test_a_driver_that_does_not_load_is_not_about_the_network(server: FakeServer, examined: Examined) -> None:
    server.refuses_login = FakeError("01000", 0, "Can't open lib 'libmsodbcsql.so': file not found")
    assert "See the driver above" in only(examined(), "mend").to_do


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_agreed(
    server: FakeServer, examined: Examined
) -> None:
    server.silent_on = "login"
    found = only(examined(), "mend")
    assert found.said == (
        "books.example,1433 does not answer (no answer within 1 seconds). Tried without the driver: nothing listens there"
    )
    assert "firewall" in found.to_do


def test_what_was_found_before_a_server_fell_silent_is_kept(server: FakeServer, examined: Examined) -> None:
    server.silent_on = f"[{NAMED[3].name}]"
    findings = examined()
    found = only(findings, "mend")
    assert found.subject == "answers"
    assert about(findings, "clock")
    assert about(findings, quoted(NAMED[2].schema, NAMED[2].name))


def test_a_connection_that_breaks_is_said_once(server: FakeServer, examined: Examined) -> None:
    server.breaks_on = f"[{NAMED[3].name}]"
    findings = examined()
    found = only(findings, "mend")
    assert found.subject == "answers"
    assert "08S01" in found.said
    assert not about(findings, quoted(NAMED[4].schema, NAMED[4].name))


def test_a_table_somebody_holds_a_lock_on_is_asked_for_again_later(
    server: FakeServer, examined: Examined
) -> None:
    server.locked = CUSTOMERS
    found = only(examined(), "mend")
    assert found.subject == CUSTOMERS
    assert "error 1222" in found.said
    assert "Run cpg1 doctor again" in found.to_do


def test_a_database_without_snapshots_is_worth_a_look_unless_they_are_not_wanted(
    server: FakeServer, examined: Examined
) -> None:
    server.databases["AIG_Nav_DW"].snapshot = "OFF"
    found = only(examined(), "look")
    assert found.subject == "snapshot isolation"
    assert "ALTER DATABASE [AIG_Nav_DW] SET ALLOW_SNAPSHOT_ISOLATION ON;" in found.to_do
    assert {finding.verdict for finding in examined(snapshot=False)} == {"fine"}


def test_an_amount_in_floating_point_must_be_mended(server: FakeServer, examined: Examined) -> None:
    server.table(ENTRIES)["Original Amount"] = "float"
    found = only(examined(), "mend")
    assert found.subject == ENTRIES
    assert "[Original Amount] is float" in found.said


@pytest.mark.parametrize(
    ("engine", "said"),
    [("5", "Azure SQL Database (12.0.2000.8), SQL Azure"), ("8", "Azure SQL Managed Instance (12.0.2000.8), SQL Azure")],
)  # fmt: skip
def test_a_server_in_the_cloud_is_not_taken_for_an_old_one(
    server: FakeServer, examined: Examined, engine: str, said: str
) -> None:
    server.version, server.edition, server.engine = "12.0.2000.8", "SQL Azure", engine
    assert about(examined(), "version")[0].said == said


def test_ids_that_a_source_keeps_as_numbers_and_money_are_fine(
    server: FakeServer, examined: Examined
) -> None:
    server.table("[dbo].[StoreCreditVoucher]")["id"] = "int"
    server.table("[dbo].[RPT_SOI]")["COD_OMS_SALES_ORDER_ITEM"] = "bigint"
    server.table("[dbo].[RPT_CASHDEPOSIT]")["OMS_Payment_Amount"] = "money"
    assert {f.verdict for f in examined()} == {"fine"}


def test_amounts_of_one_scale_are_fine_and_of_several_are_worth_a_look(
    server: FakeServer, examined: Examined
) -> None:
    columns = server.table("[dbo].[RPT_CASHDEPOSIT]")
    columns |= {"OMS_Payment_Amount": "decimal(18,2)", "OMS_Charges_Amount": "decimal(18,2)"}
    assert {f.verdict for f in examined()} == {"fine"}
    columns["OMS_Charges_Amount"] = "numeric(18,4)"
    found = only(examined(), "look")
    assert "[OMS_Charges_Amount] is numeric(18,4), [OMS_Payment_Amount] is decimal(18,2)" in found.said


@pytest.mark.parametrize(
    ("column", "kind"), [("Original Amount", "sql_variant"), ("Posting Date", "nvarchar")]
)
def test_another_type_than_the_source_schemas_is_worth_a_look(
    server: FakeServer, examined: Examined, column: str, kind: str
) -> None:
    server.table(ENTRIES)[column] = kind
    assert f"[{column}] is {kind}, not" in only(examined(), "look").said


def test_a_collation_the_server_lacks_must_be_mended(server: FakeServer, examined: Examined) -> None:
    found = only(examined(collation="Finnish_100_BIN2"), "mend")
    assert found.subject == "collation"
    assert "CPG1_COLLATION" in found.to_do
    server.collations += ("Finnish_100_BIN2",)
    assert {finding.verdict for finding in examined(collation="Finnish_100_BIN2")} == {"fine"}


def test_a_connection_that_is_not_encrypted_is_worth_a_look(server: FakeServer, examined: Examined) -> None:
    server.encrypted = "FALSE"
    assert "Encrypt=yes" in only(examined(), "look").to_do


def test_a_server_that_does_not_tell_about_encryption_is_no_problem(
    server: FakeServer, examined: Examined
) -> None:
    server.encrypted = None
    assert only(examined(), "not asked").subject == "encryption"


def test_without_odbc_nothing_is_asked(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SourceError("pyodbc cannot be imported. Install it.")

    monkeypatch.setattr(driver, "pyodbc_module", missing)
    assert {finding.verdict for finding in examined()} == {"not asked"}
