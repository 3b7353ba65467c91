"""A pool's slots in SQLite: runs that claim in one moment hold as many slots as were claimed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import EventLogStorage

from cpg1_assets.graph.event_log import SqliteEventLog
from cpg1_assets.graph.instance import dagster_instance
from cpg1_assets.settings import Settings

_ROUNDS = 25
_SLOTS = 3
_RUNS = 5


def test_runs_that_claim_at_once_get_a_slot_each_and_no_more_than_there_are(tmp_path: Path) -> None:
    with dagster_instance(Settings(home=tmp_path)) as instance:
        home = instance.get_ref()
    together = threading.Barrier(_RUNS, timeout=30)
    claimed: list[set[str]] = [set() for _ in range(_ROUNDS)]

    def claims(storage: EventLogStorage, run: str) -> None:
        for at in range(_ROUNDS):
            together.wait()
            if storage.claim_concurrency_slot("source", run, f"step {at}").is_claimed:
                claimed[at].add(run)
            together.wait()
            assert storage.get_concurrency_info("source").active_run_ids == claimed[at]
            assert len(claimed[at]) == _SLOTS
            together.wait()
            storage.free_concurrency_slots_for_run(run)

    with ExitStack() as opened, ThreadPoolExecutor(_RUNS) as threads:
        storages = [
            opened.enter_context(dg.DagsterInstance.from_ref(home)).event_log_storage for _ in range(_RUNS)
        ]
        assert isinstance(storages[0], SqliteEventLog)
        storages[0].set_concurrency_slots("source", _SLOTS)
        done = [threads.submit(claims, storage, f"run {number}") for number, storage in enumerate(storages)]
        failures = [each.exception() for each in done if each.exception() is not None]
    assert not failures
