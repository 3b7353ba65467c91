"""C-PG-1: the monthly reconciliation of NAV balances with the operational systems, as a Dagster asset graph.

`dagster ... -m cpg1_assets` finds the definitions as `defs`. They are built on first use, so that importing
a room of the house (the evidence, the rules) neither needs Dagster nor reads the environment.
"""

import os
from typing import TYPE_CHECKING

if os.name == "nt":
    raise ImportError(
        "C-PG-1 runs on Linux and macOS. On Windows, install and run it in WSL: its locks and signs of life are those "
        "of POSIX. docs/quick-start.md says how."
    )

from cpg1_assets import loaded as _loaded  # noqa: F401 - first: what is executed from here on is what it has read

if TYPE_CHECKING:
    import dagster as dg

    defs: dg.Definitions

__all__ = ["defs"]


def __getattr__(name: str) -> "dg.Definitions":
    if name != "defs":
        raise AttributeError(f"module 'cpg1_assets' has no attribute {name!r}")
    from cpg1_assets.definitions import build_definitions  # noqa: PLC0415 - built on first use, see above

    built = build_definitions()
    globals()["defs"] = built
    return built


def __dir__() -> list[str]:
    """List `defs` too: Dagster looks for definitions among what a module lists."""
    return sorted({*globals(), "defs"})
