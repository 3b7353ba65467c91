"""Whatever the seed draws, every planted fault is found and nothing else; what no longer works shows."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.effectiveness.books import HELD, tables
from cpg1_assets.effectiveness.control_effectiveness import (
    SEEDING,
    control_effectiveness,
    seed_of,
    small_books,
)
from cpg1_assets.effectiveness.draws import Draws
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.contract import Contract
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.rules import open_item_matches
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.checks import as_validation, checks, outcomes
from cpg1_assets.rules.frames import CAUSES, CONTROL_EFFECTIVENESS
from cpg1_assets.rules.graph import Circumstances
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.validation import Validation
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.rules.rows import CLASSIFICATION, LINES, MATCHING, SEPTEMBER, THRESHOLDS
from cpg1_assets_tests.soak import examples, soak

RULES = Circumstances(SEPTEMBER, LINES, THRESHOLDS, CLASSIFICATION, MATCHING)
ACCOUNTS = tuple(read_scope().gl_accounts)
CHECK = "control_effectiveness.every_planted_fault_found"
CONTRACTS = read_catalog()


def looked_at(found: pa.Table, rules: Circumstances = RULES) -> Validation:
    """Ask the check of the month."""
    check = checks(rules.lines)[CHECK]
    ((_, outcome),) = outcomes([check], {"control_effectiveness": found}, rules)
    return as_validation(check, outcome)


def wrong(found: pa.Table) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Give what is not as planted, by kind and line."""
    return {
        (row["kind"], row["line"]): row
        for row in found.to_pylist()
        if row["planted"] != row["found"] or row["beside"] is not None
    }


@pytest.fixture(scope="module")
def september() -> pa.Table:
    """Plant the faults of one seed once."""
    return control_effectiveness("a seed", RULES, ACCOUNTS)


# What is planted


def test_every_fault_is_found_and_nothing_else(september: pa.Table) -> None:
    assert wrong(september) == {}
    said = looked_at(september)
    assert said.passed
    assert said.figures["planted"] == said.figures["detected"] > 100
    assert (said.figures["missed"], said.figures["false_alarms"], said.figures["listed"]) == (0, 0, [])


def test_every_line_has_every_kind_that_lines_have(september: pa.Table) -> None:
    kinds_of = {
        line.line: {row["kind"] for row in september.to_pylist() if row["line"] == line.line}
        for line in LINES.lines
    }
    everywhere = {
        "posted twice", "never posted", "never settled", "manual journal", "posted late", "posted in another company",
        "less than a cent off", "balance without entries", "open entry not drawn", "entry of the year not drawn",
        "booked at another amount",
    }  # fmt: skip
    assert {line: everywhere - kinds for line, kinds in kinds_of.items()} == {
        line: set() for line in kinds_of
    }


def test_every_cause_bridge_and_check_finds_something(september: pa.Table) -> None:
    by = {name for row in september.to_pylist() for name in (row["found_by"] or "").split(", ")}
    # What looks at items again finds nothing of its own, and that items add up is broken by wrong rules alone.
    of_items = {name for name in checks(LINES) if name.startswith("open_items.")}
    assert by >= checks(LINES).keys() - of_items - {CHECK}
    assert by >= BRIDGES.keys() | {"open_items", "ipe_31_classified"}
    planted = small_books("a seed", RULES, ACCOUNTS).faults
    expected = {finding for fault in planted for of in fault.expected.values() for finding in of}
    assert {finding.what for finding in expected if finding.by == "open_items"} == set(CAUSES)


def test_the_rows_are_as_the_frame_says_in_its_order(september: pa.Table) -> None:
    assert september.schema.equals(CONTROL_EFFECTIVENESS.arrow_schema)
    rows = september.to_pylist()
    keys = [tuple((row[name] is not None, row[name]) for name in CONTROL_EFFECTIVENESS.key) for row in rows]
    assert keys == sorted(set(keys))
    assert [row["what"] for row in rows if not row["planted"]] == ["All agrees"] * 3


def test_the_same_seed_gives_the_same_and_another_gives_other_faults(september: pa.Table) -> None:
    def planted(seed: str) -> list[tuple[str, Decimal | None]]:
        return [(fault.what, fault.amount) for fault in small_books(seed, RULES, ACCOUNTS).faults]

    assert planted("a seed") == planted("a seed")
    told = {row["what"] for row in september.to_pylist()}
    assert {what for what, _ in planted("a seed")} < told
    both = Counter(planted("a seed")) & Counter(planted("another seed"))
    assert {amount for _, amount in both.elements()} == {None}, "only what has no amount is the same"


def test_the_seed_is_of_every_drawn_file_that_rules_read() -> None:
    assert set(SEEDING) == {*CONTRACTS, "jdash"}
    hashes = dict.fromkeys(SEEDING, "0")
    seeds = {seed_of(hashes), *(seed_of(hashes | {name: "1"}) for name in SEEDING)}
    assert len(seeds) == 1 + len(SEEDING)
    assert seed_of(hashes | {"reconciliation": "1"}) == seed_of(hashes)
    with pytest.raises(KeyError, match="ipe_07"):
        seed_of({name: "0" for name in SEEDING if name != "ipe_07"})


@given(st.text(), st.integers(-5, 5), st.integers(0, 1000))
def test_draws_are_within_their_bounds_and_repeat(seed: str, first: int, more: int) -> None:
    once, again = Draws(seed, "x"), Draws(seed, "x")
    for _ in range(5):
        drawn = once.number(first, first + more)
        assert first <= drawn <= first + more
        assert again.number(first, first + more) == drawn


@given(st.text(), st.sampled_from(month_range(CutoffMonth(2024, 1), CutoffMonth(2026, 12))))
@settings(max_examples=10)
def test_the_books_are_under_the_contracts_of_the_extracts(seed: str, month: CutoffMonth) -> None:
    companies = small_books(seed, replace(RULES, month=month), ACCOUNTS).companies
    specs = {**{name: extract.contract for name, extract in CONTRACTS.items()}, "jdash": JDASH}
    for name, table in tables(companies, specs, month).items():
        spec = specs[name]
        assert table.schema.equals(spec.arrow_schema)
        for column in spec.columns:
            values = table[column.name]
            assert column.nullable or not values.null_count, (name, column.name)
            assert column.allowed is None or set(values.to_pylist()) - {None} <= set(column.allowed)
        twice = table.num_rows - table.select(list(spec.key)).group_by(list(spec.key)).aggregate([]).num_rows
        # Two rates of a company are planted; that is a repeated key.
        assert twice == (name == "cr_05"), name
        if isinstance(spec, Contract) and spec.date_rule is not None:
            last = pc.max(table[spec.date_rule.column]).as_py()
            assert last is None or last < the_day_after(last, month), (name, last)
    written = {
        column for company in companies for rows in company.rows.values() for row in rows for column in row
    }
    assert written <= {column.name for spec in specs.values() for column in spec.columns}


def the_day_after(like: Any, month: CutoffMonth) -> Any:  # noqa: ANN401 - a date or a moment
    """Give the first day after the month, as a date or as its midnight."""
    parameters = month.parameters()
    return parameters["next_month_start"] if hasattr(like, "hour") else month.next_month_start


def test_the_accounts_of_the_books_are_those_of_the_control() -> None:
    held = {each.extract: (set(each.accounts), each.sign) for each in HELD}
    assert held == {line.target.extract: (set(line.accounts), line.sign) for line in LINES.lines}
    assert {account for accounts, _ in held.values() for account in accounts} == set(ACCOUNTS)


# Any seed, any month, any scope


@given(
    seed=st.text(alphabet="0123456789abcdef", min_size=64, max_size=64),
    month=st.sampled_from(month_range(CutoffMonth(2024, 1), CutoffMonth(2026, 12))),
)
@settings(max_examples=examples(2))
def test_for_any_seed_everything_planted_is_found_and_nothing_else(seed: str, month: CutoffMonth) -> None:
    assert wrong(control_effectiveness(seed, replace(RULES, month=month), ACCOUNTS)) == {}


@pytest.mark.parametrize(
    "accounts",
    [("18412",), pytest.param(("13003", "13001", "13002", "18317"), marks=soak)],
)
def test_in_a_narrower_scope_its_lines_alone_are_planted_on(accounts: tuple[str, ...]) -> None:
    rules = replace(RULES, lines=LINES.within(accounts))
    found = control_effectiveness("a seed", rules, accounts)
    assert wrong(found) == {}
    assert {row["line"] for row in found.to_pylist()} == {None, *(line.line for line in rules.lines.lines)}
    assert looked_at(found, rules).passed


# What no longer works


def without_a_pass() -> Circumstances:
    """Give a matching file whose collections are no longer linked: it can be read, and looks like any other."""
    said = MATCHING.model_dump()
    for line in said["lines"]:
        line["passes"] = tuple(name for name in line["passes"] if name != "linked")
    return replace(RULES, matching=Matching.model_validate(said, context=LINES))


def with_zeros_too_many() -> Circumstances:
    """Give a thresholds file whose default is 1,000,000 USD where 1,000 was meant."""
    said = THRESHOLDS.model_dump(by_alias=True)
    for rule in said["rules"]:
        if (rule["country"], rule["type"]) == ("default", "bucket"):
            rule["usd"] = Decimal(1_000_000)
    return replace(RULES, thresholds=Thresholds.model_validate(said))


def without_a_cause() -> Circumstances:
    """Give a matching file that no longer knows what came after the close."""
    said = MATCHING.model_dump()
    said["causes"] = [rule for rule in said["causes"] if rule["cause"] != "posted after the close"]
    return replace(RULES, matching=Matching.model_validate(said, context=LINES))


def with_all_vouchers() -> Circumstances:
    """Give a lines file in which every voucher counts, redeemable or not."""
    said = LINES.model_dump()
    for line in said["lines"]:
        if line["line"] == "voucher_liability":
            line["target"]["rows"] = "all"
    return replace(RULES, lines=type(LINES).model_validate(said))


def test_a_matching_file_that_forgot_a_pass_raises_false_alarms_in_sound_books() -> None:
    found = control_effectiveness("a seed", without_a_pass(), ACCOUNTS)
    said = looked_at(found)
    assert not said.passed
    assert said.severity == "ERROR"
    assert (said.figures["missed"], said.figures["false_alarms"]) == (0, 3)
    assert {kind for kind, _ in wrong(found)} == {"nothing planted"}
    assert "open_items collections_ar never posted" in said.figures["listed"][0]["beside"]


def test_a_thresholds_file_with_zeros_too_many_misses_what_it_lets_pass() -> None:
    rules = with_zeros_too_many()
    found = control_effectiveness("a seed", rules, ACCOUNTS)
    missed = wrong(found)
    assert not looked_at(found, rules).passed
    for line in LINES.lines:
        assert "VARIANCE_DETECTED" in missed["posted twice", line.line]["missed_by"]
        assert (
            missed["posted twice", line.line]["found_by"] == "open_items, reconciliation.country_materiality"
        )


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        pytest.param(without_a_cause, "posted late", marks=soak),
        pytest.param(with_all_vouchers, "nothing planted", marks=soak),
    ],
)
def test_other_rule_files_that_look_right_and_are_wrong_are_told(rules: Any, kind: str) -> None:  # noqa: ANN401
    found = control_effectiveness("a seed", rules(), ACCOUNTS)
    assert kind in {kind for kind, _ in wrong(found)}
    assert not looked_at(found).passed


def test_a_rule_that_loses_rows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is lost had met its counterpart, so that no open item tells of it."""
    losing = f"{open_item_matches._FINAL}\nWHERE NOT (matched_by = 'linked' AND side = 'TARGET')"  # noqa: SLF001
    monkeypatch.setattr(open_item_matches, "_FINAL", losing)
    found = control_effectiveness("a seed", RULES, ACCOUNTS)
    assert not looked_at(found).passed
    sound = [row for row in found.to_pylist() if not row["planted"]]
    assert all("open_items.items_add_up" in row["found_by"] for row in sound)


# The month


def test_a_closed_month_has_it_seeded_by_its_extracts_and_the_check_passes(closed: Closed) -> None:
    hashes = {name: closed.metadata(name)["sha256"] for name in SEEDING}
    assert closed.metadata("control_effectiveness")["seed"] == seed_of(hashes)
    again = control_effectiveness(seed_of(hashes), replace(RULES, month=SEPTEMBER), ACCOUNTS)
    assert closed.rows("control_effectiveness") == again.to_pylist()
    evaluation = closed.evaluations("control_effectiveness")["every_planted_fault_found"]
    assert evaluation.passed
    counted = [evaluation.metadata[name].value for name in ("planted", "detected", "missed", "false_alarms")]
    planted = sum(row["planted"] for row in closed.rows("control_effectiveness"))
    assert counted == [planted, planted, 0, 0]
    (result,) = [row for row in closed.rows("check_results") if row["asset"] == "control_effectiveness"]
    assert result["passed"]


def test_a_month_closed_for_one_company_has_it_too(narrowed: Closed) -> None:
    assert narrowed.evaluations("control_effectiveness")["every_planted_fault_found"].passed
