"""The evidence assets: packages of the bridge calculations and of the classifications, as files and as frames.

Each frame lists the files of its package that the calculation decides, with size and SHA-256. What only
describes the run (`00_system_context.json`) is in the package and not in the frame, so that the same
month gives the same frame.
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd
import pyarrow as pa
from pyarrow.dataset import Dataset

from cpg1_assets import embedded
from cpg1_assets.disk import sha256_of
from cpg1_assets.embedded import plain
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.evidence.packages.package import Document, write_package
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.graph.frame_types import frame_type
from cpg1_assets.graph.inputs import named_inputs
from cpg1_assets.graph.steps import deployment_of, month_of
from cpg1_assets.home import naming_places
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.graph import rule_statement
from cpg1_assets.rules.material_proof_rows import material_proof_rows

_CONTEXT = "00_system_context.json"
_COLUMNS = columns(
    ("path", "text", "File, relative to the package"),
    ("size_bytes", "integer", "Size in bytes"),
    ("sha256", "text", "SHA-256 of the file's bytes"),
    required=["path", "size_bytes", "sha256"],
)
BRIDGE_CALCULATIONS_EVIDENCE = FrameSpec(
    name="bridge_calculations_evidence",
    title="Evidence of the bridge calculations",
    description="Each bridge's amount by company, its proof rows, and the rules and thresholds used.",
    key=("path",),
    columns=_COLUMNS,
)
BRIDGE_CLASSIFICATIONS_EVIDENCE = FrameSpec(
    name="bridge_classifications_evidence",
    title="Evidence of the classification of collection items",
    description="Counts and amounts by bridge key, the unclassified rows, and the classification rules.",
    key=("path",),
    columns=_COLUMNS,
)
EVIDENCE_FRAMES = (BRIDGE_CALCULATIONS_EVIDENCE, BRIDGE_CLASSIFICATIONS_EVIDENCE)


def package_assets(
    partitions: dg.PartitionsDefinition[str], codes: Mapping[str, str]
) -> list[dg.AssetsDefinition]:
    """Make the two evidence assets; `codes` are the code versions of all assets."""

    def bridge_calculations_evidence(context: dg.AssetExecutionContext, **frames: Dataset) -> pd.DataFrame:
        book = deployment_of(context).rules
        amounts = {name: _amount_by_company(frames[name], bridge.amount) for name, bridge in bridges.items()}
        proven = {name: frames[name] for name, bridge in bridges.items() if bridge.has_proof_rows}
        material = material_proof_rows(
            **proven, cr_05=frames["cr_05"], lines=book.lines, thresholds=book.thresholds
        )
        figures: dict[str, Document] = {
            "amounts_by_company.json": amounts,
            "material_rows.json": {"rows": list(map(plain, to_table(material).to_pylist()))},
        }
        return _package(context, "bridge_calculations", list(bridges), figures)

    bridges = {
        name: bridge
        for name, bridge in BRIDGES.items()
        if bridge.evidence == BRIDGE_CALCULATIONS_EVIDENCE.name
    }
    named_inputs(bridge_calculations_evidence, [*bridges, "cr_05"])

    @dg.asset(
        description=BRIDGE_CLASSIFICATIONS_EVIDENCE.description,
        partitions_def=partitions,
        group_name="evidence",
        kinds={"parquet", "json"},
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        dagster_type=frame_type(BRIDGE_CLASSIFICATIONS_EVIDENCE),
        code_version=codes[BRIDGE_CLASSIFICATIONS_EVIDENCE.name],
    )
    def bridge_classifications_evidence(
        context: dg.AssetExecutionContext, ipe_31_classified: Dataset
    ) -> pd.DataFrame:
        with embedded.opened() as connection:
            connection.register("items", ipe_31_classified)
            by_key = embedded.rows(
                connection,
                "SELECT bridge_key, bridge_title, id_company, count(*) AS items, sum(amount) AS amount "
                "FROM items GROUP BY ALL ORDER BY bridge_key NULLS FIRST, bridge_title, id_company",
            )
            unclassified = embedded.rows(
                connection, "SELECT * FROM items WHERE bridge_key IS NULL ORDER BY ALL NULLS FIRST"
            )
        return _package(
            context,
            "bridge_classifications",
            ["ipe_31_classified"],
            {
                "counts_and_amounts.json": {"by_bridge_key_and_company": list(map(plain, by_key))},
                "unclassified_rows.json": {"rows": list(map(plain, unclassified))},
            },
        )

    calculations = dg.asset(
        description=BRIDGE_CALCULATIONS_EVIDENCE.description,
        partitions_def=partitions,
        group_name="evidence",
        kinds={"parquet", "json"},
        io_manager_key="parquet",
        required_resource_keys={"deployment"},
        dagster_type=frame_type(BRIDGE_CALCULATIONS_EVIDENCE),
        code_version=codes[BRIDGE_CALCULATIONS_EVIDENCE.name],
    )(bridge_calculations_evidence)
    return [calculations, bridge_classifications_evidence]


def _package(
    context: dg.AssetExecutionContext, name: str, proofs: list[str], figures: dict[str, Document]
) -> pd.DataFrame:
    """Write a package: the figures, the proof rows (the storage files, byte for byte), and the rules used."""
    deployment, month = deployment_of(context), month_of(context)
    documents: dict[str, Document] = {
        **figures,
        **{f"{proof}.parquet": deployment.storage.opener(proof, month.key) for proof in proofs},
        **{f"rules/{file}": content for file, content in deployment.rules.files.items()},
        **{f"rules/{proof}.sql": rule_statement(proof) for proof in proofs},
    }
    about = {
        **system_context(
            run_id=context.run.run_id,
            month=month.key,
            scope=deployment.settings.scope,
            sample=deployment.settings.is_sample,
            source=None,
            version=deployment.version,
        ),
        "rule_versions": deployment.rules.versions(),
    }
    with naming_places(deployment.settings):
        package = write_package(
            deployment.home.package_folder(month.key, name, context.run.run_id),
            {_CONTEXT: about, **documents},
        )
    context.add_output_metadata({"evidence": str(package)})
    listed = pa.table(
        {
            "path": sorted(documents),
            "size_bytes": [(package / name).stat().st_size for name in sorted(documents)],
            "sha256": [sha256_of(package / name) for name in sorted(documents)],
        },
        schema=BRIDGE_CALCULATIONS_EVIDENCE.arrow_schema,
    )
    frame: pd.DataFrame = listed.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _amount_by_company(frame: Dataset, amount: str | None) -> list[dict[str, object]]:
    """Sum a bridge by company, LCY; a bridge that identifies and does not quantify amounts to zero."""
    summed = f'sum("{amount}")' if amount is not None else "CAST(0 AS DECIMAL(24, 4))"
    with embedded.opened() as connection:
        connection.register("bridge", frame)
        found = embedded.rows(
            connection,
            f"SELECT id_company, count(*) AS rows, {summed} AS amount FROM bridge "
            "GROUP BY id_company ORDER BY id_company",
        )
    return list(map(plain, found))
