"""The Parquet IO manager: `<storage>/<asset>/<YYYY-MM>.parquet`, published whole or not at all.

An asset may hand over a pandas frame, an Arrow table or reader, a DuckDB relation, or a file it has
already written (`WrittenParquet`). What a downstream asset gets is decided by the type it asks for:
`pyarrow.dataset.Dataset` is read lazily and column by column, `pyarrow.Table` and `pandas.DataFrame`
are read whole (with exact, Arrow-backed types), only the columns named in the input's metadata
`columns` where it has them.
"""

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import dagster as dg
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from fsspec.implementations.local import LocalFileSystem

from cpg1_assets.disk import sync
from cpg1_assets.errors import DataError, StorageError
from cpg1_assets.frame import FrameSpec
from cpg1_assets.lock import is_running
from cpg1_assets.storage.parquet import Writable, WrittenParquet, write_parquet

_CHUNK = 1 << 20


class ParquetStorage:
    """Where the Parquet files of one scope are: a local folder or any fsspec URL."""

    def __init__(self, url: str, spool: Path) -> None:
        """`spool` is a local folder for files on their way to a storage that is not local."""
        self.url = url
        try:
            self.filesystem, self.root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StorageError(f"CPG1_STORAGE {url} cannot be used: {error}.") from error
        self._spool = spool

    @property
    def is_local(self) -> bool:
        """Whether files can be reached by path, renamed and synced."""
        return isinstance(self.filesystem, LocalFileSystem)

    def path(self, asset: str, month: str) -> str:
        """Path of an asset's file in the storage's own file system."""
        return posixpath.join(self.root, asset, f"{month}.parquet")

    def uri(self, asset: str, month: str) -> str:
        """Address of an asset's file for people and other tools."""
        return self.filesystem.unstrip_protocol(self.path(asset, month))  # type: ignore[no-any-return]

    def exists(self, asset: str, month: str) -> bool:
        """Whether the asset's file is there."""
        return bool(self.filesystem.exists(self.path(asset, month)))

    def spool_path(self, asset: str, month: str, writer: str) -> Path:
        """Give a local path to write to before publishing; on local storage it is beside the final file.

        Leftovers of killed writers of the same file are cleared away, those of running ones are not.
        """
        folder = Path(self.root, asset) if self.is_local else self._spool / asset
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(f".{month}.*.partial"):
                if not is_running(left.name.split(".")[-2]):
                    left.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{folder} cannot be written ({error.strerror}): make it writable.") from error
        return folder / f".{month}.{writer}.{os.getpid()}.partial"

    @contextmanager
    def spooled(self, asset: str, month: str, writer: str) -> Iterator[Path]:
        """Give a local path to write to before publishing, as `spool_path`; on a failure nothing is left there."""
        path = self.spool_path(asset, month, writer)
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def publish(self, written: WrittenParquet, asset: str, month: str) -> None:
        """Move a complete file into its place in one step; a reader sees the old file or the new one."""
        final = self.path(asset, month)
        try:
            if self.is_local:
                Path(written.path).replace(final)
                sync(Path(final).parent)
            else:
                beside = f"{final}.partial"
                self.filesystem.makedirs(posixpath.dirname(final), exist_ok=True)
                self.filesystem.put_file(str(written.path), beside)
                self.filesystem.mv(beside, final)
                written.path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{final} cannot be put in place ({error.strerror or error}).") from error

    def opener(self, asset: str, month: str) -> Callable[[], BinaryIO]:
        """Give a function that opens an asset's file for reading its bytes."""
        return lambda: self.filesystem.open(self.path(asset, month), "rb")

    def sha256(self, asset: str, month: str) -> str | None:
        """SHA-256 of an asset's file; None where it is not there."""
        try:
            with self.filesystem.open(self.path(asset, month), "rb") as file:
                digest = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                return digest.hexdigest()
        except FileNotFoundError:
            return None

    def dataset(self, asset: str, month: str) -> ds.Dataset:
        """Open an asset's file lazily. Raises StorageError when it is not there or is not Parquet."""
        path = self.path(asset, month)
        if not self.exists(asset, month):
            raise StorageError(
                f"{asset} of {month} is not in storage ({path}). Materialize it first, for example with: "
                f"dagster asset materialize --select {asset} --partition {month} -m cpg1_assets"
            )
        filesystem = None if self.is_local else pafs.PyFileSystem(pafs.FSSpecHandler(self.filesystem))
        try:
            return ds.dataset(path, format="parquet", filesystem=filesystem)
        except (pa.ArrowException, OSError) as error:
            raise StorageError(
                f"{path} is not a readable Parquet file ({error}). Materialize {asset} again."
            ) from error


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
