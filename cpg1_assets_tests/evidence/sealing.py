"""Sealed evidence for tests: copies to tamper with, and the settings of a month that is closed again later."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.disk import sha256_of
from cpg1_assets.evidence.audit import reperform
from cpg1_assets.evidence.chain.links import append_link, digest_of, read_chain
from cpg1_assets.evidence.chain.manifest import MANIFEST, ManifestRow, read_manifest, to_arrow
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE, ROW_TREES, SEAL_FILE
from cpg1_assets.evidence.row_tree.rows import row_tree
from cpg1_assets.home import Home
from cpg1_assets.rules.frames import CHECK_RESULTS, CONTROL_EFFECTIVENESS, OPEN_ITEM_COMMENTS
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.closing import Closed


def evidence_copy(closed: Closed, place: Path) -> Path:
    """Copy the evidence of a closed month, as an auditor gets it; give the folder."""
    return Path(shutil.copytree(Home(closed.settings).evidence_folder, place))


def sealed_folder(evidence: Path, month: str, version: int = 1) -> Path:
    """Folder of a sealed version."""
    return evidence / month / "seals" / f"{version:03d}"


def with_amount(
    path: Path, column: str, change: Callable[[list[object]], list[object]], *, rows: slice = slice(None)
) -> None:
    """Rewrite a Parquet file with one column changed, and only the rows of `rows` kept."""
    table = pq.read_table(path)
    index = table.schema.get_field_index(column)
    field = table.schema.field(index)
    changed = pa.chunked_array([pa.array(change(table.column(index).to_pylist()), field.type)])
    table = table.set_column(index, field, changed)
    start, stop, _ = rows.indices(table.num_rows)
    pq.write_table(table.slice(start, stop - start), path)


def earlier_month(evidence: Path, month: str, earlier: str) -> Path:
    """Make a sealed version of an earlier month beside that of `month`, with the same files; give its folder."""
    folder = Path(shutil.copytree(sealed_folder(evidence, month), sealed_folder(evidence, earlier)))
    seal = json.loads((folder / "seal.json").read_text())
    (folder / "seal.json").write_text(json.dumps(seal | {"month": earlier}))
    return folder


def listed_anew(folder: Path) -> None:
    """Write manifest and seal of a sealed version anew, as if the files it has now had been sealed."""
    prefix = f"seals/{folder.name}"
    own = [
        path for path in folder.rglob("*") if path.is_file() and path.name not in (SEAL_FILE, MANIFEST_FILE)
    ]
    kinds = {row.path: row.kind for row in read_manifest(folder / MANIFEST_FILE)}
    rows = [
        ManifestRow(name, kinds[name], path.stat().st_size, sha256_of(path))
        for path in own
        if (name := f"{prefix}/{path.relative_to(folder).as_posix()}")
    ]
    written = write_parquet(to_arrow(rows), MANIFEST, folder / MANIFEST_FILE)
    seal = json.loads((folder / SEAL_FILE).read_text())
    content = {Path(row.path).stem: row.sha256 for row in rows if row.kind == "data"}
    trees = {asset: row_tree(folder / "data" / f"{asset}.parquet")._asdict() for asset in content}
    now = {"manifest_sha256": written.sha256, "files": len(rows), "content": content, ROW_TREES: trees}
    (folder / SEAL_FILE).write_text(json.dumps(seal | now))


def second_version(folder: Path, change: Callable[[Path], None]) -> Path:
    """Seal a version 2 beside the first one in `folder`, which differs by what `change` does to a copy of it."""
    later = Path(shutil.copytree(folder, folder.with_name("002")))
    change(later)
    manifest = read_manifest(later / MANIFEST_FILE)
    kinds = {row.path.replace("seals/001/", "seals/002/"): row for row in manifest}
    write_parquet(
        to_arrow([row._replace(path=path) for path, row in kinds.items()]), MANIFEST, later / MANIFEST_FILE
    )
    evidence = folder.parents[2]
    first = read_chain(evidence)[0]
    seal = json.loads((later / SEAL_FILE).read_text())
    (later / SEAL_FILE).write_text(json.dumps(seal | {"version": 2, "sealed_at": first.made_at}))
    listed_anew(later)
    sealed = {
        "seal_sha256": sha256_of(later / SEAL_FILE),
        "manifest_sha256": sha256_of(later / MANIFEST_FILE),
    }
    append_link(evidence, "seal", {"month": first.body["month"], "version": 2, **sealed})
    return later


def without_open_items(folder: Path) -> None:
    """Make of a sealed version what was sealed before there were open items, which is also computed again sooner."""
    # What re-performance says an older one lacks, and what came later still.
    absent = {*reperform._OF_OPEN_ITEMS, OPEN_ITEM_COMMENTS.name, CONTROL_EFFECTIVENESS.name}  # noqa: SLF001
    results = folder / "data" / f"{CHECK_RESULTS.name}.parquet"
    rows = pq.read_table(results).to_pylist()
    older = [row for row in rows if row["asset"] not in absent]
    assert len(older) < len(rows)
    write_parquet(pa.Table.from_pylist(older, schema=CHECK_RESULTS.arrow_schema), CHECK_RESULTS, results)
    for name in absent:
        (folder / "data" / f"{name}.parquet").unlink()
        for text in (f"statements/{name}.sql", f"queries/{name}.sql", f"queries/{name}.yaml"):
            (folder / text).unlink(missing_ok=True)
    (folder / "rules" / "open_items.yaml").unlink()
    listed_anew(folder)
    evidence = folder.parents[2]
    (link,) = read_chain(evidence)
    now = {"seal_sha256": sha256_of(folder / SEAL_FILE), "manifest_sha256": sha256_of(folder / MANIFEST_FILE)}
    link = replace(link, body={**link.body, **now})
    (evidence / link.name).write_bytes(replace(link, digest=digest_of(link)).content())
