"""What became of each item: told by the rows items have in common, and never of a line that was not computed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.rules import open_item_changes as rule
from cpg1_assets.rules import open_items_before as before_rule
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS, OPEN_ITEMS_BEFORE
from cpg1_assets.rules.open_item_changes import open_item_changes
from cpg1_assets.rules.open_items_before import open_items_before
from cpg1_assets_tests.rules.rows import rows, table

SEAL = {"sealed_month": "2025-08", "sealed_version": 2, "seal_digest": "d" * 64}
LINE = "voucher_liability"
NEVER_SEALED = table(OPEN_ITEMS_BEFORE.columns, [])

Item = tuple[Sequence[str], str, str]
"""Keys of its rows, its unexplained amount, its cause."""


def item_rows(items: Mapping[str, Item], company: str) -> list[dict[str, Any]]:
    return [
        {"id_company": company, "line": LINE, "item": name, "unexplained": amount, "cause": cause, "reference": f"R-{name}"}
        for name, (_, amount, cause) in items.items()
    ]  # fmt: skip


def matches(items: Mapping[str, Sequence[str]], company: str) -> list[dict[str, Any]]:
    return [
        {"id_company": company, "line": LINE, "side": "NAV", "row_key": key, "item": name}
        for name, keys in items.items()
        for key in keys
    ]


def lines(company: str, status: str = "VARIANCE_DETECTED") -> list[dict[str, Any]]:
    return [{"id_company": company, "line": LINE, "status": status}]


def sealed(
    items: Mapping[str, Item],
    *,
    comments: Sequence[Mapping[str, str]] = (),
    status: str = "VARIANCE_DETECTED",
    company: str = "EC_NG",
) -> pa.Table:
    """Give what the month before says."""
    said = [{"source_file": "2025-08.xlsx", **comment} for comment in comments]
    return open_items_before(
        table(before_rule.RECONCILIATION, lines(company, status)),
        table(before_rule.OPEN_ITEMS, item_rows(items, company)),
        table(before_rule.OPEN_ITEM_MATCHES, matches({n: i[0] for n, i in items.items()}, company)),
        table(OPEN_ITEM_COMMENTS.columns, said),
        **SEAL,  # type: ignore[arg-type]
    ).to_arrow_table()


def changes(
    before: pa.Table,
    now: Mapping[str, Item],
    *,
    closed: Mapping[str, Sequence[str]] | None = None,
    status: str = "VARIANCE_DETECTED",
    company: str = "EC_NG",
) -> list[dict[str, Any]]:
    """Give the changes; `closed` are the rows of items that are not open now."""
    return rows(
        open_item_changes(
            table(rule.OPEN_ITEMS, item_rows(now, company)),
            table(
                rule.OPEN_ITEM_MATCHES,
                matches({**{n: i[0] for n, i in now.items()}, **(closed or {})}, company),
            ),
            before,
            table(rule.RECONCILIATION, lines(company, status)),
        )
    )


def told(found: Sequence[Mapping[str, Any]]) -> set[tuple[str, str | None, str | None]]:
    return {(row["change"], row["item_before"], row["item"]) for row in found}


def test_an_item_with_the_same_amount_and_cause_persists_and_its_comment_carries() -> None:
    before = sealed(
        {"a": (["1"], "10", "unknown")}, comments=[{"item": "a", "comment": "Bank confirms", "owner": "Ann"}]
    )
    (row,) = changes(before, {"a": (["1"], "10", "unknown")})
    assert (row["change"], row["comment_before"], row["owner_before"]) == (
        "persisting",
        "Bank confirms",
        "Ann",
    )
    assert row["comment_carries"] is True
    assert row["source_file_before"] == "2025-08.xlsx"


def test_an_item_of_which_nothing_was_said_has_nothing_to_carry() -> None:
    (row,) = changes(sealed({"a": (["1"], "10", "unknown")}), {"a": (["1"], "10", "unknown")})
    assert (row["change"], row["comment_carries"]) == ("persisting", False)


def test_another_amount_or_cause_lapses_the_comment_and_both_are_shown() -> None:
    before = sealed(
        {"a": (["1"], "10", "unknown"), "b": (["2"], "7", "unknown")},
        comments=[{"item": "a", "comment": "A"}, {"item": "b", "comment": "B"}],
    )
    a, b = changes(before, {"a": (["1", "9"], "12.5", "unknown"), "b": (["2"], "7", "never posted")})
    assert (a["change"], a["unexplained_before"], a["unexplained"]) == (
        "changed",
        Decimal(10),
        Decimal("12.5"),
    )
    assert (b["change"], b["cause_before"], b["cause"]) == ("changed", "unknown", "never posted")
    assert [(row["comment_before"], row["comment_carries"]) for row in (a, b)] == [("A", False), ("B", False)]


def test_an_item_whose_name_is_another_now_is_known_by_its_rows() -> None:
    before = sealed({"a": (["1", "2", "3"], "10", "unknown")}, comments=[{"item": "a", "comment": "A"}])
    found = changes(before, {"b": (["3"], "10", "unknown")}, closed={"a": ["1", "2"]})
    assert told(found) == {("persisting", "a", "b")}
    assert found[0]["comment_carries"], "it is the same amount of the same rows"


def test_an_item_without_a_common_row_is_known_by_its_name() -> None:
    before = sealed({"a": (["1"], "10", "unknown")})
    assert told(changes(before, {"a": (["2"], "10", "unknown")})) == {("persisting", "a", "a")}


def test_an_item_that_bridges_alone_make_is_known_by_its_name() -> None:
    before = sealed({"a": ([], "10", "unknown")})
    assert told(changes(before, {"a": ([], "10", "unknown")})) == {("persisting", "a", "a")}


def test_an_item_whose_rows_are_closed_or_gone_is_resolved() -> None:
    before = sealed({"a": (["1"], "10", "unknown"), "b": (["2"], "5", "unknown")})
    found = changes(before, {}, closed={"a": ["1"]})
    assert told(found) == {("resolved", "a", None), ("resolved", "b", None)}


def test_an_item_that_comes_from_none_is_new() -> None:
    assert told(changes(sealed({}), {"a": (["1"], "10", "unknown")})) == {("new", None, "a")}


def test_several_items_in_one_are_merged_with_both_names() -> None:
    before = sealed(
        {"a": (["1"], "10", "unknown"), "b": (["2"], "5", "unknown")},
        comments=[{"item": "a", "comment": "A"}],
    )
    found = changes(before, {"a": (["1", "2"], "15", "unknown")})
    assert told(found) == {("merged", "a", "a"), ("merged", "b", "a")}
    assert not any(row["comment_carries"] for row in found)


def test_one_item_in_several_is_split_with_both_names() -> None:
    before = sealed({"a": (["1", "2"], "10", "unknown")}, comments=[{"item": "a", "comment": "A"}])
    found = changes(before, {"a": (["1"], "10", "unknown"), "b": (["2"], "0", "unknown")})
    assert told(found) == {("split", "a", "a"), ("split", "a", "b")}
    assert not any(row["comment_carries"] for row in found)


def test_rows_of_another_company_or_side_are_not_in_common() -> None:
    before = sealed({"a": (["1"], "10", "unknown")}, company="EC_KE")
    found = changes(before, {"b": (["1"], "10", "unknown")}, company="EC_NG")
    assert told(found) == {("not compared", "a", None), ("not compared", None, "b")}


def test_a_company_written_in_other_letters_is_the_same() -> None:
    before = sealed({"a": (["1"], "10", "unknown")}, company="ec_ng ")
    assert told(changes(before, {"b": (["1"], "10", "unknown")})) == {("persisting", "a", "b")}


def test_a_line_that_was_not_computed_then_or_now_is_not_compared() -> None:
    now: dict[str, Item] = {"a": (["1"], "10", "unknown")}
    assert told(changes(sealed({}, status="NOT_COMPUTED"), now)) == {("not compared", None, "a")}
    assert told(changes(sealed(now), {}, status="NOT_COMPUTED")) == {("not compared", "a", None)}


def test_where_the_month_before_was_never_sealed_nothing_is_called_new() -> None:
    assert told(changes(NEVER_SEALED, {"a": (["1"], "10", "unknown")})) == {("not compared", None, "a")}


def test_a_sealed_month_without_an_open_item_is_told_from_one_never_sealed() -> None:
    (row,) = sealed({}).to_pylist()
    assert (row["sealed_month"], row["sealed_version"], row["line"], row["item"]) == (
        "2025-08",
        2,
        LINE,
        None,
    )


_KEYS = [str(n) for n in range(6)]


@st.composite
def _months(draw: st.DrawFn) -> tuple[dict[str, Item], dict[str, Item], dict[str, Sequence[str]]]:
    """Draw two months over the same rows: each row in one item of a month, some items closed."""

    def month() -> tuple[dict[str, Item], dict[str, Sequence[str]]]:
        of_row = {key: draw(st.sampled_from("abcd")) for key in draw(st.sets(st.sampled_from(_KEYS)))}
        named = {name: [k for k, n in of_row.items() if n == name] for name in sorted(set(of_row.values()))}
        items: dict[str, Item] = {}
        closed: dict[str, Sequence[str]] = {}
        for name, keys in named.items():
            if draw(st.booleans()):
                amount, cause = (
                    draw(st.sampled_from(["0", "1"])),
                    draw(st.sampled_from(["unknown", "rounding"])),
                )
                items[name] = (keys, amount, cause)
            else:
                closed[name] = keys
        return items, closed

    (before, _), (now, closed) = month(), month()
    return before, now, closed


@given(_months())
def test_every_item_of_either_month_is_told_of_as_its_pairs_say(
    months: tuple[dict[str, Item], dict[str, Item], dict[str, Sequence[str]]],
) -> None:
    before, now, closed = months
    pairs = {
        (b, n)
        for b, (keys, *_) in before.items()
        for n, (others, *_) in now.items()
        if b == n or {*keys} & {*others}
    }
    found = changes(sealed(before), now, closed=closed)
    assert sorted((row["item_before"] or "", row["item"] or "") for row in found) == sorted(
        [
            *pairs,
            *((b, "") for b in before if not any(one == b for one, _ in pairs)),
            *(("", n) for n in now if not any(other == n for _, other in pairs)),
        ]
    )
    for row in found:
        b, n = row["item_before"], row["item"]
        if b is None or n is None:
            expected = "new" if b is None else "resolved"
        elif sum(other == n for _, other in pairs) > 1:
            expected = "merged"
        elif sum(one == b for one, _ in pairs) > 1:
            expected = "split"
        else:
            expected = "persisting" if before[b][1:] == now[n][1:] else "changed"
        assert row["change"] == expected
