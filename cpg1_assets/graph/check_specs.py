"""How a validation looks in Dagster: its check, partitioned as its asset, and its figures as metadata."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from cpg1_assets.validation import Validation


def check_specs(
    asset: str,
    statements: Mapping[str, str],
    partitions: dg.PartitionsDefinition[str],
    *,
    blocking: Iterable[str] = (),
    besides: Iterable[str] = (),
) -> list[dg.AssetCheckSpec]:
    """Name the checks of an asset, partitioned as it is; `besides` are other assets they look at."""
    return [
        dg.AssetCheckSpec(
            name,
            asset=asset,
            description=statement,
            blocking=name in blocking,
            additional_deps=list(besides),
            partitions_def=partitions,
        )
        for name, statement in statements.items()
    ]


def check_result(asset: str, validation: Validation, notes: Mapping[str, str]) -> dg.AssetCheckResult:
    """Show a validation as Dagster's check result: its figures as metadata, with the deployment's `notes`."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=validation.name,
        passed=validation.passed,
        severity=dg.AssetCheckSeverity[validation.severity],
        description=validation.said,
        metadata={
            name: metadata_value(figure) for name, figure in (validation.figures | dict(notes)).items()
        },
    )


def metadata_value(figure: Any) -> dg.MetadataValue[Any]:  # noqa: ANN401
    """Show a figure the way the UI shows it best: a table for rows, text for amounts, a number for counts."""
    if isinstance(figure, bool):
        return dg.MetadataValue.bool(figure)
    if isinstance(figure, int):
        return dg.MetadataValue.int(figure)
    if isinstance(figure, list) and figure and all(isinstance(row, dict) for row in figure):
        records = [dg.TableRecord({k: v if v is None else str(v) for k, v in row.items()}) for row in figure]
        return dg.MetadataValue.table(
            records, schema=dg.TableSchema([dg.TableColumn(name=str(name)) for name in figure[0]])
        )
    if isinstance(figure, list | dict):
        return dg.MetadataValue.json(figure)
    return dg.MetadataValue.text(str(figure))
