"""What a query of the control may say: the rules every statement in the queries folder is held to.

One read-only SELECT in T-SQL, the columns asked for, known parameters, no clock, no hints, no temporary
tables, no cast of an amount. Where the statements stand (files, contracts) is the catalog's business.
"""

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from cpg1_assets.extracts.company_codes import COMPANY
from cpg1_assets.extracts.contract import MONTH_PARAMETERS
from cpg1_assets.extracts.scope import LIST_PARAMETERS, read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.blanks import chosen_outputs
from cpg1_assets.sources.dialect import refused, statements_of
from cpg1_assets.sources.gate.allowed import line_of
from cpg1_assets.sources.query import Query, QueryError, Value, parameter_uses, tokens_of
from cpg1_assets.sources.reading import Reading

Violation = tuple[int, str]
"""A line of the statement, from 1, and what is wrong there with what to do about it."""

_CLOCK = [
    "GETDATE",
    "GETUTCDATE",
    "SYSDATETIME",
    "SYSUTCDATETIME",
    "SYSDATETIMEOFFSET",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
]
_FORBIDDEN = {
    **dict.fromkeys(_CLOCK, "reads the clock: name a parameter of the month, such as @next_month_start"),
    **dict.fromkeys(["NEWID", "RAND"], "gives other rows each time: order by the key instead"),
    **dict.fromkeys(
        ["OPENROWSET", "OPENQUERY", "OPENDATASOURCE"], "leaves the server: read the tables themselves"
    ),
    **dict.fromkeys(["EXEC", "EXECUTE"], "runs something else: a query is one SELECT"),
    "TABLESAMPLE": "leaves rows out: remove it",
}
_WORDS_IN_QUOTES = {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER}
_TEXT_OR_TIME = (
    exp.DataType.TEXT_TYPES | exp.DataType.TEMPORAL_TYPES | {exp.DataType.Type.BIT, exp.DataType.Type.BOOLEAN}
)
_ROUNDING = (exp.Round, exp.Floor, exp.Ceil)


def violations(
    text: str,
    *,
    columns: Callable[[Sequence[str]], str | None],
    amounts: Sequence[str] = (),
    is_kept: bool = False,
) -> list[Violation]:
    """Give everything in the statement `text` that breaks the rules, line by line.

    `columns` judges the statement's output columns: it says what is wrong with them, or None. `amounts`
    are the output columns that must come out as the source has them; `is_kept` says that the rows are the
    extract itself, so that no character of them may be the server's choice.
    """
    try:
        statements = statements_of(text)
    except SqlglotError as error:
        problem = (getattr(error, "errors", None) or [{}])[0]
        what = problem.get("description") or str(error)
        return [(problem.get("line") or 1, f"not valid T-SQL: {what}")]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return [
            (
                1,
                "not exactly one SELECT statement: a query only reads, and is one (WITH … is allowed)",
            )
        ]
    tree = statements[0]
    found = [
        *_words(text),
        *_clauses(tree),
        *_numbers(tree, amounts),
        *_parameters(text, tree),
        *_columns(tree, columns),
        *((*_chosen_blanks(tree), *_companies(tree)) if is_kept else ()),
    ]
    return sorted(set(found)) or _untranslatable(text)


def output_columns(tree: exp.Query) -> list[str]:
    """Give the names of a statement's output columns; a column without a name is an empty text."""
    return [projection.alias_or_name for projection in tree.selects]


def _columns(tree: exp.Query, judge: Callable[[Sequence[str]], str | None]) -> Iterator[Violation]:
    if any(column.is_star for column in tree.selects):
        return
    wrong = judge(output_columns(tree))
    if wrong is not None:
        yield 1, wrong


def _words(text: str) -> Iterator[Violation]:
    for token in tokens_of(text):
        word = token.text.upper()
        if token.token_type not in _WORDS_IN_QUOTES and word in _FORBIDDEN:
            yield token.line, f"{word} {_FORBIDDEN[word]}"


def _clauses(tree: exp.Query) -> Iterator[Violation]:
    for star in tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count):
            yield (
                line_of(star.parent),
                "SELECT * : name the columns, so that a new one at the source changes nothing",
            )
    for select in tree.find_all(exp.Select):
        if select.args.get("into"):
            yield line_of(select.args["into"]), "SELECT … INTO writes a table: a query only reads"
        if any(select.args.get(clause) for clause in ("options", "for_", "hint")):
            yield line_of(select), "OPTION (…) and FOR … are not for queries: remove them"
    for join in tree.find_all(exp.Join):
        if join.args.get("hint"):
            yield line_of(join), "a join hint: remove it"
    for table in tree.find_all(exp.Table):
        yield from _table(table)


def _table(table: exp.Table) -> Iterator[Violation]:
    if table.args.get("hints"):
        yield (
            line_of(table),
            f"a hint on {table.name}: remove it (how reads avoid locks is the connection's business)",
        )
    if isinstance(table.this, exp.Identifier) and table.this.args.get("temporary"):
        yield line_of(table), f"the temporary table #{table.name}: use WITH {table.name} AS (…)"
    if isinstance(table.this, exp.Parameter):
        yield line_of(table), "a table variable: use WITH … AS (…)"


def _numbers(tree: exp.Query, amounts: Sequence[str]) -> Iterator[Violation]:
    for cast in tree.find_all(exp.Cast, exp.Convert):
        target = cast.args["this"] if isinstance(cast, exp.Convert) else cast.args["to"]
        if isinstance(target, exp.DataType) and target.this not in _TEXT_OR_TIME:
            yield line_of(cast), "a cast to a number: amounts leave the source as they are, digits and all"
    for rounding in tree.find_all(*_ROUNDING):
        yield line_of(rounding), "a rounding: amounts leave the source as they are, digits and all"
    for projection in tree.selects:
        if projection.alias_or_name in amounts and projection.find(exp.Cast, exp.Convert) is not None:
            yield line_of(projection), f"a cast in {projection.alias_or_name}: an amount is never cast"


def _chosen_blanks(tree: exp.Query) -> Iterator[Violation]:
    for column in chosen_outputs(tree):
        what = (
            f"the blanks at the end of {column.alias_or_name} would be the server's choice, because it stands for "
            "texts that compare as equal: write RTRIM(…) where it is grouped, made distinct or taken MIN or MAX of"
        )
        yield line_of(column), what


def _companies(tree: exp.Query) -> Iterator[Violation]:
    """Hold company codes to the one column that is spelled as the scope spells it, where the rows are read."""
    reading = Reading(tree)
    for column in tree.selects:
        is_folded = isinstance(column.unalias(), exp.Upper | exp.Lower)
        if column.alias_or_name != COMPANY and reading.is_company(column) and not is_folded:
            what = (
                f"the company code {column.alias_or_name} would come in whatever case its row has: give it out as "
                f"{COMPANY}, or write UPPER(RTRIM(…))"
            )
            yield line_of(column), what


def _parameters(text: str, tree: exp.Query) -> Iterator[Violation]:
    known = (*MONTH_PARAMETERS, *LIST_PARAMETERS)
    try:
        uses = parameter_uses(text)
    except QueryError as error:
        yield 1, str(error)
        return
    for use in uses:
        if use.name not in known:
            yield use.line, f"@{use.name} is not a parameter; known are: {', '.join(f'@{n}' for n in known)}"
    lines = {use.name: use.line for use in uses}
    for parameter in tree.find_all(exp.Parameter):
        name = parameter.name
        is_alone = isinstance(parameter.parent, exp.In) and parameter.parent.expressions == [parameter]
        if name in LIST_PARAMETERS and not is_alone:
            yield lines[name], f"@{name} is a list: use it as IN (@{name})"


def _untranslatable(text: str) -> list[Violation]:
    """Say what the seam to the sample books refuses, so that it is known before a run."""
    month, scope = CutoffMonth(2024, 1).parameters(), read_scope().parameters()
    values: dict[str, Value] = {**dict.fromkeys(LIST_PARAMETERS, ("CODE",)), **scope, **month}
    try:
        return refused(Query(text, values))
    except (QueryError, SqlglotError) as error:
        return [(1, str(error))]
