"""A connection string is read as ODBC reads it, and shows nobody anything but server and database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import SettingsError
from cpg1_assets.sources.connection_string import ConnectionString

_KEYS = st.sampled_from(["Driver", "Server", "UID", "PWD", "Database", "Workstation ID", "Encrypt", "X-1"])
_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.dictionaries(_KEYS, _VALUES, min_size=1))
def test_what_is_written_is_read_again_to_the_letter(values: dict[str, str]) -> None:
    given_string = ConnectionString(tuple(values.items()))
    assert ConnectionString.parse(given_string.text()) == given_string


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Server=h;Database=d", (("Server", "h"), ("Database", "d"))),
        (" ;; Server = h ; PWD = {a;b} ; ", (("Server", "h"), ("PWD", "a;b"))),
        ("PWD={a}}b};UID=u", (("PWD", "a}b"), ("UID", "u"))),
        ("PWD={a=b{c};UID=u;", (("PWD", "a=b{c"), ("UID", "u"))),
        ("PWD=p=q", (("PWD", "p=q"),)),
        ("PWD={ kept };", (("PWD", " kept "),)),
        ("PWD=;UID=u", (("PWD", ""), ("UID", "u"))),
    ],
)
def test_values_in_braces_may_hold_anything(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert ConnectionString.parse(text).pairs == pairs


@pytest.mark.parametrize(
    "text",
    ["", " ; ", "hunter2", "Server=h;hunter2;UID=u", "=hunter2", "PWD={hunter2", "PWD={hun}ter2;UID=x"],
)
def test_a_string_that_cannot_be_read_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError, match="DB_CONNECTION_STRING") as refused:
        ConnectionString.parse(text)
    assert "hunter2" not in str(refused.value)
    assert "ter2" not in str(refused.value)


def test_values_are_set_whatever_the_case_of_their_keys() -> None:
    given_string = ConnectionString.parse("server=h;app=mine;PWD=x")
    assert given_string.with_values({"APP": "ours"}).pairs == (("server", "h"), ("PWD", "x"), ("APP", "ours"))


def test_server_and_database_are_found_under_any_of_their_names() -> None:
    assert ConnectionString.parse("ADDRESS=a;Initial Catalog=d").server == "a"
    assert ConnectionString.parse("ADDRESS=a;Initial Catalog=d").database == "d"
    assert "data source" in ConnectionString.parse("DSN=x").server
    assert ConnectionString.parse("DSN=x").database is None


def test_its_representation_shows_nothing() -> None:
    assert "hunter2" not in repr(ConnectionString.parse("Server=h;PWD=hunter2"))


def test_a_drivers_words_lose_everything_but_server_and_database() -> None:
    given_string = ConnectionString.parse(
        "Server=srv01;Database=books;UID=svc_close;PWD={p;w}}d};WSID=desk-9;Encrypt=yes"
    )
    words = "Login failed for user 'SVC_CLOSE' of desk-9 on srv01 to books (p;w}d, p;w}}d): Encrypt is yes"
    assert given_string.without_secrets(words) == (
        "Login failed for user '***' of *** on srv01 to books (***, ***): Encrypt is yes"
    )


def test_a_short_value_is_replaced_as_a_word_and_not_inside_words() -> None:
    given_string = ConnectionString.parse("Server=h;UID=sa;PWD=1")
    assert given_string.without_secrets("Login failed for user 'sa' (message 18, 1)") == (
        "Login failed for user '***' (message 18, ***)"
    )


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4, max_size=20))
def test_no_password_survives_in_any_words(password: str) -> None:
    given_string = ConnectionString((("Server", ""), ("PWD", password)))
    for form in (password, password.replace("}", "}}")):
        said = given_string.without_secrets(f"before {form} after")
        if form.strip() not in "before *** after":
            assert form.strip() not in said


def test_a_url_is_told_from_a_connection_string_and_not_quoted() -> None:
    with pytest.raises(SettingsError, match="is a URL") as refused:
        ConnectionString.parse("mssql://user:hunter2@host/db?driver=x")
    assert "hunter2" not in str(refused.value)
