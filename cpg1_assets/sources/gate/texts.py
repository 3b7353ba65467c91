"""What may be done with texts: functions whose answer depends on no collation that nobody wrote."""

from collections.abc import Iterator

from sqlglot import exp

from cpg1_assets.sources.collations import Label
from cpg1_assets.sources.gate.comparisons import COLLATE, is_folded
from cpg1_assets.sources.gate.wording import is_count, number_of, said, to_do
from cpg1_assets.sources.kinds import COMPANY, NULL, TEXT, Family
from cpg1_assets.sources.reading import Reading
from cpg1_assets.sources.texts import Blanks

_T = exp.DataType.Type


def text_function(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge a function that takes a text as its first argument."""
    kind = reading.kinds.of(node.this)
    # sqlglot wraps what LEN and LEFT take in a cast of its own.
    inner = node.this.this if is_wrapper(node.this) else node.this
    kind = reading.kinds.of(inner)
    if not kind.family.is_text and kind != NULL:
        yield f"{said(node)} of {said(inner)}, which is {kind.family}; {to_do([kind])}"


def is_wrapper(node: exp.Expr) -> bool:
    """Whether a cast is one that the parser wraps around what LEN and LEFT take."""
    return isinstance(node, exp.Cast) and node.to.this is _T.TEXT


def folding(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge UPPER and LOWER: a text is folded by its column's collation, so before it is given another."""
    yield from text_function(node, reading)
    name = node.key.upper()
    if reading.kinds.of(node.this) == TEXT and reading.collations.of(node.this).is_binary:
        yield (
            f"{said(node)} folds a text that has a binary collation already, by which a server may fold other letters: "
            f"write {name}(…) {COLLATE}, and in a subquery fold before the collation is given"
        )


def left(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge LEFT and RIGHT."""
    yield from text_function(node, reading)
    if not is_count(node.expression):
        yield f"{said(node)}: how many characters is a number written out, 0 or more"


def substring(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge SUBSTRING."""
    yield from text_function(node, reading)
    start, length = node.args.get("start"), node.args.get("length")
    if number_of(start) is None or not is_count(length):
        yield f"{said(node)}: start and length are numbers written out, the length 0 or more"


def searched(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge CHARINDEX: where a fixed text stands in another."""
    yield from text_function(node, reading)
    sought, inside = node.args["substr"], reading.collations.of(node.this)
    if not isinstance(sought, exp.Literal | exp.National) or not sought.name:
        yield f"{said(node)}: what is looked for is a text written out, and not empty"
    elif not inside.is_binary and not is_folded([inside, reading.collations.of(sought)]):
        yield (
            f"{said(node)} looks for a text by a collation nobody wrote: write CHARINDEX('VALUE', UPPER(…)) with capitals, "
            f"or CHARINDEX('value', … {COLLATE})"
        )


def replaced(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge REPLACE."""
    yield from text_function(node, reading)
    sought = node.expression
    if not isinstance(sought, exp.Literal | exp.National) or not sought.name:
        yield f"{said(node)}: what is replaced is a text written out, and not empty"
    elif not reading.collations.of(node.this).is_binary:
        yield f"{said(node)} looks for a text by a collation nobody wrote: write REPLACE(… {COLLATE}, …)"
    replacement = node.args.get("replacement")
    if replacement is None or not reading.kinds.of(replacement).family.is_text:
        yield f"{said(node)}: what is put in its place is a text"


def like(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge LIKE."""
    yield from text_function(node, reading)
    pattern, side = node.expression, reading.collations.of(node.this)
    if not isinstance(pattern, exp.Literal | exp.National):
        yield f"{said(node)}: a LIKE pattern is written out"
        return
    if "[" in pattern.name or "]" in pattern.name:
        yield f"{said(node)}: a LIKE pattern with [ ] has no equal; write several LIKE with OR, or ESCAPE"
    if pattern.name.endswith(" ") or not (
        pattern.name.endswith("%") or reading.texts.of(node.this) is Blanks.NONE
    ):
        what = "blanks at the end of a text count in some LIKE and not in others"
        yield f"{said(node)}: {what}; write RTRIM(…) LIKE, or end in %"
    if not side.is_binary and not is_folded([side, reading.collations.of(pattern)]):
        yield (
            f"{said(node)} compares texts by a collation nobody wrote: write UPPER(…) LIKE 'VALUE%' with a pattern in "
            f"capitals, or … {COLLATE} LIKE"
        )


def escape(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    """Judge LIKE … ESCAPE."""
    sign, like = node.expression, node.this
    if (
        not isinstance(like, exp.Like)
        or not isinstance(sign, exp.Literal | exp.National)
        or len(sign.name) != 1
    ):
        yield f"{said(node)}: ESCAPE is one character, written out"
        return
    rest = like.expression.name
    while sign.name in rest:
        following = rest.partition(sign.name)[2]
        if following[:1] not in ("%", "_", sign.name):
            yield f"{said(node)}: behind the ESCAPE character stands %, _ or itself"
            return
        rest = following[1:]


def collate(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge COLLATE."""
    kind = reading.kinds.of(node.this)
    if kind == COMPANY and not isinstance(node.this.unnest(), exp.Upper | exp.Lower):
        yield (
            f"{said(node)}: a company code is one company whatever its case; leave the collation out, or write "
            f"UPPER(…) {COLLATE} on both sides"
        )
    elif kind == TEXT and reading.holds_company(node.this):
        yield (
            f"{said(node)}: a company code in there is one company whatever its case; write UPPER(…) around the code, or "
            "around the whole before the collation"
        )
    elif not kind.family.is_text and kind != NULL:
        yield f"{said(node)} is a collation of {kind.family}; {to_do([kind])}"


def put_together(node: exp.Expr, parts: list[exp.Expr], reading: Reading) -> Iterator[str]:
    """Hold the parts of a text to texts and whole numbers: how others are written is the server's business."""
    allowed = {Family.TEXT, Family.COMPANY, Family.NULL}
    if isinstance(node, exp.Concat | exp.ConcatWs):
        allowed.add(Family.WHOLE)
    for part in parts:
        kind = reading.kinds.of(part)
        if kind.family not in allowed:
            yield f"{said(node)}: how {kind.family} is written as a text differs; put texts and whole numbers together"
    if reading.collations.of(node).label is Label.CONFLICT:
        yield f"{said(node)} puts texts of two collations together, which the server refuses: write {COLLATE} on each"


def concat(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge CONCAT and CONCAT_WS."""
    yield from put_together(node, node.expressions, reading)
    least = 3 if isinstance(node, exp.ConcatWs) else 2
    if len(node.expressions) < least:
        yield f"{said(node)}: the server wants two values or more"
    if isinstance(node, exp.ConcatWs) and not isinstance(node.expressions[0], exp.Literal | exp.National):
        yield f"{said(node)}: what stands between the values is written out"
