"""A sample of a sealed frame: the rows that were drawn, what the population comes to, and a proof for each row.

Everything is read from the sealed file, which is compared with its seal first. How rows are chosen is settled in `draw`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.errors import EvidenceError, FileFormatError
from cpg1_assets.evidence.chain.seal import ROW_TREES, SEALS, SealedVersion
from cpg1_assets.evidence.row_tree.rows import RowTree, leaf_hashes, parse_row_tree, rows_at, values_of
from cpg1_assets.evidence.row_tree.tree import HASH, inclusion_proof, levels_of, root_of
from cpg1_assets.evidence.samples.draw import EXACT, MONETARY_UNIT, Drawn, Terms, require_terms, select
from cpg1_assets.extracts.company_codes import COMPANY
from cpg1_assets.extracts.contract import Contract
from cpg1_assets.yaml_file import parse_yaml


class SampledRow(NamedTuple):
    """A row of a sample: where it stands and by what it was drawn, its bytes as they are hashed, and its proof."""

    drawn: Drawn
    hashed: bytes
    proof: tuple[bytes, ...]

    @property
    def values(self) -> list[str | None]:
        """The row's values as texts, nulls as None."""
        return values_of(self.hashed)


class Totals(NamedTuple):
    """What a company's rows come to in one column: in all, and apart by sign, each as number of rows and amount.

    `company` is None for a frame that has no companies.
    """

    company: str | None
    column: str
    total: Decimal
    positive: tuple[int, Decimal]
    negative: tuple[int, Decimal]
    without: int


@dataclass(frozen=True)
class Sample:
    """A sample of the frame `asset`, of the sealed version `sealed`.

    `tree` is what the seal says of the frame's rows; where the seal is from before it said that, `is_sealed` is False
    and it was computed from the frame. `numbers` are the columns of numbers, `population` is how many rows
    could be drawn, `totals` what they come to.
    """

    sealed: SealedVersion
    asset: str
    terms: Terms
    frame_sha256: str
    tree: RowTree
    is_sealed: bool
    columns: tuple[str, ...]
    numbers: frozenset[str]
    population: int
    totals: tuple[Totals, ...]
    how: str
    rows: tuple[SampledRow, ...]

    @property
    def books(self) -> str:
        """The books the month is of, as its seal says."""
        return str(self.sealed.seal.get("books") or "")


def draw_sample(sealed: SealedVersion, asset: str, terms: Terms) -> Sample:
    """Draw from the sealed frame of an asset.

    Raises EvidenceError where the version does not have it, it is not as it was sealed, has no such amount or company,
    or is too small; and where the root of its rows is not the one of the seal.
    """
    require_terms(terms)
    if asset not in sealed.content:
        raise EvidenceError(
            f"{asset} is no frame of {sealed.month} version {sealed.version}. Its frames are: {', '.join(sealed.assets)}."
        )
    path = sealed.data(asset)
    schema = _schema(path)
    amounts = [each.name for each in schema if pa.types.is_decimal(each.type)]
    terms, stated = _with_amount(sealed, asset, terms, amounts)
    companies = _companies(sealed, asset, terms, schema)
    columns = {name: _column(sealed, asset, name) for name in stated}
    levels = levels_of(b"".join(leaf_hashes(path)))
    tree = RowTree(len(levels[0]) // HASH, root_of(levels[-1]).hex())
    said = sealed.seal.get(ROW_TREES)
    if said is not None and (not isinstance(said, dict) or said.get(asset) != tree._asdict()):
        raise EvidenceError(
            f"{path} does not have the rows whose number and root are in the seal, so no sample of it proves anything. "
            f"See: cpg1 evidence reperform {sealed.month}"
        )
    population = [
        row for row in range(1, tree.rows + 1) if terms.company is None or companies[row - 1] == terms.company
    ]
    _require_one_currency(asset, terms, companies)
    of_each = [columns[stated[0]][row - 1] for row in population] if terms.method == MONETARY_UNIT else ()
    selection = select(terms, sealed.content[asset], population, of_each)
    rows = rows_at(path, [drawn.row for drawn in selection.rows])
    return Sample(
        sealed=sealed,
        asset=asset,
        terms=terms,
        frame_sha256=sealed.content[asset],
        tree=tree,
        is_sealed=said is not None,
        columns=tuple(schema.names),
        numbers=frozenset([*amounts, *(each.name for each in schema if pa.types.is_integer(each.type))]),
        population=len(population),
        totals=tuple(_totals(columns, companies, population)),
        how=selection.how,
        rows=tuple(
            SampledRow(drawn, rows[drawn.row], tuple(inclusion_proof(levels, drawn.row - 1)))
            for drawn in selection.rows
        ),
    )


def sealed_tree(sealed: SealedVersion, asset: str) -> RowTree:
    """Give what a seal says of the rows of a frame. Raises EvidenceError where it says nothing."""
    trees = sealed.seal.get(ROW_TREES)
    said = trees.get(asset) if isinstance(trees, dict) else None
    try:
        return parse_row_tree(f"{said['rows']}:{said['root']}")  # type: ignore[index] # anything may stand there
    except (EvidenceError, TypeError, KeyError):
        raise EvidenceError(
            f"The frame {asset} of {sealed.month} version {sealed.version} is not here, and its seal does not say which "
            "root its rows have. Give the root with --root, or evidence that has the frame with --path."
        ) from None


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise EvidenceError(f"{path} is not a readable Parquet file ({error}).") from error


def _with_amount(
    sealed: SealedVersion, asset: str, terms: Terms, amounts: Sequence[str]
) -> tuple[Terms, Sequence[str]]:
    """Give the terms with the column of a monetary-unit sample, and the columns whose totals are told.

    Without a column asked for, they are the amounts of the sealed contract; a derived frame has none.
    """
    if terms.amount is not None:
        if terms.amount not in amounts:
            listed = ", ".join(amounts) or "none"
            raise EvidenceError(
                f"{asset} has no amount {terms.amount}. Its columns of amounts are: {listed}."
            )
        return terms, [terms.amount]
    of_contract = [name for name in _contract_amounts(sealed, asset) if name in amounts]
    if terms.method != MONETARY_UNIT:
        return terms, of_contract
    if len(of_contract) != 1:
        raise EvidenceError(
            f"A monetary-unit sample of {asset} is of one amount: give --amount, one of {', '.join(amounts) or 'none'}."
        )
    return terms._replace(amount=of_contract[0]), of_contract


def _contract_amounts(sealed: SealedVersion, asset: str) -> tuple[str, ...]:
    name = f"queries/{asset}.yaml"
    if not any(row.path == f"{SEALS}/{sealed.folder.name}/{name}" for row in sealed.manifest()):
        return ()
    try:
        return parse_yaml(sealed.document(name), Contract, name=name).amounts
    except FileFormatError as error:
        raise EvidenceError(f"The sealed contract of {asset} cannot be read: {error}") from error


def _column(sealed: SealedVersion, asset: str, column: str) -> list[Any]:
    found: list[Any] = sealed.table(asset, [column]).column(0).to_pylist()
    return found


def _companies(sealed: SealedVersion, asset: str, terms: Terms, schema: pa.Schema) -> list[str | None]:
    """Give the company of each row; nothing where the frame has none. Raises EvidenceError for one that has no row."""
    if COMPANY not in schema.names:
        if terms.company is not None:
            raise EvidenceError(f"{asset} has no companies: draw from it without --company.")
        return []
    companies = [None if code is None else str(code).rstrip(" ") for code in _column(sealed, asset, COMPANY)]
    if terms.company is not None and terms.company not in companies:
        listed = ", ".join(sorted({code for code in companies if code is not None})) or "none"
        raise EvidenceError(f"{asset} has no row of {terms.company}. Its companies are: {listed}.")
    return companies


def _require_one_currency(asset: str, terms: Terms, companies: Iterable[str | None]) -> None:
    """Refuse to draw by amounts of several currencies: those of the weakest would be drawn, and hardly any other."""
    in_usd = terms.amount is not None and terms.amount.endswith("_usd")
    found = sorted({str(code) for code in companies})
    if terms.method == MONETARY_UNIT and terms.company is None and not in_usd and len(found) > 1:
        raise EvidenceError(
            f"{terms.amount} of {asset} is in the local currency of each company, so a monetary-unit sample is of one: "
            f"give --company, one of {', '.join(found)}."
        )


def _totals(
    columns: Mapping[str, Sequence[Decimal | None]],
    companies: Sequence[str | None],
    population: Sequence[int],
) -> Iterator[Totals]:
    """Give what the population comes to, by company: amounts of several currencies are never added up."""
    by_company: dict[str | None, list[int]] = defaultdict(list)
    for row in population:
        by_company[companies[row - 1] if companies else None].append(row)
    for company, rows in sorted(by_company.items(), key=lambda each: each[0] or ""):
        for column, amounts in columns.items():
            yield _total(company, column, [amounts[row - 1] for row in rows])


def _total(company: str | None, column: str, amounts: Iterable[Decimal | None]) -> Totals:
    zero = Decimal(0)
    counted = {1: (0, zero), -1: (0, zero)}
    without = 0
    with localcontext(EXACT):
        for amount in amounts:
            if not amount:
                without += 1
                continue
            sign = 1 if amount > 0 else -1
            rows, total = counted[sign]
            counted[sign] = rows + 1, total + amount
        both = counted[1][1] + counted[-1][1]
    return Totals(company, column, both, counted[1], counted[-1], without)
