"""Whether columns have the types the source schema says: an amount in floating point is not exact any more."""

from collections.abc import Iterator, Mapping

from cpg1_assets.doctor.conversation import quoted
from cpg1_assets.doctor.finding import Finding, Group, listed
from cpg1_assets.extracts.named_columns import NamedTable
from cpg1_assets.sample_books.columns import MOMENT, MONEY
from cpg1_assets.sample_books.tables import FLAG, TABLES, TEXT, WHOLE

_WHOLE = ("bigint", "int", "smallint", "tinyint")
_EXACT = ("decimal", "numeric")
_FLOATING = ("float", "real")
_SERVED_BY = (
    (MONEY, "decimal", (*_EXACT, *_WHOLE)),
    (TEXT, "nvarchar", ("nvarchar", "varchar", "nchar", "char")),
    (WHOLE, "bigint", (*_WHOLE, *_EXACT)),
    (FLAG, "bit", ("bit", *_WHOLE)),
    (MOMENT, "datetime", ("datetime", "datetime2", "date", "smalldatetime")),
)


def check_types(group: Group, subject: str, table: NamedTable, there: Mapping[str, str]) -> list[Finding]:
    """Compare the types of the columns the queries name; `there` is what the server has, by column.

    A column the server says nothing about is passed over: its name may differ in case, or it may be a synonym's.
    """
    known = {name.lower(): kind for name, kind in there.items()}
    floating, unlike = [], []
    for column, expected, served_by in _expected(table):
        kind = known.get(column.lower())
        if kind is None or kind in served_by:
            continue
        if expected == "decimal" and kind in _FLOATING:
            floating.append(f"{quoted(column)} is {kind}")
        else:
            unlike.append(f"{quoted(column)} is {kind}, not {expected}")
    findings = []
    if floating:
        findings.append(
            group.mend(
                subject,
                f"amounts in floating point, which are not exact: {listed(floating)}",
                "An extract refuses such amounts. Tell the control's owner: the column must be decimal at its source.",
            )
        )
    if unlike:
        findings.append(
            group.look(
                subject,
                f"readable, but with other types than the source schema: {listed(unlike)}",
                "See docs/source-schema.md. An extract refuses values that do not fit exactly.",
            )
        )
    return findings


def _expected(table: NamedTable) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    schema = dict(TABLES.get(quoted(table.database, table.schema, table.name), ()))
    for column in table.columns:
        for kind, name, served_by in _SERVED_BY:
            if column in schema and schema[column] == kind:
                yield column, name, served_by
