"""A file on the disk: written whole, made durable, and known by its hash. What files are for is decided elsewhere."""

import errno
import glob
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cpg1_assets.partial import clear_partials, partial_name

_TRIED = bytes(4096)
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EISDIR)


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a folder, survive a machine that stops.

    Some file systems (of FUSE, of the network) cannot do the latter; there a name is as durable as they make it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Put a small file into its place in one step. Raises as `put_whole`."""
    put_whole(path, lambda beside: beside.write_bytes(content))


def put_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file beside its place, and put it there in one step: a reader sees old or new.

    Its folder is made where there is none. It is there when the machine stops right after. Raises what `write` raises,
    and OSError naming the place where the disk refuses it; then nothing is left and the old file stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(partial_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}"))
    clear_partials(path.parent, glob.escape(path.name))
    try:
        write(beside)
        sync(beside)
        beside.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(beside)):
            raise  # of another file, which `write` reads
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    sync(path.parent)


def try_writing(folder: Path) -> None:
    """Write a small file in `folder`, rename it, and take it away again. Raises OSError naming the folder."""
    written = folder / f".cpg1-writable-{secrets.token_hex(8)}"
    renamed = written.with_name(f"{written.name}.renamed")
    try:
        with written.open("xb") as file:
            file.write(_TRIED)
        written.replace(renamed)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        for left in (written, renamed):
            with suppress(OSError):
                left.unlink()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
