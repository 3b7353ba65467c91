"""The asset `open_item_comments`: what people say of the month's open items, read from the inbox and carried forward.

How the file is read is in `cpg1_assets.comments.month`; here it becomes an asset with a check and evidence.
"""

from collections.abc import Iterator
from functools import partial

import dagster as dg
import pyarrow as pa

from cpg1_assets.comments.file import Problem
from cpg1_assets.comments.month import CHANGES, ITEMS, VALIDATIONS, CommentsMonth, read_comments
from cpg1_assets.deliverables.sheet_rows import version_made_of
from cpg1_assets.extracts.extraction import ExecutionLog
from cpg1_assets.graph.check_specs import check_specs
from cpg1_assets.graph.drawn import Draw, handed_on
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.inbox.folder import kept_as, shown
from cpg1_assets.rules.findings import SHOWN
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS
from cpg1_assets.validation import Validation


def open_item_comments_asset(
    partitions: dg.PartitionsDefinition[str], code_version: str
) -> dg.AssetsDefinition:
    """Make the asset `open_item_comments`."""

    @dg.asset(
        name=OPEN_ITEM_COMMENTS.name,
        description=f"{OPEN_ITEM_COMMENTS.title}.\n\n{OPEN_ITEM_COMMENTS.description}",
        partitions_def=partitions,
        group_name="open_items",
        kinds={"csv", "excel", "parquet"},
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        code_version=code_version,
        ins={
            "open_items": dg.AssetIn(metadata={"columns": list(ITEMS)}),
            "open_item_changes": dg.AssetIn(metadata={"columns": list(CHANGES)}),
        },
        check_specs=check_specs(OPEN_ITEM_COMMENTS.name, VALIDATIONS, partitions),
    )
    def open_item_comments(
        context: dg.AssetExecutionContext, open_items: pa.Table, open_item_changes: pa.Table
    ) -> Iterator[dg.AssetCheckResult | dg.Output[Drawn]]:
        deployment, month = deployment_of(context), month_of(context)
        with retrying(context, deployment.settings):
            log = ExecutionLog()
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            inbox = deployment.home.inbox_folder
            made_of = partial(version_made_of, deployment.home.evidence_folder, month)
            read = read_comments(inbox, month, open_items, open_item_changes, made_of)
            log("comments read", files=list(read.files), problems=len(read.problems), taken=len(read.taken))
            yield from handed_on(
                context,
                deployment,
                OPEN_ITEM_COMMENTS,
                Draw(
                    rows=read.table,
                    validations=[_validation(read)],
                    asked={"inbox": shown(str(inbox)), "month": month.key},
                    files={kept_as(path.name): content for path, content in read.sources},
                    read=read.files,
                ),
                log,
            )

    return open_item_comments


def _validation(read: CommentsMonth) -> Validation:
    """Say whether the month's file could be taken. It warns: what people say decides no figure, and no close waits."""
    ((name, statement),) = VALIDATIONS.items()
    figures = {
        "files": list(read.files),
        "taken": len(read.taken),
        "carried_or_taken": read.table.num_rows,
        "problem_count": len(read.problems),
        "problems": [_as_dict(problem) for problem in read.problems[:SHOWN]],
    }
    if not read.has_file:
        return Validation.untested(name, statement, figures)
    return Validation(name, statement, passed=not read.problems, severity="WARN", figures=figures)


def _as_dict(problem: Problem) -> dict[str, str | int | None]:
    return problem._asdict()
