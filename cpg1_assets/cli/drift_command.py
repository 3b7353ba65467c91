"""`cpg1 evidence drift`: what moved in the source since a month was sealed. It needs no Dagster, and writes nothing."""

import sys
from typing import TYPE_CHECKING

import click

from cpg1_assets.cli.answering import FAILED, json_option, told
from cpg1_assets.cli.evidence_place import sealed_in, version_option
from cpg1_assets.cli.render import marks
from cpg1_assets.cli.several_values import Several, split
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home, naming_places
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.evidence.audit.drift import Drift

_SHOWN = 20


@click.command(cls=Several)
@click.argument("month")
@version_option
@click.option("--companies", metavar="COMPANY...", multiple=True, help="Only these companies of the seal.")
@json_option
@told
def drift(month: str, version: int | None, companies: tuple[str, ...], *, as_json: bool) -> None:
    """Ask the source again for the extracts of a sealed MONTH, and say what moved since.

    With the statements, accounts and companies of the seal. Nothing of the month is changed. Exit status 0: everything
    was compared and nothing moved. 1: something moved, or could not be compared.
    """
    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError(
            "A narrowed scope is not the control: it is never sealed. To ask for some companies of a sealed month, use "
            "--companies."
        )
    key = CutoffMonth.parse(month).key
    home = Home(settings)
    home.require_own_books()
    sealed = sealed_in(home.evidence_folder, key, version)
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415 - reads the rules and contracts
    from cpg1_assets.evidence.audit.drift import drift as asked_again  # noqa: PLC0415 - imports DuckDB

    deployment = open_deployment(settings)
    with naming_places(settings):
        found = asked_again(sealed, deployment.source, deployment.inbox, deployment.catalog, split(companies))
    if as_json:
        say_json({"books": home.books_kept, **found.as_dict()})
    else:
        _show(found, marks(settings))
    sys.exit(0 if found.complete and not found.moved else FAILED)


def _show(found: "Drift", books: str) -> None:
    """Show what became of each extract: in all by class and company, then the first rows."""
    say(f"{found.month}, version {found.version:03d}, sealed {found.sealed_at}{books}")
    width = max(len(each.asset) for each in found.extracts)
    for each in found.extracts:
        say(f"  {each.asset:{width}}  {each.summary()}")
        for note in each.notes:
            say(f"    {note}")
        for moved in each.moved:
            amounts = ", ".join(f"{name} {value}" for name, value in moved.amounts.items())
            say(
                f"    {moved.id_company or '-'}: {moved.rows} {moved.what} ({amounts or 'no amounts'})"
                + (f" in {moved.currency}" if moved.currency and amounts else "")
            )
        for what, change in each.listed[:_SHOWN]:
            say(f"      {what}: {change.sentence().partition(': ')[2]}")
        if len(each.listed) > _SHOWN:
            say("      … and more; --json lists more of them")
    said = found.summary().removesuffix(".")
    say(f"{said[0].upper()}{said[1:]}.")
