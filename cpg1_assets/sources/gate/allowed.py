"""What a T-SQL query may be made of: the words, and the parts of each construct. Whatever is not here is refused.

Lives here: the lists, and the walk that holds a query to them. Does not: what may stand beside what
(`gate`), and what each construct answers (`constructs`).
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from cpg1_assets.sources.gate.wording import said
from cpg1_assets.sources.query import BINARY_COLLATION

Refusal = tuple[int, str]
"""A line of the query, from 1, and what stands there that is refused, with what to write instead."""

# fmt: off
FUNCTIONS = frozenset([
    "ABS", "CAST", "CHARINDEX", "COALESCE", "CONCAT", "CONCAT_WS", "COUNT", "COUNT_BIG", "DATEADD", "DATEDIFF",
    "DATEFROMPARTS", "DAY", "DENSE_RANK", "EOMONTH", "FIRST_VALUE", "IIF", "ISNULL", "LAG", "LAST_VALUE", "LEAD",
    "LEFT", "LEN", "LOWER", "LTRIM", "MAX", "MIN", "MONTH", "NULLIF", "RANK", "REPLACE", "RIGHT", "ROW_NUMBER",
    "RTRIM", "SUBSTRING", "SUM", "TRIM", "UPPER", "YEAR",
])
"""Every function a query may call, by the name T-SQL has for it."""

_BEFORE_BRACKET = frozenset([
    "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "EXCEPT", "EXISTS", "FROM", "HAVING", "IN",
    "INTERSECT", "JOIN", "LIKE", "NOT", "ON", "OR", "OVER", "SELECT", "THEN", "TOP", "UNION", "WHEN", "WHERE",
])
# fmt: on
_TYPES = frozenset(["NVARCHAR", "DATETIME2", "DECIMAL", "NUMERIC", "VARCHAR", "CHAR", "NCHAR"])
"""Words that are followed by their digits in brackets; which of them may be cast to is another question."""

_INSTEAD = {
    "AVG": "write SUM and COUNT: SQL Server cuts an average of whole numbers and rounds one of decimals",
    "CEILING": "an amount is never rounded in a query",
    "CHOOSE": "write CASE",
    "CONVERT": "its styles differ: write CAST, YEAR, MONTH or DATEFROMPARTS",
    "DATALENGTH": "it counts bytes: write LEN where blanks at the end do not count",
    "DATENAME": "it answers in the session's language: write YEAR, MONTH or DAY",
    "DATEPART": "write YEAR, MONTH or DAY",
    "DATETIMEFROMPARTS": "write CAST(DATEFROMPARTS(…) AS datetime)",
    "FLOOR": "an amount is never rounded in a query",
    "FORMAT": "it answers in the session's language: give the value out as it is",
    "GREATEST": "SQL Server has it since 2022: write CASE",
    "LEAST": "SQL Server has it since 2022: write CASE",
    "PATINDEX": "write LIKE or CHARINDEX under a binary collation",
    "ROUND": "an amount is never rounded in a query",
    "STRING_AGG": "how long it may get is the server's business: give the rows out",
    "STUFF": "write LEFT, SUBSTRING and +",
    "TRY_CAST": "what can be read as a number differs: give the text out, and read it in a rule",
    "TRY_CONVERT": "what can be read as a number differs: give the text out, and read it in a rule",
}
_OPERATORS = frozenset(
    {
        TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.DOT, TokenType.EQ, TokenType.NEQ,
        TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE, TokenType.PLUS, TokenType.DASH, TokenType.STAR,
        TokenType.PARAMETER, TokenType.MOD, TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.NUMBER,
        TokenType.IDENTIFIER, TokenType.VAR, TokenType.SEMICOLON,
    }
)  # fmt: skip
_TEXTS = frozenset([TokenType.STRING, TokenType.NATIONAL_STRING])
_OPERATORS_INSTEAD = {
    "/": "a division: decimals are divided to other digits, and whole numbers cut; give both numbers out",
    "||": "write + or CONCAT",
    "::": "write CAST",
}
_NOT_FOR_QUERIES = frozenset(
    [
        "BOTH",
        "FOR",
        "GLOB",
        "ILIKE",
        "LEADING",
        "LIMIT",
        "NATURAL",
        "NULLS",
        "QUALIFY",
        "REGEXP",
        "RLIKE",
        "TRAILING",
        "USING",
    ]
)
_NAMES_FOLLOW = frozenset(["AS", "."])


NOT_ALLOWED = "which is not allowed"


def words_refused(tokens: tuple[Token, ...]) -> Iterator[Refusal]:
    """Give every function and operator of a text that is not on the lists, with its line."""
    for at, token in enumerate(tokens):
        word = token.text.upper()
        before = tokens[at - 1].text.upper() if at else ""
        if token.token_type in _TEXTS:
            if at and tokens[at - 1].token_type in _TEXTS:
                yield token.line, f"the text '{token.text}' beside another: write + between them"
        elif token.token_type is TokenType.IDENTIFIER:
            if _is_called(tokens, at):
                yield (
                    token.line,
                    f"[{token.text}](…): functions are written without brackets around their names",
                )
        elif not (word[:1].isalpha() or word[:1] == "_"):
            if token.token_type not in _OPERATORS:
                yield (
                    token.line,
                    f"the operator {token.text}: {_OPERATORS_INSTEAD.get(word, 'it is not allowed')}",
                )
        elif word in _NOT_FOR_QUERIES and before not in _NAMES_FOLLOW:
            yield token.line, f"{word}, which SQL Server does not have in this place"
        elif _is_called(tokens, at) and (word not in FUNCTIONS | _BEFORE_BRACKET | _TYPES or before == "."):
            yield token.line, f"{word}(…), {NOT_ALLOWED}{_instead(word)}"


def _is_called(tokens: tuple[Token, ...], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].token_type is TokenType.L_PAREN


def _instead(word: str) -> str:
    return f": {_INSTEAD[word]}" if word in _INSTEAD else f"; allowed are {', '.join(sorted(FUNCTIONS))}"


_BOTH = frozenset(["this", "expression"])
_ONE = frozenset(["this"])
_SEVERAL = frozenset(["this", "expressions"])
SHAPES: dict[type[exp.Expr], frozenset[str]] = {
    # Clauses.
    exp.Select: frozenset(
        ["expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct", "with_"]
    ),
    exp.With: frozenset(["expressions"]),
    exp.CTE: frozenset(["this", "alias"]),
    exp.TableAlias: _ONE,
    exp.From: _ONE,
    exp.Join: frozenset(["this", "on", "side", "kind"]),
    exp.Table: frozenset(["this", "db", "catalog", "alias"]),
    exp.Subquery: frozenset(["this", "alias"]),
    exp.Where: _ONE,
    exp.Group: frozenset(["expressions"]),
    exp.Having: _ONE,
    exp.Order: frozenset(["expressions"]),
    exp.Ordered: frozenset(["this", "desc", "nulls_first"]),
    exp.Limit: frozenset(["expression"]),
    exp.Distinct: frozenset(["expressions"]),
    exp.Union: frozenset(["this", "expression", "distinct", "with_", "order"]),
    exp.Except: frozenset(["this", "expression", "distinct", "with_", "order"]),
    exp.Intersect: frozenset(["this", "expression", "distinct", "with_", "order"]),
    # Names and values.
    exp.Alias: frozenset(["this", "alias"]),
    exp.Column: frozenset(["this", "table"]),
    exp.Identifier: frozenset(["this", "quoted"]),
    exp.Star: frozenset(),
    exp.Literal: frozenset(["this", "is_string"]),
    exp.National: _ONE,
    exp.Null: frozenset(),
    exp.Parameter: _ONE,
    exp.Var: _ONE,
    exp.Paren: _ONE,
    # Conditions.
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or, exp.Is, exp.Escape), _BOTH
    ),
    exp.Not: _ONE,
    exp.In: frozenset(["this", "expressions", "query"]),
    exp.Between: frozenset(["this", "low", "high"]),
    exp.Like: frozenset(["this", "expression", "negate"]),
    exp.Exists: _ONE,
    # Reckoning and casts.
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod), _BOTH),
    exp.Neg: _ONE,
    exp.Abs: _ONE,
    exp.Cast: frozenset(["this", "to"]),
    exp.DataType: frozenset(["this", "expressions"]),
    exp.DataTypeParam: _ONE,
    exp.Collate: _BOTH,
    # One of several.
    exp.Case: frozenset(["this", "ifs", "default"]),
    exp.If: frozenset(["this", "true", "false"]),
    exp.Coalesce: frozenset(["this", "expressions", "is_null"]),
    exp.Nullif: _BOTH,
    # Texts.
    exp.Upper: _ONE,
    exp.Lower: _ONE,
    exp.Trim: frozenset(["this", "position"]),
    exp.Left: _BOTH,
    exp.Right: _BOTH,
    exp.Substring: frozenset(["this", "start", "length"]),
    exp.Length: _ONE,
    exp.StrPosition: frozenset(["this", "substr"]),
    exp.Replace: frozenset(["this", "expression", "replacement"]),
    exp.Concat: frozenset(["expressions", "safe", "coalesce"]),
    exp.ConcatWs: frozenset(["expressions", "safe", "coalesce"]),
    # Days and moments.
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.LastDay, exp.TimeStrToTime), _ONE),
    exp.TsOrDsToDate: frozenset(["this", "default_date"]),
    exp.DateFromParts: frozenset(["year", "month", "day"]),
    exp.DateAdd: frozenset(["this", "expression", "unit"]),
    exp.DateDiff: frozenset(["this", "expression", "unit", "big_int"]),
    # Over several rows.
    exp.Count: frozenset(["this", "big_int"]),
    **dict.fromkeys((exp.Sum, exp.Min, exp.Max, exp.FirstValue, exp.LastValue), _ONE),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank), frozenset()),
    **dict.fromkeys((exp.Lag, exp.Lead), frozenset(["this", "offset", "default"])),
    exp.Window: frozenset(["this", "partition_by", "order", "over", "spec"]),
    exp.WindowSpec: frozenset(["kind", "start", "start_side", "end", "end_side"]),
}
"""What may stand in a query, and the parts it may have."""


_PARTS_INSTEAD = {
    "hints": "a table hint: remove it (how reads avoid locks is the connection's business)",
    "hint": "a hint: remove it",
    "options": "OPTION (…): remove it",
    "for_": "FOR …: a query gives rows out",
    "into": "SELECT … INTO writes a table: a query only reads",
    "pivots": "PIVOT: write SUM(CASE WHEN … END)",
    "sample": "TABLESAMPLE leaves rows out: remove it",
    "version": "FOR SYSTEM_TIME: read the table as it is",
    "limit_options": "TOP … PERCENT or WITH TIES: write TOP (n) and an ORDER BY that tells every row apart",
    "offset": "OFFSET … FETCH: write TOP (n)",
    "rollup": "ROLLUP: write one query a grouping, and UNION ALL",
    "cube": "CUBE: write one query a grouping, and UNION ALL",
    "grouping_sets": "GROUPING SETS: write one query a grouping, and UNION ALL",
    "all": "GROUP BY ALL: name what is grouped",
    "windows": "WINDOW, which SQL Server has since 2022: write OVER (…) in full",
    "qualify": "QUALIFY, which SQL Server does not have",
    "laterals": "APPLY: write a JOIN",
    "columns": "a list of column names beside an alias: name each column where it is given out",
    "using": "USING, which SQL Server does not have: write ON",
    "method": "NATURAL JOIN, which SQL Server does not have: write ON",
    "position": "a start or place that is not allowed here",
    "zone": "AT TIME ZONE: the source keeps no zone",
}
_NODES_INSTEAD: dict[str, str] = {
    "Div": "a division: decimals are divided to other digits, and whole numbers cut; give both numbers out",
    "Lateral": "APPLY: write a JOIN",
    "Fetch": "OFFSET … FETCH: write TOP (n)",
    "HexString": "a binary value: write a text or a number",
    "Boolean": "TRUE or FALSE, which SQL Server does not have: write 1 = 1, or compare a flag with 1",
    "Any": "ANY or SOME: write IN or EXISTS",
    "All": "ALL of a subquery: write NOT EXISTS, or compare with its MAX or MIN",
    "NullSafeEQ": "IS NOT DISTINCT FROM, which SQL Server has since 2022: write a = b OR (a IS NULL AND b IS NULL)",
    "NullSafeNEQ": "IS DISTINCT FROM, which SQL Server has since 2022: write it out with IS NULL",
    "Values": "VALUES: write SELECT … UNION ALL SELECT …",
    "Rollup": "ROLLUP: write one query a grouping, and UNION ALL",
    "Cube": "CUBE: write one query a grouping, and UNION ALL",
    "GroupingSets": "GROUPING SETS: write one query a grouping, and UNION ALL",
    "AtTimeZone": "AT TIME ZONE: the source keeps no zone",
    "TryCast": "TRY_CAST: what can be read as a number differs; give the text out, and read it in a rule",
    "Convert": "CONVERT: its styles differ; write CAST, YEAR, MONTH or DATEFROMPARTS",
    "Round": "ROUND: an amount is never rounded in a query",
    "Avg": "AVG: write SUM and COUNT",
    "Date": "{d '…'}: write DATEFROMPARTS(year, month, day)",
    "CurrentTimestamp": "the clock: name a parameter of the month, such as @next_month_start",
}


def shapes_refused(tree: exp.Expr) -> Iterator[Refusal]:
    """Give every construct of a parsed query that is not on the list, and every part that its construct may not have."""
    for node in tree.walk():
        allowed = SHAPES.get(type(node))
        if allowed is None:
            name = type(node).__name__
            yield line_of(node), _NODES_INSTEAD.get(name, f"{said(node)}, {NOT_ALLOWED} ({name})")
            continue
        for part, value in node.args.items():
            if part not in allowed and value is not None and value is not False and value != []:
                what = _PARTS_INSTEAD.get(part) or f"{said(node)}, with a part ({part}) that is not allowed"
                yield line_of(node), what
        if isinstance(node, exp.Collate) and node.expression.name != BINARY_COLLATION:
            yield (
                line_of(node),
                f"COLLATE {node.expression.name}: the collation of the queries is {BINARY_COLLATION}",
            )


def line_of(node: exp.Expr | None) -> int:
    """Give the line of the first thing below `node` that knows its own, else of what stands around it."""
    while node is not None:
        for below in node.walk():
            line = below.meta.get("line")
            if line:
                return int(line)
        node = node.parent
    return 1
