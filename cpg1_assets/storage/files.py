"""Where the Parquet files are: `<storage>/<asset>/<YYYY-MM>.parquet`, published whole or not at all.

A local folder or any fsspec URL. Beside each file lies its provenance, and no file is read without being compared with
it: what is read is what was written. What is in a file is written by `parquet`; which asset asks is not known here.
"""

import hashlib
import io
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import fsspec
import pyarrow as pa
import pyarrow.fs as pafs
from fsspec.implementations.local import LocalFileSystem

from cpg1_assets.disk import sha256_of, sync, write_whole
from cpg1_assets.errors import StorageError
from cpg1_assets.parquet_file import ParquetFile, damaged, opened_parquet
from cpg1_assets.partial import clear_partials, partial_name, writer_is_gone
from cpg1_assets.refusal import refused
from cpg1_assets.storage.parquet import WrittenParquet
from cpg1_assets.storage.provenance import Provenance, is_provenance_name, provenance_name

_BLOCK = 1 << 20
_CHANGED = "changed while it was read: it is not the file that was written there."


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
        self._hashes: dict[str, tuple[tuple[int, ...], str]] = {}

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

    def months(self, asset: str) -> list[str]:
        """Give the months of which the asset's file is there, in calendar order."""
        folder = posixpath.join(self.root, asset)
        return sorted(
            posixpath.basename(path).removesuffix(".parquet")
            for path in self._listed(folder)
            if re.fullmatch(r"\d{4}-\d{2}\.parquet", posixpath.basename(path))
        )

    def _listed(self, folder: str) -> list[str]:
        """Give the paths in a folder as they are now; none where there is no folder."""
        self.filesystem.invalidate_cache(folder)
        try:
            return [str(path) for path in self.filesystem.ls(folder, detail=False)]
        except FileNotFoundError:
            return []

    def spool_path(self, asset: str, month: str, writer: str) -> Path:
        """Give a local path to write to before publishing; on local storage it is beside the final file.

        Leftovers of writers of the same file that are gone are cleared away, those of living ones are not.
        """
        folder = Path(self.root, asset) if self.is_local else self._spool / asset
        try:
            folder.mkdir(parents=True, exist_ok=True)
            clear_partials(folder, f"{month}.*")
        except OSError as error:
            raise refused(error, f"{asset} of {month}", folder) from error
        return folder / partial_name(f"{month}.{writer}")

    @contextmanager
    def spooled(self, asset: str, month: str, writer: str) -> Iterator[Path]:
        """Give a local path to write to before publishing, as `spool_path`; on a failure nothing is left there."""
        path = self.spool_path(asset, month, writer)
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def publish(self, written: WrittenParquet, asset: str, month: str, provenance: Provenance) -> None:
        """Move a complete file into its place in one step, after its provenance: a reader sees the old or the new one."""
        final = self.path(asset, month)
        try:
            self._put_provenance(provenance, asset, month)
            if self.is_local:
                Path(written.path).replace(final)
                sync(Path(final).parent)
            else:
                folder = posixpath.dirname(final)
                beside = f"{folder}/{partial_name(f'{month}.{os.getpid()}')}"
                self.filesystem.makedirs(folder, exist_ok=True)
                self._clear_partials(folder, month)
                self.filesystem.put_file(str(written.path), beside)
                self.filesystem.mv(beside, final)
                written.path.unlink(missing_ok=True)
            self._clear_provenance(asset, month, keep=provenance_name(month, written.sha256))
        except OSError as error:
            raise refused(error, f"{asset} of {month}", final) from error

    def _clear_partials(self, folder: str, month: str) -> None:
        """Clear away, on storage that is not local, what processes left that are certainly gone."""
        for path in self.filesystem.ls(folder, detail=False):
            name = posixpath.basename(str(path))
            if name.startswith(f".{month}.") and name.endswith(".partial") and writer_is_gone(name):
                with suppress(FileNotFoundError):
                    self.filesystem.rm_file(str(path))

    def provenance(self, asset: str, month: str) -> tuple[str, Provenance]:
        """Give the SHA-256 of an asset's file, and where the file came from.

        Raises StorageError when the file is not there, when nobody vouches for it, and when what is said beside it is
        of another file: this one was put there, or changed, by something else.
        """
        sha256 = self.sha256(asset, month)
        path = self.path(asset, month)
        if sha256 is None:
            raise StorageError(self._absent(asset, month))
        said = self._provenances(asset, month)
        own = f"{posixpath.dirname(path)}/{provenance_name(month, sha256)}"
        if own not in said:
            why = (
                f"{said[0]} is of another, so something else changed it"
                if said
                else f"nothing beside it says where it came from ({own} is not there)"
            )
            raise StorageError(
                f"{path} is not the file that was written there: its SHA-256 is {sha256}, and {why}. "
                f"{_to_do(asset, month)}"
            )
        found = Provenance.read(self._said(own))
        if found is None or (found.asset, found.month, found.sha256) != (asset, month, sha256):
            raise StorageError(
                f"{own} does not say where {path} came from: it is damaged. {_to_do(asset, month)}"
            )
        return sha256, found

    def _said(self, path: str) -> bytes:
        try:
            content: bytes = self.filesystem.cat_file(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be read ({error.strerror or error}).") from error
        return content

    def _absent(self, asset: str, month: str) -> str:
        return (
            f"{asset} of {month} is not in storage ({self.path(asset, month)}). Materialize it first, for example with: "
            f"dagster asset materialize --select {asset} --partition {month} -m cpg1_assets"
        )

    def _provenances(self, asset: str, month: str) -> list[str]:
        folder = posixpath.dirname(self.path(asset, month))
        names = map(posixpath.basename, self._listed(folder))
        return sorted(f"{folder}/{name}" for name in names if is_provenance_name(name, month))

    def _put_provenance(self, provenance: Provenance, asset: str, month: str) -> None:
        path = f"{posixpath.dirname(self.path(asset, month))}/{provenance_name(month, provenance.sha256)}"
        if not self.is_local:
            self.filesystem.makedirs(posixpath.dirname(path), exist_ok=True)
            self.filesystem.pipe_file(path, provenance.content())
            return
        write_whole(Path(path), provenance.content())

    def _clear_provenance(self, asset: str, month: str, keep: str) -> None:
        """Take away what was said of files that are there no more."""
        for path in self._provenances(asset, month):
            if posixpath.basename(path) != keep:
                with suppress(FileNotFoundError):
                    self.filesystem.rm_file(path)

    def opener(self, asset: str, month: str) -> Callable[[], BinaryIO]:
        """Give a function that opens an asset's file for reading its bytes: to their end they are those written there.

        What is opened raises as `provenance`, and StorageError at the end of bytes that are others.
        """

        def opened() -> BinaryIO:
            sha256, _ = self.provenance(asset, month)
            path = self.path(asset, month)
            compared = _Compared(
                self.filesystem.open(path, "rb"), sha256, f"{path} {_CHANGED} {_to_do(asset, month)}"
            )
            return cast("BinaryIO", io.BufferedReader(compared, _BLOCK))

        return opened

    def sha256(self, asset: str, month: str) -> str | None:
        """SHA-256 of an asset's file; None where it is not there. Raises StorageError where it cannot be read.

        A local file that nothing touched since is not hashed again; whoever reads its rows does not rely on that.
        """
        path = self.path(asset, month)
        try:
            if not self.is_local:
                with self.filesystem.open(path, "rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            status = Path(path).stat()
            # A file that is not as it was last looked at has another change time, whatever its other times are set to.
            state = (status.st_ino, status.st_ctime_ns, status.st_mtime_ns, status.st_size)
            known = self._hashes.get(path)
            if known is None or known[0] != state:
                known = self._hashes[path] = (state, sha256_of(Path(path)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"{path} cannot be read ({error.strerror or error}). {_to_do(asset, month)}"
            ) from error
        return known[1]

    def dataset(self, asset: str, month: str) -> ParquetFile:
        """Open an asset's file lazily, once its bytes are those that were written there. Raises as `provenance`.

        Its bytes are hashed anew: a disk that gives back other ones does not change what is known of the file. Pages
        that Arrow reads later are compared with their checksums, and what an engine read itself by `read_as_written`.
        """
        self._hashes.pop(self.path(asset, month), None)
        self.provenance(asset, month)
        filesystem = None if self.is_local else pafs.PyFileSystem(pafs.FSSpecHandler(self.filesystem))
        return opened_parquet(self.path(asset, month), filesystem)

    @contextmanager
    def read_as_written(self, files: Mapping[str, str], month: str) -> Iterator[None]:
        """Hold that the files of a month, SHA-256 by asset, are still those when what is done with their rows is done.

        Raises StorageError, whatever else went wrong with bytes that are others by now.
        """
        try:
            yield
        finally:
            for asset, sha256 in files.items():
                self._hashes.pop(self.path(asset, month), None)
                if self.provenance(asset, month)[0] != sha256:
                    raise StorageError(
                        f"{self.path(asset, month)} was replaced while it was read. {_to_do(asset, month)}"
                    )

    def table(self, asset: str, month: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read an asset's file whole, or only these columns. Raises as `dataset`, also where a page is damaged."""
        dataset = self.dataset(asset, month)
        try:
            return dataset.to_table(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError) as error:
            raise StorageError(damaged(self.path(asset, month), error)) from error

    def rows(self, asset: str, month: str) -> list[dict[str, Any]]:
        """Read a small file's rows by column name. Raises as `table`."""
        rows: list[dict[str, Any]] = self.table(asset, month).to_pylist()
        return rows


class _Compared(io.RawIOBase):
    """A stream that raises at its end unless it gave the bytes of one SHA-256."""

    def __init__(self, stream: BinaryIO, sha256: str, refusal: str) -> None:
        super().__init__()
        self._stream = stream
        self._sha256 = sha256
        self._refusal = refusal
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        read = self._stream.read(len(buffer))
        if not read and self._digest.hexdigest() != self._sha256:
            raise StorageError(self._refusal)
        self._digest.update(read)
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _to_do(asset: str, month: str) -> str:
    return f"Materialize {asset} of {month} again, or close the month: cpg1 close --month {month}"
