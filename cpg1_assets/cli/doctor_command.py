"""`cpg1 doctor`: shows what the doctor found. What is looked at, and what it means, is the doctor's own affair."""

import os
import sys
from itertools import groupby

import click
from rich.text import Text

from cpg1_assets.cli.answering import json_option, told
from cpg1_assets.cli.terminal import say, say_json

_STYLES = {"fine": "green", "look": "yellow", "mend": "bold red", "not asked": "dim"}
_SIGNS = {"fine": "fine", "look": "LOOK", "mend": "MEND", "not asked": "-"}
_INDENT = 8


@click.command()
@click.option(
    "--constructs",
    "asks_constructs",
    is_flag=True,
    help="Also ask the server every construct of T-SQL that queries may use: some 130 short questions that name no table.",
)
@json_option
@told
def doctor(*, asks_constructs: bool, as_json: bool) -> None:
    """Look at everything a close needs; say of each what is fine, or what to do.

    Settings, driver, connection, permission on every table and column, that the login cannot write, clocks,
    storage, evidence, Dagster. Nothing is changed and no row is read. Exit status 1: something must be mended.
    """
    from cpg1_assets.doctor import examine  # noqa: PLC0415 - imports sqlglot, DuckDB and the drivers

    examination = examine(
        os.environ,
        asks_constructs=asks_constructs,
        env_file=click.get_current_context().find_root().meta["env_file"],
    )
    if as_json:
        say_json(examination.as_dict())
        sys.exit(examination.exit_status)
    for group, findings in groupby(examination.findings, key=lambda finding: finding.group):
        say("", Text(group, "bold"))
        for finding in findings:
            sign = Text(f"  {_SIGNS[finding.verdict]:<{_INDENT - 4}}  ", _STYLES[finding.verdict])
            say(sign + Text(f"{finding.subject}: {finding.said}"))
            if finding.to_do:
                say(Text(" " * _INDENT + f"-> {finding.to_do}", _STYLES[finding.verdict]))
    books = f" {examination.books}." if examination.books == "SAMPLE BOOKS" else ""
    say("", f"{examination.conclusion}{books}")
    sys.exit(examination.exit_status)
