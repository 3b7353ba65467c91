"""Which process something belongs to: known by the boot of its machine and its start, never by its number alone.

A number is given again, after a while or at once in a container; the number together with the moment its process
started and the boot of the machine is not.
"""

import json
import multiprocessing
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process of some machine: host, boot of the host, number, and when it started (in the system's own words)."""

    host: str
    boot: str
    number: int
    started: str

    @classmethod
    def of_the_run(cls) -> "Process":
        """Give the process that a run lives in: this one, or the one whose worker this is."""
        parent = multiprocessing.parent_process()
        number = os.getpid() if parent is None or parent.pid is None else parent.pid
        return cls(platform.node(), _boot(), number, _started(number) or "unknown")

    @classmethod
    def read(cls, text: str) -> "Process | None":
        """Read what `written` gave; None for anything else."""
        try:
            found = json.loads(text)
            return cls(str(found["host"]), str(found["boot"]), int(found["number"]), str(found["started"]))
        except (ValueError, KeyError, TypeError):
            return None

    def written(self) -> str:
        """Give it as text that `read` reads."""
        return json.dumps(asdict(self))

    @property
    def is_of_this_host(self) -> bool:
        """Whether it can be known from here whether the process lives."""
        return self.host == platform.node()

    @property
    def is_gone(self) -> bool:
        """Whether it is certain that the process has ended: of another host nothing is certain."""
        if not self.is_of_this_host:
            return False
        return self.boot != _boot() or _started(self.number) != self.started


@cache
def _boot() -> str:
    """Give what is different after each start of the machine; in a container, that of its host."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _asked("sysctl", "-n", "kern.boottime") or "unknown"


def _started(number: int) -> str | None:
    """Give when a process started; None when there is none of this number."""
    try:
        # The name of the program stands in brackets and may hold anything; what follows is numbers.
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = status.rpartition(")")[2].split()
        return None if state in "XZ" else rest[18]
    except OSError:
        return None if Path("/proc/self/stat").exists() else _asked("ps", "-o", "lstart=", "-p", str(number))


def _asked(*command: str) -> str | None:
    """Ask a program of the system, where there is no /proc."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
