"""Which companies a due date is told for, and in which country each is: from storage, and only else from the source."""

from pathlib import Path
from typing import NamedTuple

from cpg1_assets.close_calendar.calendar_file import read_calendar_file
from cpg1_assets.close_calendar.due_dates import CloseCalendar, DueDate
from cpg1_assets.errors import CalendarError, ScopeError
from cpg1_assets.extracts.company_codes import folded
from cpg1_assets.extracts.extraction import company_countries
from cpg1_assets.extracts.scope import Scope
from cpg1_assets.month import FIRST_MONTH, CutoffMonth, month_range
from cpg1_assets.sources.interface import Source
from cpg1_assets.storage.files import ParquetStorage

_COMPANIES = "cr_05"
_YEARS_AHEAD = 10


class DueDates(NamedTuple):
    """When the close of a month is due, by company, and the version of the calendar that says so."""

    due_dates: tuple[DueDate, ...]
    calendar: str


def due_dates_of(
    month: CutoffMonth, *, calendar_file: Path, storage: ParquetStorage, source: Source | None, scope: Scope
) -> DueDates:
    """Give when the close of `month` is due for each company in scope.

    Raises FileFormatError naming file and line where the calendar file is wrong, also for a company that no month has (a
    narrowed scope knows its own only, and asks nothing of others); CalendarError; and what `companies_of` raises.
    """
    companies = companies_of(storage, source, scope, month)
    file = read_calendar_file(calendar_file, None)
    if scope.companies is None and file.overrides.companies - {folded(code) for code in companies}:
        file = read_calendar_file(calendar_file, {*companies, *_companies_of_all_months(storage, month)})
    calendar = CloseCalendar(file)
    return DueDates(calendar.due_dates(month, companies), calendar.version)


def _companies_of_all_months(storage: ParquetStorage, month: CutoffMonth) -> set[str]:
    """Give the companies of every month in storage: what is said of one that came later, or left, is no slip."""
    last = CutoffMonth(month.year + _YEARS_AHEAD, month.month)
    months = month_range(CutoffMonth.parse(FIRST_MONTH), last)
    found = (_stored(storage, each) for each in months if storage.exists(_COMPANIES, each.key))
    return {company for companies in found for company in companies}


def stored_companies(storage: ParquetStorage, month: CutoffMonth) -> dict[str, str | None] | None:
    """Give the companies of the month, or of the newest month before it that is in storage; None where there is none.

    Raises StorageError where that file is not the one that was written there.
    """
    while month.key >= FIRST_MONTH:
        if storage.exists(_COMPANIES, month.key):
            return _stored(storage, month)
        month = month.previous()
    return None


def _stored(storage: ParquetStorage, month: CutoffMonth) -> dict[str, str | None]:
    rows = storage.table(_COMPANIES, month.key, ["id_company", "company_country"]).to_pylist()
    return {row["id_company"]: row["company_country"] for row in rows}


def companies_of(
    storage: ParquetStorage, source: Source | None, scope: Scope, month: CutoffMonth
) -> dict[str, str | None]:
    """Give the companies that the close of `month` is due for, with the country of each.

    The source is asked only where storage has none; where it is None, CalendarError is raised instead. Raises
    StorageError, SourceError, and ScopeError where no company is in scope.
    """
    found = stored_companies(storage, month)
    if found is None:
        found = _asked(source, scope, month)
    if not found:
        raise ScopeError(
            "No company is in scope, so no close is due: look at Dim_Company.Flg_In_Conso_Scope."
        )
    return found


def _asked(source: Source | None, scope: Scope, month: CutoffMonth) -> dict[str, str | None]:
    if source is None:
        raise CalendarError(
            f"No month up to {month.key} is in storage, so its companies are not known here. To ask the source for "
            f"them: cpg1 calendar {month.key}"
        )
    with source.session({"asset": "close calendar", "month": month.key}) as session:
        found = company_countries(session)
    if scope.companies is None:
        return found
    asked = {folded(company) for company in scope.companies}
    return {company: country for company, country in found.items() if folded(company) in asked}
