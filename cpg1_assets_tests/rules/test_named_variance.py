"""A line's variance is shown by cause, to the last digit, and never with items of another reconciliation."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.rules.checks import Check, as_validation, checks, outcomes
from cpg1_assets.rules.findings import CheckOutcome, Outcomes
from cpg1_assets.rules.frames import CAUSES, OPEN_ITEMS, RECONCILIATION
from cpg1_assets.rules.graph import Circumstances
from cpg1_assets.rules.named_variance import SHOWN_ITEMS, NamedVariance, largest_items, named_variances
from cpg1_assets_tests.rules.rows import CLASSIFICATION, LINES, MATCHING, SEPTEMBER, THRESHOLDS, Row, table

CIRCUMSTANCES = Circumstances(SEPTEMBER, LINES, THRESHOLDS, CLASSIFICATION, MATCHING)
LINE = {"id_company": "EC_KE", "country_code": "KE", "line": "voucher_liability", "fx_rate": "2"}
BASE = {
    "id_company": "EC_KE", "line": "voucher_liability", "nav_amount": "0", "target_amount": "0", "bridge_amount": "0",
    "nav_entries": 0, "target_rows": 0, "age_days": 10, "age_bucket": "0-30", "matched_by": "none",
    "confidence": "none", "cause_confidence": "proposed", "entry_created_after_balance": False,
}  # fmt: skip


def item(name: str, unexplained: object, cause: str, **more: object) -> Row:
    return BASE | {
        "item": name, "difference": str(unexplained), "unexplained": str(unexplained),
        "unexplained_usd": str(unexplained), "cause": cause,
    } | more  # fmt: skip


def line(variance: object, bridges: object, status: str, **more: object) -> Row:
    unexplained = None if bridges is None else Decimal(str(variance)) - Decimal(str(bridges))
    return LINE | {
        "actual": str(variance), "target_value": "0", "variance": str(variance), "bridges": bridges and str(bridges),
        "unexplained": unexplained and str(unexplained), "unexplained_usd": unexplained and str(unexplained),
        "threshold_usd": "1000", "threshold_rule": "*", "status": status,
    } | more  # fmt: skip


def frames(lines: list[Row], items: list[Row]) -> tuple[pa.Table, pa.Table]:
    return table(RECONCILIATION.columns, lines), table(OPEN_ITEMS.columns, items)


def one(lines: list[Row], items: list[Row]) -> NamedVariance:
    (found,) = named_variances(*frames(lines, items))
    return found


def test_what_is_unexplained_is_what_is_named_and_what_is_not() -> None:
    items = [
        item("a", "100.25", "never posted"),
        item("b", "-40.05", "never posted"),
        item("c", "7.8", "unknown"),
        item("d", "0", "used, not delivered yet", difference="32", bridge_amount="32"),
    ]
    found = one([line("100", "32", "VARIANCE_DETECTED")], items)
    assert found.adds_up
    assert (found.items, found.named, found.unknown) == (4, Decimal("60.20"), Decimal("7.80"))
    assert [(share.cause, share.items, share.unexplained) for share in found.causes] == [
        ("never posted", 2, Decimal("60.20")),
        ("unknown", 1, Decimal("7.80")),
        ("used, not delivered yet", 1, Decimal(0)),
    ]
    assert found.share_named == "94.73 %", "by absolute amounts: 140.30 of 148.10"


def test_all_is_named_only_where_nothing_is_unknown() -> None:
    items = [item("a", "999999", "never posted"), item("b", "0.0001", "unknown")]
    assert one([line("999999.0001", "0", "VARIANCE_DETECTED")], items).share_named == "99.99 %"


def test_a_line_without_a_variance_has_no_share_rather_than_a_whole_one() -> None:
    found = one([line("0", "0", "RECONCILED")], [])
    assert found.adds_up
    assert found.figures()["items"] == 0
    assert found.figures()["share_named"] is None


def test_a_line_that_is_not_computed_has_no_items_and_says_so() -> None:
    figures = one([line("5", None, "NOT_COMPUTED")], []).figures()
    assert figures["open_items"] == "none: the line is not computed"
    assert {figures[name] for name in ("items", "named", "unknown", "share_named", "by_cause")} == {None}


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item("a", "99.9999", "never posted")],
        [item("a", "100", "never posted", difference="101")],
        [item("a", "100", "never posted", bridge_amount="0.0001")],
        [item("a", "100", "never posted", line="customer_ar")],
    ],
    ids=["none", "another amount", "another difference", "another bridge", "another line"],
)
def test_items_of_another_reconciliation_are_not_shown_as_this_one_s(items: list[Row]) -> None:
    lines = [line("100", "0", "VARIANCE_DETECTED")]
    assert not one(lines, items).adds_up
    found = asked("reconciliation.voucher_liability_explained", lines, items)
    assert found.figures["open_items"] == "do not add up to the line: compute them again"
    assert (found.figures["items"], found.figures["largest_items"]) == (None, [])
    looked = asked("open_items.causes_named", lines, items)
    assert (looked.tested, looked.passed) == (True, False)
    assert looked.figures["do_not_add_up"] == ["EC_KE voucher_liability"]


def test_the_answer_of_a_line_stands_without_its_items() -> None:
    reconciliation, _ = frames([line("100", "0", "VARIANCE_DETECTED")], [])
    check = checks(LINES)["reconciliation.voucher_liability_explained"]
    assert check.optional == ("open_items",)
    ((_, (found,)),) = outcomes([check], {"reconciliation": reconciliation}, CIRCUMSTANCES)
    assert (found.passed, found.tested) == (False, True)
    assert found.figures["open_items"] == "are not in storage: materialize open_items"
    assert (found.figures["unexplained"], found.figures["named"]) == ("100.0000", None)
    assert {name for name, each in checks(LINES).items() if each.optional} == {
        f"reconciliation.{each.line}_explained" for each in LINES.lines
    }


def test_a_red_line_lists_its_ten_largest_items_and_no_other_line_does() -> None:
    red = [item(f"i{number:02}", (-1) ** number * number, "never posted") for number in range(1, 13)]
    bridged = item("bridged", "0", "partly used, in transit", difference="500", bridge_amount="500")
    total = sum(Decimal(row["unexplained"]) for row in red)
    lines = [
        line(total + 500, "500", "VARIANCE_DETECTED"),
        line("77", "0", "EXPLAINED", line="customer_ar"),
        line("77", "0", "VARIANCE_DETECTED", id_company="JD_GH"),
    ]
    others = [
        item("x", "77", "rounding", line="customer_ar"),
        item("y", "77", "rounding", id_company="JD_GH"),
    ]
    found = largest_items(*frames(lines, [*red, bridged, *others]))
    of_line = [row for row in found if row["id_company"] == "EC_KE"]
    assert [row["item"] for row in of_line] == [f"i{number:02}" for number in range(12, 2, -1)]
    assert [row["place"] for row in of_line] == list(range(1, SHOWN_ITEMS + 1))
    assert [(row["id_company"], row["item"]) for row in found[SHOWN_ITEMS:]] == [("JD_GH", "y")]
    shown = as_validation(
        *_of_check("reconciliation.voucher_liability_explained", lines, [*red, bridged, *others])
    )
    assert [row["id_company"] for row in shown.figures["largest_items"]] == ["EC_KE"] * 10 + ["JD_GH"]
    assert {"item", "reference", "document_no", "unexplained", "unexplained_usd", "cause", "age_days"} <= set(
        shown.figures["largest_items"][0]
    )
    assert [(row["id_company"], row["cause"], row["items"]) for row in shown.figures["by_cause"]] == [
        ("EC_KE", "never posted", 12),
        ("EC_KE", "partly used, in transit", 1),
        ("JD_GH", "rounding", 1),
    ]


def test_an_item_without_usd_and_the_largest_come_first_and_all_are_counted() -> None:
    items = [item(f"i{number:03}", number, "unknown") for number in range(1, 130)]
    items.append(item("none", "0.01", "unknown", unexplained_usd=None))
    total = sum((Decimal(row["unexplained"]) for row in items), Decimal("0.0000"))
    figures = asked("open_items.causes_named", [line(total, "0", "VARIANCE_DETECTED")], items).figures
    assert (figures["found"], len(figures["listed"])) == (130, 100)
    assert [row["item"] for row in figures["listed"][:2]] == ["none", "i129"]
    assert figures["lines"] == [
        {"id_company": "EC_KE", "line": "voucher_liability", "variance": str(total),
         "bridges": "0.0000", "named": "0", "unknown": str(total), "share_named": "0.00 %",
         "items": 130, "causes": f"unknown {total}"},
    ]  # fmt: skip


def test_an_item_without_a_date_counts_as_old() -> None:
    items = [item("new", "1", "never posted", age_days=90), item("none", "2", "never posted", age_days=None)]
    found = asked("open_items.none_is_old", [line("3", "0", "VARIANCE_DETECTED")], items)
    assert [row["item"] for row in found.figures["listed"]] == ["none"]
    assert found.figures["found"] == 1


def test_a_cause_that_explains_nothing_that_is_left_is_not_asked_for() -> None:
    items = [item("a", "0", "unknown", difference="5", bridge_amount="5")]
    assert asked("open_items.causes_named", [line("5", "5", "EXPLAINED")], items).passed


@pytest.mark.parametrize("check", ["causes_named", "none_is_old", "none_is_ambiguous"])
def test_where_no_line_was_computed_nothing_was_tested(check: str) -> None:
    found = asked(f"open_items.{check}", [line("5", None, "NOT_COMPUTED")], [])
    assert (found.tested, found.passed) == (False, False)
    computed = [line("5", None, "NOT_COMPUTED"), line("0", "0", "RECONCILED", line="customer_ar")]
    found = asked(f"open_items.{check}", computed, [])
    assert (found.tested, found.passed) == (True, True), "a line that agrees was taken apart, into nothing"


@given(
    amounts=st.lists(
        st.tuples(st.decimals(-(10**15), 10**15, places=4), st.sampled_from(CAUSES), st.booleans()),
        max_size=8,
    )
)
def test_named_and_unknown_are_all_that_is_unexplained(amounts: list[tuple[Decimal, str, bool]]) -> None:
    items: list[dict[str, Any]] = [
        item(
            f"i{at}",
            0 if bridged else amount,
            cause,
            difference=amount,
            bridge_amount=amount if bridged else 0,
        )
        for at, (amount, cause, bridged) in enumerate(amounts)
    ]
    variance = sum((amount for amount, _, _ in amounts), Decimal(0))
    bridges = sum((amount for amount, _, bridged in amounts if bridged), Decimal(0))
    found = one([line(variance, f"{bridges:f}", "VARIANCE_DETECTED")], items)
    assert found.adds_up
    assert found.named + found.unknown == variance - bridges
    assert found.items == len(items)
    unknown = [amount for amount, cause, bridged in amounts if cause == "unknown" and amount and not bridged]
    assert (found.share_named in {"100.00 %", None}) == (not unknown)


def asked(check: str, lines: list[Row], items: list[Row]) -> CheckOutcome:
    _, found = _of_check(check, lines, items)
    return found[0]


def _of_check(check: str, lines: list[Row], items: list[Row]) -> tuple[Check, Outcomes]:
    reconciliation, open_items = frames(lines, items)
    given_frames = {"reconciliation": reconciliation, "open_items": open_items}
    ((made, found),) = outcomes([checks(LINES)[check]], given_frames, CIRCUMSTANCES)
    return made, found
