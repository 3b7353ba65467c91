"""Who waits for a run is told each step once, as it ends, with its rows and how long it took."""

from cpg1_assets.graph.instance import TOLD_EVENTS, StepDone, StepsTold
from cpg1_assets_tests.closing import Closed


def test_each_step_is_told_once_with_its_rows_and_seconds(closed: Closed) -> None:
    steps = StepsTold()
    events = closed.instance.get_records_for_run(closed.result.run_id, of_type=TOLD_EVENTS, ascending=True)
    told = [said for record in events.records if (said := steps.of(record.event_log_entry)) is not None]
    done = {said.step: said for said in told if isinstance(said, StepDone)}
    assert len(done) == len(told), [said for said in told if isinstance(said, str)] or "one is told twice"
    assert {name for name, said in done.items() if said.rows is not None} == closed.materialized()
    for asset in closed.materialized():
        assert done[asset].rows == closed.metadata(asset)["dagster/partition_row_count"]
    assert all(said.seconds > 0 for said in done.values())
