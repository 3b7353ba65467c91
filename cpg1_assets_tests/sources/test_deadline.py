"""A call that does not come back is given up in time, and nothing waits for it afterwards."""

import os
import signal
import threading
import time
import weakref

import pytest

from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread


def test_answers_and_errors_come_back_as_they_are() -> None:
    thread = OneThread("test")
    assert thread.run(lambda: 7, 5) == 7
    with pytest.raises(ZeroDivisionError):
        thread.run(lambda: 1 // 0, 5)
    assert thread.run(threading.get_ident, 5) == thread.run(threading.get_ident, 5) != threading.get_ident()
    thread.close()


def test_a_call_that_does_not_come_back_is_given_up_and_so_are_all_after_it() -> None:
    thread, held = OneThread("test"), threading.Event()
    began = time.monotonic()
    with pytest.raises(DeadlinePassedError, match=r"within 0\.05 seconds"):
        thread.run(held.wait, 0.05)
    with pytest.raises(DeadlinePassedError, match="has not come back"):
        thread.run(lambda: 7, 60)
    assert time.monotonic() - began < 30
    held.set()
    thread.close()


def test_an_interrupt_is_heard_whichever_thread_the_system_gives_it_to() -> None:
    thread, held = OneThread("test"), threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    interrupt = threading.Thread(target=_interrupt)
    try:
        began = time.monotonic()
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            thread.run(held.wait, 60)
        assert time.monotonic() - began < 10
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        held.set()
        interrupt.join()


def _interrupt() -> None:
    """Let this thread, and not the main one, be where the signal arrives."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)


class _Connection:
    def ask(self) -> None:
        raise ValueError("lost")


def test_what_a_call_had_in_hand_is_not_kept_by_its_error() -> None:
    thread, connection = OneThread("test"), _Connection()
    alive = weakref.ref(connection)
    with pytest.raises(ValueError, match="lost") as raised:
        thread.run(connection.ask, 5)
    thread.run(int, 5)
    del raised, connection
    assert alive() is None
