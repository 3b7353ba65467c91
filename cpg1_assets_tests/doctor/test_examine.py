"""Nothing is left out because something else failed."""

from pathlib import Path

import pytest

from cpg1_assets.doctor import examine, machine
from cpg1_assets.settings import Settings
from cpg1_assets_tests.doctor.conftest import about, only

GROUPS = {"Settings", "This machine", "Server", "Storage and evidence", "Dagster"}


@pytest.mark.parametrize(
    "wrong", [{"CPG1_SOURCE": "oracle"}, {"CPG1_RULES": "/no/such/rules"}, {"CPG1_STORAGE": "nosuch://x"}]
)
def test_one_fault_leaves_every_other_check(tmp_path: Path, wrong: dict[str, str]) -> None:
    examination = examine({"CPG1_HOME": str(tmp_path / "home")} | wrong)
    assert {finding.group for finding in examination.findings} >= GROUPS
    assert examination.exit_status == 1


def test_what_may_not_be_looked_at_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Settings) -> None:
        raise PermissionError(13, "Permission denied", "/closed/inbox")

    monkeypatch.setattr(machine, "check_inbox", closed)
    findings = list(examine({"CPG1_HOME": str(tmp_path)}).findings)
    assert only(about(findings, "inbox"), "mend").said == (
        "/closed/inbox cannot be looked at (Permission denied)"
    )


def test_the_conclusion_counts_the_checks(tmp_path: Path) -> None:
    examination = examine({"CPG1_HOME": str(tmp_path / "home"), "CPG1_COMPANIES": "EC_NG"})
    assert examination.books == "SAMPLE BOOKS"
    assert examination.exit_status == 0
    assert f"{len(examination.findings)} checks: " in examination.conclusion
    assert "to look at" in examination.conclusion
    assert "to mend" not in examination.conclusion
