"""The asset `jdash`: voucher usage according to operations, read from the files in the inbox.

How a file is read is in `cpg1_assets.jdash.month`; here it becomes an asset with checks and evidence.
"""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from cpg1_assets.deployment import Deployment
from cpg1_assets.extracts.extraction import ExecutionLog, companies_in_scope
from cpg1_assets.graph.check_specs import check_specs
from cpg1_assets.graph.drawn import Draw, handed_on
from cpg1_assets.graph.io_manager import Drawn
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.inbox.folder import kept_as, shown
from cpg1_assets.jdash.month import JDASH, VALIDATIONS, JdashMonth, read_jdash
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
            yield from handed_on(
                context,
                deployment,
                JDASH,
                Draw(
                    rows=read.table,
                    validations=_validations(read, companies),
                    asked={
                        "inbox": shown(str(deployment.home.inbox_folder)),
                        "month": month.key,
                        "companies": companies,
                    },
                    source=source,
                    files={kept_as(path.name): content for path, content in read.sources},
                    read=read.files,
                ),
                log,
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
