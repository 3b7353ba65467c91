"""A deployment is put together only when something can be reconciled in it."""

from pathlib import Path

import pytest

from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import ScopeError
from cpg1_assets.settings import Settings


def test_a_scope_that_holds_no_whole_line_is_refused_naming_the_lines(tmp_path: Path) -> None:
    with pytest.raises(
        ScopeError, match=r"No line has all its accounts among 13003.*customer_ar: 13003 13004 13009"
    ):
        open_deployment(Settings(home=tmp_path, gl_accounts=("13003",)))


def test_a_scope_that_holds_one_computes_it_alone(tmp_path: Path) -> None:
    deployment = open_deployment(Settings(home=tmp_path, gl_accounts=("13001", "13002", "13003")))
    assert [line.line for line in deployment.rules.lines.lines] == ["collections_ar"]


def test_an_unknown_account_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScopeError, match="Unknown GL account 99999: the accounts in scope are 13001"):
        open_deployment(Settings(home=tmp_path, gl_accounts=("99999", "18412")))
