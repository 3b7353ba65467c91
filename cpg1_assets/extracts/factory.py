"""Makes a Dagster asset, with its checks and its evidence package, of every extract in the catalog.

Nothing here knows a particular extract: what one means is in its `.sql` and its contract.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import Cpg1Error, TransientSourceError
from cpg1_assets.evidence.context import system_context
from cpg1_assets.evidence.package import Document, data_snapshot, json_text, write_package
from cpg1_assets.evidence.summary import HOW_TO_RECOMPUTE, content_digest, data_summary
from cpg1_assets.extracts.catalog import Extract
from cpg1_assets.extracts.extraction import Extraction, extract_month
from cpg1_assets.extracts.validation import BLOCKING, statements
from cpg1_assets.frame import FrameSpec
from cpg1_assets.month import CutoffMonth
from cpg1_assets.storage.parquet import WrittenParquet
from cpg1_assets.validation import Validation

SOURCE_POOL = "source"
_OUR_ERRORS = f"{Cpg1Error.__module__}."


def extract_asset(extract: Extract, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Make the asset of one extract: partitioned by cutoff month, with a check for each validation."""
    contract = extract.contract
    texts = (extract.sql, extract.contract_path.read_text(encoding="utf-8"))

    @dg.asset(
        name=contract.name,
        description=f"{contract.title}.\n\n{contract.description}",
        partitions_def=partitions,
        group_name="extracts",
        kinds={"sql", "parquet"},
        pool=SOURCE_POOL,
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        code_version=hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12],
        metadata={
            "query": dg.MetadataValue.md(f"```sql\n{extract.sql}\n```"),
            "feeds": ", ".join(contract.feeds),
        },
        check_specs=check_specs(contract.name, statements(contract), partitions, blocking=BLOCKING),
    )
    def materialize_extract(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.Output[WrittenParquet]]:
        deployment: Deployment = context.resources.deployment
        with told_plainly(context, deployment.settings.retry_waits):
            month = CutoffMonth.parse(context.partition_key)
            deployment.settings.prepare_home()
            with deployment.storage.spooled(contract.name, month.key, context.run.run_id[:8]) as spool:
                extraction = extract_month(extract, deployment.source, deployment.scope, month, spool)
                package = write_package(
                    package_folder(deployment, month, contract.name, context.run.run_id),
                    _documents(extraction, extract, deployment, month, context),
                )
        yield from (check_result(contract.name, v, deployment.notes) for v in extraction.validations)
        if not extraction.complete:
            extraction.written.path.unlink(missing_ok=True)
            raise dg.Failure(
                f"{contract.name} of {month.key} is not complete: its rows or sums differ from the server's own "
                "totals. It was not put in storage and nothing downstream runs; see the check completeness and "
                f"the evidence in {package}. Run the month again; if it stays, ask who changes the source.",
                allow_retries=False,
            )
        yield dg.Output(extraction.written, metadata={"evidence": str(package), **_several(extraction)})

    return materialize_extract


class told_plainly:  # noqa: N801 - used as a statement: `with told_plainly(context, waits):`
    """Turns the product's errors into Dagster's: transient ones are retried, all others never.

    A transient source error is retried after each of `waits` seconds in turn; then it fails for good.
    """

    def __init__(self, context: dg.AssetExecutionContext, waits: tuple[float, ...]) -> None:
        """Remember the step and how long to wait before each retry."""
        self._context = context
        self._waits = waits

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate `error` when it is one of ours; let everything else through as it is."""
        retried = self._context.retry_number
        if isinstance(error, TransientSourceError) and retried < len(self._waits):
            attempts, wait = len(self._waits) + 1, self._waits[retried]
            self._context.log.warning(
                "Attempt %s of %s failed: %s Trying again in %g s.", retried + 1, attempts, error, wait
            )
            raise dg.RetryRequested(
                max_retries=len(self._waits), seconds_to_wait=self._waits[retried]
            ) from error
        if isinstance(error, Cpg1Error):
            raise dg.Failure(str(error), allow_retries=False) from error


def check_specs(
    asset: str,
    statements: Mapping[str, str],
    partitions: dg.PartitionsDefinition[str],
    *,
    blocking: Iterable[str] = (),
    besides: Iterable[str] = (),
) -> list[dg.AssetCheckSpec]:
    """Name the checks of an asset, partitioned as it is; `besides` are other assets they look at."""
    return [
        dg.AssetCheckSpec(
            name,
            asset=asset,
            description=statement,
            blocking=name in blocking,
            additional_deps=list(besides),
            partitions_def=partitions,
        )
        for name, statement in statements.items()
    ]


def check_result(asset: str, validation: Validation, notes: Mapping[str, str]) -> dg.AssetCheckResult:
    """Show a validation as Dagster's check result: its figures as metadata, with the deployment's `notes`."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=validation.name,
        passed=validation.passed,
        severity=dg.AssetCheckSeverity[validation.severity],
        description=validation.statement,
        metadata={
            name: metadata_value(figure) for name, figure in (validation.figures | dict(notes)).items()
        },
    )


def metadata_value(figure: Any) -> dg.MetadataValue[Any]:  # noqa: ANN401
    """Show a figure the way the UI shows it best: a table for rows, text for amounts, a number for counts."""
    if isinstance(figure, bool):
        return dg.MetadataValue.bool(figure)
    if isinstance(figure, int):
        return dg.MetadataValue.int(figure)
    if isinstance(figure, list) and figure and all(isinstance(row, dict) for row in figure):
        records = [dg.TableRecord({k: v if v is None else str(v) for k, v in row.items()}) for row in figure]
        return dg.MetadataValue.table(
            records, schema=dg.TableSchema([dg.TableColumn(name=str(name)) for name in figure[0]])
        )
    if isinstance(figure, list | dict):
        return dg.MetadataValue.json(figure)
    return dg.MetadataValue.text(str(figure))


def package_folder(deployment: Deployment, month: CutoffMonth, asset: str, run_id: str) -> Any:  # noqa: ANN401
    """Give the folder of an asset's evidence package of one run."""
    return deployment.settings.evidence_folder / month.key / asset / run_id


def data_documents(written: WrittenParquet, spec: FrameSpec, *, sample: bool) -> dict[str, Document]:
    """Give the documents about the data itself: snapshot, summary, hashes, and the full data."""
    return {
        "03_data_snapshot.csv": data_snapshot(written.path, sample=sample),
        "04_data_summary.json": data_summary(written.path, spec),
        "05_integrity_hash.json": {
            "file": "data.parquet",
            "rows": written.rows,
            "size_bytes": written.size_bytes,
            "sha256": written.sha256,
            "content_digest": content_digest(written.path),
            "how_to_recompute": HOW_TO_RECOMPUTE,
        },
        "data.parquet": written.path,
    }


def failed_attempts(context: dg.AssetExecutionContext) -> list[dict[str, Any]]:
    """Give why each earlier attempt of this step failed, from the run's own event log."""
    if not context.retry_number:
        return []
    step = context.op_execution_context.get_step_execution_context().step.key
    attempts: list[dict[str, Any]] = []
    for entry in context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY):
        event = entry.dagster_event
        if event is not None and event.step_key == step:
            why = first_cause(event.step_retry_data.error)
            attempts.append({"attempt": len(attempts) + 1, "result": "failed", "why": why})
    return attempts


def first_cause(error: SerializableErrorInfo | None) -> str:
    """Give what a person should read of an error in Dagster's event log: the words of the one that began it."""
    while error is not None and error.cause is not None:
        error = error.cause
    said = error.message.strip() if error is not None else ""
    return said.partition(": ")[2] if said.startswith(_OUR_ERRORS) else said


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
            "contract_sha256": hashlib.sha256(extract.contract_path.read_bytes()).hexdigest(),
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
        "contract.yaml": extract.contract_path,
        "query_as_written.sql": extract.sql,
    }


def _several(extraction: Extraction) -> dict[str, Any]:
    if not extraction.several_matches:
        return {}
    return {"rows_with_several_candidates": dg.MetadataValue.json(dict(extraction.several_matches))}
