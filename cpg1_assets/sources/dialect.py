"""The dialect seam: what T-SQL means, said in DuckDB's SQL.

T-SQL is the one dialect of the queries. SQL Server gets the text as it stands; the sample books get what
comes out of here. Where the two engines would answer differently the seam settles it, or refuses by name;
it never guesses. Blanks at the end of a text are settled in `blanks`. Two differences are left to the queries,
because only they know what is meant:

- SQL Server compares texts ignoring case, DuckDB does not. A fixed value is compared as
  `UPPER(LTRIM(RTRIM(column))) = 'VALUE'`; where exact is meant, a binary collation says so, and is dropped
  here.
- SQL Server reads `'2025-01-02'` by the session's language. Fixed dates are written with DATEFROMPARTS.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError

from cpg1_assets.sources.blanks import ignore_trailing_blanks
from cpg1_assets.sources.query import Query, QueryError, Scalar, tokens_of
from cpg1_assets.sources.texts import Blanks, of_text

_TSQL = Dialect.get_or_raise("tsql")
_NO_ROWS = "SELECT CAST(NULL AS TEXT) WHERE 1 = 0"
_BLANK = exp.Literal.string(" ")
_TEXT_TYPES = exp.DataType.TEXT_TYPES
_TEXT_FUNCTIONS = (exp.Upper, exp.Lower, exp.Trim, exp.Left, exp.Right, exp.Substring, exp.Concat, exp.DPipe)
_NO_EQUAL = {
    exp.Div: "a division (decimals are divided as doubles there, and integers differently)",
    exp.Convert: "CONVERT (its styles differ): use CAST, YEAR, MONTH or DATEFROMPARTS",
    exp.Round: "ROUND (an amount is never rounded in a query)",
}


def to_duckdb(query: Query) -> tuple[str, dict[str, Scalar]]:
    """Give the DuckDB text of `query`, its parameters written `$name`, and the values to bind.

    Lists are written out (`$companies_1, $companies_2`). Raises QueryError for a parameter without a
    value, a text that is not one T-SQL query, and for what the two engines would answer differently.
    """
    expanded = query.expanded()
    values: dict[str, Scalar] = {
        name: value for name, value in expanded.parameters.items() if not isinstance(value, tuple)
    }
    lists = {name: value for name, value in query.named().items() if isinstance(value, tuple)}
    if "$" in query.text or not all(map(_is_plain, lists.values())):
        return _translated(expanded.text, _texts(values)), values
    # Lists of plain texts are written out afterwards: however long they are, a query is translated once.
    scalars = {name: value for name, value in values.items() if name in query.parameters}
    translated = _translated(query.text, _texts(scalars) | {(name, Blanks.NONE) for name in lists})
    for name, members in lists.items():
        written = ", ".join(f"${name}_{position}" for position in range(1, len(members) + 1))
        translated = re.sub(rf"\${name}\b", written or _NO_ROWS, translated)
    return translated, values


def _texts(values: Mapping[str, Scalar]) -> frozenset[tuple[str, Blanks]]:
    return frozenset((name, of_text(value)) for name, value in values.items() if isinstance(value, str))


def _is_plain(members: tuple[Scalar, ...]) -> bool:
    """Whether a list holds nothing but texts without blanks at their ends, so that none has to be trimmed."""
    return all(isinstance(member, str) and of_text(member) is Blanks.NONE for member in members)


@lru_cache(maxsize=128)
def _translated(text: str, texts: frozenset[tuple[str, Blanks]]) -> str:
    return meant(text, dict(texts)).sql("duckdb", pretty=True, unsupported_level=ErrorLevel.RAISE)


def meant(text: str, parameters: Mapping[str, Blanks] | None = None) -> exp.Expr:
    """Give a T-SQL query as a tree that says what SQL Server would do, where another engine would differ.

    `parameters` says by name what is known of the values of the parameters that hold texts.

    Raises QueryError for a text that is not one T-SQL query, and for what no tree can say.
    """
    try:
        statements = statements_of(text)
    except SqlglotError as error:
        raise QueryError(f"the query is not valid T-SQL: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryError("the query is not exactly one SELECT statement.")
    tree = statements[0].copy()
    _refuse_what_differs(tree)
    ignore_trailing_blanks(tree, parameters)
    # Arguments before what holds them: a sum of texts is known by its innermost text.
    for node in reversed(list(tree.walk())):
        changed = _said_plainly(node)
        if changed is not node:
            node.replace(changed)
    return tree


@lru_cache(maxsize=128)
def statements_of(text: str) -> tuple[exp.Expr, ...]:
    """Parse a T-SQL text, once in a process: whoever changes a tree takes a copy. Raises SqlglotError."""
    parser = _TSQL.parser(error_level=ErrorLevel.RAISE)
    return tuple(tree for tree in parser.parse(list(tokens_of(text)), text) if tree is not None)


def _refuse_what_differs(tree: exp.Expr) -> None:
    for kind, what in _NO_EQUAL.items():
        if tree.find(kind) is not None:
            raise QueryError(f"the query has {what}; it would not mean the same in DuckDB.")
    for limit in tree.find_all(exp.LimitOptions):
        if limit.args.get("percent") or limit.args.get("with_ties"):
            raise QueryError(
                "the query has TOP … PERCENT or WITH TIES; it would not mean the same in DuckDB."
            )
    for like in tree.find_all(exp.Like):
        if any("[" in literal.name for literal in like.find_all(exp.Literal)):
            raise QueryError("the query has a LIKE pattern with [ ]; it would not mean the same in DuckDB.")


def _said_plainly(node: exp.Expr) -> exp.Expr:
    """Give `node` as an engine other than SQL Server must read it, or `node` itself where it reads it right."""
    plain = node
    match node:
        case exp.Collate():
            plain = node.this
        case exp.National():
            plain = exp.Literal.string(node.name)
        case exp.DataType() if node.is_type(exp.DataType.Type.BIT):
            # As a bit string, 1 would be 00000000000000000000000000000001.
            plain = exp.DataType.build("boolean")
        case exp.Trim() if node.expression is None:
            # DuckDB's own would also take no-break and other Unicode spaces.
            plain = exp.Trim(this=node.this, expression=_BLANK.copy(), position=node.args.get("position"))
        case exp.Length():
            # LEN does not count trailing blanks.
            plain = exp.Length(this=exp.Trim(this=node.this, expression=_BLANK.copy(), position="TRAILING"))
        case exp.Add() if _is_text(node.this) or _is_text(node.expression):
            plain = exp.DPipe(this=node.this, expression=node.expression, safe=False)
        case exp.Year() | exp.Month() | exp.Day() if isinstance(node.this, exp.TsOrDsToDate):
            plain = type(node)(this=node.this.this)
        case _:
            pass
    return plain


def _is_text(node: exp.Expr) -> bool:
    match node:
        case exp.Literal():
            return bool(node.is_string)
        case exp.Paren() | exp.Coalesce() | exp.Collate():
            return _is_text(node.this) or any(_is_text(other) for other in node.expressions)
        case exp.Cast():
            return node.to.this in _TEXT_TYPES
        case _:
            return isinstance(node, _TEXT_FUNCTIONS)
