"""Settings are read once, validated, and shown without secrets."""

import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cpg1_assets.errors import SettingsError, StorageError
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings, SourceKind


def test_without_anything_set_the_source_is_the_sample_books() -> None:
    settings = Settings.from_environment({})
    assert settings.source == "sample"
    assert settings.home == Path.cwd() / "var"
    assert Home(settings).storage_url == str(Path.cwd() / "var" / "storage")
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
        ("CPG1_LOCK_TIMEOUT", "99999999999"),
        ("CPG1_COLLATION", "SQL_Latin1_General_CP1_CI_AS"),
        ("CPG1_COLLATION", "Latin1_General_BIN"),
        ("CPG1_COLLATION", "x_BIN2; DROP"),
        ("CPG1_INBOX", ""),
        ("CPG1_INBOX", "inbox"),
        ("CPG1_INBOX", "./inbox"),
        ("CPG1_INBOX", "~nobody_of_that_name/inbox"),
    ],
)
def test_a_malformed_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is '{re.escape(value)}'"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize("name", ["Latin1_General_100_BIN2", "Latin1_General_100_bin2_utf8"])
def test_a_binary_collation_is_taken(name: str) -> None:
    assert Settings.from_environment({"CPG1_COLLATION": name}).collation == name


def test_database_names_are_pairs_separated_by_commas() -> None:
    read = Settings.from_environment({"CPG1_DATABASES": "AIG_Nav_DW=A b, STG_AIG_NAV_JUMIA_REC=[C]"})
    assert read.databases == (("AIG_Nav_DW", "A b"), ("STG_AIG_NAV_JUMIA_REC", "[C]"))
    with pytest.raises(SettingsError, match=r"CPG1_DATABASES has .* separated by commas"):
        Settings.from_environment({"CPG1_DATABASES": "AIG_Nav_DW=A STG_AIG_NAV_JUMIA_REC=B"})


def test_a_home_keeps_the_months_of_one_kind_of_books(tmp_path: Path) -> None:
    server = Settings(home=tmp_path / "home", source="sqlserver", connection_string="Server=s")
    assert Home(server).books_kept == "SQL Server"
    Home(Settings(home=tmp_path / "home")).prepare()
    Home(Settings(home=tmp_path / "home").narrowed(("EC_NG",), None)).prepare()
    with pytest.raises(SettingsError, match="keeps months of the SAMPLE BOOKS, and SQL Server is what"):
        Home(server).prepare()
    assert Home(server).books_kept == "SAMPLE BOOKS"
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"books", "locks", "processes", "scopes"}


@pytest.mark.parametrize("content", [b"", b"other books", b"\xff\xfe"])
def test_a_home_that_does_not_say_which_books_it_keeps_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "books").write_bytes(content)
    for settings in (Settings(home=tmp_path), Settings(home=tmp_path, source="sqlserver")):
        with pytest.raises(SettingsError, match="does not say which books the home keeps"):
            Home(settings).prepare()


def test_of_two_kinds_of_books_that_come_to_a_new_home_at_once_one_is_let_in(tmp_path: Path) -> None:
    def come(place: Path, source: SourceKind) -> str | None:
        try:
            Home(Settings(home=place, source=source)).prepare()
        except SettingsError:
            return None
        return source

    with ThreadPoolExecutor(8) as pool:
        for number in range(50):
            place = tmp_path / str(number)
            sources: list[SourceKind] = ["sample", "sqlserver"] * 4
            let_in = {kind for kind in pool.map(come, [place] * 8, sources) if kind}
            assert len(let_in) == 1
            assert sorted(path.name for path in place.iterdir()) == ["books", "locks", "processes"]


def test_the_connection_string_is_never_shown() -> None:
    settings = Settings.from_environment({"DB_CONNECTION_STRING": "Server=s;Pwd=hunter2"})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


def test_a_narrower_scope_has_a_place_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path).narrowed(("JD_GH", "EC_NG", "EC_NG"), ("18412",))
    assert settings.scope == "companies-EC_NG+JD_GH_accounts-18412"
    assert Home(settings).storage_url == str(tmp_path / "scopes" / settings.scope / "storage")
    assert Settings(home=tmp_path).scope is None


def test_the_name_of_a_scope_is_always_a_safe_folder(tmp_path: Path) -> None:
    awkward = Settings(home=tmp_path).narrowed(("../../etc", "Ü" * 300), None).scope
    assert awkward is not None
    assert "/" not in awkward
    assert len(awkward) <= 100
    other = Settings(home=tmp_path).narrowed(("../../etc", "Ü" * 299), None).scope
    assert awkward != other


def test_a_company_in_other_letters_is_the_same_narrower_scope(tmp_path: Path) -> None:
    written = Settings.from_environment({"CPG1_COMPANIES": "ec_ng EC_NG"})
    assert written.companies == ("EC_NG",)
    assert written.scope == Settings(home=tmp_path).narrowed(("Ec_Ng",), None).scope == "companies-EC_NG"


def test_several_names_may_be_separated_by_commas_or_blanks() -> None:
    settings = Settings.from_environment({"CPG1_COMPANIES": "JD_GH, EC_NG"})
    assert settings.companies == ("EC_NG", "JD_GH")


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"CPG1_HOME .*file.* cannot be used \(Not a directory\)"):
        Home(Settings(home=tmp_path / "file" / "home")).prepare()


def test_the_inbox_may_be_given_from_the_home_of_the_user() -> None:
    assert Settings.from_environment({"CPG1_INBOX": " ~/inbox "}).inbox == Path.home() / "inbox"


def test_an_inbox_that_is_set_must_be_there_and_the_one_of_the_home_may_still_be_made(tmp_path: Path) -> None:
    home: Path = tmp_path / "home"
    server: SourceKind = "sqlserver"
    Home(Settings(home=home)).require_inbox()
    Home(Settings(home=home, source=server)).require_inbox()
    with pytest.raises(SettingsError, match=r"CPG1_INBOX .*/no is not there: make or mount"):
        Home(Settings(home=home, inbox=tmp_path / "no")).require_inbox()
    (tmp_path / "inbox").mkdir()
    Home(Settings(home=home, inbox=tmp_path / "inbox")).require_inbox()
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"CPG1_INBOX .*/file cannot be looked into \(Not a directory\)"):
        Home(Settings(home=home, inbox=tmp_path / "file")).require_inbox()
    (home / "inbox").parent.mkdir()
    (home / "inbox").write_text("")
    with pytest.raises(SettingsError, match=r"The inbox .*/inbox cannot be looked into"):
        Home(Settings(home=home, source=server)).require_inbox()


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444])
def test_an_inbox_that_may_not_be_listed_or_entered_is_said(mode: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        inbox = Path(made) / "inbox"
        inbox.mkdir()
        inbox.chmod(mode)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            with pytest.raises(
                SettingsError, match=r"CPG1_INBOX .* cannot be looked into \(Permission denied\)"
            ):
                Home(Settings(home=Path(made), inbox=inbox)).require_inbox()
        finally:
            if is_root:
                os.seteuid(0)
            inbox.chmod(0o755)
