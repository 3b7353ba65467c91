"""The Parquet IO manager: what an asset gives is published whole or not at all, what it asks for is read exactly.

An asset may hand over a pandas frame, an Arrow table or reader, a DuckDB relation, or a file it has
already written (`WrittenParquet`). What a downstream asset gets is decided by the type it asks for:
`pyarrow.dataset.Dataset` is read lazily and column by column, `pyarrow.Table` and `pandas.DataFrame`
are read whole (with exact, Arrow-backed types), only the columns named in the input's metadata
`columns` where it has them. Where files are is the storage's business.
"""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from cpg1_assets.errors import DataError
from cpg1_assets.frame import FrameSpec
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.parquet import Writable, WrittenParquet, write_parquet


class ParquetIOManager(dg.IOManager):
    """Publishes each asset's rows as Parquet and hands them on; see the module's docstring.

    The content's SHA-256 is the data version, so that a re-run that changes nothing makes nothing
    downstream stale.
    """

    def __init__(
        self,
        storage: ParquetStorage,
        specs: Mapping[str, FrameSpec],
        notes_of: Callable[[str], Mapping[str, str]],
        prepare: Callable[[], None],
    ) -> None:
        """`specs` are the frames by asset name; `notes_of` gives what every materialization of an asset says.

        `prepare` is called before anything is written: it raises where this must not be written here.
        """
        self._storage = storage
        self._specs = specs
        self._notes_of = notes_of
        self._prepare = prepare

    def handle_output(self, context: dg.OutputContext, obj: Writable | WrittenParquet) -> None:
        """Write (unless written already), publish, and record schema, rows, size, place and hash."""
        asset, month = context.asset_key.path[-1], context.asset_partition_key
        spec = self._spec(asset)
        self._prepare()
        written = (
            obj
            if isinstance(obj, WrittenParquet)
            else write_parquet(obj, spec, self._storage.spool_path(asset, month, context.run_id[:8]))
        )
        self._storage.publish(written, asset, month)
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(written.sha256))
        context.add_output_metadata(
            {
                "dagster/partition_row_count": dg.MetadataValue.int(written.rows),
                "dagster/column_schema": column_schema(spec),
                "dagster/uri": self._storage.uri(asset, month),
                "dagster/storage_kind": "parquet",
                "size_bytes": written.size_bytes,
                "sha256": written.sha256,
                **self._notes_of(asset),
            }
        )

    def load_input(self, context: dg.InputContext) -> ds.Dataset | pa.Table | pd.DataFrame:
        """Read an input as the type the asset asks for."""
        asset, wanted = context.asset_key.path[-1], context.dagster_type.typing_type
        dataset = self._storage.dataset(asset, context.asset_partition_key)
        if wanted is ds.Dataset:
            return dataset
        columns = (context.definition_metadata or {}).get("columns")
        table = _exact(dataset, self._spec(asset), columns)
        return table if wanted is pa.Table else table.to_pandas(types_mapper=pd.ArrowDtype)

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


def _exact(dataset: ds.Dataset, spec: FrameSpec, columns: Sequence[str] | None) -> pa.Table:
    wanted = list(columns or spec.arrow_schema.names)
    missing = [name for name in wanted if name not in dataset.schema.names]
    if missing:
        raise DataError(
            f"{spec.name}: the stored file lacks the columns {', '.join(missing)}. Materialize it again."
        )
    try:
        return dataset.to_table(columns=wanted).cast(
            pa.schema([spec.arrow_schema.field(name) for name in wanted])
        )
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{spec.name}: the stored file does not have its columns' types: {error}.") from error
