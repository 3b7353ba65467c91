"""A deliverable is there whole or not at all, an old one never stands for a new seal, and no failure undoes anything."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.deliverables import report
from cpg1_assets.deliverables.closed_month import closed_month
from cpg1_assets.deliverables.files import (
    REPORT,
    WORKBOOK,
    Deliverable,
    NotMade,
    make_all,
    make_deliverable,
    place_of,
    there,
)
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import problems_of
from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1, cpg1
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.deliverables.hand_sealed import MONTH, hand_sealed, red_month, seal_by_hand

__all__ = ["cpg1"]
SIGN = ("evidence", "sign-off", MONTH.key, "--role", "preparer", "--name", "Ann", "--comment", "ok")
CALENDAR = Settings.calendar_file
COMMENT = ("--item", "i1aa=posted by hand")


@pytest.fixture
def evidence(home: Path) -> Path:
    folder = Home(Settings(home=home)).evidence_folder
    seal_by_hand(folder, red_month())
    return folder


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def fail(*_: object) -> str:
        raise KeyError("secret")

    return lambda: monkeypatch.setattr(report, "report_html", fail)


def page_of(home: Path) -> Path:
    return home / "reports" / MONTH.key / f"C-PG-1-{MONTH.key}.html"


def test_a_report_is_made_from_a_copied_evidence_folder(tmp_path: Path) -> None:
    sealed = hand_sealed(tmp_path / "evidence", red_month())
    made = make_deliverable(REPORT, tmp_path / "evidence", tmp_path / "reports", MONTH, "en", CALENDAR)
    assert made.path == place_of(REPORT, tmp_path / "reports", MONTH)
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert (made.version, made.head, made.size_bytes) == (1, sealed.head, made.path.stat().st_size)
    assert list(made.path.parent.iterdir()) == [made.path]
    assert there(tmp_path / "reports", MONTH) == {REPORT: made.path}


def test_one_that_cannot_be_made_anew_is_taken_away_and_told(
    evidence: Path, tmp_path: Path, broken: Callable[[], None]
) -> None:
    make_deliverable(REPORT, evidence, tmp_path, MONTH, "en", CALENDAR)
    broken()
    told, workbook = make_all(evidence, tmp_path, MONTH, "en", CALENDAR)
    assert told == NotMade(REPORT, "KeyError, which is a fault of ours")
    assert there(tmp_path, MONTH) == {WORKBOOK: place_of(WORKBOOK, tmp_path, MONTH)}
    assert isinstance(workbook, Deliverable), "it stops no other"
    assert list((tmp_path / MONTH.key).iterdir()) == [workbook.path]


def test_a_month_that_is_not_sealed_has_no_report_and_says_what_to_do(evidence: Path, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"2025-08 is not sealed .* cpg1 close --month 2025-08"):
        make_deliverable(REPORT, evidence, tmp_path, CutoffMonth(2025, 8), "en", CALENDAR)


def test_what_was_sealed_and_changed_is_not_shown(evidence: Path, tmp_path: Path) -> None:
    make_deliverable(REPORT, evidence, tmp_path, MONTH, "en", CALENDAR)
    sealed = closed_month(evidence, MONTH).sealed.folder
    (sealed / "data" / "open_items.parquet").write_bytes(b"other")
    with pytest.raises(EvidenceError, match="is not the file that was sealed"):
        make_deliverable(REPORT, evidence, tmp_path, MONTH, "en", CALENDAR)
    assert there(tmp_path, MONTH) == {}


def test_the_command_makes_it_anew_and_says_where(cpg1: Cpg1, home: Path, evidence: Path) -> None:
    done = cpg1("report", MONTH.key)
    assert (done.exit_code, page_of(home).is_file()) == (0, True)
    assert f"Control report: {page_of(home)}" in done.stdout
    assert closed_month(evidence, MONTH).head in done.stdout
    assert cpg1("report").exit_code == 0, "the last sealed month"


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["2025-08"], {}, "2025-08 is not sealed"),
        ([MONTH.key], {"CPG1_LOCALE": "xx"}, "CPG1_LOCALE"),
        ([MONTH.key], {"CPG1_LOCALE": "../x"}, "CPG1_LOCALE"),
        ([MONTH.key], {"CPG1_COMPANIES": "EC_NG"}, "narrowed scope"),
    ],
)
def test_the_command_refuses_what_it_cannot_make_and_leaves_what_is_there(
    cpg1: Cpg1, home: Path, evidence: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str],
    environment: dict[str, str], said: str,
) -> None:  # fmt: skip
    assert evidence.is_dir()
    page_of(home).parent.mkdir(parents=True)
    page_of(home).write_text("as it was")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = cpg1("report", *arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert page_of(home).read_text() == "as it was"


def test_a_sign_off_and_a_reopening_make_the_report_anew(cpg1: Cpg1, home: Path, evidence: Path) -> None:
    assert cpg1(*SIGN, *COMMENT).exit_code == 0
    assert "signed off by preparer Ann" in page_of(home).read_text()
    reviewer = [*SIGN]
    reviewer[reviewer.index("preparer")], reviewer[reviewer.index("Ann")] = "reviewer", "Bob"
    assert f"Control report: {page_of(home)}" in cpg1(*reviewer).stdout
    assert "and reviewer Bob" in page_of(home).read_text()
    assert cpg1("reopen", MONTH.key, "--name", "Cy", "--reason", "late file").exit_code == 0
    assert "reopened by Cy: late file" in page_of(home).read_text()
    assert problems_of(evidence, MONTH.key) == [], "nothing of it is evidence"


def test_a_report_that_fails_does_not_undo_a_sign_off(
    cpg1: Cpg1, home: Path, evidence: Path, broken: Callable[[], None]
) -> None:
    assert cpg1("report", MONTH.key).exit_code == 0
    broken()
    done = cpg1(*SIGN, *COMMENT)
    assert done.exit_code == 0
    assert "Control report: NOT made: KeyError" in done.stdout
    assert "What was recorded stands" in done.stdout
    assert "secret" not in done.output
    assert [link.kind for link in read_chain(evidence)] == ["seal", "sign-off"]
    assert not page_of(home).exists()


def test_the_asset_makes_the_page_of_the_seal_and_says_which(closed: Closed) -> None:
    home = Home(closed.settings)
    month = CutoffMonth.parse(closed.month)
    said = closed.metadata(REPORT)
    path = place_of(REPORT, home.reports_folder, month)
    assert said["path"] == str(path)
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert said["head"] == closed_month(home.evidence_folder, month).head
    assert said["books"] == "SAMPLE BOOKS"


def test_a_page_that_cannot_be_made_is_an_error_in_the_log_and_no_failed_run(
    home: Path, evidence: Path, instance: dg.DagsterInstance, broken: Callable[[], None]
) -> None:
    broken()
    done = close(Settings(home=home), MONTH.key, instance, select=[REPORT])
    assert done.result.success
    assert done.deliverables() == set()
    logged = [each for each in instance.all_logs(done.result.run_id) if each.level == 40]
    (said,) = [each.user_message for each in logged]
    assert "control_report of 2025-09 was not made: KeyError" in said
    assert "The seal stands." in said
    assert "secret" not in said
    assert read_chain(evidence)


def test_nothing_is_made_of_a_narrowed_scope_and_that_is_said(
    home: Path, instance: dg.DagsterInstance
) -> None:
    done = close(Settings(home=home, companies=("EC_NG",)), MONTH.key, instance, select=[REPORT])
    assert done.result.success
    assert "narrowed scope" in done.metadata(REPORT)["made"]
    assert list(home.rglob("reports")) == []
