"""What somebody who can write the evidence folder can do to it: change, and hash anew whatever would show the change."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cpg1_assets.evidence.chain.links import canonical
from cpg1_assets.evidence.chain.manifest import MANIFEST, ManifestRow, read_manifest, to_arrow
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.evidence.small_year import link_of

Change = Callable[[dict[str, Any]], None]
Rows = Callable[[list[ManifestRow]], list[ManifestRow]]


def rewrite(evidence: Path, index: int, change: Change) -> None:
    """Change a link and write it, with its digest, as this software would."""
    said: dict[str, Any] = {**link_of(evidence, index)}
    change(said)
    signature = said.pop("signature", None)
    said.pop("digest", None)
    said["digest"] = hashlib.sha256(canonical(said)).hexdigest()
    if signature is not None:
        said["signature"] = signature
    (evidence / "chain" / f"{index:06d}.json").write_bytes(canonical(said) + b"\n")


def rewrite_from(evidence: Path, index: int) -> None:
    """Chain every link after `index` anew: what somebody does who covers up a change."""
    for after in range(index + 1, len(list((evidence / "chain").iterdir())) + 1):
        before = str(link_of(evidence, after - 1)["digest"])
        rewrite(evidence, after, lambda said, before=before: said.update(previous=before))  # type: ignore[misc]


def link_of_version(evidence: Path, month: str, version: int) -> int:
    """Give the number of the link that sealed a version."""
    for path in sorted((evidence / "chain").iterdir()):
        said = json.loads(path.read_bytes())
        if (said["kind"], said["body"]["month"], said["body"]["version"]) == ("seal", month, version):
            return int(said["index"])
    raise AssertionError(f"{month} has no version {version}")


def forge(
    evidence: Path,
    month: str,
    version: int,
    *,
    seal: Change | bytes | None = None,
    rows: Rows | None = None,
    manifest: bytes | None = None,
) -> None:
    """Change seal and manifest of a version, and hash anew everything up to the head of the chain.

    `seal` changes what `seal.json` says or stands in its place; `rows` changes the manifest's rows, and `manifest`
    stands in its place.
    """
    folder = evidence / month / "seals" / f"{version:03d}"
    listing = folder / "manifest.parquet"
    if rows is not None:
        write_parquet(to_arrow(rows(read_manifest(listing))), MANIFEST, listing)
    if manifest is not None:
        listing.write_bytes(manifest)
    digest = hashlib.sha256(listing.read_bytes()).hexdigest()
    if isinstance(seal, bytes):
        (folder / "seal.json").write_bytes(seal)
    else:
        said = json.loads((folder / "seal.json").read_bytes()) | {"manifest_sha256": digest}
        if seal is not None:
            seal(said)
        (folder / "seal.json").write_text(json.dumps(said))
    body = {
        "seal_sha256": hashlib.sha256((folder / "seal.json").read_bytes()).hexdigest(),
        "manifest_sha256": digest,
    }
    index = link_of_version(evidence, month, version)
    rewrite(evidence, index, lambda said: said["body"].update(body))
    rewrite_from(evidence, index)


def forge_file(evidence: Path, month: str, version: int, name: str, content: bytes) -> None:
    """Change a file of a version (`data/ipe_08.parquet`), and hash anew everything up to the head of the chain."""
    path = evidence / month / "seals" / f"{version:03d}" / name
    path.write_bytes(content)
    digest, listed = hashlib.sha256(content).hexdigest(), f"seals/{version:03d}/{name}"

    def seal(said: dict[str, Any]) -> None:
        if name.startswith("data/"):
            said["content"][path.stem] = digest

    def rows(there: list[ManifestRow]) -> list[ManifestRow]:
        return [
            row._replace(size_bytes=len(content), sha256=digest) if row.path == listed else row
            for row in there
        ]

    forge(evidence, month, version, seal=seal, rows=rows)
