"""Looking at a folder of evidence without trusting it: no link is followed, no pipe is waited for."""

import hashlib
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cpg1_assets.evidence.chain.links import HARD_LINK, Problem

_THREADS = min(4, os.cpu_count() or 1)


@dataclass
class Walked:
    """What is in a folder: files and folders by path relative to it, and what should not be in any evidence."""

    files: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def walk(folder: Path, shown: str) -> Walked:
    """Walk `folder`; problems name paths below `shown`. Raises nothing: what cannot be read is a problem."""
    walked = Walked()
    _walk(folder, "", shown, walked)
    return walked


def _walk(folder: Path, below: str, shown: str, walked: Walked) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        statuses = [(entry, entry.stat(follow_symlinks=False)) for entry in entries]
    except OSError as error:
        place = f"{shown}/{below}".rstrip("/")
        walked.problems.append(
            Problem("unreadable", place, f"It cannot be read ({error.strerror or error}).")
        )
        return
    for entry, status in statuses:
        name = f"{below}{entry.name}"
        place = f"{shown}/{name}"
        if stat.S_ISLNK(status.st_mode):
            walked.problems.append(Problem("link", place, "It is a symbolic link, not a file or folder."))
            walked.files[name] = -1
        elif stat.S_ISDIR(status.st_mode):
            walked.folders.add(name)
            _walk(Path(entry.path), f"{name}/", shown, walked)
        elif stat.S_ISREG(status.st_mode):
            if status.st_nlink > 1:
                walked.problems.append(Problem("hard link", place, HARD_LINK))
            walked.files[name] = status.st_size
        else:
            walked.problems.append(
                Problem("special file", place, "It is a device, pipe or socket, not a file.")
            )
            walked.files[name] = -1


def hash_files(folder: Path, names: Iterable[str]) -> dict[str, str | OSError]:
    """SHA-256 of each file named, relative to `folder`, several at a time; or why it cannot be read."""
    listed = list(names)
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(listed, pool.map(lambda name: _hash(folder / name), listed), strict=True))


def _hash(path: Path) -> str | OSError:
    try:
        # Neither a link that took the file's place meanwhile is followed, nor a pipe waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return OSError("it is not a file any more")
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error
