"""The evaluation itself can fail: results that look right and are wrong are told from right ones."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets_tests.open_items.evaluation import (
    Evaluation,
    cause_of_planted,
    closed_wrongly,
    evaluate,
    fold,
    holds,
)

PACKAGES = "packages_not_reconciled"
AMOUNT = pa.decimal128(24, 4)
ITEMS = pa.schema(
    [
        *[(name, pa.string()) for name in ("id_company", "line", "item")],
        *[(name, AMOUNT) for name in ("difference", "unexplained")],
        *[(name, pa.int64()) for name in ("nav_entries", "target_rows")],
        *[(name, pa.string()) for name in ("matched_by", "cause", "reference", "document_no", "description")],
    ]
)
MATCHES = pa.schema(
    [
        *[(name, pa.string()) for name in ("id_company", "line", "side", "row_key", "reference", "item")],
        ("amount", AMOUNT),
    ]
)
CAUSES = pa.schema(
    [
        *[(name, pa.string()) for name in ("id_company", "line", "cause", "reference")],
        ("amount", AMOUNT),
    ]
)
EVENTS = pa.schema([(name, pa.string()) for name in ("id_company", "line", "side", "row_key", "event")])


def item(name: str, difference: int, reference: str | None, **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id_company": "EC_KE",
        "line": PACKAGES,
        "item": name,
        "difference": Decimal(difference),
        "unexplained": Decimal(difference),
        "nav_entries": 1,
        "target_rows": 0,
        "matched_by": "reference",
        "cause": "posted twice",
        "reference": reference,
        **changed,
    }


def planted(reference: str, amount: int, cause: str = "entry_posted_twice") -> dict[str, Any]:
    return {
        "id_company": "EC_KE",
        "line": PACKAGES,
        "cause": cause,
        "reference": reference,
        "amount": Decimal(amount),
    }


def row(side: str, key: str, name: str, amount: int, reference: str | None = None) -> dict[str, Any]:
    return {
        "id_company": "EC_KE",
        "line": PACKAGES,
        "side": side,
        "row_key": key,
        "reference": reference,
        "item": name,
        "amount": Decimal(amount),
    }


def event(side: str, key: str, name: str) -> dict[str, Any]:
    return {"id_company": "EC_KE", "line": PACKAGES, "side": side, "row_key": key, "event": name}


def judged(
    items: Sequence[dict[str, Any]], causes: Sequence[dict[str, Any]], matches: Sequence[dict[str, Any]] = ()
) -> Evaluation:
    return evaluate(
        pa.Table.from_pylist(list(items), ITEMS),
        pa.Table.from_pylist(list(matches), MATCHES),
        pa.Table.from_pylist(list(causes), CAUSES),
        None,
    )


CAUSES_OF_TWO = [planted("PKG-KE-1", 70), planted("PKG-KE-2", -30, "entry_never_posted")]


def test_each_cause_in_an_item_of_its_own_is_perfect() -> None:
    items = [item("a", 70, "PKG-KE-1"), item("b", -30, "pkg-ke-2 ", cause="never posted")]
    found = judged(items, CAUSES_OF_TWO)
    assert (found.recall, found.precision, found.causes_right) == (1, 1, 1)


def test_everything_in_one_item_names_nothing() -> None:
    everything = item("all", 40, "PKG-KE-1", document_no="PKG-KE-1, PKG-KE-2", nav_entries=2)
    found = judged([everything], CAUSES_OF_TWO)
    assert (found.recall, found.precision) == (0, 0)


def test_one_item_names_one_cause_though_it_holds_two_of_its_amount() -> None:
    causes = [planted("PKG-KE-1", 70), planted("PKG-KE-2", 70)]
    found = judged([item("a", 70, "PKG-KE-1", document_no="PKG-KE-2")], causes)
    assert (len(found.named), len(found.missed)) == (1, 1)


def test_items_are_given_to_causes_so_that_as_many_as_possible_have_one() -> None:
    causes = [planted("PKG-KE-1", 70), planted("PKG-KE-2", 70)]
    both = item("a", 70, "PKG-KE-1", document_no="PKG-KE-2")
    assert judged([both, item("b", 70, "PKG-KE-1")], causes).recall == 1


def test_the_reference_without_the_amount_and_the_amount_without_the_reference_name_nothing() -> None:
    matches = [row("NAV", "1", "a", 70, "PKG-KE-1")]
    assert judged([item("a", 71, "PKG-KE-1")], [planted("PKG-KE-1", 70)], matches).recall == 0
    assert judged([item("a", 70, "PKG-KE-7")], [planted("PKG-KE-1", 70)], matches).recall == 0


def test_a_reference_that_is_nowhere_is_named_by_its_amount_if_one_item_has_it() -> None:
    causes = [planted("PKG-KE-1", 70)]
    assert judged([item("a", 70, "PAY-KE-9")], causes).recall == 1
    assert judged([item("a", 70, "PAY-KE-9"), item("b", 70, "PAY-KE-8")], causes).recall == 0


def test_causes_of_one_reference_are_named_by_their_sum() -> None:
    causes = [planted("PKG-KE-1", 70), planted("PKG-KE-1", -20, "entry_never_posted")]
    assert judged([item("a", 50, "PKG-KE-1")], causes).recall == 1
    assert judged([item("a", 70, "PKG-KE-1")], causes).recall == 0


def test_a_document_that_holds_a_reference_shares_it() -> None:
    causes = [planted("100407", 70), planted("INT-100407", -20, "entry_never_posted")]
    assert judged([item("a", 50, "100407")], causes).recall == 1
    apart = [item("a", 70, "100407"), item("b", -20, "INT-100407")]
    assert len(judged(apart, causes).named) == 2
    assert judged([item("a", 51, "100407")], causes).recall == 0


@pytest.mark.parametrize(("matched_by", "recall"), [("reference", 0), ("linked", 1), ("summary", 1)])
def test_a_large_item_names_nothing_unless_links_or_runs_put_it_together(
    matched_by: str, recall: int
) -> None:
    large = item("a", 70, "PKG-KE-1", nav_entries=15, target_rows=6, matched_by=matched_by)
    assert judged([large], [planted("PKG-KE-1", 70)]).recall == recall


def test_what_the_bridges_leave_will_do_for_the_amount() -> None:
    explained = item("a", 70, "PKG-KE-1", unexplained=Decimal(0))
    assert judged([explained], [planted("PKG-KE-1", 70)]).recall == 1


def test_an_item_that_names_a_cause_of_no_amount_is_right_and_one_that_names_none_is_not() -> None:
    hidden = planted("PKG-KE-5", 0, "document_number_used_twice")
    found = judged([item("a", 12, "PKG-KE-5"), item("b", 12, "PKG-KE-6")], [hidden])
    assert ([each["item"] for each in found.allowed], [each["item"] for each in found.idle]) == (["a"], ["b"])
    assert found.precision == 0.5


def test_another_cause_than_the_page_says_is_mistaken() -> None:
    found = judged([item("a", 70, "PKG-KE-1", cause="manual journal")], [planted("PKG-KE-1", 70)])
    assert (found.recall, found.causes_right) == (1, 0)


def test_lines_that_cannot_be_computed_are_left_out() -> None:
    missing = planted("EC_KE", 0, "fx_rate_missing")
    found = judged([item("a", 5, "PKG-KE-9")], [*CAUSES_OF_TWO, missing])
    assert (found.missed, found.idle) == ([], [])


def test_months_add_up() -> None:
    one = judged([item("a", 70, "PKG-KE-1")], CAUSES_OF_TWO)
    both = one + judged([], CAUSES_OF_TWO)
    assert (len(both.named), len(both.missed), both.recall) == (1, 3, 0.25)


@pytest.mark.parametrize(
    ("text", "reference", "held"),
    [
        ("INT-100407", "100407", True),
        ("Reversal of jrn-ke-05", "JRN-KE-05", True),
        (" 100407.0 ", "100407", True),
        ("1004070", "100407", False),
        ("X100407", "100407", False),
        ("PKG-KE-0001000", "PKG-KE-000100", False),
        ("a_100407", "100407", True),
    ],
)
def test_a_reference_is_held_as_a_whole_token(text: str, reference: str, *, held: bool) -> None:
    assert holds(text, reference) is held


@given(st.from_regex(r"[A-Z0-9]+(-[A-Z0-9]+)*", fullmatch=True), st.sampled_from(["", " ", ".0", "  "]))
def test_spellings_of_one_reference_are_one(reference: str, tail: str) -> None:
    assert fold(f" {reference.lower()}{tail}") == fold(reference) == reference
    assert holds(f"see {reference}{tail}, please", reference)
    assert not holds(f"see {reference}7", reference)


def closed(matches: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return closed_wrongly(
        pa.Table.from_pylist([item("open", 5, None)], ITEMS),
        pa.Table.from_pylist(list(matches), MATCHES),
        pa.Table.from_pylist(list(events), EVENTS),
    )


A, B = "package PKG-KE-1", "package PKG-KE-2"


def test_a_closed_item_of_one_event_is_right() -> None:
    matches = [row("NAV", "1", "a", 70), row("TARGET", "PKG-KE-1|0001", "a", 70)]
    assert closed(matches, [event("NAV", "1", A), event("TARGET", "PKG-KE-1", A)]) == []


def test_a_closed_item_whose_sides_are_two_events_is_wrong() -> None:
    matches = [row("NAV", "1", "a", 70), row("TARGET", "PKG-KE-2|0001", "a", 70)]
    (wrong,) = closed(matches, [event("NAV", "1", A), event("TARGET", "PKG-KE-2", B)])
    assert (wrong["item"], wrong["events"]) == ("a", [A, B])


def test_entries_of_two_events_that_happen_to_cancel_out_are_wrong() -> None:
    matches = [row("NAV", "1", "a", 70), row("NAV", "2", "a", -70)]
    assert len(closed(matches, [event("NAV", "1", A), event("NAV", "2", B)])) == 1


def test_two_events_that_each_balance_hide_nothing_in_one_item() -> None:
    matches = [row("NAV", "1", "a", 70), row("NAV", "2", "a", 20)]
    matches += [row("TARGET", "PKG-KE-1|1", "a", 70), row("TARGET", "PKG-KE-2|1", "a", 20)]
    events = [event("NAV", "1", A), event("NAV", "2", B)]
    events += [event("TARGET", "PKG-KE-1", A), event("TARGET", "PKG-KE-2", B)]
    assert closed(matches, events) == []
    events[0], events[1] = event("NAV", "1", B), event("NAV", "2", A)
    assert len(closed(matches, events)) == 1


def test_a_line_in_balance_put_in_one_item_is_wrong() -> None:
    keys = [(str(place), f"PKG-KE-{place}") for place in range(1, 9)]
    matches = [row("NAV", entry, "all", 70 + int(entry) % 2) for entry, _ in keys]
    matches += [
        row("TARGET", f"{package}|1", "all", 71 - place % 2) for place, (_, package) in enumerate(keys, 1)
    ]
    events = [event("NAV", entry, f"package {package}") for entry, package in keys]
    events += [event("TARGET", package, f"package {package}") for _, package in keys]
    (wrong,) = closed(matches, events)
    assert len(wrong["events"]) == 8


def test_an_entry_that_sums_several_events_belongs_with_each_of_them() -> None:
    matches = [
        row("NAV", "1", "a", 90),
        row("TARGET", "PKG-KE-1|1", "a", 70),
        row("TARGET", "PKG-KE-2|1", "a", 20),
    ]
    events = [event("TARGET", "PKG-KE-1", A), event("TARGET", "PKG-KE-2", B), event("NAV", "1", A)]
    assert len(closed(matches, events)) == 1
    assert closed(matches, [*events, event("NAV", "1", B)]) == []


def test_an_open_item_of_two_events_is_not_closed() -> None:
    matches = [row("NAV", "1", "open", 70), row("NAV", "2", "open", -65)]
    assert closed(matches, [event("NAV", "1", A), event("NAV", "2", B)]) == []


def test_a_settled_voucher_is_of_its_own_event_on_both_ends() -> None:
    matches = [
        row("NAV", "1", "voucher", -70),
        row("SETTLEMENT", "100407|voucher", "voucher", 70),
        row("NAV", "2", "run", 70),
        row("SETTLEMENT", "100407|run", "run", -70),
    ]
    events = [
        event("NAV", "1", "voucher 100407"),
        event("NAV", "2", "voucher 100407"),
        event("TARGET", "100407", "voucher 100407"),
    ]
    assert closed(matches, events) == []
    events[1] = event("NAV", "2", "voucher 100408")
    assert [each["item"] for each in closed(matches, events)] == ["run"]


def test_a_row_that_the_simulation_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="no business event"):
        closed([row("NAV", "1", "a", 70), row("TARGET", "PKG-KE-1|1", "a", 70)], [event("NAV", "1", A)])


def test_the_page_says_of_every_planted_cause_what_an_item_should_propose(sample_books: Path) -> None:
    mapping = cause_of_planted()
    planted_causes = pq.read_table(sample_books / "truth" / "causes.parquet")
    assert set(planted_causes["cause"].to_pylist()) == mapping.keys()
    moving = planted_causes.filter(pc.not_equal(planted_causes["amount"], 0))["cause"].to_pylist()
    assert {name for name, cause in mapping.items() if cause != "–"} == set(moving)
