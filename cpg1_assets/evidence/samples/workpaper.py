"""The workpaper of a sample: the lines above its table, its columns, and what each cell of it holds.

It goes out by this and comes back by this. Writing the files is done in `deliverables`, reading them in `returned`.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.seal import CONTROL
from cpg1_assets.evidence.row_tree.rows import RowTree
from cpg1_assets.evidence.samples.draw import METHODS, Terms
from cpg1_assets.evidence.samples.sample import Sample, SampledRow, Totals
from cpg1_assets.inbox.given_cells import LONGEST_TEXT, given_text

BEFORE = ("No.", "Row", "Drawn by")
EDITABLE = ("Result", "Exception", "Note")
AFTER = ("Row as hashed", "Proof")
RESULTS = ("ok", "exception", "not tested")
"""What a person may write as the result of a row."""
ONE_ROW = "none: the frame has one row"
_BASE64 = "base64:"
_MARK = re.compile(
    r"Drawn by cpg1-sample-1: (?P<month>\d{4}-\d{2}), version (?P<version>\d{1,6}), frame (?P<asset>\w{1,80}), "
    r"method (?P<method>[a-z-]+), size (?P<size>\d{1,6}), seed (?P<seed>[\w.-]{1,64}), amount (?P<amount>\w{1,80}|-), "
    r"company (?P<company>\S{1,80})"
)
_NONE = "-"
_SEAL = re.compile(r"Seal: link \d{1,9} of the chain, digest ([0-9a-f]{64})")
_FRAME = re.compile(r"Frame: data/\w+\.parquet, SHA-256 ([0-9a-f]{64})")
_TREE = re.compile(r"Rows and root: (\d{1,18}):([0-9a-f]{64})(?:, .*)?")


class Mark(NamedTuple):
    """What a workpaper says it is of: month, version, frame, terms, and digests of seal, frame and rows."""

    month: str
    version: int
    asset: str
    terms: Terms
    seal_digest: str
    frame_sha256: str
    tree: RowTree


def lines_above(sample: Sample) -> list[str]:
    """Give the lines above the table, each one cell: a spreadsheet then takes none of them for a number or a date."""
    sealed, terms = sample.sealed, sample.terms
    rows = f"Rows and root: {sample.tree}"
    if not sample.is_sealed:
        rows += ", computed from the frame: the seal is from before seals had roots"
    return [
        f"{CONTROL}, sample of {sample.asset}, {sealed.month} – {sample.books}",
        (
            f"Drawn by cpg1-sample-1: {sealed.month}, version {sealed.version}, frame {sample.asset}, method "
            f"{terms.method}, size {terms.size}, seed {terms.seed}, amount {terms.amount or _NONE}, "
            f"company {terms.company or _NONE}"
        ),
        f"Seal: link {sealed.link.index} of the chain, digest {sealed.link.digest}",
        f"Frame: data/{sample.asset}.parquet, SHA-256 {sample.frame_sha256}",
        rows,
        f"Population: {sample.population:,} rows",
        *map(_told, sample.totals),
        f"Method: {terms.method}: {sample.how}",
        (
            f"Fill in Result ({', '.join(RESULTS)}), Exception (what differs, where the result is exception) and Note "
            "(why, where a row was not tested). All other cells are held against what was sealed."
        ),
    ]


def mark_in(lines: Sequence[str]) -> Mark | None:
    """Read what the lines above a table say it is of; None where they are not those of a sample."""
    found = {at: m for at, line in enumerate(lines) for m in [_MARK.fullmatch(line)] if m}
    rest = [[m for line in lines for m in [each.fullmatch(line)] if m] for each in (_SEAL, _FRAME, _TREE)]
    if len(found) != 1 or any(len(each) != 1 for each in rest):
        return None
    (said,) = found.values()
    (seal,), (frame,), (tree,) = rest
    method = next((each for each in METHODS if each == said["method"]), None)
    if method is None:
        return None
    amount, company = (None if said[name] == _NONE else said[name] for name in ("amount", "company"))
    terms = Terms(method, int(said["size"]), said["seed"], amount, company)
    of_rows = RowTree(int(tree[1]), tree[2])
    return Mark(said["month"], int(said["version"]), said["asset"], terms, seal[1], frame[1], of_rows)


def header(columns: Sequence[str]) -> list[str]:
    """Give the header of the table; `columns` are those of the frame."""
    return [*BEFORE, *columns, *EDITABLE, *AFTER]


def table(sample: Sample) -> Iterator[list[str | int | Decimal | None]]:
    """Give the rows of the table: numbers of the frame as numbers, all else of it as text."""
    for number, row in enumerate(sample.rows, 1):
        values = [
            None if value is None else Decimal(value) if name in sample.numbers else given_text(value)
            for name, value in zip(sample.columns, row.values, strict=True)
        ]
        filled_in = [None] * len(EDITABLE)
        yield [
            number,
            row.drawn.row,
            row.drawn.by,
            *values,
            *filled_in,
            _hashed_told(row),
            proof_told(row.proof),
        ]


def _hashed_told(row: SampledRow) -> str:
    """Write a row as it is hashed; in base64 where a cell would not keep it as it stands."""
    text = row.hashed.decode()
    if text.isprintable():
        return text
    return _BASE64 + base64.b64encode(row.hashed).decode()


def hashed_in(text: str) -> bytes:
    """Read a row as it is hashed. Raises ValueError where the text is none."""
    if text.startswith(_BASE64):
        return base64.b64decode(text.removeprefix(_BASE64), validate=True)
    return text.encode()


def proof_told(proof: Sequence[bytes]) -> str:
    """Write a proof: its hashes, the lowest first, with blanks between."""
    return " ".join(each.hex() for each in proof) or ONE_ROW


def proof_in(text: str) -> list[bytes]:
    """Read a proof. Raises ValueError where the text is none."""
    if text == ONE_ROW:
        return []
    proof = [bytes.fromhex(each) for each in text.split(" ")]
    if proof_told(proof) != text:
        raise ValueError("it is no list of hashes")
    return proof


def require_cells_hold(sample: Sample) -> None:
    """Refuse a sample of which a row does not fit in a cell of a workbook. Raises EvidenceError."""
    for row in sample.rows:
        if len(_hashed_told(row).encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise EvidenceError(
                f"Row {row.drawn.row} of {sample.asset} is longer than a cell of a workbook holds. Write it as .csv."
            )


def _told(totals: Totals) -> str:
    (positive, above), (negative, below) = totals.positive, totals.negative
    of = totals.column if totals.company is None else f"{totals.company}, {totals.column}"
    return (
        f"Population, {of}: total {totals.total:,f}; {positive:,} rows above zero, {above:,f}; "
        f"{negative:,} below, {below:,f}; {totals.without:,} of zero or without"
    )
