"""Where the Parquet files are: `<storage>/<asset>/<YYYY-MM>.parquet`, published whole or not at all.

A local folder or any fsspec URL. What is in a file is written by `parquet`; which asset asks is not known here.
"""

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from fsspec.implementations.local import LocalFileSystem

from cpg1_assets.disk import sync
from cpg1_assets.errors import StorageError
from cpg1_assets.lock import is_running
from cpg1_assets.storage.parquet import WrittenParquet

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
