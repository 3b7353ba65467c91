"""How two versions of a frame differ: the rows that came, went and changed, exactly, by company and amount.

Rows are compared as multisets on all columns, nulls equal to nulls, so that the order of rows, a repeated key
and the way a file was written do not matter. Nothing here knows Dagster, a seal or a storage: two Parquet
files and what the frame is. Amounts are LCY unless the column's name ends in `_usd`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets import embedded
from cpg1_assets.embedded import quoted
from cpg1_assets.errors import StorageError
from cpg1_assets.frame import FrameSpec
from cpg1_assets.parquet_file import opened_parquet

SHOWN = 100
Kind = Literal["came", "went", "changed"]
KINDS: tuple[Kind, ...] = ("came", "went", "changed")

_NUMBER = '"row number"'
"""No column of a frame can have this name: it has a blank in it."""


@dataclass(frozen=True)
class RowChange:
    """One row that came, went or changed: its key, and its values before and after.

    Of a changed row only the columns that differ are given. Values are text, so that no digit is lost.
    """

    kind: Kind
    key: dict[str, str | None]
    before: dict[str, str | None]
    after: dict[str, str | None]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind, "key": self.key, "before": self.before, "after": self.after}

    def sentence(self) -> str:
        """Say the change in one line."""
        named = ", ".join(f"{name} {value}" for name, value in self.key.items())
        if self.kind == "changed":
            told = ", ".join(f"{n}: {self.before[n]} → {self.after[n]}" for n in self.before)
        else:
            row = self.after if self.kind == "came" else self.before
            told = ", ".join(f"{n}: {v}" for n, v in row.items() if n not in self.key)
        return f"{self.kind}: {named} ({told})"


@dataclass(frozen=True)
class CompanyTotal:
    """Rows of one kind of change in a company, and what they do to the sum of each amount (after less before)."""

    kind: Kind
    id_company: str | None
    rows: int
    amounts: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "id_company": self.id_company,
            "rows": self.rows,
            "amounts": self.amounts,
        }


@dataclass(frozen=True)
class Differences:
    """All that differs between two versions of a frame; `listed` holds the first rows only, `totals` count all.

    `columns_came` and `columns_went` say where the two do not have the same columns and types; rows are then
    compared on the columns that both have.
    """

    asset: str
    came: int = 0
    went: int = 0
    changed: int = 0
    columns_came: tuple[str, ...] = ()
    columns_went: tuple[str, ...] = ()
    totals: tuple[CompanyTotal, ...] = ()
    listed: tuple[RowChange, ...] = field(default=())

    @property
    def none(self) -> bool:
        """Whether both have the same columns and the same rows."""
        return not (self.came or self.went or self.changed or self.columns_came or self.columns_went)

    def summary(self) -> str:
        """Say what differs in one line, with the effect on each amount."""
        counted = [f"{getattr(self, kind)} {kind}" for kind in KINDS if getattr(self, kind)]
        counted += [f"column {name} came" for name in self.columns_came]
        counted += [f"column {name} went" for name in self.columns_went]
        return ", ".join(counted) or "the same rows"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "asset": self.asset,
            "came": self.came,
            "went": self.went,
            "changed": self.changed,
            "columns_came": list(self.columns_came),
            "columns_went": list(self.columns_went),
            "by_company": [total.as_dict() for total in self.totals],
            "listed": [change.as_dict() for change in self.listed],
        }


def differences(before: Path, after: Path, spec: FrameSpec, *, shown: int = SHOWN) -> Differences:
    """Compare two Parquet files of the frame `spec`, listing at most `shown` rows.

    Changed is a key on both sides whose rows differ; where a key repeats, its rows are paired in order.
    Raises StorageError naming the file that is not there or is not Parquet.
    """
    with compared(before, after, spec) as found:
        counts = {
            row["kind"]: row["rows"]
            for row in embedded.rows(
                found.connection, "SELECT kind, count(*) AS rows FROM differing GROUP BY kind"
            )
        }
        return Differences(
            asset=spec.name,
            **{kind: int(counts.get(kind, 0)) for kind in KINDS},
            columns_came=found.columns_came,
            columns_went=found.columns_went,
            totals=tuple(
                CompanyTotal(row["called"], row["id_company"], row["rows"], found.effects(row))
                for row in found.totals()
            ),
            listed=tuple(change for _, change in found.listed(shown)),
        )


@dataclass(frozen=True)
class Compared:
    """Two versions of a frame where they were compared: the table `differing` of `connection` holds what differs.

    It has a row per row that differs: its `kind`, and each of `columns` as `"before <name>"` and `"after <name>"`.
    """

    connection: duckdb.DuckDBPyConnection
    columns: list[str]
    key: list[str]
    amounts: list[str]
    columns_came: tuple[str, ...]
    columns_went: tuple[str, ...]

    def totals(self, called: str = "kind") -> list[dict[str, Any]]:
        """Count the rows by company and by what the SQL expression `called` says of each, and sum the effects."""
        company = (
            f"coalesce({quoted('after id_company')}, {quoted('before id_company')})"
            if "id_company" in self.columns
            else "CAST(NULL AS VARCHAR)"
        )
        sums = "".join(
            f", sum(coalesce({quoted(f'after {a}')}, 0)) - sum(coalesce({quoted(f'before {a}')}, 0)) AS {quoted(a)}"
            for a in self.amounts
        )
        return embedded.rows(
            self.connection,
            f"SELECT {called} AS called, {company} AS id_company, count(*) AS rows{sums} FROM differing "
            "GROUP BY ALL ORDER BY called, id_company NULLS FIRST",
        )

    def listed(self, shown: int, called: str = "kind") -> list[tuple[str, RowChange]]:
        """Give the first rows by key, each with what `called` says of it."""
        order = ", ".join(
            f"coalesce({quoted(f'after {n}')}, {quoted(f'before {n}')}) NULLS FIRST"
            for n in self.key or self.columns
        )
        found = embedded.rows(
            self.connection,
            f"SELECT *, {called} AS called FROM differing ORDER BY {order}, kind LIMIT {shown}",
        )
        return [(row["called"], _row_change(row, self.columns, self.key)) for row in found]

    def effects(self, total: dict[str, Any]) -> dict[str, str]:
        """Give what a row of `totals` does to the sum of each amount, as text."""
        return {name: _text(total[name]) or "0" for name in self.amounts}


@contextmanager
def compared(
    before: Path,
    after: Path,
    spec: FrameSpec,
    companies: Sequence[str] | None = None,
    *,
    hashed: bool = False,
) -> Iterator[Compared]:
    """Compare two Parquet files of the frame `spec`; of `before` only the rows of `companies`, where they are given.

    `hashed` says that both are known to be as they were written: their pages need not be compared with their checksums,
    and the engine reads the files by itself, which takes a fraction of the memory of a large frame.

    Raises StorageError naming the file that is not there or is not Parquet.
    """
    old, new = _schema(before), _schema(after)
    shared = [name for name in old.names if name in new.names]
    unlike = [name for name in shared if old.field(name).type != new.field(name).type]
    # A column read as another type is another column: its values are not compared, it is named.
    columns = [name for name in shared if name not in unlike]
    key = [name for name in spec.key if name in columns]
    amounts = [c.name for c in spec.columns if c.name in columns and c.type == "amount"]
    with embedded.opened() as connection:
        try:
            for name, path in (("before", before), ("after", after)):
                _register(connection, name, path, hashed=hashed)
            _compare(connection, columns, key, companies)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StorageError(
                f"{before} and {after} cannot be compared: one of them is damaged ({error})."
            ) from error
        yield Compared(
            connection,
            columns,
            key,
            [a for a in amounts if a in spec.amounts] or amounts,
            columns_came=tuple(
                f"{n} ({new.field(n).type})" for n in new.names if n not in shared or n in unlike
            ),
            columns_went=tuple(
                f"{n} ({old.field(n).type})" for n in old.names if n not in shared or n in unlike
            ),
        )


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except FileNotFoundError:
        raise StorageError(f"{path} is not there.") from None
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{path} is not a readable Parquet file ({error}).") from error


def _register(connection: duckdb.DuckDBPyConnection, name: str, path: Path, *, hashed: bool) -> None:
    """Make a file a view: one that the engine reads where it may, unless a backslash in its path would mean something."""
    if hashed and "\\" not in str(path):
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {embedded.parquet(path)}")
    else:
        # As a frame, not as a path: Arrow compares each page with its checksum.
        connection.register(name, opened_parquet(str(path)))


def _compare(
    connection: duckdb.DuckDBPyConnection,
    columns: list[str],
    key: list[str],
    companies: Sequence[str] | None,
) -> None:
    """Make the table `differing`: kind, and each column before and after."""
    listed = ", ".join(quoted(name) for name in columns)
    partition = f"PARTITION BY {', '.join(quoted(name) for name in key)} " if key else ""
    if companies is None:
        sides = {"before": f'SELECT {listed} FROM "before"'}
    else:
        connection.execute(
            "CREATE TEMP TABLE asked AS SELECT unnest($1::VARCHAR[]) AS id_company", [list(companies)]
        )
        sides = {
            "before": f'SELECT {listed} FROM "before" WHERE id_company IN (SELECT id_company FROM asked)'
        }
    sides["after"] = f'SELECT {listed} FROM "after"'
    for side, these, those in (("gone", "before", "after"), ("new", "after", "before")):
        connection.execute(
            f"CREATE TEMP TABLE {side} AS SELECT *, row_number() OVER ({partition}ORDER BY {listed}) AS {_NUMBER} "
            f"FROM ({sides[these]} EXCEPT ALL {sides[those]})"
        )
    # Without a key nothing can be called the same row: all that differs came or went.
    paired = [
        *(f"gone.{quoted(n)} IS NOT DISTINCT FROM new.{quoted(n)}" for n in key),
        f"gone.{_NUMBER} = new.{_NUMBER}",
    ]
    pairs = ", ".join(
        f"{side}.{quoted(name)} AS {quoted(f'{when} {name}')}"
        for side, when in (("gone", "before"), ("new", "after"))
        for name in columns
    )
    connection.execute(
        f"CREATE TEMP TABLE differing AS SELECT CASE WHEN gone.{_NUMBER} IS NULL THEN 'came' "
        f"WHEN new.{_NUMBER} IS NULL THEN 'went' ELSE 'changed' END AS kind, {pairs} "
        f"FROM gone FULL JOIN new ON {' AND '.join(paired) if key else 'false'}"
    )


def _row_change(row: dict[str, Any], columns: list[str], key: list[str]) -> RowChange:
    kind: Kind = row["kind"]
    before = {n: _text(row[f"before {n}"]) for n in columns}
    after = {n: _text(row[f"after {n}"]) for n in columns}
    if kind == "changed":
        differing = [n for n in columns if row[f"before {n}"] != row[f"after {n}"]]
        return RowChange(
            kind,
            {n: after[n] for n in key},
            {n: before[n] for n in differing},
            {n: after[n] for n in differing},
        )
    there = after if kind == "came" else before
    return RowChange(
        kind,
        {n: there[n] for n in key},
        {} if kind == "came" else before,
        after if kind == "came" else {},
    )


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
