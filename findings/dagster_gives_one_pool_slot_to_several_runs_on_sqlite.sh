#!/usr/bin/env bash
# dagster 1.13.27: on SQLite, runs that claim a slot of a pool in the same moment get one and the same slot.
#
# A pool's limit is kept by rows: who claims reads a free one "for update, skip locked", and writes its name into it.
# SQLite knows no such lock and reads without one, so each of several runs finds the same row free. Each is told that it
# has a slot, all of them run, and the table shows the last writer alone. The other slots look free: more runs may
# follow than the limit allows, and whoever asks what holds the pool is not told of the others. With PostgreSQL's
# storage rows are locked. Seen with the storage of a `dagster.yaml` that names none.
#
# Run: bash findings/dagster_gives_one_pool_slot_to_several_runs_on_sqlite.sh   (Python 3.11+ and the package index)
# Output seen:
#   dagster 1.13.27, SqliteEventLogStorage, a pool of 4 slots
#   150 rounds in which 4 runs claimed at once: each run was told that it has a slot in 150
#   slots that are held afterwards: 1 to 4, fewer than 4 in 124 rounds
# Exit status: 0 while fewer are held in some round, 1 once that has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'dagster==1.13.27'
cd "$work"
mkdir home
cat > probe.py <<'PY'
import multiprocessing
from collections import Counter
from importlib.metadata import version

import dagster as dg

RUNS, ROUNDS = 4, 150


def claim(run, barrier, said):
    with dg.DagsterInstance.local_temp("home") as instance:
        storage = instance.event_log_storage
        for at in range(ROUNDS):
            barrier.wait()
            status = storage.claim_concurrency_slot("ledger", f"run {run}", f"step {at}")
            said.put((at, "claimed", int(status.is_claimed)))
            barrier.wait()
            if run == 0:
                said.put((at, "held", len(storage.get_concurrency_info("ledger").claimed_slots)))
            barrier.wait()
            storage.free_concurrency_slot_for_step(f"run {run}", f"step {at}")
            barrier.wait()
            if run == 0:
                for other in range(RUNS):
                    storage.free_concurrency_slots_for_run(f"run {other}")


if __name__ == "__main__":
    with dg.DagsterInstance.local_temp("home") as instance:
        storage = type(instance.event_log_storage).__name__
        instance.event_log_storage.set_concurrency_slots("ledger", RUNS)
    context = multiprocessing.get_context("spawn")
    barrier, said = context.Barrier(RUNS), context.Queue()
    processes = [context.Process(target=claim, args=(run, barrier, said)) for run in range(RUNS)]
    for process in processes:
        process.start()
    seen = {"claimed": Counter(), "held": Counter()}
    for _ in range(ROUNDS * (RUNS + 1)):
        at, what, number = said.get(timeout=120)
        seen[what][at] += number
    for process in processes:
        process.join()
    told = sum(number == RUNS for number in seen["claimed"].values())
    held = [seen["held"][at] for at in range(ROUNDS) if seen["claimed"][at] == RUNS]
    fewer = sum(number < RUNS for number in held)
    print(f"dagster {version('dagster')}, {storage}, a pool of {RUNS} slots")
    print(f"{ROUNDS} rounds in which {RUNS} runs claimed at once: each run was told that it has a slot in {told}")
    print(f"slots that are held afterwards: {min(held)} to {max(held)}, fewer than {RUNS} in {fewer} rounds")
    raise SystemExit(0 if fewer else 1)
PY
"$work/venv/bin/python" probe.py
