"""Small tables as CSV, and the SQL that reads them back with their types. Frames are not written here: they are sealed."""

from decimal import Decimal
from typing import Any

import pyarrow as pa

from cpg1_assets.embedded import literal, quoted

_ENGINE_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
}


def csv_text(table: pa.Table) -> str:
    """Write a table as CSV: a header, commas, line feeds; texts in double quotes, doubled inside; a null is nothing.

    So an empty text is `""` and no null. A list of texts is written as the engine reads one: `["one", "two"]`.
    Raises TypeError for a type that `select_from` does not read back.
    """
    for field in table.schema:
        _engine_type(field.type)
    header = ",".join(table.column_names)
    rows = (",".join(map(_cell, row.values())) for row in table.to_pylist())
    return "".join(f"{line}\n" for line in (header, *rows))


def select_from(path: str, schema: pa.Schema) -> str:
    """Write the statement that reads the CSV at `path`: every column as the text it is, then cast to its type."""
    read = ", ".join(f"{literal(field.name)}: 'VARCHAR'" for field in schema)
    cast = ", ".join(
        f"CAST({quoted(field.name)} AS {_engine_type(field.type)}) AS {quoted(field.name)}"
        for field in schema
    )
    return (
        f"SELECT {cast} FROM read_csv({literal(path)}, columns = {{{read}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false)"
    )


def _engine_type(given: pa.DataType) -> str:
    if pa.types.is_list(given):
        return f"{_engine_type(given.value_type)}[]"
    if pa.types.is_decimal(given):
        return f"DECIMAL({given.precision},{given.scale})"
    if given not in _ENGINE_TYPES:
        raise TypeError(f"A column of type {given} has no way into SQL yet.")
    return _ENGINE_TYPES[given]


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever an Arrow column holds
    match value:
        case None:
            text = ""
        case str():
            text = _in_quotes(value, '""')
        case list():
            listed = (_in_quotes(each.replace("\\", "\\\\"), '\\"') for each in value)
            text = _in_quotes(f"[{', '.join(listed)}]", '""')
        case bool():
            text = "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
        case _:
            text = str(value)
    return text


def _in_quotes(text: str, quote: str) -> str:
    escaped = text.replace('"', quote)
    return f'"{escaped}"'
