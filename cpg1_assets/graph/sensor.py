"""The sensor on the JDash inbox: the last files of a closed month are what is materialized in the end.

It compares the inbox with what storage was made from, and asks Dagster only which runs are queued, going or failed: a
database that is new, or restored, changes nothing. Its cursor only spares work.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, NamedTuple

import dagster as dg

from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import DataError, EvidenceError, StorageError
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.proof import require_check_results
from cpg1_assets.evidence.chain.seal import latest_seal
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.dead_runs import PARTITION_TAG
from cpg1_assets.graph.in_flight import STATE_TAG, runs_in_flight
from cpg1_assets.graph.instance import failures
from cpg1_assets.graph.job import run_tags
from cpg1_assets.graph.sealed_month import LATE, LATE_AND_SIGNED_OFF, STATEMENTS
from cpg1_assets.inbox.folder import Hashes
from cpg1_assets.jdash.late import InboxStanding, inbox_standing
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.json_file import parse_json
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets.storage.lineage import Lineage

_DOWNSTREAM_OF_JDASH = dg.AssetSelection.assets("jdash").downstream()
_FIRST_PAUSE, _LONGEST_PAUSE = 60, 6 * 3600
_LOOKED_BACK = 50
_WHOLE_SECONDS = 3600


@dataclass
class _Note:
    """What a tick tells the next one about a month; all of it can be lost.

    `hashes` are those of its files, `told` the state that was said to be late of a signed-off month, `whole` what was
    found complete and when.
    """

    hashes: dict[str, list[int | str]] = field(default_factory=dict)
    told: str | None = None
    whole: list[str | float] = field(default_factory=list)


class _Tried(NamedTuple):
    """How often running was tried for a state, one after the other, when the last ended, and what it came to."""

    times: int
    ended: float
    run_id: str
    status: dg.DagsterRunStatus


def jdash_sensor(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment, assets: Sequence[str]
) -> dg.SensorDefinition:
    """Watch `<inbox>/jdash/<YYYY-MM>/` of every closed month; `assets` are all of a month.

    A month whose files are those it was computed from is left alone, and so is one that is not closed yet: its close
    will read the files. For a signed-off month nothing is launched: the tick, a warning in its log and a failed check
    say that a file is late.
    """

    @dg.sensor(
        name="jdash_inbox",
        target=_DOWNSTREAM_OF_JDASH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materializes jdash and what depends on it when a file of a closed month comes, changes or goes.",
    )
    def jdash_inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        deployment.home.require_inbox()
        if not deployment.home.inbox_folder.exists():
            return dg.SkipReason(f"The inbox {deployment.home.inbox_folder} is not there yet.")
        tick = _Tick(context, deployment, assets)
        for key in partitions.get_partition_keys():
            tick.look_at(CutoffMonth.parse(key))
        said = " ".join(tick.said) or "No file of a closed month has changed."
        return dg.SensorResult(
            run_requests=tick.requests,
            skip_reason=None if tick.requests else said,
            asset_events=tick.evaluations,
            cursor=json.dumps({key: asdict(note) for key, note in tick.notes.items()}),
        )

    return jdash_inbox


class _Tick:
    """One look at all months: what is to be run, and what a person should read."""

    def __init__(
        self, context: dg.SensorEvaluationContext, deployment: Deployment, assets: Sequence[str]
    ) -> None:
        self.requests: list[dg.RunRequest] = []
        self.evaluations: list[dg.AssetCheckEvaluation] = []
        self.said: list[str] = []
        self.notes: dict[str, _Note] = {}
        self._context = context
        self._deployment = deployment
        self._assets = assets
        self._known = _read_cursor(context.cursor)
        self._now = time.time()

    def look_at(self, month: CutoffMonth) -> None:
        known = self._known.get(month.key, _Note())
        hashes = Hashes(known.hashes)
        try:
            standing = inbox_standing(
                self._deployment.storage, self._deployment.home.inbox_folder, month, hashes
            )
            if standing is None:
                return
            self.notes[month.key] = note = _Note(hashes.noted)
            if standing.late:
                self._see_late(month.key, standing, known, note)
            else:
                self._see_whole(month.key, standing, known, note)
        except (DataError, EvidenceError, StorageError, OSError) as error:
            # What is damaged in one month must not hide what came in another, nor lose what was noted.
            self._context.log.warning("%s is not looked at: %s", month.key, error)
            self.notes[month.key] = known

    def _see_late(self, month: str, standing: InboxStanding, known: _Note, note: _Note) -> None:
        """Run a month with a late file; of a signed-off one, say it once a state."""
        if not _is_signed_off(self._deployment, month):
            self._run(month, standing, ", ".join(standing.late))
            return
        self.said.append(f"{month}: {LATE_AND_SIGNED_OFF}. Nothing is launched for it.")
        note.told = standing.state
        if known.told != standing.state:
            self._context.log.warning("%s: %s (%s).", month, LATE_AND_SIGNED_OFF, ", ".join(standing.late))
            self.evaluations.append(_evaluation(standing.late, month))

    def _see_whole(self, month: str, standing: InboxStanding, known: _Note, note: _Note) -> None:
        """Run a month that was computed from these files and not to its end: a killed run leaves it so."""
        as_read = hashlib.sha256(json.dumps([standing.stored, standing.state]).encode()).hexdigest()[:16]
        if known.whole[:1] == [as_read] and float(known.whole[1]) > self._now - _WHOLE_SECONDS:
            note.whole = known.whole
            return
        if _is_signed_off(self._deployment, month) or not _is_closed(self._deployment, month):
            return
        lineage = Lineage(self._deployment.storage, month, JDASH.name, self._assets)
        if not _is_unfinished(self._deployment, month, lineage):
            note.whole = [as_read, self._now]
            return
        codes = code_versions(self._deployment)
        if any(code != codes.get(asset, code) for asset, code in lineage.codes.items()):
            self.said.append(f"{month}: it is not sealed, and of other code than is loaded. Close it.")
            return
        self._run(month, standing, "what depends on jdash was not computed from it to the end")

    def _run(self, month: str, standing: InboxStanding, why: str) -> None:
        """Ask for a run of a closed month, unless one is on its way or the last ones of this state have just failed."""
        instance = self._context.instance
        if not _is_closed(self._deployment, month):
            return
        flying = runs_in_flight(instance, self._deployment, month, self._now)
        if flying:
            self.said.append(f"{month}: waits for run {' and '.join(flying)} ({why}).")
            return
        launched = _launched(instance, month)
        tried = _tried(launched, standing.state)
        if tried is not None:
            pause = min(_FIRST_PAUSE * 2 ** (tried.times - 1), _LONGEST_PAUSE)
            told = _how_it_ended(instance, tried)
            if self._now < tried.ended + pause:
                at = datetime.fromtimestamp(tried.ended + pause, UTC).isoformat(timespec="seconds")
                self.said.append(f"{month}: {told}. Tried again after {at} ({why}).")
                self._context.log.warning("%s", self.said[-1])
                return
            self._context.log.warning("%s: %s. It is tried again now.", month, told)
        self._context.log.info("%s: launched for %s.", month, why)
        tags = {**run_tags(self._deployment), STATE_TAG: standing.state}
        # After another run, the same state is another key: Dagster takes one for used up, also where its run failed.
        before = launched[0].dagster_run.run_id if launched else "none"
        run_key = f"jdash/{month}/{standing.state}/after-{before}"
        self.requests.append(dg.RunRequest(run_key=run_key, partition_key=month, tags=tags))


def _read_cursor(cursor: str | None) -> dict[str, _Note]:
    """Read what the last tick noted; of another version's, or a damaged one, nothing."""
    try:
        said: Mapping[str, Any] = parse_json(cursor or "{}")
        return {
            key: _Note(
                {name: list(noted) for name, noted in note["hashes"].items()},
                note["told"],
                [str(note["whole"][0]), float(note["whole"][1])] if note["whole"] else [],
            )
            for key, note in said.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return {}


def _launched(instance: dg.DagsterInstance, month: str) -> list[dg.RunRecord]:
    """Give the newest runs of the month that the sensor launched, newest first."""
    records = instance.get_run_records(dg.RunsFilter(tags={PARTITION_TAG: month}), limit=_LOOKED_BACK)
    return [record for record in records if STATE_TAG in record.dagster_run.tags]


def _tried(launched: Sequence[dg.RunRecord], state: str) -> _Tried | None:
    """Count the newest runs that were launched for this very state, one after the other."""
    of_state = list(takewhile(lambda record: record.dagster_run.tags[STATE_TAG] == state, launched))
    if not of_state:
        return None
    last = of_state[0]
    ended = last.end_time if last.end_time is not None else last.update_timestamp.timestamp()
    return _Tried(len(of_state), ended, last.dagster_run.run_id, last.dagster_run.status)


def _how_it_ended(instance: dg.DagsterInstance, tried: _Tried) -> str:
    if tried.status == dg.DagsterRunStatus.SUCCESS:
        return f"run {tried.run_id} ended, and storage is still not made from these files"
    if tried.status == dg.DagsterRunStatus.CANCELED:
        return f"run {tried.run_id} was cancelled"
    failed = "; ".join(f"{step}: {why}" for step, why in failures(instance, tried.run_id))
    return f"run {tried.run_id} failed ({failed})" if failed else f"run {tried.run_id} did not get to its end"


def _is_signed_off(deployment: Deployment, month: str) -> bool:
    return (
        deployment.settings.scope is None
        and signed_off_by(deployment.home.evidence_folder, month) is not None
    )


def _is_closed(deployment: Deployment, month: str) -> bool:
    """Whether the month was closed to its end once: sealed, or, of a narrowed scope, with its last asset stored."""
    if deployment.settings.scope is not None:
        return deployment.storage.exists(MANIFEST.name, month)
    return latest_seal(deployment.home.evidence_folder, month) is not None


def _is_unfinished(deployment: Deployment, month: str, lineage: Lineage) -> bool:
    """Whether something of a closed month was not made from the stored `jdash`, or is not sealed."""
    storage = deployment.storage
    if lineage.behind or CHECK_RESULTS.name not in lineage.hashes:
        return True
    _, provenance = storage.provenance(JDASH.name, month)
    found = provenance.said.get("validations", [])
    try:
        rows = storage.rows(CHECK_RESULTS.name, month)
        require_check_results(month, rows, {JDASH.name: found})
    except EvidenceError:
        return True
    sealed = (
        latest_seal(deployment.home.evidence_folder, month) if deployment.settings.scope is None else None
    )
    return sealed is not None and (
        storage.sha256(MANIFEST.name, month) != sealed.link.body["manifest_sha256"]
        or any(sealed.seal["content"].get(asset) != sha256 for asset, sha256 in lineage.hashes.items())
    )


def _evaluation(late: list[str], month: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(MANIFEST.name),
        check_name=LATE,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=STATEMENTS[LATE],
        metadata={"late": ", ".join(late), "what": LATE_AND_SIGNED_OFF},
        partition=month,
    )
