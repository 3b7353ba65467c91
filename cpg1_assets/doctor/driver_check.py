"""What this machine needs to speak to a server: the two ODBC libraries, the driver manager, the driver.

Of the connection string no value is said: not even the driver's name, which is one like any other.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cpg1_assets.doctor.finding import Finding, Group, listed
from cpg1_assets.doctor.keywords import check_keywords
from cpg1_assets.errors import SourceError
from cpg1_assets.sources import driver
from cpg1_assets.sources.connection_string import ConnectionString

GROUP = Group("ODBC on this machine")
_INSTALL = (
    "pip install 'cpg1-assets[sqlserver]' brings Microsoft's driver; name it in DB_CONNECTION_STRING as "
    "Driver={ODBC Driver 18 for SQL Server}."
)


def check_driver(given: ConnectionString) -> list[Finding]:
    """Try the libraries, and look for the driver the connection string names."""
    findings = [_library("pyodbc", driver.pyodbc_module), _library("arrow-odbc", driver.arrow_odbc_module)]
    if findings[0].verdict != "fine":
        return [*findings, GROUP.not_asked("driver", "cannot be told without pyodbc")]
    return [*findings, _driver(given, driver.pyodbc_module()), *check_keywords(GROUP, given)]


def _library(name: str, module: Callable[[], Any]) -> Finding:
    try:
        module()
    except SourceError as error:
        said, _, to_do = str(error).partition(". ")
        return GROUP.mend(name, said, to_do)
    return GROUP.fine(name, "can be loaded, and the driver manager with it")


def _driver(given: ConnectionString, odbc: Any) -> Finding:  # noqa: ANN401
    installed = sorted(odbc.drivers())
    known = f"Installed: {listed(installed) if installed else 'none'}."
    named = given.get("driver")
    if named is None:
        return _data_source(given, odbc)
    if Path(named).is_absolute():
        if Path(named).is_file():
            return GROUP.fine("driver", "the library that DB_CONNECTION_STRING names is there")
        return GROUP.mend("driver", "DB_CONNECTION_STRING names a library that is not there", _INSTALL)
    if driver.is_installed(named):
        return GROUP.fine("driver", f"the one that DB_CONNECTION_STRING names is installed. {known}")
    if driver.with_driver_found(given) is not given:
        return GROUP.fine(
            "driver",
            "the one that DB_CONNECTION_STRING names is not installed: Microsoft's driver 18 from mssql-python-odbc is "
            f"used. {known}",
        )
    return GROUP.mend(
        "driver", f"DB_CONNECTION_STRING names a driver that is not installed. {known}", _INSTALL
    )


def _data_source(given: ConnectionString, odbc: Any) -> Finding:  # noqa: ANN401
    name = given.get("dsn")
    if name is None:
        return GROUP.mend("driver", "DB_CONNECTION_STRING has neither Driver nor DSN", _INSTALL)
    if name.lower() in {source.lower() for source in odbc.dataSources()}:
        return GROUP.fine("driver", "the data source that DB_CONNECTION_STRING names is known here")
    return GROUP.mend(
        "driver",
        "DB_CONNECTION_STRING names a data source that is not known here",
        "Add it to odbc.ini (odbcinst -j says where that is), or give Driver and Server instead of DSN.",
    )
