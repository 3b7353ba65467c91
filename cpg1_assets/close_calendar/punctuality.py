"""Due, closed, days late: the due dates of a month held against what was sealed of it.

Source of the rule: the close calendar (docs/close-calendar.md). It reads the evidence; what day it is it is told.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cpg1_assets.close_calendar.calendar_file import read_calendar_file
from cpg1_assets.close_calendar.due_dates import CloseCalendar, DueDate, days_late, group_due
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import Link
from cpg1_assets.evidence.chain.seal import sealed_versions
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import RECONCILIATION

NOT_COMPUTED = "NOT_COMPUTED"


@dataclass(frozen=True)
class CompanyPunctuality:
    """A company's due date, the day it was closed on (UTC; None: not yet), and by how many days that is late.

    `days_late` is None where it is not closed and nobody said what day it is. `lacks_jdash` says that it is not closed
    and has no JDash file in the inbox; `jdash_days_late`, by how many days that file is late (0 where it is there).
    """

    due: DueDate
    closed: date | None
    days_late: int | None
    lacks_jdash: bool
    jdash_days_late: int | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.due.as_dict(),
            "closed": None if self.closed is None else self.closed.isoformat(),
            "days_late": self.days_late,
            "lacks_jdash": self.lacks_jdash,
            "jdash_days_late": self.jdash_days_late,
        }


@dataclass(frozen=True)
class Punctuality:
    """When the close of a month is due for the group, when it was closed, and the same of each company.

    The group is due with its last company, and closed with its last company.
    """

    month: CutoffMonth
    companies: tuple[CompanyPunctuality, ...]
    due: date
    closed: date | None
    days_late: int | None
    calendar: str

    @property
    def is_certain(self) -> bool:
        """Whether no company's due date rests on a holiday that nobody has confirmed."""
        return all(each.due.is_certain for each in self.companies)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "month": self.month.key,
            "due": self.due.isoformat(),
            "certain": self.is_certain,
            "closed": None if self.closed is None else self.closed.isoformat(),
            "days_late": self.days_late,
            "calendar": self.calendar,
            "companies": [each.as_dict() for each in self.companies],
        }


def punctuality(
    month: CutoffMonth,
    due_dates: tuple[DueDate, ...],
    calendar: str,
    evidence: Path,
    today: date | None,
    without_jdash: Collection[str] = (),
) -> Punctuality:
    """Hold the due dates of a month against its sealed versions.

    `calendar` is the version of the calendar, `without_jdash` the companies with no JDash file in the inbox. Without
    `today` nothing is said of what is not closed, so that the same evidence always gives the same. Raises EvidenceError
    where a sealed version cannot be read.
    """
    closed = closed_on(evidence, month, [each.company for each in due_dates])
    companies = []
    for due in due_dates:
        on = closed[due.company]
        lacks = on is None and due.company in without_jdash
        companies.append(
            CompanyPunctuality(
                due=due,
                closed=on,
                days_late=days_late(due.due, on, today),
                lacks_jdash=lacks,
                jdash_days_late=days_late(due.jdash_due, None, today) if lacks else 0,
            )
        )
    dates = [each.closed for each in companies if each.closed is not None]
    all_closed = max(dates) if len(dates) == len(companies) else None
    group = group_due(due_dates)
    return Punctuality(
        month=month,
        companies=tuple(companies),
        due=group,
        closed=all_closed,
        days_late=days_late(group, all_closed, today),
        calendar=calendar,
    )


def sealed_punctuality(
    evidence: Path, month: CutoffMonth, companies: Mapping[str, str | None], calendar_file: Path
) -> Punctuality:
    """Give what a report says: the punctuality of a sealed month, from the evidence and the calendar file alone.

    `companies` has the country of each company of the sealed version. The same evidence and file always give the same:
    of what is not closed no lateness is told. Raises FileFormatError, CalendarError and EvidenceError.
    """
    calendar = CloseCalendar(read_calendar_file(calendar_file, None))
    return punctuality(month, calendar.due_dates(month, companies), calendar.version, evidence, None)


def closed_on(evidence: Path, month: CutoffMonth, companies: Collection[str]) -> dict[str, date | None]:
    """Give the day (UTC) each company's month was closed on; None for one that is not.

    A company is closed by the first sealed version from which on every line of it is computed: a line that waits for a
    JDash file, a rate or a balance is open. A month that a reviewer signed off is closed by then, also with such a line.
    Raises EvidenceError where a sealed version cannot be read.
    """
    closed: dict[str, date | None] = dict.fromkeys(companies)
    still = set(companies)
    for sealed in reversed(sealed_versions(evidence, month.key)):
        rows = sealed.table(RECONCILIATION.name, ["id_company", "status"]).to_pylist()
        still &= {row["id_company"] for row in rows}
        still -= {row["id_company"] for row in rows if row["status"] == NOT_COMPUTED}
        if not still:
            break
        closed |= dict.fromkeys(still, _day(sealed.link))
    signed = signed_off_by(evidence, month.key)
    if signed is not None:
        closed = {company: on or _day(signed.link) for company, on in closed.items()}
    return closed


def _day(link: Link) -> date:
    try:
        return datetime.fromisoformat(link.made_at).date()
    except ValueError as error:
        raise EvidenceError(
            f"{link.name} says no time it was made at. Look at it with: cpg1 evidence verify"
        ) from error
