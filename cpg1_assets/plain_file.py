"""Reading a file that anybody may have put there: a plain file, never waited for, never more of it than expected.

A pipe has no end, a device may start something when it is opened, a link leads to another file, and a sparse file of
a terabyte takes no room on the disk. Whatever is read of evidence is opened here; what its bytes mean, whoever reads
them knows.
"""

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 18
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotPlainError(OSError):
    """Something else than a plain file of the expected size stands there; the text says what."""


def opened_plain(path: Path) -> BinaryIO:
    """Open a plain file to read it. Raises NotPlainError for a link, folder, pipe, device or socket, and OSError.

    Links on the way to its folder are followed: whoever names the folder knows them.
    """
    # Looked at before it is opened: opening alone already acts on some devices.
    _require_plain(path.lstat())
    # It may have been replaced since: neither is a link followed, nor a pipe waited for.
    file = os.fdopen(os.open(path, _READ_ONLY), "rb")
    try:
        _require_plain(os.fstat(file.fileno()))
    except NotPlainError:
        file.close()
        raise
    return file


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Read a plain file whole. Raises NotPlainError also where it has more than `most_bytes`, and OSError."""
    with opened_plain(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise NotPlainError(f"it has more than {most_bytes:,} bytes")
    return content


def sha256_of_plain(path: Path, size: int | None = None) -> str:
    """SHA-256 of a plain file, in hexadecimal. Raises as `opened_plain`, and where it has not `size` bytes (any: None)."""
    digest = hashlib.sha256()
    with opened_plain(path) as file:
        left = os.fstat(file.fileno()).st_size if size is None else size
        room = memoryview(bytearray(min(_CHUNK, left + 1)))
        while read := file.readinto(room):  # type: ignore[attr-defined]
            left -= read
            if left < 0:
                raise NotPlainError("it grew while it was read")
            digest.update(room[:read])
    if size is not None and left:
        raise NotPlainError("it became shorter while it was read")
    return digest.hexdigest()


def _require_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotPlainError(f"it is {kind_of(status.st_mode)}, not a file")


def kind_of(mode: int) -> str:
    """Say what stands there, of a mode as `stat` gives it."""
    for is_kind, said in (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if is_kind(mode):
            return said
    return "a device"
