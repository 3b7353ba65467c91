"""What belongs to whom in `CPG1_HOME`: which folder a scope writes to, and whose books a home keeps.

Which home it is, and everything else a deployment decides, is in `settings`; what is in the files is not known here.
"""

import errno
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cpg1_assets.disk import try_writing, write_whole
from cpg1_assets.errors import SettingsError, StorageError
from cpg1_assets.lock import held_lock
from cpg1_assets.process import lives_in
from cpg1_assets.refusal import DAGSTER_HOME, STANDARD_OUTPUT, TMPDIR, DiskError, Place, Refusal, refusal_of
from cpg1_assets.settings import BOOKS, Settings

_LOCAL = re.compile(r"^(?:file|local)://")
_KEPT_BESIDE = ("claims", "closes", "locks", "logs")
LEAST_OPEN_FILES = 48
"""What a close of the sample books was seen to need, and a little more."""
_ALMOST_FULL = 1 << 20
_REMOTE = re.compile(r"^[A-Za-z0-9+.-]+:")


@dataclass(frozen=True)
class Home:
    """The places of one deployment: those of the control, or of a narrowed scope under `scopes/<scope>`."""

    settings: Settings

    @property
    def place(self) -> Path:
        """Folder under which this scope writes: the home itself, or `scopes/<scope>` in it."""
        settings = self.settings
        return settings.home if settings.scope is None else settings.home / "scopes" / settings.scope

    @property
    def storage_url(self) -> str:
        """Folder or fsspec URL of the Parquet files of this scope."""
        storage, scope = self.settings.storage, self.settings.scope
        if storage is None:
            return str(self.place / "storage")
        return storage if scope is None else f"{storage}/scopes/{scope}"

    @property
    def evidence_folder(self) -> Path:
        """Folder of the evidence of this scope: packages, sealed versions, the chain."""
        return self.place / "evidence"

    @property
    def reports_folder(self) -> Path:
        """Folder of what people are given of sealed months: `<YYYY-MM>/`. Nothing in it is evidence."""
        return self.place / "reports"

    def package_folder(self, month: str, asset: str, run_id: str) -> Path:
        """Folder of an asset's evidence package of one run."""
        return self.evidence_folder / month / asset / run_id

    def turn_lock(self, month: str) -> Path:
        """Lock that a backfill holds while it is a month's turn: who needs that month's seal waits for it."""
        return self.place / "locks" / f"turn-{month}.lock"

    @property
    def sample_books_folder(self) -> Path:
        """Where the sample books are, or will be made."""
        return self.settings.home / "sample_books"

    @property
    def inbox_folder(self) -> Path:
        """Folder that holds `jdash/<YYYY-MM>/<COMPANY>.csv`."""
        if self.settings.inbox is not None:
            return self.settings.inbox
        return (self.sample_books_folder if self.settings.is_sample else self.settings.home) / "inbox"

    def require_inbox(self) -> None:
        """Raise SettingsError where the inbox cannot be looked into, or is set and not there.

        Where none is set, the folder may still have to be made: every company's file is then missing, by name.
        """
        inbox, is_set = self.inbox_folder, self.settings.inbox is not None
        name = f"CPG1_INBOX {inbox}" if is_set else f"The inbox {inbox}"
        try:
            with os.scandir(inbox), suppress(FileNotFoundError):
                (inbox / "jdash").stat()  # it may be listed: may it be entered too?
        except FileNotFoundError as error:
            if is_set:
                raise SettingsError(
                    f"{name} is not there: make or mount the folder, or set CPG1_INBOX to the one that holds "
                    "jdash/<YYYY-MM>/<COMPANY>.csv."
                ) from error
        except OSError as error:
            raise SettingsError(
                f"{name} cannot be looked into ({error.strerror or error}): make it a folder that the user that "
                "closes may list and enter, or set CPG1_INBOX to one."
            ) from error

    @property
    def books_kept(self) -> str:
        """The books whose months the home keeps; as long as it keeps none, those that are closed.

        Raises SettingsError when the file that says so cannot be read or says something else.
        """
        try:
            kept = self._books_file.read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            if self.settings.home.is_symlink() and not self.settings.home.exists():
                raise self.error_of(
                    Refusal(errno.ENOENT, os.strerror(errno.ENOENT), str(self.settings.home))
                ) from error
            return self.settings.books
        except OSError as error:
            at = self.settings.home if isinstance(error, NotADirectoryError) else self._books_file
            raise self.error_of(Refusal(error.errno or 0, error.strerror or str(error), str(at))) from error
        except UnicodeDecodeError as error:
            kept = str(error)
        if kept not in BOOKS:
            raise SettingsError(
                f"{self._books_file} does not say which books the home keeps ({kept!r}): it must hold "
                f"{' or '.join(BOOKS)}. Restore it, or set CPG1_HOME to another folder."
            )
        return kept

    def prepare(self) -> None:
        """Make the home if it is not there, for these books and no others from then on.

        Raises StorageError when it cannot be made or written, and SettingsError when it keeps months of other
        books: simulated figures must not lie beside the control's, nor be sealed in one chain with them.
        """
        root = self.settings.home
        with naming_places(self.settings):
            self.place.mkdir(parents=True, exist_ok=True)
            lives_in(root)
            if not self._books_file.exists():
                try_writing(self.place)
                # Under a lock, not by a link that fails where there is a file: not every file system has those.
                with held_lock(root / "locks" / "home.lock", "the home", wait=True):
                    if not self._books_file.exists():
                        write_whole(self._books_file, f"{self.settings.books}\n".encode())
        self.require_own_books()

    @property
    def places(self) -> tuple[Place, ...]:
        """Every local folder that a close of this scope writes to, each with the setting that moves it."""
        return (
            Place("home", "CPG1_HOME", self.place),
            Place("evidence", "CPG1_HOME", self.evidence_folder),
            *self._storage_place(),
            Place("temporary files", TMPDIR, temporary_folder()),
        )

    def require_places(self) -> None:
        """Raise StorageError naming the first place that cannot be written: before a source is asked for anything."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if files < LEAST_OPEN_FILES:
            raise StorageError(
                f"This process may open {files} files at once, and a close needs {LEAST_OPEN_FILES}: raise the limit "
                "(ulimit -n 1024), and run again."
            )
        with naming_places(self.settings):
            for place in self.places:
                if place.setting != TMPDIR:
                    place.folder.mkdir(parents=True, exist_ok=True)
                try_writing(place.folder)
            for name in _KEPT_BESIDE:  # a folder of the home, unless somebody put it elsewhere
                (self.place / name).mkdir(exist_ok=True)
                try_writing(self.place / name)

    def error_of(self, refusal: Refusal) -> DiskError:
        """Make the product's error of a refusal: with the place, the setting that moves it, what to do."""
        place = self._place_of(refusal)
        if refusal.hides_why and place is not None:
            refusal = replace(refusal, **why_refused(place.folder))
        return refusal.error(place)

    def _place_of(self, refusal: Refusal) -> Place | None:
        dagster = Place("Dagster's home", DAGSTER_HOME, dagster_folder(self.settings))
        known = (*self.places, dagster)
        if refusal.setting is not None:
            return next((place for place in known if place.setting == refusal.setting), None)
        if refusal.path is None or refusal.path == STANDARD_OUTPUT:
            return None
        above = [place for place in known if _lies_in(refusal.path, place.folder)]
        above += [Place("home", "CPG1_HOME", self.settings.home)] * _lies_in(refusal.path, self.settings.home)
        nearest = max(above, key=lambda place: len(str(place.folder)), default=None)
        if nearest is None:  # a folder above the place could not be made
            nearest = next(
                (place for place in known if _lies_in(str(place.folder), Path(refusal.path))), None
            )
        if nearest is not None and nearest.setting == "CPG1_HOME":
            return Place("home", "CPG1_HOME", self.settings.home)
        return nearest

    def _storage_place(self) -> tuple[Place, ...]:
        url = self.storage_url
        if self.settings.storage is None:
            return (Place("storage", "CPG1_HOME", Path(url)),)
        folder = _LOCAL.sub("", url)
        return () if _REMOTE.match(folder) else (Place("storage", "CPG1_STORAGE", Path(folder).absolute()),)

    def require_own_books(self) -> None:
        """Raise SettingsError when the home keeps months of other books, or does not say of which."""
        kept = self.books_kept
        if kept != self.settings.books:
            raise SettingsError(
                f"CPG1_HOME {self.settings.home} keeps months of the {kept}, and {self.settings.books} is what is to "
                "be closed. Set CPG1_HOME to a folder of its own for each."
            )

    @property
    def _books_file(self) -> Path:
        return self.settings.home / "books"


def dagster_folder(settings: Settings) -> Path:
    """Dagster's home: that of DAGSTER_HOME, else `dagster` in the product's; a narrowed scope has one of its own."""
    given = os.environ.get(DAGSTER_HOME)
    return Path(given) if given and settings.scope is None else Home(settings).place / "dagster"


def temporary_folder() -> Path:
    """Where temporary files go: what TMPDIR (TEMP, TMP) says, and only where nothing is said the system's own.

    Python goes elsewhere without a word where that cannot be written, to the working directory in the end.
    """
    said = next(filter(None, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))), None)
    return Path(said).absolute() if said else Path(tempfile.gettempdir())


@contextmanager
def naming_places(settings: Settings) -> Iterator[None]:
    """Make one sentence of what a disk refuses within: which place it is, the setting that moves it, what to do."""
    try:
        yield
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise Home(settings).error_of(refusal) from error


def why_refused(folder: Path) -> dict[str, Any]:
    """Find out why a database in `folder` failed, which it hardly says: by what the system says to a small file.

    Gives `number` and, where it is known better, `why` of a `Refusal`; nothing where the disk takes what it is given.
    """
    try:
        try_writing(folder)
        if shutil.disk_usage(folder).free < _ALMOST_FULL:
            return {"number": errno.ENOSPC}
        if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
            return {"number": errno.EFBIG}
    except OSError as error:
        return {"number": error.errno or 0, "why": error.strerror or str(error)}
    return {}


def _lies_in(path: str, folder: Path) -> bool:
    return Path(path) == folder or folder in Path(path).parents
