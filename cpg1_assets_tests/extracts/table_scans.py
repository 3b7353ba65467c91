"""How often the statements of a close name each table of the source: what a close costs a large server, counted.

Counted as the server runs it: a common table expression is written out wherever it is named, so one that is named
twice reads its tables twice. How a plan reads a table (an index, a range, all of it) is not known here.
"""

from collections import Counter
from collections.abc import Iterable

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from cpg1_assets.sources.dialect import statements_of

Table = tuple[str, ...]


def table_scans(statements: Iterable[str]) -> Counter[Table]:
    """Give, by table (its parts, database first), how often the statements read it when each is run once."""
    found: Counter[Table] = Counter()
    for statement in statements:
        for tree in statements_of(statement):
            scope = build_scope(tree)
            if scope is not None:
                found += _scans(scope)
    return found


def _scans(scope: Scope) -> Counter[Table]:
    found: Counter[Table] = Counter()
    for _, source in scope.selected_sources.values():
        if isinstance(source, exp.Table):
            found[tuple(part.name for part in source.parts)] += 1
        elif isinstance(source, Scope):
            found += _scans(source)
    for inner in (*scope.subquery_scopes, *scope.set_operation_scopes):
        found += _scans(inner)
    return found
