"""Calls that may never come back, made in a thread of their own and waited for no longer than agreed.

A driver blocks in C: while it does, no timeout of its own is certain, and Python cannot be interrupted. Here
the caller waits in Python instead, so that Ctrl-C works and a network that answers nothing is noticed.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class DeadlinePassedError(Exception):
    """A call did not come back in time. Its thread may hang for as long as the process lives."""


class OneThread:
    """Runs calls one after the other in a thread of its own, each with a deadline in seconds."""

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
            answer, error = answers.get(timeout=seconds)
        except BaseException as interrupted:
            self.stuck = True
            if isinstance(interrupted, queue.Empty):
                raise DeadlinePassedError(f"no answer within {seconds:g} seconds") from None
            raise
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]

    def close(self) -> None:
        """Let the thread end once its last call is back."""
        self._calls.put(None)


def _serve(calls: "queue.SimpleQueue[Any]") -> None:
    while (asked := calls.get()) is not None:
        call, answers = asked
        try:
            answers.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            answers.put((None, error))
        del asked, call, answers
