"""The two bridges from the customer ledger: posting groups and business lines."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules.business_line_reclass import IPE_07 as BUSLINE_COLUMNS
from cpg1_assets.rules.business_line_reclass import business_line_reclass
from cpg1_assets.rules.customer_posting_group_bridge import IPE_07 as GROUP_COLUMNS
from cpg1_assets.rules.customer_posting_group_bridge import customer_posting_group_bridge
from cpg1_assets_tests.rules.rows import Row, rows, table


def groups(
    entries: Sequence[tuple[str, str | None, str | None, str | None, str | None]],
) -> list[tuple[Any, ...]]:
    names = ("id_company", "customer_no", "customer_name", "customer_posting_group", "remaining_amount_lcy")
    listed = [dict(zip(names, entry, strict=True)) for entry in entries]
    return [tuple(row.values()) for row in rows(customer_posting_group_bridge(table(GROUP_COLUMNS, listed)))]


def test_a_customer_with_two_posting_groups_is_identified_over_all_its_entries() -> None:
    found = groups(
        [
            ("A", "c1", "Zoe", "NAT", "1.5"),
            ("A", "c1", None, "INL", "-0.5"),
            ("A", "c1", "Ann", None, "10"),
            ("A", "c1", "Ann", " ", None),
            ("A", "c2", "Bob", "NAT", "1"),
            ("B", "c1", "Other", "UE", "1"),
        ]
    )
    assert found == [("A", "c1", "Ann", "INL, NAT", 2, 4, Decimal("11.0000"))]


def test_groups_are_distinct_ignoring_case_and_blanks_and_written_trimmed_in_the_first_spelling() -> None:
    assert groups([("A", "c", None, "nat ", "1"), ("A", "c", None, " NAT", "1")]) == []
    found = groups(
        [
            ("A", "c", None, "nat ", "1"),
            ("A", "c", None, " Nat", "1"),
            ("A", "c", None, "OM", "1"),
            ("A", "c", None, "\tNAT", "1"),
        ]
    )
    assert found == [("A", "c", None, "\tNAT, Nat, OM", 3, 4, Decimal("4.0000"))]


def test_one_customer_is_one_however_it_is_written() -> None:
    found = groups([(" a", "C1 ", None, "X", "1"), ("A", "c1", None, "Y", None)])
    assert found == [(" a", "C1 ", None, "X, Y", 2, 2, Decimal("1.0000"))]


def test_entries_without_a_customer_belong_to_nobody() -> None:
    assert groups([("A", None, "n", "X", "1"), ("A", None, "n", "Y", "1"), ("A", " ", "n", "X", "1")]) == []


def reclass(entries: Sequence[tuple[str | None, str | None, str | None]]) -> list[tuple[Any, ...]]:
    listed = [
        {"id_company": "A", "customer_no": customer, "busline_code": line, "remaining_amount_lcy": amount}
        for customer, line, amount in entries
    ]
    found = rows(business_line_reclass(table(BUSLINE_COLUMNS, listed)))
    assert all(row["review_required"] is True and row["id_company"] == "A" for row in found)
    return [tuple(row.values())[1:-1] for row in found]


def test_every_other_line_is_proposed_for_the_line_with_the_largest_absolute_balance() -> None:
    found = reclass(
        [("c", "L1", "5"), ("c", "L2", "-7"), ("c", "L2", "-1"), ("c", "L3", "1"), ("d", "L1", "9")]
    )
    assert found == [
        ("c", "L1", Decimal(5), 3, "L2", Decimal(5)),
        ("c", "L2", Decimal(-8), 3, "L2", Decimal(0)),
        ("c", "L3", Decimal(1), 3, "L2", Decimal(1)),
    ]


def test_on_a_tie_the_first_line_by_name_is_primary() -> None:
    assert [row[4] for row in reclass([("c", "b", "5"), ("c", "B ", "0"), ("c", "a", "-5")])] == ["B", "B"]
    assert [row[4] for row in reclass([("c", "b", "5"), ("c", "a", "-5")])] == ["a", "a"]


@pytest.mark.parametrize(
    ("small", "count"), [("0.0099", 0), ("0.01", 2), ("-0.01", 2), ("-0.0099", 0), (None, 0)]
)
def test_balances_below_a_cent_are_left_out(small: str | None, count: int) -> None:
    assert len(reclass([("c", "L1", "5"), ("c", "L2", small)])) == count
    assert reclass([("c", "L1", "5"), ("c", "L2", "3"), ("c", "L2", "-3")]) == []


def test_lines_are_distinct_ignoring_case_and_blanks() -> None:
    assert reclass([("c", "l1 ", "5"), ("c", " L1", "5")]) == []
    found = reclass([("c", "l1 ", "5"), ("C ", " L1", "5"), ("c", "x", "1")])
    assert [row[:3] for row in found] == [("C ", "L1", Decimal(10)), ("C ", "x", Decimal(1))]


def test_entries_without_customer_or_line_do_not_count() -> None:
    assert (
        reclass([(None, "L1", "5"), (None, "L2", "5"), ("c", None, "5"), ("c", " ", "9"), ("c", "L1", "1")])
        == []
    )


def folded(text: str | None) -> str:
    return (text or "").strip(" ").upper()


@settings(deadline=None, max_examples=20)
@given(
    entries=st.lists(
        st.fixed_dictionaries(
            {
                "id_company": st.sampled_from(["A", "a ", "B"]),
                "customer_no": st.sampled_from(["c", " C", "d", "", None]),
                "busline_code": st.sampled_from(["L1", "l1 ", "L2", "L_", " ", None]),
                "remaining_amount_lcy": st.none()
                | st.decimals(min_value="-0.05", max_value="0.05", places=3),
            }
        ),
        max_size=25,
    ),
    shuffled=st.randoms(use_true_random=False),
)
def test_reclass_reads_as_the_rule_whatever_the_order(entries: list[Row], shuffled: Random) -> None:
    balances: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if folded(entry["customer_no"]) and folded(entry["busline_code"]):
            customer = (folded(entry["id_company"]), folded(entry["customer_no"]))
            balances[customer][folded(entry["busline_code"])].append(entry)
    expected = {}
    for customer, by_line in balances.items():
        lines = {
            min(e["busline_code"].strip(" ") for e in listed): sum(
                (e["remaining_amount_lcy"] or Decimal(0) for e in listed), Decimal(0)
            )
            for listed in by_line.values()
        }
        lines = {line: balance for line, balance in lines.items() if abs(balance) >= Decimal("0.01")}
        if len(lines) > 1:
            primary = min(lines, key=lambda line: (-abs(lines[line]), line))
            for line, balance in lines.items():
                expected[*customer, line] = (balance, len(lines), primary, balance if line != primary else 0)

    found = rows(business_line_reclass(table(BUSLINE_COLUMNS, entries)))
    assert {
        (folded(r["id_company"]), folded(r["customer_no"]), r["busline_code"]): (
            r["balance_lcy"],
            r["busline_count"],
            r["proposed_primary_busline"],
            r["proposed_reclass_lcy"],
        )
        for r in found
    } == expected
    assert len(found) == len(expected)
    shuffled.shuffle(entries)
    assert rows(business_line_reclass(table(BUSLINE_COLUMNS, entries))) == found
