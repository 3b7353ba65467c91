"""The code version of each asset: the digest of what it uses of the control, as it was loaded.

Dagster shows what is stale by it, and provenance says by it what computed a file.
"""

from collections.abc import Mapping
from functools import cache

from cpg1_assets.deployment import Deployment
from cpg1_assets.extracts.catalog import Extract
from cpg1_assets.extracts.scope import SCOPE_FILE
from cpg1_assets.frame import FrameSpec
from cpg1_assets.loaded import TEXTS, digest_of
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.digest import rule_digest
from cpg1_assets.rules.frames import (
    CHECK_RESULTS,
    CONTROL_EFFECTIVENESS,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEMS_BEFORE,
)
from cpg1_assets.rules.graph import derivations

_RULE_FILES = {
    "lines": "lines.yaml",
    "thresholds": "thresholds.yaml",
    "classification": "collection_classification.yaml",
    "matching": "open_items.yaml",
}
_WRITING = ("frame.py", "storage/")
_VALIDATING = ("embedded.py", "month.py", "validation.py", "yaml_file.py")
# Of the extracts' own room all but the queries, of which each extract uses its own.
_EXTRACTING = (
    *(name for name in TEXTS if name.startswith("extracts/") and not name.startswith("extracts/queries/")),
    "graph/extracts.py",
    "sources/",
    *_VALIDATING,
    *_WRITING,
)


def code_versions(deployment: Deployment) -> dict[str, str]:
    """Give the digest of what each asset of the month uses, by asset; the seal itself has none."""
    files = deployment.rules.files
    versions = {name: extract_version(extract) for name, extract in deployment.catalog.items()}
    read = ("inbox/", "graph/drawn.py", *_VALIDATING, *_WRITING)
    versions["jdash"] = digest_of(_loaded("jdash/", "graph/jdash.py", *read))
    versions[OPEN_ITEM_COMMENTS.name] = _of_frame(
        OPEN_ITEM_COMMENTS, _loaded("comments/", "graph/open_item_comments.py", *read)
    )
    sealed = rule_digest(OPEN_ITEMS_BEFORE.name, {}, OPEN_ITEMS_BEFORE).encode()
    versions[OPEN_ITEMS_BEFORE.name] = _of_frame(
        OPEN_ITEMS_BEFORE,
        {
            "rule": sealed,
            **_loaded("graph/drawn.py", "graph/open_items_before.py", *_VALIDATING, *_WRITING),
        },
    )
    for name, derivation in derivations().items():
        followed = {
            _RULE_FILES[rule]: files[_RULE_FILES[rule]] for rule in derivation.follows if rule in _RULE_FILES
        }
        if "lines" in derivation.follows:
            followed["scope.yaml"] = TEXTS[SCOPE_FILE]  # which lines can be computed
        versions[name] = rule_digest(name, followed, derivation.spec)
    all_files = {**files, "scope.yaml": TEXTS[SCOPE_FILE]}
    packages = digest_of(_loaded("graph/packages.py", *_WRITING)).encode()
    versions["bridge_calculations_evidence"] = digest_of(
        {
            "packages": packages,
            "rules": rule_digest("material_proof_rows", all_files).encode(),
            **{name: versions[name].encode() for name in BRIDGES},
        }
    )
    versions["bridge_classifications_evidence"] = digest_of(
        {"packages": packages, "rules": versions["ipe_31_classified"].encode()}
    )
    # The small books have the contracts' columns, and every rule and check is run over them.
    planted = _loaded("effectiveness/", "graph/control_effectiveness.py", "jdash/month.py", *_WRITING)
    planted |= {name: text for name, text in _loaded("extracts/").items() if name.endswith(".yaml")}
    planted |= {name: versions[name].encode() for name in derivations()}
    planted["checks"] = rule_digest("check_results", all_files, CONTROL_EFFECTIVENESS).encode()
    versions[CONTROL_EFFECTIVENESS.name] = digest_of(planted)
    checked = digest_of(_loaded("graph/check_results.py")).encode()
    versions["check_results"] = digest_of(
        {"code": checked, "rules": rule_digest("check_results", all_files, CHECK_RESULTS).encode()}
    )
    return versions


def _of_frame(spec: FrameSpec, used: Mapping[str, bytes]) -> str:
    return digest_of({**used, "frame": spec.model_dump_json().encode()})


def extract_version(extract: Extract) -> str:
    """Give the digest of what an extract uses: its query, its contract, the scope, and what reads and writes rows."""
    return digest_of(
        {
            "query": extract.sql.encode(),
            "contract": extract.contract_text.encode(),
            "code": _extracting().encode(),
        }
    )


@cache
def _extracting() -> str:
    return digest_of(_loaded(*_EXTRACTING))


def _loaded(*names: str) -> dict[str, bytes]:
    """Give the loaded files of these names; a name that ends in / stands for all of its folder."""
    folders = tuple(name for name in names if name.endswith("/"))
    return {name: text for name, text in TEXTS.items() if name in names or name.startswith(folders)}
