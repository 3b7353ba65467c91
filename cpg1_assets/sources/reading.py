"""All that is known of one parsed query: where its columns come from, what its expressions are and how they compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from cpg1_assets.sources.collations import Case, Collations, cases_of
from cpg1_assets.sources.columns import Columns, branches
from cpg1_assets.sources.kinds import (
    BIGINT,
    COMPANY,
    DATE,
    FINE_MOMENT,
    FLAG,
    MOMENT,
    NULL,
    TEXT,
    UNKNOWN,
    Family,
    Kinds,
    SqlType,
)  # fmt: skip
from cpg1_assets.sources.query import Scalar, Value
from cpg1_assets.sources.texts import Blanks, Texts, of_text


@dataclass(frozen=True)
class Given:
    """What is known of the value of a parameter, or of all values of a list; the values themselves are not kept."""

    type: SqlType
    blanks: Blanks = Blanks.NO_TEXT
    cases: frozenset[Case] = frozenset()


def given(value: Value) -> Given:
    """Say what is known of a value that is bound, by the type SQL Server gets it as."""
    members = value if isinstance(value, tuple) else (value,)
    texts = [member for member in members if isinstance(member, str)]
    if texts:
        blanks = Blanks.AS_WRITTEN if Blanks.AS_WRITTEN in map(of_text, texts) else Blanks.NONE
        return Given(TEXT if len(texts) == len(members) else UNKNOWN, blanks, cases_of(*texts))
    types = {_type(member) for member in members}
    if not types:
        # Of an empty list nothing is compared.
        return Given(TEXT, Blanks.NONE, cases_of())
    return Given(types.pop() if len(types) == 1 else UNKNOWN)


def _type(value: Scalar) -> SqlType:  # noqa: PLR0911 - one line a type
    match value:
        case None:
            return NULL
        case bool():
            return FLAG
        case int():
            return BIGINT
        case Decimal():
            return SqlType(Family.DECIMAL, 38, 20)
        case datetime():
            # SQL Server keeps a `datetime` to 1/300 of a second, and shows it in milliseconds that end in 0, 3 or 7.
            exact = value.microsecond % 1000 == 0 and value.microsecond // 1000 % 10 in (0, 3, 7)
            return MOMENT if exact else FINE_MOMENT
        case date():
            return DATE
        case str():
            return TEXT


class Reading:
    """What is known of one query; its tree must not change while it is asked."""

    def __init__(self, tree: exp.Expr, parameters: Mapping[str, Given] | None = None) -> None:
        """Read `tree`; `parameters` says by name what is known of their values."""
        known = parameters or {}
        self.columns = Columns(tree)
        self.kinds = Kinds(self.columns, {name: value.type for name, value in known.items()})
        self.texts = Texts(self.columns, {name: value.blanks for name, value in known.items()})
        self.collations = Collations(self.columns, {name: value.cases for name, value in known.items()})

    def is_company(self, node: exp.Expr) -> bool:
        """Whether `node` is a company code, which is one company whatever its case."""
        return self.kinds.of(node) == COMPANY

    def holds_company(self, node: exp.Expr) -> bool:
        """Whether a text is made of a company code that is not folded, so that its case would tell one from itself."""
        if not self.kinds.of(node).family.is_text:
            return False
        match node:
            case exp.Column():
                return self.is_company(node)
            case exp.Upper() | exp.Lower() | exp.Query() | exp.Subquery():
                return False
            case exp.Case() | exp.If():
                parts = branches(node)
            case exp.Window():
                parts = [node.this]
            case _:
                parts = list(node.iter_expressions())
        return any(self.holds_company(part) for part in parts)
