"""What an open item says: amounts, bridges, ages, documents and the cause each row of the rule table proposes."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.open_item_findings import causes_named
from cpg1_assets_tests.rules.open_books import (
    KE,
    NG,
    Solved,
    balance,
    collected,
    collection,
    entry,
    invoice,
    link,
    solved,
    voucher,
    voucher_entry,
)
from cpg1_assets_tests.rules.rows import MATCHING, Row

VOUCHERS = "voucher_liability"


def of(found: Solved, reference: str, line: str = VOUCHERS, company: str = KE) -> Row:
    """Give the one open item of a reference."""
    (item,) = [each for each in found.items_of(line, company) if each["reference"] == reference]
    return item


def test_an_item_adds_both_sides_up_and_says_what_of_it_is_in_usd() -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1"), entry(2, 30, "INV-1", posting_date="2025-08-01")],
        ipe_07=[invoice(1, "33.3333", "inv-1", posting_date="2025-09-30")],
    )
    item = found.the_item("customer_ar")
    assert {name: item[name] for name in ("nav_amount", "target_amount", "difference", "unexplained")} == {
        "nav_amount": 100,
        "target_amount": Decimal("33.3333"),
        "difference": Decimal("66.6667"),
        "unexplained": Decimal("66.6667"),
    }
    assert item["unexplained_usd"] == Decimal("0.6667")
    assert (item["nav_entries"], item["target_rows"], item["country_code"]) == (2, 1, "KE")
    assert (item["first_date"], item["last_date"]) == (date(2025, 8, 1), date(2025, 9, 30))
    assert (item["reference"], item["bridge"], item["bridge_amount"]) == ("INV-1", None, 0)


@pytest.mark.parametrize("rate", [None, 0])
def test_a_line_that_is_not_computed_has_no_open_items_and_loses_no_row(rate: int | None) -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1"), entry(1, 70, "INV-1", id_company=NG)],
        cr_05=[
            {"id_company": KE, "company_country": "KE", "fx_rate": rate},
            {"id_company": NG, "company_country": "NG", "fx_rate": 100},
        ],
    )
    assert {line["status"] for line in found.lines if line["id_company"] == KE} == {"NOT_COMPUTED"}
    assert [item["id_company"] for item in found.items] == [NG]
    assert (len(found.matches), found.off) == (2, [])


def test_vouchers_without_operations_count_are_not_taken_apart() -> None:
    found = solved(ipe_08=[voucher("100407", 60)], jdash=[])
    assert (found.items, len(found.matches), found.off) == ([], 1, [])


# Age.

AGES = [
    ("2025-09-30", 0, "0-30"),
    ("2025-08-31", 30, "0-30"),
    ("2025-08-30", 31, "31-60"),
    ("2025-08-01", 60, "31-60"),
    ("2025-07-31", 61, "61-90"),
    ("2025-07-02", 90, "61-90"),
    ("2025-07-01", 91, "91-180"),
    ("2025-04-03", 180, "91-180"),
    ("2025-04-02", 181, "181-365"),
    ("2024-09-30", 365, "181-365"),
    ("2024-09-29", 366, "over 365"),
    ("2019-09-30", 2192, "over 365"),
    (None, None, None),
]


def test_an_item_is_as_old_as_its_earliest_row_at_the_cutoff() -> None:
    found = solved(
        nav_open_items=[entry(at, 70, f"INV-{at}", posting_date=day) for at, (day, _, _) in enumerate(AGES)],
        ipe_07=[invoice(at, 50, f"INV-{at}", posting_date=None) for at in range(len(AGES))],
    )
    ages = {
        item["reference"]: (item["age_days"], item["age_bucket"]) for item in found.items_of("customer_ar")
    }
    assert ages == {f"INV-{at}": (days, bucket) for at, (_, days, bucket) in enumerate(AGES)}


def test_the_targets_own_date_counts_where_it_is_the_earlier() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -10, "100407", posting_date="2025-09-10")],
        ipe_08=[voucher("100407", 60, created_at="2025-09-01T23:59:59")],
    )
    item = found.the_item(VOUCHERS)
    assert (item["first_date"], item["last_date"]) == (date(2025, 9, 1), date(2025, 9, 10))


# Documents.


def test_documents_are_those_of_the_entries_newest_first_at_most_ten_each_once() -> None:
    found = solved(
        nav_open_items=[
            voucher_entry(at, -1, "100407", document_no=f"D-{at:02}", posting_date=f"2025-08-{at:02}")
            for at in range(1, 13)
        ]
        + [
            voucher_entry(20, -1, "100407", document_no="D-12  ", posting_date="2025-08-30"),
            voucher_entry(21, -1, "100407", document_no="", posting_date="2025-08-31"),
            voucher_entry(22, -1, "100407", posting_date="2025-08-31", document_description="the newest"),
        ],
        ipe_08=[voucher("100407", 1)],
    )
    item = found.the_item(VOUCHERS)
    assert item["document_no"] == "D-12, D-11, D-10, D-09, D-08, D-07, D-06, D-05, D-04, D-03"
    assert item["description"] == "the newest"


def test_a_target_alone_has_no_document() -> None:
    item = solved(ipe_07=[invoice(1, 50, "INV-1")]).the_item("customer_ar")
    assert (item["document_no"], item["description"], item["reference"]) == (None, None, "INV-1")


# Bridges.


def timing(voucher_id: str, variance: int, company: str = KE) -> Row:
    return {"id_company": company, "voucher_id": voucher_id, "variance": variance}


def test_bridges_are_laid_on_the_item_of_their_voucher() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -100, "100407"), voucher_entry(2, -30, "100408")],
        ipe_08=[voucher("100408", 30)],
        timing_difference_bridge=[timing("100407.0", 60), timing("100408", 5)],
        vtc_adjustment=[{"id_company": KE, "voucher_id": "100407 ", "remaining_amount": 25}],
    )
    both = of(found, "100407")
    assert (both["bridge"], both["bridge_amount"], both["unexplained"]) == (
        "timing_difference_bridge, vtc_adjustment",
        -85,
        -15,
    )
    closed = of(found, "100408")
    assert (closed["difference"], closed["bridge_amount"], closed["unexplained"]) == (0, -5, 5)
    assert found.off == []


def test_a_bridge_that_meets_no_item_is_an_item_of_its_own() -> None:
    found = solved(
        ipe_08=[voucher("100409", 30, is_active=False)], timing_difference_bridge=[timing("100409", 7)]
    )
    item = found.the_item(VOUCHERS)
    assert (item["reference"], item["difference"], item["bridge_amount"], item["unexplained"]) == (
        "100409",
        0,
        -7,
        7,
    )
    assert (item["nav_entries"], item["target_rows"], item["matched_by"]) == (0, 0, "none")
    assert found.off == []


def test_a_bridge_of_one_company_explains_nothing_of_another_and_one_of_nothing_opens_nothing() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -100, "100407")],
        ipe_08=[voucher("1", 0), voucher("1", 0, id_company=NG)],
        timing_difference_bridge=[timing("100407", 60, NG), timing("100408", 0)],
    )
    assert of(found, "100407")["bridge_amount"] == 0
    assert of(found, "100407", company=NG)["bridge_amount"] == -60
    assert len(found.items) == 2
    assert found.off == []


def test_bridges_that_take_each_other_back_leave_an_item_that_agrees_closed() -> None:
    found = solved(
        ipe_08=[voucher("100409", 30, is_active=False)],
        timing_difference_bridge=[timing("100409", 7)],
        vtc_adjustment=[{"id_company": KE, "voucher_id": "100409", "remaining_amount": -7}],
    )
    assert (found.items, found.off) == ([], [])


# Names.


def test_an_item_keeps_its_name_from_month_to_month() -> None:
    def month(key: str, *more: Row) -> Solved:
        return solved(
            month=CutoffMonth.parse(key),
            nav_open_items=[
                collected(1, 60, "PAY-1", posting_date="2025-08-05"),
                *more,
            ],
            ipe_31=[collection("T-1", 25, event_date="2025-08-10T00:00:00")],
            collection_links=[link("T-1", "L-1", "PAY-1"), link("A-9", "L-1", "PAY-1")],
        )

    august, september = month("2025-08"), month("2025-09", collected(7, 1, "A-9"))
    (one,), (two,) = august.items, september.items
    assert (one["difference"], two["difference"]) == (35, 36)
    assert one["item"] == two["item"]


def test_a_name_follows_the_folded_reference_company_and_line_and_nothing_else() -> None:
    def name(reference: str, company: str = KE, account: str = "13003", **more: object) -> str:
        found = solved(
            nav_open_items=[entry(5, 3, reference, id_company=company, group_coa_account_no=account, **more)]
        )
        (item,) = found.items
        return str(item["item"])

    one = name("INV-1")
    assert name(" inv-1 ", posting_date="2020-01-01") == one
    assert len({one, name("INV-2"), name("INV-1", NG), name("INV-1", account="13005")}) == 4


# Causes: one item for each row of the table.


def in_transit(voucher_id: str, issued: int, used_on: str, **more: object) -> Row:
    """Give a voucher of which 10 were used and 30 remain; the rest of it is on orders not delivered."""
    return voucher(
        voucher_id,
        30,
        discount_amount=issued,
        total_amount_used=10,
        last_time_used=f"{used_on}T00:00:00",
        **more,
    )


def caused() -> Solved:
    """Books in which each rule of the table decides one item."""
    journal: Row = {"source_code": "GENJNL"}
    return solved(
        cr_04=[
            *(balance(account, amount) for account, amount in (("13003", "11337.009"), ("13001", 85))),
            balance("18412", -1184),
            balance("13005", 12),
            balance("18412", 0, NG),
        ],
        nav_open_items=[
            entry(1, "10.009", "CENT"),
            entry(2, 40, "LATE", gl_creation_date="2025-10-03T00:00:00"),
            entry(3, 300, "ELSEWHERE"),
            entry(4, 250, "PO-NG-77"),
            entry(5, 5_000, "TWICE"),
            entry(6, 5_000, "TWICE"),
            entry(7, -70, "JRN-1", **journal),
            entry(8, 50, "HALF"),
            collected(9, 85, "PAY-1"),
            entry(10, 777, "HERE"),
            voucher_entry(101, -100, "100001"),
            voucher_entry(102, -90, "100002"),
            voucher_entry(103, -90, "100003"),
            voucher_entry(104, -45, "100004"),
            voucher_entry(105, -46, "100005"),
            voucher_entry(106, -77, "100006"),
            voucher_entry(107, 77, "100006"),
            voucher_entry(108, -47, "100007"),
            voucher_entry(109, -766, "100008"),
            entry(201, 12, "PKG-1", group_coa_account_no="13005"),
        ],
        ipe_07=[
            invoice(1, 10, "CENT"),
            invoice(2, 40, "LATE"),
            invoice(3, 300, "ELSEWHERE", id_company=NG),
            invoice(5, 5_000, "TWICE"),
            invoice(8, 45, "HALF"),
            invoice(9, 20, "TARGET ALONE"),
            invoice(10, 777, "THERE"),
        ],
        ipe_31=[collection("T-1", 80)],
        collection_links=[link("T-1", "L-1", "PAY-1")],
        ipe_08=[
            in_transit("100001", 140, "2025-07-01", is_active=False),
            in_transit("100002", 100, "2025-09-20"),
            in_transit("100003", 130, "2025-09-20", is_active=False),
            voucher("100004", 45, is_active=False, discount_amount=45),
            voucher("100005", 46, is_valid="expired", to_date="2025-09-20T00:00:00", discount_amount=46),
            voucher("100006", 88),
            voucher("100007", 10, is_active=False, discount_amount=10),
            voucher("100008", 700),
        ],
    )  # fmt: skip


CAUSED = {
    ("customer_ar", "CENT"): (10, "rounding"),
    ("customer_ar", "LATE"): (20, "posted after the close"),
    ("customer_ar", "13003"): (30, "unknown"),
    ("customer_ar", "ELSEWHERE"): (40, "unknown account or company"),
    ("customer_ar", "PO-NG-77"): (45, "unknown account or company"),
    ("customer_ar", "TWICE"): (50, "posted twice"),
    (VOUCHERS, "100001"): (60, "ordered, never delivered"),
    (VOUCHERS, "100002"): (70, "partly used, in transit"),
    (VOUCHERS, "100003"): (80, "used, not delivered yet"),
    (VOUCHERS, "100004"): (90, "cancelled, not booked"),
    (VOUCHERS, "100005"): (100, "expired, not booked"),
    (VOUCHERS, "100006"): (110, "booked in another month"),
    (VOUCHERS, "100007"): (120, "booked at another amount"),
    (VOUCHERS, "100008"): (130, "never posted"),
    ("customer_ar", "JRN-1"): (140, "manual journal"),
    ("customer_ar", "HERE"): (145, "unknown"),
    ("customer_ar", "THERE"): (145, "unknown"),
    ("customer_ar", "TARGET ALONE"): (150, "never posted"),
    ("packages_not_reconciled", "PKG-1"): (160, "never posted"),
    ("customer_ar", "HALF"): (170, "booked at another amount"),
    ("collections_ar", "PAY-1"): (180, "never posted"),
}


def test_every_rule_of_the_table_proposes_its_cause() -> None:
    found = caused()
    assert {rank for rank, _ in CAUSED.values()} == {rule.rank for rule in MATCHING.causes}
    said = {
        (item["line"], item["reference"]): (item["cause"], item["cause_confidence"])
        for item in found.items
        if item["id_company"] == KE
    }
    assert said == {
        place: (cause, "none" if cause == "unknown" else "proposed") for place, (_, cause) in CAUSED.items()
    }
    assert found.off == []


# Matchings that look right and are wrong.

PREPAID: Row = {"group_coa_account_no": "18350"}
PAIRED: dict[str, Any] = {
    "nav_open_items": [
        entry(1, -70, "PPAY-1", external_document_no="9001", **PREPAID),
        entry(2, -30, "PPAY-2", external_document_no="9002", **PREPAID),
        collected(3, 85, "PAY-1"),
        collected(4, 20, "PAY-2"),
    ],
    "ipe_10": [
        {"id_company": KE, "order_item_id": item, "order_nr": "O-1", "prepayment_amount": amount}
        for item, amount in (("9001", 70), ("9002", 30))
    ],
    "ipe_31": [collection("T-1", 85), collection("T-2", 20)],
    "collection_links": [link("T-1", "L-1", "PAY-1"), link("T-2", "L-2", "PAY-2")],
}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("customer_prepayments", {"nav": ("document_no",)}),
        ("collections_ar", {"passes": ("reference", "named")}),
    ],
)
def test_a_matching_that_looks_right_and_is_wrong_fails_the_check_of_causes(
    line: str, wrong: dict[str, tuple[str, ...]]
) -> None:
    right = solved(**PAIRED)
    assert right.items == []
    assert [
        outcome.passed for outcome in causes_named(right.table("open_items"), right.table("reconciliation"))
    ] == [True]
    lines = [each.model_copy(update=wrong) if each.line == line else each for each in MATCHING.lines]
    found = solved(matching=MATCHING.model_copy(update={"lines": tuple(lines)}), **PAIRED)
    assert found.off == []
    assert {item["cause"] for item in found.items_of(line)} == {"unknown"}
    assert [
        outcome.passed for outcome in causes_named(found.table("open_items"), found.table("reconciliation"))
    ] == [False]
