"""`cpg1 calendar`: when a month is due for each company, what moved that, and whether it was closed in time."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from cpg1_assets.cli.answering import json_option, told
from cpg1_assets.cli.columns import Column, Row, laid_out, wrapped
from cpg1_assets.cli.render import marks
from cpg1_assets.cli.terminal import say, say_json, screen
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sample_books import LAST_MONTH
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.close_calendar.punctuality import CompanyPunctuality, Punctuality

_COLUMNS = (
    Column("company"), Column("country"), Column("JDash by"), Column("due"), Column("closed"),
    Column("days late", is_figure=True),
)  # fmt: skip
_WEEKEND = "saturday, sunday"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.command("calendar")
@click.argument("month", required=False)
@json_option
@told
def calendar(month: str | None, *, as_json: bool) -> None:
    """Show when the close of MONTH is due for each company, which holidays moved it, and how many days late it is.

    Without MONTH, that of CUTOFF_DATE, else the last complete one (on the sample books: their last). A month that is not
    over can be asked for.
    """
    settings = Settings.from_environment()
    today = date.today()  # noqa: DTZ011 - the person's own calendar
    from cpg1_assets.closing.due import month_punctuality  # noqa: PLC0415 - imports DuckDB
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415

    found = month_punctuality(open_deployment(settings), _chosen(settings, month, today), today)
    if as_json:
        say_json({"books": Home(settings).books_kept, "scope": settings.scope, **found.as_dict()})
        return
    say(f"C-PG-1 {found.month.key}{marks(settings)}: due on the third working day")
    group = ["group", "", "", _due(found.due, is_certain=found.is_certain), _closed(found.closed)]
    rows = [*map(_row, found.companies), Row([*group, _late(found.days_late)])]
    say(*laid_out(_COLUMNS, rows, screen()))
    for line in _why(found):
        say(*wrapped(line.strip(), screen(), 2 if line.startswith(" ") else 0))


def _row(each: "CompanyPunctuality") -> Row:
    jdash = _day(each.due.jdash_due) + (" missing" if each.lacks_jdash else "")
    due = _due(each.due.due, is_certain=each.due.is_certain)
    return Row([each.due.company, each.due.country, jdash, due, _closed(each.closed), _late(each.days_late)])


def _due(day: date, *, is_certain: bool) -> str:
    return _day(day) + ("" if is_certain else " ?")


def _day(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day}"


def _closed(day: date | None) -> str:
    return "-" if day is None else str(day)


def _late(days: int | None) -> str:
    return "-" if days is None else str(days)


def _why(found: "Punctuality") -> Iterator[str]:
    """Say why due dates are not what Monday to Friday would give, which may still move, and what was overruled."""
    dues = [each.due for each in found.companies]
    moved: dict[str, list[str]] = {}
    doubted: dict[str, list[str]] = {}
    overruled: dict[str, list[str]] = {}
    for due in dues:
        if due.weekend != _WEEKEND:
            moved.setdefault(f"weekend {due.weekend}", []).append(due.company)
        for off in due.moved_by:
            moved.setdefault(f"{_day(off.day)} {off.name}", []).append(due.company)
        for off in due.unconfirmed:
            doubted.setdefault(f"{_day(off.day)} {off.name}", []).append(due.company)
        for said in due.overruled:
            overruled.setdefault(said, []).append(due.company)
    counted_on = _day(dues[0].counted)
    for title, reasons in (
        (
            f"Counted Monday to Friday without holidays it would be {counted_on}. What is counted otherwise:",
            moved,
        ),
        ("Not certain (?): these follow the moon, and the calendar file does not confirm them:", doubted),
        ("The calendar file overrules:", overruled),
    ):
        if reasons:
            yield title
            yield from (f"  {reason}: {' '.join(companies)}" for reason, companies in sorted(reasons.items()))
    yield f"Calendar: {found.calendar}"


def _chosen(settings: Settings, month: str | None, today: date) -> CutoffMonth:
    if month is not None:
        return CutoffMonth.parse(month)
    if settings.cutoff_date is not None:
        return CutoffMonth.of_cutoff_date(settings.cutoff_date)
    return CutoffMonth.parse(LAST_MONTH) if settings.is_sample else CutoffMonth.last_complete(today)
