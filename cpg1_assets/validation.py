"""The outcome of one validation, as the checks show it and as evidence keeps it."""

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
