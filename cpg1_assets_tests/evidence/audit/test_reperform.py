"""An auditor re-performs the control from its sealed evidence alone, and sees every row that differs."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from cpg1_assets.cli.commands import main
from cpg1_assets.definitions import build_definitions
from cpg1_assets.errors import FileFormatError, StorageError
from cpg1_assets.evidence.audit import reperform as reperform_module
from cpg1_assets.evidence.audit.reperform import AssetOutcome, Reperformance, reperform
from cpg1_assets.evidence.packages.context import system_context
from cpg1_assets.rules.frames import DERIVED_FRAMES
from cpg1_assets.rules.graph import derivations, rule_statement, source_frames
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.sealing import evidence_copy, sealed_folder, with_amount, without_open_items

DERIVED = {spec.name for spec in DERIVED_FRAMES}


@pytest.fixture
def evidence(closed: Closed, tmp_path: Path) -> Path:
    """Give a copied evidence folder that the test may tamper with."""
    return evidence_copy(closed, tmp_path / "copied evidence [of] 2025*")


@pytest.fixture
def sealed(evidence: Path, closed: Closed) -> Path:
    """Give the sealed version in it, without open items: a whole month takes several times as long."""
    folder = sealed_folder(evidence, closed.month)
    without_open_items(folder)
    return folder


@pytest.fixture
def whole(evidence: Path, closed: Closed) -> Path:
    """Give the sealed version in it as it was sealed."""
    return sealed_folder(evidence, closed.month)


def cpg1(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["evidence", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def outcome(result: Reperformance, asset: str) -> AssetOutcome:
    (found,) = [o for o in result.outcomes if o.asset == asset]
    return found


# The graph of rules


def test_the_rules_say_the_same_inputs_as_the_assets(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    assets = {
        node.key.to_user_string(): {parent.to_user_string() for parent in node.parent_keys}
        for node in graph.asset_nodes
    }
    assert {name: set(d.inputs) for name, d in derivations().items()} == {
        name: assets[name] for name in DERIVED
    }


def test_every_derivation_comes_after_those_it_reads() -> None:
    done = set(source_frames())
    for name, derivation in derivations().items():
        assert set(derivation.inputs) <= done, name
        done.add(name)
    assert set(derivations()) == DERIVED


# A month as it was sealed


def test_a_sealed_month_is_identical_to_the_last_byte(whole: Path) -> None:
    result = reperform(whole)
    assert {o.asset for o in result.outcomes} == DERIVED | {"control_effectiveness", "check_results"}
    assert all(o.identical and o.same_bytes and not o.statement_changed for o in result.outcomes)
    assert result.identical
    assert result.altered == ()
    assert not result.other_code
    assert result.libraries == {}


def test_a_month_sealed_before_there_were_open_items_is_reperformed_without_them(sealed: Path) -> None:
    result = reperform(sealed)
    assert result.identical
    of_open_items = {"open_item_matches", "open_items", "open_item_suggestions", "open_item_changes"}
    assert {each.asset for each in result.outcomes} == {*derivations(), "check_results"} - of_open_items


def test_a_version_that_lacks_only_some_of_its_open_items_is_refused(whole: Path) -> None:
    (whole / "data" / "open_items_before.parquet").unlink()
    with pytest.raises(StorageError, match=r"lacks .*open_items_before\.parquet"):
        reperform(whole)


def test_the_command_needs_nothing_but_the_copied_folder(evidence: Path, tmp_path: Path) -> None:
    """No home, no Dagster home, no books, and settings that would be refused if anybody read them."""
    empty = tmp_path / "empty"
    empty.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CPG1_", "DAGSTER_", "DB_"))}
    done = subprocess.run(
        [sys.executable, "-m", "cpg1_assets", "evidence", "reperform", "2025-09", "--path", str(evidence)],
        env={**kept, "CPG1_SOURCE": "nonsense", "CPG1_HOME": str(empty / "home")},
        cwd=empty, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "identical: all 16 frames" in done.stdout
    assert "SAMPLE BOOKS" in done.stdout
    assert list(empty.iterdir()) == []


def test_reperforming_does_not_import_dagster() -> None:
    code = "import sys, cpg1_assets.evidence.audit.reperform as r; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_other_bytes_for_the_same_rows_are_identical_and_said(
    evidence: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed / "data" / "reconciliation.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), path, compression="gzip")
    monkeypatch.setattr(reperform_module, "altered_files", lambda *_: ())
    monkeypatch.setattr(reperform_module, "_other_rows", lambda *_: ())
    found = outcome(reperform(sealed), "reconciliation")
    assert found.identical
    assert not found.same_bytes
    said = cpg1("reperform", "2025-09", "--path", str(evidence))
    assert said.exit_code == 0
    assert "identical in every row (the file's bytes differ)" in said.output


# A month that is not as it was sealed


def test_a_changed_sealed_extract_gives_the_rows_that_differ_all_the_way_down(
    evidence: Path, sealed: Path
) -> None:
    rows = pq.read_table(sealed / "data" / "ipe_07.parquet").to_pylist()
    company = rows[0]["id_company"]
    with_amount(
        sealed / "data" / "ipe_07.parquet", "remaining_amount_lcy",
        lambda values: [Decimal(str(values[0])) + 1_000_000, *values[1:]],
    )  # fmt: skip
    result = reperform(sealed)
    assert not result.identical
    assert result.altered == ("data/ipe_07.parquet",)
    targets = outcome(result, "target_values").differences
    (row,) = targets.listed
    assert (row.kind, row.key) == ("changed", {"id_company": company, "line": "customer_ar"})
    moved = Decimal(row.after["target_value"] or "") - Decimal(row.before["target_value"] or "")
    assert moved == 1_000_000
    (total,) = targets.totals
    assert (total.id_company, total.rows) == (company, 1)
    assert Decimal(total.amounts["target_value"]) == 1_000_000
    # The reconciliation is computed from the re-performed target values, not from the sealed ones.
    (line,) = outcome(result, "reconciliation").differences.listed
    assert {"target_value", "variance", "unexplained"} <= line.after.keys()
    assert outcome(result, "nav_voucher_entries").identical
    said = cpg1("reperform", "2025-09", "--path", str(evidence))
    assert said.exit_code == 1
    assert f"changed: id_company {company}, line customer_ar" in said.output
    assert "data/ipe_07.parquet is not the file that was sealed" in said.output


def test_rows_added_to_and_taken_from_a_sealed_derived_frame_are_named(sealed: Path) -> None:
    path = sealed / "data" / "nav_voucher_entries.parquet"
    first = pq.read_table(path).to_pylist()[0]
    with_amount(path, "voucher_no", lambda values: values, rows=slice(1, None))
    found = outcome(reperform(sealed), "nav_voucher_entries")
    assert (found.differences.came, found.differences.went, found.differences.changed) == (1, 0, 0)
    assert found.differences.listed[0].key == {
        "id_company": first["id_company"],
        "entry_no": str(first["entry_no"]),
    }
    assert outcome(reperform(sealed), "vtc_adjustment").identical


def test_changed_sealed_thresholds_are_followed(sealed: Path) -> None:
    path = sealed / "rules" / "thresholds.yaml"
    path.write_text(path.read_text().replace("type: bucket, usd: 1000}", "type: bucket, usd: 1001}"))
    result = reperform(sealed)
    assert result.altered == ("rules/thresholds.yaml",)
    changed = {name for row in outcome(result, "reconciliation").differences.listed for name in row.after}
    assert "threshold_usd" in changed


def test_the_manifest_edited_to_hide_a_change_is_said(sealed: Path) -> None:
    path = sealed / "manifest.parquet"
    pq.write_table(pq.read_table(path), path, compression="gzip")
    assert reperform(sealed).altered == ("manifest.parquet",)


def test_the_json_names_every_row(evidence: Path, sealed: Path) -> None:
    with_amount(
        sealed / "data" / "reconciliation.parquet", "actual",
        lambda values: [Decimal(str(values[0])) + Decimal("0.0001"), *values[1:]],
    )  # fmt: skip
    said = cpg1("reperform", "2025-09", "--path", str(evidence), "--json")
    result = json.loads(said.stdout)
    (differing,) = [asset for asset in result["assets"] if not asset["identical"]]
    assert (said.exit_code, result["identical"]) == (1, False)
    assert (differing["asset"], differing["changed_rows"]) == ("reconciliation", 1)
    assert differing["differences"]["by_company"][0]["amounts"]["actual"] == "-0.0001"
    assert result["books"] == "SAMPLE BOOKS"


# Another code, and statements of another code


@pytest.mark.usefixtures("sealed")
def test_another_code_version_is_reported_and_reperforms_all_the_same(
    evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = system_context

    def other(**given: object) -> dict[str, object]:
        context = ours(**given)  # type: ignore[arg-type]
        return context | {"code_version": "9.9.9", "libraries": context["libraries"] | {"duckdb": "99.0"}}

    monkeypatch.setattr(reperform_module, "system_context", other)
    said = cpg1("reperform", "2025-09", "--path", str(evidence))
    assert said.exit_code == 0, said.output
    assert "The code here is another: 9.9.9" in said.output
    assert "duckdb is 99.0 here" in said.output
    assert "identical: all 11 frames" in said.output


def test_a_statement_that_is_not_todays_is_reported_by_asset(evidence: Path, sealed: Path) -> None:
    path = sealed / "statements" / "gl_roll_forward.sql"
    path.write_text(path.read_text().replace("SELECT", "SELECT /* then */", 1))
    result = reperform(sealed)
    assert [o.asset for o in result.outcomes if o.statement_changed] == ["gl_roll_forward"]
    assert outcome(result, "gl_roll_forward").identical
    said = cpg1("reperform", "2025-09", "--path", str(evidence)).output
    assert "its statement is another than the sealed statements/gl_roll_forward.sql" in said


def test_what_is_sealed_as_statement_is_the_rules_own(whole: Path) -> None:
    for name in DERIVED:
        assert (whole / "statements" / f"{name}.sql").read_text() == rule_statement(name)


# What is missing or cannot be read


@pytest.mark.parametrize(
    "name", ["data/jdash.parquet", "rules/lines.yaml", "scope.yaml", "statements/reconciliation.sql"]
)
def test_a_missing_sealed_file_is_named(evidence: Path, sealed: Path, name: str) -> None:
    (sealed / name).unlink()
    with pytest.raises(StorageError, match=name):
        reperform(sealed)
    said = cpg1("reperform", "2025-09", "--path", str(evidence))
    assert said.exit_code == 1
    assert name in said.stderr


def test_a_sealed_file_that_is_not_parquet_is_named(sealed: Path) -> None:
    (sealed / "data" / "cr_04.parquet").write_bytes(b"PAR1 not at all")
    with pytest.raises(StorageError, match=r"cr_04\.parquet is not a readable Parquet file"):
        reperform(sealed)


def test_a_damaged_sealed_frame_is_a_problem_of_that_frame_only(sealed: Path) -> None:
    path = sealed / "data" / "reconciliation.parquet"
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    result = reperform(sealed)
    assert not outcome(result, "reconciliation").identical
    assert "data/reconciliation.parquet" in result.altered
    assert all(o.identical for o in result.outcomes if o.asset != "reconciliation")


def test_a_frame_that_cannot_be_computed_says_why_and_the_others_are_still_done(sealed: Path) -> None:
    path = sealed / "data" / "cr_03.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["group_coa_account_no"]), path)
    result = reperform(sealed)
    assert "group_coa_account_no" in (outcome(result, "nav_voucher_entries").problem or "")
    assert "needs nav_voucher_entries" in (outcome(result, "vtc_adjustment").problem or "")
    assert outcome(result, "target_values").identical
    assert not result.identical


def test_a_sealed_rule_file_that_breaks_its_rules_is_named(sealed: Path) -> None:
    (sealed / "rules" / "lines.yaml").write_text("version: 1\nlines: no")
    with pytest.raises(FileFormatError, match=r"lines\.yaml, line"):
        reperform(sealed)


def test_a_month_that_is_not_sealed_is_refused_by_name(evidence: Path) -> None:
    said = cpg1("reperform", "2025-08", "--path", str(evidence))
    assert said.exit_code == 1
    assert "2025-08 is not sealed" in said.stderr
