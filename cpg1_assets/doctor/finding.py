"""What one check found: where it belongs, how it stands, what was seen, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["fine", "look", "mend", "not asked"]
"""`look` is worth knowing and stops nothing; `mend` must be put right; `not asked` could not or need not be known."""


@dataclass(frozen=True)
class Finding:
    """One check. `said` is what was seen, `to_do` what a person does about it (empty where that is nothing)."""

    group: str
    subject: str
    verdict: Verdict
    said: str
    to_do: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Group:
    """Makes the findings of one group."""

    name: str

    def fine(self, subject: str, said: str) -> Finding:
        """Say that all is well."""
        return Finding(self.name, subject, "fine", said)

    def look(self, subject: str, said: str, to_do: str = "") -> Finding:
        """Say what is worth knowing; a close works all the same."""
        return Finding(self.name, subject, "look", said, to_do)

    def mend(self, subject: str, said: str, to_do: str) -> Finding:
        """Say what makes a close fail, or makes it something else than the control, until it is put right."""
        return Finding(self.name, subject, "mend", said, to_do)

    def not_asked(self, subject: str, why: str) -> Finding:
        """Say why it is not known."""
        return Finding(self.name, subject, "not asked", why)


def several(count: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 8) -> str:
    """Write names one after the other, the first of them where they are many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
