"""Looking at a folder of evidence without trusting it: no link is followed, no pipe is waited for."""

import os
import stat
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cpg1_assets.evidence.chain.links import HARD_LINK, Problem
from cpg1_assets.plain_file import kind_of, sha256_of_plain

_THREADS = min(4, os.cpu_count() or 1)
_DEEPEST = 16
"""Levels of folders below a month; the deepest that is sealed has three."""


@dataclass
class Walked:
    """What is in a folder: files and folders by path relative to it, and what should not be in any evidence.

    Files have their size, what is no plain file -1.
    """

    files: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def walk(folder: Path, shown: str) -> Walked:
    """Walk `folder`; problems name paths below `shown`. Raises nothing: what cannot be read is a problem."""
    walked = Walked()
    waiting = [""]
    while waiting:
        waiting += _look_in(folder, waiting.pop(), shown, walked)
    return walked


def _look_in(folder: Path, below: str, shown: str, walked: Walked) -> list[str]:
    """Look at one folder; give those in it, by name, the first one last."""
    try:
        with os.scandir(folder / below) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        statuses = [(entry, entry.stat(follow_symlinks=False)) for entry in entries]
    except OSError as error:
        place = f"{shown}/{below}".rstrip("/")
        walked.problems.append(
            Problem("unreadable", place, f"It cannot be read ({error.strerror or error}).")
        )
        return []
    folders = []
    for entry, status in statuses:
        name = f"{below}{entry.name}"
        place = f"{shown}/{name}"
        if stat.S_ISLNK(status.st_mode):
            walked.problems.append(Problem("link", place, "It is a symbolic link, not a file or folder."))
            walked.files[name] = -1
        elif stat.S_ISDIR(status.st_mode):
            walked.folders.add(name)
            if name.count("/") < _DEEPEST:
                folders.append(f"{name}/")
            else:
                why = f"A folder more than {_DEEPEST} levels deep, which nothing that is sealed is. It was not looked into."
                walked.problems.append(Problem("added", place, why))
        elif stat.S_ISREG(status.st_mode):
            if status.st_nlink > 1:
                walked.problems.append(Problem("hard link", place, HARD_LINK))
            walked.files[name] = status.st_size
        else:
            walked.problems.append(
                Problem("special file", place, f"It is {kind_of(status.st_mode)}, not a file.")
            )
            walked.files[name] = -1
    return folders[::-1]


def hash_files(folder: Path, sizes: Mapping[str, int], names: Iterable[str]) -> dict[str, str | OSError]:
    """SHA-256 of each file named, relative to `folder`, several at a time; or why it cannot be read.

    `sizes` are those that the files had when they were looked at: no more than that is read of any.
    """
    listed = list(names)
    with ThreadPoolExecutor(_THREADS) as pool:
        hashed = pool.map(lambda name: _hash(folder / name, sizes[name]), listed)
        return dict(zip(listed, hashed, strict=True))


def _hash(path: Path, size: int) -> str | OSError:
    try:
        return sha256_of_plain(path, size)
    except OSError as error:
        return error
