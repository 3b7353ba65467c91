"""The IPE register names every report the control relied on, and what changed since the month before."""

import hashlib
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from cpg1_assets.cli.commands import main
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.evidence.audit.register import Report, ipe_register
from cpg1_assets.evidence.chain.seal import sealed_months
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.home import Home
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.sealing import earlier_month, evidence_copy, listed_anew, sealed_folder

MONTH, EARLIER = "2025-09", "2025-08"
CATALOG = read_catalog()


@pytest.fixture
def evidence(closed: Closed, tmp_path: Path) -> Path:
    """Give a copied evidence folder that the test may tamper with."""
    return evidence_copy(closed, tmp_path / "copied")


def cpg1(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["evidence", "ipe", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_every_report_is_there_with_all_an_auditor_tests(closed: Closed, evidence: Path) -> None:
    register = ipe_register(sealed_folder(evidence, MONTH), None)
    assert [report.asset for report in register.reports] == [*sorted(CATALOG), "jdash"]
    for report in register.reports[:-1]:
        extract = CATALOG[report.asset]
        assert report.title == extract.contract.title
        assert report.query_sha256 == hashlib.sha256(extract.sql.encode()).hexdigest()
        assert report.contract_sha256 == hashlib.sha256(extract.contract_path.read_bytes()).hexdigest()
        assert report.feeds == extract.contract.feeds
        rows = closed.rows(report.asset)
        assert report.rows == len(rows)
        assert sum(int(totals["row_count"]) for totals in report.control_totals.values()) == len(rows)
        for amount in extract.contract.amounts:
            said = sum(Decimal(totals[amount]) for totals in report.control_totals.values())
            assert said == sum(row[amount] or 0 for row in rows)
        assert {v["name"] for v in report.validations} >= {"completeness", "positive_witness"}
        assert len(report.parameters["companies"]) == 9
        assert report.source["title"] == "SAMPLE BOOKS"
        assert report.package == f"{report.asset}/{closed.result.run_id}"
    assert register.books == "SAMPLE BOOKS"


def test_jdash_is_a_report_without_a_query_and_its_files_are_named(closed: Closed, evidence: Path) -> None:
    jdash = ipe_register(sealed_folder(evidence, MONTH), None).reports[-1]
    inbox = Home(closed.settings).inbox_folder / "jdash" / MONTH
    assert jdash.query_sha256 is None
    assert jdash.parameters["files"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in inbox.iterdir()
    }
    sums = sum(Decimal(totals["amount_used"]) for totals in jdash.control_totals.values())
    assert sums == sum(row["amount_used"] for row in closed.rows("jdash"))
    assert {v["result"] for v in jdash.validations} == {"pass"}


def _report_of(asset: str, evidence: Path) -> Report:
    (found,) = [r for r in ipe_register(sealed_folder(evidence, MONTH), None).reports if r.asset == asset]
    return found


def test_a_report_is_described_by_the_package_its_sealed_data_came_with(
    evidence: Path, closed: Closed
) -> None:
    """A later run left a package of other data, and another of the same data: nothing is known of either."""
    folder = evidence / MONTH / "ipe_07"
    for name in ("ffffffff-later", "eeeeeeee-same"):
        shutil.copytree(folder / closed.result.run_id, folder / name)
    hashes = json.loads((folder / "ffffffff-later" / "05_integrity_hash.json").read_text())
    (folder / "ffffffff-later" / "05_integrity_hash.json").write_text(
        json.dumps(hashes | {"sha256": "0" * 64})
    )
    report = _report_of("ipe_07", evidence)
    assert report.package == f"ipe_07/{closed.result.run_id}"
    shutil.rmtree(folder / closed.result.run_id)
    with pytest.raises(Cpg1Error, match="not there, or not as it was sealed"):
        _report_of("ipe_07", evidence)
    listed_anew(sealed_folder(evidence, MONTH))  # as if no package had been sealed
    alone = _report_of("ipe_07", evidence)
    assert (alone.package, alone.source, alone.validations) == (None, None, ())
    assert alone.rows == pq.read_metadata(closed.path("ipe_07")).num_rows


def test_nothing_changed_since_the_month_before(evidence: Path) -> None:
    before = earlier_month(evidence, MONTH, EARLIER)
    register = ipe_register(sealed_folder(evidence, MONTH), before)
    assert register.before == EARLIER
    assert register.rules_changed == ()
    assert all(report.changed == () for report in register.reports)


def test_a_changed_query_contract_rule_and_statement_come_with_their_diff(evidence: Path) -> None:
    before = earlier_month(evidence, MONTH, EARLIER)
    for name, old, new in (
        ("queries/ipe_07.sql", "SELECT", "SELECT /* before */"),
        ("queries/cr_05.yaml", "title: ", "title: Once "),
        ("rules/thresholds.yaml", "usd: 500}", "usd: 600}"),
        ("statements/gl_roll_forward.sql", "SELECT", "SELECT /* before */"),
    ):
        path = before / name
        path.write_text(path.read_text().replace(old, new, 1))
    (before / "queries" / "ipe_34.sql").unlink()
    listed_anew(before)
    register = ipe_register(sealed_folder(evidence, MONTH), before)
    changed = {change.file: change.diff for report in register.reports for change in report.changed}
    assert set(changed) == {"queries/ipe_07.sql", "queries/cr_05.yaml", "queries/ipe_34.sql"}
    assert (
        "--- 2025-08/001/queries/ipe_07.sql\n+++ 2025-09/001/queries/ipe_07.sql"
        in changed["queries/ipe_07.sql"]
    )
    assert "-title: Once " in changed["queries/cr_05.yaml"]
    rules = {change.file: change.diff for change in register.rules_changed}
    assert set(rules) == {"rules/thresholds.yaml", "statements/gl_roll_forward.sql"}
    assert "usd: 600}" in rules["rules/thresholds.yaml"]
    (ipe_07,) = [report for report in register.reports if report.asset == "ipe_07"]
    assert [change.file for change in ipe_07.changed] == ["queries/ipe_07.sql"]


def test_the_command_takes_the_last_sealed_month(evidence: Path) -> None:
    assert sealed_months(evidence) == [MONTH]
    said = cpg1("--path", str(evidence))
    assert said.exit_code == 0
    assert f"IPE register of {MONTH}, sealed version 001 – SAMPLE BOOKS" in said.output
    assert "No month was sealed before" in said.output
    as_json = json.loads(cpg1(MONTH, "--path", str(evidence), "--json").stdout)
    assert len(as_json["reports"]) == len(CATALOG) + 1
    assert as_json["compared_with"] is None


def test_without_a_sealed_month_the_register_says_so(tmp_path: Path) -> None:
    said = cpg1("--path", str(tmp_path))
    assert said.exit_code == 1
    assert "holds no sealed month" in said.stderr


def test_a_sealed_version_without_its_queries_is_refused_by_name(evidence: Path) -> None:
    shutil.rmtree(sealed_folder(evidence, MONTH) / "queries")
    with pytest.raises(Cpg1Error, match=r"queries/cr_03\.sql,? .* more: not there, or not as it was sealed"):
        ipe_register(sealed_folder(evidence, MONTH), None)
