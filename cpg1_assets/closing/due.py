"""When months are due, and whether they were closed in time: what `cpg1 calendar` and `cpg1 status` show of it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from cpg1_assets.close_calendar.companies import due_dates_of
from cpg1_assets.close_calendar.punctuality import Punctuality, punctuality
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.jdash.month import companies_without_file
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sample_books import LAST_MONTH
from cpg1_assets.settings import Settings


def month_punctuality(
    deployment: Deployment, month: CutoffMonth, today: date, *, ask_source: bool = True
) -> Punctuality:
    """Give when a month is due, when it was closed, and by how many days that is late on `today`.

    Only the due dates of a month that is not over or that the books do not have, and of a narrowed scope, which is never
    sealed. Raises as `due_dates_of` and `punctuality`, SettingsError for an inbox that is set and not there, and
    DataError where it may not be listed.
    """
    due_dates, calendar = due_dates_of(
        month,
        calendar_file=deployment.settings.calendar_file,
        storage=deployment.storage,
        source=deployment.source if ask_source else None,
        scope=deployment.scope,
    )
    if not _can_be_closed(deployment.settings, month, today):
        return punctuality(month, due_dates, calendar, deployment.home.evidence_folder, None)
    deployment.home.require_inbox()  # one that is not mounted is not an empty one
    companies = [each.company for each in due_dates]
    without_jdash = companies_without_file(deployment.home.inbox_folder, month, companies)
    return punctuality(month, due_dates, calendar, deployment.home.evidence_folder, today, without_jdash)


def _can_be_closed(settings: Settings, month: CutoffMonth, today: date) -> bool:
    """Whether a close of the month is expected: it is over, the books have it, and the scope is the control's."""
    in_books = not settings.is_sample or month.key <= LAST_MONTH
    return settings.scope is None and in_books and today >= month.next_month_start


def punctualities(
    settings: Settings, months: Iterable[CutoffMonth], today: date
) -> dict[str, dict[str, Any]]:
    """Give the punctuality of each month, by key, as JSON has it; `error` is the sentence where it cannot be told.

    The source is not asked. What is wrong with the calendar must not hide where the months stand. Of a narrowed scope
    nothing is given.
    """
    if settings.scope is not None:
        return {}
    deployment = open_deployment(settings)
    told: dict[str, dict[str, Any]] = {}
    for month in months:
        try:
            told[month.key] = month_punctuality(deployment, month, today, ask_source=False).as_dict()
        except (Cpg1Error, OSError) as error:
            told[month.key] = {"error": str(error)}
    return told
