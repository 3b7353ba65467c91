"""What link, seal and manifest of one sealed version say of it, held against one another.

Each was hashed by whoever knows the next, so that a disagreement is none of a bit that flipped: somebody wrote it.
Whether the files are what the manifest says is looked at in `month_check`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from cpg1_assets.errors import shown
from cpg1_assets.evidence.chain.links import Link, is_digest, time_of
from cpg1_assets.evidence.chain.manifest import ManifestRow
from cpg1_assets.evidence.chain.seal import CONTROL, FORMAT, ROW_TREES

_BODY = {"month", "version", "seal_sha256", "manifest_sha256"}
_OF_THE_CONTEXT = ("books", "code_version", "control_version", "git")
_PACKAGE_PARTS = 3
"""Asset, run, file."""


def wrong_link(link: Link, before: Sequence[int]) -> str:
    """Say what is wrong with the link of a seal; `before` are the versions sealed of its month before it."""
    version = link.body.get("version")
    if type(version) is not int or version < 1:
        return "It does not say which version it seals."
    if version in before:
        return f"It seals version {version} again, which the chain has a seal of before it."
    expected = before[-1] + 1 if before else 1
    if version != expected:
        return f"It seals version {version} where version {expected} is the next."
    body = link.body.keys() - {"taken_up"}
    if body != _BODY or not (is_digest(link.body["seal_sha256"]) and is_digest(link.body["manifest_sha256"])):
        return "It does not say what a seal says: month, version, SHA-256 of seal and manifest."
    return ""


def wrong_seal(seal: Mapping[str, Any], link: Link, before: Link | None) -> Iterator[str]:
    """Say what `seal.json` says that its link does not; `before` is the link of the version before it."""
    expected = {
        "format": FORMAT,
        "control": CONTROL,
        "month": link.body.get("month"),
        "version": link.body.get("version"),
        "manifest_sha256": link.body.get("manifest_sha256"),
    }
    for name, value in expected.items():
        if seal.get(name) != value or type(seal.get(name)) is not type(value):
            yield f"It says {name} {_told(seal.get(name))}; its link says {_told(value)}."
    sealed_at, made_at = time_of(seal.get("sealed_at")), time_of(link.made_at)
    if sealed_at is None:
        yield "It does not say when it was sealed."
    elif made_at is not None and sealed_at > made_at:
        yield f"It says sealed_at {_told(seal['sealed_at'])}, after its link was made ({link.made_at})."
    elif before is not None and (earlier := time_of(before.made_at)) is not None and sealed_at < earlier:
        yield (
            f"It says sealed_at {_told(seal['sealed_at'])}, before version {before.body.get('version')} was sealed "
            f"({before.made_at})."
        )


def wrong_manifest(rows: Sequence[ManifestRow], prefix: str) -> str:
    """Say why rows cannot be the manifest of the version in `prefix`, `seals/<NNN>`."""
    if not rows:
        return "It is empty, so nothing of this version was compared."
    own = f"{prefix}/"
    if not any(row.path.startswith(own) for row in rows):
        return "It lists no file of this version, so none was compared."
    for row in rows:
        parts = PurePosixPath(row.path).parts
        in_version, in_seals = row.path.startswith(own), parts[0] == PurePosixPath(own).parts[0]
        is_data = (
            len(parts) > _PACKAGE_PARTS
            and row.path == f"{own}data/{parts[-1]}"
            and parts[-1].endswith(".parquet")
        )
        fits = (
            (row.kind != "package" and (row.kind == "data") == is_data)
            if in_version
            else (row.kind == "package" and not in_seals and len(parts) >= _PACKAGE_PARTS)
        )
        if not fits:
            return f"It lists {shown(row.path)} as {row.kind}, where no such file is sealed."
    return ""


def wrong_counts(seal: Mapping[str, Any], rows: Sequence[ManifestRow], prefix: str) -> Iterator[str]:
    """Say what `seal.json` says of the manifest, and the manifest does not."""
    if type(seal.get("files")) is not int or seal["files"] != len(rows):
        yield f"It says files {_told(seal.get('files'))}; the manifest lists {len(rows)}."
    listed = {
        row.path.removeprefix(f"{prefix}/data/").removesuffix(".parquet"): row.sha256
        for row in rows
        if row.kind == "data"
    }
    content = seal.get("content")
    if not isinstance(content, dict):
        yield "It does not say which data was sealed."
        return
    for asset in sorted(content.keys() | listed.keys()):
        if content.get(asset) != listed.get(asset):
            yield f"It says another digest of {shown(asset)} than the manifest, or only one of them has it."

    yield from _wrong_row_trees(seal, content)


def _wrong_row_trees(seal: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[str]:
    """Say what no seal says of its rows; that the roots are those of the frames is found by re-performance alone."""
    if ROW_TREES not in seal:
        return
    trees = seal[ROW_TREES]
    if not isinstance(trees, dict) or trees.keys() != content.keys():
        yield "It does not say of each frame that was sealed which root its rows have."
        return
    for asset, tree in trees.items():
        if not (
            isinstance(tree, dict)
            and tree.keys() == {"rows", "root"}
            and type(tree["rows"]) is int
            and tree["rows"] >= 0
            and is_digest(tree["root"])
        ):
            yield f"What it says of the rows of {shown(asset)} is no number and no root."


def wrong_context(seal: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    """Say what `seal.json` says of books and code, and the sealed `context.json` does not."""
    for name in _OF_THE_CONTEXT:
        if seal.get(name) != context.get(name):
            yield f"It says {name} {_told(seal.get(name))}; context.json says {_told(context.get(name))}."


def _told(value: object) -> str:
    return shown(str(value))
