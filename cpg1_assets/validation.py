"""The outcome of one validation, as the checks show it and as evidence keeps it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class Validation:
    """What was expected, what was found, and whether that is good.

    `statement` says in a sentence what must be true; `figures` are plain JSON values (amounts as text,
    so that no digit is lost). `blocking` says that nothing downstream may use the data when it fails.
    """

    name: str
    statement: str
    passed: bool
    severity: Severity = "ERROR"
    blocking: bool = False
    figures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "statement": self.statement,
            "result": "pass" if self.passed else "fail",
            "severity": self.severity,
            "blocking": self.blocking,
            **self.figures,
        }
