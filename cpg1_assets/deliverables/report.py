"""The control report: one page of a closed month that needs nothing beside itself.

What stands on it is put together here, from a closed month; how it stands there is `report.html.j2` and `report.css`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from markupsafe import Markup

from cpg1_assets.close_calendar.punctuality import sealed_punctuality
from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.drawing import CHART_STYLE
from cpg1_assets.deliverables.figures import Bridged, LineTotal, line_totals, steps_of
from cpg1_assets.deliverables.pages import page
from cpg1_assets.deliverables.trend import trend
from cpg1_assets.deliverables.waterfall import waterfall
from cpg1_assets.deliverables.written import USD, Written, written_in
from cpg1_assets.errors import Cpg1Error, EvidenceError, StorageError
from cpg1_assets.evidence.chain.demands import CHECKS, ITEMS, VARIANCES
from cpg1_assets.evidence.chain.items_to_comment import has_open_items, items_to_comment
from cpg1_assets.evidence.chain.links import REOPEN, SAMPLE, SEAL, Link
from cpg1_assets.evidence.chain.seal import version_name
from cpg1_assets.evidence.chain.sign_off import SignOff
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.rules.bridges_of_lines import QUANTIFYING, bridges_of_lines
from cpg1_assets.rules.checks import checks
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.frames import (
    AGE_BUCKETS,
    CONTROL_EFFECTIVENESS,
    DERIVED_FRAMES,
    OPEN_ITEMS,
    RECONCILIATION,
)
from cpg1_assets.validation import found_in

_HERE = Path(__file__).parent
_TREND_MONTHS = 13
"""This month and the year before it."""
_PICTURES = 40
"""So many lines of companies have a picture of their own; the tables have all lines."""
_LARGEST_OF_MONTH = 25
_LARGEST_OF_LINE, _LARGEST_OF_OTHERS = 10, 3
_LISTED = 5
"""So many of the rows that a failed check lists are shown; the sealed check results have them all."""
_LONGEST_TEXT = 600
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{4,}")
_DERIVED = frozenset(spec.name for spec in DERIVED_FRAMES)
STATUS = {
    "RECONCILED": ("✓", "reconciled"),
    "EXPLAINED": ("≈", "explained"),
    "VARIANCE_DETECTED": ("▲", "variance"),
    "NOT_COMPUTED": ("?", "not computed"),
}
"""Each status with its sign and its word: neither is told by colour alone."""


@dataclass(frozen=True)
class _Cell:
    """One field of the heat map: a company's line, and how many times its threshold is unexplained."""

    explained: ExplainedLine | None
    heat: str


@dataclass(frozen=True)
class _Check:
    """One failed check as it is shown: its own words where it has some, figures by name, rows it lists.

    `company` is empty where it is about all; a check of one line lists a row for each company that failed it.
    """

    asset: str
    name: str
    severity: str
    company: str
    statement: str
    told: Sequence[str]
    figures: Mapping[str, Any]
    listed: Sequence[Mapping[str, Any]]
    more: int

    @property
    def columns(self) -> list[str]:
        """The columns of what it lists: whose it is first, amounts last."""
        names = list(dict.fromkeys(name for row in self.listed for name in row))
        first = ("id_company", "line", "group_coa_account_no", "reference", "document_no")
        return sorted(
            names, key=lambda name: first.index(name) if name in first else 5 + self.is_amount(name)
        )

    def is_amount(self, name: str) -> bool:
        """Whether a column of what it lists holds amounts."""
        found = [row.get(name) for row in self.listed]
        return any(_AMOUNT.fullmatch(_plain(each)) for each in found)


@dataclass(frozen=True)
class _TrendMonth:
    """A month of the trend: by line what is unexplained, USD, without regard of sign; why it has none."""

    month: CutoffMonth
    gross: Mapping[str, Decimal | None]
    without: Mapping[str, int]
    why_none: str = ""


def report_html(closed: ClosedMonth, locale: str = "en", calendar_file: Path | None = None) -> str:
    """Give the report of a closed month as HTML: for one head of the chain, locale and calendar file always the same.

    Without a calendar file nothing is said of due dates.

    Raises SettingsError for an unknown locale, and EvidenceError, StorageError or DataError where what was sealed
    cannot be read.
    """
    written = written_in(locale)
    return page(
        "report.html.j2",
        styles=(CHART_STYLE,),
        **_Page(closed, written).content(),
        **_in_time(closed, calendar_file),
        w=written,
    )


def _in_time(closed: ClosedMonth, calendar_file: Path | None) -> dict[str, Any]:
    """Give when the month was due and closed; or why that cannot be told, which stops no report."""
    said: dict[str, Any] = {"in_time": None, "why_not_in_time": None}
    if calendar_file is None:
        return said
    countries = {row["id_company"].rstrip(" "): row["company_country"] for row in closed.rows("cr_05")}
    evidence = closed.sealed.folder.parents[2]
    try:
        return said | {"in_time": sealed_punctuality(evidence, closed.month, countries, calendar_file)}
    except Cpg1Error as error:
        return said | {"why_not_in_time": str(error)}


class _Page:
    """What stands on the page, each part once."""

    def __init__(self, closed: ClosedMonth, written: Written) -> None:
        self.closed, self.written = closed, written
        self.apart = closed.is_taken_apart
        self.lines = closed.lines
        frames = {bridge.name: closed.dataset(bridge.name) for bridge in QUANTIFYING}
        self.bridged = bridges_of_lines(closed.dataset(RECONCILIATION.name), frames, closed.rules)
        self.totals = line_totals(closed.rules.lines, self.lines, self.bridged, taken_apart=self.apart)
        self.titles = {line.line: line.title for line in closed.rules.lines}

    def content(self) -> dict[str, Any]:
        closed = self.closed
        companies = {row["id_company"]: row for row in closed.rows("cr_05")}
        statuses = [row["status"] for row in closed.reconciliation]
        checked = closed.checks if closed.has("check_results") else None
        asked = items_to_comment(closed.sealed) if has_open_items(closed.sealed) else None
        trend_months, trend_notes = self._trend_months()
        return {
            "closed": closed,
            "context": closed.context,
            "version": version_name(closed.sealed.version),
            "status": STATUS,
            "count_by_status": {status: statuses.count(status) for status in STATUS},
            "lines": self.lines,
            "totals": self.totals,
            "titles": self.titles,
            "companies": companies,
            "company_codes": sorted(dict.fromkeys(row["id_company"] for row in closed.reconciliation)),
            "currency": self.currency,
            "heat": self._heat(),
            "pictures": {total.line.line: self._line_picture(total) for total in self.totals},
            "company_pictures": self._company_pictures(),
            "trends": self._trend_pictures(trend_months),
            "trend_months": trend_months,
            "trend_notes": trend_notes,
            "largest": self._largest(),
            "shown_items": self._shown_items,
            "said_of": self._said_of,
            "checks": checked,
            "failed": None if checked is None else self._failed(checked),
            "effect": None if checked is None else self._effect(checked),
            "planted": next(
                (
                    json.loads(row["figures"])
                    for row in checked or ()
                    if row["asset"] == CONTROL_EFFECTIVENESS.name
                ),
                None,
            ),
            "ageing": self._ageing(),
            "ages": AGE_BUCKETS,
            "asked": asked,
            "sign_offs": closed.signing.sign_offs,
            "covering": [each for each in closed.signing.sign_offs if each.covers],
            "parts_of_sign_off": ((ITEMS, "Open items"), (VARIANCES, "Lines"), (CHECKS, "Failed checks")),
            "history": [link for link in closed.links if link.body.get("month") == closed.month.key],
            "told": _told,
            "short": _short,
            "value": self._value,
            "kinds": {"SEAL": SEAL, "REOPEN": REOPEN, "SAMPLE": SAMPLE},
            "usd": USD,
        }

    def currency(self, row: Mapping[str, Any]) -> str | None:
        """Give the currency of a row of the reconciliation or of an open item, by its company and country."""
        return company_currency(row["id_company"], row.get("country_code"))

    def _usd(self, amount: Decimal) -> str:
        return self.written.amount(amount, USD)

    def _line_picture(self, total: LineTotal) -> Markup | None:
        if not total.steps:
            return None
        title = f"{total.line.title}, {self.written.month(self.closed.month)}: from the balance to what stays, USD"
        return _inline(waterfall(title, total.steps, written=self._usd, within=total.rounding))

    def _company_pictures(self) -> dict[tuple[str, str], Markup]:
        """Draw the lines of companies that have a variance or were explained: the most urgent, as many as may be."""
        drawn = [each for each in self.lines if each.figures["status"] in ("VARIANCE_DETECTED", "EXPLAINED")]
        pictures = {}
        for each in drawn[:_PICTURES]:
            figures = each.figures
            key = figures["id_company"], figures["line"]
            code = self.currency(figures)
            title = (
                f"{self.titles[figures['line']]} of {figures['id_company'].strip()}, "
                f"{self.written.month(self.closed.month)}: from the balance to what stays, {code or 'LCY'}"
            )
            bridged: Bridged = self.bridged.get(key, {})
            steps = steps_of(each, bridged, taken_apart=self.apart)
            pictures[key] = _inline(waterfall(title, steps, written=self._writer(code)))
        return pictures

    def _writer(self, currency: str | None) -> Any:  # noqa: ANN401 - a function of one amount
        return lambda amount: self.written.amount(amount, currency)

    def _heat(self) -> dict[tuple[str, str], _Cell]:
        return {
            (each.figures["id_company"], each.figures["line"]): _Cell(each, _heat_of(each.figures))
            for each in self.lines
        }

    def _trend_months(self) -> tuple[list[_TrendMonth], list[str]]:
        """Give the months of the trend, in order, and what has to be said of those that have no figure."""
        sealed = {each.month: each for each in [*self.closed.earlier, self.closed]}
        first = min(sealed)
        months = month_range(first, self.closed.month)[-_TREND_MONTHS:]
        found, notes = [], []
        for month in months:
            nothing = dict.fromkeys(self.titles)
            if month not in sealed:
                found.append(_TrendMonth(month, nothing, {}, "not sealed"))
                continue
            try:
                found.append(self._trend_month(sealed[month]))
            except (EvidenceError, StorageError) as error:
                found.append(_TrendMonth(month, nothing, {}, "cannot be read"))
                notes.append(f"{month.key} cannot be shown: {error}")
        return found, notes

    def _trend_month(self, closed: ClosedMonth) -> _TrendMonth:
        gross: dict[str, Decimal | None] = dict.fromkeys(self.titles)
        without: dict[str, int] = {}
        for row in closed.reconciliation:
            line = row["line"]
            if row["status"] == "NOT_COMPUTED":
                without[line] = without.get(line, 0) + 1
            else:
                gross[line] = (gross.get(line) or Decimal(0)) + abs(row["unexplained_usd"])
        return _TrendMonth(closed.month, gross, without)

    def _trend_pictures(self, months: Sequence[_TrendMonth]) -> list[Markup]:
        labels = [self.written.short_month(each.month) for each in months]
        found = [amount for each in months for amount in each.gross.values() if amount is not None]
        highest = max(found, default=Decimal(0))
        return [
            _inline(
                trend(
                    title,
                    labels,
                    [each.gross[line] for each in months],
                    highest=highest,
                    written=self._usd,
                )
            )
            for line, title in self.titles.items()
        ]

    def _largest(self) -> list[tuple[ExplainedLine, Mapping[str, Any]]]:
        """Give the largest open items of the month that have an unexplained amount, each with its line."""
        items = [(each, item) for each in self.lines for item in each.items if item["unexplained"]]
        items.sort(key=lambda pair: (-abs(pair[1]["unexplained_usd"] or 0), pair[1]["item"]))
        return items[:_LARGEST_OF_MONTH]

    def _shown_items(self, each: ExplainedLine) -> Sequence[Mapping[str, Any]]:
        is_red = each.figures["status"] == "VARIANCE_DETECTED"
        return each.items[: _LARGEST_OF_LINE if is_red else _LARGEST_OF_OTHERS]

    def _said_of(self, place: str, key: str) -> list[tuple[SignOff, str]]:
        """Give what the sign-offs that cover the month say of an item, a line or a check."""
        return [
            (each, text)
            for each in self.closed.signing.sign_offs
            if each.covers and (text := _told(each.link, place).get(key))
        ]

    def _failed(self, checked: Sequence[Mapping[str, Any]]) -> list[_Check]:
        known = checks(self.closed.rules)
        statements = {(c.asset, c.name): c.statement for c in known.values()}
        failed = [row for row in checked if row["tested"] and not row["passed"]]
        failed.sort(
            key=lambda row: (row["severity"] != "ERROR", row["asset"], row["check"], row["id_company"] or "")
        )
        of_line: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        found = []
        for row in failed:
            key = row["asset"], row["check"]
            if row["line"] is None:
                found.append(_shown(row, statements.get(key, "")))
            elif key not in of_line:
                of_line[key] = [each for each in failed if (each["asset"], each["check"]) == key]
                found.append(_shown_of_line(of_line[key], statements.get(key, "")))
        return found

    def _effect(self, checked: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int, int, int]]:
        """Count the checks by what they look at: name, run, passed, failed, nothing to test.

        A variance is the control's answer and no fault of it, so those that look for one are counted apart.
        """
        variances = {(c.asset, c.name) for c in checks(self.closed.rules).values() if c.is_variance}
        parts: dict[str, list[Mapping[str, Any]]] = {
            "sources complete and accurate": [], "computed figures": [], "variances within their thresholds": [],
        }  # fmt: skip
        sources, computed, answers = parts.values()
        for row in checked:
            if row["asset"] == CONTROL_EFFECTIVENESS.name:
                continue  # told by its figures, as faults
            of_variance = (row["asset"], row["check"]) in variances
            (answers if of_variance else computed if row["asset"] in _DERIVED else sources).append(row)
        counted = []
        for name, rows in parts.items():
            tested = [row for row in rows if row["tested"]]
            passed = sum(row["passed"] for row in tested)
            counted.append((name, len(rows), passed, len(tested) - passed, len(rows) - len(tested)))
        return counted

    def _ageing(self) -> dict[tuple[str, str], tuple[int, Decimal]]:
        """Give by line and age how many open items there are, and what is unexplained of them: USD, signs ignored."""
        if not self.apart:
            return {}
        names = ["line", "age_bucket", "unexplained_usd"]
        table = self.closed.dataset(OPEN_ITEMS.name).to_table(columns=names)
        gross = table.append_column("gross", pc.abs(table["unexplained_usd"]))
        added = gross.group_by(["line", "age_bucket"]).aggregate([("gross", "sum"), ("line", "count")])
        return {
            (row["line"], row["age_bucket"]): (row["line_count"], row["gross_sum"] or Decimal(0))
            for row in added.to_pylist()
        }

    def _value(self, value: object) -> str:
        """Write a figure of a check: an amount by locale, all else as it stands."""
        text = _plain(value)
        return self.written.exact(Decimal(text)) if _AMOUNT.fullmatch(text) else _short(text)


def _shown(row: Mapping[str, Any], statement: str) -> _Check:
    figures = json.loads(row["figures"])
    lists = {
        name: found
        for name, found in figures.items()
        if isinstance(found, list) and found and all(isinstance(each, dict) for each in found)
    }
    told = found_in(figures)
    plain = {
        name: found
        for name, found in figures.items()
        if name not in lists and not (told and name in ("problems", "missing", "left_alone"))
    }
    listed = [each for name, found in lists.items() if not (told and name == "problems") for each in found]
    return _Check(
        row["asset"],
        row["check"],
        row["severity"],
        (row["id_company"] or "").strip(),
        statement,
        told,
        plain,
        listed[:_LISTED],
        max(len(listed) - _LISTED, 0),
    )


def _shown_of_line(rows: Sequence[Mapping[str, Any]], statement: str) -> _Check:
    """Show a check of a line once, with a row for each company that failed it: the line's own section says more."""
    names = ("id_company", "status", "items", "share_named", "unexplained_usd", "threshold_usd")
    listed = [
        {name: found.get(name) for name in names if name in found}
        for found in (json.loads(row["figures"]) for row in rows)
    ]
    first = rows[0]
    return _Check(first["asset"], first["check"], first["severity"], "", statement, (), {}, listed, 0)


def _heat_of(figures: Mapping[str, Any]) -> str:
    """Say how hot a field is: by status, and a variance by how many times its threshold it is."""
    status = figures["status"]
    if status != "VARIANCE_DETECTED":
        return str(status).lower()
    times = abs(figures["unexplained_usd"]) / (figures["threshold_usd"] or Decimal(1))
    return "hot3" if times >= 5 else "hot2" if times >= 2 else "hot1"  # noqa: PLR2004 - shades


def _told(link: Link, place: str) -> dict[str, str]:
    """Give the comments of a sign-off on items, lines or checks; what is no text is none."""
    said = link.body.get(place)
    return {k: v for k, v in said.items() if isinstance(v, str)} if isinstance(said, dict) else {}


def _short(text: object) -> str:
    """Give a text as far as a page has room for it, and how long it is in whole."""
    whole = str(text)
    if len(whole) <= _LONGEST_TEXT:
        return whole
    return f"{whole[:_LONGEST_TEXT]}… ({len(whole):,} characters in all; the sealed data has them)"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items()) or "none"
    return "–" if value is None else str(value)


def _inline(picture: str) -> Markup:
    """Make a picture part of the page, which has the style already. Its texts were escaped when it was drawn."""
    inner = picture.replace(f"<style>{CHART_STYLE}</style>", "").replace(
        ' xmlns="http://www.w3.org/2000/svg"', ""
    )
    return Markup(inner)  # noqa: S704
