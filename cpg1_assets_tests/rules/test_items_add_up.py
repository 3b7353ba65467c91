"""The proof that nothing is lost and nothing counted twice fails for each way it can be otherwise.

Also, for random small books: every row is in exactly one item, both sides tie, nothing closes that does not balance,
and the order of the rows changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules.items_add_up import items_that_do_not_add_up
from cpg1_assets_tests.rules.open_books import (
    KE,
    NG,
    Solved,
    entry,
    invoice,
    solved,
)
from cpg1_assets_tests.rules.rows import Row, rows
from cpg1_assets_tests.soak import examples


def off(found: Solved, **changed: pa.Table) -> list[Row]:
    """Hold the books' items, with some frames changed, against the lines again."""
    names = items_that_do_not_add_up.__code__.co_varnames[: items_that_do_not_add_up.__code__.co_argcount]
    return rows(items_that_do_not_add_up(*[changed.get(name, found.table(name)) for name in names]))


@pytest.fixture(scope="module")
def books() -> Solved:
    """Give books with something closed and something open on each side, in two companies."""
    return solved(
        nav_open_items=[
            entry(1, 70, "INV-1"), entry(2, 30, "INV-2"), entry(3, 30, "INV-3"), entry(1, 5, "INV-1", id_company=NG),
        ],
        ipe_07=[invoice(1, 70, "INV-1"), invoice(2, 45, "INV-4"), invoice(3, 45, "INV-5")],
    )  # fmt: skip


def _without(row_key: str, side: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.filter(
        pc.invert(pc.and_(pc.equal(table["row_key"], row_key), pc.equal(table["side"], side)))
    )


def _twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def _one_for_another(table: pa.Table) -> pa.Table:
    """Lose the entry 3 and have entry 2, of the same amount, twice."""
    second = table.filter(pc.and_(pc.equal(table["row_key"], "2"), pc.equal(table["side"], "NAV")))
    return pa.concat_tables([_without("3", "NAV")(table), second])


def _with_another(column: str, by: str) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        values = table[column].to_pylist()
        values[0] += Decimal(by)
        return table.set_column(
            place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
        )

    return changed


def test_what_adds_up_is_not_listed(books: Solved) -> None:
    assert off(books) == books.off == []
    assert books.items


FAULTS: dict[str, tuple[str, Callable[[pa.Table], pa.Table]]] = {
    "an entry lost": ("open_item_matches", _without("2", "NAV")),
    "a row of the target lost": ("open_item_matches", _without("2", "TARGET")),
    "a row twice": ("open_item_matches", _twice),
    "a row lost and another of its amount twice": ("open_item_matches", _one_for_another),
    "a row of another amount": ("open_item_matches", _with_another("amount", "0.0001")),
    "an item of another difference": ("open_items", _with_another("difference", "0.0001")),
    "an item with a bridge too many": ("open_items", _with_another("bridge_amount", "-0.0001")),
    "an item that explains what it does not": ("open_items", _with_another("unexplained", "1000000")),
    "an item twice": ("open_items", _twice),
    "an item lost": ("open_items", lambda table: table.slice(1)),
    "no items": ("open_items", lambda table: table.slice(0, 0)),
    "no matches": ("open_item_matches", lambda table: table.slice(0, 0)),
    "another balance": ("reconciliation", _with_another("actual", "0.0001")),
    "no reconciliation": ("reconciliation", lambda table: table.slice(0, 0)),
}


@pytest.mark.parametrize(("frame", "change"), FAULTS.values(), ids=FAULTS)
def test_what_is_lost_counted_twice_or_changed_is_listed(
    books: Solved, frame: str, change: Callable[[pa.Table], pa.Table]
) -> None:
    (first, *_) = off(books, **{frame: change(books.table(frame))})
    assert first["id_company"] in {KE, NG}


def test_two_faults_that_take_each_other_back_in_the_sum_are_found_by_count(books: Solved) -> None:
    short = books.table("nav_open_items")
    (found,) = off(books, nav_open_items=pa.concat_tables([short, short.slice(1, 1)]))
    assert (found["id_company"], found["line"]) == (KE, "customer_ar")
    assert (found["nav_rows"], found["nav_matched"]) == (4, 3)


def test_rows_that_no_frame_knows_of_are_found_where_matches_and_lines_are_missing_both(
    books: Solved,
) -> None:
    nothing = {
        name: books.table(name).slice(0, 0) for name in ("open_item_matches", "open_items", "reconciliation")
    }
    assert {(row["id_company"], row["nav_rows"]) for row in off(books, **nothing)} == {(KE, 3), (NG, 1)}


# Random small books.

REFERENCES = st.sampled_from(
    [None, "", " ", "100407", "100407.0", "100408", "inv-1", "INV-1 ", "PAY-1", "L-1", "T-1", "é", "N/A"]
)
AMOUNTS = st.sampled_from(["0", "10", "-10", "20", "-20", "30", "0.0001", "-30", None])
DAYS = st.sampled_from([None, "2025-01-31", "2025-08-31", "2025-09-30"])
COMPANIES = st.sampled_from([KE, KE, NG])
TEXTS = st.sampled_from(
    [None, "", "for 100407", "100407 and 100408", "EXPR_RFND", "ITEMPRICECREDIT 100408", "see INV-1"]
)
ACCOUNTS = st.sampled_from(["13003", "13001", "18412", "18412", "18350", "99999", None])
CREATED = st.sampled_from([None, "2025-09-01T00:00:00", "2025-10-05T00:00:00"])


def numbered(listed: st.SearchStrategy[list[Row]], column: str) -> st.SearchStrategy[list[Row]]:
    """Give each row a number of its own."""
    return listed.map(lambda given: [{**row, column: at} for at, row in enumerate(given, 1)])


def each(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.fixed_dictionaries({"id_company": COMPANIES, **columns}), max_size=6)


BOOKS = st.fixed_dictionaries(
    {
        "nav_open_items": numbered(
            each(
                group_coa_account_no=ACCOUNTS, posting_date=DAYS, document_no=REFERENCES, voucher_no=REFERENCES,
                external_document_no=REFERENCES, document_description=TEXTS, comment=TEXTS, source_no=REFERENCES,
                amount=AMOUNTS, remaining_amount=AMOUNTS, gl_creation_date=CREATED,
            ),
            "entry_no",
        ),
        "ipe_07": numbered(
            each(
                document_no=REFERENCES, posting_date=DAYS, customer_no=REFERENCES, original_amount_lcy=AMOUNTS,
                remaining_amount_lcy=AMOUNTS,
            ),
            "entry_no",
        ),
        "ipe_08": each(
            voucher_id=st.sampled_from(["100407", "100408", "7"]), business_use=st.sampled_from(["refund", "x"]),
            is_active=st.sampled_from([True, True, False, None]), is_valid=st.sampled_from(["valid", "expired", None]),
            created_at=DAYS, to_date=DAYS, remaining_amount=AMOUNTS, total_amount_used=AMOUNTS,
            discount_amount=AMOUNTS, last_time_used=DAYS,
        ).map(lambda given: list({(row["id_company"], row["voucher_id"]): row for row in given}.values())),
        "ipe_31": each(
            transaction_type=st.sampled_from(["Payment", None, ""]), related_entity=REFERENCES, event_date=DAYS,
            collection_partner=st.sampled_from(["Hub", None, ""]), amount=AMOUNTS,
        ),
        "collection_links": each(
            related_entity=REFERENCES, transaction_list_no=REFERENCES, payment_no=REFERENCES
        ),
        "doc_voucher_usage": each(voucher_id=REFERENCES, transaction_no=REFERENCES),
        "timing_difference_bridge": each(
            voucher_id=st.sampled_from(["100407", "7", "100408.0"]), variance=AMOUNTS
        ),
        "cr_04": st.lists(
            st.fixed_dictionaries(
                {
                    "id_company": COMPANIES, "group_coa_account_no": ACCOUNTS, "balance_at_date": AMOUNTS,
                    "closing_date": st.sampled_from(["2025-09-30", "2025-09-30", "2024-12-31"]),
                    "refresh_date": st.sampled_from([None, "2025-10-02T00:00:00"]),
                }
            ),
            max_size=4,
        ),
    }
)  # fmt: skip

RATES = [{"id_company": code, "company_country": code[3:], "fx_rate": 100} for code in (KE, NG)]


def backwards(given: list[Row]) -> list[Row]:
    return given[::-1]


@settings(max_examples=examples(6))
@given(BOOKS)
def test_of_any_books_nothing_is_lost_and_nothing_closes_that_does_not_balance(
    given_books: dict[str, Any],
) -> None:
    found = solved(**given_books, cr_05=RATES)
    assert found.off == []
    keys = Counter((row["id_company"], row["line"], row["side"], row["row_key"]) for row in found.matches)
    assert set(keys.values()) <= {1}

    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in found.matches:
        sums[row["id_company"], row["line"], row["item"]] += (
            -row["amount"] if row["side"] == "TARGET" else row["amount"]
        )
    computed = {
        (line["id_company"], line["line"]) for line in found.lines if line["status"] != "NOT_COMPUTED"
    }
    open_items = {
        (item["id_company"], item["line"], item["item"]): item["difference"] for item in found.items
    }
    for place, amount in sums.items():
        if place[:2] in computed:
            assert open_items.get(place, 0) == amount
    assert len(open_items) == len(found.items)
    assert all(
        row["amount"] == 0 or row["confidence"] != "none" or row["side"] == "LEDGER" or
        (row["id_company"], row["line"], row["item"]) in open_items
        for row in found.matches if (row["id_company"], row["line"]) in computed
    )  # fmt: skip

    again = solved(**given_books, cr_05=RATES, arranged=backwards)
    assert again.table("open_item_matches").equals(found.table("open_item_matches"))
    assert again.table("open_items").equals(found.table("open_items"))
