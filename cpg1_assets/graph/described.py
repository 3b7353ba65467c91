"""What the catalog of the UI says of each asset besides its description: whose it is, what it holds, when it is due.

Assets are made elsewhere; here all of them get what follows from their names and frames.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg

from cpg1_assets.deliverables.files import SUFFIXES
from cpg1_assets.deployment import Deployment
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.preview import is_shown
from cpg1_assets.loaded import PACKAGE
from cpg1_assets.rules.frames import DERIVED_FRAMES, RECONCILIATION

CONTROL = "C-PG-1"
_OWNERS = {"extracts": ["team:data_engineering"], "evidence": ["team:internal_control"]}
_OF_THE_CLOSE = ["team:accounting"]
_DUE_CRON, _DAYS_TO_CLOSE = "0 6 10 * *", 9
"""A month is closed from its first day after to the tenth, at 06:00 UTC: the latest day a company is due, and one more."""


def described(
    assets: Sequence[dg.AssetsDefinition], deployment: Deployment, specs: Mapping[str, FrameSpec]
) -> list[dg.AssetsDefinition]:
    """Give the assets with owners, tags, references to their code, and of the results when they are due."""

    def with_more(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.path[-1]
        more = spec.replace_attributes(
            owners=_OWNERS.get(spec.group_name or "", _OF_THE_CLOSE),
            tags={**spec.tags, **_tags(specs.get(name))},
        ).merge_attributes(metadata=_code_references(name, deployment))
        if name in (RECONCILIATION.name, MANIFEST.name) and not deployment.settings.is_sample:
            return more.replace_attributes(freshness_policy=_closed_every_month())
        return more

    return [made.map_asset_specs(with_more) for made in assets]


def _tags(spec: FrameSpec | None) -> dict[str, str]:
    """Say which control it is, which accounts it feeds, and whether it may tell of people: what is no frame may."""
    feeds = getattr(spec, "feeds", ())
    is_free = spec is not None and all(map(is_shown, spec.columns))
    return {
        "control": CONTROL,
        "personal_data": "none" if is_free else "possible",
        **{f"gl_account/{account}": "" for account in feeds},
    }


def _closed_every_month() -> dg.FreshnessPolicy:
    """Due every month; the sample books have their months for ever, and are never late."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=_DUE_CRON, lower_bound_delta=timedelta(days=_DAYS_TO_CLOSE), timezone="UTC"
    )


def _code_references(name: str, deployment: Deployment) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Point to the files a person opens to see what an asset is: statement and contract, rule, or what reads its files."""
    if name in deployment.catalog:
        queries = PACKAGE / "extracts" / "queries"
        files = {"query": queries / f"{name}.sql", "contract": queries / f"{name}.yaml"}
    elif name in {spec.name for spec in DERIVED_FRAMES}:
        files = {"rule": PACKAGE / "rules" / f"{name}.py"}
    else:
        own = PACKAGE / "graph" / f"{_MODULES.get(name, name)}.py"
        files = {"asset": own}
    return {
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[_reference(label, path) for label, path in files.items() if path.is_file()]
        )
    }


def _reference(label: str, path: Path) -> dg.LocalFileCodeReference:
    return dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=label)


_MODULES = {
    MANIFEST.name: "manifest",
    "bridge_calculations_evidence": "packages",
    "bridge_classifications_evidence": "packages",
    **dict.fromkeys(SUFFIXES, "deliverables"),
}
