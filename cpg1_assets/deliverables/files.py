"""The files that people are given of a closed month: where they are, and how they are made anew.

`<reports>/<YYYY-MM>/<control>-<YYYY-MM>.html` and the like. Each is written whole, so that who opens one has the old or
the new. One that cannot be made anew is taken away: an old one beside a new seal or signature would pass for the new.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.disk import put_whole, sha256_of
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.evidence.chain.seal import CONTROL
from cpg1_assets.month import CutoffMonth

REPORT, WORKBOOK = "control_report", "control_workbook"
SUFFIXES = MappingProxyType({REPORT: ".html", WORKBOOK: ".xlsx"})
"""By name of a deliverable, which is also its asset's, how its file ends."""
TITLES = MappingProxyType({REPORT: "Control report", WORKBOOK: "Control workbook"})


@dataclass(frozen=True)
class Deliverable:
    """One file that was made: of which sealed version, and up to which head of the chain."""

    name: str
    path: Path
    version: int
    head: str
    size_bytes: int
    sha256: str

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.name]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class NotMade:
    """A deliverable that could not be made, and why."""

    name: str
    why: str

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.name]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def place_of(name: str, reports: Path, month: CutoffMonth) -> Path:
    """Give where a deliverable of a month is, or would be, under the folder `reports`."""
    return reports / month.key / f"{CONTROL}-{month.key}{SUFFIXES[name]}"


def make_deliverable(
    name: str, evidence: Path, reports: Path, month: CutoffMonth, locale: str, calendar_file: Path
) -> Deliverable:
    """Make one deliverable of a month from its newest sealed version and the chain.

    `calendar_file` is what overrules the close calendar, by which the report says what was late. When the file cannot
    be made, the one that was there is taken away. Raises EvidenceError where the month is not sealed or the evidence is
    damaged, SettingsError for an unknown locale, OSError where it cannot be written.
    """
    return _made(
        name, place_of(name, reports, month), lambda: closed_month(evidence, month), locale, calendar_file
    )


def _made(
    name: str, path: Path, opened: Callable[[], ClosedMonth], locale: str, calendar_file: Path
) -> Deliverable:
    try:
        closed = opened()
        put_whole(path, lambda beside: _writers(locale, calendar_file)[name](closed, beside))
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return Deliverable(name, path, closed.sealed.version, closed.head, path.stat().st_size, sha256_of(path))


def make_all(
    evidence: Path, reports: Path, month: CutoffMonth, locale: str, calendar_file: Path
) -> list[Deliverable | NotMade]:
    """Make every deliverable of a month anew, of one head of the chain: the month is opened once.

    One that cannot be made is told, and stops no other: nothing is raised. For after a link of the chain was recorded,
    which stands whatever becomes of a page about it.
    """
    opened = cache(lambda: closed_month(evidence, month))
    made: list[Deliverable | NotMade] = []
    for name in SUFFIXES:
        try:
            made.append(_made(name, place_of(name, reports, month), opened, locale, calendar_file))
        except Exception as error:  # noqa: BLE001 - what a page cannot show must not undo or hide what was recorded
            made.append(NotMade(name, why_not(error)))
    return made


def why_not(error: Exception) -> str:
    """Say why a deliverable could not be made. The text of what nobody foresaw is left out: it may hold a secret."""
    if isinstance(error, Cpg1Error):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'its folder'}: {error.strerror or type(error).__name__}"
    return f"{type(error).__name__}, which is a fault of ours"


def there(reports: Path, month: CutoffMonth) -> dict[str, Path]:
    """Give the deliverables of a month that are there, by name."""
    places = {name: place_of(name, reports, month) for name in SUFFIXES}
    return {name: path for name, path in places.items() if path.is_file()}


def _writers(locale: str, calendar_file: Path) -> Mapping[str, Callable[[ClosedMonth, Path], None]]:
    """Give what writes each file. What draws and lays out comes late: asking where a file is must not wait for it."""
    from cpg1_assets.deliverables.report import report_html  # noqa: PLC0415
    from cpg1_assets.deliverables.workbook import write_workbook  # noqa: PLC0415

    def write_report(closed: ClosedMonth, path: Path) -> None:
        path.write_text(report_html(closed, locale, calendar_file), encoding="utf-8", newline="\n")

    return {REPORT: write_report, WORKBOOK: write_workbook}
