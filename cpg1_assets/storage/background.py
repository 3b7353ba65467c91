"""One call at a time in another thread: work without the interpreter's lock, done while the next rows come."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self


class Background:
    """Runs each call beside the caller; a new one waits for the one before, and raises what that raised."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[Any] | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __call__(self, call: Callable[..., Any], *arguments: object) -> None:
        """Run `call` once the one before is done."""
        self.wait()
        self._last = self._pool.submit(call, *arguments)

    def wait(self) -> None:
        """Wait for the last call. Raises what it raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let no call outlive the block; raise what the last one raised unless something else went wrong."""
        self._pool.shutdown()
        if kind is None:
            self.wait()
