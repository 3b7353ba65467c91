"""A month is sealed only when every file of it is what the loaded code gives from the files that are there."""

from dataclasses import replace

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.proof import Stored, require_one_version
from cpg1_assets.storage.provenance import Provenance

MONTH = "2025-09"
CODES = {"ipe_07": "q1", "cr_05": "q2", "bridge": "r1", "reconciliation": "r2"}
INPUTS = {"bridge": ["ipe_07"], "reconciliation": ["bridge", "cr_05"]}


def month() -> dict[str, Stored]:
    """Give a month of four files that are one computation."""
    return {
        asset: Stored(
            f"sha of {asset}",
            Provenance(
                asset,
                MONTH,
                f"sha of {asset}",
                {name: f"sha of {name}" for name in INPUTS.get(asset, ())},
                CODES[asset],
                "version",
            ),
        )
        for asset in CODES
    }


def changed(stored: dict[str, Stored], asset: str, **fields: object) -> dict[str, Stored]:
    provenance = stored[asset].provenance
    return stored | {asset: stored[asset]._replace(provenance=replace(provenance, **fields))}  # type: ignore[arg-type]


def refusal(stored: dict[str, Stored]) -> str:
    with pytest.raises(EvidenceError, match="2025-09 is not sealed") as refused:
        require_one_version(MONTH, stored, CODES, INPUTS)
    assert "cpg1 close --month 2025-09" in str(refused.value)
    return str(refused.value)


def test_a_month_that_is_one_computation_is_proven() -> None:
    require_one_version(MONTH, month(), CODES, INPUTS)


def test_a_file_of_other_code_is_named() -> None:
    assert "bridge: it was computed by other code" in refusal(changed(month(), "bridge", code="r0"))


def test_a_file_computed_from_an_older_input_is_named_with_it() -> None:
    stored = changed(month(), "reconciliation", inputs={"bridge": "older", "cr_05": "sha of cr_05"})
    assert "reconciliation: it was computed from other files of bridge than are there now" in refusal(stored)


def test_a_new_extract_makes_what_was_computed_from_the_old_one_unproven() -> None:
    provenance = Provenance("ipe_07", MONTH, "new", {}, "q1", "version")
    said = refusal(month() | {"ipe_07": Stored("new", provenance)})
    assert "bridge: it was computed from other files of ipe_07" in said
    assert "ipe_07:" not in said.replace("files of ipe_07", "")


def test_an_input_that_was_never_read_is_named() -> None:
    said = refusal(changed(month(), "reconciliation", inputs={"cr_05": "sha of cr_05"}))
    assert "reconciliation: it was computed without bridge" in said


def test_an_input_that_is_not_of_the_month_any_more_is_named() -> None:
    inputs = {"bridge": "sha of bridge", "cr_05": "sha of cr_05", "gone": "sha"}
    assert "other files of gone" in refusal(changed(month(), "reconciliation", inputs=inputs))


def test_provenance_of_another_file_proves_nothing() -> None:
    assert "cr_05: its provenance is of another file" in refusal(changed(month(), "cr_05", sha256="other"))


def test_a_month_without_files_is_not_proven_by_that() -> None:
    with pytest.raises(EvidenceError, match="nothing to seal"):
        require_one_version(MONTH, {}, CODES, INPUTS)


def test_every_asset_that_is_not_proven_is_named() -> None:
    stored = changed(changed(month(), "bridge", code="r0"), "cr_05", code="q0")
    said = refusal(stored)
    assert "bridge:" in said
    assert "cr_05:" in said
