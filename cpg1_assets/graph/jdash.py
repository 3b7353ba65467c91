"""The asset `jdash`: voucher usage according to operations, read from the files in the inbox.

How a file is read is in `cpg1_assets.jdash.month`; here it becomes an asset with checks and evidence.
"""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.evidence.packages.package import write_package
from cpg1_assets.evidence.packages.summary import data_documents
from cpg1_assets.extracts.extraction import ExecutionLog, companies_in_scope
from cpg1_assets.graph.check_specs import check_result, check_specs
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.inbox.folder import kept_as, shown
from cpg1_assets.jdash.month import JDASH, VALIDATIONS, JdashMonth, read_jdash
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.validation import Validation


def jdash_asset(partitions: dg.PartitionsDefinition[str], code_version: str) -> dg.AssetsDefinition:
    """Make the asset `jdash`."""

    @dg.asset(
        name="jdash",
        description=f"{JDASH.title}.\n\n{JDASH.description}",
        partitions_def=partitions,
        group_name="extracts",
        kinds={"csv", "excel", "parquet"},
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        code_version=code_version,
        check_specs=check_specs("jdash", VALIDATIONS, partitions),
    )
    def jdash(
        context: dg.AssetExecutionContext, cr_05: pa.Table
    ) -> Iterator[dg.AssetCheckResult | dg.Output[Drawn]]:
        deployment, month = deployment_of(context), month_of(context)
        settings = deployment.settings
        with retrying(context, deployment.settings):
            log = ExecutionLog()
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            source = (
                deployment.source.identity()
            )  # the sample books make their inbox when they are asked first
            companies = cr_05.column("id_company").to_pylist()
            read = read_jdash(
                deployment.home.inbox_folder,
                month,
                companies,
                _known_companies(deployment),
                _currencies(cr_05),
            )
            log(
                "files read",
                files=len(read.sources),
                problems=len(read.problems),
                missing=list(read.missing),
                left_alone=list(read.left_alone),
            )
            with deployment.storage.spooled("jdash", month.key, context.run.run_id[:8]) as spool:
                written = write_parquet(read.table, JDASH, spool)
                log("rows written, sorted", rows=written.rows, size_bytes=written.size_bytes)
                validations = _validations(read, companies)
                log("validated", failed=[v.name for v in validations if not v.passed])
                package = write_package(
                    deployment.home.package_folder(month.key, "jdash", context.run.run_id),
                    {
                        "00_system_context.json": system_context(
                            run_id=context.run.run_id,
                            month=month.key,
                            scope=settings.scope,
                            sample=settings.is_sample,
                            source=source,
                            version=deployment.version,
                        ),
                        "02_query_parameters.json": {
                            "inbox": shown(str(deployment.home.inbox_folder)),
                            "month": month.key,
                            "companies": companies,
                        },
                        **data_documents(written, JDASH, sample=settings.is_sample),
                        "06_validation_results.json": {"validations": [v.as_dict() for v in validations]},
                        "07_execution_log.json": {
                            "attempts": [{"attempt": 1, "result": "done"}],
                            "events": log.entries,
                        },
                        **{f"files/{kept_as(path.name)}": content for path, content in read.sources},
                    },
                )
                yield from (check_result("jdash", v, deployment.notes) for v in validations)
                said = {"validations": [v.as_result() for v in validations], "files": dict(read.files)}
                yield dg.Output(
                    Drawn(written, said),
                    metadata={"evidence": str(package), "files": dg.MetadataValue.json(dict(read.files))},
                )

    return jdash


def _known_companies(deployment: Deployment) -> list[str] | None:
    """Give all companies in scope where this run is narrowed to some: the others' files are then no problem."""
    if deployment.settings.companies is None:
        return None
    with deployment.source.session({"asset": "jdash"}) as session:
        return companies_in_scope(session)


def _currencies(cr_05: pa.Table) -> dict[str, str | None]:
    """Give the currency of each company's books, as its country says."""
    companies = cr_05.select(["id_company", "company_country"]).to_pylist()
    return {c["id_company"]: company_currency(c["id_company"], c["company_country"]) for c in companies}


def _validations(read: JdashMonth, companies: list[str]) -> list[Validation]:
    return [
        Validation(
            name="files_readable",
            statement=VALIDATIONS["files_readable"],
            passed=not read.problems,
            figures={
                "problems": [
                    {"id_company": p.id_company, "file": p.file, "message": p.message} for p in read.problems
                ],
                "left_alone": list(read.left_alone),
            },
        ),
        Validation(
            name="all_companies_present",
            statement=VALIDATIONS["all_companies_present"],
            passed=not read.missing,
            figures={
                "companies": len(companies),
                "missing": list(read.missing),
                "left_alone": list(read.left_alone_of_missing),
            },
        ),
    ]
