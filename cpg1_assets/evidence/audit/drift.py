"""Drift: what the source says of a sealed month today, against what was sealed of it.

The statements, accounts and companies are those of the seal; what the source answers goes to a folder of its own that is
taken away again. Nothing of the month is written: not its files in storage, not its evidence. Nothing here knows Dagster.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import pyarrow as pa

from cpg1_assets.embedded import quoted
from cpg1_assets.errors import Cpg1Error, DataError, EvidenceError, FileFormatError, SourceError, StorageError
from cpg1_assets.errors import TransientSourceError as Transient
from cpg1_assets.evidence.audit.differences import Compared, RowChange, compared
from cpg1_assets.evidence.chain.companies import RATES, companies_changed
from cpg1_assets.evidence.chain.seal import SealedVersion
from cpg1_assets.extracts.catalog import Extract, read_catalog
from cpg1_assets.extracts.company_codes import CompanyCodes
from cpg1_assets.extracts.extraction import companies_in_scope, extract_month
from cpg1_assets.extracts.scope import Scope
from cpg1_assets.frame import FrameSpec
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.inbox.folder import kept_as
from cpg1_assets.inbox.folder import shown as name_shown
from cpg1_assets.jdash.month import JDASH, JdashMonth, read_jdash
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.partial import temporary_folder
from cpg1_assets.sources.interface import Source
from cpg1_assets.sources.query import QueryError
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.yaml_file import parse_yaml

LATE_POSTING, BACK_DATED, LATE_APPLICATION = "late posting", "back-dated", "late application"
ADDED, REMOVED, CHANGED, TAKEN_AGAIN = "added", "removed", "changed", "taken again"
CLASSES = {
    LATE_POSTING: "An entry dated in the month that was made after the seal.",
    BACK_DATED: "An entry dated before the month that was made after the seal.",
    LATE_APPLICATION: "An entry that was there, and what is open of it moved: applied, or an application undone, since.",
    ADDED: "A row that was not there, and is no entry made after the seal.",
    REMOVED: "A row that was there and is not any more.",
    CHANGED: "A row of the same key that says something else.",
    TAKEN_AGAIN: "A balance that was taken again since and is the same. It has not moved.",
}
"""What can have become of a row, with what each means."""

_LEDGER = frozenset({"entry_no", "posting_date", "gl_creation_date", "remaining_amount"})
_LEDGER_KEY = ["id_company", "entry_no"]
_OF_AN_APPLICATION = frozenset({"remaining_amount", "reversed"})
_OF_A_REFRESH = frozenset({"refresh_date"})
_SHOWN = 100


@dataclass(frozen=True)
class Moved:
    """Rows of one class in one company, and what they do to the sum of each amount (now less sealed).

    Amounts are text, so that no digit is lost, in `currency` (None where the company's country does not say), and in
    USD where the column's name ends in `_usd`.
    """

    what: str
    id_company: str | None
    currency: str | None
    rows: int
    amounts: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "class": self.what,
            "id_company": self.id_company,
            "currency": self.currency,
            "rows": self.rows,
            "amounts": dict(self.amounts),
        }


@dataclass(frozen=True)
class ExtractDrift:
    """What became of one extract. `problem` says why it could not be compared, or not all of it."""

    asset: str
    moved: tuple[Moved, ...] = ()
    listed: tuple[tuple[str, RowChange], ...] = ()
    columns_came: tuple[str, ...] = ()
    columns_went: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def as_sealed(self) -> bool:
        """Whether no row differs but for balances that were taken again; it says nothing of what was not compared."""
        return not (
            self.columns_came or self.columns_went or any(found.what != TAKEN_AGAIN for found in self.moved)
        )

    def rows(self) -> dict[str, int]:
        """Count the rows by class."""
        found: dict[str, int] = {}
        for moved in self.moved:
            found[moved.what] = found.get(moved.what, 0) + moved.rows
        return {what: found[what] for what in CLASSES if what in found}

    def summary(self) -> str:
        """Say it in one line."""
        told = [f"{rows} {what}" for what, rows in self.rows().items()]
        told += [f"column {name} came" for name in self.columns_came]
        told += [f"column {name} went" for name in self.columns_went]
        if self.problem is not None:
            return ", ".join([*told, f"not compared: {self.problem}"])
        return ", ".join(told) or "as sealed"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "asset": self.asset,
            "as_sealed": self.as_sealed and self.problem is None,
            "problem": self.problem,
            "rows": self.rows(),
            "by_company": [moved.as_dict() for moved in self.moved],
            "columns_came": list(self.columns_came),
            "columns_went": list(self.columns_went),
            "notes": list(self.notes),
            "listed": [{"class": what, **change.as_dict()} for what, change in self.listed],
        }


@dataclass(frozen=True)
class Drift:
    """What moved in the source since a version of a month was sealed.

    `companies` are those asked for; `companies_left` were in scope when it was sealed and are not any more,
    `companies_new` the other way round (of all companies, whichever were asked for).
    """

    month: str
    version: int
    sealed_at: str
    companies: tuple[str, ...]
    narrowed: bool
    companies_left: tuple[str, ...]
    companies_new: tuple[str, ...]
    extracts: tuple[ExtractDrift, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every extract of the seal was compared."""
        return bool(self.extracts) and all(each.problem is None for each in self.extracts)

    @property
    def moved(self) -> bool:
        """Whether anything that was compared differs."""
        return bool(
            self.companies_left or self.companies_new or not all(each.as_sealed for each in self.extracts)
        )

    def summary(self) -> str:
        """Say it in one line. Nothing has moved only where everything was compared."""
        of = "" if not self.narrowed else f" of {', '.join(self.companies)}"
        told = [
            f"{each.asset}: {each.summary()}" for each in self.extracts if not each.as_sealed or each.problem
        ]
        told += [f"company left the scope: {', '.join(self.companies_left)}"] * bool(self.companies_left)
        told += [f"company new in scope: {', '.join(self.companies_new)}"] * bool(self.companies_new)
        if not self.moved and self.complete:
            return f"nothing moved{of} since version {self.version:03d} was sealed"
        began = "moved" if self.moved else "not all could be compared, and nothing else moved,"
        return f"{began}{of} since version {self.version:03d} was sealed: " + "; ".join(told)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "month": self.month,
            "version": self.version,
            "sealed_at": self.sealed_at,
            "companies": list(self.companies),
            "narrowed": self.narrowed,
            "summary": self.summary(),
            "complete": self.complete,
            "moved": self.moved,
            "companies_left": list(self.companies_left),
            "companies_new": list(self.companies_new),
            "extracts": [each.as_dict() for each in self.extracts],
        }


def drift(
    sealed: SealedVersion,
    source: Source,
    inbox: Callable[[], Path],
    catalog: Mapping[str, Extract],
    companies: Collection[str] | None = None,
    *,
    shown: int = _SHOWN,
) -> Drift:
    """Ask the source again for every extract of a sealed version, and compare; of `companies` alone where given.

    `inbox` gives the folder of the JDash files when it is there, `catalog` the extracts of this software: a sealed
    statement that is another is judged by the same rules before it is asked. At most `shown` rows of each are listed.

    Raises EvidenceError for a seal that is damaged or a company it does not have, and the source's own errors where it
    cannot be asked at all. What cannot be compared otherwise is the extract's `problem`.
    """
    with source.session({"asset": "drift", "month": sealed.month}) as session:
        now = companies_in_scope(session)
    rates = sealed.table(RATES, ["id_company", "company_country"]).to_pylist()
    codes = CompanyCodes(str(row["id_company"]) for row in rates)
    asked = _asked(sealed, codes, companies)
    month = CutoffMonth.parse(sealed.month)
    scope = parse_yaml(sealed.document("scope.yaml"), Scope, name=str(sealed.folder / "scope.yaml"))
    left, new = companies_changed(set(codes.codes), set(now))
    currencies = {
        str(codes.spelled(str(row["id_company"]))): company_currency(
            str(row["id_company"]), row["company_country"]
        )
        for row in rates
    }
    with temporary_folder("drift") as place:
        extracts = _sealed_extracts(sealed, catalog, place)
        # Entries of the ledger tell of each other, so they come first and stay until all are compared.
        ledger = [name for name in extracts if _is_ledger(extracts[name].contract)]
        others = [name for name in extracts if name not in ledger]
        found: dict[str, ExtractDrift] = {}
        drawn: dict[str, Path] = {}
        for name in ledger:
            path = place / f"{name}.parquet"
            problem = _drawn(extracts[name], source, scope, month, asked, path)
            if problem is None:
                drawn[name] = path
            else:
                found[name] = ExtractDrift(name, problem=problem)
        entries = _Entries({name: sealed.data(name) for name in ledger}, drawn, _moment(sealed), month)
        for name, path in drawn.items():
            found[name] = _compared(sealed, extracts[name].contract, path, asked, currencies, entries, shown)
        for path in drawn.values():
            path.unlink()
        for name in others:
            path = place / f"{name}.parquet"
            problem = _drawn(extracts[name], source, scope, month, asked, path)
            found[name] = (
                ExtractDrift(name, problem=problem)
                if problem is not None
                else _compared(sealed, extracts[name].contract, path, asked, currencies, None, shown)
            )
            path.unlink(missing_ok=True)
        if JDASH.name in sealed.content:
            found[JDASH.name] = _jdash(sealed, inbox, month, codes.codes, asked, currencies, place, shown)
    return Drift(
        month=sealed.month,
        version=sealed.version,
        sealed_at=str(sealed.seal.get("sealed_at")),
        companies=asked,
        narrowed=asked != codes.codes,
        companies_left=tuple(left),
        companies_new=tuple(new),
        extracts=tuple(found[name] for name in sorted(found)),
    )


def _asked(sealed: SealedVersion, codes: CompanyCodes, companies: Collection[str] | None) -> tuple[str, ...]:
    if companies is None:
        return codes.codes
    asked = {str(codes.spelled(company)) for company in companies}
    unknown = sorted(asked - set(codes.codes))
    if unknown or not asked:
        raise EvidenceError(
            f"{', '.join(unknown) or 'No company'}: version {sealed.version:03d} of {sealed.month} was sealed for "
            f"{', '.join(codes.codes)}. Name some of these."
        )
    return tuple(sorted(asked))


def _sealed_extracts(
    sealed: SealedVersion, catalog: Mapping[str, Extract], place: Path
) -> dict[str, Extract]:
    """Give the extracts as they were sealed: those of `catalog` where they are the same, else judged as those are."""
    names = sorted(
        PurePosixPath(row.path).stem
        for row in sealed.manifest()
        if row.kind == "query" and row.path.endswith(".yaml")
    )
    if not names:
        raise EvidenceError(
            f"Version {sealed.version:03d} of {sealed.month} has no statements to ask the source with: it is no whole seal."
        )
    extracts: dict[str, Extract] = {}
    other = place / "queries"
    for name in names:
        texts = {kind: sealed.document(f"queries/{name}.{kind}") for kind in ("sql", "yaml")}
        here = catalog.get(name)
        if here is not None and (here.sql.encode(), here.contract_text.encode()) == (
            texts["sql"],
            texts["yaml"],
        ):
            extracts[name] = here
            continue
        other.mkdir(exist_ok=True)
        for kind, text in texts.items():
            (other / f"{name}.{kind}").write_bytes(text)
    try:
        return extracts | (read_catalog(other) if other.exists() else {})
    except FileFormatError as error:
        raise EvidenceError(
            f"Statements of version {sealed.version:03d} of {sealed.month} are not those of this software, which refuses "
            f"to ask them: {str(error).replace(f'{other}/', '')} Ask with the version of cpg1 that sealed the month."
        ) from error


def _is_ledger(spec: FrameSpec) -> bool:
    return list(spec.key) == _LEDGER_KEY and {column.name for column in spec.columns} >= _LEDGER


def _drawn(
    extract: Extract,
    source: Source,
    scope: Scope,
    month: CutoffMonth,
    companies: tuple[str, ...],
    path: Path,
) -> str | None:
    """Draw an extract to `path`; or say why what came is not to be compared, and leave nothing there."""
    try:
        extraction = extract_month(extract, source, scope, month, path, companies)
    except Transient:
        raise  # the server is not there for the others either
    except (SourceError, DataError, QueryError) as error:
        return str(error)
    if extraction.complete:
        return None
    path.unlink()
    return "its rows or sums differ from the server's own totals. Ask again; if it stays, ask who changes the source."


class _Entries:
    """The entries of the ledger as they were sealed and as they are: what tells a late posting from another row."""

    def __init__(
        self, before: Mapping[str, Path], after: Mapping[str, Path], sealed_at: datetime, month: CutoffMonth
    ) -> None:
        self._sides = {"sealed": before, "now": after}
        self._sealed_at = sealed_at
        self._month = month

    def classed(self, found: Compared) -> str:
        """Give the SQL expression that says the class of a row of `differing`, over tables made here."""
        for side, frames in self._sides.items():
            views = []
            for index, path in enumerate(frames.values()):
                found.connection.register(f"{side}_{index}", opened_parquet(str(path)))
                views.append(f"SELECT id_company, entry_no FROM {side}_{index}")
            found.connection.execute(f"CREATE TEMP TABLE entries_{side} AS {' UNION '.join(views)}")
        found.connection.execute(
            "CREATE TEMP TABLE highest AS SELECT id_company, max(entry_no) AS entry_no FROM entries_sealed GROUP BY 1"
        )
        found.connection.execute(
            "CREATE TEMP TABLE moments AS "
            "SELECT $1::TIMESTAMP AS sealed_at, $2::DATE AS month_start, $3::DATE AS year_start",
            [self._sealed_at, self._month.month_start, self._month.year_start],
        )
        known = (
            'EXISTS (SELECT 1 FROM entries_{side} e WHERE e.id_company = "{when} id_company" '
            'AND e.entry_no = "{when} entry_no")'
        )
        made_later = (
            'coalesce("after entry_no" > (SELECT h.entry_no FROM highest h WHERE h.id_company = "after id_company"), '
            'false) OR coalesce("after gl_creation_date" > (SELECT sealed_at FROM moments), false)'
        )
        return f"""CASE
            WHEN kind = 'changed' AND {_only(found, _OF_AN_APPLICATION)} THEN '{LATE_APPLICATION}'
            WHEN kind = 'changed' THEN '{CHANGED}'
            WHEN kind = 'went' AND {known.format(side="now", when="before")} THEN '{LATE_APPLICATION}'
            WHEN kind = 'went' THEN '{REMOVED}'
            WHEN {known.format(side="sealed", when="after")} THEN '{LATE_APPLICATION}'
            WHEN ({made_later}) AND "after posting_date" >= (SELECT month_start FROM moments) THEN '{LATE_POSTING}'
            WHEN ({made_later}) AND "after posting_date" IS NOT NULL THEN '{BACK_DATED}'
            WHEN NOT ({made_later}) AND "after posting_date" < (SELECT year_start FROM moments) THEN '{LATE_APPLICATION}'
            ELSE '{ADDED}' END"""


def _classed(found: Compared) -> str:
    return f"""CASE kind WHEN 'came' THEN '{ADDED}' WHEN 'went' THEN '{REMOVED}'
        ELSE CASE WHEN {_only(found, _OF_A_REFRESH)} THEN '{TAKEN_AGAIN}' ELSE '{CHANGED}' END END"""


def _only(found: Compared, columns: Collection[str]) -> str:
    """Give the condition that a changed row differs in no other column than `columns`, and that a frame has some."""
    if not set(columns) & set(found.columns):
        return "false"
    same = [
        f"{quoted(f'before {name}')} IS NOT DISTINCT FROM {quoted(f'after {name}')}"
        for name in found.columns
        if name not in columns
    ]
    return f"({' AND '.join(same)})"


def _compared(
    sealed: SealedVersion,
    spec: FrameSpec,
    now: Path,
    companies: Sequence[str],
    currencies: Mapping[str, str | None],
    entries: _Entries | None,
    shown: int,
) -> ExtractDrift:
    then = sealed.data(spec.name)
    with compared(then, now, spec, companies, hashed=True) as found, _named(spec.name):
        classed = (
            entries.classed(found)
            if entries is not None and set(found.columns) >= _LEDGER
            else _classed(found)
        )
        found.connection.execute("ALTER TABLE differing ADD COLUMN class VARCHAR")
        found.connection.execute(f"UPDATE differing SET class = {classed}")
        moved = tuple(
            Moved(
                row["called"],
                row["id_company"],
                currencies.get(str(row["id_company"])),
                row["rows"],
                found.effects(row),
            )
            for row in found.totals("class")
        )
        return ExtractDrift(
            spec.name,
            moved,
            tuple(found.listed(shown, "class")),
            found.columns_came,
            found.columns_went,
        )


@contextmanager
def _named(asset: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise StorageError(f"What moved in {asset} cannot be told: {error}") from error


def _jdash(
    sealed: SealedVersion,
    inbox: Callable[[], Path],
    month: CutoffMonth,
    known: tuple[str, ...],
    asked: tuple[str, ...],
    currencies: Mapping[str, str | None],
    place: Path,
    shown: int,
) -> ExtractDrift:
    """Read the JDash files of the inbox again. A company whose file is not to be read now is not compared, by name."""
    try:
        read = read_jdash(inbox(), month, asked, known, currencies)
    except Cpg1Error as error:
        return ExtractDrift(JDASH.name, problem=str(error))
    had = set(sealed.table(JDASH.name, ["id_company"]).column(0).to_pylist())
    lost = [company for company in read.missing if company in had]
    path = place / f"{JDASH.name}.parquet"
    write_parquet(read.table, JDASH, path)
    there = [company for company in asked if company not in lost]
    found = _compared(sealed, JDASH, path, there, currencies, None, shown)
    why = {problem.id_company: problem.message for problem in read.problems}
    problem = "; ".join(
        why.get(
            company,
            f"there is no file of {company} in the inbox, and there was one when the month was sealed",
        )
        for company in lost
    )
    return ExtractDrift(
        JDASH.name,
        found.moved,
        found.listed,
        notes=tuple(_files_changed(sealed, read, whole=asked == known)),
        problem=problem or None,
    )


def _files_changed(sealed: SealedVersion, read: JdashMonth, *, whole: bool) -> Iterator[str]:
    """Name the files of the inbox that are not those the sealed rows were read from, whether or not a row moved."""
    wanted = sealed.content[JDASH.name]
    rows = [row for row in sealed.manifest() if row.path.startswith(f"{JDASH.name}/")]
    packages = {
        str(PurePosixPath(row.path).parent)
        for row in rows
        if PurePosixPath(row.path).name == "data.parquet" and row.sha256 == wanted
    }
    then: dict[str, set[str]] = {}
    for row in rows:
        at = PurePosixPath(row.path)
        if at.parent.name == "files" and str(at.parent.parent) in packages:
            then.setdefault(at.name, set()).add(row.sha256)
    now = {kept_as(source.path.name): read.files.get(name_shown(source.path.name)) for source in read.sources}
    for name in sorted(now):
        if name not in then:
            yield f"{name} was not there when the month was sealed"
        elif now[name] not in then[name]:
            yield f"{name} changed since the month was sealed"
    if whole:
        for name in sorted(then.keys() - now.keys()):
            yield f"{name} was there when the month was sealed, and is not any more"


def _moment(sealed: SealedVersion) -> datetime:
    """Give the moment of the seal in UTC, as the ledger writes moments: without a zone."""
    try:
        return datetime.fromisoformat(str(sealed.seal.get("sealed_at"))).astimezone(UTC).replace(tzinfo=None)
    except ValueError as error:
        raise EvidenceError(f"{sealed.folder / 'seal.json'} does not say when it was sealed.") from error
