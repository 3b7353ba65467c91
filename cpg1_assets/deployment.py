"""What one deployment works with: its settings, its source, its storage, its scope and its rule files.

Made once by `definitions.build_definitions` and handed to the assets as the Dagster resource `deployment`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from cpg1_assets.control_version import ControlVersion, control_version
from cpg1_assets.errors import LoadedError, ScopeError
from cpg1_assets.extracts.catalog import Extract, read_catalog
from cpg1_assets.extracts.scope import Scope, read_scope
from cpg1_assets.home import Home
from cpg1_assets.loaded import changes_on_disk, differing
from cpg1_assets.rules.classification import Classification
from cpg1_assets.rules.frames import DERIVED_FRAMES
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.settings import Settings
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.interface import Source
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.yaml_file import Model, parse_yaml, read_bytes

_DERIVED = {spec.name for spec in DERIVED_FRAMES}
_RULE_FILES = ("lines.yaml", "thresholds.yaml", "collection_classification.yaml", "open_items.yaml")


@dataclass(frozen=True)
class RuleBook:
    """The rule files a controller can read and change, read once: what they say, and their bytes by name."""

    folder: Path
    files: Mapping[str, bytes]
    lines: Lines
    thresholds: Thresholds
    classification: Classification
    matching: Matching

    def versions(self) -> dict[str, dict[str, str]]:
        """Version and SHA-256 of each file; they go with every result."""
        declared = {
            "lines.yaml": self.lines.version,
            "thresholds.yaml": self.thresholds.version,
            "collection_classification.yaml": self.classification.version,
            "open_items.yaml": self.matching.version,
        }
        return {
            name: {"version": declared[name], "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in self.files.items()
        }

    def changes_on_disk(self) -> list[str]:
        """Name each file that is not on the disk as it was read, with what became of it."""
        now = {name: path.read_bytes() for name in self.files if (path := self.folder / name).is_file()}
        return [f"{self.folder / told}" for told in differing(self.files, now)]


@dataclass(frozen=True)
class Deployment:
    """Everything an asset may need besides its inputs; `catalog` holds the extracts by name.

    `version` is what computes, as it was loaded.
    """

    settings: Settings
    source: Source
    storage: ParquetStorage
    scope: Scope
    rules: RuleBook
    catalog: Mapping[str, Extract]
    version: ControlVersion

    @property
    def home(self) -> Home:
        """The places this deployment reads and writes."""
        return Home(self.settings)

    def inbox(self) -> Path:
        """Give the folder of the JDash files, which the sample books make. Raises SettingsError where it cannot be read."""
        self.source.identity()
        self.home.require_inbox()
        return self.home.inbox_folder

    @property
    def notes(self) -> dict[str, str]:
        """What every materialization says of itself: that it is sample data, or a narrowed scope."""
        notes = {}
        if self.settings.is_sample:
            notes["books"] = "SAMPLE BOOKS"
        if self.settings.scope is not None:
            notes["scope"] = f"{self.settings.scope}: a narrowed scope, does not count as the control"
        return notes

    def notes_of(self, asset: str) -> dict[str, str]:
        """Give what a materialization of `asset` says of itself: the notes, and if it is derived the rule files used."""
        if asset not in _DERIVED:
            return self.notes
        used = {
            f"rules/{name}": f"version {v['version']}, SHA-256 {v['sha256']}"
            for name, v in self._versions.items()
        }
        return self.notes | used

    @cached_property
    def _versions(self) -> dict[str, dict[str, str]]:
        return self.rules.versions()


def open_deployment(settings: Settings, source: Source | None = None) -> Deployment:
    """Put a deployment together. Raises SettingsError, ScopeError or FileFormatError naming what to mend.

    Nothing is connected to and no books are made here: that waits for the first query.
    """
    scope = read_scope().narrowed(settings.companies, settings.gl_accounts)
    rules = read_rules(settings.rules_folder)
    catalog = read_catalog()
    version = control_version(rules.files)
    lines = rules.lines.within(scope.gl_accounts)
    if not lines.lines:
        whole = "; ".join(f"{line.line}: {' '.join(line.accounts)}" for line in rules.lines.lines)
        raise ScopeError(
            f"No line has all its accounts among {', '.join(scope.gl_accounts)}, so nothing would be reconciled. "
            f"The lines and their accounts: {whole}."
        )
    deployment = Deployment(
        settings=settings,
        source=source if source is not None else open_source(settings),
        storage=ParquetStorage(Home(settings).storage_url, Home(settings).place / "spool"),
        scope=scope,
        rules=replace(rules, lines=lines),
        catalog=catalog,
        version=version,
    )
    require_as_loaded(deployment)
    return deployment


def require_as_loaded(deployment: Deployment) -> None:
    """Raise LoadedError unless every file that decides figures is on the disk as this process loaded it.

    When everything is loaded, this says that what runs is what `version` says; when a month is to be sealed, that
    whoever looks at the code and the rules sees what computed it.
    """
    changes = [*changes_on_disk(), *deployment.rules.changes_on_disk()]
    if changes:
        raise LoadedError(
            f"The code or the rules on the disk are not what this process loaded: {', '.join(changes)}. Start again, "
            "when nobody is changing them."
        )


def read_rules(folder: Path) -> RuleBook:
    """Read the rule files in `folder`. Raises FileFormatError naming file and line."""
    return _book(folder, tuple((name, read_bytes(folder / name)) for name in _RULE_FILES))


@lru_cache(maxsize=8)
def _book(folder: Path, read: tuple[tuple[str, bytes], ...]) -> RuleBook:
    files = dict(read)

    def parsed(name: str, model: type[Model], context: object = None) -> Model:
        return parse_yaml(files[name], model, name=str(folder / name), context=context)

    lines = parsed("lines.yaml", Lines)
    return RuleBook(
        folder=folder,
        files=files,
        lines=lines,
        thresholds=parsed("thresholds.yaml", Thresholds),
        classification=parsed("collection_classification.yaml", Classification),
        matching=parsed("open_items.yaml", Matching, lines),
    )


def open_source(settings: Settings) -> Source:
    """Give the source the settings name; this is where another kind of source is added.

    Raises SettingsError for a connection string that cannot be read.
    """
    if settings.source == "sample":
        return SampleBooks(Home(settings).sample_books_folder)
    # The driver manager is loaded only where a server is asked.
    from cpg1_assets.sources.odbc import OdbcSource, Waits  # noqa: PLC0415
    from cpg1_assets.sources.sqlserver import SqlServer  # noqa: PLC0415

    return OdbcSource(
        ConnectionString.parse(settings.connection_string or ""),
        SqlServer(dict(settings.databases), settings.collation, settings.snapshot),
        Waits(settings.login_timeout, settings.query_timeout, settings.lock_timeout),
    )
