"""What the clauses of a query may say: tables, joins, groups, orders, windows and sets."""

from collections.abc import Iterator

from sqlglot import exp

from cpg1_assets.sources.collations import Label, together
from cpg1_assets.sources.columns import columns_at, is_ordered_by_name
from cpg1_assets.sources.gate.comparisons import COLLATE, are_fixed_apart, each_text
from cpg1_assets.sources.gate.values import condition, one_of
from cpg1_assets.sources.gate.wording import is_count, number_of, said
from cpg1_assets.sources.kinds import COMPANY, CONDITION, NULL, UNKNOWN, unified
from cpg1_assets.sources.reading import Reading
from cpg1_assets.sources.schema import is_listed

_PARTS_OF_A_NAME = 3


def order(node: exp.Order, reading: Reading) -> Iterator[str]:
    """Judge ORDER BY, of a query and of a window."""
    for ordered in node.expressions:
        place = ordered.this
        if isinstance(place, exp.Literal) and isinstance(node.parent, exp.Query):
            outputs = node.parent.selects
            if not (place.is_int and 0 < int(place.name) <= len(outputs)):
                yield f"ORDER BY {said(place)}: order by a column or its place"
                continue
            place = outputs[int(place.name) - 1].unalias()
        elif isinstance(place, exp.Literal | exp.Null | exp.Subquery):
            yield f"ORDER BY {said(place)}: order by a column that tells rows apart"
            continue
        yield from each_text(place, reading, "ORDER BY sorts", in_order=True)
        if reading.is_company(place) and not _is_only_shown(node):
            yield (
                f"{said(place)} puts company codes in order, which is the server's by its collation, and what comes out "
                f"depends on it: write UPPER({said(place)}) {COLLATE}"
            )
        if place is ordered.this and _is_left_out(place, node):
            yield f"ORDER BY {said(place)}, which is no output of what was put together: order by what is given out"
    query = node.parent
    if isinstance(query, exp.Query) and query.parent is not None and not query.args.get("limit"):
        yield "ORDER BY in a subquery without TOP, which the server refuses: remove it"


def _is_left_out(place: exp.Expr, order: exp.Order) -> bool:
    """Whether a SELECT DISTINCT, or a set of several, is ordered by something that is no output of it."""
    query = order.parent
    if not isinstance(query, exp.SetOperation) and not (
        isinstance(query, exp.Select) and query.args.get("distinct")
    ):
        return False
    outputs = [output.unalias() for output in query.selects]
    names = {output.alias_or_name.lower() for output in query.selects}
    is_named = isinstance(place, exp.Column) and not place.table and place.name.lower() in names
    return not is_named and (isinstance(query, exp.SetOperation) or place not in outputs)


def _is_only_shown(node: exp.Order) -> bool:
    """Whether an order changes nothing but the order of the rows that are given out."""
    return isinstance(node.parent, exp.Query) and node.parent.args.get("limit") is None


def group(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge GROUP BY."""
    for key in node.expressions:
        if key.find(exp.Column) is None:
            yield f"GROUP BY {said(key)}: the server groups by columns, not by their place or a value"
        elif key.find(exp.Query, exp.AggFunc):
            yield f"GROUP BY {said(key)}: the server does not group by a subquery or a sum"
        yield from each_text(key, reading, "GROUP BY groups", in_order=False)


def window(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge a function OVER a window."""
    function, order, spec = node.this, node.args.get("order"), node.args.get("spec")
    for place in node.args.get("partition_by") or ():
        yield from each_text(place, reading, "PARTITION BY groups", in_order=False)
    needs_order = isinstance(
        function,
        exp.RowNumber | exp.Rank | exp.DenseRank | exp.Lag | exp.Lead | exp.FirstValue | exp.LastValue,
    )
    if needs_order and order is None:
        yield f"{said(node)} without ORDER BY: which row is the first would be chance"
    if not needs_order and not isinstance(function, exp.Sum | exp.Count | exp.Min | exp.Max):
        yield f"{said(node)}: OVER does not belong there"
    if function.find(exp.Distinct):
        yield f"{said(node)}: the server has no DISTINCT over a window"
    if spec is not None:
        frame = tuple(spec.args.get(part) for part in ("kind", "start", "start_side", "end", "end_side"))
        is_framed = isinstance(
            function, exp.Sum | exp.Count | exp.Min | exp.Max | exp.FirstValue | exp.LastValue
        )
        if not is_framed or order is None:
            yield f"{said(node)}: a frame is for a sum or a value over rows in an order; remove it, or add ORDER BY"
        elif frame not in _FRAMES:
            yield f"{said(node)}: a frame is ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW or UNBOUNDED FOLLOWING"


_FRAMES = {
    ("ROWS", "UNBOUNDED", "PRECEDING", "CURRENT ROW", None),
    ("ROWS", "UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING"),
}


def over_window(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    """Judge a function that needs a window."""
    if not isinstance(node.parent, exp.Window):
        yield f"{said(node)} without OVER (…)"


def lag(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge LAG and LEAD."""
    yield from over_window(node, reading)
    offset, default = node.args.get("offset"), node.args.get("default")
    if offset is not None and not is_count(offset):
        yield f"{said(node)}: how far is a whole number, written out"
    if default is not None:
        yield from one_of(node, [node.this, default], reading)
        kind, both = reading.kinds.of(node.this), unified(map(reading.kinds.of, (node.this, default)))
        if both not in (UNKNOWN, NULL) and (both.family, both.scale) != (kind.family, kind.scale):
            yield f"{said(node)}: the server makes the default what the column is; write both as one kind"
        elif kind.family.is_text and default.name:
            yield f"{said(node)}: the server may cut the default to the length of the column; leave it out, or write ''"


def column(node: exp.Column, reading: Reading) -> Iterator[str]:
    """Judge a column: it must be known whose it is."""
    if not isinstance(node.this, exp.Identifier):
        if not isinstance(node.this, exp.Star):
            yield f"{said(node)}, which is not allowed: money is written 1.50"
        return
    found = reading.columns.found(node)
    if found is None:
        yield f"{said(node)} belongs to no table beside it: write it with the alias of its table"
    elif found == []:
        yield f"{said(node)} is no column of the query it is taken from"
    elif (
        isinstance(found, exp.Table)
        and is_listed(tuple(part.name for part in found.parts))
        and reading.kinds.of(node) == UNKNOWN
    ):
        yield f"{said(node)} is no column of {said(found)} that the source schema (sources/schema.py) lists: add it there"
    if _is_hidden_by_output(node):
        yield (
            f"{said(node)} is the name of an output as well as a column: write it with the alias of its table, or give the "
            "output another name"
        )


def _is_hidden_by_output(node: exp.Column) -> bool:
    """Whether a column in HAVING, or in a larger expression of ORDER BY, has the name of an output that is another.

    SQL Server takes the column there, other engines the output; inside a sum all take the column.
    """
    if node.find_ancestor(exp.AggFunc, exp.Query) is not node.find_ancestor(exp.Query):
        return False
    clause = node.find_ancestor(exp.Having, exp.Order, exp.Query)
    if (
        node.table
        or isinstance(clause, exp.Query)
        or clause is None
        or not isinstance(clause.parent, exp.Query)
    ):
        return False
    if is_ordered_by_name(node):
        return False
    return any(
        output.alias.lower() == node.name.lower() and output.unalias() != node
        for output in clause.parent.selects
        if isinstance(output, exp.Alias)
    )


def table(node: exp.Expr, reading: Reading) -> Iterator[str]:  # noqa: ARG001
    """Judge what stands in FROM."""
    parts = [part.name for part in node.parts] if isinstance(node, exp.Table) else []
    if not isinstance(node.this, exp.Identifier):
        yield f"{said(node)}, which is no table"
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
        yield f"{said(node)} is neither a table by its three parts nor a query of the WITH before it"
    elif len(parts) != _PARTS_OF_A_NAME or not all(parts):
        yield f"{said(node)}: write a table by its three parts, [database].[schema].[table]"


def _is_inside(node: exp.Expr, outer: exp.Expr) -> bool:
    here: exp.Expr | None = node
    while here is not None and here is not outer:
        here = here.parent
    return here is outer


def join(node: exp.Expr, reading: Reading) -> Iterator[str]:
    """Judge JOIN."""
    kind = str(node.args.get("kind") or "").upper()
    if kind not in ("", "INNER", "OUTER", "CROSS"):
        yield f"{kind} JOIN, which is not allowed"
    if kind != "CROSS" and node.args.get("on") is None:
        yield f"{said(node)}: write INNER JOIN … ON, or CROSS JOIN"
    yield from condition(node, reading)


def select(node: exp.Select, reading: Reading) -> Iterator[str]:
    """Judge SELECT, TOP and DISTINCT."""
    yield from _top(node)
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.expressions:
        yield "DISTINCT ON, which SQL Server does not have"
    for column in node.expressions:
        if reading.kinds.of(column.unalias()) == CONDITION:
            yield f"{said(column)}: a condition is no value; write CASE WHEN … THEN 1 ELSE 0 END"
        elif distinct is not None:
            yield from each_text(column.unalias(), reading, "DISTINCT compares", in_order=False)
    if node.args.get("with_") and node.parent is not None:
        yield "WITH inside a query, which the server refuses: put it before the first SELECT"
    if _is_taken_from(node):
        for column in node.expressions:
            if isinstance(column.unalias(), exp.Null) and not isinstance(node.parent, exp.SetOperation):
                yield f"{said(column)}: the server takes a bare NULL for an int; write CAST(NULL AS …)"
        names = {column.alias_or_name.lower() for column in node.expressions}
        is_named = all(isinstance(column, exp.Alias | exp.Column) for column in node.expressions)
        if not is_named or len(names) < len(node.expressions):
            yield "a query that is read from gives each column a name of its own: write AS"


def _top(node: exp.Select) -> Iterator[str]:
    limit = node.args.get("limit")
    if limit is None:
        return
    if number_of(limit.expression) is None:
        yield "TOP takes a number written out"
    if node.args.get("order") is None and number_of(limit.expression) != 0:
        yield "TOP without ORDER BY: which rows come would be chance"


def _is_taken_from(select: exp.Select) -> bool:
    """Whether a SELECT is what a FROM, a JOIN or a WITH names; of several put together the first gives the names."""
    node: exp.Expr = select
    while isinstance(node.parent, exp.SetOperation) and node.arg_key == "this":
        node = node.parent
    holder = node.parent
    if isinstance(holder, exp.Subquery):
        return isinstance(holder.parent, exp.From | exp.Join)
    return isinstance(holder, exp.CTE)


def set_operation(node: exp.SetOperation, reading: Reading) -> Iterator[str]:
    """Judge UNION, EXCEPT and INTERSECT."""
    if not isinstance(node, exp.Union) and not node.args.get("distinct"):
        yield f"{node.key.upper()} ALL, which SQL Server does not have"
    width = len(node.left.selects)
    if len(node.right.selects) != width:
        yield f"{node.key.upper()} of queries with {width} and {len(node.right.selects)} columns"
        return
    for position in range(width):
        from_left, from_right = (
            reading.kinds.of_output(node.left, position),
            reading.kinds.of_output(node.right, position),
        )
        both = unified([from_left, from_right])
        name = node.left.selects[position].alias_or_name
        if both == NULL:
            where = f"column {position + 1} ({name})"
            yield f"{where} is NULL in both, which the server takes for an int: write CAST(NULL AS …)"
        if (both == UNKNOWN and UNKNOWN not in (from_left, from_right)) or both.rounds:
            what = f"{from_left.family} in one query and {from_right.family} in another"
            yield f"column {position + 1} ({name}) is {what}; cast one"
        if both.family.is_text:
            yield from _texts_together(
                node, [*columns_at(node, position)], reading, is_company=both == COMPANY
            )


def _texts_together(
    node: exp.SetOperation, branches: list[exp.Expr], reading: Reading, *, is_company: bool
) -> Iterator[str]:
    """Hold a column of texts that meet across the branches of a set to one collation, where they compare a binary one."""
    collation = together(reading.collations.of(branch.unalias()) for branch in branches)
    if collation.label is Label.CONFLICT:
        name = branches[0].alias_or_name
        what = f"{node.key.upper()} puts texts of two collations into {name}"
        yield f"{what}, which the server refuses: write {COLLATE} on each"
    elif is_company or not node.args.get("distinct"):
        return
    elif not collation.is_binary and not are_fixed_apart([collation]):
        name = branches[0].alias_or_name
        yield f"{node.key.upper()} compares the texts of {name} by a collation nobody wrote: write {COLLATE} on each"
