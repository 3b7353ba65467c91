"""Which process something belongs to, and whether that process has certainly ended: never by its number alone.

A number is given again, after a while or at once in a container. Where numbers mean the same (the machine not started
anew since, the same namespace of numbers) the moment the process started decides. Elsewhere its sign of life does: from
another container of the machine the lock, from another host the last touch (decision 0020).
"""

import atexit
import json
import multiprocessing
import os
import platform
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from cpg1_assets import sign_of_life

SILENT_SECONDS = 300
"""A process of another host that did not touch its sign for so long is taken for dead."""
RESTARTED_SECONDS = 30
"""The same, when its host has this one's name and was started since: three touches were left out."""
_RUN_VARIABLE = "CPG1_RUN_PROCESS"


@dataclass(frozen=True)
class Process:
    """A process of some machine, as it says of itself.

    `boot` is another after each start of the machine, `namespace` that of its numbers, `started` in the system's own
    words, `token` its own random name, `home` and `home_id` where it shows that it lives (empty: nowhere).
    """

    host: str
    boot: str
    number: int
    started: str
    namespace: str = ""
    token: str = ""
    home: str = ""
    home_id: str = ""

    @classmethod
    def own(cls) -> "Process":
        """Give this process."""
        home = next(reversed(sign_of_life.homes()), None)
        return cls(
            platform.node(), _boot(), os.getpid(), _started("self") or "unknown", _namespace(), _token(),
            "" if home is None else str(home), "" if home is None else sign_of_life.id_of(home),
        )  # fmt: skip

    @classmethod
    def of_the_run(cls) -> "Process":
        """Give the process that a run lives in: this one, or the one that says that its workers belong to it."""
        parent = multiprocessing.parent_process()
        said = cls.read(os.environ.get(_RUN_VARIABLE, ""))
        return said if said is not None and parent is not None and parent.pid == said.number else cls.own()

    @classmethod
    def read(cls, text: str) -> "Process | None":
        """Read what `written` gave, here or in an earlier version; None for anything else."""
        try:
            found = json.loads(text)
            return cls(
                str(found["host"]), str(found["boot"]), int(found["number"]), str(found["started"]),
                *(str(found.get(name, "")) for name in ("namespace", "token", "home", "home_id")),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def written(self) -> str:
        """Give it as text that `read` reads."""
        return json.dumps(asdict(self))

    @property
    def is_of_this_host(self) -> bool:
        """Whether it runs on a machine of this name."""
        return self.host == platform.node()

    @property
    def named(self) -> str:
        """Say which it is, for people."""
        return f"process {self.number}{'' if self.is_of_this_host else f' on {self.host}'}"

    @property
    def is_gone(self) -> bool:
        """Whether it is certain, as far as can be known from here, that the process has ended."""
        same_boot = self.boot == _boot() and (self.boot != "unknown" or self.is_of_this_host)
        if not self.token:  # an earlier version's: of another host nothing is certain
            return self.is_of_this_host and not (same_boot and _started(self.number) == self.started)
        numbered = self.namespace == _namespace() and _numbers_are_ours()
        if same_boot and numbered and self.started != "unknown":
            return _started(self.number) != self.started
        sign = self._sign()
        if sign is None:
            return self._has_no_sign_in_its_home()
        held = sign_of_life.is_held(sign)
        if held:
            return False
        locks = held is False and bool((sign_of_life.said_by(sign) or {}).get("locked"))
        if same_boot and locks:
            return True
        restarted = self.is_of_this_host and not same_boot
        return sign_of_life.silent_for(sign) > (RESTARTED_SECONDS if restarted else SILENT_SECONDS)

    def _homes(self) -> list[Path]:
        """Give where its home may be here: it may be mounted elsewhere than on its host."""
        return [*([Path(self.home)] if self.home else []), *known_homes()]

    def _sign(self) -> Path | None:
        paths = [home / sign_of_life.FOLDER / self.token for home in self._homes()]
        return next((path for path in paths if path.exists()), None)

    def _has_no_sign_in_its_home(self) -> bool:
        if not self.home_id:
            # It shows its life nowhere. Only a machine that was started anew since has certainly ended it.
            return self.is_of_this_host and self.boot != _boot()
        return any(sign_of_life.id_of(home) == self.home_id for home in self._homes())


def lives_in(home: Path) -> None:
    """Show in `home` that this process lives, until it ends; a worker of a run leaves that to the run's process.

    The signs of processes that have ended are cleared away, a day after their last touch.
    """
    if Process.of_the_run().token != _token():
        return
    is_new = home.absolute() not in sign_of_life.homes()
    sign_of_life.show(home, _token(), asdict(Process.own()))
    if is_new:
        for sign in sign_of_life.all_in(home):
            process = process_of(sign.name, [home])
            if process is None or process.is_gone:
                sign_of_life.clear(sign)


def is_the_runs_own() -> bool:
    """Whether a run that this process works on lives in it, and not in the process whose worker it is."""
    return Process.of_the_run().token == _token()


@contextmanager
def workers_belong_to_this() -> Iterator[None]:
    """Let the workers that this process starts for a run know that the run lives here."""
    before = os.environ.get(_RUN_VARIABLE)
    os.environ[_RUN_VARIABLE] = Process.own().written()
    try:
        yield
    finally:
        del os.environ[_RUN_VARIABLE]
        if before is not None:
            os.environ[_RUN_VARIABLE] = before


def known_homes() -> list[Path]:
    """Give the homes this process works on, as a worker those of its run."""
    home = Process.of_the_run().home
    return [*sign_of_life.homes(), *([Path(home)] if home else [])]


def process_of(token: str, homes: list[Path]) -> Process | None:
    """Give the process of this token as it shows itself in one of the homes; None where nothing is known of it."""
    for home in homes:
        said = sign_of_life.said_by(home / sign_of_life.FOLDER / token)
        process = None if said is None else Process.read(json.dumps({**said, "home": str(home)}))
        if process is not None:
            return process
    return None


def _token() -> str:
    if not _tokens or _tokens[0][0] != os.getpid():
        _tokens[:] = [(os.getpid(), secrets.token_hex(8))]  # a copy of a process is another one
    return _tokens[0][1]


_tokens: list[tuple[int, str]] = []
atexit.register(sign_of_life.end)


@cache
def _boot() -> str:
    """Give what is different after each start of the machine; in a container, that of its host."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _asked("sysctl", "-n", "kern.boottime") or "unknown"


def _namespace() -> str:
    """Give what is different where the same number is another process; empty where the system knows no such thing."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path that it gives
    except OSError:
        return ""


def _numbers_are_ours() -> bool:
    """Whether /proc shows the numbers of this process's own namespace, where there is a /proc."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())  # noqa: PTH115
    except OSError:
        return True


def _started(number: "int | str") -> str | None:
    """Give when a process started (`self`: this one); None when there is none of this number."""
    try:
        # The name of the program stands in brackets and may hold anything; what follows is numbers.
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = status.rpartition(")")[2].split()
        return None if state in "XZ" else rest[18]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    return _asked("ps", "-o", "lstart=", "-p", str(os.getpid() if number == "self" else number))


def _asked(*command: str) -> str | None:
    """Ask a program of the system, where there is no /proc."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
