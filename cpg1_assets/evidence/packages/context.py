"""The system a run ran on: code, libraries, host, who started it, and which source; never a credential."""

import functools
import getpass
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from cpg1_assets.sources.interface import SourceIdentity

_LIBRARIES = ("dagster", "dagster-pandas", "duckdb", "numpy", "pandas", "pyarrow", "sqlglot")
_ONLY_FOR_A_SERVER = ("arrow-odbc", "mssql-python-odbc")


def system_context(
    *, run_id: str, month: str, scope: str | None, sample: bool, source: SourceIdentity | None
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
        **_code_and_machine(),
    }


@functools.cache
def _code_and_machine() -> dict[str, Any]:
    return {
        "code_version": code_version(),
        "git": _git(),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "libraries": {
            name: version
            for name in (*_LIBRARIES, *_ONLY_FOR_A_SERVER)
            if (version := _version(name)) is not None
        },
    }


def code_version() -> str:
    """Version of the installed package."""
    return importlib.metadata.version("cpg1-assets")


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git() -> dict[str, Any] | None:
    """Commit of the code and whether the tree was clean; None where the code is not in a git checkout."""
    folder = Path(__file__).parent.parent
    try:
        commit = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        status = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "status", "--porcelain", "--", str(folder)],  # noqa: S607
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.stdout.strip(), "clean": not status.stdout.strip()}


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
