"""Closing a month in a test, in process and through Dagster, and looking at what came of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from cpg1_assets.definitions import build_definitions
from cpg1_assets.deliverables.files import SUFFIXES
from cpg1_assets.graph.deliverables import GROUP
from cpg1_assets.graph.job import CLOSE_MONTH
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets.sources.interface import Source

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Closed:
    """One run of a month: its settings, its instance, and Dagster's own result."""

    settings: Settings
    month: str
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult

    def path(self, asset: str) -> Path:
        """Place of an asset's file as the documentation gives it."""
        return Home(self.settings).place / "storage" / asset / f"{self.month}.parquet"

    def rows(self, asset: str) -> list[dict[str, Any]]:
        """Rows of an asset's file."""
        found: list[dict[str, Any]] = pq.read_table(self.path(asset)).to_pylist()
        return found

    def package(self, asset: str) -> Path:
        """Folder of the evidence package of this run."""
        return Home(self.settings).place / "evidence" / self.month / asset / self.result.run_id

    def evaluations(self, asset: str) -> dict[str, dg.AssetCheckEvaluation]:
        """Check evaluations of an asset by the check's name."""
        found = self.result.get_asset_check_evaluations()
        return {e.check_name: e for e in found if e.asset_key == dg.AssetKey(asset)}

    def materialized(self) -> set[str]:
        """Names of the assets that this run put in storage."""
        return self._named() - set(SUFFIXES)

    def deliverables(self) -> set[str]:
        """Names of the deliverables that this run made."""
        return self._named() & set(SUFFIXES)

    def _named(self) -> set[str]:
        return {event.asset_key.path[-1] for event in self._materializations()}

    def metadata(self, asset: str) -> dict[str, Any]:
        """Metadata values of an asset's materialization in this run."""
        (event,) = [e for e in self._materializations() if e.asset_key == dg.AssetKey(asset)]
        return {name: value.value for name, value in event.metadata.items()}

    def why_failed(self, asset: str) -> str:
        """Give what a person reads about a failed step."""
        for event in self.result.get_step_failure_events():
            data = event.step_failure_data
            if event.step_key == asset:
                described = data.user_failure_data.description if data.user_failure_data else None
                return described or data.error_display_string
        raise AssertionError(f"{asset} did not fail")

    def _materializations(self) -> list[dg.AssetMaterialization]:
        events = self.result.get_asset_materialization_events()
        return [event.step_materialization_data.materialization for event in events]


def close(
    settings: Settings,
    month: str,
    instance: dg.DagsterInstance,
    *,
    source: Source | None = None,
    select: Sequence[str] | None = None,
    job: str | None = CLOSE_MONTH,
    deliverables: bool = False,
) -> Closed:
    """Close `month`, or materialize only the assets `select` with their checks. A failed run is given, not raised.

    What people look at is made only where `deliverables` says so: hardly a test looks at it.
    """
    definitions = build_definitions(settings, source)
    assert job is not None
    if select is None and not deliverables and job == CLOSE_MONTH:
        nodes = definitions.resolve_asset_graph().asset_nodes
        select = [node.key.to_user_string() for node in nodes if node.group_name != GROUP]
    result = definitions.resolve_job_def(job).execute_in_process(
        partition_key=month,
        instance=instance,
        run_config=QUIET,
        raise_on_error=False,
        asset_selection=None if select is None else [dg.AssetKey(name) for name in select],
    )
    return Closed(settings, month, instance, result)


def listed(evaluation: dg.AssetCheckEvaluation, name: str) -> list[dict[str, Any]]:
    """Give the rows a check shows under `name`, which is a text where there are none; amounts without separators."""
    value = evaluation.metadata[name]
    if not isinstance(value, dg.TableMetadataValue):
        return []
    return [
        {k: v.replace(",", "") if isinstance(v, str) and re.fullmatch(r"-?[\d,]+\.\d{4,}", v) else v
         for k, v in row.data.items()}
        for row in value.records
    ]  # fmt: skip
