"""What the disk does to a command: its errors as sentences, standard output that is full or nobody reads any more."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cpg1_assets.errors import SettingsError
from cpg1_assets.home import Home
from cpg1_assets.refusal import STANDARD_OUTPUT, refusal_of
from cpg1_assets.settings import Settings


class _Named(io.FileIO):
    """Standard output, named in what goes wrong with it."""

    def write(self, data: Any, /) -> int | None:  # type: ignore[override]  # noqa: ANN401 - any buffer
        """Write as a file does. Raises OSError naming standard output."""
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STANDARD_OUTPUT) from error


@contextmanager
def standard_output() -> Iterator[None]:
    """Let what is written to standard output within be there at the end, or raise OSError that names it.

    Once it failed, what else is written there goes nowhere: the interpreter would complain of it at its end.
    """
    given = sys.stdout
    buffer = getattr(given, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # python -u has no buffer between
    if (
        not isinstance(given, io.TextIOWrapper) or type(raw) is not io.FileIO
    ):  # a test's, or another program's
        yield
        return
    with suppress(OSError):
        given.flush()
    named = io.TextIOWrapper(
        io.BufferedWriter(_Named(raw.fileno(), "wb", closefd=False)),
        encoding=given.encoding, errors=given.errors, line_buffering=bool(given.line_buffering),
        write_through=bool(given.write_through),
    )  # fmt: skip
    sys.stdout = named
    try:
        yield
        named.flush()
    except OSError as error:
        if error.filename == STANDARD_OUTPUT:
            _give_up(raw.fileno())
        raise
    finally:
        sys.stdout = given
        with suppress(OSError):
            named.flush()


@contextmanager
def disk_errors_named() -> Iterator[None]:
    """Make a sentence of what a disk refuses, whatever command met it; where the settings are wrong, without the place."""
    try:
        yield
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        try:
            found = Home(Settings.from_environment()).error_of(refusal)
        except SettingsError:
            found = refusal.error()
        raise found from error


def _give_up(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
