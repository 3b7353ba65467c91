"""`cpg1 evidence keys` begins, lists and changes the key register, and verify shows who signed with which key."""

import json
from pathlib import Path

import pytest

from cpg1_assets.evidence.chain.links import read_chain
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1
from cpg1_assets_tests.evidence.chain.signing import ANN, RITA, forged, registered
from cpg1_assets_tests.evidence.small_year import OPEN, small_month

MONTH = "2025-09"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a home without books: nothing here is closed."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def evidence(home: Path) -> Path:
    """Seal a small month in the test's home; give the evidence folder."""
    folder = Home(Settings(home=home)).evidence_folder
    small_month(folder, MONTH)
    return folder


def test_the_whole_way_from_the_first_registrar_to_a_revoked_key(
    cpg1: Cpg1, evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {
        who: json.loads(cpg1("evidence", "keygen", "--out", str(tmp_path / who), "--json").stdout)["key_id"]
        for who in ("rita", "ann", "bob")
    }

    def sign_with(who: str) -> None:
        monkeypatch.setenv("CPG1_SIGNING_KEY_FILE", str(tmp_path / who))

    def add(who: str, *given: str) -> str:
        result = cpg1("evidence", "keys", "add", str(tmp_path / f"{who}.pub"), *given)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    assert "There is no key register" in cpg1("evidence", "keys").stdout
    assert json.loads(cpg1("evidence", "keys", "--json").stdout)["keys"] == []
    sign_with("rita")
    assert "Note it down elsewhere" in add("rita", "--person", "Rita Mensah", "--role", "registrar")
    assert "Rita Mensah is the only registrar" in cpg1("evidence", "keys").stdout
    add("ann", "--person", "Ann Okafor", "--role", "preparer", "--to", "2999-12-31")
    entered = json.loads(
        add("bob", "--person", "Bob Diallo", "--role", "reviewer", "--from", "2025-01-01", "--json")
    )
    assert (entered["key_id"], entered["valid_from"]) == (ids["bob"], "2025-01-01T00:00:00+00:00")
    assert (entered["chain_index"], entered["anchor"][:2]) == (4, "4-")

    sign = ["evidence", "sign-off", MONTH, "--comment", "ok"]
    monkeypatch.delenv("CPG1_SIGNING_KEY_FILE")
    refused = cpg1(*sign, "--role", "preparer", "--name", "Ann Okafor", "--variance", f"{OPEN}=known")
    assert (refused.exit_code, "Set CPG1_SIGNING_KEY_FILE" in refused.stderr) == (1, True)
    sign_with("ann")
    assert (
        cpg1(*sign, "--role", "preparer", "--name", "Ann Okafor", "--variance", f"{OPEN}=known").exit_code
        == 0
    )
    sign_with("bob")
    reviewed = cpg1(*sign, "--role", "reviewer", "--name", "Bob Diallo")
    assert "note: Preparer and reviewer signed with the same operating-system account" in reviewed.stdout

    verified = cpg1("evidence", "verify", MONTH, "--trusted-key", str(tmp_path / "rita.pub"))
    assert verified.exit_code == 0
    assert f"{ids['rita']} registered" in verified.stdout
    lines = [line.split("  ") for line in verified.stdout.splitlines() if MONTH in line]
    assert [
        [cell.strip() for cell in line if cell.strip()] for line in lines if f"{ids['ann']} " in line[-1]
    ] == [[MONTH, "1", "preparer", "Ann Okafor", f"{ids['ann']} registered"]]

    assert cpg1("evidence", "keys", "revoke", ids["bob"], "--reason", "left").exit_code == 1
    sign_with("rita")
    revoked = cpg1(
        "evidence",
        "keys",
        "revoke",
        ids["bob"],
        "--from",
        "2001-01-01",
        "--reason",
        "laptop stolen",
        "--json",
    )
    assert json.loads(revoked.stdout)["revoked_because"] == "laptop stolen"
    listed = cpg1("evidence", "keys", "--path", str(evidence))
    assert "revoked: laptop stolen" in listed.stdout
    said = json.loads(cpg1("evidence", "verify", "--json").stdout)
    assert [(each["kind"], each["path"]) for each in said["problems"]] == [("revoked", "chain/000006.json")]
    assert [(each["name"], each["registered"]) for each in said["signed"] if each["kind"] == "sign-off"] == [
        ("Ann Okafor", True), ("Bob Diallo", True),
    ]  # fmt: skip


def test_an_entry_that_is_none_is_listed_as_a_problem(cpg1: Cpg1, evidence: Path) -> None:
    registered(evidence, RITA, "Rita Mensah", "registrar")
    assert cpg1("evidence", "keys").exit_code == 0
    body = {**read_chain(evidence)[-1].body, "public_key": ANN.public_key, "role": "preparer"}
    forged(evidence, "key", body, ANN)
    listed = cpg1("evidence", "keys")
    assert listed.exit_code == 1
    assert "register: chain/000003.json: It changes the register, and no registrar signed it" in listed.stdout
    assert ANN.key_id not in listed.stdout
    said = json.loads(cpg1("evidence", "keys", "--json").stdout)
    assert ([each["person"] for each in said["keys"]], len(said["problems"])) == (["Rita Mensah"], 1)


def test_options_of_the_list_do_not_pass_for_those_of_a_change(cpg1: Cpg1, evidence: Path) -> None:
    result = cpg1("evidence", "keys", "--path", str(evidence), "revoke", "x", "--reason", "y")
    assert (result.exit_code, "Options of revoke come after it" in result.stderr) == (2, True)


def test_a_private_key_is_not_registered(cpg1: Cpg1, evidence: Path, tmp_path: Path) -> None:
    assert evidence.is_dir()
    cpg1("evidence", "keygen", "--out", str(tmp_path / "key"))
    result = cpg1("evidence", "keys", "add", str(tmp_path / "key"), "--person", "Ann", "--role", "registrar")
    assert (result.exit_code, "is a private key" in result.stderr) == (1, True)


def test_a_narrowed_scope_has_no_register(cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPG1_COMPANIES", "EC_NG")
    result = cpg1("evidence", "keys", "revoke", "x", "--reason", "y")
    assert (result.exit_code, "narrowed scope" in result.stderr) == (1, True)
