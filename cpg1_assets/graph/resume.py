"""What a month's last run left for the next one: what it stored need not be drawn or computed again where it is proven.

A file is kept where the loaded code gave it from files that are kept, and, of what is drawn, where a run that is gone on
with left its evidence package and nothing it was drawn from is another by now. Dagster's event log says only which steps
are left: anybody who reaches the UI can write into it, so of a file it is not believed.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster._core.events import DagsterEventType  # the public enum lacks some members

from cpg1_assets.comments.month import file_states
from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import DataError, EvidenceError, StorageError
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.open_items_before import sealed_since
from cpg1_assets.evidence.chain.proof import Stored, why_unproven
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.dead_runs import PARTITION_TAG
from cpg1_assets.graph.drawn import DRAWN_FROM
from cpg1_assets.graph.manifest import made_of
from cpg1_assets.jdash.late import late_files
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.json_file import read_object
from cpg1_assets.loaded import differing
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS, OPEN_ITEMS_BEFORE

_OF_STEPS = {DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS}


class Left(NamedTuple):
    """What a run of a month left.

    `kept` are SHA-256 by asset. `anew` says of each other asset that was stored why it is made anew, unless it is only
    because it is made of one of these. `steps` selects the steps to run, in Dagster's words.
    """

    run_id: str
    kept: Mapping[str, str]
    anew: Mapping[str, str]
    steps: tuple[str, ...]


def last_run(instance: dg.DagsterInstance, job: str, month: CutoffMonth) -> dg.RunRecord | None:
    """Give the last run of a job for a month; None where there was none."""
    of_month = dg.RunsFilter(job_name=job, tags={PARTITION_TAG: month.key})
    return next(iter(instance.get_run_records(of_month, limit=1)), None)


def did_not_end_well(run: dg.DagsterRun) -> bool:
    """Whether a run failed or was canceled."""
    return run.status in {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def left_by(
    run: dg.DagsterRun,
    deployment: Deployment,
    month: CutoffMonth,
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
) -> Left | None:
    """Give what can be kept of a run of `job` for `month`; None where nothing of it can."""
    runs = _with_those_before(instance, run)
    done = _steps_done(instance, runs)
    kept: dict[str, Stored] = {}
    anew: dict[str, str] = {}
    made_of_these: set[str] = set()
    inputs, codes = made_of(deployment), code_versions(deployment)
    for asset in (key.to_user_string() for key in job.asset_layer.asset_graph.toposorted_asset_keys):
        if asset not in done or asset not in codes:
            continue
        try:
            stored = Stored(*deployment.storage.provenance(asset, month.key))
            if not stored.provenance.inputs.keys().isdisjoint({*anew, *made_of_these}):
                made_of_these.add(asset)
                continue
            others = [
                *_drawn_from_other(deployment, month, asset, stored, runs),
                *why_unproven(asset, {**kept, asset: stored}, codes, inputs.get(asset, ())),
            ]
        except (StorageError, EvidenceError, DataError) as error:
            others = [str(error)]
        if others:
            anew[asset] = "; ".join(others)
        else:
            kept[asset] = stored
    if not kept:
        return None
    return Left(
        run_id=run.run_id,
        kept={asset: stored.sha256 for asset, stored in kept.items()},
        anew=anew,
        # With what is made anew goes all that is made of it, and the month is always sealed.
        steps=(
            *(step for step in job.graph.node_dict if step not in done),
            *(f"{asset}*" for asset in (*anew, MANIFEST.name)),
        ),
    )


def _with_those_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.DagsterRun]:
    """Give a run after those that it went on with, oldest first."""
    runs = [run]
    while (before := runs[0].parent_run_id) is not None and (
        gone := instance.get_run_by_id(before)
    ) is not None:
        runs.insert(0, gone)
    return runs


def _steps_done(instance: dg.DagsterInstance, runs: Iterable[dg.DagsterRun]) -> set[str]:
    """Give the steps that succeeded in the last of these runs that began them."""
    done: set[str] = set()
    for run in runs:
        for record in instance.get_records_for_run(run.run_id, of_type=_OF_STEPS).records:
            event = record.event_log_entry.dagster_event
            if event is not None and event.step_key is not None:
                (done.add if event.is_step_success else done.discard)(event.step_key)
    return done


def _drawn_from_other(
    deployment: Deployment, month: CutoffMonth, asset: str, stored: Stored, runs: Iterable[dg.DagsterRun]
) -> Iterator[str]:
    """Say what that an asset was drawn from is another by now, or that none of these runs drew it; nothing of a rule's.

    Raises StorageError, EvidenceError or DataError where that cannot be told.
    """
    if asset not in deployment.catalog and asset not in DRAWN_FROM:
        return
    packages = [deployment.home.package_folder(month.key, asset, run.run_id) for run in runs]
    if not any(_has_drawn(deployment, package, stored.sha256) for package in packages):
        yield "no evidence package of the run has its data, drawn from this source"
    inbox = deployment.home.inbox_folder
    if asset == JDASH.name:
        yield from late_files(deployment.storage, inbox, month)
    elif asset == OPEN_ITEMS_BEFORE.name:
        yield from sealed_since(deployment.home.evidence_folder, deployment.storage, month)
    elif asset == OPEN_ITEM_COMMENTS.name:
        yield from differing(stored.provenance.said.get("files", {}), file_states(inbox, month))


def _has_drawn(deployment: Deployment, package: Path, sha256: str) -> bool:
    """Whether a package says that data of this hash was drawn, and if from a source, from this one."""
    try:
        drawn = read_object(package / "05_integrity_hash.json")["sha256"] == sha256
        source = read_object(package / "00_system_context.json")["source"]
    except (OSError, ValueError, KeyError):
        return False
    now = {name: said for name, said in deployment.source.identity().as_dict().items() if said is not None}
    return drawn and (not isinstance(source, dict) or now.items() <= source.items())
