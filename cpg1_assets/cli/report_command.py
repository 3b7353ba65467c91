"""`cpg1 report`: makes the report of a sealed month anew. It needs no Dagster and no database."""

import sys

import click

from cpg1_assets.cli.answering import FAILED, json_option, told
from cpg1_assets.cli.new_link import made_anew, tell_made
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home, naming_places
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


@click.command()
@click.argument("month", required=False)
@click.option("--open", "opens", is_flag=True, help="Open the report in the browser of this machine.")
@json_option
@told
def report(month: str | None, *, opens: bool, as_json: bool) -> None:
    """Make the report of MONTH anew, from what was sealed and signed, and say where it is.

    Without MONTH, that of the month sealed last in the calendar. Exit status 1 where it could not be made.
    """
    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError(
            "A narrowed scope is not the control: it is never sealed, and there is no report of it."
        )
    from cpg1_assets.deliverables.closed_month import closed_month  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.deliverables.files import REPORT, Deliverable, NotMade  # noqa: PLC0415 - likewise
    from cpg1_assets.deliverables.written import written_in  # noqa: PLC0415 - reads locales
    from cpg1_assets.evidence.chain.seal import sealed_months  # noqa: PLC0415 - likewise

    chosen = None if month is None else CutoffMonth.parse(month).key
    if chosen is None:
        months = sealed_months(Home(settings).evidence_folder)
        if not months:
            raise EvidenceError("No month is sealed. Close one with: cpg1 close --month YYYY-MM")
        chosen = months[-1]
    # What can be told beforehand is told alone, and takes no report away.
    closed_month(Home(settings).evidence_folder, CutoffMonth.parse(chosen))
    written_in(settings.locale)
    with naming_places(settings):
        made = made_anew(settings, chosen)
    if as_json:
        books = Home(settings).books_kept
        say_json({"books": books, "month": chosen, "deliverables": [each.as_dict() for each in made]})
    else:
        tell_made(made)
        heads = {each.head for each in made if isinstance(each, Deliverable)}
        for head in heads:
            say(f"Made from the chain up to {head}.")
    if opens:
        for each in made:
            if isinstance(each, Deliverable) and each.name == REPORT:
                click.launch(str(each.path))
    sys.exit(FAILED if any(isinstance(each, NotMade) for each in made) else 0)
