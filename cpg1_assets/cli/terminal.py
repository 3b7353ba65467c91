"""What reaches a terminal: in any encoding, at any width, in colour or without, and nothing that a terminal obeys.

How things are laid out is in `columns`; what they say is decided elsewhere.
"""

import codecs
import json
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cpg1_assets.errors import printable

ESCAPED = "cpg1-escaped"
"""Name of the error handler that writes what an encoding lacks another way."""
LEFT_TO_RIGHT = "\u200e"
"""An invisible mark: what comes after it is not drawn into the Arabic before it."""
_OTHERWISE = {
    "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHTWARDS ARROW}": "->", "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{MULTIPLICATION SIGN}": "x", LEFT_TO_RIGHT: "",
}  # fmt: skip
"""What is written for a sign that an encoding lacks. Letters are not: another one would be another name."""
_WIDTH, _NARROWEST = 80, 20


@dataclass(frozen=True)
class Screen:
    """What is laid out for: how many columns there are, and in which encoding letters are written."""

    width: int
    encoding: str = "utf-8"


class _Step(Protocol):
    """A step of a run that ended: `rows` is None where it made none."""

    @property
    def step(self) -> str: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def seconds(self) -> float: ...


def console() -> Console:
    """Give the console of standard output. It cuts nothing off: what is wider than it goes on in the next line.

    Colour is left away where NO_COLOR is set, TERM is dumb, or nobody sees it.
    """
    return _Console(
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        width=_width(),
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


def screen() -> Screen:
    """Give what standard output has room for."""
    return Screen(_width(), console().encoding)


def say(*lines: str | Text, style: str = "") -> None:
    """Print lines, each as wide as it is."""
    out = console()
    for line in lines:
        out.print(line, style=style)


def say_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - any JSON value
    """Print a value as JSON: UTF-8, and what a terminal might obey as JSON escapes it."""
    click.echo(json.dumps(value, indent=indent, ensure_ascii=False).translate(_OBEYED))


def say_step(told: "_Step | str") -> None:
    """Say what a run tells while it is under way: a step that ended with rows and seconds, or a sentence."""
    if isinstance(told, str):
        say(f"  {told}")
        return
    rows = "" if told.rows is None else f"{told.rows:,} rows"
    aligned = f"  {told.step:<34}{rows:>16}{told.seconds:>10.1f} s"
    beside = ", ".join([rows] * bool(rows) + [f"{told.seconds:.1f} s"])
    say(aligned if len(aligned) <= console().width else f"  {told.step}: {beside}")


def writable(text: str, encoding: str) -> str:
    """Give a text as it will stand in `encoding`, so that its width can be told."""
    return text.encode(encoding, ESCAPED).decode(encoding)


def plain(text: str) -> str:
    """Show what a terminal would obey: control characters, and marks that turn the order of letters."""
    if text.isprintable():
        return text
    return "".join(each if each in ("\n", LEFT_TO_RIGHT) else printable(each) for each in text)


def program() -> str:
    """Give the command line's name as it can be typed here: `cpg1`, or where it lies if a shell does not find it."""
    called = Path(sys.argv[0])
    if called.name != "cpg1" or shutil.which("cpg1"):
        return "cpg1"
    return os.path.relpath(called)


class _Console(Console):
    """A console that shows what control characters there are, and leaves it to the command that nobody reads any more."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Give segments of text without anything that a terminal would obey; colours come later."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain(segment.text))

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704


def _width() -> int:
    """Give the width that COLUMNS or the terminal says; what is no terminal is 80 columns wide."""
    told = os.environ.get("COLUMNS", "")
    width = int(told) if told.isdecimal() else 0
    if not width:
        with suppress(OSError, ValueError):
            width = os.get_terminal_size(sys.stdout.fileno()).columns
    return max(width or _WIDTH, _NARROWEST)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Write what an encoding lacks by what looks like it, else as JSON escapes it (`\u20ac`): both can be read."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_otherwise, error.object[error.start : error.end])), error.end


def _otherwise(letter: str) -> str:
    if letter in _OTHERWISE:
        return _OTHERWISE[letter]
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


codecs.register_error(ESCAPED, _escaped)
_OBEYED = {
    code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
