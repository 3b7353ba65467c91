"""The control version: one digest of all that decides figures, taken when the code was loaded, with its git commit.

Statements, vocabulary, engine, frames, bridges, lines, thresholds, classification, scope, queries, contracts, and the
code that reads, sorts and writes: the files of `loaded.TEXTS`, with the rule files a deployment names in the place of
the package's own. It goes into what `cpg1 backfill` compares, into evidence packages and into the seal, never into
data files. What one derived frame uses of it is in `rules.digest`.
"""

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from cpg1_assets import loaded


@dataclass(frozen=True)
class Git:
    """The commit of the code and whether the tree was clean, as they were when first asked in this process."""

    commit: str
    clean: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"commit": self.commit, "clean": self.clean}


@dataclass(frozen=True)
class ControlVersion:
    """What computes: `contents` are the deciding files by name, byte for byte as they were loaded."""

    contents: Mapping[str, bytes]
    git: Git | None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and contents, in hexadecimal."""
        return loaded.digest_of(dict(self.contents))

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file, by name."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(self.contents.items())}

    def as_dict(self) -> dict[str, Any]:
        """Give what evidence says of it: plain values for JSON. `git` is None outside a git checkout."""
        return {
            "code_version": code_version(),
            "control_version": self.digest,
            "git": None if self.git is None else self.git.as_dict(),
        }


def control_version(rule_files: Mapping[str, bytes]) -> ControlVersion:
    """Give the version that is loaded, with the rule files `rule_files` (by file name) as they were read."""
    own = {f"rules/{name}": content for name, content in rule_files.items()}
    return ControlVersion({**loaded.TEXTS, **own}, git())


@cache
def git() -> Git | None:
    """Ask once for the commit of the code and whether the tree is clean; None where it is not in a git checkout."""
    folder = str(loaded.PACKAGE.parent)
    try:
        # One question: the first lines say of which commit, the others what differs from it.
        asked = subprocess.run(  # noqa: S603
            ["git", "--no-optional-locks", "-C", folder, "status", "--porcelain=v2", "--branch", "--", folder],  # noqa: S607
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    head, *others = asked.stdout.splitlines() or [""]
    commit = head.removeprefix("# branch.oid ")
    if commit in {head, "(initial)"}:
        return None
    return Git(commit, not any(not line.startswith("#") for line in others))


def code_version() -> str:
    """Version of the installed package."""
    return importlib.metadata.version("cpg1-assets")
