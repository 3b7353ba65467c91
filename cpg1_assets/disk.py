"""A file on the disk: written whole, made durable, and known by its hash. What files are for is decided elsewhere."""

import glob
import hashlib
import os
import threading
from pathlib import Path

from cpg1_assets.partial import clear_partials, partial_name


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a folder, survive a machine that stops."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Put a small file into its place in one step, and its folder where there is none: a reader sees old or new.

    It is there when the machine stops right after. Raises OSError; then nothing is left and the old file stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(partial_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}"))
    clear_partials(path.parent, glob.escape(path.name))
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
