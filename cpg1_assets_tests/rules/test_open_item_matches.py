"""What belongs together and what does not: every pass of the matching, on small books made by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.errors import DataError
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


def named(found: Row) -> tuple[Any, ...]:
    return (found["matched_by"], found["confidence"], found["candidates"])


NOTHING = ("none", "none", 0)

SAME = [
    ("INV-1", "inv-1"),
    ("INV-2   ", "INV-2"),
    ("INV-3", "   INV-3"),
    ("4711.0", "4711"),
    ("4712", "4712.0 "),
    ("É-1", "é-1"),
    ("ﬀ" * 5_000, "ﬀ" * 5_000),
    ("'; DROP TABLE nav_rows --", "'; drop table nav_rows --"),
]
DIFFERENT = [
    ("INV-5", "INV-50"),
    ("INV 6", "INV6"),
    ("0012", "12"),
    ("13", "13.00"),
    ("1.5", "1.5.0"),
]


def test_a_reference_is_the_same_whatever_its_case_its_blanks_and_a_spreadsheets_point_zero() -> None:
    pairs = [*SAME, *DIFFERENT]
    found = solved(
        nav_open_items=[entry(at, 100 + at, nav) for at, (nav, _) in enumerate(pairs)],
        ipe_07=[invoice(at, 100 + at, target) for at, (_, target) in enumerate(pairs)],
    )
    together = {
        at for at in range(len(pairs)) if frozenset({f"NAV {at}", f"TARGET {at}"}) in found.together()
    }
    assert together == set(range(len(SAME)))
    assert {named(found.row("NAV", at)) for at in together} == {("reference", "certain", 1)}
    assert {named(found.row("NAV", at)) for at in range(len(SAME), len(pairs))} == {NOTHING}
    assert found.row("NAV", 1)["reference"] == "INV-2   "
    assert found.row("NAV", 3)["decided_by"] == "4711"
    assert found.off == []


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_a_blank_is_no_reference_so_rows_that_carry_none_do_not_meet(blank: str | None) -> None:
    found = solved(
        nav_open_items=[entry(1, 70, blank), entry(2, -70, blank)],
        ipe_07=[invoice(1, 70, blank), invoice(2, 70)],
    )
    assert found.together() == {frozenset({one}) for one in ("NAV 1", "NAV 2", "TARGET 1", "TARGET 2")}
    assert {named(row) for row in found.matches} == {NOTHING}
    assert sorted(item["difference"] for item in found.items) == [-70, -70, -70, 70]
    assert found.off == []


def test_a_group_that_does_not_balance_stays_open_as_one_item_of_its_reference() -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1"), entry(2, 30, "inv-1")], ipe_07=[invoice(1, 90, "INV-1")]
    )
    assert found.together() == {frozenset({"NAV 1", "NAV 2", "TARGET 1"})}
    assert (found.the_item("customer_ar")["difference"], found.off) == (10, [])


def test_nothing_is_matched_within_a_tolerance() -> None:
    found = solved(nav_open_items=[entry(1, "70.0001", "INV-1")], ipe_07=[invoice(1, 70, "INV-1")])
    assert found.the_item("customer_ar")["difference"] == Decimal("0.0001")


def test_equal_amounts_alone_bring_nothing_together() -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1"), entry(2, 20, "INV-2")],
        ipe_07=[invoice(1, 70, "INV-8"), invoice(2, 20, "INV-9")],
    )
    assert len(found.items) == 4
    assert {named(row) for row in found.matches} == {NOTHING}


def test_entries_that_take_each_other_back_are_one_closed_item_without_a_target() -> None:
    found = solved(nav_open_items=[entry(1, 70, "INV-1"), entry(2, -70, "INV-1")])
    assert (found.items, found.together()) == ([], {frozenset({"NAV 1", "NAV 2"})})


def test_rows_without_an_amount_or_of_zero_are_matched_like_any_other_and_open_nothing() -> None:
    found = solved(
        nav_open_items=[entry(1, 0, "INV-1"), entry(2, 0, "INV-2"), entry(3, None, "INV-3")],  # type: ignore[arg-type]
        ipe_07=[invoice(1, 0, "INV-1"), invoice(2, None, "INV-3")],  # type: ignore[arg-type]
    )
    assert (found.items, found.off) == ([], [])
    assert named(found.row("NAV", 1)) == ("reference", "certain", 1)
    assert named(found.row("NAV", 2)) == NOTHING
    assert found.row("NAV", 3)["amount"] == 0


def test_the_same_references_in_another_company_or_another_line_are_not_meant() -> None:
    found = solved(
        nav_open_items=[
            entry(1, 70, "R-1"),
            entry(2, 70, "R-1", group_coa_account_no="13005"),
            entry(1, 70, "R-1", id_company=NG),
        ],
        ipe_07=[invoice(1, 70, "R-1"), invoice(1, 71, "R-1", id_company=NG)],
        ipe_12=[{"id_company": NG, "package_number": "R-1", "order_item_id": "1", "amount_due": 70}],
    )
    assert found.items_of("customer_ar") == []
    assert found.the_item("packages_not_reconciled")["difference"] == 70
    assert found.the_item("customer_ar", NG)["difference"] == -1
    assert found.the_item("packages_not_reconciled", NG)["difference"] == -70
    assert len({item["item"] for item in found.items}) == 3
    assert found.off == []


def test_a_company_may_have_one_side_only() -> None:
    found = solved(nav_open_items=[entry(1, 70, "INV-1")], ipe_07=[invoice(1, 50, "INV-1", id_company=NG)])
    assert found.the_item("customer_ar")["difference"] == 70
    assert found.the_item("customer_ar", NG)["difference"] == -50
    assert found.off == []


def test_rows_of_a_company_that_the_control_does_not_know_are_rows_of_no_line() -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1"), entry(2, 70, "INV-1", id_company=None)],
        ipe_07=[invoice(1, 70, "INV-1"), invoice(2, 70, "INV-1", id_company="EC_XX")],
        cr_05=[{"id_company": KE, "company_country": "KE", "fx_rate": 100}],
    )
    assert (len(found.matches), found.items, found.off) == (2, [], [])


def test_a_prepayment_goes_by_the_order_item_in_its_external_document_number() -> None:
    prepaid: Row = {"group_coa_account_no": "18350"}
    found = solved(
        nav_open_items=[
            entry(1, -70, "PPAY-1", external_document_no="9001", **prepaid),
            entry(2, -30, "9002", external_document_no="  ", **prepaid),
            entry(3, -20, "9003", external_document_no="9004", **prepaid),
        ],
        ipe_10=[
            {"id_company": KE, "order_item_id": item, "order_nr": "O", "prepayment_amount": amount}
            for item, amount in (("9001.0", 70), ("9002", 30), ("9003", 20))
        ],
    )
    assert {frozenset({"NAV 1", "TARGET 9001.0"}), frozenset({"NAV 2", "TARGET 9002"})} <= found.together()
    assert found.row("NAV", 3)["reference"] == "9004"


def test_packages_and_refunds_go_by_package_and_order_item() -> None:
    found = solved(
        nav_open_items=[
            entry(1, 70, "PKG-1", group_coa_account_no="13005"),
            entry(2, 30, "9001", group_coa_account_no="18317"),
        ],
        ipe_12=[
            {"id_company": KE, "package_number": "pkg-1", "order_item_id": item, "amount_due": 35}
            for item in ("1", "2")
        ],
        ipe_34=[
            {"id_company": KE, "order_item_id": "9001", "case_type": case, "is_marketplace": marketplace,
             "amount_to_refund": 30}
            for case, marketplace in (("a", True), ("b", False), ("c", None))
        ],
    )  # fmt: skip
    assert found.together() == {
        frozenset({"NAV 1", "TARGET pkg-1|1", "TARGET pkg-1|2"}),
        frozenset({"NAV 2", "TARGET 9001|a"}),
    }
    assert (found.items, found.off) == ([], [])


# Vouchers: the voucher's own number, the usage whose transaction the document is, the document.


def usage(voucher_id: str, transaction_no: str, **more: object) -> Row:
    return {"id_company": KE, "voucher_id": voucher_id, "transaction_no": transaction_no} | more


def test_a_document_that_is_the_transaction_of_a_usage_stands_for_its_voucher() -> None:
    found = solved(
        nav_open_items=[
            voucher_entry(1, -100, "100407"),
            voucher_entry(2, 40, document_no="TX-1"),
            voucher_entry(3, -30, "100408.0"),
        ],
        ipe_08=[voucher("100407", 60), voucher("100408", 30), voucher("100409", 5, is_active=False)],
        doc_voucher_usage=[usage("100407", "tx-1 ")],
    )
    assert found.together() == {
        frozenset({"NAV 1", "NAV 2", "TARGET 100407"}),
        frozenset({"NAV 3", "TARGET 100408"}),
    }
    assert found.row("NAV", 2)["matched_by"] == "reference"
    assert (found.items, found.off) == ([], [])


def test_the_transaction_of_two_vouchers_is_ambiguous_and_closes_neither() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, 40, document_no="TX-1")],
        ipe_08=[voucher("100407", -40), voucher("100408", -40)],
        doc_voucher_usage=[usage("100407", "TX-1"), usage("100408", "TX-1")],
    )
    assert named(found.row("NAV", 1)) == ("none", "ambiguous", 2)
    assert len(found.items) == 3
    assert [item["confidence"] for item in found.items if item["nav_entries"]] == ["ambiguous"]
    assert found.off == []


def test_two_entries_of_a_transaction_of_two_vouchers_stay_ambiguous_beside_each_other() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, 40, document_no="TX-1"), voucher_entry(2, 15, document_no="TX-1")],
        ipe_08=[voucher("100407", -55), voucher("100408", -55)],
        doc_voucher_usage=[usage("100407", "TX-1"), usage("100408", "TX-1")],
    )
    (item,) = [item for item in found.items if item["nav_entries"]]
    assert (item["nav_amount"], item["confidence"]) == (55, "ambiguous")
    assert {(row["confidence"], row["candidates"]) for row in found.matches if row["side"] == "NAV"} == {
        ("ambiguous", 2)
    }


def test_one_transaction_that_uses_a_voucher_twice_is_not_ambiguous() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -40, document_no="TX-1")],
        ipe_08=[voucher("100407", 40)],
        doc_voucher_usage=[
            usage("100407", "TX-1"),
            usage("100407.0", "TX-1"),
            usage("1", "TX-1", id_company=NG),
        ],
    )
    assert found.items == []


def test_vouchers_that_do_not_count_are_no_rows_of_a_side() -> None:
    found = solved(
        ipe_08=[
            voucher("1", 10),
            voucher("2", 10, is_active=False),
            voucher("3", 10, is_active=None),
            voucher("4", 10, is_valid="expired"),
            voucher("5", 10, business_use="marketing"),
            voucher("6", 10, is_valid=" Valid "),
        ]
    )
    assert {row["row_key"] for row in found.matches} == {"1", "6"}
    assert found.off == []


# Named: a text that holds another's reference.


@pytest.mark.parametrize(
    "texts",
    [
        {"document_no": "INT-100407"},
        {"document_no": "X-1", "document_description": "Pyt_JForce 100407"},
        {"document_no": "X-1", "comment": "(see 100407)"},
        {"document_no": None, "comment": "100407"},
        {"document_no": "INT-100407", "document_description": "x 100407 again", "comment": "INT-100407"},
    ],
)
def test_an_entry_that_names_anothers_reference_as_a_whole_token_belongs_to_it(texts: Row) -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -60, **texts)],
        ipe_08=[voucher("100407", 60), voucher("1004070", 60)],
    )
    row = found.row("NAV", 1)
    assert (named(row), row["decided_by"]) == (("named", "certain", 1), "100407")
    assert frozenset({"NAV 1", "TARGET 100407"}) in found.together()


@pytest.mark.parametrize(
    "text", ["Pyt_JForce 1004071", "A100407", "100407A", "1004 07", "nothing", "", None, "é100407"]
)
def test_a_part_of_a_longer_token_names_nothing(text: str | None) -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -60, document_no="X-1", document_description=text)],
        ipe_08=[voucher("100407", 60)],
    )
    assert named(found.row("NAV", 1)) == NOTHING


def test_a_reversal_that_names_its_journal_belongs_to_it() -> None:
    found = solved(
        nav_open_items=[
            entry(1, 900, "JRN-KE-05"),
            entry(2, -900, "X-9", document_description="Reversal of JRN-KE-05"),
            entry(3, 20, "JRN-KE-0"),
            entry(4, 20, "N-KE-05"),
        ]
    )
    assert frozenset({"NAV 1", "NAV 2"}) in found.together()
    assert {item["reference"] for item in found.items} == {"JRN-KE-0", "N-KE-05"}


def test_an_entry_that_names_two_is_ambiguous_unless_it_settles_one_or_all_of_them() -> None:
    said: Row = {"document_description": "for 100407 and 100408"}
    vouchers = [voucher("100407", 60), voucher("100408", 30)]
    neither = solved(nav_open_items=[voucher_entry(1, -50, document_no="X", **said)], ipe_08=vouchers)
    assert named(neither.row("NAV", 1)) == ("none", "ambiguous", 2)
    assert len(neither.items) == 3
    one = solved(nav_open_items=[voucher_entry(1, -60, document_no="X", **said)], ipe_08=vouchers)
    assert frozenset({"NAV 1", "TARGET 100407"}) in one.together()
    both = solved(nav_open_items=[voucher_entry(1, -90, document_no="X", **said)], ipe_08=vouchers)
    assert both.together() == {frozenset({"NAV 1", "TARGET 100407", "TARGET 100408"})}
    assert (both.items, neither.off, one.off, both.off) == ([], [], [], [])


def test_of_two_that_it_would_settle_it_settles_neither() -> None:
    found = solved(
        nav_open_items=[
            voucher_entry(1, -60, document_no="X", document_description="for 100407, 100408"),
        ],
        ipe_08=[voucher("100407", 60), voucher("100408", 60)],
    )
    assert named(found.row("NAV", 1)) == ("none", "ambiguous", 2)
    assert sorted(item["difference"] for item in found.items) == [-60, 60, 60]


def test_two_entries_that_each_sum_the_same_two_take_nothing_from_each_other() -> None:
    said: Row = {"document_description": "for 100407, 100408"}
    found = solved(
        nav_open_items=[
            voucher_entry(1, -90, document_no="X", **said),
            voucher_entry(2, -90, document_no="Y", **said),
        ],
        ipe_08=[voucher("100407", 60), voucher("100408", 30)],
    )
    assert sum(item["difference"] for item in found.items) == -90
    assert all(len(group) == 1 for group in found.together())
    assert {row["confidence"] for row in found.matches if row["side"] == "NAV"} == {"ambiguous"}


def test_entries_that_name_each_other_in_a_ring_lose_nobody() -> None:
    found = solved(
        nav_open_items=[
            entry(1, 10, "A-1", comment="see B-1"),
            entry(2, -4, "B-1", comment="see C-1"),
            entry(3, -6, "C-1", comment="see A-1"),
        ]
    )
    assert sum(len(group) for group in found.together()) == 3
    assert found.off == []


def test_an_entry_that_meets_its_own_reference_is_not_taken_away_by_what_it_says() -> None:
    found = solved(
        nav_open_items=[entry(1, 70, "INV-1", document_description="instead of INV-2")],
        ipe_07=[invoice(1, 60, "INV-1"), invoice(2, 10, "INV-2")],
    )
    assert found.together() == {frozenset({"NAV 1", "TARGET 1"}), frozenset({"TARGET 2"})}


def test_a_usages_number_is_an_order_items_and_names_no_voucher() -> None:
    found = solved(
        nav_open_items=[
            voucher_entry(1, -60, document_no="X", document_description="ITEMPRICECREDIT 100407"),
        ],
        ipe_08=[voucher("100407", 60)],
    )
    assert named(found.row("NAV", 1)) == NOTHING


def test_a_text_of_many_tokens_is_read_and_harms_nobody() -> None:
    found = solved(
        nav_open_items=[voucher_entry(1, -60, document_no="X", comment="100407 " + "a-" * 5_000)],
        ipe_08=[voucher("100407", 60)],
    )
    assert found.items == []


# Shared: a reference that very many rows carry identifies nothing by itself.


def test_a_reference_shared_by_thousands_identifies_nothing_unless_the_rows_of_one_amount_agree() -> None:
    found = solved(
        nav_open_items=[entry(at, 5 if at % 2 else 7, "N/A") for at in range(3_000)],
        ipe_07=[invoice(at, 5 if at % 2 else 8, "N/A") for at in range(3_000)],
    )
    fives = {f"{side} {at}" for side in ("NAV", "TARGET") for at in range(1, 3_000, 2)}
    assert frozenset(fives) in found.together()
    assert (len(found.items), sum(item["difference"] for item in found.items)) == (3_000, -1_500)
    assert {named(found.row("NAV", 2)), named(found.row("TARGET", 2))} == {("none", "ambiguous", 1_500)}
    assert found.off == []


# Linked: lists and payments.


def test_transactions_lists_and_payments_that_belong_together_are_one_item() -> None:
    found = solved(
        nav_open_items=[collected(1, 100, "PAY-1"), collected(2, 20, "OTHER")],
        ipe_31=[collection("T-1", 60), collection("4002.0", 25), collection("LIST-2", 15)],
        collection_links=[
            link("T-1", "LIST-1", "PAY-1"),
            link("4002", "LIST-2", "pay-1 "),
            link("T-3", "LIST-2", "PAY-1"),
        ],
    )
    assert len(max(found.together(), key=len)) == 4
    assert found.the_item("collections_ar")["reference"] == "OTHER"
    row = found.row("NAV", 1)
    assert named(row) == ("linked", "certain", 1)
    assert found.off == []


@pytest.mark.parametrize("length", [2, 12, 40, 120])
def test_a_chain_of_links_is_followed_to_its_end(length: int) -> None:
    found = solved(
        nav_open_items=[collected(1, 60, "T-0")],
        ipe_31=[collection(f"T-{length}", 60)],
        collection_links=[
            each
            for at in range(length)
            for each in (link(f"T-{at}", f"LIST-{at}"), link(f"T-{at + 1}", f"LIST-{at}"))
        ],
    )
    assert found.items == []


def test_beyond_the_bound_a_group_stays_open() -> None:
    length = 5_000
    found = solved(
        nav_open_items=[collected(1, 60, "T-0")],
        ipe_31=[collection(f"T-{length}", 60)],
        collection_links=[
            each
            for at in range(length)
            for each in (
                link(f"T-{at}", f"L-{at * 7919 % length}"),
                link(f"T-{at + 1}", f"L-{at * 7919 % length}"),
            )
        ],
    )
    assert sorted(item["difference"] for item in found.items) == [-60, 60]
    assert {named(row) for row in found.matches} == {NOTHING}
    assert found.off == []


def test_a_linked_group_that_lacks_one_entry_leaves_it_open_by_itself() -> None:
    found = solved(
        nav_open_items=[collected(1, 60, "PAY-1")],
        ipe_31=[collection("T-1", 60), collection("T-2", 25)],
        collection_links=[link("T-1", "L-1", "PAY-1"), link("T-2", "L-1", "PAY-1")],
    )
    item = found.the_item("collections_ar")
    assert (item["reference"], item["difference"], item["target_rows"]) == ("T-2", -25, 1)
    assert found.off == []


def test_of_two_that_would_each_balance_the_group_neither_is_left_out() -> None:
    found = solved(
        nav_open_items=[collected(1, 60, "PAY-1")],
        ipe_31=[collection("T-1", 60), collection("T-2", 25), collection("T-3", 25), collection("T-4", -25)],
        collection_links=[link(f"T-{at}", "L-1", "PAY-1") for at in range(1, 5)],
    )
    item = found.the_item("collections_ar")
    assert (item["difference"], item["nav_entries"], item["target_rows"]) == (-25, 1, 4)


def test_an_entry_that_is_there_twice_leaves_its_linked_group() -> None:
    found = solved(
        nav_open_items=[collected(1, 85, "PAY-1"), collected(2, 85, "PAY-1")],
        ipe_31=[collection("T-1", 60), collection("T-2", 25)],
        collection_links=[link("T-1", "L-1", "PAY-1"), link("T-2", "L-1", "PAY-1")],
    )
    item = found.the_item("collections_ar")
    assert (item["difference"], item["cause"], item["document_no"]) == (85, "posted twice", "PAY-1")
    assert found.off == []


def test_links_without_a_list_or_an_entity_or_of_another_company_bring_nothing_together() -> None:
    found = solved(
        nav_open_items=[collected(1, 60, "PAY-1")],
        ipe_31=[collection("T-1", 60)],
        collection_links=[
            link(None, "L-1", "PAY-1"),
            link("T-1", None, "  "),
            link("T-1", "", "PAY-1") | {"id_company": NG},
        ],
    )
    assert len(found.items) == 2


def test_two_collection_rows_of_one_key_are_two_rows() -> None:
    found = solved(
        nav_open_items=[collected(1, 60, "T-1")],
        ipe_31=[collection("T-1", 30), collection("T-1", 30), collection("T-1|x", 1), collection(None, 2)],
    )
    keys = [row["row_key"] for row in found.matches if row["side"] == "TARGET"]
    assert len(set(keys)) == len(keys) == 4
    assert sum(item["difference"] for item in found.items) == -3


# Summary: expiry runs against the vouchers that expired.


def run_of(entry_no: int, amount: int, day: str, **more: object) -> Row:
    return (
        voucher_entry(
            entry_no,
            amount,
            document_no=f"RUN-R{entry_no}",
            posting_date=day,
            document_description="EXPR_RFND run",
        )
        | more
    )


def expired(voucher_id: str, remaining: int, on: str, **more: object) -> Row:
    return voucher(voucher_id, remaining, is_valid="expired", to_date=f"{on}T00:00:00") | more


def issued(voucher_id: str, amount: int) -> Row:
    return voucher_entry(1_000 + int(voucher_id), -amount, voucher_id, posting_date="2025-05-01")


def test_an_expiry_run_settles_the_vouchers_that_expired_since_the_run_before() -> None:
    found = solved(
        nav_open_items=[
            issued("1", 10), issued("2", 20), issued("3", 40),
            run_of(1, 30, "2025-07-31"), run_of(2, 40, "2025-08-31"),
        ],
        ipe_08=[expired("1", 10, "2025-07-05"), expired("2", 20, "2025-07-31"), expired("3", 40, "2025-08-01")],
    )  # fmt: skip
    assert (found.items, found.off) == ([], [])
    assert frozenset({"NAV 1", "SETTLEMENT 1|run", "SETTLEMENT 2|run"}) in found.together()
    assert frozenset({"NAV 1003", "SETTLEMENT 3|voucher"}) in found.together()
    assert found.row("SETTLEMENT", "1|voucher")["amount"] == 10
    assert found.row("SETTLEMENT", "1|run")["amount"] == -10
    assert named(found.row("NAV", 2)) == ("summary", "certain", 1)


def test_what_a_vouchers_entries_hold_beyond_its_settlement_is_its_own_item() -> None:
    found = solved(
        nav_open_items=[issued("1", 13), run_of(1, 10, "2025-07-31")], ipe_08=[expired("1", 10, "2025-07-05")]
    )
    item = found.the_item("voucher_liability")
    assert (item["difference"], item["reference"], item["nav_amount"]) == (-3, "1", -3)
    assert found.off == []


def test_runs_that_are_off_by_each_other_are_one_group_from_zero_to_zero() -> None:
    found = solved(
        nav_open_items=[
            issued("1", 10), issued("2", 20), issued("3", 40),
            run_of(1, 5, "2025-06-30"), run_of(2, 25, "2025-07-31"), run_of(3, 40, "2025-08-31"),
        ],
        ipe_08=[expired("1", 10, "2025-06-05"), expired("2", 20, "2025-07-05"), expired("3", 40, "2025-08-05")],
    )  # fmt: skip
    assert (found.items, found.off) == ([], [])
    assert frozenset({"NAV 1", "NAV 2", "SETTLEMENT 1|run", "SETTLEMENT 2|run"}) in found.together()


def test_a_run_whose_sum_never_returns_stays_open_with_its_vouchers() -> None:
    found = solved(
        nav_open_items=[issued("1", 10), issued("2", 20), run_of(1, 33, "2025-07-31")],
        ipe_08=[expired("1", 10, "2025-07-05"), expired("2", 20, "2025-07-06")],
    )
    assert found.the_item("voucher_liability")["difference"] == 3
    assert found.the_item("voucher_liability")["document_no"] == "RUN-R1"
    assert found.off == []


def test_a_run_that_has_nothing_to_do_with_the_others_of_its_day_stands_alone() -> None:
    found = solved(
        nav_open_items=[
            issued("1", 10), issued("2", 20),
            run_of(1, 30, "2025-07-31"), run_of(2, 44, "2025-07-31"),
        ],
        ipe_08=[expired("1", 10, "2025-07-05"), expired("2", 20, "2025-07-06")],
    )  # fmt: skip
    item = found.the_item("voucher_liability")
    assert (item["difference"], item["document_no"]) == (44, "RUN-R2")
    assert found.off == []


def test_runs_are_set_against_vouchers_of_their_own_type_and_company_only() -> None:
    found = solved(
        nav_open_items=[run_of(1, 10, "2025-07-31")],
        ipe_08=[
            expired("1", 10, "2025-07-05", business_use="jforce"),
            expired("2", 10, "2025-07-05", id_company=NG),
            expired("3", 10, "2025-07-05", is_active=False),
            expired("4", 10, "2025-07-05", to_date=None),
            expired("5", 10, "2025-08-05"),
            expired("6", 10, "2025-07-05", business_use="marketing"),
        ],
    )
    assert found.the_item("voucher_liability")["difference"] == 10
    assert not [row for row in found.matches if row["side"] == "SETTLEMENT"]
    assert found.off == []


def test_a_run_and_a_voucher_of_zero_settle_nothing() -> None:
    found = solved(nav_open_items=[run_of(1, 0, "2025-07-31")], ipe_08=[expired("1", 0, "2025-07-05")])
    assert not [row for row in found.matches if row["side"] == "SETTLEMENT"]
    assert (found.items, found.off) == ([], [])


# Usage and applied.


def test_a_usage_that_does_not_say_whose_goes_to_the_one_voucher_that_lacks_its_amount() -> None:
    used: Row = {"document_no": "OI-77", "document_description": "ITEMPRICECREDIT 77"}
    one = solved(
        nav_open_items=[voucher_entry(1, -100, "1"), voucher_entry(2, 40, **used)],
        ipe_08=[voucher("1", 60, total_amount_used=40), voucher("2", 60)],
    )
    assert named(one.row("NAV", 2)) == ("usage", "likely", 1)
    two = solved(
        nav_open_items=[
            voucher_entry(1, -100, "1"),
            voucher_entry(3, -100, "2"),
            voucher_entry(2, 40, **used),
        ],
        ipe_08=[voucher("1", 60, total_amount_used=40), voucher("2", 60, total_amount_used=40)],
    )
    assert named(two.row("NAV", 2)) == ("none", "ambiguous", 2)
    unused = solved(
        nav_open_items=[voucher_entry(1, -100, "1"), voucher_entry(2, 40, **used)], ipe_08=[voucher("1", 60)]
    )
    assert unused.row("NAV", 2)["matched_by"] == "none"


def test_a_payment_goes_to_the_one_invoice_of_its_customer_that_was_paid_exactly_that() -> None:
    def paid(*customers: str) -> Solved:
        return solved(
            nav_open_items=[entry(1, -30, "PAY-1", source_no="C-1 ")],
            ipe_07=[
                invoice(at, 100, f"INV-{at}", customer_no=customer, remaining_amount_lcy=70)
                for at, customer in enumerate(customers)
            ],
        )

    one = paid("c-1", "C-2")
    assert frozenset({"NAV 1", "TARGET 0"}) in one.together()
    assert named(one.row("NAV", 1)) == ("applied", "likely", 1)
    assert named(paid("C-1", "C-1").row("NAV", 1)) == ("none", "ambiguous", 2)
    assert named(paid("C-2").row("NAV", 1)) == NOTHING


# Ledger: what the balance holds that the entries do not.


def test_an_entry_created_after_the_balance_stays_in_its_item_and_a_ledger_row_takes_it_back() -> None:
    found = solved(
        nav_open_items=[
            entry(1, 100, "INV-1"),
            entry(2, 40, "INV-2", gl_creation_date="2025-10-02T03:00:01"),
            entry(3, 20, "INV-3", gl_creation_date="2025-10-02T03:00:00"),
        ],
        ipe_07=[invoice(1, 100, "INV-1"), invoice(2, 40, "INV-2"), invoice(3, 20, "INV-3")],
        cr_04=[balance("13003", 120)],
    )
    row = found.row("LEDGER", "entry 2")
    assert (row["amount"], row["reference"], named(row)) == (-40, "INV-2", ("ledger", "none", 0))
    item = found.the_item("customer_ar")
    assert (item["nav_amount"], item["cause"], item["document_no"]) == (
        -40,
        "posted after the close",
        "INV-2",
    )
    assert item["entry_created_after_balance"]
    assert found.off == []


def test_what_still_differs_between_balance_and_entries_is_one_ledger_item_per_account() -> None:
    found = solved(
        nav_open_items=[entry(1, 100, "INV-1"), entry(2, 10, "INV-2", group_coa_account_no="13009")],
        ipe_07=[invoice(1, 100, "INV-1"), invoice(2, 10, "INV-2")],
        cr_04=[balance("13003", 130), balance("13004", -5)],
    )
    assert {(item["reference"], item["difference"], item["cause"]) for item in found.items} == {
        ("13003", 30, "unknown"),
        ("13004", -5, "unknown"),
        ("13009", -10, "unknown"),
    }
    assert found.off == []


def test_a_month_whose_ledger_does_not_tie_out_loses_nothing() -> None:
    found = solved(
        nav_open_items=[entry(1, 100, "INV-1", gl_creation_date=None), entry(2, 7, None, posting_date=None)],
        ipe_07=[invoice(1, 60, "INV-1")],
        cr_04=[balance("13003", 1, taken=None), balance("13003", 2)],
    )
    assert sum(item["difference"] for item in found.items) == 3 - 60
    assert found.row("LEDGER", "account 13003")["amount"] == 3 - 107
    assert found.off == []


# Amounts at the limit, and the order of rows.

LIMIT = "99999999999999999999.9999"


def test_amounts_at_the_decimals_limit_are_matched_to_their_last_digit() -> None:
    found = solved(
        nav_open_items=[entry(1, LIMIT, "INV-1"), entry(2, f"-{LIMIT}", "INV-2")],
        ipe_07=[invoice(1, LIMIT, "INV-1"), invoice(2, "-99999999999999999999.9998", "INV-2")],
    )
    assert found.the_item("customer_ar")["difference"] == Decimal("-0.0001")
    assert found.off == []


def test_an_item_too_large_for_its_column_is_refused_and_not_cut() -> None:
    found = solved(
        nav_open_items=[entry(1, LIMIT, "INV-1"), entry(2, LIMIT, "INV-1")], cr_04=[balance("13003", 0)]
    )
    with pytest.raises(DataError, match="does not fit"):
        found.table("open_items")


def _backwards(given: list[Row]) -> list[Row]:
    return given[::-1]


def _by_halves(given: list[Row]) -> list[Row]:
    return given[1::2] + given[::2]


@pytest.mark.parametrize("arranged", [_backwards, _by_halves])
def test_the_order_of_the_rows_changes_nothing(arranged: Callable[[list[Row]], list[Row]]) -> None:
    books: Any = {
        "nav_open_items": [
            *(entry(at, 10 + at % 3, f"INV-{at % 4}", document_description=f"D {at}") for at in range(9)),
            *(collected(20 + at, 30, "PAY-1") for at in range(3)),
            *(run_of(40 + at, 10, "2025-07-31") for at in range(3)),
            *(voucher_entry(60 + at, -10, f"{at}") for at in range(3)),
        ],
        "ipe_07": [invoice(at, 11, f"INV-{at % 5}") for at in range(6)],
        "ipe_31": [collection("T-1", 15), collection("T-1", 15), collection("T-2", 30)],
        "collection_links": [link("T-1", "L-1", "PAY-1"), link("T-2", "L-1", "PAY-1")],
        "ipe_08": [expired(str(at), 10, "2025-07-05") for at in range(3)],
    }
    one, other = solved(**books), solved(arranged=arranged, **books)
    assert one.table("open_item_matches").equals(other.table("open_item_matches"))
    assert one.table("open_items").equals(other.table("open_items"))
    assert one.off == []


def test_every_row_carries_the_version_of_the_rules() -> None:
    found = solved(
        nav_open_items=[entry(1, 1, "INV-1")], matching=MATCHING.model_copy(update={"version": "7"})
    )
    assert {row["rule_version"] for row in found.matches} == {"7"}
