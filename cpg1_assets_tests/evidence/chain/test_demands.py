"""Whoever signs comments on each open line, each failed check that is an error, and a change of companies."""

from pathlib import Path

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.demands import COMPANIES_CHECK, failed_checks, open_variances
from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets_tests.evidence.chain.signing import COMMENTS, MONTH, prepare, reopened, review
from cpg1_assets_tests.evidence.small_year import OPEN, small_month

RATE = "cr_05:every_company_has_an_fx_rate"
RESULTS = [
    ("cr_05", "every_company_has_an_fx_rate", "ERROR", False, True),
    ("cr_05", "every_company_has_an_fx_rate", "ERROR", False, True),
    ("gl_roll_forward", "ties_out", "ERROR", True, True),
    ("ipe_08", "positive_witness", "ERROR", False, False),
    ("ipe_31_classified", "every_item_classified", "WARN", False, True),
    ("reconciliation", "voucher_liability_explained", "ERROR", False, True),
    ("reconciliation", "country_materiality", "ERROR", False, True),
    ("target_values", "voucher_liability_explained", "ERROR", False, True),
]  # fmt: skip
FAILED = [RATE, "reconciliation:country_materiality", "target_values:voucher_liability_explained"]
ALL = dict.fromkeys(FAILED, "known, see the ticket")


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


@pytest.mark.parametrize("status", ["VARIANCE_DETECTED", "NOT_COMPUTED"])
def test_a_line_with_a_variance_and_one_not_computed_are_open(evidence: Path, status: str) -> None:
    assert open_variances(small_month(evidence, MONTH, status=status).sealed) == [OPEN]


@pytest.mark.parametrize("status", ["RECONCILED", "EXPLAINED"])
def test_a_line_reconciled_or_explained_is_not(evidence: Path, status: str) -> None:
    assert open_variances(small_month(evidence, MONTH, status=status).sealed) == []
    assert prepare(evidence, variances={}).body["open_variances"] == {}


def test_the_failed_checks_are_those_of_severity_error_that_had_something_to_test(evidence: Path) -> None:
    assert failed_checks(small_month(evidence, MONTH, checks=RESULTS).sealed) == FAILED


def test_a_month_sealed_before_there_were_results_has_none(evidence: Path) -> None:
    assert failed_checks(small_month(evidence, MONTH).sealed) == []


def test_what_has_no_comment_is_named_at_once_with_the_option_to_give(evidence: Path) -> None:
    small_month(evidence, "2025-08", companies=["EC_NG", "JD_GH", "EC_MA"])
    small_month(evidence, MONTH, status="NOT_COMPUTED", checks=RESULTS, companies=["EC_NG", "JD_GH", "JM_EG"])
    with pytest.raises(EvidenceError) as refused:
        prepare(evidence, variances={}, checks={RATE: " "})
    assert str(refused.value) == (
        f"1 open variances of {MONTH} have no comment: {OPEN} (NOT_COMPUTED). Give each one: "
        f"--variance LINE:COMPANY=COMMENT. 4 failed checks of severity ERROR of {MONTH} have no comment: {FAILED[0]}, "
        f"{FAILED[1]}, {FAILED[2]}, {COMPANIES_CHECK} (EC_MA left; JM_EG new, against 2025-08 version 1). Give each "
        "one: --check ASSET:CHECK=COMMENT"
    )
    assert [link.kind for link in read_chain(evidence)] == ["seal", "seal"]


def test_one_comment_does_for_a_check_however_many_rows_failed_and_case_does_not_matter(
    evidence: Path,
) -> None:
    small_month(evidence, MONTH, checks=RESULTS)
    prepared = prepare(evidence, checks={f" {key.upper()} ": f" {text} " for key, text in ALL.items()})
    assert prepared.body["failed_checks"] == ALL
    assert prepared.body["open_variances"] == COMMENTS
    assert verify(evidence).problems == []


def test_a_reviewer_takes_over_the_preparers_comments_unless_given_anew(evidence: Path) -> None:
    small_month(evidence, MONTH, checks=RESULTS)
    prepare(evidence, checks=ALL)
    reviewed = review(evidence, checks={RATE: "rate asked for"}, variances={OPEN: "seen"})
    assert reviewed.body["failed_checks"] == ALL | {RATE: "rate asked for"}
    assert reviewed.body["open_variances"] == {OPEN: "seen"}


@pytest.mark.parametrize(
    "key",
    ["ipe_08:positive_witness", "gl_roll_forward:ties_out", "reconciliation:voucher_liability_explained"],
)
def test_a_comment_on_a_check_that_needs_none_is_refused(evidence: Path, key: str) -> None:
    small_month(evidence, MONTH, checks=RESULTS)
    with pytest.raises(
        EvidenceError,
        match=f"{key} is not a failed check of severity ERROR of {MONTH}. Failed are: {FAILED[0]},",
    ):
        prepare(evidence, checks=ALL | {key: "x"})


def test_where_nothing_failed_a_comment_on_a_check_is_refused_too(evidence: Path) -> None:
    small_month(evidence, MONTH)
    with pytest.raises(EvidenceError, match="Failed are: none"):
        prepare(evidence, checks={RATE: "x"})


# Companies


def test_the_same_companies_need_no_comment(evidence: Path) -> None:
    small_month(evidence, "2025-08")
    small_month(evidence, MONTH, companies=["EC_NG  ", "JD_GH"])
    assert prepare(evidence).body["failed_checks"] == {}


def test_a_company_that_left_needs_a_comment(evidence: Path) -> None:
    small_month(evidence, "2025-08")
    small_month(evidence, MONTH, companies=["EC_NG"])
    with pytest.raises(EvidenceError, match=r"\(JD_GH left, against 2025-08 version 1\)"):
        prepare(evidence)
    prepared = prepare(evidence, checks={COMPANIES_CHECK: "sold"})
    assert prepared.body["failed_checks"] == {COMPANIES_CHECK: "sold"}
    assert review(evidence).body["failed_checks"] == {COMPANIES_CHECK: "sold"}
    assert verify(evidence).problems == []


def test_sealing_twice_does_not_make_a_change_of_companies_vanish(evidence: Path) -> None:
    small_month(evidence, "2025-08")
    small_month(evidence, MONTH, companies=["EC_NG"])
    small_month(evidence, MONTH, companies=["EC_NG"], amount=2, run="run-2")
    small_month(evidence, MONTH, companies=["EC_NG"], amount=3, run="run-3")
    with pytest.raises(EvidenceError, match=r"\(JD_GH left, against 2025-08 version 1\)"):
        prepare(evidence)


def test_a_change_that_was_signed_off_is_not_asked_for_again(evidence: Path) -> None:
    small_month(evidence, "2025-08")
    small_month(evidence, MONTH, companies=["EC_NG"])
    prepare(evidence, checks={COMPANIES_CHECK: "sold"})
    small_month(evidence, MONTH, companies=["EC_NG"], amount=2, run="run-2")
    with pytest.raises(EvidenceError, match="JD_GH left"):
        prepare(evidence)  # a preparer alone has not signed it off
    prepare(evidence, checks={COMPANIES_CHECK: "sold"})
    review(evidence)
    reopened(evidence)
    small_month(evidence, MONTH, companies=["EC_NG"], amount=3, run="run-3")
    assert prepare(evidence).body["failed_checks"] == {}


def test_a_change_against_the_version_before_needs_a_comment(evidence: Path) -> None:
    small_month(evidence, MONTH)
    small_month(evidence, MONTH, companies=["EC_NG", "JD_GH", "EC_KE"], run="run-2")
    with pytest.raises(EvidenceError, match=r"\(EC_KE new, against 2025-09 version 1\)"):
        prepare(evidence)
