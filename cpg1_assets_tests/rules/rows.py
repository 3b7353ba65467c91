"""Writing a rule's input as rows, and reading its result as rows."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

import cpg1_assets.rules
from cpg1_assets.frame import Column
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.classification import Classification
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.yaml_file import read_yaml

Row: TypeAlias = dict[str, Any]

RULES = Path(cpg1_assets.rules.__file__).parent
SEPTEMBER = CutoffMonth(2025, 9)
LINES = read_yaml(RULES / "lines.yaml", Lines)
THRESHOLDS = read_yaml(RULES / "thresholds.yaml", Thresholds)
CLASSIFICATION = read_yaml(RULES / "collection_classification.yaml", Classification)
MATCHING = read_yaml(RULES / "open_items.yaml", Matching)


def table(columns: tuple[Column, ...], rows: Iterable[Row]) -> pa.Table:
    """Give rows as a table of `columns`; what a row leaves out is null, amounts may be written as text."""
    listed = list(rows)
    unknown = {name for row in listed for name in row} - {column.name for column in columns}
    assert not unknown, unknown
    return pa.table(
        {
            column.name: pa.array([_value(row.get(column.name), column) for row in listed], column.arrow_type)
            for column in columns
        }
    )


def _value(value: object, column: Column) -> object:
    if value is None:
        return None
    if column.type in {"amount", "rate"}:
        return Decimal(str(value))
    if column.type == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if column.type == "date" and isinstance(value, str):
        return datetime.fromisoformat(value).date()
    return value


def rows(relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    """Read the result, in its order."""
    found: list[dict[str, Any]] = relation.to_arrow_table().to_pylist()
    return found
