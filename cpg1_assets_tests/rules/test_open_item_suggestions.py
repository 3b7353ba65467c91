"""Which open items are put before a person as a pair, and which are not."""

from datetime import date, timedelta

from cpg1_assets.rules.open_item_suggestions import OPEN_ITEMS, open_item_suggestions
from cpg1_assets_tests.rules.rows import MATCHING, Row, rows, table

KE = {"id_company": "EC_KE", "line": "customer_ar"}
DAY = date(2025, 9, 1)


def item(name: str, unexplained: str | int, days: int | None = 0, **more: object) -> Row:
    first = None if days is None else DAY + timedelta(days=days)
    return KE | {"item": name, "unexplained": unexplained, "first_date": first} | more


def pairs(*items: Row) -> list[tuple[str, str, int]]:
    found = rows(open_item_suggestions(table(OPEN_ITEMS, items), MATCHING))
    return [(row["item"], row["other_item"], row["days_apart"]) for row in found]


def test_the_only_two_of_equal_and_opposite_amount_are_a_pair_the_positive_first() -> None:
    (found,) = rows(
        open_item_suggestions(table(OPEN_ITEMS, [item("a", "-70.0001", 3), item("b", "70.0001")]), MATCHING)
    )
    assert found == KE | {
        "item": "b",
        "other_item": "a",
        "unexplained": found["unexplained"],
        "days_apart": 3,
    }
    assert str(found["unexplained"]) == "70.0001"


def test_a_third_of_the_amount_makes_it_no_pair() -> None:
    assert pairs(item("a", 70), item("b", -70), item("c", 70)) == []
    assert pairs(item("a", 70), item("b", -70), item("c", -70)) == []
    assert pairs(item("a", 70), item("b", -70), item("c", -70, None)) == []
    assert pairs(item("a", 70), item("b", -70), item("c", 7)) == [("a", "b", 0)]


def test_at_most_so_many_days_apart_whichever_came_first() -> None:
    assert MATCHING.days_apart == 45
    assert pairs(item("a", 70), item("b", -70, 45)) == [("a", "b", 45)]
    assert pairs(item("a", 70, 45), item("b", -70)) == [("a", "b", 45)]
    assert pairs(item("a", 70), item("b", -70, 46)) == []
    assert pairs(item("a", 70), item("b", -70, None)) == []


def test_never_across_companies_or_lines_nor_within_a_tolerance() -> None:
    assert pairs(item("a", 70), item("b", -70, id_company="EC_NG")) == []
    assert pairs(item("a", 70), item("b", -70, line="collections_ar")) == []
    assert pairs(item("a", 70), item("b", "-70.0001")) == []
    assert pairs(item("a", 70), item("b", 70)) == []


def test_items_of_nothing_suggest_nothing() -> None:
    assert pairs(item("a", 0), item("b", 0)) == []
    assert pairs() == []
