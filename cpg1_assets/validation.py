"""The outcome of one validation, as the checks show it and as evidence keeps it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Severity = Literal["ERROR", "WARN"]

NOTHING_TO_TEST = "Nothing to test"

_FIGURES = {
    "unexplained_usd": " USD unexplained",
    "variance_usd": " USD variance",
    "difference": " LCY difference",
    "amount_used": " LCY used",
    "amount": " LCY",
    "fx_rate": " rate",
    "rows": " rows",
}
"""The figure that matters of a row that a check lists, the first that it has, and what it is."""
_WHOSE = (
    ("id_company", "country_code"), ("line",), ("group_coa_account_no",), ("bridge_category",), ("voucher_type",),
    ("transaction_type",), ("reference", "document_no", "voucher_id"), ("status",),
)  # fmt: skip
"""What says whose figure it is; of each group, the first that a row has."""
_IN_SHORT = {"RECONCILED", "EXPLAINED", "VARIANCE_DETECTED", "INVESTIGATE"}
"""Statuses that the figure says already."""
_TOLD_APART = (
    "by_cause",
    "largest_items",
    "problems",
    "problem_count",
    "missing",
    "left_alone",
    "companies",
    "found",
)
_SHOWN = 3


@dataclass(frozen=True)
class Validation:
    """What was expected, what was found, and whether that is good.

    `statement` says in a sentence what must be true; `figures` are plain JSON values (amounts as text,
    so that no digit is lost). `blocking` says that nothing downstream may use the data when it fails. `tested`
    is False where there was nothing to test: that is no proof, so such a validation did not pass, and warns.
    """

    name: str
    statement: str
    passed: bool
    severity: Severity = "ERROR"
    blocking: bool = False
    figures: dict[str, Any] = field(default_factory=dict)
    tested: bool = True

    @classmethod
    def untested(cls, name: str, statement: str, figures: dict[str, Any]) -> "Validation":
        """Give the outcome of a validation that found nothing to look at."""
        return cls(
            name,
            f"{NOTHING_TO_TEST}: {statement}",
            passed=False,
            severity="WARN",
            figures=figures,
            tested=False,
        )

    @property
    def said(self) -> str:
        """Say what must be true and, where it is not, what was found."""
        return "\n\n".join([self.statement, *([] if self.passed else found_in(self.figures))])

    @property
    def result(self) -> str:
        """Say in a word or three how it came out."""
        if not self.tested:
            return NOTHING_TO_TEST.lower()
        return "pass" if self.passed else "fail"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "statement": self.statement,
            "result": self.result,
            "severity": self.severity,
            "blocking": self.blocking,
            **self.figures,
        }

    def as_result(self) -> dict[str, Any]:
        """Give what a check result keeps of it: plain values for JSON."""
        return {
            "name": self.name,
            "severity": self.severity,
            "passed": self.passed,
            "tested": self.tested,
            "figures": self.figures,
        }


def found_in(figures: Mapping[str, Any]) -> list[str]:
    """Give what figures say in sentences: each problem, and who is missing."""
    told = [str(problem["message"]) for problem in figures.get("problems") or ()]
    if figures.get("missing"):
        beside = ", ".join(map(str, figures.get("left_alone") or ()))
        told.append(
            f"Missing: {', '.join(map(str, figures['missing']))}."
            + (f" Left alone, because its name says that it is no data: {beside}." if beside else "")
        )
    return told


def figures_in_words(outcomes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give what the figures of a check's outcomes come to in short sentences, in each the figure that matters first.

    Of rows they list, the three largest; those without a figure come first, since they may be anything. Problems and
    who is missing are told by `found_in`.
    """
    rows: list[Mapping[str, Any]] = []
    told: list[str] = []
    count = 0
    for figures in outcomes:
        listed = [figures] if "id_company" in figures else list(_listed(figures))
        rows += listed
        said = figures.get("found")
        count += said if isinstance(said, int) and listed else len(listed)
        if "id_company" not in figures:
            told += _counts(figures)
    rows.sort(key=_largest_first)
    if count > _SHOWN:
        told.append(f"{count:,} found, the largest:")
    return [*told, *(_row_in_words(row) for row in rows[:_SHOWN])]


def _listed(figures: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the rows that figures list, but for those that are fine or told elsewhere."""
    for name, value in figures.items():
        if name not in _TOLD_APART[:-1] and isinstance(value, list):
            yield from (row for row in value if isinstance(row, Mapping) and row.get("status") != "OK")


def _counts(figures: Mapping[str, Any]) -> Iterator[str]:
    """Give what is counted beside the rows, such as the share that lacks something."""
    said = [
        f"{value:,} {name.replace('_', ' ')}"
        for name, value in figures.items()
        if isinstance(value, int) and not isinstance(value, bool) and value and name not in _TOLD_APART
    ]
    said += [
        f"{value} {name.removeprefix('share_').replace('_', ' ')}"
        for name, value in figures.items()
        if name.startswith("share_")
    ]
    if said:
        yield ", ".join(reversed(said))
    if figures.get("problem"):
        yield str(figures["problem"])


def _largest_first(row: Mapping[str, Any]) -> tuple[bool, Decimal]:
    figure = _decimal(row.get(_matters(row)))
    return (figure is not None, -abs(figure or Decimal(0)))


def _matters(row: Mapping[str, Any]) -> str:
    return next((name for name in _FIGURES if name in row), "")


def _row_in_words(row: Mapping[str, Any]) -> str:
    name = _matters(row)
    figure = _decimal(row.get(name))
    shown = "no figure" if figure is None else f"{figure:,.0f}" if name == "rows" else f"{figure:,.2f}"
    known = (next((str(row[each]).strip() for each in group if row.get(each)), "") for group in _WHOSE)
    whose = [each for each in known if each and each not in _IN_SHORT]
    beside = f" (threshold {threshold:,.2f})" if (threshold := _decimal(row.get("threshold_usd"))) else ""
    return f"{shown}{_FIGURES.get(name, '') if figure is not None else ''}{beside}: {', '.join(whose)}"


def _decimal(value: Any) -> Decimal | None:  # noqa: ANN401 - a figure as it is kept or shown
    try:
        return None if value is None else Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        return None
