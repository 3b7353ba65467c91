"""Sealing a month: a version of all its data, rules and packages, listed by hash and bound into the chain.

`<month>/seals/<NNN>/` under the evidence folder, made beside its place and renamed, never touched again.
A version counts from the moment the chain has a link for it; one that a killed process left without a link
is taken up by the next sealing. No Dagster here, and nothing is read but the evidence folder.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cpg1_assets.disk import sha256_of, sync
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.durable import chunks, keep
from cpg1_assets.evidence.chain.links import (
    SEAL,
    Link,
    anchor_of,
    append_link,
    clear_half_written,
    inspect_chain,
    os_account,
    read_chain,
    time_now,
)
from cpg1_assets.evidence.chain.manifest import (
    LARGEST_MANIFEST,
    MANIFEST,
    ManifestRow,
    parse_manifest,
    read_manifest,
    to_arrow,
)
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.evidence.packages.package import Document, json_text
from cpg1_assets.json_file import parse_json, read_object, require_object
from cpg1_assets.lock import held_lock
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.plain_file import read_plain, sha256_of_plain
from cpg1_assets.refusal import naming
from cpg1_assets.validation import NOTHING_TO_TEST

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "cpg1-seal-1"
CONTROL = "C-PG-1"
SEALS = "seals"
ROW_TREES = "row_trees"
"""What a seal says of the rows of each frame, as `row_tree.rows` counts and hashes them; those made before say nothing."""
SEAL_FILE, MANIFEST_FILE, CONTEXT_FILE = "seal.json", "manifest.parquet", "context.json"
LARGEST_SEAL = 8_000_000
"""Bytes; a seal has a few thousand."""
_LARGEST_DOCUMENT = 64_000_000
_DESCRIBES_THE_RUN = {"context", "package"}
_VERSION = re.compile(r"[0-9]{3,6}")


@dataclass(frozen=True)
class MonthContent:
    """What is sealed of a month, by name: storage files by asset, and the texts they came from.

    `proven` are the SHA-256 of the data files that were proven to belong together, by asset; other bytes are not
    sealed. `packaged` are the assets whose evidence package holds their data file: what is sealed must be what a
    package of the month vouches for.
    """

    data: Mapping[str, Document]
    proven: Mapping[str, str]
    rules: Mapping[str, Document]
    statements: Mapping[str, Document]
    queries: Mapping[str, Document]
    context: Mapping[str, Any]
    packaged: Iterable[str] = field(default=())
    validations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was found when each packaged asset was drawn, by asset: a package must say the same."""
    reperform: Mapping[str, Document] = field(default_factory=dict)
    """The control as plain SQL, for who computes the month again without this software: files by name."""
    proof: Callable[[Path], None] | None = None
    """Looks at the version before it counts; raises what speaks against it."""

    def documents(self) -> Iterator[tuple[str, str, Document]]:
        """Give each file of the version: its path in it, its kind, its content."""
        for asset, document in self.data.items():
            yield f"data/{asset}.parquet", "data", document
        for name, document in self.rules.items():
            if name == "scope.yaml":
                yield name, "scope", document
            else:
                yield f"rules/{name}", "rules", document
        for asset, document in self.statements.items():
            yield f"statements/{asset}.sql", "statement", document
        for name, document in self.queries.items():
            yield f"queries/{name}", "query", document
        for name, document in self.reperform.items():
            yield f"reperform/{name}", "reperform", document
        yield CONTEXT_FILE, "context", self.context


@dataclass(frozen=True)
class SealedVersion:
    """One sealed version of a month: its folder, its number, and its link of the chain."""

    folder: Path
    month: str
    version: int
    link: Link

    def data(self, asset: str) -> Path:
        """Place of the sealed data of an asset, which is as it was sealed.

        Raises EvidenceError when the version does not have it, or when it is another file by now.
        """
        path = self.folder / "data" / f"{asset}.parquet"
        try:
            sha256 = sha256_of_plain(path)
        except FileNotFoundError:
            raise EvidenceError(
                f"{path} is not there: {asset} was not sealed, or the file was removed."
            ) from None
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
        if sha256 != self.content.get(asset):
            raise EvidenceError(self._altered(path))
        return path

    def table(self, asset: str, columns: Sequence[str]) -> "pa.Table":
        """Read these columns of the sealed data of an asset. Raises EvidenceError as `data`, and without a column."""
        import pyarrow as pa  # noqa: PLC0415 - the chain can be read without it

        from cpg1_assets.evidence.chain.sealed_table import read_columns  # noqa: PLC0415 - likewise

        path = self.data(asset)
        try:
            table = read_columns(path, columns)
        except (OSError, pa.ArrowException) as error:
            raise EvidenceError(f"{path} is not a readable Parquet file ({error}).") from error
        if set(table.column_names) != set(columns):
            raise EvidenceError(f"{path} does not have the columns {', '.join(columns)}.")
        return table

    def rule_file(self, name: str) -> bytes:
        """Give a rule file as it was sealed. Raises EvidenceError when the version does not have it, or has another."""
        return self.document(f"rules/{name}")

    def document(self, name: str) -> bytes:
        """Give a file of the version as it was sealed, by its path in it. Raises EvidenceError as `rule_file`."""
        path = self.folder / name
        sealed = {row.path: row.sha256 for row in self.manifest()}.get(f"{SEALS}/{self.folder.name}/{name}")
        try:
            content = read_plain(path, _LARGEST_DOCUMENT)
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
        if hashlib.sha256(content).hexdigest() != sealed:
            raise EvidenceError(self._altered(path))
        return content

    def _altered(self, path: Path) -> str:
        return f"{path} is not the file that was sealed. Look at the month with: cpg1 evidence verify {self.month}"

    @property
    def assets(self) -> list[str]:
        """Names of the sealed assets, sorted, whether their files are still there or not."""
        return sorted(self.content)

    @property
    def content(self) -> dict[str, str]:
        """SHA-256 of the sealed data by asset, as `seal` says. Raises EvidenceError where it says no such thing."""
        content = self.seal.get("content")
        if not isinstance(content, dict):
            raise EvidenceError(
                f"{self.folder / SEAL_FILE} does not say which data was sealed: it is no seal."
            )
        return content

    @cached_property
    def seal(self) -> dict[str, Any]:
        """What `seal.json` says. Raises EvidenceError when it is not what the chain has a digest of."""
        path = self.folder / SEAL_FILE
        try:
            content = read_plain(path, LARGEST_SEAL)
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
        if hashlib.sha256(content).hexdigest() != self.link.body.get("seal_sha256"):
            raise EvidenceError(self._altered(path))
        try:
            return require_object(parse_json(content))
        except ValueError as error:
            raise EvidenceError(f"{path} cannot be read ({error}).") from error

    def manifest(self) -> list[ManifestRow]:
        """Every file of the sealed month. Raises EvidenceError when the manifest is not the one that was sealed."""
        path = self.folder / MANIFEST_FILE
        try:
            content = read_plain(path, LARGEST_MANIFEST)
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error
        if hashlib.sha256(content).hexdigest() != self.seal.get("manifest_sha256"):
            raise EvidenceError(self._altered(path))
        return parse_manifest(content, str(path))


@dataclass(frozen=True)
class SealResult:
    """What sealing came to: the version that stands, whether it was made now, and linked versions that are lost.

    A number that the chain has a link for is never given again, also where the version's folder is not there.
    """

    sealed: SealedVersion
    made: bool
    lost: tuple[Path, ...] = ()

    @property
    def link(self) -> Link:
        """The link of the chain."""
        return self.sealed.link

    @property
    def anchor(self) -> str:
        """What to note on paper."""
        return anchor_of(self.link)


def seals_folder(evidence: Path, month: str) -> Path:
    """Folder of a month's sealed versions."""
    return evidence / month / SEALS


def sealed_versions(evidence: Path, month: str) -> list[SealedVersion]:
    """Give the versions of a month that the chain has a link for, in order.

    It does not say that they are whole, or there at all: `verify` does, and whoever reads one is told.
    """
    return versions_in(inspect_chain(evidence).links, evidence, month)


def versions_in(chain: Iterable[Link], evidence: Path, month: str) -> list[SealedVersion]:
    """Give the versions of a month that links of a chain, which was read before, are of, as `sealed_versions`."""
    found = {}
    for link in chain:
        version = link.body.get("version")
        if link.kind == SEAL and link.body.get("month") == month and isinstance(version, int):
            folder = seals_folder(evidence, month) / version_name(version)
            if version not in found:
                found[version] = SealedVersion(folder, month, version, link)
    return [found[version] for version in sorted(found)]


def latest_seal(evidence: Path, month: str) -> SealedVersion | None:
    """Give the newest sealed version of a month; None where the month was never sealed."""
    versions = sealed_versions(evidence, month)
    return versions[-1] if versions else None


def sealed_months(evidence: Path) -> list[str]:
    """Give the months that the chain has seals of, sorted."""
    links = inspect_chain(evidence).links
    return sorted({str(link.body.get("month")) for link in links if link.kind == SEAL})


def version_name(version: int) -> str:
    """Name of a version's folder."""
    return f"{version:03d}"


def version_folders(folder: Path) -> list[Path]:
    """Give the folders of sealed versions, linked or not, in order."""
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if _VERSION.fullmatch(path.name) and path.is_dir()),
        key=lambda path: int(path.name),
    )


def seal_month(
    evidence: Path, month: str, content: MonthContent, *, run_id: str, signer: Signer | None = None
) -> SealResult:
    """Seal a month as `content` has it; when that is what the newest version holds, give that version.

    Safe to repeat and safe to kill. Raises EvidenceError when the evidence is damaged or `content` is not
    what the month's packages hold, and StorageError when nothing can be written.
    """
    folder = seals_folder(evidence, month)
    with (
        held_lock(evidence.parent / "locks" / f"seal-{month}.lock", f"the seal of {month}", wait=True),
        naming(f"The seal of {month}", folder),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        clear_partials(folder)
        clear_half_written(evidence)
        links = read_chain(evidence)  # nothing is put on top of a damaged chain
        _take_up_unlinked(evidence, month, signer)
        versions = sealed_versions(evidence, month)
        lost = tuple(sealed.folder for sealed in versions if not sealed.folder.is_dir())
        newest = versions[-1] if versions else None
        if newest is not None and newest.folder not in lost and _as_sealed(newest, content):
            return SealResult(newest, made=False, lost=lost)
        version = 1 if newest is None else newest.version + 1
        before = [*links[-1:], *(sealed.link for sealed in versions[-1:])]
        made, sealed_at = _write_version(
            evidence, month, version, content, run_id, [link.made_at for link in before]
        )
        link = append_link(evidence, SEAL, _body(month, version, made), signer=signer, not_before=sealed_at)
        return SealResult(SealedVersion(made, month, version, link), made=True, lost=lost)


def _write_version(
    evidence: Path, month: str, version: int, content: MonthContent, run_id: str, not_before: Sequence[str]
) -> tuple[Path, str]:
    """Write a version beside its place and rename it there; give its folder, and when it says it was sealed."""
    from cpg1_assets.evidence.row_tree.rows import row_tree  # noqa: PLC0415 - verify does not need its libraries
    from cpg1_assets.storage.parquet import write_parquet  # noqa: PLC0415 - likewise

    folder = seals_folder(evidence, month)
    final = folder / version_name(version)
    beside = folder / partial_name(final.name)
    shutil.rmtree(beside, ignore_errors=True)  # what a killed step of this very run left half written
    prefix = f"{SEALS}/{final.name}"
    try:
        rows = []
        for name, kind, document in content.documents():
            rows.append(ManifestRow(f"{prefix}/{name}", kind, *keep(document, beside / name)))
        hashes = {row.path.removeprefix(f"{prefix}/"): row.sha256 for row in rows}
        packages = list(_package_rows(evidence / month))
        _require_proven(content, hashes, month)
        _require_packages(content, hashes, packages, month)
        _require_validations(evidence / month, content, hashes, packages)
        if content.proof is not None:
            content.proof(beside)
        manifest = write_parquet(to_arrow([*rows, *packages]), MANIFEST, beside / MANIFEST_FILE)
        context = content.context
        seal = {
            "format": FORMAT,
            "control": CONTROL,
            "month": month,
            "version": version,
            "books": context.get("books"),
            "manifest_sha256": manifest.sha256,
            "files": manifest.rows,
            "content": {asset: hashes[f"data/{asset}.parquet"] for asset in sorted(content.data)},
            ROW_TREES: {
                asset: row_tree(beside / "data" / f"{asset}.parquet")._asdict()
                for asset in sorted(content.data)
            },
            "code_version": context.get("code_version"),
            "control_version": context.get("control_version"),
            "git": context.get("git"),
            "sealed_by": os_account(),
            "sealed_at": time_now(*not_before),
            "run_id": run_id,
        }
        keep(json_text(seal), beside / SEAL_FILE)
        for made in [path for path in beside.rglob("*") if path.is_dir()]:
            sync(made)
        sync(beside)
        beside.rename(final)
        sync(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return final, str(seal["sealed_at"])


def _body(month: str, version: int, folder: Path) -> dict[str, Any]:
    return {
        "month": month,
        "version": version,
        "seal_sha256": sha256_of(folder / SEAL_FILE),
        "manifest_sha256": sha256_of(folder / MANIFEST_FILE),
    }


def _as_sealed(newest: SealedVersion, content: MonthContent) -> bool:
    """Whether a version holds exactly this data, these rules, statements and queries, and this SQL to re-perform it."""
    prefix = f"{SEALS}/{newest.folder.name}/"
    sealed = {
        row.path.removeprefix(prefix): row.sha256
        for row in newest.manifest()
        if row.kind not in _DESCRIBES_THE_RUN
    }
    now = {
        name: digest_of_document(document)
        for name, kind, document in content.documents()
        if kind not in _DESCRIBES_THE_RUN
    }
    return sealed == now


def digest_of_document(document: Document) -> str:
    """SHA-256 of a document as it would be kept."""
    digest = hashlib.sha256()
    for chunk in chunks(document):
        digest.update(chunk)
    return digest.hexdigest()


def packages_of(month_folder: Path) -> list[Path]:
    """Give the evidence packages in a month's folder: one a run and asset, whatever run they are of."""
    return sorted(
        package
        for asset in (month_folder.iterdir() if month_folder.is_dir() else ())
        if asset.name != SEALS and not asset.name.startswith(".") and asset.is_dir()
        for package in asset.iterdir()
        if not package.name.startswith(".") and package.is_dir()
    )


def _package_rows(month_folder: Path) -> Iterator[ManifestRow]:
    for package in packages_of(month_folder):
        for path in sorted(package.rglob("*")):
            name = path.relative_to(month_folder).as_posix()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise EvidenceError(
                    f"{path} is a link or a special file: evidence packages hold files only. "
                    "Take it away and close the month again."
                )
            if path.is_file():
                yield ManifestRow(name, "package", path.stat().st_size, sha256_of(path))


def _require_proven(content: MonthContent, hashes: Mapping[str, str], month: str) -> None:
    """Refuse data that is not what was proven: somebody replaced a file while the month was being sealed."""
    other = [asset for asset in content.data if hashes[f"data/{asset}.parquet"] != content.proven.get(asset)]
    if other:
        raise EvidenceError(
            f"{month} is not sealed: {', '.join(sorted(other))} changed in storage while it was being sealed. Close "
            f"the month again: cpg1 close --month {month}"
        )


def _require_packages(
    content: MonthContent, hashes: Mapping[str, str], packages: list[ManifestRow], month: str
) -> None:
    """Refuse data that no package of the month holds: it did not come from a run that left its evidence."""
    held = {(row.path.split("/")[0], row.sha256) for row in packages if row.path.endswith("/data.parquet")}
    for asset in content.packaged:
        if (asset, hashes[f"data/{asset}.parquet"]) not in held:
            raise EvidenceError(
                f"The data of {asset} in storage is not that of any evidence package of {month}: it was changed "
                f"or its package was removed. Materialize {asset} of {month} again, and what depends on it."
            )


def _require_validations(
    month_folder: Path, content: MonthContent, hashes: Mapping[str, str], packages: list[ManifestRow]
) -> None:
    """Refuse validations that no package with the sealed data has: they are not what the run found."""
    for asset, found in content.validations.items():
        sha256 = hashes[f"data/{asset}.parquet"]
        folders = [
            PurePosixPath(row.path).parent
            for row in packages
            if row.sha256 == sha256
            and PurePosixPath(row.path).name == "data.parquet"
            and row.path.startswith(f"{asset}/")
        ]
        if not any(_validations_in(month_folder / folder) == _in_words(found) for folder in folders):
            raise EvidenceError(
                f"What the validations of {asset} of {month_folder.name} are said to have found is not what any evidence "
                f"package with its data says. Materialize {asset} again, and what depends on it."
            )


def _validations_in(package: Path) -> dict[str, tuple[str, str]]:
    try:
        said = read_object(package / "06_validation_results.json")["validations"]
        return {each["name"]: (each["result"], each["severity"]) for each in said}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _in_words(found: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Give validations as a package words them."""
    return {
        each["name"]: (
            ("pass" if each["passed"] else "fail") if each["tested"] else NOTHING_TO_TEST.lower(),
            each["severity"],
        )
        for each in found
    }


def _take_up_unlinked(evidence: Path, month: str, signer: Signer | None) -> None:
    """Give a link to the version that a killed process left without one.

    Such a version is whole, since it is renamed into place only then, and the next after all that have a link; one
    that is not was tampered with.
    """
    linked = {sealed.version for sealed in sealed_versions(evidence, month)}
    for folder in version_folders(seals_folder(evidence, month)):
        if int(folder.name) in linked:
            continue
        is_next = int(folder.name) == max(linked, default=0) + 1
        if not is_next or not _is_whole(evidence / month, folder, month):
            why = "is not whole" if is_next else "is not the next version after those that are"
            raise EvidenceError(
                f"{folder} is not in the chain and {why}. Nothing is sealed beside it: look at it with "
                f"cpg1 evidence verify {month}, keep a copy, and take it away."
            )
        linked.add(int(folder.name))
        body = _body(month, int(folder.name), folder)
        sealed_at = str(read_object(folder / SEAL_FILE).get("sealed_at"))
        append_link(evidence, SEAL, {**body, "taken_up": True}, signer=signer, not_before=sealed_at)


def _is_whole(month_folder: Path, folder: Path, month: str) -> bool:
    try:
        seal = read_object(folder / SEAL_FILE)
        rows = read_manifest(folder / MANIFEST_FILE)
        listed = {row.path for row in rows if row.path.startswith(f"{SEALS}/{folder.name}/")}
        own = {f"{SEALS}/{folder.name}/{name}" for name in (SEAL_FILE, MANIFEST_FILE)}
        found = {p.relative_to(month_folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
        return (
            (seal["month"], seal["version"]) == (month, int(folder.name))
            and seal["manifest_sha256"] == sha256_of(folder / MANIFEST_FILE)
            and found == listed | own
            and all(sha256_of(month_folder / row.path) == row.sha256 for row in rows)
        )
    except (OSError, ValueError, KeyError, TypeError, EvidenceError):
        return False
