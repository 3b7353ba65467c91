"""Rows are drawn as the page says, so that an auditor draws the same by hand: by SHA-256, with no fraction rounded."""

import hashlib
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.samples.draw import MOST, Drawn, Method, Terms, select

FRAME = "ab" * 32
SEEDS = st.from_regex(r"[A-Za-z0-9._-]{1,8}", fullmatch=True)
AMOUNTS = st.lists(st.none() | st.decimals(-500, 500, places=4), min_size=1, max_size=40)


def start(method: str, seed: str, of: int) -> int:
    return 1 + int(hashlib.sha256(f"{FRAME}|{method}|{seed}".encode()).hexdigest(), 16) % of


def numbers(terms: Terms, population: list[int], amounts: list[Decimal | None] | None = None) -> list[int]:
    return [drawn.row for drawn in select(terms, FRAME, population, amounts or ()).rows]


@given(SEEDS, st.integers(1, 60), st.data())
def test_a_random_sample_has_the_rows_with_the_smallest_keys(
    seed: str, rows: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, rows))
    by_key = sorted(
        range(1, rows + 1),
        key=lambda row: hashlib.sha256(f"{FRAME}|random|{seed}|{row}".encode()).hexdigest(),
    )
    population = [*range(1, rows + 1)]
    assert numbers(Terms("random", size, seed), population) == sorted(by_key[:size])
    # One more row of the same seed is one more row, and no other ones.
    if size < rows:
        assert set(numbers(Terms("random", size, seed), population)) < set(
            numbers(Terms("random", size + 1, seed), population)
        )


@given(SEEDS, st.integers(1, 60), st.data())
def test_a_systematic_sample_has_a_row_in_each_interval(seed: str, rows: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, rows))
    first, interval = Fraction(start("systematic", seed, rows), size), Fraction(rows, size)
    expected = [ceil(first + at * interval) for at in range(size)]
    assert len(set(expected)) == size
    # The population are rows of the frame, which may have others between them.
    assert numbers(Terms("systematic", size, seed), [row * 3 for row in range(1, rows + 1)]) == [
        row * 3 for row in expected
    ]


@given(SEEDS, AMOUNTS, st.integers(1, 12))
def test_a_monetary_unit_sample_takes_what_reaches_the_interval_and_what_a_point_falls_in(
    seed: str, amounts: list[Decimal | None], size: int
) -> None:
    terms = Terms("monetary-unit", size, seed, "amount")
    absolute = [abs(Fraction(amount or 0)) for amount in amounts]
    total = sum(absolute)
    population = [*range(1, len(amounts) + 1)]
    if not total:
        with pytest.raises(EvidenceError, match="No row has an amount"):
            select(terms, FRAME, population, amounts)
        return
    interval = total / size
    top = {row for row, amount in enumerate(absolute, 1) if amount >= interval}
    unit = Fraction(1, 10 ** max((-int(a.as_tuple().exponent) for a in amounts if a is not None), default=0))
    point = start("monetary-unit", seed, int(total / unit)) * unit / size
    reached, by_points = Fraction(0), set()
    for row, amount in enumerate(absolute, 1):
        if row in top:
            continue
        before, reached = reached, reached + amount
        if any(before < point + at * interval <= reached for at in range(size)):
            by_points.add(row)
    drawn = select(terms, FRAME, population, amounts).rows
    assert {each.row for each in drawn if each.by == "top stratum"} == top
    assert {each.row for each in drawn if each.by != "top stratum"} == by_points
    assert len(drawn) == len({each.row for each in drawn}) <= size
    assert all(amounts[each.row - 1] for each in drawn)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            "random",
            [
                Drawn(2, "key 098d1cb2c0e6b608"),
                Drawn(3, "key 05e2dcf8d9ef3eee"),
                Drawn(17, "key 0c7d0f1e57c29c6a"),
            ],
        ),
        ("systematic", [Drawn(6, "point 1"), Drawn(12, "point 2"), Drawn(19, "point 3")]),
        ("monetary-unit", [Drawn(8, "top stratum"), Drawn(9, "point 1")]),
    ],
)
def test_the_same_seed_draws_the_same_rows_on_any_machine(method: Method, expected: list[Drawn]) -> None:
    amounts: list[Decimal | None] = [Decimal(n) / 4 for n in range(20)]
    amounts[7], amounts[11] = Decimal(-100), None
    assert select(Terms(method, 3, "audit-1", "amount"), FRAME, range(1, 21), amounts).rows == expected


def test_amounts_of_more_digits_than_decimal_keeps_by_itself_are_exact() -> None:
    amounts = [
        Decimal("123456789012345678901234567890.1234"),
        Decimal("123456789012345678901234567890.1235"),
        Decimal("0.0001"),
    ]
    how = select(Terms("monetary-unit", 2, "s", "amount"), FRAME, range(1, 4), amounts).how
    assert how.startswith("interval 246913578024691357802469135780.2470/2, ")


@pytest.mark.parametrize("size", [0, -1, MOST + 1])
def test_a_sample_has_some_rows_and_not_too_many(size: int) -> None:
    with pytest.raises(EvidenceError, match="A sample has 1 to 10,000 rows"):
        select(Terms("random", size, "s"), FRAME, range(1, 100_000))


@pytest.mark.parametrize("seed", ["", "a b", "a|b", "ü", "a" * 65, "a\n"])
def test_a_seed_is_what_anybody_can_type_again(seed: str) -> None:
    with pytest.raises(EvidenceError, match="is no seed"):
        select(Terms("random", 1, seed), FRAME, [1])


@pytest.mark.parametrize("method", ["random", "systematic"])
def test_a_sample_is_not_larger_than_its_population(method: Method) -> None:
    with pytest.raises(EvidenceError, match="The population has 3 rows, and a sample of 4"):
        select(Terms(method, 4, "s"), FRAME, [1, 2, 3])
