"""Whether the login can change what it reads. For the control it must not: who checks the books may not write them."""

from collections.abc import Sequence
from typing import Any

from cpg1_assets.doctor.conversation import Conversation, RefusedError, quoted
from cpg1_assets.doctor.finding import Finding, Group, listed, several
from cpg1_assets.doctor.refusals import said
from cpg1_assets.extracts.named_columns import NamedTable
from cpg1_assets.sources.connection_string import ConnectionString

GROUP = Group("Server")

SERVER = (
    "SELECT IS_SRVROLEMEMBER('sysadmin') AS sysadmin, "
    "HAS_PERMS_BY_NAME(NULL, NULL, 'CONTROL SERVER') AS control_server"
)
ROLES = (
    "SELECT IS_ROLEMEMBER('db_owner') AS db_owner, IS_ROLEMEMBER('db_datawriter') AS db_datawriter, "
    "IS_ROLEMEMBER('db_ddladmin') AS db_ddladmin"
)
DATABASE_PERMISSIONS = ("INSERT", "UPDATE", "DELETE", "ALTER", "CREATE TABLE", "CONTROL")
TABLE_PERMISSIONS = ("INSERT", "UPDATE", "DELETE", "ALTER")
_READER = "Give the control a login of its own that only reads: docs/sql-server.md has the script."


def check_login(conversation: Conversation, given: ConnectionString) -> Finding:
    """Ask whether the login rules the whole server; `mend` if it does."""
    try:
        rows = conversation.ask(SERVER)
    except RefusedError as refused:
        return GROUP.look("login", f"what it may do on the server could not be told: {said(refused, given)}")
    can = _granted(rows)
    if can:
        what = "is a sysadmin" if "sysadmin" in can else "may do everything (CONTROL SERVER)"
        return GROUP.mend("login", f"{what}: whoever draws the control's figures could change them", _READER)
    return GROUP.fine("login", "does not administer the server")


def check_writing(
    conversation: Conversation,
    given: ConnectionString,
    group: Group,
    there: str,
    tables: Sequence[NamedTable],
    user: str,
) -> Finding:
    """Ask what the login may change in the current database and in each of `tables`, by its effective permissions."""
    roles: list[str] = []
    can: list[str] = []
    writable: list[tuple[str, list[str]]] = []
    untold = 0
    try:
        roles = _granted(conversation.ask(ROLES))
        rows = conversation.ask(
            permissions("DATABASE", DATABASE_PERMISSIONS), *[quoted(there)] * len(DATABASE_PERMISSIONS)
        )
        can, untold = _granted(rows), _untold(rows)
        for table in tables:
            name = quoted(table.schema, table.name)
            rows = conversation.ask(
                permissions("OBJECT", TABLE_PERMISSIONS), *[name] * len(TABLE_PERMISSIONS)
            )
            untold += _untold(rows)
            if found := _granted(rows):
                writable.append((name, _words(found)))
    except RefusedError as refused:
        if not (roles or can or writable):
            return group.look(
                "writing",
                f"whether the login may write could not be told: {said(refused, given)}",
                "Ask the administrator to confirm that it may not.",
            )
    if roles or can or writable:
        return group.mend("writing", *_writable(there, roles, can, writable, user))
    if untold:
        return group.look(
            "writing",
            f"nothing the login may write was found, but the server does not tell for {several(untold, 'permission')}",
            "Ask the administrator to confirm that it may not write.",
        )
    return group.fine("writing", f"the login may not write: the database, {several(len(tables), 'table')}")


def permissions(kind: str, names: Sequence[str]) -> str:
    """Write the question which of some permissions the login has on a securable, bound once for each."""
    asked = ", ".join(
        f"HAS_PERMS_BY_NAME(?, '{kind}', '{name}') AS may_{name.lower().replace(' ', '_')}" for name in names
    )
    return f"SELECT {asked}"


def _writable(
    there: str,
    roles: Sequence[str],
    can: Sequence[str],
    writable: Sequence[tuple[str, list[str]]],
    user: str,
) -> tuple[str, str]:
    """Say what may be written, by the widest of it, and how that is taken away."""
    seen = []
    if roles:
        seen.append(f"the login is in {listed(list(roles))}")
    if can:
        seen.append(f"in the whole database it may {listed(_words(can))}")
    if writable and not (roles or can):
        tables = [f"{name} ({', '.join(may)})" for name, may in writable]
        seen.append(f"it may write {listed(tables, 5)}")
    statements = [f"ALTER ROLE {quoted(role)} DROP MEMBER {quoted(user)};" for role in roles]
    if not roles:
        statements += [f"REVOKE {name} FROM {quoted(user)};" for name in _words(can)]
    if not (roles or can):
        statements += [f"REVOKE {', '.join(may)} ON {name} FROM {quoted(user)};" for name, may in writable]
    what_was_seen = f"{'; '.join(seen)}. The control only reads, and must not be able to do more"
    to_do = (
        f"An administrator runs: USE {quoted(there)}; {' '.join(statements[:5])} "
        f"(What comes from a group or another role is taken away there.) {_READER}"
    )
    return what_was_seen, to_do


def _granted(rows: list[dict[str, Any]]) -> list[str]:
    return [name for name, value in (rows[0] if rows else {}).items() if value == 1]


def _untold(rows: list[dict[str, Any]]) -> int:
    return sum(value is None for value in (rows[0] if rows else {"": None}).values())


def _words(granted: Sequence[str]) -> list[str]:
    """Write the columns of the answer as the permissions they stand for."""
    return [name.removeprefix("may_").replace("_", " ").upper() for name in granted]
