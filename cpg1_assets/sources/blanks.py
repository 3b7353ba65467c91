"""Blanks at the end of a text, as SQL Server compares: it ignores them, under binary collations too.

The rule is its padding: `=`, `<>`, `<`, `>`, BETWEEN, IN, NULLIF and CASE, joins, DISTINCT, GROUP BY,
PARTITION BY, ORDER BY, MIN and MAX take 'A' and 'A ' for one text. LIKE, LEN, DATALENGTH and what is put
together are not comparisons. Other engines compare exactly, so here a text is trimmed wherever it is
compared, and nowhere else: what is only given out stays as it was written.

Of texts that differ in blanks only a grouping gives out one, and which one is the server's choice. The seam
gives the trimmed one; `chosen_outputs` names such columns, so that a query can be refused until it says
`RTRIM(…)` itself.
"""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from cpg1_assets.sources.columns import is_ordered_by_name
from cpg1_assets.sources.reading import Reading
from cpg1_assets.sources.texts import Blanks, occurrences

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def ignore_trailing_blanks(tree: exp.Expr, reading: Reading) -> None:
    """Trim, in `tree` itself, every text where it is compared, and fold a company code there as well."""
    nodes = list(tree.walk())
    places = {
        id(place): (place, is_company) for node in nodes for place, is_company in _compared(node, reading)
    }
    null_ifs = {
        id(node): (node, any(is_company for _, is_company in sides))
        for node in nodes
        if isinstance(node, exp.Nullif)
        and (sides := list(_beside_each_other(reading, [node.this, node.expression])))
    }
    # A list is written out afterwards, member by member, and none of them has blanks at its end.
    bare = {
        key
        for key, (place, _) in places.items()
        if isinstance(place, exp.Parameter) and reading.texts.of(place) is Blanks.NONE
    }
    for key, (place, is_company) in places.items():
        _settle(place, is_trimmed=key not in bare, is_folded=is_company)
    for null_if, is_company in reversed(null_ifs.values()):
        null_if.replace(_as_case(null_if, is_company=is_company))


def compared_texts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Give every text of `tree` that is compared, joined, grouped or ordered by."""
    reading = Reading(tree)
    for node in tree.walk():
        yield from (place for place, _ in _compared(node, reading))


def chosen_outputs(tree: exp.Query) -> list[exp.Expr]:
    """Give the output columns of `tree` whose blanks at the end would be the server's choice.

    Company codes are left out: which of its spellings a company is shown in is settled where rows are read.
    """
    reading = Reading(tree)
    return [
        column
        for column in tree.selects
        if Blanks.CHOSEN in reading.texts.output(tree, column.alias_or_name)
        and not reading.is_company(column)
    ]


def _compared(node: exp.Expr, reading: Reading) -> Iterator[tuple[exp.Expr, bool]]:
    """Give the texts that `node` compares and that have to be trimmed for it, and whether each is a company code."""
    yield from _beside_each_other(reading, list(_sides(node)))
    for each in _each_for_itself(node):
        if _is_output_already_compared(each):
            continue
        is_company = reading.is_company(each)
        if is_company or Blanks.AS_WRITTEN in reading.texts.of(each):
            yield each, is_company
    if isinstance(node, exp.Select):
        yield from _grouped(node, reading)


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
            yield from (node.this, node.expression)
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


def _beside_each_other(reading: Reading, sides: list[exp.Expr]) -> Iterator[tuple[exp.Expr, bool]]:
    """Give the sides that are texts as written and, beside a text, those that may be one."""
    if any(reading.is_company(side) for side in sides):
        yield from ((side, True) for side in sides)
        return
    found = [reading.texts.of(side) for side in sides]
    beside_a_text = any(blanks.is_text for blanks in found)
    for side, blanks in zip(sides, found, strict=True):
        if Blanks.AS_WRITTEN in blanks or (Blanks.UNKNOWN in blanks and beside_a_text):
            yield side, False


def _grouped(select: exp.Select, reading: Reading) -> Iterator[tuple[exp.Expr, bool]]:
    """Give the keys of a GROUP BY, and the same words where the SELECT gives them out or orders by them."""
    parts = [*select.expressions, select.args.get("having"), select.args.get("order")]
    group = select.args.get("group")
    for key in group.expressions if group is not None else ():
        is_company = reading.is_company(key)
        if not is_company and Blanks.AS_WRITTEN not in reading.texts.of(key):
            continue
        yield key, is_company
        for part in parts:
            if part is not None:
                yield from ((place, is_company) for place in occurrences(part, key, select))


def _is_output_already_compared(place: exp.Expr) -> bool:
    """Whether a place orders by the name of an output that DISTINCT has trimmed and folded already."""
    if not isinstance(place, exp.Column) or not is_ordered_by_name(place):
        return False
    query = place.parent_select or place.find_ancestor(exp.Query)
    return query is not None and bool(query.args.get("distinct"))


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


def _settle(place: exp.Expr, *, is_trimmed: bool, is_folded: bool) -> None:
    """Put the functions around a text by which it compares."""
    standing = exp.Placeholder()
    place.replace(standing)
    whole: exp.Expr = exp.Trim(this=place, position="TRAILING") if is_trimmed else place
    whole = _folded(whole) if is_folded else whole
    is_output = standing.arg_key == "expressions" and isinstance(standing.parent, exp.Select)
    standing.replace(
        exp.alias_(whole, place.name, quoted=True, copy=False) if is_output and place.name else whole
    )


def _as_case(null_if: exp.Nullif, *, is_company: bool) -> exp.Case:
    """Say NULLIF by what it compares and what it gives: it gives the text as written."""
    sides: list[exp.Expr] = [
        exp.Trim(this=side.copy(), position="TRAILING") for side in (null_if.this, null_if.expression)
    ]
    left, right = map(_folded, sides) if is_company else sides
    return exp.Case(
        ifs=[exp.If(this=exp.EQ(this=left, expression=right), true=exp.Null())], default=null_if.this.copy()
    )


def _folded(text: exp.Expr) -> exp.Expr:
    return exp.Upper(this=text)
