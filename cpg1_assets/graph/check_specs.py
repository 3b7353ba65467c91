"""How a validation looks in Dagster: its check, partitioned as its asset, and its figures as metadata.

The UI sorts the figures of an evaluation by name. So what matters first stands in the evaluation's description, which
it shows above them, and in a table the columns that matter come first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg

from cpg1_assets.validation import Validation

NONE = "none"
"""How the UI shows a list without rows."""
_FIRST = (
    "status", "id_company", "company", "line", "group_coa_account_no", "unexplained_usd", "unexplained", "cause",
    "variance_usd", "difference", "variance", "amount", "threshold_usd",
)  # fmt: skip
_NAMED = ("id_company", "line", "group_coa_account_no", "bridge_category", "voucher_type", "transaction_type")
_FIGURES = ("unexplained_usd", "variance_usd", "unexplained", "difference", "variance", "amount")
_NAMED_ROWS = 3
_AMOUNT = re.compile(r"-?\d+\.\d{4,}")
"""Amounts and rates are written with four digits or more behind the point, and nothing else is."""


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


def is_asked(context: dg.AssetCheckExecutionContext, asset: str, check: str) -> bool:
    """Whether a check is among those that this run executes: a person may ask for one only."""
    return dg.AssetCheckKey(dg.AssetKey(asset), check) in context.selected_asset_check_keys


def check_result(asset: str, validation: Validation, notes: Mapping[str, str]) -> dg.AssetCheckResult:
    """Show a validation as Dagster's check result: what was found first, its figures as metadata, and the `notes`."""
    found = "" if validation.passed or not validation.tested else _headline(validation.figures)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=validation.name,
        passed=validation.passed,
        severity=dg.AssetCheckSeverity[validation.severity],
        description="\n\n".join(filter(None, [validation.said, found])),
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
    if not isinstance(figure, list | dict):
        return dg.MetadataValue.text(str(figure))
    if not figure:
        return dg.MetadataValue.text(NONE)
    if isinstance(figure, dict) and all(isinstance(row, dict) for row in figure.values()):
        figure = [{"company": company, **row} for company, row in figure.items()]
    rows = isinstance(figure, list) and all(isinstance(row, dict) for row in figure)
    return table([_first_first(row) for row in figure]) if rows else dg.MetadataValue.json(figure)


def _first_first(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row with the columns in front that matter first."""
    return {name: row[name] for name in _FIRST if name in row} | dict(row)


def table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Show rows as a table with their columns in order, amounts with separators and all their digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return dg.TableMetadataValue(
        records=[dg.TableRecord({name: written(row.get(name)) for name in names}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name=name) for name in names]),
    )


def written(value: Any) -> str | None:  # noqa: ANN401 - any figure
    """Write a value as the UI shows it: an amount with separators and all its digits, anything else as it is."""
    text = None if value is None else str(value)
    return f"{Decimal(text):,f}" if text is not None and _AMOUNT.fullmatch(text) else text


def _headline(figures: Mapping[str, Any]) -> str:
    """Say the largest rows that were found in a sentence, each by what it is of and its figure; USD where all have it."""
    for name, figure in figures.items():
        if isinstance(figure, list) and figure and all(isinstance(row, dict) for row in figure):
            of = next((of for of in _FIGURES if all(row.get(of) is not None for row in figure)), None)
            if of is None or not all(_named(row) for row in figure):
                return ""
            unit = "USD" if of.endswith("_usd") else of
            largest = sorted(figure, key=lambda row: -abs(Decimal(str(row[of]))))[:_NAMED_ROWS]
            said = [f"{_named(row)} {written(row[of])} {unit}" for row in largest]
            more = f"; and {len(figure) - len(said):,} more" if len(figure) > len(said) else ""
            return f"{name.replace('_', ' ').capitalize()}: {'; '.join(said)}{more}."
    return ""


def _named(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]).strip() for name in _NAMED if row.get(name))
