"""The IPE register: every report the control relied on in a sealed month, as an auditor tests it.

IPE is information produced by the entity. For each report: where it comes from, which query with which
values, how many rows and which control totals by company, which validations it passed, which accounts it
feeds; and whether query, contract or rules are those of the month sealed before, with the difference.

What a report is was sealed; how it was drawn is in the evidence package whose data is, byte for byte, the
sealed data. Nothing here needs a database or Dagster.
"""

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import StorageError
from cpg1_assets.evidence.audit.reperform import read_seal, require_as_sealed
from cpg1_assets.evidence.chain.manifest import read_manifest
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE
from cpg1_assets.extracts.contract import Contract
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.json_file import read_object
from cpg1_assets.yaml_file import read_yaml

_RULE_FOLDERS = ("rules", "statements")


@dataclass(frozen=True)
class Changed:
    """A file that is not that of the month sealed before, as a unified diff."""

    file: str
    diff: str

    def as_dict(self) -> dict[str, str]:
        """Plain values for JSON."""
        return {"file": self.file, "diff": self.diff}


@dataclass(frozen=True)
class Report:
    """One report. Hashes are SHA-256 in hexadecimal; control totals are by company, figures as text.

    `package` is the folder of the evidence package the sealed data came with, relative to the month; None where
    there is none, and then source, parameters, totals and validations are not known.
    """

    asset: str
    title: str
    source: Any
    query_sha256: str | None
    contract_sha256: str | None
    parameters: dict[str, Any]
    rows: int
    data_sha256: str
    control_totals: dict[str, dict[str, str]]
    validations: tuple[dict[str, str], ...]
    feeds: tuple[str, ...]
    package: str | None
    changed: tuple[Changed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "asset": self.asset,
            "title": self.title,
            "source": self.source,
            "query_sha256": self.query_sha256,
            "contract_sha256": self.contract_sha256,
            "parameters": self.parameters,
            "rows": self.rows,
            "data_sha256": self.data_sha256,
            "control_totals": self.control_totals,
            "validations": list(self.validations),
            "feeds": list(self.feeds),
            "package": self.package,
            "changed": [changed.as_dict() for changed in self.changed],
        }


@dataclass(frozen=True)
class Register:
    """The register of one sealed month.

    `before` is the month, and `before_version` the version, that it is compared with; None where it is the first.
    """

    month: str
    version: int
    books: str
    before: str | None
    before_version: int | None
    reports: tuple[Report, ...]
    rules_changed: tuple[Changed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "books": self.books,
            "month": self.month,
            "version": self.version,
            "compared_with": self.before,
            "compared_version": self.before_version,
            "reports": [report.as_dict() for report in self.reports],
            "rules_changed": [changed.as_dict() for changed in self.rules_changed],
        }


def ipe_register(sealed: Path, before: Path | None) -> Register:
    """Make the register of the sealed version in `sealed`, compared with that in `before`.

    Raises StorageError, EvidenceError or FileFormatError naming the sealed file that is missing, cannot be read, or is
    not as it was sealed.
    """
    for version in (sealed,) if before is None else (sealed, before):
        require_as_sealed(version)
    seal = read_seal(sealed)
    then = None if before is None else read_seal(before)
    queries = sorted((sealed / "queries").glob("*.yaml"))
    reports = [_extract(sealed, before, path, seal) for path in queries]
    return Register(
        month=str(seal["month"]),
        version=int(seal["version"]),
        books=str(seal.get("books", "")),
        before=None if then is None else str(then["month"]),
        before_version=None if then is None else int(then["version"]),
        reports=(*reports, _jdash(sealed, seal)),
        rules_changed=_rules_changed(sealed, before),
    )


def _extract(sealed: Path, before: Path | None, contract_path: Path, seal: Mapping[str, Any]) -> Report:
    contract = read_yaml(contract_path, Contract)
    query_path = contract_path.with_suffix(".sql")
    changed = () if before is None else _changed(
        before, sealed, [f"queries/{query_path.name}", f"queries/{contract_path.name}"]
    )  # fmt: skip
    package = _package(sealed, contract.name, seal, query_path)
    return Report(
        asset=contract.name,
        title=contract.title,
        query_sha256=_sha256(query_path),
        contract_sha256=_sha256(contract_path),
        feeds=contract.feeds,
        changed=changed,
        **_as_drawn(sealed, contract.name, seal, package),
    )


def _jdash(sealed: Path, seal: Mapping[str, Any]) -> Report:
    """JDash has no query: what it was read from are its files, each with its hash."""
    package = _package(sealed, JDASH.name, seal, None)
    drawn = _as_drawn(sealed, JDASH.name, seal, package)
    files = (
        sorted((package / "files").iterdir()) if package is not None and (package / "files").is_dir() else []
    )
    drawn["parameters"] = drawn["parameters"] | {"files": {path.name: _sha256(path) for path in files}}
    # The package's source is the one its list of companies was asked of.
    drawn["source"] = "files exported from JDash by hand"
    return Report(
        asset=JDASH.name,
        title=JDASH.title,
        query_sha256=None,
        contract_sha256=None,
        feeds=(),
        changed=(),
        **drawn,
    )


def _as_drawn(sealed: Path, asset: str, seal: Mapping[str, Any], package: Path | None) -> dict[str, Any]:
    """Give what is known of how the sealed data of a report was drawn."""
    drawn: dict[str, Any] = {
        "rows": _row_count(sealed / "data" / f"{asset}.parquet"),
        "data_sha256": str(seal["content"].get(asset, "")),
        "source": None,
        "parameters": {},
        "control_totals": {},
        "validations": (),
        "package": None,
    }
    if package is None:
        return drawn
    require_as_sealed(sealed, package)
    try:
        return drawn | _said_by(package, sealed)
    except (AttributeError, TypeError, KeyError) as error:
        raise StorageError(
            f"{package} does not hold what an evidence package has there ({error})."
        ) from error


def _said_by(package: Path, sealed: Path) -> dict[str, Any]:
    validations = _json(package / "06_validation_results.json").get("validations", [])
    return {
        "source": _json(package / "00_system_context.json").get("source"),
        "parameters": _json(package / "02_query_parameters.json"),
        "control_totals": _control_totals(package, validations),
        "validations": tuple(
            {name: str(v.get(name, "")) for name in ("name", "statement", "result", "severity")}
            for v in validations
        ),
        "package": str(package.relative_to(_month_folder(sealed))),
    }


def _control_totals(package: Path, validations: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Give the server's own totals by company; where no server counts (JDash), the sums of what was read."""
    for validation in validations:
        if validation.get("name") == "completeness":
            totals: dict[str, dict[str, str]] = validation.get("expected", {})
            return totals
    by_amount = _json(package / "04_data_summary.json").get("amounts_by_company", {})
    companies = sorted({company for figures in by_amount.values() for company in figures})
    return {
        company: {
            amount: str(figures[company]["sum"])
            for amount, figures in by_amount.items()
            if company in figures
        }
        for company in companies
    }


def _package(sealed: Path, asset: str, seal: Mapping[str, Any], query: Path | None) -> Path | None:
    """Find the package whose data is the sealed data; of several, that of the sealing run, else the last by name.

    Of packages that were not sealed with the version nothing is known, whatever they say of their data.
    """
    wanted = seal["content"].get(asset)
    found = sorted(
        (_month_folder(sealed) / row.path).parent
        for row in read_manifest(sealed / MANIFEST_FILE)
        if row.path.startswith(f"{asset}/") and row.path.endswith("/data.parquet") and row.sha256 == wanted
    )
    asked = (
        []
        if query is None
        else [p for p in found if _sha256_or_none(p / "query_as_written.sql") == _sha256(query)]
    )
    run_id = str(seal.get("run_id", ""))
    ranked = sorted(found, key=lambda p: (p in asked, bool(run_id) and p.name.startswith(run_id), p.name))
    return ranked[-1] if ranked else None


def _rules_changed(sealed: Path, before: Path | None) -> tuple[Changed, ...]:
    if before is None:
        return ()
    names = {
        str(path.relative_to(version))
        for version in (sealed, before)
        for folder in _RULE_FOLDERS
        for path in (version / folder).glob("*")
    }
    return _changed(before, sealed, [*sorted(names), "scope.yaml"])


def _changed(before: Path, after: Path, names: list[str]) -> tuple[Changed, ...]:
    changes = []
    for name in names:
        old, new = _lines(before / name), _lines(after / name)
        if old != new:
            # Which month is meant is in the names, so that a diff can be read on its own.
            was, now = (f"{version.parents[1].name}/{version.name}/{name}" for version in (before, after))
            diff = difflib.unified_diff(old or [], new or [], was, now, lineterm="")
            changes.append(Changed(name, "\n".join(diff)))
    return tuple(changes)


def _lines(path: Path) -> list[str] | None:
    """Give a file's lines, None where it is not there (a new extract, a rule taken away)."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read ({error}).") from error


def _month_folder(sealed: Path) -> Path:
    return sealed.parents[1]


def _row_count(path: Path) -> int:
    try:
        rows: int = pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{path} is missing or is not a readable Parquet file ({error}).") from error
    return rows


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror or error}).") from error


def _sha256_or_none(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read ({error}).") from error
