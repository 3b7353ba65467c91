"""Runs of processes that ended are ended and hold nothing; runs that live, and other people's, are left alone."""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from cpg1_assets.graph import dead_runs
from cpg1_assets.graph.dead_runs import (
    PROCESS_TAG,
    STARTING_SECONDS,
    dead_run_sentences,
    end_dead_runs,
    what_it_waits_for,
)
from cpg1_assets.graph.executor import PoolWait
from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.process import SILENT_SECONDS, Process, lives_in
from cpg1_assets.settings import Settings

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
MONTH = "2025-09"
DEAD: dict[str, Any] = {"started": "another"}


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster home the product makes, with two slots of the pool."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dagster_instance(Settings(home=tmp_path)) as opened:
        opened.event_log_storage.set_concurrency_slots("source", 2)
        yield opened


def run_of(
    instance: dg.DagsterInstance,
    process: Process | None,
    *,
    status: dg.DagsterRunStatus = STARTED,
    job: str = "close_month",
    holds: bool = True,
) -> str:
    """Leave a run in Dagster's records as its process left it; give its id."""
    tags = {"dagster/partition": MONTH} | ({} if process is None else {PROCESS_TAG: process.written()})
    run_id: str = create_run_for_test(instance, job_name=job, status=status, tags=tags).run_id
    if holds:
        assert instance.event_log_storage.claim_concurrency_slot("source", run_id, "cr_03").is_claimed
    return run_id


def holders(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.event_log_storage.get_concurrency_info("source").active_run_ids)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def of_another_host(home: Path, silent: float) -> Process:
    """Leave the sign of life of a process of another host, last touched `silent` seconds ago."""
    lives_in(home)
    process = replace(Process.own(), host="far-away", boot="another", number=7, token=secrets.token_hex(8))
    sign = home / "processes" / process.token
    sign.write_text(json.dumps({**json.loads(process.written()), "locked": True}))
    then = time.time() - silent
    os.utime(sign, (then, then))
    return process


@pytest.mark.parametrize(
    ("left_as", "becomes"),
    [
        (STARTED, FAILURE),
        (dg.DagsterRunStatus.STARTING, FAILURE),
        (dg.DagsterRunStatus.NOT_STARTED, FAILURE),
        (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED),
    ],
)
def test_a_run_whose_process_is_gone_is_ended_and_its_slot_freed_and_it_is_said_once(
    instance: dg.DagsterInstance, left_as: dg.DagsterRunStatus, becomes: dg.DagsterRunStatus
) -> None:
    dead = run_of(instance, replace(Process.own(), **DEAD), status=left_as)
    assert dead[:8] in dead_run_sentences(instance)[0]
    assert status(instance, dead) == left_as, "to look changes nothing"
    (said,) = end_dead_runs(instance)
    assert said.startswith(f"run {dead[:8]} ({MONTH}) is dead and was ended, its slot of pool source freed: ")
    assert f"process {os.getpid()}" in said
    assert status(instance, dead) == becomes
    assert holders(instance) == set()
    assert end_dead_runs(instance) == []


def test_a_run_that_lives_keeps_its_slot(instance: dg.DagsterInstance) -> None:
    alive = run_of(instance, Process.own())
    assert end_dead_runs(instance) == []
    assert (status(instance, alive), holders(instance)) == (STARTED, {alive})


@pytest.mark.parametrize(("silent", "ended"), [(SILENT_SECONDS + 60, True), (SILENT_SECONDS - 60, False)])
def test_a_run_of_another_host_is_known_by_its_last_sign_of_life(
    instance: dg.DagsterInstance, tmp_path: Path, silent: float, *, ended: bool
) -> None:
    run_id = run_of(instance, of_another_host(tmp_path, silent))
    said = end_dead_runs(instance)
    assert (status(instance, run_id) == FAILURE) == ended
    assert (holders(instance) == set()) == ended
    assert [bool(re.search(r"process 7 on far-away", each)) for each in said] == [True] * ended


def test_a_dead_run_of_another_job_is_left_alone_and_named_as_what_is_waited_for(
    instance: dg.DagsterInstance,
) -> None:
    others = [run_of(instance, None, job="somebody_elses") for _ in range(2)]
    mine = run_of(instance, Process.own(), holds=False)
    instance.event_log_storage.claim_concurrency_slot("source", mine, "cr_03")
    assert end_dead_runs(instance) == []
    said = what_it_waits_for(instance, mine)
    assert all(f"run {other[:8]} (month {MONTH}, somebody_elses, which is not of" in said for other in others)


def test_a_slot_of_a_run_that_is_over_or_was_deleted_is_freed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = run_of(instance, Process.own())
    deleted = run_of(instance, Process.own())
    instance.run_storage.delete_run(deleted)
    run = instance.get_run_by_id(over)
    assert run is not None
    instance.report_run_failed(run)
    assert [deleted[:8] in said for said in end_dead_runs(instance)] == [True]
    assert holders(instance) == {over}, "its last step may be ending now"
    monkeypatch.setattr(dead_runs, "_FREED_SECONDS", -1)
    assert [over[:8] in said for said in end_dead_runs(instance)] == [True]
    assert holders(instance) == set()


@pytest.mark.parametrize(
    ("left_as", "age", "ended"),
    [
        (dg.DagsterRunStatus.STARTING, STARTING_SECONDS + 60, True),
        (dg.DagsterRunStatus.STARTING, STARTING_SECONDS - 60, False),
        (STARTED, 10 * STARTING_SECONDS, False),
    ],
)
def test_a_run_that_no_process_ever_took_up_is_ended_by_its_age(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    left_as: dg.DagsterRunStatus,
    age: int,
    *,
    ended: bool,
) -> None:
    run_id = run_of(instance, None, status=left_as, holds=False)
    now = (datetime.now(UTC) + timedelta(seconds=age)).timestamp()
    monkeypatch.setattr(time, "time", lambda: now)
    assert len(end_dead_runs(instance)) == ended
    assert (status(instance, run_id) == FAILURE) == ended


def test_what_a_run_waits_for_is_said_once_a_change_and_it_is_freed_when_its_holder_dies(
    instance: dg.DagsterInstance,
) -> None:
    first, second = (run_of(instance, Process.own()) for _ in range(2))
    mine = run_of(instance, Process.own(), holds=False)
    storage = instance.event_log_storage
    assert not storage.claim_concurrency_slot("source", mine, "cr_04").is_claimed
    wait = PoolWait(instance, mine)
    (said,) = wait.news()
    assert said.startswith("waits for pool source, held by run ")
    for holder in (first, second):
        assert f"run {holder[:8]} (month {MONTH}, process {os.getpid()})" in said
    assert wait.news() == []
    instance.add_run_tags(first, {PROCESS_TAG: replace(Process.own(), **DEAD).written()})
    assert any(f"run {first[:8]} ({MONTH}) is dead and was ended" in each for each in wait.news())
    assert storage.claim_concurrency_slot("source", mine, "cr_04").is_claimed
    assert wait.news() == []


def test_a_run_that_waits_only_for_its_own_steps_says_nothing(instance: dg.DagsterInstance) -> None:
    mine = run_of(instance, Process.own())
    storage = instance.event_log_storage
    assert storage.claim_concurrency_slot("source", mine, "cr_04").is_claimed
    assert not storage.claim_concurrency_slot("source", mine, "cr_05").is_claimed
    assert what_it_waits_for(instance, mine) == ""


def test_a_pool_without_slots_is_named(instance: dg.DagsterInstance) -> None:
    storage: Any = instance.event_log_storage
    storage.set_concurrency_slots("source", 0)
    mine = run_of(instance, Process.own(), holds=False)
    assert not storage.claim_concurrency_slot("source", mine, "cr_04").is_claimed
    assert "waits for pool source, which has no slots" in what_it_waits_for(instance, mine)
