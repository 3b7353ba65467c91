"""The gate of the dialect seam: what in a T-SQL query would mean one thing on SQL Server and another on the books.

What a query may be made of is listed in `allowed`; here is what may stand beside what. Nothing passes that is
not known: a comparison of kinds between which SQL Server converts by rules of its own, a text that compares by a
collation nobody wrote, a cast that cuts or rounds, a column that no table has. Each refusal says what to write.
"""

from collections.abc import Callable, Iterable, Iterator

from sqlglot import exp

from cpg1_assets.sources.allowed import Refusal, line_of, shapes_refused, words_refused
from cpg1_assets.sources.collations import Case, Collation, Label
from cpg1_assets.sources.kinds import (
    COMPANY,
    CONDITION,
    DATE,
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
from cpg1_assets.sources.query import BINARY_COLLATION, tokens_of
from cpg1_assets.sources.reading import Reading
from cpg1_assets.sources.texts import Blanks

_COLLATE = f"COLLATE {BINARY_COLLATION}"
_ORDERINGS = (exp.LT, exp.LTE, exp.GT, exp.GTE)
_T = exp.DataType.Type
_SHORTEST_TEXT = {10: 11, 19: 20, 5: 6, 3: 3}
"""Digits of a whole number, and how long a text of it may be with its sign."""
_DATE_UNITS = {"DAY", "MONTH", "QUARTER", "YEAR"}
_TIME_UNITS = {"HOUR", "MINUTE", "SECOND"}


def refusals(text: str, tree: exp.Expr, reading: Reading) -> list[Refusal]:
    """Give everything in the query `text`, parsed as `tree`, that the books would answer differently, line by line."""
    found = [*words_refused(tokens_of(text)), *shapes_refused(tree)]
    if not found:
        for node in tree.walk():
            for rule in _RULES.get(type(node), ()):
                found += ((line_of(node), what) for what in rule(node, reading))
    return sorted(set(found))


def _comparison(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Hold what is compared to kinds that compare alike, and texts to a collation that is written."""
    yield from _compared(node, [node.this, node.expression], reading)


def _between(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _compared(node, [node.this, node.args["low"], node.args["high"]], reading)


def _in(node: exp.Expr, reading: Reading) -> Iterator[str]:
    query = node.args.get("query")
    yield from _compared(node, [node.this, *([query] if query is not None else node.expressions)], reading)


def _null_if(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _compared(node, [node.this, node.expression], reading)


def _case(node: exp.Expr, reading: Reading) -> Iterator[str]:
    branches = node.args["ifs"]
    if node.this is not None:
        yield from _compared(node, [node.this, *(branch.this for branch in branches)], reading)
    yield from _one_of(
        node, [*(branch.args["true"] for branch in branches), node.args.get("default")], reading
    )


def _compared(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    types = [reading.kinds.of(side) for side in sides]
    families = {one.family for one in types}
    if Family.NULL in families:
        yield f"{_said(node)}: nothing is equal to NULL; write IS NULL"
    elif Family.FLAG in families and families != {Family.FLAG}:
        others = [side for side, one in zip(sides, types, strict=True) if one != FLAG]
        if not all(isinstance(other, exp.Literal) and other.name in ("0", "1") for other in others):
            yield f"{_said(node)}: a flag is compared with 0, with 1 or with another flag"
    elif (together := unified(types)) == UNKNOWN or together.rounds or together == CONDITION:
        yield f"{_said(node)} compares {_listed(sides, reading)}; {_to_do(types)}"
    elif Family.COMPANY in families:
        yield from _companies(node, sides, reading)
    elif together == TEXT:
        yield from _texts_compared(node, sides, reading)


def _companies(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    """A company code is folded by the seam; beside it stands another, or a value that names one."""
    for side in sides:
        if isinstance(side.unnest(), exp.Collate) and reading.is_company(side.unnest().this):
            continue  # refused where it stands
        if not reading.is_company(side) and reading.collations.of(side).label is not Label.FIXED:
            yield (
                f"{_said(node)} compares a company code with another text: a company code compares with company "
                f"codes and fixed values, or write UPPER(…) {_COLLATE} on both sides"
            )


def _texts_compared(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    collations = [reading.collations.of(side) for side in sides]
    label = max(one.label for one in collations)
    labels = {one.label for one in collations}
    if label is Label.CONFLICT or (label is Label.BINARY and Label.OWN in labels):
        yield f"{_said(node)} compares texts of two collations, which the server refuses: write {_COLLATE} on a side"
    elif label in (Label.BINARY, Label.WRITTEN):
        return
    elif isinstance(node, (*_ORDERINGS, exp.Between)):
        yield f"{_said(node)} puts texts in order by a collation nobody wrote: write {_COLLATE} on a side"
    elif not (_are_fixed_apart(collations) or _is_folded(collations) or _stands_beside_binary(node)):
        yield (
            f"{_said(node)} compares texts by a collation nobody wrote: write UPPER(LTRIM(RTRIM(…))) = 'VALUE' with a "
            f"fixed value in capitals, or {_COLLATE} on a side"
        )


def _are_fixed_apart(collations: list[Collation]) -> bool:
    """Whether nothing but written values meet, in ASCII, and no two of them are told apart by case alone."""
    values = [one.fixed for one in collations]
    if any(one is None for one in values):
        return False
    texts = {text.rstrip(" ") for fixed in values if fixed is not None for text in fixed}
    return all(map(str.isascii, texts)) and len({text.upper() for text in texts}) == len(texts)


def _is_folded(collations: list[Collation]) -> bool:
    """Whether columns are folded and meet only fixed values that are written so, or are asked whether they are empty."""
    fixed = [one for one in collations if one.label is Label.FIXED]
    others = [one for one in collations if one.label is not Label.FIXED]
    if len(others) == 1 and all(one.fixed == frozenset([""]) for one in fixed):
        return True
    return len(others) <= 1 and bool(frozenset[Case].intersection(*(one.cases for one in collations)))


def _stands_beside_binary(node: exp.Expr) -> bool:
    """Whether the same is asked beside it, with AND, under a binary collation: then this one decides nothing."""
    if not isinstance(node, exp.EQ | exp.In):
        return False
    top: exp.Expr = node
    while isinstance(top.parent, exp.And | exp.Paren):
        top = top.parent
    plain = _without_collations(node)
    return any(
        other is not node
        and type(other) is type(node)
        and other.find(exp.Collate)
        and _without_collations(other) == plain
        for other in _all_of(top)
    )


def _all_of(condition: exp.Expr) -> Iterator[exp.Expr]:
    match condition:
        case exp.And():
            yield from _all_of(condition.this)
            yield from _all_of(condition.expression)
        case exp.Paren():
            yield from _all_of(condition.this)
        case _:
            yield condition


def _without_collations(node: exp.Expr) -> exp.Expr:
    plain: exp.Expr = node.copy().transform(
        lambda below: below.this if isinstance(below, exp.Collate) else below
    )
    return plain


def _each_text(place: exp.Expr, reading: Reading, what: str, *, in_order: bool) -> Iterator[str]:
    """Hold a text that meets other rows' values of itself to a binary collation."""
    kind = reading.kinds.of(place)
    if kind.family in (Family.UNKNOWN, Family.CONDITION):
        yield f"{what} {_said(place)}, which is {kind.family}; {_to_do([kind])}"
    elif kind == TEXT:
        collation = reading.collations.of(place)
        if not collation.is_binary and (in_order or not _are_fixed_apart([collation])):
            yield f"{what} the text {_said(place)} by a collation nobody wrote: write {_said(place)} {_COLLATE}"


def _order(node: exp.Expr, reading: Reading) -> Iterator[str]:
    for ordered in node.expressions:
        place = ordered.this
        if isinstance(place, exp.Literal) and isinstance(node.parent, exp.Query):
            outputs = node.parent.selects
            if not (place.is_int and 0 < int(place.name) <= len(outputs)):
                yield f"ORDER BY {_said(place)}: order by a column or its place"
                continue
            place = outputs[int(place.name) - 1]
        elif isinstance(place, exp.Literal | exp.Null | exp.Subquery):
            yield f"ORDER BY {_said(place)}: order by a column that tells rows apart"
            continue
        yield from _each_text(place, reading, "ORDER BY sorts", in_order=True)
    if isinstance(node.parent, exp.Query) and node.parent.parent is not None:
        if not node.parent.args.get("limit"):
            yield "ORDER BY in a subquery without TOP, which the server refuses: remove it"


def _group(node: exp.Expr, reading: Reading) -> Iterator[str]:
    for key in node.expressions:
        if key.find(exp.Column) is None:
            yield f"GROUP BY {_said(key)}: the server groups by columns, not by their place or a value"
        elif key.find(exp.Query, exp.AggFunc):
            yield f"GROUP BY {_said(key)}: the server does not group by a subquery or a sum"
        yield from _each_text(key, reading, "GROUP BY groups", in_order=False)


def _window(node: exp.Expr, reading: Reading) -> Iterator[str]:
    function, order, spec = node.this, node.args.get("order"), node.args.get("spec")
    for place in node.args.get("partition_by") or ():
        yield from _each_text(place, reading, "PARTITION BY groups", in_order=False)
    needs_order = isinstance(
        function,
        exp.RowNumber | exp.Rank | exp.DenseRank | exp.Lag | exp.Lead | exp.FirstValue | exp.LastValue,
    )
    if needs_order and order is None:
        yield f"{_said(node)} without ORDER BY: which row is the first would be chance"
    if not needs_order and not isinstance(function, exp.Sum | exp.Count | exp.Min | exp.Max):
        yield f"{_said(node)}: OVER does not belong there"
    if function.find(exp.Distinct):
        yield f"{_said(node)}: the server has no DISTINCT over a window"
    if spec is not None:
        frame = tuple(spec.args.get(part) for part in ("kind", "start", "start_side", "end", "end_side"))
        if frame not in _FRAMES:
            yield f"{_said(node)}: a frame is ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW or UNBOUNDED FOLLOWING"


_FRAMES = {
    ("ROWS", "UNBOUNDED", "PRECEDING", "CURRENT ROW", None),
    ("ROWS", "UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING"),
}


def _over_window(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    if not isinstance(node.parent, exp.Window):
        yield f"{_said(node)} without OVER (…)"


def _lag(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _over_window(node, reading)
    offset, default = node.args.get("offset"), node.args.get("default")
    if offset is not None and not _is_count(offset):
        yield f"{_said(node)}: how far is a whole number, written out"
    if default is not None:
        yield from _one_of(node, [node.this, default], reading)


def _least(node: exp.Expr, reading: Reading) -> Iterator[str]:
    name = node.key.upper()
    if reading.kinds.of(node.this) == FLAG:
        yield f"{name} of a flag, which the server refuses: write {name}(CASE WHEN … = 1 THEN 1 ELSE 0 END)"
    yield from _each_text(node.this, reading, f"{name} compares", in_order=True)


def _sum(node: exp.Expr, reading: Reading) -> Iterator[str]:
    kind = reading.kinds.of(node.this)
    if isinstance(node.this, exp.Distinct):
        yield f"{_said(node)}: sum the rows of a subquery that are distinct"
    elif not kind.family.is_number or kind.rounds:
        yield f"{_said(node)} is a sum of {_said(node.this)}, which is {kind.family}; {_to_do([kind])}"


def _count(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if isinstance(node.this, exp.Distinct):
        if len(node.this.expressions) != 1:
            yield f"{_said(node)}: count one column"
        for place in node.this.expressions:
            yield from _each_text(place, reading, "COUNT compares", in_order=False)
    elif not isinstance(node.this, exp.Star) and reading.kinds.of(node.this) == CONDITION:
        yield f"{_said(node)}: a condition is no value"


def _sum_or_difference(node: exp.Expr, reading: Reading) -> Iterator[str]:
    sides = [node.this, node.expression]
    types = [reading.kinds.of(side) for side in sides]
    families = {one.family for one in types}
    if isinstance(node, exp.Add) and families <= {Family.TEXT, Family.COMPANY, Family.NULL}:
        yield from _put_together(node, sides, reading)
        return
    if not families <= {Family.WHOLE, Family.DECIMAL, Family.NULL} or families == {Family.NULL}:
        yield f"{_said(node)} reckons with {_listed(sides, reading)}; {_to_do(types)}"
    elif reading.kinds.of(node).rounds:
        digits = " and ".join(_digits(one) for one in types)
        yield f"{_said(node)}: of {digits} the server keeps fewer places than there are; give both out"


def _remainder(node: exp.Expr, reading: Reading) -> Iterator[str]:
    by = number_of(node.expression)
    if reading.kinds.of(node.this).family is not Family.WHOLE or not by or by < 0:
        yield f"{_said(node)}: % is for a whole number, by a number written out that is not 0"


def _sign(node: exp.Expr, reading: Reading) -> Iterator[str]:
    kind = reading.kinds.of(node.this)
    if not kind.family.is_number:
        yield f"{_said(node)} of {_said(node.this)}, which is {kind.family}; {_to_do([kind])}"


def _one_of(node: exp.Expr, branches: Iterable[exp.Expr | None], reading: Reading) -> Iterator[str]:
    """Hold what may stand for one another to one kind."""
    given = [branch for branch in branches if branch is not None]
    types = [reading.kinds.of(branch) for branch in given]
    together = unified(types)
    if together == NULL:
        yield f"{_said(node)} can only be NULL, which the server refuses: write CAST(NULL AS …)"
    elif together in (UNKNOWN, CONDITION) or together.rounds:
        yield f"{_said(node)} is one of {_listed(given, reading)}; {_to_do(types)}"
    elif together == TEXT and reading.collations.of(node).label is Label.CONFLICT:
        yield f"{_said(node)} is one of texts of two collations, which the server refuses: write {_COLLATE} on each"


def _if(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if not isinstance(node.parent, exp.Case):
        yield from _one_of(node, [node.args.get("true"), node.args.get("false")], reading)
        yield from _condition(node, reading)
    elif node.parent.this is None:
        yield from _condition(node, reading)


def _coalesce(node: exp.Expr, reading: Reading) -> Iterator[str]:
    branches = [node.this, *node.expressions]
    yield from _one_of(node, branches, reading)
    first = reading.kinds.of(node.this)
    if node.args.get("is_null") and first != NULL and unified(map(reading.kinds.of, branches)) != first:
        yield f"{_said(node)}: ISNULL makes the second what the first is; write COALESCE"
    elif node.args.get("is_null") and first.family.is_text:
        yield f"{_said(node)}: ISNULL cuts a text to the length of the first; write COALESCE"


def _put_together(node: exp.Expr, parts: list[exp.Expr], reading: Reading) -> Iterator[str]:
    """Hold the parts of a text to texts and whole numbers: how others are written is the server's business."""
    allowed = {Family.TEXT, Family.COMPANY, Family.NULL}
    if isinstance(node, exp.Concat | exp.ConcatWs):
        allowed.add(Family.WHOLE)
    for part in parts:
        kind = reading.kinds.of(part)
        if kind.family not in allowed:
            yield f"{_said(node)} puts {_said(part)} into a text, which is {kind.family}; {_to_do([kind])}"
    if reading.collations.of(node).label is Label.CONFLICT:
        yield f"{_said(node)} puts texts of two collations together, which the server refuses: write {_COLLATE} on each"


def _concat(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _put_together(node, node.expressions, reading)
    least = 3 if isinstance(node, exp.ConcatWs) else 2
    if len(node.expressions) < least:
        yield f"{_said(node)}: the server wants two values or more"
    if isinstance(node, exp.ConcatWs) and not isinstance(node.expressions[0], exp.Literal | exp.National):
        yield f"{_said(node)}: what stands between the values is written out"


def _text_function(node: exp.Expr, reading: Reading) -> Iterator[str]:
    kind = reading.kinds.of(node.this)
    # sqlglot wraps what LEN and LEFT take in a cast of its own.
    inner = node.this.this if _is_wrapper(node.this) else node.this
    kind = reading.kinds.of(inner)
    if not kind.family.is_text and kind != NULL:
        yield f"{_said(node)} of {_said(inner)}, which is {kind.family}; {_to_do([kind])}"


def _is_wrapper(node: exp.Expr) -> bool:
    return isinstance(node, exp.Cast) and node.to.this is _T.TEXT


def _folding(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _text_function(node, reading)
    name = node.key.upper()
    if reading.kinds.of(node.this) == TEXT and reading.collations.of(node.this).is_binary:
        yield (
            f"{_said(node)} folds a text that has a binary collation already, by which a server may fold other letters: "
            f"write {name}(…) {_COLLATE}, and in a subquery fold before the collation is given"
        )


def _left(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _text_function(node, reading)
    if not _is_count(node.expression):
        yield f"{_said(node)}: how many characters is a number written out, 0 or more"


def _substring(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _text_function(node, reading)
    start, length = node.args.get("start"), node.args.get("length")
    if number_of(start) is None or not _is_count(length):
        yield f"{_said(node)}: start and length are numbers written out, the length 0 or more"


def _searched(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """CHARINDEX: where a fixed text stands in another."""
    yield from _text_function(node, reading)
    sought, inside = node.args["substr"], reading.collations.of(node.this)
    if not isinstance(sought, exp.Literal | exp.National) or not sought.name:
        yield f"{_said(node)}: what is looked for is a text written out, and not empty"
    elif not inside.is_binary and not _is_folded([inside, reading.collations.of(sought)]):
        yield (
            f"{_said(node)} looks for a text by a collation nobody wrote: write CHARINDEX('VALUE', UPPER(…)) with capitals, "
            f"or CHARINDEX('value', … {_COLLATE})"
        )


def _replaced(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _text_function(node, reading)
    sought = node.expression
    if not isinstance(sought, exp.Literal | exp.National) or not sought.name:
        yield f"{_said(node)}: what is replaced is a text written out, and not empty"
    elif not reading.collations.of(node.this).is_binary:
        yield f"{_said(node)} looks for a text by a collation nobody wrote: write REPLACE(… {_COLLATE}, …)"
    replacement = node.args.get("replacement")
    if replacement is None or not reading.kinds.of(replacement).family.is_text:
        yield f"{_said(node)}: what is put in its place is a text"


def _like(node: exp.Expr, reading: Reading) -> Iterator[str]:
    yield from _text_function(node, reading)
    pattern, side = node.expression, reading.collations.of(node.this)
    if not isinstance(pattern, exp.Literal | exp.National):
        yield f"{_said(node)}: a LIKE pattern is written out"
        return
    if "[" in pattern.name or "]" in pattern.name:
        yield f"{_said(node)}: a LIKE pattern with [ ] has no equal; write several LIKE with OR, or ESCAPE"
    if pattern.name.endswith(" ") or not (
        pattern.name.endswith("%") or reading.texts.of(node.this) is Blanks.NONE
    ):
        yield f"{_said(node)}: blanks at the end of a text count in some LIKE and not in others; write RTRIM(…) LIKE, or end in %"
    if not side.is_binary and not _is_folded([side, reading.collations.of(pattern)]):
        yield (
            f"{_said(node)} compares texts by a collation nobody wrote: write UPPER(…) LIKE 'VALUE%' with a pattern in "
            f"capitals, or … {_COLLATE} LIKE"
        )


def _escape(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    sign, like = node.expression, node.this
    if (
        not isinstance(like, exp.Like)
        or not isinstance(sign, exp.Literal | exp.National)
        or len(sign.name) != 1
    ):
        yield f"{_said(node)}: ESCAPE is one character, written out"
        return
    rest = like.expression.name
    while sign.name in rest:
        following = rest.partition(sign.name)[2]
        if following[:1] not in ("%", "_", sign.name):
            yield f"{_said(node)}: behind the ESCAPE character stands %, _ or itself"
            return
        rest = following[1:]


def _collate(node: exp.Expr, reading: Reading) -> Iterator[str]:
    kind = reading.kinds.of(node.this)
    if kind == COMPANY and not isinstance(node.this.unnest(), exp.Upper | exp.Lower):
        yield (
            f"{_said(node)}: a company code is one company whatever its case; leave the collation out, or write "
            f"UPPER(…) {_COLLATE} on both sides"
        )
    elif not kind.family.is_text and kind != NULL:
        yield f"{_said(node)} is a collation of {kind.family}; {_to_do([kind])}"


def _cast(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if _is_wrapper(node):
        return
    assert isinstance(node, exp.Cast)
    given, to = reading.kinds.of(node.this), of_type(node.to)
    written = node.to.sql("tsql").upper()
    if to == UNKNOWN:
        yield f"{_said(node)}: {written} is not allowed; cast to nvarchar(n), int, bigint, decimal(p,s), bit, date or datetime"
    elif to == TEXT:
        yield from _cast_to_text(node, given)
    elif given == NULL or (given == to and to.family is not Family.DECIMAL):
        return
    elif to.family.is_number:
        if not given.family.is_number or given.scale > to.scale or given.whole_digits > to.whole_digits:
            yield f"{_said(node)} makes {written} of {_digits(given)}, which may cut, round or not be read; give it out as it is"
    elif to == FLAG:
        if given.family is not Family.WHOLE:
            yield f"{_said(node)} makes a flag of {given.family}; write CASE WHEN … THEN 1 ELSE 0 END"
    elif given.family is Family.TEXT:
        yield f"{_said(node)} reads a date by the session's language; write DATEFROMPARTS(year, month, day)"
    elif not (given in (DATE, MOMENT) and (to in (DATE, MOMENT) or given == DATE)):
        yield f"{_said(node)} makes {written} of {given.family}, which rounds; {_to_do([given])}"


def _cast_to_text(node: exp.Cast, given: SqlType) -> Iterator[str]:
    kind, digits = node.to.this, node.to.expressions
    if kind is not _T.NVARCHAR and not (kind is _T.VARCHAR and given.family is Family.WHOLE):
        yield f"{_said(node)}: {node.to.sql('tsql')} pads a text or loses letters; write nvarchar(n)"
    elif not digits:
        yield f"{_said(node)}: without a length it is cut after 30 characters; write nvarchar(n)"
    elif given.family is Family.WHOLE:
        if digits[0].name.isdigit() and int(digits[0].name) < _SHORTEST_TEXT.get(given.precision, 20):
            yield f"{_said(node)}: too short for every number of its kind; write nvarchar(20)"
    elif not given.family.is_text and given != NULL:
        yield f"{_said(node)}: how {given.family} is written as a text differs; {_to_do([given])}"


def _of_day(node: exp.Expr, reading: Reading) -> Iterator[str]:
    inner = node.this
    while isinstance(inner, exp.TsOrDsToDate | exp.TimeStrToTime):
        inner = inner.this
    if isinstance(node, exp.LastDay) and isinstance(inner, exp.DateAdd):
        return
    kind = reading.kinds.of(inner)
    if kind not in (DATE, MOMENT, NULL):
        yield f"{_said(inner)} is read as a day and is {kind.family}; {_to_do([kind])}"


def _date_from_parts(node: exp.Expr, reading: Reading) -> Iterator[str]:
    for part in ("year", "month", "day"):
        kind = reading.kinds.of(node.args[part])
        if kind.family is not Family.WHOLE:
            yield f"{_said(node)}: {part} is {kind.family}, not a whole number"


def _date_add(node: exp.Expr, reading: Reading) -> Iterator[str]:
    unit, kind = node.args["unit"].name.upper(), reading.kinds.of(node.this)
    allowed = _DATE_UNITS | {"WEEK"} if kind == DATE else _DATE_UNITS | _TIME_UNITS | {"WEEK"}
    if kind not in (DATE, MOMENT) or unit not in allowed:
        yield f"{_said(node)}: adds {', '.join(sorted(allowed)).lower()} to a day or a datetime; {_to_do([kind])}"
    if reading.kinds.of(node.expression).family is not Family.WHOLE:
        yield f"{_said(node)}: how many is a whole number"


def _date_diff(node: exp.Expr, reading: Reading) -> Iterator[str]:
    unit = node.args["unit"].name.upper()
    if unit not in _DATE_UNITS | _TIME_UNITS:
        yield f"{_said(node)}: SQL Server's weeks begin on Sunday, others not; write day, month, quarter or year"
    for side in (node.this, node.expression):
        inner = side.this if isinstance(side, exp.TimeStrToTime) else side
        kind = reading.kinds.of(inner)
        if kind not in (DATE, MOMENT):
            yield f"{_said(node)}: {_said(inner)} is {kind.family}, not a day or a datetime; {_to_do([kind])}"


def _condition(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Hold what decides to conditions: SQL Server has no values that are true."""
    for part in ("this", "on") if isinstance(node, exp.Join) else ("this", "expression"):
        side = node.args.get(part)
        if isinstance(node, exp.Join) and part == "this":
            continue
        if side is not None and reading.kinds.of(side.unnest()) != CONDITION:
            yield f"{_said(side)} stands as a condition and is none; write {_said(side)} = 1"


def _is_null(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if not isinstance(node.expression, exp.Null):
        yield f"{_said(node)}: IS is for NULL"
    if reading.kinds.of(node.this) == CONDITION:
        yield f"{_said(node)}: a condition is no value"


def _column(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if not isinstance(node.this, exp.Identifier):
        if not isinstance(node.this, exp.Star):
            yield f"{_said(node)}, which is not allowed: money is written 1.50"
        return
    assert isinstance(node, exp.Column)
    found = reading.columns.found(node)
    if found is None:
        yield f"{_said(node)} belongs to no table beside it: write it with the alias of its table"
    elif found == []:
        yield f"{_said(node)} is no column of the query it is taken from"


def _literal(node: exp.Expr, reading: Reading) -> Iterator[str]:
    if not node.args.get("is_string") and reading.kinds.of(node) == UNKNOWN:
        yield f"{_said(node)}, a number in floating point: write its digits"


def _table(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    parts = [part.name for part in node.parts] if isinstance(node, exp.Table) else []
    if not isinstance(node.this, exp.Identifier):
        yield f"{_said(node)}, which is no table"
    elif len(parts) == 1:
        here: exp.Expr | None = node
        while here is not None:
            with_ = here.args.get("with_")
            if with_ is not None and any(
                cte.alias.lower() == node.name.lower() and not _is_inside(node, cte)
                for cte in with_.expressions
            ):
                return
            here = here.parent
        yield f"{_said(node)} is neither a table by its three parts nor a query of the WITH before it"
    elif len(parts) != 3 or not all(parts):
        yield f"{_said(node)}: write a table by its three parts, [database].[schema].[table]"


def _is_inside(node: exp.Expr, outer: exp.Expr) -> bool:
    here: exp.Expr | None = node
    while here is not None and here is not outer:
        here = here.parent
    return here is outer


def _join(node: exp.Expr, reading: Reading) -> Iterator[str]:
    kind = str(node.args.get("kind") or "").upper()
    if kind not in ("", "INNER", "OUTER", "CROSS"):
        yield f"{kind} JOIN, which is not allowed"
    if kind != "CROSS" and node.args.get("on") is None:
        yield f"{_said(node)}: write INNER JOIN … ON, or CROSS JOIN"
    yield from _condition(node, reading)


def _select(node: exp.Expr, reading: Reading) -> Iterator[str]:
    limit = node.args.get("limit")
    if limit is not None:
        if number_of(limit.expression) is None:
            yield "TOP takes a number written out"
        if node.args.get("order") is None and number_of(limit.expression) != 0:
            yield "TOP without ORDER BY: which rows come would be chance"
    for column in node.expressions:
        if reading.kinds.of(column.unalias()) == CONDITION:
            yield f"{_said(column)}: a condition is no value; write CASE WHEN … THEN 1 ELSE 0 END"
        elif node.args.get("distinct"):
            yield from _each_text(column.unalias(), reading, "DISTINCT compares", in_order=False)
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.expressions:
        yield "DISTINCT ON, which SQL Server does not have"


def _set_operation(node: exp.Expr, reading: Reading) -> Iterator[str]:
    assert isinstance(node, exp.SetOperation)
    if not isinstance(node, exp.Union) and not node.args.get("distinct"):
        yield f"{node.key.upper()} ALL, which SQL Server does not have"
    if any(
        isinstance(side, exp.SetOperation) and type(side) is not type(node)
        for side in (node.this, node.expression)
    ):
        yield f"{node.key.upper()} beside another set operation without brackets: write brackets"
    width = len(node.left.selects)
    if len(node.right.selects) != width:
        yield f"{node.key.upper()} of queries with {width} and {len(node.right.selects)} columns"
        return
    for position in range(width):
        from_left, from_right = (
            reading.kinds.of_output(node.left, position),
            reading.kinds.of_output(node.right, position),
        )
        together = unified([from_left, from_right])
        name = node.left.selects[position].alias_or_name
        if (together == UNKNOWN and UNKNOWN not in (from_left, from_right)) or together.rounds:
            yield f"column {position + 1} ({name}) is {from_left.family} in one query and {from_right.family} in another; cast one"
        if node.args.get("distinct"):
            for query in (node.left, node.right):
                for column in query.selects[position : position + 1]:
                    yield from _each_text(
                        column.unalias(), reading, f"{node.key.upper()} compares", in_order=False
                    )


Rule = Callable[[exp.Expr, Reading], Iterator[str]]
_RULES: dict[type[exp.Expr], tuple[Rule, ...]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), (_comparison,)),
    exp.Between: (_between,),
    exp.In: (_in,),
    exp.Nullif: (_null_if,),
    exp.Case: (_case,),
    exp.If: (_if,),
    exp.Coalesce: (_coalesce,),
    exp.Like: (_like,),
    exp.Escape: (_escape,),
    exp.Is: (_is_null,),
    **dict.fromkeys((exp.Where, exp.Having, exp.And, exp.Or, exp.Not), (_condition,)),
    exp.Order: (_order,),
    exp.Group: (_group,),
    exp.Window: (_window,),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank, exp.FirstValue, exp.LastValue), (_over_window,)),
    **dict.fromkeys((exp.Lag, exp.Lead), (_lag,)),
    **dict.fromkeys((exp.Min, exp.Max), (_least,)),
    exp.Sum: (_sum,),
    exp.Count: (_count,),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), (_sum_or_difference,)),
    exp.Mod: (_remainder,),
    **dict.fromkeys((exp.Neg, exp.Abs), (_sign,)),
    **dict.fromkeys((exp.Concat, exp.ConcatWs), (_concat,)),
    **dict.fromkeys((exp.Trim, exp.Length), (_text_function,)),
    **dict.fromkeys((exp.Upper, exp.Lower), (_folding,)),
    **dict.fromkeys((exp.Left, exp.Right), (_left,)),
    exp.Substring: (_substring,),
    exp.StrPosition: (_searched,),
    exp.Replace: (_replaced,),
    exp.Collate: (_collate,),
    exp.Cast: (_cast,),
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.LastDay), (_of_day,)),
    exp.DateFromParts: (_date_from_parts,),
    exp.DateAdd: (_date_add,),
    exp.DateDiff: (_date_diff,),
    exp.Column: (_column,),
    exp.Literal: (_literal,),
    exp.Table: (_table,),
    exp.Join: (_join,),
    exp.Select: (_select,),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), (_set_operation,)),
}


def number_of(node: exp.Expr | None) -> int | None:
    """Give the whole number that is written, with its sign; None where something else is."""
    match node:
        case exp.Neg():
            number = number_of(node.this)
            return None if number is None else -number
        case exp.Literal() if node.is_int:
            return int(node.name)
        case _:
            return None


def _is_count(node: exp.Expr | None) -> bool:
    number = number_of(node)
    return number is not None and number >= 0


def _to_do(types: Iterable[SqlType]) -> str:
    families = {one.family for one in types}
    if Family.UNKNOWN in families:
        return "add the column to the source schema (sources/schema.py), or cast it"
    if any(one.rounds for one in types):
        return "give both out, and reckon in a rule"
    if Family.TEXT in families and families & {Family.DATE, Family.MOMENT}:
        return "write days with DATEFROMPARTS(year, month, day)"
    if Family.FLAG in families:
        return "write CASE WHEN … = 1 THEN 1 ELSE 0 END"
    if Family.CONDITION in families:
        return "a condition is no value; write CASE WHEN … THEN 1 ELSE 0 END"
    return "between these the server converts by rules of its own; write both as one kind"


def _digits(one: SqlType) -> str:
    return f"decimal({one.precision},{one.scale})" if one.family is Family.DECIMAL else str(one.family)


def _listed(nodes: Iterable[exp.Expr], reading: Reading) -> str:
    return " and ".join(dict.fromkeys(_digits(reading.kinds.of(node)) for node in nodes))


def _said(node: exp.Expr, most: int = 90) -> str:
    text = " ".join(node.sql("tsql").split())
    return text if len(text) <= most else text[: most - 1] + "…"
