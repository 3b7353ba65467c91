"""Makes a Dagster asset, with its checks and its evidence package, of every extract in the catalog.

Nothing here knows a particular extract: what one means is in its `.sql` and its contract.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.evidence.packages.package import Document, json_text, write_package
from cpg1_assets.evidence.packages.summary import data_documents
from cpg1_assets.extracts.catalog import Extract
from cpg1_assets.extracts.extraction import Extraction, extract_month
from cpg1_assets.extracts.validation import BLOCKING, statements
from cpg1_assets.graph.check_specs import check_result, check_specs
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.links import package_link
from cpg1_assets.graph.retry import failed_attempts, retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.month import CutoffMonth

SOURCE_POOL = "source"


def extract_asset(
    extract: Extract, partitions: dg.PartitionsDefinition[str], code_version: str
) -> dg.AssetsDefinition:
    """Make the asset of one extract: partitioned by cutoff month, with a check for each validation."""
    contract = extract.contract

    @dg.asset(
        name=contract.name,
        description=f"{contract.title}.\n\n{contract.description}",
        partitions_def=partitions,
        group_name="extracts",
        kinds={"sql", "parquet"},
        pool=SOURCE_POOL,
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        code_version=code_version,
        metadata={
            "query": dg.MetadataValue.md(f"```sql\n{extract.sql}\n```"),
            "feeds": ", ".join(contract.feeds),
        },
        check_specs=check_specs(contract.name, statements(contract), partitions, blocking=BLOCKING),
    )
    def materialize_extract(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.Output[Drawn]]:
        deployment, month = deployment_of(context), month_of(context)
        with retrying(context, deployment.settings, deployment.settings.retry_waits):
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            with deployment.storage.spooled(contract.name, month.key, context.run.run_id[:8]) as spool:
                extraction = extract_month(extract, deployment.source, deployment.scope, month, spool)
                package = write_package(
                    deployment.home.package_folder(month.key, contract.name, context.run.run_id),
                    _documents(extraction, extract, deployment, month, context),
                )
                yield from (check_result(contract.name, v, deployment.notes) for v in extraction.validations)
                if not extraction.complete:
                    raise dg.Failure(
                        f"{contract.name} of {month.key} is not complete: its rows or sums differ from the server's own "
                        "totals. It was not put in storage and nothing downstream runs; see the check completeness and "
                        f"the evidence in {package}. Run the month again; if it stays, ask who changes the source.",
                        allow_retries=False,
                    )
                said = {"validations": [v.as_result() for v in extraction.validations]}
                yield dg.Output(
                    Drawn(extraction.written, said),
                    metadata={
                        "evidence": str(package),
                        **package_link(deployment, package),
                        **_several(extraction),
                    },
                )

    return materialize_extract


def _documents(
    extraction: Extraction,
    extract: Extract,
    deployment: Deployment,
    month: CutoffMonth,
    context: dg.AssetExecutionContext,
) -> dict[str, Document]:
    scope = deployment.settings.scope
    return {
        "00_system_context.json": system_context(
            run_id=context.run.run_id,
            month=month.key,
            scope=scope,
            sample=deployment.settings.is_sample,
            source=extraction.source,
            version=deployment.version,
        ),
        "01_executed_query.sql": extraction.text_sent,
        "02_query_parameters.json": {
            name: list(map(str, value)) if isinstance(value, tuple) else value
            for name, value in extraction.parameters.items()
        },
        **data_documents(extraction.written, extract.contract, sample=deployment.settings.is_sample),
        "06_validation_results.json": {
            "validations": [v.as_dict() for v in extraction.validations],
            "rows_with_several_candidates_in_a_descriptive_join": dict(extraction.several_matches),
            "queries": dict(extraction.control_queries),
            "contract_sha256": hashlib.sha256(extract.contract_text.encode()).hexdigest(),
        },
        "07_execution_log.json": json_text(
            {
                "attempts": [
                    *failed_attempts(context),
                    {"attempt": context.retry_number + 1, "result": "done"},
                ],
                "events": extraction.log,
            }
        ),
        "contract.yaml": extract.contract_text,
        "query_as_written.sql": extract.sql,
    }


def _several(extraction: Extraction) -> dict[str, Any]:
    if not extraction.several_matches:
        return {}
    return {"rows_with_several_candidates": dg.MetadataValue.json(dict(extraction.several_matches))}
