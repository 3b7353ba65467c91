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
from cpg1_assets.sources.columns import Columns
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


def _is_raw_number(columns: Columns, node: exp.Expr | None) -> bool:
    """Whether an expression gives out an id that a source may keep as a number, as it stands, by whatever name."""
    match node:
        case exp.Column():
            found = columns.found(node)
            if isinstance(found, exp.Table):
                return node.name in NUMBERED_IDS
            return any(_is_raw_number(columns, output.unalias()) for output in found or ())
        case exp.Paren() | exp.Collate() | exp.Min() | exp.Max() | exp.Window():
            return _is_raw_number(columns, node.this)
        case exp.Coalesce():
            return any(_is_raw_number(columns, each) for each in (node.this, *node.expressions))
        case exp.Case():
            given = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
            return any(_is_raw_number(columns, each) for each in given)
        case _:
            return False


def _raw_numbers(statement: str) -> list[str]:
    """Give what collates such an id, or compares it.

    COLLATE of a number is an error of SQL Server's (447), and beside a number it reads a text as one, so that one
    id with a letter in it ends the query (245).
    """
    tree = sqlglot.parse_one(statement, read="tsql")
    columns = Columns(tree)
    found: list[exp.Expr] = [
        node for node in tree.find_all(exp.Collate) if _is_raw_number(columns, node.this)
    ]
    found += [
        compared
        for compared in tree.find_all(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In)
        if any(_is_raw_number(columns, side) for side in (compared.this, compared.args.get("expression")))
    ]
    return [node.sql("tsql") for node in found]


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_an_id_that_a_source_may_keep_as_a_number_is_made_a_text_on_both_sides(name: str) -> None:
    assert _raw_numbers(_STATEMENTS[name]) == []


_SOI = "[AIG_Nav_Jumia_Reconciliation].[dbo].[RPT_SOI]"
_TEMPLATES = "[AIG_Nav_Jumia_Reconciliation].[dbo].[StoreCreditVoucher]"


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT s.COD_OMS_SALES_ORDER_ITEM COLLATE Latin1_General_100_BIN2 AS x FROM {_SOI} AS s",
        f"""SELECT a.item COLLATE Latin1_General_100_BIN2 AS x
            FROM (SELECT s.COD_OMS_SALES_ORDER_ITEM AS item FROM {_SOI} AS s) AS a""",
        f"""WITH a AS (SELECT MIN(s.COD_OMS_SALES_ORDER_ITEM) AS item FROM {_SOI} AS s), b AS (SELECT a.item FROM a)
            SELECT 1 AS x FROM b ORDER BY b.item COLLATE Latin1_General_100_BIN2""",
        f"""SELECT 1 AS x FROM {_TEMPLATES} AS t INNER JOIN {_TEMPLATES} AS v
            ON t.id = CAST(v.id AS nvarchar(100)) COLLATE Latin1_General_100_BIN2""",
    ],
)
def test_such_an_id_is_found_under_another_name(statement: str) -> None:
    assert len(_raw_numbers(statement)) == 1


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
