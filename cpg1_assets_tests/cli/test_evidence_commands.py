"""`cpg1 evidence` verifies, signs off and exports, says what it knows, and exits accordingly."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import ClosedHome, Cpg1, in_a_process
from cpg1_assets_tests.evidence.small_year import OPEN, small_month

MONTH = "2025-09"


@pytest.fixture
def sealed(home: Path) -> Path:
    """Seal a small month in the test's home; give the evidence folder."""
    folder = Home(Settings(home=home)).evidence_folder
    small_month(folder, MONTH)
    return folder


def test_a_close_by_the_command_line_is_sealed_and_verifies_on_a_copy_elsewhere(
    closed_home: ClosedHome, tmp_path: Path
) -> None:
    seal = closed_home.said["seal"]
    assert seal["version"] == 1
    assert seal["sentence"].startswith("Sealed (version 1), not signed off")
    shutil.copytree(closed_home.home / "evidence", tmp_path / "copy")
    done = in_a_process(
        tmp_path / "copy", "evidence", "verify", "--path", ".", "--anchor", seal["anchor"], "--json",
        more={"CPG1_HOME": str(tmp_path / "no home")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["clean"]
    assert not (tmp_path / "no home").exists()


def test_verify_names_what_differs_and_exits_with_1(cpg1: Cpg1, sealed: Path) -> None:
    assert cpg1("evidence", "verify").exit_code == 0
    (sealed / MONTH / "seals" / "001" / "scope.yaml").write_text("scope: less\n")
    result = cpg1("evidence", "verify", MONTH)
    assert result.exit_code == 1
    assert f"changed: {MONTH}/seals/001/scope.yaml: " in result.stdout
    assert json.loads(cpg1("evidence", "verify", "--json").stdout)["clean"] is False


def test_verify_says_what_it_does_not_know(cpg1: Cpg1, sealed: Path) -> None:
    assert sealed.is_dir()
    assert "Consistent with itself, and no more than that is known" in cpg1("evidence", "verify").stdout


def test_verify_without_evidence_is_an_error_in_a_sentence(cpg1: Cpg1) -> None:
    result = cpg1("evidence", "verify", "--json")
    assert result.exit_code == 1
    assert "is not there" in json.loads(result.stdout)["error"]


def test_the_whole_way_from_key_to_signed_archive(
    cpg1: Cpg1, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    made = json.loads(cpg1("evidence", "keygen", "--out", str(key), "--json").stdout)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert cpg1("evidence", "keygen", "--out", str(key)).exit_code == 1
    monkeypatch.setenv("CPG1_SIGNING_KEY_FILE", str(key))
    small_month(Home(Settings(home=home)).evidence_folder, MONTH)
    given = ["evidence", "sign-off", MONTH, "--comment", "ok"]
    refused = cpg1(*given, "--role", "preparer", "--name", "Ann")
    assert refused.exit_code == 1
    assert OPEN in refused.stderr
    prepared = cpg1(*given, "--role", "preparer", "--name", "Ann", "--variance", f"{OPEN}=known")
    assert prepared.exit_code == 0
    assert cpg1(*given, "--role", "reviewer", "--name", "ANN").exit_code == 1
    reviewed = json.loads(cpg1(*given, "--role", "reviewer", "--name", "Bob", "--json").stdout)
    assert reviewed["signed_by_key"] == made["key_id"]
    archive = tmp_path / "out.zip"
    exported = json.loads(cpg1("evidence", "export", MONTH, "--out", str(archive), "--json").stdout)
    assert exported["head"] == reviewed["anchor"]
    verified = cpg1(
        "evidence",
        "verify",
        "--path",
        str(archive),
        "--anchor",
        exported["head"],
        "--trusted-key",
        f"{key}.pub",
    )
    assert verified.exit_code == 0
    assert "vouched for by the anchor and a trusted key" in verified.stdout
    assert "PRIVATE" not in "".join(path.read_text(errors="replace") for path in home.rglob("*.json"))
    refused = cpg1("evidence", "verify", "--trusted-key", str(key))
    assert "is a private key" in refused.stderr


def test_a_key_that_is_none_is_refused_and_never_shown(
    cpg1: Cpg1, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sealed.is_dir()
    monkeypatch.setenv("CPG1_SIGNING_KEY", "hunter2-hunter2")
    result = cpg1(
        "evidence", "sign-off", MONTH, "--role", "preparer", "--name", "Ann", "--comment", "ok",
        "--variance", f"{OPEN}=known",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "CPG1_SIGNING_KEY is not an Ed25519 private key" in result.stderr
    assert "hunter2" not in result.output
    assert "hunter2" not in repr(Settings.from_environment())


def test_the_certification_may_stand_in_a_file(
    cpg1: Cpg1, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sealed.is_dir()
    (tmp_path / "words.txt").write_text("I certify what I saw.\n")
    monkeypatch.setenv("CPG1_CERTIFICATION_FILE", str(tmp_path / "words.txt"))
    result = cpg1(
        "evidence", "sign-off", MONTH, "--role", "preparer", "--name", "Ann", "--comment", "ok",
        "--variance", f"{OPEN}=known",
    )  # fmt: skip
    assert "I certify what I saw." in result.stdout
    monkeypatch.setenv("CPG1_CERTIFICATION", "other")
    assert (
        "are both set"
        in cpg1("evidence", "sign-off", MONTH, "--role", "preparer", "--name", "A", "--comment", "b").stderr
    )


@pytest.mark.parametrize("given", ["no equals", "line=comment", "a:b="])
def test_a_malformed_comment_on_a_variance_is_refused(cpg1: Cpg1, sealed: Path, given: str) -> None:
    assert sealed.is_dir()
    result = cpg1(
        "evidence",
        "sign-off",
        MONTH,
        "--role",
        "preparer",
        "--name",
        "Ann",
        "--comment",
        "ok",
        "--variance",
        given,
    )
    assert result.exit_code == 1
    assert "LINE:COMPANY=COMMENT" in result.stderr
