"""A folder that a close writes to: tried as it will be used, and its free space against what a month takes.

A small file is written, made durable, locked and renamed; no hard link is needed. What was made for that is taken
away again.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cpg1_assets.disk import sync
from cpg1_assets.doctor.finding import Finding, Group
from cpg1_assets.home import Home
from cpg1_assets.refusal import Place, refusal_of
from cpg1_assets.settings import Settings

LEAST_FREE_BYTES = 5 * 10**9
"""Asked for where no month was closed yet, from which to tell what one takes."""
_TOO_LITTLE = 50 * 10**6
"""What even a month of the sample books does not fit in, with all that lies around it."""
_PROBE = b"cpg1 doctor\n"


class Need(NamedTuple):
    """Free bytes a close needs in a place, and how that is known; None where no month was closed yet."""

    size: int
    known_by: str


def needs(settings: Settings) -> Need | None:
    """Estimate what a close takes: twice what the newest month left, since a file is written beside the old one."""
    home = Home(settings)
    months = sorted(home.evidence_folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]"))
    if not months:
        return None
    month = months[-1]
    # Of each asset's packages and of the sealed versions the newest: a month may have been closed many times.
    newest = [
        max(asset.iterdir(), key=_changed)
        for asset in month.iterdir()
        if asset.is_dir() and any(asset.iterdir())
    ]
    files = [path for folder in newest for path in folder.rglob("*") if path.is_file()]
    storage = Path(home.storage_url)
    files += storage.glob(f"*/{month.name}.parquet")
    return Need(2 * sum(path.stat().st_size for path in files), f"twice what {month.name} takes")


def try_folder(group: Group, subject: str, place: Place, settings: Settings, need: Need | None) -> Finding:
    """Try a folder and look at its free space."""
    folder = place.folder
    try:
        with _made(folder):
            _probe(folder)
            free = shutil.disk_usage(folder).free
    except OSError as error:
        refusal = refusal_of(error)
        if refusal is None:
            why = f"{folder} cannot be used ({error.strerror or error})"
            return group.mend(subject, why, f"Mend it, or set {place.setting} to another folder.")
        about = replace(refusal, path=str(folder), setting=place.setting)
        said, _, to_do = str(Home(settings).error_of(about)).partition("). ")
        return group.mend(subject, f"{said})", to_do)
    said = f"{folder} can be written, {_size(free)} free"
    if need is not None and free < need.size:
        to_do = (
            f"A close needs about {_size(need.size)} ({need.known_by}): free some, or set {place.setting} to a folder on "
            "a larger disk."
        )
        return group.mend(subject, said, to_do)
    if need is None and free < LEAST_FREE_BYTES:
        to_do = (
            f"Have at least {_size(LEAST_FREE_BYTES)} (no month is closed yet, by which to tell): a close that finds the "
            f"disk full fails. Free some, or set {place.setting} to a folder on a larger disk."
        )
        return (group.mend if free < _TOO_LITTLE else group.look)(subject, said, to_do)
    return group.fine(subject, said)


def _changed(path: Path) -> float:
    return path.stat().st_mtime


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make `folder` and what is above it where they are not there, and take away again what was made."""
    made = []
    at = folder
    while not at.exists() and not at.is_symlink():
        made.append(at)
        at = at.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()


def _probe(folder: Path) -> None:
    """Write, make durable, lock and rename a file in `folder`, as a close does. Raises OSError."""
    written = folder / f".cpg1-doctor-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    renamed = written.with_name(f"{written.name}.renamed")
    try:
        with written.open("xb") as file:
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        written.replace(renamed)
        sync(folder)
    finally:
        for left in (written, renamed):
            with suppress(OSError):
                left.unlink()


def _size(size: int) -> str:
    return f"{size / 10**9:,.1f} GB" if size >= 10**8 else f"{size / 10**6:,.1f} MB"
