"""The `cpg1` command. Each command reads its options, calls one function, and shows what came of it."""

from cpg1_assets.cli.commands import main

__all__ = ["main"]
