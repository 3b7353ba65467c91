"""Settings are read once, validated, and shown without secrets."""

import re
from pathlib import Path

import pytest

from cpg1_assets.errors import SettingsError, StorageError
from cpg1_assets.settings import Settings


def test_without_anything_set_the_source_is_the_sample_books() -> None:
    settings = Settings.from_environment({})
    assert settings.source == "sample"
    assert settings.home == Path.cwd() / "var"
    assert settings.storage_url == str(Path.cwd() / "var" / "storage")
    assert settings.executor_kind == "in_process"


def test_a_connection_string_makes_it_sql_server_unless_told_otherwise() -> None:
    secret = "Driver={X};Pwd=hunter2"  # noqa: S105
    assert Settings.from_environment({"DB_CONNECTION_STRING": secret}).source == "sqlserver"
    told = Settings.from_environment({"DB_CONNECTION_STRING": secret, "CPG1_SOURCE": "sample"})
    assert told.source == "sample"


def test_sql_server_without_a_connection_string_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match=r"^DB_CONNECTION_STRING not set"):
        Settings.from_environment({"CPG1_SOURCE": "sqlserver"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CPG1_SOURCE", "oracle"),
        ("CPG1_EXECUTOR", "threads"),
        ("CPG1_RETRY_WAITS", "10,soon"),
        ("CPG1_RETRY_WAITS", "-1"),
        ("CPG1_RETRY_WAITS", "nan"),
        ("CPG1_MAX_CONCURRENT_QUERIES", "0"),
        ("CPG1_MAX_RUN_SECONDS", "1.5"),
    ],
)
def test_a_malformed_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is '{re.escape(value)}'"):
        Settings.from_environment({name: value})


def test_the_connection_string_is_never_shown() -> None:
    settings = Settings.from_environment({"DB_CONNECTION_STRING": "Server=s;Pwd=hunter2"})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


def test_a_narrower_scope_has_a_place_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path).narrowed(("JD_GH", "EC_NG", "EC_NG"), ("18412",))
    assert settings.scope == "companies-EC_NG+JD_GH_accounts-18412"
    assert settings.storage_url == str(tmp_path / "scopes" / settings.scope / "storage")
    assert Settings(home=tmp_path).scope is None


def test_the_name_of_a_scope_is_always_a_safe_folder(tmp_path: Path) -> None:
    awkward = Settings(home=tmp_path).narrowed(("../../etc", "Ü" * 300), None).scope
    assert awkward is not None
    assert "/" not in awkward
    assert len(awkward) <= 100
    other = Settings(home=tmp_path).narrowed(("../../etc", "Ü" * 299), None).scope
    assert awkward != other


def test_several_names_may_be_separated_by_commas_or_blanks() -> None:
    settings = Settings.from_environment({"CPG1_COMPANIES": "JD_GH, EC_NG"})
    assert settings.companies == ("EC_NG", "JD_GH")


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"CPG1_HOME .*file.* cannot be written"):
        Settings(home=tmp_path / "file" / "home").prepare_home()
