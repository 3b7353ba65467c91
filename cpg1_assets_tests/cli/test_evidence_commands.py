"""`cpg1 evidence` verifies, signs off and exports, says what it knows, and exits accordingly."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from cpg1_assets.disk import sha256_of
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import ClosedHome, Cpg1, in_a_process
from cpg1_assets_tests.deliverables.hand_sealed import red_month, seal_by_hand
from cpg1_assets_tests.evidence.chain.signing import sign_with_every_comment
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


def test_a_failed_check_is_commented_on_by_an_option_of_its_own(cpg1: Cpg1, home: Path) -> None:
    failed = [("gl_roll_forward", "ties_out", "ERROR", False, True)]
    small_month(Home(Settings(home=home)).evidence_folder, MONTH, checks=failed)
    given = ["evidence", "sign-off", MONTH, "--role", "preparer", "--name", "Ann", "--comment", "ok"]
    given += ["--variance", f"{OPEN}=known"]
    refused = cpg1(*given)
    assert refused.exit_code == 1
    assert "gl_roll_forward:ties_out. Give each one: --check ASSET:CHECK=COMMENT" in refused.stderr
    malformed = cpg1(*given, "--check", "ties_out=posted late")
    assert malformed.exit_code == 1
    assert "a failed check as ASSET:CHECK=COMMENT" in malformed.stderr
    said = json.loads(cpg1(*given, "--check", "gl_roll_forward:ties_out=posted = late", "--json").stdout)
    assert said["failed_checks"] == {"gl_roll_forward:ties_out": "posted = late"}
    assert said["open_variances"] == {OPEN: "known"}
    assert (said["rule"], said["open_items"]) == (4, {})


# Reopening


def signed_off(cpg1: Cpg1, home: Path) -> Path:
    """Seal a small month in `home` and have both sign it; give the evidence folder."""
    folder = Home(Settings(home=home)).evidence_folder
    small_month(folder, MONTH, status="EXPLAINED")
    for role, name in (("preparer", "Ann"), ("reviewer", "Bob")):
        done = cpg1("evidence", "sign-off", MONTH, "--role", role, "--name", name, "--comment", "ok")
        assert done.exit_code == 0
    return folder


def test_a_signed_off_month_is_reopened_by_name_and_with_a_reason(
    cpg1: Cpg1, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = signed_off(cpg1, home)
    assert signed_off_by(folder, MONTH) is not None
    key = json.loads(cpg1("evidence", "keygen", "--out", str(tmp_path / "key"), "--json").stdout)["key_id"]
    monkeypatch.setenv("CPG1_SIGNING_KEY_FILE", str(tmp_path / "key"))
    done = cpg1("reopen", MONTH, "--name", "Cleo", "--reason", "late posting", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    made = {each["name"]: each["why"] for each in said.pop("deliverables")}
    assert set(made) == {"control_report", "control_workbook"}
    assert all(made.values()), "this small month has nothing to report"
    assert said == {
        "month": MONTH, "version": 1, "name": "Cleo", "reason": "late posting", "chain_index": 4,
        "anchor": said["anchor"], "signed_by_key": key,
    }  # fmt: skip
    assert signed_off_by(folder, MONTH) is None
    assert cpg1("evidence", "verify", "--anchor", said["anchor"]).exit_code == 0
    again = cpg1("reopen", MONTH, "--name", "Cleo", "--reason", "late posting")
    assert again.exit_code == 1
    assert "is not signed off: there is nothing to reopen" in again.stderr


def test_reopening_says_what_to_do_next_and_to_note_the_head(cpg1: Cpg1, home: Path) -> None:
    signed_off(cpg1, home)
    done = cpg1("reopen", MONTH, "--name", "Cleo", "--reason", "late posting")
    assert done.exit_code == 0
    assert f"{MONTH} (version 1) reopened by Cleo: late posting" in done.stdout
    assert f"cpg1 close --month {MONTH}" in done.stdout
    assert "assertion of the operating-system account" in done.stdout
    assert "The head of the chain is now 4-" in done.stdout


def test_a_narrowed_scope_is_neither_signed_off_nor_reopened(
    cpg1: Cpg1, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_off(cpg1, home)
    monkeypatch.setenv("CPG1_COMPANIES", "EC_NG")
    given = ["--name", "Dan", "--comment", "ok"]
    for command in (["evidence", "sign-off", MONTH, "--role", "preparer", *given],
                    ["reopen", MONTH, "--name", "Cleo", "--reason", "late"]):  # fmt: skip
        done = cpg1(*command)
        assert done.exit_code == 1
        assert "A narrowed scope is not the control" in done.stderr


def test_a_signed_month_has_a_certificate_and_any_sealed_one_an_index(
    cpg1: Cpg1, home: Path, tmp_path: Path
) -> None:
    evidence = Home(Settings(home=home)).evidence_folder
    seal_by_hand(evidence, red_month())
    page, index = tmp_path / "c.html", tmp_path / "i.csv"
    refused = cpg1("evidence", "certificate", MONTH, "--out", str(page))
    assert refused.exit_code == 1
    assert "awaits the preparer and the reviewer" in refused.stderr
    sign_with_every_comment(evidence, MONTH)
    made = json.loads(cpg1("evidence", "certificate", MONTH, "--out", str(page), "--json").stdout)
    assert made["sha256"] == sha256_of(page)
    assert made["conclusion"].startswith("Consistent with itself")
    assert made["head"] in page.read_text(encoding="utf-8")
    # Of a copy, without the home.
    copy = shutil.copytree(evidence, tmp_path / "copy")
    listed = json.loads(
        cpg1("evidence", "index", MONTH, "--path", str(copy), "--out", str(index), "--json").stdout
    )
    assert (listed["version"], listed["head"], listed["sha256"]) == (1, made["head"], sha256_of(index))
    for command, out, said in (
        ("certificate", page, "is there already and is not overwritten"),
        ("index", evidence / "i.csv", "is in the evidence folder"),
        ("certificate", tmp_path / "c.pdf", "give a file whose name ends in .html."),
        ("index", tmp_path / "i.xlsx", "give a file whose name ends in .csv or .html."),
    ):
        refused = cpg1("evidence", command, MONTH, "--out", str(out))
        assert refused.exit_code == 1
        assert said in refused.stderr
    folder = tmp_path / "data"
    written = cpg1(
        "evidence",
        "data",
        MONTH,
        "--format",
        "csv",
        "--frames",
        "cr_05",
        "reconciliation",
        "--out",
        str(folder),
    )
    assert written.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"cr_05.csv", "reconciliation.csv", "digests.json"}
    for wrong, said in (
        (("--format", "csv", "--out", "x"), "Name frames"),
        (("--format", "ads", "--frames", "cr_05", "--out", "x"), "Name frames"),
        (
            ("--format", "csv", "--frames", "cr_05", "--out", str(folder)),
            "is there already and is not overwritten",
        ),
    ):
        assert said in cpg1("evidence", "data", MONTH, *wrong).stderr
    (evidence / MONTH / "seals" / "001" / "rules" / "lines.yaml").write_text("x")
    assert (
        cpg1(
            "evidence", "data", MONTH, "--format", "csv", "--frames", "cr_05", "--out", str(tmp_path / "no")
        ).exit_code
        == 1
    )
    assert not (tmp_path / "no").exists()
    for command in ("certificate", "index"):
        refused = cpg1("evidence", command, MONTH, "--out", str(tmp_path / "new.html"))
        assert refused.exit_code == 1
        assert not (tmp_path / "new.html").exists()
