"""The commands `cpg1 evidence reperform` and `cpg1 evidence ipe`: what an auditor does with a sealed month.

They read the evidence folder and nothing else: with `--path` no setting is looked at.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpg1_assets.cli.answering import FAILED, json_option, told
from cpg1_assets.cli.evidence_place import evidence_path, opened, sealed_in, version_option
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.month import CutoffMonth

if TYPE_CHECKING:
    from cpg1_assets.evidence.audit.differences import Differences
    from cpg1_assets.evidence.audit.register import Changed, Register, Report
    from cpg1_assets.evidence.audit.reperform import AssetOutcome, Reperformance
    from cpg1_assets.evidence.audit.restatement import Restatement
    from cpg1_assets.evidence.chain.seal import SealedVersion

_SHOWN = 20


@click.command()
@click.argument("month")
@version_option
@evidence_path
@json_option
@told
def reperform(month: str, version: int | None, path: Path | None, *, as_json: bool) -> None:
    """Compute every derived frame of MONTH again from its sealed extracts and rules, and compare.

    Exit status 0: every row is identical to what was sealed. 1: rows differ, or it could not be done.
    """
    from cpg1_assets.evidence.audit.reperform import reperform as performed  # noqa: PLC0415 - imports the engine

    with opened(path) as evidence:
        result = performed(sealed_in(evidence, CutoffMonth.parse(month).key, version).folder)
    if as_json:
        say_json(result.as_dict())
    else:
        _show_reperformance(result)
    sys.exit(0 if result.identical else FAILED)


@click.command()
@click.argument("month", required=False)
@version_option
@click.option(
    "--against",
    metavar="NUMBER",
    type=click.IntRange(1),
    help="Compare with this sealed version of the same month, its data as well. Default: with the month sealed before.",
)
@evidence_path
@json_option
@told
def ipe(
    month: str | None, version: int | None, against: int | None, path: Path | None, *, as_json: bool
) -> None:
    """List every report the control relied on in MONTH (default: the last sealed), and what changed since.

    It compares queries, contracts and rules with those of the month sealed before, or with --against those and the
    data with another version of MONTH.
    """
    from cpg1_assets.evidence.audit.register import ipe_register  # noqa: PLC0415 - reads Parquet
    from cpg1_assets.evidence.audit.restatement import changed_between  # noqa: PLC0415 - likewise

    with opened(path) as evidence:
        sealed, before, absent = _compared(evidence, month, version, against)
        register = ipe_register(sealed.folder, None if before is None else before.folder)
        restated = None if against is None or before is None else changed_between(before, sealed)
    if as_json:
        changes = None if restated is None else restated.as_dict()
        say_json({**register.as_dict(), "not_here": absent, "data_changed": changes})
        return
    _show_register(register, absent)
    if restated is not None:
        _show_data(restated)


def _compared(
    evidence: Path, month: str | None, version: int | None, against: int | None
) -> "tuple[SealedVersion, SealedVersion | None, str | None]":
    """Give the version asked for, the one to compare it with, and the month that would be it and is not in this copy."""
    from cpg1_assets.evidence.chain.seal import sealed_months, seals_folder  # noqa: PLC0415 - imports pyarrow

    months = sealed_months(evidence)
    there = [key for key in months if os.path.lexists(seals_folder(evidence, key))]
    if month is None and not there:
        raise EvidenceError(f"{evidence} holds no sealed month.")
    chosen = CutoffMonth.parse(there[-1] if month is None else month).key
    sealed = sealed_in(evidence, chosen, version)
    if against is not None:
        return sealed, sealed_in(evidence, chosen, against), None
    earlier = [key for key in months if key < chosen]
    if not earlier or earlier[-1] not in there:
        # An export has one month: the one before was not removed from it.
        return sealed, None, earlier[-1] if earlier else None
    return sealed, sealed_in(evidence, earlier[-1]), None


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
    for name in result.other_rows:
        say(f"  {name} does not have the rows whose number and root are in seal.json.")
    same = sum(outcome.identical for outcome in result.outcomes)
    if result.identical:
        say(f"identical: all {same} frames, computed again from the sealed extracts and rules alone.")
        return
    if same < len(result.outcomes):
        say(
            f"NOT identical: {len(result.outcomes) - same} of {len(result.outcomes)} frames. `went` is sealed and "
            "was not computed again, `came` is computed and was not sealed."
        )
    if result.other_rows:
        say(
            "NOT as the seal says: number or root of rows is of other ones. Samples of these frames prove nothing."
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
    _show_differences(outcome.differences)


def _verdict(outcome: "AssetOutcome") -> str:
    if outcome.problem is not None:
        return f"could not be computed: {outcome.problem}"
    if not outcome.identical:
        return f"differs: {outcome.differences.summary()}"
    return "identical" if outcome.same_bytes else "identical in every row (the file's bytes differ)"


def _show_register(register: "Register", absent: str | None) -> None:
    say(f"IPE register of {register.month}, sealed version {register.version:03d} – {register.books}")
    for report in register.reports:
        _show_report(report)
    say("")
    if register.before is None:
        why = (
            "No month was sealed before" if absent is None else f"{absent} was sealed before, and is not here"
        )
        say(f"{why}: nothing to compare with.")
        return
    since = f"{register.before} version {register.before_version}"
    changed = [change for report in register.reports for change in report.changed]
    if not changed and not register.rules_changed:
        say(f"Queries, contracts and rules are those of {since}.")
    _show_changes(f"Queries and contracts changed since {since}", changed)
    _show_changes(f"Rules changed since {since}", register.rules_changed)


def _show_data(restated: "Restatement") -> None:
    """Show which rows came, went and changed between two versions: in all by company, then row by row."""
    if restated.as_sealed:
        say(f"The data is that of version {restated.version}.")
        return
    say(f"Data changed since version {restated.version}:")
    for found in restated.assets:
        say(f"  {found.asset}: {found.summary()}")
        _show_differences(found)
    for asset in restated.absent:
        say(f"  {asset}: not sealed any more")


def _show_differences(differences: "Differences") -> None:
    for total in differences.totals:
        amounts = ", ".join(f"{name} {value}" for name, value in total.amounts.items())
        say(f"    {total.id_company or '-'}: {total.rows} {total.kind} ({amounts})")
    for change in differences.listed[:_SHOWN]:
        say(f"    {change.sentence()}")
    if len(differences.listed) > _SHOWN:
        say("    … and more; --json lists more of them")


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
