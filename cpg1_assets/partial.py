"""Files and folders on their way to their place: named by the process that writes them, cleared when it is gone.

`.<what>.<token of the process>.partial`, beside the place or in a temporary folder. Whether a process is gone, `process`
says: a leftover of a living one stays, wherever it runs. Of a process that shows itself in no home known here, such as
one of another home on the same storage, nothing is known: what it left is cleared a day after it was last written.
"""

import itertools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from cpg1_assets.process import Process, known_homes, process_of
from cpg1_assets.sign_of_life import KEPT_SECONDS

_TOKEN = re.compile(r"(?:^|[.\-])([0-9a-f]{16})(?=[.\-])")
_numbers = itertools.count()


def partial_name(what: str) -> str:
    """Name what is on its way, as this run's process writes it; `what` is unique among what that process writes."""
    return f".{what}.{Process.of_the_run().token}.partial"


def clear_partials(folder: Path, what: str = "*") -> None:
    """Clear away what is left in `folder` of processes that are gone; `what` is a pattern of the names' beginnings."""
    for left in folder.glob(f".{what}.*.partial"):
        if is_left_over(left):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):
                    left.unlink()


def is_left_over(path: Path) -> bool:
    """Whether whoever wrote `path` is gone, or nothing is known of him and it was not written for a day."""
    gone = writer_is_gone(path.name, *path.absolute().parents)
    if gone is not None:
        return gone
    try:
        return time.time() - _last_written(path) > KEPT_SECONDS
    except OSError:
        return False


def writer_is_gone(name: str, *homes: Path) -> bool | None:
    """Whether the process that `name` names is gone; None where nothing is known of it, in `homes` and those known here."""
    token = token_in(name)
    if token == Process.of_the_run().token:
        return False
    process = None if token is None else process_of(token, [*known_homes(), *homes])
    return None if process is None else process.is_gone


def token_in(name: str) -> str | None:
    """Give the token in the name of what is on its way; None where there is none, as in those of earlier versions."""
    found = _TOKEN.findall(name)
    return found[-1] if found else None


def spill_folder(what: str) -> Path:
    """Give the path of a temporary folder that is yet to be made, for what does not fit in memory."""
    _clear_temporary()
    return Path(tempfile.gettempdir()) / partial_name(f"cpg1-{what}-{os.getpid()}-{next(_numbers)}")


@contextmanager
def temporary_folder(what: str) -> Iterator[Path]:
    """Make a temporary folder, and take it away again."""
    folder = spill_folder(what)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _clear_temporary() -> None:
    """Clear away, once a process, what processes that are gone left in the folder for temporary files."""
    clear_partials(Path(tempfile.gettempdir()), "cpg1-*")


def _last_written(path: Path) -> float:
    written = [path.lstat().st_mtime]
    if path.is_dir() and not path.is_symlink():
        written += [each.lstat().st_mtime for each in path.rglob("*")]
    return max(written)
