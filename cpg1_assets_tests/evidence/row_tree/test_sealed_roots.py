"""A seal has the root of the rows of each frame; one that is of other rows, or is none, is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.evidence.audit.reperform import reperform
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.seal import ROW_TREES
from cpg1_assets.evidence.row_tree.rows import row_tree
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.conftest import ORDINARY_MONTH
from cpg1_assets_tests.evidence.attacks import forge
from cpg1_assets_tests.evidence.sealing import evidence_copy, sealed_folder
from cpg1_assets_tests.evidence.small_year import small_month

MONTH = "2025-09"


def test_a_seal_has_number_and_root_of_the_rows_of_each_frame(tmp_path: Path) -> None:
    sealed = small_month(tmp_path / "evidence", MONTH).sealed
    assert sealed.seal[ROW_TREES] == {
        asset: row_tree(sealed.data(asset))._asdict() for asset in ("cr_05", "ipe_08", "reconciliation")
    }


def test_a_seal_from_before_there_were_roots_verifies_without_a_word_of_them(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    forge(evidence, MONTH, 1, seal=lambda said: said.pop(ROW_TREES))
    report = verify(evidence)
    assert (report.problems, report.notes) == ([], [])


@pytest.mark.parametrize(
    "trees",
    [
        None, [], {}, {"cr_05": {}, "ipe_08": {}, "reconciliation": {}, "more": {}},
        *(
            {"cr_05": tree, "ipe_08": {"rows": 1, "root": "ab" * 32}, "reconciliation": {"rows": 2, "root": "ab" * 32}}
            for tree in list[object]((
                [], {"rows": 1}, {"rows": "1", "root": "ab" * 32}, {"rows": True, "root": "ab" * 32},
                {"rows": -1, "root": "ab" * 32}, {"rows": 1, "root": "AB" * 32}, {"rows": 1, "root": "ab" * 32, "more": 1},
            ))
        ),
    ],
)  # fmt: skip
def test_what_is_no_root_is_a_problem_of_the_seal(tmp_path: Path, trees: object) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH)
    forge(evidence, MONTH, 1, seal=lambda said: said.update({ROW_TREES: trees}))
    (problem,) = verify(evidence).problems
    assert problem.kind == "seal"
    assert "of each frame" in problem.message or "is no number and no root" in problem.message


def test_reperformance_finds_a_root_of_other_rows(closed: Closed, tmp_path: Path) -> None:
    sealed = sealed_folder(evidence_copy(closed, tmp_path / "evidence"), ORDINARY_MONTH)
    said: dict[str, Any] = json.loads((sealed / "seal.json").read_text())
    said[ROW_TREES]["ipe_07"]["rows"] += 1
    said[ROW_TREES]["reconciliation"]["root"] = said[ROW_TREES]["ipe_07"]["root"]
    (sealed / "seal.json").write_text(json.dumps(said))
    found = reperform(sealed)
    assert found.other_rows == ("ipe_07", "reconciliation")
    assert not found.identical
    assert all(outcome.identical for outcome in found.outcomes)
