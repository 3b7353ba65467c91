"""How every command answers: the product's errors as a sentence and exit status 1, and `--json`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import ParamSpec

import click

from cpg1_assets.cli.output import standard_output
from cpg1_assets.errors import Cpg1Error, SettingsError
from cpg1_assets.home import Home
from cpg1_assets.refusal import refusal_of
from cpg1_assets.settings import Settings

P = ParamSpec("P")
FAILED = 1


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Show the product's errors as a sentence and exit with 1; anything else is a fault of ours and keeps its trace."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _naming_places(), standard_output():
                command(*args, **kwargs)
        except Cpg1Error as error:
            said = str(error)
            with suppress(OSError):
                if kwargs.get("as_json"):
                    click.echo(json.dumps({"error": said, "exit_status": FAILED}, ensure_ascii=False))
            with suppress(OSError):
                click.echo(f"Error: {said}", err=True)
            sys.exit(FAILED)

    return run


@contextmanager
def _naming_places() -> Iterator[None]:
    """Make a sentence of what a disk refuses, whatever command met it; wrong settings name no place."""
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


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
