"""The scope is data, reaches the queries as lists, and can be narrowed but never widened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from cpg1_assets.errors import FileFormatError, ScopeError
from cpg1_assets.extracts.extraction import bound_parameters
from cpg1_assets.extracts.scope import LIST_PARAMETERS, read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.interface import Session


def test_the_scope_is_that_of_the_control() -> None:
    scope = read_scope()
    accounts = "13001 13002 13003 13004 13005 13009 13024 18317 18350 18412"
    assert scope.gl_accounts == tuple(accounts.split())
    assert len(scope.customer_posting_groups) == 17
    assert scope.excluded_countries == ()
    assert scope.companies is None
    assert {*scope.parameters(), "companies"} == set(LIST_PARAMETERS)


def test_fixed_values_are_folded_and_accounts_kept(tmp_path: Path) -> None:
    path = tmp_path / "scope.yaml"
    path.write_text("gl_accounts: ['013']\ncustomer_posting_groups: [' nat']\nexcluded_countries: [ng]\n")
    parameters = read_scope(path).parameters()
    assert parameters == {
        "gl_accounts": ("013",),
        "customer_posting_groups": ("NAT",),
        "excluded_countries": ("NG",),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gl_accounts: []", "line 1"),
        ("gl_accounts: [' 013']", "without blanks"),
        ("gl_accounts: ['1', '1']", "twice"),
        ("gl_accounts: ['1']\nunknown: 1", "line 2: unknown"),
    ],
)
def test_a_slip_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "scope.yaml"
    path.write_text(line + "\ncustomer_posting_groups: [NAT]\n")
    with pytest.raises(FileFormatError, match=message):
        read_scope(path)


def test_narrowing_keeps_what_is_not_named_and_the_order_of_accounts() -> None:
    scope = read_scope().narrowed(["EC_NG", "EC_NG"], ["18412", "13003"])
    assert (scope.companies, scope.gl_accounts) == (("EC_NG",), ("13003", "18412"))
    assert scope.narrowed(None, None) == scope
    assert scope.customer_posting_groups == read_scope().customer_posting_groups


def test_a_company_in_other_letters_is_in_the_same_scope() -> None:
    narrow = read_scope().model_copy(update={"companies": ("Ec_Ng", "JD_GH")})
    assert narrow.narrowed(["EC_NG", "ec_ng"], None).companies == ("EC_NG",)


def test_narrowing_beyond_the_scope_is_refused() -> None:
    with pytest.raises(ScopeError, match="Unknown GL account 99999"):
        read_scope().narrowed(None, ["99999"])
    with pytest.raises(ScopeError, match="without any company"):
        read_scope().narrowed([], None)
    with pytest.raises(ScopeError, match="JD_GH is outside"):
        read_scope().narrowed(["EC_NG"], None).narrowed(["JD_GH"], None)


@contextmanager
def _group_of(companies: Sequence[str]) -> Iterator[Session]:
    """Give a session of a source that has just these companies in scope."""

    class Group:
        def rows(self, query: object) -> list[dict[str, Any]]:  # noqa: ARG002
            return [{"id_company": company} for company in companies]

    yield cast("Session", Group())


def test_a_group_without_a_company_in_scope_is_refused_and_the_flag_named() -> None:
    month = CutoffMonth(2025, 9)
    for scope in (read_scope(), read_scope().narrowed(["EC_NG"], None)):
        with (
            _group_of([]) as session,
            pytest.raises(ScopeError, match=r"Dim_Company\.Flg_In_Conso_Scope.*Ask"),
        ):
            bound_parameters(session, scope, month)


def test_a_scope_narrowed_to_nothing_is_refused_and_the_companies_named() -> None:
    nothing = read_scope().model_copy(update={"companies": ()})
    with (
        _group_of(["EC_NG", "JD_GH"]) as session,
        pytest.raises(ScopeError, match=r"name at least one.*EC_NG, JD_GH"),
    ):
        bound_parameters(session, nothing, CutoffMonth(2025, 9))


def test_the_companies_of_a_run_are_those_in_scope_that_it_asks_for() -> None:
    with _group_of(["JD_GH", "EC_NG"]) as session:
        month = CutoffMonth(2025, 9)
        assert bound_parameters(session, read_scope(), month)["companies"] == ("EC_NG", "JD_GH")
        narrow = read_scope().narrowed(["JD_GH"], None)
        assert bound_parameters(session, narrow, month)["companies"] == ("JD_GH",)
        with pytest.raises(ScopeError, match="Unknown company XX"):
            bound_parameters(session, read_scope().narrowed(["XX"], None), month)
