"""Blanks at the end of a text, as SQL Server compares: it ignores them, under binary collations too.

The rule is its padding: `=`, `<>`, `<`, `>`, BETWEEN, IN, NULLIF and CASE, joins, DISTINCT, GROUP BY,
PARTITION BY, ORDER BY, MIN and MAX take 'A' and 'A ' for one text. LIKE, LEN, DATALENGTH and what is put
together are not comparisons. Other engines compare exactly, so here a text is trimmed wherever it is
compared, and nowhere else: what is only given out stays as it was written.

Of texts that differ in blanks only a grouping gives out one, and which one is the server's choice. The seam
gives the trimmed one; `chosen_outputs` names such columns, so that a query can be refused until it says
`RTRIM(…)` itself.
"""

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from cpg1_assets.sources.texts import Blanks, Texts, occurrences

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def ignore_trailing_blanks(tree: exp.Expr, parameters: Mapping[str, Blanks] | None = None) -> None:
    """Trim, in `tree` itself, every text where it is compared; `parameters` says what their values are."""
    texts = Texts(tree, parameters)
    nodes = list(tree.walk())
    places = {id(place): place for node in nodes for place in _compared(node, texts)}
    null_ifs = [node for node in nodes if isinstance(node, exp.Nullif) and _differ_in_blanks(node, texts)]
    for place in places.values():
        _trim(place)
    for null_if in reversed(null_ifs):
        null_if.replace(_as_case(null_if))


def compared_texts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Give every text of `tree` that is compared, joined, grouped or ordered by."""
    texts = Texts(tree)
    for node in tree.walk():
        yield from _compared(node, texts)


def chosen_outputs(tree: exp.Query) -> list[exp.Expr]:
    """Give the output columns of `tree` whose blanks at the end would be the server's choice."""
    texts = Texts(tree)
    return [column for column in tree.selects if Blanks.CHOSEN in texts.output(tree, column.alias_or_name)]


def _compared(node: exp.Expr, texts: Texts) -> Iterator[exp.Expr]:
    """Give the texts that `node` compares and that have to be trimmed for it."""
    yield from _beside_each_other(texts, list(_sides(node)))
    yield from _written(texts, _each_for_itself(node))
    if isinstance(node, exp.Select):
        yield from _grouped(node, texts)


def _sides(node: exp.Expr) -> Iterator[exp.Expr]:
    """Give what `node` compares one with the other; where one side is a text, all are."""
    match node:
        case exp.Case() if node.this is not None:
            yield from (node.this, *(branch.this for branch in node.args["ifs"]))
        case exp.In():
            yield from (node.this, *node.expressions, *_outputs(node.args.get("query")))
        case exp.Between():
            yield from (node.this, node.args["low"], node.args["high"])
        case _ if isinstance(node, _COMPARISONS):
            for side in (node.this, node.expression):
                yield from _outputs(side.this) if isinstance(side, exp.Any | exp.All) else (side,)
        case _:
            pass


def _each_for_itself(node: exp.Expr) -> Iterable[exp.Expr]:
    """Give what `node` compares with other rows' values of the same."""
    match node:
        case exp.Window():
            return node.args.get("partition_by") or ()
        case exp.Order():
            return [ordered.this for ordered in node.expressions]
        case exp.Min() | exp.Max():
            return (node.this,)
        case exp.Distinct() if isinstance(node.parent, exp.Count):
            return node.expressions
        case exp.SetOperation() | exp.Select() if node.args.get("distinct"):
            return _outputs(node)
        case _:
            return ()


def _beside_each_other(texts: Texts, sides: list[exp.Expr]) -> Iterator[exp.Expr]:
    """Give the sides that are texts as written and, beside a text, those that may be one."""
    found = [texts.of(side) for side in sides]
    beside_a_text = any(blanks.is_text for blanks in found)
    for side, blanks in zip(sides, found, strict=True):
        if Blanks.AS_WRITTEN in blanks or (Blanks.UNKNOWN in blanks and beside_a_text):
            yield side


def _written(texts: Texts, nodes: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    return (node for node in nodes if Blanks.AS_WRITTEN in texts.of(node))


def _grouped(select: exp.Select, texts: Texts) -> Iterator[exp.Expr]:
    """Give the keys of a GROUP BY, and the same words where the SELECT gives them out or orders by them."""
    parts = [*select.expressions, select.args.get("having"), select.args.get("order")]
    for key in texts.group_keys(select):
        yield key
        for part in parts:
            if part is not None:
                yield from occurrences(part, key, select)


def _outputs(query: exp.Expr | None) -> Iterator[exp.Expr]:
    """Give the output expressions of a query, without the names they are given."""
    match query:
        case exp.Subquery() | exp.Paren():
            yield from _outputs(query.this)
        case exp.SetOperation():
            yield from _outputs(query.left)
            yield from _outputs(query.right)
        case exp.Select():
            yield from (column.unalias() for column in query.expressions)
        case _:
            pass


def _trim(place: exp.Expr) -> None:
    trimmed = exp.Trim(position="TRAILING")
    is_output = place.arg_key == "expressions" and isinstance(place.parent, exp.Select)
    place.replace(
        exp.alias_(trimmed, place.name, quoted=True, copy=False) if is_output and place.name else trimmed
    )
    trimmed.set("this", place)


def _differ_in_blanks(null_if: exp.Nullif, texts: Texts) -> bool:
    return any(True for _ in _beside_each_other(texts, [null_if.this, null_if.expression]))


def _as_case(null_if: exp.Nullif) -> exp.Case:
    """Say NULLIF by what it compares and what it gives: it gives the text as written."""
    left, right = (
        exp.Trim(this=side.copy(), position="TRAILING") for side in (null_if.this, null_if.expression)
    )
    return exp.Case(
        ifs=[exp.If(this=exp.EQ(this=left, expression=right), true=exp.Null())], default=null_if.this.copy()
    )
