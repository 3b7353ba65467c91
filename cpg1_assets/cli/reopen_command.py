"""`cpg1 reopen`: opens a month that was signed off. It needs neither Dagster nor a database."""

import click

from cpg1_assets.cli.answering import json_option, told
from cpg1_assets.cli.new_link import made_anew, tell_link
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


@click.command()
@click.argument("month")
@click.option("--name", metavar="NAME", required=True, help="Your name.")
@click.option(
    "--reason", metavar="REASON", required=True, help="Why the month has to change after it was signed off."
)
@json_option
@told
def reopen(month: str, name: str, reason: str, *, as_json: bool) -> None:
    """Reopen MONTH, which was signed off, so that it can be closed again. It then needs both sign-offs anew."""
    from cpg1_assets.evidence.audit.verify import problems_of  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.chain.reopen import reopen as record  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import open_signer  # noqa: PLC0415

    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError("A narrowed scope is not the control: it is never signed off and never reopened.")
    signer = open_signer(settings.signing_key_file, settings.signing_key)
    link = record(
        Home(settings).evidence_folder,
        CutoffMonth.parse(month).key,
        name=name,
        reason=reason,
        signer=signer,
        problems_of=problems_of,
    )
    said = {field: link.body[field] for field in ("month", "version", "name", "reason")}
    made = made_anew(settings, said["month"])
    tell_link(
        said,
        link,
        signer,
        f"{said['month']} (version {said['version']}) reopened by {said['name']}: {said['reason']}",
        f"Close it again with: cpg1 close --month {said['month']}. Preparer and reviewer then sign it anew, "
        "also when nothing changed.",
        as_json=as_json,
        made=made,
    )
