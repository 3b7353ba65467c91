"""Re-performance: every derived frame computed again from what was sealed, and compared with what was sealed.

Only the sealed extracts, the JDash rows and the sealed rule files go in; a derived frame that another one reads
is the re-performed one, never the sealed one. No database, no Dagster, no network, and nothing is written but
to a folder of its own that is taken away again.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from cpg1_assets.control_version import control_version
from cpg1_assets.disk import sha256_of
from cpg1_assets.effectiveness.control_effectiveness import SEEDING, control_effectiveness, seed_of
from cpg1_assets.errors import Cpg1Error, StorageError
from cpg1_assets.evidence.audit.differences import Differences, differences
from cpg1_assets.evidence.chain.manifest import read_manifest
from cpg1_assets.evidence.chain.seal import CONTEXT_FILE, MANIFEST_FILE, SEAL_FILE
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.json_file import read_object
from cpg1_assets.loaded import TEXTS
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.partial import temporary_folder
from cpg1_assets.plain_file import sha256_of_plain
from cpg1_assets.rules.check_results import check_results
from cpg1_assets.rules.checks import check_statements, checks
from cpg1_assets.rules.classification import Classification
from cpg1_assets.rules.frames import CHECK_RESULTS, CONTROL_EFFECTIVENESS
from cpg1_assets.rules.graph import Circumstances, Derivation, derivations, source_frames
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.yaml_file import parse_yaml, read_yaml

_RULE_FILES = (
    "rules/lines.yaml",
    "rules/thresholds.yaml",
    "rules/collection_classification.yaml",
    "scope.yaml",
)
_MATCHING_FILE = "rules/open_items.yaml"
_OF_OPEN_ITEMS = frozenset(
    {
        "collection_links", "nav_open_items", "open_item_changes", "open_item_matches", "open_item_suggestions",
        "open_items", "open_items_before",
    }
)  # fmt: skip
"""Frames that versions do not have which were sealed before there were open items: they have none of them."""
_SHOWN = 3
_LIBRARIES = ("duckdb", "pyarrow", "pandas")


@dataclass(frozen=True)
class AssetOutcome:
    """What re-performing one derived frame gave.

    `went` of the differences are sealed rows that were not computed again, `came` are rows computed now that
    were not sealed. `same_bytes` is False also where another library version wrote the same rows otherwise.
    `problem` says why the frame could not be computed at all.
    """

    asset: str
    same_bytes: bool
    differences: Differences
    statement_changed: bool
    problem: str | None = None

    @property
    def identical(self) -> bool:
        """Whether the rows computed now are those that were sealed."""
        return self.problem is None and self.differences.none

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "asset": self.asset,
            "identical": self.identical,
            "same_bytes": self.same_bytes,
            "statement_changed": self.statement_changed,
            "problem": self.problem,
            "missing_rows": self.differences.went,
            "extra_rows": self.differences.came,
            "changed_rows": self.differences.changed,
            "differences": self.differences.as_dict(),
        }


@dataclass(frozen=True)
class Reperformance:
    """The re-performance of one sealed version of a month.

    `altered` names sealed files whose bytes are not those of the manifest: what was re-performed is then not
    what was sealed. `sealed_by_code` and `this_code` are version and git commit.
    """

    month: str
    version: int
    books: str
    outcomes: tuple[AssetOutcome, ...]
    altered: tuple[str, ...]
    sealed_by_code: str
    this_code: str
    libraries: dict[str, dict[str, str]]

    @property
    def identical(self) -> bool:
        """Whether every frame is identical, and computed from the files that were sealed."""
        return not self.altered and all(outcome.identical for outcome in self.outcomes)

    @property
    def other_code(self) -> bool:
        """Whether the code here is another than that which sealed, as far as both say what they are."""
        return self.sealed_by_code != self.this_code

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "books": self.books,
            "month": self.month,
            "version": self.version,
            "identical": self.identical,
            "altered": list(self.altered),
            "code": {
                "sealed_by": self.sealed_by_code,
                "here": self.this_code,
                "another": self.other_code,
            },
            "libraries": self.libraries,
            "assets": [outcome.as_dict() for outcome in self.outcomes],
        }


def reperform(sealed: Path) -> Reperformance:
    """Re-perform the sealed version in the folder `sealed` (`<month>/seals/<NNN>`).

    Raises StorageError naming each file that is missing or cannot be read, and FileFormatError for a rule
    file that breaks its rules. A frame that cannot be computed is an outcome, not an exception.
    """
    _require_all(sealed)
    seal = read_seal(sealed)
    circumstances = _circumstances(sealed, CutoffMonth.parse(str(seal["month"])))
    with temporary_folder("reperform") as place:
        outcomes = tuple(_outcomes(sealed, place, circumstances))
    context = _json(sealed / CONTEXT_FILE)
    here = system_context(
        run_id="",
        month=circumstances.month.key,
        scope=None,
        sample=False,
        source=None,
        version=control_version({}),
    )
    return Reperformance(
        month=circumstances.month.key,
        version=int(seal["version"]),
        books=str(seal.get("books", "")),
        outcomes=outcomes,
        altered=altered_files(sealed, [str(p.relative_to(sealed)) for p in _needed(sealed)]),
        sealed_by_code=_code(seal, here),
        this_code=_code(here, seal),
        libraries=_other_libraries(context.get("libraries"), here["libraries"]),
    )


def frames_that_differ(version: Path, month: str) -> list[str]:
    """Compute every derived frame of the version in `version` again, and name those that are not what it holds.

    The version need not be sealed yet: only its data, rules, scope and statements are looked at.
    """
    circumstances = _circumstances(version, CutoffMonth.parse(month))
    with temporary_folder("reperform") as place:
        return [each.asset for each in _outcomes(version, place, circumstances) if not each.identical]


def read_seal(sealed: Path) -> dict[str, Any]:
    """Read `seal.json` of a sealed version. Raises StorageError when it is missing or is not a seal's."""
    seal = _json(sealed / SEAL_FILE)
    types = {"month": str, "version": int, "content": dict}
    absent = [name for name, wanted in types.items() if not isinstance(seal.get(name), wanted)]
    if absent:
        raise StorageError(f"{sealed / SEAL_FILE} does not say {', '.join(absent)}: it is not a seal.")
    return seal


def altered_files(sealed: Path, names: list[str]) -> tuple[str, ...]:
    """Name the files among `names` (relative to `sealed`) that are not, byte for byte, those of the manifest."""
    listed = {row.path: row.sha256 for row in read_manifest(sealed / MANIFEST_FILE)}
    expected = {name: listed.get(f"{sealed.parent.name}/{sealed.name}/{name}") for name in names}
    # The manifest cannot list itself, nor the seal that holds its hash.
    expected |= {MANIFEST_FILE: str(read_seal(sealed).get("manifest_sha256"))}
    expected.pop(SEAL_FILE, None)
    return tuple(name for name, sha256 in sorted(expected.items()) if sha256 != _hash(sealed / name))


def _needed(sealed: Path) -> list[Path]:
    content = read_seal(sealed)["content"]
    absent = _OF_OPEN_ITEMS if _OF_OPEN_ITEMS.isdisjoint(content) else frozenset()
    derived = [name for name in derivations() if name not in absent]
    # Versions sealed before there were check results, or planted faults, have none.
    checked = [CHECK_RESULTS.name] if CHECK_RESULTS.name in content else []
    planted = [CONTROL_EFFECTIVENESS.name] if CONTROL_EFFECTIVENESS.name in content else []
    names = [
        SEAL_FILE, MANIFEST_FILE, CONTEXT_FILE, *_RULE_FILES,
        *(() if absent else (_MATCHING_FILE,)),
        *(f"data/{name}.parquet" for name in (*source_frames(), *derived, *checked, *planted) if name not in absent),
        *(f"statements/{name}.sql" for name in (*derived, *checked)),
    ]  # fmt: skip
    return [sealed / name for name in names]


def require_as_sealed(sealed: Path, package: Path | None = None) -> None:
    """Refuse a sealed version, or only a package of its month, unless every file of it is that of the manifest.

    A package that the manifest does not list is of a later run: nothing is known of it. Raises StorageError naming the
    files that are not there or are others, and EvidenceError where the manifest cannot be read.
    """
    month_folder, manifest = sealed.parents[1], sealed / MANIFEST_FILE
    prefix = (sealed if package is None else package).relative_to(month_folder).as_posix()
    rows = [row for row in read_manifest(manifest) if row.path.startswith(f"{prefix}/")]
    other = [month_folder / row.path for row in rows if _hash(month_folder / row.path) != row.sha256]
    if _hash(manifest) != read_seal(sealed).get("manifest_sha256"):
        other.append(manifest)
    if other:
        shown = ", ".join(map(str, other[:_SHOWN])) + (
            f" and {len(other) - _SHOWN} more" if other[_SHOWN:] else ""
        )
        raise StorageError(
            f"{shown}: not there, or not as it was sealed. Look at the month with: "
            f"cpg1 evidence verify {month_folder.name}"
        )


def _hash(path: Path) -> str | None:
    try:
        return sha256_of_plain(path)
    except OSError:
        return None


def _require_all(sealed: Path) -> None:
    missing = [str(path) for path in _needed(sealed) if not path.is_file()]
    if missing:
        raise StorageError(
            f"The sealed version in {sealed} lacks {', '.join(missing)}. Copy the evidence folder again, whole; "
            "cpg1 evidence verify names everything that is missing or changed."
        )


def _circumstances(sealed: Path, month: CutoffMonth) -> Circumstances:
    lines = read_yaml(sealed / "rules" / "lines.yaml", Lines)
    has_own = (sealed / _MATCHING_FILE).is_file()
    return Circumstances(
        month=month,
        lines=lines.within(read_scope(sealed / "scope.yaml").gl_accounts),
        thresholds=read_yaml(sealed / "rules" / "thresholds.yaml", Thresholds),
        classification=read_yaml(sealed / "rules" / "collection_classification.yaml", Classification),
        matching=read_yaml(sealed / _MATCHING_FILE, Matching, context=lines)
        if has_own
        else _matching_of_today(),
    )


def _matching_of_today() -> Matching:
    """Give what stands for the matching of a version without open items: none of the rules that follow it is performed."""
    return parse_yaml(TEXTS[_MATCHING_FILE], Matching, name=_MATCHING_FILE)


def _outcomes(sealed: Path, place: Path, circumstances: Circumstances) -> Iterator[AssetOutcome]:
    # That files are not there which should be was found before: see `_needed`, and what a seal demands.
    absent = {name for name in _OF_OPEN_ITEMS if not _data(sealed, name).is_file()}
    frames: dict[str, ds.Dataset] = {
        name: opened_parquet(str(_data(sealed, name))) for name in source_frames() if name not in absent
    }
    for name, derivation in derivations().items():
        if name in absent:
            continue
        again = place / f"{name}.parquet"
        same, differing = False, Differences(name)
        problem = _computed(derivation, frames, circumstances, again)
        if problem is None:
            frames[name] = opened_parquet(str(again))
            same = sha256_of(again) == sha256_of(_data(sealed, name))
        if problem is None and not same:
            try:
                differing = differences(_data(sealed, name), again, derivation.spec)
            except StorageError as error:
                problem = str(error)
        changed = _statement(sealed, name) != derivation.statement.strip().encode()
        yield AssetOutcome(name, same, differing, changed, problem)
    # Versions sealed before there were planted faults, or check results, have none.
    if _data(sealed, CONTROL_EFFECTIVENESS.name).is_file():
        outcome = _planted_again(sealed, place, circumstances)
        if outcome.problem is None:
            again = place / f"{CONTROL_EFFECTIVENESS.name}.parquet"
            frames[CONTROL_EFFECTIVENESS.name] = opened_parquet(str(again))
        yield outcome
    else:
        absent.add(CONTROL_EFFECTIVENESS.name)
    if _data(sealed, CHECK_RESULTS.name).is_file():
        yield _checked_again(sealed, place, frames, circumstances, absent)


def _planted_again(sealed: Path, place: Path, circumstances: Circumstances) -> AssetOutcome:
    """Plant the faults again that the hashes of the sealed extracts give, and see whether the same is found of them."""
    name, differing = CONTROL_EFFECTIVENESS.name, Differences(CONTROL_EFFECTIVENESS.name)
    again, then = place / f"{name}.parquet", _data(sealed, name)
    same, problem = False, None
    try:
        seed = seed_of({each: sha256_of(_data(sealed, each)) for each in SEEDING})
        accounts = read_scope(sealed / "scope.yaml").gl_accounts
        write_parquet(control_effectiveness(seed, circumstances, accounts), CONTROL_EFFECTIVENESS, again)
        same = sha256_of(again) == sha256_of(then)
        if not same:
            differing = differences(then, again, CONTROL_EFFECTIVENESS)
    except (Cpg1Error, duckdb.Error, pa.ArrowException, OSError) as error:
        problem = str(error)
    # No statement of its own is sealed: the rules' are what runs.
    return AssetOutcome(name, same, differing, statement_changed=False, problem=problem)


def _checked_again(
    sealed: Path,
    place: Path,
    frames: Mapping[str, ds.Dataset],
    circumstances: Circumstances,
    absent: Collection[str],
) -> AssetOutcome:
    """Ask the checks of derived frames again; what the extracts' validations found needs the source, and is taken over."""
    name = CHECK_RESULTS.name
    changed = _statement(sealed, name) != check_statements().strip().encode()
    again, then = place / f"{name}.parquet", _data(sealed, name)
    asked = [c for c in checks(circumstances.lines).values() if not set(c.inputs) & set(absent)]
    # What only checks read is not among the frames that rules read. A frame that a rule gives is never the sealed one.
    only_checked = {name for check in asked for name in check.inputs} - frames.keys() - derivations().keys()
    only_checked.discard(CONTROL_EFFECTIVENESS.name)
    try:
        known = {(check.asset, check.name) for check in asked}
        read = {n: opened_parquet(str(_data(sealed, n))) for n in sorted(only_checked)}
        given = [
            row
            for row in opened_parquet(str(then)).to_table().to_pylist()
            if (row["asset"], row["check"]) not in known
        ]
        table = pa.concat_tables(
            [
                check_results({**frames, **read}, circumstances, {}, absent),
                pa.Table.from_pylist(given, schema=CHECK_RESULTS.arrow_schema),
            ]
        )
        write_parquet(table, CHECK_RESULTS, again)
        same = sha256_of(again) == sha256_of(then)
        differing = Differences(name) if same else differences(then, again, CHECK_RESULTS)
    except KeyError as error:
        problem = f"It needs {error.args[0]}, which could not be computed."
        return AssetOutcome(
            name, same_bytes=False, differences=Differences(name), statement_changed=changed, problem=problem
        )
    except (Cpg1Error, duckdb.Error, pa.ArrowException, OSError) as error:
        return AssetOutcome(
            name,
            same_bytes=False,
            differences=Differences(name),
            statement_changed=changed,
            problem=str(error),
        )
    return AssetOutcome(name, same, differing, changed)


def _statement(sealed: Path, name: str) -> bytes:
    return (sealed / "statements" / f"{name}.sql").read_bytes().strip()


def _computed(
    derivation: Derivation, frames: Mapping[str, ds.Dataset], circumstances: Circumstances, path: Path
) -> str | None:
    """Write the frame as the storage would, to `path`; or say why that cannot be done."""
    absent = [name for name in derivation.inputs if name not in frames]
    if absent:
        return f"It needs {', '.join(absent)}, which could not be computed."
    try:
        write_parquet(derivation.computed(frames, circumstances), derivation.spec, path)
    except (Cpg1Error, duckdb.Error, pa.ArrowException, OSError) as error:
        return str(error)
    return None


def _data(sealed: Path, name: str) -> Path:
    return sealed / "data" / f"{name}.parquet"


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} does not hold what a seal has there ({error}).") from error


def _code(this: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Name a code version, with its commit where both know theirs (an installed package knows none)."""
    version = str(this.get("code_version"))
    if not (isinstance(this.get("git"), dict) and isinstance(other.get("git"), dict)):
        return version
    git = this["git"]
    return f"{version} at {git.get('commit')}" + ("" if git.get("clean") else " with changes")


def _other_libraries(sealed: object, here: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Name the libraries that compute and write frames and have another version here than when it was sealed."""
    known = sealed if isinstance(sealed, dict) else {}
    return {
        name: {"sealed": str(known[name]), "here": here[name]}
        for name in _LIBRARIES
        if name in known and name in here and known[name] != here[name]
    }
