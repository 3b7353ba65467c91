#!/usr/bin/env bash
# dagster 1.13.27: a run whose resource fails when it is closed is a SUCCESS, and nothing is raised.
#
# A resource that flushes, commits or uploads when it is closed (the code after the `yield` of
# `yield_for_execution`) can fail there. With `raise_on_error=True` one would expect the exception, or a failed run.
# Seen: `materialize` returns with success=True, the run is stored as SUCCESS, the asset as materialized. The only
# trace is an ENGINE_EVENT of level ERROR, "Teardown of resources [...] failed.", which comes before RUN_SUCCESS; no
# run failure sensor, retry or exit status sees it. So nothing that decides an outcome belongs into a teardown.
#
# Run: bash findings/dagster_failed_teardown_is_a_success.sh   (Python 3.11+ and the package index)
# Output seen:
#   dagster 1.13.27
#   raised: nothing
#   result.success: True
#   run status: SUCCESS
#   ledger is materialized: True
#   events that say it: [('ENGINE_EVENT', 'ERROR', 'Teardown of resources [ledger_file, io_manager] failed.')]
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'dagster==1.13.27'
cd "$work"
cat > probe.py <<'PY'
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


class LedgerFile(dg.ConfigurableResource):
    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LedgerFile"]:
        yield self
        raise OSError("the last rows were not written")


@dg.asset
def ledger(ledger_file: LedgerFile) -> None: ...


print("dagster", dg.__version__)
raised = "nothing"
with dg.DagsterInstance.ephemeral() as instance:
    try:
        result = dg.materialize([ledger], resources={"ledger_file": LedgerFile()}, instance=instance, raise_on_error=True)
    except Exception as error:
        raised = type(error).__name__
    print("raised:", raised)
    print("result.success:", result.success)
    status = instance.get_run_by_id(result.run_id).status.value
    print("run status:", status)
    materialized = instance.get_latest_materialization_event(dg.AssetKey("ledger")) is not None
    print("ledger is materialized:", materialized)
    said = [
        (entry.dagster_event.event_type_value, logging.getLevelName(entry.level), entry.user_message)
        for entry in instance.all_logs(result.run_id)
        if entry.dagster_event and "Teardown" in entry.user_message
    ]
    print("events that say it:", said)
seen = (raised, result.success, status, materialized, [event for event, _, _ in said])
assert seen == ("nothing", True, "SUCCESS", True, ["ENGINE_EVENT"]), seen
PY
"$work/venv/bin/python" probe.py 2> log.txt || { cat log.txt; echo "CHANGED: this is no longer so"; exit 1; }
