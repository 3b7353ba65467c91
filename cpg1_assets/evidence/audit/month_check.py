"""One month being verified: what its manifests expect, what is there, and what became of each file.

The chain itself is looked at in `verify`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpg1_assets.errors import EvidenceError, FileFormatError
from cpg1_assets.evidence.audit.walk import Walked, hash_files, walk
from cpg1_assets.evidence.chain.demands import CHECK_RESULTS, RECONCILIATION, without_comment
from cpg1_assets.evidence.chain.links import SEAL, SIGN_OFF, Link, Problem
from cpg1_assets.evidence.chain.manifest import ManifestRow, read_manifest
from cpg1_assets.evidence.chain.seal import MANIFEST_FILE, SEAL_FILE, SEALS, SealedVersion, version_name
from cpg1_assets.evidence.chain.signed_links import of_seal
from cpg1_assets.json_file import read_object

_SHOWN = 3
_ADDED = "It was not there when the month was sealed."


@dataclass
class MonthCheck:
    """One month being checked: what its manifests expect, what is there, and what is wrong."""

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
    files: int = 0
    size_bytes: int = 0
    _blind: set[str] = field(default_factory=set)

    def check(self) -> None:
        """Compare what is there with what the manifests list."""
        folder = self.evidence / self.name
        found = Walked()
        if folder.is_dir() and not folder.is_symlink():
            found = walk(folder, self.name)
        self.problems += found.problems
        self._read_versions(folder, found)
        self._unlinked(folder, found)
        sealed_folders = {_package(path) for path, kind in self.kinds.items() if kind == "package"}
        loose = [path for path in found.files if path not in self.expected]
        self._look_at_loose(folder, loose, sealed_folders)
        regular = [path for path in self.expected if found.files.get(path, -1) >= 0]
        hashed = hash_files(folder, {*regular, *self.added} & found.files.keys())
        for path, digest in hashed.items():
            if isinstance(digest, str):
                self.hashes[path] = digest
            elif path in self.expected:
                why = f"It cannot be read ({digest.strerror or digest})."
                self.problems.append(Problem("unreadable", f"{self.name}/{path}", why))
        self.files = len(self.hashes)
        self.size_bytes = sum(found.files[path] for path in self.hashes)
        self.missing = [path for path in self.expected if path not in found.files]
        self.changed = [
            path
            for path in regular
            if path in self.hashes and self.expected[path] != {(found.files[path], self.hashes[path])}
        ]
        self._look_at_folders(found, sealed_folders)

    def uncommented(self) -> list[Problem]:
        """Name each sign-off that lacks a comment its rule asks for, where the sealed files that show it are whole."""
        problems = []
        for seal in (
            link for link in self.links if link.kind == SEAL and link.body.get("month") == self.name
        ):
            version = seal.body.get("version")
            if type(version) is not int:
                continue
            prefix = f"{SEALS}/{version_name(version)}"
            read = [f"{prefix}/data/{asset}.parquet" for asset in (RECONCILIATION, CHECK_RESULTS)]
            there = [path for path in read if path in self.expected or path in self.added]
            if not there or not all(self._is_as_sealed(path) for path in there):
                continue
            sealed = SealedVersion(self.evidence / self.name / prefix, self.name, version, seal)
            for link in of_seal(self.links, seal):
                why = _without_comment(sealed, link)
                if why:
                    problems.append(Problem(SIGN_OFF, link.name, why))
        return problems

    def _is_as_sealed(self, path: str) -> bool:
        return path in self.hashes and path in self.expected and path not in self.changed

    def _read_versions(self, folder: Path, found: Walked) -> None:
        """Take what is expected from the manifest of each version the chain has a link for."""
        for link in self.links:
            if link.kind != SEAL or link.body.get("month") != self.name:
                continue
            version = link.body.get("version")
            if type(version) is not int:
                self.problems.append(Problem("changed", link.name, "It does not say which version it seals."))
                continue
            prefix = f"{SEALS}/{version_name(version)}"
            if version not in self.versions:
                self.versions.append(version)
            if prefix not in found.folders:
                self.problems.append(
                    Problem(
                        "missing",
                        f"{self.name}/{prefix}",
                        f"Version {version}, sealed by {link.name}, is not there.",
                    )
                )
                continue
            self._expect_version(folder, prefix, link)

    def _expect_version(self, folder: Path, prefix: str, link: Link) -> None:
        seal_path, manifest_path = f"{prefix}/{SEAL_FILE}", f"{prefix}/{MANIFEST_FILE}"
        actual = hash_files(folder, [seal_path, manifest_path])
        for path, name in ((seal_path, "seal_sha256"), (manifest_path, "manifest_sha256")):
            said = str(link.body.get(name))
            size = _size(folder / path) if actual[path] == said else -1
            self.expected.setdefault(path, set()).add((size, said))
            self.kinds[path] = "seal" if path == seal_path else "manifest"
        seal = _json(folder / seal_path) if actual[seal_path] == link.body.get("seal_sha256") else {}
        self._expect_content(prefix, seal)
        try:
            rows = read_manifest(folder / manifest_path)
        except EvidenceError:
            self._blind.add(prefix)
            self.notes.append(
                f"{self.name}/{prefix}: the manifest cannot be read, so its other files were not compared."
            )
            return
        if not any(row.path.startswith(f"{prefix}/") for row in rows):
            self._blind.add(prefix)
            self.notes.append(
                f"{self.name}/{prefix}: the manifest is another version's; its files were not compared."
            )
            return
        content = seal.get("content")
        for row in rows:
            if row.path.startswith(f"{prefix}/data/") and isinstance(content, Mapping):
                # The seal has a hash of its own of each data file: a manifest written anew cannot hide a change.
                own = content.get(Path(row.path).stem)
                row = ManifestRow(row.path, row.kind, row.size_bytes, str(own))  # noqa: PLW2901
            self._expect(row)

    def _expect(self, row: ManifestRow) -> None:
        self.expected.setdefault(row.path, set()).add((row.size_bytes, row.sha256))
        self.kinds[row.path] = row.kind

    def _expect_content(self, prefix: str, seal: Mapping[str, Any]) -> None:
        for asset in seal.get("content", ()):
            self.kinds.setdefault(f"{prefix}/data/{asset}.parquet", "data")

    def _unlinked(self, folder: Path, found: Walked) -> None:
        """Name each version that no link speaks of."""
        linked = {f"{SEALS}/{version_name(version)}" for version in self.versions}
        own = {str(link.body.get("seal_sha256")): link for link in self.links if link.kind == SEAL}
        for path in sorted(found.folders - linked):
            if path.count("/") != 1 or not path.startswith(f"{SEALS}/"):
                continue
            self._blind.add(path)
            if Path(path).name.startswith("."):
                self.notes.append(
                    f"{self.name}/{path}: left half written by a sealing that was killed; it counts for nothing."
                )
                continue
            digest = hash_files(folder, [f"{path}/{SEAL_FILE}"])[f"{path}/{SEAL_FILE}"]
            link = own.get(digest) if isinstance(digest, str) else None
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

    def _look_at_loose(self, folder: Path, loose: list[str], sealed: set[str]) -> None:
        """Tell files added to what is sealed from the packages of runs that were not sealed."""
        unsealed: dict[str, list[str]] = {}
        for path in loose:
            version = "/".join(path.split("/")[:2])
            if version in self._blind:
                continue
            package = _package(path)
            if not package or package in sealed or path.startswith(f"{SEALS}/"):
                self.added.append(path)
            else:
                unsealed.setdefault(package, []).append(path)
        complete = 0
        for package, paths in unsealed.items():
            if any(part.startswith(".") for part in package.split("/")):
                self.notes.append(f"{self.name}/{package}: left half written by a run that was killed.")
                continue
            said = _json(folder / package / "00_system_context.json")
            if not said:
                self.added += paths
            elif said.get("month") != self.name:
                of = said.get("month")
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
            self.notes.append(
                f"{self.name}: {packages} of runs that were not sealed; nothing is known of them."
            )

    def _look_at_folders(self, found: Walked, sealed: set[str]) -> None:
        """Name empty folders inside what is sealed."""
        parents = {parent for path in {*self.expected, *found.files} for parent in _parents(path)}
        for path in sorted(found.folders - parents):
            inside = path.startswith(f"{SEALS}/") or _package(f"{path}/") in sealed
            if (
                inside
                and "/".join(path.split("/")[:2]) not in self._blind
                and path not in self._version_folders()
            ):
                self.problems.append(
                    Problem("added", f"{self.name}/{path}", "An empty folder that was not sealed.")
                )

    def _version_folders(self) -> set[str]:
        return {f"{SEALS}/{version_name(version)}" for version in self.versions}


def _without_comment(sealed: SealedVersion, link: Link) -> str:
    try:
        without = without_comment(sealed, link.body)
    except (EvidenceError, FileFormatError) as error:
        return f"What it had to comment on cannot be told. {error}"
    return f"It has no comment on {', '.join(without)}." if without else ""


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
    problems += [Problem("renamed", old, f"It was renamed to {new}.") for old, new in moved.items()]
    for month in months:
        missing = [path for path in month.missing if f"{month.name}/{path}" not in moved]
        added = [path for path in month.added if f"{month.name}/{path}" not in moved.values()]
        problems += [_missing(month, path) for path in missing]
        problems += [Problem("added", f"{month.name}/{path}", _ADDED) for path in added]
        problems += [_changed(month, path, places) for path in month.changed]
    return problems


def _moved(gone: Mapping[str, str], came: Mapping[str, str]) -> dict[str, str]:
    """Pair each missing file with an added one of the same content."""
    moved: dict[str, str] = {}
    for new, digest in came.items():
        old = next((path for path, was in gone.items() if was == digest and path not in moved), None)
        if old is not None:
            moved[old] = new
    return moved


def _missing(month: MonthCheck, path: str) -> Problem:
    kind = month.kinds.get(path, "sealed")
    return Problem("missing", f"{month.name}/{path}", f"This {kind} file is not there.")


def _changed(month: MonthCheck, path: str, places: Mapping[str, list[str]]) -> Problem:
    place = f"{month.name}/{path}"
    others = [other for other in places.get(month.hashes[path], ()) if other != place]
    if others:
        shown = ", ".join(others[:_SHOWN])
        return Problem("swapped", place, f"It holds what was sealed as {shown}.")
    return Problem("changed", place, f"This {month.kinds.get(path, 'sealed')} file is not as it was sealed.")


def _package(path: str) -> str:
    """Give the package a path is in, `<asset>/<run>`; empty when it is in none."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] != SEALS else ""  # noqa: PLR2004 - asset, run, file


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: at + 1]) for at in range(len(parts))]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1


def _json(path: Path) -> dict[str, Any]:
    """Read a JSON object; what is not one is empty."""
    try:
        if path.is_symlink() or not path.is_file():
            return {}
        return read_object(path)
    except (OSError, ValueError):
        return {}
