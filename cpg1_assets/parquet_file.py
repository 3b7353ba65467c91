"""One stored Parquet file as a data set, whoever reads it.

Lives here: opening it, and saying that it is damaged. Does not: writing it, or whose it is (`storage`).
"""

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from cpg1_assets.errors import StorageError


class ParquetFile(ds.FileSystemDataset):  # type: ignore[misc] # pyarrow has no types
    """A data set that is all of one Parquet file: an engine that reads Parquet itself may do so.

    Arrow compares each page that it reads with the checksum it was written with: compressed pages have no other, and a
    bit that flips in one gives other rows without an error. Files of earlier versions have no checksums, and are read.
    What reads it raises OSError or pyarrow.ArrowException where a page is not as it was written (`damaged` words it).
    """

    @property
    def local_path(self) -> str | None:
        """Where the file is on this machine; None where it is elsewhere."""
        return str(self.files[0]) if isinstance(self.filesystem, pafs.LocalFileSystem) else None

    def filter(self, expression: ds.Expression) -> ds.Dataset:
        """Give the rows that fit, which is not all of the file any more."""
        whole = ds.FileSystemDataset(list(self.get_fragments()), self.schema, self.format, self.filesystem)
        return whole.filter(expression)


def opened_parquet(path: str, filesystem: pafs.FileSystem | None = None) -> ParquetFile:
    """Open a Parquet file lazily. Raises StorageError when it is not Parquet."""
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True, pre_buffer=False)
    parquet = ds.ParquetFileFormat(default_fragment_scan_options=options)
    place = filesystem or pafs.LocalFileSystem()
    try:
        fragment = parquet.make_fragment(path, place)
        return ParquetFile([fragment], fragment.physical_schema, parquet, place)
    except (pa.ArrowException, OSError) as error:
        raise StorageError(damaged(path, error)) from error


def damaged(path: object, error: Exception) -> str:
    """Say that a stored file cannot be read as what was written there."""
    return f"{path} is not a readable Parquet file ({error}). It is damaged: materialize its asset again."
