"""The system a run ran on: code, libraries, host, who started it, and which source; never a credential."""

import functools
import getpass
import importlib.metadata
import platform
from typing import Any

from cpg1_assets.control_version import ControlVersion
from cpg1_assets.sources.interface import SourceIdentity

_LIBRARIES = ("dagster", "dagster-pandas", "duckdb", "numpy", "pandas", "pyarrow", "sqlglot")
_ONLY_FOR_A_SERVER = ("arrow-odbc", "mssql-python-odbc")


def system_context(
    *,
    run_id: str,
    month: str,
    scope: str | None,
    sample: bool,
    source: SourceIdentity | None,
    version: ControlVersion,
) -> dict[str, Any]:
    """Give the content of `00_system_context.json`; `source` is None for what is derived from stored extracts."""
    return {
        "control": "C-PG-1",
        "books": "SAMPLE BOOKS" if sample else "SQL Server",
        "month": month,
        "scope": scope or "the control's whole scope",
        "counts_as_the_control": scope is None and not sample,
        "run_id": run_id,
        "started_by": _who(),
        "source": source.as_dict() if source is not None else "derived from extracts already stored",
        **version.as_dict(),
        **_machine(),
    }


@functools.cache
def _machine() -> dict[str, Any]:
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "libraries": {
            name: version
            for name in (*_LIBRARIES, *_ONLY_FOR_A_SERVER)
            if (version := _version(name)) is not None
        },
    }


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
