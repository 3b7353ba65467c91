"""`cpg1 evidence timestamp-request`, `timestamp-add` and `verify --tsa-ca`: to the authority and back."""

import json
from pathlib import Path

from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1
from cpg1_assets_tests.evidence.small_year import small_month
from cpg1_assets_tests.evidence.timestamps.authority import Authority
from cpg1_assets_tests.required import OPENSSL, TIMESTAMPS, require


def test_to_the_authority_and_back(cpg1: Cpg1, home: Path, tmp_path: Path) -> None:
    require(OPENSSL, TIMESTAMPS)
    assert (
        "Nothing is sealed" in cpg1("evidence", "timestamp-request", "--out", str(tmp_path / "q.tsq")).stderr
    )
    small_month(Home(Settings(home=home)).evidence_folder, "2025-09")
    authority, query = Authority(tmp_path / "authority"), tmp_path / "head.tsq"
    asked = cpg1("evidence", "timestamp-request", "--out", str(query))
    assert asked.exit_code == 0
    assert "application/timestamp-query" in asked.stdout
    assert "is not overwritten" in cpg1("evidence", "timestamp-request", "--out", str(query)).stderr
    (tmp_path / "head.tsr").write_bytes(authority.reply(query.read_bytes()))

    stranger = Authority(tmp_path / "stranger")
    add = ("evidence", "timestamp-add", str(tmp_path / "head.tsr"))
    refused = cpg1(*add, "--tsa-ca", str(stranger.root.path))
    assert (refused.exit_code, "does not lead to one of the authorities" in refused.stderr) == (1, True)
    added = json.loads(cpg1(*add, "--tsa-ca", str(authority.root.path), "--json").stdout)
    assert (added["link"], added["chain_index"], added["authority_checked"]) == (1, 2, True)

    trusted = cpg1("evidence", "verify", "--tsa-ca", str(authority.root.path))
    assert trusted.exit_code == 0
    assert (
        f"Timestamp: link 1 existed at {added['time']}, says CN=signer (chain/000002.json)" in trusted.stdout
    )
    as_json = cpg1("evidence", "verify", "--tsa-ca", str(authority.root.path), "--json")
    assert [each["link"] for each in json.loads(as_json.stdout)["timestamps"]] == [1]
    assert cpg1("evidence", "verify", "--tsa-ca", str(stranger.root.path)).exit_code == 1
    without = cpg1("evidence", "verify")
    assert (without.exit_code, "no time is proven" in without.stdout) == (0, True)
