"""The checks of a month against what was sealed before, and against what came since: they run after its seal.

They compare with the chain and the inbox, which are not the month's own data, so what they find is not sealed with
it. They stand on the asset that seals, so that no new version is made without them.
"""

from collections.abc import Callable, Iterator, Mapping

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import Cpg1Error, EvidenceError, StorageError
from cpg1_assets.evidence.audit.restatement import restatement, sealed_before
from cpg1_assets.evidence.chain.companies import companies_before, companies_changed
from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.open_items_before import sealed_since
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.check_specs import check_result, check_specs, is_asked
from cpg1_assets.graph.steps import month_of
from cpg1_assets.jdash.late import late_files
from cpg1_assets.month import CutoffMonth
from cpg1_assets.validation import Validation

RESTATED = "data_is_what_was_sealed"
COMPANIES = "companies_are_those_sealed_before"
LATE = "no_late_file"
BEFORE = "compared_with_the_newest_seal"
STATEMENTS = {
    RESTATED: "The month's data is what was sealed before; rows that came, went or changed are a restatement.",
    COMPANIES: "The companies in scope are those of the seal before: none has left, none is new.",
    LATE: "No JDash file came or changed since the month was computed.",
    BEFORE: "The month before was not sealed again since its open items were compared with this month's.",
}
LATE_AND_SIGNED_OFF = "late file, month signed off"
_SHOWN_OF_AN_ASSET = 20


def sealed_month_checks(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, specs: Mapping[str, FrameSpec]
) -> dg.AssetChecksDefinition:
    """Make the checks; `specs` are the frames by asset."""

    @dg.multi_asset_check(
        name=f"{MANIFEST.name}_checks",
        specs=check_specs(MANIFEST.name, STATEMENTS, partitions),
        can_subset=True,
    )
    def checks_of_the_sealed_month(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        month, run_id = month_of(context), context.run.run_id
        asked: dict[str, Callable[[], Validation]] = {
            RESTATED: lambda: compared_with_seal(deployment, month.key, run_id, specs),
            COMPANIES: lambda: companies_as_before(deployment, month.key, run_id),
            LATE: lambda: no_late_file(deployment, month),
            BEFORE: lambda: compared_with_newest(deployment, month),
        }
        for name, looked in asked.items():
            if is_asked(context, MANIFEST.name, name):
                yield check_result(MANIFEST.name, looked(), deployment.notes)

    return checks_of_the_sealed_month


def compared_with_seal(
    deployment: Deployment, month: str, run_id: str, specs: Mapping[str, FrameSpec]
) -> Validation:
    """Compare the month in storage with what was sealed before the run `run_id`. Never sealed is as sealed."""
    name, statement = RESTATED, STATEMENTS[RESTATED]
    try:
        sealed = sealed_before(deployment.home.evidence_folder, month, run_id)
        if sealed is None:
            return Validation(name, statement, True, "WARN", figures={"compared_with": "never sealed before"})
        found = restatement(sealed, deployment.storage, specs, shown=_SHOWN_OF_AN_ASSET)
    except (EvidenceError, StorageError) as error:
        # What was sealed cannot be read: that is no restatement, it is damage.
        return Validation(name, statement, False, "ERROR", figures={"problem": str(error)})
    figures = {
        "compared_with": f"version {sealed.version:03d}, sealed {sealed.seal.get('sealed_at')}",
        **{f"rows_{kind}": count for kind, count in found.rows().items()},
        "by_asset": {differing.asset: differing.summary() for differing in found.assets},
        "by_company_and_amount": found.totals(),
        "listed": found.listed(),
        "not_in_storage": list(found.absent),
    }
    return Validation(name, statement, found.as_sealed, "WARN", figures=figures)


def companies_as_before(deployment: Deployment, month: str, run_id: str) -> Validation:
    """Compare the month's companies with those of the seal before the run's own: one that leaves takes its variances."""
    name, statement = COMPANIES, STATEMENTS[COMPANIES]
    evidence = deployment.home.evidence_folder
    try:
        table = deployment.storage.table("cr_05", month, ["id_company"])
        now = {str(company).rstrip(" ") for company in table.column(0).to_pylist()}
        newest = latest_seal(evidence, month)
        own = newest.version if newest is not None and newest.seal.get("run_id") == run_id else None
        before = companies_before(read_chain(evidence), evidence, month, own)
    except (EvidenceError, StorageError) as error:
        return Validation(name, statement, False, "ERROR", figures={"problem": str(error)})
    if before is None:
        return Validation(name, statement, True, figures={"compared_with": "nothing was sealed before"})
    sealed, companies = before
    left, new = companies_changed(companies, now)
    figures = {"compared_with": f"{sealed.month}, version {sealed.version:03d}", "left": left, "new": new}
    return Validation(name, statement, not (left or new), figures=figures)


def compared_with_newest(deployment: Deployment, month: CutoffMonth) -> Validation:
    """See whether the month before was sealed since. It decides no figure, so nothing is computed for it unasked."""
    name, statement = BEFORE, STATEMENTS[BEFORE]
    try:
        since = sealed_since(deployment.home.evidence_folder, deployment.storage, month)
    except (EvidenceError, StorageError) as error:
        return Validation(name, statement, False, "WARN", figures={"problem": str(error)})
    return Validation(name, statement, not since, "WARN", figures={"sealed_since": since})


def no_late_file(deployment: Deployment, month: CutoffMonth) -> Validation:
    """Compare the inbox with the files the month was computed from; of a signed-off month that changes nothing."""
    name, statement = LATE, STATEMENTS[LATE]
    try:
        deployment.home.require_inbox()
        late = late_files(deployment.storage, deployment.home.inbox_folder, month)
        signed = None
        if late and deployment.settings.scope is None:
            signed = signed_off_by(deployment.home.evidence_folder, month.key)
    except Cpg1Error as error:
        return Validation(name, statement, False, "WARN", figures={"problem": str(error)})
    figures: dict[str, object] = {"late": late}
    if signed is not None:
        figures["what"] = LATE_AND_SIGNED_OFF
    return Validation(name, statement, not late, "WARN", figures=figures)
