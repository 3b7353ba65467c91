"""A month is one run's at a time, until that run is over, and one version of the control computes it."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cpg1_assets.claims import Claim, Claims
from cpg1_assets.errors import BusyError
from cpg1_assets.partial import partial_name
from cpg1_assets.process import Process

MONTH = "2025-09"
LOADED = {"rules/lines.yaml": "1"}


def running(_run_id: str) -> bool:
    return False


def unknown(_run_id: str) -> None:
    return None


def over(_run_id: str) -> bool:
    return True


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    return Claims(tmp_path)


def test_the_first_step_claims_and_later_steps_of_the_run_go_on(claims: Claims) -> None:
    assert claims.hold(MONTH, "run-1", LOADED, running)
    assert not claims.hold(MONTH, "run-1", LOADED, running)
    assert claims.hold("2025-10", "run-2", LOADED, running), "another month is another matter"


def test_another_run_is_refused_by_name_while_the_first_lives(claims: Claims) -> None:
    claims.hold(MONTH, "run-1", LOADED, running)
    for asked in (running, unknown):
        with pytest.raises(BusyError, match=r"2025-09 is being worked on by run run-1 \(process \d+\)"):
            claims.hold(MONTH, "run-2", LOADED, asked)
    held = claims.claim(MONTH)
    assert held is not None
    assert held.run_id == "run-1"


def test_a_claim_is_void_when_its_run_is_over(claims: Claims) -> None:
    claims.hold(MONTH, "run-1", LOADED, running)
    assert claims.holder(MONTH, over) is None
    assert claims.hold(MONTH, "run-2", LOADED, over)


def test_a_claim_is_void_when_the_process_of_its_run_has_ended(claims: Claims) -> None:
    script = (
        "import sys; from pathlib import Path; from cpg1_assets.claims import Claims;"
        "Claims(Path(sys.argv[1])).hold('2025-09', 'dead', {}, lambda _: False)"
    )
    subprocess.run([sys.executable, "-c", script, str(claims.place)], check=True)
    assert claims.claim(MONTH) is not None
    assert claims.holder(MONTH, running) is None
    assert claims.hold(MONTH, "run-2", LOADED, unknown)


def test_what_a_process_that_ended_left_half_written_is_cleared_by_the_next_claim_of_any_month(
    claims: Claims,
) -> None:
    script = (
        "import os, sys; from pathlib import Path; from cpg1_assets import partial, process;"
        "home = Path(sys.argv[1]); process.lives_in(home);"
        "folder = home / 'claims'; folder.mkdir();"
        "(folder / partial.partial_name('2025-01.json.1-1')).write_text('{'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(claims.place)], check=True)
    (left,) = (claims.place / "claims").glob(".*.partial")
    ours = left.with_name(partial_name("2025-02.json.1-1"))
    ours.write_text("{")
    claims.hold(MONTH, "run-1", LOADED, running)
    assert not left.exists()
    assert ours.exists(), "the process that writes it lives"


def test_of_a_run_on_another_host_only_dagster_can_say_that_it_is_over(claims: Claims) -> None:
    claims.hold(MONTH, "run-1", LOADED, running)
    path = claims.place / "claims" / f"{MONTH}.json"
    said = json.loads(path.read_text())
    said["process"] |= {"host": "far-away", "boot": "x"}
    path.write_text(json.dumps(said))
    with pytest.raises(BusyError, match="on far-away"):
        claims.hold(MONTH, "run-2", LOADED, unknown)
    assert claims.hold(MONTH, "run-2", LOADED, over)


def test_a_step_that_loaded_other_files_than_the_first_is_refused_naming_them(claims: Claims) -> None:
    claims.hold(MONTH, "run-1", LOADED, running)
    with pytest.raises(BusyError, match=r"rules/lines\.yaml changed"):
        claims.hold(MONTH, "run-1", {"rules/lines.yaml": "2"}, running)
    with pytest.raises(BusyError, match=r"rules/new\.py came"):
        claims.hold(MONTH, "run-1", LOADED | {"rules/new.py": "1"}, running)


def test_a_run_lets_go_of_its_own_months_only(claims: Claims) -> None:
    claims.hold(MONTH, "run-1", LOADED, running)
    claims.hold("2025-10", "run-2", LOADED, running)
    claims.release("run-1")
    assert claims.claim(MONTH) is None
    assert claims.claim("2025-10") is not None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run_id": "x"}', b"\xff"])
def test_a_claim_that_cannot_be_read_is_none(claims: Claims, content: bytes) -> None:
    path = claims.place / "claims" / f"{MONTH}.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert claims.hold(MONTH, "run-1", LOADED, running)


def test_of_many_runs_that_claim_at_once_one_gets_the_month(claims: Claims) -> None:
    def claim(number: int) -> bool:
        try:
            return claims.hold(MONTH, f"run-{number}", LOADED, running)
        except BusyError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(24))) == 1


def test_a_claim_knows_its_process() -> None:
    claim = Claim("run-1", Process.of_the_run(), {})
    assert not claim.is_void(running)
    assert replace(claim, process=replace(claim.process, started="earlier")).is_void(running)
