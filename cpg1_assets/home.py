"""What belongs to whom in `CPG1_HOME`: which folder a scope writes to, and whose books a home keeps.

Which home it is, and everything else a deployment decides, is in `settings`; what is in the files is not known here.
"""

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cpg1_assets.errors import SettingsError, StorageError
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.process import lives_in
from cpg1_assets.settings import BOOKS, Settings


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

    def package_folder(self, month: str, asset: str, run_id: str) -> Path:
        """Folder of an asset's evidence package of one run."""
        return self.evidence_folder / month / asset / run_id

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
        except (FileNotFoundError, NotADirectoryError):
            return self.settings.books
        except (OSError, UnicodeDecodeError) as error:
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
        root, books = self.settings.home, self.settings.books
        probe = root / partial_name(f"writable-{os.getpid()}-{threading.get_ident()}")
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            lives_in(root)
            clear_partials(root, "writable-*")
            try:
                probe.write_text(f"{books}\n", encoding="utf-8")
                with suppress(FileExistsError):
                    os.link(probe, self._books_file)  # of several that try at once, one has its way
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"CPG1_HOME {root} cannot be written ({error.strerror or error}). "
                "Make the folder writable, or set CPG1_HOME to one that is."
            ) from error
        self.require_own_books()

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
