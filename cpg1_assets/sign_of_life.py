"""That a process works on a home, shown to others: `<home>/processes/<token>`, held locked and touched every ten seconds.

A lock ends with its process, also when the machine stops, and is seen from every container of the machine; a touch is
seen by other hosts too. What follows from both, `process` says. Lives here: the files. Does not: whose they are.
"""

import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "processes"
TOUCH_SECONDS = 10
KEPT_SECONDS = 24 * 60 * 60
"""How long the sign of a process that has ended is kept: what it left is known by it, from other hosts too."""
_ID = ".id"
_MOST_HOMES = 8
"""A process works on one home; a program that opens one after the other, such as tests, shows the last ones."""


@dataclass
class _Shown:
    path: Path
    said: dict[str, Any]
    descriptor: int


_shown: dict[Path, _Shown] = {}
_guard = threading.RLock()
_toucher: threading.Thread | None = None


def show(home: Path, token: str, said: dict[str, Any]) -> None:
    """Show in `home`, from now until the process ends, that it lives; `said` is what it is known by.

    Where nothing can be written, nothing is shown: whoever writes there is told so by what he writes.
    """
    global _toucher  # noqa: PLW0603 - one thread a process
    home = home.absolute()
    with _guard:
        if home in _shown:
            _touch(home)
            return
        with suppress(OSError):
            _show(home, token, said)
        while len(_shown) > _MOST_HOMES:
            _end(_shown.pop(next(iter(_shown))))
        if _toucher is None and _shown:
            _toucher = threading.Thread(target=_touch_for_ever, name="cpg1 sign of life", daemon=True)
            _toucher.start()


def homes() -> list[Path]:
    """Give the homes in which this process shows that it lives."""
    return list(_shown)


def id_of(home: Path) -> str:
    """Give what tells a home from another one of the same path on another machine; empty where it has none."""
    try:
        return (home / FOLDER / _ID).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def said_by(path: Path) -> dict[str, Any] | None:
    """Give what a process showed of itself; None where it cannot be read."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def is_held(path: Path) -> bool | None:
    """Whether somebody holds the sign locked: None where locks say nothing, for its file system has none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def silent_for(path: Path) -> float:
    """Give the seconds since the last touch, by the clock that touches: two machines' clocks may differ."""
    try:
        return _now_there(path.parent) - path.stat().st_mtime
    except OSError:
        return 0.0


def all_in(home: Path) -> Iterator[Path]:
    """Give the signs in a home, of the living and the dead."""
    with suppress(OSError):
        yield from [path for path in (home / FOLDER).iterdir() if not path.name.startswith(".")]


def clear(path: Path) -> None:
    """Take away the sign of a process that has ended, when it was kept for long enough."""
    if silent_for(path) > KEPT_SECONDS:
        with suppress(OSError):
            path.unlink()


def end() -> None:
    """Show nothing any more: this process is about to end in good order."""
    with _guard:
        while _shown:
            _end(_shown.popitem()[1])


def _end(shown: _Shown) -> None:
    with suppress(OSError):
        shown.path.unlink()
    os.close(shown.descriptor)


def _show(home: Path, token: str, said: dict[str, Any]) -> None:
    folder = home / FOLDER
    folder.mkdir(exist_ok=True)
    _give_id(folder)
    path = folder / token
    # Locked before it has its name: nobody can find it unlocked and take its process for dead.
    beside = folder / f".{token}-{secrets.token_hex(4)}"
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(descriptor, f"{json.dumps({**said, 'locked': _locked(descriptor, beside)})}\n".encode())
        beside.replace(path)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            beside.unlink()
        raise
    _shown[home] = _Shown(path, said, descriptor)


def _locked(descriptor: int, path: Path) -> bool:
    """Lock; whether the lock is seen by others: some file systems take it and do nothing."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return is_held(path) is True


def _give_id(folder: Path) -> None:
    if id_of(folder.parent):
        return
    try:
        descriptor = os.open(folder / _ID, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return  # somebody gives it now
    try:
        os.write(descriptor, secrets.token_hex(8).encode())
    finally:
        os.close(descriptor)


def _now_there(folder: Path) -> float:
    with _guard:
        for shown in _shown.values():
            if shown.path.parent == folder:
                with suppress(OSError):
                    os.utime(shown.path)  # the time of the file system: on a network, its server's
                    return shown.path.stat().st_mtime
    return time.time()


def _touch(home: Path) -> None:
    """Touch the sign; where somebody took it away, show it again."""
    shown = _shown[home]
    with suppress(OSError):
        os.utime(shown.descriptor)
    try:
        is_there = shown.path.stat().st_ino == os.fstat(shown.descriptor).st_ino
    except FileNotFoundError:
        is_there = False
    except OSError:
        return
    if is_there or not home.is_dir():
        return
    os.close(_shown.pop(home).descriptor)
    with suppress(OSError):
        _show(home, shown.path.name, shown.said)


def _touch_for_ever() -> None:
    while True:
        time.sleep(TOUCH_SECONDS)
        with _guard:
            for home in list(_shown):
                _touch(home)


def _forget() -> None:
    """In a copy of the process, which is another one: its parent's sign is not its own."""
    global _toucher, _guard  # noqa: PLW0603
    _guard = threading.RLock()
    for shown in _shown.values():
        os.close(shown.descriptor)
    _shown.clear()
    _toucher = None


os.register_at_fork(after_in_child=_forget)
