"""The dagster-pandas types of the pandas frames: column by column, with descriptions the UI shows."""

import dagster as dg
import pandas as pd
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type
from dagster_pandas.constraints import ColumnConstraint, ColumnConstraintViolationException

from cpg1_assets.frame import Column, FrameSpec


class ExactType(ColumnConstraint):
    """The column has exactly the Arrow type of its specification, and no null where none may be."""

    def __init__(self, column: Column) -> None:
        """Test against `column`."""
        self._column = column
        self._expected = pd.ArrowDtype(column.arrow_type)
        super().__init__(
            error_description=f"must be {column.arrow_type}",
            markdown_description=f"{column.arrow_type}{'' if column.nullable else ', never null'}",
        )

    def validate(self, dataframe: pd.DataFrame, column_name: str) -> None:
        """Raise ColumnConstraintViolationException when the column has another type, or a null it may not have."""
        found = dataframe[column_name]
        if found.dtype != self._expected:
            raise ColumnConstraintViolationException(
                constraint_name="type", constraint_description=f"{self._expected}, found {found.dtype}",
                column_name=column_name,
            )  # fmt: skip
        if not self._column.nullable and found.hasnans:
            raise ColumnConstraintViolationException(
                constraint_name="not null", constraint_description="never null",
                column_name=column_name, offending_rows=found[found.isna()],
            )  # fmt: skip


def frame_type(spec: FrameSpec) -> dg.DagsterType:
    """Make the dagster-pandas type of a frame: these columns, each with its exact type."""
    made: dg.DagsterType = create_dagster_pandas_dataframe_type(
        name=f"{spec.name}_frame",
        description=f"{spec.title}. {spec.description}",
        columns=[PandasColumn(column.name, constraints=[ExactType(column)]) for column in spec.columns],
    )
    return made
