"""One writer at a time: a lock file that the operating system lets go of when its holder dies.

Never a marker file that a killed process leaves behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cpg1_assets.errors import BusyError
from cpg1_assets.refusal import refused


@contextmanager
def held_lock(path: Path, *, wait: bool = False, busy: str = "") -> Iterator[None]:
    """Hold `path` exclusively. Without `wait`, raises BusyError saying `busy` when somebody else holds it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise refused(error, "A lock", path) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            raise BusyError(f"{busy or path.name + ' is held'} by process {holder or 'unknown'}.") from None
        except OSError as error:
            raise refused(error, "A lock", path) from error
        # Who holds it is only told; a disk that is full of other things takes no lock from anybody.
        with suppress(OSError):
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def is_running(pid: str) -> bool:
    """Whether a process of this machine with the number `pid` is running; text that is no number is not."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return int(pid) > 0
