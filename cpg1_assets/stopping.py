"""How a command is stopped: by a signal, or because it takes too long; and how its workers end with it.

Signals are blocked in every thread, and so in every worker, and heard by one thread that waits for them. So nothing is
interrupted half way: no library swallows or delays the signal, and none writes a traceback. What has to be undone is
undone beside the work, which goes on meanwhile, and then the process ends at once. That is as safe as a kill, which
every file of the product is made for. What a run or a month is, is not known here.
"""

import json
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

Undo = Callable[[str], str]
"""Told why the command is stopped, undoes what was begun, and says what that means for who waits."""
_SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
_UNDO_SECONDS = 3.0
"""How long undoing may take. What it left, the next close finds and clears, as after a kill."""
_AGAIN_SECONDS = 0.5
"""A signal this much later than the first is a second wish. `timeout` and a terminal send one twice at once."""
_LOOK_SECONDS = 0.3
_KILL_SECONDS = 0.5
_NOTHING_KNOWN = "What it had begun is not done. Run the command again."


class _Command:
    """The command that this process runs, as far as stopping it goes."""

    def __init__(self) -> None:
        self.heard: set[signal.Signals] = set()
        self.errors = 2
        self.decided = threading.Lock()
        self.left = threading.Lock()
        self.undo: list[Undo] = []
        self.answer: Callable[[], dict[str, Any]] = dict
        self.said = ""


_command = _Command()


def listen() -> None:
    """From now on signals stop this command. To be called first, when there is no other thread yet.

    A signal that whoever started the command has set aside (`nohup`, a background job) stays so.
    """
    heard = {each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    _command.heard = heard
    _command.errors = os.dup(2)  # what is sent elsewhere later must not take the last sentence with it
    for each in heard:
        signal.signal(each, _give_back)
    if heard:
        threading.Thread(target=_hear, name="signals", daemon=True).start()


def is_heard_here() -> bool:
    """Whether this is a command that listens, or a worker of one: programs it starts do not hear SIGTERM either."""
    return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def may_start_workers() -> None:
    """To be called before this process starts workers.

    Python's tracker of shared resources unblocks SIGINT and SIGTERM in the thread that first needs it, and so in all
    workers that the thread starts; here that thread is one of its own.
    """
    tracker = threading.Thread(target=resource_tracker.ensure_running)
    tracker.start()
    tracker.join()


def hand_over() -> None:
    """Give the signals back, for a program that takes the place of this one."""
    for each in _command.heard:
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _command.heard)


@contextmanager
def undone_by(undo: Undo) -> Iterator[None]:
    """When the command is stopped within, call `undo` from another thread, with the reason."""
    _command.undo.append(undo)
    try:
        yield
    finally:
        _command.undo.remove(undo)


@contextmanager
def within(seconds: float, too_long: str) -> Iterator[None]:
    """Stop the command with the sentence `too_long` and exit status 1 when what is within takes longer.

    In a process that runs no command, whoever started it sees to the time.
    """
    if not _command.heard:
        yield
        return
    timer = threading.Timer(seconds, _stop, (1, too_long, False))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def json_answer(answer: Callable[[], dict[str, Any]]) -> None:
    """Say what a command that is asked for JSON knows when it is stopped; error and exit status are added."""
    _command.answer = answer


def decide() -> None:
    """From here on the command has its outcome and says it; a signal comes too late. Does not return if one did not."""
    if _command.heard and not _command.decided.acquire(blocking=False):
        threading.Event().wait()


def kill_workers(root: int | None = None) -> None:
    """Kill what this process started and what that started, or only the process `root` with all below it.

    Trackers of shared resources are left to themselves: they tidy up and end when nobody is left.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while time.monotonic() < deadline:
        found = [] if root is None or not _is_worker(root) else [root]
        found += [number for number in _below(os.getpid() if root is None else root) if _is_worker(number)]
        if not found:
            break
        for number in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.005)
    if root is None and not Path("/proc/self/stat").exists():
        for worker in multiprocessing.active_children():
            worker.kill()


def end_with_parent() -> None:
    """Let this worker process end soon after the one that started it, however that ended."""
    threading.Thread(target=_watch_parent, name="parent", daemon=True).start()


def _watch_parent() -> None:
    while True:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            kill_workers()
            os._exit(1)
        time.sleep(_LOOK_SECONDS)


def _give_back(number: int, _frame: object) -> None:
    """Hand a signal that came while some thread did not block it to the thread that waits for it."""
    os.kill(os.getpid(), number)


def _hear() -> None:
    first = signal.sigwait(_command.heard)
    began = time.monotonic()
    status, why = 128 + first, f"Stopped by {_SIGNALS[signal.Signals(first)]}"
    threading.Thread(target=_stop, args=(status, why, True), daemon=True).start()
    while True:
        signal.sigwait(_command.heard)
        if time.monotonic() - began > _AGAIN_SECONDS:
            _leave(status, f"{why}.")


def _stop(status: int, why: str, by_signal: bool) -> None:  # noqa: FBT001 - which of two ways
    if not _command.decided.acquire(blocking=False):
        # It has its outcome and needs but a moment to say it, unless nobody listens.
        time.sleep(_UNDO_SECONDS)
        _leave(status, f"{why}.")
    undoing = threading.Thread(target=_undo_all, args=(why,), daemon=True)
    undoing.start()
    undoing.join(_UNDO_SECONDS)
    sentence = f"{why}: {_command.said or _NOTHING_KNOWN}" if by_signal else f"Error: {why}"
    _leave(status, sentence, "--json" in sys.argv)


def _undo_all(why: str) -> None:
    for undo in reversed(_command.undo):
        with suppress(Exception):  # what cannot be undone now is found by the next close
            _command.said = undo(why) or _command.said
    with suppress(Exception):
        sys.stdout.flush()


def _leave(status: int, sentence: str, as_json: bool = False) -> None:  # noqa: FBT001, FBT002 - whether JSON is asked
    with _command.left:
        if as_json:
            answer = {**_command.answer(), "error": sentence.removeprefix("Error: "), "exit_status": status}
            _write(1, f"{json.dumps(answer, indent=2, ensure_ascii=True)}\n")
        _write(_command.errors, f"{sentence}\n")
        kill_workers()
        os._exit(status)


def _write(descriptor: int, text: str) -> None:
    """Write without waiting for a reader that does not read."""
    left = text.encode(errors="backslashreplace")
    with suppress(OSError, ValueError):
        while left and select.select([], [descriptor], [], 0.3)[1]:
            left = left[os.write(descriptor, left[:512]) :]


def _below(root: int) -> list[int]:
    """Give the numbers of all processes that descend from `root`, where the system has a /proc."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            state, parent, *_ = status.rpartition(")")[2].split()
            if state not in "XZ":
                parents[int(folder.name)] = int(parent)
    found = [root]
    for number in found:
        found += [child for child, parent in parents.items() if parent == number]
    return found[1:]


def _is_worker(number: int) -> bool:
    with suppress(OSError):
        return b"multiprocessing.resource_tracker" not in Path(f"/proc/{number}/cmdline").read_bytes()
    return False
