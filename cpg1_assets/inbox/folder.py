"""A folder of the inbox: what lies in it, what of that is certainly no data, and the bytes of one file.

Whose file it is, and what its content says, is not known here.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from cpg1_assets.errors import DataError

_LARGEST = 2**30
_SETTLED_SECONDS = 3
_NAME_BYTES = 200
_LOCKS = (".", "~$")
"""How names begin that a system hides (also of a file that is being sent), and that Office locks a file with."""
_HALF_DOWNLOADED = (
    ".aria2", ".crdownload", ".download", ".filepart", ".opdownload", ".part", ".partial", ".temp", ".tmp", "~tmp",
)  # fmt: skip
"""How names end while a browser, a copy or a save is not done."""
_OF_THE_SYSTEM = {
    "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle", "@sharebin", "@tmp",
    "__macosx", "desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "icon\uf00d", "lost+found",
    "network trash folder", "recycled", "recycler", "system volume information", "temporary items",
    "thevolumesettingsfolder", "thumbs.db", "~snapshot",
}  # fmt: skip
"""What desktops and file servers put into every folder, in lower case."""
_STREAM = re.compile(
    r"[:\uf022\uf03a](zone\.identifier|smartscreen|encryptable|afp_\w+|com\.(apple|dropbox)\..+)(:\$data)?",
    re.IGNORECASE,
)
"""How a name ends that holds what a system noted of another file (as Windows says where it came from)."""
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CONTROLS = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


class UnreadError(DataError):
    """Something in the inbox that has no bytes to read; `why` says so without its name."""

    def __init__(self, path: Path, why: str, what_to_do: str) -> None:
        """Name the file, `why` it is not read, and what a person does about it."""
        super().__init__(f"{shown(path.name)}: {why}. {what_to_do}")
        self.why = why


class GoneError(UnreadError):
    """A file that was listed and is there no more."""


class Listed(NamedTuple):
    """What lies in a folder, in order of names."""

    paths: tuple[Path, ...]
    """All but what is left alone."""
    left_alone: tuple[str, ...]
    """Names of what is certainly no data, as they can be shown."""


def listed(folder: Path) -> Listed:
    """List a folder of the inbox; one that is not there yet holds nothing.

    Raises DataError when it is no folder or may not be listed.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
    except FileNotFoundError:
        return Listed((), ())
    except OSError as error:
        raise DataError(
            f"{folder.name}: it cannot be listed ({error.strerror}). Make it a folder that can be read."
        ) from error
    return Listed(
        tuple(path for path in paths if not is_left_alone(path.name)),
        tuple(shown(path.name) for path in paths if is_left_alone(path.name)),
    )


def is_left_alone(name: str) -> bool:
    """Tell whether a name is certainly none of an export: hidden, a lock, half downloaded, or a system's own.

    A copy such as `EC_NG (1).csv` or `EC_NG.csv.bak` is not: somebody may have meant it.
    """
    folded = name.casefold()
    return (
        folded.startswith(_LOCKS)
        or folded.endswith(_HALF_DOWNLOADED)
        or folded in _OF_THE_SYSTEM
        or _STREAM.search(folded) is not None
    )


def shown(name: str) -> str:
    r"""Give a name as text that can be printed and written anywhere; two names never look the same.

    A byte that is no text is `\xff`, a character that cannot be seen `\u202e`, a backslash is doubled.
    """
    return "".join(map(_shown_character, name))


def _shown_character(character: str) -> str:
    code = ord(character)
    if character in _CONTROLS:
        return _CONTROLS[character]
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how Python keeps the bytes of a name that are no text
        return f"\\x{code - 0xDC00:02x}"
    return character if character.isprintable() else f"\\u{code:04x}"


def kept_as(name: str) -> str:
    """Give a name under which evidence can keep a file: `shown`, and cut where it is longer than a name may be."""
    said = shown(name)
    if len(said.encode()) <= _NAME_BYTES:
        return said
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return f"{said.encode()[: _NAME_BYTES - len(digest) - 1].decode(errors='ignore')}-{digest}"


def content(path: Path) -> bytes:
    """Read a file once, whole. Raises UnreadError; never waits for a pipe, and touches no device."""
    with _opened(path) as file:
        return file.read()


def states(paths: Iterable[Path], hashes: "Hashes | None" = None) -> dict[str, str]:
    """Give the SHA-256 of each file, or why it has none, by the name it is shown with; what is gone is left out."""
    sha256 = _sha256 if hashes is None else hashes.sha256
    found: dict[str, str] = {}
    for path in paths:
        try:
            found[shown(path.name)] = sha256(path)
        except GoneError:
            continue
        except UnreadError as error:
            found[shown(path.name)] = unread_state(error)
    return found


def unread_state(error: UnreadError) -> str:
    """Give what stands for the SHA-256 of a file that has none."""
    return f"not read: {error.why}"


@dataclass
class Hashes:
    """The SHA-256 of files looked at before, by shown name: one that is as it was then is not read again.

    `known` was noted the last time, `noted` is for the next: plain lists, the file's identity and then its SHA-256.
    """

    known: Mapping[str, list[int | str]]
    noted: dict[str, list[int | str]] = field(default_factory=dict)

    def sha256(self, path: Path) -> str:
        """Give the SHA-256 of a file. Raises UnreadError."""
        name, now = shown(path.name), time.time()
        with _opened(path, read=False) as file:
            status = os.fstat(file.fileno())
            identity: list[int | str] = [
                status.st_dev,
                status.st_ino,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
            ]
            known = self.known.get(name) or []
            sha256 = str(known[-1]) if known[:-1] == identity else _digest(file)
        # What changes twice within a tick of the file system's clock keeps its times.
        if status.st_ctime < now - _SETTLED_SECONDS:
            self.noted[name] = [*identity, sha256]
        return sha256


def _sha256(path: Path) -> str:
    with _opened(path) as file:
        return _digest(file)


def _digest(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, *, read: bool = True) -> Iterator[BufferedReader]:
    """Open a file for reading; with `read`, see that nobody wrote it meanwhile. Raises UnreadError."""
    try:
        _require_file(path, path.stat())  # first, so that no pipe, socket or device is opened at all
        with open(path, "rb", opener=_without_waiting) as file:  # Path.open takes no opener
            before = os.fstat(file.fileno())
            _require_file(path, before)
            yield file
            after = os.fstat(file.fileno())
    except FileNotFoundError as error:
        if path.is_symlink():
            raise UnreadError(
                path, "it is a link to a file that is not there", "Put the file itself in the inbox."
            ) from error
        raise GoneError(
            path, "it was taken away while the inbox was read", "Put it back and try again."
        ) from error
    except OSError as error:
        raise UnreadError(
            path, f"it cannot be opened ({error.strerror or error})", "Make it readable and try again."
        ) from error
    if read and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadError(path, "it was being written while it was read", "Try again when it is there whole.")


def _require_file(path: Path, status: os.stat_result) -> None:
    mode = status.st_mode
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "something else")
        raise UnreadError(
            path, f"it is {kind}, and not a file or a link to one", "Put the file itself in the inbox."
        )
    if status.st_size > _LARGEST:
        raise UnreadError(path, f"it has {status.st_size:,} bytes, more than 1 GiB", "Export it again.")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
