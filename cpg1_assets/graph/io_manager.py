"""The Parquet IO manager: what an asset gives is published whole or not at all, what it asks for is read exactly.

An asset may hand over a pandas frame, an Arrow table or reader, a DuckDB relation, or a file it has
already written (`WrittenParquet`). What a downstream asset gets is decided by the type it asks for:
`pyarrow.dataset.Dataset` is read lazily and column by column, `pyarrow.Table` and `pandas.DataFrame`
are read whole (with exact, Arrow-backed types), only the columns named in the input's metadata
`columns` where it has them. Where files are is the storage's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from cpg1_assets.claims import Claims
from cpg1_assets.deployment import Deployment
from cpg1_assets.errors import DataError, StorageError
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.lineage import lineage_metadata
from cpg1_assets.graph.links import page_link
from cpg1_assets.graph.preview import preview
from cpg1_assets.graph.result_metadata import result_metadata
from cpg1_assets.graph.steps import enter_step, hold_month
from cpg1_assets.home import naming_places
from cpg1_assets.parquet_file import damaged
from cpg1_assets.process import is_the_runs_own
from cpg1_assets.storage.parquet import Writable, WrittenParquet, write_parquet
from cpg1_assets.storage.provenance import Provenance


@dataclass(frozen=True)
class Drawn:
    """A file that was written from a source, with what only its step can say of it, for the provenance.

    `said` are plain JSON values: the validations, and of JDash the files that were read.
    """

    written: WrittenParquet
    said: Mapping[str, Any]


def parquet_io_manager(deployment: Deployment, specs: Mapping[str, FrameSpec]) -> dg.IOManagerDefinition:
    """Make the IO manager as a resource; a run that lives in this process lets go of its month when it ends."""

    def parquet(context: dg.InitResourceContext) -> Iterator[ParquetIOManager]:
        try:
            yield ParquetIOManager(deployment, specs)
        finally:
            if is_the_runs_own() and context.run is not None:
                Claims(deployment.home.place).release(context.run.run_id)

    # Dagster takes a generator too: what stands after the yield is done when the run is over.
    return dg.IOManagerDefinition(resource_fn=parquet)  # type: ignore[arg-type]


class ParquetIOManager(dg.IOManager):
    """Publishes each asset's rows as Parquet and hands them on; see the module's docstring.

    The content's SHA-256 is the data version, so that a re-run that changes nothing makes nothing
    downstream stale.
    """

    def __init__(self, deployment: Deployment, specs: Mapping[str, FrameSpec]) -> None:
        """`specs` are the frames by asset name."""
        self._deployment = deployment
        self._storage = deployment.storage
        self._specs = specs
        self._codes = code_versions(deployment)
        # What each step of this process has read so far: SHA-256 by asset.
        self._read: dict[tuple[str, str], dict[str, str]] = {}
        self._entered: set[tuple[str, str, str]] = set()
        self._published: dict[tuple[str, str, str], str] = {}

    def handle_output(self, context: dg.OutputContext, obj: Writable | WrittenParquet | Drawn) -> None:
        """Write (unless written already), publish with its provenance, and record schema, rows, size, place, hash."""
        with naming_places(self._deployment.settings):
            self._publish(context, obj)

    def _publish(self, context: dg.OutputContext, obj: Writable | WrittenParquet | Drawn) -> None:
        asset, month = context.asset_key.path[-1], context.asset_partition_key
        spec = self._spec(asset)
        self._enter(context, materializes=True)
        step = (context.run_id, context.step_key)
        drawn = obj if isinstance(obj, Drawn) else None
        data = obj.written if isinstance(obj, Drawn) else obj
        inputs = dict(sorted(self._read.pop(step, {}).items()))
        with self._storage.read_as_written(inputs, month):
            written = (
                data
                if isinstance(data, WrittenParquet)
                else write_parquet(data, spec, self._storage.spool_path(asset, month, context.run_id[:8]))
            )
        provenance = Provenance(
            asset=asset,
            month=month,
            sha256=written.sha256,
            inputs=inputs,
            code=self._codes.get(asset, ""),
            control_version=self._deployment.version.digest,
            said={} if drawn is None else drawn.said,
        )
        shown = {**result_metadata(asset, month, written.path, written.rows), **preview(spec, written.path)}
        try:
            # The run may have been given up, and its month be another's, while this step computed.
            hold_month(self._deployment, month, context.run_id, context.step_context.instance)
            self._storage.publish(written, asset, month, provenance)
        except BaseException:
            written.path.unlink(missing_ok=True)
            raise
        self._published[(context.run_id, month, asset)] = written.sha256
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(written.sha256))
        context.add_output_metadata(
            {
                **shown,
                **(page_link(self._deployment, month) if shown.get("summary") else {}),
                "dagster/partition_row_count": dg.MetadataValue.int(written.rows),
                "dagster/column_schema": column_schema(spec),
                **lineage_metadata(asset),
                "dagster/uri": self._storage.uri(asset, month),
                "dagster/storage_kind": "parquet",
                "size_bytes": written.size_bytes,
                "sha256": written.sha256,
                **self._deployment.notes_of(asset),
            }
        )

    def load_input(self, context: dg.InputContext) -> ds.Dataset | pa.Table | pd.DataFrame:
        """Read an input as the type the asset asks for, unless it is not the file that was written there."""
        with naming_places(self._deployment.settings):
            return self._read_input(context)

    def _read_input(self, context: dg.InputContext) -> ds.Dataset | pa.Table | pd.DataFrame:
        asset, wanted = context.asset_key.path[-1], context.dagster_type.typing_type
        month = context.asset_partition_key
        self._enter(context, materializes=not context.step_context.is_asset_check_step)
        dataset = self._storage.dataset(asset, month)
        step = (context.step_context.run_id, context.step_context.step.key)
        self._read.setdefault(step, {})[asset] = self._storage.provenance(asset, month)[0]
        if wanted is ds.Dataset:
            return dataset
        columns = (context.definition_metadata or {}).get("columns")
        table = _exact(dataset, self._spec(asset), columns, self._storage.path(asset, month))
        return table if wanted is pa.Table else table.to_pandas(types_mapper=pd.ArrowDtype)

    def has_published(self, run_id: str, month: str, files: Mapping[str, str]) -> bool:
        """Whether this run put all these files in storage from this process; `files` are SHA-256 by asset."""
        return all(self._published.get((run_id, month, asset)) == sha256 for asset, sha256 in files.items())

    def _enter(self, context: dg.InputContext | dg.OutputContext, *, materializes: bool) -> None:
        step, month = context.step_context, context.asset_partition_key
        entered = (step.run_id, step.step.key, month)
        if entered in self._entered:
            return
        enter_step(self._deployment, month, step.run_id, step.instance, materializes=materializes)
        self._entered.add(entered)

    def _spec(self, asset: str) -> FrameSpec:
        if asset not in self._specs:
            raise DataError(f"{asset} has no frame specification: add its contract or its frame.")
        return self._specs[asset]


def column_schema(spec: FrameSpec) -> dg.TableSchema:
    """Show a frame's columns, types, nullability and meaning in the UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.arrow_type),
                description=column.description or None,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=spec.key == (column.name,)
                ),
            )
            for column in spec.columns
        ]
    )


def _exact(dataset: ds.Dataset, spec: FrameSpec, columns: Sequence[str] | None, path: str) -> pa.Table:
    wanted = list(columns or spec.arrow_schema.names)
    missing = [name for name in wanted if name not in dataset.schema.names]
    if missing:
        raise DataError(
            f"{spec.name}: the stored file lacks the columns {', '.join(missing)}. Materialize it again."
        )
    try:
        table = dataset.to_table(columns=wanted)
    except (pa.ArrowException, OSError) as error:
        raise StorageError(damaged(path, error)) from error
    try:
        return table.cast(pa.schema([spec.arrow_schema.field(name) for name in wanted]))
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{spec.name}: the stored file does not have its columns' types: {error}.") from error
