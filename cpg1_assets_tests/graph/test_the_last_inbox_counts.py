"""The last content of the inbox is what is materialized in the end, whatever came, failed or died before."""

import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pyarrow.parquet as pq
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorType, SensorInstigatorData
from dagster._core.test_utils import (
    create_run_for_test,
    create_test_daemon_workspace_context,
    instance_for_test,
)
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.sensor import execute_sensor_iteration
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import cpg1_assets
from cpg1_assets.definitions import build_definitions
from cpg1_assets.errors import SettingsError, StorageError
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.graph import sensor
from cpg1_assets.graph.in_flight import STATE_TAG
from cpg1_assets.home import Home
from cpg1_assets.inbox import folder as inbox
from cpg1_assets.jdash.late import late_files
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.lineage import Lineage
from cpg1_assets_tests.closing import QUIET, close
from cpg1_assets_tests.conftest import home_with
from cpg1_assets_tests.soak import examples, soak

MONTH = CutoffMonth.parse("2025-09")
V1, V2, V3 = (f"Voucher Id,Amount Used\n1,{amount}.00\n".encode() for amount in (1, 2, 3))
HOUR = 3600.0
STAGES = {
    "before jdash": "cpg1_assets.graph.jdash.read_jdash",
    "after jdash": "cpg1_assets.graph.check_results.check_results",
    "before the seal": "cpg1_assets.graph.manifest.seal_month",
}
ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "repository").get_job_origin("queued")
NARROW = ("EC_KE", "EC_NG")


@pytest.fixture(scope="module")
def closed_homes(tmp_path_factory: pytest.TempPathFactory, sample_books: Path) -> dict[bool, Path]:
    """Close the month once for two companies, and once as the control; each test works on a copy."""
    homes = {}
    for whole in (False, True):
        place = tmp_path_factory.mktemp("whole" if whole else "narrow")
        files = place / "inbox" / "jdash" / MONTH.key
        shutil.copytree(sample_books / "inbox" / "jdash" / MONTH.key, files)
        (files / "EC_KE.csv").write_bytes(V1)
        settings = settings_of(place, whole=whole)
        home_with(sample_books, settings.home)
        with dg.DagsterInstance.ephemeral() as instance:
            assert close(settings, MONTH.key, instance).result.success
        homes[whole] = place
    return homes


def settings_of(place: Path, *, whole: bool) -> Settings:
    return Settings(home=place / "home", inbox=place / "inbox", companies=None if whole else NARROW)


@dataclass
class Daemon:
    """What Dagster's daemon does with the sensor: it ticks, keeps the cursor, queues runs, and runs them."""

    settings: Settings
    instance: dg.DagsterInstance
    cursor: str | None = None
    now: float = field(default_factory=time.time)
    queued: list[tuple[str, dg.RunRequest]] = field(default_factory=list)
    said: str = ""

    @cached_property
    def definitions(self) -> dg.Definitions:
        """The code location, loaded once."""
        return build_definitions(self.settings)

    @property
    def file(self) -> Path:
        """The one file that changes in these tests."""
        return Home(self.settings).inbox_folder / "jdash" / MONTH.key / "EC_KE.csv"

    def tick(self, *, dies: bool = False) -> int:
        """Evaluate the sensor once and queue what it asks for; give how many runs that were."""
        definitions = self.definitions
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sensor, "time", SimpleNamespace(time=lambda: self.now))
            answer = definitions.resolve_sensor_def("jdash_inbox")(
                dg.build_sensor_context(self.instance, cursor=self.cursor, definitions=definitions)
            )
        assert isinstance(answer, dg.SensorResult)
        skipped = answer.skip_reason
        self.said = (skipped.skip_message if isinstance(skipped, dg.SkipReason) else skipped) or ""
        for request in answer.run_requests or []:
            tags = {**request.tags, "dagster/partition": str(request.partition_key)}
            taken = self.instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": str(request.run_key)}))
            assert not taken, "Dagster would skip it"
            run = create_run_for_test(
                self.instance,
                job_name="queued",
                tags={**tags, "dagster/run_key": str(request.run_key)},
                status=dg.DagsterRunStatus.QUEUED,
                remote_job_origin=ORIGIN,
            )
            self.queued.append((run.run_id, request))
        if not dies:
            self.cursor = answer.cursor
        return len(answer.run_requests or [])

    def run(self, fails: str | None = None, *, dies: bool = False) -> None:
        """Let the oldest queued run run: to its end, or till it fails or dies at a stage."""
        if not self.queued:
            return
        run_id, request = self.queued.pop(0)
        tags = {**self.instance.get_run_by_id(run_id).tags}  # type: ignore[union-attr]
        self.instance.delete_run(run_id)
        definitions = self.definitions
        with pytest.MonkeyPatch.context() as patch:
            if fails is not None:
                patch.setattr(STAGES[fails], refused)
            job = definitions.resolve_job_def(str(definitions.resolve_sensor_def("jdash_inbox").job_name))
            result = job.execute_in_process(
                partition_key=request.partition_key, instance=self.instance, run_id=run_id, tags=tags,
                run_config=QUIET, raise_on_error=False,
            )  # fmt: skip
        # A narrowed scope seals nothing.
        assert result.success == (
            fails is None or (fails == "before the seal" and self.settings.scope is not None)
        )
        if dies:
            self.instance.delete_run(run_id)
            create_run_for_test(
                self.instance,
                run_id=run_id,
                job_name="killed",
                tags=tags,
                status=dg.DagsterRunStatus.STARTED,
            )
            claim_of_a_gone_process(self.settings, run_id)
        self.now = max(self.now, time.time())

    def settle(self) -> int:
        """Tick and run until nothing is left to do; give how many runs that took."""
        runs = 0
        for _ in range(12):
            asked = self.tick()
            if not asked and not self.queued and "after" not in self.said:
                return runs
            while self.queued:
                self.run()
                runs += 1
            self.now += 7 * HOUR
        raise AssertionError(f"it never settles: {self.said}")

    def used(self) -> list[str]:
        """Give the amounts of EC_KE in storage."""
        rows = pq.read_table(Path(self.storage.path("jdash", MONTH.key))).to_pylist()
        return [f"{row['amount_used']:.2f}" for row in rows if row["id_company"] == "EC_KE"]

    @property
    def storage(self) -> ParquetStorage:
        """The storage, as another process opens it."""
        home = Home(self.settings)
        return ParquetStorage(home.storage_url, home.place / "spool")

    def assert_as_the_inbox(self) -> None:
        """See that storage is made from the inbox as it is, to the last asset and the seal."""
        expected = [self.file.read_text().split(",")[-1].strip()] if self.file.exists() else []
        assert self.used() == expected
        assert late_files(self.storage, Home(self.settings).inbox_folder, MONTH) == []
        assets = [path.name for path in (Home(self.settings).place / "storage").iterdir()]
        lineage = Lineage(self.storage, MONTH.key, "jdash", assets)
        assert lineage.behind == []
        assert {"timing_difference_bridge", "reconciliation", "check_results"} <= set(lineage.hashes)
        if self.settings.scope is None:
            sealed = latest_seal(Home(self.settings).evidence_folder, MONTH.key)
            assert sealed is not None
            assert lineage.hashes.items() <= sealed.seal["content"].items()


def refused(*_: object, **__: object) -> None:
    raise StorageError("No space is left on the disk: free some and try again.")


def claim_of_a_gone_process(settings: Settings, run_id: str) -> None:
    """Leave what a run leaves that was killed with its machine: a claim of a process that is no more."""
    gone = {"host": platform.node(), "boot": "the one before", "number": 1, "started": "1"}
    path = Home(settings).place / "claims" / f"{MONTH.key}.json"
    path.write_text(json.dumps({"run_id": run_id, "process": gone, "loaded": {}}))


@pytest.fixture
def daemon(closed_homes: dict[bool, Path], tmp_path: Path, instance: dg.DagsterInstance) -> Daemon:
    """Give a daemon over a closed month of two companies, in a Dagster database that knows nothing of it."""
    return daemon_at(closed_homes[False], tmp_path / "copy", instance, whole=False)


def daemon_at(closed: Path, place: Path, instance: dg.DagsterInstance, *, whole: bool) -> Daemon:
    shutil.copytree(closed, place, symlinks=True)
    return Daemon(settings_of(place, whole=whole), instance)


def test_a_month_as_it_was_closed_is_left_alone_in_a_new_database(daemon: Daemon) -> None:
    assert daemon.tick() == 0
    assert daemon.said == "No file of a closed month has changed."


def test_contents_that_were_seen_before_are_materialized_again(daemon: Daemon) -> None:
    for content in (V2, V1, V2, V1):
        daemon.file.write_bytes(content)
        assert daemon.tick() == 1, "at once"
        daemon.run()
        daemon.assert_as_the_inbox()
        assert daemon.tick() == 0
        daemon.now += 60


def test_the_same_size_and_time_are_not_the_same_content(daemon: Daemon) -> None:
    before = daemon.file.stat()
    daemon.tick()
    daemon.file.write_bytes(V2)
    os.utime(daemon.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert daemon.tick() == 1


def test_a_state_is_not_launched_twice_while_its_run_is_queued_or_going(daemon: Daemon) -> None:
    daemon.file.write_bytes(V2)
    assert daemon.tick(dies=True) == 1, "the cursor is lost with the tick"
    for _ in range(3):
        daemon.now += 60
        assert daemon.tick() == 0
        assert f"waits for run {daemon.queued[0][0]}" in daemon.said
    daemon.now += 48 * HOUR
    assert daemon.tick() == 0, "what waits in the queue may wait long"
    daemon.run()
    assert daemon.tick() == 0
    daemon.assert_as_the_inbox()


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
)
def test_a_run_that_never_reached_its_first_step_is_waited_for_a_while(
    daemon: Daemon, status: dg.DagsterRunStatus
) -> None:
    daemon.file.write_bytes(V2)
    tags = {"dagster/partition": MONTH.key, STATE_TAG: "of an older state"}
    create_run_for_test(daemon.instance, job_name="lost", tags=tags, status=status)
    assert daemon.tick() == 0
    assert "waits for run" in daemon.said
    daemon.now += 700
    assert daemon.tick() == 1


def test_a_run_of_another_origin_is_waited_for_as_long_as_a_run_may_take(daemon: Daemon) -> None:
    daemon.file.write_bytes(V2)
    create_run_for_test(
        daemon.instance,
        job_name="close_month",
        tags={"dagster/partition": MONTH.key},
        status=dg.DagsterRunStatus.STARTED,
    )
    daemon.now += HOUR
    assert daemon.tick() == 0
    daemon.now += daemon.settings.max_run_seconds
    assert daemon.tick() == 1


def test_the_last_state_waits_for_the_run_of_an_older_one(daemon: Daemon) -> None:
    daemon.file.write_bytes(V2)
    daemon.tick()
    daemon.file.write_bytes(V3)
    assert daemon.tick() == 0
    daemon.file.write_bytes(V1)
    assert daemon.tick() == 0, "storage is of this state, and a run that may change it is on its way"
    daemon.file.write_bytes(V3)
    daemon.run()
    assert daemon.used() == ["3.00"], "a run reads what is there when it runs"
    assert daemon.tick() == 0
    daemon.assert_as_the_inbox()


@pytest.mark.parametrize(
    ("how", "stage"),
    [
        ("fails", "after jdash"),
        ("dies", "before the seal"),
        pytest.param("dies", "before jdash", marks=soak),
        pytest.param("dies", "after jdash", marks=soak),
    ],
)
def test_a_month_whose_run_failed_or_died_is_finished(
    closed_homes: dict[bool, Path], tmp_path: Path, instance: dg.DagsterInstance, stage: str, how: str
) -> None:
    dies = how == "dies"
    daemon = daemon_at(closed_homes[True], tmp_path / "copy", instance, whole=True)
    daemon.file.write_bytes(V3)
    assert daemon.tick() == 1
    daemon.run(stage, dies=dies)
    assert daemon.tick() == 0, "it is not tried again at once"
    assert ("No space is left" in daemon.said) == (not dies)
    assert ("has ended. Close the month again." in daemon.said) == dies
    daemon.now += 61
    assert daemon.tick() == 1
    daemon.run()
    assert daemon.tick() == 0
    daemon.assert_as_the_inbox()
    died = [run for run in instance.get_runs() if run.status == dg.DagsterRunStatus.STARTED]
    assert died == [], "a dead run holds no place in the queue"


def test_a_run_that_keeps_failing_is_tried_with_a_growing_pause_and_a_new_state_at_once(
    daemon: Daemon,
) -> None:
    daemon.file.write_bytes(V2)
    assert daemon.tick() == 1
    for minutes in (1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360):
        daemon.run("before jdash")
        daemon.now = time.time() + 60 * minutes - 20
        assert daemon.tick() == 0
        assert "jdash: No space is left on the disk" in daemon.said
        daemon.now += 40
        assert daemon.tick() == 1
    daemon.run("before jdash")
    daemon.now = time.time()
    assert daemon.tick() == 0
    daemon.file.write_bytes(V3)
    assert daemon.tick() == 1
    daemon.run()
    daemon.assert_as_the_inbox()


def test_a_run_that_ends_well_and_changes_nothing_is_not_launched_for_ever(daemon: Daemon) -> None:
    """As where the run's own user may not read what the daemon's may."""
    daemon.file.write_bytes(V2)
    daemon.tick()
    daemon.file.write_bytes(V1)
    daemon.run()
    daemon.file.write_bytes(V2)
    assert daemon.tick() == 0
    assert "storage is still not made from these files" in daemon.said
    daemon.now += 61
    assert daemon.tick() == 1


def test_a_month_that_errors_keeps_what_was_noted_and_hides_no_other(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_SETTLED_SECONDS", -60)
    daemon.tick()
    noted = json.loads(str(daemon.cursor))[MONTH.key]
    assert noted["hashes"]["EC_KE.csv"]
    stored = Path(daemon.storage.path("jdash", MONTH.key))
    content = stored.read_bytes()
    stored.write_bytes(b"changed by something else")
    assert daemon.tick() == 0
    assert json.loads(str(daemon.cursor))[MONTH.key] == noted
    stored.write_bytes(content)
    daemon.file.write_bytes(V2)
    assert daemon.tick() == 1


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"2025-09/EC_KE.csv": [1, 2, "x"]}', '{"2025-09": {}}'])
def test_a_cursor_that_is_damaged_or_of_another_version_is_no_cursor(daemon: Daemon, cursor: str) -> None:
    daemon.cursor = cursor
    assert daemon.tick() == 0
    daemon.cursor = cursor
    daemon.file.write_bytes(V2)
    assert daemon.tick() == 1


def test_an_inbox_that_is_gone_launches_nothing_and_fails_the_tick(daemon: Daemon) -> None:
    folder = Home(daemon.settings).inbox_folder
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(SettingsError, match=r"CPG1_INBOX .* is not there"):
        daemon.tick()
    folder.with_name("unmounted").rename(folder)
    assert daemon.tick() == 0


def test_a_file_that_cannot_be_read_any_more_and_then_can_be(daemon: Daemon) -> None:
    daemon.file.unlink()
    daemon.file.mkdir()
    assert daemon.tick() == 1
    daemon.run()
    assert daemon.used() == []
    assert daemon.tick() == 0
    daemon.file.rmdir()
    daemon.file.write_bytes(V1)
    assert daemon.settle() == 1
    daemon.assert_as_the_inbox()


def test_what_is_certainly_no_data_launches_nothing(daemon: Daemon) -> None:
    daemon.file.with_name("EC_NG.csv.crdownload").write_bytes(V1)
    daemon.file.with_name(".DS_Store").write_bytes(b"")
    assert daemon.tick() == 0
    daemon.file.with_name("EC_NG (1).csv").write_bytes(V1)
    assert daemon.tick() == 1


def test_a_month_that_was_never_closed_to_its_end_is_left_to_its_close(
    daemon: Daemon,
) -> None:
    (Path(daemon.storage.path("evidence_manifest", MONTH.key))).unlink()
    daemon.file.write_bytes(V2)
    assert daemon.tick() == 0


_STEPS = st.one_of(
    st.sampled_from([V1, V2, V3, b"not,a\nfile\n", None]).map(lambda content: ("write", content)),
    st.sampled_from(["tick", "run", "lose the cursor", "new database"]).map(lambda name: (name, None)),
    st.sampled_from([(kind, stage) for kind in ("fail", "die") for stage in ("before jdash", "after jdash")]),
)


@hypothesis_settings(max_examples=examples(3), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS, min_size=3, max_size=9))
def test_storage_is_made_from_the_inbox_in_the_end_whatever_happens(
    closed_homes: dict[bool, Path],
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, bytes | str | None]],
) -> None:
    place = tmp_path_factory.mktemp("sequence") / "copy"
    with dg.DagsterInstance.ephemeral() as first, dg.DagsterInstance.ephemeral() as second:
        daemon = daemon_at(closed_homes[False], place, first, whole=False)
        for kind, what in steps:
            if kind == "write" and isinstance(what, bytes):
                daemon.file.write_bytes(what)
            elif kind == "write":
                daemon.file.unlink(missing_ok=True)
            elif kind == "lose the cursor":
                daemon.cursor = None
            elif kind == "new database":
                daemon.instance, daemon.queued, daemon.cursor = second, [], None
            elif kind == "tick":
                daemon.tick()
            else:
                daemon.tick()
                daemon.run(str(what) if kind != "run" else None, dies=kind == "die")
            daemon.now += 60
        daemon.settle()
        if daemon.file.exists() and daemon.file.read_bytes().startswith(b"not"):
            daemon.file.unlink()
            daemon.settle()
        daemon.assert_as_the_inbox()
        assert daemon.settle() == 0, "nothing more is launched"


_KILLED = """
import os, signal, sys
from pathlib import Path
import dagster as dg
from cpg1_assets.definitions import build_definitions
from cpg1_assets.graph import manifest
from cpg1_assets.settings import Settings

manifest.seal_month = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
place, tags = Path(sys.argv[1]), eval(sys.argv[2])
settings = Settings(home=place / "home", inbox=place / "inbox")
definitions = build_definitions(settings)
job = definitions.resolve_job_def(definitions.resolve_sensor_def("jdash_inbox").job_name)
with dg.DagsterInstance.from_config(str(place / "dagster")) as instance:
    job.execute_in_process(partition_key="2025-09", instance=instance, tags=tags)
"""


def test_a_run_that_is_really_killed_is_seen_to_be_dead_and_its_month_is_finished(
    closed_homes: dict[bool, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "copy"
    shutil.copytree(closed_homes[True], place, symlinks=True)
    (place / "dagster").mkdir()
    (place / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(place / "dagster"))
    with dg.DagsterInstance.from_config(str(place / "dagster")) as instance:
        daemon = Daemon(settings_of(place, whole=True), instance)
        daemon.file.write_bytes(V3)
        assert daemon.tick() == 1
        run_id, request = daemon.queued.pop()
        tags = dict(instance.get_run_by_id(run_id).tags)  # type: ignore[union-attr]
        instance.delete_run(run_id)
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, str(place), repr(tags)],
            capture_output=True, text=True, check=False, timeout=120,
            cwd=Path(cpg1_assets.__file__).parents[1],
        )  # fmt: skip
        assert killed.returncode == -9, killed.stderr
        (going,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        assert daemon.used() == ["3.00"], "it died half way"
        assert daemon.tick() == 0
        assert f"run {going.run_id} failed (run: The process that ran this" in daemon.said
        assert request.tags[STATE_TAG] == going.tags[STATE_TAG]
        daemon.now = time.time() + 61
        assert daemon.settle() == 1
        daemon.assert_as_the_inbox()


@pytest.fixture
def ticked_by_the_daemon(
    closed_homes: dict[bool, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Daemon, Callable[[], str]]]:
    """Give what Dagster's own sensor daemon does in a tick, over the code location loaded as a deployment loads it."""
    place = tmp_path / "copy"
    shutil.copytree(closed_homes[False], place, symlinks=True)
    settings = settings_of(place, whole=False)
    for name, value in settings.scope_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CPG1_INBOX", str(settings.inbox))
    monkeypatch.delitem(vars(cpg1_assets), "defs", raising=False)
    overrides = {
        "run_launcher": {
            "module": "dagster._core.launcher.sync_in_memory_run_launcher",
            "class": "SyncInMemoryRunLauncher",
        },
        "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
    }
    code = ModuleTarget(
        module_name="cpg1_assets",
        attribute=None,
        working_directory=str(Path(cpg1_assets.__file__).parents[1]),
        location_name="here",
    )
    with (
        instance_for_test(overrides=overrides) as on_disk,
        create_test_daemon_workspace_context(code, on_disk) as of,
    ):

        def tick() -> str:
            list(execute_sensor_iteration(of, logging.getLogger("daemon"), None, None))
            (state,) = on_disk.all_instigator_state(instigator_type=InstigatorType.SENSOR)
            (last, *_) = on_disk.get_ticks(state.instigator_origin_id, state.selector_id)
            data = state.instigator_data
            assert isinstance(data, SensorInstigatorData)
            # The next tick may come at once, and not in a minute.
            on_disk.update_instigator_state(
                state.with_data(data._replace(last_tick_timestamp=0.0, last_tick_start_timestamp=0.0))
            )
            return f"{last.status.value} {last.skip_reason or ''}"

        yield Daemon(settings, on_disk), tick
    vars(cpg1_assets).pop("defs", None)


def test_dagster_s_own_daemon_launches_contents_that_were_seen_before(
    ticked_by_the_daemon: tuple[Daemon, Callable[[], str]],
) -> None:
    daemon, tick = ticked_by_the_daemon
    for content in (V2, V1, V2):
        daemon.file.write_bytes(content)
        assert tick() == "SUCCESS "
        daemon.assert_as_the_inbox()
        assert tick() == "SKIPPED No file of a closed month has changed."
    assert len({run.tags["dagster/run_key"] for run in daemon.instance.get_runs()}) == 3
