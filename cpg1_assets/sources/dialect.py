"""The dialect seam: what T-SQL means, said in DuckDB's SQL.

T-SQL is the one dialect of the queries. SQL Server gets the text as it stands; the sample books get what
comes out of here. What a query may say is listed and everything else refused by name (`gate`). Where the two
engines would answer an allowed construct differently, blanks at the end of texts and company codes are settled
in `blanks`, the rest in `plain_sql`. How texts compare otherwise is written in the queries, because only they
know what is meant: `UPPER(LTRIM(RTRIM(column))) = 'VALUE'`, or a binary collation.
"""

import re
from collections.abc import Mapping
from functools import lru_cache, partial

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError

from cpg1_assets.kept import kept
from cpg1_assets.sources.blanks import ignore_trailing_blanks
from cpg1_assets.sources.gate.allowed import Refusal
from cpg1_assets.sources.gate.refusals import refusals
from cpg1_assets.sources.plain_sql import said_plainly
from cpg1_assets.sources.query import Query, QueryError, Scalar, Value, tokens_of
from cpg1_assets.sources.reading import Given, Reading, given
from cpg1_assets.sources.texts import Blanks, of_text

_TSQL = Dialect.get_or_raise("tsql")
_NO_ROWS = "SELECT CAST(NULL AS TEXT) WHERE 1 = 0"


def to_duckdb(query: Query, *, keep: bool = False) -> tuple[str, dict[str, Scalar]]:
    """Give the DuckDB text of `query`, its parameters written `$name`, and the values to bind.

    Lists are written out (`$companies_1, $companies_2`). `keep` says that later processes will ask it again, so that
    its translation is kept for them. Raises QueryError for a parameter without a
    value, a text that is not one T-SQL query, and for what the two engines would answer differently.
    """
    expanded = query.expanded()
    values: dict[str, Scalar] = {
        name: value for name, value in expanded.parameters.items() if not isinstance(value, tuple)
    }
    lists = {name: value for name, value in query.named().items() if isinstance(value, tuple)}
    if "$" in query.text or not all(map(_is_plain, lists.values())):
        return _translated(expanded.text, _given(values), keep), values
    # Lists of plain texts are written out afterwards: however long they are, a query is translated once.
    named = _given({name: value for name, value in query.parameters.items() if name in query.named()})
    translated = _translated(query.text, named, keep)
    for name, members in lists.items():
        for before, after in (("UPPER(", ")"), ("", "")):
            one = f"{before}${name}{after}"
            written = ", ".join(
                f"{before}${name}_{position}{after}" for position in range(1, len(members) + 1)
            )
            translated = re.sub(rf"{re.escape(one)}(?!\w)", written or _NO_ROWS, translated)
    return translated, values


def _given(values: Mapping[str, Value]) -> frozenset[tuple[str, Given]]:
    return frozenset((name, given(value)) for name, value in values.items())


def _is_plain(members: tuple[Scalar, ...]) -> bool:
    """Whether a list holds nothing but texts without blanks at their ends, so that none has to be trimmed."""
    return all(isinstance(member, str) and of_text(member) is Blanks.NONE for member in members)


@lru_cache(maxsize=128)
def _translated(text: str, parameters: frozenset[tuple[str, Given]], keep: bool) -> str:  # noqa: FBT001
    if not keep:
        return _said(text, parameters)
    known = (f"{name} {what.type} {what.blanks!r} {sorted(what.cases)}" for name, what in parameters)
    return kept(lambda: _said(text, parameters), "translated", text, *sorted(known))


def _said(text: str, parameters: frozenset[tuple[str, Given]]) -> str:
    return meant(text, dict(parameters)).sql("duckdb", pretty=True, unsupported_level=ErrorLevel.RAISE)


def meant(text: str, parameters: Mapping[str, Given] | None = None) -> exp.Expr:
    """Give a T-SQL query as a tree that says what SQL Server would do, where another engine would differ.

    `parameters` says by name what is known of their values.

    Raises QueryError for a text that is not one T-SQL query, and for what no tree can say.
    """
    known = dict(parameters or {})
    not_let_in = _refused(text, frozenset(known.items()))
    if not_let_in:
        raise QueryError("; ".join(f"line {line}: {what}" for line, what in not_let_in))
    tree = _parsed(text).copy()
    reading = Reading(tree, known)
    said_plainly(tree, reading, partial(ignore_trailing_blanks, tree, reading))
    return tree


def refused(query: Query) -> list[Refusal]:
    """Give everything in `query` that the books would answer differently than SQL Server, line by line."""
    return list(_refused(query.text, _given(query.named())))


@lru_cache(maxsize=128)
def _refused(text: str, parameters: frozenset[tuple[str, Given]]) -> tuple[Refusal, ...]:
    tree = _parsed(text)
    return tuple(refusals(text, tree, Reading(tree, dict(parameters))))


def _parsed(text: str) -> exp.Query:
    try:
        statements = statements_of(text)
    except SqlglotError as error:
        raise QueryError(f"the query is not valid T-SQL: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryError("the query is not exactly one SELECT statement.")
    return statements[0]


@lru_cache(maxsize=128)
def statements_of(text: str) -> tuple[exp.Expr, ...]:
    """Parse a T-SQL text, once in a process: whoever changes a tree takes a copy. Raises SqlglotError."""
    parser = _TSQL.parser(error_level=ErrorLevel.RAISE)
    return tuple(tree for tree in parser.parse(list(tokens_of(text)), text) if tree is not None)
