"""The constructs that T-SQL may use in a query, each with a question and SQL Server's answer; and what is refused.

The table is `constructs.yaml`. Three ask it: the tests ask the sample books' engine through the dialect seam,
`cpg1 doctor --constructs` asks a server, and `docs/t-sql.md` shows it to people. What is let in is decided by the
gate (`gate`); a test holds the gate's list of functions and constructs to this table.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from cpg1_assets import loaded
from cpg1_assets.yaml_file import parse_yaml

Answer: TypeAlias = str | int | bool | Decimal | date | datetime | None

_FILE = "sources/constructs.yaml"


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: str

    @property
    def query(self) -> str:
        """The question as a statement with one row and one column, `v`."""
        is_query = self.asked.startswith(("SELECT ", "WITH "))
        return self.asked if is_query else f"SELECT {self.asked} AS v"


class Construct(_Question):
    """One construct: a T-SQL expression or a query with one value, SQL Server's answer and its type, and the source.

    `answer` is a text whatever its type, None for NULL; `type` is SQL Server's, a decimal's with precision and
    scale, and `nvarchar` for every text.
    """

    name: str
    answer: str | None
    type: str
    source: str
    note: str = ""

    def value(self) -> Answer:
        """Give the answer as a value of its type."""
        return None if self.answer is None else _READ[self.type.partition("(")[0]](self.answer)


class Refused(_Question):
    """Something that SQL Server answers and the seam refuses: what it is there, and what to write instead."""

    there: str
    instead: str


class Constructs(BaseModel):
    """The whole table, by group, in the order of the page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed: dict[str, tuple[Construct, ...]]
    refused: dict[str, tuple[Refused, ...]]


def read_constructs() -> Constructs:
    """Give the table."""
    return parse_yaml(loaded.TEXTS[_FILE], Constructs, name=str(loaded.PACKAGE / _FILE))


def _text(written: str) -> Answer:
    return written


def _flag(written: str) -> Answer:
    return written == "1"


_READ: dict[str, Callable[[str], Answer]] = {
    "nvarchar": _text,
    "int": int,
    "bigint": int,
    "bit": _flag,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "datetime2": datetime.fromisoformat,
}
