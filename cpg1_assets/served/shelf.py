"""What the page may show: files below the reports and the evidence of one home, and of those only some.

A path is walked part by part without following a link, so nothing outside is ever opened. Rows that name customers or
carry what is money to whoever has it (data, snapshots, the files people sent) are named and stay where they are: who
may read them is for the rights on the disk to say.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cpg1_assets.errors import Cpg1Error
from cpg1_assets.home import Home

REPORTS, EVIDENCE = "reports", "evidence"
_SHOWN = {
    REPORTS: frozenset({".html", ".xlsx"}),
    EVIDENCE: frozenset({".json", ".sql", ".yaml", ".txt", ".jsonl"}),
}
_ROWS_IN = frozenset({"data", "files"})
"""Folders of evidence that hold rows: the sealed data, and files as people sent them."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class NotShownError(Cpg1Error):
    """A path that is not there, or that the page does not show."""


@dataclass(frozen=True)
class Entry:
    """A name in a folder: whether it is a folder itself, and whether the page shows it."""

    name: str
    is_folder: bool
    is_shown: bool


@dataclass(frozen=True)
class Shelf:
    """The two folders of a home that are shown."""

    home: Home

    @contextmanager
    def opened(self, parts: Sequence[str]) -> Iterator[tuple[BinaryIO, int]]:
        """Open a file for reading, with its size in bytes. Raises NotShownError as the page's answer."""
        if len(parts) < 2 or not self._is_shown(parts):  # noqa: PLR2004 - a root and a name
            raise NotShownError("This is not shown here.")
        descriptor = self._walked(parts, _FLAGS)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise NotShownError("This is no file.")
            with os.fdopen(os.dup(descriptor), "rb") as file:
                yield file, found.st_size
        finally:
            os.close(descriptor)

    def listed(self, parts: Sequence[str]) -> list[Entry]:
        """Give what is in a folder, by name, without what begins with a dot and without links."""
        descriptor = self._walked(parts, _FLAGS | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as found:
                entries = [
                    Entry(each.name, is_folder, is_folder or self._is_shown([*parts, each.name]))
                    for each in found
                    if not each.name.startswith(".") and not each.is_symlink()
                    for is_folder in [each.is_dir(follow_symlinks=False)]
                ]
        finally:
            os.close(descriptor)
        return sorted(entries, key=lambda each: (not each.is_folder, each.name))

    def months(self) -> list[str]:
        """Give the months that have reports or evidence, the newest first."""
        found = set[str]()
        for root in (REPORTS, EVIDENCE):
            try:
                found |= {
                    each.name for each in self.listed([root]) if each.is_folder and _is_month(each.name)
                }
            except NotShownError:
                continue
        return sorted(found, reverse=True)

    def _is_shown(self, parts: Sequence[str]) -> bool:
        root, *below = parts
        return (
            root in _SHOWN
            and Path(parts[-1]).suffix in _SHOWN[root]
            and (root == REPORTS or not _ROWS_IN & set(below[:-1]))
        )

    def _walked(self, parts: Sequence[str], flags: int) -> int:
        """Open what `parts` lead to from one of the two folders, never through a link. Gives a descriptor."""
        root, *below = parts or [""]
        folders = {REPORTS: self.home.reports_folder, EVIDENCE: self.home.evidence_folder}
        if root not in folders or any(not _is_name(part) for part in below):
            raise NotShownError("There is nothing of this name.")
        try:
            at = os.open(folders[root], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for place, part in enumerate(below):
                last = place == len(below) - 1
                before, at = at, -1
                try:
                    at = os.open(part, flags if last else _FLAGS | os.O_DIRECTORY, dir_fd=before)
                finally:
                    os.close(before)
        except OSError as error:
            raise NotShownError("There is nothing of this name.") from error
        return at


def _is_name(part: str) -> bool:
    return bool(part) and not part.startswith(".") and not set(part) & set("/\\\0") and part.isprintable()


def _is_month(name: str) -> bool:
    year, _, month = name.partition("-")
    return len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()  # noqa: PLR2004
