"""A SQL Server: can it be reached, as what, how far is its clock off; then its databases and what may be written.

What is asked is about the server, never about its data: no question reads a row of a table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cpg1_assets.doctor.constructs import check_constructs
from cpg1_assets.doctor.conversation import BrokenOffError, Conversation, OdbcConversation, RefusedError
from cpg1_assets.doctor.databases import check_database
from cpg1_assets.doctor.finding import Finding, Group, several
from cpg1_assets.doctor.reach import how_far
from cpg1_assets.doctor.refusals import is_no_link, said, to_do_about_connecting, unreachable
from cpg1_assets.doctor.writing import check_login
from cpg1_assets.errors import SourceError
from cpg1_assets.extracts.named_columns import NamedTable
from cpg1_assets.settings import Settings
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.deadline import DeadlinePassedError
from cpg1_assets.sources.odbc import Waits
from cpg1_assets.sources.query import BINARY_COLLATION, Query
from cpg1_assets.sources.sqlserver import SqlServer

GROUP = Group("Server")

_RELEASES = {
    "11": "2012", "12": "2014", "13": "2016", "14": "2017", "15": "2019", "16": "2022", "17": "2025",
}  # fmt: skip
_CLOUD = {
    "5": "Azure SQL Database", "6": "Azure Synapse", "8": "Azure SQL Managed Instance", "9": "Azure SQL Edge",
    "11": "Azure Synapse or Fabric", "12": "SQL database in Fabric",
}  # fmt: skip
"""By EngineEdition: what these call their version says nothing of a release."""
_MOST_SECONDS_OFF = 60
_QUESTIONS = ("version", "encryption", "clock", "collation")

VERSION = (
    "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS product_version, "
    "CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition, "
    "CAST(SERVERPROPERTY('EngineEdition') AS nvarchar(128)) AS engine"
)
ENCRYPTION = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
CLOCK = "SELECT SYSUTCDATETIME() AS utc_now, DATENAME(TZOFFSET, SYSDATETIMEOFFSET()) AS time_zone"
COLLATION = f"SELECT N'a' COLLATE {BINARY_COLLATION} AS collated"


def check_server(
    settings: Settings,
    given: ConnectionString,
    tables: Sequence[NamedTable],
    *,
    asks_constructs: bool = False,
) -> list[Finding]:
    """Connect and ask everything that can be asked; what follows from a failure is `not asked`.

    `asks_constructs` also asks what T-SQL means there, construct by construct.
    """
    server = SqlServer(dict(settings.databases), settings.collation, settings.snapshot)
    waits = Waits(settings.login_timeout, settings.query_timeout, settings.lock_timeout)
    try:
        conversation = OdbcConversation(given, server, waits)
    except SourceError:
        return _nothing_asked(tables, "ODBC is not installed, see above")
    except RefusedError as refused:
        network = _network(given) if is_no_link(refused.diagnostic) else ""
        failed = GROUP.mend(
            "connection", said(refused, given) + network, to_do_about_connecting(refused.diagnostic)
        )
        return [failed, *_nothing_asked(tables, "there is no connection")]
    except (BrokenOffError, DeadlinePassedError) as late:
        silent = f"{given.server} does not answer ({late})" + _network(given)
        failed = GROUP.mend("connection", silent, unreachable())
        return [failed, *_nothing_asked(tables, "there is no connection")]
    try:
        seconds = f"{conversation.login_seconds:.1f} s"
        findings = [GROUP.fine("connection", f"{given.server}, login took {seconds}")]
        findings += _asked(conversation, _Context(settings, given, server, asks_constructs), tables)
    finally:
        conversation.close()
    return findings


@dataclass(frozen=True)
class _Context:
    settings: Settings
    given: ConnectionString
    server: SqlServer
    asks_constructs: bool


def _asked(conversation: Conversation, context: _Context, tables: Sequence[NamedTable]) -> list[Finding]:
    """Ask an open conversation; where the server falls silent, what was found so far is kept."""
    findings: list[Finding] = []
    try:
        for found in _all(conversation, context, tables):
            findings.append(found)  # noqa: PERF402 - what is there when an answer stays away must not be lost
    except (BrokenOffError, DeadlinePassedError) as late:
        findings.append(
            GROUP.mend(
                "answers",
                f"the server stopped answering ({late})",
                "Run cpg1 doctor again, then ask its administrator.",
            )
        )
    # Whatever a server answers, a name of its own included, may hold a value of the connection string.
    return [
        Finding(
            f.group,
            f.subject,
            f.verdict,
            context.given.without_secrets(f.said),
            context.given.without_secrets(f.to_do),
        )
        for f in findings
    ]


def _all(conversation: Conversation, context: _Context, tables: Sequence[NamedTable]) -> Iterator[Finding]:
    for subject, question in zip(_QUESTIONS, (_version, _encryption, _clock, _collation), strict=True):
        try:
            yield question(conversation, context)
        except RefusedError as refused:
            yield GROUP.look(subject, f"could not be told: {said(refused, context.given)}")
    login = check_login(conversation, context.given)
    yield login
    for database in sorted({table.database for table in tables}):
        its_own = [table for table in tables if table.database == database]
        yield from check_database(
            conversation,
            context.given,
            its_own,
            context.server.database_names.get(database, database),
            wants_snapshot=context.settings.snapshot,
            may_do_everything=login.verdict == "mend",
        )
    if context.asks_constructs:
        yield from check_constructs(conversation, context.given, context.server)


def _version(conversation: Conversation, context: _Context) -> Finding:  # noqa: ARG001
    row = _only(conversation.ask(VERSION))
    version = str(row.get("product_version") or "unknown")
    release = f"SQL Server {_RELEASES.get(version.partition('.')[0], '')}".rstrip()
    edition = f", {row['edition']}" if row.get("edition") else ""
    return GROUP.fine("version", f"{_CLOUD.get(str(row.get('engine')), release)} ({version}){edition}")


def _encryption(conversation: Conversation, context: _Context) -> Finding:
    given = context.given
    trusts = (given.get("TrustServerCertificate") or "").lower() in ("yes", "true", "1")
    try:
        encrypted = str(_only(conversation.ask(ENCRYPTION)).get("encrypt_option", "")).upper()
    except RefusedError:
        encrypted = ""
    unchecked = "Have the server's certificate trusted on this machine and take TrustServerCertificate out."
    match encrypted, trusts:
        case "FALSE", _:
            return GROUP.look(
                "encryption",
                "this connection is not encrypted: the password and the books can be read on the way",
                "Put Encrypt=yes into DB_CONNECTION_STRING.",
            )
        case "TRUE", True:
            return GROUP.look(
                "encryption", "encrypted, but whose certificate it is was not checked", unchecked
            )
        case "TRUE", False:
            return GROUP.fine("encryption", "this connection is encrypted")
    return GROUP.not_asked(
        "encryption", "the server tells only logins with VIEW SERVER STATE, which the control does not need"
    )


def _clock(conversation: Conversation, context: _Context) -> Finding:  # noqa: ARG001
    before = datetime.now(UTC)
    row = _only(conversation.ask(CLOCK))
    after = datetime.now(UTC)
    here = before + (after - before) / 2
    there = _moment(row.get("utc_now"))
    zone = f"the server's time zone is UTC{row.get('time_zone') or ' (unknown)'}"
    if there is None:
        return GROUP.look("clock", f"the server gave no time; {zone}")
    off = abs((there - here).total_seconds())
    if off > _MOST_SECONDS_OFF:
        direction = "ahead of" if there > here else "behind"
        return GROUP.mend(
            "clock",
            f"the server's clock is {off:,.0f} s {direction} this machine's "
            f"({there:%Y-%m-%d %H:%M:%S} there, {here:%Y-%m-%d %H:%M:%S} here, both UTC)",
            "Have both set by NTP: times in the evidence are this machine's, dates in the books the server's.",
        )
    return GROUP.fine("clock", f"{several(round(off), 'second')} from this machine's; {zone}")


def _collation(conversation: Conversation, context: _Context) -> Finding:
    name = context.settings.collation or BINARY_COLLATION
    try:
        conversation.ask(context.server.text_sent(Query(COLLATION, {})))
    except RefusedError as refused:
        return GROUP.mend(
            "collation",
            f"the server does not take {name}, which the queries compare texts in. {said(refused, context.given)}",
            "Set CPG1_COLLATION to a binary collation that this server has (SELECT name FROM sys.fn_helpcollations() "
            "WHERE name LIKE '%[_]BIN2').",
        )
    return GROUP.fine("collation", f"{name}, in which the queries compare texts, is there")


def _nothing_asked(tables: Sequence[NamedTable], why: str) -> list[Finding]:
    columns = sum(len(table.columns) for table in tables)
    return [
        GROUP.not_asked("version, encryption, clock, collation", why),
        GROUP.not_asked("reading", f"{why}: {several(len(tables), 'table')}, {several(columns, 'column')}"),
        GROUP.not_asked("writing", why),
    ]


def _network(given: ConnectionString) -> str:
    """Say what the network says where the driver only says that it waited in vain."""
    found = how_far(given)
    return f". Tried without the driver: {found}" if found else ""


def _only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return rows[0] if rows else {}


def _moment(value: object) -> datetime | None:
    """Read a time the server gave as UTC, whether the driver made a datetime of it or left it a text."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value[:26])
        except ValueError:
            return None
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None
