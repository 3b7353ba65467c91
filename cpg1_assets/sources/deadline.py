"""Calls that may never come back, made in a thread of their own and waited for no longer than agreed.

A driver blocks in C: while it does, no timeout of its own is certain, and Python cannot be interrupted. Here
the caller waits in Python instead, so that Ctrl-C works and a network that answers nothing is noticed.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_HEARS_WITHIN_SECONDS = 0.5
"""How long one wait in C is at most.

Python hears a signal between two of its own steps. A wait in C is broken off only by a signal that the system
gives to the waiting thread, after the wait began: one a moment earlier, or given to another thread (a driver
has threads of its own), would be heard when the wait is over.
"""


class DeadlinePassedError(Exception):
    """A call did not come back in time. Its thread may hang for as long as the process lives."""


class OneThread:
    """Runs calls one after the other in a thread of its own, each with a deadline in seconds.

    The thread of a call that does not come back is left to itself: nothing waits for it, the process may end.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; it ends with `close`, or with the process."""
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]] | None] = (
            queue.SimpleQueue()
        )
        self.stuck = False
        threading.Thread(target=_serve, args=(self._calls,), name=name, daemon=True).start()

    def run(self, call: Callable[[], Answer], seconds: float) -> Answer:
        """Give what `call` gives, or raise what it raises; DeadlinePassedError if neither comes in time."""
        if self.stuck:
            raise DeadlinePassedError("an earlier call has not come back")
        answers: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()
        self._calls.put((call, answers))
        try:
            answer, error = _answer(answers, seconds)
        except BaseException as interrupted:
            self.stuck = True
            if isinstance(interrupted, queue.Empty):
                raise DeadlinePassedError(f"no answer within {seconds:g} seconds") from None
            raise
        if error is not None:
            try:
                raise error
            finally:
                # An error holds this frame. Held by it in turn, it would keep what the call had in hand (rows, a
                # connection) until some later collection gives it back, in whatever thread that runs.
                del error
        return answer  # type: ignore[return-value]

    def close(self) -> None:
        """Let the thread end once its last call is back."""
        self._calls.put(None)


def _answer(answers: "queue.SimpleQueue[Answer]", seconds: float) -> Answer:
    """Wait for an answer, `seconds` in all. Raises queue.Empty."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > _HEARS_WITHIN_SECONDS:
        try:
            return answers.get(timeout=_HEARS_WITHIN_SECONDS)
        except queue.Empty:
            continue
    return answers.get(timeout=max(left, 0))


def _serve(calls: "queue.SimpleQueue[Any]") -> None:
    while (asked := calls.get()) is not None:
        call, answers = asked
        try:
            answers.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            answers.put((None, error))
        del asked, call, answers
