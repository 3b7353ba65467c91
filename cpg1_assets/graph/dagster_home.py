"""Dagster's home that is missing, misplaced or damaged: each a sentence that names the file and what to do.

What is in a home that is whole, `instance` knows. Runs and events are history: no figure and no evidence is in them.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import dagster as dg
import sqlalchemy
import yaml
from alembic.util import CommandError

from cpg1_assets.errors import Cpg1Error, StorageError
from cpg1_assets.home import why_refused
from cpg1_assets.lock import held_lock
from cpg1_assets.refusal import refusal_of
from cpg1_assets.settings import require_plain, without_secrets

CONFIG = "dagster.yaml"
_LARGEST_CONFIG = 1_000_000
_SQLITE = b"SQLite format 3\0"
_NOT_LOST = "Runs and their events are in it, and no figure and no evidence."
_AWAY = f"Move it away and run the command again: it is made anew. {_NOT_LOST}"
_TABLES = {"event_log.db": "event_logs"}
"""Dagster makes the tables of its other databases where they are missing."""
_SECONDS_TO_MAKE_TABLES = 5
_BUSY = ("database is locked", "database table is locked")


def require_usable(home: Path, setting: str) -> None:
    """Raise StorageError unless Dagster could open the folder `home`; `setting` says what moves it."""
    if not os.access(home, os.W_OK | os.X_OK):
        raise StorageError(f"{setting} {home} cannot be written: make it writable for the user that closes.")
    _require_config(home / CONFIG)
    for database in _databases(home):
        _require_database(database)


@contextmanager
def opened(home: Path, setting: str) -> Iterator[dg.DagsterInstance]:
    """Open the instance of `home`, which DAGSTER_HOME names, and say of each of its failures which file it is."""
    require_plain(setting, str(home))
    try:
        with _making_databases(home):
            require_usable(home, setting)
            instance = dg.DagsterInstance.get()
    except Cpg1Error:
        raise
    except Exception as error:
        if isinstance(error, OSError) or _is_the_disks(home, error):
            raise
        raise _damaged(home, error) or _misconfigured(home, error) from error
    try:
        with instance:
            yield instance
    except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, CommandError) as error:
        damaged = None if _is_the_disks(home, error) else _damaged(home, error)
        if damaged is None:
            raise
        raise damaged from error


def _is_the_disks(home: Path, error: Exception) -> bool:
    """Whether the disk refused something, and no database is damaged: SQLite says both in the same words."""
    refusal = refusal_of(error)
    return refusal is not None and (refusal.number == errno.ENOSPC or bool(why_refused(home)))


@contextmanager
def _making_databases(home: Path) -> Iterator[None]:
    """Let one process at a time make the databases of a new home: Dagster's own way of it is a race."""
    made = home / ".cpg1-databases-made"
    if made.exists():
        yield
        return
    with held_lock(home / ".cpg1-databases.lock", "Dagster's databases to be made", wait=True):
        yield
        with suppress(OSError):  # then the lock is taken again next time
            made.touch()


def _require_config(config: Path) -> None:
    try:
        if not config.exists() and not config.is_symlink():
            return
        with config.open("rb") as file:
            content = file.read(_LARGEST_CONFIG + 1)
    except OSError as error:
        raise StorageError(
            f"{config} cannot be read ({error.strerror or error}). Let the user that closes read it, or move it away."
        ) from error
    why = "it is larger than any" if len(content) > _LARGEST_CONFIG else None
    found: object = None
    try:
        found = yaml.safe_load(content.decode())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = f"line {mark.line + 1 if mark else 1}: {error.problem or 'it is not YAML'}"
    except (yaml.YAMLError, ValueError, RecursionError):
        why = "it is not a text in YAML"
    if why is None and not isinstance(found, dict | None):
        why = "it is not a mapping of names to values"
    if why is not None:
        raise StorageError(
            f"{config} is not a configuration of Dagster ({why}). Mend it, or move it away: in $CPG1_HOME/dagster it "
            "is then made anew."
        )


def _databases(home: Path) -> list[Path]:
    """Give Dagster's SQLite files in `home`, where it puts them by default and where our configuration does."""
    found = [home / name for name in ("runs.db", "event_log.db", "schedules.db", "history/runs.db")]
    folders = ("history/runs", "schedules")
    return [
        path
        for path in (*found, *(each for name in folders for each in sorted((home / name).glob("*.db"))))
        if path.exists() or path.is_symlink()
    ]


def _require_database(path: Path) -> None:
    """Raise StorageError where a file is no SQLite database at first sight: a folder, other bytes, not readable."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
        with path.open("r+b"):
            pass
    except OSError as error:
        raise StorageError(
            f"{path}, Dagster's database, cannot be opened ({error.strerror or error}). Let the user that closes read "
            f"and write it, or move it away: it is then made anew. {_NOT_LOST}"
        ) from error
    if head and head != _SQLITE:
        raise StorageError(f"{path}, Dagster's database, is damaged (it is no SQLite database). {_AWAY}")
    why = _without_its_table(path)
    if why is not None:
        raise StorageError(f"{path}, Dagster's database, is damaged ({why}). {_AWAY}")


def _without_its_table(path: Path) -> str | None:
    """Look whether a database lacks the table that it is there for, or its end: what Dagster would not notice.

    Of a database without any table, another process may be making them right now: it is waited for.
    """
    table = _TABLES.get(path.name)
    until = time.monotonic() + _SECONDS_TO_MAKE_TABLES
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=1)) as database:
                names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
                pages, page_size = (
                    database.execute(f"PRAGMA {pragma}").fetchone()[0]
                    for pragma in ("page_count", "page_size")
                )
        except sqlite3.Error as error:
            return None if any(words in str(error) for words in _BUSY) else str(error)
        if pages * page_size > path.stat().st_size and not path.with_name(f"{path.name}-wal").exists():
            return "its end is missing"
        if table is None or table in names:
            return None
        if time.monotonic() > until:
            return f"it has no table {table}"
        time.sleep(0.1)


def _damaged(home: Path, error: BaseException) -> StorageError | None:
    """Name the database that is damaged, where one is."""
    chain = list(_chain(error))
    if any(isinstance(each, CommandError) for each in chain):
        newer = _of_another_schema(home)
        named = f"{newer}, Dagster's database, is" if newer else f"A database in {home} is"
        return StorageError(
            f"{named} of another Dagster than this one, {dg.__version__}: install the newer one again, or move the file "
            f"away, and it is made anew. {_NOT_LOST}"
        )
    own = next((e for e in chain if isinstance(e, sqlite3.Error)), None)
    if own is None:
        return None
    for path in _databases(home):
        why = _wrong_with(path)
        if why is not None:
            return StorageError(f"{path}, Dagster's database, is damaged ({why}). {_AWAY}")
    if any(words in str(own) for words in _BUSY):
        return StorageError(
            f"Dagster's databases in {home} are in use by others all the time ({own}): run the command again."
        )
    return StorageError(f"Dagster's databases in {home} cannot be used ({own}). Move the folder's .db files away "
                        f"and run the command again: they are made anew. {_NOT_LOST}")  # fmt: skip


def _misconfigured(home: Path, error: Exception) -> StorageError:
    """Say what Dagster says of its configuration: the first line, without secrets."""
    words = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
    said = without_secrets(" ".join(words.split()), os.environ)[:300]
    return StorageError(
        f"Dagster does not open with {home / CONFIG} ({type(error).__name__}: {said}). Mend what it names there, or move "
        "the file away: in $CPG1_HOME/dagster it is then made anew."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _of_another_schema(home: Path) -> Path | None:
    """Find the database whose schema this Dagster does not know: its revision is in none of its scripts."""
    scripts = "\n".join(
        path.name for path in (Path(dg.__file__).parent / "_core" / "storage").rglob("versions/*.py")
    )
    for path in _databases(home):
        try:
            with closing(sqlite3.connect(path)) as database:
                rows = database.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.Error:
            continue
        if any(str(revision) not in scripts for (revision,) in rows):
            return path
    return None


def _wrong_with(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path, timeout=1)) as database:
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return None if any(words in str(error) for words in _BUSY) else str(error)
    return None if answer == "ok" else str(answer)
