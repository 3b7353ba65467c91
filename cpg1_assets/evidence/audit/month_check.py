"""One month being verified: what its manifests expect, what is there, and what became of each file.

The chain itself is looked at in `verify`, what a version says of itself in `sealed_claims`.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpg1_assets.errors import EvidenceError, shown
from cpg1_assets.evidence.audit.sealed_claims import (
    wrong_context,
    wrong_counts,
    wrong_link,
    wrong_manifest,
    wrong_seal,
)
from cpg1_assets.evidence.audit.walk import Walked, hash_files, walk
from cpg1_assets.evidence.chain.links import SAMPLE, SEAL, Link, Problem
from cpg1_assets.evidence.chain.manifest import LARGEST_MANIFEST, ManifestRow, parse_manifest
from cpg1_assets.evidence.chain.sample import SAMPLES, sample_files
from cpg1_assets.evidence.chain.seal import (
    CONTEXT_FILE,
    LARGEST_SEAL,
    MANIFEST_FILE,
    SEAL_FILE,
    SEALS,
    SealedVersion,
    version_name,
)
from cpg1_assets.json_file import parse_json, read_object, require_object
from cpg1_assets.plain_file import read_plain

_SHOWN = 3
_ADDED = "It was not there when the month was sealed."
_NOT_TAKEN_IN = (
    "No link of the chain speaks of it: it was put there, or taking it in was killed half way (then taking the same file "
    "in again completes it)."
)
_HALF_WRITTEN = re.compile(r"\..+\.partial")
_LEAST_BUDGET = 2_000_000_000
"""Bytes. What is not as it was announced is hashed only to say where it came from, and no more of it than was sealed
in all, or than this."""


class Budget:
    """How many bytes may be hashed of what is not as the manifests announce it."""

    def __init__(self, months: Iterable["MonthCheck"]) -> None:
        """`months` have been looked at: what their manifests announce is known."""
        announced = [
            size for m in months for listed in m.expected.values() for size, _ in listed if size >= 0
        ]
        self.sizes = frozenset(announced)
        self._left = max(_LEAST_BUDGET, sum(announced))

    def allows(self, size: int) -> bool:
        """Whether a file of this size may be hashed as well; if so, it counts."""
        if size < 0 or size > self._left:
            return False
        self._left -= size
        return True


@dataclass
class MonthCheck:
    """One month being checked: what its manifests expect, what is there, and what is wrong.

    `links` are those of the chain that speak of the month. First `look`, of all months; then `compare`, of each.
    """

    evidence: Path
    name: str
    links: list[Link]
    versions: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    expected: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    found: Walked = field(default_factory=Walked)
    sealed: dict[int, SealedVersion] = field(default_factory=dict)
    """The versions whose seal and manifest are those of their link."""
    _of_unknown_size: dict[str, str] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)
    _blind: set[str] = field(default_factory=set)

    @property
    def files(self) -> int:
        """How many files were hashed."""
        return len(self.hashes)

    @property
    def size_bytes(self) -> int:
        """How much was hashed."""
        return sum(self.found.files[path] for path in self.hashes)

    def look(self) -> None:
        """See what is there, and what the versions' manifests list."""
        folder = self.evidence / self.name
        if folder.is_dir() and not folder.is_symlink():
            self.found = walk(folder, self.name)
        self.problems += self.found.problems
        self._read_versions(folder)
        for path, announced in sample_files(self.links).items():
            self.expected[path] = {announced}
            self.kinds[path] = SAMPLE
        self._unlinked(folder)
        sealed_folders = self._sealed_folders()
        loose = [path for path in self.found.files if path not in self.expected]
        self._look_at_loose(folder, loose, sealed_folders)
        self._look_at_folders(sealed_folders)

    def compare(self, budget: Budget) -> None:
        """Hash what is there, and tell what is not as it was sealed."""
        folder, sizes = self.evidence / self.name, self.found.files
        regular = [path for path in self.expected if sizes.get(path, -1) >= 0 and path not in self._unread]
        as_announced = [p for p in regular if any(size == sizes[p] for size, _ in self.expected[p])]
        # Of the others a hash only tells where they came from: what has no sealed size came from nowhere.
        others = [
            p for p in (*regular, *self.added) if sizes[p] in budget.sizes or p in self._of_unknown_size
        ]
        asked = {p for p in {*others} - {*as_announced} if budget.allows(sizes[p])} | {*as_announced}
        for path, digest in hash_files(folder, sizes, sorted(asked - self.hashes.keys())).items():
            if isinstance(digest, str):
                self.hashes[path] = digest
            elif path in self.expected:
                self._unreadable(path, digest)
        for path, said in self._of_unknown_size.items():
            if self.hashes.get(path) == said:
                self.expected[path] = {(sizes[path], said)}
        self.missing = [path for path in self.expected if path not in sizes]
        self.changed = [
            path
            for path in regular
            if path not in self._unread and self.expected[path] != {(sizes[path], self.hashes.get(path, ""))}
        ]

    def is_as_sealed(self, prefix: str) -> bool:
        """Whether every file of a version is there as it was sealed."""
        wrong = {*self.missing, *self.changed, *self._unread}
        of_version = [path for path in self.expected if path.startswith(f"{prefix}/")]
        return bool(of_version) and not wrong.intersection(of_version) and {*of_version} <= self.hashes.keys()

    def _unreadable(self, path: str, error: OSError) -> None:
        self._unread.add(path)
        why = f"It cannot be read ({error.strerror or error})."
        self.problems.append(Problem("unreadable", f"{self.name}/{path}", why))

    def _read_versions(self, folder: Path) -> None:
        """Take what is expected from the manifest of each version the chain has a link for."""
        before: Link | None = None
        for link in self.links:
            if link.kind != SEAL:
                continue
            why, version = wrong_link(link, self.versions), link.body.get("version")
            if why:
                self.problems.append(Problem("seal", link.name, why))
            if type(version) is not int or version < 1 or version in self.versions:
                continue
            self.versions.append(version)
            prefix = f"{SEALS}/{version_name(version)}"
            if prefix not in self.found.folders:
                gone = f"Version {version}, sealed by {link.name}, is not there."
                self.problems.append(Problem("missing", f"{self.name}/{prefix}", gone))
            else:
                self._expect_version(folder, prefix, link, before)
            before = link

    def _expect_version(self, folder: Path, prefix: str, link: Link, before: Link | None) -> None:
        seal_path, manifest_path = f"{prefix}/{SEAL_FILE}", f"{prefix}/{MANIFEST_FILE}"
        said = {name: str(link.body.get(name)) for name in ("seal_sha256", "manifest_sha256")}
        sealed = self._read(folder, seal_path, "seal", LARGEST_SEAL, said["seal_sha256"])
        listed = self._read(folder, manifest_path, "manifest", LARGEST_MANIFEST, said["manifest_sha256"])
        seal = None if sealed is None else self._object(seal_path, sealed)
        rows = None if listed is None else self._rows(prefix, manifest_path, listed)
        if seal is not None:
            self._disagree(seal_path, wrong_seal(seal, link, before))
            self._expect_content(prefix, seal, listed=rows is not None)
        if rows is None:
            self._blind.add(prefix)
            return
        for row in rows:
            self.expected.setdefault(row.path, set()).add((row.size_bytes, row.sha256))
            self.kinds[row.path] = row.kind
        if seal is None:
            return
        self._disagree(seal_path, wrong_counts(seal, rows, prefix))
        context = self._context(folder, prefix, rows)
        if context is not None:
            self._disagree(seal_path, wrong_context(seal, context))
        version = int(link.body["version"])
        self.sealed[version] = SealedVersion(folder / prefix, self.name, version, link)

    def _read(self, folder: Path, path: str, kind: str, most: int, said: str) -> bytes | None:
        """Read seal or manifest of a version, expected as their link says; None unless it is that."""
        self.kinds[path] = kind
        self.expected.setdefault(path, set()).add((-1, said))
        size = self.found.files.get(path, -1)
        if not 0 <= size <= most:
            return None  # it is not there, no file, or larger than any: `settled` says so
        try:
            content = read_plain(folder / path, most)
        except OSError as error:
            self._unreadable(path, error)
            return None
        self.hashes[path] = hashlib.sha256(content).hexdigest()
        if self.hashes[path] != said or len(content) != size:
            return None
        self.expected[path] = {(size, said)}
        return content

    def _object(self, path: str, content: bytes) -> dict[str, Any] | None:
        try:
            return require_object(parse_json(content))
        except ValueError as error:
            self.problems.append(Problem("seal", f"{self.name}/{path}", f"It is no seal: {error}."))
            return None

    def _rows(self, prefix: str, path: str, content: bytes) -> list[ManifestRow] | None:
        """Give the rows of a manifest that can be one."""
        place = f"{self.name}/{path}"
        try:
            rows = parse_manifest(content, "It")
        except EvidenceError as error:
            why = f"{error} So not all files of this version were compared."
            self.problems.append(Problem("manifest", place, why))
            return None
        why = wrong_manifest(rows, prefix)
        if why:
            self.problems.append(Problem("manifest", place, why))
        return None if why else rows

    def _disagree(self, path: str, sentences: Iterable[str]) -> None:
        told = list(sentences)
        if told:
            more = f" And {len(told) - _SHOWN} more." if told[_SHOWN:] else ""
            self.problems.append(Problem("seal", f"{self.name}/{path}", " ".join(told[:_SHOWN]) + more))

    def _context(self, folder: Path, prefix: str, rows: Iterable[ManifestRow]) -> dict[str, Any] | None:
        """Read the sealed context; None where it is not as it was sealed, which is said of it as of any other file."""
        path = f"{prefix}/{CONTEXT_FILE}"
        row = next((row for row in rows if row.path == path), None)
        try:
            if row is None or row.size_bytes > LARGEST_SEAL:
                raise ValueError("the manifest does not list it" if row is None else "it is too large")  # noqa: TRY301
            content = read_plain(folder / path, row.size_bytes)
            is_sealed = hashlib.sha256(content).hexdigest() == row.sha256
            return require_object(parse_json(content)) if is_sealed else None
        except OSError:
            return None
        except ValueError as error:
            self.problems.append(Problem("seal", f"{self.name}/{path}", f"It is no context: {error}."))
            return None

    def _expect_content(self, prefix: str, seal: Mapping[str, Any], *, listed: bool) -> None:
        """Expect the data that the seal has a digest of: where the manifest is gone, that is all that is known of it."""
        content = seal.get("content")
        for asset, sha256 in content.items() if isinstance(content, dict) else ():
            path = f"{prefix}/data/{asset}.parquet"
            self.kinds.setdefault(path, "data")
            if not listed and "/" not in asset:
                self.expected.setdefault(path, set()).add((-1, str(sha256)))
                self._of_unknown_size[path] = str(sha256)

    def _unlinked(self, folder: Path) -> None:
        """Name each version that no link speaks of."""
        linked = {f"{SEALS}/{version_name(version)}" for version in self.versions}
        own = {str(link.body.get("seal_sha256")): link for link in self.links if link.kind == SEAL}
        for path in sorted(self.found.folders - linked):
            if path.count("/") != 1 or not path.startswith(f"{SEALS}/"):
                continue
            self._blind.add(path)
            if _HALF_WRITTEN.fullmatch(Path(path).name):
                self.notes.append(
                    f"{self.name}/{path}: left half written by a sealing that was killed; it counts for nothing."
                )
                continue
            link = own.get(self._digest_of_seal(folder, f"{path}/{SEAL_FILE}"))
            if link is not None:
                of = f"version {link.body.get('version')} of {link.body.get('month')}"
                self.problems.append(
                    Problem("renamed", f"{self.name}/{path}", f"It is {of}, in another place.")
                )
            else:
                self.problems.append(
                    Problem(
                        "unchained",
                        f"{self.name}/{path}",
                        "No link of the chain speaks of it: the chain was cut, the folder was added, or sealing was "
                        "killed half way (then closing the month again completes it).",
                    )
                )

    def _digest_of_seal(self, folder: Path, path: str) -> str:
        if not 0 <= self.found.files.get(path, -1) <= LARGEST_SEAL:
            return ""
        digest = hash_files(folder, self.found.files, [path])[path]
        return digest if isinstance(digest, str) else ""

    def _look_at_loose(self, folder: Path, loose: list[str], sealed: set[str]) -> None:
        """Tell files added to what is sealed from the packages of runs that were not sealed."""
        unsealed: dict[str, list[str]] = {}
        for path in loose:
            version = "/".join(path.split("/")[:2])
            if version in self._blind:
                continue
            package = _package(path)
            if _is_sample(path) and _HALF_WRITTEN.fullmatch(Path(path).name):
                self.notes.append(f"{self.name}/{path}: left half written by a process that was killed.")
            elif not package or package in sealed or path.startswith(f"{SEALS}/"):
                self.added.append(path)
            else:
                unsealed.setdefault(package, []).append(path)
        complete = 0
        for package, paths in unsealed.items():
            if any(_HALF_WRITTEN.fullmatch(part) for part in package.split("/")):
                self.notes.append(f"{self.name}/{package}: left half written by a run that was killed.")
                continue
            said = _json(folder / package / "00_system_context.json")
            if not said:
                self.added += paths
            elif said.get("month") != self.name:
                of = shown(str(said.get("month")))
                self.problems.append(
                    Problem(
                        "swapped",
                        f"{self.name}/{package}",
                        f"It is a package of {of}, in another month's place.",
                    )
                )
            else:
                complete += 1
        if complete:
            packages = "1 package is" if complete == 1 else f"{complete} packages are"
            where = "in no manifest that could be read" if self._blind else "of runs that were not sealed"
            self.notes.append(f"{self.name}: {packages} {where}; nothing is known of them.")

    def _look_at_folders(self, sealed: set[str]) -> None:
        """Name empty folders inside what is sealed."""
        found = self.found
        versions = {f"{SEALS}/{version_name(version)}" for version in self.versions}
        parents = {parent for path in {*self.expected, *found.files} for parent in _parents(path)}
        for path in sorted(found.folders - parents):
            inside = path.startswith(f"{SEALS}/") or _package(f"{path}/") in sealed
            if inside and "/".join(path.split("/")[:2]) not in self._blind and path not in versions:
                self.problems.append(
                    Problem("added", f"{self.name}/{path}", "An empty folder that was not sealed.")
                )

    def _sealed_folders(self) -> set[str]:
        return {_package(path) for path, kind in self.kinds.items() if kind == "package"}


def settled(months: list[MonthCheck]) -> list[Problem]:
    """Say of each file that differs what happened to it: a file that only moved is named once."""
    places: dict[str, list[str]] = {}
    for month in months:
        for path, listed in month.expected.items():
            for _, digest in listed:
                places.setdefault(digest, []).append(f"{month.name}/{path}")
    gone = {
        f"{m.name}/{path}": digest for m in months for path in m.missing for _, digest in m.expected[path]
    }
    came = {f"{m.name}/{path}": m.hashes[path] for m in months for path in m.added if path in m.hashes}
    problems = [problem for month in months for problem in month.problems]
    moved = _moved(gone, came)
    places_moved_to = frozenset(moved.values())
    problems += [Problem("renamed", old, f"It was renamed to {new}.") for old, new in moved.items()]
    for month in months:
        missing = [path for path in month.missing if f"{month.name}/{path}" not in moved]
        added = [path for path in month.added if f"{month.name}/{path}" not in places_moved_to]
        problems += [_missing(month, path) for path in missing]
        problems += [
            Problem("added", f"{month.name}/{path}", _NOT_TAKEN_IN if _is_sample(path) else _ADDED)
            for path in added
        ]
        problems += [_changed(month, path, places) for path in month.changed]
    return problems


def _moved(gone: Mapping[str, str], came: Mapping[str, str]) -> dict[str, str]:
    """Pair each missing file with an added one of the same content."""
    by_digest: dict[str, list[str]] = defaultdict(list)
    for path, digest in reversed([*gone.items()]):
        by_digest[digest].append(path)
    return {by_digest[digest].pop(): new for new, digest in came.items() if by_digest.get(digest)}


def _missing(month: MonthCheck, path: str) -> Problem:
    kind = month.kinds.get(path, "sealed")
    return Problem("missing", f"{month.name}/{path}", f"This {kind} file is not there.{_therefore(kind)}")


def _changed(month: MonthCheck, path: str, places: Mapping[str, list[str]]) -> Problem:
    place, kind = f"{month.name}/{path}", month.kinds.get(path, "sealed")
    others = [other for other in places.get(month.hashes.get(path, ""), ()) if other != place]
    if others:
        held = f"It holds what was sealed as {', '.join(others[:_SHOWN])}.{_therefore(kind)}"
        return Problem("swapped", place, held)
    sizes = {size for size, _ in month.expected[path]}
    is_other = month.found.files[path] not in sizes and min(sizes) >= 0
    told = f" It has {month.found.files[path]:,} bytes." if is_other else ""
    if len(month.expected[path]) > 1:
        told = " The manifests of two versions say different things of it."
    return Problem("changed", place, f"This {kind} file is not as it was sealed.{told}{_therefore(kind)}")


def _therefore(kind: str) -> str:
    return " So not all files of this version were compared." if kind == "manifest" else ""


def _is_sample(path: str) -> bool:
    """Whether a file lies where the workpapers of samples do."""
    return path.startswith(f"{SAMPLES}/") and path.count("/") == 1


def _package(path: str) -> str:
    """Give the package a path is in, `<asset>/<run>`; empty when it is in none."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] != SEALS else ""  # noqa: PLR2004 - asset, run, file


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: at + 1]) for at in range(len(parts))]


def _json(path: Path) -> dict[str, Any]:
    """Read a JSON object; what is not one is empty."""
    try:
        return read_object(path, LARGEST_SEAL)
    except (OSError, ValueError):
        return {}
