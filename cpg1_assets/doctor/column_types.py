"""Whether columns have the types the source schema says: an amount in floating point is not exact any more."""

from collections.abc import Iterator, Mapping

from cpg1_assets.doctor.conversation import quoted
from cpg1_assets.doctor.finding import Finding, Group, listed
from cpg1_assets.extracts.named_columns import NamedTable
from cpg1_assets.sources.schema import NUMBERED_IDS, Kind, kind_of

_WHOLE = ("bigint", "int", "smallint", "tinyint")
SCALED = ("decimal", "numeric")
_EXACT = (*SCALED, "money", "smallmoney")
_FLOATING = ("float", "real")
_SERVED_BY = {
    Kind.MONEY: (*_EXACT, *_WHOLE),
    **dict.fromkeys((Kind.TEXT, Kind.COMPANY), ("nvarchar", "varchar", "nchar", "char")),
    Kind.WHOLE: (*_WHOLE, *_EXACT),
    Kind.FLAG: ("bit", *_WHOLE),
    Kind.MOMENT: ("datetime", "datetime2", "date", "smalldatetime"),
}


def check_types(group: Group, subject: str, table: NamedTable, there: Mapping[str, str]) -> list[Finding]:
    """Compare the types of the columns the queries name; `there` is what the server has, by column.

    A column the server says nothing about is passed over: its name may differ in case, or it may be a synonym's.
    """
    known = {name.lower(): kind for name, kind in there.items()}
    floating, unlike, places = [], [], {}
    for column, expected, served_by in _expected(table):
        written = known.get(column.lower(), "")
        kind = written.partition("(")[0]
        if expected == "decimal" and kind in SCALED:
            places[quoted(column)] = written
        if not kind or kind in served_by:
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
                "See docs/source-schema.md. An extract refuses values that do not fit exactly, and the server refuses "
                "to compare as text (error 447) what is none.",
            )
        )
    if len({written.partition(",")[2] for written in places.values()}) > 1:
        findings.append(
            group.look(
                subject,
                "amounts of several scales, and where the server adds them up it may round to the smallest: "
                + listed([f"{column} is {written}" for column, written in places.items()]),
                "See docs/source-schema.md: all are decimal(38,20). Ask the owner of the table how many places they use.",
            )
        )
    return findings


def _expected(table: NamedTable) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for column in table.columns:
        kind = kind_of((table.database, table.schema, table.name), column)
        if kind is not None:
            more = _WHOLE if column in NUMBERED_IDS else ()
            yield column, kind.sql_type.partition("(")[0], (*_SERVED_BY[kind], *more)
