"""How refusals are worded: what stands there, what it is, and what to write instead."""

from collections.abc import Iterable

from sqlglot import exp

from cpg1_assets.sources.kinds import Family, SqlType
from cpg1_assets.sources.reading import Reading


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


def is_count(node: exp.Expr | None) -> bool:
    """Whether a number of 0 or more is written out."""
    number = number_of(node)
    return number is not None and number >= 0


def said(node: exp.Expr, most: int = 90) -> str:
    """Write an expression in a line, the beginning of it where it is long."""
    text = " ".join(node.sql("tsql").split())
    return text if len(text) <= most else text[: most - 1] + "…"


def to_do(types: Iterable[SqlType]) -> str:
    """Say what to write instead of what mixes these kinds."""
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


def digits(one: SqlType) -> str:
    """Name a kind, a decimal by its digits."""
    return f"decimal({one.precision},{one.scale})" if one.family is Family.DECIMAL else str(one.family)


def listed(nodes: Iterable[exp.Expr], reading: Reading) -> str:
    """Name the kinds of several expressions."""
    return " and ".join(dict.fromkeys(digits(reading.kinds.of(node)) for node in nodes))
