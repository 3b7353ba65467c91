"""Every wrong setting is said, not only the first, and what does not depend on it is examined all the same."""

import re
import shutil
from pathlib import Path

import pytest

import cpg1_assets.settings
from cpg1_assets.doctor.settings_check import KNOWN_VARIABLES, check_files, read_settings
from cpg1_assets.settings import Settings
from cpg1_assets_tests.doctor.conftest import about, only

SERVER = {"DB_CONNECTION_STRING": "Driver={X};Server=s;Pwd=hunter-2-hunter"}


def test_the_variables_known_are_those_the_settings_read() -> None:
    source = Path(cpg1_assets.settings.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"\"(CPG1_[A-Z_]+)\"", source)) == KNOWN_VARIABLES


def test_every_wrong_setting_is_said_with_what_it_may_be() -> None:
    read = read_settings({"CPG1_RETRY_WAITS": "soon", "CPG1_EXECUTOR": "threads", "CPG1_COMPANIES": "EC_NG"})
    wrong = {finding.subject: finding for finding in read.findings if finding.verdict == "mend"}
    assert set(wrong) == {"CPG1_RETRY_WAITS", "CPG1_EXECUTOR"}
    assert wrong["CPG1_EXECUTOR"].said == "is 'threads'"
    assert wrong["CPG1_EXECUTOR"].to_do == "It must be in_process or multiprocess."
    assert read.source_known
    assert read.settings.companies == ("EC_NG",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"CPG1_SOURCE": "oracle"},
        {"CPG1_SOURCE": "sqlserver", "DB_CONNECTION_STRING": ""},
        {"DB_CONNECTION_STRING": "hunter-2-hunter"},
        {"DB_CONNECTION_STRING": "Pwd={hunter-2-hunter"},
        SERVER | {"CPG1_DATABASES": "NAV=TEST"},
        SERVER | {"CPG1_LOGIN_TIMEOUT": "soon"},
    ],
)
def test_a_server_is_not_asked_while_a_setting_of_it_is_wrong(wrong: dict[str, str]) -> None:
    read = read_settings(wrong)
    assert not read.source_known
    found = only(list(read.findings), "mend")
    assert found.to_do
    assert "hunter" not in repr(read)
    assert about(list(read.findings), "source")[0].verdict == "not asked"


def test_a_variable_nothing_reads_is_named_with_the_one_that_is_meant() -> None:
    found = only(list(read_settings({"CPG1_STORGE": "x", "CPG1_TESTS_REQUIRE_ALL": "1"}).findings), "look")
    assert found.subject == "CPG1_STORGE"
    assert found.to_do.startswith("Did you mean CPG1_STORAGE?")


def test_sample_books_beside_a_connection_string_are_worth_a_look() -> None:
    read = read_settings(SERVER | {"CPG1_SOURCE": "sample"})
    assert "CPG1_SOURCE=sample goes before it" in only(list(read.findings), "look").said
    assert read.given is None


def test_a_server_is_shown_by_name_and_database_only() -> None:
    read = read_settings({"DB_CONNECTION_STRING": "Driver={X};Server=s,1;Database=d;Uid=geheim;Pwd=hunter-2"})
    assert about(list(read.findings), "source")[0].said == "SQL Server: s,1, database d"
    assert "geheim" not in repr(read)


def test_a_narrowed_scope_is_worth_a_look(tmp_path: Path) -> None:
    findings, catalog = check_files(Settings(home=tmp_path, companies=("EC_NG",)))
    assert only(findings, "look").subject == "scope"
    assert "does not count as the control" in only(findings, "look").said
    assert "ipe_07" in catalog


@pytest.mark.parametrize("accounts", [("99999",), ("13003",)])
def test_a_scope_that_closes_nothing_must_be_mended(tmp_path: Path, accounts: tuple[str, ...]) -> None:
    findings, _ = check_files(Settings(home=tmp_path, gl_accounts=accounts))
    assert only(findings, "mend").subject == "scope"


def test_a_slip_in_the_calendar_file_is_said_with_its_line_and_keeps_nothing_else_from_being_looked_at(
    tmp_path: Path,
) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text("version: x\ndays: [{country: XX, date: 2026-01-02, is: working day, source: y}]\n")
    findings, _ = check_files(Settings(home=tmp_path, calendar_file=file))
    assert (only(findings, "mend").subject, "line 2: " in only(findings, "mend").said) == (
        "close calendar",
        True,
    )
    assert not [finding for finding in findings if finding.verdict == "not asked"]


def test_a_slip_in_a_rule_file_is_said_with_its_line(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(Settings(home=tmp_path).rules_folder, rules)
    (rules / "lines.yaml").write_text("version: [", encoding="utf-8")
    findings, _ = check_files(Settings(home=tmp_path, rules_folder=rules))
    assert re.search(r"lines\.yaml, line \d+", only(findings, "mend").said)
    assert only(findings, "not asked").subject == "scope"
