"""Which rows of a population a sample takes: three methods, each fixed by the frame's digest and a seed alone.

Whoever has a program that computes SHA-256 draws the same rows: no generator of a library is used, and no fraction is
rounded. The definitions are in docs/for-auditors.md ("How rows are drawn"). Where the rows come from is not known here.
"""

import hashlib
import heapq
import re
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Literal, NamedTuple, get_args

from cpg1_assets.errors import EvidenceError, shown

Method = Literal["random", "systematic", "monetary-unit"]
METHODS: tuple[Method, ...] = get_args(Method)
MONETARY_UNIT: Method = "monetary-unit"
MOST = 10_000
"""Rows that a sample may have."""
EXACT = Context(prec=100)
"""Digits enough for the total of any number of amounts."""
_SEED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHOWN_DIGITS = 16


class Terms(NamedTuple):
    """How a sample is drawn.

    `amount` is the column a monetary-unit sample is of, and the one whose totals are told. The population are the rows
    of `company`, or all rows.
    """

    method: Method
    size: int
    seed: str
    amount: str | None = None
    company: str | None = None


class Drawn(NamedTuple):
    """A row that was drawn, counted from 1 in the file's order, and by what."""

    row: int
    by: str


class Selection(NamedTuple):
    """The rows that were drawn, in the file's order, and how, in the figures of the draw."""

    rows: list[Drawn]
    how: str


def require_terms(terms: Terms) -> None:
    """Refuse terms that no sample is drawn by. Raises EvidenceError."""
    if not 1 <= terms.size <= MOST:
        raise EvidenceError(f"A sample has 1 to {MOST:,} rows, and not {terms.size:,}.")
    if _SEED.fullmatch(terms.seed) is None:
        raise EvidenceError(
            f"{shown(terms.seed)} is no seed: it is 1 to 64 letters of the alphabet, digits, dots, dashes or underscores, "
            "so that anybody can type it again."
        )


def select(
    terms: Terms, frame_sha256: str, population: Sequence[int], amounts: Sequence[Decimal | None] = ()
) -> Selection:
    """Draw from a population: the numbers of its rows, in the file's order. `amounts` are those of the same rows.

    Raises EvidenceError where the population is smaller than the sample, or has no amount at all.
    """
    require_terms(terms)
    if terms.method == MONETARY_UNIT:
        return _monetary_unit(terms, frame_sha256, population, amounts)
    if terms.size > len(population):
        raise EvidenceError(
            f"The population has {len(population):,} rows, and a sample of {terms.size:,} is asked for."
        )
    if terms.method == "systematic":
        return _systematic(terms, frame_sha256, population)
    return _random(terms, frame_sha256, population)


def _random(terms: Terms, frame_sha256: str, population: Sequence[int]) -> Selection:
    """Take the rows with the smallest keys. A larger sample of the same seed has all rows of a smaller one."""
    before = hashlib.sha256(_said(terms, frame_sha256).encode() + b"|")

    def key(row: int) -> bytes:
        digest = before.copy()
        digest.update(b"%d" % row)
        return digest.digest()

    smallest = heapq.nsmallest(terms.size, ((key(row), row) for row in population))
    drawn = [Drawn(row, f"key {found.hex()[:_SHOWN_DIGITS]}") for found, row in smallest]
    how = f'the {terms.size:,} rows with the smallest SHA-256 of "{_said(terms, frame_sha256)}|ROW"'
    return Selection(sorted(drawn), how)


def _systematic(terms: Terms, frame_sha256: str, population: Sequence[int]) -> Selection:
    """Take the rows at equal distances. Everything is counted in parts of a row, as many as the sample has rows."""
    rows, size = len(population), terms.size
    start = _start(terms, frame_sha256, rows)
    drawn = [Drawn(population[-(-(start + at * rows) // size) - 1], f"point {at + 1}") for at in range(size)]
    how = f"interval {rows}/{size} rows, start {start}/{size}"
    return Selection(drawn, how)


def _monetary_unit(
    terms: Terms, frame_sha256: str, population: Sequence[int], amounts: Sequence[Decimal | None]
) -> Selection:
    """Take each row whose amount, whatever its sign, reaches the interval, and of the others those a point falls in."""
    scale = max((-int(amount.as_tuple().exponent) for amount in amounts if amount is not None), default=0)
    scale = max(scale, 0)
    units = [0 if amount is None else abs(int(amount.scaleb(scale, EXACT))) for amount in amounts]
    total, size = sum(units), terms.size
    if not total:
        raise EvidenceError(f"No row has an amount in {terms.amount}: there is nothing to draw by.")
    top = [
        Drawn(row, "top stratum") for row, unit in zip(population, units, strict=True) if unit * size >= total
    ]
    start = _start(terms, frame_sha256, total)
    drawn, reached, point = [], 0, 0
    for row, unit in zip(population, units, strict=True):
        if unit * size >= total:
            continue
        reached += unit * size
        if start + point * total <= reached:
            drawn.append(Drawn(row, f"point {point + 1}"))
            point += 1

    def money(unit: int) -> str:
        return f"{Decimal(unit).scaleb(-scale, EXACT):f}"

    how = (
        f"interval {money(total)}/{size}, start {money(start)}/{size}; top stratum {len(top):,} rows, "
        f"{len(drawn):,} rows by points"
    )
    return Selection(sorted([*top, *drawn]), how)


def _start(terms: Terms, frame_sha256: str, of: int) -> int:
    """Give the first point: 1 up to `of`."""
    digest = hashlib.sha256(_said(terms, frame_sha256).encode()).digest()
    return 1 + int.from_bytes(digest) % of


def _said(terms: Terms, frame_sha256: str) -> str:
    return f"{frame_sha256}|{terms.method}|{terms.seed}"
