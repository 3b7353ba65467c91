"""Calendars for tests: the package's as it is, or with days of the test's own; and books with companies only."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from cpg1_assets.close_calendar.calendar_file import CalendarFile, Overrides
from cpg1_assets.close_calendar.due_dates import CloseCalendar
from cpg1_assets.extracts.catalog import companies_in_scope_sql
from cpg1_assets.sources.interface import Session, SourceIdentity
from cpg1_assets.sources.query import Query

BOOKS = {
    "EC_NG": "NG", "JD_GH": "GH", "EC_IC": "CI", "HF_SN": "SN", "EC_MA": "MA",
    "EC_KE": "KE", "JD_UG": "UG", "JD_DZ": "DZ", "JM_EG": "EG",
}  # fmt: skip
"""The companies of the group and their countries (spec: Scope)."""
COMPANY_OF = {country: company for company, country in BOOKS.items()}


def calendar(*days: dict[str, Any], weekends: list[dict[str, Any]] | None = None) -> CloseCalendar:
    """Give a calendar whose file says this."""
    said = Overrides.model_validate({"version": "t", "weekends": weekends or [], "days": days})
    return CloseCalendar(CalendarFile(Path("close_calendar.yaml"), said, hashlib.sha256(b"").hexdigest()))


class Books:
    """A source that has these companies, with their countries as it writes them, and nothing else; `asked` counts."""

    def __init__(self, companies: Sequence[tuple[str, str | None]] = tuple(BOOKS.items())) -> None:
        """Take the companies, each with its country."""
        self._companies = companies
        self.asked = 0

    def identity(self) -> SourceIdentity:
        """Say what this source is."""
        return SourceIdentity("test", "test", "", (), keeps_snapshot=True)

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:  # noqa: ARG002
        """Open a session."""
        yield cast("Session", self)

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """Give the companies in scope."""
        assert query == Query(companies_in_scope_sql(), {})
        self.asked += 1
        return [{"id_company": code, "company_country": country} for code, country in self._companies]
