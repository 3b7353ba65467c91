"""The ODBC libraries, imported late, and the driver: the system's own, or the one that comes as a wheel."""

import configparser
import importlib.util
import platform
from pathlib import Path
from typing import Any

from cpg1_assets.errors import SourceError
from cpg1_assets.sources.connection_string import ConnectionString

_INSTALL = (
    "Install a driver manager in the system: apt-get install unixodbc (Debian, Ubuntu), dnf install unixODBC "
    "(Red Hat), brew install unixodbc (macOS); and the extra: pip install 'cpg1-assets[sqlserver]'."
)
_MICROSOFT = ("odbc driver 18 for sql server", "odbc driver 17 for sql server", "sql server")
_DISTRIBUTIONS = {"debian": "debian_ubuntu", "ubuntu": "debian_ubuntu", "alpine": "alpine", "suse": "suse"}


def pyodbc_module() -> Any:  # noqa: ANN401
    """Import pyodbc. Raises SourceError saying what to install."""
    try:
        import pyodbc  # noqa: PLC0415 - imports only where the system has a driver manager
    except ImportError as error:
        raise SourceError(f"pyodbc cannot be imported ({error}). {_INSTALL}") from None
    return pyodbc


def arrow_odbc_module() -> Any:  # noqa: ANN401
    """Import arrow-odbc. Raises SourceError saying what to install."""
    try:
        import arrow_odbc  # noqa: PLC0415 - imports only where the system has a driver manager
    except (ImportError, OSError) as error:
        raise SourceError(f"arrow-odbc cannot be imported ({error}). {_INSTALL}") from None
    return arrow_odbc


def with_driver_found(given: ConnectionString) -> ConnectionString:
    """Put the wheel's own driver into `given` where Microsoft's driver is named and the system lacks it.

    Nobody has to edit the connection string: on a machine where the driver is installed that one is used.
    """
    named = given.get("driver")
    if named is None or named.lower() not in _MICROSOFT or is_installed(named):
        return given
    library = wheel_driver()
    return given if library is None else given.with_values({"Driver": str(library)})


def is_microsofts(driver: str | None) -> bool:
    """Tell whether a connection string names Microsoft's driver, by name or by its library."""
    named = (driver or "").lower()
    return named in _MICROSOFT or "msodbcsql" in named


def is_installed(driver: str) -> bool:
    """Tell whether the driver manager knows a driver of this name."""
    return driver.lower() in {name.lower() for name in pyodbc_module().drivers()}


def wheel_driver() -> Path | None:
    """Find the library of Microsoft's driver in the wheel `mssql-python-odbc`; None if it is not installed."""
    found = importlib.util.find_spec("mssql_python_odbc")
    if found is None or found.origin is None:
        return None
    libraries = Path(found.origin).parent / "libs"
    system = platform.system().lower()
    pattern = {
        "linux": f"linux/{_distribution()}/{platform.machine().replace('aarch64', 'arm64')}/lib/libmsodbcsql-*.so.*",
        "darwin": "macos/**/libmsodbcsql*.dylib",
        "windows": "windows/**/msodbcsql*.dll",
    }.get(system)
    matching = sorted(libraries.glob(pattern)) if pattern else []
    return matching[-1] if matching else None


def _distribution() -> str:
    """Name the wheel's folder for this Linux: by what it says it is, or is like."""
    try:
        release = configparser.ConfigParser(strict=False)
        release.read_string("[os]\n" + Path("/etc/os-release").read_text(encoding="utf-8"))
        words = f"{release.get('os', 'ID', fallback='')} {release.get('os', 'ID_LIKE', fallback='')}"
    except (OSError, configparser.Error):
        words = ""
    for word in words.replace('"', "").lower().split():
        for start, folder in _DISTRIBUTIONS.items():
            if word.startswith(start) or word.endswith(start):
                return folder
    return "rhel"
