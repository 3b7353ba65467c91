"""What may be done with numbers, flags, days and moments, and what may stand for one another."""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from cpg1_assets.sources.collations import Label
from cpg1_assets.sources.gate.comparisons import COLLATE, compared, each_text
from cpg1_assets.sources.gate.texts import is_wrapper, put_together
from cpg1_assets.sources.gate.wording import digits, listed, number_of, said, to_do
from cpg1_assets.sources.kinds import (
    CONDITION,
    DATE,
    FINE_MOMENT,
    FLAG,
    MOMENT,
    NULL,
    TEXT,
    UNKNOWN,
    Family,
    SqlType,
    of_type,
    unified,
)  # fmt: skip
from cpg1_assets.sources.reading import Reading

_T = exp.DataType.Type
_SHORTEST_TEXT = {10: 11, 19: 20}
"""Digits of a whole number, and how long a text of it may be with its sign."""
_LONGEST_TEXT = 4000
_FIRST_YEAR = 1753
"""Of a datetime: an earlier day beside one is an error."""
_DATE_UNITS = {"DAY", "MONTH", "QUARTER", "YEAR"}
_TIME_UNITS = {"HOUR", "MINUTE", "SECOND"}


def least(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge MIN and MAX."""
    name = node.key.upper()
    if isinstance(node.this, exp.Null):
        yield f"{said(node)}, which the server refuses: write CAST(NULL AS …)"
    if reading.is_company(node.this):
        yield (
            f"{said(node)} puts company codes in order, which is the server's by its collation: group by the code, or "
            f"write {name}(UPPER(…) {COLLATE})"
        )
    yield from _of_rows(node)
    if reading.kinds.of(node.this) == FLAG:
        yield f"{name} of a flag, which the server refuses: write {name}(CASE WHEN … = 1 THEN 1 ELSE 0 END)"
    yield from each_text(node.this, reading, f"{name} compares", in_order=True)


def total(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge SUM."""
    yield from _of_rows(node)
    kind = reading.kinds.of(node.this)
    if isinstance(node.this, exp.Distinct):
        yield f"{said(node)}: sum the rows of a subquery that are distinct"
    elif not kind.family.is_number or kind.rounds:
        yield f"{said(node)} is a sum of {said(node.this)}, which is {kind.family}; {to_do([kind])}"


def count(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge COUNT and COUNT_BIG."""
    yield from _of_rows(node)
    if isinstance(node.this, exp.Distinct):
        if len(node.this.expressions) != 1:
            yield f"{said(node)}: count one column"
        for place in node.this.expressions:
            yield from each_text(place, reading, "COUNT compares", in_order=False)
    elif isinstance(node.this, exp.Null):
        yield f"{said(node)}, which the server refuses: write COUNT(*), or count a column"
    elif not isinstance(node.this, exp.Star) and reading.kinds.of(node.this) == CONDITION:
        yield f"{said(node)}: a condition is no value"


def _of_rows(node: exp.Expr) -> Iterator[str]:
    """Hold what is summed, counted or compared over several rows to the rows themselves."""
    if node.find(exp.Query):
        yield (
            f"{said(node)}: the server refuses a subquery in there (error 130); give it a column of its own in a query "
            "inside, and take that"
        )


def sum_or_difference(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge +, - and *: of numbers, or + of texts."""
    sides = [node.this, node.expression]
    types = [reading.kinds.of(side) for side in sides]
    families = {one.family for one in types}
    if isinstance(node, exp.Add) and families <= {Family.TEXT, Family.COMPANY, Family.NULL}:
        yield from put_together(node, sides, reading)
        return
    if not families <= {Family.WHOLE, Family.DECIMAL, Family.NULL} or families == {Family.NULL}:
        yield f"{said(node)} reckons with {listed(sides, reading)}; {to_do(types)}"
    elif reading.kinds.of(node).rounds:
        given = " and ".join(digits(one) for one in types)
        yield f"{said(node)}: of {given} the server keeps fewer places than there are; give both out"


def remainder(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge %."""
    by = number_of(node.expression)
    if reading.kinds.of(node.this).family is not Family.WHOLE or not by or by < 0:
        yield f"{said(node)}: % is for a whole number, by a number written out that is not 0"


def sign(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge - before a number, and ABS."""
    kind = reading.kinds.of(node.this)
    if not kind.family.is_number:
        yield f"{said(node)} of {said(node.this)}, which is {kind.family}; {to_do([kind])}"


def one_of(node: exp.Expr, branches: Iterable[exp.Expr | None], reading: Reading) -> Iterator[str]:
    """Hold what may stand for one another to one kind."""
    given = [branch for branch in branches if branch is not None]
    types = [reading.kinds.of(branch) for branch in given]
    together = unified(types)
    if together == NULL:
        yield f"{said(node)} can only be NULL, which the server refuses: write CAST(NULL AS …)"
    elif together in (UNKNOWN, CONDITION) or together.rounds:
        yield f"{said(node)} is one of {listed(given, reading)}; {to_do(types)}"
    elif together.family.is_text and reading.collations.of(node).label is Label.CONFLICT:
        yield f"{said(node)} is one of texts of two collations, which the server refuses: write {COLLATE} on each"


def case_when(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge CASE."""
    branches = node.args["ifs"]
    if node.this is not None:
        yield from compared(node, [node.this, *(branch.this for branch in branches)], reading)
    yield from one_of(
        node, [*(branch.args["true"] for branch in branches), node.args.get("default")], reading
    )


def if_else(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge IIF, and the branches of CASE."""
    if not isinstance(node.parent, exp.Case):
        yield from one_of(node, [node.args.get("true"), node.args.get("false")], reading)
        yield from condition(node, reading)
    elif node.parent.this is None:
        yield from condition(node, reading)


def coalesce(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge COALESCE and ISNULL."""
    branches = [node.this, *node.expressions]
    yield from one_of(node, branches, reading)
    first = reading.kinds.of(node.this)
    both = unified(map(reading.kinds.of, branches))
    if node.args.get("is_null") and first != NULL and both not in (first, UNKNOWN):
        yield f"{said(node)}: ISNULL makes the second what the first is; write COALESCE"
    elif node.args.get("is_null") and first.family.is_text:
        yield f"{said(node)}: ISNULL cuts a text to the length of the first; write COALESCE"


def cast(node: exp.Cast, reading: Reading) -> Iterator[str]:
    """Judge CAST, from kind to kind."""
    if is_wrapper(node) and isinstance(node.parent, exp.Length | exp.Left | exp.Right):
        return
    source, to = reading.kinds.of(node.this), of_type(node.to)
    if to == UNKNOWN:
        allowed = "nvarchar(n), int, bigint, decimal(p,s), bit, date or datetime"
        yield f"{said(node)}: {said(node.to)} is not allowed; cast to {allowed}"
    elif to == TEXT:
        yield from _cast_to_text(node, source)
    elif source != NULL and not _is_exact(source, to):
        yield f"{said(node)} makes {said(node.to)} of {digits(source)}; {_INSTEAD_OF_CAST[to.family]}"


_INSTEAD_OF_CAST = {
    **dict.fromkeys(
        (Family.WHOLE, Family.DECIMAL), "that may cut, round or not be read: give it out as it is"
    ),
    Family.FLAG: "write CASE WHEN … THEN 1 ELSE 0 END",
    **dict.fromkeys(
        (Family.DATE, Family.MOMENT, Family.FINE_MOMENT),
        "texts are read by the session's language, and fractions of a second rounded: write DATEFROMPARTS(…)",
    ),
}


def _is_exact(source: SqlType, to: SqlType) -> bool:
    """Whether a cast neither cuts nor rounds, and nothing has to be read."""
    match to.family:
        case Family.WHOLE | Family.DECIMAL:
            fits = source.is_literal or source.whole_digits <= to.whole_digits
            return source.family.is_number and source.scale <= to.scale and fits
        case Family.FLAG:
            return source.family in (Family.FLAG, Family.WHOLE)
        case Family.FINE_MOMENT:
            return source in (DATE, FINE_MOMENT)
        case _:
            return source in (DATE, MOMENT)


def _cast_to_text(node: exp.Cast, given: SqlType) -> Iterator[str]:
    kind, digits = node.to.this, node.to.expressions
    if kind is not _T.NVARCHAR and not (kind is _T.VARCHAR and given.family is Family.WHOLE):
        yield f"{said(node)}: {node.to.sql('tsql')} pads a text or loses letters; write nvarchar(n)"
    elif not digits:
        yield f"{said(node)}: without a length it is cut after 30 characters; write nvarchar(n)"
    elif digits[0].name.isdigit() and not 0 < int(digits[0].name) <= _LONGEST_TEXT:
        yield f"{said(node)}: the server has texts of 1 to {_LONGEST_TEXT} characters; write nvarchar(n), or nvarchar(max)"
    elif given.family is Family.WHOLE:
        if digits[0].name.isdigit() and int(digits[0].name) < _SHORTEST_TEXT.get(given.precision, 20):
            yield f"{said(node)}: too short for every number of its kind; write nvarchar(20)"
    elif not given.family.is_text and given != NULL:
        yield f"{said(node)}: how {given.family} is written as a text differs; {to_do([given])}"


def of_day(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge YEAR, MONTH, DAY and EOMONTH."""
    inner = node.this
    while isinstance(inner, exp.TsOrDsToDate | exp.TimeStrToTime):
        inner = inner.this
    if isinstance(node, exp.LastDay) and isinstance(inner, exp.DateAdd):
        return
    kind = reading.kinds.of(inner)
    if kind not in (DATE, MOMENT, NULL):
        yield f"{said(inner)} is read as a day and is {kind.family}; {to_do([kind])}"


def date_from_parts(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge DATEFROMPARTS."""
    for part in ("year", "month", "day"):
        kind = reading.kinds.of(node.args[part])
        if kind.family is not Family.WHOLE:
            yield f"{said(node)}: {part} is {kind.family}, not a whole number"
    year = number_of(node.args["year"])
    if year is not None and year < _FIRST_YEAR:
        yield f"{said(node)} is before {_FIRST_YEAR}, where datetimes begin: the server cannot compare it with one"


def date_add(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge DATEADD."""
    unit, kind = node.args["unit"].name.upper(), reading.kinds.of(node.this)
    allowed = _DATE_UNITS | {"WEEK"} if kind == DATE else _DATE_UNITS | _TIME_UNITS | {"WEEK"}
    if kind not in (DATE, MOMENT) or unit not in allowed:
        parts = ", ".join(sorted(allowed)).lower()
        yield f"{said(node)}: {parts}, each written in full, are what can be added to {kind.family}"
    if reading.kinds.of(node.expression).family is not Family.WHOLE:
        yield f"{said(node)}: how many is a whole number"


def date_diff(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge DATEDIFF."""
    unit = node.args["unit"].name.upper()
    if unit not in _DATE_UNITS | _TIME_UNITS:
        what = "weeks begin on Sunday there and elsewhere not, and smaller parts than seconds are not exact"
        yield f"{said(node)}: {what}; write day, month, quarter or year, hour, minute or second, in full"
    for side in (node.this, node.expression):
        inner = side.this if isinstance(side, exp.TimeStrToTime) else side
        kind = reading.kinds.of(inner)
        if kind not in (DATE, MOMENT):
            yield f"{said(node)}: {said(inner)} is {kind.family}, not a day or a datetime; {to_do([kind])}"


def literal(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge a number or a text as written."""
    if "\\\n" in node.name.replace("\r", ""):
        yield f"{said(node)}: the server joins the lines of a text behind a backslash; write it in one line"
    if node.args.get("is_string") and not node.name.isascii():
        yield f"{said(node)}: without N the server reads it by the code page of the database; write N{said(node)}"
    if not node.args.get("is_string") and reading.kinds.of(node) == UNKNOWN:
        yield f"{said(node)}, a number in floating point: write its digits"


def is_null(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge IS NULL."""
    if not isinstance(node.expression, exp.Null):
        yield f"{said(node)}: IS is for NULL"
    if reading.kinds.of(node.this) == CONDITION:
        yield f"{said(node)}: a condition is no value"


def condition(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Hold what decides to conditions: SQL Server has no values that are true."""
    for part in ("this", "on") if isinstance(node, exp.Join) else ("this", "expression"):
        side = node.args.get(part)
        if isinstance(node, exp.Join) and part == "this":
            continue
        if side is not None and reading.kinds.of(side.unnest()) != CONDITION:
            yield f"{said(side)} stands as a condition and is none; write {said(side)} = 1"
