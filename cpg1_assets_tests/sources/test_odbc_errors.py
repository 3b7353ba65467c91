"""Errors are judged by SQLSTATE and number: what may pass is asked again, what will not says what to do."""

import re
from pathlib import Path

import pytest

from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.sources.odbc_errors import (
    Diagnostic,
    diagnostic_of,
    listed_numbers,
    source_error,
    sql_server_verdict,
)

_TRANSIENT = [
    ("08S01", 104), ("08001", 111), ("08001", 0), ("08S01", 0), ("HYT00", 0), ("HYT01", 0), ("40001", 1205),
    ("42000", 1222), ("42000", 701), ("42000", 40501), ("42000", 40613), ("HY000", 40197), ("HY000", 10928),
    ("HY000", 596), ("HY000", 6005), ("42000", 983), ("28000", 18401), ("28000", 18451), ("HY000", 10054),
    ("42000", 3960), ("HY000", 8645), ("HY008", 0), ("40001", 0), ("HY117", 0), ("42000", 49918),
    ("42000", 3947), ("42000", 3948), ("42000", 3953), ("42000", 3957), ("42000", 3958), ("42000", 1105),
    ("08S01", 102), ("08S01", 103), ("08S01", 105), ("08S01", 117), ("08S01", 130), ("08S01", 137), ("08S01", 145),
    ("08S01", 208), ("08S01", -1), ("08S01", 20), ("08001", 26), ("08001", 104), ("08001", 103), ("08001", 10054),
    ("08001", 258), ("08001", 10057), ("08001", 11001), ("08001", 102), ("08001", 101), ("08003", 0), ("08007", 0),
    ("08004", 40613), ("08004", 17809), ("08004", 0), ("08S01", 20009), ("01000", 20017), ("00000", 0),
    ("HY000", 3971), ("IMC01", 0), ("IMC06", 0), ("HY010", 0), ("24000", 0),
]  # fmt: skip
_PERMANENT = [
    ("28000", 18456), ("28000", 18452), ("28000", 18488), ("42S02", 208), ("42S22", 207), ("42000", 229),
    ("42000", 230), ("42000", 916), ("42000", 911), ("42000", 4060), ("42000", 102), ("42000", 156),
    ("42000", 468), ("22018", 245), ("22003", 8115), ("22007", 241), ("42000", 3952), ("IM002", 0), ("01000", 0),
    ("HY000", 0), ("HY000", 50000), ("42000", 99999), ("28000", 0), ("42S02", 0), ("42S22", 0), ("99999", 0),
    ("08001", -1), ("08001", -2146893048), ("08001", -2146893019), ("08001", 20), ("08004", 18456), ("08004", 4060),
    ("08004", 911), ("08004", 916), ("08004", 18450), ("22003", 232), ("07008", 121), ("23000", 233), ("42000", 258),
    ("42000", 64), ("42000", 103), ("42000", 105), ("42000", 117), ("42000", 130), ("42000", 137), ("42000", 145),
    ("42000", 447), ("42000", 3951), ("42000", 3954), ("IM003", 0),
]  # fmt: skip


@pytest.mark.parametrize(("state", "native"), _TRANSIENT)
def test_what_may_pass_is_asked_again(state: str, native: int) -> None:
    assert sql_server_verdict(Diagnostic(state, native, "")).transient


@pytest.mark.parametrize(("state", "native"), _PERMANENT)
def test_what_will_not_pass_is_not_asked_again_and_says_what_to_do(state: str, native: int) -> None:
    verdict = sql_server_verdict(Diagnostic(state, native, ""))
    assert not verdict.transient
    assert len(verdict.to_do) > len("Report it")


def test_a_refused_value_of_the_connection_string_is_told_from_a_server_that_is_not_there() -> None:
    wrong = "Invalid value specified for connection string attribute 'Encrypt'"
    assert not sql_server_verdict(Diagnostic("08001", 0, wrong)).transient
    assert not sql_server_verdict(Diagnostic("08001", 0, "Neither DSN nor SERVER keyword supplied")).transient
    assert sql_server_verdict(Diagnostic("08001", 0, "Unable to connect to data source")).transient


def test_a_refused_certificate_says_what_to_do_about_it() -> None:
    verdict = sql_server_verdict(Diagnostic("08001", -1, ""))
    assert "HostNameInCertificate" in verdict.to_do
    assert "Encrypt=no" in sql_server_verdict(Diagnostic("08001", 20, "")).to_do


def test_every_number_is_judged_once() -> None:
    listed = list(listed_numbers())
    assert len(listed) == len(set(listed))


def test_the_words_do_not_decide() -> None:
    words = "deadlock timeout connection lost: try again"
    assert not sql_server_verdict(Diagnostic("42S02", 208, words)).transient


@pytest.mark.parametrize(
    ("error", "diagnostic"),
    [
        (
            Exception(
                "ODBC emitted an error calling 'SQLDriverConnect':\nState: 28000, Native error: 18456, Message: "
                "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Login failed for user 'x'."
            ),
            Diagnostic("28000", 18456, "Login failed for user 'x'."),
        ),
        (
            Exception("42S02", "[42S02] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Invalid [x]. (208) (SQL)"),
            Diagnostic("42S02", 208, "Invalid [x]. (208) (SQL)"),
        ),
        (Exception("HYT00", "[HYT00] [Microsoft][ODBC Driver]Login timeout expired (0) (SQLDriverConnect)"),
         Diagnostic("HYT00", 0, "Login timeout expired (0) (SQLDriverConnect)")),
        (
            Exception("State: HY000, Native error: -2146893019, Message: [A]  two\n lines"),
            Diagnostic("HY000", -2146893019, "two lines"),
        ),
        (Exception("HY000", "The driver did not supply an error!"),
         Diagnostic("00000", 0, "The driver did not supply an error!")),
        (Exception("The driver is not what it was."), None),
        (Exception(), None),
    ],
)  # fmt: skip
def test_state_and_number_are_read_from_what_the_libraries_raise(
    error: Exception, diagnostic: Diagnostic | None
) -> None:
    assert diagnostic_of(error) == diagnostic


def test_the_error_says_where_what_and_what_to_do() -> None:
    diagnostic = Diagnostic("42S02", 208, "Invalid object name 'x'.")
    error = source_error(
        sql_server_verdict(diagnostic), diagnostic, "srv, running the query (ipe_07)", "redacted"
    )
    assert type(error) is SourceError
    assert str(error) == (
        "srv, running the query (ipe_07): a table or view is not there (SQLSTATE 42S02, error 208). cpg1 doctor lists "
        "what is missing. If the table was renamed, tell the control's owner. The server says: redacted"
    )
    unloaded = Diagnostic("01000", 0, "Can't open lib")
    assert "The driver says: x" in str(source_error(sql_server_verdict(unloaded), unloaded, "srv", "x"))
    lost = Diagnostic("08S01", 104, "")
    assert type(source_error(sql_server_verdict(lost), lost, "srv", "")) is TransientSourceError


def _documented() -> list[tuple[Diagnostic, bool]]:
    """Read the table of the SQL Server page: `state/number`, a state, or a number of the server's; and whether again."""
    page = (Path(__file__).parents[2] / "docs" / "sql-server.md").read_text(encoding="utf-8")
    table = page.partition("| what | examples | again? |")[2].partition("\n\n")[0]
    read = []
    for row in table.splitlines()[2:]:
        _, _, examples, again, _ = row.split("|")
        for example in re.findall(r"`([0-9A-Z/-]+)`", examples):
            state, _, number = example.rpartition("/")
            if (
                not state
                and len(example) == 5
                and not (example.isdigit() and int(example) in listed_numbers())
            ):
                state, number = example, "0"
            read.append((Diagnostic(state or "42000", int(number or example), ""), again.strip() == "yes"))
    return read


def test_the_page_says_of_each_error_whether_it_is_asked_again_and_leaves_no_kind_out() -> None:
    documented = _documented()
    assert [d for d, again in documented if sql_server_verdict(d).transient is not again] == []
    kinds = {sql_server_verdict(Diagnostic("42000", number, "")).meaning for number in listed_numbers()}
    assert kinds <= {sql_server_verdict(diagnostic).meaning for diagnostic, _ in documented}
