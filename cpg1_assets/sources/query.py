"""A query as the control writes it: T-SQL text as it stands in its file, and values bound by name.

Lives here: which parameters a text names, and lists of values written out one by one. Does not: any
engine's own SQL (`dialect`), or how a source runs a query (`interface`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cpg1_assets.errors import Cpg1Error

Scalar: TypeAlias = str | int | bool | Decimal | date | datetime | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

BINARY_COLLATION = "Latin1_General_100_BIN2"
"""The collation the queries state where texts compare exactly; a server may need another name for it."""

_EMPTY_LIST = f"SELECT CAST(NULL AS nvarchar(1)) COLLATE {BINARY_COLLATION} WHERE 1 = 0"
"""No rows, in a collation that can be compared with whatever the column has.

`IN` of it is false and `NOT IN` of it true, also for a null; `IN (NULL)` would be unknown for every row, and its
`NOT IN` would then leave everything out."""


class QueryError(Cpg1Error):
    """A query that names a parameter nobody gives, or that one of the engines cannot run as it is meant."""


@dataclass(frozen=True)
class ParameterUse:
    """One place where a text names a parameter: from `start` to `end` (exclusive), `@` included."""

    name: str
    start: int
    end: int
    line: int


@dataclass(frozen=True)
class Query:
    """T-SQL with parameters written `@name`, and values by name: scalars, or tuples used as `IN (@name)`.

    `parameters` may hold more than the text names; only what it names is bound.
    """

    text: str
    parameters: Mapping[str, Value]

    def named(self) -> dict[str, Value]:
        """Give the parameters that the text really names, in order of first appearance.

        Raises QueryError naming a parameter that has no value.
        """
        values: dict[str, Value] = {}
        for use in parameter_uses(self.text):
            if use.name not in self.parameters:
                known = ", ".join(f"@{name}" for name in sorted(self.parameters)) or "none"
                raise QueryError(
                    f"line {use.line}: the query names @{use.name}, which has no value. Known are: {known}."
                )
            values[use.name] = self.parameters[use.name]
        return values

    def expanded(self) -> "Query":
        """Give the same query with every list written out: `IN (@companies_1, @companies_2)`.

        An empty list becomes an empty subquery, so that `IN` finds nothing and `NOT IN` leaves nothing out.
        """
        named = self.named()
        values: dict[str, Value] = {
            name: value for name, value in named.items() if not isinstance(value, tuple)
        }
        written: dict[str, str] = {}
        for name, value in named.items():
            if isinstance(value, tuple):
                members = {f"{name}_{position}": member for position, member in enumerate(value, start=1)}
                taken = sorted(members.keys() & values.keys())
                if taken:
                    raise QueryError(
                        f"the list @{name} cannot be written out: @{taken[0]} is a parameter already."
                    )
                values |= members
                written[name] = ", ".join(f"@{member}" for member in members) or _EMPTY_LIST
        text = self.text
        for use in reversed(parameter_uses(text)):
            if use.name in written:
                text = text[: use.start] + written[use.name] + text[use.end :]
        return Query(text, values)


@lru_cache(maxsize=128)
def tokens_of(text: str) -> tuple[Token, ...]:
    """Read a T-SQL text word by word, once in a process. Raises SqlglotError where that cannot be done."""
    return tuple(sqlglot.tokenize(text, read="tsql"))


@lru_cache(maxsize=512)
def parameter_uses(text: str) -> tuple[ParameterUse, ...]:
    """Give every place where `text` names a parameter: not in strings, quoted names or comments.

    Raises QueryError when the text cannot be read at all, and for `@@names`, which are the server's own.
    """
    try:
        tokens = tokens_of(text)
    except SqlglotError as error:
        raise QueryError(f"the query cannot be read: {error}") from error
    uses: list[ParameterUse] = []
    for position, token in enumerate(tokens):
        if token.token_type is not TokenType.PARAMETER:
            continue
        word = tokens[position + 1] if position + 1 < len(tokens) else None
        if word is None or word.start != token.end + 1 or not word.text.isidentifier():
            raise QueryError(
                f"line {token.line}: @ without the name of a parameter (@@names are not for queries)."
            )
        uses.append(ParameterUse(word.text, token.start, word.end + 1, token.line))
    return tuple(uses)
