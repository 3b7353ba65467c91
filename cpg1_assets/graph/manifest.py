"""The asset `evidence_manifest`: the last of a month, which seals it.

What a seal is, and how it is made, is in `cpg1_assets.evidence.chain.seal`; here it gets a month's content from the
deployment and shows what came of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from cpg1_assets.deployment import Deployment, require_as_loaded
from cpg1_assets.effectiveness.control_effectiveness import SEEDING
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.reperform import frames_that_differ
from cpg1_assets.evidence.chain.manifest import MANIFEST, to_arrow
from cpg1_assets.evidence.chain.proof import Stored, require_check_results, require_one_version
from cpg1_assets.evidence.chain.seal import MonthContent, SealResult, seal_month
from cpg1_assets.evidence.chain.sign_off import require_open, signing_lock
from cpg1_assets.evidence.chain.signing import open_signer
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.evidence.packages.package import Document
from cpg1_assets.evidence.sql_pack.pack import sql_pack
from cpg1_assets.extracts.scope import SCOPE_FILE
from cpg1_assets.graph.checks import circumstances_of
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.drawn import DRAWN_FROM
from cpg1_assets.graph.frame_types import frame_type
from cpg1_assets.graph.links import page_link
from cpg1_assets.graph.retry import retrying
from cpg1_assets.graph.steps import deployment_of, enter_step, month_of
from cpg1_assets.loaded import TEXTS
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.checks import check_statements
from cpg1_assets.rules.frames import CHECK_RESULTS, CONTROL_EFFECTIVENESS, DERIVED_FRAMES
from cpg1_assets.rules.graph import derivations, rule_statement

_COMPUTED_AGAIN_BYTES = 64 << 20
"""Data of a month, as Parquet, up to which it is computed again where a run did not compute all of it itself."""


def manifest_asset(partitions: dg.PartitionsDefinition[str], assets: Sequence[str]) -> dg.AssetsDefinition:
    """Make the asset; `assets` are all others of the month, none of which may be missing from a seal."""

    @dg.asset(
        name=MANIFEST.name,
        description=f"{MANIFEST.title}.\n\n{MANIFEST.description}",
        partitions_def=partitions,
        group_name="evidence",
        kinds={"parquet", "json"},
        io_manager_key="parquet",
        required_resource_keys={"deployment", "parquet"},
        dagster_type=frame_type(MANIFEST),
        deps=list(assets),
    )
    def evidence_manifest(context: dg.AssetExecutionContext) -> pd.DataFrame:
        deployment, month = deployment_of(context), month_of(context)
        with retrying(context, deployment.settings):
            enter_step(deployment, month.key, context.run.run_id, context.instance, materializes=True)
            if deployment.settings.scope is not None:
                context.log.info("Not sealed: a narrowed scope does not count as the control.")
                context.add_output_metadata({"sealed": "no: a narrowed scope does not count as the control"})
                return _frame([])
            settings, evidence = deployment.settings, deployment.home.evidence_folder
            require_as_loaded(deployment)
            content = month_content(deployment, month, assets, context.run.run_id)
            if not context.resources.parquet.has_published(context.run.run_id, month.key, content.proven):
                # Files of other runs or processes: provenance says where they came from, and is itself a file.
                content = replace(content, proof=lambda version: _require_reperformed(version, month.key))
            with signing_lock(evidence):
                require_open(evidence, month.key)  # nobody signs what is replaced at this moment
                result = seal_month(
                    evidence,
                    month.key,
                    content,
                    run_id=context.run.run_id,
                    signer=open_signer(settings.signing_key_file, settings.signing_key),
                )
            for folder in result.lost:
                context.log.warning(
                    "%s is in the chain and not there any more. Put it back from a copy; see: cpg1 evidence verify %s",
                    folder,
                    month.key,
                )
            context.add_output_metadata({**_metadata(result), **page_link(deployment, month.key)})
            return _frame(result.sealed.manifest())

    return evidence_manifest


def month_content(
    deployment: Deployment, month: CutoffMonth, assets: Sequence[str], run_id: str
) -> MonthContent:
    """Give what a seal of the month holds: files that are one computation, and what computed them.

    Raises EvidenceError naming the assets that are not in storage, or not proven, and what mends it.
    """
    missing = [asset for asset in assets if not deployment.storage.exists(asset, month.key)]
    if missing:
        raise EvidenceError(
            f"{month.key} cannot be sealed: {', '.join(missing)} not in storage. Close the whole month with: "
            f"cpg1 close --month {month.key}"
        )
    stored = {asset: Stored(*deployment.storage.provenance(asset, month.key)) for asset in assets}
    drawn = [*deployment.catalog, *DRAWN_FROM]
    require_one_version(month.key, stored, code_versions(deployment), made_of(deployment))
    validations = {
        asset: file.provenance.said.get("validations", []) for asset, file in stored.items() if asset in drawn
    }
    results = deployment.storage.rows(CHECK_RESULTS.name, month.key)
    require_check_results(month.key, results, validations)
    queries: dict[str, Document] = {}
    for name, extract in sorted(deployment.catalog.items()):
        queries |= {f"{name}.sql": extract.sql, f"{name}.yaml": extract.contract_text}
    return MonthContent(
        data={asset: deployment.storage.opener(asset, month.key) for asset in sorted(assets)},
        proven={asset: file.sha256 for asset, file in stored.items()},
        rules={**deployment.rules.files, "scope.yaml": TEXTS[SCOPE_FILE]},
        statements={
            **{spec.name: rule_statement(spec.name) for spec in DERIVED_FRAMES},
            CHECK_RESULTS.name: check_statements(),
        },
        queries=queries,
        reperform=sql_pack(circumstances_of(deployment, month), assets),
        context=system_context(
            run_id=run_id,
            month=month.key,
            scope=deployment.settings.scope,
            sample=deployment.settings.is_sample,
            source=deployment.source.identity(),
            version=deployment.version,
        ),
        packaged=drawn,
        validations=validations,
    )


def made_of(deployment: Deployment) -> dict[str, Sequence[str]]:
    """Give what each asset of a month must have been made of, by asset; more may have been read."""
    return {
        **{name: made.inputs for name, made in derivations().items()},
        **DRAWN_FROM,
        CONTROL_EFFECTIVENESS.name: SEEDING,
        CHECK_RESULTS.name: [*deployment.catalog, *DRAWN_FROM],
    }


def _require_reperformed(version: Path, month: str) -> None:
    """Refuse a version whose derived frames are not what its extracts and rules give. Large months prove by provenance."""
    if sum(path.stat().st_size for path in (version / "data").iterdir()) > _COMPUTED_AGAIN_BYTES:
        return
    differing = frames_that_differ(version, month)
    if differing:
        raise EvidenceError(
            f"{month} is not sealed: {', '.join(differing)} in storage is not what the month's extracts and rules give. "
            f"Compute the whole month again: cpg1 close --month {month}"
        )


def _metadata(result: SealResult) -> dict[str, Any]:
    link = result.link
    signed = "not signed: no key is configured" if link.signature is None else link.signature["key_id"]
    return {
        "sealed": "now" if result.made else "already: the month is as it was sealed",
        "version": result.sealed.version,
        "chain_index": link.index,
        "digest": link.digest,
        "anchor": result.anchor,
        "signature": signed,
        "manifest_sha256": str(link.body["manifest_sha256"]),
        "evidence": str(result.sealed.folder),
        **({"lost": ", ".join(map(str, result.lost))} if result.lost else {}),
    }


def _frame(rows: list[Any]) -> pd.DataFrame:
    frame: pd.DataFrame = to_arrow(rows).to_pandas(types_mapper=pd.ArrowDtype)
    return frame
