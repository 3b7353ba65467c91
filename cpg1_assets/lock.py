"""One writer at a time: a lock file that the operating system lets go of when its holder dies.

Never a marker file that a killed process leaves behind. Nobody waits for one without a word.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cpg1_assets.errors import BusyError
from cpg1_assets.process import Process
from cpg1_assets.refusal import refused

Told = Callable[[str], None]
_SILENT_SECONDS = 1.0
_ASKED_AGAIN_SECONDS = 0.05
_told: list[Told] = [logging.getLogger(__name__).warning]


@contextmanager
def waits_told(told: Told) -> Iterator[None]:
    """Tell `told` in a sentence what is waited for; otherwise it is a warning in the log of this module."""
    _told.append(told)
    try:
        yield
    finally:
        _told.remove(told)


@contextmanager
def held_lock(path: Path, what: str = "", *, wait: bool = False, busy: str = "") -> Iterator[None]:
    """Hold `path` exclusively; `what` says what is waited for. Without `wait`, raises BusyError saying `busy`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise refused(error, "A lock", path) from error
    try:
        if not _taken(descriptor, path):
            if not wait:
                raise BusyError(f"{busy or path.name + ' is held'} by {_holder(descriptor)}.")
            _wait(descriptor, path, what or path.stem)
        # Who holds it is only told; a disk that is full of other things takes no lock from anybody.
        with suppress(OSError):
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{Process.own().written()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, path: Path, what: str) -> None:
    """Wait for the lock; after a second, and when another holds it then, say so."""
    began, said = time.monotonic(), ""
    while not _taken(descriptor, path):
        if time.monotonic() - began > _SILENT_SECONDS and (holder := _holder(descriptor)) != said:
            said = holder
            _told[-1](f"waits for {what}, held by {holder}")
        time.sleep(_ASKED_AGAIN_SECONDS)


def _taken(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise refused(error, "A lock", path) from error
    return True


def _holder(descriptor: int) -> str:
    holder = Process.read(os.pread(descriptor, 10_000, 0).decode(errors="replace"))
    return "another process" if holder is None else holder.named
