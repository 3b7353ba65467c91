"""Every statement is T-SQL: two parsers that know nothing of each other accept it, strictly."""

import functools

import pytest
import sqlglot
from sqlfluff.core import FluffConfig, Linter
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.named_columns import statements_of
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.schema import NUMBERED_IDS
from cpg1_assets.sources.sqlserver import SqlServer


def _statements() -> dict[str, str]:
    """Give every statement by name, as written, with lists written out, and as a server with other names gets it."""
    as_written = {"companies in scope": companies_in_scope_sql()}
    for name, extract in read_catalog().items():
        for number, statement in enumerate(statements_of(extract), start=1):
            as_written[f"{name} {number}"] = statement
    values = {
        **CutoffMonth(2025, 9).parameters(),
        **read_scope().parameters(),
        "companies": ("EC_NG", "EC_KE"),
    }
    empty = {name: () if isinstance(value, tuple) else value for name, value in values.items()}
    renamed = SqlServer({name: f"other {name}" for name in SqlServer().databases}, "Latin1_General_BIN2")
    statements = dict(as_written)
    for name, text in as_written.items():
        statements[f"{name}, lists written out"] = Query(text, values).expanded().text
        statements[f"{name}, lists empty"] = Query(text, empty).expanded().text
        statements[f"{name}, on another server"] = renamed.text_sent(Query(text, values))
    return statements


_STATEMENTS = _statements()


@functools.cache
def _linter() -> Linter:
    return Linter(config=FluffConfig(overrides={"dialect": "tsql", "large_file_skip_byte_limit": 0}))


def _accepted_by_sqlglot(text: str) -> bool:
    try:
        trees = sqlglot.parse(text, read="tsql", error_level=ErrorLevel.RAISE)
    except SqlglotError:
        return False
    return len(trees) == 1 and isinstance(trees[0], exp.Query) and trees[0].find(exp.Command) is None


def _accepted_by_sqlfluff(text: str) -> bool:
    parsed = _linter().parse_string(text)
    if parsed.violations or parsed.tree is None:
        return False
    kinds = [segment.get_type() for segment in parsed.tree.recursive_crawl("statement", "unparsable")]
    inside = {
        segment.get_type() for segment in parsed.tree.recursive_crawl("select_statement", "set_expression")
    }
    return "unparsable" not in kinds and kinds.count("statement") == 1 and bool(inside)


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_both_parsers_accept_the_statement(name: str) -> None:
    assert _accepted_by_sqlglot(_STATEMENTS[name])
    assert _accepted_by_sqlfluff(_STATEMENTS[name])


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_an_id_that_a_source_may_keep_as_a_number_is_made_a_text_before_it_is_collated(name: str) -> None:
    # COLLATE of a number is an error of SQL Server's (447); of the other engines here it is not.
    for collated in sqlglot.parse_one(_STATEMENTS[name], read="tsql").find_all(exp.Collate):
        assert not (isinstance(collated.this, exp.Column) and collated.this.name in NUMBERED_IDS), (
            collated.sql("tsql")
        )


@pytest.mark.parametrize(
    "broken",
    [
        "SELECT a FROM WHERE b = 1",
        "SELECT (a FROM t",
        "DROP TABLE t",
        "SELECT a FROM t; SELECT b FROM t",
    ],
)
def test_each_parser_refuses_what_is_not_one_query(broken: str) -> None:
    assert not _accepted_by_sqlglot(broken)
    assert not _accepted_by_sqlfluff(broken)
