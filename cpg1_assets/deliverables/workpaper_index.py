"""The workpaper index of a sealed month: for each attribute of the control the files that prove it, by hash and link.

Made from the sealed manifest and the chain. Which kind of file proves what is `ATTRIBUTES`; a file that none of them names
is listed as such, so that a row of the manifest is never left out. How the page looks is `workpaper_index.html.j2`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pyarrow as pa

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.pages import page
from cpg1_assets.deliverables.written import written_in
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import (
    KEY,
    KEY_REVOCATION,
    REOPEN,
    SAMPLE,
    SEAL,
    SIGN_OFF,
    TIMESTAMP,
    Link,
)
from cpg1_assets.evidence.chain.manifest import ManifestRow
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE, SEAL_FILE, SEALS
from cpg1_assets.evidence.packages.package import spreadsheet_csv
from cpg1_assets.plain_file import sha256_of_plain

BYTE_ORDER_MARK = "\ufeff"
"""What tells a spreadsheet that a CSV is UTF-8."""


@dataclass(frozen=True)
class Attribute:
    """Something that is tested of the control: what its files prove, and which they are, as patterns over their places.

    A place is `drawn/<asset>.parquet` for sealed data that a package of the month holds too, `package/<asset>/…` for a file
    of such a package, `earlier/…` for one of a run whose data is not that of the seal, `link/<kind>` for a link of the
    chain, and otherwise the path in the sealed version.
    """

    name: str
    proves: str
    places: tuple[str, ...]


_DRAWN_BY = ("00_system_context.json", "01_executed_query.sql", "02_query_parameters.json", "03_data_snapshot.csv",
             "07_execution_log.json", "data.parquet", "query_as_written.sql", "files/*")  # fmt: skip
_BRIDGES = (
    "timing_difference_bridge",
    "vtc_adjustment",
    "customer_posting_group_bridge",
    "business_line_reclass",
)


def _derived(*names: str) -> tuple[str, ...]:
    return tuple(place for name in names for place in (f"data/{name}.parquet", f"statements/{name}.sql"))


ATTRIBUTES = (
    Attribute(
        "scope",
        "Which companies, accounts and source were closed, by which software",
        ("scope.yaml", "context.json", "drawn/cr_05.parquet"),
    ),
    Attribute(
        "population completeness",
        "Each report has the rows and sums that a second query counts in the source, by company",
        ("package/*/06_validation_results.json", "package/*/04_data_summary.json", "package/*/05_integrity_hash.json"),
    ),
    Attribute(
        "population accuracy",
        "Each report keeps its contract: columns, types, keys, dates, rows that must and must not be there",
        ("package/*/06_validation_results.json", "package/*/contract.yaml", "queries/*.yaml"),
    ),
    Attribute(
        "IPE: how each report was drawn",
        "The text sent, its values, when and by whom, and all rows that came; of files, the files",
        (*(f"package/*/{name}" for name in _DRAWN_BY), "queries/*.sql", "drawn/*.parquet"),
    ),
    Attribute(
        "classification",
        "Collection items and voucher entries are classified by the sealed rules, and what no rule classifies is listed",
        (
            *_derived("ipe_31_classified", "nav_voucher_entries", "bridge_classifications_evidence"),
            "package/bridge_classifications/*", "rules/collection_classification.yaml",
        ),
    ),
    Attribute(
        "roll-forward",
        "Opening balance plus the entries of the year is the closing balance, by company and account",
        (*_derived("gl_roll_forward"), "drawn/cr_03.parquet", "drawn/cr_04.parquet"),
    ),
    Attribute(
        "bridges",
        "Each bridge's amount by company, its proof rows and the statement that gives it",
        (*_derived(*_BRIDGES, "voucher_accrual_variance", "bridge_calculations_evidence"), "package/bridge_calculations/*"),
    ),
    Attribute(
        "reconciliation",
        "Actuals less target values are bridges plus what stays unexplained, by company and line",
        (*_derived("reconciliation", "target_values"), "rules/lines.yaml", "drawn/cr_04.parquet"),
    ),
    Attribute("thresholds", "What counts as a variance, by country and account", ("rules/thresholds.yaml",)),
    Attribute(
        "open items",
        "Each variance taken apart into items that add up to it, with cause and age, and what became of those of the month "
        "before",
        (
            *_derived("open_items", "open_item_matches", "open_item_suggestions", "open_item_changes"),
            "rules/open_items.yaml", "drawn/nav_open_items.parquet", "drawn/collection_links.parquet",
            "drawn/open_items_before.parquet", "package/open_items_before/*",
        ),
    ),
    Attribute(
        "review of open items",
        "What people said of open items, and the file they said it in",
        ("drawn/open_item_comments.parquet", "package/open_item_comments/*"),
    ),
    Attribute("checks", "What every check looks for and what it found", _derived("check_results")),
    Attribute(
        "effectiveness",
        "Faults planted this month by the hashes of its extracts, and by which check or item each was found",
        _derived("control_effectiveness"),
    ),
    Attribute(
        "re-performance",
        "Every derived frame can be computed again from the sealed extracts, without this software",
        ("reperform/*", "statements/*"),
    ),
    Attribute(
        "approved rules",
        "The rules, thresholds, statements and queries that were used, to hold against those approved",
        ("rules/*", "scope.yaml", "statements/*", "queries/*"),
    ),
    Attribute(
        "seal",
        "Every file of the month by hash, and the link that binds them into the chain",
        (SEAL_FILE, MANIFEST_FILE, f"link/{SEAL}"),
    ),
    Attribute("preparation and review", "Who signed the month, in which role, and what they said", (f"link/{SIGN_OFF}",)),
    Attribute(
        "key register",
        "Which keys may sign, of whom and in which role, and who entered or revoked them",
        (f"link/{KEY}", f"link/{KEY_REVOCATION}"),
    ),
    Attribute(
        "trusted time",
        "Up to which link an authority outside says that the chain existed, and when",
        (f"link/{TIMESTAMP}",),
    ),
    Attribute("samples", "Which rows an auditor drew, and what came of each", (f"link/{SAMPLE}",)),
    Attribute("reopening", "Who reopened the month, and why", (f"link/{REOPEN}",)),
    Attribute(
        "earlier runs",
        "Packages of runs whose data is not that of this seal: kept, and no proof of it",
        ("earlier/*",),
    ),
)  # fmt: skip
OTHERS = Attribute("others", "Files and links of the month that no attribute above names", ())


@dataclass(frozen=True)
class Entry:
    """One file that proves an attribute; `link` is the link of the chain that vouches for it, `digest` the link's own.

    `file` is relative to the evidence folder. An attribute of which this version has no file has one entry without any.
    """

    attribute: str
    proves: str
    file: str
    kind: str
    size_bytes: int | None
    sha256: str
    link: str
    digest: str


@dataclass(frozen=True)
class _Placed:
    place: str
    entry: Entry


def workpaper_index(closed: ClosedMonth) -> list[Entry]:
    """Give the index of a month: attributes in their order, the files of each by name.

    Raises EvidenceError where the seal or its manifest is not what the chain has a digest of.
    """
    placed = [*_files(closed), *_links(closed)]
    named: set[str] = set()
    entries: list[Entry] = []
    for attribute in ATTRIBUTES:
        found = [each.entry for each in placed if _is_of(each.place, attribute)]
        named |= {each.file for each in found}
        entries += _of(attribute, found)
    others = [each.entry for each in placed if each.entry.file not in named]
    return entries + (_of(OTHERS, others) if others else [])


def index_csv(closed: ClosedMonth) -> str:
    """Give the index as CSV that a spreadsheet opens: UTF-8 with a byte-order mark."""
    entries = [asdict(entry) for entry in workpaper_index(closed)]
    schema = pa.schema(
        [(f.name, pa.int64() if f.name == "size_bytes" else pa.string()) for f in fields(Entry)]
    )
    table = pa.Table.from_pylist(entries, schema=schema)
    return BYTE_ORDER_MARK + spreadsheet_csv(table, sample=bool(closed.marks))


def index_html(closed: ClosedMonth, locale: str = "en") -> str:
    """Give the index as a page that needs nothing beside itself. Raises SettingsError for an unknown locale."""
    by_attribute: dict[str, list[Entry]] = {}
    for entry in workpaper_index(closed):
        by_attribute.setdefault(entry.attribute, []).append(entry)
    return page(
        "workpaper_index.html.j2", closed=closed, attributes=by_attribute, w=written_in(locale), styles=()
    )


def _of(attribute: Attribute, found: Sequence[Entry]) -> list[Entry]:
    if not found:
        return [Entry(attribute.name, attribute.proves, "", "", None, "", "", "")]
    return [
        Entry(**{**asdict(each), "attribute": attribute.name, "proves": attribute.proves})
        for each in sorted(found, key=lambda each: each.file)
    ]


def _is_of(place: str, attribute: Attribute) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in attribute.places)


def _files(closed: ClosedMonth) -> Iterator[_Placed]:
    sealed = closed.sealed
    rows = sealed.manifest()
    current = _packages_of_the_seal(rows, sealed.content)
    drawn = {
        package.split("/")[0]
        for package in current
        if f"{package}/data.parquet" in {row.path for row in rows}
    }
    prefix = f"{SEALS}/{sealed.folder.name}/"
    for row in rows:
        if row.path.startswith(prefix):
            place = row.path.removeprefix(prefix)
            asset = PurePosixPath(place).stem
            place = f"drawn/{asset}.parquet" if place == f"data/{asset}.parquet" and asset in drawn else place
        else:
            asset, run, *rest = row.path.split("/")
            is_current = f"{asset}/{run}" in current
            place = f"package/{asset}/{'/'.join(rest)}" if is_current else f"earlier/{row.path}"
        yield _Placed(
            place, _entry(f"{sealed.month}/{row.path}", row.kind, row.size_bytes, row.sha256, sealed.link)
        )
    for name in (SEAL_FILE, MANIFEST_FILE):
        size, digest = _read(sealed.folder / name)
        yield _Placed(name, _entry(f"{sealed.month}/{prefix}{name}", "seal", size, digest, sealed.link))


def _links(closed: ClosedMonth) -> Iterator[_Placed]:
    """Give the links that speak of this version, of the month and no version, or of no month."""
    for link in closed.links:
        month = link.body.get("month", closed.month.key)
        version = link.body.get("version", closed.sealed.version)
        if (month, version) == (closed.month.key, closed.sealed.version):
            size, digest = _read(closed.evidence / link.name)
            yield _Placed(f"link/{link.kind}", _entry(link.name, f"link: {link.kind}", size, digest, link))


def _packages_of_the_seal(rows: Sequence[ManifestRow], content: dict[str, str]) -> set[str]:
    """Give the packages, as `<asset>/<run>`, whose data is that of the seal: all of it, and some."""
    found: dict[str, bool] = {}
    for row in rows:
        parts = PurePosixPath(row.path).parts
        if row.kind == "package" and len(parts) == 3 and parts[2].endswith(".parquet"):  # noqa: PLR2004 - asset, run, file
            asset = parts[0] if parts[2] == "data.parquet" else PurePosixPath(parts[2]).stem
            package = f"{parts[0]}/{parts[1]}"
            found[package] = found.get(package, True) and content.get(asset) == row.sha256
    return {package for package, is_current in found.items() if is_current}


def _entry(file: str, kind: str, size: int, sha256: str, link: Link) -> Entry:
    return Entry("", "", file, kind, size, sha256, link.name, link.digest)


def _read(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_size, sha256_of_plain(path)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
