"""The variance of each line asked for, taken apart: what agrees, every open item, and totals that tie to the line.

What a line comes to is decided in `cpg1_assets.rules.explained_lines`; here it is asked of a month in storage.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cpg1_assets.errors import ScopeError, StorageError, shown
from cpg1_assets.explaining.stored import StoredMonth
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.explained_lines import explained_lines as lines_taken_apart
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS, OPEN_ITEM_MATCHES, OPEN_ITEMS, RECONCILIATION
from cpg1_assets.rules.not_computed import why_not_computed


def explained_lines(
    stored: StoredMonth, company: str | None = None, line: str | None = None
) -> list[ExplainedLine]:
    """Take apart the lines of a company, of a name, or all; those with an unexplained variance first, large ones first.

    Raises ScopeError naming what there is where the company or line is unknown, MonthError where there is nothing to
    read, StorageError where it is not what was written there.
    """
    stored.require()
    asked = _asked(stored, company, line)
    comments = OPEN_ITEM_COMMENTS.name
    return lines_taken_apart(
        stored.dataset(RECONCILIATION.name),
        stored.dataset(OPEN_ITEMS.name),
        stored.dataset(OPEN_ITEM_MATCHES.name),
        stored.dataset(comments)
        if stored.deployment.storage.exists(comments, stored.month.key)
        else OPEN_ITEM_COMMENTS.arrow_schema.empty_table(),
        asked=asked,
        why=what_lines_lack(stored, asked),
    )


def line_as_dict(line: ExplainedLine) -> dict[str, Any]:
    """Give a line as plain values for JSON, amounts as text."""
    taken_apart = None
    if line.is_computed:
        taken_apart = {
            "agreed": {
                "nav_entries": line.nav_entries,
                "target_rows": line.target_rows,
                "nav_amount": f"{line.nav_amount:f}",
                "target_amount": f"{line.target_amount:f}",
            },
            "ties": not line.differing,
            "differing": line.differing,
            "items": [plain_row(item) for item in line.items],
        }
    names = ("items", "named", "unknown", "share_named", "by_cause")
    figures = line.named.figures()
    named = {"open_items" if name == "items" else name: figures[name] for name in names}
    return {**plain_row(line.figures), "why": list(line.why), **named, "taken_apart": taken_apart}


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as JSON values: amounts as text without an exponent, dates as text."""
    return {
        name: f"{value:f}"
        if isinstance(value, Decimal)
        else value
        if isinstance(value, str | int | None)
        else str(value)
        for name, value in row.items()
    }


def _asked(stored: StoredMonth, company: str | None, line: str | None) -> list[dict[str, Any]]:
    """Give the rows of the reconciliation that are asked for."""
    rows = stored.rows(RECONCILIATION.name)
    companies = {row["id_company"]: None for row in rows}
    names = {row["line"]: None for row in rows}
    chosen = None if company is None else _one_of(company, companies, "company", stored)
    of_name = None if line is None else _one_of(line, names, "line", stored)
    return [row for row in rows if chosen in (None, row["id_company"]) and of_name in (None, row["line"])]


def _one_of(asked: str, there: Iterable[str], what: str, stored: StoredMonth) -> str:
    """Give the name as it is written there, blanks around it and case ignored."""
    named = {name.strip().casefold(): name for name in there}
    found = named.get(asked.strip().casefold())
    if found is None:
        raise ScopeError(
            f"{shown(asked)} is no {what} of {stored.month.key}. There are: {', '.join(sorted(named.values()))}."
        )
    return found


def what_lines_lack(
    stored: StoredMonth, asked: list[dict[str, Any]]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Say what each line lacks that is not computed; that it cannot be told must not hide the other lines."""
    without = [row for row in asked if row["status"] == "NOT_COMPUTED"]
    if not without:
        return {}
    try:
        inputs = {name: stored.dataset(name) for name in (RECONCILIATION.name, "cr_04", "ipe_08", "jdash")}
        lines = stored.deployment.rules.lines
        found = why_not_computed(without, **inputs, month=stored.month, lines=lines)
    except StorageError as error:
        told = (f"what it lacks cannot be told: {error}",)
        return {(row["id_company"], row["line"]): told for row in without}
    unknown = ("what it lacked when it was computed is there now: close the month again",)
    return {key: lacks or unknown for key, lacks in found.items()}
