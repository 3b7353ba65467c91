"""How every command answers: the product's errors as a sentence and exit status 1, and `--json`."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

import click

from cpg1_assets.cli.output import disk_errors_named, standard_output
from cpg1_assets.errors import Cpg1Error

P = ParamSpec("P")
FAILED = 1


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Show the product's errors as a sentence and exit with 1; anything else is a fault of ours and keeps its trace."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with disk_errors_named(), standard_output():
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


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
