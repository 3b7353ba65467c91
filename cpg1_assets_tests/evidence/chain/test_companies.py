"""The companies of a month are compared with those of the seal before it, and a seal that was changed with none."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.companies import companies_before, companies_changed, companies_of
from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets_tests.evidence.small_year import small_month

MONTH = "2025-09"


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


def seal(evidence: Path, month: str, *companies: str) -> None:
    """Seal a version of a month for these companies."""
    small_month(evidence, month, companies=companies, run="-".join(companies))


def compared(evidence: Path, month: str, version: int | None = None) -> tuple[str, int, set[str]] | None:
    found = companies_before(read_chain(evidence), evidence, month, version)
    return None if found is None else (found[0].month, found[0].version, set(found[1]))


def test_blanks_at_the_end_of_a_company_do_not_count(evidence: Path) -> None:
    sealed = small_month(evidence, MONTH, companies=["EC_NG  ", "JD_GH", "JD_GH "]).sealed
    assert companies_of(sealed) == {"EC_NG", "JD_GH"}


def test_the_first_seal_of_all_is_compared_with_none(evidence: Path) -> None:
    assert compared(evidence, MONTH) is None
    seal(evidence, MONTH, "A")
    assert compared(evidence, MONTH, 1) is None


def test_a_month_is_compared_with_its_own_version_before(evidence: Path) -> None:
    seal(evidence, "2025-08", "A")
    seal(evidence, MONTH, "B")
    seal(evidence, MONTH, "C")
    seal(evidence, MONTH, "D")
    assert compared(evidence, MONTH) == (MONTH, 3, {"D"})
    assert compared(evidence, MONTH, 3) == (MONTH, 2, {"C"})
    assert compared(evidence, MONTH, 2) == (MONTH, 1, {"B"})


def test_else_with_the_newest_version_of_the_latest_month_before_it(evidence: Path) -> None:
    seal(evidence, "2025-07", "A")
    seal(evidence, "2025-07", "B")
    seal(evidence, "2025-06", "C")
    seal(evidence, "2025-10", "D")
    assert compared(evidence, MONTH) == ("2025-07", 2, {"B"})


def test_else_with_the_newest_seal_of_a_later_month(evidence: Path) -> None:
    seal(evidence, "2025-11", "A")
    seal(evidence, "2025-10", "B")
    assert compared(evidence, MONTH) == ("2025-10", 1, {"B"})


def test_what_was_sealed_after_a_version_does_not_change_what_it_is_compared_with(evidence: Path) -> None:
    seal(evidence, "2025-07", "A")
    seal(evidence, MONTH, "A")
    seal(evidence, "2025-08", "B")
    assert compared(evidence, MONTH, 1) == ("2025-07", 1, {"A"})


def test_the_companies_that_left_and_the_new_ones_are_sorted() -> None:
    assert companies_changed(frozenset("dcba"), frozenset("defb")) == (["a", "c"], ["e", "f"])
    assert companies_changed(frozenset("a"), frozenset("a")) == ([], [])
    assert companies_changed({"EC_NG", "ec_ke"}, {"ec_ng", "EC_GH"}) == (["ec_ke"], ["EC_GH"])


def test_rates_that_are_not_those_sealed_are_no_answer(evidence: Path) -> None:
    sealed = small_month(evidence, "2025-08").sealed
    rates = sealed.data("cr_05")
    pq.write_table(pa.table({"id_company": ["EC_NG"]}), rates)
    with pytest.raises(
        EvidenceError, match=r"cr_05\.parquet is not the file that was sealed.* verify 2025-08"
    ):
        companies_before(read_chain(evidence), evidence, MONTH)
    rates.unlink()
    with pytest.raises(EvidenceError, match=r"cr_05\.parquet is not there"):
        companies_before(read_chain(evidence), evidence, MONTH)


def test_a_damaged_chain_is_no_answer(evidence: Path) -> None:
    seal(evidence, "2025-08", "A")
    (evidence / "chain" / "000001.json").write_text("{}")
    with pytest.raises(EvidenceError, match="is damaged"):
        companies_before(read_chain(evidence), evidence, MONTH)
