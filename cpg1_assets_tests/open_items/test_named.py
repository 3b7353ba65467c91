"""Open items name what was broken in the sample books, for the right reason, and close nothing wrongly.

The default books, other seeds and another size, by the same queries and rules as Dagster runs. Also: matchings that
look right and are wrong fall short of it, so that this can fail.
"""

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cpg1_assets.deployment import read_rules
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.business_line_reclass import business_line_reclass
from cpg1_assets.rules.customer_posting_group_bridge import customer_posting_group_bridge
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.frames import CAUSES
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.nav_voucher_entries import nav_voucher_entries
from cpg1_assets.rules.open_item_matches import open_item_matches
from cpg1_assets.rules.open_items import open_items
from cpg1_assets.rules.reconciliation import reconciliation
from cpg1_assets.rules.target_values import target_values
from cpg1_assets.rules.timing_difference_bridge import timing_difference_bridge
from cpg1_assets.rules.vtc_adjustment import vtc_adjustment
from cpg1_assets.sample_books import make_sample_books
from cpg1_assets.settings import Settings
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.conftest import ORDINARY_MONTH
from cpg1_assets_tests.extracted import extracted
from cpg1_assets_tests.open_items.evaluation import Evaluation, cause_of_planted, evaluate
from cpg1_assets_tests.soak import SOAKED, soak

MONTHS = (
    tuple(f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13))
    if SOAKED
    else ("2024-04", "2024-12", "2025-03", ORDINARY_MONTH, "2025-12")
)

STEPS: tuple[Callable[..., Any], ...] = (
    nav_voucher_entries,
    target_values,
    timing_difference_bridge,
    vtc_adjustment,
    customer_posting_group_bridge,
    business_line_reclass,
    reconciliation,
    open_item_matches,
    open_items,
)
"""The rules on the way to the open items; each takes what came before it by the name of its parameters."""


def evaluation(
    books: Path,
    key: str,
    change: Callable[[Matching], Matching] = lambda matching: matching,
) -> Evaluation:
    """Work out a month's open items, with the matching changed or not, and hold them against the truth."""
    month = CutoffMonth.parse(key)
    rules = read_rules(Settings(home=books).rules_folder)
    have: dict[str, Any] = {
        **extracts_of(books, month),
        "month": month,
        "lines": rules.lines,
        "thresholds": rules.thresholds,
        "matching": change(rules.matching),
    }
    for step in STEPS:
        have[step.__name__] = to_table(step(*[have[name] for name in inspect.signature(step).parameters]))
    causes = truth(books, "causes")
    return evaluate(
        have["open_items"],
        have["open_item_matches"],
        causes.filter(pc.equal(causes["month"], key)),
        truth(books, "events"),
    )


@cache
def extracts_of(books: Path, month: CutoffMonth) -> dict[str, pa.Table]:
    """Read a month's extracts once: they do not change with the matching."""
    with SampleBooks(books).session() as session:
        return extracted(books, session, month)


@cache
def truth(books: Path, name: str) -> pa.Table:
    return pq.read_table(books / "truth" / f"{name}.parquet")


def assert_good(books: Path, months: tuple[str, ...]) -> None:
    """Hold books to "Held against the truth"; whether a cause is right is judged over all the months."""
    total = Evaluation()
    for month in months:
        found = evaluation(books, month)
        assert found.closed_wrongly == [], month
        assert found.missed == [], month
        assert found.named, month
        assert found.precision >= 0.95, (month, found.idle[:5])
        total += found
    mistaken = [(planted.causes, item["cause"]) for planted, item in total.mistaken]
    assert total.causes_right >= 0.9, mistaken


def test_the_default_books_are_named(sample_books: Path) -> None:
    assert_good(sample_books, MONTHS)


@pytest.mark.parametrize(
    ("seed", "factor", "months"),
    [
        (7, 1, ("2024-08", "2025-12")),
        (20_240_101, 3, ("2025-03",)),
        pytest.param(99, 1, ("2024-11", "2025-06"), marks=soak),
        pytest.param(20_240_101, 10, ("2025-12",), marks=soak),
    ],
)
def test_other_seeds_and_sizes_are_named(
    tmp_path: Path, seed: int, factor: int, months: tuple[str, ...]
) -> None:
    books = tmp_path / "sample_books"
    make_sample_books(books, seed=seed, factor=factor)
    assert_good(books, months)


def test_every_cause_that_the_page_maps_to_is_one_an_item_can_propose() -> None:
    assert {cause for cause in cause_of_planted().values() if cause != "–"} <= set(CAUSES)


def swapped(matching: Matching) -> Matching:
    """Read a prepayment's order where its item should be read."""
    return _changed(matching, "customer_prepayments", nav=("document_no",))


def without_links(matching: Matching) -> Matching:
    """Leave out the pass that follows packlists and payments."""
    return _changed(matching, "collections_ar", passes=("reference", "named"))


def by_order_number(matching: Matching) -> Matching:
    """Read the customer's own order number, which many share, for the number of the invoice."""
    return _changed(matching, "customer_ar", target=("external_document_no",))


def _changed(matching: Matching, line: str, **changed: tuple[str, ...]) -> Matching:
    lines = [each.model_copy(update=changed) if each.line == line else each for each in matching.lines]
    return matching.model_copy(update={"lines": tuple(lines)})


@pytest.mark.parametrize("change", [swapped, without_links, by_order_number])
def test_a_matching_that_looks_right_and_is_wrong_leaves_items_that_name_nothing(
    sample_books: Path, change: Callable[[Matching], Matching]
) -> None:
    assert evaluation(sample_books, ORDINARY_MONTH, change).precision < 0.5
