"""The check results: what every check of a month found, as one frame that is sealed with it.

The checks of derived frames are asked here again, from frames that are handed in; what the extracts' own
validations found is handed in as it was found. What a check means is in `checks`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

import pyarrow as pa

from cpg1_assets.rules.checks import Check, checks, outcomes
from cpg1_assets.rules.engine import Frame
from cpg1_assets.rules.findings import Outcomes
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets.rules.graph import Circumstances
from cpg1_assets.validation import Severity

_Row = dict[str, Any]
Ask: TypeAlias = Callable[
    [Iterable[Check], Mapping[str, Frame], Circumstances], Iterator[tuple[Check, Outcomes]]
]
"""Gives every check with its outcomes, as `checks.outcomes` does."""


class Validated(TypedDict):
    """What one validation of an extract found: the fields of a Validation that a check result keeps."""

    name: str
    severity: Severity
    passed: bool
    tested: bool
    figures: dict[str, Any]


def check_results(
    frames: Mapping[str, Frame],
    circumstances: Circumstances,
    validations: Mapping[str, Sequence[Validated]],
    without: Collection[str] = (),
    ask: Ask = outcomes,
) -> pa.Table:
    """Give the results of all checks that run before a seal: of derived frames, and of extracts by asset.

    A validation of an extract is a row about no company and no line; a check of derived frames has a row for each
    of its outcomes. One that reads a frame of `without`, which the month does not have, is not asked. The same frames,
    rule files and validations give the same rows in the same order, whatever order theirs have. `ask` is for a caller
    that knows the outcomes of some checks already.

    Gives rows as `CHECK_RESULTS`. Raises DataError where a frame lacks a column, and KeyError where it is missing.

    Source of the rule: Reconciliation, "Checks"; Evidence, "The seal".
    """
    rows = [*_of_derived(frames, circumstances, without, ask), *_of_extracts(validations)]
    rows.sort(key=lambda row: [(row[name] is not None, row[name]) for name in CHECK_RESULTS.sort_order])
    return pa.Table.from_pylist(rows, schema=CHECK_RESULTS.arrow_schema)


def rows_of_validations(validations: Mapping[str, Sequence[Validated]]) -> list[dict[str, Any]]:
    """Give the check results of these validations alone, as rows of `CHECK_RESULTS` in no order."""
    return list(_of_extracts(validations))


def _of_derived(
    frames: Mapping[str, Frame], circumstances: Circumstances, without: Collection[str], ask: Ask
) -> Iterator[_Row]:
    asked = [check for check in checks(circumstances.lines).values() if not set(check.inputs) & set(without)]
    for check, found in ask(asked, frames, circumstances):
        for outcome in found:
            yield {
                "asset": check.asset,
                "check": check.name,
                "severity": check.severity,
                "id_company": outcome.id_company,
                "line": outcome.line,
                "passed": outcome.passed,
                "tested": outcome.tested,
                "figures": _json(outcome.figures),
            }


def _of_extracts(validations: Mapping[str, Sequence[Validated]]) -> Iterator[_Row]:
    for asset, found in validations.items():
        for validation in found:
            yield {
                "asset": asset,
                "check": validation["name"],
                "severity": validation["severity"],
                "id_company": None,
                "line": None,
                "passed": validation["passed"],
                "tested": validation["tested"],
                # Which rows come first is nowhere said of an extract's lists, so it must not tell runs apart.
                "figures": _json(_in_order(validation["figures"])),
            }


def _json(figures: dict[str, Any]) -> str:
    """Write figures one way. Raises TypeError where they hold anything but texts, whole numbers, flags and nulls."""
    _refuse_others(figures)
    return json.dumps(figures, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _refuse_others(value: object) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{name!r} is not a text, and names a figure.")
            _refuse_others(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_others(inner)
    elif not isinstance(value, str | int | None):
        raise TypeError(f"{value!r} is no figure: amounts are texts, so that no digit is lost.")


def _in_order(value: Any) -> Any:  # noqa: ANN401 - JSON of any depth
    if isinstance(value, dict):
        return {name: _in_order(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted(
            (_in_order(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True)
        )
    return value
