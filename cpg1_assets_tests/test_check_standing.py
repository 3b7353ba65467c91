"""The exit status of a close says the worst of what its checks and lines came to, and nothing else."""

import pytest

from cpg1_assets.closing.check_standing import FailedCheck, exit_status

SETTLED = [{"status": "RECONCILED"}, {"status": "EXPLAINED"}]


def check(severity: str, *, tested: bool = True, is_variance: bool = False) -> FailedCheck:
    return FailedCheck(
        asset="a",
        check="c",
        severity=severity,
        statement="",
        tested=tested,
        is_variance=is_variance,
        found=[],
        figures=[],
    )


@pytest.mark.parametrize("status", ["VARIANCE_DETECTED", "NOT_COMPUTED"])
def test_an_open_line_is_three_and_a_failed_check_that_is_no_variance_four(status: str) -> None:
    still_open = [*SETTLED, {"status": status}]
    assert exit_status(SETTLED, []) == 0
    assert exit_status(still_open, []) == 3
    assert exit_status(still_open, [check("ERROR", is_variance=True)]) == 3
    assert exit_status(SETTLED, [check("ERROR")]) == 4
    assert exit_status(still_open, [check("ERROR"), check("ERROR", is_variance=True)]) == 4


def test_a_country_whose_small_variances_are_material_together_is_not_fine() -> None:
    assert exit_status(SETTLED, [check("ERROR", is_variance=True)]) == 3


def test_warnings_and_checks_that_found_nothing_to_test_change_nothing() -> None:
    assert (
        exit_status(SETTLED, [check("WARN"), check("ERROR", tested=False), check("WARN", tested=False)]) == 0
    )
