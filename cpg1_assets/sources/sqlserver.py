"""SQL Server: what it is sent, and in which session.

The server gets the T-SQL of the files as it stands, run by `sp_executesql` with typed parameters of the same
names, so that no value and no `?` of a column's name is ever part of a text. Only names that differ by
environment are exchanged: databases, and the collation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import sqlglot
from sqlglot.tokenizer_core import TokenType

from cpg1_assets.settings import SOURCE_DATABASES
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.driver import with_driver_found
from cpg1_assets.sources.odbc import Statement, Waits
from cpg1_assets.sources.odbc_errors import Diagnostic, Verdict, sql_server_verdict
from cpg1_assets.sources.query import BINARY_COLLATION, Query, QueryError, Scalar, parameter_uses

_MOST_PARAMETERS = 2_000
"""SQL Server takes 2,100 parameters; `sp_executesql` itself needs some."""
_LONGEST_APPLICATION_NAME = 128
_NO_SNAPSHOT_NUMBERS = (3952, 3954, 3956)
_LONGEST_SHORT_TEXT = 4_000
_TEXT = "cpg1_text"
"""Parameter that carries the text of a query where it cannot be part of the statement."""


@dataclass(frozen=True)
class SqlServer:
    """A SQL Server on which databases may have other names and texts another binary collation.

    `database_names` maps names of the control to names there; `collation` replaces the one the queries
    state; `wants_snapshot` says whether snapshot isolation is tried.
    """

    database_names: Mapping[str, str] = field(default_factory=dict)
    collation: str | None = None
    wants_snapshot: bool = True
    kind: str = "sqlserver"
    title: str = "SQL Server"
    answerable: str = "SET NOCOUNT ON"

    @property
    def databases(self) -> tuple[str, ...]:
        """The control's databases by their names on this server."""
        return tuple(self.database_names.get(name, name) for name in SOURCE_DATABASES)

    def connection_string(self, given: ConnectionString, waits: Waits, name: str) -> ConnectionString:  # noqa: ARG002
        """Add the driver's place, the application's name, and that nothing will be written.

        A lost connection must be an error: the driver would open another one by itself, and what is asked over
        that one would not be of the same state of the databases as what was asked before.
        """
        values = {"APP": name[:_LONGEST_APPLICATION_NAME], "ConnectRetryCount": "0"}
        if given.get("ApplicationIntent") is None:
            values["ApplicationIntent"] = "ReadOnly"
        return with_driver_found(given).with_values(values)

    def opening(self, waits: Waits) -> Sequence[str]:
        """Begin a session: give way to others, wait for locks no longer than agreed, read dates one way."""
        return (
            "SET NOCOUNT ON",
            f"SET LOCK_TIMEOUT {waits.lock * 1000:d}",
            "SET DEADLOCK_PRIORITY LOW",
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )

    def snapshot(self) -> Sequence[str]:
        """Begin one transaction in which all queries see one state, without taking a lock."""
        if not self.wants_snapshot:
            return ()
        return ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "BEGIN TRANSACTION")

    def no_snapshot(self) -> Sequence[str]:
        """Go back to read committed, each query for itself."""
        return ("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")

    def refuses_snapshot(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a database that the query reads does not allow snapshot isolation."""
        return diagnostic.native in _NO_SNAPSHOT_NUMBERS

    def statement(self, query: Query) -> Statement:
        """Write `query` as a call of `sp_executesql`: each value bound once, under its own name and type.

        Raises QueryError for more values than the server takes, naming the longest list.
        """
        text = self.text_sent(query)
        values = query.expanded().named()
        if not text.isascii():
            # A driver manager may take the letters of a text for others; those of a value arrive as they are.
            values = {_TEXT: text, **values}
        if not values:
            return Statement(text)
        if len(values) > _MOST_PARAMETERS:
            raise QueryError(
                f"the query has {len(values)} values, and the server takes {_MOST_PARAMETERS}. Narrow the scope "
                "(CPG1_COMPANIES, CPG1_GL_ACCOUNTS) or shorten the lists in scope.yaml."
            )
        types = {name: _type(value) for name, value in values.items()}  # type: ignore[arg-type]
        declared = ", ".join(f"@{name} {kind} = ?" for name, kind in types.items())
        own = [name for name in types if name != _TEXT]
        parameters = ", ".join(f"@{name} {types[name]}" for name in own)
        call = [f"@{_TEXT}" if _TEXT in types else "N'" + text.replace("'", "''") + "'"]
        if own:
            call += [f"N'{parameters}'", *(f"@{name}" for name in own)]
        return Statement(
            f"DECLARE {declared};\nEXEC sp_executesql {', '.join(call)};",
            tuple(_written(value) for value in values.values()),  # type: ignore[arg-type]
        )

    def text_sent(self, query: Query) -> str:
        """Give the text that `sp_executesql` runs.

        It begins with the month where the values have one. The server keeps one plan a text: a plan made for the
        rows of one month is never used for another's.
        """
        text = self.renamed(query.expanded().text)
        cutoff = query.parameters.get("cutoff_date")
        return f"-- Month {cutoff:%Y-%m}\n{text}" if isinstance(cutoff, date) else text

    def verdict(self, diagnostic: Diagnostic) -> Verdict:
        """Judge by SQL Server's error number, then by SQLSTATE."""
        return sql_server_verdict(diagnostic)

    def renamed(self, text: str) -> str:
        """Exchange in `text` the names that differ on this server; strings and comments stay as they are."""
        parameter_uses(text)  # a text that cannot be read is refused here, with its line
        tokens = sqlglot.tokenize(text, read="tsql")
        for position in range(len(tokens) - 1, -1, -1):
            token = tokens[position]
            if token.token_type not in (TokenType.IDENTIFIER, TokenType.VAR):
                continue
            before = tokens[position - 1] if position else None
            after = tokens[position + 1] if position + 1 < len(tokens) else None
            new = None
            if before is not None and before.text.upper() == "COLLATE":
                new = self.collation if token.text == BINARY_COLLATION else None
            elif (
                after is not None
                and after.token_type is TokenType.DOT
                and (before is None or before.token_type is not TokenType.DOT)
                and token.text in self.database_names
            ):
                new = "[" + self.database_names[token.text].replace("]", "]]") + "]"
            if new is not None:
                text = text[: token.start] + new + text[token.end + 1 :]
        return text


def _type(value: Scalar) -> str:
    match value:
        case bool():
            kind = "bit"
        case int():
            kind = "bigint"
        case Decimal():
            kind = "decimal(38, 20)"
        case datetime():
            # A source's timestamps are `datetime`; a finer value than its milliseconds keeps its digits.
            kind = "datetime2(7)" if value.microsecond % 1000 else "datetime"
        case date():
            kind = "date"
        case str() if len(value.encode("utf-16-le")) // 2 > _LONGEST_SHORT_TEXT:
            kind = "nvarchar(max)"
        case _:
            kind = f"nvarchar({_LONGEST_SHORT_TEXT})"
    return kind


def _written(value: Scalar) -> str | None:
    """Write a value as text that SQL Server reads the same in every language setting."""
    match value:
        case None:
            return None
        case bool():
            return "1" if value else "0"
        case datetime():
            return value.isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
