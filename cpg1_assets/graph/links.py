"""Links from the UI to the page beside it, which `cpg1 ui` serves: a month's report, workbook and evidence."""

from pathlib import Path
from urllib.parse import quote

import dagster as dg

from cpg1_assets.deployment import Deployment


def page_link(deployment: Deployment, *parts: str) -> dict[str, dg.UrlMetadataValue]:
    """Give the metadata that links to a folder of the page; nothing where none is served."""
    address = deployment.settings.page_address
    if address is None:
        return {}
    return {"page": dg.MetadataValue.url("/".join([address, *(quote(part, safe="") for part in parts), ""]))}


def package_link(deployment: Deployment, package: Path) -> dict[str, dg.UrlMetadataValue]:
    """Give the metadata that links to an evidence package."""
    return page_link(deployment, "evidence", *package.relative_to(deployment.home.evidence_folder).parts)


def file_link(deployment: Deployment, path: Path) -> dict[str, dg.UrlMetadataValue]:
    """Give the metadata that links to a file below the reports."""
    folder, name = path.relative_to(deployment.home.reports_folder).parts
    link = page_link(deployment, "reports", folder, name)
    return {key: dg.MetadataValue.url((value.url or "").removesuffix("/")) for key, value in link.items()}
