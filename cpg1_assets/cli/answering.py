"""How every command answers: what a person sees of anything that goes wrong, and `--json`.

What the product says itself is a sentence; so is what nobody foresaw. A traceback is shown only for `--debug`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import wraps
from io import StringIO, TextIOWrapper
from pathlib import Path
from traceback import FrameSummary, extract_tb, format_list
from typing import Any, ParamSpec

import click

from cpg1_assets.cli.output import disk_errors_named, standard_output
from cpg1_assets.cli.terminal import ESCAPED, plain, say_json
from cpg1_assets.env_file import load_env_file
from cpg1_assets.errors import Cpg1Error, shown
from cpg1_assets.settings import without_secrets

P = ParamSpec("P")
FAILED, WRONG_COMMAND = 1, 2
_DEBUG, _JSON, _REST = "--debug", "--json", "--"
_PACKAGE = Path(__file__).parents[1]


class Answering(click.Group):
    """The command line: whatever a command raises ends here, as one sentence and an exit status."""

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Run a command. `--debug` counts wherever it stands before `--`."""
        given = list(sys.argv[1:] if args is None else args)
        end = given.index(_REST) if _REST in given else len(given)
        debug, as_json = _DEBUG in given[:end], _JSON in given[:end]
        given = [each for at, each in enumerate(given) if each != _DEBUG or at >= end]
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # JSON is UTF-8, whatever a console has.
                stream.reconfigure(
                    encoding="utf-8" if as_json and stream is sys.stdout else None, errors=ESCAPED
                )
        extra["standalone_mode"] = False
        try:
            status = super().main(given, **extra)
        except click.ClickException as error:
            with suppress(OSError):
                if as_json:
                    say_json(_as_json(error.format_message(), error.exit_code), indent=None)
                shown_by_click = StringIO()
                error.show(shown_by_click)
                click.echo(plain(shown_by_click.getvalue()), err=True, nl=False)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(FAILED)
        except Exception as error:  # noqa: BLE001 - the one place where whatever is left becomes a sentence
            tell(error, as_json=as_json, debug=debug)
            sys.exit(FAILED)
        sys.exit(status if isinstance(status, int) else 0)


class PlaceType(click.Path):
    """A file or folder, whatever its name is; none is named by nothing, which a path takes for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Give the path. Fails on an empty one."""
        if isinstance(value, str) and not value.strip():
            self.fail(f"{value!r} is empty: name a file or folder, or leave it away.", param, ctx)
        return super().convert(value, param, ctx)


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Before a command: refuse values that say nothing, and read `.env`, once."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        context = click.get_current_context()
        _require_values(context)
        root = context.find_root()
        if "env_file" not in root.meta:
            root.meta["env_file"] = load_env_file(os.environ)
        with disk_errors_named(), standard_output():
            command(*args, **kwargs)

    return run


def tell(error: Exception, *, as_json: bool, debug: bool) -> None:
    """Say what went wrong: the product's own words, or, of what nobody foresaw, what it is and how to see more."""
    said = str(error) if isinstance(error, Cpg1Error) else _unforeseen(error)
    said = without_secrets(said, os.environ)
    with suppress(OSError):
        if as_json:
            say_json(_as_json(said, FAILED), indent=None)
    with suppress(OSError):
        click.echo(plain(f"Error: {said}"), err=True)
        if debug:
            click.echo(without_secrets("\n".join(_trace(error)), os.environ), err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
debug_option = click.option(
    _DEBUG, is_flag=True, expose_value=False, help="Show where an error happened. May follow any command."
)


def _as_json(said: str, exit_status: int) -> dict[str, Any]:
    return {"error": said, "exit_status": exit_status}


def _require_values(context: click.Context) -> None:
    """Refuse an option or argument that is empty, only blanks or commas, or not text: none is ever meant so."""
    for parameter in context.command.params:
        given = context.params.get(parameter.name or "")
        for value in given if isinstance(given, tuple) else (given,):
            wrong = _wrong(value) if isinstance(value, str) else None
            if wrong is not None:
                raise click.BadParameter(f"{wrong}: give a value, or leave it away.", context, parameter)


def _wrong(value: str) -> str | None:
    if not value.replace(",", " ").strip():
        return f"{value!r} is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{shown(value)} is not text in UTF-8 (or the locale is none: set PYTHONUTF8=1)"
    return None


def _unforeseen(error: Exception) -> str:
    """Say what an exception without words of ours means. Its own text is left out: it may hold a secret."""
    frames = list(extract_tb(error.__traceback__))
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    where = f" in {_place(own[-1])}" if own else ""
    kind = type(error).__name__
    more = f"To see where it happened, add {_DEBUG}; tell whoever looks after cpg1."
    if isinstance(error, OSError) and error.filename is not None:
        why = error.strerror or kind
        return (
            f"{os.fsdecode(error.filename)}: {why}. The system refused this, and cpg1 does not know what to do about "
            f"it{where}: look at the file or folder. {more}"
        )
    if isinstance(error, ImportError):
        return f"A library cannot be loaded ({kind}: {error.name or 'unknown'}). Install cpg1-assets again. {more}"
    if isinstance(error, RecursionError):
        return f"Something is nested too deeply to be read{where}: a file that cpg1 reads is damaged. {more}"
    if isinstance(error, MemoryError):
        return f"The memory of this machine is not enough{where}. Have more, or end what else runs. {more}"
    return f"Something went wrong that cpg1 did not foresee ({kind}{where}): a fault of ours, or of a file it reads. {more}"


def _place(frame: FrameSummary) -> str:
    return f"{Path(frame.filename).relative_to(_PACKAGE.parent)}, line {frame.lineno}"


def _trace(error: BaseException | None) -> Iterator[str]:
    """Give the traceback, the first cause first, without the texts of exceptions: any of them may hold a secret."""
    if error is None:
        return
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _trace(cause)
        yield "\nand from that came:\n"
    yield "Traceback (most recent call last; texts of errors are left out, they may hold secrets):"
    yield "".join(format_list(extract_tb(error.__traceback__))).rstrip("\n")
    yield f"{type(error).__module__}.{type(error).__qualname__}"
