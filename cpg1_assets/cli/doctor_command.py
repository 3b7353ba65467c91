"""`cpg1 doctor`: shows what the doctor found. What is looked at, and what it means, is the doctor's own affair."""

import json
import os
import sys
from itertools import groupby

import click
from rich.text import Text

from cpg1_assets.cli.answering import json_option, told
from cpg1_assets.cli.render import console

_STYLES = {"fine": "green", "look": "yellow", "mend": "bold red", "not asked": "dim"}
_SIGNS = {"fine": "fine", "look": "LOOK", "mend": "MEND", "not asked": "-"}
_INDENT = 8


@click.command()
@click.option(
    "--constructs",
    "asks_constructs",
    is_flag=True,
    help="Also ask the server every construct of T-SQL that queries may use, and compare with the table.",
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
        click.echo(json.dumps(examination.as_dict(), indent=2, ensure_ascii=False))
        sys.exit(examination.exit_status)
    out = console()
    for group, findings in groupby(examination.findings, key=lambda finding: finding.group):
        out.print(Text(f"\n{group}", "bold"))
        for finding in findings:
            sign = Text(f"  {_SIGNS[finding.verdict]:<{_INDENT - 4}}  ", _STYLES[finding.verdict])
            out.print(sign + Text(f"{finding.subject}: {finding.said}"), soft_wrap=True)
            if finding.to_do:
                out.print(
                    Text(" " * _INDENT + f"-> {finding.to_do}", _STYLES[finding.verdict]), soft_wrap=True
                )
    books = f" {examination.books}." if examination.books == "SAMPLE BOOKS" else ""
    out.print(f"\n{examination.conclusion}{books}", markup=False, soft_wrap=True)
    sys.exit(examination.exit_status)
