"""What an auditor does works on any sealed version, in a copied folder, an unpacked export and the archive itself."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cpg1_assets.cli.commands import main
from cpg1_assets.evidence.audit.export import export_month
from cpg1_assets.evidence.chain.links import anchor_of, append_link, head
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.sealing import (
    evidence_copy,
    sealed_folder,
    second_version,
    with_amount,
    without_open_items,
)
from cpg1_assets_tests.evidence.small_year import link_of, small_month

MONTH, EARLIER = "2025-09", "2025-08"


def cpg1(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["evidence", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def dearer(version: Path) -> None:
    """Change one amount of an extract, the thresholds and a query, and list it all as if it had been drawn so."""
    with_amount(version / "data" / "cr_05.parquet", "fx_rate", lambda rates: [rates[0] + 1, *rates[1:]])  # type: ignore[operator]
    for name, old, new in (
        ("rules/thresholds.yaml", "usd: 500}", "usd: 600}"),
        ("queries/ipe_07.sql", "SELECT", "SELECT /* later */"),
    ):
        path = version / name
        path.write_text(path.read_text().replace(old, new, 1))


@pytest.fixture(scope="module")
def places(closed: Closed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Seal a month twice, export it, and unpack the export; the first version has no open items, which take long."""
    folder = tmp_path_factory.mktemp("places")
    evidence = evidence_copy(closed, folder / "copy" / "evidence")
    without_open_items(sealed_folder(evidence, MONTH))
    second_version(sealed_folder(evidence, MONTH), dearer)
    assert cpg1("verify", "--path", evidence).exit_code == 0
    archive = export_month(evidence, MONTH, folder / "export.zip")
    zipfile.ZipFile(archive).extractall(folder / "unpacked")
    return {
        "folder": evidence,
        "archive": archive,
        "unpacked": folder / "unpacked",
        "its evidence": folder / "unpacked" / "evidence",
    }


@pytest.mark.parametrize("place", ["folder", "archive", "unpacked", "its evidence"])
def test_verify_ipe_and_export_read_any_of_them(places: dict[str, Path], place: str, tmp_path: Path) -> None:
    verified = cpg1("verify", "--path", places[place])
    assert verified.exit_code == 0, verified.output
    assert f"{MONTH} (2)" in verified.output
    for version in (1, 2):
        said = cpg1("ipe", MONTH, "--version", str(version), "--path", places[place])
        assert f"IPE register of {MONTH}, sealed version 00{version}" in said.output
    assert cpg1("ipe", "--path", places[place]).output == said.output
    out = tmp_path / "again.zip"
    assert cpg1("export", MONTH, "--path", places[place], "--out", out).exit_code == 0
    assert out.read_bytes() == places["archive"].read_bytes()


def test_an_older_version_is_reperformed_from_the_archive_and_the_newer_is_not_taken_for_it(
    places: dict[str, Path],
) -> None:
    older = cpg1("reperform", MONTH, "--version", "1", "--path", places["archive"])
    assert (older.exit_code, "identical: all" in older.output) == (0, True), older.output
    newer = cpg1("reperform", MONTH, "--path", places["its evidence"])
    assert newer.exit_code == 1, "it was sealed with figures of other rates"
    assert f"Re-performing {MONTH}, sealed version 002" in newer.output


def test_what_changed_between_two_versions_can_be_asked_for_either_way(places: dict[str, Path]) -> None:
    said = json.loads(cpg1("ipe", MONTH, "--against", "1", "--path", places["archive"], "--json").stdout)
    assert (said["version"], said["compared_with"], said["compared_version"]) == (2, MONTH, 1)
    assert [change["file"] for change in said["rules_changed"]] == ["rules/thresholds.yaml"]
    assert {c["file"] for report in said["reports"] for c in report["changed"]} == {"queries/ipe_07.sql"}
    (rates,) = said["data_changed"]["assets"]
    assert (rates["asset"], rates["changed"], rates["came"], rates["went"]) == ("cr_05", 1, 0, 0)
    shown = cpg1("ipe", MONTH, "--version", "1", "--against", "2", "--path", places["unpacked"]).output
    assert f"Rules changed since {MONTH} version 2:" in shown
    assert "Data changed since version 2:" in shown
    assert "cr_05: 1 changed" in shown
    same = cpg1("ipe", MONTH, "--version", "1", "--against", "1", "--path", places["folder"]).output
    assert "The data is that of version 1." in same


@pytest.mark.parametrize("command", ["ipe", "reperform"])
def test_a_version_or_month_that_is_not_there_is_refused_by_name(
    places: dict[str, Path], command: str, tmp_path: Path
) -> None:
    said = cpg1(command, MONTH, "--version", "3", "--path", places["archive"])
    assert (said.exit_code, "has no version 3. Its sealed versions are: 1, 2." in said.stderr) == (1, True)
    small_month(tmp_path / "evidence", EARLIER)
    small_month(tmp_path / "evidence", MONTH)
    archive = export_month(tmp_path / "evidence", MONTH, tmp_path / "export.zip")
    said = cpg1(command, EARLIER, "--path", archive)
    assert (said.exit_code, f"Version 1 of {EARLIER} was sealed, and is not in" in said.stderr) == (1, True)


def test_an_export_that_was_changed_is_not_worked_on(places: dict[str, Path], tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    changed.write_bytes(places["archive"].read_bytes())
    with zipfile.ZipFile(changed, "a") as more:
        more.writestr("notes.txt", "x")
    for command in (["reperform", MONTH], ["ipe"], ["export", MONTH, "--out", str(tmp_path / "x.zip")]):
        said = cpg1(*command, "--path", changed)
        assert (said.exit_code, "is not as it was exported" in said.stderr) == (1, True)


def test_a_month_before_that_is_not_in_the_export_is_named(places: dict[str, Path], tmp_path: Path) -> None:
    evidence = Path(shutil.copytree(places["folder"], tmp_path / "evidence"))
    body = {**link_of(evidence, 1)["body"], "month": EARLIER}  # type: ignore[dict-item]
    append_link(evidence, "seal", body)
    archive = export_month(evidence, MONTH, tmp_path / "export.zip")
    said = cpg1("ipe", "--path", archive)
    assert said.exit_code == 0
    assert f"{EARLIER} was sealed before, and is not here: nothing to compare with." in said.output
    assert json.loads(cpg1("ipe", "--path", archive, "--json").stdout)["not_here"] == EARLIER


def test_what_lies_beside_the_evidence_of_a_home_does_not_narrow_what_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in (EARLIER, MONTH):
        small_month(tmp_path / "evidence", month)
    shutil.rmtree(tmp_path / "evidence" / EARLIER)
    newest = head(tmp_path / "evidence")
    assert newest is not None
    said = {"format": "cpg1-export-1", "month": MONTH, "head": anchor_of(newest)}
    (tmp_path / "export.json").write_text(json.dumps(said))
    monkeypatch.setenv("CPG1_HOME", str(tmp_path))
    monkeypatch.setenv("CPG1_SOURCE", "sample")
    verified = cpg1("verify")
    assert (verified.exit_code, f"missing: {EARLIER}/seals/001" in verified.output) == (1, True)
    # Named as an export it is one, and the answer says of which month.
    assert f"This is of {MONTH}: no file of another month" in cpg1("verify", "--path", tmp_path).output
