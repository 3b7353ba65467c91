"""What may be compared with what: one kind with its like, and texts by a collation or folding that is written."""

from collections.abc import Iterator

from sqlglot import exp

from cpg1_assets.sources.collations import Case, Collation, Label, together
from cpg1_assets.sources.gate.wording import listed, said, to_do
from cpg1_assets.sources.kinds import CONDITION, FLAG, NULL, TEXT, UNKNOWN, Family, unified
from cpg1_assets.sources.query import BINARY_COLLATION
from cpg1_assets.sources.reading import Reading

COLLATE = f"COLLATE {BINARY_COLLATION}"
_ORDERINGS = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


def compared(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    """Hold what is compared to kinds that compare alike, and texts to a collation that is written."""
    types = [reading.kinds.of(side) for side in sides]
    families = {one.family for one in types}
    if any(isinstance(side.unnest(), exp.Null) for side in sides):
        yield f"{said(node)}: nothing is equal to NULL; write IS NULL"
    elif Family.FLAG in families:
        others = [side for side, one in zip(sides, types, strict=True) if one not in (FLAG, NULL)]
        if not all(isinstance(other, exp.Literal) and other.name in ("0", "1") for other in others):
            yield f"{said(node)}: a flag is compared with 0, with 1 or with another flag"
    elif (both := unified(types)) == UNKNOWN or both.rounds or both == CONDITION:
        yield f"{said(node)} compares {listed(sides, reading)}; {to_do(types)}"
    elif Family.COMPANY in families:
        yield from _companies(node, sides, reading)
    elif both == TEXT:
        yield from _texts_compared(node, sides, reading)


def _companies(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    """Hold what stands beside a company code to another, or to a value that names one."""
    if isinstance(node, _ORDERINGS):
        yield f"{said(node)} puts company codes in order, which is the server's by its collation: compare them with ="
    if together(map(reading.collations.of, sides)).label is Label.CONFLICT:
        yield (
            f"{said(node)} compares company codes of two databases, whose collations may differ (error 468): write "
            f"UPPER(…) {COLLATE} on both sides"
        )
    for side in sides:
        if isinstance(side.unnest(), exp.Collate) and reading.is_company(side.unnest().this):
            continue  # refused where it stands
        if not reading.is_company(side) and reading.collations.of(side).label is not Label.FIXED:
            yield (
                f"{said(node)} compares a company code with another text: a company code compares with company "
                f"codes and fixed values, or write UPPER(…) {COLLATE} on both sides"
            )


def _texts_compared(node: exp.Expr, sides: list[exp.Expr], reading: Reading) -> Iterator[str]:
    collations = [reading.collations.of(side) for side in sides]
    label = together(collations).label
    if label is Label.CONFLICT:
        yield f"{said(node)} compares texts of two collations, which the server refuses: write {COLLATE} on a side"
    elif label in (Label.BINARY, Label.WRITTEN):
        if any(not isinstance(side.unnest(), exp.Collate) and reading.holds_company(side) for side in sides):
            yield (
                f"{said(node)}: a company code in there is one company whatever its case; write UPPER(…) around the code"
            )
    elif isinstance(node, (*_ORDERINGS, exp.Between)):
        yield f"{said(node)} puts texts in order by a collation nobody wrote: write {COLLATE} on a side"
    elif not (are_fixed_apart(collations) or is_folded(collations) or _stands_beside_binary(node)):
        yield (
            f"{said(node)} compares texts by a collation nobody wrote: write UPPER(LTRIM(RTRIM(…))) = 'VALUE' with a "
            f"fixed value in capitals, or {COLLATE} on a side"
        )


def are_fixed_apart(collations: list[Collation]) -> bool:
    """Whether nothing but written values meet, in ASCII, and no two of them are told apart by case alone."""
    values = [one.fixed for one in collations]
    if any(one is None for one in values):
        return False
    texts = {text.rstrip(" ") for fixed in values if fixed is not None for text in fixed}
    return all(map(str.isascii, texts)) and len({text.upper() for text in texts}) == len(texts)


def is_folded(collations: list[Collation]) -> bool:
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


def each_text(place: exp.Expr, reading: Reading, what: str, *, in_order: bool) -> Iterator[str]:
    """Hold a text that meets other rows' values of itself to a binary collation."""
    kind = reading.kinds.of(place)
    if kind.family in (Family.UNKNOWN, Family.CONDITION):
        yield f"{what} {said(place)}, which is {kind.family}; {to_do([kind])}"
    elif kind == TEXT:
        collation = reading.collations.of(place)
        if not collation.is_binary and (in_order or not are_fixed_apart([collation])):
            yield f"{what} the text {said(place)} by a collation nobody wrote: write {said(place)} {COLLATE}"


def comparison(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge =, <>, <, <=, > and >=."""
    yield from compared(node, [node.this, node.expression], reading)


def between(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge BETWEEN."""
    yield from compared(node, [node.this, node.args["low"], node.args["high"]], reading)


def in_list(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge IN, of a list or of a subquery."""
    query = node.args.get("query")
    yield from compared(node, [node.this, *([query] if query is not None else node.expressions)], reading)


def null_if(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge NULLIF, which compares."""
    yield from compared(node, [node.this, node.expression], reading)
