"""The assets that people look at: made of a sealed month after its seal, and never sealed themselves.

What they are is in `cpg1_assets.deliverables`. A month is sealed whatever becomes of them: one that cannot be made is an
error in the run's log and no failed run, since the run did close the month.
"""

from collections.abc import Iterator
from types import MappingProxyType

import dagster as dg

from cpg1_assets.deliverables.files import SUFFIXES, make_deliverable, why_not
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.graph.links import file_link
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of

GROUP = "deliverables"
_DESCRIPTIONS = MappingProxyType(
    {
        "control_report": (
            "The control report: one page of the closed month that needs nothing beside itself. Made from the sealed "
            "version and the chain; `cpg1 report` and each sign-off make it anew."
        ),
        "control_workbook": (
            "The control workbook: the closed month as a spreadsheet, with the open items to comment on, which come back "
            "through the inbox. Made from the sealed version and the chain; `cpg1 report` and each sign-off make it anew."
        ),
    }
)


def deliverable_assets(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """Make an asset of each deliverable."""
    return [_asset(name, partitions) for name in SUFFIXES]


def _asset(name: str, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        description=_DESCRIPTIONS[name],
        partitions_def=partitions,
        group_name=GROUP,
        kinds={SUFFIXES[name].removeprefix(".")},
        required_resource_keys={"deployment"},
        deps=[MANIFEST.name],
        output_required=False,
    )
    def deliverable(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[object]]:
        deployment, month = deployment_of(context), month_of(context)
        # It makes nothing that is sealed, so it may be made of a month that is signed off as well.
        enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=False)
        settings, home = deployment.settings, deployment.home
        if settings.scope is not None:
            said = "no: a narrowed scope is not sealed and does not count as the control"
            context.log.info("Nothing is made of a narrowed scope: it is not sealed.")
            yield dg.MaterializeResult(metadata={"made": said})
            return
        try:
            made = make_deliverable(
                name,
                home.evidence_folder,
                home.reports_folder,
                month,
                settings.locale,
                settings.calendar_file,
            )
        except Exception as error:  # noqa: BLE001 - the month is sealed: nothing about a page may make the run fail
            context.log.error(  # noqa: TRY400 - a traceback may hold a secret
                "%s of %s was not made: %s. The seal stands. Make it with: cpg1 report %s",
                name,
                month.key,
                why_not(error),
                month.key,
            )
            return
        yield dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(made.path)),
                **file_link(deployment, made.path),
                "size_bytes": made.size_bytes,
                "sha256": made.sha256,
                "version": made.version,
                "head": made.head,
                **deployment.notes,
            }
        )

    return deliverable
