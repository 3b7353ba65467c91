"""Which evidence a command reads: that of the deployment, a copy, or an export, packed or unpacked; and by whose keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpg1_assets.cli.answering import PlaceType
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.evidence.chain.seal import SealedVersion

evidence_path = click.option(
    "--path",
    metavar="PLACE",
    type=PlaceType(path_type=Path),
    help="Evidence folder, folder an export was unpacked to, or exported archive. Default: that under CPG1_HOME.",
)

version_option = click.option(
    "--version",
    metavar="NUMBER",
    type=click.IntRange(1),
    help="Sealed version of the month. Default: the newest.",
)

trusted_keys_option = click.option(
    "--trusted-key",
    "trusted_keys",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    multiple=True,
    help="Public key file that links must be signed with. May be repeated.",
)


def evidence_folder() -> Path:
    """Give the evidence folder under CPG1_HOME. Raises SettingsError."""
    return Home(Settings.from_environment()).evidence_folder


@contextmanager
def opened(path: Path | None) -> Iterator[Path]:
    """Give the evidence folder of what `path` names; with None, that under CPG1_HOME, and no other setting is looked at.

    Raises EvidenceError when there is nothing to open, and for an export that is not as it was exported: `verify` says
    all that is wrong with it.
    """
    from cpg1_assets.evidence.audit.export import opened_evidence  # noqa: PLC0415 - imports pyarrow

    if path is None:
        yield evidence_folder()
        return
    with opened_evidence(path.absolute()) as found:
        if found.problems:
            raise EvidenceError(
                f"{path} is not as it was exported. {found.problems[0].path}: {found.problems[0].message} See: "
                f"cpg1 evidence verify --path {path}"
            )
        yield found.folder


def sealed_in(evidence: Path, month: str, version: int | None = None) -> "SealedVersion":
    """Give a sealed version of a month, the newest unless `version` says which; its seal is the one of the chain.

    Raises EvidenceError when it was not sealed or is not there.
    """
    from cpg1_assets.evidence.chain.seal import sealed_versions  # noqa: PLC0415 - imports pyarrow

    versions = {sealed.version: sealed for sealed in sealed_versions(evidence, month)}
    if not versions:
        raise EvidenceError(
            f"{month} is not sealed in {evidence}. A month is sealed when it is closed and its blocking checks "
            f"pass: cpg1 close --month {month}; or name the folder of the evidence with --path."
        )
    chosen = max(versions) if version is None else version
    if chosen not in versions:
        there = ", ".join(map(str, sorted(versions)))
        raise EvidenceError(f"{month} has no version {chosen}. Its sealed versions are: {there}.")
    if not versions[chosen].folder.is_dir():
        raise EvidenceError(
            f"Version {chosen} of {month} was sealed, and is not in {evidence}. An export holds one month; for what else "
            "is missing see: cpg1 evidence verify"
        )
    # The version's own seal must be the one the chain has: it says what was sealed.
    _ = versions[chosen].seal
    return versions[chosen]
