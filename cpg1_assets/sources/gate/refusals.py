"""The gate of the dialect seam: what in a T-SQL query would mean one thing on SQL Server and another on the books.

What a query may be made of is listed in `allowed`; what may stand beside what, in the modules beside it. Nothing
passes that is not known: a comparison of kinds between which SQL Server converts by rules of its own, a text that
compares by a collation nobody wrote, a cast that cuts or rounds, a column that no table has. Each refusal says
what to write instead.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from cpg1_assets.sources.gate.allowed import NOT_ALLOWED, Refusal, line_of, shapes_refused, words_refused
from cpg1_assets.sources.gate.clauses import (
    column,
    group,
    join,
    lag,
    order,
    over_window,
    select,
    set_operation,
    table,
    window,
)  # fmt: skip
from cpg1_assets.sources.gate.comparisons import (
    between,
    comparison,
    in_list,
    null_if,
)  # fmt: skip
from cpg1_assets.sources.gate.texts import (
    collate,
    concat,
    escape,
    folding,
    left,
    like,
    replaced,
    searched,
    substring,
    text_function,
)  # fmt: skip
from cpg1_assets.sources.gate.values import (
    case_when,
    cast,
    coalesce,
    condition,
    count,
    date_add,
    date_diff,
    date_from_parts,
    if_else,
    is_null,
    least,
    literal,
    of_day,
    remainder,
    sign,
    sum_or_difference,
    total,
)  # fmt: skip
from cpg1_assets.sources.query import tokens_of
from cpg1_assets.sources.reading import Reading

Rule = Callable[[Any, Reading], Iterator[str]]
_RULES: dict[type[exp.Expr], tuple[Rule, ...]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), (comparison,)),
    exp.Between: (between,),
    exp.In: (in_list,),
    exp.Nullif: (null_if,),
    exp.Case: (case_when,),
    exp.If: (if_else,),
    exp.Coalesce: (coalesce,),
    exp.Like: (like,),
    exp.Escape: (escape,),
    exp.Is: (is_null,),
    **dict.fromkeys((exp.Where, exp.Having, exp.And, exp.Or, exp.Not), (condition,)),
    exp.Order: (order,),
    exp.Group: (group,),
    exp.Window: (window,),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank, exp.FirstValue, exp.LastValue), (over_window,)),
    **dict.fromkeys((exp.Lag, exp.Lead), (lag,)),
    **dict.fromkeys((exp.Min, exp.Max), (least,)),
    exp.Sum: (total,),
    exp.Count: (count,),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), (sum_or_difference,)),
    exp.Mod: (remainder,),
    **dict.fromkeys((exp.Neg, exp.Abs), (sign,)),
    **dict.fromkeys((exp.Concat, exp.ConcatWs), (concat,)),
    **dict.fromkeys((exp.Trim, exp.Length), (text_function,)),
    **dict.fromkeys((exp.Upper, exp.Lower), (folding,)),
    **dict.fromkeys((exp.Left, exp.Right), (left,)),
    exp.Substring: (substring,),
    exp.StrPosition: (searched,),
    exp.Replace: (replaced,),
    exp.Collate: (collate,),
    exp.Cast: (cast,),
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.LastDay), (of_day,)),
    exp.DateFromParts: (date_from_parts,),
    exp.DateAdd: (date_add,),
    exp.DateDiff: (date_diff,),
    exp.Column: (column,),
    **dict.fromkeys((exp.Literal, exp.National), (literal,)),
    exp.Table: (table,),
    exp.Join: (join,),
    exp.Select: (select,),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), (set_operation,)),
}


def refusals(text: str, tree: exp.Expr, reading: Reading) -> list[Refusal]:
    """Give everything in the query `text`, parsed as `tree`, that the books would answer differently, line by line."""
    found = list(words_refused(tokens_of(text)))
    # A word that is refused makes a shape that nothing more is known of: the fault is said once.
    told = {line for line, _ in found}
    found += (
        (line, what) for line, what in shapes_refused(tree) if line not in told or NOT_ALLOWED not in what
    )
    if not found:
        for node in tree.walk():
            for rule in _RULES.get(type(node), ()):
                found += ((line_of(node), what) for what in rule(node, reading))
    return sorted(set(found))
