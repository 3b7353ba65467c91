"""What worker processes find ready: the fork server imports this once, and every step's process is a copy of it."""

from cpg1_assets import defs

__all__ = ["defs"]
