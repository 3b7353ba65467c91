"""The commands `cpg1 evidence reperform` and `cpg1 evidence ipe`: what an auditor does with a sealed month.

They read the evidence folder and nothing else: with `--path` no setting is looked at.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpg1_assets.cli.answering import FAILED, PlaceType, json_option, told
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.evidence.audit.register import Changed, Register, Report
    from cpg1_assets.evidence.audit.reperform import AssetOutcome, Reperformance
    from cpg1_assets.evidence.chain.seal import SealedVersion

_SHOWN = 20

_path = click.option(
    "--path",
    "folder",
    metavar="FOLDER",
    type=PlaceType(exists=True, file_okay=False, path_type=Path),
    help="Evidence folder, such as a copy. Default: that under CPG1_HOME.",
)


@click.command()
@click.argument("month")
@_path
@json_option
@told
def reperform(month: str, folder: Path | None, *, as_json: bool) -> None:
    """Compute every derived frame of MONTH again from its sealed extracts and rules, and compare.

    Exit status 0: every row is identical to what was sealed. 1: rows differ, or it could not be done.
    """
    from cpg1_assets.evidence.audit.reperform import reperform as performed  # noqa: PLC0415 - imports the engine

    result = performed(_sealed(_evidence(folder), CutoffMonth.parse(month).key).folder)
    if as_json:
        say_json(result.as_dict())
    else:
        _show_reperformance(result)
    sys.exit(0 if result.identical else FAILED)


@click.command()
@click.argument("month", required=False)
@_path
@json_option
@told
def ipe(month: str | None, folder: Path | None, *, as_json: bool) -> None:
    """List every report the control relied on in MONTH (default: the last sealed), and what changed since.

    It compares queries, contracts and rules with those of the month sealed before.
    """
    from cpg1_assets.evidence.audit.register import ipe_register  # noqa: PLC0415 - reads Parquet
    from cpg1_assets.evidence.chain.seal import sealed_months  # noqa: PLC0415 - likewise

    evidence = _evidence(folder)
    months = sealed_months(evidence)
    if month is None and not months:
        raise EvidenceError(f"{evidence} holds no sealed month.")
    chosen = CutoffMonth.parse(months[-1] if month is None else month).key
    earlier = [key for key in months if key < chosen]
    register = ipe_register(
        _sealed(evidence, chosen).folder, _sealed(evidence, earlier[-1]).folder if earlier else None
    )
    if as_json:
        say_json(register.as_dict())
    else:
        _show_register(register)


def _evidence(folder: Path | None) -> Path:
    return Home(Settings.from_environment()).evidence_folder if folder is None else folder.absolute()


def _sealed(evidence: Path, month: str) -> "SealedVersion":
    from cpg1_assets.evidence.chain.seal import latest_seal  # noqa: PLC0415 - with the others

    sealed = latest_seal(evidence, month)
    if sealed is None:
        raise EvidenceError(
            f"{month} is not sealed in {evidence}. A month is sealed when it is closed and its blocking checks "
            f"pass: cpg1 close --month {month}; or name the folder of the evidence with --path."
        )
    # The version's own seal must be the one the chain has: it says what was sealed.
    _ = sealed.seal
    return sealed


def _show_reperformance(result: "Reperformance") -> None:
    say(f"Re-performing {result.month}, sealed version {result.version:03d} – {result.books}")
    if result.other_code:
        say(f"  The code here is another: {result.this_code}; sealed by {result.sealed_by_code}.")
    for name, versions in result.libraries.items():
        say(f"  {name} is {versions['here']} here; sealed with {versions['sealed']}.")
    width = max(len(outcome.asset) for outcome in result.outcomes)
    for outcome in result.outcomes:
        _show_outcome(outcome, width)
    for name in result.altered:
        say(f"  {name} is not the file that was sealed: its SHA-256 is not the manifest's.")
    same = sum(outcome.identical for outcome in result.outcomes)
    if result.identical:
        say(f"identical: all {same} frames, computed again from the sealed extracts and rules alone.")
        return
    if same < len(result.outcomes):
        say(
            f"NOT identical: {len(result.outcomes) - same} of {len(result.outcomes)} frames. `went` is sealed and "
            "was not computed again, `came` is computed and was not sealed."
        )
    if result.altered:
        say(
            "NOT what was sealed: files were changed since, so this says nothing of the sealed month. "
            f"See: cpg1 evidence verify {result.month}"
        )


def _show_outcome(outcome: "AssetOutcome", width: int) -> None:
    """Show a frame's verdict, then what differs: in all by company, then row by row."""
    say(f"  {outcome.asset:{width}}  {_verdict(outcome)}")
    if outcome.statement_changed:
        say(f"  {'':{width}}  its statement is another than the sealed statements/{outcome.asset}.sql")
    for total in outcome.differences.totals:
        amounts = ", ".join(f"{name} {value}" for name, value in total.amounts.items())
        say(f"    {total.id_company or '-'}: {total.rows} {total.kind} ({amounts})")
    for change in outcome.differences.listed[:_SHOWN]:
        say(f"    {change.sentence()}")
    if len(outcome.differences.listed) > _SHOWN:
        say("    … and more; --json lists more of them")


def _verdict(outcome: "AssetOutcome") -> str:
    if outcome.problem is not None:
        return f"could not be computed: {outcome.problem}"
    if not outcome.identical:
        return f"differs: {outcome.differences.summary()}"
    return "identical" if outcome.same_bytes else "identical in every row (the file's bytes differ)"


def _show_register(register: "Register") -> None:
    say(f"IPE register of {register.month}, sealed version {register.version:03d} – {register.books}")
    for report in register.reports:
        _show_report(report)
    say("")
    if register.before is None:
        say("No month was sealed before: nothing to compare with.")
        return
    changed = [change for report in register.reports for change in report.changed]
    if not changed and not register.rules_changed:
        say(f"Queries, contracts and rules are those of {register.before}.")
    _show_changes(f"Queries and contracts changed since {register.before}", changed)
    _show_changes(f"Rules changed since {register.before}", register.rules_changed)


def _show_report(report: "Report") -> None:
    source = report.source
    named = f"{source.get('title')}, {source.get('server')}" if isinstance(source, dict) else source
    say(f"\n{report.asset}: {report.title}")
    say(f"  source      {named or 'not known'}")
    if report.feeds:
        say(f"  feeds       {', '.join(report.feeds)}")
    say(f"  query       {report.query_sha256 or 'none: read from files'}")
    if report.contract_sha256 is not None:
        say(f"  contract    {report.contract_sha256}")
    for name, value in report.parameters.items():
        listed = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(value, dict):
            listed = ", ".join(f"{key} {text}" for key, text in value.items())
        say(f"  @{name} = {listed}")
    say(f"  rows        {report.rows}")
    for company, totals in report.control_totals.items():
        say(f"  {company}  " + ", ".join(f"{name} {value}" for name, value in totals.items()))
    for validation in report.validations:
        say(f"  {validation['result']}  {validation['name']}: {validation['statement']}")
    if report.package is None:
        say("  No evidence package of the month holds the sealed data: how it was drawn is not known.")
    else:
        say(f"  package     {report.package}")
    if report.changed:
        say(f"  CHANGED     {', '.join(change.file for change in report.changed)}")


def _show_changes(title: str, changes: "list[Changed] | tuple[Changed, ...]") -> None:
    if changes:
        say(f"{title}:")
        for change in changes:
            say(change.diff)
