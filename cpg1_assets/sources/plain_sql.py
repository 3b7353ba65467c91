"""A T-SQL query said so that another engine answers as SQL Server does, with the same types.

Everything here has been let in by the gate, so only what differs is changed: what a cast cuts, where a text
begins before its first character, how large a count is, which type a sum of days has. Blanks at the end of
texts that are compared are not settled here (`blanks`).
"""

from collections.abc import Callable

from sqlglot import exp

from cpg1_assets.sources.gate.texts import is_wrapper
from cpg1_assets.sources.gate.wording import number_of
from cpg1_assets.sources.kinds import DATE, INT, TEXT, Family, SqlType
from cpg1_assets.sources.reading import Reading

_BLANK = exp.Literal.string(" ")
_INT = exp.DataType.build("int")
_GIVE_INT = (exp.StrPosition, exp.Year, exp.Month, exp.Day, exp.Length, exp.DateDiff)
_FIXED = (exp.Literal, exp.National, exp.Parameter)
_BY_KIND = (exp.Literal, exp.Upper, exp.Add, exp.Mul, exp.Cast, exp.DateAdd, exp.Count, exp.Sum, exp.Window)
"""What is said by its kind, which is noted on it before anything changes, and stays with its copies."""
_KIND = "sql_type"
_NO_VALUE = SqlType(Family.UNKNOWN)
_CAPITAL_SHARP_S, _SHARP_S = "ẞ", "ß"


def said_plainly(tree: exp.Expr, reading: Reading, compare: Callable[[], None]) -> None:
    """Change `tree` itself; `compare` is run before, and settles what is compared."""
    for valued in tree.find_all(*_BY_KIND):
        valued.meta[_KIND] = reading.kinds.of(valued)
    compare()
    # Arguments before what holds them, so that a node is changed when what is in it is done.
    for node in reversed(list(tree.walk())):
        plain = _said(node, node.meta.get(_KIND, _NO_VALUE))
        if plain is not node:
            node.replace(plain)
    for trim in list(tree.find_all(exp.Trim)):
        if trim.expression is None:
            # DuckDB's own would also take no-break and other Unicode spaces.
            trim.set("expression", _BLANK.copy())


def _said(node: exp.Expr, kind: SqlType) -> exp.Expr:  # noqa: C901, PLR0911, PLR0912 - one line a construct
    match node:
        case exp.Collate():
            return _taken(node.this)
        case exp.National():
            return exp.Literal.string(node.name)
        case exp.Literal():
            return _number(node, kind)
        case exp.DataType() if node.is_type(exp.DataType.Type.BIT):
            # As a bit string, 1 would be 00000000000000000000000000000001.
            return exp.DataType.build("boolean")
        case exp.Upper() if kind == TEXT and not _meets_fixed_values(node):
            # SQL Server has no capital for it.
            return exp.Replace(
                this=node.copy(),
                expression=exp.Literal.string(_CAPITAL_SHARP_S),
                replacement=exp.Literal.string(_SHARP_S),
            )
        case exp.Left() | exp.Right() if is_wrapper(node.this):
            return type(node)(this=_taken(node.this.this), expression=_taken(node.expression))
        case exp.Length():
            # LEN does not count blanks at the end.
            inner = node.this.this if is_wrapper(node.this) else node.this
            return _as_int(exp.Length(this=exp.Trim(this=_taken(inner), position="TRAILING")))
        case exp.Substring():
            return _substring(node)
        case exp.Add() if kind == TEXT:
            left, right = map(_as_text, (node.this, node.expression))
            return exp.DPipe(this=left, expression=right, safe=False)
        case exp.Mul() if kind.family is Family.DECIMAL:
            return exp.cast(node.copy(), f"decimal({kind.precision}, {kind.scale})")
        case exp.Cast() if kind == TEXT and not is_wrapper(node):
            return _cut(node)
        case exp.Year() | exp.Month() | exp.Day():
            return _as_int(type(node)(this=_taken(_day(node.this))))
        case exp.DateDiff():
            sides = (exp.cast(_taken(_day(side)), "timestamp") for side in (node.this, node.expression))
            later, earlier = sides
            kept = exp.DateDiff(this=later, expression=earlier, unit=node.args["unit"].copy())
            return kept if node.args.get("big_int") else _as_int(kept)
        case exp.DateAdd() if kind == DATE:
            return exp.cast(node.copy(), "date")
        case exp.Count() | exp.Sum() if not isinstance(node.parent, exp.Window):
            return _sized(node, kind)
        case exp.Window() if isinstance(node.this, exp.Count | exp.Sum):
            return _sized(node, kind)
        case exp.StrPosition():
            return _as_int(node.copy())
        case _:
            return node


def _taken(node: exp.Expr) -> exp.Expr:
    """Take a node out of the tree it stands in."""
    taken: exp.Expr = node.copy()
    return taken


def _as_text(node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.null(), "text") if isinstance(node, exp.Null) else _taken(node)


def _as_int(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, _INT.copy())


def _sized(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """Give a count or sum the size it has on SQL Server, so that one too large is an error here too."""
    if kind.family is not Family.WHOLE:
        return node
    return exp.cast(_taken(node), "int" if kind.precision <= INT.precision else "bigint")


def _number(node: exp.Literal, kind: SqlType) -> exp.Expr:
    """Give a number the digits that SQL Server gives it: a whole one beyond an int is a decimal, and 0.5 has one."""
    if kind.family is not Family.DECIMAL or (kind.scale and kind.whole_digits):
        return node
    return exp.cast(_taken(node), f"decimal({kind.precision}, {kind.scale})")


def _substring(node: exp.Substring) -> exp.Expr:
    """Begin at the first character, with so much less of the length, where the start stands before it."""
    start, length = number_of(node.args["start"]), number_of(node.args["length"])
    if start is None or length is None or start >= 1:
        return node
    kept = max(length + start - 1, 0)
    return exp.Substring(this=_taken(node.this), start=exp.Literal.number(1), length=exp.Literal.number(kept))


def _cut(node: exp.Cast) -> exp.Expr:
    """Cut a text to the length it is cast to."""
    whole = exp.cast(_taken(node.this), "text")
    size = node.to.expressions[0].name
    return exp.Left(this=whole, expression=exp.Literal.number(size)) if size.isdigit() else whole


def _day(node: exp.Expr) -> exp.Expr:
    """Give what the parser has wrapped into a conversion of its own."""
    while isinstance(node, exp.TsOrDsToDate | exp.TimeStrToTime):
        node = node.this
    return node


def _meets_fixed_values(node: exp.Expr) -> bool:
    """Whether a text is compared with nothing but values in ASCII, so that no other letter of it matters."""
    top = node
    while isinstance(top.parent, exp.Paren | exp.Trim | exp.Collate | exp.Right | exp.Left):
        top = top.parent
    above = top.parent
    if not isinstance(above, exp.EQ | exp.NEQ | exp.In | exp.StrPosition | exp.Like):
        return False
    others = [
        side for side in above.iter_expressions() if side is not top and not isinstance(side, exp.Identifier)
    ]
    return bool(others) and all(isinstance(other, _FIXED) for other in others)
