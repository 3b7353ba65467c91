"""Reading columns of a sealed frame in bounds: a Parquet file of a few bytes can stand for terabytes of repeated values.

Which file it is, and whether it is as it was sealed, is settled in `seal`.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_LEAST, _TIMES = 256_000_000, 200
"""A frame takes at most so many times its file's bytes in memory, or so many bytes; a real one some five times."""
_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_OF_A_VALUE = 16
"""Bytes of a decimal."""


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read these columns. Raises OSError or ArrowException, also where they would take more memory than any frame."""
    types = {field.name: field.type for field in pq.read_schema(path) if field.name in columns}
    if any(pa.types.is_nested(_plain(each)) for each in types.values()):
        raise pa.ArrowInvalid("it has lists in a column, which no sealed frame has")
    texts = [name for name, each in types.items() if _plain(each) in _TEXTS]
    # A dictionary holds each text once: how long they are together is known before they are laid out a row each.
    with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts) as file:
        most = max(_LEAST, _TIMES * path.stat().st_size)
        _require_at_most(file.metadata.num_rows * _OF_A_VALUE * len(columns), most)
        table = file.read(list(columns))
    _require_at_most(sum(_length(chunk) for name in texts for chunk in table[name].chunks), most)
    for name in texts:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(_plain(types[name])))
    return table


def _plain(of: pa.DataType) -> pa.DataType:
    return of.value_type if pa.types.is_dictionary(of) else of


def _length(texts: pa.Array) -> int:
    """Bytes of the texts of a column, each as often as it is there."""
    lengths = pc.binary_length(texts.dictionary if isinstance(texts, pa.DictionaryArray) else texts)
    if isinstance(texts, pa.DictionaryArray):
        lengths = lengths.take(texts.indices)
    return pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0


def _require_at_most(size: int, most: int) -> None:
    if size > most:
        raise pa.ArrowInvalid(f"it would take {size:,} bytes in memory, which no sealed frame does")
