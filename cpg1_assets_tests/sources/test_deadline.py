"""A call that does not come back is given up in time, and nothing waits for it afterwards."""

import threading
import time

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
