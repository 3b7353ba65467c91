"""The outcome of one validation, as the checks show it and as evidence keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["ERROR", "WARN"]

NOTHING_TO_TEST = "Nothing to test"


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
