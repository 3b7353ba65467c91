"""What a disk refuses, in whoever's words it comes: the system's, DuckDB's, Arrow's or SQLite's.

Which setting leads to a place is known by `home`, what somebody wanted to write there by whoever wanted it.
"""

import errno
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cpg1_assets.errors import Cpg1Error, StorageError

STANDARD_OUTPUT = "standard output"
TMPDIR, DAGSTER_HOME = "TMPDIR", "DAGSTER_HOME"

_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_STANDS = "What was there before is still there."
_TO_DO = {
    errno.ENOSPC: f"The disk of {{place}} is full: free some space there{{or_larger}}, and run again. {_STANDS}",
    errno.EDQUOT: f"The quota on the disk of {{place}} is used up: free some space there{{or_larger}}, and run again. "
    f"{_STANDS}",
    errno.EROFS: "The file system of {place} is read-only: mount it writable{or_elsewhere}.",
    errno.EACCES: "Give the user that runs this the right to it, in {place}{or_elsewhere}.",
    errno.EPERM: "Give the user that runs this the right to it, in {place}{or_elsewhere}.",
    errno.ENOTDIR: "A file stands where a folder should be: take it away{or_elsewhere}.",
    errno.EEXIST: "Something else stands where a folder should be, or a link that leads nowhere: take it "
    "away{or_elsewhere}.",
    errno.EISDIR: "A folder stands where a file should be: take it away{or_elsewhere}.",
    errno.ENOENT: "The folder for {place}, or what a link leads to, is not there: make or mount it{or_elsewhere}.",
    errno.ELOOP: "A link there leads back to itself: mend the link{or_elsewhere}.",
    errno.ENAMETOOLONG: "The path is longer than the file system takes: give {place} a shorter one.",
    errno.EIO: "The disk of {place} reports a fault: see the system's log, and have it looked at{or_elsewhere}.",
    errno.EFBIG: "A file may not grow so large there: raise the limit (ulimit -f), or have {place} on a file system "
    "for large files.",
    errno.EMFILE: "This process may open {files} files at once: raise the limit (ulimit -n 1024) and run again.",
    errno.ENFILE: "All processes of this machine together have too many files open: end some, or raise fs.file-max.",
    errno.ENOLCK: "The file system of {place} has no locks, by which one run at a time is told{or_elsewhere}.",
    errno.ENOSYS: "The file system of {place} cannot do what is needed there{or_elsewhere}.",
    errno.ENOTSUP: "The file system of {place} cannot do what is needed there{or_elsewhere}.",
    errno.EINVAL: "The file system of {place} cannot do what is needed there{or_elsewhere}.",
    errno.ESTALE: "The network file system of {place} was taken away or changed: mount it again{or_elsewhere}.",
    errno.ENODEV: "The disk of {place} is not there any more: mount it again{or_elsewhere}.",
    errno.ENXIO: "The disk of {place} is not there any more: mount it again{or_elsewhere}.",
    errno.ETXTBSY: "Another program runs from that file: end it{or_elsewhere}.",
    errno.EBUSY: "Something else holds it: end that{or_elsewhere}.",
    errno.EPIPE: "Whoever read it has stopped reading.",
}
_BY_WORDS = {os.strerror(number): number for number in _TO_DO}
# SQLite and DuckDB say in words of their own what they met; they have no number for it, or hide it.
_SQLITE = {
    "database or disk is full": (errno.ENOSPC, "the disk is full"),
    "disk I/O error": (errno.EIO, "disk I/O error"),
    "attempt to write a readonly database": (errno.EACCES, "it may only be read"),
    "unable to open database file": (errno.EACCES, "it cannot be opened"),
}
_SPILL = re.compile(r"failed to offload data block|max_temp_directory_size")
_ENGINE = re.compile(r'"(?P<path>[^"]+)"[^"]*?: *(?P<why>' + "|".join(map(re.escape, _BY_WORDS)) + ")")
_ARROW = re.compile(r"(?:'(?P<path>[^']+)'.*?)?\[errno (?P<number>\d+)\]", re.DOTALL)
_SYSTEM = re.compile(r"^\[Errno (?P<number>\d+)\] (?P<why>[^:']+)(?:: '(?P<path>[^']+)')?")
_SENTENCE = re.compile(r".* cannot be (?:written|used) \((.*\)\. .*)", re.DOTALL)
_NO_TEMPORARY = "No usable temporary directory found"


@dataclass(frozen=True)
class Place:
    """A folder a close writes to: what it is for, the setting that moves it, where it is."""

    name: str
    setting: str
    folder: Path


@dataclass(frozen=True)
class Refusal:
    """One refusal: `path` as far as it is known, the system's number and words for it, and what was to be written.

    `setting` is known beforehand where the words tell it: temporary files, Dagster's databases.
    """

    number: int
    why: str
    path: str | None = None
    what: str = ""
    setting: str | None = None
    hides_why: bool = False
    """Whether it came from SQLite, whose words are the same for many a reason."""

    def sentence(self, place: Place | None = None) -> str:
        """Say what was refused, why, and what to do; `place` is the one the path lies in."""
        subject = self.what or self.path or "A file"
        setting = place.setting if place is not None else self.setting
        named = f"{setting} ({place.folder})" if place is not None else setting or "this folder"
        to_do = _TO_DO.get(self.number, "Mend that{or_elsewhere}, and run again.").format(
            place=named,
            or_larger=f", or set {setting} to a folder on a larger one" if setting else "",
            or_elsewhere=f", or set {setting} to a folder that is good for it" if setting else "",
            files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )
        if self.path == STANDARD_OUTPUT:
            return (
                f"What there is to say cannot be written to standard output ({self.why}). What the command did stands: see "
                "cpg1 status. Send its output where it can be written."
            )
        if place is not None and self.path == str(place.folder):
            subject = f"{setting} {self.path}"
        elif self.path and self.path != subject:
            subject += f" at {self.path}"
        verb = "written" if self.what or self.number in _OF_WRITING else "used"
        return f"{subject} cannot be {verb} ({self.why}). {to_do}"

    def error(self, place: Place | None = None) -> "DiskError":
        """Give it as the product's error."""
        return DiskError(self.sentence(place), self)


class DiskError(StorageError):
    """A disk refused something: full, read-only, no permission, in the way, not there, out of order."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        """`refusal` is what `message` says, for whoever knows more of the place."""
        super().__init__(message, refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        """Give the sentence."""
        return str(self.args[0])


def refused(error: OSError, what: str, path: Path | str | None = None) -> DiskError:
    """Give the product's error for what the system refused; `what` was to be written or used, at `path`."""
    found = _of_system(error)
    return replace(found, path=found.path or (None if path is None else str(path)), what=what).error()


def refusal_of(error: BaseException | None) -> Refusal | None:
    """Give what a disk refused, where that is what `error` or the error that caused it says; else None.

    An error of the product that is none of the disk's has its own sentence, and is left alone.
    """
    seen = 0
    while error is not None and seen < 100:  # noqa: PLR2004 - causes may go in a circle
        if isinstance(error, DiskError):
            return error.refusal
        if isinstance(error, Cpg1Error):
            return None
        found = _of_one(error)
        if found is not None:
            return found
        error = getattr(error, "orig", None) or error.__cause__
        seen += 1
    return None


def refusal_in(text: str) -> Refusal | None:
    """Give what a disk refused, from the text of an error that is not there any more."""
    for words, (number, why) in _SQLITE.items():
        if words in text and "sqlite3" in text:
            return Refusal(number, why, what="Dagster's database", setting=DAGSTER_HOME, hides_why=True)
    if _SPILL.search(text) and "offload" in text:
        return Refusal(errno.ENOSPC, "no room to sort on disk", what="A temporary file", setting=TMPDIR)
    found = _ENGINE.search(text)
    if found is not None:
        return Refusal(_BY_WORDS[found["why"]], found["why"], found["path"])
    found = _SYSTEM.search(text.removeprefix("OSError: "))
    if found is not None and int(found["number"]) in _TO_DO:
        number = int(found["number"])
        return Refusal(number, os.strerror(number), found["path"])
    return None


def said_of_disk(text: str) -> str | None:
    """Give what a refusal's sentence says of the place and of what to do, without the file; None for another text."""
    found = _SENTENCE.fullmatch(text)
    return found[1] if found is not None else None


@contextmanager
def naming(what: str, path: Path | str) -> Iterator[None]:
    """Make the product's error of what a disk refuses within: `what` could not be written at `path`."""
    try:
        yield
    except Exception as error:
        found = refusal_of(error)
        if found is None or isinstance(error, Cpg1Error):
            raise
        if found.setting is None:  # else it is elsewhere, such as a temporary file
            found = replace(found, path=found.path or str(path), what=what)
        raise found.error() from error


def _of_one(error: BaseException) -> Refusal | None:
    room = type(error).__module__.partition(".")[0].lstrip("_")
    if isinstance(error, OSError):
        found = _of_system(error)
        return found if found.number in _TO_DO else None
    if room == "sqlite3":
        return refusal_in(f"sqlite3 {error}")
    if room == "duckdb":
        return refusal_in(str(error))
    return None


def _of_system(error: OSError) -> Refusal:
    """Read an OSError; Arrow puts number and path into its text, and gives no path of its own."""
    said = str(error)
    number, path = error.errno or 0, error.filename
    arrow = _ARROW.search(said)
    if arrow is not None:
        number, path = number or int(arrow["number"]), path or arrow["path"]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if _NO_TEMPORARY in said:
        return Refusal(errno.ENOENT, said.partition("] ")[2], what="A temporary file", setting=TMPDIR)
    why = os.strerror(number) if number in _TO_DO else error.strerror or said
    return Refusal(number, why, path if isinstance(path, str) else None)
