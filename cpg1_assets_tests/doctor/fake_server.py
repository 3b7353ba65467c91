"""A SQL Server in memory that answers the doctor's questions, behind what looks like pyodbc.

It knows its databases, tables, permissions and clock, and answers with the errors the real one has. A
question it does not know is a fault of the test or of the doctor, and is raised as such.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cpg1_assets.doctor.conversation import quoted
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.named_columns import NamedTable, named_tables
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.schema import SOURCE_TABLES

DRIVER = "ODBC Driver 18 for SQL Server"
GIVEN = f"Driver={{{DRIVER}}};Server=books.example,1433;Database=master;Uid=cpg1_login;Pwd=hunter-2-hunter"
NAMED = named_tables(read_catalog())
_BRACKETED = r"\[(?:[^\]]|\]\])+\]"
_WRITE = ("INSERT", "UPDATE", "DELETE", "ALTER")

Row = dict[str, Any]


class FakeError(Exception):
    """What pyodbc raises: SQLSTATE, and the driver's words with the server's number."""

    def __init__(self, state: str, number: int, words: str) -> None:
        """Write it as the driver does."""
        super().__init__(
            state, f"[{state}] [Microsoft][{DRIVER}][SQL Server]{words} ({number}) (SQLExecDirectW)"
        )


@dataclass
class FakeDatabase:
    """A database: columns and types by table, what the login may, and what it is set to."""

    tables: dict[str, dict[str, str]]
    user: str | None = "control_reader"
    snapshot: str = "ON"
    collation: str = "Latin1_General_CI_AS"
    unreadable: set[str] = field(default_factory=set)
    unreadable_columns: set[tuple[str, str]] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    may_on: dict[str, set[str]] = field(default_factory=dict)
    tells_permissions: bool = True


@dataclass
class FakeServer:
    """A server that is as the control needs it, until a test changes something."""

    databases: dict[str, FakeDatabase] = field(default_factory=dict)
    version: str = "16.0.4135.4"
    edition: str = "Standard Edition (64-bit)"
    engine: str = "2"
    encrypted: str | None = "TRUE"
    sysadmin: int = 0
    collations: tuple[str, ...] = ("Latin1_General_100_BIN2", "Latin1_General_100_BIN2_UTF8")
    ahead: timedelta = timedelta()
    refuses_login: FakeError | None = None
    silent_on: str | None = None
    breaks_on: str | None = None
    locked: str | None = None
    drivers: tuple[str, ...] = (DRIVER,)
    asked: list[str] = field(default_factory=list)
    connected_with: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    inside: str = "master"

    def table(self, name: str) -> dict[str, str]:
        """Give the columns of `[schema].[name]`, whichever database it is in."""
        return self.holding(name).tables[name]

    def holding(self, name: str) -> FakeDatabase:
        """Give the database that has `[schema].[name]`."""
        return next(database for database in self.databases.values() if name in database.tables)

    def answer(self, question: str, values: tuple[str, ...]) -> list[Row]:
        """Answer as SQL Server would. Raises FakeError."""
        self.asked.append(question)
        if self.silent_on is not None and self.silent_on in question:
            self.released.wait(30)
        if self.breaks_on is not None and self.breaks_on in question:
            raise FakeError("08S01", 10054, "TCP Provider: Error code 0x2746")
        if question.startswith("SET "):
            return []
        for pattern, answers in self._answers().items():
            if found := re.fullmatch(pattern, question):
                return answers(found, values)
        raise AssertionError(f"the server was asked something it does not know: {question}")

    def _answers(self) -> Mapping[str, Callable[["re.Match[str]", tuple[str, ...]], list[Row]]]:
        return {
            rf"USE ({_BRACKETED})": lambda found, _: self._use(found[1]),
            rf"SELECT TOP \(0\) (.+) FROM ({_BRACKETED})\.({_BRACKETED}\.{_BRACKETED})": lambda found, _: (
                self._select(found[1], found[2], found[3])
            ),
            r"SELECT .*'ProductVersion'.*": lambda *_: [
                {"product_version": self.version, "edition": self.edition, "engine": self.engine}
            ],
            r"SELECT encrypt_option .*@@SPID": lambda *_: self._encryption(),
            r"SELECT SYSUTCDATETIME\(\) AS utc_now, .*": lambda *_: [
                {"utc_now": (datetime.now(UTC) + self.ahead).replace(tzinfo=None), "time_zone": "+01:00"}
            ],
            r"SELECT N'a' COLLATE \[?(\w+)\]? AS collated": lambda found, _: self._collate(found[1]),
            r"SELECT IS_SRVROLEMEMBER\('sysadmin'\).*": lambda *_: [
                {"sysadmin": self.sysadmin, "control_server": self.sysadmin}
            ],
            r"SELECT snapshot_isolation_state_desc .*": lambda *_: [
                {"snapshot_isolation": self._here.snapshot, "collation_name": self._here.collation}
            ],
            r"SELECT USER_NAME\(\) AS user_name": lambda *_: [{"user_name": self._here.user}],
            r"SELECT s\.name AS schema_name.* FROM sys\.objects .*": lambda *_: [
                dict(zip(("schema_name", "object_name"), _parts(name), strict=True))
                for name in self._here.tables
            ],
            r"SELECT c\.name AS column_name.* FROM sys\.columns .*": lambda _, values: [
                dict(zip(("column_name", "type_name", "precision", "scale"), _column(*there), strict=True))
                for there in self._here.tables.get(values[0], {}).items()
            ],
            r"SELECT IS_ROLEMEMBER\('db_owner'\).*": lambda *_: [
                {role: int(role in self._here.roles) for role in ("db_owner", "db_datawriter", "db_ddladmin")}
            ],
            r"SELECT HAS_PERMS_BY_NAME\(\?, '(?:OBJECT|DATABASE)', .*": lambda found, values: [
                self._permissions(found[0], values)
            ],
        }

    @property
    def _here(self) -> FakeDatabase:
        return self.databases[self.inside]

    def _use(self, name: str) -> list[Row]:
        bare = _parts(name)[0]
        if bare not in self.databases:
            raise FakeError("08004", 911, f"Database '{bare}' does not exist. Make sure the name is right.")
        if self.databases[bare].user is None:
            raise FakeError(
                "08004", 916, f'The server principal is not able to access the database "{bare}".'
            )
        self.inside = bare
        return []

    def _select(self, columns: str, database: str, table: str) -> list[Row]:
        there = self.databases[_parts(database)[0]]
        if table not in there.tables:
            raise FakeError("42S02", 208, f"Invalid object name '{database}.{table}'.")
        if table == self.locked:
            raise FakeError("42000", 1222, "Lock request time out period exceeded.")
        wanted = [_parts(column)[0] for column in re.findall(_BRACKETED, columns)]
        wrong = [column for column in wanted if column not in there.tables[table]]
        if wrong:
            raise FakeError("42S22", 207, f"Invalid column name '{wrong[0]}'.")
        if table in there.unreadable:
            raise FakeError("42000", 229, f"The SELECT permission was denied on the object '{table}'.")
        denied = [column for column in wanted if (table, column) in there.unreadable_columns]
        if denied:
            raise FakeError("42000", 230, f"The SELECT permission was denied on the column '{denied[0]}'.")
        return []

    def _encryption(self) -> list[Row]:
        if self.encrypted is None:
            raise FakeError("42000", 300, "VIEW SERVER STATE permission was denied on object 'server'.")
        return [{"encrypt_option": self.encrypted}]

    def _collate(self, name: str) -> list[Row]:
        if name not in self.collations:
            raise FakeError("HY000", 448, f"Invalid collation '{name}'.")
        return [{"collated": "a"}]

    def _permissions(self, question: str, values: tuple[str, ...]) -> Row:
        asked = re.findall(r"'(?:OBJECT|DATABASE)', '([A-Z ]+)'\) AS (\w+)", question)
        assert len(asked) == len(values), question
        here = self._here
        may = here.may if "'DATABASE'" in question else here.may_on.get(values[0], set())
        if not here.tells_permissions:
            return {name: None for _, name in asked}
        return {name: int(permission in may) for permission, name in asked}


class _Cursor:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._rows: list[Row] = []
        self._names: list[str] = []

    @property
    def description(self) -> list[tuple[str]] | None:
        return [(name,) for name in self._names] or None

    def execute(self, question: str, *values: str) -> None:
        self._rows = self._server.answer(question, values)
        self._names = list(self._rows[0]) if self._rows else []

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._rows]

    def close(self) -> None:
        pass


class _Connection:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.timeout = 0

    def cursor(self) -> _Cursor:
        return _Cursor(self._server)

    def close(self) -> None:
        pass


class FakeOdbc:
    """What of pyodbc the product uses."""

    Error = FakeError

    def __init__(self, server: FakeServer) -> None:
        """Speak for `server`."""
        self._server = server

    def drivers(self) -> list[str]:
        """Give the drivers that are installed."""
        return list(self._server.drivers)

    def dataSources(self) -> dict[str, str]:  # noqa: N802 - pyodbc's name for it
        """Give the data sources that are known."""
        return {"BOOKS": DRIVER}

    def connect(self, text: str, *, autocommit: bool, timeout: int) -> _Connection:
        """Log in, if the server lets one."""
        assert autocommit, "a question must not leave a transaction open"
        assert timeout > 0, "a login has a time limit"
        self._server.connected_with.append(text)
        if self._server.silent_on == "login":
            self._server.released.wait(30)
        if self._server.refuses_login is not None:
            raise self._server.refuses_login
        return _Connection(self._server)


def a_server(names: Mapping[str, str] | None = None, tables: list[NamedTable] | None = None) -> FakeServer:
    """Make a server that has every table and column the statements name, under the database `names` given."""
    server = FakeServer(databases={"master": FakeDatabase(tables={})})
    for table in NAMED if tables is None else tables:
        there = (names or {}).get(table.database, table.database)
        database = server.databases.setdefault(there, FakeDatabase(tables={}))
        schema = SOURCE_TABLES[quoted(table.database, table.schema, table.name)]
        database.tables[quoted(table.schema, table.name)] = {
            column: schema[column].sql_type.partition("(")[0] for column in table.columns
        }
    return server


def given() -> ConnectionString:
    """Give the connection string of the fake server."""
    return ConnectionString.parse(GIVEN)


def _column(name: str, written: str) -> tuple[str, str, int, int]:
    """Give a column as the catalog has it: `decimal(18,2)` has its precision and scale in columns of their own."""
    kind, _, digits = written.rstrip(")").partition("(")
    precision, _, scale = (digits or "38,20" * (kind == "decimal")).partition(",")
    return name, kind, int(precision or 0), int(scale or 0)


def _parts(name: str) -> list[str]:
    return [part[1:-1].replace("]]", "]") for part in re.findall(_BRACKETED, name)]
