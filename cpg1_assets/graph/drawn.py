"""What every asset does that draws its rows from outside of storage: write, validate, leave a package, hand on.

Where the rows come from is known to the asset. The extracts, which ask a server, have `extracts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.evidence.packages.package import Document, write_package
from cpg1_assets.evidence.packages.summary import data_documents
from cpg1_assets.extracts.extraction import ExecutionLog
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.check_specs import check_result
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.links import package_link
from cpg1_assets.graph.steps import month_of
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.rules.frames import OPEN_ITEM_CHANGES, OPEN_ITEM_COMMENTS, OPEN_ITEMS, OPEN_ITEMS_BEFORE
from cpg1_assets.sources.interface import SourceIdentity
from cpg1_assets.storage.parquet import Writable, write_parquet
from cpg1_assets.validation import Validation

DRAWN_FROM: Mapping[str, Sequence[str]] = {
    JDASH.name: ("cr_05",),
    OPEN_ITEMS_BEFORE.name: (),
    OPEN_ITEM_COMMENTS.name: (OPEN_ITEMS.name, OPEN_ITEM_CHANGES.name),
}
"""The assets that draw their rows from outside of storage without being extracts, and the frames each reads beside that."""


@dataclass(frozen=True)
class Draw:
    """What was drawn: the rows, what was found of them, and where they came from.

    `asked` says what was looked for, `files` are the very bytes that were read, by the name they are kept under, and
    `read` is the SHA-256 of each file that was looked at, by its own name.
    """

    rows: Writable
    validations: Sequence[Validation]
    asked: Mapping[str, Any]
    source: SourceIdentity | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    read: Mapping[str, str] | None = None


def handed_on(
    context: dg.AssetExecutionContext,
    deployment: Deployment,
    spec: FrameSpec,
    draw: Draw,
    log: ExecutionLog,
) -> Iterator[dg.AssetCheckResult | dg.Output[Drawn]]:
    """Write what was drawn and its evidence package; give the results of its checks, then the rows."""
    month, settings = month_of(context), deployment.settings
    with deployment.storage.spooled(spec.name, month.key, context.run.run_id[:8]) as spool:
        written = write_parquet(draw.rows, spec, spool)
        log("rows written, sorted", rows=written.rows, size_bytes=written.size_bytes)
        log("validated", failed=[v.name for v in draw.validations if v.tested and not v.passed])
        documents: dict[str, Document] = {
            "00_system_context.json": system_context(
                run_id=context.run.run_id,
                month=month.key,
                scope=settings.scope,
                sample=settings.is_sample,
                source=draw.source,
                version=deployment.version,
            ),
            "02_query_parameters.json": draw.asked,
            **data_documents(written, spec, sample=settings.is_sample),
            "06_validation_results.json": {"validations": [v.as_dict() for v in draw.validations]},
            "07_execution_log.json": {
                "attempts": [{"attempt": 1, "result": "done"}],
                "events": log.entries,
            },
            **{f"files/{name}": content for name, content in draw.files.items()},
        }
        package = write_package(
            deployment.home.package_folder(month.key, spec.name, context.run.run_id), documents
        )
        yield from (check_result(spec.name, v, deployment.notes) for v in draw.validations)
        said: dict[str, Any] = {"validations": [v.as_result() for v in draw.validations]}
        metadata: dict[str, Any] = {"evidence": str(package), **package_link(deployment, package)}
        if draw.read is not None:
            said["files"] = dict(draw.read)
            metadata["files"] = dg.MetadataValue.json(dict(draw.read))
        yield dg.Output(Drawn(written, said), metadata=metadata)
