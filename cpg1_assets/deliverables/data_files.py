"""Sealed frames as text files that other programs read, and what ties them to the seal.

A folder of its own, there whole or not at all: one file a frame, and `digests.json` with the hash of each beside the hash
of the sealed frame it was made of. Values are written exactly: amounts with all their digits and a point, texts as they
are. A text that a spreadsheet would run as a formula stays as it is, and is counted.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets import embedded
from cpg1_assets.deliverables.audit_data_standard import EDITION, FILES, StandardFile
from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.disk import sha256_of, sync
from cpg1_assets.embedded import literal
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.companies import RATES
from cpg1_assets.evidence.packages.package import json_text
from cpg1_assets.inbox.cells import given_out
from cpg1_assets.inbox.currency import company_currency
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.partial import clear_partials, partial_name
from cpg1_assets.refusal import naming

FORMAT = "cpg1-data-1"
DIGESTS = "digests.json"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ADS, CSV = "ads", "csv"


def write_ads(closed: ClosedMonth, out: Path) -> dict[str, Any]:
    """Write `GL_Detail` and `Trial_Balance` of a sealed month into the new folder `out`, and give what `digests.json` says.

    UTF-8, a header, fields divided by `|`; one that holds a `|`, a quote or a line end is in double quotes. Dates are
    YYYYMMDD, times HHMMSS. Raises EvidenceError where a frame was not sealed or is not as it was, StorageError where the
    disk refuses.
    """
    year, month = closed.month.year_start, closed.month
    dates = f"{year:%Y%m%d}_{month.cutoff_date:%Y%m%d}"

    def write(folder: Path) -> Iterator[tuple[str, str, int]]:
        for file in FILES:
            name = f"{file.name}_{dates}.txt"
            rows = _copy(closed, file, folder / name)
            yield name, file.frame, rows

    return _written(closed, out, ADS, write, {"standard": EDITION})


def write_csv(closed: ClosedMonth, frames: Sequence[str], out: Path) -> dict[str, Any]:
    """Write sealed frames as plain CSV with a byte-order mark into the new folder `out`. Otherwise as `write_ads`."""
    unknown = [frame for frame in frames if not closed.has(frame)]
    if unknown:
        raise EvidenceError(
            f"{', '.join(unknown)}: no such frame was sealed with version {closed.sealed.version:03d} of "
            f"{closed.month.key}. There are: {', '.join(closed.sealed.assets)}."
        )

    def write(folder: Path) -> Iterator[tuple[str, str, int]]:
        for frame in dict.fromkeys(frames):
            beside, path = folder / f".{frame}", folder / f"{frame}.csv"
            with embedded.opened() as connection, _told(frame):
                connection.register("frame", opened_parquet(str(closed.sealed.data(frame))))
                rows = _ask(
                    connection,
                    f"COPY (SELECT * FROM frame) TO {literal(str(beside))} (FORMAT csv, HEADER, DELIMITER ',')",
                )
            with path.open("wb") as file, beside.open("rb") as plain:
                file.write(BYTE_ORDER_MARK)
                shutil.copyfileobj(plain, file, 1 << 20)
            beside.unlink()
            yield path.name, frame, rows

    return _written(closed, out, CSV, write, {})


def _copy(closed: ClosedMonth, file: StandardFile, path: Path) -> int:
    rows = closed.sealed.table(RATES, ["id_company", "company_country"]).to_pylist()
    currencies = {
        row["id_company"]: company_currency(row["id_company"], row["company_country"]) for row in rows
    }
    with embedded.opened() as connection, _told(file.frame):
        connection.register("frame", opened_parquet(str(closed.sealed.data(file.frame))))
        table = pa.table(
            {
                "id_company": pa.array(currencies, pa.string()),
                "currency": pa.array(currencies.values(), pa.string()),
            }
        )
        connection.register("currencies", table)
        # What COPY writes cannot be bound.
        statement = file.statement.replace(
            "$cutoff_date", f"DATE {literal(closed.month.cutoff_date.isoformat())}"
        )
        return _ask(
            connection, f"COPY ({statement}) TO {literal(str(path))} (FORMAT csv, HEADER, DELIMITER '|')"
        )


def _ask(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    (count,) = connection.execute(statement).fetchall()[0]
    return int(count)


@contextmanager
def _told(frame: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise EvidenceError(f"The sealed {frame} cannot be written as text: {error}") from error


def _written(
    closed: ClosedMonth,
    out: Path,
    kind: str,
    write: Callable[[Path], Iterator[tuple[str, str, int]]],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Let `write` write files into a folder beside `out`, put the digests to them, and give the folder its name."""
    sealed = closed.sealed
    beside = out.with_name(partial_name(out.name))
    with naming("The data", out):
        clear_partials(out.parent, out.name)
        beside.mkdir(parents=True)
        try:
            files = {
                name: {
                    "frame": frame,
                    "frame_sha256": sealed.content[frame],
                    "rows": rows,
                    "size_bytes": (beside / name).stat().st_size,
                    "sha256": sha256_of(beside / name),
                    "texts_a_spreadsheet_would_run": _run_as_formula(closed, frame),
                }
                for name, frame, rows in write(beside)
            }
            said = {
                "format": FORMAT,
                "kind": kind,
                **more,
                "books": sealed.seal.get("books"),
                "month": sealed.month,
                "version": sealed.version,
                "seal_sha256": sealed.link.body["seal_sha256"],
                "link": sealed.link.name,
                "link_digest": sealed.link.digest,
                "head": closed.head,
                "files": files,
            }
            (beside / DIGESTS).write_text(json_text(said), encoding="utf-8", newline="\n")
            for path in beside.iterdir():
                sync(path)
            beside.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        sync(out.parent)
    return said


def _run_as_formula(closed: ClosedMonth, frame: str) -> int:
    """Count the texts of a sealed frame that a spreadsheet would run as formulas."""
    count = 0
    for batch in closed.dataset(frame).to_batches():
        for column, field in zip(batch.columns, batch.schema, strict=True):
            if pa.types.is_string(field.type):
                encoded = column.dictionary_encode()
                runs = [
                    value is not None and given_out(value) != value
                    for value in encoded.dictionary.to_pylist()
                ]
                if any(runs):
                    count += int(pc.sum(pa.array(runs).take(encoded.indices.drop_null())).as_py() or 0)
    return count
