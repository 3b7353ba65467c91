"""Whether a server answers the constructs of the queries as the table says: one SELECT each, without tables.

What is asked, and what is right, is `sources/constructs.yaml`. Opt-in (`cpg1 doctor --constructs`): it is about
the product and the make of the server, and a server that the control reads needs to be asked once.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from cpg1_assets.doctor.conversation import Conversation, RefusedError, Row
from cpg1_assets.doctor.finding import Finding, Group, several
from cpg1_assets.doctor.refusals import said
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.constructs import Answer, Construct, read_constructs
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.sqlserver import SqlServer

GROUP = Group("Constructs")
_TEXTS = ("nvarchar", "varchar")


def check_constructs(
    conversation: Conversation, given: ConnectionString, server: SqlServer
) -> Iterator[Finding]:
    """Ask every construct and give a finding a group: fine, or the constructs that differ, each by its name."""
    for group, constructs in read_constructs().allowed.items():
        differing = [
            f"{construct.name} ({construct.asked}): {differs}"
            for construct in constructs
            if (differs := _differs(construct, conversation, given, server))
        ]
        if differing:
            yield GROUP.mend(
                group,
                "answered otherwise than the table of constructs says: " + "; ".join(differing),
                "Tell whoever keeps the product: a query that uses one of them may mean something else here than on the "
                "SAMPLE BOOKS. See docs/t-sql.md.",
            )
        else:
            yield GROUP.fine(group, f"{several(len(constructs), 'construct')} answered as the table says")


def question(construct: Construct) -> str:
    """Write the question with what its answer is made of; SQL Server tells a type of a value, not of NULL."""
    if construct.query.startswith("WITH "):
        return construct.query
    told = (
        "CAST(SQL_VARIANT_PROPERTY(q.v, 'BaseType') AS nvarchar(128)) AS base_type, "
        "CAST(SQL_VARIANT_PROPERTY(q.v, 'Precision') AS int) AS digits, "
        "CAST(SQL_VARIANT_PROPERTY(q.v, 'Scale') AS int) AS places"
    )
    return f"SELECT q.v AS v, {told} FROM ({construct.query}) AS q"


def _differs(
    construct: Construct, conversation: Conversation, given: ConnectionString, server: SqlServer
) -> str:
    """Say how the server's answer differs from the table's, or nothing."""
    try:
        rows = conversation.ask(server.text_sent(Query(question(construct), {})))
    except RefusedError as refused:
        return f"refused, {said(refused, given)}"
    if len(rows) != 1:
        return f"{several(len(rows), 'row')} instead of one"
    value, expected = _as(construct, rows[0].get("v")), construct.value()
    if value != expected:
        return f"{value!r} instead of {expected!r}"
    there = _type(rows[0])
    if there and there != construct.type and not (there in _TEXTS and construct.type in _TEXTS):
        return f"{there} instead of {construct.type}"
    return ""


def _as(construct: Construct, value: object) -> Answer | object:
    """Read what the driver gives as the value it stands for: a decimal may come as a text, a date as a moment."""
    match construct.type.partition("(")[0], value:
        case "decimal", int() | str() | Decimal():
            try:
                return Decimal(str(value))
            except InvalidOperation:
                return value
        case "date", datetime():
            return value.date()
        case ("date", str()):
            return date.fromisoformat(str(value))
        case _:
            return value


def _type(row: Row) -> str:
    base = str(row.get("base_type") or "")
    return f"decimal({row['digits']},{row['places']})" if base in ("decimal", "numeric") else base
