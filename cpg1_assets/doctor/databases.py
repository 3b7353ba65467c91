"""One database: can it be entered, is every table and column the statements name there and readable.

How reading is asked: `SELECT TOP (0) [column], … FROM [database].[schema].[table]`. The server compiles it and
checks the permissions as for the control's own queries, and reads no row. HAS_PERMS_BY_NAME and the catalog
views were the other way. They do not tell a table that is missing from one the login may not see; they know
nothing of a view whose own tables are gone, of synonyms and of ownership chains; and servers that speak SQL
Server's protocol answer them differently for another database. The error of this question does tell: 208 no
such table, 207 no such column, 229 and 230 no permission. Catalog views are asked only for what is nice to
know: types, and names that are like a missing one.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cpg1_assets.doctor.column_types import SCALED, check_types
from cpg1_assets.doctor.conversation import Conversation, RefusedError, quoted
from cpg1_assets.doctor.finding import Finding, Group, listed, several
from cpg1_assets.doctor.refusals import said
from cpg1_assets.doctor.writing import check_writing
from cpg1_assets.extracts.named_columns import NamedTable
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc_errors import Diagnostic

ENTRY = (
    "SELECT snapshot_isolation_state_desc AS snapshot_isolation, collation_name "
    "FROM sys.databases WHERE database_id = DB_ID()"
)
USER = "SELECT USER_NAME() AS user_name"
TABLES_THERE = (
    "SELECT s.name AS schema_name, o.name AS object_name FROM sys.objects AS o "
    "JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V', 'SN')"
)
COLUMNS_THERE = (
    "SELECT c.name AS column_name, t.name AS type_name, c.precision, c.scale FROM sys.columns AS c "
    "JOIN sys.types AS t ON t.user_type_id = c.system_type_id WHERE c.object_id = OBJECT_ID(?)"
)

_NOT_THERE = (208, "42S02")
_NO_COLUMN = (207, "42S22")
_NO_COLUMN_PERMISSION = 230
_NO_PERMISSION = (229, _NO_COLUMN_PERMISSION)
_NO_DATABASE = (911,)
_MAY_NOT_ENTER = (916, 4060)
_NOT_A_USER_OF_ITS_OWN = {"dbo", "guest", "public"}
UNNAMED_USER = "USER"


@dataclass(frozen=True)
class _Place:
    """A database by its name on the server, entered, and how a grant names the login's user there."""

    conversation: Conversation
    given: ConnectionString
    group: Group
    there: str
    user: str

    def run_there(self, statement: str) -> str:
        """Write what an administrator runs."""
        return f"USE {quoted(self.there)}; {statement}"


def check_database(
    conversation: Conversation,
    given: ConnectionString,
    tables: Sequence[NamedTable],
    there: str,
    *,
    wants_snapshot: bool,
    may_do_everything: bool,
) -> Iterator[Finding]:
    """Enter a database, ask for each of `tables`, and whether the login may write.

    `there` is the database's name on the server; `may_do_everything` says that the login rules the whole
    server, so that what it may write need not be asked.
    """
    named = tables[0].database
    group = Group(f"Database {named}" + (f" ({there} on the server)" if there != named else ""))
    try:
        conversation.do(f"USE {quoted(there)}")
    except RefusedError as no_entry:
        yield group.mend("database", said(no_entry, given), _how_to_enter(no_entry.diagnostic, there))
        yield group.not_asked("tables", f"{several(len(tables), 'table')}: the database cannot be entered")
        return
    place = _Place(conversation, given, group, there, _user(conversation, given))
    yield from _facts(place, wants_snapshot=wants_snapshot)
    present: list[NamedTable] = []
    for table in tables:
        refused = _refusal(place, table, list(table.columns))
        if refused is not None and _is_missing(refused.diagnostic):
            yield _table_missing(place, table, refused)
        else:
            present.append(table)
            yield from _check_table(place, table, refused)
    if may_do_everything:
        yield group.not_asked("writing", "the login may do everything on this server, see above")
    else:
        yield check_writing(conversation, given, group, there, present, place.user)


def _how_to_enter(diagnostic: Diagnostic, there: str) -> str:
    if diagnostic.native in _NO_DATABASE:
        return (
            f"There is no database {there} on this server, or the login may not know of it. If it has another name there, "
            "say so in CPG1_DATABASES; else check Server in DB_CONNECTION_STRING."
        )
    if diagnostic.native in _MAY_NOT_ENTER:
        return (
            f"An administrator runs: USE {quoted(there)}; CREATE USER {quoted(UNNAMED_USER)} FOR LOGIN "
            f"{quoted(UNNAMED_USER)}; (USER is the login of the control.)"
        )
    return f"Ask the administrator whether {there} is online and open to this login."


def _user(conversation: Conversation, given: ConnectionString) -> str:
    """Name the login's user in the current database for a GRANT; a stand-in where the name may not be shown.

    A user's name that the connection string holds is one of its values. dbo and guest are not the login's own.
    """
    try:
        rows = conversation.ask(USER)
    except RefusedError:
        rows = []
    name = str((rows[0].get("user_name") if rows else None) or UNNAMED_USER)
    shown = given.without_secrets(name) == name
    return name if shown and name.lower() not in _NOT_A_USER_OF_ITS_OWN else UNNAMED_USER


def _facts(place: _Place, *, wants_snapshot: bool) -> Iterator[Finding]:
    group = place.group
    try:
        rows = place.conversation.ask(ENTRY)
    except RefusedError as refused:
        yield group.look("database", f"can be entered; more could not be told: {said(refused, place.given)}")
        return
    row = rows[0] if rows else {}
    collation = f", collation {row['collation_name']}" if row.get("collation_name") else ""
    yield group.fine("database", f"can be entered{collation}")
    state = str(row.get("snapshot_isolation") or "unknown").upper()
    if not wants_snapshot:
        yield group.fine("snapshot isolation", f"not wanted (CPG1_SNAPSHOT=off); the database has it {state}")
    elif state == "ON":
        yield group.fine("snapshot isolation", "allowed: all queries of an extract see one state")
    else:
        yield group.look(
            "snapshot isolation",
            f"{state}: each query sees its own state of the data, and waits for locks of those who write",
            f"An administrator runs: ALTER DATABASE {quoted(place.there)} SET ALLOW_SNAPSHOT_ISOLATION ON; "
            "or set CPG1_SNAPSHOT=off if that is not wanted.",
        )


def _check_table(place: _Place, table: NamedTable, refused: RefusedError | None) -> Iterator[Finding]:
    subject = quoted(table.schema, table.name)
    if refused is None:
        types = check_types(place.group, subject, table, _columns_there(place, table))
        yield from types or [
            place.group.fine(subject, f"{several(len(table.columns), 'column')}, all there and readable")
        ]
    elif _is_about_columns(refused.diagnostic):
        yield from _columns_one_by_one(place, table)
    elif refused.diagnostic.native in _NO_PERMISSION:
        yield place.group.mend(
            subject,
            f"may not be read by this login (needed by {listed(list(table.extracts))}). {said(refused, place.given)}",
            _grant(place, subject, "")
            + " If the words name another object, a view reads that one: grant it there.",
        )
    else:
        yield place.group.mend(
            subject,
            said(refused, place.given),
            "Run cpg1 doctor again; if it stays, ask the administrator of the server, with this text.",
        )


def _is_missing(diagnostic: Diagnostic) -> bool:
    return diagnostic.native == _NOT_THERE[0] or (not diagnostic.native and diagnostic.state == _NOT_THERE[1])


def _is_about_columns(diagnostic: Diagnostic) -> bool:
    return diagnostic.native in (_NO_COLUMN[0], _NO_COLUMN_PERMISSION) or (
        not diagnostic.native and diagnostic.state == _NO_COLUMN[1]
    )


def _table_missing(place: _Place, table: NamedTable, refused: RefusedError) -> Finding:
    subject = quoted(table.schema, table.name)
    try:
        rows = place.conversation.ask(TABLES_THERE)
    except RefusedError:
        rows = []
    there = {
        str(row["object_name"]): quoted(str(row["schema_name"]), str(row["object_name"])) for row in rows
    }
    like = [there[name] for name in difflib.get_close_matches(table.name, there, n=3, cutoff=0.7)]
    looks = f"There is {listed(like)}: was it renamed or moved? " if like else ""
    return place.group.mend(
        subject,
        f"is not there (needed by {listed(list(table.extracts))}). {said(refused, place.given)}",
        f"{looks}Check the name in CPG1_DATABASES; if the table is gone or renamed, tell the control's owner.",
    )


def _columns_one_by_one(place: _Place, table: NamedTable) -> Iterator[Finding]:
    """Ask for each column alone: of several wrong ones an error names only some."""
    subject = quoted(table.schema, table.name)
    missing, refused, other = [], [], []
    for column in table.columns:
        refusal = _refusal(place, table, [column])
        if refusal is None:
            continue
        if refusal.diagnostic.native in _NO_PERMISSION:
            refused.append(column)
        elif _is_about_columns(refusal.diagnostic):
            missing.append(column)
        else:
            other.append(f"{quoted(column)}: {said(refusal, place.given)}")
    if missing:
        there = [name for name in _columns_there(place, table) if name not in table.columns]
        yield place.group.mend(
            subject,
            f"lacks {several(len(missing), 'column')} the queries name: "
            + "; ".join(f"{quoted(column)} ({listed(list(table.columns[column]))})" for column in missing),
            _renamed(missing, there) + "Tell the control's owner: the queries and the table no longer fit.",
        )
    if refused:
        yield place.group.mend(
            subject,
            f"{several(len(refused), 'column')} may not be read by this login: {listed([quoted(c) for c in refused], 40)}",
            _grant(place, subject, " (" + ", ".join(quoted(column) for column in refused) + ")")
            + " A DENY on a column goes before a GRANT: take it away with REVOKE.",
        )
    if other or not (missing or refused):
        yield place.group.mend(
            subject,
            "; ".join(other) or "was refused once, and not when asked column by column",
            "Run cpg1 doctor again; if it stays, ask the administrator of the server, with this text.",
        )


def _renamed(missing: Sequence[str], there: Sequence[str]) -> str:
    plain = {_plain(name): name for name in there}
    looks = []
    for column in missing:
        close = difflib.get_close_matches(_plain(column), plain, n=1, cutoff=0.6)
        if close:
            looks.append(f"{quoted(column)} may be {quoted(plain[close[0]])} now")
    return f"{'; '.join(looks)}. " if looks else ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _grant(place: _Place, table: str, columns: str) -> str:
    meant = " (USER is the login's user there.)" if place.user == UNNAMED_USER else ""
    return f"An administrator runs: {place.run_there(f'GRANT SELECT ON {table}{columns} TO {quoted(place.user)};')}{meant}"


def _refusal(place: _Place, table: NamedTable, columns: Sequence[str]) -> RefusedError | None:
    """Ask whether `columns` can be selected; None if so. No row is read."""
    selected = ", ".join(quoted(column) for column in columns) or "1 AS one"
    name = quoted(place.there, table.schema, table.name)
    try:
        place.conversation.ask(f"SELECT TOP (0) {selected} FROM {name}")
    except RefusedError as refused:
        return refused
    return None


def _columns_there(place: _Place, table: NamedTable) -> dict[str, str]:
    """Give type by column as the catalog has them, `decimal(38,20)`; nothing where it does not say."""
    try:
        rows = place.conversation.ask(COLUMNS_THERE, quoted(table.schema, table.name))
    except RefusedError:
        return {}
    return {str(row["column_name"]): _type(row) for row in rows}


def _type(row: Mapping[str, Any]) -> str:
    kind = str(row["type_name"]).lower()
    return f"{kind}({row['precision']},{row['scale']})" if kind in SCALED else kind
